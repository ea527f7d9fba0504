"""Statuses: pending, on hold, snoozed, reopened, resolved, closed, spam; and the two clocks that change them by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, lock, rank
from helpdesk.models import SYSTEM, Actor, Kind, Status, Ticket
from helpdesk.now import now

#: The event of each status a ticket can become.
KIND_OF: dict[str, Kind] = {
    Status.OPEN: Kind.REOPENED,
    Status.PENDING: Kind.PENDING,
    Status.ON_HOLD: Kind.ON_HOLD,
    Status.SNOOZED: Kind.SNOOZED,
    Status.RESOLVED: Kind.RESOLVED,
    Status.CLOSED: Kind.CLOSED,
    Status.SPAM: Kind.SPAM_MARKED,
}
_BATCH = 200
STATUS_FIELDS = [
    "status", "label", "snoozed_until_at", "resolved_at", "closed_at", "waiting_since_at", "changed_at", "rank_at"
]  # fmt: skip


@transaction.atomic
def set_status(
    *, ticket: Ticket, actor: Actor, status: str, snoozed_until: datetime | None = None, why: str = ""
) -> Ticket:
    """Moves the ticket to `status`. Snoozing without a time waits for the customer.

    Raises IllegalTransition, NotAllowed, and BadInput for a time that is not ahead.
    """
    if status not in Status.values:
        raise BadInput(_("“%(status)s” is not a status.") % {"status": status})
    ticket = lock(ticket)
    access.ensure(actor, _row_of(ticket, status), ticket)
    if snoozed_until is not None and snoozed_until <= now():
        raise BadInput(_("Choose a time that is still ahead."))
    if ticket.status == status and not (status == Status.SNOOZED and ticket.snoozed_until_at != snoozed_until):
        return ticket
    if ticket.status != status:
        ticket.ensure_can(status)
    kept = _kept(ticket)
    previous = become(ticket, status, snoozed_until)
    ticket.save(update_fields=STATUS_FIELDS)
    data: dict[str, object] = {"previous": previous, "kept": kept}
    if status == Status.SNOOZED:
        data["until"] = snoozed_until.isoformat() if snoozed_until else None
    if status in {Status.OPEN, Status.CLOSED}:
        data["why"] = why or "by hand"
    events.record(ticket, KIND_OF[status], actor=actor, data=data)
    return ticket


def _row_of(ticket: Ticket, status: str) -> str:
    """The row of the matrix: customers may call their ticket done and take that back, and choose no other status."""
    if status in {Status.RESOLVED, Status.CLOSED}:
        return "ticket.close"
    if status == Status.OPEN and ticket.status == Status.RESOLVED:
        return "ticket.reopen"
    return "ticket.spam" if status == Status.SPAM else "ticket.update"


def _kept(ticket: Ticket) -> dict[str, object]:
    """What a change of status overwrites, in words of JSON: undoing.py puts it back."""
    times = ("snoozed_until_at", "resolved_at", "closed_at", "waiting_since_at")
    values: dict[str, datetime | None] = {name: getattr(ticket, name) for name in times}
    return {"label_id": ticket.label_id, **{name: at.isoformat() if at else None for name, at in values.items()}}


def become(ticket: Ticket, status: str, snoozed_until: datetime | None = None) -> str:
    """Changes the value only (intake writes batches itself); returns the status before."""
    at, previous = now(), ticket.status
    ticket.status, ticket.label, ticket.changed_at = status, None, at
    ticket.snoozed_until_at = snoozed_until if status == Status.SNOOZED else None
    ticket.resolved_at = at if status == Status.RESOLVED else (ticket.resolved_at if status == Status.CLOSED else None)
    ticket.closed_at = at if status == Status.CLOSED else None
    if status in {Status.RESOLVED, Status.CLOSED, Status.SPAM}:
        ticket.waiting_since_at = None
    rank(ticket)
    return previous


def wake_snoozed() -> int:
    """Opens tickets whose snooze is over; the dispatcher calls it each second. Returns how many."""
    return _sweep(
        Ticket.objects.filter(status=Status.SNOOZED, snoozed_until_at__lte=now()).order_by("pk")[:_BATCH],
        Status.SNOOZED,
        Status.OPEN,
        Kind.REOPENED,
        "snooze over",
    )


def close_long_resolved() -> int:
    """Closes what has been resolved for CLOSE_AFTER_DAYS; a later answer opens a linked follow-up. Returns how many."""
    before = now() - timedelta(days=settings.CLOSE_AFTER_DAYS)
    return _sweep(
        Ticket.objects.filter(status=Status.RESOLVED, resolved_at__lte=before).order_by("pk")[:_BATCH],
        Status.RESOLVED,
        Status.CLOSED,
        Kind.CLOSED,
        "resolved long ago",
    )


@transaction.atomic
def _sweep(due: object, old: str, new: str, kind: Kind, why: str) -> int:
    keys = [t.pk for t in due]  # type: ignore[attr-defined]
    if not keys:
        return 0
    tickets = list(
        Ticket.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("queue", "customer")
        .filter(pk__in=keys, status=old)
        .order_by("pk")
    )
    for ticket in tickets:
        become(ticket, new)
    Ticket.objects.bulk_update(tickets, STATUS_FIELDS)
    events.record_many([events.NewEvent(t, kind, SYSTEM, {"previous": str(old), "why": why}) for t in tickets])
    return len(tickets)
