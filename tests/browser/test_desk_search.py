"""The search box in a browser: suggestions by keyboard and by mouse, hits marked, operators told in sentences, a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.desk import Desk, complaints_of
from tests.factories import make_customer, make_ticket

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def page(desk: Desk, browser_context: BrowserContext) -> Page:
    """Sara's desk, with a ticket about a sprocket."""
    customer = make_customer("hanna@wolff.example", "Hanna Wolff")
    make_ticket(desk.world.queue_a, customer, subject="Sprocket worn", text="The left sprocket is worn out.")
    return desk.log_in(browser_context, desk.world.agent)


def test_suggestions_are_walked_by_arrows_closed_by_escape_and_opened_by_enter(page: Page) -> None:
    complaints = complaints_of(page)
    page.keyboard.press("/")
    box, options = page.locator("#find"), page.locator("#find-list [role=option]")
    box.press_sequentially("sproc")
    expect(options).to_have_count(2)
    expect(box).to_have_attribute("aria-expanded", "true")

    box.press("Escape")
    expect(page.locator("#find-list")).to_be_hidden()
    expect(box).to_be_focused()

    box.press("ArrowDown")
    expect(options.first).to_be_visible()
    box.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", "find-option-0")
    box.press("Enter")
    expect(page.locator("#talk-head")).to_contain_text("Sprocket worn")
    assert complaints == []


def test_enter_searches_and_marks_the_hits(page: Page) -> None:
    page.keyboard.press("/")
    page.locator("#find").fill("left sprocket")
    page.locator("#find").press("Enter")

    expect(page.locator("#rows .row mark")).to_have_text(["Sprocket", "left", "sprocket"])
    expect(page.locator("#find-list")).to_be_hidden()


def test_a_customer_is_found_by_the_mouse(page: Page) -> None:
    page.locator(".nav__seek").click()
    page.keyboard.type("hanna@wo")
    page.get_by_role("option", name="Hanna Wolff").click()

    expect(page).to_have_url(re.compile("/customers/"))
    expect(page.locator("body")).to_contain_text("Sprocket worn")


def test_an_unknown_operator_and_nothing_found_say_what_to_do(page: Page) -> None:
    page.keyboard.press("/")
    page.locator("#find").fill("sprocket after:soon tag:nowhere")
    page.locator("#find").press("Enter")

    expect(page.locator("#found")).to_contain_text("“soon” is not a date")
    expect(page.locator("#found")).to_contain_text("There is no tag “nowhere”")
    expect(page.locator("#rows .empty")).to_contain_text("from:ann")


def test_the_help_beside_the_box_opens_by_keyboard(page: Page) -> None:
    page.locator("#find").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator("#find-help .find__words")).to_be_visible()


def test_a_phone_searches_too(desk: Desk, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("button", name="Views").click()
    page.locator("#find").fill("sprocket")
    page.locator("#find").press("Enter")

    expect(page.locator("#rows .row mark").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
