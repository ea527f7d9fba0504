"""Every change of a row is one of these functions: keywords only, one transaction, one event. One file per verb family."""

from __future__ import annotations

from helpdesk.models import Ticket


class BadInput(Exception):
    """What was asked for cannot be done as it stands; the message is a sentence that says what to do."""


def lock(ticket: Ticket) -> Ticket:
    """The ticket again, its row locked until the end of the transaction. Where several are locked: by rising key."""
    return Ticket.objects.select_for_update(of=("self",)).select_related("queue", "customer").get(pk=ticket.pk)


def rank(ticket: Ticket) -> None:
    """Brings the place in the lists up: the next deadline, else since when the customer waits, else since when it is open."""
    ticket.rank_at = ticket.due_at or ticket.waiting_since_at or ticket.opened_at
