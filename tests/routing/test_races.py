"""Many at once, in threads and processes with connections of their own: one wins, and nothing is lost or given twice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import DatabaseError, InterfaceError, connection

from helpdesk.actions import BadInput
from helpdesk.models import Actor, Kind, Ticket, TicketEvent, User
from helpdesk.now import now
from routing.actions.agents import beat
from routing.actions.assigning import pull_next
from routing.actions.offers import accept_offer, decline_offer, expire_offers
from routing.models import AgentPresence, Assignment, Offer, WorkItem
from routing.router import Router
from tests.factories import make_queue, make_ticket, make_user
from tests.processes import running
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db(transaction=True)
Items, Offers = WorkItem.State, Offer.State


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Runs each act in a thread of its own, started together; returns the refusals, "" for what went through."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        try:
            start.wait(timeout=60)
            act()
        except BadInput as refusal:
            return str(refusal)
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    """Returns when it is so. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.1)


def an_offer(**rules: object) -> tuple[Offer, User]:
    queue = make_queue()
    make_offering(queue, **rules)
    agent = make_ready(queue.team)
    make_waiting(queue)
    Router().turn()
    return Offer.objects.get(state=Offers.PENDING, item__queue=queue), agent  # an earlier round's may be asked of again


def check_nothing_doubled() -> None:
    """The law of each contact: one pending offer or one holder at most, units within capacity, states that agree."""
    for item in WorkItem.objects.all():
        pending = item.offers.filter(state=Offers.PENDING).count()
        held = item.assignments.filter(done_at=None).count()
        wanted = {Items.WAITING: (0, 0), Items.OFFERED: (1, 0), Items.ASSIGNED: (0, 1), Items.WRAPUP: (0, 1)}
        assert (pending, held) == wanted.get(Items(item.state), (0, 0)), item
        assert (item.ticket.owner_id is not None) == (item.state in {Items.ASSIGNED, Items.WRAPUP}), item
    for presence in AgentPresence.objects.all():
        used = sum(presence.user.assignments.filter(done_at=None).values_list("units", flat=True))
        used += sum(presence.user.offers.filter(state=Offers.PENDING).values_list("units", flat=True))
        assert used <= presence.units, presence


def test_of_a_hundred_accepts_of_one_offer_one_wins() -> None:
    offer, agent = an_offer()

    said = at_once(*[partial(accept_offer, offer=offer, actor=Actor.of(agent))] * 100)

    assert sorted(set(said)) == ["", "You have taken this contact already."]
    assert said.count("") == 1
    assert Assignment.objects.count() == 1
    assert TicketEvent.objects.filter(kind=Kind.OFFER_ACCEPTED).count() == 1
    check_nothing_doubled()


def test_accept_decline_and_expiry_at_once_leave_one_outcome() -> None:
    for _round in range(8):
        offer, agent = an_offer()
        actor = Actor.of(agent)
        Offer.objects.filter(pk=offer.pk).update(expires_at=now() + timedelta(milliseconds=random.randint(1, 40)))
        at_once(
            partial(accept_offer, offer=offer, actor=actor),
            partial(decline_offer, offer=offer, actor=actor),
            *[expire_offers] * 2,
        )
        time.sleep(0.05)
        expire_offers()
        offer.refresh_from_db()
        assert offer.state in {Offers.ACCEPTED, Offers.DECLINED, Offers.TIMEOUT}
        ends = [Kind.OFFER_ACCEPTED, Kind.OFFER_DECLINED, Kind.OFFER_MISSED]
        assert TicketEvent.objects.filter(ticket=offer.item.ticket, kind__in=ends).count() == 1
        check_nothing_doubled()


def test_two_routers_at_once_offer_nothing_twice() -> None:
    queue = make_queue()
    make_offering(queue)
    for _n in range(12):
        make_ready(queue.team)
    for _n in range(25):
        make_waiting(queue)

    at_once(*[lambda: [Router().turn() for _ in range(3)]] * 2)

    assert Offer.objects.filter(state=Offers.PENDING).count() == 12
    assert Offer.objects.count() == 12
    assert len(set(Offer.objects.values_list("agent", flat=True))) == 12
    check_nothing_doubled()


def test_agents_who_pull_at_once_get_different_contacts() -> None:
    queue = make_queue()
    agents = [make_user(teams=(queue.team,)) for _ in range(8)]
    for _n in range(6):
        make_waiting(queue)

    said = at_once(*[partial(pull_next, actor=Actor.of(agent)) for agent in agents])

    assert said.count("") == 6
    assert Ticket.objects.filter(owner__isnull=False).count() == 6
    assert len(set(Ticket.objects.values_list("owner", flat=True))) == 6
    check_nothing_doubled()


def test_one_agent_who_pulls_from_many_tabs_stays_within_his_capacity() -> None:
    queue = make_queue()
    agent = make_ready(queue.team)
    AgentPresence.objects.update(units=30)
    for _n in range(8):
        make_waiting(queue)

    said = at_once(*[partial(pull_next, actor=Actor.of(agent))] * 8)

    assert said.count("") == 3
    check_nothing_doubled()


def test_two_dispatchers_share_the_role_and_one_that_ends_is_followed_by_the_other() -> None:
    queue = make_queue()
    make_offering(queue, offer_seconds=300)
    agents = [make_ready(queue.team) for _ in range(18)]
    with running("dispatcher", "--only", "route") as one, running("dispatcher", "--only", "route") as two:
        for _n in range(12):
            make_waiting(queue)
        until(lambda: _beaten(agents) and Offer.objects.filter(state=Offers.PENDING).count() == 12)
        one.kill()
        for _n in range(6):
            make_waiting(queue)
        until(lambda: _beaten(agents) and Offer.objects.filter(state=Offers.PENDING).count() == 18)
        two.terminate()
        two.communicate(timeout=60)

    assert Offer.objects.count() == 18
    check_nothing_doubled()


def _beaten(agents: list[User]) -> bool:
    for agent in agents:
        beat(user=agent)
    return True


def test_the_dispatcher_goes_on_while_the_database_throws_everybody_out() -> None:
    queue = make_queue()
    make_offering(queue, offer_seconds=300, wrapup_seconds=0)
    agents = [make_ready(queue.team) for _ in range(4)]
    AgentPresence.objects.update(units=1000)
    over = threading.Event()
    pool = ThreadPoolExecutor(1)
    with running("dispatcher", "--only", "route", HELPDESK_LOG_LEVEL="ERROR"):
        answering = pool.submit(_accept_all, over)
        for _round in range(4):
            for _n in range(10):
                _stubborn(partial(make_ticket, queue=queue))
            _beaten(agents)
            time.sleep(0.7)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        until(lambda: _beaten(agents) and WorkItem.objects.filter(state=Items.ASSIGNED).count() == 40)
        over.set()
        answering.result(timeout=60)

    assert Offer.objects.exclude(state=Offers.ACCEPTED).count() == 0
    assert Offer.objects.count() == 40
    check_nothing_doubled()


def _accept_all(over: threading.Event) -> None:
    """An agent's tabs: accept whatever is offered, whatever becomes of their connections."""
    while not over.is_set():
        try:
            for offer in Offer.objects.filter(state=Offers.PENDING).select_related("agent", "item__ticket"):
                accept_offer(offer=offer, actor=Actor.of(offer.agent))
        except BadInput:
            pass
        except (DatabaseError, InterfaceError):
            connection.close()
        time.sleep(0.05)
    connection.close()


def _stubborn(act: Callable[[], object]) -> None:
    """Does it, and once more where the connection was thrown out meanwhile."""
    try:
        act()
    except (DatabaseError, InterfaceError):
        connection.close()
        act()
