"""The figures behind a board: levels by interval of arrival, what the next hour usually brings, how long handling takes.

Each function is one query, whatever the number of queues. The level counts contacts that are handed out (offered or
assigned); only where a queue has none of them and a target was set for it, those its agents take themselves. Called by
routing.queries.board.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import repeat
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, DurationField, ExpressionWrapper, F, IntegerField, Q, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Extract, Floor

from helpdesk.models import Queue
from routing.core.estimate import blended_handling, patience
from routing.core.outlook import Tally
from routing.models import Assignment, Callback, Handing, QueueRouting, WorkItem

#: Intervals of arrival, counted back from now; "now" is the last two of them.
SLOT_SECONDS = 900
NOW_SLOTS = 2
HOUR = timedelta(hours=1)
WEEKS = 4
#: What handling and patience are told from.
USUAL = timedelta(days=7)
#: Ends of a wait without an answer: the customer left.
GAVE_UP = ("abandoned", "left", "gave_up")
#: Ends by an agent's hand without an assignment: he answered without taking the contact first.
DEALT_WITH = ("handled", "pending", "resolved", "on_hold")
_SECOND = Value(timedelta(seconds=1), output_field=DurationField())


def midnight_of(queue: Queue, at: datetime) -> datetime:
    """When the queue's day began, in the time zone of its hours."""
    zone = ZoneInfo(queue.calendar.time_zone) if queue.calendar is not None else ZoneInfo("UTC")
    return at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def tallies(queues: Sequence[Queue], rules: Mapping[int, QueueRouting], at: datetime) -> dict[int, dict[int, Tally]]:
    """By queue: slot of SLOT_SECONDS counted back from `at` -> what arrived in it, since the queue's midnight."""
    days: dict[datetime, list[int]] = defaultdict(list)
    for queue in queues:
        days[midnight_of(queue, at)].append(queue.pk)
    since = Q(pk__in=[])
    for begun, keys in days.items():
        since |= Q(queue__in=keys, entered_at__gte=begun, entered_at__lte=at)
    answered = Coalesce(F("answered_at"), Case(When(outcome__in=DEALT_WITH, then=F("done_at"))))
    rows = (
        WorkItem.objects.filter(since, callback__isnull=True)  # who is called back does not wait at the line
        .order_by()
        .annotate(
            slot=Floor(
                Extract(ExpressionWrapper(Value(at) - F("entered_at"), output_field=DurationField()), "epoch")
                / SLOT_SECONDS,
                output_field=IntegerField(),
            ),
            until=answered,
            within=ExpressionWrapper(F("entered_at") + _seconds(rules, "target_seconds"), output_field=_MOMENT),
            counts_from=ExpressionWrapper(
                F("entered_at") + _seconds(rules, "short_abandon_seconds"), output_field=_MOMENT
            ),
        )
        .values("queue_id", "handing", "slot")
        .annotate(
            in_time=Count("pk", filter=Q(until__lte=F("within"))),
            late=Count("pk", filter=Q(until__gt=F("within"))),
            overdue=Count("pk", filter=Q(until__isnull=True, done_at__isnull=True, within__lt=at)),
            short=Count("pk", filter=_left(until__isnull=True, done_at__lte=F("counts_from"))),
            gave_up=Count("pk", filter=_left(until__isnull=True, done_at__gt=F("counts_from"))),
        )
    )
    handed: dict[int, dict[int, Tally]] = defaultdict(lambda: defaultdict(Tally))
    pulled: dict[int, dict[int, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for row in rows:
        offered = sum(row[name] for name in ("in_time", "late", "overdue", "short", "gave_up"))
        if offered:
            side = pulled if row["handing"] == Handing.PULL else handed
            side[row["queue_id"]][row["slot"]] += Tally(offered, row["in_time"], row["short"], row["gave_up"])
    for key, slots in pulled.items():
        if key not in handed and rules[key].pk is not None:
            handed[key] = slots
    return {queue.pk: dict(handed.get(queue.pk, {})) for queue in queues}


def _left(**conditions: object) -> Q:
    return Q(outcome__in=GAVE_UP, **conditions)


_MOMENT = WorkItem._meta.get_field("entered_at")


def _seconds(rules: Mapping[int, QueueRouting], name: str) -> Combinable:
    """A queue's setting as an interval; queues without a row of their own have the default."""
    by_value: dict[int, list[int]] = defaultdict(list)
    for key, rule in rules.items():
        by_value[getattr(rule, name)].append(key)
    chosen = Case(
        *(When(queue__in=keys, then=Value(seconds)) for seconds, keys in by_value.items()),
        default=Value(0),
        output_field=IntegerField(),
    )
    return ExpressionWrapper(chosen * _SECOND, output_field=DurationField())


def within(slots: Mapping[int, Tally], newest: int, oldest: int) -> Tally:
    """What arrived in the slots from `newest` (0: now) to before `oldest`."""
    total = Tally()
    for slot, tally in slots.items():
        if newest <= slot < oldest:
            total += tally
    return total


@dataclass(frozen=True, slots=True)
class Expected:
    """Contacts expected in the coming hour; `weeks` same hours of past weeks say so, 0: today's last hour does."""

    contacts: float
    weeks: int


def expected(queues: Sequence[Queue], first: Mapping[int, datetime | None], at: datetime) -> dict[int, Expected | None]:
    """By queue: how many contacts to hand out the coming hour brings, by the same hour of past weeks; else by the last hour.

    `first` is when the queue's first contact came: weeks before it know nothing, and a queue younger than an hour is not
    foretold (None).
    """
    begins = {week: at - timedelta(weeks=week) for week in range(1, WEEKS + 1)}
    wanted = Q(entered_at__gt=at - HOUR, entered_at__lte=at)
    for begun in begins.values():
        wanted |= Q(entered_at__gte=begun, entered_at__lt=begun + HOUR)
    which = Case(
        *(When(entered_at__gte=begun, entered_at__lt=begun + HOUR, then=Value(week)) for week, begun in begins.items()),
        default=Value(0),
        output_field=IntegerField(),
    )
    counts = {
        (row["queue_id"], row["week"]): row["n"]
        for row in WorkItem.objects.filter(wanted, queue__in=[queue.pk for queue in queues])
        .exclude(handing=Handing.PULL)
        .order_by()
        .annotate(week=which)
        .values("queue_id", "week")
        .annotate(n=Count("pk"))
    }
    found: dict[int, Expected | None] = {}
    for queue in queues:
        born = first.get(queue.pk)
        weeks = [week for week, begun in begins.items() if born is not None and born <= begun]
        if weeks:
            found[queue.pk] = Expected(sum(counts.get((queue.pk, week), 0) for week in weeks) / len(weeks), len(weeks))
        elif born is not None and born <= at - HOUR:
            found[queue.pk] = Expected(float(counts.get((queue.pk, 0), 0)), 0)
        else:
            found[queue.pk] = None
    return found


def handling(queues: Iterable[int], at: datetime) -> dict[int, float]:
    """By queue: seconds from beginning to the end of wrap-up, today's drawn towards those of the last seven days."""
    spent = ExpressionWrapper(F("done_at") - F("begun_at"), output_field=DurationField())
    today = Q(begun_at__gte=at - timedelta(hours=12))
    found: dict[int, float] = {}
    for row in (
        Assignment.objects.filter(item__queue__in=list(queues), begun_at__gte=at - USUAL, done_at__isnull=False)
        .exclude(item__handing=Handing.PULL)
        .order_by()
        .values("item__queue_id")
        .annotate(n=Count("pk"), spent=Sum(spent), n_today=Count("pk", filter=today), today=Sum(spent, filter=today))
    ):
        usual = row["spent"].total_seconds() / row["n"]
        mean = row["today"].total_seconds() / row["n_today"] if row["n_today"] else 0.0
        seconds = blended_handling(usual, repeat(mean, row["n_today"]))
        if seconds:
            found[row["item__queue_id"]] = seconds
    return found


def patiences(queues: Iterable[int], at: datetime) -> dict[int, float]:
    """By queue: the mean patience in seconds, where somebody gave up within the last seven days."""
    waited = ExpressionWrapper(Coalesce("answered_at", "done_at") - F("entered_at"), output_field=DurationField())
    found: dict[int, float] = {}
    for row in (
        WorkItem.objects.filter(queue__in=list(queues), entered_at__gte=at - USUAL)
        .exclude(handing=Handing.PULL)
        .exclude(answered_at__isnull=True, done_at__isnull=True)
        .order_by()
        .values("queue_id")
        .annotate(waited=Sum(waited), left=Count("pk", filter=_left(answered_at__isnull=True)))
    ):
        if row["left"]:
            whole = row["waited"].total_seconds()
            mean = patience([(whole, True), *repeat((0.0, True), row["left"] - 1)])
            if mean is not None:
                found[row["queue_id"]] = mean
    return found


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Callbacks of a queue: how many keep their place now; of those ended today, how many were reached."""

    waiting: int = 0
    reached: int = 0
    ended: int = 0


def callbacks(queues: Sequence[Queue], at: datetime) -> dict[int, Callbacks]:
    """By queue. The day is the queue's own."""
    states = Callback.State
    today = Q(pk__in=[])
    for queue in queues:
        today |= Q(queue=queue, ended_at__gte=midnight_of(queue, at))
    return {
        row["queue_id"]: Callbacks(row["waiting"], row["reached"], row["ended"])
        for row in Callback.objects.filter(Q(state__in=Callback.OPEN) | today, queue__in=queues)
        .order_by()
        .values("queue_id")
        .annotate(
            waiting=Count("pk", filter=Q(state__in=Callback.OPEN)),
            reached=Count("pk", filter=Q(state=states.DONE)),
            ended=Count("pk", filter=Q(state__in=[states.DONE, states.FAILED])),
        )
    }
