"""The queues and agents of the pool: who is there, with what room, and where each stands in the order of his queues.

`Pool` is a roster with items. What somebody gained since the last match is remembered for it.
"""

from __future__ import annotations

from routing.core.buckets import Desk, Place
from routing.core.engine import Agent, QueueRules, QueueStats
from routing.core.rivals import ABSENT, Rivals


class Roster:
    """Read `queues` and `agents`; change by the methods."""

    def __init__(self) -> None:
        self.queues: dict[int, QueueRules] = {}
        self.agents: dict[int, Agent] = {}
        self._desks: dict[int, Desk] = {}
        self._places: dict[int, Place] = {}
        self._gained: set[int] = set()  # agents who may take more than at the last match
        self._rivals = Rivals()

    def add_queue(self, rules: QueueRules) -> None:
        """Adds a queue or replaces its rules; agents and items keep their places."""
        self.queues[rules.key] = rules
        self._rivals.clear()
        old, desk = self._desks.get(rules.key), Desk(rules)
        self._desks[rules.key] = desk
        if old is None:
            for place in self._places.values():
                if rules.key in place.queues:
                    self._join(place, desk)
            return
        desk.succeed(old)

    def put_agent(self, agent: Agent) -> None:
        """Adds an agent or replaces all that is known of him. The pool owns the object from now on.

        Where he brings no stats for a queue, those the pool has of him stand. Without them he is new there and starts
        with the least answered and handled of its members; otherwise `fewest` and `least_talk` would flood him.
        """
        old = self._places.get(agent.key)
        same = (
            old is not None
            and old.agent is not agent
            and old.agent.skills == agent.skills
            and set(old.queues) == set(agent.queues)
        )
        for queue in agent.queues:
            if queue not in agent.stats:
                known = None if old is None else old.agent.stats.get(queue)
                agent.stats[queue] = known or self._newcomer(queue, agent.key)
        self.agents[agent.key] = agent
        self._rivals.clear()
        if old is not None and same:
            old.agent = agent
            self._refile(old)
        else:
            if old is not None:
                self._leave(old)
            place = self._places[agent.key] = Place(agent)
            for queue in agent.queues:
                if (desk := self._desks.get(queue)) is not None:
                    self._join(place, desk)
        for queue in agent.queues:
            if (desk := self._desks.get(queue)) is not None:
                desk.offers = max(desk.offers, agent.stats[queue].last_offer or 0)
        self._gained.add(agent.key)

    def drop_agent(self, key: int) -> Agent | None:
        """Takes an agent out; None where there is no such agent."""
        place = self._places.pop(key, None)
        if place is None:
            return None
        self._leave(place)
        self._gained.discard(key)
        self._rivals.clear()
        return self.agents.pop(key)

    def set_ready(self, key: int, ready: bool, *, idle_since: float | None = None, why_not: str = "") -> None:
        """Makes an agent ready or, with a code for why, not ready; `idle_since` moves his idle time, None leaves it.

        Raises KeyError for an agent who is not in the pool, as do all methods that name one.
        """
        place = self._places[key]
        agent = place.agent
        if (not agent.ready and agent.why_not in ABSENT) is not (not ready and why_not in ABSENT):
            self._rivals.clear()
        agent.ready, agent.why_not = ready, "" if ready else why_not
        if idle_since is not None:
            agent.idle_since = idle_since
        self._refile(place)
        if ready:
            self._gained.add(key)

    def set_accepts(self, key: int, channels: frozenset[str] | None) -> None:
        """Sets the channels an agent takes, None for all."""
        self._places[key].agent.accepts = channels
        self._rivals.clear()
        self._gained.add(key)

    def occupy(self, key: int, channel: str, cost: int) -> None:
        """Holds units for a contact that came to the agent otherwise than by `match` (pulled, assigned, called out).

        Readiness is the caller's business. Raises ValueError where units or the channel's cap do not allow it.
        """
        agent = self._places[key].agent
        used = agent.channel_used.get(channel, 0)
        if agent.units_used + cost > agent.units_total or used >= agent.channel_caps.get(channel, used + 1):
            raise ValueError(f"Agent {key} has no room for a contact on {channel} of {cost} units.")
        self._hold(self._places[key], channel, cost)

    def release(self, key: int, channel: str, cost: int, *, idle_since: float | None = None) -> None:
        """Gives back the units of a contact or of an offer that came to nothing; `idle_since` where it was handled.

        Raises ValueError where the agent does not hold as much.
        """
        place = self._places[key]
        agent = place.agent
        used = agent.channel_used.get(channel, 0)
        if agent.units_used < cost or used < 1:
            raise ValueError(f"Agent {key} holds no contact on {channel} of {cost} units.")
        agent.units_used -= cost
        agent.channel_used[channel] = used - 1
        if idle_since is not None:
            agent.idle_since = idle_since
        self._refile(place)
        self._gained.add(key)

    def count(self, key: int, queue: int, *, answered: int = 0, handled_seconds: float = 0.0) -> None:
        """Adds contacts accepted and seconds of talk and hold to an agent's figures in a queue of his."""
        place = self._places[key]
        stats = place.agent.stats[queue]
        stats.answered += answered
        stats.handled_seconds += handled_seconds
        if (desk := self._desks.get(queue)) is not None:
            desk.file(place)

    def _hold(self, place: Place, channel: str, cost: int) -> None:
        agent = place.agent
        agent.units_used += cost
        agent.channel_used[channel] = agent.channel_used.get(channel, 0) + 1
        self._refile(place)

    def _refile(self, place: Place) -> None:
        for queue in place.queues:
            if (desk := self._desks.get(queue)) is not None:
                desk.file(place)

    def _join(self, place: Place, desk: Desk) -> None:
        desk.places[place.agent.key] = place
        desk.offers = max(desk.offers, place.agent.stats[desk.rules.key].last_offer or 0)
        for bucket in desk.buckets.values():
            bucket.consider(place)
        desk.file(place)
        self._gained.add(place.agent.key)

    def _leave(self, place: Place) -> None:
        for bucket in tuple(place.buckets):
            bucket.forget(place)
        for queue in place.queues:
            if (desk := self._desks.get(queue)) is not None:
                desk.unfile(place)
                desk.places.pop(place.agent.key, None)

    def _newcomer(self, queue: int, key: int) -> QueueStats:
        desk = self._desks.get(queue)
        others = [] if desk is None else [one.agent.stats[queue] for at, one in desk.places.items() if at != key]
        return QueueStats(
            None,
            min((stats.answered for stats in others), default=0),
            min((stats.handled_seconds for stats in others), default=0.0),
        )
