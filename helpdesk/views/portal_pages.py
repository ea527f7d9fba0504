"""The pages of the portal: own tickets, one ticket, writing, closing and opening again. Each change is one action."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from helpdesk.access import NotAllowed, may
from helpdesk.actions import BadInput, portal
from helpdesk.actions.portal_entry import let_in_too
from helpdesk.flow import PORTAL_PIECES
from helpdesk.limits import within
from helpdesk.models import UNFINISHED, IllegalTransition, Status, Ticket
from helpdesk.queries.portal import (
    StatusWords,
    Visitor,
    conversation,
    house_name,
    open_queues,
    own_tickets,
    status_shape,
    ticket_of,
)
from helpdesk.views.portal_visitor import for_visitors, portal_page, too_often

#: What a redirect may say of what was just done; anything else in the address says nothing.
_DONE = frozenset({"sent", "new", "closed", "reopened", "follow-up"})


@require_GET
@for_visitors
def home(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """The visitor's tickets, newest first."""
    page = own_tickets(visitor, request.GET.get("after", ""))
    return portal_page(request, "portal/tickets.html", {"visitor": visitor, "page": page})


@require_GET
@for_visitors
def ticket(request: HttpRequest, public_id: uuid.UUID, visitor: Visitor) -> HttpResponseBase:
    """One ticket with what was said, and the form to answer."""
    found = _ticket_or_404(visitor, public_id)
    if found.public_id != public_id:
        return HttpResponseRedirect(reverse("portal_ticket", args=[found.public_id]))
    return _show(request, visitor, found)


@require_GET
@for_visitors
def said(request: HttpRequest, public_id: uuid.UUID, visitor: Visitor) -> HttpResponseBase:
    """The part of the ticket's page that changes by itself; 304 while it is what the page has."""
    found = _ticket_or_404(visitor, public_id)
    body, tag = _said(request, visitor, found)
    is_known = request.headers.get("If-None-Match") == tag
    response = HttpResponse(status=304) if is_known else HttpResponse(body)
    response["ETag"] = tag
    return response


def _said(request: HttpRequest, visitor: Visitor, found: Ticket) -> tuple[str, str]:
    """The fragment and its tag. It is made anew each time: hidden replies come to light by the clock, without an event."""
    before = request.GET.get("before", "")
    talk = conversation(visitor, found, before)
    context = {
        "visitor": visitor,
        "ticket": found,
        "talk": talk,
        "status": StatusWords.read([found]).of(found),
        "state": status_shape(found.status),
        "can": _can(visitor, found),
        "is_earlier": bool(before),
    }
    body = render_to_string("portal/_said.html", context)
    return body, f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


def _can(visitor: Visitor, found: Ticket) -> dict[str, bool]:
    """What the page offers; each action asks again."""
    return {
        "reply": may(visitor.actor, "ticket.reply", found),
        "close": found.status in UNFINISHED and may(visitor.actor, "ticket.close", found),
        "reopen": found.status == Status.RESOLVED and may(visitor.actor, "ticket.reopen", found),
        "follow_up": found.status == Status.CLOSED,
    }


def _show(
    request: HttpRequest, visitor: Visitor, found: Ticket, *, problem: str = "", text: str = "", status: int = 200
) -> HttpResponse:
    body, tag = _said(request, visitor, found)
    context = {
        "visitor": visitor,
        "house": house_name(found),
        "ticket": found,
        "said": body,
        "pieces": [import_string(path)(request, visitor, found) for path in PORTAL_PIECES],
        "tag": tag,
        "can": _can(visitor, found),
        "done": request.GET.get("done") if request.GET.get("done") in _DONE else "",
        "problem": problem,
        "text": text,
        **_form(request),
    }
    return portal_page(request, "portal/ticket.html", context, status=status)


def _form(request: HttpRequest) -> dict[str, Any]:
    """What both forms need: an id that makes sending twice harmless, and the limits of files."""
    return {
        "client_id": _client_id(request) or uuid.uuid4(),
        "file_bytes": settings.ATTACHMENT_MAX_BYTES,
        "file_count": settings.PORTAL_FILES_AT_MOST,
    }


def _client_id(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST.get("client_id", ""))
    except ValueError:
        return None


def _uploads(request: HttpRequest) -> list[portal.Upload]:
    return [
        portal.Upload(file.name or "", file.content_type or "", file.chunks())
        for file in request.FILES.getlist("files")
        if isinstance(file, UploadedFile)
    ]


@require_POST
@for_visitors
def reply(request: HttpRequest, public_id: uuid.UUID, visitor: Visitor) -> HttpResponseBase:
    """Takes the visitor's answer with its files; to a closed ticket it opens a follow-up."""
    found = _ticket_or_404(visitor, public_id)
    if not within(request, "write", str(visitor.session.pk)):
        return too_often(request, visitor)
    text = request.POST.get("text", "")
    try:
        written = portal.answer(
            ticket=found,
            actor=visitor.actor,
            email=visitor.email,
            text=text,
            files=_uploads(request),
            client_id=_client_id(request),
        )
    except (BadInput, NotAllowed) as refusal:
        return _show(request, visitor, found, problem=str(refusal), text=text, status=422)
    if written.pk != found.pk:
        let_in_too(session=visitor.session, ticket=written)
        return _done(written, "follow-up")
    return _done(written, "sent")


@require_POST
@for_visitors
def close(request: HttpRequest, public_id: uuid.UUID, visitor: Visitor) -> HttpResponseBase:
    """The visitor says that it is done."""
    found = _ticket_or_404(visitor, public_id)
    try:
        portal.close(ticket=found, actor=visitor.actor)
    except (IllegalTransition, NotAllowed):
        return _refused(request, visitor, found)
    return _done(found, "closed")


@require_POST
@for_visitors
def reopen(request: HttpRequest, public_id: uuid.UUID, visitor: Visitor) -> HttpResponseBase:
    """The visitor says that it is not done."""
    found = _ticket_or_404(visitor, public_id)
    try:
        portal.reopen(ticket=found, actor=visitor.actor)
    except (IllegalTransition, NotAllowed):
        return _refused(request, visitor, found)
    return _done(found, "reopened")


def _refused(request: HttpRequest, visitor: Visitor, found: Ticket) -> HttpResponse:
    """The sentences of the actions are for the staff and name statuses; the customer reads what he can do instead."""
    words = _("That is not possible now. Write below what you need; we will see it.")
    return _show(request, visitor, found, problem=words, status=422)


@require_http_methods(["GET", "POST"])
@for_visitors
def new(request: HttpRequest, visitor: Visitor) -> HttpResponseBase:
    """The form for something new, and its opening. Only for who signed in by a code: a link is for its one ticket."""
    if not visitor.sees_all:
        return HttpResponseRedirect(f"{reverse('portal_sign_in')}?next={reverse('portal_new')}")
    queues = open_queues(visitor)
    context: dict[str, Any] = {"visitor": visitor, "queues": queues, "subject": "", "text": "", **_form(request)}
    if request.method == "GET":
        return portal_page(request, "portal/new.html", context)
    if not within(request, "write", str(visitor.session.pk)):
        return too_often(request, visitor)
    subject, text, chosen = (request.POST.get(name, "") for name in ("subject", "text", "queue"))
    context |= {"subject": subject[:500], "text": text, "chosen": chosen}
    queue = next((q for q in queues if str(q.pk) == chosen), None)
    try:
        opened = portal.write(
            actor=visitor.actor,
            email=visitor.email,
            subject=subject,
            text=text,
            queue=queue,
            language=get_language() or "",
            files=_uploads(request),
            client_id=_client_id(request),
        )
    except BadInput as refusal:
        return portal_page(request, "portal/new.html", {**context, "problem": str(refusal)}, status=422)
    return _done(opened, "new")


def _done(found: Ticket, what: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('portal_ticket', args=[found.public_id])}?done={what}#said")


def _ticket_or_404(visitor: Visitor, public_id: uuid.UUID) -> Ticket:
    found = ticket_of(visitor, public_id)
    if found is None:
        raise Http404
    return found
