"""How long a ticket stood in each status: a pure function over the changes of its event stream.

The parts lie end to end from the opening to `until`, so they add up to the whole. Imports no Django; read for the page by
helpdesk.queries.time_in_state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from helpdesk.hours import Calendar, business_seconds_between


@dataclass(frozen=True, slots=True)
class Stretch:
    """One status from `begin` up to, not including, `end`."""

    status: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Share:
    """All stretches of one status together, in seconds; `business_seconds` is None without a calendar."""

    status: str
    seconds: float
    business_seconds: float | None


def stretches(
    opened_at: datetime, first: str, changes: Iterable[tuple[datetime, str]], until: datetime
) -> list[Stretch]:
    """The statuses one after the other. `changes` are (moment, new status) in the order of the stream.

    A change to the status that stands already, or an empty one, begins nothing new. Moments before the opening, before the
    change that precedes them or after `until` are moved to there: clocks of mail servers are not ours.
    """
    found: list[Stretch] = []
    status, begin, end = first, opened_at, max(opened_at, until)
    for at, becomes in changes:
        if not becomes or becomes == status:
            continue
        moment = min(max(at, begin), end)
        _add(found, Stretch(status, begin, moment))
        status, begin = becomes, moment
    _add(found, Stretch(status, begin, end))
    return found or [Stretch(status, begin, end)]


def _add(found: list[Stretch], part: Stretch) -> None:
    """Leaves out what lasted no time; what then lies beside its like becomes one with it."""
    if part.end <= part.begin:
        return
    if found and found[-1].status == part.status:
        part = Stretch(part.status, found.pop().begin, part.end)
    found.append(part)


def shares(parts: Iterable[Stretch], calendar: Calendar | None = None) -> list[Share]:
    """What each status has of the time, in the order in which they first stood."""
    elapsed: dict[str, float] = {}
    business: dict[str, float] = {}
    for part in parts:
        elapsed[part.status] = elapsed.get(part.status, 0.0) + (part.end - part.begin).total_seconds()
        if calendar is not None:
            open_seconds = business_seconds_between(part.begin, part.end, calendar)
            business[part.status] = business.get(part.status, 0.0) + open_seconds
    return [Share(status, seconds, business.get(status)) for status, seconds in elapsed.items()]
