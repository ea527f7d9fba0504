"""The eight strategies, each as examples, and what holds over a run of any of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from routing.core.engine import Item, QueueRules, QueueStats
from routing.core.needs import parse
from routing.core.pool import Pool
from routing.core.strategies import STRATEGIES, draw
from tests.pure.routing_pieces import SALES, SUPPORT, agent, item, pairs, pool_of


def served(pool: Pool, *items: Item) -> list[int]:
    """The agent of each item, one after another; each gives the contact back before the next comes."""
    agents = []
    for one in items:
        pool.put_item(one)
        ((_, key),) = pairs(pool.match(one.vtime))
        agents.append(key)
        pool.count(key, one.queue, answered=1, handled_seconds=60.0)
        pool.release(key, one.channel, one.cost, idle_since=one.vtime)
    return agents


def test_round_robin_goes_through_the_members_in_turn() -> None:
    pool = pool_of(agent(1), agent(2), agent(3), strategy="round_robin")
    assert served(pool, *(item(n) for n in range(7))) == [1, 2, 3, 1, 2, 3, 1]


def test_round_robin_advances_on_the_offer_even_when_it_is_not_answered() -> None:
    pool = pool_of(agent(1), agent(2), strategy="round_robin")
    pool.put_item(item(1))
    assert pairs(pool.match(1.0)) == [(1, 1)]
    pool.release(1, "chat", 100)
    pool.put_item(item(2))
    assert pairs(pool.match(2.0)) == [(2, 2)]


def test_round_robin_goes_on_where_it_was_when_somebody_joins() -> None:
    pool = pool_of(agent(1), agent(2), agent(3), strategy="round_robin")
    served(pool, item(1))
    pool.put_agent(agent(4))
    assert served(pool, *(item(n) for n in range(2, 7))) == [2, 3, 4, 1, 2]


def test_round_robin_continues_the_sequence_it_was_loaded_with() -> None:
    pool = pool_of(
        agent(1, stats={SALES: QueueStats(last_offer=41)}),
        agent(2, stats={SALES: QueueStats(last_offer=40)}),
        strategy="round_robin",
    )
    assert served(pool, item(1), item(2), item(3)) == [2, 1, 2]
    assert pool.agents[2].stats[SALES].last_offer == 44


def test_fewest_takes_who_accepted_least_in_this_queue() -> None:
    pool = pool_of(
        agent(1, stats={SALES: QueueStats(answered=3)}),
        agent(2, stats={SALES: QueueStats(answered=1), SUPPORT: QueueStats(answered=9)}),
        strategy="fewest",
    )
    assert served(pool, item(1), item(2), item(3), item(4)) == [2, 2, 1, 2]


def test_fewest_does_not_flood_a_newcomer() -> None:
    pool = pool_of(
        agent(1, stats={SALES: QueueStats(answered=7)}),
        agent(2, stats={SALES: QueueStats(answered=8)}),
        strategy="fewest",
    )
    pool.put_agent(agent(3))
    assert pool.agents[3].stats[SALES].answered == 7
    assert Counter(served(pool, *(item(n) for n in range(5)))) == {1: 2, 2: 1, 3: 2}


def test_longest_idle_takes_the_earliest_idle_since() -> None:
    pool = pool_of(agent(1, idle_since=30.0), agent(2, idle_since=10.0), agent(3, idle_since=20.0))
    for n in (1, 2, 3):
        pool.put_item(item(n))
    assert pairs(pool.match(40.0)) == [(1, 2), (2, 3), (3, 1)]


def test_an_offer_that_came_to_nothing_leaves_the_idle_time() -> None:
    pool = pool_of(agent(1, idle_since=10.0), agent(2, idle_since=20.0))
    pool.put_item(item(1))
    pool.match(30.0)
    pool.release(1, "chat", 100)
    pool.put_item(item(2))
    assert pairs(pool.match(31.0)) == [(2, 1)]


def test_a_missed_offer_may_reset_the_idle_time() -> None:
    pool = pool_of(agent(1, idle_since=10.0), agent(2, idle_since=20.0))
    pool.set_ready(1, ready=False, why_not="rona")
    pool.set_ready(1, ready=True, idle_since=30.0)
    pool.put_item(item(1))
    assert pairs(pool.match(40.0)) == [(1, 2)]


def test_least_talk_takes_the_fewest_seconds() -> None:
    pool = pool_of(
        agent(1, stats={SALES: QueueStats(answered=1, handled_seconds=600.0)}),
        agent(2, stats={SALES: QueueStats(answered=5, handled_seconds=500.0)}),
        strategy="least_talk",
    )
    assert served(pool, item(1), item(2), item(3)) == [2, 2, 1]


def test_least_loaded_compares_shares_and_then_idle_time() -> None:
    """The four workers of Azure's documentation: D, C, A, B."""
    loads = {1: (60, -300.0), 2: (75, 0.0), 3: (60, -420.0), 4: (0, 0.0)}
    agents = [agent(key, units_used=used, idle_since=since) for key, (used, since) in loads.items()]
    pool = pool_of(*agents, strategy="least_loaded")
    order = []
    for n in range(4):
        pool.put_item(item(n, cost=1))
        ((_, key),) = pairs(pool.match(1.0))
        order.append(key)
        pool.set_ready(key, ready=False)
    assert order == [4, 3, 1, 2]


def test_least_loaded_spreads_chats() -> None:
    pool = pool_of(agent(1), agent(2), strategy="least_loaded")
    for n in range(6):
        pool.put_item(item(n, cost=20))
    assert Counter(key for _, key in pairs(pool.match(1.0))) == {1: 3, 2: 3}


def test_most_skilled_takes_the_best_at_what_is_asked() -> None:
    pool = pool_of(
        agent(1, skills={"lang/fr": 3, "tech": 5}),
        agent(2, skills={"lang/fr": 5, "tech": 1}),
        agent(3, skills={"lang/fr": 5, "tech": 1}, idle_since=-1.0),
        strategy="most_skilled",
    )
    pool.put_item(item(1, needs=parse({"skill": "lang/fr", "level": 2})))
    pool.put_item(item(2, needs=parse({"skill": "tech"})))
    pool.put_item(item(3))
    assert pairs(pool.match(9.0)) == [(1, 3), (2, 1), (3, 2)]


def test_linear_takes_the_first_of_the_list_who_is_free() -> None:
    pool = pool_of(agent(1, position=2), agent(2, position=1), strategy="linear")
    assert served(pool, item(1), item(2)) == [2, 2]
    pool.set_ready(2, ready=False)
    assert served(pool, item(3)) == [1]


def test_weighted_random_draws_by_penalty() -> None:
    pool = pool_of(agent(1, penalty=0), agent(2, penalty=2), strategy="weighted_random", seed=5)
    count = Counter(served(pool, *(item(n) for n in range(2000))))
    assert 1400 < count[1] < 1600  # 3 of 4; the draws are fixed by the seed


def test_weighted_random_draws_the_same_again_and_otherwise_with_another_seed() -> None:
    def day(seed: int) -> list[int]:
        return served(pool_of(agent(1), agent(2), strategy="weighted_random", seed=seed), *(item(n) for n in range(40)))

    assert day(1) == day(1)
    assert day(1) != day(2)
    assert draw(1, 7, [(2, 0), (1, 0)]) == draw(1, 7, [(1, 0), (2, 0)])
    with pytest.raises(ValueError, match="nobody"):
        draw(1, 7, [])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_with_bands_a_lower_penalty_goes_before_the_strategy(strategy: str) -> None:
    worse = agent(1, penalty=1, skills={"a": 5}, idle_since=0.0, position=0)
    better = agent(
        2,
        skills={"a": 1},
        idle_since=9.0,
        position=5,
        units_used=50,
        stats={SALES: QueueStats(last_offer=3, answered=5, handled_seconds=99.0)},
    )
    for key in range(20):
        pool = pool_of(worse, better, strategy=strategy, bands=True)
        pool.put_item(item(key, cost=10, needs=parse({"skill": "a"})))
        assert pairs(pool.match(10.0)) == [(key, 2)]
        pool.drop_item(key)
        pool.release(2, "chat", 10)
        better.stats[SALES].last_offer = 3
    pool = pool_of(worse, better, strategy=strategy, bands=True)
    pool.set_ready(2, ready=False)
    pool.put_item(item(1, cost=10))
    assert pairs(pool.match(10.0)) == [(1, 1)]


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name != "weighted_random"])
def test_without_bands_a_penalty_does_not_count(strategy: str) -> None:
    pool = pool_of(agent(1, penalty=9), agent(2, penalty=0), strategy=strategy)
    pool.put_item(item(1))
    assert pairs(pool.match(1.0)) == [(1, 1)]


def test_a_strategy_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="ring_all"):
        QueueRules(SALES, "ring_all")


def test_another_strategy_takes_over_at_once_and_keeps_the_sequence() -> None:
    pool = pool_of(agent(1, position=2), agent(2, position=1), strategy="round_robin")
    assert served(pool, item(1), item(2), item(3)) == [1, 2, 1]
    pool.add_queue(QueueRules(SALES, "linear"))
    assert served(pool, item(4), item(5)) == [2, 2]
    pool.add_queue(QueueRules(SALES, "round_robin"))
    assert served(pool, item(6)) == [1]


def rush(strategy: str) -> list[tuple[int, int]]:
    """(time, item) of each decision where three equal agents take too long for what comes."""
    pool = pool_of(*(agent(n) for n in range(3)), strategy=strategy)
    decided: list[tuple[int, int]] = []
    held: list[int] = []
    for n in range(60):
        pool.put_item(item(n))
        if n % 2 and held:
            pool.release(held.pop(0), "chat", 100, idle_since=float(n))
        for one in pool.match(float(n)):
            decided.append((n, one.item))
            held.append(one.agent)
    return decided


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_who_waits_how_long_for_equal_agents_does_not_depend_on_the_strategy(strategy: str) -> None:
    decided = rush(strategy)
    assert [number for _, number in decided] == list(range(len(decided)))
    assert [time for time, _ in decided][-3:] == [55, 57, 59]
    assert decided == rush("longest_idle")


def test_fewest_keeps_equal_agents_within_one_of_each_other() -> None:
    pool = pool_of(*(agent(n) for n in range(4)), strategy="fewest")
    count: Counter[int] = Counter(dict.fromkeys(range(4), 0))
    for n in range(50):
        count.update(served(pool, item(n)))
        assert max(count.values()) - min(count.values()) <= 1


def test_round_robin_lets_nobody_wait_longer_than_the_members() -> None:
    pool = pool_of(*(agent(n) for n in range(5)), strategy="round_robin")
    turns = served(pool, *(item(n) for n in range(60)))
    for key in range(5):
        places = [n for n, one in enumerate(turns) if one == key]
        assert max(later - earlier for earlier, later in pairwise(places)) <= 5


def test_a_raised_penalty_makes_equals_of_those_below_it_and_keeps_their_order_among_the_others() -> None:
    agents = [agent(1, 0, idle_since=9.0), agent(2, 3, idle_since=1.0), agent(3, 5, idle_since=0.0)]
    assert pairs(pool_of(*agents, bands=True).match(10)) == []
    for raised, order in ((0, [1, 2, 3]), (3, [2, 1, 3]), (9, [3, 2, 1])):
        pool = pool_of(*(replace(one, stats={}) for one in agents), bands=True)
        for key in (1, 2, 3):
            pool.put_item(item(key, raised=raised))
        assert [who for _item, who in pairs(pool.match(10))] == order


def test_without_bands_a_raised_penalty_changes_nobodys_turn_but_the_chances_of_a_draw() -> None:
    def drawn(raised: int) -> int:
        pool = pool_of(agent(1, 0), agent(2, 8), strategy="weighted_random", seed=4)
        count = 0
        for key in range(400):
            pool.put_item(item(key, raised=raised))
            ((_item, who),) = pairs(pool.match(key, limit=1))
            count += who == 2
            pool.release(who, "chat", 100)
        return count

    assert drawn(0) < 80  # one to nine
    assert 160 < drawn(8) < 240
    idle = pool_of(agent(1, 0, idle_since=1.0), agent(2, 8, idle_since=0.0))
    idle.put_item(item(1, raised=8))
    assert pairs(idle.match(2)) == [(1, 2)]


def test_the_record_shows_penalties_as_they_count() -> None:
    pool = pool_of(agent(1, 0, idle_since=9.0), agent(2, 3, idle_since=1.0), bands=True)
    pool.put_item(item(1, raised=3))
    (choice,) = pool.match(10, record=True)
    assert choice.record is not None
    assert [(one.agent, one.penalty) for one in choice.record.candidates] == [(2, 3), (1, 3)]
