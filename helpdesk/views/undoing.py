"""The address that takes a change back: named by ticket and events, kept by the server's stream, given with each toast."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from helpdesk.access import NotAllowed, actor_of
from helpdesk.actions import BadInput
from helpdesk.actions.undoing import can_undo, made_since, undo_change
from helpdesk.models import IllegalTransition, Ticket
from helpdesk.queries.joining import by_numbers
from helpdesk.views.answers import bundle, in_sentences, is_partial, toast
from helpdesk.views.inbox import door_of

_AT_MOST = 100


def undo_address(request: HttpRequest, before: Iterable[Ticket]) -> str:
    """Where to take back what this person has just done to tickets; `before` are they as read before. "" if nothing can be."""
    actor = actor_of(request)
    parts: list[str] = []
    for ticket in before:
        made = made_since(ticket=ticket, actor=actor, seq=ticket.seq)
        if can_undo(made):
            parts.append(f"c={ticket.number}.{made[0].seq}.{made[-1].seq}")
    return f"{reverse('undo')}?{'&'.join(parts)}" if parts else ""


@require_POST
@in_sentences
def undo(request: HttpRequest) -> HttpResponse:
    """Takes changes back: `?c=number.first.last` for each ticket. What could be is taken back, the first refusal is said."""
    changes = _changes(request)
    tickets = {t.number: t for t in by_numbers(door_of(request), [number for number, _first, _last in changes])}
    refusal, undone = "", 0
    for number, first, last in changes:
        ticket = tickets.get(number)
        if ticket is None:
            continue
        try:
            undo_change(ticket=ticket, actor=actor_of(request), first=first, last=last)
        except (BadInput, IllegalTransition, NotAllowed) as problem:
            refusal = refusal or str(problem)
        else:
            undone += 1
    if not undone:
        raise BadInput(refusal or _("There is nothing to take back."))
    if not is_partial(request):
        return HttpResponseRedirect(reverse("ticket", args=[changes[0][0]]))
    words = (
        _("Taken back.")
        if undone == len(changes) == 1
        else ngettext("%(n)s change taken back.", "%(n)s changes taken back.", undone) % {"n": undone}
    )
    said = toast(f"{words} {refusal}".strip(), level="error" if refusal else "info", seconds=4)
    response = bundle(request, [], {}, extra=said)
    response["HX-Trigger"] = "inbox-changed, ticket-changed"
    return response


def _changes(request: HttpRequest) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for value in request.GET.getlist("c")[:_AT_MOST]:
        parts = value.split(".")
        if len(parts) == 3 and all(part.isdecimal() and len(part) < 19 for part in parts):
            found.append((int(parts[0]), int(parts[1]), int(parts[2])))
    return found
