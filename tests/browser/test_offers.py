"""Offers and the state bar in real browsers: an offer comes up and is gone everywhere once answered, keys, wrap-up, break."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from channels.layers import channel_layers
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, expect

from demo.browsing import WebProcess
from helpdesk.actions.conversation import reply
from helpdesk.channel_layer import PostgresNotifyLayer
from helpdesk.models import Actor, Ticket
from helpdesk.now import now
from routing.actions.agents import set_agent_state
from routing.actions.breaks import decide_break
from routing.models import AgentPresence, AgentState, Assignment, BreakRequest, Disposition, NotReadyReason, Offer
from routing.router import Router
from tests.browser.desk import Desk, another_person, complaints_of
from tests.factories import make_ticket
from tests.processes import database_url
from tests.routing.people import make_offering

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("offers"),  # one web process of this module, not one in each process of the suite
]


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """A web process of this module, whose doorbells come through the database: what happens in this process rings there."""
    env = {
        "HELPDESK_ENV": "demo",
        "HELPDESK_DEBUG": "1",
        "DATABASE_URL": database_url(),
        "HELPDESK_SECRET_KEY": settings.SECRET_KEY,
    }
    process = WebProcess(tmp_path_factory.mktemp("offers"), env)
    yield process
    process.stop()


@pytest.fixture(autouse=True)
def doorbells(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process rings through the database too."""
    monkeypatch.setitem(channel_layers.backends, "default", PostgresNotifyLayer())


def _offered(desk: Desk, subject: str) -> Ticket:
    """A contact of the agent's queue, offered by the dispatcher's turn."""
    ticket = make_ticket(desk.world.queue_a, subject=subject)
    Router().turn()
    return ticket


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Page:
    """The agent of team A, ready, at her list; only what is made after this is offered to her."""
    make_offering(desk.world.queue_a, offer_seconds=60)
    user = desk.world.agent
    set_agent_state(user=user, actor=Actor.of(user), state=AgentState.READY)
    page = desk.signed_in(browser_context, user)
    page.goto(f"{desk.origin}/inbox/team/")
    page.wait_for_selector("html[data-line=open]")
    expect(page.locator("#my-state-s")).to_contain_text("Ready")
    return page


@pytest.fixture
def phone(desk: Desk, sara: Page, browser: Browser) -> Iterator[Page]:
    """Another browser of hers."""
    with another_person(browser) as context:
        page = desk.log_in(context, desk.world.agent)
        page.wait_for_selector("html[data-line=open]")
        yield page


def test_an_offer_comes_up_everywhere_rings_in_one_tab_and_is_gone_everywhere_once_accepted(
    desk: Desk, sara: Page, browser_context: BrowserContext, phone: Page
) -> None:
    heard = complaints_of(sara)
    other = browser_context.new_page()
    other.goto(f"{desk.origin}/customers/")
    expect(other.locator("#my-state-s")).to_contain_text("Ready")
    other.wait_for_selector("html[data-line=open]")

    ticket = _offered(desk, "Dock does not charge")

    for page in (sara, other, phone):
        expect(page.locator(".offer")).to_contain_text("Dock does not charge")
        expect(page.locator("#offer-said")).to_contain_text("New offer: Mail from")
    expect(sara.locator(".offer")).to_contain_text("You are the only one free who may take it.")
    sara.wait_for_timeout(800)
    rang = [page.locator("#offer-tray").get_attribute("data-rang") for page in (sara, other)]
    assert len([one for one in rang if one]) == 1
    sara.locator("[data-key=accept-offer]").click()
    expect(sara.locator("#subject")).to_have_text("Dock does not charge")
    assert other.evaluate("document.getElementById('my-state').open = true")
    expect(other.get_by_role("button", name="Offline")).to_be_in_viewport()
    other.keyboard.press("Escape")  # an open menu is not drawn anew under the hand, a closed one is
    expect(sara).to_have_url(f"{desk.origin}/tickets/{ticket.number}/")
    for page in (sara, other, phone):
        expect(page.locator(".offer")).to_have_count(0)
        expect(page.locator("#my-state-s")).to_contain_text("On contacts")
    assert heard == []
    desk.settle()
    ticket.refresh_from_db()
    assert ticket.owner == desk.world.agent


def test_an_offer_is_answered_by_keys_while_one_writes_and_in_a_dialog(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#text-reply").fill("I look it up")
    _offered(desk, "First")
    expect(sara.locator(".offer")).to_contain_text("First")
    expect(sara.locator("#text-reply")).to_be_focused()  # it never takes the focus
    sara.keyboard.press("Control+Shift+D")
    expect(sara.locator(".offer")).to_have_count(0)
    expect(sara.locator("#text-reply")).to_have_value("I look it up")
    desk.settle()
    assert Offer.objects.get().state == Offer.State.DECLINED
    sara.keyboard.press("Control+k")
    second = _offered(desk, "Second")
    expect(sara.locator("dialog .offer")).to_contain_text("Second")  # not under it
    sara.keyboard.press("Control+Shift+A")
    expect(sara.locator("#subject")).to_have_text("Second")
    expect(sara.locator("#command")).to_be_hidden()
    desk.settle()
    second.refresh_from_db()
    assert second.owner == desk.world.agent


def test_a_gone_offer_says_so_and_goes_by_itself(desk: Desk, sara: Page) -> None:
    _offered(desk, "Too late")
    expect(sara.locator(".offer")).to_contain_text("Too late")
    Offer.objects.update(expires_at=now() - timedelta(seconds=1))
    sara.locator("[data-key=accept-offer]").click()
    expect(sara.locator(".toast")).to_contain_text("This offer is over")
    expect(sara.locator(".offer[data-state=gone]")).to_contain_text("Missed")
    expect(sara.locator(".offer")).to_have_count(0)


def test_a_wrap_up_is_seen_with_its_clock_and_done_with_an_outcome(desk: Desk, sara: Page) -> None:
    Disposition.objects.create(name="Cable sent")
    ticket = _offered(desk, "Cable")
    expect(sara.locator(".offer")).to_be_visible()
    sara.keyboard.press("Control+Shift+A")
    expect(sara.locator("#subject")).to_have_text("Cable")
    reply(ticket=ticket, actor=Actor.of(desk.world.agent), text="It is on its way.", recipients=[])
    expect(sara.locator("#my-state-s")).to_contain_text("Wrap-up")
    expect(sara.locator("#my-state-s .clock")).to_contain_text(":")
    sara.locator("#my-state-s").click()
    sara.get_by_label("How it ended").select_option(label="Cable sent")
    sara.get_by_label("Note", exact=True).fill("By post")
    sara.get_by_role("button", name="Done").click()
    expect(sara.locator("#my-state-s")).not_to_contain_text("Wrap-up")
    desk.settle()
    row = Assignment.objects.get()
    assert (row.done_at is not None, str(row.disposition), row.note) == (True, "Cable sent", "By post")


def test_a_break_is_asked_for_by_hand_and_its_approval_shows_by_itself(desk: Desk, sara: Page) -> None:
    NotReadyReason.objects.create(name="Tea", code="tea", is_break=True)
    sara.reload()
    sara.locator("#my-state-s").click()
    sara.get_by_role("button", name="Tea").click()
    expect(sara.locator(".toast")).to_contain_text("You asked for a break")
    desk.settle()
    decide_break(request=BreakRequest.objects.get(), actor=Actor.of(desk.world.lead), approve=True)
    expect(sara.locator("#my-state-s")).to_contain_text("On break: Tea")
    sara.keyboard.press("Control+k")
    sara.keyboard.type("back from")
    sara.keyboard.press("Enter")
    expect(sara.locator("#my-state-s")).to_contain_text("Ready")
    desk.settle()
    assert AgentPresence.objects.get(user=desk.world.agent).state == AgentState.READY


def test_a_ticket_is_passed_on_with_a_reason_and_the_next_one_taken_by_the_command_bar(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#pick-more-s").click()
    sara.locator("#do-transfer").click()
    dialog = sara.locator("#joining")
    dialog.get_by_role("searchbox").fill("lea")
    dialog.get_by_role("radio", name="Lea Lead").check()
    dialog.get_by_label("Why").fill("She knows docks.")
    dialog.get_by_role("button", name="Pass on").click()
    expect(sara.locator("#timeline")).to_contain_text(
        "“She knows docks.”: Sara Agent passed the ticket on to Lea Lead."
    )
    make_offering(desk.world.queue_a, mail_handing="pull")
    waiting = make_ticket(desk.world.queue_a, subject="Waits to be taken")
    sara.keyboard.press("Control+k")
    sara.keyboard.type("take the next")
    sara.keyboard.press("Enter")
    expect(sara.locator("#subject")).to_have_text("Waits to be taken")
    desk.settle()
    waiting.refresh_from_db()
    assert waiting.owner == desk.world.agent
