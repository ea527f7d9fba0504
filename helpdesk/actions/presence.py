"""Who sits at which ticket: one row per open tab, beaten by its socket, gone when it is beaten no more.

Called by the staff socket and, for tabs that vanished without a word, by the dispatcher. A change rings at those who have the
ticket open and at the lists that show it; a beat that changes nothing writes one row and rings nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from helpdesk import access, realtime
from helpdesk.models import Actor, DeskTab, Ticket
from helpdesk.now import now
from helpdesk.queries.presence import GONE_AFTER, IDLE_AFTER

#: Browsers let the clocks of a page out of sight tick once a minute only: an idle tab may be silent for this much longer.
IDLE_GRACE = timedelta(seconds=60)


def beat(*, channel: str, actor: Actor, ticket: Ticket | None, is_typing: bool = False, is_idle: bool = False) -> None:
    """The tab behind `channel` (of the channel layer) is open, on `ticket` or on none; its person types, or sits idle.

    `ticket` must have come through `visible_to`. Raises NotAllowed for a ticket the actor may not view.
    """
    if actor.user is None:
        return
    if ticket is not None:
        access.ensure(actor, "ticket.view", ticket)
    if beat_as_before(
        channel=channel, ticket_id=ticket.pk if ticket is not None else None, is_typing=is_typing, is_idle=is_idle
    ):
        return
    at = now()
    is_typing = is_typing and ticket is not None and not is_idle
    edge = at - IDLE_AFTER
    seen_at = at + IDLE_GRACE if is_idle else at
    with transaction.atomic():
        before = (
            DeskTab.objects.select_for_update(of=("self",)).select_related("ticket").filter(channel=channel).first()
        )
        old = before.ticket if before is not None else None
        tab = before or DeskTab(channel=channel, user=actor.user)
        was_idle = before is not None and before.active_at <= edge
        tab.ticket, tab.seen_at, tab.typing_at = ticket, seen_at, at if is_typing else None
        tab.active_at = min(tab.active_at or edge, edge) if is_idle else at
        tab.save()
        _ring([t for t in (old, ticket) if t is not None], channel, staff=before is None or was_idle != is_idle)


def beat_as_before(*, channel: str, ticket_id: int | None, is_typing: bool, is_idle: bool) -> bool:
    """The beat of a tab of which nothing has changed, by one statement; False when something has, and nothing is written."""
    at = now()
    edge = at - IDLE_AFTER
    is_typing = is_typing and ticket_id is not None and not is_idle
    same = DeskTab.objects.filter(
        Q(active_at__lte=edge) if is_idle else Q(active_at__gt=edge),
        channel=channel,
        ticket=ticket_id,
        typing_at__isnull=not is_typing,
        seen_at__gte=at - GONE_AFTER,
    )
    return bool(
        same.update(
            seen_at=at + IDLE_GRACE if is_idle else at,
            active_at=F("active_at") if is_idle else at,
            typing_at=at if is_typing else None,
        )
    )


@transaction.atomic
def leave(*, channel: str) -> None:
    """The tab is closed."""
    tab = DeskTab.objects.select_for_update(of=("self",)).select_related("ticket").filter(channel=channel).first()
    if tab is None:
        return
    tab.delete()
    _ring([tab.ticket] if tab.ticket is not None else [], channel, staff=True)


@transaction.atomic
def sweep_lost_tabs() -> int:
    """Forgets tabs whose process or machine went down; returns how many."""
    lost = list(
        DeskTab.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("ticket")
        .filter(seen_at__lt=now() - GONE_AFTER)
        .order_by("pk")[:500]
    )
    if lost:
        DeskTab.objects.filter(pk__in=[tab.pk for tab in lost]).delete()
        _ring([tab.ticket for tab in lost if tab.ticket is not None], "", staff=True)
    return len(lost)


def _ring(tickets: Iterable[Ticket], tab: str, *, staff: bool) -> None:
    """`tab` caused it and need not hear of itself; `staff` rings for the list of colleagues too."""
    frames: dict[int, tuple[str, dict[str, Any]]] = {}
    lists: dict[int, tuple[str, dict[str, Any]]] = {}
    for ticket in tickets:
        here: dict[str, Any] = {"type": "presence.changed", "ticket": str(ticket.public_id), "tab": tab}
        frames[ticket.pk] = (realtime.ticket_group(ticket.pk), here)
        row: dict[str, Any] = {"type": "viewers.changed", "number": ticket.number, "tab": tab}
        lists[ticket.pk] = (realtime.queue_group(ticket.queue_id), row)
    everywhere = [(realtime.DESK_GROUP, {"type": "colleagues.changed", "tab": tab})] if staff else []
    realtime.publish_many([*frames.values(), *lists.values(), *everywhere])
