"""Kill -9 at each step of routing: no contact is lost, none is offered twice, and every place in the queue is kept."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections

from helpdesk.models import Actor, Kind, TicketEvent, User
from helpdesk.now import now
from routing.actions.agents import beat
from routing.actions.offers import accept_offer
from routing.models import AgentPresence, AgentState, Assignment, Offer, WorkItem
from routing.router import Router
from tests.factories import make_queue
from tests.processes import running
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db(transaction=True)
POINTS = ["route.offered", "route.accepted", "route.expired"]
Items, Offers = WorkItem.State, Offer.State


def places() -> dict[int, object]:
    return dict(WorkItem.objects.values_list("pk", "vtime"))


def until(done: Callable[[], bool], agents: list[User], seconds: float = 60) -> None:
    """Returns when it is so; the agents' tabs are alive meanwhile. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError
        for agent in agents:
            beat(user=agent)
        time.sleep(0.1)


def killed_at(point: str) -> None:
    """A dispatcher that dies at this point."""
    with running("dispatcher", "--only", "route", HELPDESK_FAULT=f"{point}:kill") as process:
        _out, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, f"{point} is never passed: {said[-500:]}"


def pending() -> int:
    return Offer.objects.filter(state=Offers.PENDING).count()


def test_a_dispatcher_killed_while_it_offers_has_offered_nothing_and_the_next_offers_all() -> None:
    queue = make_queue()
    make_offering(queue, offer_seconds=300)
    agents = [make_ready(queue.team) for _ in range(5)]
    for _n in range(5):
        make_waiting(queue)
    before = places()

    killed_at("route.offered")

    assert (Offer.objects.count(), WorkItem.objects.filter(state=Items.WAITING).count()) == (0, 5)
    with running("dispatcher", "--only", "route") as again:
        until(lambda: pending() == 5, agents)
        again.terminate()
        _out, said = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert Offer.objects.count() == 5
    assert places() == before


def test_a_process_killed_while_an_agent_accepts_leaves_the_offer_open() -> None:
    queue = make_queue()
    make_offering(queue, offer_seconds=300)
    agent = make_ready(queue.team)
    item = make_waiting(queue)
    Router().turn()
    offer = Offer.objects.get()
    connections.close_all()
    child = os.fork()
    if child == 0:  # what accepts: a web process
        try:
            from django.conf import settings

            connections.close_all()
            settings.FAULT = "route.accepted:kill"
            accept_offer(offer=offer, actor=Actor.of(agent))
        finally:
            os._exit(1)

    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    offer.refresh_from_db()
    item.refresh_from_db()
    assert (offer.state, item.state, Assignment.objects.count()) == (Offers.PENDING, Items.OFFERED, 0)
    accept_offer(offer=offer, actor=Actor.of(agent))
    item.refresh_from_db()
    assert (item.state, item.ticket.owner_id) == (Items.ASSIGNED, agent.pk)
    assert TicketEvent.objects.filter(kind=Kind.OFFER_ACCEPTED).count() == 1


def test_a_dispatcher_killed_while_it_ends_missed_offers_counts_each_miss_once() -> None:
    queue = make_queue()
    make_offering(queue, offer_seconds=300, misses_allowed=1)
    first = [make_ready(queue.team) for _ in range(3)]
    items = [make_waiting(queue) for _ in range(3)]
    Router().turn()
    second = [make_ready(queue.team) for _ in range(3)]
    before = places()
    Offer.objects.update(expires_at=now() - timedelta(seconds=1))
    for agent in first:
        beat(user=agent)

    killed_at("route.expired")

    assert pending() == 3
    for agent in first:
        beat(user=agent)
    with running("dispatcher", "--only", "route") as again:
        until(lambda: Offer.objects.filter(state=Offers.PENDING, agent__in=second).count() == 3, [*first, *second])
        again.terminate()
        again.communicate(timeout=60)
    missed = AgentPresence.objects.filter(user__in=first).values_list("state", "missed")
    assert list(missed) == [(AgentState.RONA, 1)] * 3
    assert Offer.objects.filter(state=Offers.TIMEOUT).count() == 3
    assert Offer.objects.count() == 6
    assert places() == before
    assert {item.pk for item in items} == set(Offer.objects.filter(agent__in=second).values_list("item_id", flat=True))
