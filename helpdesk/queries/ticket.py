"""One ticket as its page shows it: the timeline of messages and events, changes since a `seq`, people, choices."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import BooleanField, Func, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Length, Replace

from helpdesk.models import (
    Actor,
    Attachment,
    Audience,
    Kind,
    Message,
    OutgoingMail,
    Ticket,
    TicketEvent,
)
from helpdesk.sentences import Names, sentence

#: So many messages are shown at first; a button loads the same number of earlier ones.
MESSAGES_SHOWN = 40
_EVENTS_SHOWN = 400
#: Events whose story the message beside them tells already.
_TOLD_BY_THE_MESSAGE = frozenset(
    {
        Kind.OPENED,
        Kind.CONTACT_RECEIVED,
        Kind.MACHINE_MAIL,
        Kind.REPLIED,
        Kind.REPLY_SCHEDULED,
        Kind.DELIVERED,
        Kind.DELIVERY_FAILED,
        Kind.NOTED,
        Kind.SIDE_SENT,
        Kind.SIDE_RECEIVED,
    }
)
#: Events after which messages have come or gone: the timeline is drawn anew.
_GATHERING = frozenset(
    {
        Kind.MERGED,
        Kind.MERGED_AWAY,
        Kind.UNMERGED,
        Kind.PARTED,
        Kind.SPLIT,
        Kind.MESSAGES_MOVED,
        Kind.MESSAGES_ARRIVED,
    }
)
#: What makes an HTML mail worth its own frame; anything less reads better as text in the page's own type.
_RICH = r"<(img|table|ul|ol|h[1-6]|hr|pre)\M"


@dataclass
class Entry:
    """One line of the timeline: a message with its files and its way out, or a sentence about an event."""

    at: datetime
    seq: int
    message: Message | None = None
    event: TicketEvent | None = None
    words: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    outgoing: OutgoingMail | None = None

    @property
    def key(self) -> str:
        """The id of its element in the page."""
        return f"m-{self.message.public_id}" if self.message else f"e-{self.event.seq if self.event else 0}"

    @property
    def revision(self) -> str:
        """Changes when the element must be drawn again; the page keeps an element whose revision is the same."""
        if self.message is None:
            return "1"
        mail = self.outgoing
        if mail is None:
            way = "in"
        else:
            reached = "".join(str(r.get("state", "?"))[0] for r in mail.recipients)
            way = f"{mail.state}.{mail.attempts}.{mail.due_at.timestamp():.0f}.{int(mail.may_be_doubled)}.{reached}"
        return f"{way}.{int(self.message.withdrawn_at is not None)}"


@dataclass
class Timeline:
    """Entries in order of time, and the cursor of the messages before them ("" when there are none).

    `is_turned` says that the ticket was merged away or parted just now, so that its composer is another one.
    """

    entries: list[Entry]
    earlier_cursor: str = ""
    is_turned: bool = False


class _IsRich(Func):
    """Whether the cleaned HTML holds more than styled text."""

    template = f"(%(expressions)s ~* '{_RICH}')"
    output_field = BooleanField()


#: Large bodies stay where they are: the page shows `reply_text`, the frame and the whole text are asked for apart.
_OF_A_MESSAGE = (
    *(f.attname for f in Message._meta.concrete_fields if f.attname not in {"html", "reply_html", "text"}),
    *(f"outgoing__{f.attname}" for f in OutgoingMail._meta.concrete_fields if f.attname != "mime"),
    *("author_user__name", "author_user__email", "author_customer__name", "author_customer__public_id"),
    *("side_thread__public_id", "side_thread__subject"),
)


def _messages(ticket: Ticket, *, may_read_notes: bool) -> QuerySet[Message]:
    """Messages of a ticket that came through `visible_to`; asking that door again would only repeat its queries."""
    found = Message.objects.filter(ticket=ticket)
    found = (
        found.filter(Q(audience=Audience.PUBLIC) | Q(audience=Audience.INTERNAL))
        if may_read_notes
        else found.filter(audience=Audience.PUBLIC)
    )
    return (
        found.select_related("author_user", "author_customer", "outgoing", "side_thread")
        .only(*_OF_A_MESSAGE)
        .prefetch_related(Prefetch("attachments", queryset=Attachment.objects.order_by("pk")))
        .annotate(
            html_length=Length("html"),
            is_rich=_IsRich("html"),
            image_count=(Length("html") - Length(Replace("html", Value("<img"), Value("")))) / 4,
            text_length=Length("text"),
        )
    )


def timeline(ticket: Ticket, *, language: str, may_read_notes: bool = True, before: str = "") -> Timeline:
    """The newest messages (or those before the cursor) with the events around them. Constant number of queries."""
    found = _messages(ticket, may_read_notes=may_read_notes).order_by("-created_at", "-pk")
    at, _, key = before.partition("~")
    upper: datetime | None = None
    if before:
        try:
            upper = datetime.fromisoformat(at)
            found = found.filter(created_at__lte=upper).exclude(created_at=upper, pk__gte=int(key))
        except ValueError:
            upper = None
    rows = list(found[: MESSAGES_SHOWN + 1])
    more = len(rows) > MESSAGES_SHOWN
    rows = rows[:MESSAGES_SHOWN]
    events = TicketEvent.objects.filter(ticket=ticket)
    if upper is not None:
        events = events.filter(at__lt=upper)
    if more:
        events = events.filter(at__gte=rows[-1].created_at)
    lines = list(events.order_by("-seq")[:_EVENTS_SHOWN])
    cursor = f"{rows[-1].created_at.isoformat()}~{rows[-1].pk}" if more else ""
    return Timeline(_merged(rows, lines, language), cursor)


def changes_since(
    ticket: Ticket, seq: int, *, language: str, may_read_notes: bool = True
) -> list[Entry] | Timeline | None:
    """Entries that are new or changed after `seq`; the whole timeline when messages came from or went to another ticket.

    None when so much happened that the page should be loaded again.
    """
    events = list(TicketEvent.objects.filter(ticket=ticket, seq__gt=seq).order_by("seq")[: _EVENTS_SHOWN + 1])
    if len(events) > _EVENTS_SHOWN:
        return None
    kinds = {Kind(event.kind) for event in events}
    if kinds & _GATHERING:
        whole = timeline(ticket, language=language, may_read_notes=may_read_notes)
        whole.is_turned = bool(kinds & {Kind.MERGED_AWAY, Kind.PARTED})
        return whole
    touched = {
        e.data[key] for e in events for key in ("message", "bounced_message") if isinstance(e.data.get(key), int)
    }
    rows = list(_messages(ticket, may_read_notes=may_read_notes).filter(pk__in=touched)) if touched else []
    return _merged(rows, events, language)


def one_entry(message: Message) -> Entry | None:
    """A single message as an entry, read again."""
    rows = list(_messages(message.ticket, may_read_notes=True).filter(pk=message.pk))
    return _message_entry(rows[0], 0) if rows else None


def _merged(rows: Iterable[Message], events: Iterable[TicketEvent], language: str) -> list[Entry]:
    events = list(events)
    names = Names(events)
    seq_of = {e.data["message"]: e.seq for e in events if isinstance(e.data.get("message"), int)}
    entries = [_message_entry(m, seq_of.get(m.pk, 0)) for m in rows]
    shown = {m.pk for m in rows}
    for event in events:
        kind = Kind(event.kind)
        if kind in _TOLD_BY_THE_MESSAGE and (event.data.get("message") in shown or kind != Kind.OPENED):
            continue
        entries.append(Entry(event.at, event.seq, event=event, words=sentence(event, language, names)))
    entries.sort(key=lambda entry: (entry.at, entry.seq))
    return entries


def _message_entry(message: Message, seq: int) -> Entry:
    files = [a for a in message.attachments.all() if not a.is_inline]
    return Entry(
        message.created_at,
        seq,
        message=message,
        attachments=files,
        outgoing=message.outgoing if hasattr(message, "outgoing") else None,
    )


#: What a ticket's page shows of the rows it points at; whole, they are three times as wide (a mailbox has its secrets).
_OF_OTHERS = (
    *(
        "queue__calendar",
        "queue__name",
        "queue__icon",
        "queue__team__name",
        "owner__name",
        "owner__email",
        "mailbox__address",
    ),
    *("customer__public_id", "customer__name", "customer__language", "customer__time_zone", "customer__tier"),
    *("customer__notes", "customer__fields", "customer__is_blocked", "customer__created_at"),
    *("customer__organisation__name", "label__label_agent"),
)


def ticket_by_number(door: QuerySet[Ticket], number: int) -> Ticket | None:
    """The ticket with this human number behind `door`, which is `Ticket.objects.visible_to(actor)`.

    Of the rows it points at only what the page shows is loaded; the rest comes when somebody asks for it.
    """
    return (
        door.select_related("queue__team", "owner", "customer__organisation", "mailbox", "label")
        .only(*(column.attname for column in Ticket._meta.concrete_fields), *_OF_OTHERS)
        .filter(number=number)
        .order_by()
        .first()
    )


def message_by_public_id(actor: Actor, public_id: uuid.UUID) -> Message | None:
    """The message, if the actor may see its ticket."""
    return (
        Message.objects.visible_to(actor)
        .select_related("ticket__queue", "ticket__customer", "author_user", "author_customer")
        .filter(public_id=public_id)
        .first()
    )


#: What one line about another ticket shows.
_OF_A_LINE = ("number", "subject", "status", "opened_at")


def earlier_tickets(door: QuerySet[Ticket], ticket: Ticket, limit: int = 8) -> list[Ticket]:
    """The customer's other tickets behind `door`, newest first."""
    theirs = door.filter(customer_id=ticket.customer_id).exclude(pk=ticket.pk)
    return list(theirs.only(*_OF_A_LINE).order_by("-opened_at", "-pk")[:limit])
