"""The query parameters that narrow lists. Fixed names with fixed meanings: no lookup or column comes from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import extend_schema_field

from helpdesk.models import AddressKind, Customer, CustomerAddress, Priority, Status, Ticket, TicketTag

_BIGGEST = 2**63 - 1


class OwnerField(forms.CharField):
    """`me`, `none` or the id of a colleague."""

    def clean(self, value: Any) -> Any:
        """The word or the number as text. Raises ValidationError."""
        text = super().clean(value)
        if text in {"", "me", "none"} or (text.isascii() and text.isdecimal() and 0 < len(text) < 19):
            return text
        raise ValidationError(_("me, none or the id of a colleague."))


@extend_schema_field({"type": "string", "pattern": "^(me|none|[0-9]{1,18})$"})
class OwnerFilter(django_filters.Filter):  # type: ignore[misc]
    """Narrows to an owner."""

    field_class = OwnerField


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": _BIGGEST})
class IdFilter(django_filters.Filter):  # type: ignore[misc]
    """Narrows to a whole number. One that nobody may see finds nothing, like one that never was."""

    field_class = forms.IntegerField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=_BIGGEST, **kwargs)


class MomentField(IsoDateTimeField):  # type: ignore[misc]
    """An instant, in UTC: PostgreSQL takes no zone sixteen hours or more away, though ISO 8601 can write it."""

    def clean(self, value: Any) -> datetime | None:
        """Raises ValidationError also where the calendar ends."""
        moment: datetime | None = super().clean(value)
        try:
            return moment.astimezone(UTC) if moment is not None else None
        except OverflowError:
            raise ValidationError(_("A time within the years 1 to 9999.")) from None


class MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """Narrows to an instant."""

    field_class = MomentField


class TicketFilters(django_filters.FilterSet):  # type: ignore[misc]
    """What narrows the list of tickets."""

    status = django_filters.MultipleChoiceFilter(choices=Status.choices)
    queue = IdFilter(field_name="queue_id")
    owner = OwnerFilter(method="by_owner")
    tag = django_filters.CharFilter(method="by_tag", max_length=60)
    customer = django_filters.UUIDFilter(field_name="customer__public_id")
    priority = django_filters.ChoiceFilter(choices=[(p.name.lower(), p.label) for p in Priority], method="by_priority")
    number = IdFilter(field_name="number")
    updated_after = MomentFilter(field_name="changed_at", lookup_expr="gt")

    class Meta:
        model = Ticket
        fields: Sequence[str] = ()

    def by_owner(self, found: QuerySet[Ticket], _name: str, value: str) -> QuerySet[Ticket]:
        """`me` is the caller."""
        if value == "none":
            return found.filter(owner__isnull=True)
        return found.filter(owner_id=self.request.user.pk if value == "me" else int(value))

    def by_tag(self, found: QuerySet[Ticket], _name: str, value: str) -> QuerySet[Ticket]:
        """Capitals do not matter."""
        return found.filter(Exists(TicketTag.objects.filter(ticket_id=OuterRef("pk"), tag__name__iexact=value)))

    def by_priority(self, found: QuerySet[Ticket], _name: str, value: str) -> QuerySet[Ticket]:
        """By its word."""
        return found.filter(priority=Priority[value.upper()].value)


class CustomerFilters(django_filters.FilterSet):  # type: ignore[misc]
    """What narrows the list of customers."""

    email = django_filters.CharFilter(method="by_email", max_length=320)
    name = django_filters.CharFilter(field_name="name", lookup_expr="icontains", max_length=100)

    class Meta:
        model = Customer
        fields: Sequence[str] = ()

    def by_email(self, found: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        """The whole address; capitals do not matter."""
        known = CustomerAddress.objects.filter(
            customer_id=OuterRef("pk"), kind=AddressKind.EMAIL, value=value.strip().lower()
        )
        return found.filter(Exists(known))
