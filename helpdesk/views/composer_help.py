"""What helps while writing: lists for `/`, `{{`, `@` and `#`, canned responses, macros, replies that wait for their hour."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from helpdesk import canned
from helpdesk.access import actor_of, ensure, may
from helpdesk.actions.canned import use_response
from helpdesk.actions.macros import plan, run_macro
from helpdesk.actions.scheduled import reschedule_reply
from helpdesk.models import Actor, CannedResponse, Macro, Ticket
from helpdesk.now import now
from helpdesk.queries.canned import MACRO_KEYS, macros_for, responses_for, values_for
from helpdesk.queries.colleagues import people_who_see
from helpdesk.queries.references import tickets_named
from helpdesk.templatetags.moments import moment
from helpdesk.views.answers import bundle, in_sentences, toast
from helpdesk.views.composer import message_or_404, send_moment
from helpdesk.views.inbox import door_of
from helpdesk.views.ticket import changed, ticket_or_404
from helpdesk.views.ticket_changes import seq_of
from helpdesk.views.undoing import undo_address

_OFFERED_AT_MOST = 12
_QUERY_AT_MOST = 80
Items = list[dict[str, Any]]


@require_GET
@in_sentences
def complete(request: HttpRequest, number: int) -> HttpResponse:
    """What can stand at the cursor: `kind` is canned, variable, people or tickets, `q` what is typed behind the mark."""
    found, actor = ticket_or_404(request, number), actor_of(request)
    ensure(actor, "canned.use", found)
    wanted = request.GET.get("q", "")[:_QUERY_AT_MOST]
    sources = {
        "canned": lambda: _canned_items(found, actor, wanted),
        "variable": lambda: _variable_items(found, actor, wanted),
        "people": lambda: _people_items(found, actor, wanted),
        "tickets": lambda: _ticket_items(request, found, wanted),
    }
    source = sources.get(request.GET.get("kind", ""))
    if source is None:
        raise Http404
    return JsonResponse({"items": source()})


def _canned_items(ticket: Ticket, actor: Actor, wanted: str) -> Items:
    rows = responses_for(ticket, actor, wanted, at_most=_OFFERED_AT_MOST)
    if not rows and not wanted:
        return _no_canned_items(actor)
    return [
        {
            "use": row.pk,
            "title": row.name,
            "hint": f"/{row.shortcut}",
            "group": row.folder,
            "sub": Truncator(" ".join(row.text.split())).chars(110),
            "mark": _file_words(len(row.files.all())),
        }
        for row in rows
    ]


def _no_canned_items(actor: Actor) -> Items:
    """Where nobody has written a response yet: that it is so, and where one is written."""
    if not may(actor, "canned.save"):
        return []
    words = _("Write one of your own, or keep the text of a reply by “Insert”.")
    return [{"title": _("There are no canned responses yet"), "sub": words, "go": reverse("canned")}]


def _file_words(count: int) -> str:
    return ngettext("%(n)s file", "%(n)s files", count) % {"n": count} if count else ""


def _variable_items(ticket: Ticket, actor: Actor, wanted: str) -> Items:
    typed = wanted.lower()
    return [
        {
            "title": name,
            "sub": value or _("no value here"),
            "insert": value or canned.place(name),
            "missing": not value,
        }
        for name, value in values_for(ticket, actor).items()
        if typed in name.lower() or (typed and typed in value.lower())
    ][:_OFFERED_AT_MOST]


def _people_items(ticket: Ticket, actor: Actor, wanted: str) -> Items:
    if not may(actor, "ticket.read_notes", ticket):
        return []
    typed = wanted.casefold()
    people = [p for p in people_who_see(ticket) if p.pk != actor.id and typed in p.name.casefold()]
    people.sort(key=lambda p: not p.name.casefold().startswith(typed))
    return [
        {"title": p.name, "sub": p.get_role_display(), "insert": f"@{p.name} ", "mention": p.pk}
        for p in people[:_OFFERED_AT_MOST]
    ]


def _ticket_items(request: HttpRequest, ticket: Ticket, wanted: str) -> Items:
    return [
        {
            "title": f"#{other.number} {other.subject}",
            "sub": f"{other.customer} · {other.get_status_display()}",
            "insert": f"#{other.number} ",
        }
        for other in tickets_named(
            actor_of(request), door_of(request), wanted, beside=ticket, today=timezone.localdate(now())
        )
    ]


@require_POST
@in_sentences
def use_canned(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """A canned response with its values, for the cursor; its files come as chips of the draft."""
    found, actor = ticket_or_404(request, number), actor_of(request)
    response = get_object_or_404(CannedResponse.objects.visible_to(actor).filter(is_active=True), pk=pk)
    used = use_response(response=response, ticket=found, actor=actor)
    return JsonResponse(
        {
            "text": used.text,
            "warning": missing_words(used.missing),
            "files": render_to_string("desk/_uploads.html", {"uploads": used.uploads}, request=request),
        }
    )


def missing_words(missing: tuple[str, ...]) -> str:
    """The sentence that names the places for which there is no value."""
    if not missing:
        return ""
    names = ", ".join(canned.place(name) for name in missing)
    return _("There is no value for %(names)s: fill it in by hand.") % {"names": names}


# --- macros -------------------------------------------------------------------------------------------------------------


@require_GET
@in_sentences
def macros(request: HttpRequest, number: int) -> HttpResponse:
    """The menu of macros for a ticket; the first nine with their keys."""
    found, actor = ticket_or_404(request, number), actor_of(request)
    ensure(actor, "macro.run", found)
    rows = macros_for(found, actor)
    listed = [(str(n) if n <= MACRO_KEYS else "", macro) for n, macro in enumerate(rows, start=1)]
    return bundle(request, ["desk/_composer_macros.html"], {"ticket": found, "macros": listed})


@require_http_methods(["GET", "POST"])
@in_sentences
def macro(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """GET says what the macro will do, POST does it; the text it brings is put into the draft by the page, unsent."""
    found, actor = ticket_or_404(request, number), actor_of(request)
    ensure(actor, "macro.run", found)
    chosen = get_object_or_404(Macro.objects.visible_to(actor).filter(is_active=True), pk=pk)
    if request.method == "GET":
        lines = plan(macro=chosen, ticket=found, actor=actor)
        context = {"macro": chosen, "ticket": found, "lines": lines, "refused": any(line.refusal for line in lines)}
        return bundle(request, ["desk/_composer_plan.html"], {**context, "lines": lines})
    ran = run_macro(macro=chosen, ticket=found, actor=actor)
    words = _("“%(name)s” was run.") % {"name": chosen.name}
    if ran.text:
        words = f"{words} {_('Its text stands in your reply; nothing was sent.')}"
    response = changed(
        request,
        found,
        seq_of(request),
        templates=("desk/_composer_plan.html",),
        extra=toast(words, undo_url=undo_address(request, [found])),
        insert=ran.text,
        warning=missing_words(ran.missing),
    )
    response["HX-Trigger"] = "inbox-changed"
    return response


# --- replies that wait for their hour -----------------------------------------------------------------------------------


@require_POST
@in_sentences
def schedule(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Another hour for a scheduled reply (`send_at`: a preset or a local time), or `now`."""
    message = message_or_404(request, public_id)
    choice = request.POST.get("send_at", "").strip()
    at = None if choice == "now" else send_moment(choice)
    outgoing = reschedule_reply(message=message, actor=actor_of(request), send_at=at)
    words = _("It is being sent.") if at is None else _("Leaves %(when)s.") % {"when": moment(outgoing.due_at)}
    return changed(
        request, message.ticket, seq_of(request), templates=("desk/_composer_scheduled.html",), extra=toast(words)
    )
