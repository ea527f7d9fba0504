"""Stopping a mail that waits in the outbox. Sending it again is `sending.resend`. Called by the admin."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, lock_ticket_of
from helpdesk.actions.sending import withdraw_reply
from helpdesk.models import Actor, OutgoingMail

_States = OutgoingMail.State
_NEVER_TRIED = (_States.SCHEDULED, _States.QUEUED)
_STOPPABLE = (*_NEVER_TRIED, _States.DEFERRED, _States.HELD, _States.DEAD)


def can_stop(outgoing: OutgoingMail) -> bool:
    """Whether it waits; what is being sent, or perhaps was sent, cannot be called back."""
    return outgoing.state in _STOPPABLE


@transaction.atomic
def stop_mail(*, outgoing: OutgoingMail, actor: Actor) -> OutgoingMail:
    """Stops a waiting mail. One that was never tried is taken back as a whole; of others the further tries end.

    Raises NotAllowed, or BadInput when it is too late.
    """
    ticket = lock_ticket_of(outgoing)
    access.ensure(actor, "ticket.reply", ticket)
    outgoing = OutgoingMail.objects.select_for_update().select_related("message__ticket").get(pk=outgoing.pk)
    if outgoing.state in _NEVER_TRIED and outgoing.attempts == 0:
        withdraw_reply(message=outgoing.message, actor=actor)
    elif not OutgoingMail.objects.filter(pk=outgoing.pk, state__in=_STOPPABLE).update(state=_States.CANCELLED):
        raise BadInput(_("Too late: the mail is on its way, or has left."))
    events.audit(actor, "outgoingmail.stopped", outgoing, {"state": outgoing.state})
    outgoing.refresh_from_db()
    return outgoing
