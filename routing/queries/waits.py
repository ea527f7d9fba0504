"""Place in the queue and the wait that is probably left, said as a range or not at all; and how such words came true.

The estimate is routing.core.estimate's. Here it is told what is known: who is ahead in the pool that is shared, who is at work
and able, how long handling takes, how long people wait before they give up, and what the log of earlier estimates says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from routing.core.engine import Agent, Item
from routing.core.estimate import Estimate, Hidden, Said, Standing, corrected, effective_agents, estimate, said, settled
from routing.core.estimate_score import Outcome, Score, score
from routing.models import ContactChannel, Shift, WaitForecast, WorkItem
from routing.queries.board_traffic import handling, patiences
from routing.queries.live import Live

#: Outcomes of a queue that correct its next estimates, and that decide whether they are shown.
JUDGED = 100
#: The log that managers see.
SHOWN_DAYS = timedelta(days=14)
CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Wait:
    """What can be told of a waiting contact. `place` counts from 1, None while nobody may be offered it.

    `hidden` is why there is no `said`: a word of Hidden, or "closed" with `opens_at`.
    """

    place: int | None
    estimate: Estimate | None = None
    said: Said | None = None
    hidden: str = ""
    opens_at: datetime | None = None


def wait_of(live: Live, key: int) -> Wait:
    """The wait of an item of the pool from now on. KeyError for one that is not in it. Up to four queries."""
    row, waiting = live.rows[key], live.waiting[key]
    item = waiting.item
    if item is None:
        opens = live.house.now(row.queue_id, live.at).opens_at if waiting.why == CLOSED else None
        return Wait(None, hidden=CLOSED if waiting.why == CLOSED else Hidden.NOBODY, opens_at=opens)
    place = live.pool.ahead_of(key) + 1
    found = estimate(standing_of(live, item))
    if isinstance(found, Hidden):
        return Wait(place, hidden=found.value)
    return Wait(place, found, said(found))


def held_back(row: WorkItem, wait: Wait, at: datetime) -> Wait:
    """The wait as the customer is told it: what he read before may grow by a fifth at most (`estimate.settled`). One query."""
    if wait.estimate is None:
        return wait
    last = WaitForecast.objects.filter(item=row, is_shown=True).order_by("-at", "-pk").first()
    if last is None:
        return wait
    low, high = float(last.low_seconds), float(last.high_seconds)
    kept = settled(Estimate((low + high) / 2, low, high), (at - last.at).total_seconds(), wait.estimate)
    return replace(wait, estimate=kept, said=said(kept))


def standing_of(live: Live, item: Item) -> Standing:
    """What the estimate is made of."""
    able = {key: agent for key, agent in live.agents.items() if _is_able(agent, item)}
    handle = handling([item.queue], live.at).get(item.queue)
    leaves = _leaves_in(able, live.at)
    places = [(_places(agent, item), leaves.get(key)) for key, agent in able.items()]
    ahead = _ahead(live, item, able)
    log = _judged(item.queue)
    factor = 1.0
    for outcome in reversed(log):
        if outcome.answered:
            factor = corrected(factor, outcome.mean, outcome.waited)
    return Standing(
        ahead=ahead,
        servers=effective_agents(places, within=(handle or 0.0) * (ahead + 1) / max(1, len(places))),
        handle_seconds=handle,
        patience_seconds=patiences([item.queue], live.at).get(item.queue),
        free=any(agent.has_room(item.channel, item.cost) for agent in able.values()),
        correction=factor,
        erratic=score(log).erratic,
    )


def _is_able(agent: Agent, item: Item) -> bool:
    """At work, on contacts or free, and with all it takes: team, skills, channel."""
    return (
        agent.ready
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


def _ahead(live: Live, item: Item, able: dict[int, Agent]) -> int:
    """Those served before it by agents it could have too; of a queue that has more agents than these, a part of its line."""
    mine = live.pool.queues[item.queue].weight
    shares: dict[tuple[int, ...], float] = {}
    count = 0.0
    for other in live.pool.items.values():
        if other.key == item.key:
            continue
        weight = live.pool.queues[other.queue].weight
        if weight < mine or (weight == mine and (other.vtime, other.key) > (item.vtime, item.key)):
            continue
        queues = other.queues
        if queues not in shares:
            theirs = [
                key for key, agent in live.agents.items() if agent.ready and not agent.queues.keys().isdisjoint(queues)
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
    return [_outcome(row) for row in rows]


def _outcome(row: WaitForecast) -> Outcome:
    """The log keeps the range; its middle stands for the mean."""
    low, high = float(row.low_seconds), float(row.high_seconds)
    return Outcome((low + high) / 2, low, high, float(row.waited_seconds or 0), bool(row.was_answered))


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How the estimates of one queue came true."""

    queue: int
    name: str
    score: Score


def accuracies(queues: Iterable[tuple[int, str]], at: datetime) -> list[Accuracy]:
    """By queue (key, name), over the last SHOWN_DAYS; those with nothing to say are left out. One query."""
    names = dict(queues)
    log: dict[int, list[Outcome]] = {}
    rows = WaitForecast.objects.filter(queue__in=names, at__gte=at - SHOWN_DAYS, waited_seconds__isnull=False)
    for row in rows.order_by("-at")[:20_000]:
        log.setdefault(row.queue_id, []).append(_outcome(row))
    return [Accuracy(key, name, score(log[key])) for key, name in names.items() if key in log]


def callback_is_offered(row: WorkItem, wait: Wait | None, threshold: int | None, at: datetime) -> bool:
    """Whether the queue's wait is long enough for the offer to call back: as estimated, else as it has been so far."""
    if threshold is None or row.state != WorkItem.State.WAITING or row.channel == ContactChannel.CALLBACK:
        return False
    if (at - row.entered_at).total_seconds() >= threshold:
        return True
    return wait is not None and (
        wait.hidden == CLOSED or (wait.estimate is not None and wait.estimate.p50 >= threshold)
    )
