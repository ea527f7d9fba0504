"""Every change of routing's rows is one of these functions. Locks: tickets, then work items, then agents, each by rising key."""

from __future__ import annotations

from collections.abc import Iterable

from helpdesk import jobs
from routing.models import AgentPresence, Dirty, WorkItem


def lock_items(keys: Iterable[int]) -> dict[int, WorkItem]:
    """The work items by key, their rows locked by rising key. The caller holds the locks of their tickets."""
    rows = WorkItem.objects.select_for_update(of=("self",)).filter(pk__in=set(keys)).order_by("pk")
    return {item.pk: item for item in rows}


def lock_agents(keys: Iterable[int]) -> dict[int, AgentPresence]:
    """The states of agents by the key of the user, locked by rising key. Who has none yet is missing."""
    rows = AgentPresence.objects.select_for_update(of=("self",)).filter(user__in=set(keys)).order_by("user_id")
    return {row.user_id: row for row in rows}


def mark_dirty(kind: Dirty.Kind, refs: Iterable[int]) -> None:
    """Makes the dispatcher look at these again, in the transaction of the change; it is woken at commit."""
    _mark([Dirty(kind=kind, ref=ref) for ref in refs])


def look_again(*, items: Iterable[int] = (), agents: Iterable[int] = ()) -> None:
    """As `mark_dirty` for contacts and agents together, in the same two statements."""
    rows = [Dirty(kind=Dirty.Kind.ITEM, ref=ref) for ref in dict.fromkeys(items)]
    _mark([*rows, *(Dirty(kind=Dirty.Kind.AGENT, ref=ref) for ref in dict.fromkeys(agents))])


def _mark(rows: list[Dirty]) -> None:
    if rows:
        Dirty.objects.bulk_create(rows)
        jobs.wake_dispatcher("route")
