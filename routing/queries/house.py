"""The rows as the engine takes them: queues, agents and waiting items. Read by the dispatcher and by explanations."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, F, Max, Sum
from django.db.models.functions import Coalesce

from helpdesk.hours import is_open, next_opening
from helpdesk.models import Queue, Role, TeamMembership
from routing.core.closed import NO_RULES, ClosedRules, QueueNow, overflow_to
from routing.core.engine import Agent, Item, QueueRules, QueueStats
from routing.core.plan import Plan, Step, StepInForce, due_age, step_at
from routing.core.sticky import PERSONAL, AgentNow, should_skip
from routing.models import (
    AgentPresence,
    AgentState,
    Assignment,
    ContactChannel,
    Handing,
    Offer,
    QueueRouting,
    Shift,
    WorkItem,
)
from routing.queries.settings import COST, rules_of
from routing.queries.skills import skills_held

#: What “fewest contacts handled” and “least talk time” count.
WINDOW = timedelta(hours=24)
#: Who has waited for longer than the queue allows comes before everybody.
_FRONT_SECONDS = 10.0**9


@dataclass(slots=True)
class House:
    """Settings of all queues, read together and kept for a term; `at` is when."""

    at: datetime
    rules: dict[int, QueueRouting]
    queues: dict[int, Queue]
    closed: dict[int, ClosedRules]
    plans: dict[int, Plan] = field(default_factory=dict)  # by key of the PlanVersion
    staffed: Counter[int] = field(default_factory=Counter)  # agents at work by queue
    waiting: Counter[int] = field(default_factory=Counter)

    def now(self, queue: int, at: datetime) -> QueueNow:
        """A queue at this moment: its hours, who is at work, how many wait."""
        calendar = self.queues[queue].calendar
        staffed, waiting = self.staffed[queue], self.waiting[queue]
        if calendar is None:
            return QueueNow(True, at, staffed, waiting)
        hours = calendar.as_calendar()
        opened = is_open(at, hours)
        return QueueNow(opened, at if opened else next_opening(at, hours), staffed, waiting)


def read_house(at: datetime) -> House:
    """Queues and their settings. Three queries."""
    found = Queue.objects.filter(is_active=True).select_related("calendar").prefetch_related("calendar__days_off")
    queues = {queue.pk: queue for queue in found}
    rules = rules_of(queues)
    closed = {key: ClosedRules.from_dict(rule.closed) if rule.closed else NO_RULES for key, rule in rules.items()}
    return House(at, rules, queues, closed)


def queue_rules(house: House) -> list[QueueRules]:
    """The queues as the pool takes them."""
    return [QueueRules(key, rule.strategy, rule.weight, rule.bands) for key, rule in house.rules.items()]


def read_agents(house: House, at: datetime, users: Iterable[int] | None = None) -> list[Agent]:
    """Agents with their load and what the strategies count; all of them, or the given ones. Nine queries."""
    rows = AgentPresence.objects.select_related("user").filter(user__is_active=True).exclude(user__role=Role.LIGHT)
    if users is not None:
        rows = rows.filter(user__in=set(users))
    present = {row.user_id: row for row in rows}
    if not present:
        return []
    queues: dict[int, dict[int, int]] = defaultdict(dict)
    by_team: dict[int, list[int]] = defaultdict(list)
    for key, queue in house.queues.items():
        by_team[queue.team_id].append(key)
    for user, team in TeamMembership.objects.filter(user__in=present).values_list("user_id", "team_id"):
        queues[user].update(dict.fromkeys(by_team[team], 0))
    skills = skills_held(present, at.date())
    load = _load(present)
    stats = _stats(present, at)
    away = _outside_shift(present.values(), at)
    agents = []
    for key, row in present.items():
        units, channels = load[key]
        ready = row.state == AgentState.READY and key not in away
        why = "" if ready else "outside_shift" if row.state == AgentState.READY else _why_not(row)
        agents.append(
            Agent(
                key=key,
                queues=queues[key],
                skills=skills.get(key, {}),
                ready=ready,
                units_total=row.units,
                units_used=units,
                channel_caps={channel: int(most) for channel, most in row.caps.items()},
                channel_used=dict(channels),
                accepts=frozenset(row.accepts),
                idle_since=(row.idle_since_at or row.since_at).timestamp(),
                position=row.position,
                stats=stats.get(key, {}),
                why_not=why,
            )
        )
    return agents


def _why_not(row: AgentPresence) -> str:
    return row.reason.code if row.state == AgentState.NOT_READY and row.reason is not None else row.state


def _load(users: Iterable[int]) -> dict[int, tuple[int, Counter[str]]]:
    units: Counter[int] = Counter()
    channels: dict[int, Counter[str]] = defaultdict(Counter)
    handled = Assignment.objects.filter(agent__in=users, done_at__isnull=True).values_list(
        "agent_id", "units", "channel"
    )
    offered = Offer.objects.filter(agent__in=users, state=Offer.State.PENDING).values_list(
        "agent_id", "units", "item__channel"
    )
    for agent, cost, channel in [*handled, *offered]:
        units[agent] += cost
        channels[agent][channel] += 1
    return {key: (units[key], channels[key]) for key in users}


def _stats(users: Iterable[int], at: datetime) -> dict[int, dict[int, QueueStats]]:
    """Per agent and queue: the number of his last offer, contacts accepted and seconds handled within WINDOW."""
    found: dict[int, dict[int, QueueStats]] = defaultdict(dict)
    last = (
        Offer.objects.filter(agent__in=users, made_at__gte=at - WINDOW)
        .values("agent_id", "item__queue_id")
        .annotate(last=Max("pk"))
    )
    for row in last:
        found[row["agent_id"]][row["item__queue_id"]] = QueueStats(last_offer=row["last"])
    done = (
        Assignment.objects.filter(agent__in=users, begun_at__gte=at - WINDOW)
        .values("agent_id", "item__queue_id")
        .annotate(n=Count("pk"), spent=Sum(Coalesce("ended_at", at) - F("begun_at")))
    )
    for worked in done:
        stats = found[worked["agent_id"]].setdefault(worked["item__queue_id"], QueueStats())
        stats.answered, stats.handled_seconds = worked["n"], worked["spent"].total_seconds()
    return found


def _outside_shift(rows: Iterable[AgentPresence], at: datetime) -> set[int]:
    """Agents who may not be offered anything now: their team wants shifts kept, and theirs is over, ends soon or none."""
    users = [row.user_id for row in rows]
    strict: dict[int, int] = {}
    wants = TeamMembership.objects.filter(user__in=users, team__routing__ready_outside_shift=False)
    for user, seconds in wants.values_list("user_id", "team__routing__no_offer_before_end_seconds"):
        strict[user] = max(strict.get(user, 0), seconds)
    if not strict:
        return set()
    working = {
        user
        for user, ends_at in Shift.objects.filter(user__in=strict, starts_at__lte=at, ends_at__gt=at).values_list(
            "user_id", "ends_at"
        )
        if ends_at - timedelta(seconds=strict[user]) > at
    }
    return set(strict) - working


@dataclass(frozen=True, slots=True)
class Waiting:
    """A waiting item as it stands: `item` for the pool, None while nobody may be offered it; the step; when to look again."""

    item: Item | None
    step: StepInForce
    look_at: float | None
    why: str = ""  # why nobody may be offered it


def read_waiting(house: House, keys: Iterable[int] | None = None) -> list[WorkItem]:
    """Items that wait to be offered or assigned; all of them, or those among `keys`. One query, and one for new plans."""
    rows = WorkItem.objects.filter(
        state=WorkItem.State.WAITING, queue__in=house.queues, handing__in=[Handing.OFFER, Handing.ASSIGN]
    ).select_related("plan")
    found = list(rows if keys is None else rows.filter(pk__in=set(keys)))
    for row in found:
        if row.plan is not None and row.plan_id not in house.plans:
            house.plans[row.plan.pk] = Plan.from_dict(row.plan.rules)
    return found


def as_waiting(
    row: WorkItem, house: House, agents: Mapping[int, Agent], since: Mapping[int, datetime], at: datetime
) -> Waiting:
    """The item at this moment: its step by age, who is left out, overflow, closed hours.

    `since` says when each agent became what he is: whoever missed the contact is left out until he is ready anew.
    """
    rule = house.rules[row.queue_id]
    plan = house.plans.get(row.plan_id or 0) or _default_plan(rule, row)
    age = max(0.0, (at - row.entered_at).total_seconds())
    demanded = _demanded(row)
    skipped: set[int] = set()
    step = step_at(plan, age, demanded)
    while (
        step.only_preferred
        and not step.is_final
        and should_skip(
            step.skip_if,
            preferred=preferred_of(row, step),
            agents={key: _agent_now(agents.get(key)) for key in preferred_of(row, step)},
            only_preferred=True,
            patience=None if step.until_age is None else step.until_age - age,
        )
    ):
        skipped.add(step.no)
        step = step_at(plan, age, demanded, skipped=skipped)
    excluded, until = _excluded(row, since, at)
    looks = [due_at for due_at in (due_age(step), _promotion(rule, age)) if due_at is not None and due_at > age]
    look_at = min([row.entered_at.timestamp() + age_due for age_due in looks] + until, default=None)
    queue = house.now(row.queue_id, at)
    if not queue.is_open and _is_over(house, row.queue_id, at):
        opens = queue.opens_at.timestamp() if queue.opens_at else None
        return Waiting(None, step, opens, "closed")
    if step.is_holding:
        return Waiting(None, step, look_at, "holding")
    extra = [key for key, _why in overflow_to(house.closed[row.queue_id], queue, age, at) if key in house.queues]
    front = rule.max_wait_seconds is not None and age >= rule.max_wait_seconds
    item = Item(
        key=row.pk,
        queue=row.queue_id,
        channel=row.channel,
        cost=cost_of(row),
        vtime=row.vtime.timestamp() - step.boost - (_FRONT_SECONDS if front else 0.0),
        needs=step.needs,
        excluded=excluded,
        preferred=preferred_of(row, step),
        only_preferred=step.only_preferred,
        extra_queues=tuple(dict.fromkeys([*extra, *(key for key in step.overflow_to if key in house.queues)])),
    )
    return Waiting(item, step, look_at)


def preferred_of(row: WorkItem, step: StepInForce) -> tuple[int, ...]:
    """The agents a step prefers; words stand for those noted when the contact entered."""
    named = [key for key in step.preferred if isinstance(key, int)]
    return tuple(dict.fromkeys([*named, *(row.preferred if len(named) < len(step.preferred) else [])]))


def _default_plan(rule: QueueRouting, row: WorkItem) -> Plan:
    """Without a plan: the known agent alone for a while, then whoever meets the demand."""
    if not row.preferred or not rule.sticky_seconds:
        return Plan((Step(),))
    known = Step(
        preferred=("last_agent",), only_preferred=True, expiry=float(rule.sticky_seconds), skip_if=tuple(PERSONAL)
    )
    return Plan((known, Step(preferred=("last_agent",))))


def _demanded(row: WorkItem) -> dict[str, int]:
    return {b["name"]: int(b["value"]) for b in row.demand.get("because", []) if b["kind"] == "skill"}


def _agent_now(agent: Agent | None) -> AgentNow:
    if agent is None:
        return AgentNow("offline")
    presence = "ready" if agent.ready else agent.why_not if agent.why_not in AgentState.values else "not_ready"
    return AgentNow(presence, free_in=0.0 if agent.units_used < agent.units_total else None)


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


def _promotion(rule: QueueRouting, age: float) -> float | None:
    return float(rule.max_wait_seconds) if rule.max_wait_seconds is not None and rule.max_wait_seconds > age else None


def _is_over(house: House, queue: int, at: datetime) -> bool:
    """Whether those who still wait after closing are served no more."""
    drain = house.closed[queue].drain_seconds
    calendar = house.queues[queue].calendar
    if calendar is None or drain is None:
        return drain is not None
    return not is_open(at - timedelta(seconds=drain), calendar.as_calendar())


def cost_of(row: WorkItem) -> int:
    """The units the item holds of an agent."""
    return COST[ContactChannel(row.channel)]
