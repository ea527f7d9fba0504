"""What is said: replies and notes. Mail leaves through outbox rows written here; what becomes of those is in `sending`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events, jobs
from helpdesk.actions import BadInput, lock, rank
from helpdesk.actions.lifecycle import KIND_OF, STATUS_FIELDS, become
from helpdesk.actions.mentions import mentioned_in, write_mentions
from helpdesk.actions.recipients import checked, reply_recipients
from helpdesk.logs import correlation_id
from helpdesk.mail import compose, tokens
from helpdesk.models import (
    ACTIVE,
    Actor,
    Attachment,
    Audience,
    Channel,
    Draft,
    IllegalTransition,
    Kind,
    Mailbox,
    MailReference,
    Message,
    OutgoingMail,
    Status,
    Ticket,
    TicketEvent,
    User,
)
from helpdesk.now import now
from helpdesk.queries.preferences import undo_seconds

_TEXT_AT_MOST = 200_000
#: The page shows the seconds of undoing; the server waits this much longer, so that a click in the last moment still counts.
_UNDO_GRACE_SECONDS = 3


class UnseenMessages(BadInput):
    """Something was written since the sender last looked; `messages` are what he has not seen."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__(_("Something new was written while you were typing. Look at it, then send again."))
        self.messages = messages


@transaction.atomic
def reply(
    *,
    ticket: Ticket,
    actor: Actor,
    text: str,
    recipients: Iterable[dict[str, Any]] | None = None,
    attachments: Sequence[Attachment] = (),
    send_at: datetime | None = None,
    cancel_if_customer_writes: bool = False,
    then_status: str = "",
    client_id: uuid.UUID | None = None,
    seen_seq: int | None = None,
) -> Message:
    """Writes a public reply and its outbox row; it can be taken back for `undo_seconds` of the writer.

    Without `recipients` they follow from the newest message of the customer. `then_status` defaults to pending; the first
    who answers an unowned ticket owns it. The same `client_id` again returns the message already written. Raises
    UnseenMessages when something was written after event `seen_seq`, BadInput, NotAllowed or IllegalTransition.
    """
    access.ensure(actor, "ticket.reply", ticket)
    ticket = lock(ticket)
    already = by_client_id(ticket, actor, client_id)
    if already is not None:
        return already
    text = worthy(text, attachments)
    if ticket.merged_into is not None:
        raise IllegalTransition(
            _("Ticket #%(number)s was merged into #%(other)s: go on there.")
            % {"number": ticket.number, "other": ticket.merged_into.number}
        )
    if ticket.status in {Status.CLOSED, Status.SPAM}:
        raise IllegalTransition(
            _("Ticket #%(number)s is closed: open a follow-up to write again.") % {"number": ticket.number}
        )
    if seen_seq is not None:
        _ensure_seen(ticket, actor, seen_seq)
    to = checked(reply_recipients(ticket=ticket) if recipients is None else recipients)
    if not to and ticket.channel == Channel.MAIL:
        raise BadInput(_("Name somebody to send the reply to."))
    at = now()
    if send_at is not None and send_at <= at:
        raise BadInput(_("Choose a time to send that is still ahead."))
    mailbox = sending_mailbox(ticket) if to else None
    before = {
        "status": ticket.status,
        "owner": ticket.owner_id,
        "waiting_since_at": ticket.waiting_since_at.isoformat() if ticket.waiting_since_at else "",
        "first_replied_at": ticket.first_replied_at.isoformat() if ticket.first_replied_at else "",
    }
    message = Message.objects.create(
        ticket=ticket,
        audience=Audience.PUBLIC,
        channel=Channel.MAIL if to else ticket.channel,
        author_user=actor.user,
        author_customer=actor.customer,
        sender_name=actor.name[:200],
        sender_email=mailbox.address if mailbox else "",
        recipients=to,
        subject=ticket.subject,
        text=text,
        reply_text=text,
        origin={"before": before},
        created_at=at,
    )
    attach(message, ticket, actor, attachments)
    outgoing = None
    if mailbox is not None:
        outgoing = enqueue_mail(
            message=message,
            mailbox=mailbox,
            due_at=send_at or at + timedelta(seconds=held_seconds(actor.user)),
            scheduled=send_at is not None,
            cancel_if_customer_writes=cancel_if_customer_writes,
        )
    if outgoing is not None and outgoing.state == OutgoingMail.State.SCHEDULED:
        ticket.message_count += 1
        ticket.changed_at = at
        ticket.save(update_fields=["message_count", "changed_at"])
        data = {"message": message.pk, "outgoing": outgoing.pk, "sends_at": outgoing.due_at.isoformat()}
        events.record(ticket, Kind.REPLY_SCHEDULED, actor=actor, data=data, client_id=client_id)
        message.origin["then_status"] = then_status
        message.save(update_fields=["origin"])
    else:
        ticket.message_count += 1
        say(ticket, message, actor, outgoing, then_status, client_id)
    Draft.objects.filter(ticket=ticket, user=actor.user, mode=Draft.Mode.REPLY).delete()
    return message


def say(
    ticket: Ticket,
    message: Message,
    actor: Actor,
    outgoing: OutgoingMail | None,
    then_status: str,
    client_id: uuid.UUID | None,
) -> None:
    """The reply counts from here: clocks, status, owner and the event."""
    ticket.snippet = " ".join(message.reply_text.split())[:200]
    ticket.waiting_since_at = None
    ticket.first_replied_at = ticket.first_replied_at or now()
    ticket.changed_at = now()
    takes_over = ticket.owner_id is None and actor.user is not None
    if takes_over:
        ticket.owner = actor.user
    status = then_status or (Status.PENDING if ticket.status in {*ACTIVE, Status.SNOOZED} else ticket.status)
    previous = ticket.status
    if status != ticket.status:
        ticket.ensure_can(status)
        become(ticket, status)
    rank(ticket)
    ticket.save(update_fields=[*STATUS_FIELDS, "snippet", "first_replied_at", "owner", "message_count"])
    sends_at = outgoing.due_at.isoformat() if outgoing else None
    data = {"message": message.pk, "outgoing": outgoing.pk if outgoing else None, "sends_at": sends_at}
    news = [events.NewEvent(ticket, Kind.REPLIED, actor, data, client_id)]
    if takes_over and actor.user is not None:
        news.append(events.NewEvent(ticket, Kind.ASSIGNED, actor, {"owner": actor.user.pk, "previous": None}))
    if status != previous:
        changed: dict[str, Any] = {"previous": previous}
        if status in {Status.OPEN, Status.CLOSED}:
            changed["why"] = "with a reply"
        news.append(events.NewEvent(ticket, KIND_OF[status], actor, changed))
    events.record_many(news)


@transaction.atomic
def note(
    *,
    ticket: Ticket,
    actor: Actor,
    text: str,
    attachments: Sequence[Attachment] = (),
    client_id: uuid.UUID | None = None,
    keeps_draft: bool = False,
    seen_seq: int | None = None,
) -> Message:
    """Writes an internal note; the customer never sees it. Colleagues named by `@` are mentioned.

    `keeps_draft` says that these words are not those of the person's draft, which stays then. Raises UnseenMessages when
    something was written after event `seen_seq`.
    """
    access.ensure(actor, "ticket.note", ticket)
    ticket = lock(ticket)
    already = by_client_id(ticket, actor, client_id)
    if already is not None:
        return already
    if seen_seq is not None:
        _ensure_seen(ticket, actor, seen_seq)
    message = Message.objects.create(
        ticket=ticket,
        audience=Audience.INTERNAL,
        channel=ticket.channel,
        author_user=actor.user,
        sender_name=actor.name[:200],
        text=worthy(text, attachments),
        reply_text=text.strip(),
        created_at=now(),
    )
    attach(message, ticket, actor, attachments)
    ticket.message_count += 1
    ticket.changed_at = now()
    ticket.save(update_fields=["message_count", "changed_at"])
    named = mentioned_in(message.text, ticket)
    write_mentions(message, named)
    data: dict[str, Any] = {"message": message.pk}
    if named:
        data["mentions"] = [person.pk for person in named]
    events.record(ticket, Kind.NOTED, actor=actor, data=data, client_id=client_id)
    if not keeps_draft:
        Draft.objects.filter(ticket=ticket, user=actor.user, mode=Draft.Mode.NOTE).delete()
    return message


def held_seconds(user: User | None) -> int:
    """How long the outbox holds a reply back: the writer's time for undoing and a grace, or nothing at all."""
    seconds = undo_seconds(user)
    return seconds + _UNDO_GRACE_SECONDS if seconds else 0


def enqueue_mail(
    *,
    message: Message,
    mailbox: Mailbox,
    due_at: datetime,
    scheduled: bool = False,
    is_automatic: bool = False,
    cancel_if_customer_writes: bool = False,
) -> OutgoingMail:
    """Writes the outbox row of a message: its final Message-ID, threading headers and recipients. In the caller's transaction."""
    ticket = message.ticket
    identifier = tokens.new_identifier(ticket.number, mailbox.address.partition("@")[2])
    outgoing = OutgoingMail.objects.create(
        message=message,
        ticket=ticket,
        mailbox=mailbox,
        identifier=identifier,
        recipients=[{**r, "state": "waiting", "answer": ""} for r in message.recipients],
        headers=compose.thread_headers(message, mailbox),
        is_automatic=is_automatic,
        cancel_if_customer_writes=cancel_if_customer_writes,
        state=OutgoingMail.State.SCHEDULED if scheduled else OutgoingMail.State.QUEUED,
        due_at=due_at,
        queued_at=now(),
        correlation_id=correlation_id(),
    )
    message.message_id = identifier
    message.save(update_fields=["message_id"])
    MailReference.objects.create(identifier=identifier, ticket=ticket, message=message)
    jobs.wake_dispatcher("outbox")
    return outgoing


def by_client_id(ticket: Ticket, actor: Actor, client_id: uuid.UUID | None) -> Message | None:
    """What the actor has written in the ticket under this id already."""
    if client_id is None:
        return None
    event = TicketEvent.objects.filter(
        ticket=ticket, actor_kind=actor.kind, actor_id=actor.id, client_id=client_id
    ).first()
    return Message.objects.get(pk=event.data["message"]) if event else None


def worthy(text: str, attachments: Sequence[Attachment]) -> str:
    """The text as it is kept. Raises BadInput when nothing is said, or too much."""
    text = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not text and not attachments:
        raise BadInput(_("Write something first."))
    if len(text) > _TEXT_AT_MOST:
        raise BadInput(_("The text is longer than %(n)s characters; send the rest as a file.") % {"n": _TEXT_AT_MOST})
    return text


def _ensure_seen(ticket: Ticket, actor: Actor, seen_seq: int) -> None:
    kinds = [Kind.OPENED, Kind.CONTACT_RECEIVED, Kind.REPLIED, Kind.NOTED, Kind.SIDE_SENT, Kind.SIDE_RECEIVED]
    later = TicketEvent.objects.filter(ticket=ticket, seq__gt=seen_seq, kind__in=kinds).exclude(
        actor_kind=actor.kind, actor_id=actor.id
    )
    keys = [e.data["message"] for e in later if e.data.get("message")]
    if keys:
        unseen = list(Message.objects.filter(pk__in=keys, withdrawn_at__isnull=True).order_by("created_at", "pk"))
        if unseen:
            raise UnseenMessages(unseen)


def attach(message: Message, ticket: Ticket, actor: Actor, attachments: Sequence[Attachment]) -> None:
    """Uploads become files of the message. Raises BadInput for one that is not of this ticket or was sent already."""
    for attachment in attachments:
        if attachment.message_id is not None or attachment.ticket_id != ticket.pk:
            raise BadInput(
                _("The file %(name)s does not belong to this draft; attach it again.") % {"name": attachment.name}
            )
    Attachment.objects.filter(pk__in=[a.pk for a in attachments], message__isnull=True).update(message=message)


def sending_mailbox(ticket: Ticket) -> Mailbox:
    """The mailbox the ticket's mail leaves from. Raises BadInput when none can send."""
    mailbox = ticket.mailbox if ticket.mailbox is not None and ticket.mailbox.is_active else None
    mailbox = mailbox or Mailbox.objects.filter(is_active=True, queue=ticket.queue).exclude(smtp_host="").first()
    mailbox = mailbox or Mailbox.objects.filter(is_active=True).exclude(smtp_host="").first()
    if mailbox is None or not mailbox.smtp_host:
        raise BadInput(
            _("No mailbox can send this: a manager has to enter an SMTP server for the mailbox of this queue.")
        )
    return mailbox
