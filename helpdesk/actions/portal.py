"""What customers do on their own pages: answer, write something new, call it done, take that back.

Each is the action of its trade (intake, lifecycle) with what only a page of the customer's knows: files that come with the
words, a follow-up where the ticket is closed. Called by helpdesk.views.portal_pages.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access
from helpdesk.actions import BadInput, lock_survivor
from helpdesk.actions.files import store_upload
from helpdesk.actions.intake import receive_contact
from helpdesk.actions.lifecycle import set_status
from helpdesk.mail.portal_links import takes_part
from helpdesk.models import (
    Actor,
    AddressKind,
    Attachment,
    Channel,
    Customer,
    CustomerAddress,
    LinkKind,
    Mailbox,
    Queue,
    Status,
    Ticket,
    TicketEvent,
    TicketLink,
)
from helpdesk.now import now


@dataclass(frozen=True)
class Upload:
    """A file as the browser sent it."""

    name: str
    content_type: str
    chunks: Iterable[bytes]


@transaction.atomic
def answer(
    *,
    ticket: Ticket,
    actor: Actor,
    email: str,
    text: str,
    files: Sequence[Upload] = (),
    client_id: uuid.UUID | None = None,
) -> Ticket:
    """Adds what the customer writes to his ticket, or opens a follow-up of a closed one; returns the ticket it stands in.

    The same `client_id` again writes nothing. Raises BadInput (nothing written, a file too large) or NotAllowed.
    """
    access.ensure(actor, "ticket.reply", ticket)
    ticket = lock_survivor(ticket)  # merged since the page was drawn: the answer goes where the words went
    customer = _customer(actor)
    already = _already(customer, client_id)
    if already is not None:
        return already
    kept = _kept(actor, files)
    if ticket.status == Status.CLOSED:
        mailbox = ticket.mailbox if ticket.mailbox is not None and ticket.mailbox.is_active else None
        follow_up = _open(
            actor, email, text, ticket.subject, ticket.queue, mailbox, kept, client_id, language=ticket.language
        )
        TicketLink.objects.create(ticket=follow_up, other=ticket, kind=LinkKind.FOLLOW_UP, made_at=now())
        return follow_up
    return receive_contact(
        actor=actor,
        queue=ticket.queue,
        customer=customer,
        email=email,
        text=text,
        subject=ticket.subject,
        channel=Channel.FORM,
        ticket=ticket,
        attachments=kept,
        copies=_others(ticket, customer),
        client_id=client_id,
    )


@transaction.atomic
def write(
    *,
    actor: Actor,
    email: str,
    subject: str,
    text: str,
    queue: Queue | None = None,
    language: str = "",
    files: Sequence[Upload] = (),
    client_id: uuid.UUID | None = None,
) -> Ticket:
    """Opens a new ticket, in `queue` where the customer may choose one, else in that of the first mailbox.

    The same `client_id` again returns the ticket already opened. Raises BadInput.
    """
    access.ensure(actor, "ticket.create")
    customer = Customer.objects.select_for_update().get(pk=_customer(actor).pk)  # one at a time: the id is looked up
    already = _already(customer, client_id)
    if already is not None:
        return already
    if not subject.strip():
        raise BadInput(_("Say in a few words what it is about."))
    if queue is not None and not (queue.is_public and queue.is_active):
        raise BadInput(_("Choose what it is about from the list."))
    mailbox = _mailbox_of(queue)
    queue = queue or (mailbox.queue if mailbox is not None else Queue.objects.filter(is_active=True).first())
    if queue is None:
        raise BadInput(_("Nobody can take your message just now. Please write to us by mail."))
    return _open(actor, email, text, subject, queue, mailbox, _kept(actor, files), client_id, language=language)


def _open(
    actor: Actor,
    email: str,
    text: str,
    subject: str,
    queue: Queue,
    mailbox: Mailbox | None,
    kept: Sequence[Attachment],
    client_id: uuid.UUID | None,
    *,
    language: str,
) -> Ticket:
    return receive_contact(
        actor=actor,
        queue=queue,
        customer=_customer(actor),
        email=email,
        text=text,
        subject=" ".join(subject.split()),
        channel=Channel.FORM,
        language=_customer(actor).language or language,
        attachments=kept,
        mailbox=mailbox,
        client_id=client_id,
    )


@transaction.atomic
def close(*, ticket: Ticket, actor: Actor) -> Ticket:
    """The customer says it is done: resolved, so that he can take it back until the ticket closes for good."""
    return set_status(ticket=ticket, actor=actor, status=Status.RESOLVED)


@transaction.atomic
def reopen(*, ticket: Ticket, actor: Actor) -> Ticket:
    """The customer takes that back, or says that it is not done after all. Raises IllegalTransition once it is closed."""
    return set_status(ticket=ticket, actor=actor, status=Status.OPEN, why="customer")


def _customer(actor: Actor) -> Customer:
    if actor.customer is None:
        raise BadInput(_("Only customers write here."))
    return actor.customer


def _already(customer: Customer, client_id: uuid.UUID | None) -> Ticket | None:
    if client_id is None:
        return None
    event = (
        TicketEvent.objects.select_related("ticket")
        .filter(ticket__in=Ticket.objects.visible_to(Actor.of_customer(customer)))
        .filter(actor_kind="customer", actor_id=customer.pk, client_id=client_id)
        .first()
    )
    return event.ticket if event is not None else None


def _kept(actor: Actor, files: Sequence[Upload]) -> list[Attachment]:
    if len(files) > settings.PORTAL_FILES_AT_MOST:
        raise BadInput(_("At most %(n)s files go with one message.") % {"n": settings.PORTAL_FILES_AT_MOST})
    return [
        store_upload(actor=actor, ticket=None, name=f.name, content_type=f.content_type, chunks=f.chunks) for f in files
    ]


def _others(ticket: Ticket, writer: Customer) -> list[dict[str, Any]]:
    """The other customers of the ticket, one address each: an answer to all reaches them too."""
    rows = (
        CustomerAddress.objects.filter(takes_part(ticket), kind=AddressKind.EMAIL, bounced_at__isnull=True)
        .exclude(customer=writer)
        .select_related("customer")
        .order_by("customer_id", "-is_primary", "pk")
    )
    first = {row.customer_id: row for row in reversed(rows)}
    return [{"kind": "cc", "email": row.value, "name": row.customer.name} for _key, row in sorted(first.items())]


def _mailbox_of(queue: Queue | None) -> Mailbox | None:
    able = Mailbox.objects.filter(is_active=True).exclude(smtp_host="").select_related("queue").order_by("pk")
    if queue is None:
        return able.filter(queue__is_active=True).first()
    return able.filter(queue=queue).first() or able.first()
