"""Reads and writes the plain form of a calendar: the dict that forms, fixtures, imports and the API carry.

Owns every sentence about a calendar that cannot be used. Called by `helpdesk.hours.Calendar` only. Pure: no Django.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from helpdesk.phrases import Refused, gettext_noop

#: Opening and closing in seconds after the midnight that begins the date; beyond 86,400 lies in the next date.
Span = tuple[int, int]
Day = tuple[Span, ...]

DAY_SECONDS = 86_400
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KEYS = ("tz", "weekly", "holidays", "overrides")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


class PlainCalendar(NamedTuple):
    """The values of a calendar in one canonical, hashable form: equal calendars have equal values."""

    tz: str
    weekly: tuple[Day, ...]
    holidays: frozenset[date]
    overrides: tuple[tuple[date, Day], ...]


def parse(data: Mapping[str, Any], *, strict: bool) -> PlainCalendar:
    """The canonical values of a plain calendar; ValueError with one sentence of remedy where it cannot be used.

    `strict` is for what somebody types: it also refuses unknown keys and windows of one day that overlap. Without it
    overlapping windows count once, as any walk over the clock would count them, and unknown keys are passed over.
    """
    if not isinstance(data, Mapping):
        raise Refused(
            gettext_noop("A calendar is a mapping with the keys %(known)s, not %(given)s."),
            known=", ".join(_KEYS),
            given=type(data).__name__,
        )
    if strict:
        for key in data:
            if key not in _KEYS:
                raise Refused(
                    gettext_noop("A calendar has no key %(key)s: use %(known)s."),
                    key=f"{key!r}",
                    known=", ".join(_KEYS),
                )
    return PlainCalendar(
        tz=_zone(data.get("tz")),
        weekly=_weekly(data.get("weekly"), strict=strict),
        holidays=_holidays(data.get("holidays")),
        overrides=_overrides(data.get("overrides"), strict=strict),
    )


def write(plain: PlainCalendar) -> dict[str, Any]:
    """The plain dict of canonical values, ready for JSON; `parse` reads it back to equal values."""
    return {
        "tz": plain.tz,
        "weekly": {
            name: [_written(span) for span in day] for name, day in zip(WEEKDAYS, plain.weekly, strict=True) if day
        },
        "holidays": [day.isoformat() for day in sorted(plain.holidays)],
        "overrides": {day.isoformat(): [_written(span) for span in spans] for day, spans in plain.overrides},
    }


def _zone(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise Refused(gettext_noop("The calendar has no time zone: set tz to an IANA name such as Europe/Berlin."))
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Refused(
            gettext_noop("%(name)s is no known time zone: set tz to an IANA name such as Europe/Berlin."),
            name=f"{name!r}",
        ) from None
    return name


def _weekly(weekly: object, *, strict: bool) -> tuple[Day, ...]:
    if weekly is None:
        weekly = {}
    if not isinstance(weekly, Mapping):
        raise Refused(gettext_noop("weekly must be a mapping of weekdays (mon to sun) to lists of windows."))
    for name in weekly:
        if name not in WEEKDAYS:
            raise Refused(
                gettext_noop("%(name)s is no weekday of a calendar: use %(known)s."),
                name=f"{name!r}",
                known=", ".join(WEEKDAYS),
            )
    return tuple(_day(weekly.get(name, ()), where=name, strict=strict) for name in WEEKDAYS)


def _holidays(holidays: object) -> frozenset[date]:
    if holidays is None:
        return frozenset()
    if isinstance(holidays, str) or not isinstance(holidays, Iterable):
        raise Refused(gettext_noop("holidays must be a list of dates such as 2026-12-25."))
    return frozenset(_date(day, where="holidays") for day in holidays)


def _overrides(overrides: object, *, strict: bool) -> tuple[tuple[date, Day], ...]:
    if overrides is None:
        return ()
    if not isinstance(overrides, Mapping):
        raise Refused(
            gettext_noop("overrides must be a mapping of dates to lists of windows; an empty list closes the day.")
        )
    days = {
        _date(day, where="overrides"): _day(windows, where=str(day), strict=strict)
        for day, windows in overrides.items()
    }
    return tuple(sorted(days.items()))


def _date(value: object, *, where: str) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise Refused(
        gettext_noop("%(value)s in %(where)s is no date: write it as year-month-day, such as 2026-12-25."),
        value=f"{value!r}",
        where=where,
    )


def _day(windows: object, *, where: str, strict: bool) -> Day:
    if isinstance(windows, str) or not isinstance(windows, Iterable):
        raise Refused(
            gettext_noop(
                "The hours of %(where)s must be a list of windows such as [09:00, 17:00]; an empty list closes."
            ),
            where=where,
        )
    spans = sorted({_span(window, where=where) for window in windows})
    if strict:
        for (_, closing), (opening, _) in pairwise(spans):
            if opening < closing:
                raise Refused(
                    gettext_noop("Two windows of %(where)s overlap at %(time)s: join them or move one."),
                    where=where,
                    time=_clock(opening),
                )
    return tuple(spans)


def _span(window: object, *, where: str) -> Span:
    if isinstance(window, str) or not isinstance(window, Iterable):
        raise Refused(
            gettext_noop(
                "%(window)s in %(where)s is no window: give an opening and a closing, such as [09:00, 17:00]."
            ),
            window=f"{window!r}",
            where=where,
        )
    ends = list(window)
    if len(ends) != 2:
        raise Refused(
            gettext_noop("%(ends)s in %(where)s is no window: give an opening and a closing, such as [09:00, 17:00]."),
            ends=f"{ends!r}",
            where=where,
        )
    opening = _seconds(ends[0], where=where)
    closing = DAY_SECONDS if ends[1] == "24:00" else _seconds(ends[1], where=where)
    return (opening, closing if closing > opening else closing + DAY_SECONDS)


def _seconds(value: object, *, where: str) -> int:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Refused(
            gettext_noop("%(value)s in %(where)s is no time of day: write it as hours:minutes, such as 09:00."),
            value=f"{value!r}",
            where=where,
        )
    hours, minutes, seconds = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)


def _written(span: Span) -> list[str]:
    return [_clock(span[0]), _clock(span[1])]


def _clock(seconds: int) -> str:
    """The time of day; midnight at the end of a day is written 00:00, which as a closing means the next day."""
    minutes, rest = divmod(seconds % DAY_SECONDS, 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{clock}:{rest:02}" if rest else clock
