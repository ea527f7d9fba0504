"""What the pages show of joined tickets: where a merged one leads, what was merged here, what may be merged, relatives.

Every read goes through `door`, which is `Ticket.objects.visible_to(actor)`: a number one may not see is not told.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Case, Q, QuerySet, Value, When

from helpdesk.models import FINISHED, UNFINISHED, Audience, LinkKind, Message, Status, Ticket, TicketLink, TicketMerge

_OF_A_LINE = ("number", "subject", "status", "opened_at", "customer_id", "customer__name")
_CANDIDATES = 8
_MESSAGES_OFFERED = 100
_LINKS_SHOWN = 200
_HOPS = 20


def survivor_of(door: QuerySet[Ticket], ticket: Ticket) -> Ticket | None:
    """The ticket at the end of the chain of merges behind `door`; None when this one stands for itself or that is hidden."""
    at: int | None = ticket.merged_into_id
    for _hop in range(_HOPS):
        further = Ticket.objects.filter(pk=at).values_list("merged_into_id", flat=True).first() if at else None
        if further is None:
            break
        at = further
    return door.filter(pk=at).first() if at else None


@dataclass(frozen=True)
class Joined:
    """A ticket that was merged into the one shown."""

    number: int
    subject: str
    at: datetime


def joined_here(door: QuerySet[Ticket], ticket: Ticket) -> list[Joined]:
    """What stands merged into this ticket, oldest first."""
    rows = TicketMerge.objects.filter(target=ticket, undone_at__isnull=True, source__in=door.values("pk"))
    return [Joined(*row) for row in rows.order_by("at", "pk").values_list("source__number", "source__subject", "at")]


def by_numbers(door: QuerySet[Ticket], numbers: Iterable[int]) -> list[Ticket]:
    """The tickets with these numbers, in the order given, without those that are not behind `door`."""
    wanted = list(dict.fromkeys(numbers))
    if not wanted:
        return []
    found = {t.number: t for t in door.filter(number__in=wanted).select_related("queue", "customer")}
    return [found[number] for number in wanted if number in found]


def candidates(
    door: QuerySet[Ticket], ticket: Ticket, text: str, *, open_only: bool = False, chosen: Iterable[int] = ()
) -> list[Ticket]:
    """Tickets to join with: those chosen already, the one with this number, then the customer's own by words, open ones first."""
    first = by_numbers(door, chosen)
    pool = door.exclude(pk=ticket.pk).exclude(status=Status.SPAM).filter(merged_into__isnull=True)
    if open_only:
        pool = pool.exclude(status=Status.CLOSED)
    theirs = Q(customer_id=ticket.customer_id)
    typed = text.strip().lstrip("#").strip()
    if typed.isdecimal():
        wanted = Q(number=int(typed[:18])) | (theirs & _begins_with(typed))
    else:
        wanted = theirs
        for word in text.split()[:6]:
            wanted &= Q(subject__icontains=word)
    is_open = Case(When(status__in=UNFINISHED, then=Value(0)), default=Value(1))
    rows = (
        pool.filter(wanted)
        .exclude(pk__in=[t.pk for t in first])
        .select_related("customer")
        .only(*_OF_A_LINE)
        .order_by(is_open, "-opened_at", "-pk")
    )
    return [*first, *rows[:_CANDIDATES]]


def _begins_with(digits: str) -> Q:
    """Numbers that begin with these digits, as ranges an index understands."""
    found = Q(pk__in=[])
    for more in range(1, max(1, 12 - len(digits))):
        low = int(digits) * 10**more
        found |= Q(number__gte=low, number__lt=low + 10**more)
    return found


def offered_messages(ticket: Ticket, *, may_read_notes: bool) -> list[Message]:
    """The newest messages that may leave the ticket, newest first."""
    audiences = [Audience.PUBLIC, Audience.INTERNAL] if may_read_notes else [Audience.PUBLIC]
    found = Message.objects.filter(ticket=ticket, audience__in=audiences, withdrawn_at__isnull=True)
    return list(
        found.only(
            "public_id", "sender_name", "sender_email", "audience", "reply_text", "created_at", "author_user_id"
        ).order_by("-created_at", "-pk")[:_MESSAGES_OFFERED]
    )


def messages_named(ticket: Ticket, keys: Iterable[uuid.UUID], *, may_read_notes: bool) -> list[Message]:
    """The messages of the ticket with these public ids."""
    audiences = [Audience.PUBLIC, Audience.INTERNAL] if may_read_notes else [Audience.PUBLIC]
    return list(Message.objects.filter(ticket=ticket, public_id__in=list(keys), audience__in=audiences))


@dataclass(frozen=True)
class Relative:
    """A linked ticket, read from the one shown. `is_here`: the link points at the one shown."""

    ticket: Ticket
    kind: str
    is_here: bool


@dataclass
class Relatives:
    """All linked tickets that one may see; `done` of `children` are resolved or closed."""

    parents: list[Relative] = field(default_factory=list)
    children: list[Relative] = field(default_factory=list)
    others: list[Relative] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.parents) + len(self.children) + len(self.others)

    @property
    def done(self) -> int:
        """How many of the parts are finished."""
        return sum(relative.ticket.status in FINISHED for relative in self.children)

    @property
    def done_percent(self) -> int:
        """The share of finished parts, 0 to 100."""
        return round(100 * self.done / len(self.children)) if self.children else 0


def relatives(door: QuerySet[Ticket], ticket: Ticket) -> Relatives:
    """Linked tickets in both directions: parents, parts, and the rest."""
    found = Relatives()
    links = list(TicketLink.objects.filter(Q(ticket=ticket) | Q(other=ticket)).order_by("pk")[:_LINKS_SHOWN])
    if not links:
        return found
    far = {link.other_id if link.ticket_id == ticket.pk else link.ticket_id for link in links}
    visible = {t.pk: t for t in door.filter(pk__in=far).only("number", "subject", "status", "opened_at")}
    for link in links:
        is_here = link.ticket_id != ticket.pk
        other = visible.get(link.ticket_id if is_here else link.other_id)
        if other is None:
            continue
        relative = Relative(other, link.kind, is_here)
        if link.kind == LinkKind.CHILD:
            (found.children if is_here else found.parents).append(relative)
        else:
            found.others.append(relative)
    return found
