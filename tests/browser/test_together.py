"""Two people at the desk in two browsers: seen, typing, colliding, told, offline and back; heartbeats find lost doorbells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from helpdesk import realtime
from helpdesk.actions.conversation import note
from helpdesk.models import Actor, Notification, OutgoingMail, Ticket, TicketRead
from tests.browser.desk import Desk, another_person, complaints_of
from tests.factories import make_ticket

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of the agent of team A."""
    return desk.signed_in(browser_context, desk.world.agent)


@pytest.fixture
def lea(desk: Desk, browser: Browser) -> Iterator[Page]:
    """The browser of her lead."""
    with another_person(browser) as context:
        yield desk.signed_in(context, desk.world.lead)


def _fresh(desk: Desk) -> Ticket:
    return Ticket.objects.get(pk=desk.world.ticket.pk)


def test_one_sees_the_other_come_type_and_go(desk: Desk, sara: Page, lea: Page) -> None:
    heard = complaints_of(sara)
    number = desk.world.ticket.number
    desk.open_ticket(sara, number)
    lea.goto(f"{desk.origin}/inbox/team/")
    lea.wait_for_selector("html[data-line=open]")
    badge = lea.locator(f"#viewers-{number} .row__viewer")
    expect(badge).to_have_attribute("data-mode", "viewing")
    expect(badge).to_have_attribute("title", "Sara Agent is looking at it")
    desk.open_ticket(lea, number)
    face = sara.locator("#viewers .avatar")
    expect(face).to_have_attribute("title", "Lea Lead is here")
    lea.locator("#text-reply").press_sequentially("Dear Ann")
    expect(sara.locator("#viewers .avatar--typing")).to_have_attribute("title", "Lea Lead is writing")
    expect(sara.locator(f"#viewers-{number} [data-mode=replying]")).to_be_visible()
    expect(sara.locator("#viewers .avatar--typing")).to_have_count(0, timeout=12_000)
    lea.goto(f"{desk.origin}/inbox/team/")
    expect(sara.locator("#viewers .avatar")).to_have_count(0)
    assert heard == []


def test_sending_over_something_unseen_stops_and_shows_it(desk: Desk, sara: Page, lea: Page) -> None:
    number = desk.world.ticket.number
    desk.open_ticket(sara, number)
    desk.open_ticket(lea, number)
    sara.locator("#text-reply").fill("It leaves on Monday.")
    lea.locator("#tab-note").click()
    lea.locator("#text-note").fill("Do not promise a day.")
    lea.locator("#send-note").click()
    expect(sara.locator("#jump")).to_have_text("1 new message")
    place = sara.locator("#text-reply").bounding_box()
    sara.locator("#text-reply").press("Control+Enter")
    difference = sara.locator("#composer-alert .unseen")
    expect(difference).to_contain_text("Do not promise a day.")
    expect(difference).to_contain_text("Lea Lead")
    assert not OutgoingMail.objects.exists()
    sara.locator("#unseen-review").click()
    expect(sara.locator("#composer-alert")).to_be_empty()
    assert sara.locator("#text-reply").bounding_box() == place
    expect(sara.locator("#text-reply")).to_have_value("It leaves on Monday.")
    sara.locator("#text-reply").press("Control+Enter")
    expect(sara.locator("#timeline .msg--agent")).to_contain_text("It leaves on Monday.")
    lea.locator("#tab-note").click()
    lea.locator("#text-note").fill("Did you see that?")
    lea.locator("#send-note").click()
    expect(lea.locator("#composer-alert .unseen")).to_contain_text("It leaves on Monday.")
    lea.locator("#composer-alert").get_by_role("button", name="Send anyway").click()
    expect(lea.locator("#timeline .msg--note").last).to_contain_text("Did you see that?")


def test_a_mention_is_told_answered_and_read_on_both_devices(
    desk: Desk, sara: Page, lea: Page, browser: Browser
) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    with another_person(browser) as context:
        phone = desk.signed_in(context, desk.world.lead)
        for page in (lea, phone):
            page.goto(f"{desk.origin}/inbox/team/")
            page.wait_for_selector("html[data-line=open]")
        sara.locator("#colleagues > summary").click()
        sara.get_by_role("button", name="Lea Lead").click()
        expect(sara.locator("#text-note")).to_be_focused()
        expect(sara.locator("#text-note")).to_have_value("@Lea Lead ")
        sara.locator("#text-note").press_sequentially("is the cable recalled?")
        sara.locator("#send-note").click()
        for page in (lea, phone):
            expect(page.locator("#bell-count")).to_contain_text("1")
            expect(page).to_have_title("(1) All to do · Helpdesk")
        lea.locator("#bell > summary").click()
        told = lea.locator(".told")
        expect(told).to_contain_text("is the cable recalled?")
        told.get_by_text("Answer", exact=True).click()
        told.get_by_role("textbox").fill("Yes, since May.")
        told.get_by_role("textbox").press("Control+Enter")
        expect(sara.locator("#timeline .msg--note").last).to_contain_text("@Sara Agent Yes, since May.")
        expect(sara.locator("#bell-count")).to_contain_text("1")
        sara.locator("#jump").click()
        expect(sara.locator("#bell-count")).to_be_hidden()  # read with the ticket
        for page in (lea, phone):
            expect(page.locator("#bell-count")).to_be_hidden()
            expect(page).to_have_title("All to do · Helpdesk")
    assert Notification.objects.filter(user=desk.world.lead, read_at=None).count() == 0


def test_a_dot_goes_when_the_ticket_is_read_and_comes_by_key(desk: Desk, sara: Page) -> None:
    number = desk.world.ticket.number
    other = make_ticket(desk.world.queue_a, subject="Not opened")
    sara.goto(f"{desk.origin}/inbox/team/")
    row = sara.locator(f"#row-{number}")
    expect(row.locator(".row__dot")).to_be_visible()
    with sara.expect_response("**/read/"):
        row.get_by_role("link").click()
    expect(row.locator(".row__dot")).to_be_hidden()
    expect(sara.locator(f"#row-{other.number} .row__dot")).to_be_visible()
    desk.settle()
    assert TicketRead.objects.get(user=desk.world.agent).seq == _fresh(desk).seq
    sara.keyboard.press("Shift+U")
    expect(row.locator(".row__dot")).to_be_visible()
    sara.keyboard.press("s")
    expect(sara.locator("#do-star")).to_have_attribute("aria-pressed", "true")


def test_a_ticket_opens_at_the_first_message_not_read_yet(desk: Desk, sara: Page) -> None:
    lea = Actor.of(desk.world.lead)
    for n in range(12):
        note(ticket=_fresh(desk), actor=lea, text=f"Old words {n}.\n" + "line\n" * 6)
    desk.open_ticket(sara, desk.world.ticket.number)
    with sara.expect_response("**/read/"):
        pass
    sara.goto(f"{desk.origin}/inbox/team/")
    for n in range(8):
        note(ticket=_fresh(desk), actor=lea, text=f"New words {n}.\n" + "line\n" * 6)
    desk.open_ticket(sara, desk.world.ticket.number)

    expect(sara.get_by_text("New words 0.").first).to_be_in_viewport()
    expect(sara.get_by_text("New words 7.")).not_to_be_in_viewport()
    expect(sara.locator("#timeline .msg[data-unread]")).to_have_count(8)


def test_lost_doorbells_are_found_out_within_seconds(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    expect(sara.locator("#line .line__words")).to_have_text("Live")
    with realtime.silent():
        note(ticket=_fresh(desk), actor=Actor.of(desk.world.lead), text="Nobody rang for this.")
        second = make_ticket(desk.world.queue_a, subject="Came silently")
    expect(sara.locator("#timeline .msg--note")).to_contain_text("Nobody rang for this.", timeout=5_500)
    expect(sara.locator(f"#row-{second.number}, #list-news:visible")).to_be_visible(timeout=5_500)


def test_offline_and_back_the_page_says_so_and_catches_up(
    desk: Desk, sara: Page, browser_context: BrowserContext
) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#text-reply").fill("Typed before the tunnel")
    desk.stop()
    browser_context.set_offline(True)
    expect(sara.locator("#line .line__words")).to_have_text("Offline")
    expect(sara.locator("#connection")).to_contain_text("offline")
    note(ticket=_fresh(desk), actor=Actor.of(desk.world.lead), text="Written in the tunnel.")
    browser_context.set_offline(False)
    expect(sara.locator("#line .line__words")).to_have_text("Not connected")
    expect(sara.locator("#connection-count")).to_contain_text("Next try in")
    desk.start()
    expect(sara.locator("#timeline .msg--note")).to_contain_text("Written in the tunnel.", timeout=8_000)
    expect(sara.locator("#line .line__words")).to_have_text("Live")
    expect(sara.locator("#connection")).to_be_hidden()
    expect(sara.locator("#text-reply")).to_have_value("Typed before the tunnel")
