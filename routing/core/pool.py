"""The decisions: which waiting item goes to which agent. Called by the dispatcher, the simulation and the dry run.

The law: while a waiting item has an eligible agent with room, take the item with the smallest (-weight of the queue
through which it is taken, vtime, key) among those that have one, and give it to the agent who comes first.
"""

from __future__ import annotations

from collections.abc import Iterable

from routing.core.engine import Agent, Choice, Item, QueueRules, QueueStats
from routing.core.needs import expand
from routing.core.strategies import ORDERED, draw, skilled_key


class Pool:
    """Queues, agents and waiting items of one shard."""

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        self.queues: dict[int, QueueRules] = {}
        self.agents: dict[int, Agent] = {}
        self.items: dict[int, Item] = {}
        self._expanded: dict[int, dict[str, int]] = {}
        self._offers: dict[int, int] = {}

    def add_queue(self, rules: QueueRules) -> None:
        """Adds a queue or replaces its rules."""
        self.queues[rules.key] = rules

    def put_agent(self, agent: Agent) -> None:
        """Adds an agent or replaces all that is known of him."""
        self.agents[agent.key] = agent
        self._expanded[agent.key] = expand(agent.skills)
        for queue in agent.queues:
            stats = agent.stats.setdefault(queue, QueueStats())
            if stats.last_offer is not None:
                self._offers[queue] = max(self._offers.get(queue, 0), stats.last_offer)

    def drop_agent(self, key: int) -> Agent | None:
        """Takes an agent out; None where there is no such agent."""
        return self.agents.pop(key, None)

    def put_item(self, item: Item) -> None:
        """Adds a waiting item or replaces it. Raises KeyError for a queue that was not added."""
        for queue in item.queues:
            _ = self.queues[queue]
        self.items[item.key] = item

    def drop_item(self, key: int) -> Item | None:
        """Takes an item out of the waiting; None where it does not wait."""
        return self.items.pop(key, None)

    def set_ready(self, key: int, ready: bool, *, idle_since: float | None = None, why_not: str = "") -> None:
        """Makes an agent ready or not; `idle_since` moves his idle time, None leaves it."""
        agent = self.agents[key]
        agent.ready, agent.why_not = ready, why_not
        if idle_since is not None:
            agent.idle_since = idle_since

    def set_accepts(self, key: int, channels: frozenset[str] | None) -> None:
        """Sets the channels an agent takes, None for all."""
        self.agents[key].accepts = channels

    def occupy(self, key: int, channel: str, cost: int) -> None:
        """Holds units for a contact that came to the agent otherwise than by `match`. Raises ValueError without room."""
        agent = self.agents[key]
        if agent.units_used + cost > agent.units_total:
            raise ValueError(f"Agent {key} has no room for {cost} more units.")
        agent.units_used += cost
        agent.channel_used[channel] = agent.channel_used.get(channel, 0) + 1

    def release(self, key: int, channel: str, cost: int, *, idle_since: float | None = None) -> None:
        """Gives back the units of a contact or an offer; `idle_since` where it was handled."""
        agent = self.agents[key]
        agent.units_used -= cost
        agent.channel_used[channel] = agent.channel_used.get(channel, 0) - 1
        if idle_since is not None:
            agent.idle_since = idle_since

    def count(self, key: int, queue: int, *, answered: int = 0, handled_seconds: float = 0.0) -> None:
        """Adds contacts accepted and seconds handled to an agent's figures in a queue."""
        stats = self.agents[key].stats.setdefault(queue, QueueStats())
        stats.answered += answered
        stats.handled_seconds += handled_seconds

    def match(self, now: float, *, limit: int | None = None, record: bool = False) -> list[Choice]:
        """Decides all that can be decided, at most `limit`; units are held and the items wait no more."""
        choices: list[Choice] = []
        while (limit is None or len(choices) < limit) and (found := self._first()) is not None:
            item, queue = found
            agent = self._chosen(item, queue)
            self._offers[queue] = self._offers.get(queue, 0) + 1
            agent.stats[queue].last_offer = self._offers[queue]
            self.occupy(agent.key, item.channel, item.cost)
            del self.items[item.key]
            choices.append(Choice(item.key, agent.key, queue))
        return choices

    def _eligible(self, item: Item, queue: int) -> Iterable[Agent]:
        for agent in self.agents.values():
            if (
                queue in agent.queues
                and agent.has_room(item.channel, item.cost)
                and agent.key not in item.excluded
                and (not item.only_preferred or agent.key in item.preferred)
                and item.needs.met_by_expanded(self._expanded[agent.key])
            ):
                yield agent

    def _first(self) -> tuple[Item, int] | None:
        ways = [
            (-self.queues[queue].weight, item.vtime, item.key, place, queue)
            for item in self.items.values()
            for place, queue in enumerate(item.queues)
            if any(True for _ in self._eligible(item, queue))
        ]
        if not ways:
            return None
        _, _, key, _, queue = min(ways)
        return self.items[key], queue

    def _chosen(self, item: Item, queue: int) -> Agent:
        rules, free = self.queues[queue], {agent.key: agent for agent in self._eligible(item, queue)}
        for key in item.preferred:
            if key in free:
                return free[key]
        if rules.bands:
            band = min(agent.queues[queue] for agent in free.values())
            free = {key: agent for key, agent in free.items() if agent.queues[queue] == band}
        if rules.strategy == "weighted_random":
            return free[draw(self.seed, item.key, [(key, agent.queues[queue]) for key, agent in free.items()])]
        if rules.strategy == "most_skilled":
            skilled = {key: item.needs.proficiency(self._expanded[key]) for key in free}
            return min(free.values(), key=lambda agent: (skilled_key(skilled[agent.key], agent), agent.key))
        order = ORDERED[rules.strategy]
        return min(free.values(), key=lambda agent: (order(agent, agent.stats[queue]), agent.key))
