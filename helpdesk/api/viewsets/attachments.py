"""Files: upload for a reply or note, description, download. Nothing is ever shown by a browser on our origin."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db.models import Q
from django.http import FileResponse, Http404
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from helpdesk import access
from helpdesk.actions.files import open_attachment, store_upload
from helpdesk.api.base import ApiViewSet
from helpdesk.api.serializers.attachments import AttachmentSerializer, UploadSerializer
from helpdesk.api.viewsets.ticket_scope import TicketScopedViewSet
from helpdesk.models import Attachment, Audience, Ticket


class UploadViewSet(TicketScopedViewSet):
    """Files on their way into a ticket."""

    noun = "attachments"
    model = Attachment
    matrix: ClassVar[dict[str, str]] = {"create": "attachment.upload"}
    parser_classes = [MultiPartParser]

    @extend_schema(
        summary="Upload a file for a reply or note", request=UploadSerializer, responses={201: AttachmentSerializer}
    )
    def create(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Keeps one file; name its id in a reply or note within two days."""
        ticket = self.ticket()
        file = self.read(UploadSerializer)["file"]
        kept = store_upload(
            actor=self.actor, ticket=ticket, name=file.name, content_type=file.content_type or "", chunks=file.chunks()
        )
        return Response(self.show(AttachmentSerializer, kept), status=201)


class AttachmentViewSet(ApiViewSet):
    """Files of messages the caller may read, and his own uploads."""

    noun = "attachments"
    model = Attachment
    matrix: ClassVar[dict[str, str]] = {"retrieve": "attachment.get", "content": "attachment.get"}

    @extend_schema(summary="A file's description", responses={200: AttachmentSerializer})
    def retrieve(self, request: Request, id: uuid.UUID) -> Response:  # noqa: A002
        """Name, type and size as they were sent; trust none of them."""
        return Response(self.show(AttachmentSerializer, self._attachment(id)))

    @extend_schema(summary="A file's bytes", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def content(self, request: Request, id: uuid.UUID) -> HttpResponseBase:  # noqa: A002
        """The file, always as a download of unknown type."""
        attachment = self._attachment(id)
        response = FileResponse(open_attachment(attachment), as_attachment=True, filename=attachment.name)
        response["Content-Type"] = "application/octet-stream"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response["X-Content-Type-Options"] = "nosniff"
        response["Cross-Origin-Resource-Policy"] = "same-site"
        response["Content-Length"] = str(attachment.size)
        return response

    def _attachment(self, public_id: uuid.UUID) -> Attachment:
        """The file, by way of its ticket. Raises Http404, or NotAllowed when the ticket is seen but files are not."""
        tickets = Ticket.objects.visible_to(self.actor)
        found = (
            Attachment.objects.visible_to(self.actor)
            .filter(Q(message__ticket__in=tickets) | Q(message__isnull=True, ticket__in=tickets))
            .select_related("message__ticket__queue", "ticket__queue")
            .filter(public_id=public_id)
            .first()
        )
        if found is None:
            raise Http404
        ticket = found.message.ticket if found.message else found.ticket
        if found.message is not None and not self._may_read(found.message.audience, ticket):
            raise Http404
        access.ensure(self.actor, "attachment.get", ticket)
        return found

    def _may_read(self, audience: str, ticket: Ticket | None) -> bool:
        if audience == Audience.PUBLIC:
            return True
        return audience == Audience.INTERNAL and access.may(self.actor, "ticket.read_notes", ticket)
