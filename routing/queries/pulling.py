"""The next contact an agent may take himself: his queues, his skills, his channels; nearest deadline first."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F

from helpdesk.models import Actor, Queue
from helpdesk.now import now
from routing.core.needs import expand, parse
from routing.models import Handing, WorkItem
from routing.queries.skills import skills_held

#: Heads looked at for one whose needs the agent meets; beyond them nothing is found rather than everything read.
_LOOKED_AT = 200


def waiting_for(actor: Actor, *, queue: Queue | None = None) -> Iterator[WorkItem]:
    """Waiting contacts of channels that are pulled and that this agent may have, the first to take first. Nothing is locked."""
    if actor.user is None:
        return
    rows = WorkItem.objects.filter(
        state=WorkItem.State.WAITING, handing=Handing.PULL, queue__team__in=actor.team_ids(), queue__is_active=True
    )
    if queue is not None:
        rows = rows.filter(queue=queue)
    held: dict[str, int] | None = None
    for row in rows.order_by(F("ticket__due_at").asc(nulls_last=True), "vtime", "pk")[:_LOOKED_AT]:
        needs = row.demand.get("needs")
        if needs and held is None:
            held = expand(skills_held([actor.user.pk], now().date()).get(actor.user.pk, {}))
        if not needs or parse(needs).met_by(held or {}):
            yield row
