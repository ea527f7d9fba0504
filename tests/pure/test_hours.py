"""Calendars and business time: the pinned cases, zone by zone. The comparison with a walk is test_hours_walk.py."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from helpdesk.hours import (
    ALWAYS,
    Calendar,
    add_business_days,
    add_business_time,
    business_seconds_between,
    is_open,
    next_closing,
    next_opening,
)

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOUR = 3600


def desk(tz: str, days: str, *windows: str, **more: Any) -> Calendar:
    """A calendar with the same windows ("09:00-17:00") on each of the days ("mon-fri", "sat-wed", "mon")."""
    first, _, last = days.partition("-")
    begin, count = WEEK.index(first), (WEEK.index(last or first) - WEEK.index(first)) % 7 + 1
    names = [WEEK[(begin + n) % 7] for n in range(count)]
    weekly = {name: [window.split("-") for window in windows] for name in names}
    return Calendar.from_dict({"tz": tz, "weekly": weekly | more.pop("weekly", {}), **more})


def at(text: str) -> datetime:
    """ "2026-01-05 08:00" in UTC, or "2026-01-05 09:00 Europe/Berlin" by that wall clock."""
    day, clock, *zone = text.split(" ")
    wall = datetime.fromisoformat(f"{day} {clock}")
    return wall.replace(tzinfo=ZoneInfo(zone[0]) if zone else UTC).astimezone(UTC)


BERLIN = desk(
    "Europe/Berlin", "mon-fri", "09:00-17:00", holidays=["2026-12-25"], overrides={"2026-12-24": [["08:00", "12:00"]]}
)
SPLIT = desk("Europe/Berlin", "mon-fri", "09:00-12:00", "13:00-17:00")
NIGHT = desk("Europe/Berlin", "mon-sun", "22:00-06:00")
TEHRAN = desk(
    "Asia/Tehran",
    "sat-wed",
    "08:00-16:00",
    weekly={"thu": [["08:00", "12:00"]]},
    holidays=["2026-03-20", "2026-03-21", "2026-03-22", "2026-03-23", "2026-03-24"],
)
DUBAI = desk("Asia/Dubai", "mon-thu", "09:00-18:00", weekly={"fri": [["09:00", "12:00"]]})
CLOSED = Calendar.from_dict({"tz": "UTC", "weekly": {}})


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "due"),
    [
        # the working day, its edges, the weekend
        (BERLIN, "2026-01-05 08:00", 2, "2026-01-05 10:00"),
        (BERLIN, "2026-01-05 08:00", 8, "2026-01-05 16:00"),  # fills the day: due at closing, not on the next opening
        (BERLIN, "2026-01-05 15:00", 2, "2026-01-06 09:00"),
        (BERLIN, "2026-01-09 15:30", 1, "2026-01-12 08:30"),
        (BERLIN, "2026-01-10 11:00", 1, "2026-01-12 09:00"),
        (BERLIN, "2026-01-10 11:00", 0, "2026-01-10 11:00"),
        (BERLIN, "2026-01-05 16:00", 1, "2026-01-06 09:00"),  # at closing is outside
        # Christmas: a short special day, a holiday, a weekend
        (BERLIN, "2026-12-23 15:00", 1 + 4 + 1, "2026-12-28 09:00"),
        # summer time: two wall days apart, but hours that really passed
        (BERLIN, "2026-03-27 15:00", 2, "2026-03-30 08:00"),
        (NIGHT, "2026-03-28 21:00", 7, "2026-03-29 04:00"),  # 22:00 to 06:00 lasts 7 hours on the night of the change
        (NIGHT, "2026-03-28 21:00", 7.5, "2026-03-29 20:30"),
        (NIGHT, "2026-10-24 20:00", 9, "2026-10-25 05:00"),  # and 9 in autumn
        # 30 minutes of summer time
        (desk("Australia/Lord_Howe", "mon-sun", "00:00-06:00"), "2026-04-04 13:00", 6.5, "2026-04-04 19:30"),
        (desk("Australia/Lord_Howe", "mon-sun", "00:00-06:00"), "2026-10-03 13:30", 5.5, "2026-10-03 19:00"),
        # midnight does not exist: the day opens at the change
        (desk("Africa/Cairo", "mon-sun", "00:00-02:00"), "2026-04-23 21:30", 1, "2026-04-23 23:00"),
        (desk("America/Sao_Paulo", "mon-sun", "00:00-02:00"), "2018-11-04 02:00", 1, "2018-11-04 04:00"),
        # ... and the day before closes at it
        (desk("Africa/Cairo", "thu", "20:00-00:00"), "2026-04-23 18:00", 4, "2026-04-23 22:00"),
        # a lost day: Friday 30 December 2011 never came to Samoa
        (desk("Pacific/Apia", "mon-sun", "09:00-17:00"), "2011-12-29 19:00", 8.5, "2011-12-30 19:30"),
        # no clock change in Tehran since 2022; a short Thursday, Friday off, Nowruz
        (TEHRAN, "2026-03-18 12:00", 2, "2026-03-19 06:00"),
        (TEHRAN, "2026-03-19 08:00", 1, "2026-03-25 05:00"),
        (DUBAI, "2026-01-09 07:00", 2, "2026-01-12 06:00"),
        (desk("Asia/Riyadh", "sun-thu", "08:00-16:00"), "2026-01-08 12:00", 2, "2026-01-11 06:00"),
        (desk("Asia/Shanghai", "mon-fri", "09:00-18:00"), "2026-01-05 09:00", 2, "2026-01-06 02:00"),
        (desk("Asia/Kathmandu", "sun-fri", "10:00-17:00"), "2026-01-05 04:15", 7, "2026-01-05 11:15"),
        (desk("America/New_York", "mon-fri", "09:00-17:00"), "2026-03-06 21:00", 2, "2026-03-09 14:00"),
        # a repeated hour belongs to the window as a whole: from the first 01:30 to the second 01:45
        (desk("America/New_York", "sun", "01:30-01:45"), "2026-11-01 05:00", 1.25, "2026-11-01 06:45"),
        # also one that closes as the repeated hour begins stays open until it begins again
        (desk("Europe/Berlin", "sat", "22:00-02:00"), "2026-10-24 20:00", 5, "2026-10-25 01:00"),
        (ALWAYS, "2026-03-29 00:30", 24, "2026-03-30 00:30"),
    ],
)
def test_business_time_added(calendar: Calendar, start: str, hours: float, due: str) -> None:
    assert add_business_time(at(start), hours * HOUR, calendar) == at(due)


@pytest.mark.parametrize(
    ("calendar", "start", "days", "due"),
    [
        (BERLIN, "2026-01-05 11:30", 1, "2026-01-06 11:30"),
        (BERLIN, "2026-01-09 15:00", 1, "2026-01-12 15:00"),
        (BERLIN, "2026-01-10 15:00", 0, "2026-01-10 15:00"),  # 0 days leave the start where it is, even on a Saturday
        (BERLIN, "2026-01-10 15:00", 1, "2026-01-13 08:00"),  # Saturday moves to Monday's opening first
        (BERLIN, "2026-01-05 16:00", 1, "2026-01-07 08:00"),  # the closing instant is outside: Tuesday's opening first
        (BERLIN, "2026-12-23 15:30", 1, "2026-12-24 11:00"),  # after the last closing of a short day: that closing
        (BERLIN, "2026-12-24 07:30", 1, "2026-12-28 08:00"),  # before the opening: the opening
        (BERLIN, "2026-03-27 08:30", 1, "2026-03-30 07:30"),  # the same wall time over the change to summer time
        # a gap at noon; the earlier window's closing belongs to the gap
        (
            desk("UTC", "tue", "09:00-12:00", "13:00-17:00", weekly={"mon": [["09:00", "17:00"]]}),
            "2026-01-05 12:00",
            1,
            "2026-01-06 13:00",
        ),
        (
            desk("UTC", "tue", "09:00-12:00", "13:00-17:00", weekly={"mon": [["09:00", "17:00"]]}),
            "2026-01-05 12:59",
            1,
            "2026-01-06 13:00",
        ),
        (
            desk("UTC", "tue", "09:00-12:00", "13:00-16:00", weekly={"mon": [["09:00", "17:00"]]}),
            "2026-01-05 16:00",
            1,
            "2026-01-06 16:00",
        ),
        # the hours after midnight belong to the date the shift started on
        (desk("Europe/Berlin", "mon-fri", "22:00-06:00"), "2026-01-06 01:00", 1, "2026-01-07 01:00"),
        (desk("Europe/Berlin", "mon-fri", "22:00-06:00"), "2026-01-10 01:00", 1, "2026-01-13 01:00"),
        # a wall time that the clock skips is the change, one that comes twice the first
        (NIGHT, "2026-03-28 01:30", 1, "2026-03-29 01:00"),
        (NIGHT, "2026-10-24 00:30", 1, "2026-10-25 00:30"),
        (NIGHT, "2026-10-25 01:30", 1, "2026-10-26 01:30"),
        # the lost day is no business date
        (desk("Pacific/Apia", "mon-sun", "09:00-17:00"), "2011-12-29 20:00", 1, "2011-12-30 20:00"),
        (ALWAYS, "2026-01-05 08:15", 3, "2026-01-08 08:15"),
    ],
)
def test_business_days_added(calendar: Calendar, start: str, days: int, due: str) -> None:
    assert add_business_days(at(start), days, calendar) == at(due)


def ladder(calendar: Calendar, start: str) -> list[str]:
    """The instants at which levels 2 to 7 are entered with the default upper bounds when nobody acts."""
    instant = at(start)
    entered = [instant + timedelta(minutes=30), instant + timedelta(minutes=90)]
    for seconds in (2 * HOUR, 5 * HOUR):
        entered.append(add_business_time(entered[-1], seconds, calendar) or instant)
    for days in (2, 3):
        entered.append(add_business_days(entered[-1], days, calendar) or instant)
    return [f"{level:%d %b %H:%M}" for level in entered]


def test_ladders_of_the_default_matrix_stand_at_their_published_instants() -> None:
    assert ladder(BERLIN, "2026-01-05 08:00") == [
        "05 Jan 08:30", "05 Jan 09:30", "05 Jan 11:30", "06 Jan 08:30", "08 Jan 08:30", "13 Jan 08:30",
    ]  # fmt: skip
    assert ladder(BERLIN, "2026-01-09 15:45") == [
        "09 Jan 16:15", "09 Jan 17:15", "12 Jan 10:00", "12 Jan 15:00", "14 Jan 15:00", "19 Jan 15:00",
    ]  # fmt: skip
    assert ladder(TEHRAN, "2026-03-18 11:00") == [
        "18 Mar 11:30", "18 Mar 12:30", "19 Mar 06:30", "25 Mar 07:30", "28 Mar 07:30", "31 Mar 07:30",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pauses", "due", "counted_by_noon"),
    [
        ([], "2026-01-05 11:00", 4 * HOUR),
        ([("2026-01-05 09:00", "2026-01-05 10:00")], "2026-01-05 12:00", 3 * HOUR),
        (
            [("2026-01-05 09:00", "2026-01-05 10:00"), ("2026-01-05 09:30", "2026-01-05 10:30")],
            "2026-01-05 12:30",
            2.5 * HOUR,
        ),
        (
            [("2026-01-05 10:00", "2026-01-05 10:30"), ("2026-01-05 08:30", "2026-01-05 09:00")],
            "2026-01-05 12:00",
            3 * HOUR,
        ),
        (
            [("2026-01-03 00:00", "2026-01-05 08:00")],
            "2026-01-05 11:00",
            4 * HOUR,
        ),  # outside the hours it holds nothing
        ([("2026-01-05 07:00", "2026-01-05 08:30")], "2026-01-05 11:30", 3.5 * HOUR),  # only its open part counts
        ([("2026-01-05 10:00", "2026-01-06 10:00")], "2026-01-06 11:00", 2 * HOUR),
        ([("2026-01-05 11:00", None)], "2026-01-05 11:00", 3 * HOUR),  # reached at the instant the pause begins
        ([("2026-01-05 10:59", None)], None, 3 * HOUR - 60),
        ([("2026-01-05 10:00", "2026-01-05 09:00")], "2026-01-05 11:00", 4 * HOUR),  # ends before it begins: empty
    ],
)
def test_three_hours_from_eight_with_pauses(
    pauses: list[tuple[str, str | None]], due: str | None, counted_by_noon: float
) -> None:
    pairs = [(at(begin), at(end) if end else None) for begin, end in pauses]
    start, noon = at("2026-01-05 08:00"), at("2026-01-05 12:00")

    assert add_business_time(start, 3 * HOUR, BERLIN, pairs) == (at(due) if due else None)
    assert business_seconds_between(start, noon, BERLIN, pairs) == counted_by_noon


def test_open_from_the_opening_up_to_but_not_including_the_closing() -> None:
    clocks = ("07:59", "08:00", "10:59", "11:00", "12:00", "16:00")

    assert [clock for clock in clocks if is_open(at(f"2026-01-05 {clock}"), SPLIT)] == ["08:00", "10:59", "12:00"]


def test_next_opening_is_now_while_open_and_the_next_window_otherwise() -> None:
    assert next_opening(at("2026-01-05 08:30"), SPLIT) == at("2026-01-05 08:30")
    assert next_opening(at("2026-01-05 11:00"), SPLIT) == at("2026-01-05 12:00")
    assert next_opening(at("2026-12-24 11:00"), BERLIN) == at("2026-12-28 08:00")
    assert next_opening(at("2026-12-24 11:00"), CLOSED) is None


def test_next_closing_is_now_while_closed_and_never_for_a_desk_that_never_closes() -> None:
    assert next_closing(at("2026-01-05 08:30"), SPLIT) == at("2026-01-05 11:00")
    assert next_closing(at("2026-01-05 11:00"), SPLIT) == at("2026-01-05 11:00")
    assert next_closing(at("2026-01-05 11:00"), CLOSED) == at("2026-01-05 11:00")
    assert next_closing(at("2026-01-05 11:00"), ALWAYS) is None
    assert next_closing(
        at("2026-01-05 11:00"), desk("Asia/Tehran", "mon-sun", "00:00-00:00", holidays=["2027-01-05"])
    ) == at("2027-01-05 00:00 Asia/Tehran")


def test_the_night_before_a_holiday_still_ends_on_its_morning() -> None:
    calendar = desk("Europe/Berlin", "mon-sun", "22:00-06:00", holidays=["2026-12-25"])

    assert is_open(at("2026-12-25 05:59 Europe/Berlin"), calendar)
    assert not is_open(at("2026-12-25 23:00 Europe/Berlin"), calendar)
    assert not is_open(at("2026-12-26 05:00 Europe/Berlin"), calendar)


def test_an_override_opens_a_holiday_and_an_empty_one_closes_a_working_day() -> None:
    calendar = desk(
        "UTC", "mon-fri", "09:00-17:00", holidays=["2026-01-06"],
        overrides={"2026-01-06": [["10:00", "11:00"]], "2026-01-07": []},
    )  # fmt: skip

    assert calendar.hours_of(date(2026, 1, 6)) == ((at("2026-01-06 10:00"), at("2026-01-06 11:00")),)
    assert calendar.hours_of(date(2026, 1, 7)) == ()


def test_a_desk_open_on_special_dates_only_runs_out_of_them() -> None:
    calendar = Calendar.from_dict({"tz": "UTC", "overrides": {"2026-05-01": [["09:00", "10:00"]]}})

    assert add_business_time(at("2026-01-01 00:00"), HOUR, calendar) == at("2026-05-01 10:00")
    assert add_business_time(at("2026-01-01 00:00"), HOUR + 1, calendar) is None
    assert add_business_days(at("2026-01-01 00:00"), 1, calendar) is None
    assert next_opening(at("2026-05-01 10:00"), calendar) is None


def test_a_desk_that_never_opens_reaches_no_deadline_but_the_one_of_now() -> None:
    start = at("2026-01-05 08:00")

    assert add_business_time(start, 0, CLOSED) == start
    assert add_business_time(start, 1, CLOSED) is None
    assert add_business_days(start, 1, CLOSED) is None
    assert business_seconds_between(start, start + timedelta(days=400), CLOSED) == 0.0


def test_a_deadline_a_hundred_years_off_is_unreachable() -> None:
    weekly_minute = desk("UTC", "mon", "09:00-09:01")

    assert add_business_time(at("2026-01-05 08:00"), 52 * 60, weekly_minute) == at("2026-12-28 09:01")
    assert add_business_time(at("2026-01-05 08:00"), 52 * 60 * 200, weekly_minute) is None
    assert add_business_time(at("9999-12-31 00:00"), 7 * 24 * HOUR, ALWAYS) is None


def test_microseconds_are_kept() -> None:
    start = at("2026-01-05 15:59:59.250001")

    assert add_business_time(start, 1.5, BERLIN) == at("2026-01-06 08:00:00.750001")
    assert business_seconds_between(start, at("2026-01-06 08:00:00.750001"), BERLIN) == 1.5


def test_nothing_lies_between_an_instant_and_an_earlier_one() -> None:
    assert business_seconds_between(at("2026-01-06 12:00"), at("2026-01-05 12:00"), BERLIN) == 0.0


def test_a_span_of_years_counts_every_block_between() -> None:
    hours = business_seconds_between(at("2024-01-01 00:00"), at("2026-01-01 00:00"), BERLIN) / HOUR

    assert hours == 523 * 8  # Mondays to Fridays of 2024 and 2025, without any holiday


def test_midnight_as_closing_may_be_written_both_ways() -> None:
    assert desk("UTC", "mon", "20:00-24:00") == desk("UTC", "mon", "20:00-00:00")


def test_overlapping_windows_count_once_and_are_refused_where_somebody_types_them() -> None:
    plain = {"tz": "UTC", "weekly": {"mon": [["09:00", "13:00"], ["12:00", "17:00"]]}}

    counted = business_seconds_between(at("2026-01-05 00:00"), at("2026-01-06 00:00"), Calendar.from_dict(plain))
    assert counted == 8 * HOUR
    with pytest.raises(ValueError, match=r"^Two windows of mon overlap at 12:00: join them or move one\.$"):
        Calendar.from_dict(plain, strict=True)


def test_naive_datetimes_are_refused() -> None:
    naive = datetime(2026, 1, 5, 8)  # noqa: DTZ001 - the mistake under test

    for call in (
        lambda: add_business_time(naive, 1, BERLIN),
        lambda: business_seconds_between(naive, at("2026-01-05 08:00"), BERLIN),
        lambda: is_open(naive, BERLIN),
        lambda: next_opening(naive, ALWAYS),
        lambda: add_business_days(naive, 1, BERLIN),
        lambda: add_business_time(at("2026-01-05 08:00"), 1, BERLIN, [(naive, None)]),
    ):
        with pytest.raises(ValueError, match="has no time zone: business time needs aware datetimes"):
            call()


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_no_time_but_a_finite_one_of_zero_or_more_is_added(seconds: float) -> None:
    with pytest.raises(ValueError, match="give a finite number, 0 or more"):
        add_business_time(at("2026-01-05 08:00"), seconds, BERLIN)


def test_negative_business_days_are_refused() -> None:
    with pytest.raises(ValueError, match="give a whole number, 0 or more"):
        add_business_days(at("2026-01-05 08:00"), -1, BERLIN)
