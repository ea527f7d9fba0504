"""Customers as the API shows and corrects them."""

from __future__ import annotations

import zoneinfo

from django.utils.translation import gettext as _
from rest_framework import serializers

from helpdesk.api.serializers.fields import LineField, OwnFields, StrictSerializer
from helpdesk.api.serializers.organisation import NamedSerializer
from helpdesk.models import AddressKind, Tier


class CustomerRefSerializer(StrictSerializer):
    """A customer, by public id and name."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    name = serializers.CharField(read_only=True)


class AddressSerializer(StrictSerializer):
    """How a customer can be reached."""

    kind = serializers.ChoiceField(choices=AddressKind.choices, read_only=True)
    value = serializers.CharField(read_only=True)
    is_primary = serializers.BooleanField(read_only=True)
    bounced_at = serializers.DateTimeField(read_only=True, allow_null=True)


class CustomerSerializer(CustomerRefSerializer):
    """A person outside, with addresses."""

    organisation = NamedSerializer(read_only=True, allow_null=True)
    tier = serializers.ChoiceField(choices=Tier.choices, read_only=True)
    language = serializers.CharField(read_only=True)
    time_zone = serializers.CharField(read_only=True)
    country = serializers.CharField(read_only=True)
    addresses = AddressSerializer(many=True, read_only=True)
    fields = OwnFields(read_only=True)  # type: ignore[assignment]
    notes = serializers.CharField(read_only=True)
    is_blocked = serializers.BooleanField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class CustomerMergeSerializer(StrictSerializer):
    """The customer to be joined into the one of the address; `choices` names facts for which his words win."""

    source = serializers.UUIDField()  # type: ignore[assignment]
    choices = serializers.DictField(child=serializers.ChoiceField(choices=["target", "source"]), required=False)


class CustomerPartSerializer(StrictSerializer):
    """The customer who was merged into the one of the address."""

    source = serializers.UUIDField()  # type: ignore[assignment]


class CustomerChangeSerializer(StrictSerializer):
    """What may be corrected; what is left out stays."""

    name = LineField(max_length=200, required=False)
    tier = serializers.ChoiceField(choices=Tier.choices, required=False)
    language = serializers.RegexField(
        r"^([a-z]{2,3}(-[a-z0-9]{2,6})?)?$", max_length=10, required=False, allow_blank=True
    )
    time_zone = serializers.CharField(max_length=64, required=False, allow_blank=True)
    notes = serializers.CharField(max_length=20_000, required=False, allow_blank=True)

    def validate_time_zone(self, name: str) -> str:
        """A name of the time zone database, or nothing."""
        if name and name not in zoneinfo.available_timezones():
            raise serializers.ValidationError(_("A time zone such as Europe/Berlin, or nothing."))
        return name
