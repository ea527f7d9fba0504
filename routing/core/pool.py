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

from routing.core.buckets import Line, LineKey, Place, Turn
from routing.core.engine import Choice, Item, WaitRecord
from routing.core.explain import offer_record, wait_record
from routing.core.lines import Lines
from routing.core.parking import Parking
from routing.core.roster import Roster

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


class Pool(Roster):
    """Queues, agents and waiting items of one shard. Read `queues`, `agents` and `items`; change by the methods."""

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed
        self.items: dict[int, Item] = {}
        self._turns: dict[int, tuple[Line, Turn]] = {}
        self._lines = Lines(self._desks)
        self._parking = Parking()
        self._filled: set[Line] = set()  # lines to look at whoever gained what
        self.few, self.glances = FEW, GLANCES

    @property
    def crowded(self) -> dict[int, int]:
        """Queues whose items ask for more different things than there may be buckets: how many stand aside."""
        return {queue: len(turns) for queue, turns in self._parking.aside.items()}

    # Items

    def put_item(self, item: Item) -> None:
        """Adds a waiting item or replaces it: to change one, put it again. Raises KeyError for an unknown queue."""
        queues = item.queues
        for queue in queues:
            if queue not in self._desks:
                raise KeyError(f"Item {item.key} waits in queue {queue}, which the pool does not know.")
        if item.key in self.items:
            self.drop_item(item.key)
        self.items[item.key] = item
        key, turn = _line_key(item), (item.vtime, item.key)
        is_regular = self._lines.has_room(key)
        if not is_regular:
            may, last = self._parking.lets_in(item.queue, turn)
            if last is not None:
                self._leave_line(last[1])
                self._parking.put_aside(item.queue, last)
            if not may:
                self._parking.put_aside(item.queue, turn)
                return
        self._enter_line(key, turn, is_regular=is_regular)

    def drop_item(self, key: int) -> Item | None:
        """Takes an item out of the waiting; None where it does not wait."""
        item = self.items.pop(key, None)
        if item is None:
            return None
        if key in self._turns:
            self._leave_line(key)
        if self._parking.inside or self._parking.aside:
            self._parking.forget(item.queue, (item.vtime, key))
        return item

    # Decisions

    def match(self, now: float, *, limit: int | None = None, record: bool = False) -> list[Choice]:
        """Decides all that can be decided, at most `limit`. What is chosen is done in the pool at once: the item waits no
        more, the units are held, the offer counts for round robin. With `record` each choice carries its reasons."""
        if self._parking.aside:
            self._clear_inside()
            self._parking.come_in(self._come_in)
        choices = found = self._match(now, limit, record)
        while found and self._parking.aside and (limit is None or len(choices) < limit):
            if not self._parking.come_in(self._come_in):
                break
            found = self._match(now, None if limit is None else limit - len(choices), record)
            choices = choices + found
        return choices

    def _match(self, now: float, limit: int | None, record: bool) -> list[Choice]:
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
        line, turn = self._line_of(item_key)
        ahead = line.items.bisect_left(turn) + self._rivals.ahead(line, turn, self._lines)
        if self._parking.aside:
            ahead += sum(self._parking.before(queue, turn) for queue in line.key.queues)
        self._put_back(line)
        return ahead

    def explain(self, item_key: int, now: float) -> WaitRecord:
        """Why an item waits, who is next, and what would change it. Raises KeyError where it does not wait."""
        ahead = self.ahead_of(item_key)
        line, _ = self._line_of(item_key)
        record = wait_record(now, self.items[item_key], line, ahead)
        self._put_back(line)
        return record

    # Inside

    def _enter_line(self, key: LineKey, turn: Turn, *, is_regular: bool) -> None:
        line = self._lines.at(key)
        if not line.items:
            self._lines.opened(line)
            self._filled.add(line)
        if is_regular:
            self._lines.take_room(line)
        line.add(turn)
        self._turns[turn[1]] = (line, turn)

    def _leave_line(self, key: int) -> None:
        line, turn = self._turns.pop(key)
        line.remove(turn)
        if not line.items:
            self._filled.discard(line)
            self._lines.closed(line)

    def _come_in(self, queue: int, turn: Turn) -> bool:
        """Lets an item that stands aside in, where there is room for its needs, or it is one of the first and somebody ready
        could take it."""
        key = _line_key(self.items[turn[1]])
        if self._lines.has_room(key):
            self._parking.came_in(queue, turn)
            self._enter_line(key, turn, is_regular=True)
            return True
        line = self._lines.at(key)
        if not _is_served(line):
            self._put_back(line)
            return False
        may, last = self._parking.lets_in(queue, turn)
        if last is not None:
            self._leave_line(last[1])
            self._parking.put_aside(queue, last)
        if not may:
            self._put_back(line)
            return False
        self._parking.came_in(queue, turn)
        self._enter_line(key, turn, is_regular=False)
        return True

    def _clear_inside(self) -> None:
        """Those let in beyond the cap for whom nobody is ready any more make room for others."""
        for queue, inside in tuple(self._parking.inside.items()):
            for turn in tuple(inside):
                if not _is_served(self._turns[turn[1]][0]):
                    self._leave_line(turn[1])
                    self._parking.forget(queue, turn)
                    self._parking.put_aside(queue, turn)

    def _line_of(self, item_key: int) -> tuple[Line, Turn]:
        """The item's line; of one that stands aside the line it would have."""
        if item_key in self._turns:
            return self._turns[item_key]
        item = self.items[item_key]
        return self._lines.at(_line_key(item)), (item.vtime, item_key)

    def _put_back(self, line: Line) -> None:
        if not line.items:
            self._lines.put_away(line)

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


def _is_served(line: Line) -> bool:
    """Whether anybody who is ready has what it takes."""
    return any(place.agent.ready for bucket in line.buckets for place in bucket.members.values())


def _line_key(item: Item) -> LineKey:
    only = frozenset(item.preferred) if item.only_preferred else None
    return LineKey(item.queues, item.needs, item.channel, item.cost, item.excluded, only, item.raised)


def _sooner(one: _Head | None, other: _Head) -> _Head:
    """Whichever comes first in the order of the law."""
    return other if one is None or other[:4] < one[:4] else one
