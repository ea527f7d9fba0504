"""Tickets: lists, one ticket, opening, classifying, and every change an agent may make."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from helpdesk.actions import assignment, intake, lifecycle, triage
from helpdesk.api.filters import TicketFilters
from helpdesk.api.pagination import CursorPages
from helpdesk.api.preconditions import etag_of, not_modified, unchanged
from helpdesk.api.serializers.fields import StrictSerializer
from helpdesk.api.serializers.tickets import (
    AssignSerializer,
    MoveSerializer,
    NewTicketSerializer,
    StatusSerializer,
    TicketChangeSerializer,
    TicketSerializer,
)
from helpdesk.api.viewsets.ticket_scope import TicketScopedViewSet, answer, shown_messages
from helpdesk.models import Ticket

#: `?include=messages` carries so many of the newest; the rest is at the address of the messages.
_MESSAGES_INCLUDED = 50


def _include(*words: str) -> OpenApiParameter:
    schema = {"type": "array", "items": {"type": "string", "enum": list(words)}, "uniqueItems": True}
    return OpenApiParameter("include", schema, description="Comma-separated.", style="form", explode=False)


class TicketViewSet(TicketScopedViewSet):
    """What contacts become."""

    noun = "tickets"
    model = Ticket
    matrix: ClassVar[dict[str, str]] = {
        "list": "ticket.view",
        "retrieve": "ticket.view",
        "create": "ticket.create",
        "partial_update": "ticket.update",
        "status": "ticket.update",
        "assign": "ticket.assign",
        "unassign": "ticket.assign",
        "move": "ticket.move",
    }
    knows: ClassVar[dict[str, frozenset[str]]] = {
        "list": CursorPages.params | frozenset(TicketFilters.base_filters) | {"include"},
        "retrieve": frozenset({"include"}),
    }
    filterset_class = TicketFilters

    def tickets(self) -> QuerySet[Ticket]:
        """With what an answer shows."""
        found = super().tickets().select_related("queue", "owner", "customer", "issue_type", "label", "merged_into")
        return found.prefetch_related("tags")

    def order(self) -> tuple[str, ...]:
        """Newest change first; after `updated_after` the oldest first, as somebody who catches up reads."""
        catching_up = "updated_after" in self.request.query_params
        return ("changed_at", "pk") if catching_up else ("-changed_at", "-pk")

    def get_serializer_context(self) -> dict[str, Any]:
        """With what `?include=` asks for."""
        return {**super().get_serializer_context(), **getattr(self, "included", {})}

    @extend_schema(
        summary="Tickets you may see, newest change first",
        parameters=[_include("customer")],
        responses=TicketSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """A page of tickets. With `updated_after` the order is the oldest change first."""
        found = self.filter_queryset(self.tickets())
        if self._wanted("customer"):
            found = found.select_related("customer__organisation").prefetch_related("customer__addresses")
        return self.page(TicketSerializer, found)

    @extend_schema(
        summary="One ticket",
        parameters=[_include("customer", "messages")],
        responses={200: TicketSerializer, 304: None},
    )
    def retrieve(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """The ticket with its ETag; `If-None-Match` answers 304 when nothing has changed."""
        wanted = self._wanted("customer", "messages")
        ticket = self.ticket()
        if not_modified(request, ticket):
            return Response(status=304, headers={"ETag": etag_of(ticket)})
        if "messages" in wanted:
            newest = shown_messages(self.actor, ticket).order_by("-created_at", "-pk")[:_MESSAGES_INCLUDED]
            self.included["messages"] = list(newest)[::-1]
        return answer(self, TicketSerializer, ticket, ticket)

    @extend_schema(
        summary="Open a ticket for a customer", request=NewTicketSerializer, responses={201: TicketSerializer}
    )
    def create(self, request: Request) -> Response:
        """Opens a ticket with what the customer said. A customer not known yet is made from `email` and `name`."""
        values = self.read(NewTicketSerializer)
        ticket = self._fresh(intake.receive_contact(actor=self.actor, **values))
        return answer(self, TicketSerializer, ticket, ticket, status=201)

    @extend_schema(
        summary="Classify: subject, priority, tags, fields, issue type",
        request=TicketChangeSerializer,
        responses={200: TicketSerializer},
    )
    def partial_update(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Changes what is given. Tags that do not exist yet are made."""
        ticket, values = self.ticket(), self.read(TicketChangeSerializer)
        with unchanged(request, ticket) as held:
            if "tags" in values:
                values |= _difference(ticket, values.pop("tags"))
            triage.classify_ticket(ticket=held, actor=self.actor, **values)
        return self._changed(ticket)

    @extend_schema(summary="Set the status", request=StatusSerializer, responses={200: TicketSerializer})
    def status(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Moves the ticket to another status; 409 where that status cannot follow."""
        ticket, values = self.ticket(), self.read(StatusSerializer)
        with unchanged(request, ticket) as held:
            lifecycle.set_status(ticket=held, actor=self.actor, **values)
        return self._changed(ticket)

    @extend_schema(summary="Give to an owner", request=AssignSerializer, responses={200: TicketSerializer})
    def assign(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Gives the ticket to a colleague who works in its queue."""
        ticket, values = self.ticket(), self.read(AssignSerializer)
        with unchanged(request, ticket) as held:
            assignment.assign_ticket(ticket=held, actor=self.actor, owner=values["owner"])
        return self._changed(ticket)

    @extend_schema(summary="Take the owner off", request=None, responses={200: TicketSerializer})
    def unassign(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """The ticket waits in its queue again."""
        ticket = self.ticket()
        self.read(StrictSerializer)
        with unchanged(request, ticket) as held:
            assignment.unassign_ticket(ticket=held, actor=self.actor)
        return self._changed(ticket)

    @extend_schema(summary="Move to another queue", request=MoveSerializer, responses={200: TicketSerializer})
    def move(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Moves to a queue you see; an owner who cannot work there is taken off."""
        ticket, values = self.ticket(), self.read(MoveSerializer)
        with unchanged(request, ticket) as held:
            assignment.move_ticket(ticket=held, actor=self.actor, queue=values["queue"])
        return self._changed(ticket)

    def _changed(self, ticket: Ticket) -> Response:
        fresh = self._fresh(ticket)
        return answer(self, TicketSerializer, fresh, fresh)

    def _fresh(self, ticket: Ticket) -> Ticket:
        """The ticket again, as the caller sees it after the change."""
        return self.tickets().get(pk=ticket.pk)

    def _wanted(self, *possible: str) -> frozenset[str]:
        words = {w.strip() for part in self.request.query_params.getlist("include") for w in part.split(",")} - {""}
        if not words <= set(possible):
            raise ValidationError({"include": _("Known here: %(words)s.") % {"words": ", ".join(possible)}})
        self.included: dict[str, Any] = {"include": frozenset(words)}
        return frozenset(words)


def _difference(ticket: Ticket, names: list[str]) -> dict[str, list[str]]:
    """What to add and remove so that the ticket carries just these tags; capitals do not matter."""
    present = {tag.name.lower(): tag.name for tag in ticket.tags.all()}
    wanted = {name.lower() for name in names}
    return {
        "add_tags": [name for name in names if name.lower() not in present],
        "remove_tags": [name for lower, name in present.items() if lower not in wanted],
    }
