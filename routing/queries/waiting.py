"""Waiting contacts as the engine takes them: the step by age, who is left out, overflow, closed hours."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from routing.core.closed import ClosedRules, overflow_to
from routing.core.engine import Agent, Item
from routing.core.penalties import OPEN
from routing.core.plan import Plan, Step, StepInForce, due_age, step_at
from routing.core.sticky import PERSONAL, AgentNow, should_skip
from routing.core.sticky import preferred_of as preferred_agents
from routing.models import AgentState, ContactChannel, Decision, Handing, QueueRouting, WorkItem
from routing.queries.estimating import is_there
from routing.queries.house import NOT_AT_WORK, House
from routing.queries.opening import held_of, takes
from routing.queries.settings import COST

#: Who has waited for longer than the queue allows comes before everybody.
_FRONT_SECONDS = 10.0**9
#: Whoever declined or missed a contact is not asked again sooner, though nobody else could take it; looked at so often.
REST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting item as it stands: `item` for the pool, None while nobody may be offered it; the step; when to look again."""

    item: Item | None
    step: StepInForce
    look_at: float | None
    why: str = ""  # why nobody may be offered it: closed, holding
    overflow: tuple[tuple[int, str], ...] = ()  # queues whose agents may take it too, with the rule's `when`, or "step"


def read_waiting(house: House, keys: Iterable[int] | None = None) -> list[WorkItem]:
    """Items that wait to be offered or assigned; all of them, or those among `keys`. One query.

    `known` of a row says whether anything was decided about it yet.
    """
    rows = WorkItem.objects.filter(
        state=WorkItem.State.WAITING, queue__in=house.queues, handing__in=[Handing.OFFER, Handing.ASSIGN]
    ).select_related("plan")
    rows = rows.annotate(known=Exists(Decision.objects.filter(item=OuterRef("pk"))))
    found = list(rows if keys is None else rows.filter(pk__in=set(keys)))
    for row in found:
        if row.plan is not None and row.plan_id not in house.plans:
            house.plans[row.plan.pk] = Plan.from_dict(row.plan.rules)
    return found


def as_waiting(
    row: WorkItem,
    house: House,
    agents: Mapping[int, Agent],
    since: Mapping[int, datetime],
    at: datetime,
    *,
    skipped: Collection[int] | None = None,
) -> Waiting:
    """The item at this moment: its step by age, who is left out, overflow, closed hours.

    `since` says when each agent became what he is: whoever missed the contact is left out until he is ready anew. `skipped`
    are the numbers of the steps that were left early; without it those that would be (see `skips`) are left.
    """
    rule, plan = house.rules[row.queue_id], plan_of(row, house)
    age = _age(row, at)
    step = step_at(plan, age, _demanded(row), skipped=skipped or ())
    left: set[int] = set()
    while skipped is None and skips(row, step, house, agents, at):
        left.add(step.no)
        after = step_at(plan, age, _demanded(row), skipped=left)
        if after.no == step.no:
            break
        step = after
    out, until = _left_out(row, step, agents, since, at)
    here = house.now(row.queue_id, at)
    rules = house.closed[row.queue_id]
    looks = [row.entered_at.timestamp() + due for due in _dues(step, rule, rules, age)] + until
    held, changes_at = held_of(row, house, at)
    if changes_at is not None:
        looks.append(changes_at.timestamp())
    look_at = min((look for look in looks if look > at.timestamp()), default=None)
    named = dict.fromkeys(step.overflow_to, "step") | dict(overflow_to(rules, here, age, at))
    overflow = tuple((key, why) for key, why in named.items() if key != row.queue_id and takes(house, key, at))
    extra = tuple(key for key, _why in overflow)
    if held and not extra:
        return Waiting(None, step, look_at, "closed")
    if step.is_holding:
        return Waiting(None, step, look_at, "holding")
    queue, *others = extra if held else (row.queue_id, *extra)
    if step.penalties != OPEN:
        penalties = {key: agent.queues[queue] for key, agent in agents.items() if queue in agent.queues}
        out |= step.penalties.keeps_out(penalties)
    front = rule.max_wait_seconds is not None and age >= rule.max_wait_seconds
    item = Item(
        key=row.pk,
        queue=queue,
        channel=row.channel,
        cost=cost_of(row),
        vtime=row.vtime.timestamp() - step.boost - (_FRONT_SECONDS if front else 0.0),
        needs=step.needs,
        excluded=out,
        preferred=preferred_of(row, step),
        only_preferred=step.only_preferred,
        extra_queues=tuple(others),
        raised=step.penalties.raised,
    )
    return Waiting(item, step, look_at, overflow=overflow)


def plan_of(row: WorkItem, house: House) -> Plan:
    """The plan that the item met when it entered, or what holds without one."""
    return house.plans.get(row.plan_id or 0) or _default_plan(house.rules[row.queue_id], row)


def skips(row: WorkItem, step: StepInForce, house: House, agents: Mapping[int, Agent], at: datetime) -> str:
    """Why the step in force is left at once, asked when no offer came of it; "" to stay (routing.core.sticky.should_skip)."""
    if step.is_final or step.is_holding or not (step.skip_if or step.only_preferred):
        return ""
    ready = staffed = 1
    if not {"nobody_ready", "nobody_staffed"}.isdisjoint(step.skip_if):
        able = [a for a in agents.values() if row.queue_id in a.queues and step.needs.met_by(a.skills)]
        ready = sum(agent.ready for agent in able)
        staffed = sum(agent.why_not not in NOT_AT_WORK for agent in able)
    preferred = preferred_of(row, step)
    return should_skip(
        step.skip_if,
        preferred=preferred,
        agents={key: _agent_now(agents.get(key), row) for key in preferred},
        only_preferred=step.only_preferred,
        patience=None if step.until_age is None else step.until_age - _age(row, at),
        ready=ready,
        staffed=staffed,
    )


def _age(row: WorkItem, at: datetime) -> float:
    return max(0.0, (at - row.entered_at).total_seconds())


def _dues(step: StepInForce, rule: QueueRouting, rules: ClosedRules, age: float) -> list[float]:
    """The ages ahead at which the item is to be looked at: its next step, its promotion, its overflow."""
    overflows = [one.over + 0.001 for one in rules.overflow if one.when == "wait"]
    ages = (due_age(step), rule.max_wait_seconds, *overflows)
    return [float(due) for due in ages if due is not None and due > age]


def preferred_of(row: WorkItem, step: StepInForce) -> tuple[int, ...]:
    """The agents a step prefers; words stand for those noted when the contact entered."""
    return preferred_agents(step.preferred, known_to(row))


def known_to(row: WorkItem) -> dict[str, list[int]]:
    """The agents noted with the contact, by the words of routing.core.sticky.WHO; a mere list is of those who had it last."""
    return row.preferred if isinstance(row.preferred, dict) else {"last_agent": row.preferred or []}


def _default_plan(rule: QueueRouting, row: WorkItem) -> Plan:
    """Without a plan: the known agent alone for a while, then whoever meets the demand, the known ones first."""
    known = known_to(row)
    usual = Step(preferred=tuple(word for word in ("last_agent", "best_on_tag") if known.get(word)))
    if not known.get("last_agent") or not rule.sticky_seconds:
        return Plan((usual,))
    alone = Step(
        preferred=("last_agent",), only_preferred=True, expiry=float(rule.sticky_seconds), skip_if=tuple(PERSONAL)
    )
    return Plan((alone, usual))


def _demanded(row: WorkItem) -> dict[str, int]:
    return {b["name"]: int(b["value"]) for b in row.demand.get("because", []) if b["kind"] == "skill"}


def _agent_now(agent: Agent | None, row: WorkItem) -> AgentNow:
    if agent is None:
        return AgentNow("offline")
    if agent.why_not == "outside_shift":
        return AgentNow(shift_ends_in=0.0)
    if not agent.ready:
        return AgentNow(agent.why_not if agent.why_not in AgentState.values else "not_ready")
    return AgentNow("ready", free_in=0.0 if agent.has_room(row.channel, cost_of(row)) else None)


def _left_out(
    row: WorkItem, step: StepInForce, agents: Mapping[int, Agent], since: Mapping[int, datetime], at: datetime
) -> tuple[frozenset[int], list[float]]:
    """Agents who declined or missed it, and when to look at that again.

    They are left out for as long as somebody else who is ready could take it: the only one who can is asked again,
    REST_SECONDS after he declined or missed it.
    """
    out, until = _excluded(row, since, at)
    if not out:
        return out, until
    resting = {key: ends for key, ends in _rests(row).items() if key in out and ends > at.timestamp()}
    if any(key not in out and _could_take(agent, row, step) for key, agent in agents.items()):
        return out, [*until, at.timestamp() + REST_SECONDS]
    return frozenset(resting), [*until, *resting.values(), at.timestamp() + REST_SECONDS]


def _could_take(agent: Agent, row: WorkItem, step: StepInForce) -> bool:
    """Whether the agent is ready, of the queue, with the skills and the channel; he may have no room just now."""
    return (
        row.queue_id in agent.queues
        and is_there(agent)
        and (agent.accepts is None or row.channel in agent.accepts)
        and step.needs.met_by(agent.skills)
    )


def _rests(row: WorkItem) -> dict[int, float]:
    """Until when each who declined or missed it is surely left alone with it."""
    return {
        int(key): datetime.fromisoformat(mark["at"] if "at" in mark else mark["missed"]).timestamp() + REST_SECONDS
        for key, mark in row.excluded.items()
        if "at" in mark or "missed" in mark
    }


def _excluded(row: WorkItem, since: Mapping[int, datetime], at: datetime) -> tuple[frozenset[int], list[float]]:
    out: set[int] = set()
    until: list[float] = []
    for key, mark in row.excluded.items():
        agent = int(key)
        if "until" in mark:
            ends = datetime.fromisoformat(mark["until"])
            if ends > at:
                out.add(agent)
                until.append(ends.timestamp())
        elif agent not in since or since[agent] <= datetime.fromisoformat(mark["missed"]):
            out.add(agent)
    return frozenset(out), until


def cost_of(row: WorkItem) -> int:
    """The units the item holds of an agent."""
    return COST[ContactChannel(row.channel)]
