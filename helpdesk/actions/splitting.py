"""Messages leave a ticket: split off as a new one, or moved to another. Undone by undoing.py with `move_messages` or a merge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, belongings, lock, lock_all
from helpdesk.actions.lifecycle import KIND_OF, become
from helpdesk.actions.merging import CustomersDiffer
from helpdesk.models import (
    ACTIVE,
    Actor,
    Audience,
    Kind,
    LinkKind,
    Message,
    Participant,
    Status,
    Ticket,
    TicketLink,
    TicketTag,
)
from helpdesk.now import now

_AT_MOST = 200


@transaction.atomic
def split_messages(
    *, ticket: Ticket, messages: Iterable[Message], actor: Actor, subject: str = "", of_sender: bool = False
) -> Ticket:
    """Makes a new ticket of some messages and links the two; nobody is told by mail. Returns the new ticket.

    It belongs to the same customer, or with `of_sender` to him who wrote the first of the messages, and stands in the same
    queue with the same tags, without an owner. Whoever waited for an answer to these messages waits in the new ticket.
    Raises BadInput when nothing would remain or the messages are not of this ticket.
    """
    access.ensure(actor, "ticket.update", ticket)
    ticket = lock(ticket)
    chosen = _chosen(ticket, messages)
    customer = ticket.customer
    if of_sender:
        if chosen[0].author_customer is None:
            raise BadInput(_("The first of these messages was written by the staff: the customer stays the same."))
        customer = chosen[0].author_customer
    keys, first = [message.pk for message in chosen], chosen[0]
    unanswered = belongings.first_unanswered(Message.objects.filter(pk__in=keys), ticket.waiting_since_at)
    new = Ticket.objects.create(
        customer=customer,
        subject=(subject.strip() or first.subject or ticket.subject)[:500],
        status=Status.NEW,
        priority=ticket.priority,
        channel=ticket.channel,
        language=ticket.language if customer.pk == ticket.customer_id else customer.language,
        queue=ticket.queue,
        issue_type=ticket.issue_type,
        mailbox=ticket.mailbox,
        opened_at=first.created_at,
        changed_at=now(),
        rank_at=first.created_at,
    )
    new.refresh_from_db(fields=["number"])
    for tag in ticket.ticket_tags.all():
        TicketTag.objects.create(ticket=new, tag_id=tag.tag_id, added_at=now(), why={"by": "split"})
    count, said = belongings.counted(keys), len(keys)
    belongings.carry(keys, source=ticket, target=new)
    belongings.join(new, [(message.author_customer_id, None) for message in chosen if message.author_customer_id])
    new.message_count = count
    new.customer_wrote_at = belongings.customer_wrote(new)
    new.first_replied_at = belongings.staff_replied(new)
    belongings.wait(new, unanswered)
    belongings.write(new)
    _bring_up(ticket, count)
    TicketLink.objects.create(ticket=new, other=ticket, kind=LinkKind.RELATED, made_at=now())
    opened = {"channel": str(new.channel), "message": first.pk, "rule": "split", "queue": new.queue_id}
    arrived = {"other": ticket.pk, "number": ticket.number, "messages": said}
    gone = {"other": new.pk, "number": new.number, "messages": said, "moved": keys}
    events.record_many(
        [
            events.NewEvent(ticket, Kind.SPLIT, actor, gone),
            events.NewEvent(new, Kind.OPENED, actor, opened),
            events.NewEvent(new, Kind.MESSAGES_ARRIVED, actor, arrived),
        ]
    )
    return new


@transaction.atomic
def move_messages(
    *, ticket: Ticket, messages: Iterable[Message], target: Ticket, actor: Actor, confirmed: bool = False
) -> Ticket:
    """Moves messages with all that belongs to them to another ticket; returns `ticket`, brought up.

    Their customers become participants there, so that their answers find it. A target that was put aside opens when
    somebody waited for an answer to these messages. Raises CustomersDiffer unless `confirmed`, BadInput.
    """
    for one in (ticket, target):
        access.ensure(actor, "ticket.update", one)
    if ticket.pk == target.pk:
        raise BadInput(_("The messages stand in #%(number)s already.") % {"number": ticket.number})
    locked = lock_all([ticket, target])
    ticket, target = locked[ticket.pk], locked[target.pk]
    _ensure_takes(target)
    chosen = _chosen(ticket, messages)
    if ticket.customer_id != target.customer_id and not confirmed:
        raise CustomersDiffer(
            _("#%(number)s is of %(name)s, who will read these messages.")
            % {"number": target.number, "name": target.customer}
        )
    people = [(message.author_customer_id, None) for message in chosen if message.author_customer_id]
    return _move(ticket, target, [message.pk for message in chosen], people, actor)


def _move(
    ticket: Ticket,
    target: Ticket,
    keys: list[int],
    people: Iterable[tuple[int | None, int | None]],
    actor: Actor,
    *,
    may_open: bool = True,
) -> Ticket:
    moving = Message.objects.filter(pk__in=keys)
    unanswered = belongings.first_unanswered(moving, ticket.waiting_since_at)
    kept: dict[str, Any] = {"before": [belongings.state_kept(ticket), belongings.state_kept(target)]}
    count = belongings.counted(keys)
    belongings.carry(keys, source=ticket, target=target, replace_hints=True)
    kept["people"] = belongings.join(target, people)
    previous, reopened = target.status, may_open and unanswered is not None and target.status not in ACTIVE
    if reopened:
        become(target, Status.OPEN)
    target.message_count += count
    target.customer_wrote_at = belongings.customer_wrote(target)
    belongings.wait(target, belongings.earlier(target.waiting_since_at, unanswered))
    belongings.write(target)
    _bring_up(ticket, count)
    kept["after"] = [belongings.state_kept(ticket), belongings.state_kept(target)]
    gone = {"other": target.pk, "number": target.number, "messages": len(keys), "moved": keys, "kept": kept}
    arrived = {"other": ticket.pk, "number": ticket.number, "messages": len(keys)}
    news = [
        events.NewEvent(ticket, Kind.MESSAGES_MOVED, actor, gone),
        events.NewEvent(target, Kind.MESSAGES_ARRIVED, actor, arrived),
    ]
    if reopened:
        data = {"previous": previous, "why": "messages arrived"}
        news.append(events.NewEvent(target, Kind.REOPENED, actor, data))
    events.record_many(news)
    return ticket


@transaction.atomic
def move_back(*, ticket: Ticket, target: Ticket, keys: Sequence[int], kept: dict[str, Any], actor: Actor) -> Ticket:
    """Takes a move of `ticket`'s messages `keys` to `target` back, with the times both had where nothing changed them since.

    `kept` is that of the MESSAGES_MOVED event. Raises BadInput when a message went on from there.
    """
    for one in (ticket, target):
        access.ensure(actor, "ticket.update", one)
    locked = lock_all([ticket, target])
    ticket, target = locked[ticket.pk], locked[target.pk]
    if ticket.merged_into_id is not None or Message.objects.filter(pk__in=keys, ticket=target).count() != len(keys):
        raise BadInput(_("Too late: these messages or their ticket have been moved on since."))
    Participant.objects.filter(pk__in=kept["people"], ticket=target).delete()
    found = [belongings.state_kept(ticket), belongings.state_kept(target)]
    _move(target, ticket, list(keys), [], actor, may_open=False)
    for one, before, after, current in zip((ticket, target), kept["before"], kept["after"], found, strict=True):
        if after == current:
            _put_back(one, before, actor)
    return ticket


def _put_back(ticket: Ticket, before: dict[str, Any], actor: Actor) -> None:
    previous = ticket.status
    belongings.put_back_status(ticket, before)
    belongings.wait(ticket, belongings.moment(before, "waiting_since_at"))
    belongings.write(ticket)
    if ticket.status != previous:
        events.record(ticket, KIND_OF[ticket.status], actor=actor, data={"previous": previous})


def _chosen(ticket: Ticket, messages: Iterable[Message]) -> list[Message]:
    """The messages in order of time, read again under the lock. Raises BadInput when they cannot leave."""
    keys = {message.pk for message in messages}
    if not keys:
        raise BadInput(_("Choose at least one message."))
    if len(keys) > _AT_MOST:
        raise BadInput(_("At most %(n)s messages can be moved at once.") % {"n": _AT_MOST})
    movable = ticket.messages.filter(withdrawn_at__isnull=True).exclude(audience=Audience.WHISPER)
    chosen = list(movable.filter(pk__in=keys).select_related("author_customer").order_by("created_at", "pk"))
    if len(chosen) != len(keys):
        raise BadInput(_("A message is no longer in this ticket. Look again, then choose anew."))
    if not movable.exclude(pk__in=keys).exists():
        raise BadInput(_("Leave at least one message here; to join whole tickets, merge them."))
    threads = {message.side_thread_id for message in chosen if message.side_thread_id is not None}
    if threads and ticket.messages.filter(side_thread__in=threads).exclude(pk__in=keys).exists():
        raise BadInput(_("Choose all messages of the exchange with a third party, or none of them."))
    return chosen


def _ensure_takes(target: Ticket) -> None:
    if target.merged_into is not None:
        raise BadInput(
            _("#%(number)s is merged into #%(other)s: move the messages there.")
            % {"number": target.number, "other": target.merged_into.number}
        )
    if target.status in {Status.CLOSED, Status.SPAM}:
        raise BadInput(
            _("#%(number)s is %(status)s: choose an open ticket, or split the messages off.")
            % {"number": target.number, "status": Status(target.status).label}
        )


def _bring_up(ticket: Ticket, count: int) -> None:
    """The row of a ticket that messages left."""
    remaining: datetime | None = belongings.first_unanswered(ticket.messages, ticket.waiting_since_at)
    ticket.message_count = max(0, ticket.message_count - count)
    ticket.customer_wrote_at = belongings.customer_wrote(ticket)
    belongings.wait(ticket, remaining)
    belongings.write(ticket)
