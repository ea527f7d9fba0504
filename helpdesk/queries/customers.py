"""Customers as pages show them: found by name or address, who may be the same person, what was merged. For the views."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Collate

from helpdesk.models import Actor, AddressKind, Customer, CustomerAddress, CustomerMerge, Ticket
from helpdesk.queries.words import having_words

CUSTOMERS_SHOWN = 50
TICKETS_SHOWN = 20
_ALIKE = 5
_DIGITS = 8
_HOPS = 8
_END = "\U0010ffff"


@dataclass(frozen=True)
class Page:
    """Rows in their order, and the cursor of those after them ("" when there are none)."""

    rows: list[Any]
    cursor: str = ""


def standing(actor: Actor) -> QuerySet[Customer]:
    """The customers the actor sees, without those merged into others."""
    return Customer.objects.visible_to(actor).filter(merged_into__isnull=True)


def customers(actor: Actor, text: str = "", after: str = "") -> Page:
    """A page by name; `text` narrows to names with these words, or addresses and numbers that begin so."""
    first = CustomerAddress.objects.filter(customer=OuterRef("pk"), kind=AddressKind.EMAIL).order_by(
        "-is_primary", "pk"
    )
    found = standing(actor).select_related("organisation").annotate(address=Subquery(first.values("value")[:1]))
    condition = _asked(" ".join(text.split())[:100])
    if condition is not None:
        found = found.filter(condition)
    name, _sep, key = after.rpartition("~")
    if key.isdecimal() and len(key) < 19:
        found = found.filter(Q(name__gt=name) | Q(name=name, pk__gt=int(key)))
    rows = list(found.order_by("name", "pk")[: CUSTOMERS_SHOWN + 1])
    more, rows = len(rows) > CUSTOMERS_SHOWN, rows[:CUSTOMERS_SHOWN]
    return Page(rows, f"{rows[-1].name}~{rows[-1].pk}" if more else "")


def _asked(text: str) -> Q | None:
    if not text:
        return None
    lowered = text.lower()
    digits = "".join(str(int(c)) for c in text if c.isdecimal())
    plain = CustomerAddress.objects.alias(plain=Collate("value", "C"))
    condition = Q(pk__in=plain.filter(plain__gte=lowered, plain__lt=lowered + _END).values("customer"))
    if len(digits) >= 4 and not any(c.isalpha() for c in text):
        begins = Q(plain__gte=digits, plain__lt=digits + _END) | Q(
            plain__gte=f"+{digits}", plain__lt=f"+{digits}{_END}"
        )
        condition |= Q(pk__in=plain.filter(begins, kind=AddressKind.PHONE).values("customer"))
    words = having_words("name", text)
    return condition | words if words is not None else condition


def customer_of(actor: Actor, public_id: uuid.UUID) -> Customer | None:
    """The customer behind the actor's door, with the organisation; one merged away stands for whom he was merged into."""
    found = Customer.objects.filter(public_id=public_id).select_related("merged_into").first()
    for _hop in range(_HOPS):
        if found is None or found.merged_into is None:
            break
        found = found.merged_into
    if found is None:
        return None
    return standing(actor).select_related("organisation").filter(pk=found.pk).first()


def tickets_of(actor: Actor, customer: Customer, after: str = "") -> Page:
    """The customer's tickets the actor sees, newest first."""
    found = Ticket.objects.visible_to(actor).filter(customer=customer).select_related("owner", "queue")
    if after.isdecimal() and len(after) < 19:
        last = Ticket.objects.filter(customer=customer, pk=int(after)).first()
        if last is not None:
            found = found.filter(opened_at__lte=last.opened_at).exclude(opened_at=last.opened_at, pk__gte=last.pk)
    rows = list(found.order_by("-opened_at", "-pk")[: TICKETS_SHOWN + 1])
    more, rows = len(rows) > TICKETS_SHOWN, rows[:TICKETS_SHOWN]
    return Page(rows, str(rows[-1].pk) if more else "")


def ticket_counts(actor: Actor, customer: Customer) -> dict[str, int]:
    """How many tickets of each status the actor sees of one customer."""
    rows = Ticket.objects.visible_to(actor).filter(customer=customer).order_by().values("status")
    return {row["status"]: row["n"] for row in rows.annotate(n=Count("pk"))}


def maybe_the_same(actor: Actor, customer: Customer) -> list[Customer]:
    """Who may be the same person: the same name in the same organisation, or a number that ends in the same digits."""
    alike = Q(pk__in=[])
    if customer.name and customer.organisation_id:
        alike |= Q(name__iexact=customer.name, organisation=customer.organisation_id)
    phones = customer.addresses.filter(kind=AddressKind.PHONE).values_list("value", flat=True)
    for value in phones:
        end = value.lstrip("+")[-_DIGITS:]
        if len(end) == _DIGITS:
            rows = CustomerAddress.objects.filter(kind=AddressKind.PHONE, value__endswith=end)
            alike |= Q(pk__in=list(rows.values_list("customer", flat=True)[:_ALIKE]))
    if not alike.children[1:]:
        return []
    found = standing(actor).filter(alike).exclude(pk=customer.pk)
    return list(found.select_related("organisation").order_by("name", "pk")[:_ALIKE])


def merges_into(customer: Customer) -> list[CustomerMerge]:
    """The merges into this customer that stand, newest first."""
    rows = CustomerMerge.objects.filter(target=customer, undone_at__isnull=True, source__merged_into=customer)
    return list(rows.select_related("source", "by").order_by("-at", "-pk"))
