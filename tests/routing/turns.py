"""Short words for tests of the dispatcher's turn: who is offered what, plans, skills, signs of life."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from helpdesk.models import (
    Actor,
    AgentSkill,
    Queue,
    Skill,
    SkillGroup,
    User,
)
from helpdesk.now import now
from routing.actions.agents import beat
from routing.actions.offers import accept_offer
from routing.models import (
    AgentPresence,
    Offer,
    PlanVersion,
    QueueRouting,
    RoutingPlan,
    WorkItem,
)
from tests.routing.people import make_offering

Items, Offers = WorkItem.State, Offer.State
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
DAYTIME = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def offered(**which: Any) -> list[tuple[int, int]]:
    """Open offers as (item, agent), in the order of their making."""
    return list(Offer.objects.filter(state=Offers.PENDING, **which).order_by("pk").values_list("item_id", "agent_id"))


def accept_all() -> None:
    """Every open offer is accepted by its agent."""
    for row in Offer.objects.filter(state=Offers.PENDING).select_related("agent"):
        accept_offer(offer=row, actor=Actor.of(row.agent))


def with_plan(queue: Queue, *steps: dict[str, Any], **plan: Any) -> QueueRouting:
    """The queue offers its mail by a plan of these steps."""
    rules = {"steps": list(steps), **plan}
    row = RoutingPlan.objects.create(name=f"Plan {queue.pk}", rules=rules)
    PlanVersion.objects.create(plan=row, version=1, rules=rules, saved_at=now())
    return make_offering(queue, plan=row)


def skill(path: str, *holders: User, level: int = 3) -> None:
    """A skill `group/name`, and who has it."""
    group, name = path.split("/")
    made, _new = SkillGroup.objects.get_or_create(name=group)
    row = Skill.objects.create(group=made, name=name)
    for holder in holders:
        AgentSkill.objects.create(user=holder, skill=row, level=level)


def here(*agents: User) -> None:
    """Signs of life, as the sockets send them."""
    for agent in agents:
        beat(user=agent)


def state(user: User, **fields: Any) -> None:
    """Sets what the strategies compare, as time would have done it."""
    AgentPresence.objects.filter(user=user).update(**fields)
