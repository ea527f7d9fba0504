"""What an estimate of a wait is made of: who is ahead, who is at work and able, how long handling takes and patience lasts.

Asked for a contact that waits, and for one that would come now (routing.queries.measuring).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from routing.core.engine import Agent, Item
from routing.core.estimate import Standing, corrected, effective_agents
from routing.core.estimate_score import Outcome, score
from routing.core.pool import Pool
from routing.models import Shift, WaitForecast
from routing.queries.board_traffic import handling, patiences
from routing.queries.house import Pace

#: Outcomes of a queue that correct its next estimates, and that decide whether they are shown.
JUDGED = 100


def standing_of(pool: Pool, item: Item, at: datetime, pace: Pace | None = None) -> Standing:
    """What the estimate is made of. Four queries, two where the pace of the queue is known."""
    able = {key: agent for key, agent in pool.agents.items() if _is_able(agent, item)}
    pace = pace or Pace(handling([item.queue], at).get(item.queue), patiences([item.queue], at).get(item.queue))
    handle = pace.handle_seconds
    leaves = _leaves_in(able, at)
    places = [(_places(agent, item), leaves.get(key)) for key, agent in able.items()]
    ahead = _ahead(pool, item, able)
    log = _judged(item.queue)
    factor = 1.0
    for outcome in reversed(log):
        if outcome.answered:
            factor = corrected(factor, outcome.mean, outcome.waited)
    return Standing(
        ahead=ahead,
        servers=effective_agents(places, within=(handle or 0.0) * (ahead + 1) / max(1, len(places))),
        handle_seconds=handle,
        patience_seconds=pace.patience_seconds,
        free=any(agent.has_room(item.channel, item.cost) for agent in able.values()),
        correction=factor,
        erratic=score(log).erratic,
    )


def is_there(agent: Agent) -> bool:
    """Ready, on contacts or just being asked."""
    return agent.ready or agent.why_not == "offered"


def _is_able(agent: Agent, item: Item) -> bool:
    """At work, on contacts or free, and with all it takes: team, skills, channel."""
    return (
        is_there(agent)
        and agent.key not in item.excluded
        and not agent.queues.keys().isdisjoint(item.queues)
        and (agent.accepts is None or item.channel in agent.accepts)
        and (not item.only_preferred or agent.key in item.preferred)
        and item.needs.met_by(agent.skills)
    )


def _places(agent: Agent, item: Item) -> float:
    """How many contacts of the kind he handles at once."""
    most = max(1, agent.units_total // item.cost)
    return float(min(most, agent.channel_caps.get(item.channel, most)))


def _ahead(pool: Pool, item: Item, able: dict[int, Agent]) -> int:
    """Those served before it by agents it could have too; of a queue that has more agents than these, a part of its line."""
    mine = pool.queues[item.queue].weight
    shares: dict[tuple[int, ...], float] = {}
    count = 0.0
    for other in pool.items.values():
        if other.key == item.key:
            continue
        weight = pool.queues[other.queue].weight
        if weight < mine or (weight == mine and (other.vtime, other.key) > (item.vtime, item.key)):
            continue
        queues = other.queues
        if queues not in shares:
            theirs = [
                key
                for key, agent in pool.agents.items()
                if is_there(agent) and not agent.queues.keys().isdisjoint(queues)
            ]
            shares[queues] = sum(key in able for key in theirs) / len(theirs) if theirs else 0.0
        count += shares[queues]
    return round(count)


def _leaves_in(able: Iterable[int], at: datetime) -> dict[int, float]:
    """Seconds until the shifts of those who have one end."""
    ends = Shift.objects.filter(user__in=list(able), starts_at__lte=at, ends_at__gt=at).values_list(
        "user_id", "ends_at"
    )
    return {user: (end - at).total_seconds() for user, end in ends}


def _judged(queue: int) -> list[Outcome]:
    rows = WaitForecast.objects.filter(queue=queue, waited_seconds__isnull=False).order_by("-at", "-pk")[:JUDGED]
    return [outcome_of(row) for row in rows]


def outcome_of(row: WaitForecast) -> Outcome:
    """The log keeps the range; its middle stands for the mean."""
    low, high = float(row.low_seconds), float(row.high_seconds)
    return Outcome((low + high) / 2, low, high, float(row.waited_seconds or 0), bool(row.was_answered))
