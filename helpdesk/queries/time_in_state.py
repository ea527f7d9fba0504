"""Time in each status of one ticket, read from its event stream. Called by views/people.py for the context panel."""

from __future__ import annotations

from helpdesk.models import Kind, Status, Ticket, TicketEvent
from helpdesk.now import now
from helpdesk.time_in_state import Share, Stretch, shares, stretches

#: What a ticket is after an event of each kind.
_STATUS_OF: dict[str, str] = {
    Kind.REOPENED: Status.OPEN,
    Kind.PENDING: Status.PENDING,
    Kind.ON_HOLD: Status.ON_HOLD,
    Kind.SNOOZED: Status.SNOOZED,
    Kind.RESOLVED: Status.RESOLVED,
    Kind.CLOSED: Status.CLOSED,
    Kind.MERGED_AWAY: Status.CLOSED,
    Kind.SPAM_MARKED: Status.SPAM,
}
#: These name the status in their data.
_TOLD_INSIDE = (Kind.UNMERGED, Kind.PARTED)
_KINDS = (*_STATUS_OF, *_TOLD_INSIDE)


def stretches_of(ticket: Ticket) -> list[Stretch]:
    """The statuses of the ticket one after the other, up to now."""
    rows = TicketEvent.objects.filter(ticket=ticket, kind__in=_KINDS).order_by("seq").values_list("kind", "at", "data")
    changes = [(at, _becomes(kind, data)) for kind, at, data in rows]
    return stretches(ticket.opened_at, Status.NEW, changes, now())


def _becomes(kind: str, data: dict[str, object]) -> str:
    return str(data.get("status") or "") if kind in _TOLD_INSIDE else _STATUS_OF[kind]


def time_in_state(ticket: Ticket) -> list[Share]:
    """What each status has of the ticket's time; business time by the calendar of its queue, where it has one."""
    calendar = ticket.queue.calendar
    return shares(stretches_of(ticket), calendar.as_calendar() if calendar is not None else None)
