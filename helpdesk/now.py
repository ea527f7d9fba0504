"""The only clock of the house: the database's time, read each minute and carried on by the monotonic clock.

A stepped clock of this process therefore moves nothing, and hosts whose clocks differ agree. SQL gets the time as a
parameter. Tests set it with `frozen()`, child processes of tests by the setting FROZEN_NOW.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

_REREAD_SECONDS = 60.0
_lock = threading.Lock()
_anchor: tuple[datetime, float] | None = None
_frozen: datetime | None = None


def now() -> datetime:
    """The current instant, aware, in UTC."""
    if _frozen is not None:
        return _frozen
    if settings.FROZEN_NOW:
        return datetime.fromisoformat(settings.FROZEN_NOW)
    ticks = time.monotonic()
    anchor = _anchor
    if anchor is None or ticks - anchor[1] > _REREAD_SECONDS:
        anchor = _read_anchor(anchor, ticks)
    return anchor[0] + timedelta(seconds=ticks - anchor[1])


def _read_anchor(old: tuple[datetime, float] | None, ticks: float) -> tuple[datetime, float]:
    """Reads the database's clock; while the database is away or its transaction is broken, the old reading goes on."""
    global _anchor
    with _lock:
        if _anchor is not None and _anchor is not old and ticks - _anchor[1] <= _REREAD_SECONDS:
            return _anchor
        try:
            if connection.needs_rollback:
                return old or (datetime.now(UTC), ticks)
            before = time.monotonic()
            with connection.cursor() as cursor:
                cursor.execute("SELECT clock_timestamp()")
                read: datetime = cursor.fetchone()[0]
            after = time.monotonic()
        except (DatabaseError, InterfaceError):
            return old or (datetime.now(UTC), ticks)
        _anchor = (read.astimezone(UTC), (before + after) / 2)
        return _anchor


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Holds the clock of this process at `at` (tests and dry runs)."""
    global _frozen
    previous, _frozen = _frozen, at
    try:
        yield
    finally:
        _frozen = previous
