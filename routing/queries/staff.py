"""Agents as the engine takes them: who is at work, with what load, skills and figures. Read from rows, by key or all together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count, F, Max, Sum
from django.db.models.functions import Coalesce

from helpdesk.models import Role, TeamMembership
from routing.core.engine import Agent, QueueStats
from routing.models import AgentPresence, AgentState, Assignment, BreakRequest, Offer, Shift
from routing.queries.house import House
from routing.queries.skills import skills_held

#: What “fewest contacts handled” and “least talk time” count.
WINDOW = timedelta(hours=24)


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
