"""Days off of a calendar, taken over from a list and frozen into rows. Called by the managers' pages."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import transaction

from helpdesk import access, events
from helpdesk.holiday_lists import DayOff, Difference, difference
from helpdesk.models import Actor, BusinessCalendar, CalendarHoliday


def compared(calendar: BusinessCalendar, days: Iterable[DayOff], source: str, years: Collection[int]) -> Difference:
    """What taking the days over would change: those of `years` that came from the same source against the new ones.

    Days off that were written by hand or came from elsewhere stay as they are, and their dates are taken by nobody else.
    """
    rows = list(CalendarHoliday.objects.filter(calendar=calendar, date__year__in=set(years)))
    taken = {row.date for row in rows if row.source != source}
    have = [DayOff(row.date, row.name, row.estimated) for row in rows if row.source == source]
    return difference(have, [day for day in days if day.day not in taken and day.day.year in years])


@transaction.atomic
def take_over_days(
    *,
    calendar: BusinessCalendar,
    days: Iterable[DayOff],
    source: str,
    version: str,
    years: Collection[int],
    actor: Actor,
) -> Difference:
    """Writes what `compared` says and returns it. `source` and `version` name the list to who asks later. Raises NotAllowed."""
    access.ensure(actor, "setup.change")
    calendar = BusinessCalendar.objects.select_for_update().get(pk=calendar.pk)
    changes = compared(calendar, days, source, years)
    rows = CalendarHoliday.objects.filter(calendar=calendar, source=source, date__year__in=set(years))
    rows.filter(date__in=[day.day for day in changes.removed]).delete()
    for _before, after in changes.renamed:
        rows.filter(date=after.day).update(name=after.name, estimated=after.is_estimated)
    CalendarHoliday.objects.bulk_create(
        CalendarHoliday(calendar=calendar, date=day.day, name=day.name, source=source, estimated=day.is_estimated)
        for day in changes.added
    )
    rows.update(version=version)
    if changes:
        counts = {
            "added": [day.day.isoformat() for day in changes.added],
            "removed": [day.day.isoformat() for day in changes.removed],
            "renamed": [after.day.isoformat() for _before, after in changes.renamed],
        }
        data = {"source": source, "version": version, **{key: found for key, found in counts.items() if found}}
        events.audit(actor, "businesscalendar.changed", calendar, data)
    return changes
