"""What a person makes his own at the desk: keys of his, macros of his, and a call he writes down."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpdesk.actions.desk_settings import keep_desk_settings
from helpdesk.models import Macro, Ticket, User
from tests.browser.desk import Desk, complaints_of

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of the agent of team A, whose key for resolving is `y` and who has none for spam."""
    keep_desk_settings(
        user=User.objects.get(pk=desk.world.agent.pk), changes={"keys": {"resolve": "y", "spam": "", "macro-1": "h"}}
    )
    return desk.log_in(browser_context, desk.world.agent)


def test_menus_show_the_keys_as_the_person_has_set_them(desk: Desk, sara: Page) -> None:
    Macro.objects.create(name="Cable", steps=[{"do": "assign_me"}])
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#pick-status-s").click()
    menu = sara.locator("#pick-status .menu")
    expect(menu.locator('[data-cap="resolve"]')).to_have_text("y")
    expect(menu.locator('[data-cap="spam"]')).to_have_text("")
    sara.keyboard.press("Escape")
    sara.locator("#pick-macro > summary").click()
    expect(sara.locator("#macro-menu [data-cap]")).to_have_text("h")
    sara.keyboard.press("Escape")
    sara.locator("#subject").click()
    sara.keyboard.press("e")
    sara.keyboard.press("y")
    expect(sara.locator("#pick-status-s")).to_contain_text("Resolved")


def test_a_macro_written_at_the_desk_is_previewed_and_run_by_its_key(desk: Desk, sara: Page) -> None:
    heard = complaints_of(sara)
    with sara.expect_response("**/read/"):  # the preview is of the ticket read last
        desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#pick-macro > summary").click()
    sara.get_by_role("link", name="Your macros").click()
    sara.get_by_label("Name", exact=True).fill("Cable")
    steps = sara.locator(".steps__row")
    steps.nth(0).get_by_label("Step 1").select_option("add_tags")
    expect(steps.nth(0).get_by_label("Status")).to_be_hidden()
    steps.nth(0).get_by_label("Tags, with commas between").fill("cable")
    sara.get_by_role("button", name="Another step").click()
    steps.last.get_by_role("combobox").first.select_option("assign_me")
    sara.get_by_role("button", name="Keep").click()
    expect(sara.locator(".steps__plan li")).to_have_text(["Add the tags cable.", "Take the ticket."])
    assert not Ticket.objects.get(pk=desk.world.ticket.pk).tags.exists()

    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#subject").click()
    sara.keyboard.press("h")
    expect(sara.locator("#run-macro")).to_be_focused()
    sara.keyboard.press("Enter")
    expect(sara.locator(".talk__tags")).to_contain_text("cable")
    assert heard == []


def test_a_call_is_written_down_by_keys_alone(desk: Desk, sara: Page) -> None:
    heard = complaints_of(sara)
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#subject").click()
    sara.keyboard.press("c")
    expect(sara.locator("#customer-q")).to_be_focused()
    sara.wait_for_selector("html[data-line=open]")  # its scripts are there
    sara.keyboard.type("ann")
    sara.get_by_role("radio", name="Ann Example").check()
    sara.get_by_label("Subject").fill("She called")
    sara.get_by_label("What the customer said").fill("It hums.")
    sara.get_by_role("button", name="Open the ticket").click()
    expect(sara).to_have_url(re.compile(r"/tickets/\d+/$"))
    expect(sara.locator("#timeline")).to_contain_text("It hums.")
    expect(sara.locator("#pick-owner-s")).to_contain_text("You")
    assert Ticket.objects.get(subject="She called").channel == "phone"
    assert heard == []


def test_selected_tickets_get_their_priority_and_tag_by_keys(desk: Desk, sara: Page) -> None:
    sara.goto(f"{desk.origin}/inbox/team/")
    sara.wait_for_selector("html[data-line=open]")
    sara.keyboard.press("j")
    sara.keyboard.press("x")
    expect(sara.locator("#bulk-priority")).to_be_attached()
    sara.keyboard.press("p")
    expect(sara.locator("#bulk-priority")).to_be_focused()
    sara.locator("#bulk-priority").select_option("4")
    sara.get_by_role("button", name="Set", exact=True).click()
    expect(sara.locator(".toast")).to_contain_text("1 changed")
    assert Ticket.objects.get(pk=desk.world.ticket.pk).priority == 4
    sara.keyboard.press("z")
    expect(sara.locator(".toast").last).to_contain_text("taken back")
    assert Ticket.objects.get(pk=desk.world.ticket.pk).priority == 2
