"""Events as the API shows them: inner keys become public ids, keys of the outbox stay inside."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework import serializers

from helpdesk.api.serializers.fields import StrictSerializer
from helpdesk.models import ActorKind, Kind, TicketEvent
from helpdesk.queries.public_ids import TICKET_KEYS, PublicIds

_HIDDEN = frozenset({"outgoing", "moved", "kept"})


class EventActorSerializer(StrictSerializer):
    """Who did it."""

    kind = serializers.ChoiceField(choices=ActorKind.choices, read_only=True)
    user = serializers.IntegerField(read_only=True, allow_null=True)
    customer = serializers.UUIDField(read_only=True, allow_null=True)


class EventSerializer(StrictSerializer):
    """One thing that happened. `position` counts over all tickets, `seq` within one; `data` depends on `type`."""

    position = serializers.IntegerField(read_only=True, allow_null=True)
    ticket = serializers.UUIDField(source="ticket.public_id", read_only=True)
    number = serializers.IntegerField(source="ticket.number", read_only=True)
    seq = serializers.IntegerField(read_only=True)
    type = serializers.ChoiceField(choices=[f"ticket.{kind}" for kind in Kind.values], read_only=True)
    is_public = serializers.BooleanField(read_only=True)
    actor = EventActorSerializer(read_only=True)
    at = serializers.DateTimeField(read_only=True)
    data = serializers.DictField(read_only=True)  # type: ignore[assignment]

    def to_representation(self, instance: TicketEvent) -> dict[str, Any]:
        """The event with public ids, from `context["ids"]`."""
        ids: PublicIds = self.context["ids"]
        by_agent = instance.actor_kind == ActorKind.AGENT
        by_customer = instance.actor_kind == ActorKind.CUSTOMER
        return {
            "position": instance.position,
            "ticket": str(instance.ticket.public_id),
            "number": instance.ticket.number,
            "seq": instance.seq,
            "type": f"ticket.{instance.kind}",
            "is_public": instance.pub_seq is not None,
            "actor": {
                "kind": instance.actor_kind,
                "user": instance.actor_id if by_agent else None,
                "customer": _text(ids.customers.get(instance.actor_id or 0)) if by_customer else None,
            },
            "at": serializers.DateTimeField().to_representation(instance.at),
            "data": {key: _public(key, value, ids) for key, value in instance.data.items() if key not in _HIDDEN},
        }


def _public(key: str, value: Any, ids: PublicIds) -> Any:
    table = {"message": ids.messages, "bounced_message": ids.messages, "customer": ids.customers}
    table |= dict.fromkeys(TICKET_KEYS, ids.tickets)
    if key in table and isinstance(value, int):
        return _text(table[key].get(value))
    return value


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)
