"""Which lines of items compete for the same agents, and so how many items are served before another one.

Used by the pool for a customer's place in the queue and, through it, for the estimate of his wait.
"""

from __future__ import annotations

from routing.core.buckets import Bucket, Line, Turn
from routing.core.engine import Agent
from routing.core.lines import Lines

#: Reasons of not being ready that say an agent is not there at all: his queues share nobody through him.
ABSENT = frozenset({"offline"})

_Pair = tuple[tuple[int, ...], tuple[int, ...], str, str]
#: Buckets that share agents with another, and the channels those agents take there; None: all.
_Reach = dict[Bucket, frozenset[str] | None]


class Rivals:
    """How lines stand to each other, remembered until agents, their channels or the weights change."""

    def __init__(self) -> None:
        self._known: dict[_Pair, frozenset[int]] = {}
        self._reached: dict[tuple[int, str], _Reach] = {}
        self._made = 0

    def clear(self) -> None:
        """Forgets everything: somebody came, went or changed, or a queue did."""
        self._known.clear()
        self._reached.clear()

    def ahead(self, line: Line, turn: Turn, lines: Lines) -> int:
        """Items of other lines that are served before the item of `line` with this turn."""
        if self._made != lines.made:
            self._made = lines.made
            self.clear()
        ahead = 0
        several: set[Line] = set()
        if len(line.buckets) > 1 or line.key.only is not None:
            for bucket in lines.busy:
                several |= bucket.lines
        else:
            (bucket,) = line.buckets
            reached, weight = self._reach(bucket, line.key.channel), bucket.desk.rules.weight
            for its in reached.keys() & lines.busy:
                channels, heavier = reached[its], its.desk.rules.weight - weight
                for other in its.lines:
                    if len(other.buckets) > 1:
                        several.add(other)
                    elif heavier >= 0 and (channels is None or other.key.channel in channels) and other is not line:
                        ahead += len(other.items) if heavier else other.items.bisect_left(turn)
        for asking in lines.asking.values():
            several |= asking
        several.discard(line)
        for other in several:
            stands = self._between(line, other)
            if 1 in stands:
                ahead += len(other.items)
            elif 0 in stands:
                ahead += other.items.bisect_left(turn)
        return ahead

    def _reach(self, bucket: Bucket, channel: str) -> _Reach:
        """Buckets that share an agent who is there and takes the channel here, and what those agents take there."""
        reached = self._reached.get((bucket.number, channel))
        if reached is None:
            reached = self._reached[bucket.number, channel] = {}
            for place in bucket.members.values():
                agent = place.agent
                if not _is_there(agent) or (agent.accepts is not None and channel not in agent.accepts):
                    continue
                for its in place.buckets:
                    so_far = reached.get(its, frozenset[str]())
                    if so_far is not None:
                        reached[its] = None if agent.accepts is None else so_far | agent.accepts
        return reached

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


def _is_there(agent: Agent) -> bool:
    return agent.ready or agent.why_not not in ABSENT


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
    if not _is_there(agent):
        return None
    if agent.accepts is not None and not {line.key.channel, other.key.channel} <= agent.accepts:
        return None
    ours = max(bucket.desk.rules.weight for bucket in mine)
    its = max(bucket.desk.rules.weight for bucket in theirs)
    return (its > ours) - (its < ours)
