"""The dispatcher and plans: steps that relax, known agents who are waited for, penalties that let in further agents."""

from __future__ import annotations

from datetime import timedelta

import pytest

from helpdesk.models import (
    Actor,
    Queue,
    User,
)
from helpdesk.now import frozen
from routing.actions.agents import set_agent_state
from routing.actions.offers import decline_offer
from routing.models import (
    AgentState,
    Dirty,
    Offer,
    WorkItem,
)
from routing.router import Router
from tests.factories import make_queue, make_user
from tests.routing.people import make_offering, make_ready, make_waiting
from tests.routing.turns import NOON, accept_all, here, offered, skill, state, with_plan

pytestmark = pytest.mark.django_db


def test_a_requirement_relaxes_at_its_age_and_not_before() -> None:
    queue = make_queue()
    with_plan(queue, {"needs": {"skill": "lang/french"}, "expiry": 30}, {"expiry": None})
    skill("lang/french")
    router = Router()
    with frozen(NOON):
        agent = make_ready(queue.team)
        item = make_waiting(queue)
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=29)):
        here(agent)
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=30)):
        here(agent)
        router.turn()

    assert offered() == [(item.pk, agent.pk)]


def test_penalties_let_in_further_agents_as_the_contact_waits() -> None:
    queue = make_queue()
    with_plan(queue, {"max_penalty": 0, "expiry": 20}, {"max_penalty": 5, "expiry": None})
    router = Router()
    with frozen(NOON):
        agent = make_ready(queue.team)
        state(agent, penalties={str(queue.pk): 4})
        item = make_waiting(queue)
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=21)):
        here(agent)
        router.turn()

    assert offered() == [(item.pk, agent.pk)]


def known_contact(queue: Queue, agent: User) -> WorkItem:
    """A contact that knows this agent."""
    item = make_waiting(queue)
    WorkItem.objects.filter(pk=item.pk).update(preferred={"last_agent": [agent.pk]})
    Dirty.objects.create(kind=Dirty.Kind.ITEM, ref=item.pk)
    return item


def test_the_known_agent_is_waited_for_while_he_is_there_and_then_anybody_is_asked() -> None:
    queue = make_queue()
    make_offering(queue, sticky_seconds=20)
    router = Router()
    with frozen(NOON):
        known, other = make_ready(queue.team), make_ready(queue.team)
        item = known_contact(queue, known)
        router.turn()
        assert offered() == [(item.pk, known.pk)]
        decline_offer(offer=Offer.objects.get(), actor=Actor.of(known))
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=20)):
        here(known, other)
        router.turn()

    assert offered() == [(item.pk, other.pk)]


def test_a_known_agent_who_is_not_there_or_full_is_not_waited_for() -> None:
    queue = make_queue()
    make_offering(queue, sticky_seconds=20)
    away, full, other = make_user(teams=(queue.team,)), make_ready(queue.team), make_ready(queue.team)
    state(full, units=5)
    router = Router()
    items = [known_contact(queue, away), known_contact(queue, full)]

    for _turn in range(2):
        router.turn()
        accept_all()

    made = Offer.objects.order_by("pk").values_list("item_id", "agent_id")
    assert list(made) == [(item.pk, other.pk) for item in items]


def test_the_known_agent_who_goes_while_he_is_waited_for_holds_up_nobody() -> None:
    queue = make_queue()
    make_offering(queue, sticky_seconds=20, decline_seconds=300)
    known = make_ready(queue.team)
    item = known_contact(queue, known)
    router = Router()
    router.turn()
    other = make_ready(queue.team)
    decline_offer(offer=Offer.objects.get(), actor=Actor.of(known))
    router.turn()
    assert offered() == []

    set_agent_state(user=known, actor=Actor.of(known), state=AgentState.OFFLINE)
    router.turn()

    assert offered() == [(item.pk, other.pk)]


def test_a_step_is_left_at_once_where_nobody_who_meets_it_is_ready() -> None:
    queue = make_queue()
    speaker, other = make_user(teams=(queue.team,)), make_ready(queue.team)
    skill("lang/french", speaker)
    needs = {"needs": {"skill": "lang/french"}, "expiry": 600, "skip_if": ["nobody_ready"]}
    with_plan(queue, needs, {"expiry": None}, never_relax=[])
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, other.pk)]
