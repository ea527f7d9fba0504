"""The shelves of the pool: agents of a queue in the order of its strategy, agents who meet some needs, items in line.

Only `pool` uses these. A `Bucket` is materialised once for (queue, needs) and kept up when an agent's skills or queues
change. A `Line` holds the items that are alike in all that decides who may take them, so that only its first item is
ever looked at. `Desk` holds what a queue knows of its agents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sortedcontainers import SortedList

from routing.core.needs import Needs, expand
from routing.core.strategies import ORDERED, draw

if TYPE_CHECKING:
    from routing.core.engine import Agent, Item, QueueRules

#: Where an agent stands in a queue: penalty (0 without bands), the strategy's key of two, his id.
Standing = tuple[int, float, float, int]
#: Where an item stands in its line: vtime, its id.
Turn = tuple[float, int]


class LineKey(NamedTuple):
    """All that decides who may take an item. `only` is set where nobody but the preferred is asked; `raised` is the penalty
    with which agents of a lower one count."""

    queues: tuple[int, ...]
    needs: Needs
    channel: str
    cost: int
    excluded: frozenset[int]
    only: frozenset[int] | None
    raised: int = 0

    @property
    def plain(self) -> bool:
        """Whether others like it are likely to come: nobody excluded, no owner waited for."""
        return self.only is None and not self.excluded


class Place:
    """An agent in the pool with what is worked out about him."""

    __slots__ = ("agent", "buckets", "expanded", "filed", "queues")

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.expanded = expand(agent.skills)
        self.queues = tuple(agent.queues)
        self.buckets: set[Bucket] = set()
        self.filed: dict[int, Standing] = {}


class Desk:
    """One queue: its rules, its agents, and those of them with any room at all in the order of the strategy."""

    __slots__ = ("buckets", "busy", "free", "offers", "order", "places", "rules", "shelves")

    def __init__(self, rules: QueueRules) -> None:
        self.rules = rules
        self.order = ORDERED[rules.strategy]
        self.places: dict[int, Place] = {}
        self.free: SortedList[Standing] = SortedList()
        self.buckets: dict[Needs, Bucket] = {}
        #: Buckets in which something waits, without those beyond the cap.
        self.busy = 0
        #: (channel, cost) -> the first turn of each line with waiting items, but for lines that ask for certain agents.
        self.shelves: dict[tuple[str, int], SortedList[Turn]] = {}
        self.offers = 0

    def succeed(self, old: Desk) -> None:
        """Takes over from the desk of the same queue under other rules."""
        self.places, self.buckets, self.shelves, self.offers = old.places, old.buckets, old.shelves, old.offers
        self.busy = old.busy
        for bucket in self.buckets.values():
            bucket.desk = self
        for place in self.places.values():
            place.filed.pop(self.rules.key, None)
            self.file(place)

    def standing(self, agent: Agent) -> Standing:
        """Where the agent belongs among the others now."""
        key = self.rules.key
        first, second = self.order(agent, agent.stats[key])
        return (agent.queues[key] if self.rules.bands else 0, first, second, agent.key)

    def file(self, place: Place) -> None:
        """Puts an agent where he belongs now, or takes him out when he has no room at all."""
        agent, key = place.agent, self.rules.key
        new = self.standing(agent) if agent.ready and agent.units_used < agent.units_total else None
        old = place.filed.get(key)
        if old == new:
            return
        if old is not None:
            self.free.remove(old)
            del place.filed[key]
        if new is not None:
            self.free.add(new)
            place.filed[key] = new

    def unfile(self, place: Place) -> None:
        """Takes an agent out of the order."""
        old = place.filed.pop(self.rules.key, None)
        if old is not None:
            self.free.remove(old)


class Bucket:
    """The agents of one queue who meet one set of needs, whatever they do at the moment."""

    __slots__ = ("desk", "lines", "members", "needs", "number", "open", "regular", "scores", "size", "users")

    def __init__(self, number: int, desk: Desk, needs: Needs) -> None:
        self.number = number
        self.desk = desk
        self.needs = needs
        self.members: dict[int, Place] = {}
        self.scores: dict[int, float] = {}
        #: Lines with waiting items, without those that ask for certain agents only.
        self.lines: set[Line] = set()
        #: Lines there are, with or without items; of these, with items.
        self.users = self.open = 0
        #: Whether it counts against the cap: not while only items let in beyond it wait there.
        self.regular = False
        for place in desk.places.values():
            self.consider(place)
        #: Members when it was made: what it counts for in memory.
        self.size = len(self.members)

    def consider(self, place: Place) -> None:
        """Takes an agent in when he meets the needs."""
        if self.needs.met_by_expanded(place.expanded):
            self.members[place.agent.key] = place
            self.scores[place.agent.key] = self.needs.proficiency(place.expanded)
            place.buckets.add(self)

    def forget(self, place: Place) -> None:
        """Lets an agent go."""
        self.members.pop(place.agent.key, None)
        self.scores.pop(place.agent.key, None)
        place.buckets.discard(self)

    def candidates(self, line: Line) -> list[Standing]:
        """Everybody who could take the first item of the line now, in the order of the queue."""
        return [standing for standing in self.desk.free if self._may(standing[3], line)]

    def best(self, line: Line, item: Item, seed: int) -> Place | None:
        """Who gets the item through this queue: the first of the preferred, else as the strategy says; None: nobody."""
        members = self.members
        for key in item.preferred:
            place = members.get(key)
            if place is not None and line.fits(place.agent):
                return place
        if line.key.only is not None:
            return None
        strategy = self.desk.rules.strategy
        if strategy == "weighted_random":
            return self._drawn(line, item, seed)
        if strategy == "most_skilled":
            return self._most_skilled(line)
        key_of = self._first(line)
        return None if key_of is None else members[key_of]

    def _may(self, key: int, line: Line) -> bool:
        place = self.members.get(key)
        return place is not None and line.fits(place.agent)

    def _first(self, line: Line) -> int | None:
        members, free, rules = self.members, self.desk.free, self.desk.rules
        if line.key.raised and rules.bands:
            first = self._first_band(line)
            return min(first, key=lambda standing: standing[1:])[3] if first else None
        if len(members) * 4 < len(free):
            standings = [
                place.filed[rules.key]
                for place in members.values()
                if rules.key in place.filed and line.fits(place.agent)
            ]
            return min(standings)[3] if standings else None
        for standing in free:
            place = members.get(standing[3])
            if place is not None and line.fits(place.agent):
                return standing[3]
        return None

    def _most_skilled(self, line: Line) -> Place | None:
        """The free list stands by band, then idle time: the first with the best score of the first band."""
        if line.key.raised and self.desk.rules.bands:
            first = self._first_band(line)
            found = min(first, key=lambda standing: (-self.scores[standing[3]], standing[1:]), default=None)
            return None if found is None else self.members[found[3]]
        best: int | None = None
        band, score, top = 0, -1.0, max(self.scores.values(), default=0.0)
        for standing in self.desk.free:
            key = standing[3]
            if best is not None and standing[0] != band:
                break
            if self.scores.get(key, -1.0) > score and line.fits(self.members[key].agent):
                best, band, score = key, standing[0], self.scores[key]
                if score >= top:
                    break
        return None if best is None else self.members[best]

    def _drawn(self, line: Line, item: Item, seed: int) -> Place | None:
        present = self._first_band(line)
        if not present:
            return None
        queue, raised = self.desk.rules.key, line.key.raised
        penalties = [(one[3], max(raised, self.members[one[3]].agent.queues[queue])) for one in present]
        return self.members[draw(seed, item.key, penalties)]

    def _first_band(self, line: Line) -> list[Standing]:
        """Whoever could take the first item of the line and has the lowest penalty, those below the raised one lifted to it."""
        found: list[Standing] = []
        for standing in self.desk.free:  # by band
            if found and max(standing[0], line.key.raised) != max(found[0][0], line.key.raised):
                break
            if self._may(standing[3], line):
                found.append(standing)
        return found


class Line:
    """Waiting items that the same agents may take, in order."""

    __slots__ = ("buckets", "items", "key")

    def __init__(self, key: LineKey, buckets: tuple[Bucket, ...]) -> None:
        self.key = key
        #: One bucket a queue, its own queue first.
        self.buckets = buckets
        self.items: SortedList[Turn] = SortedList()

    def add(self, turn: Turn) -> None:
        """One more item."""
        old = self.items[0] if self.items else None
        self.items.add(turn)
        if old is None or turn < old:
            self._show(turn, old)

    def remove(self, turn: Turn) -> None:
        """One item less. Raises ValueError where it is not in the line."""
        first = self.items[0] == turn
        self.items.remove(turn)
        if first:
            self._show(self.items[0] if self.items else None, turn)

    def _show(self, new: Turn | None, old: Turn | None) -> None:
        """Puts the first turn onto the shelves of its queues in the place of the one before."""
        if self.key.only is not None:
            return
        for bucket in self.buckets:
            shelf = bucket.desk.shelves.get((self.key.channel, self.key.cost))
            if shelf is None:
                shelf = bucket.desk.shelves[self.key.channel, self.key.cost] = SortedList()
            if old is not None:
                shelf.remove(old)
            if new is not None:
                shelf.add(new)

    def fits(self, agent: Agent) -> bool:
        """Whether an agent who meets the needs may take its items now."""
        key = self.key
        return (
            agent.has_room(key.channel, key.cost)
            and agent.key not in key.excluded
            and (key.only is None or agent.key in key.only)
        )
