"""The command bar: opened by its key from anywhere, driven by arrows, told to a screen reader."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.desk import Desk, complaints_of

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of the agent of team A."""
    return desk.signed_in(browser_context, desk.world.agent)


def test_a_customers_ticket_is_found_by_name_from_within_a_half_written_reply(desk: Desk, sara: Page) -> None:
    heard = complaints_of(sara)
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#text-reply").fill("Half a senten")
    sara.keyboard.press("Control+k")
    field = sara.get_by_role("combobox", name="A ticket, a customer")
    expect(field).to_be_focused()
    sara.keyboard.type("a")
    option = sara.locator("#command-list [role=option]", has_text="Ann Example").first
    expect(option).to_be_visible()
    chosen = field.get_attribute("aria-activedescendant")
    assert chosen is not None
    expect(sara.locator(f"#{chosen}")).to_have_attribute("aria-selected", "true")
    sara.keyboard.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") != chosen
    sara.keyboard.press("Escape")
    expect(sara.locator("#command")).to_be_hidden()
    expect(sara.locator("#text-reply")).to_be_focused()
    expect(sara.locator("#text-reply")).to_have_value("Half a senten")
    expect(sara.locator("#draft-hint")).to_contain_text("Saved")
    assert heard == []


def test_an_action_and_a_view_are_done_by_their_words(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.keyboard.press("Control+k")
    sara.keyboard.type("take it")
    sara.keyboard.press("Enter")
    expect(sara.locator("#pick-owner-s")).to_contain_text("You")
    sara.keyboard.press("Control+k")
    sara.keyboard.type("unassig")
    expect(sara.locator("#command-list [aria-selected=true]")).to_contain_text("Unassigned")
    sara.keyboard.press("Enter")
    expect(sara).to_have_url(f"{desk.origin}/inbox/unassigned/")


def test_empty_it_offers_the_tickets_read_last_and_a_number_leads_to_its_ticket(desk: Desk, sara: Page) -> None:
    sara.goto(f"{desk.origin}/inbox/team/")
    sara.keyboard.press("Control+k")
    expect(sara.locator("#command-list [role=group]").first).to_contain_text("The dock does not charge")
    sara.keyboard.type(str(desk.world.ticket.number))
    expect(sara.locator("#command-list [aria-selected=true]")).to_contain_text("The dock does not charge")
    sara.keyboard.press("Enter")
    expect(sara.locator("#subject")).to_have_text("The dock does not charge")


def test_by_mouse_it_opens_from_the_menu_and_shows_nothing_of_another_team(desk: Desk, sara: Page) -> None:
    sara.goto(f"{desk.origin}/inbox/team/")
    sara.locator("#me > summary").click()
    sara.get_by_role("button", name="Find or do anything").click()
    sara.keyboard.type(str(desk.world.foreign.number))
    expect(sara.locator(".command__empty")).to_be_visible()
    expect(sara.locator("#command-list [role=option]")).to_have_count(0)
