"""Private exchanges with third parties beside a ticket: forwarded, answered, taken back. The customer never sees a word of it.

Every message of a side thread is internal; its mail goes out by the same outbox with a Message-ID, references and a subject
of its own (helpdesk.mail.compose), and answers come back by mail_intake.py, from its recipients alone. Called by
views/side_threads.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, lock, lock_ticket_of
from helpdesk.actions.conversation import attach, by_client_id, enqueue_mail, held_seconds, sending_mailbox, worthy
from helpdesk.actions.recipients import checked
from helpdesk.models import (
    Actor,
    AddressKind,
    Attachment,
    Audience,
    Channel,
    CustomerAddress,
    Draft,
    IllegalTransition,
    Kind,
    Message,
    OutgoingMail,
    Participant,
    SideThread,
    Status,
    Ticket,
)
from helpdesk.now import now


@transaction.atomic
def forward(
    *,
    ticket: Ticket,
    actor: Actor,
    recipients: Iterable[dict[str, Any]],
    text: str,
    quotes: Message | None = None,
    subject: str = "",
    attachments: Sequence[Attachment] = (),
    files: Sequence[Attachment] = (),
    client_id: uuid.UUID | None = None,
) -> Message:
    """Begins a side thread: writes to third parties, with the message `quotes` below the comment and `files` of the ticket.

    `attachments` are fresh uploads. It can be taken back for the writer's undo seconds. Raises BadInput for the customer's own
    addresses (a reply is for him), for quoting what is internal, for no recipients; NotAllowed, IllegalTransition.
    """
    access.ensure(actor, "ticket.forward", ticket)
    ticket = lock(ticket)
    already = by_client_id(ticket, actor, client_id)
    if already is not None:
        return already
    to = _third_parties(ticket, recipients)
    if quotes is not None and not may_quote(quotes, ticket, None):
        raise BadInput(_("Only what the customer may read can be forwarded: no notes, and nothing taken back."))
    topic = " ".join((subject or (quotes.subject if quotes else "") or ticket.subject).split())[:490]
    thread = SideThread.objects.create(
        ticket=ticket,
        subject=topic if subject.strip() or quotes is None else f"Fwd: {topic}",
        recipients=to,
        by=actor.user,
        at=now(),
    )
    return _write(ticket, thread, actor, to, text, quotes, attachments, files, client_id)


@transaction.atomic
def answer(
    *,
    thread: SideThread,
    actor: Actor,
    text: str,
    recipients: Iterable[dict[str, Any]] | None = None,
    attachments: Sequence[Attachment] = (),
    files: Sequence[Attachment] = (),
    client_id: uuid.UUID | None = None,
) -> Message:
    """Writes again in a side thread, to `recipients` or to whom it went before; who is new may answer from now on.

    Raises as `forward` does.
    """
    access.ensure(actor, "ticket.forward", thread.ticket)
    ticket = lock(thread.ticket)
    already = by_client_id(ticket, actor, client_id)
    if already is not None:
        return already
    thread = SideThread.objects.select_for_update().get(pk=thread.pk)
    if thread.ticket_id != ticket.pk:
        raise BadInput(_("This exchange was moved to another ticket just now. Look again."))
    to = _third_parties(ticket, answer_recipients(thread) if recipients is None else recipients)
    known = {str(r["email"]).lower() for r in thread.recipients}
    thread.recipients = [*thread.recipients, *(r for r in to if r["email"].lower() not in known)]
    thread.save(update_fields=["recipients"])
    quotes = (
        thread.messages.filter(author_user__isnull=True, machine="").order_by("-created_at", "-pk").first()
        or thread.messages.filter(withdrawn_at__isnull=True).order_by("-created_at", "-pk").first()
    )
    return _write(ticket, thread, actor, to, text, quotes, attachments, files, client_id)


def answer_recipients(thread: SideThread) -> list[dict[str, str]]:
    """Whom an answer starts with: who wrote last, and whom that went to besides us; at first those it was begun with."""
    last = thread.messages.filter(author_user__isnull=True, machine="").order_by("-created_at", "-pk").first()
    rows = [
        {"kind": str(r["kind"]), "email": str(r["email"]), "name": str(r.get("name", ""))} for r in thread.recipients
    ]
    if last is None:
        return rows
    first = {"kind": "to", "email": last.sender_email, "name": last.sender_name}
    known = {r["email"].lower() for r in rows}
    others = [
        {"kind": "cc", "email": str(r["email"]), "name": str(r.get("name", ""))}
        for r in last.recipients
        if r.get("kind") in {"to", "cc"} and str(r["email"]).lower() in known and r["email"] != last.sender_email
    ]
    return [first, *others]


def may_quote(message: Message, ticket: Ticket, thread: SideThread | None) -> bool:
    """Whether a mail of a side thread may quote it: what the customer may read, or a message of that same thread."""
    if message.ticket_id != ticket.pk or message.withdrawn_at is not None:
        return False
    if message.side_thread_id is not None:
        return thread is not None and message.side_thread_id == thread.pk
    return message.audience == Audience.PUBLIC


def _third_parties(ticket: Ticket, recipients: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    to = checked(recipients)
    if not to:
        raise BadInput(_("Name somebody to send it to."))
    joined = Participant.objects.filter(ticket=ticket, customer__isnull=False).values("customer")
    emails = [r["email"].lower() for r in to]
    insiders = CustomerAddress.objects.filter(kind=AddressKind.EMAIL, value__in=emails)
    insider = insiders.filter(customer__in=joined).first() or insiders.filter(customer=ticket.customer_id).first()
    if insider is not None:
        raise BadInput(
            _("%(email)s takes part in this ticket: write a reply instead. A side thread is for third parties.")
            % {"email": insider.value}
        )
    return to


def _write(
    ticket: Ticket,
    thread: SideThread,
    actor: Actor,
    to: list[dict[str, str]],
    text: str,
    quotes: Message | None,
    attachments: Sequence[Attachment],
    files: Sequence[Attachment],
    client_id: uuid.UUID | None,
) -> Message:
    if ticket.merged_into is not None or ticket.status == Status.SPAM:
        raise IllegalTransition(_("Ticket #%(number)s is closed: go on where it went.") % {"number": ticket.number})
    mailbox = sending_mailbox(ticket)
    message = Message.objects.create(
        ticket=ticket,
        side_thread=thread,
        audience=Audience.INTERNAL,
        channel=Channel.MAIL,
        author_user=actor.user,
        sender_name=actor.name[:200],
        sender_email=mailbox.address,
        recipients=to,
        subject=thread.subject,
        text=worthy(text, [*attachments, *files]) if quotes is None else text.replace("\r\n", "\n").strip(),
        reply_text=text.replace("\r\n", "\n").strip(),
        origin={"quotes": quotes.pk} if quotes is not None else {},
        created_at=now(),
    )
    attach(message, ticket, actor, attachments)
    _copy_files(message, ticket, thread, files)
    outgoing = enqueue_mail(
        message=message, mailbox=mailbox, due_at=now() + timedelta(seconds=held_seconds(actor.user))
    )
    ticket.message_count += 1
    ticket.changed_at = now()
    ticket.save(update_fields=["message_count", "changed_at"])
    data = {"message": message.pk, "outgoing": outgoing.pk, "thread": thread.pk}
    events.record(ticket, Kind.SIDE_SENT, actor=actor, data=data, client_id=client_id)
    Draft.objects.filter(ticket=ticket, user=actor.user, mode=Draft.Mode.FORWARD).delete()
    return message


def _copy_files(message: Message, ticket: Ticket, thread: SideThread, files: Sequence[Attachment]) -> None:
    """Files that stand in the ticket travel along as rows of the new message; their bytes stay one blob."""
    for file in files:
        if file.message is None or not may_quote(file.message, ticket, thread):
            raise BadInput(_("The file %(name)s cannot be sent to a third party.") % {"name": file.name})
    Attachment.objects.bulk_create(
        Attachment(
            message=message,
            name=file.name,
            content_type=file.content_type,
            size=file.size,
            sha256=file.sha256,
            created_at=message.created_at,
        )
        for file in files
    )


def withdraw(*, message: Message, actor: Actor) -> Draft:
    """Takes a mail of a side thread back before it leaves: its words and files return to the draft. In the caller's transaction.

    Called by sending.withdraw_reply. Raises BadInput when it is too late, NotAllowed.
    """
    ticket = lock_ticket_of(message)
    access.ensure(actor, "ticket.forward", ticket)
    states = OutgoingMail.State
    taken = OutgoingMail.objects.filter(message=message, state=states.QUEUED, attempts=0).update(state=states.CANCELLED)
    if not taken or actor.user is None:
        raise BadInput(_("Too late: the mail is already on its way."))
    Message.objects.filter(pk=message.pk).update(withdrawn_at=now())
    begun = Draft.objects.filter(user=actor.user, ticket=ticket, mode=Draft.Mode.FORWARD).first()
    text = f"{message.text}\n\n{begun.text}" if begun and begun.text.strip() else message.text
    draft, _made = Draft.objects.update_or_create(
        user=actor.user,
        ticket=ticket,
        mode=Draft.Mode.FORWARD,
        defaults={"text": text, "recipients": message.recipients, "updated_at": now()},
    )
    message.attachments.filter(uploaded_by=actor.user).update(message=None, ticket=ticket)
    ticket.message_count = max(0, ticket.message_count - 1)
    ticket.changed_at = now()
    ticket.save(update_fields=["message_count", "changed_at"])
    data = {"message": message.pk, "overtaken": False}
    events.record(ticket, Kind.REPLY_WITHDRAWN, actor=actor, data=data)
    return draft
