"""Contacts that ask for more different things than there are buckets for: memory is bounded, and nobody waits for ever."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.core.engine import Agent, Item, QueueRules
from routing.core.needs import parse
from routing.core.pool import Pool
from tests.pure.routing_oracle import Oracle
from tests.pure.routing_pieces import SALES, SUPPORT, agent, item, pairs, pool_of

SKILLS = [f"skill/s{n}" for n in range(8)]
#: 218 different needs.
WAYS = [parse({"all": [{"skill": one} for one in way]}) for size in (2, 3, 5, 6) for way in combinations(SKILLS, size)]


def narrow(*agents: Agent, most: int = 5, heads: int = 3) -> Pool:
    """A pool of few buckets."""
    pool = pool_of(*agents)
    pool._lines.most_buckets, pool._parking.heads = most, heads
    return pool


def busy(pool: Pool, queue: int = SALES) -> int:
    """Buckets in which something waits."""
    return sum(bucket.open > 0 for bucket in pool._desks[queue].buckets.values())


def test_needs_beyond_the_cap_stand_aside_and_the_queue_says_so() -> None:
    pool = narrow(agent(1, ready=False))
    for key, needs in enumerate(WAYS[:20], 1):
        pool.put_item(item(key, needs=needs))
    assert busy(pool) == 8
    assert pool.crowded == {SALES: 12}
    assert len(pool.items) == 20


def test_everybody_who_stands_aside_is_served_in_his_turn_when_agents_free() -> None:
    pool = narrow(agent(1, skills=dict.fromkeys(SKILLS, 3)), most=2, heads=2)
    for key, needs in enumerate(WAYS[:40], 1):
        pool.put_item(item(key, needs=needs))
    served = []
    for now in range(40):
        served += pairs(pool.match(now))
        pool.release(1, "chat", 100)
    assert [key for key, _agent in served] == list(range(1, 41))
    assert not pool.crowded


def test_those_whom_nobody_can_take_do_not_hold_up_the_others() -> None:
    pool = narrow(agent(1, skills=dict.fromkeys(SKILLS[:4], 3)))
    for key, needs in enumerate(WAYS, 1):
        pool.put_item(item(key, needs=needs))
    able = [key for key, needs in enumerate(WAYS, 1) if needs.met_by(dict.fromkeys(SKILLS[:4], 3))]
    served = []
    for now in range(400):
        served += [key for key, _agent in pairs(pool.match(now))]
        if served and pool.agents[1].units_used:
            pool.release(1, "chat", 100)
        assert busy(pool) <= 8
    assert sorted(served) == able


def test_who_stands_aside_has_a_place_and_reasons_and_may_leave() -> None:
    pool = narrow(agent(1, ready=False, why_not="break"), most=1, heads=1)
    for key, needs in enumerate(WAYS[:5], 1):
        pool.put_item(item(key, needs=needs))
    record = pool.explain(5, 9.0)
    assert record.agents == 1
    assert record.missing
    assert record.ahead == 2  # those aside before it; the agent could take none of the others either
    assert pool.drop_item(5) is not None
    assert pool.drop_item(5) is None
    assert pool.crowded == {SALES: 2}


def test_who_comes_first_goes_in_before_who_came_earlier_but_is_later_in_the_order() -> None:
    pool = narrow(agent(1, ready=False, skills=dict.fromkeys(SKILLS, 1)), most=1, heads=1)
    for key, vtime in ((1, 5.0), (2, 8.0), (3, 6.0)):
        pool.put_item(item(key, vtime, needs=WAYS[key]))
    pool.set_ready(1, ready=True)
    served = []
    for now in range(10, 13):
        served += [key for key, _agent in pairs(pool.match(now))]
        pool.release(1, "chat", 100)
    assert served == [1, 3, 2]


def test_what_all_buckets_hold_together_is_bounded_too() -> None:
    pool = pool_of(*(agent(key, skills=dict.fromkeys(SKILLS, 3), ready=False) for key in range(1, 11)))
    pool._lines.most_members, pool._parking.heads = 40, 2
    for key, needs in enumerate(WAYS[:30], 1):
        pool.put_item(item(key, needs=needs))
    assert busy(pool) == 6
    assert pool.crowded == {SALES: 24}


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_beyond_the_cap_every_choice_is_lawful_and_all_who_can_be_served_are(data: st.DataObject) -> None:
    pool, oracle = Pool(seed=3), Oracle(3)
    pool._lines.most_buckets, pool._parking.heads = data.draw(st.integers(0, 3)), data.draw(st.integers(1, 3))
    for queue in (SALES, SUPPORT):
        pool.add_queue(QueueRules(queue))
        oracle.queues[queue] = QueueRules(queue)
    for key in range(1, 4):
        skills = dict.fromkeys(data.draw(st.lists(st.sampled_from(SKILLS), unique=True, min_size=3)), 3)
        one = Agent(key, data.draw(st.sampled_from([{SALES: 0}, {SUPPORT: 0}, {SALES: 0, SUPPORT: 0}])), skills)
        oracle.put_agent(one)
        pool.put_agent(one)
    for key in range(1, 31):
        needs, queue = data.draw(st.sampled_from(WAYS)), data.draw(st.sampled_from([SALES, SUPPORT]))
        extra = data.draw(st.sampled_from([(), (SALES, SUPPORT)]))
        one_more = Item(key, queue, "chat", 100, float(data.draw(st.integers(0, 9))), needs, extra_queues=extra)
        pool.put_item(one_more)
        oracle.items[key] = replace(one_more)
    for now in range(60):
        for choice in pool.match(now):
            assert oracle.eligible(oracle.items.pop(choice.item), choice.queue, oracle.agents[choice.agent])
            pool.release(choice.agent, "chat", 100)
        assert busy(pool) <= pool._lines.most_buckets + 2 * pool._parking.heads
    assert pool.items.keys() == oracle.items.keys()
    assert oracle.ways() == []  # nobody who waits still could be taken by anybody
