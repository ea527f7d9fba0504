"""Files of the portal: downloads, pictures, and the sandboxed frame of an HTML mail, as at the desk and by its own right."""

from __future__ import annotations

import uuid
from typing import BinaryIO

from django.core import signing
from django.core.files.base import File
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from helpdesk.access import ensure
from helpdesk.actions.files import open_attachment
from helpdesk.actions.portal_entry import live_session_by_id
from helpdesk.blobs import BlobMissing
from helpdesk.mail.frame import FRAME_CSP, frame_document, frame_html
from helpdesk.models import Attachment
from helpdesk.queries.portal import Visitor, file_of, message_of
from helpdesk.views.portal_visitor import for_anybody, for_visitors
from helpdesk.views.served_files import as_download, as_picture

_SIGNER = signing.TimestampSigner(salt="helpdesk.portal.picture")
_PICTURE_SECONDS = 3600


@require_GET
@for_visitors
def download(request: HttpRequest, public_id: uuid.UUID, visitor: Visitor) -> HttpResponseBase:
    """A file for the disk, never opened by the browser on our origin."""
    attachment = _file_or_404(visitor, public_id)
    return as_download(_bytes(attachment), attachment)


@require_GET
@for_visitors
def picture(request: HttpRequest, public_id: uuid.UUID, visitor: Visitor) -> HttpResponseBase:
    """A raster image shown in the page; whose bytes are none is a 404."""
    attachment = _file_or_404(visitor, public_id)
    return as_picture(_bytes(attachment), attachment)


@require_GET
@xframe_options_sameorigin
@for_visitors
def frame(request: HttpRequest, public_id: uuid.UUID, visitor: Visitor) -> HttpResponseBase:
    """The cleaned HTML of a mail for its frame. Remote pictures stay out: nobody is told that it was read."""
    message = message_of(visitor, public_id)
    if message is None or not message.html:
        raise Http404
    pictures = {
        a.content_id.strip("<>"): reverse("portal_inline", args=[_SIGNER.sign(f"{visitor.session.pk}.{a.public_id}")])
        for a in message.attachments.exclude(content_id="")
    }
    response = HttpResponse(
        frame_document(
            frame_html(message.reply_html or message.html, cid_urls=pictures, allow_remote=False),
            stylesheet_href=static("helpdesk/css/mailframe.css"),
            lang=message.ticket.language,
            title=message.subject or message.ticket.subject,
        )
    )
    response["Content-Security-Policy"] = FRAME_CSP
    return response


@require_GET
@for_anybody
def inline(request: HttpRequest, token: str) -> HttpResponseBase:
    """A picture inside a frame, which has no cookies: the token names session and file and lasts an hour.

    The session and its rights are asked again now, not when the token was made.
    """
    try:
        session_id, _dot, key = _SIGNER.unsign(token, max_age=_PICTURE_SECONDS).partition(".")
    except signing.BadSignature:
        raise Http404 from None
    session = live_session_by_id(int(session_id))
    if session is None:
        raise Http404
    attachment = _file_or_404(Visitor.of(session), uuid.UUID(key))
    return as_picture(_bytes(attachment), attachment)


def _file_or_404(visitor: Visitor, public_id: uuid.UUID) -> Attachment:
    attachment = file_of(visitor, public_id)
    if attachment is None or attachment.message is None:
        raise Http404
    ensure(visitor.actor, "attachment.get", attachment.message.ticket)
    return attachment


def _bytes(attachment: Attachment) -> File[bytes] | BinaryIO:
    try:
        return open_attachment(attachment)
    except BlobMissing:
        raise Http404 from None
