"""Overflow by what is measured: the estimated wait, the service level, the length of the line; and the record of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from helpdesk.models import Queue
from helpdesk.now import frozen
from routing.models import Assignment, Decision, WorkItem
from routing.queries import measuring
from routing.queries.house import read_house
from routing.router import Router
from tests.factories import make_queue
from tests.routing.people import make_offering, make_ready, make_waiting
from tests.routing.turns import NOON, here, offered, state

pytestmark = pytest.mark.django_db


def handled_before(queue: Queue, seconds: int, *, waited: int = 0, times: int = 4) -> None:
    """So many contacts were answered in the last minutes, each after `waited` seconds and handled for `seconds`."""
    agent = make_ready(queue.team)
    for n in range(times):
        with frozen(NOON - timedelta(minutes=20, seconds=n)):
            item = make_waiting(queue)
        answered = item.entered_at + timedelta(seconds=waited)
        done = answered + timedelta(seconds=seconds)
        WorkItem.objects.filter(pk=item.pk).update(state="done", answered_at=answered, done_at=done, outcome="handled")
        Assignment.objects.create(
            item=item, agent=agent, channel="mail", units=10, begun_at=answered, ended_at=done, done_at=done
        )
    state(agent, state="offline")


def later(router: Router, at: datetime) -> None:
    """A turn at which everything is measured anew."""
    router.measured_at = router.levels_at = float("-inf")
    with frozen(at):
        router.turn()


def test_a_long_estimated_wait_opens_contacts_to_the_other_queue_and_says_why() -> None:
    home, other = make_queue(), make_queue()
    make_offering(home, closed={"overflow": [{"when": "ewt", "over": 500, "to": [other.pk]}]})
    handled_before(home, 200)
    router = Router()
    with frozen(NOON):
        mine, helper = make_ready(home.team), make_ready(other.team)
        state(mine, units=10)
        first = make_waiting(home)
        router.turn()
        assert offered() == [(first.pk, mine.pk)]
        second = make_waiting(home)
        later(router, NOON)
        assert offered() == [(first.pk, mine.pk)]  # whoever came now would wait for 400 s
        third = make_waiting(home)
        later(router, NOON)

    assert (second.pk, helper.pk) in offered()
    record = Decision.objects.filter(item=third, kind="opened").latest("pk").record
    assert record["opened"] == [{"queue": other.pk, "why": "ewt"}]
    assert record["ewt"] > 500


def test_contacts_go_home_again_when_the_wait_is_short_again() -> None:
    home, other = make_queue(), make_queue()
    make_offering(home, closed={"overflow": [{"when": "ewt", "over": 300, "to": [other.pk]}]})
    handled_before(home, 600)
    router = Router()
    with frozen(NOON):
        state(make_ready(home.team), units=5)
        state(make_ready(other.team), units=5)
        item = make_waiting(home)
        router.turn()
        assert router.pool.items[item.pk].extra_queues == (other.pk,)
        for _n in range(5):
            state(make_ready(home.team), units=5)  # at work, and without room for this very contact
        router.turn()
        later(router, NOON)

    assert router.pool.items[item.pk].extra_queues == ()
    records = Decision.objects.filter(item=item, kind="opened").order_by("pk").values_list("record__opened", flat=True)
    assert list(records) == [[{"queue": other.pk, "why": "ewt"}], []]


def test_nobody_at_home_who_could_take_it_is_a_wait_without_end() -> None:
    home, other = make_queue(), make_queue()
    make_offering(home, closed={"overflow": [{"when": "ewt", "over": 3600, "to": [other.pk]}]})
    with frozen(NOON):
        helper = make_ready(other.team)
        item = make_waiting(home)
        Router().turn()

    assert offered() == [(item.pk, helper.pk)]


def test_a_low_service_level_opens_contacts_to_the_other_queue() -> None:
    home, other = make_queue(), make_queue()
    rule = {"when": "service_level", "under": 60, "to": [other.pk]}
    make_offering(home, target_seconds=20, closed={"overflow": [rule]})
    handled_before(home, 60, waited=100, times=3)
    router = Router()
    with frozen(NOON):
        mine, helper = make_ready(home.team), make_ready(other.team)
        state(mine, units=5)
        item = make_waiting(home)
        router.turn()

    assert offered() == [(item.pk, helper.pk)]
    record = Decision.objects.filter(item=item, kind="opened").latest("pk").record
    assert (record["opened"], record["service_level"]) == ([{"queue": other.pk, "why": "service_level"}], 0.0)


def test_a_level_that_holds_opens_nothing() -> None:
    home, other = make_queue(), make_queue()
    rule = {"when": "service_level", "under": 60, "to": [other.pk]}
    make_offering(home, target_seconds=20, closed={"overflow": [rule]})
    handled_before(home, 60, waited=10, times=3)
    with frozen(NOON):
        mine, _helper = make_ready(home.team), make_ready(other.team)
        state(mine, units=5)
        make_waiting(home)
        Router().turn()

    assert offered() == []


def test_those_who_came_before_overflow_too_when_the_line_grows_long() -> None:
    home, other = make_queue(), make_queue()
    make_offering(home, closed={"overflow": [{"when": "length", "over": 2, "to": [other.pk]}]})
    router = Router()
    with frozen(NOON):
        mine, helper = make_ready(home.team), make_ready(other.team)
        state(mine, units=5)
        first = make_waiting(home)
        make_waiting(home)
        router.turn()
        assert offered() == []
        make_waiting(home)
        here(mine, helper)
        router.turn()
        router.turn()

    assert offered() == [(first.pk, helper.pk)]


def test_queues_whose_rules_ask_for_nothing_are_not_measured(django_assert_num_queries: object) -> None:
    make_offering(make_queue(), closed={"overflow": [{"when": "wait", "over": 60, "to": [make_queue().pk]}]})
    house = read_house(NOON)
    assert measuring.asked_for(house.closed) == {}
    with django_assert_num_queries(0):  # type: ignore[operator]  # the fixture has no type of its own
        assert measuring.measure(house, Router().pool, NOON) == {}
