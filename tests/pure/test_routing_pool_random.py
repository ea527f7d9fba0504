"""Random days in the pool: after every event its decisions equal those of the naive walk, and no invariant breaks."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from routing.core.engine import Agent, Item, QueueRules, QueueStats
from routing.core.needs import parse
from routing.core.pool import FEW, GLANCES, Pool
from routing.core.strategies import STRATEGIES
from tests.pure.routing_oracle import Oracle

QUEUES = (1, 2, 3)
CHANNELS = {"voice": 100, "chat": 30, "mail": 10}
SKILLS = ("lang/fr", "lang/de", "tech/net/wifi")
SEED = 11

agent_keys = st.integers(1, 6)
times = st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0])
trees = st.sampled_from(
    [
        None,
        None,
        {"skill": "lang/fr"},
        {"skill": "lang", "level": 3},
        {"any": [{"skill": "lang/fr", "level": 2}, {"skill": "tech/net"}]},
        {"all": [{"skill": "lang/de"}, {"not": {"skill": "tech", "level": 4}}]},
    ]
)
rules = st.builds(
    QueueRules, st.sampled_from(QUEUES), st.sampled_from(STRATEGIES), st.sampled_from([0, 0, 5]), st.booleans()
)
stats = st.builds(QueueStats, st.one_of(st.none(), st.integers(1, 9)), st.integers(0, 4), st.sampled_from([0.0, 60.0]))


@st.composite
def agents(draw: st.DrawFn) -> Agent:
    """An agent of one to three queues, with some skills, caps and channels, at times without figures of his own."""
    queues = draw(st.dictionaries(st.sampled_from(QUEUES), st.integers(0, 2), min_size=1))
    return Agent(
        key=draw(agent_keys),
        queues=queues,
        skills=draw(st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5))),
        ready=draw(st.booleans()),
        units_total=draw(st.sampled_from([100, 60])),
        channel_caps=draw(st.sampled_from([{}, {"chat": 2}, {"chat": 1, "mail": 3}])),
        accepts=draw(st.sampled_from([None, frozenset({"chat"}), frozenset({"voice", "mail"})])),
        idle_since=draw(times),
        position=draw(st.integers(0, 3)),
        stats={queue: draw(stats) for queue in queues if draw(st.booleans())},
        why_not=draw(st.sampled_from(["", "offline", "on_break"])),
    )


@st.composite
def items(draw: st.DrawFn) -> Item:
    """An item of any channel; at times overflowed, preferring somebody, or not for somebody."""
    channel = draw(st.sampled_from(sorted(CHANNELS)))
    return Item(
        key=draw(st.integers(1, 14)),
        queue=draw(st.sampled_from(QUEUES)),
        channel=channel,
        cost=CHANNELS[channel],
        vtime=draw(times),
        needs=parse(draw(trees)),
        excluded=frozenset(draw(st.lists(agent_keys, max_size=1))),
        preferred=tuple(draw(st.lists(agent_keys, max_size=2))),
        only_preferred=draw(st.integers(0, 4)) == 0,
        extra_queues=tuple(draw(st.lists(st.sampled_from(QUEUES), max_size=1))),
        raised=draw(st.sampled_from([0, 0, 0, 1, 2])),
    )


class Day(RuleBasedStateMachine):
    """The pool and the oracle live through the same events."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.oracle = Pool(seed=SEED), Oracle(SEED)
        self.held: list[tuple[Item, int]] = []
        self.clock = 20.0

    @initialize(weights=st.tuples(*(st.sampled_from([0, 0, 5]) for _ in QUEUES)), data=st.data())
    def open(self, weights: tuple[int, ...], data: st.DataObject) -> None:
        self.pool.few = data.draw(st.sampled_from([0, 1, FEW]))
        self.pool.glances = data.draw(st.sampled_from([0, 1, GLANCES]))
        for queue, weight in zip(QUEUES, weights, strict=True):
            strategy = data.draw(st.sampled_from(STRATEGIES))
            self.change_queue(QueueRules(queue, strategy, weight, data.draw(st.booleans())))

    @rule(new=rules)
    def change_queue(self, new: QueueRules) -> None:
        self.pool.add_queue(new)
        self.oracle.queues[new.key] = new

    @rule(agent=agents())
    def agent_comes(self, agent: Agent) -> None:
        old = self.pool.agents.get(agent.key)
        if old is not None:  # his contacts stay with him
            agent.units_used, agent.channel_used = old.units_used, dict(old.channel_used)
        self.oracle.put_agent(agent)
        self.pool.put_agent(agent)

    @precondition(lambda self: self.pool.agents)
    @rule(data=st.data())
    def agent_goes(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.pool.agents)))
        self.held = [(item, agent) for item, agent in self.held if agent != key]
        del self.oracle.agents[key]
        assert self.pool.drop_agent(key) is not None

    @precondition(lambda self: self.pool.agents)
    @rule(data=st.data(), ready=st.booleans(), why=st.sampled_from(["on_break", "offline", ""]))
    def agent_turns(self, data: st.DataObject, ready: bool, why: str) -> None:
        agent = self.oracle.agents[data.draw(st.sampled_from(sorted(self.pool.agents)))]
        since = data.draw(st.one_of(st.none(), times))
        agent.ready, agent.why_not = ready, "" if ready else why
        agent.idle_since = agent.idle_since if since is None else since
        self.pool.set_ready(agent.key, ready, idle_since=since, why_not=why)

    @precondition(lambda self: self.pool.agents)
    @rule(data=st.data(), channels=st.sampled_from([None, frozenset[str](), frozenset({"chat", "voice"})]))
    def agent_switches_channels(self, data: st.DataObject, channels: frozenset[str] | None) -> None:
        key = data.draw(st.sampled_from(sorted(self.pool.agents)))
        self.oracle.agents[key].accepts = channels
        self.pool.set_accepts(key, channels)

    @rule(item=items())
    def item_comes(self, item: Item) -> None:
        self.oracle.items[item.key] = deepcopy(item)
        self.pool.put_item(item)

    @precondition(lambda self: self.pool.items)
    @rule(data=st.data())
    def item_goes(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.pool.items)))
        assert self.pool.drop_item(key) is not None
        del self.oracle.items[key]

    @precondition(lambda self: self.held)
    @rule(data=st.data(), seconds=st.sampled_from([0.0, 30.0, 90.0]), idle=st.booleans())
    def contact_ends(self, data: st.DataObject, seconds: float, idle: bool) -> None:
        item, key = self._one_of_the_held(data)
        agent = self.oracle.agents[key]
        queue = data.draw(st.sampled_from(sorted(agent.queues)))
        agent.stats[queue].answered += 1
        agent.stats[queue].handled_seconds += seconds
        self.pool.count(key, queue, answered=1, handled_seconds=seconds)
        self._give_back(item, key, idle=idle)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def offer_is_declined(self, data: st.DataObject) -> None:
        item, key = self._one_of_the_held(data)
        self._give_back(item, key, idle=False)
        if item.key not in self.pool.items:
            again = replace(item, excluded=item.excluded | {key})
            self.item_comes(again)
            assert self.pool.items[item.key].vtime == item.vtime

    @precondition(lambda self: self.pool.agents)
    @rule(data=st.data(), channel=st.sampled_from(sorted(CHANNELS)))
    def agent_calls_out(self, data: st.DataObject, channel: str) -> None:
        agent = self.oracle.agents[data.draw(st.sampled_from(sorted(self.pool.agents)))]
        used, cost = agent.channel_used.get(channel, 0), CHANNELS[channel]
        room = agent.units_used + cost <= agent.units_total and used < agent.channel_caps.get(channel, 10**9)
        try:
            self.pool.occupy(agent.key, channel, cost)
        except ValueError:
            assert not room
            return
        assert room
        agent.units_used += cost
        agent.channel_used[channel] = used + 1
        self.held.append((Item(99, QUEUES[0], channel, cost, 0.0), agent.key))

    @rule(limit=st.sampled_from([None, None, 1, 2]), record=st.booleans())
    def match(self, limit: int | None, record: bool) -> None:
        waiting, agents_before = dict(self.pool.items), deepcopy(self.oracle.agents)
        expected = self.oracle.match(limit)
        choices = self.pool.match(self.clock, limit=limit, record=record)
        assert [(one.item, one.agent, one.queue) for one in choices] == expected
        for number, one in enumerate(choices):
            item = waiting[one.item]
            self.held.append((item, one.agent))
            if record:
                assert one.record is not None
                assert one.agent == one.record.candidates[0].agent
                assert one.record.free == one.record.reasons["free"]
                if number == 0:
                    assert one.record.free == sum(
                        self.oracle.eligible(item, one.queue, agent) for agent in agents_before.values()
                    )

    @invariant()
    def both_hold_the_same(self) -> None:
        assert self.pool.items == self.oracle.items
        assert self.pool.agents == self.oracle.agents

    @invariant()
    def nobody_holds_more_by_the_pool_than_he_can(self) -> None:
        for key, agent in self.pool.agents.items():
            mine = [item for item, at in self.held if at == key]
            assert agent.units_used == sum(item.cost for item in mine)
            for channel in CHANNELS:
                assert agent.channel_used.get(channel, 0) == sum(item.channel == channel for item in mine)

    @precondition(lambda self: self.pool.items)
    @rule(data=st.data())
    def somebody_asks_why(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.pool.items)))
        item, record = self.oracle.items[key], self.pool.explain(key, self.clock)
        assert record.ahead == self.oracle.ahead_of(key)
        staff = [agent for agent in self.oracle.agents.values() if set(item.queues) & set(agent.queues)]
        assert record.agents == len(staff) == sum(record.reasons.values())
        assert record.reasons.get("free", 0) == sum(
            any(self.oracle.eligible(item, queue, agent) for queue in item.queues) for agent in staff
        )

    def teardown(self) -> None:
        if self.pool.queues:
            self.match(None, record=True)
            assert self.oracle.ways() == []
            assert self.pool.match(self.clock) == []

    def _one_of_the_held(self, data: st.DataObject) -> tuple[Item, int]:
        return self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))

    def _give_back(self, item: Item, key: int, *, idle: bool) -> None:
        self.clock += 1.0
        agent = self.oracle.agents[key]
        agent.units_used -= item.cost
        agent.channel_used[item.channel] -= 1
        agent.idle_since = self.clock if idle else agent.idle_since
        self.pool.release(key, item.channel, item.cost, idle_since=self.clock if idle else None)


Day.TestCase.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestDay: Any = Day.TestCase
