"""The plain form of a calendar: what is read, what is written, and the sentence that refuses the rest."""

from __future__ import annotations

from typing import Any

import pytest

from helpdesk.hours import Calendar

WINDOW = "is no window: give an opening and a closing, such as [09:00, 17:00]."
CLOCK = "is no time of day: write it as hours:minutes, such as 09:00."
DATE = "is no date: write it as year-month-day, such as 2026-12-25."
ZONE = "is no known time zone: set tz to an IANA name such as Europe/Berlin."


def test_the_dict_comes_back_as_it_was_and_gives_the_same_calendar() -> None:
    plain = {
        "tz": "Asia/Tehran",
        "weekly": {"thu": [["08:00", "12:00"]], "sat": [["00:00", "00:00"]], "sun": [["20:30", "04:15:30"]]},
        "holidays": ["2026-03-20", "2026-03-21"],
        "overrides": {"2026-03-22": [], "2026-03-25": [["09:00", "10:00"], ["11:00", "12:00"]]},
    }

    assert Calendar.from_dict(plain).to_dict() == plain
    assert Calendar.from_dict(Calendar.from_dict(plain).to_dict()) is Calendar.from_dict(plain)


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        ([], "A calendar is a mapping with the keys tz, weekly, holidays, overrides, not list."),
        ({}, "The calendar has no time zone: set tz to an IANA name such as Europe/Berlin."),
        ({"tz": "Mars/Olympus"}, f"'Mars/Olympus' {ZONE}"),
        ({"tz": "../etc/passwd"}, f"'../etc/passwd' {ZONE}"),
        ({"tz": "Europe"}, f"'Europe' {ZONE}"),
        ({"weekly": []}, "weekly must be a mapping of weekdays (mon to sun) to lists of windows."),
        ({"weekly": {"monday": []}}, "'monday' is no weekday of a calendar: use mon, tue, wed, thu, fri, sat, sun."),
        (
            {"weekly": {"mon": "09:00-17:00"}},
            "The hours of mon must be a list of windows such as [09:00, 17:00]; an empty list closes.",
        ),
        ({"weekly": {"mon": ["09:00"]}}, f"'09:00' in mon {WINDOW}"),
        ({"weekly": {"mon": [["09:00"]]}}, f"['09:00'] in mon {WINDOW}"),
        ({"weekly": {"mon": [["09:00", "25:00"]]}}, f"'25:00' in mon {CLOCK}"),
        ({"weekly": {"mon": [["24:00", "01:00"]]}}, f"'24:00' in mon {CLOCK}"),
        ({"weekly": {"mon": [["09:00", "17:60"]]}}, f"'17:60' in mon {CLOCK}"),
        ({"weekly": {"mon": [[9, 17]]}}, f"9 in mon {CLOCK}"),
        ({"holidays": "2026-12-25"}, "holidays must be a list of dates such as 2026-12-25."),
        ({"holidays": ["25.12.2026"]}, f"'25.12.2026' in holidays {DATE}"),
        ({"holidays": ["2026-02-29"]}, f"'2026-02-29' in holidays {DATE}"),
        (
            {"overrides": ["2026-12-25"]},
            "overrides must be a mapping of dates to lists of windows; an empty list closes the day.",
        ),
        ({"overrides": {"tomorrow": []}}, f"'tomorrow' in overrides {DATE}"),
        ({"overrides": {"2026-12-24": [["8", "12"]]}}, f"'8' in 2026-12-24 {CLOCK}"),
    ],
)
def test_a_calendar_that_cannot_be_used_is_refused_with_a_remedy(plain: Any, sentence: str) -> None:
    if isinstance(plain, dict) and plain and "tz" not in plain:
        plain = {"tz": "UTC"} | plain
    with pytest.raises(ValueError) as refusal:
        Calendar.from_dict(plain)
    assert str(refusal.value) == sentence


def test_a_misspelt_key_is_refused_where_somebody_types_it_and_passed_over_elsewhere() -> None:
    with pytest.raises(ValueError, match=r"^A calendar has no key 'holliday': use tz, weekly, holidays, overrides\.$"):
        Calendar.from_dict({"tz": "UTC", "holliday": []}, strict=True)
    assert Calendar.from_dict({"tz": "UTC", "name": "Head office"}) == Calendar.from_dict({"tz": "UTC"})
