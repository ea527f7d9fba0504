"""The log of waits as they were forecast: a row when a contact has come, one more when a customer reads it, and the outcome.

Called by the dispatcher's clocks and by the page that shows a wait. What is logged decides whether estimates go on being shown.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from helpdesk.now import now
from routing.models import Handing, WaitForecast, WorkItem
from routing.queries.live import live_pool
from routing.queries.waits import Wait, wait_of

#: Contacts that came longer ago are not forecast any more: that would not be their entry.
FRESH = timedelta(minutes=2)
#: A customer who looks again and again is one reading.
SAID_AGAIN = timedelta(minutes=5)


def log_entries(limit: int = 100) -> int:
    """A forecast for each contact that has just begun to wait for an offer; returns how many."""
    at = now()
    fresh = WorkItem.objects.filter(
        state=WorkItem.State.WAITING, handing=Handing.OFFER, entered_at__gte=at - FRESH, queue__is_active=True
    ).exclude(forecasts__isnull=False)
    keys = dict(fresh.order_by("entered_at", "pk")[:limit].values_list("pk", "queue_id"))
    if not keys:
        return 0
    live = live_pool(set(keys.values()), at)
    rows = [_row(live.rows[key], wait_of(live, key), at) for key in keys if key in live.rows]
    made = WaitForecast.objects.bulk_create([row for row in rows if row is not None])
    return len(made)


def log_shown(row: WorkItem, wait: Wait) -> None:
    """The customer reads this estimate now."""
    at = now()
    if WaitForecast.objects.filter(item=row, is_shown=True, at__gte=at - SAID_AGAIN).exists():
        return
    forecast = _row(row, wait, at)
    if forecast is not None:
        forecast.is_shown = True
        forecast.save()


def score_forecasts(limit: int = 1000) -> int:
    """Writes how long those really waited whose wait is over; returns how many forecasts got their outcome."""
    over = (
        WaitForecast.objects.filter(waited_seconds__isnull=True)
        .filter(Q(item__answered_at__isnull=False) | Q(item__done_at__isnull=False))
        .select_related("item")
        .order_by("item_id")[:limit]
    )
    rows = list(over)
    for row in rows:
        answered = row.item.answered_at
        end = answered or row.item.done_at
        row.was_answered = answered is not None
        row.waited_seconds = max(0, int((end - row.at).total_seconds())) if end is not None else 0
    WaitForecast.objects.bulk_update(rows, ["was_answered", "waited_seconds"])
    return len(rows)


def keep_log() -> int:
    """The periodic work: new contacts are forecast, old forecasts scored."""
    return log_entries() + score_forecasts()


def _row(item: WorkItem, wait: Wait, at: datetime) -> WaitForecast | None:
    if wait.estimate is None or wait.place is None:
        return None
    low, high = round(wait.estimate.p50), round(wait.estimate.p80)
    return WaitForecast(
        item=item, queue_id=item.queue_id, at=at, ahead=wait.place - 1, low_seconds=low, high_seconds=max(low, high)
    )
