"""How a ticket comes to wait for an agent, and how it stops waiting: reactions of flow.py, in the transaction of the event.

Mail arrives in batches, so each reaction takes all events of its kind and costs a few statements however many there are. A
reaction may run for a ticket whose item is already where it belongs; then it changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from helpdesk.models import ACTIVE, Channel, Priority, Status, Ticket, TicketEvent
from helpdesk.now import now
from routing.actions import lock_items, mark_dirty
from routing.actions.handling import end_handling, finish
from routing.actions.offers import back_to_waiting, begin_handling, cancel_offers_of
from routing.models import ContactChannel, Dirty, Handing, WorkItem
from routing.queries.demand import Demands, demands_of
from routing.queries.settings import COST

Items = WorkItem.State
#: How far a priority moves a contact forward; Genesys takes a minute a point, ours are few and wide apart.
BOOST = {Priority.LOW: -300, Priority.NORMAL: 0, Priority.HIGH: 300, Priority.URGENT: 1800}


def channel_of(ticket: Ticket) -> ContactChannel:
    """What the contact counts as: whatever is answered in its own time is mail."""
    if ticket.channel == Channel.CHAT:
        return ContactChannel.CHAT
    return ContactChannel.CALLBACK if ticket.channel == Channel.CALLBACK else ContactChannel.MAIL


def enter(events: Sequence[TicketEvent]) -> None:
    """New and reopened tickets wait in their queues, unless somebody owns them."""
    tickets = {event.ticket_id: event.ticket for event in events}
    open_items = set(
        WorkItem.objects.filter(ticket__in=tickets).exclude(state=Items.DONE).values_list("ticket_id", flat=True)
    )
    fresh = [t for key, t in tickets.items() if key not in open_items and t.status in ACTIVE and t.owner_id is None]
    if not fresh:
        return
    demands = demands_of(fresh)
    items = [_item(ticket, demands) for ticket in fresh]
    WorkItem.objects.bulk_create(items)
    mark_dirty(Dirty.Kind.ITEM, [item.pk for item in items if item.handing != Handing.PULL])


def _item(ticket: Ticket, demands: Demands) -> WorkItem:
    entered_at = ticket.waiting_since_at or ticket.opened_at
    channel = channel_of(ticket)
    rules, demand = demands.rules[ticket.queue_id], demands.of(ticket)
    priority = max(ticket.priority, demand.priority or 0)
    return WorkItem(
        ticket=ticket,
        queue_id=ticket.queue_id,
        channel=channel,
        handing=rules.handing(channel),
        entered_at=entered_at,
        vtime=order_time(entered_at, priority, demand.boost),
        plan=demands.plan_of(ticket.queue_id),
        demand=demands.stored(demand),
    )


def order_time(entered_at: datetime, priority: int, boost: float = 0.0) -> datetime:
    """The place in the order: since when it waits, less the seconds its priority and demand put it ahead."""
    return entered_at - timedelta(seconds=BOOST.get(Priority(priority), 0) + boost)


def leave(events: Sequence[TicketEvent]) -> None:
    """Answered, resolved, closed, snoozed, merged, spam: nobody has to be found for it, and whoever had it is done."""
    items = _open_items(events)
    if not items:
        return
    at = now()
    kind = {event.ticket_id: event.kind for event in events}
    cancel_offers_of([item for item in items if item.state == Items.OFFERED])
    end_handling([i for i in items if i.state == Items.ASSIGNED], outcome="handled", at=at)
    for item in items:
        if item.state in {Items.WAITING, Items.OFFERED, Items.RESERVED}:
            finish(item, outcome=kind[item.ticket_id], at=at)


def hand_over(events: Sequence[TicketEvent]) -> None:
    """A ticket was given to somebody, by hand or by an accepted offer: its item is in his hands, and in nobody else's."""
    at = now()
    owners = {event.ticket_id: event.ticket.owner for event in events}
    for item in _open_items(events):
        owner = owners[item.ticket_id]
        if owner is None or item.assignments.filter(agent=owner, done_at__isnull=True).exists():
            continue
        cancel_offers_of([item])
        item.assignments.filter(done_at__isnull=True).update(ended_at=at, done_at=at)
        begin_handling(item, owner, units=COST[ContactChannel(item.channel)], at=at)


def come_back(events: Sequence[TicketEvent]) -> None:
    """A ticket without an owner waits again, at the place it had."""
    at = now()
    items = _open_items(events)
    for item in items:
        if item.state == Items.ASSIGNED:
            item.assignments.filter(done_at__isnull=True).update(ended_at=at, done_at=at)
    back_to_waiting([item.pk for item in items if item.state == Items.ASSIGNED])
    enter([event for event in events if event.ticket_id not in {item.ticket_id for item in items}])


def change_queue(events: Sequence[TicketEvent]) -> None:
    """A ticket moved to another queue waits there by that queue's rules, and keeps its place in the order."""
    queues = {event.ticket_id: event.ticket.queue_id for event in events}
    items = [item for item in _open_items(events) if item.queue_id != queues[item.ticket_id]]
    if not items:
        return
    tickets = {event.ticket_id: event.ticket for event in events}
    demands = demands_of([tickets[item.ticket_id] for item in items])
    cancel_offers_of([item for item in items if item.state == Items.OFFERED])
    for item in items:
        ticket = tickets[item.ticket_id]
        item.queue_id = ticket.queue_id
        item.handing = demands.rules[ticket.queue_id].handing(item.channel)
        item.plan = demands.plan_of(ticket.queue_id)
        item.demand = demands.stored(demands.of(ticket))
        item.excluded = {}
        if item.state == Items.OFFERED:
            item.state = Items.WAITING
        item.save()
    mark_dirty(Dirty.Kind.ITEM, [item.pk for item in items])


def reorder(events: Sequence[TicketEvent]) -> None:
    """Another priority is another place in the order; tags and fields may ask for other skills."""
    items = [item for item in _open_items(events) if item.state in {Items.WAITING, Items.OFFERED}]
    if not items:
        return
    tickets = {event.ticket_id: event.ticket for event in events}
    demands = demands_of([tickets[item.ticket_id] for item in items])
    for item in items:
        ticket = tickets[item.ticket_id]
        demand = demands.of(ticket)
        item.vtime = order_time(item.entered_at, max(ticket.priority, demand.priority or 0), demand.boost)
        item.demand = demands.stored(demand)
        item.save(update_fields=["vtime", "demand"])
    mark_dirty(Dirty.Kind.ITEM, [item.pk for item in items])


def _open_items(events: Sequence[TicketEvent]) -> list[WorkItem]:
    """The items of the events' tickets that are not done, locked. The events' writer holds the tickets."""
    keys: Collection[int] = (
        WorkItem.objects.filter(ticket__in={event.ticket_id for event in events})
        .exclude(state=Items.DONE)
        .values_list("pk", flat=True)
    )
    return list(lock_items(keys).values())


def sweep_missing(limit: int = 500) -> int:
    """Tickets that wait for somebody and have no item, as from before routing was there; returns how many got one."""
    tickets = list(
        Ticket.objects.filter(status__in=[Status.NEW, Status.OPEN], owner__isnull=True)
        .exclude(work_items__in=WorkItem.objects.exclude(state=Items.DONE))
        .order_by("pk")[:limit]
    )
    if not tickets:
        return 0
    demands = demands_of(tickets)
    made = WorkItem.objects.bulk_create([_item(ticket, demands) for ticket in tickets], ignore_conflicts=True)
    mark_dirty(Dirty.Kind.QUEUE, {ticket.queue_id for ticket in tickets})
    return len(made)
