"""Days off from the list of public holidays and from iCal files, and what taking them over would change."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from helpdesk.holiday_lists import DayOff, countries, difference, ical_days, public_days, regions

BERLIN = ZoneInfo("Europe/Berlin")


def ical(*events: str) -> bytes:
    """A file with these events; lines of one are parted by |."""
    rows = [line for event in events for line in ("BEGIN:VEVENT", "UID:x@y", *event.split("|"), "END:VEVENT")]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//", *rows, "END:VCALENDAR", ""]).encode()


def days(data: bytes, *years: int) -> list[tuple[str, str]]:
    return [(one.day.isoformat(), one.name) for one in ical_days(data, years or (2027,), BERLIN)]


def test_a_part_of_a_country_has_days_of_its_own() -> None:
    whole = {one.day for one in public_days("DE", 2027)}
    bavaria = {one.day for one in public_days("DE", 2027, "BY")}

    assert date(2027, 12, 25) in whole
    assert date(2027, 1, 6) in bavaria - whole
    assert {day.year for day in whole} == {2027}


def test_dates_that_hang_on_the_moon_are_marked_and_not_called_so_in_their_name() -> None:
    found = public_days("AE", 2027)
    guessed = [one for one in found if one.is_estimated]

    assert guessed
    assert not any("(" in one.name for one in guessed)
    assert DayOff(date(2027, 1, 1), "New Year's Day") in found


def test_what_is_not_known_is_said_with_what_is() -> None:
    with pytest.raises(ValueError, match=r"no region XX; known are: .*BY"):
        public_days("DE", 2027, "XX")
    with pytest.raises(ValueError, match="not known"):
        public_days("QQ", 2027)
    assert countries()["DE"] == "Germany"
    assert "BY" in regions("DE")


def test_the_difference_names_what_comes_goes_and_is_renamed() -> None:
    one, two, three = (DayOff(date(2027, 5, n), f"Day {n}") for n in (1, 2, 3))
    better = DayOff(date(2027, 5, 2), "May Day")

    found = difference([one, two], [better, three])

    assert (found.added, found.removed, found.renamed, found.same) == ((three,), (one,), ((two, better),), 0)
    assert not difference([one], [one])


def test_whole_days_of_a_file_are_taken_each_end_excluded() -> None:
    data = ical("DTSTART;VALUE=DATE:20271224|DTEND;VALUE=DATE:20271227|SUMMARY:Christmas")

    assert days(data) == [("2027-12-24", "Christmas"), ("2027-12-25", "Christmas"), ("2027-12-26", "Christmas")]


def test_an_event_with_a_time_closes_the_day_it_begins_on_here() -> None:
    assert days(ical("DTSTART:20270501T230000Z|DTEND:20270502T230000Z|SUMMARY:Late")) == [("2027-05-02", "Late")]


def test_yearly_days_are_followed_into_the_years_asked_for() -> None:
    data = ical("DTSTART;VALUE=DATE:20200101|RRULE:FREQ=YEARLY|EXDATE;VALUE=DATE:20280101|SUMMARY:New Year")

    assert [day for day, _name in days(data, 2027, 2028, 2029)] == ["2027-01-01", "2029-01-01"]


def test_a_stretch_over_the_year_keeps_its_days_of_the_new_one() -> None:
    data = ical("DTSTART;VALUE=DATE:20201224|DTEND;VALUE=DATE:20210103|RRULE:FREQ=YEARLY|SUMMARY:Closed")

    assert [day for day, _name in days(data, 2027)][:2] == ["2027-01-01", "2027-01-02"]


def test_a_repetition_until_an_instant_ends_then() -> None:
    data = ical("DTSTART;VALUE=DATE:20250501|RRULE:FREQ=YEARLY;UNTIL=20270601T000000Z|SUMMARY:May")

    assert [day for day, _name in days(data, 2026, 2027, 2028)] == ["2026-05-01", "2027-05-01"]


def test_cancelled_events_close_nothing() -> None:
    assert days(ical("DTSTART;VALUE=DATE:20270501|STATUS:CANCELLED|SUMMARY:Off")) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no iCal file"),
        (b"Date,Name\n2027-01-01,x", "no iCal file"),
        (ical(), "no events"),
        (ical("SUMMARY:No date"), "date of “No date” cannot be read"),
        (ical("DTSTART;VALUE=DATE:2027|SUMMARY:Half"), "cannot be read"),
        (ical("DTSTART;VALUE=DATE:20270101|DTEND;VALUE=DATE:20280101|SUMMARY:Year"), "lasts 365 days"),
        (ical("DTSTART:20270101T000000Z|RRULE:FREQ=SECONDLY|SUMMARY:Tick"), "within a day"),
        (ical("DTSTART;VALUE=DATE:20270101|RRULE:FREQ=YEARLY;INTERVAL=0|SUMMARY:Never"), "interval is 0"),
        (b"BEGIN:VCALENDAR\r\nSUMMARY:\xff\xfe\r\n", "not in UTF-8"),
        (b"BEGIN:VCALENDAR\r\n" + b"x" * 1_000_001, "too large"),
    ],
)
def test_files_that_cannot_be_used_are_refused_with_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ical_days(data, (2027,), BERLIN)


def test_no_file_makes_the_reader_stumble() -> None:
    whole = ical("DTSTART;VALUE=DATE:20270101|RRULE:FREQ=YEARLY;COUNT=3|SUMMARY:Day")
    for cut in range(0, len(whole), 3):
        try:
            ical_days(whole[:cut], (2027,), BERLIN)
        except ValueError as problem:
            assert str(problem).endswith((".", "”")) or ":" in str(problem)
