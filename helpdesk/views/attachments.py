"""Files: upload into a draft, download, pictures. Only raster images are shown; all else is a download in a sandbox."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from helpdesk.access import actor_of, ensure, may
from helpdesk.actions.files import open_attachment, store_upload
from helpdesk.models import Actor, Attachment, User
from helpdesk.views.answers import in_sentences
from helpdesk.views.served_files import as_download, as_picture
from helpdesk.views.ticket import ticket_or_404

_SIGNER = signing.TimestampSigner(salt="helpdesk.inline-picture")
_PICTURE_SECONDS = 3600


def _attachment_or_404(actor: Actor, public_id: uuid.UUID) -> Attachment:
    found = (
        Attachment.objects.visible_to(actor)
        .select_related("message__ticket__queue", "ticket__queue")
        .filter(public_id=public_id)
        .first()
    )
    if found is None:
        raise Http404
    ticket = found.message.ticket if found.message else found.ticket
    if found.message is not None and found.message.audience != "public" and not may(actor, "ticket.read_notes", ticket):
        raise Http404
    ensure(actor, "attachment.get", ticket)
    return found


@require_GET
@in_sentences
def download(request: HttpRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """The file as a download, never opened by the browser on our origin."""
    attachment = _attachment_or_404(actor_of(request), public_id)
    return as_download(open_attachment(attachment), attachment)


@require_GET
@in_sentences
def picture(request: HttpRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """A raster image shown in the page; whose bytes are none is a 404."""
    attachment = _attachment_or_404(actor_of(request), public_id)
    return as_picture(open_attachment(attachment), attachment)


@require_GET
@login_not_required
@in_sentences
def inline_picture(request: HttpRequest, token: str) -> HttpResponseBase:
    """A picture inside a sandboxed mail frame, which has no cookies: the token names reader and file and lasts an hour.

    The reader's rights are asked again now, not when the token was made.
    """
    try:
        reader, _, key = _SIGNER.unsign(token, max_age=_PICTURE_SECONDS).partition(".")
    except signing.BadSignature:
        raise Http404 from None
    user = User.objects.filter(pk=int(reader), is_active=True).first()
    if user is None:
        raise Http404
    attachment = _attachment_or_404(Actor.of(user), uuid.UUID(key))
    return as_picture(open_attachment(attachment), attachment)


def inline_token(user: User, attachment: Attachment) -> str:
    """The token of `inline_picture` for one reader and one file."""
    return _SIGNER.sign(f"{user.pk}.{attachment.public_id}")


@require_POST
@in_sentences
def upload(request: HttpRequest, number: int) -> HttpResponse:
    """Keeps uploaded files for the draft of a ticket and answers with their chips."""
    ticket = ticket_or_404(request, number)
    actor = actor_of(request)
    kept = [
        store_upload(
            actor=actor, ticket=ticket, name=file.name or "", content_type=file.content_type or "", chunks=file.chunks()
        )
        for file in request.FILES.getlist("files")
        if isinstance(file, UploadedFile)
    ]
    return render(request, "desk/_uploads.html", {"uploads": kept})


@require_POST
def discard(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Forgets an upload of one's own that was not sent. Its bytes go with the sweep of forgotten uploads."""
    actor = actor_of(request)
    Attachment.objects.visible_to(actor).filter(
        public_id=public_id, message__isnull=True, uploaded_by=actor.user
    ).delete()
    return HttpResponse(status=204)
