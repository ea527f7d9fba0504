"""Business time against a walk over the minutes of the clock, on random calendars around clock changes.

The walk knows nothing of offsets: it reads the wall clock at each UTC minute from the zone itself, and a window is open
from the first minute at which that clock reaches its opening to the last at which it shows its closing.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.hours import (
    Calendar,
    add_business_days,
    add_business_time,
    business_seconds_between,
    is_open,
    next_closing,
    next_opening,
)
from helpdesk.hours_explain import Stretch, explain

MINUTE = timedelta(minutes=1)
DAYS, MARGIN = 9, 3
#: UTC dates, each with something that the zone's clock does in the days after; and weeks without.
PLACES = [
    ("Europe/Berlin", "2026-03-25"),
    ("Europe/Berlin", "2026-10-21"),
    ("America/New_York", "2026-03-04"),
    ("America/New_York", "2026-10-28"),
    ("Australia/Lord_Howe", "2026-03-31"),
    ("Australia/Lord_Howe", "2026-09-30"),
    ("Africa/Cairo", "2026-04-19"),  # midnight is skipped
    ("Africa/Cairo", "2026-10-25"),  # the hour before midnight comes twice
    ("America/Sao_Paulo", "2018-10-31"),
    ("America/Sao_Paulo", "2018-02-13"),
    ("Pacific/Apia", "2011-12-26"),  # a whole day is skipped
    ("Africa/Casablanca", "2026-02-11"),
    ("Asia/Tehran", "2022-09-17"),
    ("Asia/Riyadh", "2026-01-01"),
    ("Asia/Shanghai", "2026-01-01"),
    ("Asia/Kathmandu", "2026-01-01"),
]
CLOCKS = ["00:00", "00:30", "01:00", "01:30", "02:00", "02:15", "02:30", "03:00", "06:00", "09:00", "12:00", "17:00",
          "22:00", "23:00", "23:30"]  # fmt: skip


@lru_cache(maxsize=32)
def wall_clocks(tz: str, begin: datetime) -> list[datetime]:
    """What the clock on the wall shows at each UTC minute of the walk, with some days to spare on both sides."""
    zone, first = ZoneInfo(tz), begin - timedelta(days=MARGIN)
    return [(first + n * MINUTE).astimezone(zone).replace(tzinfo=None) for n in range((DAYS + 2 * MARGIN) * 1440)]


class Walk:
    """A calendar walked through minute by minute; minutes are numbered from `begin`."""

    def __init__(self, plain: dict[str, Any], begin: datetime) -> None:
        self.plain, self.begin = plain, begin
        self.calendar = Calendar.from_dict(plain)
        self.clocks = wall_clocks(plain["tz"], begin)
        #: For each date the minutes at which one of its windows is open, sorted.
        self.minutes_of: dict[datetime, list[int]] = {}
        for shift in range(1 - MARGIN, DAYS + MARGIN - 1):
            day = begin.replace(tzinfo=None) + timedelta(days=shift)
            minutes: set[int] = set()
            for opening, closing in self._windows(day):
                minutes.update(range(self.minute_of(opening), self.minute_of(closing, last=True)))
            self.minutes_of[day] = sorted(minutes)
        self.open = set().union(*self.minutes_of.values())

    def __repr__(self) -> str:
        return f"Walk({self.plain!r}, {self.begin!r})"

    def _windows(self, day: datetime) -> list[tuple[datetime, datetime]]:
        name = day.date().isoformat()
        windows = [] if name in self.plain["holidays"] else self.plain["weekly"].get(f"{day:%a}".lower(), [])
        found = []
        for opening, closing in self.plain["overrides"].get(name, windows):
            overnight = timedelta(days=1 if closing <= opening else 0)
            begin, end = (datetime.fromisoformat(f"{name} {clock}") for clock in (opening, closing))
            found.append((begin, end + overnight))
        return found

    def minute_of(self, wall: datetime, *, last: bool = False) -> int:
        """The first minute, or the `last`, at which the clock shows `wall`; the one of the change where it skips it."""
        near = (wall - self.begin.replace(tzinfo=None)) // MINUTE + MARGIN * 1440
        around = range(max(near - 2000, 0), min(near + 2000, len(self.clocks)))
        reached = next((n for n in around if self.clocks[n] >= wall), around[-1])
        again = next((n for n in reversed(around) if self.clocks[n] == wall), reached)
        return (again if last else reached) - MARGIN * 1440

    def at(self, minute: int) -> datetime:
        return self.begin + minute * MINUTE

    def next_open(self, minute: int) -> int | None:
        return next((n for n in range(minute, DAYS * 1440) if n in self.open), None)

    def business_days(self, minute: int, days: int) -> int | None:
        """Where the rule for business days leads from an open minute; None where the walk is too short to tell."""
        day = max(day for day, minutes in self.minutes_of.items() if minute in minutes)
        since_midnight = self.clocks[minute + MARGIN * 1440] - day
        later = [other for other, minutes in self.minutes_of.items() if other > day and minutes]
        if len(later) < days or later[days - 1] > max(self.minutes_of) - timedelta(days=2):
            return None
        minutes = self.minutes_of[later[days - 1]]
        target = self.minute_of(later[days - 1] + since_midnight)
        following = bisect_left(minutes, target)
        return minutes[following] if following < len(minutes) else minutes[-1] + 1


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    tz, first = draw(st.sampled_from(PLACES))
    begin = datetime.fromisoformat(first).replace(tzinfo=UTC)
    dates = [(begin + timedelta(days=n)).date().isoformat() for n in range(DAYS)]
    window = st.lists(st.sampled_from(CLOCKS), min_size=2, max_size=2)
    hours = st.lists(window, max_size=3)
    plain = {
        "tz": tz,
        "weekly": draw(st.dictionaries(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), hours)),
        "holidays": draw(st.lists(st.sampled_from(dates), max_size=2)),
        "overrides": draw(st.dictionaries(st.sampled_from(dates), hours, max_size=2)),
    }
    return Walk(plain, begin)


minutes = st.integers(0, DAYS * 1440 - 1)
pause_minutes = st.lists(st.tuples(minutes, st.none() | minutes), max_size=4)


def held(pauses: list[tuple[int, int | None]]) -> set[int]:
    """The minutes inside the pauses."""
    return {n for begin, end in pauses for n in range(begin, DAYS * 1440 if end is None else end)}


def pairs(walk: Walk, pauses: list[tuple[int, int | None]]) -> list[tuple[datetime, datetime | None]]:
    return [(walk.at(begin), None if end is None else walk.at(end)) for begin, end in pauses]


@settings(max_examples=150, deadline=None)
@given(walks(), minutes, minutes, pause_minutes)
def test_business_time_is_what_a_walk_over_the_minutes_counts(
    walk: Walk, one: int, other: int, pauses: list[tuple[int, int | None]]
) -> None:
    start, end = sorted((one, other))
    paused = held(pauses)
    counted = [n for n in range(start, end) if n in walk.open and n not in paused]
    seconds = business_seconds_between(walk.at(start), walk.at(end), walk.calendar, pairs(walk, pauses))

    assert seconds == 60 * len(counted)
    if counted:  # the earliest instant by which so much has passed is the end of the last minute that counted
        assert add_business_time(walk.at(start), seconds, walk.calendar, pairs(walk, pauses)) == walk.at(
            counted[-1] + 1
        )


@settings(max_examples=150, deadline=None)
@given(walks(), minutes)
def test_open_and_the_next_change_are_what_a_walker_finds(walk: Walk, minute: int) -> None:
    assert is_open(walk.at(minute), walk.calendar) == (minute in walk.open)
    opening = walk.next_open(minute)
    if opening is not None:
        assert next_opening(walk.at(minute), walk.calendar) == walk.at(opening)
    closing = next((n for n in range(minute, DAYS * 1440) if n not in walk.open), None)
    if closing is not None:
        assert next_closing(walk.at(minute), walk.calendar) == walk.at(closing)


@settings(max_examples=150, deadline=None)
@given(walks(), minutes, st.integers(1, 4))
def test_business_days_lead_where_the_rule_leads_a_walker(walk: Walk, minute: int, days: int) -> None:
    opening = walk.next_open(minute)
    expected = None if opening is None else walk.business_days(opening, days)

    if expected is not None:
        assert add_business_days(walk.at(minute), days, walk.calendar) == walk.at(expected)


@settings(max_examples=100, deadline=None)
@given(walks(), minutes, st.floats(0.001, 500_000), pause_minutes)
def test_what_was_added_lies_between(
    walk: Walk, minute: int, seconds: float, pauses: list[tuple[int, int | None]]
) -> None:
    start, stops = walk.at(minute) + timedelta(seconds=0.25), pairs(walk, pauses)
    due = add_business_time(start, seconds, walk.calendar, stops)

    if due is not None:
        assert abs(business_seconds_between(start, due, walk.calendar, stops) - seconds) < 1e-6
        assert business_seconds_between(start, due - timedelta(microseconds=1), walk.calendar, stops) < seconds


@settings(max_examples=100, deadline=None)
@given(walks(), minutes, minutes, pause_minutes)
def test_an_explanation_names_each_minute_for_what_it_is(
    walk: Walk, one: int, other: int, pauses: list[tuple[int, int | None]]
) -> None:
    start, end = sorted((one, other))
    named = []
    for step in explain(walk.at(start), walk.at(end), walk.calendar, pairs(walk, pauses), limit=10_000):
        named += [step.kind] * ((step.end - step.begin) // MINUTE)

    paused = held(pauses)
    assert named == [
        Stretch.CLOSED if n not in walk.open else Stretch.PAUSED if n in paused else Stretch.COUNTED
        for n in range(start, end)
    ]
