"""A day at the desk in a real browser: reading, writing, taking back, two people at once, a server that restarts, keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from helpdesk.actions.conversation import note
from helpdesk.models import Actor, Draft, Message, OutgoingMail, Ticket
from tests.browser.desk import Desk, another_person, complaints_of
from tests.factories import make_ticket

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of the agent of team A."""
    return desk.signed_in(browser_context, desk.world.agent)


def test_a_reply_is_written_sent_by_key_and_taken_back(desk: Desk, sara: Page) -> None:
    heard = complaints_of(sara)
    sara.goto(f"{desk.origin}/inbox/team/")
    sara.get_by_role("link", name="The dock does not charge").click()
    expect(sara.locator("#subject")).to_have_text("The dock does not charge")
    expect(sara).to_have_url(f"{desk.origin}/tickets/{desk.world.ticket.number}/?in=team")
    expect(sara.locator("#recipients .chip")).to_contain_text("ann@shop.example")
    sara.locator("#text-reply").fill("Please try another cable.")
    sara.locator("#text-reply").press("Control+Enter")
    expect(sara.locator("#timeline .msg--agent")).to_contain_text("Please try another cable.")
    expect(sara.locator("#text-reply")).to_have_value("")
    expect(sara.locator("#pick-status-s")).to_contain_text("Waiting for the customer")
    sara.locator(".toast").get_by_role("button", name="Undo").click()
    expect(sara.locator("#text-reply")).to_have_value("Please try another cable.")
    expect(sara.locator("#timeline .msg--agent")).to_contain_text("Taken back")
    assert OutgoingMail.objects.get().state == OutgoingMail.State.CANCELLED
    assert heard == []


def test_a_draft_is_kept_by_itself_and_found_after_a_crash(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#tab-note").click()
    sara.locator("#text-note").press_sequentially("A thought of mine")
    expect(sara.locator("#draft-hint")).to_contain_text("Saved")
    assert Draft.objects.get().text == "A thought of mine"
    sara.close()
    again = sara.context.new_page()
    desk.open_ticket(again, desk.world.ticket.number)
    expect(again.locator("#text-note")).to_have_value("A thought of mine")
    expect(again.locator("#compose")).to_have_attribute("data-mode", "note")


def test_a_colleagues_note_appears_by_itself_and_leaves_my_words_alone(
    desk: Desk, sara: Page, browser: Browser
) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#text-reply").fill("Half a senten")
    with another_person(browser) as context:
        lea = desk.signed_in(context, desk.world.lead)
        desk.open_ticket(lea, desk.world.ticket.number)
        lea.locator("#tab-note").click()
        lea.locator("#text-note").fill("I called her.")
        lea.get_by_role("button", name="Add note").click()
        expect(lea.locator("#timeline .msg--note")).to_contain_text("I called her.")
        expect(sara.locator("#timeline .msg--note")).to_contain_text("I called her.")
        expect(sara.locator("#text-reply")).to_have_value("Half a senten")
        expect(sara.locator("#jump")).to_have_text("1 new message")
        sara.locator("#text-reply").press("Control+Enter")
        expect(sara.locator("#composer-alert")).to_contain_text("Something new was written")
        assert not OutgoingMail.objects.exists()
        sara.get_by_role("button", name="Send anyway").click()
        expect(sara.locator("#timeline .msg--agent")).to_contain_text("Half a senten")
    assert OutgoingMail.objects.count() == 1


def test_a_new_ticket_enters_the_list_by_itself_when_nobody_is_at_it(desk: Desk, sara: Page, browser: Browser) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    second = make_ticket(desk.world.queue_a, subject="A second one")
    with another_person(browser) as context:
        lea = desk.signed_in(context, desk.world.lead)
        desk.open_ticket(lea, second.number)
        lea.locator("#pick-owner-s").click()
        lea.get_by_role("button", name="Take it").click()
        expect(sara.locator("#rows")).to_contain_text("A second one")
        expect(sara.locator("#subject")).to_have_text("The dock does not charge")


def test_after_a_restart_of_the_server_the_page_is_right_again(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#text-reply").fill("Written through a restart")
    desk.stop()
    expect(sara.locator("#connection")).to_be_visible()
    note(ticket=desk.world.ticket, actor=Actor.of(desk.world.lead), text="While you were away")
    desk.start()
    expect(sara.locator("#connection")).to_be_hidden(timeout=20_000)
    expect(sara.locator("#timeline .msg--note")).to_contain_text("While you were away")
    expect(sara.locator("#text-reply")).to_have_value("Written through a restart")


def test_keys_move_open_and_write_and_rest_while_typing(desk: Desk, sara: Page) -> None:
    other = make_ticket(desk.world.queue_a, subject="Second in the list")
    sara.goto(f"{desk.origin}/inbox/team/")
    sara.keyboard.press("j")
    sara.keyboard.press("j")
    sara.keyboard.press("o")
    expect(sara.locator("#subject")).to_have_text("Second in the list")
    sara.keyboard.press("i")
    expect(sara.locator("#pick-owner-s")).to_contain_text("You")
    sara.keyboard.press("n")
    expect(sara.locator("#text-note")).to_be_focused()
    sara.keyboard.type("je e!")
    expect(sara.locator("#text-note")).to_have_value("je e!")
    sara.keyboard.press("Escape")
    sara.keyboard.press("?")
    expect(sara.locator("#help")).to_be_visible()
    sara.keyboard.press("Escape")
    expect(sara.locator("#help")).to_be_hidden()
    sara.keyboard.press("e")
    expect(sara.locator("#talk-head")).to_have_attribute("data-status", "resolved")
    assert Ticket.objects.get(pk=other.pk).owner == desk.world.agent


def test_files_are_chosen_dropped_from_the_draft_and_sent(desk: Desk, sara: Page, tmp_path: Path) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("one")
    second.write_text("two")
    sara.locator("#attach").set_input_files([first, second])
    expect(sara.locator("#uploads .file")).to_have_count(2)
    sara.get_by_role("button", name="Remove second.txt").click()
    expect(sara.locator("#uploads .file")).to_have_count(1)
    sara.locator("#text-reply").fill("See the file")
    sara.locator("#send").click()
    expect(sara.locator("#timeline .msg--agent .file")).to_contain_text("first.txt")
    assert [a.name for a in Message.objects.get(text="See the file").attachments.all()] == ["first.txt"]


def test_recipients_are_removed_and_added_and_a_bad_one_is_named(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#to-new").fill("no address")
    sara.locator("#to-new").press("Enter")
    expect(sara.locator("#to-error")).to_contain_text("not a mail address")
    sara.locator("#to-new").fill("boss@shop.example")
    sara.locator("#to-new").press("Enter")
    expect(sara.locator("#recipients .chip")).to_have_count(2)
    sara.locator("#text-reply").fill("To both")
    sara.locator("#text-reply").press("Control+Enter")
    expect(sara.locator("#timeline .msg--agent")).to_contain_text("To both")
    assert [(r["kind"], r["email"]) for r in Message.objects.get(text="To both").recipients] == [
        ("to", "ann@shop.example"),
        ("cc", "boss@shop.example"),
    ]


def test_sending_waits_for_a_draft_on_its_way_so_that_it_does_not_come_back(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)

    def late(route: Route) -> None:
        sara.wait_for_timeout(700)
        route.continue_()

    sara.route("**/draft/", late)
    sara.locator("#text-reply").press_sequentially("Soon sent")
    expect(sara.locator("#draft-hint")).to_contain_text("Saving")
    with sara.expect_request("**/draft/"):
        pass
    sara.locator("#text-reply").press("Control+Enter")
    expect(sara.locator("#timeline .msg--agent")).to_contain_text("Soon sent")
    sara.wait_for_timeout(900)
    assert not Draft.objects.exists()
