"""The rows as the engine takes them: queues, agents and waiting items. Read by the dispatcher and by explanations."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Exists, F, Max, OuterRef, Sum
from django.db.models.functions import Coalesce

from helpdesk.hours import Calendar, is_open, next_closing, next_opening
from helpdesk.models import Queue, Role, TeamMembership
from routing.core.closed import (
    NO_RULES,
    ClosedRules,
    Outcome,
    QueueNow,
    at_closing,
    on_arrival,
    overflow_to,
    state_of,
)
from routing.core.engine import Agent, Item, QueueRules, QueueStats
from routing.core.penalties import OPEN
from routing.core.plan import Plan, Step, StepInForce, due_age, step_at
from routing.core.sticky import PERSONAL, AgentNow, should_skip
from routing.core.sticky import preferred_of as preferred_agents
from routing.models import (
    AgentPresence,
    AgentState,
    Assignment,
    BreakRequest,
    ContactChannel,
    Decision,
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
    calendars: dict[int, Calendar | None] = field(default_factory=dict)
    plans: dict[int, Plan] = field(default_factory=dict)  # by key of the PlanVersion
    staffed: Counter[int] = field(default_factory=Counter)  # agents at work by queue
    waiting: Counter[int] = field(default_factory=Counter)
    hours: dict[int, tuple[datetime, datetime | None, bool]] = field(default_factory=dict)  # from, to, open

    def now(self, queue: int, at: datetime) -> QueueNow:
        """A queue at this moment: its hours, who is at work, how many wait."""
        opened, changes_at = self.opening(queue, at)
        return QueueNow(opened, at if opened else changes_at, self.staffed[queue], self.waiting[queue])

    def opening(self, queue: int, at: datetime) -> tuple[bool, datetime | None]:
        """Whether the queue is open, and when that changes; None for never. Found once for each stretch of hours."""
        calendar = self.calendars[queue]
        if calendar is None:
            return True, None
        begins, ends, opened = self.hours.get(queue, (at, at, False))
        if not begins <= at or (ends is not None and at >= ends):
            opened = is_open(at, calendar)
            ends = next_closing(at, calendar) if opened else next_opening(at, calendar)
            self.hours[queue] = (at, ends, opened)
        return opened, ends

    def now_of_all(self, at: datetime) -> dict[int, QueueNow]:
        """Every queue at this moment."""
        return {key: self.now(key, at) for key in self.queues}

    def count_staff(self, agents: Iterable[Agent]) -> None:
        """Counts by queue who is at work, on contacts and breaks included."""
        self.staffed = Counter(queue for agent in agents if agent.why_not not in NOT_AT_WORK for queue in agent.queues)


#: Reasons of not being ready with which one is not at work at all.
NOT_AT_WORK = frozenset({"offline", "disconnected", "outside_shift"})


def read_house(at: datetime) -> House:
    """Queues and their settings. Three queries."""
    found = Queue.objects.filter(is_active=True).select_related("calendar").prefetch_related("calendar__days_off")
    queues = {queue.pk: queue for queue in found}
    rules = rules_of(queues)
    closed = {key: ClosedRules.from_dict(rule.closed) if rule.closed else NO_RULES for key, rule in rules.items()}
    calendars = {key: None if q.calendar is None else q.calendar.as_calendar() for key, q in queues.items()}
    return House(at, rules, queues, closed, calendars)


def queue_rules(house: House) -> list[QueueRules]:
    """The queues as the pool takes them."""
    return [QueueRules(key, rule.strategy, rule.weight, rule.bands) for key, rule in house.rules.items()]


def read_agents(house: House, at: datetime, users: Iterable[int] | None = None) -> list[Agent]:
    """Agents with their load and what the strategies count; all of them, or the given ones. Ten queries."""
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
        penalties = present[user].penalties
        queues[user].update({queue: int(penalties.get(str(queue), 0)) for queue in by_team[team]})
    skills = skills_held(present, at.date())
    load = _load(present)
    asked = set(Offer.objects.filter(agent__in=present, state=Offer.State.PENDING).values_list("agent_id", flat=True))
    stats = _stats(present, at)
    away = _outside_shift(present.values(), at)
    leaving = set(
        BreakRequest.objects.filter(user__in=present, state=BreakRequest.State.APPROVED).values_list(
            "user_id", flat=True
        )
    )
    agents = []
    for key, row in present.items():
        units, channels = load[key]
        kept_back = (
            "outside_shift" if key in away else "break_pending" if key in leaving else "offered" if key in asked else ""
        )
        ready = row.state == AgentState.READY and not kept_back
        why = "" if ready else kept_back if row.state == AgentState.READY else _why_not(row)
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
                one_offer=True,
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
    why: str = ""  # why nobody may be offered it: closed, holding


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
    out, until = _excluded(row, since, at)
    here = house.now(row.queue_id, at)
    rules = house.closed[row.queue_id]
    looks = [row.entered_at.timestamp() + due for due in _dues(step, rule, rules, age)] + until
    held, changes_at = _held(row, house, at)
    if changes_at is not None:
        looks.append(changes_at.timestamp())
    look_at = min((look for look in looks if look > at.timestamp()), default=None)
    named = [*(key for key, _why in overflow_to(rules, here, age, at)), *step.overflow_to]
    extra = tuple(key for key in dict.fromkeys(named) if key != row.queue_id and _takes(house, key, at))
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
    )
    return Waiting(item, step, look_at)


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


def _takes(house: House, queue: int, at: datetime) -> bool:
    """Whether another queue's agents are there to help out."""
    return queue in house.queues and state_of(house.closed[queue], house.now(queue, at), at) in {
        "",
        "full",
        "unstaffed",
    }


def _held(row: WorkItem, house: House, at: datetime) -> tuple[bool, datetime | None]:
    """Whether the item waits for its queue to open, and when that is to be asked again (None: nothing is to come).

    Who waits when the queue closes is served on, as long as it drains; who comes later waits for the next opening.
    """
    rules, calendar = house.closed[row.queue_id], house.calendars[row.queue_id]
    if rules.emergency_until is not None and at < rules.emergency_until:
        return True, rules.emergency_until
    opened, changes_at = house.opening(row.queue_id, at)
    if opened or calendar is None:
        return False, changes_at
    if not is_draining(row, house, at):
        return True, changes_at
    return False, changes_at if rules.drain_seconds is None else at + timedelta(seconds=min(rules.drain_seconds, 60.0))


def is_draining(row: WorkItem, house: House, at: datetime) -> bool:
    """Whether the item came in open hours of its queue, now closed, and those who did are still served."""
    rules, calendar = house.closed[row.queue_id], house.calendars[row.queue_id]
    if calendar is None or rules.at_closing != "drain":
        return False
    if rules.drain_seconds is not None and not is_open(at - timedelta(seconds=rules.drain_seconds), calendar):
        return False
    return was_open(row, calendar, at)


def was_open(row: WorkItem, calendar: Calendar, at: datetime) -> bool:
    """Whether the queue was open at any time since the item entered."""
    if is_open(row.entered_at, calendar):
        return True
    opening = next_opening(row.entered_at, calendar)
    return opening is not None and opening < at


def arrival_of(row: WorkItem, house: House, at: datetime) -> Outcome:
    """What becomes of a contact that has just come to its queue."""
    return on_arrival(row.queue_id, row.channel, house.closed, house.now_of_all(at), at)


def closing_of(row: WorkItem, house: House, at: datetime) -> str:
    """What becomes of a contact that waits in a queue that has closed: "drain" (or it is not closed), or a behaviour."""
    opened, _changes_at = house.opening(row.queue_id, at)
    if opened or is_draining(row, house, at):
        return "drain"
    return at_closing(house.closed[row.queue_id], row.channel, math.inf)


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
