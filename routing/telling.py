"""What the dispatcher writes beside offers: alerts to leads, why contacts wait, to which other queues they were opened.

Kept by one term of the role (routing.router); all of it may be thrown away and would only be said once more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from routing.actions import arriving
from routing.core.pool import Pool
from routing.models import Decision, WorkItem
from routing.queries.house import House
from routing.queries.waiting import Waiting

#: Time spent in one turn on writing down why others wait, so that ten thousand waiting hold up nobody.
EXPLAIN_SECONDS = 0.02
ALERTS = frozenset({"unstaffed", "never_opens", "nobody_anywhere", "too_many_needs", "unknown_skill"})
#: Said when one contact is met, not when the queues are looked over: they are remembered for the term.
_OF_ONE = frozenset({"nobody_anywhere", "unknown_skill"})


class Telling:
    """What was said so far, so that it is said once."""

    def __init__(self) -> None:
        self.alerted: set[tuple[int, str]] = set()
        self.why: dict[int, str] = {}  # what was last written about an item's wait
        self.opened: dict[
            int, tuple[tuple[int, str], ...]
        ] = {}  # to which queues an item was opened, and by which rules
        self.to_explain: dict[int, None] = {}
        self.fresh: list[Decision] = []  # decisions to be written at the end of the turn

    def forget(self, key: int) -> None:
        """The item waits no more."""
        self.why.pop(key, None)
        self.opened.pop(key, None)

    def keep(self, keys: Mapping[int, Any]) -> None:
        """Of these items only is anything remembered."""
        self.why = {key: words for key, words in self.why.items() if key in keys}
        self.opened = {key: queues for key, queues in self.opened.items() if key in keys}

    def overflows(self, row: WorkItem, waiting: Waiting, house: House, at: datetime) -> None:
        """Notes the rules by which agents of other queues may take it, whenever they change."""
        if self.opened.get(row.pk, ()) == waiting.overflow:
            return
        self.opened[row.pk] = waiting.overflow
        here = house.now(row.queue_id, at)
        ewt = None if here.ewt is None else min(round(here.ewt, 1), 10.0**9)  # JSON has no infinity
        record = {
            "by": "rules",
            "home": row.queue_id,
            "opened": [{"queue": queue, "why": why} for queue, why in waiting.overflow],
            "waited": round((at - row.entered_at).total_seconds(), 1),
            "waiting": here.waiting,
            "ewt": ewt,
            "service_level": here.service_level,
            "staffed": here.staffed,
        }
        self.fresh.append(Decision(item=row, at=at, kind="opened", record=record))

    def alert(self, row: WorkItem, why: str) -> None:
        """Leads hear once of a queue that cannot give a contact to anybody."""
        if why in ALERTS and (row.queue_id, why) not in self.alerted:
            self.alerted.add((row.queue_id, why))
            arriving.alert_leads(row, why)

    def alerts(self, house: House, rows: Mapping[int, WorkItem], crowded: Mapping[int, int], at: datetime) -> None:
        """Queues in which somebody waits whom nobody can take: none at work, or it never opens; and those with too many
        different needs (`crowded`: queue -> contacts put aside)."""
        trouble: set[tuple[int, str]] = {(queue, "too_many_needs") for queue in crowded}
        for queue, count in house.waiting.items():
            if count > 0 and queue in house.queues:
                opened, changes_at = house.opening(queue, at)
                if opened and not house.staffed[queue]:
                    trouble.add((queue, "unstaffed"))
                elif not opened and changes_at is None:
                    trouble.add((queue, "never_opens"))
        new = trouble - self.alerted
        self.alerted = {one for one in self.alerted if one in trouble or one[1] in _OF_ONE}
        for queue, why in new:
            row = next((row for row in rows.values() if row.queue_id == queue), None)
            if row is not None:
                self.alert(row, why)

    def explain(self, pool: Pool, at: datetime) -> None:
        """A decision row for each item whose reasons for waiting have changed; as many as there is time for."""
        until = time.monotonic() + EXPLAIN_SECONDS
        while self.to_explain and time.monotonic() < until:
            key = next(iter(self.to_explain))
            del self.to_explain[key]
            if key not in pool.items:
                continue
            record = pool.explain(key, at.timestamp())
            words = repr((sorted(record.reasons.items()), sorted(record.missing.items())))
            if self.why.get(key) != words:
                self.why[key] = words
                self.fresh.append(Decision(item_id=key, at=at, kind="wait", record=plain(asdict(record))))

    def write(self) -> None:
        """Writes what has gathered; items that are gone meanwhile are passed over."""
        fresh, self.fresh = self.fresh, []
        if fresh:
            Decision.objects.bulk_create(fresh, ignore_conflicts=True)


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """A record as JSON keeps it."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in record.items()}
