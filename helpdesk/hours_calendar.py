"""The calendar of a desk and its expansion to open intervals in UTC.

Owns the arithmetic of zones and the cache. `helpdesk.hours` is the door: it holds the rules in words and the functions
that everybody calls; only it uses what counts in microseconds here. Pure: no Django.

How it stays fast: the windows are kept as sorted intervals with running sums, in blocks of 128 days built when first
asked for, so that adding and measuring business time are two bisections each.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, final
from zoneinfo import ZoneInfo

from helpdesk.hours_parse import DAY_SECONDS, WEEKDAYS, Day, PlainCalendar, parse, write

#: What lies further off than this is called unreachable: no deadline of a desk does, and the search has to end.
HORIZON_DAYS = 100 * 366

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE = timedelta(microseconds=1)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock, whose zone is applied apart
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
MICRO = 1_000_000
_DAY_MICROS = DAY_SECONDS * MICRO
_BLOCK_DAYS = 128
_BLOCK_MICROS = _BLOCK_DAYS * _DAY_MICROS
#: Blocks a calendar keeps: 90 years, some 3 MB for a desk of one window a day that is asked about all of them.
_BLOCKS_KEPT = 256
#: Dates whose windows we compute at all; the rest of Python's range is too near its ends for a zone's arithmetic.
_FIRST_ORDINAL, _LAST_ORDINAL = date(1, 1, 5).toordinal(), date(9999, 12, 25).toordinal()

#: An open stretch in microseconds since 1970, end excluded.
Interval = tuple[int, int]


class _Block:
    """The open stretches inside one block of UTC days: sorted, apart from each other, with running sums."""

    __slots__ = ("closes", "opens", "sums", "total")

    def __init__(self, stretches: list[Interval]) -> None:
        self.opens = [opening for opening, _ in stretches]
        self.closes = [closing for _, closing in stretches]
        self.sums: list[int] = []
        self.total = 0
        for opening, closing in stretches:
            self.total += closing - opening
            self.sums.append(self.total)

    def before(self, at: int) -> int:
        """Open time in this block that lies before `at`."""
        index = bisect_right(self.opens, at) - 1
        if index < 0:
            return 0
        closing = self.closes[index]
        return self.sums[index] - closing + at if at < closing else self.sums[index]

    def reaching(self, amount: int) -> int:
        """The earliest instant with `amount` of open time before it; 0 < amount <= total."""
        index = bisect_left(self.sums, amount)
        return self.closes[index] - self.sums[index] + amount


@final
@dataclass(frozen=True)
class Calendar:
    """When a desk is open: a zone, windows per weekday (Monday first), holidays, and dates with hours of their own.

    Made by `from_dict`, which hands out one shared instance per set of values, since the expanded windows hang on it.
    """

    tz: str
    weekly: tuple[Day, ...]
    holidays: frozenset[date]
    overrides: tuple[tuple[date, Day], ...]
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _special: dict[date, Day] = field(init=False, repr=False, compare=False)
    _always: bool = field(init=False, repr=False, compare=False)
    _blocks: dict[int, _Block] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_zone", ZoneInfo(self.tz))
        object.__setattr__(self, "_special", dict.fromkeys(self.holidays, ()) | dict(self.overrides))
        whole = ((0, DAY_SECONDS),)
        object.__setattr__(self, "_always", not self._special and all(day == whole for day in self.weekly))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, strict: bool = False) -> Calendar:
        """The calendar of a plain dict.

        `{"tz": "Europe/Berlin", "weekly": {"mon": [["09:00", "17:00"]], …}, "holidays": ["2026-12-25"],
        "overrides": {"2026-12-24": [["08:00", "12:00"]]}}`; weekdays are mon to sun, a missing one is closed.
        Raises ValueError with a sentence that says what to change. `strict`, for what people type, also refuses
        unknown keys and windows of one day that overlap.
        """
        return _shared(parse(data, strict=strict))

    def to_dict(self) -> dict[str, Any]:
        """The plain dict, ready for JSON, from which `from_dict` makes an equal calendar."""
        return write(PlainCalendar(self.tz, self.weekly, self.holidays, self.overrides))

    def spans(self, day: date) -> Day:
        """The windows that start on `day`, in seconds after its midnight by the wall clock."""
        special = self._special.get(day)
        return self.weekly[day.weekday()] if special is None else special

    @property
    def zone(self) -> ZoneInfo:
        """The time zone whose wall clock the windows go by."""
        return self._zone

    def hours_of(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The open stretches, in UTC, of the windows that start on `day`; joined where they meet."""
        return tuple((moment(opening), moment(closing)) for opening, closing in self.stretches(day))

    # The rest counts in microseconds since 1970 and is for `helpdesk.hours` only.

    def stretches(self, day: date) -> list[Interval]:
        """As `hours_of`, in microseconds. Empty where a clock change swallowed the day (Samoa, 30 December 2011)."""
        if not _FIRST_ORDINAL <= day.toordinal() <= _LAST_ORDINAL:
            return []
        midnight = (day.toordinal() - EPOCH_ORDINAL) * DAY_SECONDS
        return joined(
            (self.instant(midnight + opening, last=False), self.instant(midnight + closing, last=True))
            for opening, closing in self.spans(day)
        )

    def instant(self, wall: int, *, last: bool) -> int:
        """The instant of a wall time (seconds since 1970 by the clock on the wall).

        A time the clock skips is the instant of the change; of a repeated one the first or the `last`.
        """
        local = (_NAIVE_EPOCH + timedelta(seconds=wall)).replace(tzinfo=self._zone)
        early, late = _offset(local), _offset(local.replace(fold=1))
        if early < late:
            return _change_between(self._zone, wall - late, wall - early) * MICRO
        return (wall - (late if last else early)) * MICRO

    def _block(self, number: int) -> _Block:
        block = self._blocks.get(number)
        if block is None:
            begin, end = number * _BLOCK_MICROS, (number + 1) * _BLOCK_MICROS
            first = number * _BLOCK_DAYS + EPOCH_ORDINAL
            # Wall clocks differ from UTC by less than 16 hours, and a window lasts up to a day: three days of margin.
            days = range(max(first - 3, _FIRST_ORDINAL), min(first + _BLOCK_DAYS + 2, _LAST_ORDINAL))
            found = joined(s for day in days for s in self.stretches(date.fromordinal(day)))
            block = _Block([(max(o, begin), min(c, end)) for o, c in found if c > begin and o < end])
            if len(self._blocks) >= _BLOCKS_KEPT:
                self._blocks.clear()  # one atomic step, so threads may share a calendar
            self._blocks[number] = block
        return block

    def last_ordinal(self, at: int) -> int:
        """The last date worth looking at from `at` on."""
        if not any(self.weekly):
            return self.overrides[-1][0].toordinal() if self.overrides else _FIRST_ORDINAL
        return min(at // _DAY_MICROS + EPOCH_ORDINAL + HORIZON_DAYS, _LAST_ORDINAL)

    def _last_block(self, at: int) -> int:
        return (self.last_ordinal(at) + 2 - EPOCH_ORDINAL) // _BLOCK_DAYS

    def open_between(self, begin: int, end: int) -> int:
        """Open microseconds in [begin, end)."""
        if self._always:
            return end - begin
        first, last = begin // _BLOCK_MICROS, end // _BLOCK_MICROS
        block = self._block(first)
        if first == last:
            return block.before(end) - block.before(begin)
        whole = sum(self._block(number).total for number in range(first + 1, last))
        return block.total - block.before(begin) + whole + self._block(last).before(end)

    def after(self, at: int, amount: int) -> int | None:
        """The earliest instant with `amount` > 0 open microseconds since `at`."""
        if self._always:
            return at + amount
        number = at // _BLOCK_MICROS
        block = self._block(number)
        amount += block.before(at)
        if amount > block.total:
            last = self._last_block(at)
            while amount > block.total:
                amount -= block.total
                number += 1
                if number > last:
                    return None
                block = self._block(number)
        return block.reaching(amount)

    def opening(self, at: int) -> int | None:
        """The first instant not before `at` at which the desk is open."""
        if self._always:
            return at
        number = at // _BLOCK_MICROS
        block = self._block(number)
        index = bisect_right(block.opens, at)
        if index and at < block.closes[index - 1]:
            return at
        last = self._last_block(at)
        while index >= len(block.opens):
            number += 1
            if number > last:
                return None
            block, index = self._block(number), 0
        return block.opens[index]

    def closing(self, at: int) -> int | None:
        """The first instant not before `at` at which the desk is closed."""
        if self._always:
            return None
        number, last = at // _BLOCK_MICROS, self._last_block(at)
        while True:
            block = self._block(number)
            index = bisect_right(block.opens, at) - 1
            if index < 0 or at >= block.closes[index]:
                return at
            at = block.closes[index]
            number += 1
            if at < number * _BLOCK_MICROS:
                return at
            if number > last:
                return None


def joined(stretches: Iterable[Interval]) -> list[Interval]:
    """The union, sorted; stretches that meet become one, empty ones vanish."""
    union: list[Interval] = []
    for opening, closing in sorted(stretches):
        if closing <= opening:
            continue
        if union and opening <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], closing))
        else:
            union.append((opening, closing))
    return union


@lru_cache(maxsize=512)
def _shared(plain: PlainCalendar) -> Calendar:
    return Calendar(*plain)


def _offset(local: datetime) -> int:
    """Seconds by which the wall clock is ahead of UTC."""
    offset = local.utcoffset()
    assert offset is not None
    return offset.days * DAY_SECONDS + offset.seconds


def _change_between(zone: ZoneInfo, before: int, after: int) -> int:
    """The second (since 1970) at which the zone's offset changes, between two that lie on either side of the change."""
    old = _offset((_EPOCH + timedelta(seconds=before)).astimezone(zone))
    while after - before > 1:
        middle = (before + after) // 2
        if _offset((_EPOCH + timedelta(seconds=middle)).astimezone(zone)) == old:
            before = middle
        else:
            after = middle
    return after


def micros(at: datetime) -> int:
    """The instant in microseconds since 1970, exactly; ValueError for a naive datetime."""
    try:
        return (at - _EPOCH) // _ONE
    except TypeError:
        raise ValueError(f"{at!r} has no time zone: business time needs aware datetimes.") from None


def moment(at: int) -> datetime:
    """The instant in UTC of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at)


#: Open at every instant: the calendar named 24x7.
ALWAYS = Calendar.from_dict({"tz": "UTC", "weekly": {name: [["00:00", "24:00"]] for name in WEEKDAYS}})
