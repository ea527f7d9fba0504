"""Days off from elsewhere: the public holidays of a country, the days of an iCal file, and how they differ from what is there.

Pure (no Django, no clock). Called by helpdesk.actions.calendars and by the pages that show what would change before it does.
What is taken over is frozen into rows: a newer list or a law changed later moves no deadline by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from importlib.metadata import version as edition
from typing import Any

import holidays
from dateutil.rrule import rrulestr
from icalendar import Calendar, Component

from helpdesk.phrases import Phrase, Refused, gettext_noop

#: Days of one event, and of one file: what has more is a calendar of appointments, not one of days off.
MOST_DAYS_OF_AN_EVENT = 62
MOST_DAYS = 2000
MOST_BYTES = 1_000_000
_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class DayOff:
    """A day on which a calendar is closed; `is_estimated` where its date hangs on the sight of the moon."""

    day: date
    name: str
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """What taking over a list would do, each sorted by date; `renamed` as pairs of before and after."""

    added: tuple[DayOff, ...] = ()
    removed: tuple[DayOff, ...] = ()
    renamed: tuple[tuple[DayOff, DayOff], ...] = ()
    same: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.renamed)


def difference(have: Iterable[DayOff], want: Iterable[DayOff]) -> Difference:
    """What changes from one list to another. Of several entries for one date the last counts."""
    before, after = ({one.day: one for one in days} for days in (have, want))
    return Difference(
        added=tuple(after[day] for day in sorted(after.keys() - before.keys())),
        removed=tuple(before[day] for day in sorted(before.keys() - after.keys())),
        renamed=tuple(
            (before[day], after[day]) for day in sorted(before.keys() & after.keys()) if before[day] != after[day]
        ),
        same=sum(1 for day in before.keys() & after.keys() if before[day] == after[day]),
    )


def version() -> str:
    """Which edition of the list of public holidays this is."""
    return f"holidays {edition('holidays')}"


@lru_cache(maxsize=1)
def countries() -> dict[str, str]:
    """Code and English name of each country whose holidays are known, by name."""
    named = {entry[1]: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", entry[0]) for entry in holidays.registry.COUNTRIES.values()}
    return dict(sorted(named.items(), key=lambda pair: pair[1]))


def regions(country: str) -> tuple[str, ...]:
    """The codes of the country's parts that have holidays of their own."""
    return tuple(holidays.list_supported_countries().get(country, ()))


def public_days(country: str, year: int, region: str = "") -> tuple[DayOff, ...]:
    """The public holidays of a country or of one part of it, by date. ValueError with a sentence for what is not known."""
    if country not in countries():
        raise Refused(
            gettext_noop("The holidays of %(country)s are not known: use a country code such as DE."),
            country=f"{country!r}",
        )
    if region and region not in regions(country):
        known = ", ".join(regions(country)) or "none"
        raise Refused(
            gettext_noop("%(country)s has no region %(region)s; known are: %(known)s."),
            country=country,
            region=region,
            known=known,
        )
    found = holidays.country_holidays(country, subdiv=region or None, years=year)
    guessed = found.tr(getattr(found, "estimated_label", "") or "").replace("%s", "").strip()
    days = []
    for day, name in sorted(found.items()):
        estimated = bool(guessed) and guessed in name
        days.append(DayOff(day, _name(name.replace(guessed, "") if estimated else name), estimated))
    return tuple(day for day in days if day.day.year == year)


def ical_days(data: bytes, years: Iterable[int], zone: tzinfo = UTC) -> tuple[DayOff, ...]:
    """The days off in an iCal file, those of `years`, by date: of whole-day events each day; of others the day they begin.

    Repetitions are followed, excluded dates left out, cancelled events ignored. `zone` is the calendar's, for events with
    a time. Raises ValueError with a sentence for a file that cannot be used.
    """
    wanted = frozenset(years)
    if len(data) > MOST_BYTES:
        raise Refused(gettext_noop("The file is too large: a list of days off has no more than 1 MB."))
    if b"BEGIN:VCALENDAR" not in data[:4096].upper():
        raise Refused(gettext_noop("This is no iCal file: it does not begin with BEGIN:VCALENDAR."))
    try:
        components = Calendar.from_ical(data.decode("utf-8-sig"), multiple=True)
    except UnicodeDecodeError:
        raise Refused(gettext_noop("The file is not in UTF-8: export it again as iCal.")) from None
    except (ValueError, IndexError, KeyError, AttributeError, TypeError) as problem:
        raise Refused(gettext_noop("The file cannot be read as iCal: %(problem)s"), problem=_short(problem)) from None
    events = [event for component in components for event in component.walk("VEVENT")]
    if not events:
        raise Refused(gettext_noop("The file has no events: there is nothing to take over."))
    found: dict[date, str] = {}
    for event in events:
        name = _name(str(event.get("SUMMARY", "")))
        for day in _days_of(event, wanted, zone, name):
            found.setdefault(day, name)
            if len(found) > MOST_DAYS:
                raise Refused(
                    gettext_noop("The file has more than %(most_days)s days: that is no list of days off."),
                    most_days=MOST_DAYS,
                )
    return tuple(DayOff(day, found[day]) for day in sorted(found))


def _days_of(event: Component, years: frozenset[int], zone: tzinfo, name: str) -> list[date]:
    where = f"“{name}”" if name else Phrase(gettext_noop("an event without a name"))
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return []
    try:
        begins = event.decoded("DTSTART")
        ends = event.decoded("DTEND") if "DTEND" in event else None
        if ends is None and "DURATION" in event:
            ends = begins + event.decoded("DURATION")
    except (KeyError, ValueError, TypeError, AttributeError) as problem:
        raise Refused(
            gettext_noop("The date of %(where)s cannot be read: %(problem)s"), where=where, problem=_short(problem)
        ) from None
    if not isinstance(begins, date):  # datetime is one as well
        raise Refused(gettext_noop("The date of %(where)s cannot be read."), where=where)
    first = _date(begins, zone)
    length = 1
    if not isinstance(begins, datetime) and isinstance(ends, date):
        length = max(1, (_date(ends, zone) - first).days)
    if length > MOST_DAYS_OF_AN_EVENT:
        raise Refused(
            gettext_noop("%(where)s lasts %(length)s days: that is no holiday. Take it out of the file."),
            where=where,
            length=length,
        )
    left_out = set(_dates_of(event, "EXDATE", zone))
    starts = {*_repeated(event, first, years, where), *_dates_of(event, "RDATE", zone)} - left_out
    days = (start + timedelta(days=n) for start in starts for n in range(length))
    return sorted(day for day in days if day.year in years)


def _repeated(event: Component, first: date, years: frozenset[int], where: str) -> list[date]:
    rule = event.get("RRULE")
    if rule is None or not years:
        return [first]
    if isinstance(rule, list):
        raise Refused(gettext_noop("%(where)s repeats by several rules at once; only one can be read."), where=where)
    words = rule.to_ical().decode()
    if re.search(r"FREQ=(SECONDLY|MINUTELY|HOURLY)", words):
        raise Refused(
            gettext_noop("%(where)s repeats within a day: that is no holiday. Take it out of the file."), where=where
        )
    if re.search(r"INTERVAL=0*(;|$)", words):
        raise Refused(gettext_noop("The repetition of %(where)s cannot be read: its interval is 0."), where=where)
    words = re.sub(r"(UNTIL=\d{8})T\d{6}Z?", r"\1", words)
    try:
        line = rrulestr(words, dtstart=datetime.combine(first, time.min))  # dates alone: no clock has a say
        # An event may begin in the last days of the year before.
        found = line.between(datetime(min(years) - 1, 10, 1), datetime(max(years), 12, 31), inc=True)  # noqa: DTZ001
    except (ValueError, TypeError) as problem:
        raise Refused(
            gettext_noop("The repetition of %(where)s cannot be read: %(problem)s"),
            where=where,
            problem=_short(problem),
        ) from None
    return [moment.date() for moment in found]


def _dates_of(event: Component, key: str, zone: tzinfo) -> list[date]:
    value: Any = event.get(key)
    rows = value if isinstance(value, list) else [] if value is None else [value]
    return [_date(part.dt, zone) for row in rows for part in getattr(row, "dts", ()) if isinstance(part.dt, date)]


def _date(at: date, zone: tzinfo) -> date:
    if not isinstance(at, datetime):
        return at
    return (at if at.tzinfo is None else at.astimezone(zone)).date()


def _name(words: str) -> str:
    return " ".join(words.split())[:_NAME_LENGTH]


def _short(problem: Exception) -> str:
    words = " ".join(str(problem).split()) or type(problem).__name__
    return words if len(words) <= 160 else words[:157] + "..."


def by_year(days: Iterable[DayOff]) -> Mapping[int, int]:
    """How many days lie in each year."""
    found: dict[int, int] = {}
    for one in days:
        found[one.day.year] = found.get(one.day.year, 0) + 1
    return dict(sorted(found.items()))
