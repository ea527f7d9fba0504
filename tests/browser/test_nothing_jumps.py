"""Nothing moves by itself: the browser's own measure of layout shift stays at nothing while pages load and change."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpdesk.actions.conversation import note
from helpdesk.actions.desk_settings import keep_desk_settings
from helpdesk.models import Actor
from tests.browser.desk import Desk
from tests.factories import make_ticket

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]

_WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
    const moved = entry.sources.map((s) => s.node?.outerHTML?.slice(0, 90) ?? s.node?.textContent ?? '?');
    window.shifts.push(`${entry.value.toFixed(4)} ${moved.join(' | ')}`);
  }
}).observe({type: 'layout-shift', buffered: true});
"""


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of the agent of team A, whose zones have widths of her own; every shift is noted."""
    keep_desk_settings(user=desk.world.agent, changes={"zones": {"list": 400, "context": 260}})
    browser_context.add_init_script(_WATCH)
    return desk.signed_in(browser_context, desk.world.agent)


def shifts(page: Page) -> list[str]:
    """What moved since the page began, without a hand on it; a thousandth of the window is a hair of one word."""
    page.wait_for_timeout(700)
    found: list[str] = page.evaluate("window.shifts")
    return [shift for shift in found if float(shift.split()[0]) >= 0.001]


def test_the_list_and_a_ticket_opened_by_its_address_load_without_a_shift(desk: Desk, sara: Page) -> None:
    make_ticket(desk.world.queue_a, subject="Second in the list")
    sara.goto(f"{desk.origin}/inbox/team/")
    expect(sara.locator("#rows .row")).to_have_count(2)
    assert shifts(sara) == []
    desk.open_ticket(sara, desk.world.ticket.number)
    expect(sara.locator("#rows .row")).to_have_count(2)
    assert shifts(sara) == []


def test_a_colleagues_note_arrives_without_moving_what_is_read(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    assert shifts(sara) == []
    note(ticket=desk.world.ticket, actor=Actor.of(desk.world.lead), text="I called her.")
    sara.evaluate("document.querySelector('[data-do=\"reconnect\"]').click()")
    expect(sara.locator("#timeline .msg--note")).to_contain_text("I called her.")
    assert shifts(sara) == []
