"""What a board says of a queue: the level reached so far, and what the next hour brings with so many agents at work.

Queues of one team share its agents, so they are reckoned as one line: the mean wait is that of the whole traffic, and each
queue measures it against its own target. Called by routing.queries.board; times are seconds, levels are shares from 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from routing.core.erlang import erlang_a, erlang_c, load_of
from routing.core.staffing import Question, staff


@dataclass(frozen=True, slots=True)
class Tally:
    """Contacts that arrived in an interval. Who still waits within the target is not decided yet and not counted.

    `short`: gave up before giving up counts; `gave_up`: gave up later; both are part of `offered`.
    """

    offered: int = 0
    in_time: int = 0
    short: int = 0
    gave_up: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.offered + other.offered,
            self.in_time + other.in_time,
            self.short + other.short,
            self.gave_up + other.gave_up,
        )

    @property
    def counted(self) -> int:
        """What the level is a share of."""
        return self.offered - self.short

    @property
    def level(self) -> float | None:
        """Answered in time / (offered - gave up at once); None where there is nothing to divide by."""
        return self.in_time / self.counted if self.counted > 0 else None

    @property
    def lost(self) -> float | None:
        """The share that gave up after waiting."""
        return self.gave_up / self.counted if self.counted > 0 else None


@dataclass(frozen=True, slots=True)
class Stream:
    """The traffic of one queue in the coming hour; None: not known. `places`: how many such contacts an agent has at once."""

    queue: int
    per_hour: float | None
    handle_seconds: float | None
    patience_seconds: float | None
    target: float
    within: float
    places: float = 1.0

    @property
    def is_known(self) -> bool:
        """Whether anything can be reckoned of it."""
        return self.per_hour is not None and (self.per_hour == 0 or self.handle_seconds is not None)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The coming hour of one queue. None: no data, or nobody is expected; `needed` are agents of the team at work."""

    level: float | None = None
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """The traffic of a team put together; `places` as a whole number, so that level and need are told by the same law."""

    per_hour: float
    handle_seconds: float
    patience_seconds: float | None
    places: int

    @property
    def load(self) -> float:
        """How many agents it keeps busy."""
        return load_of(self.per_hour, self.handle_seconds) / self.places


def line_of(streams: Sequence[Stream]) -> Line | None:
    """The known traffic of one team as one line; None where nothing is known or nobody is expected."""
    known = [s for s in streams if s.is_known and s.per_hour]
    rate = sum(s.per_hour or 0.0 for s in known)
    if not rate:
        return None
    work = [(s, (s.per_hour or 0.0) * (s.handle_seconds or 0.0)) for s in known]
    total = sum(w for _s, w in work)
    leaving = [s for s in known if s.patience_seconds]
    patience = (
        sum((s.per_hour or 0.0) * (s.patience_seconds or 0.0) for s in leaving)
        / sum(s.per_hour or 0.0 for s in leaving)
        if leaving
        else None
    )
    places = total / sum(w / max(1.0, s.places) for s, w in work) if total else 1.0
    return Line(rate, total / rate, patience, max(1, int(places + 1e-9)))


def outlook(streams: Sequence[Stream], agents: float) -> dict[int, Outlook]:
    """By queue: the level of the coming hour with `agents` at work, and how many its target takes.

    Agents who serve several teams are counted by the share of their work, so `agents` need not be whole.
    """
    line = line_of(streams)
    found: dict[int, Outlook] = {}
    for stream in streams:
        if not stream.is_known:
            found[stream.queue] = Outlook()
        elif line is None or not stream.per_hour:
            found[stream.queue] = Outlook(needed=0 if line is None else _needed(line, stream))
        else:
            found[stream.queue] = Outlook(level_with(line, stream, agents), _needed(line, stream))
    return found


def level_with(line: Line, stream: Stream, agents: float) -> float:
    """The share answered within the stream's target; between whole places on the straight line between them."""
    places = max(0.0, agents) * line.places
    low = math.floor(places)
    below = _level(*_rounded(line), low, stream.within)
    if places == low:
        return below
    return below + (places - low) * (_level(*_rounded(line), low + 1, stream.within) - below)


def _rounded(line: Line) -> tuple[float, float, float | None]:
    """Rounded to what a forecast can know, so that one answer serves many lookers."""
    patience = float(max(1, round(line.patience_seconds))) if line.patience_seconds else None
    return round(line.per_hour, 1), float(max(1, round(line.handle_seconds))), patience


def _needed(line: Line, stream: Stream) -> int | None:
    return _staffed(*_rounded(line), min(stream.target, 0.99), stream.within, line.places)


@lru_cache(maxsize=8192)
def _level(per_hour: float, handle: float, patience: float | None, places: int, within: float) -> float:
    if places == 0:
        return 0.0
    if patience is not None:
        return erlang_a(per_hour, handle, patience, places, answer_within=within).service_level
    return erlang_c(per_hour, handle, places, answer_within=within).service_level


@lru_cache(maxsize=8192)
def _staffed(
    per_hour: float, handle: float, patience: float | None, target: float, within: float, places: int
) -> int | None:
    try:
        answer = staff(Question(per_hour, handle, target, within, patience, concurrency=places))
    except ValueError:  # traffic beyond any house: no number is better than a silly one
        return None
    return (answer.with_leaving or answer.patient).agents
