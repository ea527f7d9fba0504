"""A callback in real browsers: asked for on the customer's page, called by the agent, done; "why" and "what if" beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from helpdesk.mail.portal_links import link_address, new_token
from helpdesk.models import Actor
from helpdesk.now import now
from routing.actions.agents import set_agent_state
from routing.actions.callbacks import ask_callback
from routing.actions.offers import accept_offer
from routing.callback_keys import link_of
from routing.models import AgentState, Callback, Offer
from routing.router import Router
from tests.browser.desk import Desk, another_person, complaints_of
from tests.factories import make_ticket
from tests.portal.conftest import address_of
from tests.routing.people import make_offering

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def customer(browser: Browser) -> Iterator[Page]:
    """The customer's own browser."""
    with another_person(browser) as context:
        yield context.new_page()


def test_a_customer_asks_to_be_called_and_the_agent_calls_and_says_how_it_went(
    desk: Desk, browser_context: BrowserContext, customer: Page
) -> None:
    make_offering(desk.world.queue_a, callback_from_seconds=0, offer_seconds=120)
    ticket = make_ticket(desk.world.queue_a, desk.world.customer, subject="The dock is hot")
    link = link_address(new_token(ticket, address_of(ticket.customer), now()))
    heard = complaints_of(customer)
    customer.goto(f"{desk.origin}/portal/{link.partition('/portal/')[2]}")
    customer.locator("#phone").fill("+49 30 1234567")
    customer.get_by_role("button", name="Call me back").click()
    customer.get_by_role("button", name="Yes, call me").click()
    expect(customer.locator("#wait")).to_contain_text("You keep your place, and we call +49301234567")

    agent = desk.world.agent
    set_agent_state(user=agent, actor=Actor.of(agent), state=AgentState.READY)
    Router().turn()
    accept_offer(offer=Offer.objects.get(item__ticket=ticket, state="pending"), actor=Actor.of(agent))
    page = desk.signed_in(browser_context, agent)
    spoken = complaints_of(page)
    desk.open_ticket(page, ticket.number)

    expect(page.locator("#callback-now a[href='tel:+49301234567']")).to_be_visible()
    expect(page.locator("#routing-why")).to_contain_text("Chosen by")
    page.locator("#callback-now button[value=reached]").click()
    expect(page.locator("#callback-now .callback")).to_have_count(0)

    desk.settle()
    assert Callback.objects.get().state == Callback.State.DONE
    assert (heard, spoken) == ([], [])


def test_the_link_of_the_mail_confirms_in_a_browser_that_is_not_signed_in(desk: Desk, customer: Page) -> None:
    make_offering(desk.world.queue_a, callback_from_seconds=0)
    ticket = make_ticket(desk.world.queue_a, desk.world.customer, subject="The dock is hot")
    callback = ask_callback(ticket=ticket, actor=Actor.of_customer(ticket.customer), phone="+49301234567")
    customer.goto(f"{desk.origin}/portal/{link_of(callback).partition('/portal/')[2]}")

    customer.get_by_role("button", name="Yes, call me").click()  # its Origin must not be null

    expect(customer.get_by_role("main")).to_contain_text("You keep your place, and we call +49301234567")
    desk.settle()
    callback.refresh_from_db()
    assert callback.state == Callback.State.RESERVED
