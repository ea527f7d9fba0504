"""The ticket page: conversation and context, what changed since a `seq`, earlier messages."""

from __future__ import annotations

import functools
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from helpdesk.access import actor_of, may
from helpdesk.actions.merging import follow_with_drafts
from helpdesk.models import TRANSITIONS, Priority, Status, Ticket
from helpdesk.queries import ticket as reads
from helpdesk.queries.furniture import Furniture, furniture_of
from helpdesk.queries.joining import Relatives, joined_here, relatives, survivor_of
from helpdesk.queries.snoozing import rests
from helpdesk.views.answers import bundle, is_partial
from helpdesk.views.composer_parts import composer_context, later_presets, scheduled_replies
from helpdesk.views.inbox import door_of, home_slug, list_frame, place_of, status_names
from helpdesk.views.joining_forms import came_from

#: The statuses offered in the menu, in the order of how often they are needed.
_MENU = [Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.SNOOZED, Status.RESOLVED, Status.CLOSED, Status.SPAM]


def ticket_or_404(request: HttpRequest, number: int) -> Ticket:
    """The ticket with this number. What one may not see does not exist."""
    found = reads.ticket_by_number(actor_of(request), number)
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
    is_merged = ticket.merged_into_id is not None
    allowed = frozenset() if is_merged else TRANSITIONS[ticket.status]
    rights = {row.replace(".", "_"): may(actor, row, ticket) for row in _RIGHTS}
    offered = [s for s in _MENU if s in allowed and not (s == Status.SPAM and not rights["ticket_spam"])]
    return {
        "ticket": ticket,
        "addresses_of": addresses_of(ticket.number),
        "status_word": _(ticket.label.label_agent) if ticket.label else words[ticket.status],
        "transitions": [(s.value, words[s]) for s in offered if s != Status.SNOOZED],
        "merged_to": survivor_of(door_of(request), ticket) if is_merged else None,
        "rests": rests(around.hours) if rights["ticket_update"] else [],
        "may_snooze": Status.SNOOZED in allowed or ticket.status == Status.SNOOZED,
        "may_resolve": Status.RESOLVED in allowed,
        "priorities": list(reversed(Priority.choices)),
        "tags": around.tags,
        "queues": around.queues if rights["ticket_move"] else [],
        "owners": around.owners if rights["ticket_assign"] else [],
        "known_tags": around.known_tags if rights["ticket_update"] else [],
        "rights": rights,
        "viewers": around.viewers if may(actor, "presence.view") else (),
        "checklist": around.checklist,
        "checklist_done": sum(1 for item in around.checklist if item["done"]),
        "is_following": any(p["is_colleague"] and p["id"] == actor.id for p in around.people),
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
    "merge": "ticket_merge",
    "unmerge": "ticket_unmerge",
    "part": "ticket_part",
    "link": "ticket_link",
    "unlink": "ticket_unlink",
    "side": "ticket_side",
    "checklist": "ticket_checklist",
    "people": "ticket_people",
    "belongs": "ticket_customer",
    "times": "ticket_times",
}


@functools.lru_cache(maxsize=4096)
def addresses_of(number: int) -> dict[str, str]:
    """The paths of a ticket's forms; finding forty of them anew by their names is felt."""
    return {word: reverse(route, args=[number]) for word, route in _ROUTES.items()}


_RIGHTS = (
    "ticket.reply",
    "ticket.forward",
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
        "earlier": around.earlier,
        "relatives": relatives(door_of(request), ticket) if around.has_links else Relatives(),
        "joined": joined_here(door_of(request), ticket) if around.has_joined else [],
        "participants": around.people,
        "followers": _followers(around),
        "checklist": around.checklist,
        "checklist_done": sum(1 for item in around.checklist if item["done"]),
        "issue_types": around.issue_types,
        "may_edit_customer": may(actor_of(request), "customer.edit", ticket),
        "may_update": may(actor_of(request), "ticket.update", ticket),
    }


def _followers(around: Furniture) -> list[dict[str, Any]]:
    """Colleagues who could follow and do not yet."""
    following = {person["id"] for person in around.people if person["is_colleague"]}
    return [person for person in around.owners if person["id"] not in following]


@require_GET
def ticket(request: HttpRequest, number: int) -> HttpResponse:
    """The conversation of one ticket; as a page of its own with the frame of the list, whose rows the script fetches."""
    actor = actor_of(request)
    found = ticket_or_404(request, number)
    if found.merged_into_id is not None and "itself" not in request.GET:
        ahead = survivor_of(door_of(request), found)
        if ahead is not None:
            follow_with_drafts(source=found, survivor=ahead, actor=actor)
            query = request.GET.copy()
            query["from"] = str(number)
            return HttpResponseRedirect(f"{reverse('ticket', args=[ahead.number])}?{query.urlencode()}")
    context = {**_talk_context(request, found), "came_from": came_from(request)}
    if is_partial(request):
        return bundle(request, ["desk/_title.html", "desk/_talk.html", "desk/_context.html"], context)
    place = place_of(request, request.GET.get("in") or home_slug(actor), request.GET, counted=False)
    return render(request, "desk/desk.html", {**list_frame(request, place), **context, "zone": "conversation"})


def _talk_context(request: HttpRequest, found: Ticket, mode: str = "") -> dict[str, Any]:
    """All that the conversation and the context panel of a ticket show."""
    head, around = head_context(request, found), furniture(request, found)
    shown = reads.timeline(found, language=get_language() or "en", may_read_notes=head["rights"]["ticket_read_notes"])
    return {
        **head,
        "timeline": shown,
        **composer_context(
            request,
            found,
            head["rights"],
            mode or request.GET.get("mode", ""),
            around=around,
            answered=reads.answered_first(shown),
        ),
        **customer_context(request, found),
        "list_query": request.GET.urlencode(),
        "read_seq": around.read_seq,
    }


def whole_talk(
    request: HttpRequest, ticket: Ticket, *, templates: tuple[str, ...] = (), extra: str = "", **context: Any
) -> HttpResponse:
    """The ticket in the place of what is shown, as if it had just been opened."""
    fresh = ticket_or_404(request, ticket.number)
    whole = {**_talk_context(request, fresh), **context}
    return bundle(
        request, ["desk/_title.html", "desk/_talk.html", "desk/_context.html", *templates], whole, extra=extra
    )


@require_GET
def changes(request: HttpRequest, number: int) -> HttpResponse:
    """What happened after `?after=seq`: new and changed entries, the header, and the context unless it is as it was.

    205 asks for a fresh page.
    """
    found = ticket_or_404(request, number)
    after = request.GET.get("after", "0")
    return changed(request, found, int(after) if after.isdecimal() else 0, is_fresh=True)


def changed(
    request: HttpRequest,
    ticket: Ticket,
    after: int,
    *,
    templates: tuple[str, ...] = (),
    extra: str = "",
    is_fresh: bool = False,
    **context: Any,
) -> HttpResponse:
    """The bundle every change of a ticket answers with: header, context, entries after `after`, then `templates`.

    `is_fresh`: the ticket was read just now, nothing was changed since.
    """
    fresh = ticket if is_fresh else ticket_or_404(request, ticket.number)
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
    body = "desk/_entries.html"
    whole = {**head, "entries": entries, **customer_context(request, fresh), **context}
    if isinstance(entries, reads.Timeline):  # messages came or went
        body, whole["timeline"] = "desk/_timeline.html", entries
        if entries.is_turned and "desk/_composer.html" not in templates:
            templates = ("desk/_composer.html", *templates)
    if "desk/_composer.html" in templates:
        mode = str(context.get("mode", ""))
        whole |= composer_context(request, fresh, head["rights"], mode, around=furniture(request, fresh))
    elif head["rights"]["ticket_reply"]:
        waiting = scheduled_replies(fresh) if furniture(request, fresh).has_scheduled else []
        whole = {**whole, "scheduled": waiting, "later": later_presets() if waiting else []}
        templates = ("desk/_composer_scheduled.html", *templates)
    panel = () if is_fresh and isinstance(entries, reads.News) and entries.is_only_words else ("desk/_context.html",)
    return bundle(request, ["desk/_head.html", *panel, body, *templates], whole, extra=extra)


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
    rights = {
        row.replace(".", "_"): may(actor, row, found) for row in ("ticket.reply", "ticket.forward", "raw_mail.view")
    }
    context = {
        "ticket": found,
        "timeline": found_timeline,
        "rights": rights,
        "addresses_of": addresses_of(number),
    }
    return render(request, "desk/_earlier.html", context)
