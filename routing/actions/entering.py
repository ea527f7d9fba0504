"""How a ticket comes to wait for an agent, and how it stops waiting: reactions of flow.py, in the transaction of the event.

Mail arrives in batches, so each reaction takes all events of its kind and costs a few statements however many there are. A
reaction may run for a ticket whose item is already where it belongs; then it changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from helpdesk import events as history
from helpdesk.actions.assignment import move_many
from helpdesk.models import ACTIVE, SYSTEM, Channel, Kind, Priority, Queue, Status, Ticket, TicketEvent
from helpdesk.now import now
from routing.actions import look_again
from routing.actions.handling import end_handling, end_wrapups, finish_all, let_go
from routing.actions.offers import back_to_waiting, begin_handlings, cancel_offers_of
from routing.models import Assignment, ContactChannel, Handing, WorkItem
from routing.queries.demand import Demands, demands_of
from routing.queries.known import Known, known_agents

Items = WorkItem.State
#: How far a priority moves a contact forward; Genesys takes a minute a point, ours are few and wide apart.
BOOST = {Priority.LOW: -300, Priority.NORMAL: 0, Priority.HIGH: 300, Priority.URGENT: 1800}
#: Still to be given to somebody.
_UNGIVEN = frozenset({Items.WAITING, Items.OFFERED, Items.RESERVED})


def channel_of(ticket: Ticket) -> ContactChannel:
    """What the contact counts as: whatever is answered in its own time is mail."""
    if ticket.channel == Channel.CHAT:
        return ContactChannel.CHAT
    return ContactChannel.CALLBACK if ticket.channel == Channel.CALLBACK else ContactChannel.MAIL


def enter(events: Sequence[TicketEvent]) -> None:
    """New and reopened tickets wait in their queues, unless somebody owns them. Of pulled mail: two statements."""
    tickets = {event.ticket_id: event.ticket for event in events}
    wanting = {key: t for key, t in tickets.items() if t.status in ACTIVE and t.owner_id is None}
    # a ticket that was made in this very transaction has no item yet
    older = [event for event in events if event.kind != Kind.OPENED and event.ticket_id in wanting]
    standing = _open_items(older) if older else []
    end_wrapups([item for item in standing if item.state == Items.WRAPUP])  # it waits for somebody again
    there = {item.ticket_id for item in standing if item.state != Items.DONE}
    opened = {event.ticket_id for event in events if event.kind == Kind.OPENED}
    enter_tickets([ticket for key, ticket in wanting.items() if key not in there], opened)


def enter_tickets(tickets: Sequence[Ticket], opened: Collection[int] = ()) -> list[WorkItem]:
    """Items for locked (or new) tickets that wait for somebody and have none.

    Of those just `opened` (keys) the ones that a rule wants in another queue go there first; later on people move them.
    """
    if not tickets:
        return []
    demands = demands_of(tickets)
    if _go_where_demanded([ticket for ticket in tickets if ticket.pk in opened], demands):
        demands = demands_of(tickets)
    handed = [t for t in tickets if demands.rules[t.queue_id].handing(channel_of(t)) != Handing.PULL]
    known = known_agents(handed, demands.rules) if handed else {}
    items = WorkItem.objects.bulk_create([_item(ticket, demands, known.get(ticket.pk)) for ticket in tickets])
    look_again(items=[item.pk for item in items if item.handing != Handing.PULL])
    return items


def _go_where_demanded(tickets: Sequence[Ticket], demands: Demands) -> bool:
    """Moves new tickets to the queues that demand rules name, with the reason in the history; whether there were any."""
    wanted = {ticket.pk: demands.of(ticket).queue for ticket in tickets}
    queues = Queue.objects.in_bulk({key for key in wanted.values() if key is not None})
    moves = [
        (ticket, queues[key])
        for ticket in tickets
        if (key := wanted[ticket.pk]) is not None and key in queues and key != ticket.queue_id
    ]
    if moves:
        move_many(moves, actor=SYSTEM)
        data = {"why": "demand"}
        history.record_many(
            [history.NewEvent(t, Kind.QUEUED, SYSTEM, {**data, "queue": queue.pk}) for t, queue in moves]
        )
    return bool(moves)


def _item(ticket: Ticket, demands: Demands, known: Known | None) -> WorkItem:
    entered_at = ticket.waiting_since_at or now()
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
        preferred=known or {},
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
    end_handling([item for item in items if item.state == Items.ASSIGNED], outcome="handled", at=at)
    finish_all({item: kind[item.ticket_id] for item in items if item.state in _UNGIVEN}, at=at)


def hand_over(events: Sequence[TicketEvent]) -> None:
    """A ticket was given to somebody, by hand or by an accepted offer: its item is in his hands, and in nobody else's.

    A contact in wrap-up stays with whoever had it: the ticket goes on without it.
    """
    owners = {event.ticket_id: event.ticket.owner_id for event in events}
    items = {
        item.pk: item
        for item in _open_items(events)
        if item.state != Items.WRAPUP and owners[item.ticket_id] is not None
    }
    assigned = [key for key, item in items.items() if item.state == Items.ASSIGNED]
    held = dict(Assignment.objects.filter(item__in=assigned, done_at__isnull=True).values_list("item_id", "agent_id"))
    taken = [item for key, item in items.items() if held.get(key) != owners[item.ticket_id]]
    if not taken:
        return
    at = now()
    cancel_offers_of([item for item in taken if item.state == Items.OFFERED])
    let_go([item.pk for item in taken if item.pk in held], at=at)
    begin_handlings([(item, owner) for item in taken if (owner := owners[item.ticket_id]) is not None], at=at)


def come_back(events: Sequence[TicketEvent]) -> None:
    """A ticket without an owner waits again, at the place it had and in the queue it stands in now."""
    tickets = {event.ticket_id: event.ticket for event in events}
    items = [item for item in _open_items(events) if item.state == Items.ASSIGNED]
    let_go([item.pk for item in items], at=now())
    _change_queues([item for item in items if item.queue_id != tickets[item.ticket_id].queue_id], tickets)
    back_to_waiting([item.pk for item in items])
    enter([event for event in events if event.ticket_id not in {item.ticket_id for item in items}])


def change_queue(events: Sequence[TicketEvent]) -> None:
    """A ticket moved to another queue waits there by that queue's rules, and keeps its place in the order.

    A contact that an agent has in hand is counted where it was answered.
    """
    tickets = {event.ticket_id: event.ticket for event in events}
    items = [
        item
        for item in _open_items(events)
        if item.queue_id != tickets[item.ticket_id].queue_id and item.state in _UNGIVEN
    ]
    cancel_offers_of([item for item in items if item.state == Items.OFFERED])
    _change_queues(items, tickets)
    look_again(items=[item.pk for item in items])


def _change_queues(items: Sequence[WorkItem], tickets: dict[int, Ticket]) -> None:
    if not items:
        return
    moved = [tickets[item.ticket_id] for item in items]
    demands = demands_of(moved)
    handed = [t for t in moved if demands.rules[t.queue_id].handing(channel_of(t)) != Handing.PULL]
    known = known_agents(handed, demands.rules) if handed else {}
    for item in items:
        ticket = tickets[item.ticket_id]
        item.queue_id = ticket.queue_id
        item.handing = demands.rules[ticket.queue_id].handing(item.channel)
        item.plan = demands.plan_of(ticket.queue_id)
        item.demand = demands.stored(demands.of(ticket))
        item.preferred = known.get(ticket.pk, {})
        item.excluded = {}
        if item.state == Items.OFFERED:
            item.state = Items.WAITING
    WorkItem.objects.bulk_update(items, ["queue", "handing", "plan", "demand", "preferred", "excluded", "state"])


def reorder(events: Sequence[TicketEvent]) -> None:
    """Another priority is another place in the order; tags and fields may ask for other skills."""
    items = [item for item in _open_items(events) if item.state in _UNGIVEN]
    if not items:
        return
    tickets = {event.ticket_id: event.ticket for event in events}
    demands = demands_of([tickets[item.ticket_id] for item in items])
    changed = []
    for item in items:
        ticket = tickets[item.ticket_id]
        demand = demands.of(ticket)
        vtime = order_time(item.entered_at, max(ticket.priority, demand.priority or 0), demand.boost)
        stored = demands.stored(demand)
        if (vtime, stored) != (item.vtime, item.demand):
            item.vtime, item.demand = vtime, stored
            changed.append(item)
    _write_order(changed)


def follow(events: Sequence[TicketEvent]) -> None:
    """Tickets were joined, parted, or gave each other messages: whoever waits waits since when his customer does.

    A survivor takes the longer wait of what it takes in, and gives it back when they are parted; a ticket that is put aside
    by the parting leaves, and one that is to be worked on again waits.
    """
    tickets = {event.ticket_id: event.ticket for event in events}
    gives = {event.ticket_id for event in events if event.kind in {Kind.UNMERGED, Kind.SPLIT, Kind.MESSAGES_MOVED}}
    items = _open_items(events)
    changed = []
    for item in items:
        since = tickets[item.ticket_id].waiting_since_at
        if since is None or item.state not in _UNGIVEN or since == item.entered_at:
            continue
        if since < item.entered_at or item.ticket_id in gives:
            item.entered_at, item.vtime = since, item.vtime + (since - item.entered_at)
            changed.append(item)
    _write_order(changed)
    leave([event for event in events if event.ticket.status not in ACTIVE])
    enter([event for event in events if event.ticket_id not in {item.ticket_id for item in items}])


def _write_order(items: Sequence[WorkItem]) -> None:
    if items:
        WorkItem.objects.bulk_update(items, ["entered_at", "vtime", "demand"])
        look_again(items=[item.pk for item in items if item.handing != Handing.PULL])


def _open_items(events: Iterable[TicketEvent]) -> list[WorkItem]:
    """The items of the events' tickets that are not done, locked by rising key. The events' writer holds the tickets."""
    rows = WorkItem.objects.select_for_update(of=("self",)).filter(ticket__in={event.ticket_id for event in events})
    return list(rows.exclude(state=Items.DONE).order_by("pk"))


@transaction.atomic
def sweep_missing(limit: int = 500) -> int:
    """Tickets that wait for somebody and have no item, as from before routing was there; returns how many got one."""
    without = Ticket.objects.filter(status__in=[Status.NEW, Status.OPEN], owner__isnull=True).exclude(
        work_items__in=WorkItem.objects.exclude(state=Items.DONE)
    )
    keys = list(without.order_by("pk").values_list("pk", flat=True)[:limit])
    if not keys:
        return 0
    rows = Ticket.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk__in=keys, owner__isnull=True)
    tickets = [ticket for ticket in rows.order_by("pk") if ticket.status in ACTIVE]
    there = set(
        WorkItem.objects.filter(ticket__in=tickets).exclude(state=Items.DONE).values_list("ticket_id", flat=True)
    )
    return len(enter_tickets([ticket for ticket in tickets if ticket.pk not in there]))
