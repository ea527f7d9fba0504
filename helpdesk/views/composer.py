"""Writing: send a reply or note, send later, take back, send again, the draft, the recipients."""

from __future__ import annotations

import uuid
from datetime import datetime
from email.utils import getaddresses
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from helpdesk.access import actor_of
from helpdesk.actions import BadInput, conversation, sending
from helpdesk.actions.drafts import NewerDraft, discard_draft, revision_of, save_draft
from helpdesk.actions.recipients import checked, reply_recipients
from helpdesk.models import Attachment, IllegalTransition, Message, Status, Ticket
from helpdesk.now import now
from helpdesk.presets import moment_of
from helpdesk.queries.preferences import undo_seconds
from helpdesk.queries.ticket import message_by_public_id, one_entry
from helpdesk.templatetags.moments import moment
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from helpdesk.views.checklist_question import open_lines
from helpdesk.views.composer_parts import MODE_COOKIE, doubts_about_places, doubts_about_reply
from helpdesk.views.side_threads import taken_back
from helpdesk.views.ticket import changed, head_context, ticket_or_404
from helpdesk.views.ticket_changes import local_moment, seq_of

_YEAR = 365 * 24 * 3600


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
    if is_partial(request) and (doubts := _doubts(request, found, mode)):
        return bundle(request, ["desk/_composer_alert.html"], {"doubts": doubts, "ticket": found}, status=409)
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
    response.set_cookie(
        MODE_COOKIE,
        "note" if mode == "note" else "reply",
        max_age=_YEAR,
        samesite="Lax",
        secure=settings.SECURE_TRANSPORT,
    )
    return response


def _doubts(request: HttpRequest, ticket: Ticket, mode: str) -> list[str]:
    """What the page asks once before it sends; `asked` says that the person has answered."""
    if request.POST.get("asked") == "1" or request.POST.get("anyway") == "1":
        return []
    text = request.POST.get("text", "")
    if mode == "note":
        return doubts_about_places(text)
    files = len([key for key in request.POST.getlist("file") if key])
    try:
        recipients = checked(recipients_of(request))
    except BadInput:  # refused in a moment, with its own sentence
        return []
    doubts = doubts_about_reply(ticket=ticket, text=text, recipients=recipients, file_count=files)
    still = open_lines(ticket) if request.POST.get("then_status") in {Status.RESOLVED, Status.CLOSED} else ""
    return [*doubts, still] if still else doubts


def changed_with_alert(request: HttpRequest, ticket: Ticket, context: dict[str, Any]) -> HttpResponse:
    """The unseen messages arrive in the timeline together with the question what to do."""
    response = changed(request, ticket, seq_of(request), templates=("desk/_composer_alert.html",), **context)
    response.status_code = 409
    return response


def _reply(request: HttpRequest, ticket: Ticket) -> Message:
    later = request.POST.get("send_at", "").strip()
    then = request.POST.get("then_status", "")
    return conversation.reply(
        ticket=ticket,
        actor=actor_of(request),
        text=request.POST.get("text", ""),
        recipients=recipients_of(request),
        attachments=_uploads(request, ticket),
        send_at=send_moment(later) if later else None,
        cancel_if_customer_writes=request.POST.get("cancel_if_customer_writes") == "on",
        then_status=then if then in Status.values else "",
        client_id=_uuid(request.POST.get("client_id", "")),
        seen_seq=_seen_seq(request),
    )


def send_moment(choice: str) -> datetime:
    """The moment of a preset of "send later", or of a datetime-local input. Raises BadInput for neither."""
    return moment_of(choice, timezone.localtime(now())) or local_moment(choice)


def _seen_seq(request: HttpRequest) -> int | None:
    """How far the writer has read; None when he sends all the same."""
    seen = request.POST.get("seen_seq", "")
    return int(seen) if seen.isdecimal() and request.POST.get("anyway") != "1" else None


def _note(request: HttpRequest, ticket: Ticket) -> Message:
    return conversation.note(
        ticket=ticket,
        actor=actor_of(request),
        text=request.POST.get("text", ""),
        attachments=_uploads(request, ticket),
        seen_seq=_seen_seq(request),
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
    seconds = undo_seconds(message.author_user)
    if not seconds:
        return toast(_("The reply is on its way."), seconds=4)
    return toast(_("Sending…"), undo_url=undo, seconds=seconds)


@require_POST
@in_sentences
def undo(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Takes a reply back before it left; its text is in the composer again."""
    message = message_or_404(request, public_id)
    sending.withdraw_reply(message=message, actor=actor_of(request))
    if message.side_thread_id is not None:
        return taken_back(request, message)
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
    message = message_or_404(request, public_id)
    sending.resend(message=message, actor=actor_of(request))
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[message.ticket.number]))
    entry = one_entry(message)
    context = {**head_context(request, message.ticket), "entries": [entry] if entry else []}
    return bundle(request, ["desk/_entries.html"], context, extra=toast(_("It is being tried again."), seconds=4))


def message_or_404(request: HttpRequest, public_id: uuid.UUID) -> Message:
    """The message with this public id. What one may not see does not exist."""
    message = message_by_public_id(actor_of(request), public_id)
    if message is None:
        raise Http404
    return message


@require_POST
@in_sentences
def draft(request: HttpRequest, number: int) -> HttpResponse:
    """Keeps the draft; an empty one is forgotten. Answers with its revision, or 409 with the words kept elsewhere since."""
    found, mode, text = ticket_or_404(request, number), request.POST.get("mode", ""), request.POST.get("text", "")
    actor, base = actor_of(request), request.POST.get("base")
    if not text.strip():
        discard_draft(ticket=found, actor=actor, mode=mode)
        return JsonResponse({"words": "", "revision": ""})
    try:
        kept = save_draft(ticket=found, actor=actor, mode=mode, text=text, recipients=recipients_of(request), base=base)
    except NewerDraft as newer:
        other = newer.draft
        words = _("You wrote this %(when)s on another device or in another tab:") % {"when": moment(other.updated_at)}
        return JsonResponse({"words": words, "text": other.text, "revision": revision_of(other)}, status=409)
    return JsonResponse({"words": _("Saved %(time)s") % {"time": moment(now())}, "revision": revision_of(kept)})


@require_GET
def recipients(request: HttpRequest, number: int) -> HttpResponse:
    """The chips for an answer to one message, to all or to its sender alone."""
    found = ticket_or_404(request, number)
    to_message = None
    if key := _uuid(request.GET.get("message", "")):
        to_message = message_or_404(request, key)
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
