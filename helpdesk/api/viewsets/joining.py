"""Joining and parting tickets: merge, unmerge, split, messages moved, links."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from helpdesk.actions import linking, lock_all, merging, splitting
from helpdesk.api.pagination import CursorPages
from helpdesk.api.preconditions import unchanged
from helpdesk.api.serializers.fields import StrictSerializer
from helpdesk.api.serializers.joining import (
    LinkSerializer,
    LinkShownSerializer,
    MergeSerializer,
    MoveMessagesSerializer,
    SplitSerializer,
)
from helpdesk.api.serializers.tickets import TicketSerializer
from helpdesk.api.viewsets.ticket_scope import TicketScopedViewSet, answer, shown_messages
from helpdesk.models import LinkKind, Message, Ticket, TicketLink


class JoiningViewSet(TicketScopedViewSet):
    """What makes one ticket of several, and several of one."""

    noun = "tickets"
    model = Ticket
    matrix: ClassVar[dict[str, str]] = {
        "merge": "ticket.update",
        "unmerge": "ticket.update",
        "split": "ticket.update",
        "move_messages": "ticket.update",
        "links": "ticket.view",
        "link": "ticket.update",
        "unlink": "ticket.update",
    }
    knows: ClassVar[dict[str, frozenset[str]]] = {"links": CursorPages.params}

    def tickets(self) -> QuerySet[Ticket]:
        """With what an answer shows."""
        return super().tickets().select_related("issue_type", "label", "merged_into").prefetch_related("tags")

    def get_serializer_context(self) -> dict[str, Any]:
        """With the ticket that links are read from."""
        return {**super().get_serializer_context(), **getattr(self, "included", {})}

    @extend_schema(summary="Merge others into this ticket", request=MergeSerializer, responses={200: TicketSerializer})
    def merge(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """The ticket takes the messages, files, tags and people of the others, which close and lead to it."""
        ticket, values = self.ticket(), self.read(MergeSerializer)
        with _held(request, ticket, *values["sources"]) as held:
            merging.merge_tickets(survivor=held, actor=self.actor, **values)
        return self._changed(ticket)

    @extend_schema(summary="Part a merged ticket again", request=None, responses={200: TicketSerializer})
    def unmerge(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """This ticket gets back exactly what moved when it was merged."""
        ticket = self.ticket()
        self.read(StrictSerializer)
        with _held(request, ticket, *([ticket.merged_into] if ticket.merged_into else [])) as held:
            merging.unmerge_ticket(source=held, actor=self.actor)
        return self._changed(ticket)

    @extend_schema(summary="Split messages off", request=SplitSerializer, responses={201: TicketSerializer})
    def split(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Makes a new ticket of some messages and answers with it."""
        ticket, values = self.ticket(), self.read(SplitSerializer)
        values["messages"] = self._messages(ticket, values["messages"])
        with unchanged(request, ticket) as held:
            new = splitting.split_messages(ticket=held, actor=self.actor, **values)
        return self._changed(new, status=201)

    @extend_schema(
        summary="Move messages to another ticket", request=MoveMessagesSerializer, responses={200: TicketSerializer}
    )
    def move_messages(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Answers with the ticket they left."""
        ticket, values = self.ticket(), self.read(MoveMessagesSerializer)
        values["messages"], target = self._messages(ticket, values["messages"]), values.pop("ticket")
        with _held(request, ticket, target) as held:
            splitting.move_messages(ticket=held, target=target, actor=self.actor, **values)
        return self._changed(ticket)

    @extend_schema(summary="Its links to tickets you may see", responses=LinkShownSerializer(many=True))
    def links(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Links in both directions."""
        ticket = self.ticket()
        door = Ticket.objects.visible_to(self.actor).values("pk")
        found = TicketLink.objects.filter(Q(ticket=ticket, other__in=door) | Q(other=ticket, ticket__in=door))
        self.included: dict[str, Any] = {"ticket": ticket}
        return self.page(LinkShownSerializer, found.select_related("ticket", "other"))

    @extend_schema(summary="Link to another ticket", request=LinkSerializer, responses={200: TicketSerializer})
    def link(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Links the two; both tickets' events tell of it."""
        ticket, values = self.ticket(), self.read(LinkSerializer)
        with _held(request, ticket, values["ticket"]) as held:
            linking.link_tickets(**_ends(held, values), actor=self.actor)
        return self._changed(ticket)

    @extend_schema(summary="Remove a link", request=LinkSerializer, responses={200: TicketSerializer})
    def unlink(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Removes the link of this kind; related and duplicate in whichever direction it was made."""
        ticket, values = self.ticket(), self.read(LinkSerializer)
        ends = _ends(ticket, values)
        made = TicketLink.objects.filter(ticket=ends["other"], other=ends["ticket"], kind=ends["kind"])
        with _held(request, ticket, values["ticket"]):
            if ends["kind"] != LinkKind.CHILD and made.exists():
                ends["ticket"], ends["other"] = ends["other"], ends["ticket"]
            linking.unlink_tickets(**ends, actor=self.actor)
        return self._changed(ticket)

    def _changed(self, ticket: Ticket, status: int = 200) -> Response:
        fresh = self.tickets().get(pk=ticket.pk)
        return answer(self, TicketSerializer, fresh, fresh, status=status)

    def _messages(self, ticket: Ticket, wanted: Sequence[uuid.UUID]) -> list[Message]:
        found = list(shown_messages(self.actor, ticket).filter(public_id__in=wanted))
        if len(found) != len(set(wanted)):
            raise ValidationError({"messages": _("Name messages of this ticket.")})
        return found


def _ends(ticket: Ticket, values: dict[str, Any]) -> dict[str, Any]:
    """A parent is the other end of a child."""
    if values["kind"] == "parent":
        return {"ticket": values["ticket"], "other": ticket, "kind": LinkKind.CHILD}
    return {"ticket": ticket, "other": values["ticket"], "kind": values["kind"]}


@contextmanager
def _held(request: Request, ticket: Ticket, *others: Ticket) -> Iterator[Ticket]:
    """As `unchanged`, with all tickets locked in the order of their keys before the first of them is."""
    with transaction.atomic():
        lock_all([ticket, *others])
        with unchanged(request, ticket) as held:
            yield held
