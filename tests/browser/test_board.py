"""The leads' board in a browser: a lead sees an agent become ready, gives contacts and breaks, by mouse and by keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from helpdesk.models import Ticket
from routing.models import AgentPresence, AgentState, BreakRequest, NotReadyReason, WorkItem
from tests.browser.desk import Desk, another_person, complaints_of
from tests.browser.test_accessibility import violations
from tests.factories import make_ticket

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lea(desk: Desk, browser_context: BrowserContext) -> Page:
    """The board of the lead of team A, live."""
    page = desk.signed_in(browser_context, desk.world.lead)
    page.goto(f"{desk.origin}/board/")
    page.wait_for_selector("html[data-line=open]")
    return page


@pytest.fixture
def sara(desk: Desk, browser: Browser) -> Iterator[Page]:
    """The desk of an agent of hers."""
    NotReadyReason.objects.get_or_create(code="tea", defaults={"name": "Tea", "is_break": True})
    with another_person(browser) as context:
        yield desk.log_in(context, desk.world.agent)


def _becomes(sara: Page, what: str) -> None:
    """By her state bar, whose own tests open its menu."""
    with sara.expect_response(lambda answer: "/routing/" in answer.url and answer.request.method == "POST"):
        sara.locator(f"#my-state [data-key={what}]").dispatch_event("click")


def test_a_lead_sees_an_agent_become_ready_and_drags_a_contact_to_her(desk: Desk, lea: Page, sara: Page) -> None:
    heard = complaints_of(lea)
    agent = lea.locator(f"#a-{desk.world.agent.pk}")
    expect(lea.locator("#board-alerts")).to_contain_text("Nobody of Hardware is at work")
    expect(agent).to_have_count(0)

    _becomes(sara, "be-ready")

    expect(agent).to_contain_text("Sara Agent")
    expect(lea.locator("#board-alerts .banner")).to_have_count(0)
    item = lea.locator(".waiting", has_text="Ann Example")
    item.drag_to(agent)
    expect(lea.locator("#toasts")).to_contain_text("Ann Example is given to Sara Agent.")
    expect(item).to_have_count(0)
    expect(agent).to_contain_text("1 mail")
    assert Ticket.objects.get(pk=desk.world.ticket.pk).owner == desk.world.agent
    assert heard == []


def test_by_keys_a_contact_goes_to_somebody_busy_only_when_confirmed(desk: Desk, lea: Page) -> None:
    second = make_ticket(desk.world.queue_a, subject="Came while looking")
    button = lea.locator(f"#w-{WorkItem.objects.get(ticket=second).pk}")
    expect(button).to_be_visible()  # by doorbell
    lea.locator(".waiting__who").first.focus()
    lea.keyboard.press("ArrowDown")
    expect(button).to_be_focused()

    lea.keyboard.press("m")
    dialog = lea.locator("#board-dialog")
    expect(dialog.get_by_role("heading")).to_contain_text(f"Give {second.customer} to…")
    lea.keyboard.press("Escape")
    expect(button).to_be_focused()
    lea.keyboard.press("m")
    sara = dialog.get_by_role("button", name="Sara Agent")
    expect(sara).to_be_visible()
    while not sara.evaluate("one => one === document.activeElement"):
        lea.keyboard.press("ArrowDown")
    lea.keyboard.press("Enter")
    expect(dialog).to_contain_text("is not free now")
    assert Ticket.objects.get(pk=second.pk).owner is None
    expect(dialog.get_by_role("button", name="Give it all the same")).to_be_focused()
    lea.keyboard.press("Enter")
    expect(lea.locator("#toasts")).to_contain_text(f"{second.customer} is given to Sara Agent.")
    assert Ticket.objects.get(pk=second.pk).owner == desk.world.agent


def test_a_break_is_approved_by_mouse_and_refused_with_a_note_by_keys(desk: Desk, lea: Page, sara: Page) -> None:
    _becomes(sara, "be-ready")
    _becomes(sara, "break-tea")
    request = lea.locator(".request")
    expect(request).to_contain_text("Sara Agent")
    expect(request).to_contain_text("No forecast")

    request.get_by_role("button", name="Approve").click()

    expect(lea.locator("#toasts")).to_contain_text("Sara Agent is on break now.")
    expect(lea.locator(".states__col", has_text="On break")).to_contain_text("Sara Agent")
    assert BreakRequest.objects.get().state == BreakRequest.State.TAKEN

    _becomes(sara, "break-end")
    _becomes(sara, "break-tea")
    request.get_by_role("textbox").focus()
    lea.keyboard.type("After the delivery")
    _becomes(sara, "be-ready")  # a doorbell: what somebody types in is left alone
    lea.keyboard.press("Tab")
    lea.keyboard.press("Tab")
    lea.keyboard.press("Enter")
    expect(lea.locator("#toasts")).to_contain_text("The break of Sara Agent is refused.")
    again = BreakRequest.objects.latest("pk")
    assert (again.state, again.note) == (BreakRequest.State.REFUSED, "After the delivery")


def test_a_lead_sets_a_state_and_shows_the_wallboard(desk: Desk, lea: Page, sara: Page) -> None:
    _becomes(sara, "be-ready")
    lea.locator(f"#a-{desk.world.agent.pk}").click()
    expect(lea.locator("#board-dialog")).to_be_visible()
    assert violations(lea) == []
    lea.locator("#board-dialog").get_by_role("button", name="Offline").click()
    expect(lea.locator("#toasts")).to_contain_text("Sara Agent: offline.")
    assert AgentPresence.objects.get(user=desk.world.agent).state == AgentState.OFFLINE

    lea.get_by_role("button", name="Wallboard").click()
    expect(lea.locator(".wall__tile h2")).to_have_text("Hardware")
    expect(lea.locator("#board-queues")).to_be_hidden()
    assert violations(lea) == []
    lea.keyboard.press("Escape")
    expect(lea.locator("#board-queues")).to_be_visible()


def test_without_the_line_the_board_still_moves(desk: Desk, lea: Page, sara: Page) -> None:
    lea.evaluate("() => { window.WebSocket = class { addEventListener() {} close() {} readyState = 3 }; }")
    lea.evaluate("dispatchEvent(new Event('online'))")
    expect(lea.locator("#line .line__words")).not_to_have_text("Live")

    _becomes(sara, "be-ready")

    expect(lea.locator(f"#a-{desk.world.agent.pk}")).to_be_visible(timeout=9_000)
