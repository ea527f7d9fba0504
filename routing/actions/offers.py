"""An offer from its making to its end: accepted, declined, missed, taken back, cancelled. Never two, never lost.

Locks: the ticket, then its item, then agents. What proves a single winner is the conditional UPDATE of the offer: of a hundred
accepts at once one finds it pending. A place in the queue (`vtime`) is moved by none of this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events, faults, realtime
from helpdesk.actions import BadInput, lock, lock_all
from helpdesk.actions.assignment import assign_ticket, move_ticket
from helpdesk.models import SYSTEM, Actor, Kind, Queue, TeamMembership, Ticket, User
from helpdesk.now import now
from routing.actions import lock_agents, lock_items, look_again
from routing.actions.agents import enter_state
from routing.models import (
    AgentPresence,
    AgentState,
    Assignment,
    ContactChannel,
    Decision,
    Handing,
    Offer,
    QueueRouting,
    WorkItem,
)
from routing.queries.settings import COST, rules_of

States = Offer.State
Items = WorkItem.State
#: Beats come every ten seconds: who was silent for so long when his offer ended did not see it.
SILENT_AFTER = timedelta(seconds=15)


class OfferGone(BadInput):
    """The offer is not open any more; the sentence says what became of it."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the engine chose: a waiting item for an agent, the units it will hold, and why (see Decision.record).

    `queue` is the one whose agent he is: not the item's own where it overflowed.
    """

    item: int
    agent: int
    queue: int
    units: int
    record: dict[str, Any]


@transaction.atomic
def make_offers(chosen: Sequence[Chosen]) -> list[Offer]:
    """Writes offers for those of `chosen` that still hold (see `Crew`). The rest is looked at anew.

    One batch, one transaction: the engine saw rows that may have changed since, and the rows decide.
    """
    tickets = dict(WorkItem.objects.filter(pk__in=[c.item for c in chosen]).values_list("pk", "ticket_id"))
    locked = lock_all(Ticket(pk=key) for key in tickets.values())
    items = lock_items(tickets)
    crew = Crew(chosen)
    asked = set(Offer.objects.filter(agent__in=crew.agents, state=States.PENDING).values_list("agent_id", flat=True))
    rules = rules_of({item.queue_id for item in items.values()})
    at = now()
    kept: list[tuple[Chosen, Ticket, WorkItem]] = []
    stale: list[Chosen] = []
    for choice in chosen:
        item = items.get(choice.item)
        holds = item is not None and item.state == Items.WAITING and item.ticket_id in locked
        if not holds or item is None or choice.agent in asked or not crew.take(choice, item):
            stale.append(choice)
            continue
        asked.add(choice.agent)  # one offer at a time
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
    _ring_agents(offer.agent_id for offer in offers)  # before the lists of everybody: he is the one who is waited for
    events.record_many(
        [
            events.NewEvent(ticket, Kind.OFFERED, SYSTEM, {"offer": offer.pk, "user": offer.agent_id})
            for (_choice, ticket, _item), offer in zip(kept, offers, strict=True)
        ]
    )
    look_again(items=[c.item for c in stale], agents=[c.agent for c in stale])
    return offers


class Crew:
    """The locked agents of some choices, and what they can take: ready, of the queue's team, with units, channel and cap."""

    def __init__(self, chosen: Sequence[Chosen]) -> None:
        keys = {choice.agent for choice in chosen}
        self.agents = lock_agents(keys)
        self.room = free_units(self.agents)
        self.queues = set(
            TeamMembership.objects.filter(
                user__in=keys, user__is_active=True, team__queues__in={choice.queue for choice in chosen}
            ).values_list("user_id", "team__queues")
        )
        self.used = channels_used(key for key, agent in self.agents.items() if agent.caps)

    def take(self, choice: Chosen, item: WorkItem) -> bool:
        """Whether the agent can have the item; then it is counted as his."""
        agent = self.agents.get(choice.agent)
        if agent is None or agent.state != AgentState.READY or (choice.agent, choice.queue) not in self.queues:
            return False
        cap = agent.caps.get(item.channel)
        full = cap is not None and self.used[choice.agent, item.channel] >= cap
        if full or item.channel not in agent.accepts or self.room[choice.agent] < choice.units:
            return False
        self.room[choice.agent] -= choice.units
        self.used[choice.agent, item.channel] += 1
        return True


def channels_used(agents: Iterable[int]) -> Counter[tuple[int, str]]:
    """How many contacts of each channel these agents have or are offered, by (agent, channel). Two queries, none for nobody."""
    keys = list(agents)
    used: Counter[tuple[int, str]] = Counter()
    used.update(Assignment.objects.filter(agent__in=keys, done_at__isnull=True).values_list("agent_id", "channel"))
    used.update(Offer.objects.filter(agent__in=keys, state=States.PENDING).values_list("agent_id", "item__channel"))
    return used


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
    ticket = follow_overflow(item, ticket, offer.decision)
    events.record(ticket, Kind.OFFER_ACCEPTED, actor=actor, data={"offer": offer.pk, "user": offer.agent_id})
    assign_ticket(ticket=ticket, actor=actor, owner=offer.agent)
    _ring_agents([offer.agent_id])
    return assignment


def follow_overflow(item: WorkItem, ticket: Ticket, decision: Decision | None) -> Ticket:
    """A contact that an agent of another queue takes goes over to that queue, where he may work; it is counted at home.

    The item is in his hands already: its queue stays.
    """
    key = decision.record.get("queue") if decision is not None else None
    if key is None or key == ticket.queue_id:
        return ticket
    queue = Queue.objects.get(pk=key)
    Decision.objects.create(
        item=item,
        at=now(),
        kind="overflow",
        record={"from": item.queue_id, "to": key, "offer": decision.pk if decision else None},
    )
    return move_ticket(ticket=ticket, actor=SYSTEM, queue=queue)


def begin_handling(item: WorkItem, agent: User, *, units: int, at: datetime) -> Assignment:
    """The locked item is in the agent's hands; its first answer is noted."""
    return begin_handlings([(item, agent.pk)], at=at, units=units)[0]


def begin_handlings(
    given: Sequence[tuple[WorkItem, int]], *, at: datetime, units: int | None = None
) -> list[Assignment]:
    """Locked items, each with the key of the agent who has it from now on. `units`: as held so far, else what it costs."""
    made = Assignment.objects.bulk_create(
        [
            Assignment(
                item=item,
                agent_id=agent,
                channel=item.channel,
                units=units if units is not None else COST[ContactChannel(item.channel)],
                begun_at=at,
            )
            for item, agent in given
        ]
    )
    for item, _agent in given:
        item.state, item.answered_at = Items.ASSIGNED, item.answered_at or at
    WorkItem.objects.bulk_update([item for item, _agent in given], ["state", "answered_at"])
    handed = [item.pk for item, _agent in given if item.handing != Handing.PULL]
    look_again(items=handed, agents=[agent for _item, agent in given])
    return made


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
    at = now()
    until = at + timedelta(seconds=rules.decline_seconds)
    mark = {"until": until.isoformat(), "at": at.isoformat()}
    back_to_waiting([offer.item_id], without={offer.item_id: (offer.agent_id, mark)})
    events.record(ticket, Kind.OFFER_DECLINED, actor=actor, data={"offer": offer.pk, "user": offer.agent_id})
    _ring_agents([offer.agent_id])


@transaction.atomic
def expire_offers(limit: int = 200) -> int:
    """Offers past their time: each is a miss of its agent, who is not ready after so many in a row; returns how many.

    Of an agent whose browser has been silent meanwhile it is no miss: the offer is taken back, and he counts as lost.
    """
    due = list(
        Offer.objects.filter(state=States.PENDING, expires_at__lte=now())
        .select_related("item")
        .order_by("expires_at", "pk")[:limit]
    )
    if not due:
        return 0
    locked = lock_all(Ticket(pk=offer.item.ticket_id) for offer in due)
    items = lock_items(offer.item_id for offer in due)
    agents = lock_agents(offer.agent_id for offer in due)
    at = now()
    silent = {key for key, agent in agents.items() if agent.seen_at is not None and at - agent.seen_at > SILENT_AFTER}
    lost = [o for o in due if o.agent_id in silent and _end([o.pk], States.RESCINDED, "agent_lost")]
    missed = [o for o in due if o.agent_id not in silent and _end([o.pk], States.TIMEOUT)]
    faults.point("route.expired")
    mark = {"missed": at.isoformat()}
    back_to_waiting(
        [offer.item_id for offer in (*missed, *lost)],
        without={offer.item_id: (offer.agent_id, mark) for offer in missed},
    )
    rules = rules_of({item.queue_id for item in items.values()})
    for offer in missed:
        if (agent := agents.get(offer.agent_id)) is not None:
            _count_miss(agent, rules[items[offer.item_id].queue_id])
    for key in dict.fromkeys(offer.agent_id for offer in lost):
        if agents[key].state not in {AgentState.OFFLINE, AgentState.DISCONNECTED}:
            enter_state(agents[key], AgentState.DISCONNECTED, actor=SYSTEM)
            AgentPresence.objects.filter(user=key).update(seen_at=None)
    events.record_many(
        [
            events.NewEvent(
                locked[offer.item.ticket_id], Kind.OFFER_MISSED, SYSTEM, {"offer": offer.pk, "user": offer.agent_id}
            )
            for offer in missed
        ]
        + [_rescinded(locked[offer.item.ticket_id], offer, "agent_lost", SYSTEM) for offer in lost]
    )
    _ring_agents(offer.agent_id for offer in due)
    return len(missed) + len(lost)


def _count_miss(agent: AgentPresence, rule: QueueRouting) -> None:
    agent.missed += 1
    agent.save(update_fields=["missed"])
    if agent.missed >= rule.misses_allowed and agent.state == AgentState.READY:
        if rule.missed_return_seconds is not None:
            agent.returns_at = now() + timedelta(seconds=rule.missed_return_seconds)
        enter_state(agent, AgentState.RONA, actor=SYSTEM)


def _rescinded(ticket: Ticket, offer: Offer, why: str, actor: Actor) -> events.NewEvent:
    return events.NewEvent(ticket, Kind.OFFER_RESCINDED, actor, {"offer": offer.pk, "user": offer.agent_id, "why": why})


@transaction.atomic
def rescind_offers(offers: Sequence[Offer], *, why: str, actor: Actor = SYSTEM) -> int:
    """Takes open offers back, as when the agent's browser died: no miss of his, and the contact keeps its place."""
    locked = lock_all(Ticket(pk=offer.item.ticket_id) for offer in offers)
    ended = [offer for offer in offers if _end([offer.pk], States.RESCINDED, why)]
    back_to_waiting([offer.item_id for offer in ended])
    events.record_many([_rescinded(locked[offer.item.ticket_id], offer, why, actor) for offer in ended])
    _ring_agents(offer.agent_id for offer in ended)
    return len(ended)


def cancel_offers_of(items: Iterable[WorkItem]) -> None:
    """The contact is gone or is somebody's already: its open offer ends without an event of its own. The tickets are locked."""
    rows = list(Offer.objects.filter(item__in=[item.pk for item in items], state=States.PENDING))
    _end([row.pk for row in rows], States.CANCELLED)
    look_again(agents={row.agent_id for row in rows})
    _ring_agents(row.agent_id for row in rows)


def back_to_waiting(keys: Sequence[int], *, without: dict[int, tuple[int, dict[str, str]]] | None = None) -> None:
    """Offered or handled items wait again where they stood. The caller holds the locks of their tickets.

    `without`: an agent to leave out, by item: `{"until": time, "at": time}`, or `{"missed": time}` for until he becomes ready
    anew; in both cases only as long as somebody else could take it (routing.queries.waiting).
    """
    items = list(lock_items(keys).values())
    for item in items:
        if without and item.pk in without:
            agent, mark = without[item.pk]
            item.excluded = {**item.excluded, str(agent): mark}
        item.state = Items.WAITING
    if items:
        WorkItem.objects.bulk_update(items, ["state", "excluded"])
        look_again(items=[item.pk for item in items if item.handing != Handing.PULL])


def _end(keys: Sequence[int], state: str, reason: str = "") -> int:
    pending = Offer.objects.filter(pk__in=keys, state=States.PENDING)
    agents = list(pending.values_list("agent_id", flat=True))
    ended = pending.update(state=state, ended_at=now(), reason=reason[:200])
    if ended:
        look_again(agents=agents)
    return ended


def _ensure_own(offer: Offer, actor: Actor) -> None:
    if actor.user is None or actor.user.pk != offer.agent_id:
        raise access.NotAllowed(_("This offer is for somebody else."))
    access.ensure(
        actor, "offer.answer"
    )  # the offer is his; a ticket that overflowed is in his queue from the answer on


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
