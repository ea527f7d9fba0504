"""The dispatcher's turn over rows: who of those who may is offered a contact, and how much anybody is given."""

from __future__ import annotations

from datetime import timedelta

import pytest

from helpdesk.actions.assignment import assign_ticket
from helpdesk.actions.lifecycle import set_status
from helpdesk.models import (
    SYSTEM,
    Actor,
    AgentSkill,
    Channel,
    Skill,
    Status,
)
from helpdesk.now import now
from routing.actions.agents import set_channels
from routing.actions.handling import finish_wrapup
from routing.actions.offers import accept_offer
from routing.models import (
    Assignment,
    Decision,
    Handing,
    Offer,
    Strategy,
    WorkItem,
)
from routing.router import Router
from tests.factories import make_queue, make_team
from tests.routing.people import make_offering, make_ready, make_waiting
from tests.routing.turns import Items, Offers, accept_all, offered, skill, state, with_plan

pytestmark = pytest.mark.django_db


def test_longest_idle_takes_who_has_been_idle_longest() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.LONGEST_IDLE)
    first, second = make_ready(queue.team), make_ready(queue.team)
    state(first, idle_since_at=now() - timedelta(seconds=10))
    state(second, idle_since_at=now() - timedelta(seconds=99))
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, second.pk)]


def test_round_robin_goes_on_where_it_was_in_a_new_term() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.ROUND_ROBIN)
    agents = [make_ready(queue.team) for _ in range(3)]
    router = Router()
    got = []
    for n in range(7):
        make_waiting(queue)
        if n == 4:
            router = Router()
        router.turn()
        got.append(offered()[-1][1])
        accept_all()

    assert [agents.index(next(a for a in agents if a.pk == key)) for key in got] == [0, 1, 2, 0, 1, 2, 0]


def test_round_robin_is_not_confused_by_answers_in_between() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.ROUND_ROBIN)
    agents = [make_ready(queue.team) for _ in range(3)]
    router, got = Router(), []
    for _n in range(6):
        make_waiting(queue)
        router.turn()
        newest = Offer.objects.select_related("agent").latest("pk")
        got.append(newest.agent)
        accept_offer(offer=newest, actor=Actor.of(newest.agent))

    assert got == agents * 2


def test_fewest_takes_who_has_handled_least_today() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.FEWEST, wrapup_seconds=0)
    first, second = make_ready(queue.team), make_ready(queue.team)
    router = Router()
    for _n in range(3):
        make_waiting(queue)
        router.turn()
        row = Offer.objects.get(state=Offers.PENDING)
        accept_offer(offer=row, actor=Actor.of(row.agent))
    counts = {agent: Assignment.objects.filter(agent=agent).count() for agent in (first, second)}
    assert sorted(counts.values()) == [1, 2]
    least = min(counts, key=lambda agent: counts[agent])

    item = make_waiting(queue)
    Router().turn()

    assert offered() == [(item.pk, least.pk)]


def test_least_talk_takes_who_has_talked_least() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.LEAST_TALK)
    talker, other = make_ready(queue.team), make_ready(queue.team)
    for agent, minutes in ((talker, 30), (other, 5)):
        done = make_waiting(queue)
        assign_ticket(ticket=done.ticket, actor=SYSTEM, owner=agent)
        Assignment.objects.filter(item=done).update(
            begun_at=now() - timedelta(minutes=minutes), ended_at=now(), done_at=now()
        )
        WorkItem.objects.filter(pk=done.pk).update(state=Items.DONE, done_at=now())
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, other.pk)]


def test_least_loaded_takes_who_has_most_room() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.LEAST_LOADED)
    busy, free = make_ready(queue.team), make_ready(queue.team)
    assign_ticket(ticket=make_waiting(queue).ticket, actor=SYSTEM, owner=busy)
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, free.pk)]


def test_most_skilled_takes_the_highest_level_of_what_is_needed() -> None:
    queue = make_queue()
    fair, good = make_ready(queue.team), make_ready(queue.team)
    skill("tech/network", fair, level=2)
    AgentSkill.objects.create(user=good, skill=Skill.objects.get(), level=5)
    with_plan(queue, {"needs": {"skill": "tech/network", "level": 1}, "expiry": None})
    make_offering(queue, strategy=Strategy.MOST_SKILLED)
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, good.pk)]


def test_linear_takes_the_first_in_the_fixed_order() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.LINEAR)
    second, first = make_ready(queue.team), make_ready(queue.team)
    state(second, position=2)
    state(first, position=1)
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, first.pk)]


def test_weighted_random_asks_everybody_in_the_end() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.WEIGHTED_RANDOM)
    agents = {make_ready(queue.team).pk for _ in range(3)}
    for _n in range(20):
        make_waiting(queue)

    Router().turn()

    assert {agent for _item, agent in offered()} == agents


def test_lower_penalties_come_first_where_the_queue_says_so() -> None:
    queue = make_queue()
    make_offering(queue, bands=True)
    late, early = make_ready(queue.team), make_ready(queue.team)
    state(late, penalties={str(queue.pk): 3}, idle_since_at=now() - timedelta(hours=1))
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, early.pk)]


def test_who_waits_longest_and_who_is_urgent_comes_first() -> None:
    queue = make_queue()
    make_offering(queue)
    first, _second, urgent = (make_waiting(queue) for _ in range(3))
    WorkItem.objects.filter(pk=urgent.pk).update(vtime=urgent.vtime - timedelta(minutes=30))
    agent = make_ready(queue.team)
    state(agent, units=20)
    router = Router()

    for _turn in range(3):
        router.turn()
        accept_all()

    assert list(Offer.objects.order_by("pk").values_list("item_id", flat=True)) == [urgent.pk, first.pk]


def test_an_agent_never_gets_more_than_his_units_or_his_cap() -> None:
    queue = make_queue()
    make_offering(queue)
    by_units, by_cap = make_ready(queue.team), make_ready(queue.team)
    state(by_units, units=35)
    state(by_cap, caps={"mail": 2})
    for _n in range(12):
        make_waiting(queue)
    router = Router()

    for _turn in range(5):
        router.turn()
        accept_all()
    for _turn in range(2):
        router.turn()
        held = {agent: Assignment.objects.filter(agent=agent, done_at=None).count() for agent in (by_units, by_cap)}
        assert held == {by_units: 3, by_cap: 2}
    assert WorkItem.objects.filter(state=Items.WAITING).count() == 7


def test_a_freed_agent_gets_the_next_at_once() -> None:
    queue = make_queue()
    make_offering(queue, wrapup_seconds=60)
    agent = make_ready(queue.team)
    state(agent, units=10)
    first, second = make_waiting(queue), make_waiting(queue)
    router = Router()
    router.turn()
    accept_offer(offer=Offer.objects.get(), actor=Actor.of(agent))
    set_status(ticket=first.ticket, actor=Actor.of(agent), status=Status.RESOLVED)
    router.turn()
    assert offered() == []  # the wrap-up holds his units

    finish_wrapup(assignment=Assignment.objects.get(), actor=Actor.of(agent))
    router.turn()

    assert offered() == [(second.pk, agent.pk)]


def test_nobody_of_another_team_is_ever_asked() -> None:
    queue = make_queue()
    make_offering(queue)
    make_ready(make_team())
    make_ready()
    make_waiting(queue)
    router = Router()

    for _n in range(3):
        router.turn()

    assert offered() == []


def test_who_left_the_team_after_the_pool_was_read_is_not_asked() -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    router = Router()
    router.turn()
    agent.memberships.all().delete()
    item = make_waiting(queue)

    router.turn()

    assert offered() == []
    item.refresh_from_db()
    assert item.state == Items.WAITING
    router.turn()
    assert offered() == []


def test_a_channel_switched_off_brings_nothing() -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    set_channels(user=agent, actor=Actor.of(agent), channels=["chat"])
    make_waiting(queue)
    chat = make_waiting(queue, channel=Channel.CHAT)

    Router().turn()

    assert offered() == [(chat.pk, agent.pk)]


def test_contacts_of_a_queue_that_assigns_are_the_agents_at_once() -> None:
    queue = make_queue()
    make_offering(queue, mail_handing=Handing.ASSIGN)
    agent = make_ready(queue.team)
    item = make_waiting(queue)

    Router().turn()

    item.refresh_from_db()
    item.ticket.refresh_from_db()
    assert (item.state, item.ticket.owner) == (Items.ASSIGNED, agent)
    assert Assignment.objects.get().units == 10
    assert Decision.objects.get(kind="assign").agent == agent
