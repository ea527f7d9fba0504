"""What belongs to messages goes where they go: files, Message-IDs, the way out, mentions, words for search; and what a ticket's
row says of its messages is right afterwards. Used by merging.py and splitting.py, which decide and record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max, Min, Q
from django.utils.dateparse import parse_datetime

from helpdesk.actions import rank
from helpdesk.actions.lifecycle import STATUS_FIELDS
from helpdesk.models import (
    FINISHED,
    Attachment,
    Audience,
    MailReference,
    Mention,
    Message,
    OutgoingMail,
    Participant,
    RawMail,
    SearchRow,
    SideThread,
    Status,
    Ticket,
)
from helpdesk.now import now

#: What the row of a ticket says of its messages and its status; written after each joining or parting.
ROW_FIELDS = [*STATUS_FIELDS, "snippet", "message_count", "customer_wrote_at", "first_replied_at", "merged_into"]
#: The status with all that hangs on it: put back together or not at all.
STATUS_PARTS = ("status", "label_id", "snoozed_until_at", "resolved_at", "closed_at")
_SAID = Q(audience=Audience.PUBLIC, machine="", withdrawn_at__isnull=True)
_BY_CUSTOMER = _SAID & Q(author_customer__isnull=False)


def carry(keys: Sequence[int], *, source: Ticket, target: Ticket, replace_hints: bool = False) -> list[int]:
    """Moves messages of `source` by key, with what belongs to them; returns the keys of the Message-IDs that went along.

    An id both tickets know stays where it is, which is enough while `source` leads to `target`; with `replace_hints`
    the one of `target` becomes that of the message, and `source` forgets it. Both tickets must be locked.
    """
    mine = Message.objects.filter(pk__in=keys, ticket=source)
    raw = [key for key in mine.values_list("raw_mail_id", flat=True) if key is not None]
    Attachment.objects.filter(message__in=keys, ticket=source).update(ticket=target)
    OutgoingMail.objects.filter(message__in=keys, ticket=source).update(ticket=target)
    Mention.objects.filter(message__in=keys, ticket=source).update(ticket=target)
    SearchRow.objects.filter(message__in=keys, ticket=source).update(ticket=target)
    RawMail.objects.filter(pk__in=raw, ticket=source).update(ticket=target)
    references = MailReference.objects.filter(message__in=keys, ticket=source)
    if replace_hints:
        _take_over_hints(references, target)
    moved = carry_references(references, target)
    threads = set(mine.filter(side_thread__isnull=False).values_list("side_thread_id", flat=True))
    SideThread.objects.filter(pk__in=threads).update(ticket=target)
    mine.update(ticket=target)
    return moved


def carry_references(references: Any, target: Ticket) -> list[int]:
    """Gives Message-IDs to `target`, but for those it knows already; returns the keys of those given."""
    known = MailReference.objects.filter(ticket=target).values("identifier")
    moved = list(references.exclude(identifier__in=known).values_list("pk", flat=True))
    MailReference.objects.filter(pk__in=moved).update(ticket=target)
    return moved


def _take_over_hints(references: Any, target: Ticket) -> None:
    for row in references.filter(identifier__in=MailReference.objects.filter(ticket=target).values("identifier")):
        MailReference.objects.filter(ticket=target, identifier=row.identifier).update(
            message=row.message_id, is_hint=False
        )
        row.delete()


def counted(keys: Iterable[int]) -> int:
    """How many of these messages a ticket counts: not what was taken back, not our own acknowledgements."""
    rows = Message.objects.filter(pk__in=list(keys), withdrawn_at__isnull=True)
    return rows.exclude(machine="acknowledgement").count()


def last_words(ticket: Ticket) -> str:
    """The beginning of the newest public message that a person wrote and that has left."""
    newest = (
        ticket.messages.filter(_SAID)
        .exclude(outgoing__state=OutgoingMail.State.SCHEDULED)
        .order_by("-created_at", "-pk")
        .first()
    )
    return " ".join(newest.reply_text.split())[:200] if newest else ""


def customer_wrote(ticket: Ticket) -> datetime | None:
    """When a customer last wrote in the messages that stand in the ticket."""
    at: datetime | None = ticket.messages.filter(_BY_CUSTOMER).aggregate(at=Max("created_at"))["at"]
    return at


def staff_replied(ticket: Ticket) -> datetime | None:
    """When the staff first answered in the messages that stand in the ticket."""
    replies = ticket.messages.filter(_SAID, author_customer__isnull=True)
    at: datetime | None = replies.aggregate(at=Min("created_at"))["at"]
    return at


def first_unanswered(messages: Any, since: datetime | None) -> datetime | None:
    """The first words of a customer among `messages` at or after `since`, from when on he waits; None: nobody waits."""
    if since is None:
        return None
    at: datetime | None = messages.filter(_BY_CUSTOMER, created_at__gte=since).aggregate(at=Min("created_at"))["at"]
    return at


def earlier(*moments: datetime | None) -> datetime | None:
    """The earliest of those that are there."""
    return min((moment for moment in moments if moment is not None), default=None)


def later(*moments: datetime | None) -> datetime | None:
    """The latest of those that are there."""
    return max((moment for moment in moments if moment is not None), default=None)


def wait(ticket: Ticket, since: datetime | None) -> None:
    """Since when the customer waits; nobody waits for what is finished."""
    ticket.waiting_since_at = None if ticket.status in FINISHED else since


def write(ticket: Ticket) -> None:
    """Writes the row of a ticket whose messages changed hands."""
    ticket.snippet = last_words(ticket) or ("" if ticket.merged_into_id is None else ticket.snippet)
    ticket.changed_at = now()
    rank(ticket)
    ticket.save(update_fields=ROW_FIELDS)


def people_of(ticket: Ticket) -> list[tuple[int | None, int | None]]:
    """The customers and colleagues of a ticket besides its own customer, as pairs of which one is None."""
    return list(ticket.participants.order_by("pk").values_list("customer_id", "user_id"))


def join(ticket: Ticket, people: Iterable[tuple[int | None, int | None]]) -> list[int]:
    """Adds people who are not in the ticket yet; returns the keys of the new participants."""
    present = {*people_of(ticket), (ticket.customer_id, None)}
    added: list[int] = []
    for customer, user in dict.fromkeys(people):
        if (customer, user) not in present:
            row = Participant.objects.create(ticket=ticket, customer_id=customer, user_id=user, added_at=now())
            added.append(row.pk)
    return added


def state_kept(ticket: Ticket) -> dict[str, Any]:
    """Status and times of a ticket in words of JSON: no text of anybody, so that erasing a person need not look here."""
    names = (*STATUS_PARTS, "waiting_since_at", "customer_wrote_at", "first_replied_at")
    values = {name: getattr(ticket, name) for name in names}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def moment(kept: dict[str, Any], name: str) -> datetime | None:
    """A time out of `state_kept`."""
    value = kept.get(name)
    return parse_datetime(value) if value else None


def put_back_status(ticket: Ticket, kept: dict[str, Any]) -> None:
    """Gives the ticket the status of `state_kept` with all that hangs on it."""
    ticket.status, ticket.label_id = Status(kept["status"]), kept["label_id"]
    for name in STATUS_PARTS[2:]:
        setattr(ticket, name, moment(kept, name))
