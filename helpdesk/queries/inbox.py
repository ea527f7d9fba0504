"""The ticket lists: what a filter means, one page by keyset, capped counts in one statement. Words are found.py's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from helpdesk.models import (
    ACTIVE,
    Actor,
    Channel,
    Priority,
    Status,
    Ticket,
    TicketTag,
)

#: About two screens; the next rows come by themselves when the last one is seen, and each row costs most of a millisecond.
PAGE_SIZE = 30
#: Counts stop here and are shown as "99+": an exact count of a long list is work that nobody reads.
COUNT_CAP = 100


@dataclass(frozen=True)
class TicketFilter:
    """What a list shows. `owner` is "", "me", "none" or the key of a user; empty fields do not narrow."""

    statuses: tuple[str, ...] = ()
    queue: int | None = None
    owner: str = ""
    tag: str = ""
    channel: str = ""
    priority: int | None = None
    text: str = ""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TicketFilter:
        """From a saved view or a decoded form; what is unknown or malformed is left out, never an error."""
        statuses = data.get("statuses")
        return cls(
            statuses=tuple(s for s in statuses if s in Status.values) if isinstance(statuses, list | tuple) else (),
            queue=_number(data.get("queue")),
            owner=owner if (owner := str(data.get("owner") or "")) in {"me", "none"} or owner.isdecimal() else "",
            tag=str(data.get("tag") or "")[:60].strip(),
            channel=channel if (channel := str(data.get("channel") or "")) in Channel.values else "",
            priority=level if (level := _number(data.get("priority"))) in Priority.values else None,
            text=str(data.get("text") or "")[:200].strip(),
        )

    def to_dict(self) -> dict[str, Any]:
        """What a saved view keeps: the fields that narrow."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items() if value}

    @property
    def by_rank(self) -> bool:
        """Whether the list is of what has to be done (nearest first) or of what was (newest first)."""
        return bool(self.statuses) and set(self.statuses) <= set(ACTIVE)

    def with_text(self, text: str) -> TicketFilter:
        """The same filter looking for `text`."""
        return replace(self, text=text.strip()[:200])


def _number(value: object) -> int | None:
    text = str(value or "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def narrowed(base: QuerySet[Ticket], wanted: TicketFilter, actor: Actor) -> QuerySet[Ticket]:
    """`base` (already only what the actor may see) narrowed by the filter, unordered."""
    found = base
    if wanted.statuses:
        found = found.filter(status__in=wanted.statuses)
    if wanted.queue is not None:
        found = found.filter(queue_id=wanted.queue)
    if wanted.owner == "none":
        found = found.filter(owner__isnull=True)
    elif wanted.owner == "me":
        found = found.filter(owner_id=actor.id)
    elif wanted.owner:
        found = found.filter(owner_id=int(wanted.owner))
    if wanted.tag:
        found = found.filter(Exists(TicketTag.objects.filter(ticket_id=OuterRef("pk"), tag__name__iexact=wanted.tag)))
    if wanted.channel:
        found = found.filter(channel=wanted.channel)
    if wanted.priority is not None:
        found = found.filter(priority=wanted.priority)
    return found


class ListRow(NamedTuple):
    """What a list shows of a ticket, and no more: whole tickets with their people cost three times as much to read."""

    pk: int
    number: int
    subject: str
    status: str
    priority: int
    channel: str
    snippet: str
    changed_at: datetime
    rank_at: datetime
    waiting_since_at: datetime | None
    due_at: datetime | None
    snoozed_until_at: datetime | None
    customer_name: str
    customer_public_id: UUID
    owner_id: int | None
    owner_name: str | None
    owner_email: str | None
    label: str | None


_ROW_COLUMNS = (
    *("pk", "number", "subject", "status", "priority", "channel", "snippet"),
    *("changed_at", "rank_at", "waiting_since_at", "due_at", "snoozed_until_at"),
    *("customer__name", "customer__public_id", "owner_id", "owner__name", "owner__email", "label__label_agent"),
)


@dataclass(frozen=True)
class Page:
    """Rows of a list and the cursor of the next page ("" at the end)."""

    tickets: list[ListRow]
    next_cursor: str


def inbox_page(
    actor: Actor, wanted: TicketFilter, cursor: str = "", size: int = PAGE_SIZE, *, door: QuerySet[Ticket] | None = None
) -> Page:
    """One page by keyset: no page is slower for being deep. A cursor that is not ours begins at the top.

    `door` is `Ticket.objects.visible_to(actor)` where the caller has made it already. A filter with text is found_page's.
    """
    if wanted.text:
        raise ValueError("words are looked for by helpdesk.queries.found")
    base = Ticket.objects.visible_to(actor) if door is None else door
    return listed(narrowed(base, wanted, actor), wanted, cursor, size)


def listed(found: QuerySet[Ticket], wanted: TicketFilter, cursor: str, size: int) -> Page:
    """One page of tickets that are narrowed already, in the order of the filter."""
    after = _decoded(cursor)
    if wanted.by_rank:
        if after:
            found = found.filter(rank_at__gte=after[0]).exclude(rank_at=after[0], pk__lte=after[1])
        found = found.order_by("rank_at", "pk")
    else:
        if after:
            found = found.filter(changed_at__lte=after[0]).exclude(changed_at=after[0], pk__gte=after[1])
        found = found.order_by("-changed_at", "-pk")
    rows = list_rows(found[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    last = rows[-1] if rows else None
    cursor = f"{(last.rank_at if wanted.by_rank else last.changed_at).isoformat()}~{last.pk}" if more and last else ""
    return Page(rows, cursor)


def list_rows(found: QuerySet[Ticket]) -> list[ListRow]:
    """The tickets as a list shows them."""
    return [ListRow(*row) for row in found.values_list(*_ROW_COLUMNS)]


def _decoded(cursor: str) -> tuple[datetime, int] | None:
    at, _, key = cursor.partition("~")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, int(key)) if moment.tzinfo else None
    except ValueError:
        return None


def capped_counts(
    actor: Actor, filters: Iterable[TicketFilter], *, door: QuerySet[Ticket] | None = None
) -> list[int | None]:
    """How many tickets each filter has, up to COUNT_CAP, all in one statement. None for a filter with words in it."""
    base = Ticket.objects.visible_to(actor) if door is None else door
    counts: list[int | None] = []
    seen = _door_words(base)
    selects: list[str] = []
    params: list[Any] = []
    places: list[int] = []
    for place, wanted in enumerate(filters):
        counts.append(None if wanted.text else 0)
        if wanted.text:
            continue
        statement = _counting(base, seen, wanted, actor)
        if statement is None:
            continue
        sql, values = statement
        # the ORM wrote the statement; its values go as parameters
        selects.append(f"(SELECT count(*) FROM ({sql}) AS c{place})")  # noqa: S608
        params.extend(values)
        places.append(place)
    if selects:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(selects)}", params)
            row = cursor.fetchone()
        for place, count in zip(places, row, strict=True):
            counts[place] = count
    return counts


#: Statements of counts, by what they are made from: making the twenty of one page anew takes longer than running them.
_statements: dict[tuple[object, ...], tuple[str, tuple[Any, ...]] | None] = {}
_STATEMENTS_KEPT = 5_000


def _door_words(base: QuerySet[Ticket]) -> tuple[object, ...] | None:
    """What tells one door from another; None for one through which nothing can be seen."""
    try:
        sql, values = base.query.sql_with_params()
    except EmptyResultSet:
        return None
    return (sql, *values)


def _counting(
    base: QuerySet[Ticket], door: tuple[object, ...] | None, wanted: TicketFilter, actor: Actor
) -> tuple[str, tuple[Any, ...]] | None:
    """SQL and values that list up to COUNT_CAP keys of a filter; None where nothing can be in it."""
    if door is None:
        return None
    key = (door, wanted, actor.id if wanted.owner == "me" else None, COUNT_CAP)
    if key not in _statements:
        if len(_statements) >= _STATEMENTS_KEPT:
            _statements.clear()
        try:
            sql, values = narrowed(base, wanted, actor).order_by().values_list("pk")[:COUNT_CAP].query.sql_with_params()
            _statements[key] = (sql, tuple(values))
        except EmptyResultSet:
            _statements[key] = None
    return _statements[key]
