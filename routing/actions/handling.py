"""The end of a contact in an agent's hands: wrap-up with timer, extension and disposition; the return of what was lost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from helpdesk import access, events, realtime
from helpdesk.actions import BadInput, lock, lock_all
from helpdesk.actions.assignment import unassign_ticket
from helpdesk.models import SYSTEM, Actor, Kind, Ticket
from helpdesk.now import now
from routing.actions import lock_agents, lock_items, look_again
from routing.actions.offers import back_to_waiting
from routing.models import AgentPresence, Assignment, ContactChannel, Disposition, Handing, WorkItem
from routing.queries.settings import rules_of

Items = WorkItem.State
#: How long the chats of somebody who lost the connection wait for him.
CHATS_WAIT = timedelta(seconds=60)


def end_handling(items: Sequence[WorkItem], *, outcome: str, at: datetime) -> None:
    """Locked items whose contact is over: into wrap-up where the queue grants one, else done. Idempotent."""
    if not items:
        return
    rules = rules_of({item.queue_id for item in items})
    open_rows = Assignment.objects.filter(item__in=[i.pk for i in items], ended_at__isnull=True, done_at__isnull=True)
    rows = {row.item_id: row for row in open_rows}
    wrapping: set[int] = set()
    for item in items:
        if (row := rows.get(item.pk)) is None:
            continue
        seconds = rules[item.queue_id].wrapup_seconds if _wraps_up(item) else 0
        row.ended_at = at
        row.wrapup_until_at = at + timedelta(seconds=seconds) if seconds else None
        row.done_at = None if seconds else at
        if seconds:
            wrapping.add(item.pk)
    Assignment.objects.bulk_update(rows.values(), ["ended_at", "wrapup_until_at", "done_at"])
    _are_idle({row.agent_id for row in rows.values()}, at)
    finish_all(dict.fromkeys(items, outcome), at=at, in_wrapup=wrapping)


def _wraps_up(item: WorkItem) -> bool:
    """Mail that an agent took himself needs no pause after it: he takes the next when he likes."""
    return item.channel != ContactChannel.MAIL or item.handing == Handing.OFFER


def finish_all(outcomes: Mapping[WorkItem, str], *, at: datetime, in_wrapup: Collection[int] = ()) -> None:
    """The locked items are over, or in wrap-up; they wait and are offered no more. `outcomes`: item -> how it ended."""
    if not outcomes:
        return
    for item, outcome in outcomes.items():
        over = item.pk not in in_wrapup
        item.state = Items.DONE if over else Items.WRAPUP
        item.outcome = outcome
        item.done_at = at if over else None
    WorkItem.objects.bulk_update(outcomes, ["state", "outcome", "done_at"])
    look_again(items=[item.pk for item in outcomes if item.handing != Handing.PULL])


def finish(item: WorkItem, *, outcome: str, at: datetime, in_wrapup: bool = False) -> None:
    """As `finish_all`, for one."""
    finish_all({item: outcome}, at=at, in_wrapup=[item.pk] if in_wrapup else [])


def end_wrapups(items: Sequence[WorkItem]) -> None:
    """The locked items' wrap-up is over before its time: their tickets wait for somebody again, as new items."""
    if items:
        at = now()
        let_go([item.pk for item in items], at=at)
        finish_all({item: item.outcome for item in items}, at=at)


def let_go(items: Sequence[int], *, at: datetime) -> None:
    """Whoever has these items in hand has them no longer: they are somebody else's, or wait again."""
    if not items:
        return
    rows = Assignment.objects.filter(item__in=items, done_at__isnull=True)
    agents = set(rows.values_list("agent_id", flat=True))
    rows.update(ended_at=Coalesce("ended_at", at), done_at=at, wrapup_until_at=None)
    _are_idle(agents, at)


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
    _are_idle({row.agent_id}, at)
    data = {"assignment": row.pk, "user": row.agent_id, "disposition": row.disposition_id}
    events.record(lock(item.ticket), Kind.WRAPPED_UP, actor=actor, data=data)


def _are_idle(agents: Collection[int], at: datetime) -> None:
    """The end of handling, and of wrap-up, begins the idle time by which the longest idle is found."""
    present = [row.pk for row in lock_agents(agents).values()] if agents else []
    if present:
        AgentPresence.objects.filter(pk__in=present).update(idle_since_at=at)
        look_again(agents=agents)
        realtime.publish_many([(realtime.user_group(key), {"type": "agent.changed"}) for key in sorted(agents)])


@transaction.atomic
def return_to_queue(*, assignments: Iterable[Assignment], why: str) -> int:
    """Contacts of an agent who is gone wait again at their old place, and their tickets have no owner; returns how many.

    What is over but for its wrap-up is not returned. The agent is preferred no longer.
    """
    rows = list(assignments)
    locked = lock_all(Ticket(pk=row.item.ticket_id) for row in rows)
    live = list(
        Assignment.objects.select_for_update(of=("self",))
        .select_related("item")
        .filter(pk__in=[row.pk for row in rows], ended_at__isnull=True)
        .order_by("pk")
    )
    at, news = now(), []
    for row in live:
        ticket = locked.get(row.item.ticket_id)
        if ticket is None:
            continue
        if ticket.owner_id == row.agent_id:
            unassign_ticket(ticket=ticket, actor=SYSTEM)  # its reaction ends the handling and puts the item back
        else:
            let_go([row.item_id], at=at)
            back_to_waiting([row.item_id])
        news.append(events.NewEvent(ticket, Kind.QUEUED, SYSTEM, {"queue": ticket.queue_id, "why": why}))
    WorkItem.objects.filter(pk__in=[row.item_id for row in live]).update(preferred={})
    events.record_many(news)
    return len(news)
