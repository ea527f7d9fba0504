"""Moments by name: later today, tomorrow at nine, Monday at nine. Pure; the zone is that of the moment given.

Called by macros and by the composer's "send later".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

_MORNING = 9


def _morning(local: datetime, days: int) -> datetime:
    """Nine o'clock by the wall so many days on: the offset is worked out again, for a night in which clocks change."""
    day = local.replace(tzinfo=None) + timedelta(days=days)
    return day.replace(hour=_MORNING, minute=0, second=0, microsecond=0, tzinfo=local.tzinfo, fold=0)


_PRESETS: dict[str, Callable[[datetime], datetime]] = {
    "two_hours": lambda local: local + timedelta(hours=2),
    "later": lambda local: local + timedelta(hours=3),
    "tomorrow": lambda local: _morning(local, 1),
    "monday": lambda local: _morning(local, 7 - local.weekday()),
    "week": lambda local: _morning(local, 7),
}


def moment_of(preset: str, local: datetime) -> datetime | None:
    """The moment `preset` stands for at the local time given (hours, aware); None for an unknown name."""
    found = _PRESETS.get(preset)
    return found(local) if found is not None else None
