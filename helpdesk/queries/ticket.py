"""One ticket as its page shows it: the timeline of messages and events, changes since a `seq`, people, choices."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import (
    BooleanField,
    Exists,
    Func,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
    prefetch_related_objects,
)
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
from helpdesk.queries.statements import Statement
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
#: Events that add words to the timeline and change nothing in the panel beside it.
_ONLY_WORDS = frozenset({Kind.NOTED, Kind.REPLIED, Kind.REPLY_SCHEDULED, Kind.DELIVERED, Kind.SIDE_SENT})
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


class News(list[Entry]):
    """Entries that are new or changed. `is_only_words`: nothing else of the ticket has changed with them."""

    is_only_words = False


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


def _messages(ticket: Ticket | int, *, may_read_notes: bool) -> QuerySet[Message]:
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
        .annotate(
            has_files=Exists(Attachment.objects.filter(message_id=OuterRef("pk"), is_inline=False)),
            html_length=Length("html"),
            is_rich=_IsRich("html"),
            image_count=(Length("html") - Length(Replace("html", Value("<img"), Value("")))) / 4,
            text_length=Length("text"),
        )
    )


#: The first page of a timeline; the key is whether notes are read.
_NEWEST: Statement[Message] = Statement(
    lambda may_read_notes, ticket: _messages(ticket, may_read_notes=may_read_notes).order_by("-created_at", "-pk")[
        : MESSAGES_SHOWN + 1
    ]
)
#: The newest events of a ticket, and those after a place in its stream.
_LAST_EVENTS: Statement[TicketEvent] = Statement(
    lambda _key, ticket: TicketEvent.objects.filter(ticket_id=ticket).order_by("-seq")[:_EVENTS_SHOWN]
)
_EVENTS_AFTER: Statement[TicketEvent] = Statement(
    lambda _key, ticket, seq: TicketEvent.objects.filter(ticket_id=ticket, seq__gt=seq).order_by("seq")[
        : _EVENTS_SHOWN + 1
    ]
)


def timeline(ticket: Ticket, *, language: str, may_read_notes: bool = True, before: str = "") -> Timeline:
    """The newest messages (or those before the cursor) with the events around them. Constant number of queries."""
    upper, key = _place(before)
    if upper is None:
        rows = _NEWEST.rows(may_read_notes, ticket=ticket.pk)
    else:
        found = _messages(ticket, may_read_notes=may_read_notes).order_by("-created_at", "-pk")
        found = found.filter(created_at__lte=upper).exclude(created_at=upper, pk__gte=key)
        rows = list(found[: MESSAGES_SHOWN + 1])
    more = len(rows) > MESSAGES_SHOWN
    rows = rows[:MESSAGES_SHOWN]
    if upper is None and not more:
        lines = _LAST_EVENTS.rows(ticket=ticket.pk)
    else:
        events = TicketEvent.objects.filter(ticket=ticket)
        if upper is not None:
            events = events.filter(at__lt=upper)
        if more:
            events = events.filter(at__gte=rows[-1].created_at)
        lines = list(events.order_by("-seq")[:_EVENTS_SHOWN])
    cursor = f"{rows[-1].created_at.isoformat()}~{rows[-1].pk}" if more else ""
    return Timeline(_merged(rows, lines, language), cursor)


def _place(before: str) -> tuple[datetime | None, int]:
    """The time and key of a cursor; no time for one that is none."""
    at, _, key = before.partition("~")
    try:
        return datetime.fromisoformat(at), int(key)
    except ValueError:
        return None, 0


def answered_first(shown: Timeline) -> Message | None:
    """The newest message among those shown that a reply answers (as helpdesk.actions.recipients); None where none is shown."""
    written = [entry.message for entry in shown.entries if entry.message is not None]
    theirs = [
        m for m in written if m.audience == Audience.PUBLIC and m.author_customer_id is not None and not m.machine
    ]
    return max(theirs, key=lambda m: (m.created_at, m.pk), default=None)


def changes_since(ticket: Ticket, seq: int, *, language: str, may_read_notes: bool = True) -> News | Timeline | None:
    """Entries that are new or changed after `seq`; the whole timeline when messages came from or went to another ticket.

    None when so much happened that the page should be loaded again.
    """
    events = _EVENTS_AFTER.rows(ticket=ticket.pk, seq=min(seq, ticket.seq))
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
    news = News(_merged(rows, events, language))
    is_first_reply = ticket.first_replied_at is not None and events and ticket.first_replied_at >= events[0].at
    news.is_only_words = bool(events) and kinds <= _ONLY_WORDS and not is_first_reply
    return news


def one_entry(message: Message) -> Entry | None:
    """A single message as an entry, read again."""
    rows = list(_messages(message.ticket, may_read_notes=True).filter(pk=message.pk))
    return _message_entry(rows[0], 0) if rows else None


def _merged(rows: Iterable[Message], events: Iterable[TicketEvent], language: str) -> list[Entry]:
    events, rows = list(events), list(rows)
    if with_files := [m for m in rows if m.has_files]:  # type: ignore[attr-defined]
        prefetch_related_objects(with_files, Prefetch("attachments", queryset=Attachment.objects.order_by("pk")))
    seq_of = {e.data["message"]: e.seq for e in events if isinstance(e.data.get("message"), int)}
    entries = [_message_entry(m, seq_of.get(m.pk, 0)) for m in rows]
    shown = {m.pk for m in rows}
    said = [e for e in events if not _is_told(e, shown)]
    names = Names(said)
    entries += [Entry(e.at, e.seq, event=e, words=sentence(e, language, names)) for e in said]
    entries.sort(key=lambda entry: (entry.at, entry.seq))
    return entries


def _is_told(event: TicketEvent, shown: set[int]) -> bool:
    """Whether a message tells the event's story; that of the opening only where its message is shown."""
    kind = Kind(event.kind)
    return kind in _TOLD_BY_THE_MESSAGE and (event.data.get("message") in shown or kind != Kind.OPENED)


def _message_entry(message: Message, seq: int) -> Entry:
    files = [a for a in message.attachments.all() if not a.is_inline] if message.has_files else []  # type: ignore[attr-defined]
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


@dataclass(frozen=True)
class _Door:
    """What somebody of the staff sees: two with the same door read by the same statement. `actor` is any of them."""

    sees_everything: bool
    queues: frozenset[int]
    actor: Actor = field(compare=False)

    def _numbered(self, number: int) -> QuerySet[Ticket]:
        return (
            Ticket.objects.visible_to(self.actor)
            .select_related("queue__team", "owner", "customer__organisation", "mailbox", "label")
            .only(*(column.attname for column in Ticket._meta.concrete_fields), *_OF_OTHERS)
            .filter(number=number)
            .order_by()[:1]
        )


_BY_NUMBER: Statement[Ticket] = Statement(_Door._numbered)
_LARGEST_NUMBER = 2**63 - 1


def ticket_by_number(actor: Actor, number: int) -> Ticket | None:
    """The ticket with this human number, if `actor` (one of the staff) may see it.

    Of the rows it points at only what the page shows is loaded; the rest comes when somebody asks for it.
    """
    if actor.user is None or number > _LARGEST_NUMBER:
        return None
    door = _Door(actor.sees_everything, frozenset() if actor.sees_everything else actor.queue_ids(), actor)
    return next(iter(_BY_NUMBER.rows(door, number=number)), None)


def message_by_public_id(actor: Actor, public_id: uuid.UUID) -> Message | None:
    """The message, if the actor may see its ticket."""
    return (
        Message.objects.visible_to(actor)
        .select_related("ticket__queue", "ticket__customer", "author_user", "author_customer")
        .filter(public_id=public_id)
        .first()
    )
