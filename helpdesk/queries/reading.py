"""What somebody has not read yet, in a list and in a ticket. Called by the desk's pages."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from helpdesk.models import Actor, Kind, TicketRead

#: Events that somebody may want to have read.
WORDS = (
    Kind.OPENED,
    Kind.CONTACT_RECEIVED,
    Kind.REPLIED,
    Kind.NOTED,
    Kind.SIDE_RECEIVED,
    Kind.SIDE_SENT,
    Kind.MACHINE_MAIL,
)
_UNREAD = """
    SELECT t.id FROM helpdesk_ticket AS t
    LEFT JOIN helpdesk_ticketread AS r ON r.ticket_id = t.id AND r.user_id = %s
    WHERE t.id = ANY(%s) AND t.seq > coalesce(r.seq, 0) AND (r.id IS NOT NULL OR t.status IN ('new', 'open'))
    AND EXISTS (
        SELECT 1 FROM helpdesk_ticketevent AS e
        WHERE e.ticket_id = t.id AND e.seq > coalesce(r.seq, 0) AND e.kind = ANY(%s)
        AND NOT (e.actor_kind = 'agent' AND e.actor_id = %s)
    )
"""


def unread_among(actor: Actor, tickets: Iterable[int]) -> set[int]:
    """Which of these tickets (keys the actor may see) hold words of others that he has not read. One query.

    A ticket never opened counts while somebody has to act on it; finished ones of old days do not.
    """
    keys = list(tickets)
    if actor.user is None or not keys:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_UNREAD, [actor.user.pk, keys, [str(kind) for kind in WORDS], actor.user.pk])
        return {row[0] for row in cursor.fetchall()}


def read_seq(actor: Actor, ticket_id: int) -> int | None:
    """How far the actor has read the ticket; None when he has never opened it."""
    return TicketRead.objects.filter(user=actor.user, ticket_id=ticket_id).values_list("seq", flat=True).first()
