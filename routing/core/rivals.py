"""Which lines of items compete for the same agents, and so how many items are served before another one.

Used by the pool for a customer's place in the queue and, through it, for the estimate of his wait. An agent serves a
line through the heaviest of its queues that he is in; another line goes before an item where for some agent who is there
and takes both channels its queue is heavier, or as heavy with an earlier turn.
"""

from __future__ import annotations

from collections.abc import Iterable

from routing.core.buckets import Bucket, Line, Place, Turn
from routing.core.engine import Agent
from routing.core.lines import Lines

#: Reasons of not being ready that say an agent is not there at all: his queues share nobody through him.
ABSENT = frozenset({"offline"})

#: Buckets reached through some agents, and the channels those agents take there; None: all.
_Reach = dict[Bucket, frozenset[str] | None]


class Rivals:
    """What the agents of a line reach, remembered until agents, their channels or the weights change."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[int, ...], str], dict[int, _Reach]] = {}
        self._made = 0

    def clear(self) -> None:
        """Forgets everything: somebody came, went or changed, or a queue did."""
        self._known.clear()

    def ahead(self, line: Line, turn: Turn, lines: Lines) -> int:
        """Items of other lines that are served before the item of `line` with this turn."""
        if self._made != lines.made:
            self._made = lines.made
            self.clear()
        ahead = 0
        reaches = self._reaches(line)
        heavier_by: dict[Line, int] = {}
        for weight, reach in reaches.items():
            for bucket, channels in reach.items():
                by = bucket.desk.rules.weight - weight
                if by < 0 or not bucket.lines:
                    continue
                for other in bucket.lines:
                    if channels is not None and other.key.channel not in channels:
                        continue
                    if len(other.buckets) > 1 or len(reaches) > 1:
                        heavier_by[other] = max(by, heavier_by.get(other, 0))
                    elif other is not line:
                        ahead += len(other.items) if by else other.items.bisect_left(turn)
        for other in {other for asking in lines.asking.values() for other in asking}:
            stands = (_stands(key, line, other) for key in other.key.only or ())
            most = max((one for one in stands if one is not None), default=-1)
            if most >= 0:
                heavier_by[other] = most
        heavier_by.pop(line, None)
        return ahead + sum(len(one.items) if by else one.items.bisect_left(turn) for one, by in heavier_by.items())

    def _reaches(self, line: Line) -> dict[int, _Reach]:
        """What the agents who could serve the line reach, by the weight through which they serve it."""
        if line.key.only is not None:
            return _reaches(line, line.key.only)
        known = (tuple(bucket.number for bucket in line.buckets), line.key.channel)
        if known not in self._known:
            self._known[known] = _reaches(line, None)
        return self._known[known]


def _reaches(line: Line, only: frozenset[int] | None) -> dict[int, _Reach]:
    reaches: dict[int, _Reach] = {}
    seen: set[int] = set()
    for bucket in sorted(line.buckets, key=lambda one: -one.desk.rules.weight):
        reach = reaches.setdefault(bucket.desk.rules.weight, {})
        for place in _members(bucket, only):
            agent = place.agent
            if agent.key in seen or not _is_there(agent):
                continue
            seen.add(agent.key)
            if agent.accepts is None:
                reach.update(dict.fromkeys(place.buckets))
            elif line.key.channel in agent.accepts:
                for its in place.buckets:
                    so_far = reach.get(its, frozenset[str]())
                    if so_far is not None:
                        reach[its] = so_far | agent.accepts
    return reaches


def _members(bucket: Bucket, only: frozenset[int] | None) -> Iterable[Place]:
    if only is None:
        return bucket.members.values()
    return [bucket.members[key] for key in only if key in bucket.members]


def _is_there(agent: Agent) -> bool:
    return agent.ready or agent.why_not not in ABSENT


def _stands(key: int, line: Line, other: Line) -> int | None:
    """The other line's weight over this one's for one agent; None where he cannot serve both."""
    if line.key.only is not None and key not in line.key.only:
        return None
    mine = [bucket for bucket in line.buckets if key in bucket.members]
    theirs = [bucket for bucket in other.buckets if key in bucket.members]
    if not mine or not theirs:
        return None
    agent = mine[0].members[key].agent
    if not _is_there(agent):
        return None
    if agent.accepts is not None and not {line.key.channel, other.key.channel} <= agent.accepts:
        return None
    return max(one.desk.rules.weight for one in theirs) - max(one.desk.rules.weight for one in mine)
