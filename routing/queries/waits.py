"""Place in the queue and the wait that is probably left, said as a range or not at all; and how such words came true.

The estimate is routing.core.estimate's. Here it is told what is known: who is ahead in the pool that is shared, who is at work
and able, how long handling takes, how long people wait before they give up, and what the log of earlier estimates says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from routing.core.estimate import Estimate, Hidden, Said, estimate, said, settled
from routing.core.estimate_score import Outcome, Score, score
from routing.models import ContactChannel, WaitForecast, WorkItem
from routing.queries.estimating import outcome_of, standing_of
from routing.queries.live import Live

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
    found = estimate(standing_of(live.pool, item, live.at))
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
        log.setdefault(row.queue_id, []).append(outcome_of(row))
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
