"""Reading marks, and following a ticket. One upsert a reading; nothing here is heard by anybody but the reader himself."""

from __future__ import annotations

from django.db import IntegrityError, connection, transaction

from helpdesk import access, events, realtime
from helpdesk.actions import lock
from helpdesk.actions.notifying import read_about
from helpdesk.models import Actor, ActorKind, Kind, Participant, Ticket, TicketEvent, TicketRead
from helpdesk.now import now
from helpdesk.queries.reading import WORDS

_UPSERT = """
    INSERT INTO helpdesk_ticketread AS r (user_id, ticket_id, seq, at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (user_id, ticket_id) DO UPDATE SET seq = excluded.seq, at = excluded.at WHERE r.seq < excluded.seq
"""


@transaction.atomic
def read_ticket(*, ticket: Ticket, actor: Actor, seq: int) -> bool:
    """The actor has seen the ticket up to `seq` (no further than it goes); False when he had before. Reads its notifications."""
    access.ensure(actor, "ticket.view", ticket)
    if actor.user is None:
        return False
    seq = max(0, min(seq, ticket.seq))
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, [actor.user.pk, ticket.pk, seq, now()])
        moved = bool(cursor.rowcount == 1)
    read_about(user=actor.user, ticket_id=ticket.pk, seq=seq)
    if moved:
        _ring(actor, ticket, seq, is_unread=False)
    return moved


@transaction.atomic
def mark_unread(*, ticket: Ticket, actor: Actor) -> int:
    """Puts the mark before the newest words of somebody else, so that the ticket is unread again; returns where it stands."""
    access.ensure(actor, "ticket.view", ticket)
    if actor.user is None:
        return 0
    newest = (
        TicketEvent.objects.filter(ticket=ticket, kind__in=WORDS)
        .exclude(actor_kind=ActorKind.AGENT, actor_id=actor.user.pk)
        .order_by("-seq")
        .values_list("seq", flat=True)
        .first()
    )
    seq = max(0, (newest or 1) - 1)
    TicketRead.objects.update_or_create(user=actor.user, ticket=ticket, defaults={"seq": seq, "at": now()})
    _ring(actor, ticket, seq, is_unread=True)
    return seq


@transaction.atomic
def follow_ticket(*, ticket: Ticket, actor: Actor) -> bool:
    """The actor hears of what happens to the ticket from now on; False when he followed already."""
    access.ensure(actor, "ticket.view", ticket)
    if actor.user is None:
        return False
    ticket = lock(ticket)
    if Participant.objects.filter(ticket=ticket, user=actor.user).exists():
        return False
    try:
        with transaction.atomic():
            Participant.objects.create(ticket=ticket, user=actor.user, added_at=now())
    except IntegrityError:  # the same click from another device
        return False
    events.record(ticket, Kind.PARTICIPANT_ADDED, actor=actor, data={"user": actor.user.pk})
    return True


@transaction.atomic
def unfollow_ticket(*, ticket: Ticket, actor: Actor) -> bool:
    """The opposite, and the undo, of `follow_ticket`; False when he did not follow."""
    access.ensure(actor, "ticket.view", ticket)
    if actor.user is None:
        return False
    ticket = lock(ticket)
    gone, _by_model = Participant.objects.filter(ticket=ticket, user=actor.user).delete()
    if gone:
        events.record(ticket, Kind.PARTICIPANT_REMOVED, actor=actor, data={"user": actor.user.pk})
    return bool(gone)


def _ring(actor: Actor, ticket: Ticket, seq: int, *, is_unread: bool) -> None:
    if actor.user is not None:
        frame = {"type": "ticket.read", "number": ticket.number, "unread": is_unread, "seq": seq}
        realtime.publish(realtime.user_group(actor.user.pk), frame)
