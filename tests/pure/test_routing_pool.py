"""Who is offered what: the order of the waiting and the walls around agents, each as an example."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing.core.engine import QueueRules
from routing.core.needs import parse
from tests.pure.routing_pieces import SALES, SUPPORT, agent, item, pairs, pool_of

# Order


def test_the_earliest_virtual_time_goes_first_and_then_the_lower_key() -> None:
    pool = pool_of(agent(1))
    for one in (item(1, 50.0), item(2, 40.0), item(3, 40.0)):
        pool.put_item(one)
    order = []
    for _ in range(3):
        order += [one.item for one in pool.match(60.0)]
        pool.release(1, "chat", 100)
    assert order == [2, 3, 1]


def test_a_raised_priority_is_the_item_put_again() -> None:
    pool = pool_of()
    pool.put_item(item(1, 10.0))
    pool.put_item(item(2, 20.0))
    assert pool.ahead_of(2) == 1
    pool.put_item(item(2, 5.0))
    assert (pool.ahead_of(2), pool.ahead_of(1), len(pool.items)) == (0, 1, 2)


def test_an_older_item_that_nobody_can_take_does_not_hold_up_the_others() -> None:
    pool = pool_of(agent(1))
    pool.put_item(item(1, needs=parse({"skill": "lang/fr"})))
    pool.put_item(item(2))
    assert pairs(pool.match(3.0)) == [(2, 1)]


def test_a_heavier_queue_goes_first_where_agents_are_shared() -> None:
    pool = pool_of(agent(1, queues={SALES: 0, SUPPORT: 0}))
    pool.add_queue(QueueRules(SUPPORT, weight=5))
    pool.put_item(item(1, 1.0))
    pool.put_item(item(2, 9.0, queue=SUPPORT))
    assert [(one.item, one.queue) for one in pool.match(10.0)] == [(2, SUPPORT)]


def test_a_heavier_queue_without_an_item_for_this_agent_starves_nobody() -> None:
    pool = pool_of(agent(1, queues={SALES: 0, SUPPORT: 0}))
    pool.add_queue(QueueRules(SUPPORT, weight=5))
    pool.put_item(item(1, 9.0))
    pool.put_item(item(2, 1.0, queue=SUPPORT, needs=parse({"skill": "tech"})))
    assert pairs(pool.match(10.0)) == [(1, 1)]


def test_equal_weights_take_the_oldest_across_queues() -> None:
    pool = pool_of(agent(1, queues={SALES: 0, SUPPORT: 0}))
    pool.add_queue(QueueRules(SUPPORT))
    pool.put_item(item(1, 9.0))
    pool.put_item(item(2, 1.0, queue=SUPPORT))
    assert pairs(pool.match(10.0)) == [(2, 1)]


def test_an_overflowed_item_keeps_its_place_at_home_and_has_it_elsewhere() -> None:
    pool = pool_of(agent(1), agent(2, queues={SUPPORT: 0}))
    pool.add_queue(QueueRules(SUPPORT))
    pool.set_ready(1, ready=False)
    pool.put_item(item(1, 1.0, extra_queues=(SUPPORT,)))
    pool.put_item(item(2, 2.0, queue=SUPPORT))
    assert [(one.item, one.agent, one.queue) for one in pool.match(3.0)] == [(1, 2, SUPPORT)]
    assert (pool.ahead_of(2), pool.match(4.0)) == (0, [])


def test_an_overflowed_item_is_taken_once_though_both_queues_have_somebody() -> None:
    pool = pool_of(agent(1), agent(2, queues={SUPPORT: 0}))
    pool.add_queue(QueueRules(SUPPORT))
    pool.put_item(item(1, extra_queues=(SUPPORT, SALES)))
    assert [(one.item, one.agent, one.queue) for one in pool.match(3.0)] == [(1, 1, SALES)]


def test_a_limit_leaves_the_rest_for_the_next_match() -> None:
    pool = pool_of(*(agent(n) for n in range(5)))
    for n in range(5):
        pool.put_item(item(n))
    assert [one.item for one in pool.match(9.0, limit=2)] == [0, 1]
    assert pool.match(9.0, limit=0) == []
    assert [one.item for one in pool.match(9.0)] == [2, 3, 4]


def test_a_limit_leaves_agents_who_came_to_a_line_that_waited() -> None:
    pool = pool_of()
    for n in range(3):
        pool.put_item(item(n))
    assert pool.match(8.0) == []
    for n in range(3):
        pool.put_agent(agent(n))
    assert [one.item for one in pool.match(9.0, limit=1)] == [0]
    assert [one.item for one in pool.match(9.0)] == [1, 2]


def test_a_limit_leaves_items_that_came_to_agents_who_were_free() -> None:
    pool = pool_of(*(agent(n) for n in range(3)))
    assert pool.match(8.0) == []
    for n in range(3):
        pool.put_item(item(n))
    assert [one.item for one in pool.match(9.0, limit=1)] == [0]
    assert [one.item for one in pool.match(9.0)] == [1, 2]


# Walls


def test_nobody_gets_a_contact_outside_his_queues() -> None:
    pool = pool_of(agent(1, queues={SUPPORT: 0}))
    pool.add_queue(QueueRules(SUPPORT))
    pool.put_item(item(1))
    assert pool.match(2.0) == []
    pool.put_agent(agent(1))
    assert pairs(pool.match(3.0)) == [(1, 1)]


def test_nobody_gets_more_than_his_units() -> None:
    pool = pool_of(agent(1, units_total=100))
    for n in range(4):
        pool.put_item(item(n, cost=30))
    assert len(pool.match(1.0)) == 3
    assert pool.agents[1].units_used == 90
    pool.put_item(item(9, cost=10, channel="mail"))
    assert pairs(pool.match(2.0)) == [(9, 1)]
    pool.release(1, "mail", 10)
    assert pool.match(3.0) == []
    pool.release(1, "chat", 30)
    assert pairs(pool.match(4.0)) == [(3, 1)]


def test_a_cap_on_a_channel_holds_beside_the_units() -> None:
    pool = pool_of(agent(1, channel_caps={"chat": 2}))
    for n in range(3):
        pool.put_item(item(n, cost=10))
    pool.put_item(item(7, cost=10, channel="mail"))
    assert pairs(pool.match(1.0)) == [(0, 1), (1, 1), (7, 1)]


def test_only_accepted_channels_are_offered() -> None:
    pool = pool_of(agent(1, accepts=frozenset({"mail"})))
    pool.put_item(item(1))
    assert pool.match(2.0) == []
    pool.set_accepts(1, None)
    assert pairs(pool.match(2.0)) == [(1, 1)]


def test_who_is_not_ready_gets_nothing_until_he_is() -> None:
    pool = pool_of(agent(1, ready=False, why_not="on_break"))
    pool.put_item(item(1))
    assert pool.match(2.0) == []
    pool.set_ready(1, ready=True)
    assert pairs(pool.match(2.0)) == [(1, 1)]
    assert pool.agents[1].why_not == ""


def test_skills_are_asked_of_agents_and_follow_their_change() -> None:
    pool = pool_of(agent(1))
    pool.put_item(item(1, needs=parse({"skill": "lang/fr"})))
    assert pool.match(2.0) == []
    pool.put_agent(agent(1, skills={"lang/fr": 1}))
    assert pairs(pool.match(2.0)) == [(1, 1)]


def test_who_is_excluded_is_passed_over_and_the_others_are_not() -> None:
    pool = pool_of(agent(1, idle_since=0.0), agent(2, idle_since=5.0))
    pool.put_item(item(1, excluded=frozenset({1})))
    pool.put_item(item(2))
    assert pairs(pool.match(9.0)) == [(1, 2), (2, 1)]


def test_an_item_given_back_keeps_its_place() -> None:
    pool = pool_of(agent(1), agent(2))
    pool.put_item(item(1))
    first = item(1)
    assert pairs(pool.match(1.0)) == [(1, 1)]
    pool.put_item(item(5, 5.0))
    pool.set_ready(2, ready=False)
    pool.release(1, "chat", 100)
    pool.put_item(replace(first, excluded=frozenset({1})))
    assert pool.ahead_of(5) == 1
    assert pairs(pool.match(6.0)) == [(5, 1)]
    pool.set_ready(2, ready=True)
    assert pairs(pool.match(7.0)) == [(1, 2)]


def test_the_preferred_are_asked_first_in_their_order() -> None:
    pool = pool_of(agent(1), agent(2, idle_since=5.0), agent(3, idle_since=9.0))
    pool.put_item(item(1, preferred=(7, 3, 2)))
    pool.put_item(item(2, preferred=(3,)))
    assert pairs(pool.match(9.0)) == [(1, 3), (2, 1)]


def test_the_sticky_step_waits_for_the_owner_only() -> None:
    pool = pool_of(agent(1), agent(2))
    pool.occupy(2, "chat", 100)
    pool.put_item(item(1, preferred=(2,), only_preferred=True))
    assert pool.match(1.0) == []
    pool.release(2, "chat", 100)
    assert pairs(pool.match(2.0)) == [(1, 2)]
    pool.put_item(item(2, preferred=(2,), only_preferred=True))
    pool.put_item(replace(item(2, preferred=(2,)), only_preferred=False))
    assert pairs(pool.match(3.0)) == [(2, 1)]


def test_units_cannot_be_held_or_given_back_that_are_not_there() -> None:
    pool = pool_of(agent(1, channel_caps={"mail": 0}))
    with pytest.raises(ValueError, match="holds no"):
        pool.release(1, "chat", 10)
    with pytest.raises(ValueError, match="no room"):
        pool.occupy(1, "mail", 10)
    pool.occupy(1, "chat", 60)
    with pytest.raises(ValueError, match="no room"):
        pool.occupy(1, "chat", 60)
    with pytest.raises(ValueError, match="holds no"):
        pool.release(1, "mail", 10)


def test_what_the_pool_does_not_know_is_refused_or_nothing() -> None:
    pool = pool_of()
    with pytest.raises(KeyError, match="queue 8"):
        pool.put_item(item(1, queue=8))
    with pytest.raises(ValueError, match="at least one unit"):
        item(1, cost=0)
    assert pool.drop_item(4) is None
    assert pool.drop_agent(4) is None
    with pytest.raises(KeyError):
        pool.ahead_of(4)


def test_a_queue_added_later_finds_its_agents() -> None:
    pool = pool_of(agent(1, queues={SALES: 0, SUPPORT: 0}))
    pool.add_queue(QueueRules(SUPPORT))
    pool.put_item(item(1, queue=SUPPORT))
    assert pairs(pool.match(1.0)) == [(1, 1)]


def test_who_left_takes_nothing() -> None:
    pool = pool_of(agent(1))
    assert pool.drop_agent(1) is not None
    pool.put_item(item(1))
    assert pool.match(1.0) == []


def test_buckets_that_come_and_go_by_the_thousand_lose_no_agent() -> None:
    pool = pool_of(agent(1, skills={"group/skill": 1}))
    for n in range(1500):
        pool.put_item(item(n, needs=parse([{"skill": "group/skill"}, {"not": {"skill": f"group/no{n}"}}])))
        assert pairs(pool.match(float(n))) == [(n, 1)]
        pool.release(1, "chat", 100)
