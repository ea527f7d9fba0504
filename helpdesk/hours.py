"""Calendars and business time: when a desk is open, how much open time lies between two instants, when one is due.

Pure (no Django, no clock): every instant is an aware datetime and an argument; answers are in UTC. Called by the models
(which build a `Calendar` from their rows), routing, the clocks, the escalation matrix, the simulator and the tests.

The rules, pinned once:
- A window is open from its opening up to, not including, its closing, and belongs to the date on which it opens. One
  whose closing is not after its opening runs into the next date.
- A holiday closes the windows that start on that date. An override replaces the windows of its date, holiday or not.
- Time counts in elapsed seconds, not in positions of the clock's hands: a night shift over the change to summer time
  is an hour shorter. A boundary that the clock skips lies at the change; of a repeated one, openings take the first
  and closings the second. Windows that meet or overlap count once.
- Pauses are half-open pairs (begin, end); an end of None means "still paused". They may overlap or come unsorted, and
  a pair that ends before it begins is empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from helpdesk.hours_calendar import (
    ALWAYS,
    EPOCH_ORDINAL,
    HORIZON_DAYS,
    MICRO,
    Calendar,
    Interval,
    joined,
    micros,
    moment,
)
from helpdesk.hours_parse import DAY_SECONDS

__all__ = [
    "ALWAYS",
    "HORIZON_DAYS",
    "Calendar",
    "Pause",
    "add_business_days",
    "add_business_time",
    "business_seconds_between",
    "is_open",
    "next_closing",
    "next_opening",
]

#: A pair of aware datetimes; None as the end: the pause is still open.
Pause = tuple[datetime, datetime | None]

#: Later than any instant that a datetime can hold, in microseconds.
_NEVER = 10**18


def add_business_time(
    start: datetime, seconds: float, calendar: Calendar, pauses: Iterable[Pause] = ()
) -> datetime | None:
    """The earliest instant by which `seconds` of open, unpaused time have passed since `start`, in UTC.

    A duration that fills the day is therefore due at closing, not at the next opening, and 0 seconds at `start`
    itself. None where it is never reached: the desk does not open (within HORIZON_DAYS), or a pause is still open.
    Raises ValueError for a naive datetime and for a negative or infinite duration.
    """
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"Business time cannot be added for {seconds!r} seconds: give a finite number, 0 or more.")
    cursor, left = micros(start), round(seconds * MICRO)
    if left == 0:
        return moment(cursor)
    for begin, end in _merged(pauses, cursor):
        if begin > cursor:
            due = calendar.after(cursor, left)
            if due is None or due <= begin:
                return _moment_or_none(due)
            left -= calendar.open_between(cursor, begin)
        if end == _NEVER:
            return None
        cursor = end
    return _moment_or_none(calendar.after(cursor, left))


def business_seconds_between(start: datetime, end: datetime, calendar: Calendar, pauses: Iterable[Pause] = ()) -> float:
    """Open, unpaused seconds in [start, end); 0.0 where `end` is not after `start`.

    Only the open part of a pause is left out, and what overlapping pauses share is left out once. Raises ValueError
    for naive datetimes.
    """
    begin, until = micros(start), micros(end)
    if until <= begin:
        return 0.0
    counted = calendar.open_between(begin, until)
    for pause_begin, pause_end in _merged(pauses, begin, until):
        counted -= calendar.open_between(pause_begin, pause_end)
    return counted / MICRO


def is_open(at: datetime, calendar: Calendar) -> bool:
    """Whether the desk is open at that instant: at the opening it is, at the closing no more."""
    instant = micros(at)
    return calendar.opening(instant) == instant


def next_opening(at: datetime, calendar: Calendar) -> datetime | None:
    """The first instant not before `at` at which the desk is open, so `at` itself while it is; UTC; None if never."""
    return _moment_or_none(calendar.opening(micros(at)))


def next_closing(at: datetime, calendar: Calendar) -> datetime | None:
    """The first instant not before `at` at which the desk is closed, so `at` itself while it is; UTC; None if never."""
    return _moment_or_none(calendar.closing(micros(at)))


def add_business_days(start: datetime, days: int, calendar: Calendar) -> datetime | None:
    """The same wall time `days` business dates later, clipped into that date's hours, in UTC.

    The start is first moved to the next opening; 0 days leave it where it is. A business date is one on which a window
    starts, and the hours after midnight of a night shift belong to the date it started on, at the start as at the end.
    Before the first opening or between two windows (the earlier one's closing included): the next opening of that date;
    at or after the last closing: the last closing. A wall time the clock skips is the change, a repeated one the first.
    None where there are not so many business dates within HORIZON_DAYS. Raises ValueError for a naive datetime or
    negative days.
    """
    if days < 0:
        raise ValueError(f"Business days cannot be added for {days!r} days: give a whole number, 0 or more.")
    instant = micros(start)
    if days == 0:
        return moment(instant)
    opening = calendar.opening(instant)
    if opening is None:
        return None
    day, since_midnight = _business_date(opening, calendar)
    last = calendar.last_ordinal(opening)
    stretches: list[Interval] = []
    while days:
        if day.toordinal() >= last:
            return None
        day += timedelta(days=1)
        stretches = calendar.stretches(day)
        days -= 1 if stretches else 0
    seconds, fraction = divmod(since_midnight, MICRO)
    wall = (day.toordinal() - EPOCH_ORDINAL) * DAY_SECONDS + seconds
    return moment(_clipped(calendar.instant(wall, last=False) + fraction, stretches))


def _clipped(at: int, stretches: list[Interval]) -> int:
    """`at` moved into the hours of its date: forward to an opening, or back to the last closing."""
    for opening, closing in stretches:
        if at < opening:
            return opening
        if at < closing:
            return at
    return stretches[-1][1]


def _business_date(at: int, calendar: Calendar) -> tuple[date, int]:
    """The date whose window holds the open instant `at`, and the wall time in microseconds since that date's midnight.

    Where two windows hold it, the one of the later date. The date after the wall clock's comes first, since a clock set
    back over midnight shows the old date in a window of the new one.
    """
    local = moment(at).astimezone(calendar.zone).replace(tzinfo=None)
    for shift in (1, 0, -1, -2):
        day = local.date() + timedelta(days=shift)
        if any(opening <= at < closing for opening, closing in calendar.stretches(day)):
            since = local - datetime(day.year, day.month, day.day)  # noqa: DTZ001 - both by the wall clock
            return day, since // timedelta(microseconds=1)
    raise AssertionError("an open instant lies in a window of the dates around it")


def _merged(pauses: Iterable[Pause], after: int, until: int = _NEVER) -> list[Interval]:
    """The pauses inside [after, until), clipped, sorted and joined; an open one ends at `until`."""
    clipped: list[Interval] = []
    for begin, end in pauses:
        held_from, held_until = max(micros(begin), after), until if end is None else min(micros(end), until)
        if held_from < held_until:
            clipped.append((held_from, held_until))
    return clipped if len(clipped) < 2 else joined(clipped)


def _moment_or_none(at: int | None) -> datetime | None:
    try:
        return None if at is None else moment(at)
    except OverflowError:  # beyond the year 9999
        return None
