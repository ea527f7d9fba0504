"""Passing a contact on: the dialog with agents and queues, and the change itself."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from helpdesk.access import actor_of, ensure
from helpdesk.actions import BadInput
from helpdesk.models import IllegalTransition, Queue, Role, Ticket, User
from helpdesk.queries.colleagues import people_who_see
from helpdesk.views.answers import bundle, in_sentences
from helpdesk.views.joining_forms import refused
from helpdesk.views.ticket import ticket_or_404
from helpdesk.views.ticket_changes import answer
from routing.actions.assigning import transfer
from routing.queries.standing import NOBODY, standings

_SHOWN = 60


@require_http_methods(["GET", "POST"])
@in_sentences
def pass_on(request: HttpRequest, number: int) -> HttpResponse:
    """The dialog (GET; `q` finds people and queues), and passing on (POST) `to` an agent or a queue, `why`."""
    ticket, actor = ticket_or_404(request, number), actor_of(request)
    ensure(actor, "ticket.transfer", ticket)
    if request.method == "GET":
        only_list = request.headers.get("HX-Trigger-Name") == "q"
        name = "routing/_transfer_found.html" if only_list else "routing/_transfer.html"
        return bundle(request, [name], _choices(request, ticket))
    kind, _sep, key = request.POST.get("to", "").partition("-")
    chosen = int(key) if key.isdecimal() and len(key) < 19 else 0
    agent = people_who_see(ticket).filter(pk=chosen).first() if kind == "agent" else None
    queue = _queues(request, ticket).filter(pk=chosen).first() if kind == "queue" else None
    if kind in {"agent", "queue"} and agent is None and queue is None:
        raise Http404
    try:
        if agent is None and queue is None:
            raise BadInput(_("Choose an agent or a queue."))
        transfer(ticket=ticket, actor=actor, why=request.POST.get("why", ""), agent=agent, queue=queue)
    except (BadInput, IllegalTransition) as refusal:
        return refused(request, refusal)
    words = _("#%(number)s is passed on to %(name)s.") % {"number": number, "name": agent or queue}
    return answer(request, ticket, words, templates=("desk/_joining_closed.html",))


def _queues(request: HttpRequest, ticket: Ticket) -> Any:
    return Queue.objects.visible_to(actor_of(request)).filter(is_active=True).exclude(pk=ticket.queue_id)


def _choices(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """People who may own it, those with room first, then by load; and the other queues."""
    asked = request.GET.get("q", "").strip()
    people: list[User] = list(
        people_who_see(ticket)
        .filter(name__icontains=asked)
        .exclude(role=Role.LIGHT)
        .exclude(pk__in=[ticket.owner_id or 0, actor_of(request).id or 0])
    )
    known = standings(person.pk for person in people)
    rows = [(person, known.get(person.pk, NOBODY)) for person in people]
    rows.sort(key=lambda row: (not row[1].has_room, row[1].is_offline, row[1].units_used))
    return {
        "ticket": ticket,
        "asked": asked,
        "people": rows[:_SHOWN],
        "queues": list(_queues(request, ticket).filter(name__icontains=asked).order_by("position", "name")[:_SHOWN]),
    }
