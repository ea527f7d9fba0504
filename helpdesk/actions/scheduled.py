"""Replies that wait for their hour: another hour, or at once after all. Taking back is `withdraw_reply`."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events, jobs
from helpdesk.actions import BadInput, lock_ticket_of
from helpdesk.models import Actor, Kind, Message, OutgoingMail
from helpdesk.now import now


@transaction.atomic
def reschedule_reply(*, message: Message, actor: Actor, send_at: datetime | None) -> OutgoingMail:
    """Gives a scheduled reply another hour; None is now. Raises BadInput when it has left, or the hour is past."""
    ticket = lock_ticket_of(message)
    access.ensure(actor, "ticket.reply", ticket)
    at = now()
    if send_at is not None and send_at <= at:
        raise BadInput(_("Choose a time to send that is still ahead."))
    waiting = OutgoingMail.objects.filter(message=message, state=OutgoingMail.State.SCHEDULED)
    if not waiting.update(due_at=send_at or at):
        raise BadInput(_("Too late: the reply is already on its way."))
    outgoing = OutgoingMail.objects.get(message=message)
    data = {
        "message": message.pk,
        "outgoing": outgoing.pk,
        "sends_at": outgoing.due_at.isoformat(),
        "again": True,
    }
    events.record(ticket, Kind.REPLY_SCHEDULED, actor=actor, data=data)
    if send_at is None:
        jobs.wake_dispatcher("clocks")
    return outgoing
