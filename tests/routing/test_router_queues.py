"""The dispatcher and queues that take nobody or pass on: overflow, hours, full and unstaffed queues, what is read anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from helpdesk.events import sentence
from helpdesk.models import (
    Actor,
    BusinessCalendar,
    Channel,
    Kind,
    Notification,
    Queue,
    TicketEvent,
)
from helpdesk.now import frozen
from routing.actions.agents import set_agent_state
from routing.actions.assigning import pull_next, transfer
from routing.actions.offers import accept_offer
from routing.models import (
    AgentState,
    Decision,
    Dirty,
    Handing,
    Offer,
    WorkItem,
)
from routing.router import Router
from tests.factories import make_customer, make_queue, make_team, make_user
from tests.routing.people import make_offering, make_ready, make_waiting
from tests.routing.turns import DAYTIME, NOON, Items, here, offered, state

pytestmark = pytest.mark.django_db


def test_a_contact_that_waits_too_long_is_offered_to_the_other_queue_and_goes_there_when_it_is_taken() -> None:
    home, other = make_queue(), make_queue()
    make_offering(home, closed={"overflow": [{"when": "wait", "over": 60, "to": [other.pk]}]})
    router = Router()
    with frozen(NOON):
        mine, helper = make_ready(home.team), make_ready(other.team)
        state(mine, units=5)
        item = make_waiting(home)
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=61)):
        here(mine, helper)
        router.turn()
        assert offered() == [(item.pk, helper.pk)]

        accept_offer(offer=Offer.objects.get(), actor=Actor.of(helper))

    item.refresh_from_db()
    item.ticket.refresh_from_db()
    assert (item.queue, item.state, item.vtime) == (home, Items.ASSIGNED, item.vtime)
    assert (item.ticket.queue, item.ticket.owner) == (other, helper)
    assert Decision.objects.get(kind="overflow").record["from"] == home.pk


def closing_queue(**rules: Any) -> Queue:
    """A queue of office hours."""
    queue = make_queue()
    queue.calendar = BusinessCalendar.objects.create(name=f"Office {queue.pk}", weekly=DAYTIME)
    queue.save()
    make_offering(queue, **rules)
    return queue


def test_a_contact_for_a_closed_queue_waits_for_its_opening() -> None:
    queue = closing_queue()
    router = Router()
    with frozen(NOON + timedelta(hours=8)):
        make_ready(queue.team)
        item = make_waiting(queue)
        router.turn()
        assert offered() == []
    with frozen(NOON.replace(day=5, hour=8, minute=59)):
        agent = make_ready(queue.team)
        router.turn()
        assert offered() == []
    with frozen(NOON.replace(day=5, hour=9)):
        here(agent)
        router.turn()

    assert offered() == [(item.pk, agent.pk)]


def test_who_waits_at_closing_is_served_on_and_who_comes_later_is_not() -> None:
    queue = closing_queue()
    router = Router()
    with frozen(NOON.replace(hour=16, minute=59, second=50)):
        early = make_waiting(queue)
        router.turn()
    with frozen(NOON.replace(hour=17, minute=0, second=10)):
        make_waiting(queue)
        agent = make_ready(queue.team)
        router.turn()

    assert offered() == [(early.pk, agent.pk)]


def test_the_drain_ends_when_it_is_said_to() -> None:
    queue = closing_queue(closed={"drain_seconds": 600})
    router = Router()
    with frozen(NOON.replace(hour=16, minute=59, second=50)):
        make_waiting(queue)
        router.turn()
    with frozen(NOON.replace(hour=17, minute=10)):
        make_ready(queue.team)
        router.turn()

    assert offered() == []


def test_chats_still_waiting_at_closing_become_messages_where_the_queue_converts() -> None:
    queue = closing_queue(closed={"at_closing": "convert"})
    router = Router()
    with frozen(NOON.replace(hour=16, minute=59, second=50)):
        item = make_waiting(queue, channel=Channel.CHAT)
        router.turn()
    with frozen(NOON.replace(hour=17)):
        router.turn()

    item.refresh_from_db()
    assert (item.state, item.handing) == (Items.WAITING, Handing.PULL)
    assert Decision.objects.get(kind="closed").record["done"] == "ticket"


def test_a_chat_for_a_closed_queue_becomes_a_message_that_agents_pull() -> None:
    queue = closing_queue()
    agent = make_user(teams=(queue.team,))
    with frozen(NOON + timedelta(hours=8)):
        item = make_waiting(queue, channel=Channel.CHAT)
        Router().turn()
        item.refresh_from_db()
        assert item.handing == Handing.PULL

        assert pull_next(actor=Actor.of(agent)) == item.ticket


def test_a_contact_for_a_closed_queue_goes_to_the_queue_that_is_open() -> None:
    other = make_queue()
    make_offering(other)
    queue = closing_queue(closed={"behaviours": {"closed": "other_queue"}, "other_queues": [other.pk]})
    router = Router()
    with frozen(NOON + timedelta(hours=8)):
        agent = make_ready(other.team)
        item = make_waiting(queue)
        router.turn()
        router.turn()

    item.refresh_from_db()
    assert item.queue == other
    assert offered() == [(item.pk, agent.pk)]
    event = TicketEvent.objects.get(ticket=item.ticket, kind=Kind.QUEUED)
    assert "closed" in sentence(event)


def test_who_comes_to_a_full_queue_goes_elsewhere_and_who_was_let_in_stays() -> None:
    other = make_queue()
    make_offering(other)
    rules = {"behaviours": {"full": "other_queue"}, "other_queues": [other.pk], "max_length": 2}
    queue = make_queue()
    make_offering(queue, closed=rules)
    make_ready(other.team)
    state(make_ready(queue.team), units=5)
    first, second, third = (make_waiting(queue) for _ in range(3))
    router = Router()

    router.turn()

    def places() -> list[int]:
        return [WorkItem.objects.get(pk=item.pk).queue_id for item in (first, second, third)]

    assert places() == [queue.pk, queue.pk, other.pk]
    Router().turn()
    assert places() == [queue.pk, queue.pk, other.pk]


def test_leads_hear_once_that_nobody_is_at_work_and_the_contact_is_served_when_somebody_comes() -> None:
    queue = make_queue()
    make_offering(queue)
    lead = make_user(lead_of=(queue.team,))
    router = Router()
    item = make_waiting(queue)
    for _n in range(3):
        router.turn()
        make_waiting(queue)
    Router().turn()

    assert list(Notification.objects.values_list("user", "reason")) == [(lead.pk, Notification.Reason.NOT_ROUTED)]
    agent = make_ready(queue.team)
    router.turn()
    assert (item.pk, agent.pk) in offered()


def test_a_queue_that_never_opens_is_told_to_managers_where_it_has_no_lead() -> None:
    queue = make_queue()
    queue.calendar = BusinessCalendar.objects.create(name="Never", weekly={})
    queue.save()
    make_offering(queue)
    manager = make_user("manager")
    make_waiting(queue)

    Router().turn()

    assert list(Notification.objects.values_list("user", flat=True)) == [manager.pk]
    assert Decision.objects.get(kind="alert").record["why"] == "never_opens"


def test_a_rule_that_asks_for_a_skill_nobody_knows_is_told_once_and_the_contact_is_offered_without_it() -> None:
    queue = make_queue()
    make_offering(queue)
    lead, agent = make_user(lead_of=(queue.team,)), make_ready(queue.team)
    first, _second = make_waiting(queue), make_waiting(queue)
    WorkItem.objects.update(demand={"unknown": [{"kind": "skill", "name": "ghost/docks"}]})
    router = Router()

    router.turn()
    router.turn()

    assert (first.pk, agent.pk) in offered()
    assert [d.record["why"] for d in Decision.objects.filter(kind="alert")] == ["unknown_skill"]
    assert Notification.objects.filter(user=lead).count() == 1


def test_a_queue_with_somebody_at_work_raises_no_alert() -> None:
    queue = make_queue()
    make_offering(queue)
    make_user(lead_of=(queue.team,))
    state(make_ready(queue.team), units=5)
    make_waiting(queue)

    Router().turn()

    assert not Notification.objects.exists()


def test_a_minute_later_everything_is_read_again_in_slices() -> None:
    queue = make_queue()
    make_offering(queue)
    router = Router()
    with frozen(NOON):
        agent = make_ready(queue.team)
        router.turn()
        item = make_waiting(queue)
        Dirty.objects.all().delete()  # a change that nobody told of
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=61)):
        here(agent)
        while router.turn():
            pass

    assert offered() == [(item.pk, agent.pk)]


def test_a_queue_made_after_the_reading_is_found_with_its_first_contact() -> None:
    router = Router()
    router.turn()
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    item = make_waiting(queue)

    router.turn()

    assert offered() == [(item.pk, agent.pk)]


def test_a_contact_passed_on_to_a_queue_waits_there_at_its_place_whoever_passed_it_on() -> None:
    team = make_team()
    queue, other = make_queue(team), make_queue(team)
    make_offering(queue)
    make_offering(other)
    agent, colleague = make_ready(team), make_user(teams=(team,))
    item = make_waiting(queue, make_customer())
    Router().turn()
    accept_offer(offer=Offer.objects.get(), actor=Actor.of(agent))

    transfer(ticket=item.ticket, actor=Actor.of(agent), why="Billing knows.", queue=other)

    again = WorkItem.objects.get()
    assert (again.state, again.queue, again.vtime) == (Items.WAITING, other, item.vtime)
    assert colleague.pk


def test_why_somebody_waits_is_written_once_for_each_change_of_reasons() -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    state(agent, units=5)
    make_waiting(queue)
    router = Router()
    for _n in range(4):
        router.turn()
    assert [row.record["reasons"] for row in Decision.objects.filter(kind="wait")] == [{"no_units": 1}]

    set_agent_state(user=agent, actor=Actor.of(agent), state=AgentState.OFFLINE)
    router.turn()

    newest = Decision.objects.filter(kind="wait").order_by("-pk")[0]
    assert newest.record["reasons"] == {"offline": 1}
