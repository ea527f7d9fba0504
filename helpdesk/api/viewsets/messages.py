"""Messages of a ticket: reading, replying, noting."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from helpdesk.actions import conversation
from helpdesk.api.pagination import CursorPages
from helpdesk.api.preconditions import unchanged
from helpdesk.api.serializers.messages import (
    MessageSerializer,
    NoteSerializer,
    ReplySerializer,
    WholeMessageSerializer,
)
from helpdesk.api.viewsets.ticket_scope import TicketScopedViewSet, answer, shown_messages
from helpdesk.models import Attachment, Message, Ticket


class MessageViewSet(TicketScopedViewSet):
    """What was said on a ticket."""

    noun = "messages"
    model = Message
    matrix: ClassVar[dict[str, str]] = {
        "list": "ticket.view",
        "retrieve": "ticket.view",
        "reply": "ticket.reply",
        "note": "ticket.note",
    }
    knows: ClassVar[dict[str, frozenset[str]]] = {"list": CursorPages.params}
    keyset = ("created_at", "pk")

    @extend_schema(summary="Messages of a ticket, oldest first", responses=MessageSerializer(many=True))
    def list(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """A page of messages; notes for those who may read them."""
        found = shown_messages(self.actor, self.ticket()).defer("text", "html", "reply_html", "outgoing__mime")
        return self.page(MessageSerializer, found)

    @extend_schema(summary="One message, whole", responses={200: WholeMessageSerializer})
    def retrieve(self, request: Request, id: uuid.UUID, message: uuid.UUID) -> Response:  # noqa: A002
        """The message with its quoted history and cleaned HTML."""
        found = shown_messages(self.actor, self.ticket()).filter(public_id=message).first()
        if found is None:
            raise Http404
        return Response(self.show(WholeMessageSerializer, found))

    @extend_schema(summary="Reply to the customer", request=ReplySerializer, responses={201: WholeMessageSerializer})
    def reply(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Writes a public reply; as mail it leaves after the time in which it can be taken back, or at `send_at`."""
        ticket, values = self.ticket(), self.read(ReplySerializer)
        values["attachments"] = self._uploads(ticket, values)
        with unchanged(request, ticket) as held:
            message = conversation.reply(ticket=held, actor=self.actor, **values)
        return self._written(ticket, message)

    @extend_schema(summary="Write an internal note", request=NoteSerializer, responses={201: WholeMessageSerializer})
    def note(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Writes a note that the customer never sees."""
        ticket, values = self.ticket(), self.read(NoteSerializer)
        values["attachments"] = self._uploads(ticket, values)
        with unchanged(request, ticket) as held:
            message = conversation.note(ticket=held, actor=self.actor, **values)
        return self._written(ticket, message)

    def _written(self, ticket: Ticket, message: Message) -> Response:
        shown = shown_messages(self.actor, ticket).filter(pk=message.pk).first() or message
        return answer(self, WholeMessageSerializer, shown, message.ticket, status=201)

    def _uploads(self, ticket: Ticket, values: dict[str, Any]) -> Sequence[Attachment]:
        """The caller's own uploads to this ticket that no message has taken yet. Raises ValidationError."""
        wanted: Sequence[uuid.UUID] = values.get("attachments", [])
        if not wanted:
            return ()
        mine = Attachment.objects.visible_to(self.actor).filter(
            public_id__in=wanted, ticket=ticket, message__isnull=True, uploaded_by=self.actor.user
        )
        found = tuple(mine)
        if len(found) != len(set(wanted)):
            raise ValidationError({"attachments": _("Name files you uploaded to this ticket and have not sent yet.")})
        return found
