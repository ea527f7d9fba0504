"""Why this agent, why still waiting, and what would change it."""

from __future__ import annotations

from dataclasses import asdict, replace
from json import dumps, loads

from routing.core.engine import Agent, Candidate, Change, Item, QueueRules, QueueStats
from routing.core.needs import parse
from routing.core.pool import Pool

SALES, SUPPORT = 1, 2
FRENCH = parse({"skill": "lang/fr", "level": 3})
CHAT = Item(1, SALES, "chat", 20, 10.0)


def pool_of(*agents: Agent, rules: QueueRules | None = None) -> Pool:
    """A pool with SALES under the rules, SUPPORT beside it."""
    pool = Pool()
    pool.add_queue(rules or QueueRules(SALES))
    pool.add_queue(QueueRules(SUPPORT))
    for agent in agents:
        pool.put_agent(agent)
    return pool


def test_a_choice_carries_a_record_only_when_asked() -> None:
    pool = pool_of(Agent(1, {SALES: 0}))
    pool.put_item(CHAT)
    (choice,) = pool.match(12.0)
    assert choice.record is None


def test_a_record_names_the_candidates_in_the_order_of_the_strategy() -> None:
    pool = pool_of(
        Agent(1, {SALES: 0}, {"lang/fr": 3}, stats={SALES: QueueStats(answered=4)}),
        Agent(2, {SALES: 2}, {"lang/fr": 3}, stats={SALES: QueueStats(answered=1)}),
        Agent(3, {SALES: 0}, {"lang/fr": 2}),
        Agent(4, {SALES: 0}, {"lang/fr": 5}, ready=False, why_not="on_break"),
        Agent(5, {SALES: 0}, {"lang/fr": 5}, units_used=90),
        Agent(6, {SALES: 0}, {"lang/fr": 5}, accepts=frozenset({"mail"})),
        Agent(7, {SALES: 0}, {"lang/fr": 5}, channel_caps={"chat": 0}),
        Agent(8, {SUPPORT: 0}, {"lang/fr": 5}),
        rules=QueueRules(SALES, "fewest", weight=3),
    )
    pool.put_item(replace(CHAT, needs=FRENCH, excluded=frozenset({5})))
    (choice,) = pool.match(12.0, record=True)
    record = choice.record
    assert record is not None
    assert (record.now, record.item, record.agent, record.queue, record.vtime) == (12.0, 1, 2, SALES, 10.0)
    assert (record.by, record.weight, record.waiting, record.free) == ("fewest", 3, 1, 2)
    assert record.candidates == (Candidate(2, 2, (1.0, 0.0)), Candidate(1, 0, (4.0, 0.0)))
    assert record.reasons == {
        "free": 2,
        "skills": 1,
        "on_break": 1,
        "excluded": 1,
        "channel_off": 1,
        "channel_full": 1,
    }
    assert record.missing == {"lang/fr>=3": 1}
    assert loads(dumps(asdict(record)))["candidates"][0]["agent"] == 2


def test_a_preferred_agent_is_recorded_as_such_and_stands_first() -> None:
    pool = pool_of(Agent(1, {SALES: 0}), Agent(2, {SALES: 0}, idle_since=50.0))
    pool.put_item(replace(CHAT, preferred=(2,)))
    (choice,) = pool.match(60.0, record=True)
    assert choice.record is not None
    assert (choice.record.by, [one.agent for one in choice.record.candidates]) == ("preferred", [2, 1])


def test_a_wait_counts_each_agent_of_the_queues_once_by_the_first_obstacle() -> None:
    pool = pool_of(
        Agent(1, {SALES: 0, SUPPORT: 0}, {"lang/fr": 3}, units_used=100),
        Agent(2, {SUPPORT: 0}, {"lang/fr": 3}, units_used=100, idle_since=-5.0),
        Agent(3, {SALES: 0}, ready=False, why_not="on_break"),
        Agent(4, {SALES: 0}, {"lang/fr": 4}, ready=False, why_not="on_break"),
        Agent(5, {SALES: 0}, {"lang/fr": 4}, ready=False),
    )
    pool.put_item(replace(CHAT, needs=FRENCH, extra_queues=(SUPPORT,)))
    assert pool.match(20.0) == []
    record = pool.explain(1, 30.0)
    assert (record.now, record.item, record.queues, record.ahead, record.agents) == (30.0, 1, (SALES, SUPPORT), 0, 5)
    assert record.reasons == {"no_units": 2, "skills": 1, "on_break": 1, "not_ready": 1}
    assert record.missing == {"lang/fr>=3": 1}
    assert record.next_agents == (2, 1)


def test_what_would_change_a_wait_is_what_stands_alone_in_the_way() -> None:
    pool = pool_of(
        Agent(1, {SALES: 0}, {"lang/fr": 3}, units_used=100, channel_caps={"chat": 0}),
        Agent(2, {SALES: 0}),
        Agent(3, {SALES: 0}),
        Agent(4, {SALES: 0}, units_used=100),  # lacks two things: neither alone would do
        Agent(5, {SALES: 0}, {"lang/fr": 5}, ready=False, why_not="rona"),
        Agent(6, {SALES: 0}, {"lang/fr": 5}, accepts=frozenset()),
        Agent(7, {SALES: 0}, {"lang/fr": 5}),
    )
    pool.put_item(replace(CHAT, needs=FRENCH, excluded=frozenset({7})))
    assert pool.explain(1, 30.0).changes == (
        Change("skill", 2, "lang/fr>=3"),
        Change("accepts", 1),
        Change("exclusion_ends", 1),
        Change("frees", 1),
        Change("ready", 1, "rona"),
    )


def test_a_wait_for_the_owner_says_that_anyone_could() -> None:
    pool = pool_of(Agent(1, {SALES: 0}), Agent(2, {SALES: 0}, units_used=100))
    pool.put_item(replace(CHAT, preferred=(2,), only_preferred=True))
    record = pool.explain(1, 30.0)
    assert record.changes == (Change("anyone", 1), Change("frees", 1))
    assert record.next_agents == (2,)


def test_a_queue_with_nobody_in_it_says_so() -> None:
    pool = pool_of()
    pool.put_item(CHAT)
    record = pool.explain(1, 30.0)
    assert (record.agents, record.reasons, record.next_agents, record.changes) == (0, {}, (), ())


def test_an_item_that_came_since_the_last_match_shows_who_is_free() -> None:
    pool = pool_of(Agent(1, {SALES: 0}))
    pool.put_item(CHAT)
    assert pool.explain(1, 30.0).reasons == {"free": 1}


def test_the_place_counts_only_what_competes_for_the_same_agents() -> None:
    both, chat_only = Agent(1, {SALES: 0, SUPPORT: 0}, units_used=100), frozenset({"chat"})
    pool = pool_of(both, Agent(2, {SUPPORT: 0}, {"tech": 1}, units_used=100))
    pool.put_item(Item(1, SALES, "chat", 20, 50.0))
    pool.put_item(Item(2, SUPPORT, "chat", 20, 40.0))
    pool.put_item(Item(3, SUPPORT, "chat", 20, 60.0))
    pool.put_item(Item(4, SUPPORT, "chat", 20, 30.0, needs=parse({"skill": "tech"})))
    pool.put_item(Item(5, SUPPORT, "voice", 100, 20.0))
    assert pool.ahead_of(1) == 2  # 2 and 5; 4 needs a skill that agent 1 has not
    pool.set_accepts(1, chat_only)
    assert pool.ahead_of(1) == 1
    pool.set_ready(1, ready=False, why_not="on_break")
    assert pool.ahead_of(1) == 1
    pool.set_ready(1, ready=False, why_not="offline")
    assert pool.ahead_of(1) == 0


def test_the_place_counts_a_heavier_queue_before_and_an_overflowed_item_once() -> None:
    pool = pool_of(Agent(1, {SALES: 0, SUPPORT: 0}, units_used=100))
    pool.add_queue(QueueRules(SUPPORT, weight=2))
    pool.put_item(Item(1, SALES, "chat", 20, 10.0))
    pool.put_item(Item(2, SUPPORT, "chat", 20, 40.0, extra_queues=(SALES,)))
    pool.put_item(Item(3, SUPPORT, "mail", 20, 50.0))
    assert [pool.ahead_of(key) for key in (1, 2, 3)] == [2, 0, 1]
