"""An offer from its making to its end: accepted, declined, missed, taken back, cancelled. Never two, never lost.

Locks: the ticket, then its item, then agents. What proves a single winner is the conditional UPDATE of the offer: of a hundred
accepts at once one finds it pending. A place in the queue (`vtime`) is moved by none of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events, faults, realtime
from helpdesk.actions import BadInput, lock, lock_all
from helpdesk.actions.assignment import assign_ticket
from helpdesk.models import SYSTEM, Actor, Kind, Ticket, User
from helpdesk.now import now
from routing.actions import lock_agents, lock_items, mark_dirty
from routing.actions.agents import enter_state
from routing.models import AgentPresence, AgentState, Assignment, Decision, Dirty, Offer, WorkItem
from routing.queries.settings import rules_of

States = Offer.State
Items = WorkItem.State


class OfferGone(BadInput):
    """The offer is not open any more; the sentence says what became of it."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the engine chose: a waiting item for an agent, the units it will hold, and why (see Decision.record)."""

    item: int
    agent: int
    units: int
    record: dict[str, Any]


@transaction.atomic
def make_offers(chosen: Sequence[Chosen]) -> list[Offer]:
    """Writes offers for those of `chosen` that still hold: item waiting, agent ready and with room. The rest is looked at anew.

    One batch, one transaction: the engine saw rows that may have changed since, and the rows decide.
    """
    tickets = dict(WorkItem.objects.filter(pk__in=[c.item for c in chosen]).values_list("pk", "ticket_id"))
    locked = lock_all(Ticket(pk=key) for key in tickets.values())
    items = lock_items(tickets)
    agents = lock_agents(c.agent for c in chosen)
    room = free_units(agents)
    rules = rules_of({item.queue_id for item in items.values()})
    at = now()
    kept: list[tuple[Chosen, Ticket, WorkItem]] = []
    stale: list[Chosen] = []
    for choice in chosen:
        item = items.get(choice.item)
        agent = agents.get(choice.agent)
        holds = (
            item is not None
            and item.state == Items.WAITING
            and item.ticket_id in locked
            and agent is not None
            and agent.state == AgentState.READY
            and room[choice.agent] >= choice.units
        )
        if not holds or item is None:
            stale.append(choice)
            continue
        room[choice.agent] -= choice.units
        kept.append((choice, locked[item.ticket_id], item))
    decisions = Decision.objects.bulk_create(
        [Decision(item=item, at=at, kind="offer", agent_id=c.agent, record=c.record) for c, _ticket, item in kept]
    )
    offers = Offer.objects.bulk_create(
        [
            Offer(
                item=item,
                agent_id=choice.agent,
                units=choice.units,
                made_at=at,
                expires_at=at + timedelta(seconds=rules[item.queue_id].offer_seconds),
                decision=decision,
            )
            for (choice, _ticket, item), decision in zip(kept, decisions, strict=True)
        ]
    )
    WorkItem.objects.filter(pk__in=[item.pk for _c, _t, item in kept]).update(state=Items.OFFERED)
    faults.point("route.offered")
    events.record_many(
        [
            events.NewEvent(ticket, Kind.OFFERED, SYSTEM, {"offer": offer.pk, "user": offer.agent_id})
            for (_choice, ticket, _item), offer in zip(kept, offers, strict=True)
        ]
    )
    _ring_agents(offer.agent_id for offer in offers)
    mark_dirty(Dirty.Kind.ITEM, (c.item for c in stale))
    mark_dirty(Dirty.Kind.AGENT, (c.agent for c in stale))
    return offers


def free_units(agents: dict[int, Any]) -> dict[int, int]:
    """The units each locked agent has left: his capacity less what he handles, wraps up and is offered."""
    room = {key: row.units for key, row in agents.items()}
    for agent, units in Assignment.objects.filter(agent__in=room, done_at__isnull=True).values_list("agent", "units"):
        room[agent] -= units
    for agent, units in Offer.objects.filter(agent__in=room, state=States.PENDING).values_list("agent", "units"):
        room[agent] -= units
    return room


@transaction.atomic
def accept_offer(*, offer: Offer, actor: Actor) -> Assignment:
    """The agent takes the contact: it is his ticket now. Raises OfferGone when it is no longer open, or expired a moment ago."""
    _ensure_own(offer, actor)
    ticket = lock(offer.item.ticket)
    at = now()
    won = Offer.objects.filter(pk=offer.pk, state=States.PENDING, expires_at__gt=at).update(
        state=States.ACCEPTED, ended_at=at
    )
    if won == 0:
        raise OfferGone(_what_became_of(offer))
    faults.point("route.accepted")
    item = lock_items([offer.item_id])[offer.item_id]
    assignment = begin_handling(item, offer.agent, units=offer.units, at=at)
    AgentPresence.objects.filter(user=offer.agent).update(missed=0)
    events.record(ticket, Kind.OFFER_ACCEPTED, actor=actor, data={"offer": offer.pk, "user": offer.agent_id})
    assign_ticket(ticket=ticket, actor=actor, owner=offer.agent)
    _ring_agents([offer.agent_id])
    return assignment


def begin_handling(item: WorkItem, agent: User, *, units: int, at: datetime) -> Assignment:
    """The locked item is in the agent's hands; its first answer is noted."""
    assignment = Assignment.objects.create(item=item, agent=agent, channel=item.channel, units=units, begun_at=at)
    item.state, item.answered_at = Items.ASSIGNED, item.answered_at or at
    item.save(update_fields=["state", "answered_at"])
    mark_dirty(Dirty.Kind.ITEM, [item.pk])
    mark_dirty(Dirty.Kind.AGENT, [agent.pk])
    return assignment


@transaction.atomic
def decline_offer(*, offer: Offer, actor: Actor, reason: str = "") -> None:
    """The agent does not take it; for a while it is not offered to him again, and it keeps its place.

    Raises OfferGone, and BadInput where the queue does not let agents decline.
    """
    _ensure_own(offer, actor)
    rules = rules_of([offer.item.queue_id])[offer.item.queue_id]
    if not rules.may_decline:
        raise BadInput(_("This queue does not let agents decline. Accept it, or ask a lead to move it."))
    ticket = lock(offer.item.ticket)
    if not _end([offer.pk], States.DECLINED, reason):
        raise OfferGone(_what_became_of(offer))
    until = now() + timedelta(seconds=rules.decline_seconds)
    back_to_waiting([offer.item_id], without={offer.item_id: (offer.agent_id, {"until": until.isoformat()})})
    events.record(ticket, Kind.OFFER_DECLINED, actor=actor, data={"offer": offer.pk, "user": offer.agent_id})
    _ring_agents([offer.agent_id])


@transaction.atomic
def expire_offers(limit: int = 200) -> int:
    """Offers past their time: each is a miss of its agent, who is not ready after so many in a row; returns how many."""
    due = list(
        Offer.objects.filter(state=States.PENDING, expires_at__lte=now())
        .select_related("item")
        .order_by("expires_at", "pk")[:limit]
    )
    if not due:
        return 0
    locked = lock_all(Ticket(pk=offer.item.ticket_id) for offer in due)
    missed = [offer for offer in due if _end([offer.pk], States.TIMEOUT)]
    faults.point("route.expired")
    mark = {"missed": now().isoformat()}
    back_to_waiting(
        [offer.item_id for offer in missed], without={offer.item_id: (offer.agent_id, mark) for offer in missed}
    )
    rules = rules_of({offer.item.queue_id for offer in missed})
    agents = lock_agents(offer.agent_id for offer in missed)
    for offer in missed:
        agent, rule = agents[offer.agent_id], rules[offer.item.queue_id]
        agent.missed += 1
        agent.save(update_fields=["missed"])
        if agent.missed >= rule.misses_allowed and agent.state == AgentState.READY:
            if rule.missed_return_seconds is not None:
                agent.returns_at = now() + timedelta(seconds=rule.missed_return_seconds)
            enter_state(agent, AgentState.RONA, actor=SYSTEM)
    events.record_many(
        [
            events.NewEvent(
                locked[offer.item.ticket_id], Kind.OFFER_MISSED, SYSTEM, {"offer": offer.pk, "user": offer.agent_id}
            )
            for offer in missed
        ]
    )
    _ring_agents(offer.agent_id for offer in missed)
    return len(missed)


@transaction.atomic
def rescind_offers(offers: Sequence[Offer], *, why: str, actor: Actor = SYSTEM) -> int:
    """Takes open offers back, as when the agent's browser died: no miss of his, and the contact keeps its place."""
    locked = lock_all(Ticket(pk=offer.item.ticket_id) for offer in offers)
    ended = [offer for offer in offers if _end([offer.pk], States.RESCINDED, why)]
    back_to_waiting([offer.item_id for offer in ended])
    events.record_many(
        [
            events.NewEvent(
                locked[offer.item.ticket_id],
                Kind.OFFER_RESCINDED,
                actor,
                {"offer": offer.pk, "user": offer.agent_id, "why": why},
            )
            for offer in ended
        ]
    )
    _ring_agents(offer.agent_id for offer in ended)
    return len(ended)


def cancel_offers_of(items: Iterable[WorkItem]) -> None:
    """The contact is gone or is somebody's already: its open offer ends without an event of its own. The tickets are locked."""
    rows = list(Offer.objects.filter(item__in=[item.pk for item in items], state=States.PENDING))
    _end([row.pk for row in rows], States.CANCELLED)
    mark_dirty(Dirty.Kind.AGENT, {row.agent_id for row in rows})
    _ring_agents(row.agent_id for row in rows)


def back_to_waiting(keys: Sequence[int], *, without: dict[int, tuple[int, dict[str, str]]] | None = None) -> None:
    """Offered or handled items wait again where they stood. The caller holds the locks of their tickets.

    `without`: an agent to leave out, by item: `{"until": time}`, or `{"missed": time}` for until he becomes ready anew.
    """
    for item in lock_items(keys).values():
        if without and item.pk in without:
            agent, mark = without[item.pk]
            item.excluded = {**item.excluded, str(agent): mark}
        item.state = Items.WAITING
        item.save(update_fields=["state", "excluded"])
    mark_dirty(Dirty.Kind.ITEM, keys)


def _end(keys: Sequence[int], state: str, reason: str = "") -> int:
    pending = Offer.objects.filter(pk__in=keys, state=States.PENDING)
    agents = list(pending.values_list("agent_id", flat=True))
    ended = pending.update(state=state, ended_at=now(), reason=reason[:200])
    if ended:
        mark_dirty(Dirty.Kind.AGENT, agents)
    return ended


def _ensure_own(offer: Offer, actor: Actor) -> None:
    access.ensure(actor, "offer.answer", offer.item.ticket)
    if actor.user is None or actor.user.pk != offer.agent_id:
        raise access.NotAllowed(_("This offer is for somebody else."))


def _what_became_of(offer: Offer) -> str:
    offer.refresh_from_db()
    if offer.state == States.ACCEPTED:
        return _("You have taken this contact already.")
    if offer.state == States.CANCELLED:
        return _("The customer is gone, or somebody took the ticket by hand.")
    if offer.state == States.DECLINED:
        return _("You have declined this contact.")
    return _("This offer is over: the contact goes to the next agent.")


def _ring_agents(agents: Iterable[int]) -> None:
    realtime.publish_many([(realtime.user_group(key), {"type": "offers.changed"}) for key in set(agents)])
