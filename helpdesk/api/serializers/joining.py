"""Bodies that join and part tickets, and links as the API shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from helpdesk.api.serializers.fields import LineField, StrictSerializer, VisiblePublicId
from helpdesk.models import LinkKind, Status, Ticket, TicketLink

_BY_HAND = ("related", "child", "parent", "duplicate")


def _visible_ticket(**kwargs: Any) -> VisiblePublicId:
    return VisiblePublicId(lambda actor: Ticket.objects.visible_to(actor).select_related("queue"), **kwargs)


def _messages() -> serializers.ListField:
    return serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=200)


class MergeSerializer(StrictSerializer):
    """The tickets to be joined into the one of the address. `confirmed` where their customers differ."""

    sources = serializers.ListField(child=_visible_ticket(), min_length=1, max_length=20)
    confirmed = serializers.BooleanField(default=False)


class SplitSerializer(StrictSerializer):
    """The messages that become a new ticket; with `of_sender` it belongs to who wrote the first of them."""

    messages = _messages()
    subject = LineField(max_length=500, required=False, allow_blank=True)
    of_sender = serializers.BooleanField(default=False)


class MoveMessagesSerializer(StrictSerializer):
    """The messages and the ticket they go to. `confirmed` where its customer is another."""

    messages = _messages()
    ticket = _visible_ticket()
    confirmed = serializers.BooleanField(default=False)


class LinkSerializer(StrictSerializer):
    """The other ticket and what the one of the address is to it: `child` is a part of it, `parent` has it as a part."""

    ticket = _visible_ticket()
    kind = serializers.ChoiceField(choices=_BY_HAND)


class LinkedTicketSerializer(StrictSerializer):
    """A linked ticket in short."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    number = serializers.IntegerField(read_only=True)
    subject = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(choices=Status.choices, read_only=True)


class LinkShownSerializer(StrictSerializer):
    """A link. `is_here`: it points at the ticket of the address, so that `kind` reads from the other one."""

    ticket = LinkedTicketSerializer(read_only=True)
    kind = serializers.ChoiceField(choices=LinkKind.choices, read_only=True)
    is_here = serializers.BooleanField(read_only=True)
    made_at = serializers.DateTimeField(read_only=True)

    def to_representation(self, instance: TicketLink) -> dict[str, Any]:
        """Read from `context["ticket"]`."""
        is_here = instance.ticket_id != self.context["ticket"].pk
        other = instance.ticket if is_here else instance.other
        return {
            "ticket": LinkedTicketSerializer(other).data,
            "kind": instance.kind,
            "is_here": is_here,
            "made_at": serializers.DateTimeField().to_representation(instance.made_at),
        }
