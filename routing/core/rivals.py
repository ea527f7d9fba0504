"""Which lines of items compete for the same agents, and so how many items are served before another one.

Used by the pool for a customer's place in the queue and, through it, for the estimate of his wait.
"""

from __future__ import annotations

from routing.core.buckets import Line, Turn

#: Reasons of not being ready that say an agent is not there at all: his queues share nobody through him.
ABSENT = frozenset({"offline"})

_Pair = tuple[tuple[int, ...], tuple[int, ...], str, str]


class Rivals:
    """How lines stand to each other, remembered until agents, their channels or the weights change."""

    def __init__(self) -> None:
        self._known: dict[_Pair, frozenset[int]] = {}

    def clear(self) -> None:
        """Forgets everything: somebody came, went or changed, or a queue did."""
        self._known.clear()

    def ahead(self, line: Line, turn: Turn, other: Line) -> int:
        """Items of the other line that are served before the item of `line` with this turn."""
        stands = self._between(line, other)
        if 1 in stands:
            return len(other.items)
        return other.items.bisect_left(turn) if 0 in stands else 0

    def _between(self, line: Line, other: Line) -> frozenset[int]:
        """How the other line stands to this one for the agents who are there and could serve both: 1 where it goes first
        by weight, 0 where the turn decides, -1 where it goes last. An agent serves a line through its heaviest queue."""
        mine, theirs = line.key.only, other.key.only
        asked = mine if theirs is None else theirs if mine is None else mine & theirs
        if asked is not None:
            return frozenset(one for key in asked if (one := _stands(key, line, other)) is not None)
        pair = (
            tuple(bucket.number for bucket in line.buckets),
            tuple(bucket.number for bucket in other.buckets),
            line.key.channel,
            other.key.channel,
        )
        if pair not in self._known:
            self._known[pair] = frozenset(_all_stands(line, other))
        return self._known[pair]


def _all_stands(line: Line, other: Line) -> set[int]:
    found: set[int] = set()
    for bucket in line.buckets:
        for key in bucket.members:
            stands = _stands(key, line, other)
            if stands is not None:
                found.add(stands)
                if len(line.buckets) == len(other.buckets) == 1:  # the weights are the same for everybody
                    return found
    return found


def _stands(key: int, line: Line, other: Line) -> int | None:
    """The sign of the other line's weight over this one's for one agent; None where he cannot serve both."""
    mine = [bucket for bucket in line.buckets if key in bucket.members]
    theirs = [bucket for bucket in other.buckets if key in bucket.members]
    if not mine or not theirs:
        return None
    agent = mine[0].members[key].agent
    if not agent.ready and agent.why_not in ABSENT:
        return None
    if agent.accepts is not None and not {line.key.channel, other.key.channel} <= agent.accepts:
        return None
    ours = max(bucket.desk.rules.weight for bucket in mine)
    its = max(bucket.desk.rules.weight for bucket in theirs)
    return (its > ours) - (its < ours)
