"""The settings of all queues as the engine takes them, with what changes by the clock: hours, staff at work, lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from helpdesk.hours import Calendar, is_open, next_closing, next_opening
from helpdesk.models import Queue
from routing.core.closed import NO_RULES, ClosedRules, QueueNow, state_of
from routing.core.engine import Agent, QueueRules
from routing.core.plan import Plan
from routing.models import QueueRouting
from routing.queries.settings import rules_of

#: Reasons of not being ready with which one is not at work at all.
NOT_AT_WORK = frozenset({"offline", "disconnected", "outside_shift"})


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds that a contact which came now would wait, and the share answered in time of late; None: not known."""

    ewt: float | None = None
    service_level: float | None = None


UNMEASURED = Measured()


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds a contact of a queue is handled for, and those people wait before they give up; None: not known."""

    handle_seconds: float | None = None
    patience_seconds: float | None = None


@dataclass(slots=True)
class House:
    """Settings of all queues, read together and kept for a term; `at` is when."""

    at: datetime
    rules: dict[int, QueueRouting]
    queues: dict[int, Queue]
    closed: dict[int, ClosedRules]
    calendars: dict[int, Calendar | None] = field(default_factory=dict)
    plans: dict[int, Plan] = field(default_factory=dict)  # by key of the PlanVersion
    staffed: Counter[int] = field(default_factory=Counter)  # agents at work by queue
    waiting: Counter[int] = field(default_factory=Counter)
    hours: dict[int, tuple[datetime, datetime | None, bool]] = field(default_factory=dict)  # from, to, open
    measured: dict[int, Measured] = field(default_factory=dict)  # of queues whose rules ask for it
    paces: dict[int, Pace] = field(default_factory=dict)  # the same, read once for a house

    def now(self, queue: int, at: datetime) -> QueueNow:
        """A queue at this moment: its hours, who is at work, how many wait, estimated wait and level where they are asked for."""
        opened, changes_at = self.opening(queue, at)
        measured = self.measured.get(queue, UNMEASURED)
        return QueueNow(
            opened,
            at if opened else changes_at,
            self.staffed[queue],
            self.waiting[queue],
            measured.ewt,
            measured.service_level,
        )

    def state(self, queue: int, at: datetime) -> str:
        """Why the queue takes no contact now, "" where it does (`routing.core.closed.state_of`)."""
        return state_of(self.closed[queue], self.now(queue, at), at)

    def opening(self, queue: int, at: datetime) -> tuple[bool, datetime | None]:
        """Whether the queue is open, and when that changes; None for never. Found once for each stretch of hours."""
        calendar = self.calendars[queue]
        if calendar is None:
            return True, None
        begins, ends, opened = self.hours.get(queue, (at, at, False))
        if not begins <= at or (ends is not None and at >= ends):
            opened = is_open(at, calendar)
            ends = next_closing(at, calendar) if opened else next_opening(at, calendar)
            self.hours[queue] = (at, ends, opened)
        return opened, ends

    def now_of_all(self, at: datetime) -> dict[int, QueueNow]:
        """Every queue at this moment."""
        return {key: self.now(key, at) for key in self.queues}

    def count_staff(self, agents: Iterable[Agent]) -> None:
        """Counts by queue who is at work, on contacts and breaks included."""
        self.staffed = Counter(queue for agent in agents if agent.why_not not in NOT_AT_WORK for queue in agent.queues)


def read_house(at: datetime) -> House:
    """Queues and their settings. Three queries."""
    found = Queue.objects.filter(is_active=True).select_related("calendar").prefetch_related("calendar__days_off")
    queues = {queue.pk: queue for queue in found}
    rules = rules_of(queues)
    closed = {key: ClosedRules.from_dict(rule.closed) if rule.closed else NO_RULES for key, rule in rules.items()}
    calendars = {key: None if q.calendar is None else q.calendar.as_calendar() for key, q in queues.items()}
    return House(at, rules, queues, closed, calendars)


def queue_rules(house: House) -> list[QueueRules]:
    """The queues as the pool takes them."""
    return [QueueRules(key, rule.strategy, rule.weight, rule.bands) for key, rule in house.rules.items()]
