"""Items that ask for more different things than the pool keeps buckets for: they stand aside until they may come in.

Of each queue the first HEADS of them hold lines of their own beside the others. The rest is looked at in its order, so many at
a time; whoever could be taken by somebody ready comes in, whoever could not stays aside and holds up nobody. So memory is
bounded whatever contacts ask for, and in exchange those far behind may be served a little out of turn. Only the pool uses this.
"""

from __future__ import annotations

from collections.abc import Callable

from sortedcontainers import SortedList

from routing.core.buckets import Turn

#: Items of a queue beyond the cap that have lines all the same.
HEADS = 50
#: Items of a queue that are looked at each time: for each a bucket may have to be made.
LOOKS = 16


class Parking:
    """Turns by home queue: those aside, and those let in beyond the cap."""

    def __init__(self) -> None:
        self.heads = HEADS
        self.aside: dict[int, SortedList[Turn]] = {}
        self.inside: dict[int, SortedList[Turn]] = {}
        self._next: dict[int, Turn] = {}  # where looking goes on

    def lets_in(self, queue: int, turn: Turn) -> tuple[bool, Turn | None]:
        """Whether an item beyond the cap may have a line; and who has to leave his for it."""
        inside = self.inside.setdefault(queue, SortedList())
        if len(inside) < self.heads:
            inside.add(turn)
            return True, None
        last: Turn = inside[-1]
        if last < turn:
            return False, None
        inside.remove(last)
        inside.add(turn)
        return True, last

    def put_aside(self, queue: int, turn: Turn) -> None:
        """The item has no line."""
        self.aside.setdefault(queue, SortedList()).add(turn)

    def forget(self, queue: int, turn: Turn) -> bool:
        """The item is gone, or has a line by right; whether it stood aside."""
        aside, inside = self.aside.get(queue), self.inside.get(queue)
        if inside is not None and turn in inside:
            inside.remove(turn)
            if not inside:
                del self.inside[queue]
            return False
        if aside is None or turn not in aside:
            return False
        self.came_in(queue, turn)
        return True

    def came_in(self, queue: int, turn: Turn) -> None:
        """The item was aside and has a line now."""
        aside = self.aside[queue]
        aside.remove(turn)
        if not aside:
            del self.aside[queue]
            self._next.pop(queue, None)

    def before(self, queue: int, turn: Turn) -> int:
        """Items of the queue that stand aside and come before this turn."""
        aside = self.aside.get(queue)
        return 0 if aside is None else aside.bisect_left(turn)

    def to_look_at(self, queue: int) -> list[Turn]:
        """Some of those aside: half of them the first, half from where looking stopped, and round again from the end."""
        aside = self.aside.get(queue, SortedList())
        half = LOOKS // 2
        first = list(aside[:half])
        start = max(half, aside.bisect_right(self._next[queue])) if queue in self._next else half
        if start >= len(aside):
            start = half
        more = list(aside[start : start + half])
        if more:
            self._next[queue] = more[-1]
        return first + more

    def come_in(self, comes: Callable[[int, Turn], bool]) -> bool:
        """Asks `comes` for some of each queue that stand aside; whether any of them came in."""
        came = False
        for queue in tuple(self.aside):
            for turn in self.to_look_at(queue):
                came |= comes(queue, turn)
        return came
