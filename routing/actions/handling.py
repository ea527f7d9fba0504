"""The end of a contact in an agent's hands: wrap-up with timer, extension and disposition; the return of what was lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events, realtime
from helpdesk.actions import BadInput, lock, lock_all
from helpdesk.actions.assignment import unassign_ticket
from helpdesk.models import SYSTEM, Actor, Kind, Ticket
from helpdesk.now import now
from routing.actions import lock_agents, lock_items, mark_dirty
from routing.actions.offers import back_to_waiting
from routing.models import Assignment, ContactChannel, Dirty, Disposition, Handing, WorkItem
from routing.queries.settings import rules_of

Items = WorkItem.State
#: How long the chats of somebody who lost the connection wait for him.
CHATS_WAIT = timedelta(seconds=60)


def end_handling(items: Sequence[WorkItem], *, outcome: str, at: datetime) -> None:
    """Locked items whose contact is over: into wrap-up where the queue grants one, else done. Idempotent."""
    rules = rules_of({item.queue_id for item in items})
    rows = {
        row.item_id: row
        for row in Assignment.objects.filter(
            item__in=[i.pk for i in items], ended_at__isnull=True, done_at__isnull=True
        )
    }
    for item in items:
        row = rows.get(item.pk)
        seconds = rules[item.queue_id].wrapup_seconds if _wraps_up(item) and row is not None else 0
        if row is not None:
            row.ended_at = at
            row.wrapup_until_at = at + timedelta(seconds=seconds) if seconds else None
            row.done_at = None if seconds else at
            row.save(update_fields=["ended_at", "wrapup_until_at", "done_at"])
            _is_idle(row.agent_id, at)
        finish(item, outcome=outcome, at=at, in_wrapup=bool(seconds))


def _wraps_up(item: WorkItem) -> bool:
    """Mail that an agent took himself needs no pause after it: he takes the next when he likes."""
    return item.channel != ContactChannel.MAIL or item.handing == Handing.OFFER


def finish(item: WorkItem, *, outcome: str, at: datetime, in_wrapup: bool = False) -> None:
    """The locked item is over, or in wrap-up; it waits and is offered no more."""
    item.state = Items.WRAPUP if in_wrapup else Items.DONE
    item.outcome = outcome
    item.done_at = None if in_wrapup else at
    item.save(update_fields=["state", "outcome", "done_at"])
    mark_dirty(Dirty.Kind.ITEM, [item.pk])


@transaction.atomic
def finish_wrapup(
    *, assignment: Assignment, actor: Actor, disposition: Disposition | None = None, note: str = ""
) -> Assignment:
    """The agent is done with the work after the contact. Raises BadInput when somebody else handles it, or it is over."""
    row = _own_wrapup(assignment, actor)
    row.disposition, row.note = disposition or row.disposition, note[:300] or row.note
    _close(row, actor)
    return row


@transaction.atomic
def extend_wrapup(*, assignment: Assignment, actor: Actor) -> Assignment:
    """Once, by as long as the queue allows."""
    row = _own_wrapup(assignment, actor)
    if row.is_extended or row.wrapup_until_at is None:
        raise BadInput(_("The wrap-up was extended already."))
    rules = rules_of([row.item.queue_id])[row.item.queue_id]
    row.wrapup_until_at += timedelta(seconds=rules.wrapup_more_seconds)
    row.is_extended = True
    row.save(update_fields=["wrapup_until_at", "is_extended"])
    realtime.publish(realtime.user_group(row.agent_id), {"type": "agent.changed"})
    return row


@transaction.atomic
def sweep_wrapups(limit: int = 200) -> int:
    """Wrap-ups whose time is over end by themselves; returns how many."""
    due = list(
        Assignment.objects.filter(done_at__isnull=True, wrapup_until_at__lte=now())
        .select_related("item")
        .order_by("wrapup_until_at")[:limit]
    )
    lock_all(Ticket(pk=row.item.ticket_id) for row in due)
    for row in (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("item")
        .filter(pk__in=[row.pk for row in due], done_at__isnull=True, wrapup_until_at__lte=now())
    ):
        _close(row, SYSTEM)
    return len(due)


def _own_wrapup(assignment: Assignment, actor: Actor) -> Assignment:
    access.ensure(actor, "offer.answer", assignment.item.ticket)
    lock(assignment.item.ticket)
    row = Assignment.objects.select_for_update(of=("self",)).select_related("item").get(pk=assignment.pk)
    if actor.user is None or row.agent_id != actor.user.pk:
        raise access.NotAllowed(_("This contact is with somebody else."))
    if row.done_at is not None or row.ended_at is None:
        raise BadInput(_("There is no wrap-up to end: it is over already."))
    return row


def _close(row: Assignment, actor: Actor) -> None:
    at = now()
    row.done_at, row.wrapup_until_at = at, None
    row.save(update_fields=["done_at", "wrapup_until_at", "disposition", "note"])
    item = lock_items([row.item_id])[row.item_id]
    if item.state == Items.WRAPUP:
        finish(item, outcome=item.outcome, at=at)
    _is_idle(row.agent_id, at)
    data = {"assignment": row.pk, "user": row.agent_id, "disposition": row.disposition_id}
    events.record(lock(item.ticket), Kind.WRAPPED_UP, actor=actor, data=data)


def _is_idle(agent: int, at: datetime) -> None:
    """The end of handling, and of wrap-up, begins the idle time by which the longest idle is found."""
    for presence in lock_agents([agent]).values():
        presence.idle_since_at = at
        presence.save(update_fields=["idle_since_at"])
    mark_dirty(Dirty.Kind.AGENT, [agent])
    realtime.publish(realtime.user_group(agent), {"type": "agent.changed"})


@transaction.atomic
def return_to_queue(*, assignments: Iterable[Assignment], why: str) -> int:
    """Contacts of an agent who is gone wait again at their old place, and their tickets have no owner; returns how many."""
    rows = list(assignments)
    locked = lock_all(Ticket(pk=row.item.ticket_id) for row in rows)
    back = 0
    for row in (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("item")
        .filter(pk__in=[row.pk for row in rows], done_at__isnull=True)
    ):
        at = now()
        row.ended_at, row.done_at = row.ended_at or at, at
        row.save(update_fields=["ended_at", "done_at"])
        ticket = locked[row.item.ticket_id]
        if ticket.owner_id == row.agent_id:
            unassign_ticket(ticket=ticket, actor=SYSTEM)
        back_to_waiting([row.item_id])
        mark_dirty(Dirty.Kind.AGENT, [row.agent_id])
        data = {"queue": row.item.queue_id, "why": why}
        events.record(ticket, Kind.QUEUED, actor=SYSTEM, data=data)
        back += 1
    return back
