"""Every change of a row is one of these functions: keywords only, one transaction, one event. One file per verb family."""

from __future__ import annotations

from collections.abc import Iterable

from helpdesk.models import Message, OutgoingMail, Ticket

_LOCK_ATTEMPTS = 4


class BadInput(Exception):
    """What was asked for cannot be done as it stands; the message is a sentence that says what to do."""


def lock(ticket: Ticket) -> Ticket:
    """The ticket again, its row locked until the end of the transaction. Where several are locked: by rising key.

    Raises Ticket.DoesNotExist.
    """
    locked = lock_all([ticket])
    if ticket.pk not in locked:
        raise Ticket.DoesNotExist
    return locked[ticket.pk]


def lock_all(tickets: Iterable[Ticket]) -> dict[int, Ticket]:
    """The tickets again by key, their rows locked by rising key: whoever locks several does it here.

    A ticket that went to another queue while its lock was waited for drops out of the join, because PostgreSQL holds its new
    row against the queue read before: what is missing is asked for again, and a ticket that is really gone stays missing.
    """
    keys = {ticket.pk for ticket in tickets}
    rows = Ticket.objects.select_for_update(of=("self",)).select_related("queue", "customer")
    found: dict[int, Ticket] = {}
    for _attempt in range(_LOCK_ATTEMPTS):
        found |= {ticket.pk: ticket for ticket in rows.filter(pk__in=keys - found.keys()).order_by("pk")}
        if len(found) == len(keys):
            break
    return {key: found[key] for key in sorted(found)}


def lock_survivor(ticket: Ticket) -> Ticket:
    """The ticket, locked, or the one it was merged into: what belongs to a merged ticket belongs there."""
    while True:
        ahead = ticket
        while ahead.merged_into is not None:
            ahead = ahead.merged_into
        locked = lock(ahead)
        if locked.merged_into_id is None:
            return locked
        ticket = locked


def lock_ticket_of(row: Message | OutgoingMail) -> Ticket:
    """The ticket the row stands in now, locked. A merge may have taken the row elsewhere since it was read."""
    rows = type(row)._default_manager.filter(pk=row.pk)
    while True:
        key = rows.values_list("ticket_id", flat=True).get()
        locked = lock(Ticket(pk=key))
        if rows.filter(ticket_id=key).exists():  # leaving a ticket needs its lock: from here on the row stays
            row.ticket = locked
            return locked


def rank(ticket: Ticket) -> None:
    """Brings the place in the lists up: the next deadline, else since when the customer waits, else since when it is open."""
    ticket.rank_at = ticket.due_at or ticket.waiting_since_at or ticket.opened_at
