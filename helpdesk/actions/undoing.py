"""Taking back what one has just changed: a change is the events it left in the stream, which hold the values before.

Called by views/undoing.py. Each undo is an action of its own with events of its own; it is refused when somebody has changed
the same thing since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, belongings, lock
from helpdesk.actions.assignment import assign_ticket, move_ticket, unassign_ticket
from helpdesk.actions.checklist import remove_item, restore_item, tick_item
from helpdesk.actions.customers import give_ticket
from helpdesk.actions.lifecycle import KIND_OF
from helpdesk.actions.linking import BY_HAND, link_tickets, unlink_tickets
from helpdesk.actions.merging import merge_tickets, unmerge_ticket
from helpdesk.actions.participants import rejoin, remove_participant
from helpdesk.actions.splitting import move_back
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import (
    Actor,
    Customer,
    IssueType,
    Kind,
    Participant,
    Queue,
    Status,
    Ticket,
    TicketEvent,
    TicketLink,
    User,
)
from helpdesk.now import now

#: The toast shows for 8 s; the key works longer, as long as a change is still fresh in the mind.
UNDO_SECONDS = 600
_STATUS_OF = {kind: status for status, kind in KIND_OF.items()}
_STATUS_KINDS = frozenset({*_STATUS_OF, Kind.MERGED_AWAY, Kind.PARTED, Kind.UNMERGED})
_OWNER_KINDS = frozenset({Kind.ASSIGNED, Kind.UNASSIGNED})
#: A status these set comes back with what caused it.
_BY_THE_WAY = frozenset({"merged", "messages arrived"})


def can_undo(made: Sequence[TicketEvent]) -> bool:
    """Whether these events of one change can be taken back: each of them, but for what comes back by itself."""
    return bool(made) and all(Kind(event.kind) in _UNDO and _is_whole(event) for event in made)


def _is_whole(event: TicketEvent) -> bool:
    """Whether the event holds all that its undoing needs."""
    if event.kind == Kind.CLASSIFIED:
        changes = event.data["changes"]
        return not {"subject", "fields"} & set(changes) and changes.get("issue_type", [1])[0] is not None
    if event.kind == Kind.CHECKLIST_CHANGED:
        return event.data["change"] not in {"renamed", "moved"}
    if event.kind == Kind.UNLINKED:
        return event.data["kind"] in BY_HAND
    if Kind(event.kind) in _STATUS_OF:
        return "kept" in event.data or event.data.get("why") in _BY_THE_WAY
    return True


def made_since(*, ticket: Ticket, actor: Actor, seq: int) -> list[TicketEvent]:
    """What the actor did to the ticket after `seq`, in order."""
    found = TicketEvent.objects.filter(ticket=ticket, seq__gt=seq, actor_kind=actor.kind, actor_id=actor.id)
    return list(found.order_by("seq"))


@transaction.atomic
def undo_change(*, ticket: Ticket, actor: Actor, first: int, last: int) -> Ticket:
    """Takes back what the actor himself did in the events `first` to `last` of the ticket, newest first.

    Raises BadInput when it is too long ago or somebody has changed the same since, NotAllowed, IllegalTransition.
    """
    access.ensure(actor, "ticket.update", ticket)
    made = [event for event in made_since(ticket=ticket, actor=actor, seq=first - 1) if event.seq <= last]
    if not can_undo(made):
        raise BadInput(_("This can no longer be taken back."))
    if made[0].at < now() - timedelta(seconds=UNDO_SECONDS):
        raise BadInput(_("Too late: this was changed more than %(n)s minutes ago.") % {"n": UNDO_SECONDS // 60})
    # the queue first: an owner who was dropped by a move can work only where he came from
    for event in sorted(made, key=lambda event: (event.kind != Kind.MOVED, -event.seq)):
        _UNDO[Kind(event.kind)](event, ticket, actor)
    return ticket


def _changed_since(event: TicketEvent, kinds: frozenset[Kind]) -> bool:
    """Whether somebody else did one of `kinds` after the event."""
    later = TicketEvent.objects.filter(ticket=event.ticket_id, seq__gt=event.seq, kind__in=kinds)
    return later.exclude(actor_kind=event.actor_kind, actor_id=event.actor_id).exists()


def _refuse(ticket: Ticket) -> BadInput:
    return BadInput(_("#%(number)s was changed again since; nothing was taken back.") % {"number": ticket.number})


def _undo_status(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    if event.data.get("why") in _BY_THE_WAY:
        return
    ticket = lock(ticket)
    if ticket.status != _STATUS_OF[Kind(event.kind)] or _changed_since(event, _STATUS_KINDS) or ticket.merged_into_id:
        raise _refuse(ticket)
    kept: dict[str, Any] = event.data["kept"]
    previous = ticket.status
    old = Status(event.data["previous"])
    belongings.put_back_status(ticket, {**kept, "status": Status.OPEN if old == Status.NEW else old})
    wrote_since = ticket.customer_wrote_at if ticket.customer_wrote_at and ticket.customer_wrote_at > event.at else None
    belongings.wait(ticket, belongings.earlier(belongings.moment(kept, "waiting_since_at"), wrote_since))
    belongings.write(ticket)
    data: dict[str, Any] = {"previous": previous}
    if ticket.status in {Status.OPEN, Status.CLOSED}:
        data["why"] = "undone"
    events.record(ticket, KIND_OF[ticket.status], actor=actor, data=data)


def _undo_owner(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    ticket = lock(ticket)
    if ticket.owner_id != event.data.get("owner") or _changed_since(event, _OWNER_KINDS):
        raise _refuse(ticket)
    previous = User.objects.filter(pk=event.data["previous"]).first()
    if previous is None:
        unassign_ticket(ticket=ticket, actor=actor)
    else:
        assign_ticket(ticket=ticket, actor=actor, owner=previous)


def _undo_queue(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    ticket = lock(ticket)
    if ticket.queue_id != event.data["queue"] or _changed_since(event, frozenset({Kind.MOVED})):
        raise _refuse(ticket)
    move_ticket(ticket=ticket, actor=actor, queue=Queue.objects.get(pk=event.data["previous"]))


def _undo_classification(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    ticket, changes = lock(ticket), event.data["changes"]
    old_priority, new_priority = changes.get("priority", [None, ticket.priority])
    old_type, new_type = changes.get("issue_type", [None, ticket.issue_type_id])
    names = {name.lower() for name in ticket.tags.values_list("name", flat=True)}
    added, removed = changes.get("added_tags", []), changes.get("removed_tags", [])
    tags_stand = all(name.lower() in names for name in added) and not any(name.lower() in names for name in removed)
    if (ticket.priority, ticket.issue_type_id) != (new_priority, new_type) or not tags_stand:
        raise _refuse(ticket)
    classify_ticket(
        ticket=ticket,
        actor=actor,
        priority=old_priority,
        issue_type=IssueType.objects.filter(pk=old_type).first() if old_type else None,
        add_tags=removed,
        remove_tags=added,
    )


def _undo_merge(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    source = Ticket.objects.select_related("queue").get(pk=event.data["source"])
    if source.merged_into_id != ticket.pk:
        raise _refuse(ticket)
    unmerge_ticket(source=source, actor=actor)


def _undo_split(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    new = Ticket.objects.select_related("queue").get(pk=event.data["other"])
    touched = TicketEvent.objects.filter(ticket=new).exclude(actor_kind=actor.kind, actor_id=actor.id).exists()
    if touched or new.merged_into_id is not None:
        raise BadInput(_("Somebody has worked on #%(number)s since: merge it instead.") % {"number": new.number})
    merge_tickets(survivor=ticket, sources=[new], actor=actor, confirmed=True, with_people=False, may_open=False)
    TicketLink.objects.filter(ticket=new, other=ticket).delete()


def _undo_move(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    target = Ticket.objects.select_related("queue").get(pk=event.data["other"])
    move_back(ticket=ticket, target=target, keys=event.data["moved"], kept=event.data["kept"], actor=actor)


def _ends(event: TicketEvent, ticket: Ticket) -> tuple[Ticket, Ticket]:
    other = Ticket.objects.select_related("queue").get(pk=event.data["other"])
    return (other, ticket) if event.data.get("is_here") else (ticket, other)


def _undo_link(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    first, second = _ends(event, ticket)
    unlink_tickets(ticket=first, other=second, kind=event.data["kind"], actor=actor)


def _undo_unlink(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    first, second = _ends(event, ticket)
    link_tickets(ticket=first, other=second, kind=event.data["kind"], actor=actor)


def _undo_joining(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    who = _who(event)
    row = Participant.objects.filter(ticket=ticket, **who).first()
    if row is None and Ticket.objects.filter(pk=ticket.pk, customer=who["customer"] or 0).exists():
        return  # the ticket is his own again
    if row is None:
        raise _refuse(ticket)
    remove_participant(ticket=ticket, actor=actor, participant=row.pk)


def _undo_leaving(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    who = _who(event)
    customer = Customer.objects.filter(pk=who["customer"]).first() if who["customer"] else None
    user = User.objects.filter(pk=who["user"]).first() if who["user"] else None
    rejoin(ticket=ticket, actor=actor, customer=customer, user=user, since=belongings.moment(event.data, "since"))


def _who(event: TicketEvent) -> dict[str, Any]:
    return {"customer": event.data.get("customer"), "user": event.data.get("user")}


def _undo_checklist(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    item = event.data["item"]
    if event.data["change"] in {"added", "restored"}:
        remove_item(ticket=ticket, actor=actor, item=item)
    elif event.data["change"] == "removed":
        restore_item(ticket=ticket, actor=actor, item=item)
    else:
        tick_item(ticket=ticket, actor=actor, item=item, done=event.data["change"] == "undone")


def _undo_customer(event: TicketEvent, ticket: Ticket, actor: Actor) -> None:
    previous = Customer.objects.get(pk=event.data["previous"])
    if ticket.customer_id != event.data["customer"] or previous.merged_into_id is not None:
        raise _refuse(ticket)
    give_ticket(ticket=ticket, actor=actor, customer=previous)


_UNDO: dict[Kind, Callable[[TicketEvent, Ticket, Actor], None]] = {
    **dict.fromkeys(_STATUS_OF, _undo_status),
    Kind.ASSIGNED: _undo_owner,
    Kind.UNASSIGNED: _undo_owner,
    Kind.MOVED: _undo_queue,
    Kind.CLASSIFIED: _undo_classification,
    Kind.MERGED: _undo_merge,
    Kind.SPLIT: _undo_split,
    Kind.MESSAGES_MOVED: _undo_move,
    Kind.LINKED: _undo_link,
    Kind.UNLINKED: _undo_unlink,
    Kind.PARTICIPANT_ADDED: _undo_joining,
    Kind.PARTICIPANT_REMOVED: _undo_leaving,
    Kind.CHECKLIST_CHANGED: _undo_checklist,
    Kind.CUSTOMER_CHANGED: _undo_customer,
}
