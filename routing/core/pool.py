"""The decisions: which waiting item goes to which agent. Called by the dispatcher, the simulation and the dry run.

The law: while a waiting item has an eligible agent with room, take the item with the smallest (-weight of the queue
through which it is taken, vtime, key) among those that have one, and give it to its preferred agent or else to the one
who comes first by the queue's strategy. After `match` without a limit no such item is left, so the next `match` looks
only at agents who gained something since, and at lines that had no item before. The tests hold this against a walk over
every item and agent.
"""

from __future__ import annotations

from heapq import heapify, heappop, heapreplace
from typing import NamedTuple

from routing.core.buckets import Desk, Line, LineKey, Place, Turn
from routing.core.engine import Agent, Choice, Item, QueueRules, QueueStats, WaitRecord
from routing.core.explain import offer_record, wait_record
from routing.core.lines import Lines
from routing.core.rivals import ABSENT, Rivals

#: Up to so many agents look up the best item for themselves; for more it is cheaper to go by lines.
FEW = 8
#: Heads of lines an agent looks at in one queue before he looks into his own buckets instead.
GLANCES = 32
LINE = -1


class _Head(NamedTuple):
    """The first item of a line by way of one queue, in the order of the law, and who looked it up (LINE: the line)."""

    weight: int
    vtime: float
    item: int
    place: int
    agent: int
    line: Line


class Pool:
    """Queues, agents and waiting items of one shard. Read `queues`, `agents` and `items`; change by the methods."""

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        self.queues: dict[int, QueueRules] = {}
        self.agents: dict[int, Agent] = {}
        self.items: dict[int, Item] = {}
        self._desks: dict[int, Desk] = {}
        self._places: dict[int, Place] = {}
        self._turns: dict[int, tuple[Line, Turn]] = {}
        self._lines = Lines(self._desks)
        self._gained: set[int] = set()  # agents who may take more than at the last match
        self._filled: set[Line] = set()  # lines to look at whoever gained what
        self._rivals = Rivals()
        self.few, self.glances = FEW, GLANCES

    # Queues and agents

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

    # Items

    def put_item(self, item: Item) -> None:
        """Adds a waiting item or replaces it: to change one, put it again. Raises KeyError for an unknown queue."""
        queues = item.queues
        for queue in queues:
            if queue not in self._desks:
                raise KeyError(f"Item {item.key} waits in queue {queue}, which the pool does not know.")
        if item.key in self._turns:
            self.drop_item(item.key)
        only = frozenset(item.preferred) if item.only_preferred else None
        key = LineKey(queues, item.needs, item.channel, item.cost, item.excluded, only)
        line, turn = self._lines.at(key), (item.vtime, item.key)
        if not line.items:
            self._lines.opened(line)
            self._filled.add(line)
        line.add(turn)
        self.items[item.key] = item
        self._turns[item.key] = (line, turn)

    def drop_item(self, key: int) -> Item | None:
        """Takes an item out of the waiting; None where it does not wait."""
        found = self._turns.pop(key, None)
        if found is None:
            return None
        line, turn = found
        line.remove(turn)
        if not line.items:
            self._filled.discard(line)
            self._lines.closed(line)
        return self.items.pop(key)

    # Decisions

    def match(self, now: float, *, limit: int | None = None, record: bool = False) -> list[Choice]:
        """Decides all that can be decided, at most `limit`. What is chosen is done in the pool at once: the item waits no
        more, the units are held, the offer counts for round robin. With `record` each choice carries its reasons."""
        heap, choices = self._heads(), list[Choice]()
        while heap and (limit is None or len(choices) < limit):
            head = heap[0]
            line, bucket = head.line, head.line.buckets[head.place]
            stale = not line.items or line.items[0] != (head.vtime, head.item)  # it was given away meanwhile
            item = self.items[head.item] if not stale else None
            place = bucket.best(line, item, self.seed) if item is not None else None
            if item is not None and place is not None:
                desk = bucket.desk
                reasons = offer_record(now, item, place, bucket, line, len(self.items)) if record else None
                choices.append(Choice(item.key, place.agent.key, desk.rules.key, reasons))
                self.drop_item(item.key)
                desk.offers += 1
                place.agent.stats[desk.rules.key].last_offer = desk.offers
                self._hold(place, item.channel, item.cost)
                if place.agent.one_offer:
                    self.set_ready(place.agent.key, False, why_not="offered")
            # What nobody can take now nobody can take later in this match: agents only get busier.
            following = None if item is not None and place is None and head.agent == LINE else self._following(head)
            if following is None:
                heappop(heap)
            else:
                heapreplace(heap, following)
        for head in heap:
            if head.agent == LINE:
                self._filled.add(head.line)
            else:
                self._gained.add(head.agent)
        return choices

    def ahead_of(self, item_key: int) -> int:
        """Items that would be served before this one by agents it could have too; its place in the queue less one.

        Counts what stands before it in the order of the law, in every line that shares with its own an agent who is
        there and takes both channels. Raises KeyError where the item does not wait.
        """
        line, turn = self._turns[item_key]
        return line.items.index(turn) + self._rivals.ahead(line, turn, self._lines)

    def explain(self, item_key: int, now: float) -> WaitRecord:
        """Why an item waits, who is next, and what would change it. Raises KeyError where it does not wait."""
        line, _ = self._turns[item_key]
        return wait_record(now, self.items[item_key], line, self.ahead_of(item_key))

    # Inside

    def _heads(self) -> list[_Head]:
        """The items that may be decided now, as a heap; what made them so is forgotten."""
        heads = {
            (line, number): self._head(line, number) for line in self._filled for number in range(len(line.buckets))
        }
        heap = list(heads.values())
        gained = [place for key in self._gained if (place := self._places[key]).filed]
        if len(gained) <= self.few:
            heap.extend(head for place in gained if (head := self._best_for(place)) is not None)
        else:
            for place in gained:
                for line in self._lines.for_agent(place):
                    if line.fits(place.agent):
                        for number, bucket in enumerate(line.buckets):
                            if (line, number) not in heads and place.agent.key in bucket.members:
                                heads[line, number] = self._head(line, number)
            heap = list(heads.values())
        self._gained.clear()
        self._filled.clear()
        heapify(heap)
        return heap

    def _following(self, head: _Head) -> _Head | None:
        """What whoever looked up the head would look at next."""
        if head.agent != LINE:
            return self._best_for(self._places[head.agent])
        return self._head(head.line, head.place) if head.line.items else None

    @staticmethod
    def _head(line: Line, number: int, agent: int = LINE) -> _Head:
        vtime, key = line.items[0]
        return _Head(-line.buckets[number].desk.rules.weight, vtime, key, number, agent, line)

    def _best_for(self, place: Place) -> _Head | None:
        """The first item in the order of the law that this agent may take now."""
        agent = place.agent
        best: _Head | None = None
        if not place.filed:
            return None
        for queue in place.filed:
            desk = self._desks[queue]
            for (channel, cost), shelf in desk.shelves.items():
                if not shelf or not agent.has_room(channel, cost):
                    continue
                for glance, turn in enumerate(shelf):
                    if best is not None and (best.weight, best.vtime, best.item) < (-desk.rules.weight, *turn):
                        break
                    line = self._turns[turn[1]][0]
                    number = line.key.queues.index(queue)
                    if agent.key in line.buckets[number].members and agent.key not in line.key.excluded:
                        best = _sooner(best, self._head(line, number, agent.key))
                        break
                    if glance >= self.glances:
                        for mine in self._lines.for_agent(place):
                            if queue in mine.key.queues and mine.fits(agent):
                                place_in = mine.key.queues.index(queue)
                                if agent.key in mine.buckets[place_in].members:
                                    best = _sooner(best, self._head(mine, place_in, agent.key))
                        break
        for line in self._lines.asking.get(agent.key, ()):
            for number, bucket in enumerate(line.buckets):
                if agent.key in bucket.members and line.fits(agent):
                    best = _sooner(best, self._head(line, number, agent.key))
        return best

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


def _sooner(one: _Head | None, other: _Head) -> _Head:
    """Whichever comes first in the order of the law."""
    return other if one is None or other[:4] < one[:4] else one
