"""The page on which somebody of the staff writes a new ticket down: who called, what it is about, who takes it."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from helpdesk.access import actor_of, ensure, may
from helpdesk.actions import BadInput
from helpdesk.actions.by_hand import CHANNELS, write_down
from helpdesk.models import Actor, Customer, Priority, Queue
from helpdesk.queries.customers import customer_of, customers
from helpdesk.views.answers import bundle

_FOUND = 8
_FIELDS = ("subject", "text", "channel", "priority", "queue", "name", "email", "phone")


@require_http_methods(["GET", "POST"])
def new_ticket(request: HttpRequest) -> HttpResponse:
    """The form (GET; `q` finds customers, `customer` is one chosen already), and writing the ticket down (POST)."""
    actor = actor_of(request)
    ensure(actor, "ticket.create")
    sent = request.POST.get("source", "") or request.GET.get("customer", "")
    chosen = _customer(actor, sent)
    asked = request.GET.get("q", "")
    found = customers(actor, asked).rows[:_FOUND] if asked else []
    if chosen is not None and chosen not in found:
        found = [chosen, *found]
    people: dict[str, Any] = {"asked": asked, "found": found, "source": chosen}
    if request.headers.get("HX-Trigger-Name") == "q":
        return bundle(request, ["desk/_customer_found.html"], people)
    queues = list(Queue.objects.visible_to(actor).filter(is_active=True).select_related("team"))
    entered: dict[str, Any] = {name: request.POST.get(name, "") for name in _FIELDS}
    problem = ""
    if request.method == "POST":
        queue = next((q for q in queues if str(q.pk) == entered["queue"]), None)
        try:
            ticket = write_down(
                actor=actor,
                queue=queue or Queue(),
                text=entered["text"],
                subject=entered["subject"],
                channel=entered["channel"],
                priority=int(entered["priority"]) if entered["priority"].isdecimal() else Priority.NORMAL,
                customer=chosen,
                **({} if chosen else {key: entered[key] for key in ("name", "email", "phone")}),
                keeps=request.POST.get("keeps") == "1",
            )
            return HttpResponseRedirect(reverse("ticket", args=[ticket.number]))
        except BadInput as refusal:
            problem = str(refusal)
    context = {
        **people,
        "entered": entered,
        "problem": problem,
        "queues": queues,
        "channels": [(channel.value, channel.label) for channel in CHANNELS],
        "priorities": Priority.choices,
        "normal": str(entered["priority"] or Priority.NORMAL),
        "may_keep": may(actor, "ticket.assign"),
        "keeps": request.method == "GET" or request.POST.get("keeps") == "1",
        "is_new": bool(entered["name"] or entered["email"] or entered["phone"]),
    }
    return render(request, "desk/new_ticket.html", context, status=422 if problem else 200)


def _customer(actor: Actor, sent: str) -> Customer | None:
    try:
        return customer_of(actor, uuid.UUID(sent)) if sent else None
    except ValueError:
        return None
