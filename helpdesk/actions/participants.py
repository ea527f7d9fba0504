"""Who else takes part in a ticket: customers in copy, who may read and answer, and colleagues who follow it.

Called by views/people.py; taken back by undoing.py.
"""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, lock
from helpdesk.actions.intake import find_or_make_customer
from helpdesk.actions.ledger import Ledger
from helpdesk.actions.recipients import is_ours, our_addresses
from helpdesk.models import Actor, AddressKind, Customer, CustomerAddress, Kind, Participant, Ticket, User
from helpdesk.now import now
from helpdesk.queries.colleagues import people_who_see

_AT_MOST = 50


@transaction.atomic
def add_copy(*, ticket: Ticket, actor: Actor, email: str, name: str = "") -> Participant:
    """Puts the customer with this address in copy, a new one where nobody has it: he may answer, and read what comes from now on.

    Raises BadInput for an address that is none, is ours, a colleague's or takes part already; NotAllowed.
    """
    access.ensure(actor, "ticket.update", ticket)
    ticket = lock(ticket)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise BadInput(_("“%(email)s” is not a mail address.") % {"email": email[:100]}) from None
    if is_ours(email, our_addresses()):
        raise BadInput(_("%(email)s is one of our own mailboxes; mail to it would come back here.") % {"email": email})
    colleague = User.objects.filter(email=email, is_active=True).first()
    if colleague is not None:
        raise BadInput(_("%(name)s is a colleague: choose him among those who follow.") % {"name": colleague})
    known = CustomerAddress.objects.select_related("customer").filter(kind=AddressKind.EMAIL, value=email).first()
    if known is None:
        ledger = Ledger(now())
        find_or_make_customer(ledger, email, name, "")
        ledger.write()
        known = CustomerAddress.objects.select_related("customer").get(kind=AddressKind.EMAIL, value=email)
    return _join(ticket, actor, customer=known.customer)


@transaction.atomic
def rejoin(
    *, ticket: Ticket, actor: Actor, customer: Customer | None, user: User | None, since: datetime | None = None
) -> Participant:
    """Brings back somebody who was taken out a moment ago, who may read what came `since`. Raises BadInput, NotAllowed."""
    access.ensure(actor, "ticket.update", ticket)
    return _join(lock(ticket), actor, customer=customer, user=user, since=since)


@transaction.atomic
def add_follower(*, ticket: Ticket, actor: Actor, user: User) -> Participant:
    """Lets a colleague follow the ticket; everybody may begin to follow what he sees. Raises BadInput, NotAllowed."""
    is_self = actor.user is not None and actor.user.pk == user.pk
    access.ensure(actor, "ticket.view" if is_self else "ticket.update", ticket)
    ticket = lock(ticket)
    if not people_who_see(ticket).filter(pk=user.pk).exists():
        raise BadInput(_("%(name)s may not see this ticket.") % {"name": user})
    return _join(ticket, actor, user=user)


@transaction.atomic
def remove_participant(*, ticket: Ticket, actor: Actor, participant: int) -> None:
    """Takes somebody out by the key of his row; of oneself everybody may say so. Raises BadInput when he is gone, NotAllowed."""
    row = Participant.objects.filter(ticket=ticket, pk=participant).first()
    is_self = row is not None and actor.user is not None and row.user_id == actor.user.pk
    access.ensure(actor, "ticket.view" if is_self else "ticket.update", ticket)
    ticket = lock(ticket)
    gone = row is not None and Participant.objects.filter(ticket=ticket, pk=row.pk).delete()[0]
    if row is None or not gone:
        raise BadInput(_("This person takes no part in the ticket any more."))
    data = {"customer": row.customer_id, "user": row.user_id, "since": row.added_at.isoformat()}
    events.record(ticket, Kind.PARTICIPANT_REMOVED, actor=actor, data=data)


def _join(
    ticket: Ticket,
    actor: Actor,
    *,
    customer: Customer | None = None,
    user: User | None = None,
    since: datetime | None = None,
) -> Participant:
    if customer is not None and customer.pk == ticket.customer_id:
        raise BadInput(_("The ticket is %(name)s's own.") % {"name": customer})
    if customer is not None and customer.is_blocked:
        raise BadInput(_("%(name)s is blocked: unblock first.") % {"name": customer})
    if Participant.objects.filter(ticket=ticket, customer=customer, user=user).exists():
        raise BadInput(_("%(name)s takes part already.") % {"name": customer or user})
    if Participant.objects.filter(ticket=ticket).count() >= _AT_MOST:
        raise BadInput(_("At most %(n)s people take part in a ticket.") % {"n": _AT_MOST})
    row = Participant.objects.create(ticket=ticket, customer=customer, user=user, added_at=since or now())
    data = {"customer": customer.pk if customer else None, "user": user.pk if user else None}
    events.record(ticket, Kind.PARTICIPANT_ADDED, actor=actor, data=data)
    return row
