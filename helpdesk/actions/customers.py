"""What agents correct about a customer: facts, own fields, addresses, whether he is heard at all.

Called by views/customers.py, views/people.py and the API. The audit book keeps what was changed, not the words.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, lock, search_index
from helpdesk.actions.own_fields import entered_values
from helpdesk.actions.portal_entry import end_sessions
from helpdesk.actions.recipients import is_ours, our_addresses
from helpdesk.models import (
    Actor,
    AddressKind,
    Customer,
    CustomerAddress,
    CustomField,
    Kind,
    Organisation,
    Participant,
    Ticket,
)

_ADDRESSES_AT_MOST = 30


@transaction.atomic
def edit_customer(
    *,
    customer: Customer,
    actor: Actor,
    name: str,
    tier: str,
    language: str = "",
    time_zone: str = "",
    notes: str = "",
    organisation: str | None = None,
) -> Customer:
    """Sets the facts an agent may correct; the audit book keeps which ones changed, not their words. Raises NotAllowed.

    `organisation` is a name: one not known yet is entered, "" takes him out of his, None leaves it as it is.
    """
    access.ensure(actor, "customer.edit")
    fresh = _locked(customer)
    wanted: dict[str, object] = {
        "name": name.strip()[:200],
        "tier": tier,
        "language": language,
        "time_zone": time_zone,
        "notes": notes.strip(),
    }
    if organisation is not None:
        found = _organisation(organisation)
        wanted["organisation_id"] = found.pk if found is not None else None
    changed = sorted(key for key, value in wanted.items() if getattr(fresh, key) != value)
    if not changed:
        return fresh
    for key in changed:
        setattr(fresh, key, wanted[key])
    fresh.save(update_fields=[key.removesuffix("_id") for key in changed])
    if {"name", "organisation_id"} & set(changed):
        search_index.index_customer(fresh)
    events.audit(actor, "customer.edited", fresh, {"fields": changed})
    return fresh


def _organisation(name: str) -> Organisation | None:
    words = " ".join(name.split())[:150]
    if not words:
        return None
    return Organisation.objects.filter(name__iexact=words).first() or Organisation.objects.create(name=words)


@transaction.atomic
def set_own_fields(*, customer: Customer, actor: Actor, entered: Mapping[str, str]) -> Customer:
    """Sets the company's own fields by key, as texts; keys not given stay. Raises BadInput naming the field, NotAllowed."""
    access.ensure(actor, "customer.edit")
    fresh = _locked(customer)
    values = entered_values(CustomField.objects.filter(on=CustomField.On.CUSTOMER), entered)
    changed = sorted(key for key, value in values.items() if fresh.fields.get(key, "") != value)
    if changed:
        fresh.fields = {**fresh.fields, **values}
        fresh.save(update_fields=["fields"])
        events.audit(actor, "customer.edited", fresh, {"fields": changed})
    return fresh


@transaction.atomic
def set_blocked(*, customer: Customer, actor: Actor, blocked: bool) -> Customer:
    """Shuts a customer out, or lets him in again: mail of the blocked is counted and not stored, his pages close at once."""
    access.ensure(actor, "customer.edit")
    fresh = _locked(customer)
    if fresh.is_blocked != blocked:
        fresh.is_blocked = blocked
        fresh.save(update_fields=["is_blocked"])
        events.audit(actor, "customer.blocked" if blocked else "customer.unblocked", fresh)
        if blocked:
            end_sessions(customer=fresh, actor=actor)
    return fresh


def normal_address(kind: str, value: str) -> str:
    """The address as it is compared: mail in lower case, telephones as digits with a leading + where the country is named.

    Raises BadInput for what is neither.
    """
    value = value.strip()
    if kind == AddressKind.PHONE:
        digits = "".join(str(int(c)) for c in value if c.isdecimal())
        is_abroad = value.startswith(("+", "00"))
        digits = digits.removeprefix("00") if value.startswith("00") else digits
        if not 5 <= len(digits) <= 15:
            raise BadInput(_("A telephone number has 5 to 15 digits, with the country's code."))
        return f"+{digits}" if is_abroad else digits
    try:
        validate_email(value)
    except ValidationError:
        raise BadInput(_("“%(email)s” is not a mail address.") % {"email": value[:100]}) from None
    return value.lower()


@transaction.atomic
def add_address(*, customer: Customer, actor: Actor, kind: str, value: str) -> CustomerAddress:
    """Gives the customer another mail address or telephone number; the first of its kind is preferred.

    Raises BadInput for one that is none, ours, or somebody else's (then the two may be one person: merge them); NotAllowed.
    """
    access.ensure(actor, "customer.edit")
    if kind not in AddressKind.values:
        raise BadInput(_("An address is a mail address or a telephone number."))
    value = normal_address(kind, value)
    if kind == AddressKind.EMAIL and is_ours(value, our_addresses()):
        raise BadInput(_("%(email)s is one of our own mailboxes.") % {"email": value})
    fresh = _locked(customer)
    held = CustomerAddress.objects.filter(kind=kind, value=value).select_related("customer").first()
    if held is not None:
        raise BadInput(_belongs_to(held, fresh, actor))
    own = list(CustomerAddress.objects.filter(customer=fresh))
    if len(own) >= _ADDRESSES_AT_MOST:
        raise BadInput(_("A customer has at most %(n)s addresses.") % {"n": _ADDRESSES_AT_MOST})
    try:
        with transaction.atomic():
            row = CustomerAddress.objects.create(
                customer=fresh, kind=kind, value=value, is_primary=not any(one.kind == kind for one in own)
            )
    except IntegrityError:
        raise BadInput(_("Somebody else was given %(value)s just now.") % {"value": value}) from None
    _addresses_changed(fresh, actor, "customer.address_added", row)
    return row


def _belongs_to(held: CustomerAddress, customer: Customer, actor: Actor) -> str:
    if held.customer_id == customer.pk:
        return _("%(name)s has this address already.") % {"name": customer}
    if Customer.objects.visible_to(actor).filter(pk=held.customer_id).exists():
        return _("%(value)s belongs to %(name)s. If they are one person, merge the two.") % {
            "value": held.value,
            "name": held.customer,
        }
    return _("%(value)s belongs to another customer.") % {"value": held.value}


@transaction.atomic
def remove_address(*, customer: Customer, actor: Actor, address: int) -> None:
    """Takes an address away, by key; who signed in with it is signed out. The last mail address stays: how else to answer?

    Raises BadInput, NotAllowed.
    """
    access.ensure(actor, "customer.edit")
    fresh = _locked(customer)
    row = _own(fresh, address)
    of_kind = list(CustomerAddress.objects.filter(customer=fresh, kind=row.kind).exclude(pk=row.pk))
    if row.kind == AddressKind.EMAIL and not of_kind:
        raise BadInput(_("This is the last mail address of %(name)s: add another one first.") % {"name": fresh})
    _addresses_changed(fresh, actor, "customer.address_removed", row, tell=False)
    row.delete()
    if row.is_primary and of_kind:
        CustomerAddress.objects.filter(pk=of_kind[0].pk).update(is_primary=True)
    search_index.index_customer(fresh)


@transaction.atomic
def prefer_address(*, customer: Customer, actor: Actor, address: int) -> CustomerAddress:
    """Makes an address the one we write to, or call, when nothing else says. Raises BadInput, NotAllowed."""
    access.ensure(actor, "customer.edit")
    fresh = _locked(customer)
    row = _own(fresh, address)
    if not row.is_primary:
        CustomerAddress.objects.filter(customer=fresh, kind=row.kind, is_primary=True).update(is_primary=False)
        row.is_primary = True
        row.save(update_fields=["is_primary"])
        events.audit(actor, "customer.address_preferred", fresh, {"address": row.pk})
    return row


def _own(customer: Customer, key: int) -> CustomerAddress:
    row = CustomerAddress.objects.filter(customer=customer, pk=key).first()
    if row is None:
        raise BadInput(_("%(name)s no longer has this address.") % {"name": customer})
    return row


def _addresses_changed(
    customer: Customer, actor: Actor, action: str, row: CustomerAddress, *, tell: bool = True
) -> None:
    events.audit(actor, action, customer, {"address": row.pk, "kind": str(row.kind)})
    if tell:
        search_index.index_customer(customer)


def _locked(customer: Customer) -> Customer:
    """The customer again, locked. Raises BadInput when he was merged into another meanwhile."""
    fresh = Customer.objects.select_for_update().get(pk=customer.pk)
    if fresh.merged_into_id is not None:
        raise BadInput(_("%(name)s was merged into another customer just now. Look again.") % {"name": fresh})
    return fresh


@transaction.atomic
def give_ticket(*, ticket: Ticket, actor: Actor, customer: Customer, keep_in_copy: bool = False) -> Ticket:
    """Says that the ticket belongs to somebody else. He reads all of it from now on, and the one before him nothing more.

    `keep_in_copy` lets the one before him go on reading and answering. Taken back by undoing.py. Raises BadInput, NotAllowed.
    """
    access.ensure(actor, "ticket.update", ticket)
    ticket = lock(ticket)
    previous = ticket.customer
    if customer.pk == previous.pk:
        raise BadInput(_("#%(number)s belongs to %(name)s already.") % {"number": ticket.number, "name": customer})
    if customer.merged_into_id is not None:
        raise BadInput(_("%(name)s was merged into another customer just now. Look again.") % {"name": customer})
    news: list[events.NewEvent] = []
    place = Participant.objects.filter(ticket=ticket, customer=customer).first()
    if place is not None:
        place.delete()
        gone = {"customer": customer.pk, "user": None, "since": place.added_at.isoformat()}
        news.append(events.NewEvent(ticket, Kind.PARTICIPANT_REMOVED, actor, gone))
    if keep_in_copy:
        Participant.objects.get_or_create(
            ticket=ticket, customer=previous, defaults={"added_at": ticket.opened_at}
        )  # he has read it all from the beginning
        news.append(events.NewEvent(ticket, Kind.PARTICIPANT_ADDED, actor, {"customer": previous.pk, "user": None}))
    ticket.customer = customer
    ticket.save(update_fields=["customer"])
    data = {"customer": customer.pk, "previous": previous.pk}
    events.record_many([*news, events.NewEvent(ticket, Kind.CUSTOMER_CHANGED, actor, data)])
    return ticket
