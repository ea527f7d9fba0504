"""The event stream, to keep another system in step: over all tickets by `position`, within one by `seq`."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from helpdesk.api.base import ApiViewSet
from helpdesk.api.pagination import FeedPages
from helpdesk.api.serializers.events import EventSerializer
from helpdesk.api.viewsets.ticket_scope import TicketScopedViewSet
from helpdesk.models import TicketEvent
from helpdesk.queries.public_ids import PublicIds


def _page(viewset: ApiViewSet, found: QuerySet[TicketEvent]) -> Response:
    rows: list[Any] = list(viewset.paginate_queryset(found.select_related("ticket")) or [])
    context = {**viewset.get_serializer_context(), "ids": PublicIds.of(rows, viewset.actor)}
    return viewset.get_paginated_response(EventSerializer(rows, many=True, context=context).data)


class EventViewSet(ApiViewSet):
    """Everything that happened to the tickets one sees now."""

    noun = "events"
    model = TicketEvent
    matrix: ClassVar[dict[str, str]] = {"list": "event.view"}
    knows: ClassVar[dict[str, frozenset[str]]] = {"list": FeedPages.params}
    pagination_class = FeedPages
    keyset = ("position",)

    @extend_schema(summary="Events over all tickets after a position", responses=EventSerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of the feed. An event appears once its change is kept for good, and no cursor ever passes one by."""
        return _page(self, TicketEvent.objects.visible_to(self.actor).filter(position__isnull=False))


class TicketEventViewSet(TicketScopedViewSet):
    """Everything that happened to one ticket."""

    noun = "ticket_events"
    model = TicketEvent
    matrix: ClassVar[dict[str, str]] = {"list": "event.view"}
    knows: ClassVar[dict[str, frozenset[str]]] = {"list": FeedPages.params}
    pagination_class = FeedPages
    keyset = ("seq",)

    @extend_schema(summary="Events of a ticket after a seq", responses=EventSerializer(many=True))
    def list(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """A page of the ticket's stream."""
        return _page(self, TicketEvent.objects.visible_to(self.actor).filter(ticket=self.ticket()))
