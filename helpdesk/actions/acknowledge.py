"""The automatic acknowledgement of a new ticket: fixed text, never to machines, never in storms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from helpdesk.actions.conversation import enqueue_mail
from helpdesk.mail.automatic import is_no_reply
from helpdesk.mail.compose import fill
from helpdesk.mail.customer_language import customer_language
from helpdesk.models import (
    Audience,
    Channel,
    LinkKind,
    Message,
    OutgoingMail,
    RawMail,
    Ticket,
    TicketEvent,
    TicketLink,
    Verification,
)
from helpdesk.now import now

_NEVER = ("noreply", "no-reply", "donotreply", "do-not-reply", "mailer-daemon", "postmaster", "bounce")


def acknowledge_new_tickets(opened: Sequence[TicketEvent]) -> None:
    """With OPENED: an outbox row for each ticket whose mailbox acknowledges and whose sender is plainly a person."""
    firsts = Message.objects.filter(
        pk__in=[e.data["message"] for e in opened if e.data.get("message") and e.data.get("rule") != "split"],
        machine="",
        ticket__mailbox__auto_acknowledge=True,
    ).select_related("ticket__mailbox", "ticket__customer", "raw_mail")
    for first in firsts:
        mailbox = first.ticket.mailbox
        if mailbox is None or not mailbox.smtp_host or not may_acknowledge(first):
            continue
        text = fill(
            mailbox.acknowledgement or standard_text(first.ticket),
            ticket_number=str(first.ticket.number),
            mailbox_name=mailbox.from_name or mailbox.name,
        )
        message = Message.objects.create(
            ticket=first.ticket,
            audience=Audience.PUBLIC,
            channel=Channel.MAIL,
            sender_name=mailbox.from_name or mailbox.name,
            sender_email=mailbox.address,
            recipients=[{"kind": "to", "email": first.sender_email, "name": ""}],
            subject=first.subject,
            text=text,
            reply_text=text,
            machine="acknowledgement",
            created_at=now(),
        )
        enqueue_mail(message=message, mailbox=mailbox, due_at=now(), is_automatic=True)


def standard_text(ticket: Ticket) -> str:
    """What we say when the mailbox has no text of its own, in the customer's language; its places are not yet filled."""
    with override(customer_language(ticket)):
        return _("We have your message. Your ticket number is {ticket_number}.")


def may_acknowledge(first: Message) -> bool:
    """No imports, no failed or missing senders, no twins in another mailbox, and only as many an hour as the breaker allows."""
    email = first.sender_email
    if not email or is_never_answered(email) or first.verification == Verification.FAIL:
        return False
    if first.origin.get("null_path") or (first.raw_mail is not None and first.raw_mail.is_import):
        return False
    if TicketLink.objects.filter(ticket=first.ticket, kind=LinkKind.TWIN).exists():
        return False
    return may_send_automatically(email)


def is_never_answered(email: str) -> bool:
    """Whether the address is one behind which nobody reads."""
    return any(email.startswith(word) for word in _NEVER) or is_no_reply(email)


def may_send_automatically(email: str) -> bool:
    """Whether one more automatic mail fits into this hour, to the address and in all: outbox rows and answers without one."""
    since = now() - timedelta(hours=1)
    automatic = OutgoingMail.objects.filter(is_automatic=True, queued_at__gte=since)
    # received_at has the index; a mail is answered as soon as it is fetched
    told = RawMail.objects.filter(answered_at__gte=since, received_at__gte=since - timedelta(hours=1))
    if automatic.count() + told.count() >= settings.AUTO_MAIL_PER_HOUR:
        return False
    to_this_address = automatic.filter(recipients__contains=[{"email": email}]).count()
    return to_this_address + told.filter(sender=email).count() < settings.AUTO_MAIL_PER_ADDRESS_HOUR
