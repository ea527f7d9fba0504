"""The ticket lists: what a filter means in SQL, and one page of it by keyset in each order. Words are found.py's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from helpdesk.models import (
    ACTIVE,
    Actor,
    ActorKind,
    Mention,
    OutgoingMail,
    Participant,
    Ticket,
    TicketEvent,
    TicketRead,
    TicketTag,
)
from helpdesk.now import now
from helpdesk.queries.drafts import drafts_of
from helpdesk.queries.filters import TicketFilter
from helpdesk.queries.reading import WORDS

__all__ = ["PAGE_SIZE", "ListRow", "Page", "TicketFilter", "inbox_page", "list_rows", "listed", "narrowed"]

#: About two screens; the next rows come by themselves when the last one is seen, and each row costs most of a millisecond.
PAGE_SIZE = 30


def narrowed(base: QuerySet[Ticket], wanted: TicketFilter, actor: Actor, *, counting: bool = False) -> QuerySet[Ticket]:
    """`base` (already only what the actor may see) narrowed by the filter, unordered.

    `counting`: of what stays in a list after it was seen (mentions), only what was not.
    """
    found = base
    if wanted.statuses:
        found = found.filter(status__in=wanted.statuses)
    if wanted.queue is not None:
        found = found.filter(queue_id=wanted.queue)
    if wanted.team is not None:
        found = found.filter(queue__team_id=wanted.team)
    if wanted.owner == "none":
        found = found.filter(owner__isnull=True)
    elif wanted.owner == "me":
        found = found.filter(owner_id=actor.id)
    elif wanted.owner:
        found = found.filter(owner_id=int(wanted.owner))
    if wanted.channel:
        found = found.filter(channel=wanted.channel)
    if wanted.priority is not None:
        found = found.filter(priority__gte=wanted.priority)
    if wanted.issue_type is not None:
        found = found.filter(Q(issue_type_id=wanted.issue_type) | Q(issue_type__parent_id=wanted.issue_type))
    if wanted.language:
        found = found.filter(language__istartswith=wanted.language)
    found = _by_tags(_by_customer(_by_time(found, wanted), wanted), wanted)
    for place, (key, value) in enumerate(wanted.fields):
        name = f"own{place}"
        found = found.alias(**{name: KeyTextTransform(key, "fields")}).filter(**{f"{name}__iexact": value})
    if wanted.unread:
        found = _with_unread(found, actor)
    return _by_list(found, wanted.only, actor, counting=counting) if wanted.only else found


def _by_tags(found: QuerySet[Ticket], wanted: TicketFilter) -> QuerySet[Ticket]:
    tagged = TicketTag.objects.filter(ticket_id=OuterRef("pk"))
    if wanted.untagged:
        found = found.filter(~Exists(tagged))
    if wanted.tags:
        names = Q()
        for name in wanted.tags:
            names |= Q(tag__name__iexact=name)
        found = found.filter(Exists(tagged.filter(names)))
    return found


def _by_customer(found: QuerySet[Ticket], wanted: TicketFilter) -> QuerySet[Ticket]:
    if wanted.tier:
        found = found.filter(customer__tier=wanted.tier)
    if wanted.organisation:
        found = found.filter(customer__organisation__name__istartswith=wanted.organisation)
    return found


def _by_time(found: QuerySet[Ticket], wanted: TicketFilter) -> QuerySet[Ticket]:
    at = now()
    if wanted.older:
        found = found.filter(opened_at__lt=at - timedelta(hours=wanted.older))
    if wanted.newer:
        found = found.filter(opened_at__gte=at - timedelta(hours=wanted.newer))
    if wanted.waiting:
        found = found.filter(waiting_since_at__lt=at - timedelta(hours=wanted.waiting))
    return found


def _with_unread(found: QuerySet[Ticket], actor: Actor) -> QuerySet[Ticket]:
    """Only tickets with words of others the actor has not read; queries/reading.py says the same of the rows of a page."""
    marks = TicketRead.objects.filter(user=actor.user, ticket_id=OuterRef("pk"))
    found = found.alias(read_seq=Coalesce(Subquery(marks.values("seq")[:1]), 0))
    words = TicketEvent.objects.filter(ticket_id=OuterRef("pk"), seq__gt=OuterRef("read_seq"), kind__in=WORDS)
    others = words.exclude(actor_kind=ActorKind.AGENT, actor_id=actor.id)
    return found.filter(Q(Exists(marks)) | Q(status__in=ACTIVE), Exists(others), seq__gt=F("read_seq"))


def _by_list(found: QuerySet[Ticket], only: str, actor: Actor, *, counting: bool) -> QuerySet[Ticket]:
    """The lists that belong to one person, or to the clock."""
    if only in {"deadline", "breached"}:
        found = found.filter(status__in=ACTIVE, due_at__isnull=False)
        return found.filter(due_at__lt=now()) if only == "breached" else found
    if actor.user is None:
        return found.none()
    if only == "mentions":
        keys = Mention.objects.filter(user=actor.user).values("ticket_id")
        found = _with_mentions(found.filter(pk__in=keys), actor)
        return found.filter(Q(is_seen=False)) if counting else found
    if only == "following":
        return found.filter(pk__in=Participant.objects.filter(user=actor.user).values("ticket_id"))
    if only == "drafts":
        return found.filter(pk__in=drafts_of(actor).order_by().values("ticket_id"))
    waiting = OutgoingMail.objects.filter(state=OutgoingMail.State.SCHEDULED, message__author_user=actor.user)
    return found.filter(pk__in=waiting.order_by().values("ticket_id"))


def _with_mentions(found: QuerySet[Ticket], actor: Actor) -> QuerySet[Ticket]:
    """With the moment of the last mention, and whether the ticket was looked at since."""
    mine = Mention.objects.filter(user=actor.user, ticket_id=OuterRef("pk"))
    marks = TicketRead.objects.filter(user=actor.user, ticket_id=OuterRef("pk"), at__gte=OuterRef("mentioned_at"))
    return found.annotate(mentioned_at=Subquery(mine.order_by("-at").values("at")[:1])).annotate(is_seen=Exists(marks))


class ListRow(NamedTuple):
    """What a list shows of a ticket, and no more: whole tickets with their people cost three times as much to read."""

    pk: int
    number: int
    subject: str
    status: str
    priority: int
    channel: str
    snippet: str
    seq: int
    opened_at: datetime
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
    mentioned_at: datetime | None = None
    is_seen: bool | None = None


_ROW_COLUMNS = (
    *("pk", "number", "subject", "status", "priority", "channel", "snippet", "seq", "opened_at"),
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
    """One page of tickets that are narrowed already, in the order of the filter. One query, two where an order has two parts."""
    order = wanted.order
    stages = _STAGES.get(order, ("",))
    stage, after = _decoded(cursor, stages)
    rows: list[ListRow] = []
    for place in stages[stages.index(stage) :]:
        part = _ordered(found, order, place, after)
        rows += list_rows(_keys_first(part, size + 1 - len(rows)) if order == "wait" else part[: size + 1 - len(rows)])
        if len(rows) > size:
            break
        after = None
    more = len(rows) > size
    rows = rows[:size]
    return Page(rows, _cursor(rows[-1], order) if more and rows else "")


#: Orders of two parts, read one after the other, each in the order of one index. The first letter of a cursor tells the part.
_STAGES: dict[str, tuple[str, ...]] = {"wait": ("w", "z"), "mention": ("n", "s")}


def _ordered(found: QuerySet[Ticket], order: str, stage: str, after: tuple[datetime, int] | None) -> QuerySet[Ticket]:
    """The part of an order, from behind the cursor."""
    if stage == "w":
        return _after(found.filter(waiting_since_at__isnull=False), "waiting_since_at", after)
    if stage == "z":
        return _after(found.filter(waiting_since_at__isnull=True), "-changed_at", after)
    if order == "mention":
        return _after(found.filter(Q(is_seen=stage == "s")), "-mentioned_at", after)
    return _after(found, _COLUMNS[order], after)


def _keys_first(found: QuerySet[Ticket], size: int) -> QuerySet[Ticket]:
    """The same page, its keys found before people are joined: where the database sorts, it would join them all first."""
    page = Ticket._default_manager.filter(pk__in=found.values("pk")[:size])
    return page.order_by(*found.query.order_by)


_COLUMNS = {"deadline": "rank_at", "change": "-changed_at", "new": "-opened_at"}


def _after(found: QuerySet[Ticket], column: str, after: tuple[datetime, int] | None) -> QuerySet[Ticket]:
    """Ordered by a time and the key, both in the direction of `column`. The range comes first, so that an index begins there."""
    name = column.removeprefix("-")
    is_falling = column != name
    if after:
        at, pk = after
        key = "pk__gte" if is_falling else "pk__lte"
        found = found.filter(**{f"{name}__{'lte' if is_falling else 'gte'}": at}).exclude(**{name: at, key: pk})
    return found.order_by(column, "-pk" if is_falling else "pk")


def list_rows(found: QuerySet[Ticket]) -> list[ListRow]:
    """The tickets as a list shows them."""
    extra = [name for name in ("mentioned_at", "is_seen") if name in found.query.annotations]
    return [ListRow(*row) for row in found.values_list(*_ROW_COLUMNS, *(F(name) for name in extra))]


def _cursor(row: ListRow, order: str) -> str:
    at: datetime | None
    if order == "wait":
        at, stage = (row.waiting_since_at, "w") if row.waiting_since_at else (row.changed_at, "z")
    elif order == "mention":
        at, stage = row.mentioned_at, "s" if row.is_seen else "n"
    else:
        at, stage = getattr(row, _COLUMNS[order].removeprefix("-")), ""
    assert at is not None
    return f"{stage}{at.isoformat()}~{row.pk}"


def _decoded(cursor: str, stages: tuple[str, ...]) -> tuple[str, tuple[datetime, int] | None]:
    stage = cursor[:1] if cursor[:1] in stages else stages[0]
    at, _, key = cursor.removeprefix(stage).partition("~")
    try:
        moment = datetime.fromisoformat(at)
        return stage, (moment, int(key)) if moment.tzinfo else None
    except ValueError:
        return stages[0], None
