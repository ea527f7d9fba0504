"""The checklist of a ticket from its page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from helpdesk.access import actor_of
from helpdesk.actions import BadInput
from helpdesk.actions import checklist as actions
from helpdesk.models import Ticket
from helpdesk.views.answers import in_sentences
from helpdesk.views.ticket import ticket_or_404
from helpdesk.views.ticket_changes import answer


@require_POST
@in_sentences
def checklist(request: HttpRequest, number: int) -> HttpResponse:
    """Changes a line: `do` is add, tick, untick, rename, up, down, move (to `to`) or remove."""
    found, actor = ticket_or_404(request, number), actor_of(request)
    what, text = request.POST.get("do", ""), request.POST.get("text", "")
    if what == "add":
        actions.add_item(ticket=found, actor=actor, text=text)
        return answer(request, found)
    sent = request.POST.get("item", "")
    item = int(sent) if sent.isdecimal() and len(sent) < 19 else 0
    if what in {"tick", "untick"}:
        actions.tick_item(ticket=found, actor=actor, item=item, done=what == "tick")
        return answer(request, found)
    if what == "rename":
        actions.rename_item(ticket=found, actor=actor, item=item, text=text)
        return answer(request, found)
    if what == "remove":
        row = actions.remove_item(ticket=found, actor=actor, item=item)
        return answer(request, found, _("Removed: %(text)s") % {"text": row.text})
    if what in {"up", "down", "move"}:
        actions.move_item(ticket=found, actor=actor, item=item, to=_place(request, found, item, what))
        return answer(request, found)
    raise BadInput(_("Choose what to do with this line."))


def _place(request: HttpRequest, ticket: Ticket, item: int, what: str) -> int:
    if what == "move":
        sent = request.POST.get("to", "")
        return int(sent) if sent.isdecimal() and len(sent) < 6 else 0
    keys = [row.pk for row in actions.standing_items(ticket)]
    at = keys.index(item) if item in keys else 0
    return max(0, at - 1) if what == "up" else at + 1
