"""Tickets as the API shows them, and the bodies that change them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from helpdesk.api.serializers.customers import CustomerRefSerializer, CustomerSerializer
from helpdesk.api.serializers.fields import (
    LineField,
    OwnFields,
    PriorityField,
    StrictSerializer,
    VisibleId,
    VisiblePublicId,
)
from helpdesk.api.serializers.messages import MessageSerializer
from helpdesk.api.serializers.organisation import NamedSerializer, visible_queues
from helpdesk.models import Channel, Customer, IssueType, Status, Ticket
from helpdesk.queries.colleagues import colleagues_of

_BY_HAND = [c for c in Channel.choices if c[0] in {Channel.API, Channel.FORM, Channel.PHONE}]


class IncludedSerializer(StrictSerializer):
    """What `?include=` asked for; null for what it did not."""

    customer = CustomerSerializer(read_only=True, allow_null=True)
    messages = MessageSerializer(many=True, read_only=True, allow_null=True)


class TicketSerializer(StrictSerializer):
    """One concern of one customer. `seq` is the head of its events and its ETag."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    number = serializers.IntegerField(read_only=True)
    url = serializers.SerializerMethodField()
    subject = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    label = serializers.CharField(source="label.label_agent", read_only=True, allow_null=True, default=None)  # type: ignore[assignment]
    priority = PriorityField(read_only=True)
    channel = serializers.ChoiceField(choices=Channel.choices, read_only=True)
    language = serializers.CharField(read_only=True)
    queue = NamedSerializer(read_only=True)
    owner = NamedSerializer(read_only=True, allow_null=True)
    customer = CustomerRefSerializer(read_only=True)
    issue_type = NamedSerializer(read_only=True, allow_null=True)
    tags = serializers.SerializerMethodField()
    fields = OwnFields(read_only=True)  # type: ignore[assignment]
    merged_into = serializers.UUIDField(source="merged_into.public_id", read_only=True, allow_null=True, default=None)
    snippet = serializers.CharField(read_only=True)
    message_count = serializers.IntegerField(read_only=True)
    seq = serializers.IntegerField(read_only=True)
    opened_at = serializers.DateTimeField(read_only=True)
    changed_at = serializers.DateTimeField(read_only=True)
    customer_wrote_at = serializers.DateTimeField(read_only=True, allow_null=True)
    waiting_since_at = serializers.DateTimeField(read_only=True, allow_null=True)
    first_replied_at = serializers.DateTimeField(read_only=True, allow_null=True)
    snoozed_until_at = serializers.DateTimeField(read_only=True, allow_null=True)
    resolved_at = serializers.DateTimeField(read_only=True, allow_null=True)
    closed_at = serializers.DateTimeField(read_only=True, allow_null=True)
    due_at = serializers.DateTimeField(read_only=True, allow_null=True)
    included = serializers.SerializerMethodField()

    def get_url(self, ticket: Ticket) -> str:
        """The page of the ticket in the desk."""
        return f"{settings.BASE_URL}/tickets/{ticket.number}/"

    def get_tags(self, ticket: Ticket) -> list[str]:
        """Names, in order of the alphabet."""
        return sorted(tag.name for tag in ticket.tags.all())

    @extend_schema_field(IncludedSerializer(allow_null=True))
    def get_included(self, ticket: Ticket) -> dict[str, Any] | None:
        """Null unless asked for. The viewset has read the messages."""
        wanted: frozenset[str] = self.context.get("include", frozenset())
        if not wanted:
            return None
        messages = self.context.get("messages", []) if "messages" in wanted else None
        customer = ticket.customer if "customer" in wanted else None
        return IncludedSerializer({"customer": customer, "messages": messages}, context=self.context).data


class NewTicketSerializer(StrictSerializer):
    """What a customer said, by whom: either `customer`, or `email` with a `name` for one not known yet."""

    queue = VisibleId(visible_queues)
    subject = LineField(max_length=500)
    text = serializers.CharField(max_length=200_000)
    customer = VisiblePublicId(lambda actor: Customer.objects.visible_to(actor), required=False)
    email = serializers.EmailField(max_length=254, required=False)
    name = LineField(max_length=200, required=False, allow_blank=True)
    channel = serializers.ChoiceField(choices=_BY_HAND, default=Channel.API.value)
    priority = PriorityField(required=False)
    language = serializers.RegexField(r"^[a-z]{2,3}(-[a-z0-9]{2,6})?$", max_length=10, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one way of saying who it was."""
        if ("customer" in attrs) == ("email" in attrs):
            raise serializers.ValidationError(_("Name either a customer or an email."))
        if "name" in attrs and "customer" in attrs:
            raise serializers.ValidationError({"name": _("A name goes with an email.")})
        return attrs


class _TagName(LineField):
    """A tag's word."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=60, **kwargs)


class TicketChangeSerializer(StrictSerializer):
    """What may be changed about a ticket; what is left out stays. `tags` is the whole new set."""

    subject = LineField(max_length=500, required=False)
    priority = PriorityField(required=False)
    tags = serializers.ListField(child=_TagName(), max_length=30, required=False)
    add_tags = serializers.ListField(child=_TagName(), max_length=30, required=False)
    remove_tags = serializers.ListField(child=_TagName(), max_length=30, required=False)
    fields = OwnFields(required=False)  # type: ignore[assignment]
    issue_type = VisibleId(lambda _actor: IssueType.objects.all(), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The whole set, or what to add and remove, not both."""
        if "tags" in attrs and ("add_tags" in attrs or "remove_tags" in attrs):
            raise serializers.ValidationError({"tags": _("Either the whole set, or what to add and remove.")})
        return attrs


class StatusSerializer(StrictSerializer):
    """A new status; `snoozed_until` goes with `snoozed` only."""

    status = serializers.ChoiceField(choices=[s for s in Status.choices if s[0] != Status.NEW])
    snoozed_until = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A time to wake at needs a snooze."""
        if "snoozed_until" in attrs and attrs["status"] != Status.SNOOZED:
            raise serializers.ValidationError({"snoozed_until": _("Only a snoozed ticket wakes.")})
        return attrs


class AssignSerializer(StrictSerializer):
    """A new owner, by the id of a colleague."""

    owner = VisibleId(lambda actor: colleagues_of(actor))


class MoveSerializer(StrictSerializer):
    """Another queue."""

    queue = VisibleId(visible_queues)
