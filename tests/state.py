"""`old state + events == fresh state`: the helper that keeps actions and stream honest with each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from helpdesk.models import ACTIVE, Kind, Ticket, TicketEvent
from routing.models import Assignment, Offer, WorkItem

Items = WorkItem.State

_STATUS_OF = {
    Kind.PENDING: "pending",
    Kind.ON_HOLD: "on_hold",
    Kind.SNOOZED: "snoozed",
    Kind.REOPENED: "open",
    Kind.RESOLVED: "resolved",
    Kind.CLOSED: "closed",
    Kind.SPAM_MARKED: "spam",
}


def state_of(ticket: Ticket) -> dict[str, Any]:
    """What the stream must be able to tell."""
    ticket = Ticket.objects.get(pk=ticket.pk)
    return {
        "status": ticket.status,
        "owner": ticket.owner_id,
        "queue": ticket.queue_id,
        "priority": ticket.priority,
        "tags": sorted(ticket.tags.values_list("name", flat=True)),
        "seq": ticket.seq,
        "customer": ticket.customer_id,
        "messages": ticket.messages.filter(withdrawn_at__isnull=True).count(),
    }


def applied(state: dict[str, Any], event: TicketEvent) -> dict[str, Any]:
    """The state after one event, from its data alone."""
    state = {**state, "seq": event.seq}
    kind, data = Kind(event.kind), event.data
    if kind in _STATUS_OF:
        state["status"] = _STATUS_OF[kind]
    elif kind == Kind.ASSIGNED:
        state["owner"] = data["owner"]
    elif kind == Kind.UNASSIGNED:
        state["owner"] = None
    elif kind == Kind.MOVED:
        state["queue"] = data["queue"]
    elif kind == Kind.CUSTOMER_CHANGED:
        state["customer"] = data["customer"]
    elif kind == Kind.CLASSIFIED:
        changes = data["changes"]
        state["priority"] = changes.get("priority", [0, state["priority"]])[1]
        tags = (set(state["tags"]) | set(changes.get("added_tags", []))) - set(changes.get("removed_tags", []))
        state["tags"] = sorted(tags)
    elif kind == Kind.REPLY_SCHEDULED and data.get("again"):
        pass  # another hour for the same reply
    elif kind in {
        Kind.REPLIED,
        Kind.NOTED,
        Kind.CONTACT_RECEIVED,
        Kind.MACHINE_MAIL,
        Kind.REPLY_SCHEDULED,
        Kind.SIDE_SENT,
        Kind.SIDE_RECEIVED,
    }:
        state["messages"] += 1
    elif kind == Kind.REPLY_WITHDRAWN:
        state["messages"] -= 1
    elif kind in {Kind.MERGED, Kind.MESSAGES_ARRIVED}:
        state["messages"] += data["messages"]
        state["tags"] = sorted({*state["tags"], *data.get("added_tags", [])})
    elif kind in {Kind.SPLIT, Kind.MESSAGES_MOVED}:
        state["messages"] -= data["messages"]
    elif kind == Kind.UNMERGED:
        state["messages"] -= data["messages"]
        state["tags"] = sorted(set(state["tags"]) - set(data.get("removed_tags", [])))
        state["status"] = data["status"] or state["status"]
    elif kind == Kind.MERGED_AWAY:
        state["messages"] -= data["messages"]
        state["status"] = "closed"
    elif kind == Kind.PARTED:
        state["messages"] += data["messages"]
        state["status"] = data["status"]
    return state


def verify_routing(ticket: Ticket) -> None:
    """What waits, is offered and is in somebody's hands agrees with the ticket, whatever was done to it."""
    ticket = Ticket.objects.get(pk=ticket.pk)
    items = list(WorkItem.objects.filter(ticket=ticket).exclude(state=Items.DONE))
    offers = Offer.objects.filter(item__ticket=ticket, state=Offer.State.PENDING)
    held = Assignment.objects.filter(item__ticket=ticket, done_at__isnull=True)
    assert len(items) <= 1
    state = Items(items[0].state) if items else Items.DONE
    assert offers.count() == (state == Items.OFFERED)
    assert held.count() == (state in {Items.ASSIGNED, Items.WRAPUP})
    waits = ticket.status in ACTIVE and ticket.owner_id is None
    if waits:
        assert state in {Items.WAITING, Items.OFFERED, Items.RESERVED}
    else:
        assert state in {Items.ASSIGNED, Items.WRAPUP, Items.DONE}
    if state == Items.ASSIGNED:
        assert held.get().agent_id == ticket.owner_id
    elif state in {Items.WAITING, Items.OFFERED, Items.RESERVED}:
        assert items[0].queue_id == ticket.queue_id


@contextmanager
def verify_action(ticket: Ticket) -> Iterator[None]:
    """Around actions: the state before, with the new events applied, is the state after."""
    state = state_of(ticket)
    yield
    for event in TicketEvent.objects.filter(ticket=ticket, seq__gt=state["seq"]).order_by("seq"):
        state = applied(state, event)
    assert state == state_of(ticket)
    verify_routing(ticket)
