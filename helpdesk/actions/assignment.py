"""Who owns a ticket and in which queue it stands. The only writer of `owner`; routing calls it when an offer is accepted."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events, realtime
from helpdesk.actions import BadInput, lock
from helpdesk.models import Actor, Kind, Queue, Role, Ticket, User
from helpdesk.now import now


def may_own(user: User, ticket: Ticket) -> bool:
    """Whether this person may own tickets of that queue: active, no light agent, in the team (or manager, administrator)."""
    if not user.is_active or user.role == Role.LIGHT:
        return False
    return user.role in {Role.MANAGER, Role.ADMIN} or user.memberships.filter(team_id=ticket.queue.team_id).exists()


@transaction.atomic
def assign_ticket(*, ticket: Ticket, actor: Actor, owner: User) -> Ticket:
    """Gives the ticket to `owner`. Raises BadInput when that person cannot work in this queue."""
    access.ensure(actor, "ticket.assign", ticket)
    ticket = lock(ticket)
    if not may_own(owner, ticket):
        raise BadInput(
            _("%(name)s cannot own tickets of the queue %(queue)s: choose an active agent of its team.")
            % {"name": owner, "queue": ticket.queue}
        )
    if ticket.owner_id == owner.pk:
        return ticket
    previous = ticket.owner_id
    ticket.owner, ticket.changed_at = owner, now()
    ticket.save(update_fields=["owner", "changed_at"])
    events.record(ticket, Kind.ASSIGNED, actor=actor, data={"owner": owner.pk, "previous": previous})
    return ticket


@transaction.atomic
def unassign_ticket(*, ticket: Ticket, actor: Actor) -> Ticket:
    """Takes the owner off; the ticket waits in its queue again."""
    access.ensure(actor, "ticket.assign", ticket)
    ticket = lock(ticket)
    if ticket.owner_id is None:
        return ticket
    previous = ticket.owner_id
    ticket.owner, ticket.changed_at = None, now()
    ticket.save(update_fields=["owner", "changed_at"])
    events.record(ticket, Kind.UNASSIGNED, actor=actor, data={"previous": previous})
    return ticket


@transaction.atomic
def move_ticket(*, ticket: Ticket, actor: Actor, queue: Queue) -> Ticket:
    """Moves to another queue. An agent may only give to queues of his own teams; an owner who cannot work there is removed."""
    access.ensure(actor, "ticket.move", ticket)
    if not actor.sees_everything and queue.team_id not in actor.team_ids():
        raise BadInput(_("You can move tickets only to queues of your own teams; ask a lead to move this one."))
    ticket = lock(ticket)
    if ticket.queue_id == queue.pk:
        return ticket
    previous = ticket.queue_id
    ticket.queue, ticket.changed_at = queue, now()
    data = {"queue": queue.pk, "previous": previous}
    fields = ["queue", "changed_at"]
    dropped = ticket.owner if ticket.owner is not None and not may_own(ticket.owner, ticket) else None
    if dropped is not None:
        ticket.owner = None
        fields.append("owner")
    ticket.save(update_fields=fields)
    events.record(ticket, Kind.MOVED, actor=actor, data=data)
    realtime.publish(realtime.queue_group(previous), {"type": "inbox.changed", "queue": previous})  # it left their list
    if dropped is not None:
        events.record(ticket, Kind.UNASSIGNED, actor=actor, data={"previous": dropped.pk})
    return ticket


def move_many(moves: Sequence[tuple[Ticket, Queue]], *, actor: Actor) -> None:
    """Moves tickets that nobody owns, locked (or made) by the caller, in a few statements however many; the values follow."""
    previous = {ticket.pk: ticket.queue_id for ticket, _queue in moves}
    at = now()
    for ticket, queue in moves:
        access.ensure(actor, "ticket.move", ticket)
        ticket.queue, ticket.changed_at = queue, at
    Ticket.objects.bulk_update([ticket for ticket, _queue in moves], ["queue", "changed_at"])
    events.record_many(
        [
            events.NewEvent(ticket, Kind.MOVED, actor, {"queue": queue.pk, "previous": previous[ticket.pk]})
            for ticket, queue in moves
        ]
    )
    left = sorted(set(previous.values()))
    realtime.publish_many([(realtime.queue_group(key), {"type": "inbox.changed", "queue": key}) for key in left])
