"""A delivery report about a mail of ours: onto its ticket, onto the recipient, onto the customer's address."""

from __future__ import annotations

from helpdesk.actions.ledger import Ledger, PendingEvent
from helpdesk.actions.lifecycle import become
from helpdesk.actions.mail_known import Known
from helpdesk.mail.message import Bounce, BouncedRecipient
from helpdesk.models import (
    SYSTEM,
    AddressKind,
    Audience,
    CustomerAddress,
    Kind,
    Message,
    OutgoingMail,
    Status,
    Ticket,
)


def take_bounce(bounce: Bounce, message: Message, known: Known, ledger: Ledger) -> Ticket | None:
    """Adds the report to the ticket of the mail that came back, marks the recipients, and opens the ticket again when the
    mail will not arrive. None when the mail is not one of ours. Nobody is answered, least of all the failed address.
    """
    outgoing = known.outgoing.get(bounce.original_message_id)
    ticket = known.tickets.get(outgoing.ticket_id) if outgoing is not None else None
    if outgoing is None or ticket is None:
        return None
    message.audience, message.author_customer = Audience.INTERNAL, None
    message.origin = {"rule": "bounce", "identifier": bounce.original_message_id}
    message.side_thread_id = outgoing.message.side_thread_id
    ledger.say(ticket, message)
    failed = {r.email.lower(): r for r in bounce.recipients}
    final = bounce.permanent and not bounce.delayed
    if final:
        _mark(outgoing, failed, ledger)
        aside = {Status.PENDING, Status.SNOOZED, Status.ON_HOLD, Status.RESOLVED}
        if ticket.status in ({Status.ON_HOLD} if message.side_thread_id else aside):
            previous = become(ticket, Status.OPEN)
            reopened = {"previous": previous, "why": "mail came back"}
            ledger.events.append(PendingEvent(ticket, Kind.REOPENED, SYSTEM, reopened))
    status = next((r.status for r in bounce.recipients if r.status), "")
    data = {
        "bounced_message": outgoing.message_id,
        "status": status,
        "permanent": final,
        "recipients": len(bounce.recipients),
    }
    ledger.events.append(PendingEvent(ticket, Kind.BOUNCED, SYSTEM, data, message))
    return ticket


def _mark(outgoing: OutgoingMail, failed: dict[str, BouncedRecipient], ledger: Ledger) -> None:
    """Only people the mail really went to: a forged report cannot mark others."""
    named = {r["email"].lower() for r in outgoing.recipients} & set(failed)
    hit = named or ({outgoing.recipients[0]["email"].lower()} if len(outgoing.recipients) == 1 else set())
    outgoing.recipients = [
        {**r, "state": "bounced", "answer": _words(failed.get(r["email"].lower()))} if r["email"].lower() in hit else r
        for r in outgoing.recipients
    ]
    outgoing.save(update_fields=["recipients"])
    for email in hit:
        status = failed[email].status if email in failed else ""
        CustomerAddress.objects.filter(kind=AddressKind.EMAIL, value=email).update(
            bounced_at=ledger.at, bounce_status=status[:20]
        )


def _words(recipient: BouncedRecipient | None) -> str:
    return recipient.diagnostic[:300] if recipient else ""
