"""Who takes contacts is there on every page of the house: settings, board, administration beat, and tell of offers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpdesk.models import Actor, User
from helpdesk.now import now
from routing.actions.agents import LOST_AFTER, set_agent_state, sweep_lost_agents
from routing.models import AgentPresence, AgentState
from routing.router import Router
from tests.browser.desk import Desk, complaints_of
from tests.browser.test_offers import doorbells, web
from tests.factories import make_ticket
from tests.routing.people import make_offering

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]
__all__ = ["doorbells", "web"]


def _works(desk: Desk, user: User) -> None:
    make_offering(desk.world.queue_a, offer_seconds=60)
    set_agent_state(user=user, actor=Actor.of(user), state=AgentState.READY)


def _silent(page: Page, user: User) -> None:
    """No page has given a sign of life for longer than allowed, and nobody has looked yet."""
    page.goto("about:blank")
    AgentPresence.objects.filter(user=user).update(seen_at=now() - LOST_AFTER - timedelta(seconds=1))


def _is_there(page: Page, user: User) -> bool:
    """Whether a sign of life comes, and the sweep finds nobody lost."""
    for _ in range(100):
        if AgentPresence.objects.filter(user=user, seen_at__gt=now() - LOST_AFTER).exists():
            return sweep_lost_agents() == []
        page.wait_for_timeout(100)
    return False


def _opened(desk: Desk, page: Page, address: str) -> list[str]:
    heard = complaints_of(page)
    page.goto(f"{desk.origin}{address}")
    page.wait_for_selector("html[data-line=open]")
    return heard


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Iterator[Page]:
    """The agent of team A, ready, before she goes anywhere."""
    _works(desk, desk.world.agent)
    yield desk.log_in(browser_context, desk.world.agent)
    desk.settle()


@pytest.mark.parametrize("address", ["/me/desk/", "/profile/", "/accounts/2fa/", "/canned/"])
def test_who_edits_his_settings_stays_ready_and_gets_his_offers_there(desk: Desk, sara: Page, address: str) -> None:
    _silent(sara, desk.world.agent)

    heard = _opened(desk, sara, address)

    expect(sara.locator("#my-state-s")).to_contain_text("Ready")
    assert _is_there(sara, desk.world.agent)
    make_ticket(desk.world.queue_a, subject="Comes to the settings")
    Router().turn()
    expect(sara.locator(".offer")).to_contain_text("Comes to the settings")
    sara.locator("[data-key=accept-offer]").click()
    expect(sara.locator("#subject")).to_have_text("Comes to the settings")
    assert heard == []


def test_a_lead_who_takes_contacts_is_present_at_the_board(desk: Desk, browser_context: BrowserContext) -> None:
    lead = desk.world.lead
    _works(desk, lead)
    page = desk.log_in(browser_context, lead)
    _silent(page, lead)

    heard = _opened(desk, page, "/board/")

    expect(page.locator("#my-state-s")).to_contain_text("Ready")
    assert _is_there(page, lead)
    assert heard == []


def test_the_administration_gives_a_sign_of_life_and_tells_of_an_offer(
    desk: Desk, browser_context: BrowserContext
) -> None:
    admin = desk.world.admin
    desk.world.queue_a.team.memberships.create(user=admin)
    _works(desk, admin)
    page = desk.log_in(browser_context, admin)
    _silent(page, admin)

    heard = _opened(desk, page, "/admin/")

    expect(page.locator("#offer-notice")).to_be_hidden()
    assert _is_there(page, admin)
    make_ticket(desk.world.queue_a, subject="While editing")
    Router().turn()
    expect(page.locator("#offer-notice")).to_contain_text("New offer: Mail from")
    page.locator("#offer-notice a").click()
    expect(page.locator(".offer")).to_contain_text("While editing")
    assert heard == []


def test_the_ring_is_switched_off_in_the_bar_and_the_offer_comes_up_all_the_same(desk: Desk, sara: Page) -> None:
    sara.wait_for_selector("html[data-line=open]")
    sara.locator("#my-state-s").click()
    with sara.expect_response("**/routing/sound/"):
        sara.get_by_label("Ring when a contact is offered").uncheck()
    expect(sara.locator("#my-work[data-quiet]")).to_have_count(1)

    make_ticket(desk.world.queue_a, subject="Without a sound")
    Router().turn()

    expect(sara.locator(".offer")).to_contain_text("Without a sound")
    sara.wait_for_timeout(800)
    assert sara.locator("#offer-tray").get_attribute("data-rang") is None
    sara.goto(f"{desk.origin}/me/desk/")
    expect(sara.get_by_label("Ring when a contact is offered", exact=True).last).not_to_be_checked()
