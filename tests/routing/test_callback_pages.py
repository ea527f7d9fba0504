"""Callbacks on pages: the agent's panel, the customer's own page, the signed link of a mail."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from helpdesk.models import (
    Actor,
    Customer,
    Queue,
    User,
)
from routing.actions.callbacks import (
    ask_callback,
)
from routing.actions.offers import accept_offer
from routing.callback_keys import link_of
from routing.models import Callback, Offer, WorkItem
from routing.router import Router
from tests.factories import make_queue, make_user
from tests.portal.conftest import by_code, path_of
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db
Items, States = WorkItem.State, Callback.State
PHONE = "+49301234567"


def _calling_queue(**fields: Any) -> Queue:
    queue = make_queue()
    make_offering(queue, callback_from_seconds=0, **fields)
    return queue


def _reserved(queue: Queue, customer: Customer | None = None) -> Callback:
    """A callback that keeps its place, reserved by an agent of the queue."""
    item = make_waiting(queue, customer)
    return ask_callback(ticket=item.ticket, actor=Actor.of(make_user(teams=(queue.team,))), phone=PHONE)


def _accepted(callback: Callback, agent: User) -> Callback:
    """Its turn has come and the agent took it."""
    Router().turn()
    accept_offer(offer=Offer.objects.get(item=callback.item, state="pending"), actor=Actor.of(agent))
    callback.refresh_from_db()
    callback.item.refresh_from_db()
    return callback


def test_an_agent_reserves_calls_and_tells_the_outcome_on_the_page(client: Client) -> None:
    queue = _calling_queue()
    agent = make_ready(queue.team)
    item = make_waiting(queue)
    client.force_login(agent)
    number = item.ticket.number
    assert "routing/tickets" in client.get(f"/routing/why/{number}/").content.decode()

    client.post(f"/routing/tickets/{number}/callback/", {"phone": PHONE})
    Router().turn()
    accept_offer(offer=Offer.objects.get(state="pending"), actor=Actor.of(agent))
    panel = client.get(f"/routing/why/{number}/").content.decode()
    answer = client.post(f"/routing/tickets/{number}/callback/result/", {"result": "reached"})

    assert f'href="tel:{PHONE}"' in panel and 'value="no_answer"' in panel
    assert answer.status_code == 302
    assert Callback.objects.get().state == States.DONE


def test_the_customer_asks_confirms_and_cancels_on_his_page() -> None:
    queue = _calling_queue()
    item = make_waiting(queue)
    page = f"/portal/tickets/{item.ticket.public_id}/"
    ann = by_code(item.ticket.customer)
    assert "Call me back" in ann.get(page).content.decode()

    ann.post(f"{page}callback/", {"do": "ask", "phone": PHONE})
    asked = ann.get(page).content.decode()
    ann.post(f"{page}callback/", {"do": "confirm"})
    state = Callback.objects.get().state
    ann.post(f"{page}callback/", {"do": "cancel"})

    assert "Yes, call me" in asked
    assert (state, Callback.objects.get().state) == (States.RESERVED, States.CANCELLED)


def test_a_wrong_number_is_said_on_the_page_and_kept_in_the_form() -> None:
    item = make_waiting(_calling_queue())
    ann = by_code(item.ticket.customer)

    answer = ann.post(f"/portal/tickets/{item.ticket.public_id}/callback/", {"do": "ask", "phone": "my phone"})

    assert answer.status_code == 422
    assert 'value="my phone"' in answer.content.decode() and "Write the number" in answer.content.decode()


def test_a_stranger_finds_no_callback_of_others() -> None:
    item = make_waiting(_calling_queue())
    eve = by_code(make_waiting(make_queue()).ticket.customer)

    for way in ("wait/", "callback/"):
        address = f"/portal/tickets/{item.ticket.public_id}/{way}"
        answer = eve.get(address) if way == "wait/" else eve.post(address, {"do": "ask", "phone": PHONE})
        assert answer.status_code == 404
    assert not Callback.objects.exists()


def test_the_signed_link_changes_one_callback_without_signing_in_and_only_by_its_buttons() -> None:
    callback = _reserved(_calling_queue())
    other = _reserved(_calling_queue())
    address = path_of(link_of(callback))
    client = Client()

    shown = client.get(address)
    assert PHONE in shown.content.decode() and shown["Referrer-Policy"] == "same-origin"
    callback.refresh_from_db()
    assert callback.state == States.RESERVED
    client.post(address, {"do": "cancel"})

    callback.refresh_from_db()
    other.refresh_from_db()
    assert (callback.state, other.state) == (States.CANCELLED, States.RESERVED)
    assert "cancelled" in client.get(address).content.decode()


def test_a_link_with_one_character_changed_opens_nothing() -> None:
    callback = _reserved(_calling_queue())
    address = path_of(link_of(callback))
    forged = address[:-3] + ("A" if address[-3] != "A" else "B") + address[-2:]

    answer = Client().post(forged, {"do": "cancel"})

    callback.refresh_from_db()
    assert (answer.status_code, callback.state) == (410, States.RESERVED)
    assert PHONE not in answer.content.decode()
