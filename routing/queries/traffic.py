"""A scenario for the simulation, made of what the house is: today's queues and rules, the agents and contacts of one day.

Called by the what-if page; what it gives is the plain form that `manage.py simulate` reads, so it can be kept and changed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from helpdesk.models import Queue, Role, TeamMembership
from routing.models import AgentPresence, AgentState, AgentStateInterval, Assignment, ContactChannel, WorkItem
from routing.queries.board_traffic import handling, patiences
from routing.queries.settings import COST, rules_of
from routing.queries.skills import skills_held

#: Handling time where none has been seen yet.
UNSEEN_SECONDS = 300.0
#: Contacts of one day taken at most.
MOST = 20_000


def scenario_of(queues: Sequence[Queue], begins_at: datetime, *, factor: float = 1.0) -> dict[str, Any]:
    """The plain form. `begins_at` is the day's beginning; `factor` 1.2 adds a fifth of the day's contacts, spread alike.

    With a factor the traffic is no longer the recorded one: contacts an hour by the hour, drawn at random. The same holds
    for a queue in which nothing came that day.
    """
    ends_at = begins_at + timedelta(days=1)
    keys = [queue.pk for queue in queues]
    rules = rules_of(keys)
    usual, leaving = handling(keys, ends_at), patiences(keys, ends_at)
    rows: dict[int, list[tuple[float, float | None]]] = defaultdict(list)
    spent = _spent(keys, begins_at, ends_at)
    came = WorkItem.objects.filter(queue__in=keys, entered_at__gte=begins_at, entered_at__lt=ends_at)
    channels: Counter[str] = Counter()
    for pk, key, channel, at in came.order_by("entered_at", "pk").values_list(
        "pk", "queue_id", "channel", "entered_at"
    )[:MOST]:
        rows[key].append(((at - begins_at).total_seconds(), spent.get(pk)))
        channels[channel] += 1
    plain = []
    for queue in queues:
        rule, contacts = rules[queue.pk], rows[queue.pk]
        one: dict[str, Any] = {"name": queue.name}
        if contacts and factor == 1.0:
            one["recorded"] = [
                {"at": round(at, 1)} | ({} if handle is None else {"handle_seconds": round(handle, 1)})
                for at, handle in contacts
            ]
        else:
            hours = Counter(int(at // 3600) for at, _handle in contacts)
            one["arrivals_per_hour"] = [round(hours[hour] * factor, 2) for hour in range(24)]
        one |= {
            "handle_seconds": {"dist": "exponential", "mean": round(usual.get(queue.pk, UNSEEN_SECONDS), 1)},
            "patience_seconds": (
                {"dist": "exponential", "mean": round(leaving[queue.pk], 1)} if queue.pk in leaving else None
            ),
            "service_level": {"share": rule.target_share / 100, "seconds": rule.target_seconds},
            "strategy": rule.strategy,
            "weight": rule.weight,
        }
        plain.append(one)
    channel = channels.most_common(1)[0][0] if channels else ContactChannel.CHAT.value
    return {
        "name": f"{begins_at:%Y-%m-%d}",
        "seed": 1,
        "hours": 24,
        "queues": plain,
        "agents": _agents(queues, begins_at, ends_at, COST[ContactChannel(channel)]),
    }


def _spent(queues: Sequence[int], begins_at: datetime, ends_at: datetime) -> dict[int, float]:
    """Seconds in an agent's hands, wrap-up included, by work item."""
    rows = Assignment.objects.filter(
        item__queue__in=queues, item__entered_at__gte=begins_at, item__entered_at__lt=ends_at, done_at__isnull=False
    ).values_list("item_id", "begun_at", "done_at")
    found: dict[int, float] = defaultdict(float)
    for item, begun, done in rows:
        found[item] += max(0.0, (done - begun).total_seconds() if done is not None else 0.0)
    return {item: seconds for item, seconds in found.items() if seconds > 0}


def _agents(queues: Sequence[Queue], begins_at: datetime, ends_at: datetime, cost: int) -> list[dict[str, Any]]:
    """Who was ready that day, grouped by equal queues, skills and capacity; where nobody is on record, all members."""
    names: dict[int, list[str]] = defaultdict(list)
    by_team: dict[int, list[str]] = defaultdict(list)
    for queue in queues:
        by_team[queue.team_id].append(queue.name)
    members = TeamMembership.objects.filter(team__in=by_team, user__is_active=True).exclude(user__role=Role.LIGHT)
    for user, team in members.values_list("user_id", "team_id"):
        names[user] += by_team[team]
    worked = set(
        AgentStateInterval.objects.filter(user__in=names, state=AgentState.READY, begun_at__lt=ends_at)
        .filter(Q(ended_at__isnull=True) | Q(ended_at__gt=begins_at))
        .values_list("user_id", flat=True)
    )
    present = worked or set(names)
    units = dict(AgentPresence.objects.filter(user__in=present).values_list("user_id", "units"))
    skills = skills_held(present, begins_at.date())
    groups: Counter[tuple[tuple[str, ...], tuple[tuple[str, int], ...], int]] = Counter(
        (
            tuple(sorted(names[user])),
            tuple(sorted(skills.get(user, {}).items())),
            max(1, min(100, units.get(user, 100) // cost)),
        )
        for user in present
    )
    return [
        {"count": count, "queues": list(theirs), "skills": dict(held), "capacity": capacity}
        for (theirs, held, capacity), count in sorted(groups.items())
    ]
