"""A ticket somebody of the staff writes down for a customer: a telephone call, a letter, a talk at the counter.

Called by views/new_ticket.py. What the customer said becomes his message, as if he had written it; it remembers who wrote
it down.
"""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access
from helpdesk.actions import BadInput
from helpdesk.actions.assignment import assign_ticket, may_own
from helpdesk.actions.customers import add_address, normal_address
from helpdesk.actions.intake import receive_contact
from helpdesk.models import (
    Actor,
    AddressKind,
    Channel,
    Customer,
    CustomerAddress,
    Organisation,
    Priority,
    Queue,
    Ticket,
)
from helpdesk.now import now

#: How somebody of the staff hears of it.
CHANNELS = (Channel.PHONE, Channel.FORM)


@transaction.atomic
def write_down(
    *,
    actor: Actor,
    queue: Queue,
    text: str,
    subject: str = "",
    channel: str = Channel.PHONE,
    priority: int = Priority.NORMAL,
    customer: Customer | None = None,
    name: str = "",
    email: str = "",
    phone: str = "",
    keeps: bool = False,
) -> Ticket:
    """Opens a ticket with what a customer said; with `keeps` the writer owns it.

    The customer is given, or found by mail address or telephone number, or made with what is known of him. Raises BadInput
    with a sentence, NotAllowed.
    """
    access.ensure(actor, "ticket.create")
    if actor.user is None or not Queue.objects.visible_to(actor).filter(pk=queue.pk, is_active=True).exists():
        raise BadInput(_("Choose a queue that is in use."))
    if channel not in CHANNELS:
        raise BadInput(_("Unknown channel or priority."))
    if not subject.strip():
        raise BadInput(_("Say in a few words what it is about."))
    number = normal_address(AddressKind.PHONE, phone) if phone.strip() else ""
    mail = normal_address(AddressKind.EMAIL, email) if email.strip() else ""
    person = customer or _found(mail, number) or _made(name, mail)
    for kind, value in ((AddressKind.EMAIL, mail), (AddressKind.PHONE, number)):
        if value and not CustomerAddress.objects.filter(kind=kind, value=value).exists():
            add_address(customer=person, actor=actor, kind=kind, value=value)
    ticket = receive_contact(
        actor=actor,
        queue=queue,
        text=text,
        subject=subject,
        customer=person,
        channel=channel,
        priority=priority,
        origin={"rule": "written_down", "by": actor.user.name},
    )
    if keeps and access.may(actor, "ticket.assign", ticket) and may_own(actor.user, ticket):
        ticket = assign_ticket(ticket=ticket, actor=actor, owner=actor.user)
    return ticket


def _found(mail: str, number: str) -> Customer | None:
    """Whoever has the mail address, else whoever has the number."""
    for kind, value in ((AddressKind.EMAIL, mail), (AddressKind.PHONE, number)):
        row = (
            CustomerAddress.objects.select_related("customer").filter(kind=kind, value=value).first() if value else None
        )
        if row is not None:
            return row.customer
    return None


def _made(name: str, mail: str) -> Customer:
    name = " ".join(name.replace("\x00", "").split())[:200]
    if not name:
        raise BadInput(_("Choose the customer, or say what he or she is called."))
    organisation = Organisation.objects.filter(domains__contains=[mail.partition("@")[2]]).first() if mail else None
    return Customer.objects.create(
        name=name,
        organisation=organisation,
        tier=organisation.tier if organisation else "standard",
        created_at=now(),
    )
