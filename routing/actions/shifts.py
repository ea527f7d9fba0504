"""Shifts: a week's pattern written for several people and weeks at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput
from helpdesk.hours import Calendar
from helpdesk.models import Actor, Site, User
from helpdesk.said import said
from routing.models import Shift

MOST_WEEKS = 26
_MOST_ROWS = 5000


def pattern_days(
    weekly: Mapping[str, Sequence[Sequence[str]]], zone: str, first: date, weeks: int
) -> list[tuple[datetime, datetime]]:
    """The shifts of a pattern, in UTC, for so many weeks from the Monday of the week of `first`. ValueError with a sentence.

    Times go by the wall clock of the zone, so a shift keeps its hours over the change to summer time; one whose end is not
    after its beginning runs into the next day.
    """
    calendar = Calendar.from_dict({"tz": zone, "weekly": dict(weekly)}, strict=True)
    monday = first - timedelta(days=first.weekday())
    days = (monday + timedelta(days=n) for n in range(7 * weeks))
    return [stretch for day in days for stretch in calendar.hours_of(day)]


@transaction.atomic
def plan_shifts(
    *,
    actor: Actor,
    users: Collection[User],
    weekly: Mapping[str, Sequence[Sequence[str]]],
    zone: str,
    first: date,
    weeks: int = 1,
    site: Site | None = None,
    replaces: bool = True,
) -> int:
    """Writes the pattern for each of the people; returns how many shifts. With `replaces` those that begin in these weeks go.

    Without it shifts that would overlap one that is there are refused. Raises BadInput with a sentence, and NotAllowed.
    """
    access.ensure(actor, "setup.change")
    if not users:
        raise BadInput(_("Choose at least one person."))
    if not 1 <= weeks <= MOST_WEEKS:
        raise BadInput(_("Plan from 1 to %(n)s weeks at once.") % {"n": MOST_WEEKS})
    try:
        stretches = pattern_days(weekly, zone, first, weeks)
    except (ValueError, TypeError) as problem:
        raise BadInput(said(problem)) from None
    if len(stretches) * len(users) > _MOST_ROWS:
        raise BadInput(_("These are more than %(n)s shifts: plan fewer weeks or people at once.") % {"n": _MOST_ROWS})
    keys = sorted(user.pk for user in users)
    list(User.objects.select_for_update(of=("self",)).filter(pk__in=keys).order_by("pk"))
    begins = _midnight(first - timedelta(days=first.weekday()), zone)
    ends = _midnight(first - timedelta(days=first.weekday()) + timedelta(weeks=weeks), zone)
    removed = 0
    if replaces:
        removed, _by_model = Shift.objects.filter(user__in=keys, starts_at__gte=begins, starts_at__lt=ends).delete()
    if stretches:
        _refuse_overlaps(keys, stretches)
    rows = [Shift(user_id=key, site=site, starts_at=start, ends_at=end) for key in keys for start, end in stretches]
    Shift.objects.bulk_create(rows)
    data = {"people": keys, "from": begins.date().isoformat(), "weeks": weeks, "added": len(rows), "removed": removed}
    if rows or removed:
        events.audit(actor, "shift.changed", None, data)
    return len(rows)


def _refuse_overlaps(keys: list[int], stretches: list[tuple[datetime, datetime]]) -> None:
    """Looks at what is there around the weeks planned."""
    there = Shift.objects.filter(
        user__in=keys, starts_at__lt=stretches[-1][1], ends_at__gt=stretches[0][0]
    ).select_related("user")
    for row in there:
        if any(row.starts_at < end and row.ends_at > start for start, end in stretches):
            words = _(
                "%(name)s has a shift on %(day)s already: replace the shifts of these weeks, or change the pattern."
            )
            raise BadInput(words % {"name": row.user, "day": f"{row.starts_at:%Y-%m-%d}"})


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
