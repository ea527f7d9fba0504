"""Writing to third parties from a ticket: the panel above the composer, and what it sends."""

from __future__ import annotations

import uuid
from email.utils import formataddr, getaddresses
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from helpdesk import access
from helpdesk.access import actor_of
from helpdesk.actions.files import store_upload
from helpdesk.actions.side_threads import answer, answer_recipients, forward, may_quote
from helpdesk.models import Attachment, Audience, Draft, Message, SideThread, Ticket
from helpdesk.queries.preferences import undo_seconds
from helpdesk.queries.side_threads import known_third_parties
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from helpdesk.views.ticket import changed, ticket_or_404
from helpdesk.views.ticket_changes import seq_of

_PANEL, _CLOSED = "desk/_side.html", "desk/_side_closed.html"


@require_http_methods(["GET", "POST"])
@in_sentences
def side(request: HttpRequest, number: int) -> HttpResponse:
    """The panel (GET), and sending (POST): `message` is forwarded, or `thread` answered."""
    found = ticket_or_404(request, number)
    access.ensure(actor_of(request), "ticket.forward", found)
    thread = _thread(request, found)
    if request.method == "GET":
        return bundle(request, [_PANEL], panel_context(request, found, thread, _quoted(request, found)))
    common: dict[str, Any] = {
        "actor": actor_of(request),
        "text": request.POST.get("text", ""),
        "recipients": _entered(request),
        "attachments": _uploads(request, found),
        "files": _carried(request, found),
        "client_id": _uuid(request.POST.get("client_id", "")),
    }
    if thread is not None:
        message = answer(thread=thread, **common)
    else:
        quotes = _quoted(request, found)
        message = forward(ticket=found, quotes=quotes, subject=request.POST.get("subject", ""), **common)
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[number]))
    seconds = undo_seconds(message.author_user)
    undo = reverse("message_undo", args=[message.public_id]) if seconds else ""
    said = toast(
        _("Sending to the third party…") if undo else _("The mail is on its way."), undo_url=undo, seconds=seconds or 4
    )
    return changed(request, found, seq_of(request), templates=(_CLOSED,), extra=said)


def panel_context(
    request: HttpRequest, ticket: Ticket, thread: SideThread | None, quotes: Message | None
) -> dict[str, Any]:
    """What the panel shows; a draft kept before stands in it again."""
    draft = Draft.objects.filter(ticket=ticket, user=actor_of(request).user, mode=Draft.Mode.FORWARD).first()
    rows = answer_recipients(thread) if thread is not None else draft.recipients if draft is not None else []
    topic = (quotes.subject if quotes is not None else "") or ticket.subject
    return {
        "ticket": ticket,
        "thread": thread,
        "quotes": quotes,
        "files": list(quotes.attachments.filter(is_inline=False)) if quotes is not None else [],
        "to": _line(rows, {"to", "bcc"}),
        "cc": _line(rows, {"cc"}),
        "subject": thread.subject if thread is not None else f"Fwd: {topic}",
        "text": draft.text if draft is not None else "",
        "known": known_third_parties(ticket),
        "client_id": uuid.uuid4(),
    }


def taken_back(request: HttpRequest, message: Message) -> HttpResponse:
    """What undoing a mail to a third party answers: its words stand in the panel again."""
    ticket = ticket_or_404(request, message.ticket.number)
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[ticket.number]))
    thread = message.side_thread
    first = thread is not None and not thread.messages.exclude(pk=message.pk).filter(withdrawn_at__isnull=True).exists()
    quotes = ticket.messages.filter(pk=message.origin.get("quotes")).first()
    context = panel_context(request, ticket, None if first else thread, quotes if first else None)
    del context["ticket"]  # read anew by `changed`
    said = toast(_("Taken back. Your text is here again."), seconds=5)
    return changed(request, ticket, seq_of(request), templates=(_PANEL,), extra=said, **context)


def _thread(request: HttpRequest, ticket: Ticket) -> SideThread | None:
    sent = request.POST.get("thread", "") or request.GET.get("thread", "")
    if not sent:
        return None
    thread = SideThread.objects.select_related("ticket__queue").filter(ticket=ticket, public_id=_key(sent)).first()
    if thread is None:
        raise Http404
    return thread


def _quoted(request: HttpRequest, ticket: Ticket) -> Message | None:
    """The message named; opened by the key, the newest of the customer."""
    sent = request.POST.get("message", "") or request.GET.get("message", "")
    said = ticket.messages.filter(audience=Audience.PUBLIC, withdrawn_at__isnull=True)
    if not sent:
        theirs = said.filter(author_customer__isnull=False, machine="")
        return theirs.order_by("-created_at", "-pk").first() if request.method == "GET" else None
    found = said.filter(public_id=_key(sent)).first()
    if found is None:
        raise Http404
    return found


def _carried(request: HttpRequest, ticket: Ticket) -> list[Attachment]:
    keys = [key for value in request.POST.getlist("carry") if (key := _uuid(value)) is not None]
    mine = Attachment.objects.visible_to(actor_of(request)).filter(public_id__in=keys, message__ticket=ticket)
    return [file for file in mine.select_related("message") if file.message and may_quote(file.message, ticket, None)]


def _uploads(request: HttpRequest, ticket: Ticket) -> list[Attachment]:
    return [
        store_upload(
            actor=actor_of(request),
            ticket=ticket,
            name=file.name or "",
            content_type=file.content_type or "",
            chunks=file.chunks(),
        )
        for file in request.FILES.getlist("upload")
        if file.size
    ]


def _entered(request: HttpRequest) -> list[dict[str, str]]:
    return [
        {"kind": kind, "email": email or name, "name": name if email else ""}
        for kind in ("to", "cc")
        for name, email in getaddresses([request.POST.get(kind, "").replace(";", ",").replace("،", ",")])
        if email or name
    ]


def _line(rows: list[dict[str, str]], kinds: set[str]) -> str:
    people = [(str(row.get("name", "")), str(row["email"])) for row in rows if row.get("kind") in kinds]
    return ", ".join(formataddr(person) if person[0].isascii() else person[1] for person in people)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _key(text: str) -> uuid.UUID:
    """The public id a request names; what is none names nothing."""
    found = _uuid(text)
    if found is None:
        raise Http404
    return found
