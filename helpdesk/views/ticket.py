"""The ticket page: conversation and context, what changed since a `seq`, earlier messages."""

from __future__ import annotations

import functools
import uuid
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from helpdesk.access import actor_of, may
from helpdesk.actions.recipients import reply_recipients
from helpdesk.models import TRANSITIONS, Attachment, Draft, Priority, Status, Ticket
from helpdesk.queries import ticket as reads
from helpdesk.queries.furniture import Furniture, furniture_of
from helpdesk.views.answers import bundle, is_partial
from helpdesk.views.inbox import door_of, home_slug, list_frame, place_of, status_names

#: The statuses offered in the menu, in the order of how often they are needed.
_MENU = [Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.SNOOZED, Status.RESOLVED, Status.CLOSED, Status.SPAM]


def ticket_or_404(request: HttpRequest, number: int) -> Ticket:
    """The ticket with this number. What one may not see does not exist."""
    found = reads.ticket_by_number(door_of(request), number)
    if found is None:
        raise Http404
    return found


def furniture(request: HttpRequest, ticket: Ticket) -> Furniture:
    """The menus' rows for this ticket, read once for each time it was read."""
    kept: tuple[Ticket, Furniture] | None = getattr(request, "_furniture", None)
    if kept is None or kept[0] is not ticket:
        kept = (ticket, furniture_of(ticket, actor_of(request)))
        request._furniture = kept  # type: ignore[attr-defined]
    return kept[1]


def head_context(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """What the header of the conversation shows and offers."""
    actor = actor_of(request)
    around = furniture(request, ticket)
    words = {**status_names(), **{status: _(label) for status, label in around.labels.items()}}
    allowed = TRANSITIONS[ticket.status]
    rights = {row.replace(".", "_"): may(actor, row, ticket) for row in _RIGHTS}
    offered = [s for s in _MENU if s in allowed and not (s == Status.SPAM and not rights["ticket_spam"])]
    return {
        "ticket": ticket,
        "addresses_of": addresses_of(ticket.number),
        "status_word": _(ticket.label.label_agent) if ticket.label else words[ticket.status],
        "transitions": [(s.value, words[s]) for s in offered if s != Status.SNOOZED],
        "may_snooze": Status.SNOOZED in allowed or ticket.status == Status.SNOOZED,
        "may_resolve": Status.RESOLVED in allowed,
        "priorities": list(reversed(Priority.choices)),
        "tags": around.tags,
        "queues": around.queues if rights["ticket_move"] else [],
        "owners": around.owners if rights["ticket_assign"] else [],
        "known_tags": around.known_tags if rights["ticket_update"] else [],
        "rights": rights,
    }


#: What can be done to a ticket -> the route's name.
_ROUTES = {
    "here": "ticket",
    "subject": "ticket_subject",
    "status": "ticket_status",
    "priority": "ticket_priority",
    "queue": "ticket_queue",
    "owner": "ticket_owner",
    "tags": "ticket_tags",
    "type": "ticket_type",
    "fields": "ticket_fields",
    "recipients": "ticket_recipients",
    "changes": "ticket_changes",
}


@functools.lru_cache(maxsize=4096)
def addresses_of(number: int) -> dict[str, str]:
    """The paths of a ticket's forms; finding forty of them anew by their names is felt."""
    return {word: reverse(route, args=[number]) for word, route in _ROUTES.items()}


_RIGHTS = (
    "ticket.reply",
    "ticket.note",
    "ticket.read_notes",
    "ticket.update",
    "ticket.assign",
    "ticket.move",
    "ticket.spam",
    "ticket.close",
    "attachment.upload",
    "customer.edit",
    "raw_mail.view",
)


def composer_context(request: HttpRequest, ticket: Ticket, rights: dict[str, bool], mode: str = "") -> dict[str, Any]:
    """The composer with the person's drafts; `mode` is the tab to open ("" for the newest draft's, else reply)."""
    actor = actor_of(request)
    drafts = {d.mode: d for d in Draft.objects.filter(ticket=ticket, user=actor.user)}
    is_over = ticket.status in {Status.CLOSED, Status.SPAM}
    may_reply, may_note = rights["ticket_reply"] and not is_over, rights["ticket_note"]
    if not mode and drafts:
        mode = max(drafts.values(), key=lambda d: d.updated_at).mode
    if mode not in {"reply", "note"} or (mode == "reply" and not may_reply) or (mode == "note" and not may_note):
        mode = "reply" if may_reply else "note" if may_note else ""
    draft = drafts.get("reply")
    recipients = draft.recipients if draft and draft.recipients else []
    if may_reply and not recipients:
        recipients = list(reply_recipients(ticket=ticket))
    return {
        "ticket": ticket,
        "rights": rights,
        "mode": mode,
        "is_over": is_over,
        "may_reply": may_reply,
        "may_note": may_note,
        "reply_draft": draft,
        "note_draft": drafts.get("note"),
        "recipients": recipients,
        # the ticket came through its door, and these are the person's own
        "uploads": list(Attachment.objects.filter(ticket=ticket, message__isnull=True, uploaded_by=actor.user)),
        "client_id": uuid.uuid4(),
        "undo_seconds": settings.UNDO_SEND_SECONDS,
        "max_bytes": settings.ATTACHMENT_MAX_BYTES,
    }


def customer_context(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """The context panel: who writes, what else he wrote, what hangs together."""
    around = furniture(request, ticket)
    customer = ticket.customer
    return {
        "ticket": ticket,
        "addresses_of": addresses_of(ticket.number),
        "customer": customer,
        "addresses": around.addresses,
        "customer_facts": [
            (field["label"], customer.fields[field["key"]])
            for field in around.fields
            if field["on"] == "customer" and field["key"] in customer.fields
        ],
        "ticket_fields": [(f, ticket.fields.get(f["key"], "")) for f in around.fields if f["on"] == "ticket"],
        "earlier": reads.earlier_tickets(door_of(request), ticket),
        "neighbours": reads.neighbours(door_of(request), ticket),
        "participants": around.people,
        "issue_types": around.issue_types,
        "may_edit_customer": may(actor_of(request), "customer.edit", ticket),
        "may_update": may(actor_of(request), "ticket.update", ticket),
    }


@require_GET
def ticket(request: HttpRequest, number: int) -> HttpResponse:
    """The conversation of one ticket; as a page of its own with the frame of the list, whose rows the script fetches."""
    actor = actor_of(request)
    found = ticket_or_404(request, number)
    head = head_context(request, found)
    context = {
        **head,
        "timeline": reads.timeline(
            found, language=get_language() or "en", may_read_notes=head["rights"]["ticket_read_notes"]
        ),
        **composer_context(request, found, head["rights"], request.GET.get("mode", "")),
        **customer_context(request, found),
        "list_query": request.GET.urlencode(),
    }
    if is_partial(request):
        return bundle(request, ["desk/_title.html", "desk/_talk.html", "desk/_context.html"], context)
    place = place_of(request, request.GET.get("in") or home_slug(actor), request.GET, counted=False)
    return render(request, "desk/desk.html", {**list_frame(request, place), **context, "zone": "conversation"})


@require_GET
def changes(request: HttpRequest, number: int) -> HttpResponse:
    """What happened after `?after=seq`: new and changed entries, the header, the context. 205 asks for a fresh page."""
    found = ticket_or_404(request, number)
    after = request.GET.get("after", "0")
    return changed(request, found, int(after) if after.isdecimal() else 0)


def changed(
    request: HttpRequest,
    ticket: Ticket,
    after: int,
    *,
    templates: tuple[str, ...] = (),
    extra: str = "",
    **context: Any,
) -> HttpResponse:
    """The bundle every change of a ticket answers with: header, context, entries after `after`, then `templates`."""
    fresh = ticket_or_404(request, ticket.number)
    head = head_context(request, fresh)
    entries = reads.changes_since(
        fresh,
        after,
        language=get_language() or "en",
        may_read_notes=head["rights"]["ticket_read_notes"],
    )
    if entries is None:
        response = HttpResponse(status=205)
        response["HX-Refresh"] = "true"
        return response
    whole = {**head, "entries": entries, **customer_context(request, fresh), **context}
    if any(name == "desk/_composer.html" for name in templates):
        whole = {**whole, **composer_context(request, fresh, head["rights"], str(context.get("mode", "")))}
    return bundle(
        request, ["desk/_head.html", "desk/_context.html", "desk/_entries.html", *templates], whole, extra=extra
    )


@require_GET
def earlier(request: HttpRequest, number: int) -> HttpResponse:
    """Messages before the cursor."""
    actor = actor_of(request)
    found = ticket_or_404(request, number)
    found_timeline = reads.timeline(
        found,
        language=get_language() or "en",
        may_read_notes=may(actor, "ticket.read_notes", found),
        before=request.GET.get("before", ""),
    )
    rights = {"ticket_reply": may(actor, "ticket.reply", found), "raw_mail_view": may(actor, "raw_mail.view", found)}
    return render(request, "desk/_earlier.html", {"ticket": found, "timeline": found_timeline, "rights": rights})
