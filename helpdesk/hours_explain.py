"""Why a deadline falls where it falls: the stretch between two instants, step by step, as data.

The ticket page and the flow chart turn the steps into sentences in the reader's language ("opened Thu 16:40, the desk
closes 17:00, Friday is a holiday, …"); nothing here is text. Pure, like `helpdesk.hours`, on which it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from helpdesk.hours import Calendar, Pause, business_seconds_between, is_open, next_closing, next_opening


class Stretch(StrEnum):
    """What happens to a clock during one step."""

    COUNTED = "counted"
    PAUSED = "paused"
    CLOSED = "closed"
    #: The steps were too many to show: this one stands for the rest.
    REST = "rest"


class WhyClosed(StrEnum):
    """Why a date within a closed step has no hours."""

    HOLIDAY = "holiday"
    SPECIAL = "special"
    WEEKDAY = "weekday"


@dataclass(frozen=True)
class ClosedDate:
    """A date of the calendar's zone on which no window starts, and why."""

    day: date
    why: WhyClosed


@dataclass(frozen=True)
class Step:
    """One stretch [begin, end) of the way: what it is, how much it counted, and how much had been counted at its end.

    `closed_dates` is filled for closed steps: the dates without any hours that the step runs over. An ordinary night
    has none.
    """

    kind: Stretch
    begin: datetime
    end: datetime
    counted_seconds: float
    total_seconds: float
    closed_dates: tuple[ClosedDate, ...] = ()


def explain(
    start: datetime, end: datetime, calendar: Calendar, pauses: Iterable[Pause] = (), *, limit: int = 50
) -> tuple[Step, ...]:
    """The steps from `start` to `end`, without holes or overlaps, at most `limit` of them (the last then is REST).

    To explain a due time give it as `end`: the counted seconds of all steps add up to the target. Empty where `end` is
    not after `start`. A pause outside the hours shows as closed, since it holds nothing up. Raises ValueError for naive
    datetimes.
    """
    pauses = tuple(pauses)
    steps: list[Step] = []
    at, total = start, 0.0
    while at < end:
        if len(steps) == limit - 1:
            counted = business_seconds_between(at, end, calendar, pauses)
            steps.append(Step(Stretch.REST, at, end, counted, total + counted))
            break
        kind, until = _stretch_at(at, end, calendar, pauses)
        counted = business_seconds_between(at, until, calendar) if kind is Stretch.COUNTED else 0.0
        total += counted
        closed_dates = _closed_dates(at, until, calendar) if kind is Stretch.CLOSED else ()
        steps.append(Step(kind, at, until, counted, total, closed_dates))
        at = until
    return tuple(steps)


def _stretch_at(at: datetime, end: datetime, calendar: Calendar, pauses: tuple[Pause, ...]) -> tuple[Stretch, datetime]:
    """What the instant `at` is part of, and where that ends, `end` at the latest."""
    if not is_open(at, calendar):
        return Stretch.CLOSED, min(next_opening(at, calendar) or end, end)
    until = min(next_closing(at, calendar) or end, end)
    resumed = _resumed(at, end, pauses)
    if resumed > at:
        return Stretch.PAUSED, min(resumed, until)
    held_from = [begin for begin, stop in pauses if at < begin and (stop is None or begin < stop)]
    return Stretch.COUNTED, min([until, *held_from])


def _resumed(at: datetime, end: datetime, pauses: tuple[Pause, ...]) -> datetime:
    """When the pauses that hold `at`, and those that follow on without a gap, are over; `at` if none holds it."""
    for begin, stop in sorted((begin, stop or end) for begin, stop in pauses):
        if begin <= at < stop:
            at = stop
    return at


def _closed_dates(begin: datetime, end: datetime, calendar: Calendar) -> tuple[ClosedDate, ...]:
    """The dates without hours that a closed stretch runs over, in order; a long one is cut after a year."""
    first, last = (at.astimezone(calendar.zone).date() for at in (begin, end))
    days = (first + timedelta(days=n) for n in range(min((last - first).days, 366) + 1))
    return tuple(ClosedDate(day, why) for day in days if (why := _why_closed(day, calendar)) is not None)


def _why_closed(day: date, calendar: Calendar) -> WhyClosed | None:
    if calendar.hours_of(day):
        return None
    if not calendar.weekly[day.weekday()]:
        return WhyClosed.WEEKDAY
    return WhyClosed.SPECIAL if any(day == special for special, _ in calendar.overrides) else WhyClosed.HOLIDAY
