"""A third party answers: his mail stands in the private exchange it belongs to. Called by mail_intake.py, which checks senders.

The customer's ticket is not touched by it: nobody waits longer or less, nothing is reopened for the customer. Only a ticket
that is on hold, which is how one waits for a third party, is to be worked on again.
"""

from __future__ import annotations

from helpdesk.actions.ledger import Ledger, PendingEvent
from helpdesk.actions.lifecycle import become
from helpdesk.actions.mail_known import Known
from helpdesk.mail.message import MachineKind, ParsedMail
from helpdesk.models import SYSTEM, Audience, Kind, Message, SideThread, Status, Ticket


def take_side_answer(mail: ParsedMail, thread: SideThread, message: Message, known: Known, ledger: Ledger) -> Ticket:
    """Adds the mail to its exchange and returns the ticket. What a machine wrote is kept there and changes nothing."""
    ticket = known.tickets[thread.ticket_id]
    by_reference = next((i for i in (*mail.in_reply_to, *reversed(mail.references)) if i in known.side_of), "")
    message.audience, message.side_thread, message.author_customer = Audience.INTERNAL, thread, None
    message.origin = {"rule": "side_thread", "identifier": by_reference}
    ledger.say(ticket, message)
    if mail.machine not in {MachineKind.HUMAN, MachineKind.LIST}:
        data = {"machine": str(mail.machine), "rule": "side_thread"}
        ledger.events.append(PendingEvent(ticket, Kind.MACHINE_MAIL, SYSTEM, data, message))
        return ticket
    ledger.events.append(PendingEvent(ticket, Kind.SIDE_RECEIVED, SYSTEM, {"thread": thread.pk}, message))
    if ticket.status == Status.ON_HOLD:
        previous = become(ticket, Status.OPEN)
        opened = {"previous": previous, "why": "third party answered"}
        ledger.events.append(PendingEvent(ticket, Kind.REOPENED, SYSTEM, opened))
    return ticket
