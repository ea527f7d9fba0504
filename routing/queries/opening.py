"""Whether a queue takes and serves contacts now: its hours, closings by hand, the draining of those who were there before."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from helpdesk.hours import Calendar, is_open, next_opening
from routing.core.closed import Outcome, at_closing, on_arrival, state_of
from routing.models import WorkItem
from routing.queries.house import House


def takes(house: House, queue: int, at: datetime) -> bool:
    """Whether another queue's agents are there to help out."""
    return queue in house.queues and state_of(house.closed[queue], house.now(queue, at), at) in {
        "",
        "full",
        "unstaffed",
    }


def held_of(row: WorkItem, house: House, at: datetime) -> tuple[bool, datetime | None]:
    """Whether the item waits for its queue to open, and when that is to be asked again (None: nothing is to come).

    Who waits when the queue closes is served on, as long as it drains; who comes later waits for the next opening.
    """
    rules, calendar = house.closed[row.queue_id], house.calendars[row.queue_id]
    if rules.emergency_until is not None and at < rules.emergency_until:
        return True, rules.emergency_until
    opened, changes_at = house.opening(row.queue_id, at)
    if opened or calendar is None:
        return False, changes_at
    if not is_draining(row, house, at):
        return True, changes_at
    return False, changes_at if rules.drain_seconds is None else at + timedelta(seconds=min(rules.drain_seconds, 60.0))


def is_draining(row: WorkItem, house: House, at: datetime) -> bool:
    """Whether the item came in open hours of its queue, now closed, and those who did are still served."""
    rules, calendar = house.closed[row.queue_id], house.calendars[row.queue_id]
    if calendar is None or rules.at_closing != "drain":
        return False
    if rules.drain_seconds is not None and not is_open(at - timedelta(seconds=rules.drain_seconds), calendar):
        return False
    return was_open(row, calendar, at)


def was_open(row: WorkItem, calendar: Calendar, at: datetime) -> bool:
    """Whether the queue was open at any time since the item entered."""
    if is_open(row.entered_at, calendar):
        return True
    opening = next_opening(row.entered_at, calendar)
    return opening is not None and opening < at


def arrival_of(row: WorkItem, house: House, at: datetime) -> Outcome:
    """What becomes of a contact that has just come to its queue."""
    return on_arrival(row.queue_id, row.channel, house.closed, house.now_of_all(at), at)


def closing_of(row: WorkItem, house: House, at: datetime) -> str:
    """What becomes of a contact that waits in a queue that has closed: "drain" (or it is not closed), or a behaviour."""
    opened, _changes_at = house.opening(row.queue_id, at)
    if opened or is_draining(row, house, at):
        return "drain"
    return at_closing(house.closed[row.queue_id], row.channel, math.inf)
