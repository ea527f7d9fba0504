"""What is said: replies, notes, taking back, sending again. Mail leaves through outbox rows written here."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from helpdesk import access, events, jobs
from helpdesk.actions import BadInput, lock, rank
from helpdesk.actions.lifecycle import KIND_OF, STATUS_FIELDS, become
from helpdesk.actions.recipients import checked, reply_recipients
from helpdesk.logs import correlation_id
from helpdesk.mail import compose, tokens
from helpdesk.models import (
    ACTIVE,
    SYSTEM,
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
)
from helpdesk.now import now

_TEXT_AT_MOST = 200_000
#: The page shows UNDO_SEND_SECONDS; the server waits this much longer, so that a click in the last moment still counts.
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
    """Writes a public reply and its outbox row; it can be taken back for UNDO_SEND_SECONDS.

    Without `recipients` they follow from the newest message of the customer. `then_status` defaults to pending; the first
    who answers an unowned ticket owns it. The same `client_id` again returns the message already written. Raises
    UnseenMessages when something was written after event `seen_seq`, BadInput, NotAllowed or IllegalTransition.
    """
    access.ensure(actor, "ticket.reply", ticket)
    ticket = lock(ticket)
    already = _by_client_id(ticket, actor, client_id)
    if already is not None:
        return already
    text = _worthy(text, attachments)
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
    mailbox = _sending_mailbox(ticket) if to else None
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
    _attach(message, ticket, actor, attachments)
    outgoing = None
    if mailbox is not None:
        outgoing = enqueue_mail(
            message=message,
            mailbox=mailbox,
            due_at=send_at or at + timedelta(seconds=settings.UNDO_SEND_SECONDS + _UNDO_GRACE_SECONDS),
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
        _say(ticket, message, actor, outgoing, then_status, client_id)
    Draft.objects.filter(ticket=ticket, user=actor.user, mode=Draft.Mode.REPLY).delete()
    return message


def _say(
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
) -> Message:
    """Writes an internal note; the customer never sees it."""
    access.ensure(actor, "ticket.note", ticket)
    ticket = lock(ticket)
    already = _by_client_id(ticket, actor, client_id)
    if already is not None:
        return already
    message = Message.objects.create(
        ticket=ticket,
        audience=Audience.INTERNAL,
        channel=ticket.channel,
        author_user=actor.user,
        sender_name=actor.name[:200],
        text=_worthy(text, attachments),
        reply_text=text.strip(),
        created_at=now(),
    )
    _attach(message, ticket, actor, attachments)
    ticket.message_count += 1
    ticket.changed_at = now()
    ticket.save(update_fields=["message_count", "changed_at"])
    events.record(ticket, Kind.NOTED, actor=actor, data={"message": message.pk}, client_id=client_id)
    Draft.objects.filter(ticket=ticket, user=actor.user, mode=Draft.Mode.NOTE).delete()
    return message


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


@transaction.atomic
def withdraw_reply(*, message: Message, actor: Actor) -> Draft:
    """Takes a reply back before it leaves: text and files return to the draft, the ticket to where it stood.

    Raises BadInput when it is too late (the outbox has begun to send it).
    """
    ticket = lock(message.ticket)
    access.ensure(actor, "ticket.reply", ticket)
    states = OutgoingMail.State
    taken = OutgoingMail.objects.filter(
        message=message, state__in=[states.QUEUED, states.SCHEDULED], attempts=0
    ).update(state=states.CANCELLED)
    if not taken or actor.user is None:
        raise BadInput(_("Too late: the reply is already on its way."))
    message.refresh_from_db()
    message.withdrawn_at = now()
    message.save(update_fields=["withdrawn_at"])
    begun = Draft.objects.filter(user=actor.user, ticket=ticket, mode=Draft.Mode.REPLY).first()
    text = f"{message.text}\n\n{begun.text}" if begun and begun.text.strip() else message.text  # no word is lost
    draft, _made = Draft.objects.update_or_create(
        user=actor.user,
        ticket=ticket,
        mode=Draft.Mode.REPLY,
        defaults={"text": text, "recipients": message.recipients, "updated_at": now()},
    )
    message.attachments.update(message=None, ticket=ticket, uploaded_by=actor.user)
    data = {"message": message.pk, "overtaken": False}
    news = [events.NewEvent(ticket, Kind.REPLY_WITHDRAWN, actor, data)]
    news += _restore(ticket, message, actor)
    events.record_many(news)
    return draft


def _restore(ticket: Ticket, message: Message, actor: Actor) -> list[events.NewEvent]:
    """Puts status, owner and clocks back, where nothing else has changed them since the reply."""
    before = message.origin.get("before", {})
    news: list[events.NewEvent] = []
    ticket.message_count = max(0, ticket.message_count - 1)
    newest = (
        ticket.messages.filter(audience=Audience.PUBLIC, withdrawn_at__isnull=True)
        .order_by("-created_at", "-pk")
        .first()
    )
    ticket.snippet = " ".join(newest.reply_text.split())[:200] if newest else ""
    replied = TicketEvent.objects.filter(ticket=ticket, kind=Kind.REPLIED, data__message=message.pk).exists()
    if replied and ticket.customer_wrote_at and ticket.customer_wrote_at > message.created_at:
        replied = False  # the customer wrote meanwhile: his message decides
    if replied:
        ticket.waiting_since_at = parse_datetime(before.get("waiting_since_at", ""))
        ticket.first_replied_at = parse_datetime(before.get("first_replied_at", ""))
        if before.get("owner") is None and ticket.owner_id == message.author_user_id:
            news.append(events.NewEvent(ticket, Kind.UNASSIGNED, actor, {"previous": ticket.owner_id}))
            ticket.owner = None
        old = before.get("status", ticket.status)
        if old != ticket.status and ticket.status != Status.CLOSED:
            back_to = Status.OPEN if old == Status.NEW else Status(old)
            news.append(
                events.NewEvent(ticket, Kind.REOPENED, actor, {"previous": ticket.status, "why": "reply taken back"})
            )
            ticket.status, ticket.resolved_at = back_to, None
    ticket.changed_at = now()
    rank(ticket)
    ticket.save()
    return news


@transaction.atomic
def resend(*, message: Message, actor: Actor) -> OutgoingMail:
    """Tries a failed or held mail again, to the recipients who have not got it, with the same Message-ID."""
    ticket = lock(message.ticket)
    access.ensure(actor, "ticket.reply", ticket)
    outgoing = OutgoingMail.objects.select_for_update().filter(message=message).first()
    if outgoing is None or outgoing.state not in {
        OutgoingMail.State.DEAD,
        OutgoingMail.State.HELD,
        OutgoingMail.State.DEFERRED,
    }:
        raise BadInput(_("This reply is not waiting for another try."))
    was_held = outgoing.state == OutgoingMail.State.HELD
    outgoing.state, outgoing.due_at, outgoing.told_at = OutgoingMail.State.QUEUED, now(), None
    outgoing.attempts = int(was_held)  # the breaker looks at first attempts only: a person has decided now
    outgoing.recipients = [
        r if r.get("state") == "sent" else {**r, "state": "waiting", "answer": ""} for r in outgoing.recipients
    ]
    outgoing.save(update_fields=["state", "due_at", "attempts", "told_at", "recipients"])
    jobs.wake_dispatcher("outbox")
    return outgoing


def cancel_overtaken(arrivals: Sequence[TicketEvent]) -> None:
    """With CONTACT_RECEIVED: a reply scheduled with "cancel if the customer writes" does not leave."""
    waiting = OutgoingMail.objects.select_for_update().filter(
        ticket__in={e.ticket_id for e in arrivals}, state=OutgoingMail.State.SCHEDULED, cancel_if_customer_writes=True
    )
    news: list[events.NewEvent] = []
    tickets = {e.ticket_id: e.ticket for e in arrivals}
    for outgoing in waiting.select_related("message"):
        OutgoingMail.objects.filter(pk=outgoing.pk).update(state=OutgoingMail.State.CANCELLED)
        Message.objects.filter(pk=outgoing.message_id).update(withdrawn_at=now())
        data = {"message": outgoing.message_id, "overtaken": True}
        news.append(events.NewEvent(tickets[outgoing.ticket_id], Kind.REPLY_WITHDRAWN, SYSTEM, data))
    events.record_many(news)


def release_scheduled() -> int:
    """Hands scheduled replies that are due to the outbox; from here on they count as said. Returns how many."""
    keys = OutgoingMail.objects.filter(state=OutgoingMail.State.SCHEDULED, due_at__lte=now()).values_list(
        "pk", flat=True
    )[:50]
    return sum(_release(key) for key in list(keys))


@transaction.atomic
def _release(key: int) -> int:
    outgoing = OutgoingMail.objects.select_related("message__author_user", "ticket").get(pk=key)
    ticket = lock(outgoing.ticket)
    if (
        OutgoingMail.objects.filter(pk=key, state=OutgoingMail.State.SCHEDULED).update(state=OutgoingMail.State.QUEUED)
        != 1
    ):
        return 0
    message = outgoing.message
    actor = Actor.of(message.author_user) if message.author_user else SYSTEM
    then_status = message.origin.get("then_status", "")
    if then_status and then_status != ticket.status and ticket.status in {Status.CLOSED, Status.SPAM}:
        then_status = ticket.status
    _say(ticket, message, actor, outgoing, then_status, None)
    jobs.wake_dispatcher("outbox")
    return 1


def _by_client_id(ticket: Ticket, actor: Actor, client_id: uuid.UUID | None) -> Message | None:
    if client_id is None:
        return None
    event = TicketEvent.objects.filter(
        ticket=ticket, actor_kind=actor.kind, actor_id=actor.id, client_id=client_id
    ).first()
    return Message.objects.get(pk=event.data["message"]) if event else None


def _worthy(text: str, attachments: Sequence[Attachment]) -> str:
    text = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not text and not attachments:
        raise BadInput(_("Write something first."))
    if len(text) > _TEXT_AT_MOST:
        raise BadInput(_("The text is longer than %(n)s characters; send the rest as a file.") % {"n": _TEXT_AT_MOST})
    return text


def _ensure_seen(ticket: Ticket, actor: Actor, seen_seq: int) -> None:
    kinds = [Kind.OPENED, Kind.CONTACT_RECEIVED, Kind.REPLIED, Kind.NOTED]
    later = TicketEvent.objects.filter(ticket=ticket, seq__gt=seen_seq, kind__in=kinds).exclude(
        actor_kind=actor.kind, actor_id=actor.id
    )
    keys = [e.data["message"] for e in later if e.data.get("message")]
    if keys:
        raise UnseenMessages(list(Message.objects.filter(pk__in=keys)))


def _attach(message: Message, ticket: Ticket, actor: Actor, attachments: Sequence[Attachment]) -> None:
    for attachment in attachments:
        if attachment.message_id is not None or attachment.ticket_id != ticket.pk:
            raise BadInput(
                _("The file %(name)s does not belong to this draft; attach it again.") % {"name": attachment.name}
            )
    Attachment.objects.filter(pk__in=[a.pk for a in attachments], message__isnull=True).update(message=message)


def _sending_mailbox(ticket: Ticket) -> Mailbox:
    mailbox = ticket.mailbox if ticket.mailbox is not None and ticket.mailbox.is_active else None
    mailbox = mailbox or Mailbox.objects.filter(is_active=True, queue=ticket.queue).exclude(smtp_host="").first()
    mailbox = mailbox or Mailbox.objects.filter(is_active=True).exclude(smtp_host="").first()
    if mailbox is None or not mailbox.smtp_host:
        raise BadInput(
            _("No mailbox can send this: a manager has to enter an SMTP server for the mailbox of this queue.")
        )
    return mailbox
