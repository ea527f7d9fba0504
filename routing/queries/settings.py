"""The routing of queues as rows or, where a manager has set nothing, as defaults."""

from __future__ import annotations

from collections.abc import Iterable

from routing.models import ContactChannel, QueueRouting

#: Units of an agent's hundred that a contact of each channel holds.
COST = {ContactChannel.MAIL: 10, ContactChannel.CHAT: 20, ContactChannel.CALLBACK: 100}


def rules_of(queues: Iterable[int]) -> dict[int, QueueRouting]:
    """The routing of each queue by its key. One query."""
    keys = set(queues)
    found = {row.queue_id: row for row in QueueRouting.objects.filter(queue__in=keys)} if keys else {}
    return {key: found.get(key) or QueueRouting(queue_id=key) for key in keys}
