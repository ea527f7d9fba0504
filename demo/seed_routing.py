"""How the demo company hands out its contacts: one queue offers its mail, everybody is offline until he says otherwise.

Called by `demo.seed` when the week is written: what happened in it was not offered to anybody.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from demo.accounts import ACCOUNTS, HOME_TIME_ZONE
from helpdesk.models import BusinessCalendar, Queue, Role, Team, User
from helpdesk.now import now
from routing.actions import mark_dirty
from routing.actions.agents import lock_presence
from routing.models import ContactChannel, Dirty, Handing, QueueRouting, Shift, TeamRouting, WorkItem

#: The queue whose mail is offered; the others let agents take the next one.
OFFERED = "Orders and delivery"
_SHIFT = (time(8), time(18))
_SHIFT_DAYS = 14


def seed_routing() -> int:
    """Makes what is missing and overwrites nothing; returns the number of rows made."""
    made = 0
    people = User.objects.filter(email__in=[account.email for account in ACCOUNTS]).exclude(role=Role.LIGHT)
    for person in people.order_by("pk"):
        if not hasattr(person, "presence"):
            lock_presence(person)
            made += 1
    made += _shifts(list(people))
    for team in Team.objects.order_by("pk"):
        made += TeamRouting.objects.get_or_create(team=team, defaults={"max_on_break": 1, "break_minutes": 15})[1]
    queue = Queue.objects.filter(name=OFFERED).first()
    if queue is not None and not QueueRouting.objects.filter(queue=queue).exists():
        queue.calendar = _around_the_clock()  # whoever tries the demo at night is offered something too
        queue.save(update_fields=["calendar"])
        QueueRouting.objects.create(queue=queue, mail_handing=Handing.OFFER, offer_seconds=30, wrapup_seconds=60)
        waiting = WorkItem.objects.filter(queue=queue, channel=ContactChannel.MAIL, state=WorkItem.State.WAITING)
        waiting.update(handing=Handing.OFFER)
        mark_dirty(Dirty.Kind.QUEUE, [queue.pk])
        made += 1
    return made


def _around_the_clock() -> BusinessCalendar:
    day = [["00:00", "00:00"]]  # to the next midnight
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), day)
    return BusinessCalendar.objects.get_or_create(
        name="Around the clock", defaults={"time_zone": HOME_TIME_ZONE, "weekly": week}
    )[0]


def _shifts(people: list[User]) -> int:
    """Working days of two weeks, for those who have no shift yet."""
    zone = ZoneInfo(HOME_TIME_ZONE)
    today = now().astimezone(zone).date()
    days = [today + timedelta(days=n) for n in range(_SHIFT_DAYS)]
    known = set(Shift.objects.filter(user__in=people).values_list("user_id", flat=True))
    rows = [
        Shift(
            user=person,
            starts_at=datetime.combine(day, _SHIFT[0], zone),
            ends_at=datetime.combine(day, _SHIFT[1], zone),
        )
        for person in people
        if person.pk not in known
        for day in days
        if day.weekday() < 5
    ]
    Shift.objects.bulk_create(rows)
    return len(rows)
