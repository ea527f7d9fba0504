"""The routing of queues as rows or, where a manager has set nothing, as defaults."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists

from helpdesk.models import Queue
from routing.models import ContactChannel, DemandRule, QueueRouting

#: Units of an agent's hundred that a contact of each channel holds.
COST = {ContactChannel.MAIL: 10, ContactChannel.CHAT: 20, ContactChannel.CALLBACK: 100}


def rules_of(queues: Iterable[int]) -> dict[int, QueueRouting]:
    """The routing of each queue by its key. One query."""
    keys = set(queues)
    found = {row.queue_id: row for row in QueueRouting.objects.filter(queue__in=keys)} if keys else {}
    return {key: found.get(key) or QueueRouting(queue_id=key) for key in keys}


def rules_and_demands(queues: Iterable[int]) -> tuple[dict[int, QueueRouting], bool]:
    """The routing of each queue by its key, and whether any demand rule is there at all. One query."""
    asks = Exists(DemandRule.objects.filter(is_active=True))
    rows = Queue.objects.filter(pk__in=set(queues)).select_related("routing").annotate(asks=asks)
    found = {row.pk: getattr(row, "routing", None) or QueueRouting(queue_id=row.pk) for row in rows}
    return found, any(getattr(row, "asks", False) for row in rows)
