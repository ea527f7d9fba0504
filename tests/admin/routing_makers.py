"""How to make one more row of each model of routing, for the walls of the admin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import models

from helpdesk.models import SYSTEM, Role, User
from helpdesk.now import now
from routing.actions.agents import lock_presence
from routing.actions.plans import save_plan
from routing.models import (
    AgentPresence,
    AgentState,
    AgentStateInterval,
    Assignment,
    BreakRequest,
    Callback,
    Decision,
    DemandRule,
    Disposition,
    NotReadyReason,
    Offer,
    PlanVersion,
    QueueRouting,
    RoutingPlan,
    Shift,
    TeamRouting,
    WaitForecast,
    WorkItem,
)
from tests.factories import World, make_customer, make_queue, make_team, make_ticket, make_user

ROUTING_HISTORY: list[type[models.Model]] = [
    WorkItem,
    Offer,
    Assignment,
    Decision,
    AgentStateInterval,
    BreakRequest,
    Callback,
    WaitForecast,
    PlanVersion,
]


def _item(n: int) -> WorkItem:
    ticket = make_ticket(make_queue(), make_customer())
    found = WorkItem.objects.filter(ticket=ticket).first()
    at = now()
    fields = {"ticket": ticket, "queue": ticket.queue, "channel": "mail", "handing": "offer"}
    return found or WorkItem.objects.create(**fields, entered_at=at, vtime=at)


def _agent(n: int) -> User:
    return make_user(Role.AGENT, teams=(make_team(),))


def _reason(n: int) -> NotReadyReason:
    return NotReadyReason.objects.create(name=f"Reason {n}", code=f"reason-{n}")


def _plan(n: int) -> RoutingPlan:
    plan = save_plan(actor=SYSTEM, name=f"Plan {n}", rules={"steps": [{"expiry": None}]})
    QueueRouting.objects.create(queue=make_queue(), plan=plan)
    return plan


def _offer(n: int) -> Offer:
    at = now()
    decision = Decision.objects.create(item=_item(n), at=at, kind="offer", agent=_agent(n), record={"chosen": n})
    return Offer.objects.create(
        item=decision.item,
        agent=_agent(n),
        units=20,
        made_at=at,
        expires_at=at + timedelta(seconds=20),
        decision=decision,
    )


def _assignment(n: int) -> Assignment:
    disposition = Disposition.objects.create(name=f"Ended {n}", queue=make_queue())
    return Assignment.objects.create(
        item=_item(n), agent=_agent(n), channel="mail", units=10, begun_at=now(), disposition=disposition
    )


def _callback(n: int) -> Callback:
    item = _item(n)
    return Callback.objects.create(
        customer=item.ticket.customer, queue=item.queue, item=item, phone="+491234", asked_at=now()
    )


ROUTING_MAKERS: dict[type[models.Model], Callable[[int, World], object]] = {
    QueueRouting: lambda n, world: QueueRouting.objects.create(queue=make_queue()),
    RoutingPlan: lambda n, world: _plan(n),
    PlanVersion: lambda n, world: _plan(n),
    DemandRule: lambda n, world: DemandRule.objects.create(
        name=f"Rule {n}", queue=make_queue(), rule={"when": {"tag": ["a"]}, "skills": {"x": 2}, "priority": 3}
    ),
    TeamRouting: lambda n, world: TeamRouting.objects.create(team=make_team()),
    Shift: lambda n, world: Shift.objects.create(user=_agent(n), starts_at=now(), ends_at=now() + timedelta(hours=8)),
    AgentPresence: lambda n, world: lock_presence(_agent(n)),
    NotReadyReason: lambda n, world: _reason(n),
    Disposition: lambda n, world: Disposition.objects.create(name=f"Ended {n}", queue=make_queue()),
    WorkItem: lambda n, world: _item(n),
    Offer: lambda n, world: _offer(n),
    Assignment: lambda n, world: _assignment(n),
    Decision: lambda n, world: _offer(n),
    AgentStateInterval: lambda n, world: AgentStateInterval.objects.create(
        user=_agent(n), state=AgentState.NOT_READY, reason=_reason(n), begun_at=now(), actor_kind="system"
    ),
    BreakRequest: lambda n, world: BreakRequest.objects.create(
        user=_agent(n), reason=_reason(n), minutes=15, asked_at=now(), decided_by=_agent(n)
    ),
    Callback: lambda n, world: _callback(n),
    WaitForecast: lambda n, world: WaitForecast.objects.create(
        item=_item(n), queue=make_queue(), at=now(), ahead=2, low_seconds=60, high_seconds=120
    ),
}
