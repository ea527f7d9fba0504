"""The page "Holidays…" of a calendar: a difference is shown, then written; days from elsewhere and by hand stay."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from helpdesk.actions.calendars import take_over_days
from helpdesk.holiday_lists import DayOff
from helpdesk.hours import is_open
from helpdesk.models import SYSTEM, AuditEntry, BusinessCalendar, CalendarHoliday
from routing.models import Dirty
from tests.factories import World

pytestmark = pytest.mark.django_db

WEEK = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


@pytest.fixture
def office(db: None) -> BusinessCalendar:
    """Open on working days."""
    return BusinessCalendar.objects.create(name="Office", time_zone="UTC", weekly=WEEK)


def page(calendar: BusinessCalendar) -> str:
    return f"/admin/helpdesk/businesscalendar/{calendar.pk}/holidays/"


def ask(client: Client, calendar: BusinessCalendar, **answers: object) -> str:
    """Shows the difference; the signed days that writing takes."""
    asked = {"step": "public", "country": "DE", "region": "BY", "year": "2027", **answers}
    answer = client.post(page(calendar), asked)
    assert answer.status_code == 200
    return str(answer.context.get("payload", ""))


def test_public_holidays_are_shown_first_and_written_when_they_were_seen(
    office: BusinessCalendar, manager: Client
) -> None:
    payload = ask(manager, office)
    assert not CalendarHoliday.objects.exists()
    Dirty.objects.all().delete()

    answer = manager.post(page(office), {"step": "write", "payload": payload})

    assert answer.status_code == 302
    row = CalendarHoliday.objects.get(calendar=office, date=date(2027, 1, 6))
    assert (row.name, row.source) == ("Epiphany", "DE-BY")
    assert row.version.startswith("holidays ")
    assert not is_open(datetime(2027, 1, 6, 12, tzinfo=UTC), office.as_calendar())
    assert is_open(datetime(2027, 1, 7, 12, tzinfo=UTC), office.as_calendar())
    assert "2027-01-06" in AuditEntry.objects.get(action="businesscalendar.changed").data["added"]
    assert Dirty.objects.filter(kind=Dirty.Kind.QUEUE).exists()


def test_asking_again_finds_nothing_to_change(office: BusinessCalendar, manager: Client) -> None:
    manager.post(page(office), {"step": "write", "payload": ask(manager, office)})

    answer = manager.post(page(office), {"step": "public", "country": "DE", "region": "BY", "year": "2027"})

    assert not answer.context["changes"]
    assert b"Nothing: the calendar has them already." in answer.content


def test_a_newer_list_adds_removes_and_renames_and_leaves_what_is_by_hand(office: BusinessCalendar) -> None:
    may, june, august = (DayOff(date(2027, month, 1), f"Day {month}") for month in (5, 6, 8))
    CalendarHoliday.objects.create(calendar=office, date=august.day, name="Ours")
    take_over_days(calendar=office, days=[may, june], source="X", version="1", years=[2027], actor=SYSTEM)

    better = DayOff(june.day, "Day six", is_estimated=True)
    changes = take_over_days(
        calendar=office, days=[better, august], source="X", version="2", years=[2027], actor=SYSTEM
    )

    assert (changes.added, changes.removed, changes.renamed) == ((), (may,), ((june, better),))
    rows = CalendarHoliday.objects.values_list("date", "name", "source", "version", "estimated")
    assert list(rows) == [(june.day, "Day six", "X", "2", True), (august.day, "Ours", "", "", False)]


def test_a_file_is_read_and_a_bad_one_refused_with_a_sentence(office: BusinessCalendar, manager: Client) -> None:
    good = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//\r\nBEGIN:VEVENT\r\nUID:1@x\r\nDTSTART;VALUE=DATE:20200801\r\n"
        b"RRULE:FREQ=YEARLY\r\nSUMMARY:Company day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    years = {"step": "file", "first": "2027", "last": "2028"}
    shown = manager.post(page(office), {**years, "file": SimpleUploadedFile("days.ics", good)})
    manager.post(page(office), {"step": "write", "payload": shown.context["payload"]})
    bad = manager.post(page(office), {**years, "file": SimpleUploadedFile("days.csv", b"2027-01-01,New Year")})

    rows = CalendarHoliday.objects.values_list("date", "name", "source")
    assert list(rows) == [(date(2027, 8, 1), "Company day", "days.ics"), (date(2028, 8, 1), "Company day", "days.ics")]
    assert "This is no iCal file" in bad.context["file"].errors["file"][0]


def test_an_unknown_region_is_answered_with_those_there_are(office: BusinessCalendar, manager: Client) -> None:
    answer = manager.post(page(office), {"step": "public", "country": "DE", "region": "XX", "year": "2027"})

    assert "no region XX" in answer.context["public"].errors["region"][0]


def test_a_preview_is_written_into_its_own_calendar_only_and_not_when_altered(
    office: BusinessCalendar, manager: Client
) -> None:
    other = BusinessCalendar.objects.create(name="Other", time_zone="UTC")
    payload = ask(manager, office)

    manager.post(page(other), {"step": "write", "payload": payload})
    manager.post(page(office), {"step": "write", "payload": payload[:-2]})

    assert not CalendarHoliday.objects.exists()


def test_agents_do_not_reach_the_page(office: BusinessCalendar, world: World, client: Client) -> None:
    client.force_login(world.lead)

    assert client.get(page(office)).status_code in {302, 403}
    assert client.post(page(office), {"step": "write", "payload": ""}).status_code in {302, 403}


def test_days_off_are_written_by_hand_with_their_names(office: BusinessCalendar, manager: Client) -> None:
    form = {
        "name": "Office",
        "time_zone": "UTC",
        "days_off-TOTAL_FORMS": "1",
        "days_off-INITIAL_FORMS": "0",
        "days_off-0-date": "2027-03-03",
        "days_off-0-name": "Our day",
    }
    assert manager.post(f"/admin/helpdesk/businesscalendar/{office.pk}/change/", form).status_code == 302

    row = CalendarHoliday.objects.get()
    assert (row.name, row.source) == ("Our day", "")
    shown = manager.get(f"/admin/helpdesk/businesscalendar/{office.pk}/change/").content.decode()
    assert "by hand" in shown
