"""Writing: send a reply or note, send later, take back, send again, the draft, the recipients."""

from __future__ import annotations

import uuid
from email.utils import getaddresses
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from helpdesk.access import actor_of
from helpdesk.actions import BadInput, conversation, sending
from helpdesk.actions.drafts import discard_draft, save_draft
from helpdesk.actions.recipients import reply_recipients
from helpdesk.models import Attachment, IllegalTransition, Message, Status, Ticket
from helpdesk.now import now
from helpdesk.queries.ticket import message_by_public_id, one_entry
from helpdesk.templatetags.moments import moment
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from helpdesk.views.ticket import changed, head_context, ticket_or_404
from helpdesk.views.ticket_changes import local_moment, seq_of


def recipients_of(request: HttpRequest) -> list[dict[str, str]]:
    """The chips of the composer: each field holds one address, perhaps with a name."""
    rows: list[dict[str, str]] = []
    for kind in ("to", "cc", "bcc"):
        entered = [value for value in request.POST.getlist(kind) if value.strip()]
        rows += [
            {"kind": kind, "email": email or name, "name": name if email else ""}
            for name, email in getaddresses(entered)
        ]
    return rows


def _uploads(request: HttpRequest, ticket: Ticket) -> list[Attachment]:
    keys = [key for value in request.POST.getlist("file") if (key := _uuid(value)) is not None]
    mine = Attachment.objects.visible_to(actor_of(request)).filter(
        public_id__in=keys, message__isnull=True, ticket=ticket
    )
    found = list(mine)
    if len(found) != len(set(keys)):
        raise BadInput(_("A file is no longer there; attach it again."))
    return found


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@require_POST
@in_sentences
def send(request: HttpRequest, number: int) -> HttpResponse:
    """Sends what the composer holds as a reply or a note. Refusals stand above the composer and the text stays."""
    found = ticket_or_404(request, number)
    mode = request.POST.get("mode", "")
    try:
        message = _note(request, found) if mode == "note" else _reply(request, found)
    except conversation.UnseenMessages as unseen:
        if not is_partial(request):
            raise
        context = {"words": str(unseen), "unseen": unseen.messages}
        return changed_with_alert(request, found, context)
    except (BadInput, IllegalTransition) as refusal:
        if not is_partial(request):
            raise
        return bundle(request, ["desk/_composer_alert.html"], {"words": str(refusal), "ticket": found}, status=422)
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[number]))
    response = changed(
        request, found, seq_of(request), templates=("desk/_composer.html",), extra=_said(message, mode), mode=mode
    )
    response["HX-Trigger"] = "inbox-changed"
    return response


def changed_with_alert(request: HttpRequest, ticket: Ticket, context: dict[str, Any]) -> HttpResponse:
    """The unseen messages arrive in the timeline together with the question what to do."""
    response = changed(request, ticket, seq_of(request), templates=("desk/_composer_alert.html",), **context)
    response.status_code = 409
    return response


def _reply(request: HttpRequest, ticket: Ticket) -> Message:
    seen = request.POST.get("seen_seq", "")
    later = request.POST.get("send_at", "").strip()
    then = request.POST.get("then_status", "")
    return conversation.reply(
        ticket=ticket,
        actor=actor_of(request),
        text=request.POST.get("text", ""),
        recipients=recipients_of(request),
        attachments=_uploads(request, ticket),
        send_at=local_moment(later) if later else None,
        cancel_if_customer_writes=request.POST.get("cancel_if_customer_writes") == "on",
        then_status=then if then in Status.values else "",
        client_id=_uuid(request.POST.get("client_id", "")),
        seen_seq=int(seen) if seen.isdecimal() and request.POST.get("anyway") != "1" else None,
    )


def _note(request: HttpRequest, ticket: Ticket) -> Message:
    return conversation.note(
        ticket=ticket,
        actor=actor_of(request),
        text=request.POST.get("text", ""),
        attachments=_uploads(request, ticket),
        client_id=_uuid(request.POST.get("client_id", "")),
    )


def _said(message: Message, mode: str) -> str:
    outgoing = getattr(message, "outgoing", None)
    if mode == "note" or outgoing is None:
        return toast(_("The note is kept.") if mode == "note" else _("The reply is kept."), seconds=4)
    undo = reverse("message_undo", args=[message.public_id])
    if outgoing.state == outgoing.State.SCHEDULED:
        return toast(
            _("Leaves %(when)s.") % {"when": moment(outgoing.due_at)}, undo_url=undo, seconds=settings.UNDO_SEND_SECONDS
        )
    return toast(_("Sending…"), undo_url=undo, seconds=settings.UNDO_SEND_SECONDS)


@require_POST
@in_sentences
def undo(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Takes a reply back before it left; its text is in the composer again."""
    message = _message_or_404(request, public_id)
    sending.withdraw_reply(message=message, actor=actor_of(request))
    number = message.ticket.number
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[number]))
    response = changed(
        request,
        message.ticket,
        seq_of(request),
        templates=("desk/_composer.html",),
        extra=toast(_("Taken back. Your text is in the composer."), seconds=5),
        mode="reply",
    )
    response["HX-Trigger"] = "inbox-changed"
    return response


@require_POST
@in_sentences
def resend(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Tries a failed mail again."""
    message = _message_or_404(request, public_id)
    sending.resend(message=message, actor=actor_of(request))
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[message.ticket.number]))
    entry = one_entry(message)
    context = {**head_context(request, message.ticket), "entries": [entry] if entry else []}
    return bundle(request, ["desk/_entries.html"], context, extra=toast(_("It is being tried again."), seconds=4))


def _message_or_404(request: HttpRequest, public_id: uuid.UUID) -> Message:
    message = message_by_public_id(actor_of(request), public_id)
    if message is None:
        raise Http404
    return message


@require_POST
@in_sentences
def draft(request: HttpRequest, number: int) -> HttpResponse:
    """Keeps the draft; an empty one is forgotten. Answers with the time it was kept."""
    found, mode, text = ticket_or_404(request, number), request.POST.get("mode", ""), request.POST.get("text", "")
    if not text.strip():
        discard_draft(ticket=found, actor=actor_of(request), mode=mode)
        return JsonResponse({"words": ""})
    save_draft(ticket=found, actor=actor_of(request), mode=mode, text=text, recipients=recipients_of(request))
    return JsonResponse({"words": _("Saved %(time)s") % {"time": moment(now())}})


@require_GET
def recipients(request: HttpRequest, number: int) -> HttpResponse:
    """The chips for an answer to one message, to all or to its sender alone."""
    found = ticket_or_404(request, number)
    to_message = None
    if key := _uuid(request.GET.get("message", "")):
        to_message = _message_or_404(request, key)
        if to_message.ticket_id != found.pk:
            raise Http404
    rows = reply_recipients(ticket=found, to_message=to_message, reply_all=request.GET.get("all", "1") == "1")
    return render(request, "desk/_recipients.html", {"recipients": rows, "ticket": found})


@require_POST
@in_sentences
def discard(request: HttpRequest, number: int) -> HttpResponse:
    """Throws the draft of one mode away, on request."""
    found, mode = ticket_or_404(request, number), request.POST.get("mode", "")
    discard_draft(ticket=found, actor=actor_of(request), mode=mode)
    return changed(request, found, seq_of(request), templates=("desk/_composer.html",), mode=mode)
