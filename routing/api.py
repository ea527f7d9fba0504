"""The routing of a ticket in the API: what the panel of the desk tells, for programs."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from helpdesk.api.viewsets.ticket_scope import TicketScopedViewSet
from helpdesk.models import Ticket
from helpdesk.now import now
from routing.models import Callback, ContactChannel, WorkItem
from routing.queries.why import as_data, why_of


class KeyedSerializer(serializers.Serializer[Any]):
    """A queue or an agent by key and name."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class FactSerializer(serializers.Serializer[Any]):
    """A code for programs, how many agents it concerns, and its words in your language."""

    code = serializers.CharField()
    agents = serializers.IntegerField()
    words = serializers.CharField()


class NextAgentSerializer(KeyedSerializer):
    """Somebody who lacks only time."""

    free_in_seconds = serializers.IntegerField(allow_null=True)


class CandidateSerializer(KeyedSerializer):
    """Somebody who could have had the contact, and what the strategy compared."""

    compared = serializers.CharField()
    chosen = serializers.BooleanField()


class DecisionSerializer(serializers.Serializer[Any]):
    """One offer, assignment, pull or manual move, and why it fell so."""

    kind = serializers.CharField()
    at = serializers.DateTimeField()
    agent = KeyedSerializer(allow_null=True)
    by = serializers.CharField()
    outcome = serializers.CharField(allow_null=True)
    candidates = CandidateSerializer(many=True)
    free = serializers.IntegerField()
    reasons = FactSerializer(many=True)
    missing = FactSerializer(many=True)


class EstimateSerializer(serializers.Serializer[Any]):
    """The wait that is probably left: half of all wait less than the first, four in five less than the second."""

    from_seconds = serializers.IntegerField()
    to_seconds = serializers.IntegerField()


class CallbackSerializer(serializers.Serializer[Any]):
    """A reserved call."""

    state = serializers.ChoiceField(choices=Callback.State.choices)
    attempts = serializers.IntegerField()


class RoutingSerializer(serializers.Serializer[Any]):
    """Where a contact stands and why."""

    at = serializers.DateTimeField()
    said = serializers.CharField()
    state = serializers.ChoiceField(choices=WorkItem.State.choices, allow_null=True)
    queue = KeyedSerializer(allow_null=True)
    channel = serializers.ChoiceField(choices=ContactChannel.choices, allow_null=True)
    waiting_since = serializers.DateTimeField(allow_null=True)
    plan = serializers.CharField(allow_null=True)
    step = serializers.CharField(allow_null=True)
    needs = serializers.CharField(allow_null=True)
    because = serializers.ListField(child=serializers.CharField())
    conflicts = serializers.ListField(child=serializers.CharField())
    left_out = serializers.ListField(child=serializers.CharField())
    agents = serializers.IntegerField()
    reasons = FactSerializer(many=True)
    missing = FactSerializer(many=True)
    next_agents = NextAgentSerializer(many=True)
    changes = FactSerializer(many=True)
    place = serializers.IntegerField(allow_null=True)
    estimate = EstimateSerializer(allow_null=True)
    estimate_hidden = serializers.CharField(allow_null=True)
    opens_at = serializers.DateTimeField(allow_null=True)
    decisions = DecisionSerializer(many=True)
    callback = CallbackSerializer(allow_null=True)


class TicketRoutingViewSet(TicketScopedViewSet):
    """Why a ticket went to whom, and what it waits for."""

    noun = "ticket_routing"
    model = Ticket
    matrix: ClassVar[dict[str, str]] = {"retrieve": "ticket.why"}

    @extend_schema(summary="Why it went to whom, why it waits, what would change it", responses=RoutingSerializer)
    def retrieve(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Decisions from their records; what is waited for is asked of the engine as things stand now."""
        return Response(self.show(RoutingSerializer, as_data(why_of(self.ticket(), now()))))
