"""The heads of what sockets watch: noticed from the rows themselves, so that a lost doorbell is found out within seconds.

One reader a process asks at most once a second what was recorded since it last asked; each heartbeat of a tab is then
answered from memory. Called by the staff socket. Ids are given before commit, so a slower transaction would be passed by:
every read goes back over `GRACE_SECONDS` and counts what it has not counted yet.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from helpdesk.now import now

#: How old an answer may be.
FRESH_SECONDS = 1.0
#: A transaction open for longer than this is heard of by its doorbell alone.
GRACE_SECONDS = 60.0
#: Ids that the very first read goes back, to answer pages that are a moment old.
_FIRST_REACH = 500
#: More than this since the last read is no news for a list but another list: everybody looks again.
_FLOOD = 5_000
_NEWS = """
    SELECT e.id, e.ticket_id, e.seq, e.at, t.queue_id, CASE WHEN e.kind = 'moved' THEN (e.data->>'previous')::bigint END
    FROM helpdesk_ticketevent AS e JOIN helpdesk_ticket AS t ON t.id = e.ticket_id
    WHERE e.id > %s ORDER BY e.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Head:
    """`events` counts what happened in the queues since this process looks; `seq` is 0 for a ticket at rest."""

    events: int
    seq: int
    is_newer: bool


class Heads:
    """What happened lately, by queue and by ticket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._reach: deque[tuple[float, int]] = deque()  # when, and the newest id then
        self._counted: dict[int, int] = {}  # id of an event -> its ticket, within reach
        self._by_queue: Counter[int] = Counter()
        self._newest: dict[int, datetime] = {}  # queue -> when something happened last
        self._seqs: dict[int, int] = {}

    @property
    def is_fresh(self) -> bool:
        """Whether `head` answers from memory."""
        return time.monotonic() - self._read_at < FRESH_SECONDS

    def head(self, queues: Iterable[int], ticket: int | None, age_seconds: float | None = None) -> Head:
        """The head for a tab with these queues in its lists and this ticket open; one query unless `is_fresh`.

        `is_newer` says whether anything happened in the queues within the last `age_seconds`, for a page fetched then.
        """
        with self._lock:
            if not self.is_fresh:
                self._read()
            queues = list(queues)
            since = now() - timedelta(seconds=age_seconds) if age_seconds is not None else None
            newer = since is not None and any(self._newest[q] >= since for q in queues if q in self._newest)
            return Head(
                sum(self._by_queue[q] for q in queues), self._seqs.get(ticket, 0) if ticket is not None else 0, newer
            )

    def _read(self) -> None:
        ticks = time.monotonic()
        with connection.cursor() as cursor:
            if not self._reach:
                cursor.execute("SELECT coalesce(max(id), 0) FROM helpdesk_ticketevent")
                self._reach.append((ticks, max(0, int(cursor.fetchone()[0]) - _FIRST_REACH)))
            cursor.execute(_NEWS, [self._reach[0][1], _FLOOD + len(self._counted)])
            rows = cursor.fetchall()
        news = [row for row in rows if row[0] not in self._counted]
        for key, ticket, seq, at, queue, previous in news:
            self._counted[key] = ticket
            self._seqs[ticket] = max(seq, self._seqs.get(ticket, 0))
            for concerned in {queue, previous} - {None}:
                self._by_queue[concerned] += 1
                self._newest[concerned] = max(at, self._newest.get(concerned, at))
        if len(news) >= _FLOOD:
            self._by_queue.update(self._by_queue.keys())
        newest = max(rows[-1][0] if rows else 0, self._reach[-1][1])
        self._reach.append((ticks, newest))
        self._forget(ticks, flood=len(news) >= _FLOOD)
        self._read_at = ticks

    def _forget(self, ticks: float, *, flood: bool) -> None:
        while len(self._reach) > 1 and (flood or self._reach[1][0] < ticks - GRACE_SECONDS):
            self._reach.popleft()
        low = self._reach[0][1]
        old = [key for key in self._counted if key <= low]
        for key in old:
            del self._counted[key]
        if old:
            moving = set(self._counted.values())
            self._seqs = {ticket: seq for ticket, seq in self._seqs.items() if ticket in moving}
