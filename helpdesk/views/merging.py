"""Merging and parting tickets: the dialog of a ticket and of the bulk bar, suggestions while one types, and what they send."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from helpdesk import access
from helpdesk.access import actor_of
from helpdesk.actions import BadInput
from helpdesk.actions.merging import merge_tickets, unmerge_ticket
from helpdesk.models import Status, Ticket
from helpdesk.queries.joining import by_numbers, candidates
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from helpdesk.views.inbox import door_of
from helpdesk.views.joining_forms import numbers_of, refused, tickets_of
from helpdesk.views.ticket import changed, ticket_or_404, whole_talk
from helpdesk.views.ticket_changes import seq_of
from helpdesk.views.undoing import undo_address

_CLOSED = "desk/_joining_closed.html"


@require_http_methods(["GET", "POST"])
@in_sentences
def merge(request: HttpRequest, number: int) -> HttpResponse:
    """The dialog (GET), and merging (POST): `other` names tickets, `survivor` is `here`, or `there` to swap the two."""
    found = ticket_or_404(request, number)
    access.ensure(actor_of(request), "ticket.update", found)
    if request.method == "GET":
        context = {"ticket": found, "found": candidates(door_of(request), found, ""), "checked": []}
        return bundle(request, ["desk/_joining_merge.html"], context)
    try:
        others = tickets_of(request, "other")
        survivor, sources = (found, others) if request.POST.get("survivor") != "there" else _swapped(found, others)
        return _merged(request, survivor, sources, page=number)
    except BadInput as refusal:
        return refused(request, refusal)


def _swapped(found: Ticket, others: list[Ticket]) -> tuple[Ticket, list[Ticket]]:
    if len(others) != 1:
        raise BadInput(_("Choose one ticket alone to let it survive."))
    return others[0], [found]


def _merged(request: HttpRequest, survivor: Ticket, sources: list[Ticket], page: int) -> HttpResponse:
    merge_tickets(
        survivor=survivor, sources=sources, actor=actor_of(request), confirmed=request.POST.get("confirmed") == "1"
    )
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[survivor.number]))
    words = ngettext(
        "%(n)s ticket is merged into #%(number)s.", "%(n)s tickets are merged into #%(number)s.", len(sources)
    ) % {"number": survivor.number, "n": len(sources)}
    said = toast(words, undo_url=undo_address(request, [survivor]))
    if page == survivor.number:
        response = changed(request, survivor, seq_of(request), templates=(_CLOSED,), extra=said)
    elif page:
        response = whole_talk(request, survivor, templates=(_CLOSED,), extra=said)
    else:
        response = bundle(request, [_CLOSED], {}, extra=said)
    response["HX-Trigger"] = "inbox-changed, ticket-changed" if not page else "inbox-changed"
    return response


@require_GET
def merge_candidates(request: HttpRequest, number: int) -> HttpResponse:
    """Tickets to merge with, move messages to or link to, while one types; `pick` says how they are chosen."""
    found = ticket_or_404(request, number)
    pick = request.GET.get("pick", "")
    name = "target" if pick == "target" else "other"
    chosen = numbers_of(request, name)
    context: dict[str, Any] = {
        "ticket": found,
        "found": candidates(
            door_of(request), found, request.GET.get("q", "")[:100], open_only=pick == "target", chosen=chosen
        ),
        "checked": chosen,
        "pick": pick,
        "asked": request.GET.get("q", "").strip(),
    }
    return bundle(request, ["desk/_joining_found.html"], context)


@require_http_methods(["GET", "POST"])
@in_sentences
def bulk_merge(request: HttpRequest) -> HttpResponse:
    """The dialog over the tickets selected in the list (`number`), and merging them into the one named `survivor`."""
    chosen = by_numbers(door_of(request), numbers_of(request, "number"))
    if request.method == "GET":
        if len(chosen) < 2:
            raise BadInput(_("Select two or more tickets to merge them."))
        # the oldest that is still to be worked on has the longest story
        best = min(chosen, key=lambda t: (t.status in {Status.CLOSED, Status.SPAM}, t.opened_at, t.pk))
        return bundle(request, ["desk/_joining_bulk.html"], {"tickets": chosen, "survivor": best})
    try:
        kept = [ticket for ticket in chosen if [ticket.number] == numbers_of(request, "survivor")]
        if not kept:
            raise BadInput(_("Choose which of the tickets survives."))
        return _merged(request, kept[0], [ticket for ticket in chosen if ticket is not kept[0]], page=0)
    except BadInput as refusal:
        return refused(request, refusal)


@require_POST
@in_sentences
def unmerge(request: HttpRequest, number: int) -> HttpResponse:
    """Parts the merged ticket again; answers for the page it was asked on (`page`)."""
    found = ticket_or_404(request, number)
    unmerge_ticket(source=found, actor=actor_of(request))
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[number]))
    said = toast(_("#%(number)s is a ticket of its own again.") % {"number": number})
    pages = numbers_of(request, "page")
    shown = ticket_or_404(request, pages[0]) if pages else found
    if shown.number == number:
        response = whole_talk(request, shown, extra=said)
    else:
        response = changed(request, shown, seq_of(request), templates=("desk/_came_from.html",), extra=said)
    response["HX-Trigger"] = "inbox-changed"
    return response
