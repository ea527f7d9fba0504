"""The rows as the check of a plan takes them: queues with hours and overflow, agents with skills, their expiry and shifts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from helpdesk.hours import ALWAYS
from helpdesk.models import AgentSkill, Queue, Role, TeamMembership, User
from routing.core.closed import ClosedRules
from routing.core.plan import Plan
from routing.core.plan_check import House, HouseAgent, HouseQueue
from routing.models import QueueRouting, Shift, TeamRouting
from routing.queries.skills import skill_paths

#: Stands for the queue of a plan that no queue has yet: open always, worked in by everybody.
NO_QUEUE = 0
DAYS = 14


def houses_for(queues: Collection[int], at: datetime, days: int = DAYS) -> list[House]:
    """A house per queue the plan is checked for, from `at` on; one for NO_QUEUE where there is none. Eight queries."""
    known = _queues()
    agents = _agents(known, at, at + timedelta(days=days))
    house = House(
        queue=NO_QUEUE,
        queues={key: queue for key, (queue, _team) in known.items()},
        agents=agents,
        begins=at.astimezone(UTC),
        days=days,
        known_skills=frozenset(skill_paths().values()),
    )
    wanted = [key for key in sorted(queues) if key in known]
    if wanted:
        return [replace(house, queue=key) for key in wanted]
    everywhere = tuple(replace(agent, queues=agent.queues | {NO_QUEUE}) for agent in agents)
    return [replace(house, queues={**house.queues, NO_QUEUE: HouseQueue()}, agents=everywhere)]


def with_closed(house: House, closed: ClosedRules | None) -> House:
    """The house with another closed behaviour of its queue, as a form that is not saved yet has it."""
    changed = replace(house.queues.get(house.queue, HouseQueue()), closed=closed)
    return replace(house, queues={**house.queues, house.queue: changed})


def _queues() -> dict[int, tuple[HouseQueue, int]]:
    rows = Queue.objects.filter(is_active=True).select_related("calendar").prefetch_related("calendar__days_off")
    rules = {rule.queue_id: rule for rule in QueueRouting.objects.select_related("plan")}
    found: dict[int, tuple[HouseQueue, int]] = {}
    for queue in rows:
        rule = rules.get(queue.pk)
        plan = _plan(rule)
        found[queue.pk] = (
            HouseQueue(
                calendar=queue.calendar.as_calendar() if queue.calendar is not None else ALWAYS,
                closed=_closed(rule),
                overflow_to=frozenset(key for step in plan.steps for key in step.overflow_to),
            ),
            queue.team_id,
        )
    return found


def _plan(rule: QueueRouting | None) -> Plan:
    """The plan of another queue; one that cannot be read is none of this check's business."""
    if rule is None or rule.plan is None:
        return Plan()
    try:
        return Plan.from_dict(rule.plan.rules)
    except ValueError:
        return Plan()


def _closed(rule: QueueRouting | None) -> ClosedRules | None:
    if rule is None or not rule.closed:
        return None
    try:
        return ClosedRules.from_dict(rule.closed)
    except ValueError:
        return None


def _agents(known: dict[int, tuple[HouseQueue, int]], begins: datetime, ends: datetime) -> tuple[HouseAgent, ...]:
    by_team: dict[int, set[int]] = defaultdict(set)
    for key, (_queue, team) in known.items():
        by_team[team].add(key)
    strict = set(TeamRouting.objects.filter(ready_outside_shift=False).values_list("team_id", flat=True))
    users = User.objects.filter(is_active=True).exclude(role=Role.LIGHT)
    queues: dict[int, set[int]] = defaultdict(set)
    bound: set[int] = set()
    for user, team in TeamMembership.objects.filter(user__in=users).values_list("user_id", "team_id"):
        queues[user] |= by_team[team]
        if team in strict:
            bound.add(user)
    shifts: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for user, start, end in Shift.objects.filter(user__in=queues, starts_at__lt=ends, ends_at__gt=begins).values_list(
        "user_id", "starts_at", "ends_at"
    ):
        shifts[user].append((start, end))
    paths = skill_paths()
    skills: dict[int, dict[str, int]] = defaultdict(dict)
    expires: dict[int, dict[str, datetime]] = defaultdict(dict)
    for row in AgentSkill.objects.filter(user__in=queues):
        skills[row.user_id][paths[row.skill_id]] = row.level
        if row.expires_on is not None:
            last = datetime.combine(row.expires_on, time.min, UTC) + timedelta(days=1)
            expires[row.user_id][paths[row.skill_id]] = last
    return tuple(
        HouseAgent(
            key=user,
            queues=frozenset(worked),
            skills=skills[user],
            expires=expires[user],
            shifts=tuple(shifts[user]) if shifts[user] or user in bound else None,
        )
        for user, worked in sorted(queues.items())
    )
