"""A contact arrives on a channel other than mail: form, API, chat, message left. Mail arrives in mail_intake.py."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access
from helpdesk.actions import BadInput, lock_survivor
from helpdesk.actions.ledger import Ledger, PendingEvent
from helpdesk.models import (
    Actor,
    AddressKind,
    Attachment,
    Channel,
    Customer,
    CustomerAddress,
    Kind,
    Mailbox,
    Message,
    Organisation,
    Priority,
    Queue,
    Status,
    Ticket,
)
from helpdesk.now import now

TEXT_AT_MOST = 200_000


@transaction.atomic
def receive_contact(
    *,
    actor: Actor,
    queue: Queue,
    text: str,
    subject: str = "",
    customer: Customer | None = None,
    email: str = "",
    name: str = "",
    channel: str = Channel.API,
    priority: int = Priority.NORMAL,
    language: str = "",
    ticket: Ticket | None = None,
    attachments: Sequence[Attachment] = (),
    mailbox: Mailbox | None = None,
    copies: Sequence[dict[str, str]] = (),
    client_id: uuid.UUID | None = None,
    origin: dict[str, str] | None = None,
) -> Ticket:
    """Opens a ticket for what a customer said, or adds it to his `ticket`; returns the ticket.

    The customer is given, or found and made by `email`. `mailbox` answers a new ticket; `copies` are people an answer to
    all goes to, as of a mail ({"kind", "email", "name"}). `origin` says how the message came to be here. Raises BadInput
    when nothing was said or nobody said it.
    """
    access.ensure(actor, "ticket.create")
    text = text.replace("\x00", "").strip()
    if not text and not attachments:
        raise BadInput(_("Write what it is about."))
    if len(text) > TEXT_AT_MOST:
        raise BadInput(_("The text is longer than %(n)s characters; send the rest as a file.") % {"n": TEXT_AT_MOST})
    if channel not in Channel.values or priority not in Priority.values:
        raise BadInput(_("Unknown channel or priority."))
    ledger = Ledger(now())
    if customer is None:
        customer = find_or_make_customer(ledger, email, name, language)
    said_by = Actor.of_customer(customer) if actor.customer is None else actor
    message = Message(
        channel=channel,
        author_customer=customer,
        sender_name=customer.name,
        sender_email=email.strip().lower()[:320],
        recipients=list(copies),
        subject=subject.strip()[:500],
        text=text,
        reply_text=text,
        origin=origin or {},
        created_at=ledger.at,
    )
    if ticket is not None:
        ticket = lock_survivor(ticket)
        if ticket.status in {Status.CLOSED, Status.SPAM}:
            raise BadInput(_("This conversation is closed; write a new message instead."))
        ledger.customer_wrote(ticket, message, said_by, "given", client_id)
    else:
        ticket = ledger.open_ticket(
            customer=customer,
            message=message,
            queue=queue,
            mailbox=mailbox,
            channel=channel,
            subject=subject.strip()[:500],
            priority=priority,
            language=(language or customer.language)[:10],
        )
        data = {"channel": str(channel), "rule": "given", "queue": queue.pk}
        ledger.events.append(PendingEvent(ticket, Kind.OPENED, said_by, data, message, client_id))
    ledger.write()
    Attachment.objects.filter(pk__in=[a.pk for a in attachments], message__isnull=True).update(message=message)
    return ticket


def find_or_make_customer(ledger: Ledger, email: str, name: str, language: str) -> Customer:
    """The customer with this address, or a new one in the ledger. Raises BadInput for an address that is none."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise BadInput(_("“%(email)s” is not a mail address.") % {"email": email[:100]}) from None
    address = CustomerAddress.objects.select_related("customer").filter(kind=AddressKind.EMAIL, value=email).first()
    if address is not None:
        return address.customer
    domain = email.partition("@")[2]
    organisation = Organisation.objects.filter(domains__contains=[domain]).first()
    return ledger.new_customer(email=email, name=" ".join(name.split()), organisation=organisation, language=language)
