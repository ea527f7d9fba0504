"""What a mail looks like: its sandboxed frame, its whole text with the quoted history, its raw source."""

from __future__ import annotations

import uuid

from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from helpdesk import blobs
from helpdesk.access import actor_of, ensure, may
from helpdesk.mail.frame import FRAME_CSP, FRAME_CSP_REMOTE, frame_document, frame_html
from helpdesk.mail.plaintext import html_from_text
from helpdesk.models import Audience, Message, User
from helpdesk.queries.ticket import message_by_public_id
from helpdesk.views.answers import in_sentences
from helpdesk.views.attachments import inline_token

_RAW_SHOWN = 2 * 1024 * 1024


def _message_or_404(request: HttpRequest, public_id: uuid.UUID) -> Message:
    actor = actor_of(request)
    message = message_by_public_id(actor, public_id)
    if message is None or (message.audience != Audience.PUBLIC and not may(actor, "ticket.read_notes", message.ticket)):
        raise Http404
    return message


@require_GET
@xframe_options_sameorigin
def frame(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The cleaned HTML of a mail for its frame; `?whole=1` with what it quotes, `?remote=1` with remote pictures."""
    message = _message_or_404(request, public_id)
    if not message.html or not isinstance(request.user, User):
        raise Http404
    stored = message.html if request.GET.get("whole") == "1" or not message.reply_html else message.reply_html
    remote = request.GET.get("remote") == "1"
    reader = request.user
    pictures = {
        a.content_id.strip("<>"): reverse("inline_picture", args=[inline_token(reader, a)])
        for a in message.attachments.exclude(content_id="")
    }
    body = frame_html(stored, cid_urls=pictures, allow_remote=remote)
    response = HttpResponse(
        frame_document(
            body,
            stylesheet_href=static("helpdesk/css/mailframe.css"),
            lang=message.ticket.language,
            title=message.subject or str(message.ticket),
        )
    )
    response["Content-Security-Policy"] = FRAME_CSP_REMOTE if remote else FRAME_CSP
    return response


@require_GET
def whole(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The whole plain text of a message, with what it quotes."""
    message = _message_or_404(request, public_id)
    # html_from_text escapes all it writes; nothing of the mail reaches the page as markup
    return render(request, "desk/_whole.html", {"html": mark_safe(html_from_text(message.text)), "message": message})  # noqa: S308


@require_GET
@in_sentences
def source(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """The raw mail as it came, as plain text; more than 2 MB is cut and says so."""
    message = _message_or_404(request, public_id)
    ensure(actor_of(request), "raw_mail.view", message.ticket)
    row = (
        Message.objects.visible_to(actor_of(request))
        .filter(pk=message.pk)
        .values_list("raw_mail__raw", "raw_mail__blob", F("raw_mail__size"))
        .first()
    )
    if row is None or row[2] is None:
        raise Http404
    raw = bytes(row[0]) if row[0] is not None else blobs.open_blob(row[1]).read(_RAW_SHOWN)
    cut = b"" if row[2] <= _RAW_SHOWN else b"\n[...]\n"
    response = HttpResponse(raw[:_RAW_SHOWN] + cut, content_type="text/plain; charset=utf-8")
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response
