"""The law of the pool walked naively, over every item, queue and agent at every decision; no structure is kept between.

It shares the dataclasses and the hash of the draw with the engine, nothing else: eligibility, order and strategies are
written out again, from the specification.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from routing.core.engine import Agent, Item, QueueRules, QueueStats
from routing.core.strategies import draw


class Oracle:
    """Takes the same events as the pool and decides by looking at everything."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.queues: dict[int, QueueRules] = {}
        self.agents: dict[int, Agent] = {}
        self.items: dict[int, Item] = {}
        self.offers: dict[int, int] = {}

    def put_agent(self, agent: Agent) -> None:
        agent, old = deepcopy(agent), self.agents.get(agent.key)
        for queue in agent.queues:
            if queue not in agent.stats:
                others = [
                    one.stats[queue] for one in self.agents.values() if queue in one.queues and one.key != agent.key
                ]
                known = old is not None and queue in old.stats
                agent.stats[queue] = (
                    old.stats[queue]
                    if old is not None and known
                    else QueueStats(
                        None,
                        min((stats.answered for stats in others), default=0),
                        min((stats.handled_seconds for stats in others), default=0.0),
                    )
                )
            self.offers[queue] = max(self.offers.get(queue, 0), agent.stats[queue].last_offer or 0)
        self.agents[agent.key] = agent

    def eligible(self, item: Item, queue: int, agent: Agent) -> bool:
        """Every wall between an agent and an item, one a line."""
        return (
            queue in agent.queues
            and agent.ready
            and (agent.accepts is None or item.channel in agent.accepts)
            and agent.units_total - agent.units_used >= item.cost
            and agent.channel_used.get(item.channel, 0) < agent.channel_caps.get(item.channel, 10**9)
            and item.needs.met_by(agent.skills)
            and agent.key not in item.excluded
            and (agent.key in item.preferred if item.only_preferred else True)
        )

    def ways(self) -> list[tuple[int, float, int, int]]:
        """Each item by each queue through which somebody could take it now, in the order of the law."""
        return sorted(
            (-self.queues[queue].weight, item.vtime, item.key, place)
            for item in self.items.values()
            for place, queue in enumerate(item.queues)
            if any(self.eligible(item, queue, agent) for agent in self.agents.values())
        )

    def chosen(self, item: Item, queue: int) -> int:
        """The agent who gets the item."""
        free = [agent for agent in self.agents.values() if self.eligible(item, queue, agent)]
        keys = [agent.key for agent in free]
        for key in item.preferred:
            if key in keys:
                return key
        rules = self.queues[queue]
        if rules.bands:
            least = min(self.penalty(item, queue, agent) for agent in free)
            free = [agent for agent in free if self.penalty(item, queue, agent) == least]
        if rules.strategy == "weighted_random":
            return draw(self.seed, item.key, [(agent.key, self.penalty(item, queue, agent)) for agent in free])
        return min(free, key=lambda agent: (*self.compared(rules, item, agent), agent.key)).key

    @staticmethod
    def penalty(item: Item, queue: int, agent: Agent) -> int:
        """A raised penalty lifts those below it."""
        return max(item.raised, agent.queues[queue])

    def compared(self, rules: QueueRules, item: Item, agent: Agent) -> tuple[Any, ...]:
        """What each strategy goes by."""
        stats = agent.stats[rules.key]
        return {
            "round_robin": (stats.last_offer or 0,),
            "fewest": (stats.answered,),
            "longest_idle": (agent.idle_since,),
            "least_talk": (stats.handled_seconds,),
            "least_loaded": (agent.units_used / agent.units_total, agent.idle_since),
            "most_skilled": (-self.proficiency(item, agent), agent.idle_since),
            "linear": (agent.position,),
        }[rules.strategy]

    @staticmethod
    def proficiency(item: Item, agent: Agent) -> float:
        """Mean level of the wanted skills in the best alternative that the agent meets."""
        best = 0.0
        for alternative in item.needs.alternatives:
            held = [
                max(
                    (level for path, level in agent.skills.items() if f"{path}/".startswith(f"{one.skill}/")), default=0
                )
                for one in alternative
            ]
            met = all((level >= one.level) == one.wanted for one, level in zip(alternative, held, strict=True))
            wanted = [level for one, level in zip(alternative, held, strict=True) if one.wanted]
            if met and wanted:
                best = max(best, sum(wanted) / len(wanted))
        return best

    def match(self, limit: int | None) -> list[tuple[int, int, int]]:
        """(item, agent, queue) of each decision, all of them done."""
        done: list[tuple[int, int, int]] = []
        while (limit is None or len(done) < limit) and (ways := self.ways()):
            _, _, key, place = ways[0]
            item = self.items.pop(key)
            queue = item.queues[place]
            agent = self.agents[self.chosen(item, queue)]
            self.offers[queue] = self.offers.get(queue, 0) + 1
            agent.stats[queue].last_offer = self.offers[queue]
            agent.units_used += item.cost
            agent.channel_used[item.channel] = agent.channel_used.get(item.channel, 0) + 1
            done.append((key, agent.key, queue))
        return done

    def ahead_of(self, key: int) -> int:
        """Items before this one of which an agent who is there could serve both (exclusions are not looked at)."""
        mine = self.items[key]
        return sum(self._before(other, mine) for other in self.items.values() if other.key != key)

    def _before(self, other: Item, mine: Item) -> bool:
        if self._alike(other, mine):
            return (other.vtime, other.key) < (mine.vtime, mine.key)
        for agent in self.agents.values():
            ours = [-self.queues[queue].weight for queue in mine.queues if self._could(mine, queue, agent)]
            theirs = [-self.queues[queue].weight for queue in other.queues if self._could(other, queue, agent)]
            if (agent.ready or agent.why_not != "offline") and ours and theirs:
                their_turn, our_turn = (min(theirs), other.vtime, other.key), (min(ours), mine.vtime, mine.key)
                if their_turn < our_turn:
                    return True
        return False

    @staticmethod
    def _alike(one: Item, other: Item) -> bool:
        def who(item: Item) -> tuple[object, ...]:
            only = frozenset(item.preferred) if item.only_preferred else None
            return item.queues, item.needs, item.channel, item.cost, item.excluded, only, item.raised

        return who(one) == who(other)

    @staticmethod
    def _could(item: Item, queue: int, agent: Agent) -> bool:
        return (
            queue in agent.queues
            and (agent.accepts is None or item.channel in agent.accepts)
            and item.needs.met_by(agent.skills)
            and (not item.only_preferred or agent.key in item.preferred)
        )
