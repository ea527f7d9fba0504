"""What a customer's own pages show: his tickets, the words of one of them, the files. Everything through `visible_to`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import ExpressionWrapper, Max, Prefetch, Q, QuerySet, Value
from django.db.models.fields import BooleanField
from django.db.models.functions import Length, Replace
from django.utils.translation import gettext as _

from helpdesk.models import (
    Actor,
    Attachment,
    Customer,
    Mailbox,
    Message,
    PortalSession,
    Queue,
    Status,
    StatusLabel,
    Ticket,
)

TICKETS_SHOWN = 25
MESSAGES_SHOWN = 50
_MERGE_HOPS = 8
#: What makes an HTML mail worth its own frame; anything less reads better as text in the page's own type.
_RICH = r"<(img|table|ul|ol|h[1-6]|hr|pre)\M"


@dataclass(frozen=True)
class Visitor:
    """Who looks, and through which door: a session for all his tickets, or for those whose links he opened."""

    session: PortalSession
    customer: Customer
    actor: Actor

    @classmethod
    def of(cls, session: PortalSession) -> Visitor:
        """The visitor behind a live session: whoever its address belongs to now."""
        customer = session.address.customer
        return cls(session, customer, Actor.of_customer(customer))

    @property
    def email(self) -> str:
        """The address he has proven to read."""
        return self.session.address.value

    @property
    def sees_all(self) -> bool:
        """Whether he came by a code, which proves the address itself, and not by a link to single tickets."""
        return self.session.ticket_ids is None

    def _linked(self) -> list[int]:
        return [int(key) for key in self.session.ticket_ids or []]

    def tickets(self) -> QuerySet[Ticket]:
        """The door to his tickets."""
        seen = Ticket.objects.visible_to(self.actor)
        return seen if self.sees_all else seen.filter(pk__in=self._linked())

    def messages(self) -> QuerySet[Message]:
        """The door to what was said to him."""
        said = Message.objects.visible_to(self.actor)
        return said if self.sees_all else said.filter(ticket__in=self._linked())

    def files(self) -> QuerySet[Attachment]:
        """The door to the files of those messages."""
        files = Attachment.objects.visible_to(self.actor)
        return files if self.sees_all else files.filter(message__ticket__in=self._linked())


@dataclass(frozen=True)
class OwnTicket:
    """A line of the list."""

    ticket: Ticket
    status: str
    changed_at: datetime


@dataclass(frozen=True)
class OwnTickets:
    """A page of the list and the cursor of the next one ("" on the last)."""

    rows: list[OwnTicket]
    next_cursor: str = ""


def own_tickets(visitor: Visitor, after: str = "") -> OwnTickets:
    """The newest tickets first; merged ones only where the ticket they became part of is not his to see."""
    door = visitor.tickets()
    found = door.select_related("label").order_by("-opened_at", "-pk")
    at, _sep, key = after.partition("~")
    try:
        upper = datetime.fromisoformat(at) if after else None
        if upper is not None:
            found = found.filter(opened_at__lte=upper).exclude(opened_at=upper, pk__gte=int(key))
    except (ValueError, OverflowError):
        pass
    found = found.exclude(merged_into__isnull=False, merged_into__in=door.values("pk"))
    rows = list(found[: TICKETS_SHOWN + 1])
    more, rows = len(rows) > TICKETS_SHOWN, rows[:TICKETS_SHOWN]
    words = StatusWords.read(rows)
    said = visitor.messages().filter(ticket__in=[t.pk for t in rows]).order_by()
    newest = dict(said.values("ticket").annotate(at=Max("created_at")).values_list("ticket", "at"))
    cursor = f"{rows[-1].opened_at.isoformat()}~{rows[-1].pk}" if more else ""
    return OwnTickets([OwnTicket(t, words.of(t), newest.get(t.pk) or t.opened_at) for t in rows], cursor)


@dataclass(frozen=True)
class StatusWords:
    """The words customers read for a status: the label's, the category's default label's, else our own."""

    defaults: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, tickets: Iterable[Ticket]) -> StatusWords:
        """The default labels of the categories these tickets stand in."""
        categories = {t.status for t in tickets}
        rows = StatusLabel.objects.filter(is_default=True, category__in=categories)
        return cls(dict(rows.values_list("category", "label_customer")))

    def of(self, ticket: Ticket) -> str:
        """The words for one ticket, in the reader's language where they are ours."""
        word = ticket.label.label_customer if ticket.label is not None else self.defaults.get(ticket.status, "")
        return _(word) if word else _own_words(ticket.status)


def _own_words(status: str) -> str:
    return {
        Status.NEW: _("We have your message"),
        Status.OPEN: _("We are on it"),
        Status.PENDING: _("We wait for your answer"),
        Status.ON_HOLD: _("We are on it"),
        Status.SNOOZED: _("We are on it"),
        Status.RESOLVED: _("Done"),
        Status.CLOSED: _("Closed"),
    }.get(Status(status), _("We are on it"))


#: The shape that stands for a status in the customer's eyes: how we put his ticket aside is our own affair.
_SHAPES = {
    Status.NEW: "open",
    Status.OPEN: "open",
    Status.PENDING: "pending",
    Status.RESOLVED: "resolved",
    Status.CLOSED: "closed",
}


def status_shape(status: str) -> str:
    """The shape beside the words."""
    return _SHAPES.get(Status(status), "open")


@dataclass(frozen=True)
class Said:
    """One message as the customer reads it."""

    message: Message
    who: str
    is_own: bool
    files: list[Attachment]
    is_rich: bool


@dataclass(frozen=True)
class Conversation:
    """The messages of a ticket, oldest first, and the cursor of those before them ("" when there are none)."""

    entries: list[Said]
    earlier_cursor: str = ""


def ticket_of(visitor: Visitor, public_id: uuid.UUID) -> Ticket | None:
    """The ticket behind the visitor's door, or the one it was merged into when that is his to see as well."""
    door = visitor.tickets().select_related("queue", "mailbox", "label", "customer")
    ticket = door.filter(public_id=public_id).first()
    for _hop in range(_MERGE_HOPS):
        if ticket is None or ticket.merged_into_id is None:
            break
        target = door.filter(pk=ticket.merged_into_id).first()
        if target is None:
            break
        ticket = target
    return ticket


def conversation(visitor: Visitor, ticket: Ticket, before: str = "") -> Conversation:
    """The newest messages of a ticket from the visitor's door, or those before the cursor. Two queries."""
    found = (
        visitor.messages()
        .filter(ticket=ticket)
        .select_related("author_user", "author_customer")
        .prefetch_related(Prefetch("attachments", queryset=Attachment.objects.order_by("pk")))
        .annotate(
            html_length=Length("html"),
            is_rich=ExpressionWrapper(Q(html__iregex=_RICH), output_field=BooleanField()),
            image_count=(Length("html") - Length(Replace("html", Value("<img"), Value("")))) / 4,
        )
        .defer("html", "reply_html", "text")
        .order_by("-created_at", "-pk")
    )
    at, _sep, key = before.partition("~")
    try:
        upper = datetime.fromisoformat(at) if before else None
        if upper is not None:
            found = found.filter(created_at__lte=upper).exclude(created_at=upper, pk__gte=int(key))
    except (ValueError, OverflowError):
        pass
    rows = list(found[: MESSAGES_SHOWN + 1])
    more, rows = len(rows) > MESSAGES_SHOWN, rows[:MESSAGES_SHOWN]
    cursor = f"{rows[-1].created_at.isoformat()}~{rows[-1].pk}" if more else ""
    house = house_name(ticket)
    return Conversation([_said(m, visitor, house) for m in reversed(rows)], cursor)


def _said(message: Message, visitor: Visitor, house: str) -> Said:
    own = message.author_customer_id == visitor.customer.pk
    if own:
        who = _("You")
    elif message.author_user is not None:
        who = f"{message.author_user.name} ({house})" if house else message.author_user.name
    elif message.author_customer is not None:
        who = message.sender_name or message.author_customer.name or message.sender_email
    else:
        who = house or _("Support")
    files = [a for a in message.attachments.all() if not a.is_inline]
    is_rich = bool(getattr(message, "html_length", 0) and getattr(message, "is_rich", False))
    return Said(message, who, own, files, is_rich)


def house_name(ticket: Ticket | None = None) -> str:
    """Our name as mails carry it: that of the ticket's mailbox, else of the first."""
    mailbox = ticket.mailbox if ticket is not None else None
    mailbox = mailbox or Mailbox.objects.filter(is_active=True).order_by("pk").first()
    return (mailbox.from_name or mailbox.name) if mailbox is not None else ""


def message_of(visitor: Visitor, public_id: uuid.UUID) -> Message | None:
    """A message behind the visitor's door."""
    return visitor.messages().select_related("ticket").filter(public_id=public_id).first()


def file_of(visitor: Visitor, public_id: uuid.UUID) -> Attachment | None:
    """A file behind the visitor's door."""
    return visitor.files().select_related("message__ticket").filter(public_id=public_id).first()


def open_queues(visitor: Visitor) -> list[Queue]:
    """The queues a customer may choose for something new; none where no manager offers any."""
    return list(Queue.objects.visible_to(visitor.actor).order_by("position", "name"))
