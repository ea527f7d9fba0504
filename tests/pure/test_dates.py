"""Dates in words: the solar Hijri calendar for readers of Persian, the Gregorian one for all others."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils.translation import override

from helpdesk.dates import FIRST_YEAR, LAST_YEAR, date_in_words, is_leap, month_key, solar_hijri

#: Years of 366 days in the official calendar of Iran, 1300 to 1420.
_OFFICIAL_LEAP_YEARS = (
    *(1300, 1304, 1309, 1313, 1317, 1321, 1325, 1329, 1333, 1337, 1342, 1346, 1350, 1354, 1358, 1362, 1366, 1370),
    *(1375, 1379, 1383, 1387, 1391, 1395, 1399, 1403, 1408, 1412, 1416, 1420),
)


@pytest.mark.parametrize(
    ("day", "there"),
    [
        (date(1979, 2, 11), (1357, 11, 22)),
        (date(2007, 3, 21), (1386, 1, 1)),
        (date(2021, 3, 20), (1399, 12, 30)),
        (date(2021, 3, 21), (1400, 1, 1)),
        (date(2025, 3, 20), (1403, 12, 30)),
        (date(2026, 9, 22), (1405, 6, 31)),
        (date(2026, 9, 23), (1405, 7, 1)),
        (date(2026, 11, 22), (1405, 9, 1)),
    ],
)
def test_known_days_fall_where_the_calendar_has_them(day: date, there: tuple[int, int, int]) -> None:
    assert solar_hijri(day) == there


def test_the_leap_years_are_the_official_ones() -> None:
    assert tuple(year for year in range(1300, 1421) if is_leap(year)) == _OFFICIAL_LEAP_YEARS


def test_every_day_follows_the_one_before() -> None:
    day = date(1925, 3, 22)
    before = solar_hijri(day)
    while day.year < 2090:
        day += timedelta(days=1)
        year, month, number = solar_hijri(day)
        same_month = (year, month, number) == (before[0], before[1], before[2] + 1)
        next_month = (year, month, number) == (before[0], before[1] + 1, 1)
        next_year = (year, month, number) == (before[0] + 1, 1, 1)
        assert same_month or next_month or next_year, day
        before = (year, month, number)


def test_years_that_are_not_known_are_refused_and_shown_as_they_are() -> None:
    for outside in (date(FIRST_YEAR + 600, 1, 1), date(LAST_YEAR + 700, 1, 1)):
        with pytest.raises(ValueError, match="outside"):
            solar_hijri(outside)
        with override("fa"):
            assert date_in_words(outside, "Y") == str(outside.year)


def test_words_are_in_the_calendar_of_the_reader() -> None:
    day = date(2026, 11, 22)
    with override("fa"):
        assert date_in_words(day, "j M") == "1 آذر"
        assert date_in_words(day, "l j F Y") == "یکشنبه 1 آذر 1405"
        assert date_in_words(day, r"Y/m/d \Y") == "1405/09/01 Y"
        assert month_key(day) == "1405-09"
        assert month_key(date(2026, 11, 21)) == "1405-08"
    for language in ("en", "ar", "zh-hans"):
        with override(language):
            assert date_in_words(day, "Y-m-d") == "2026-11-22"
            assert month_key(day) == "2026-11"
