"""The panel "Routing" beside a ticket: why it went to whom, why it waits, and the callback of its customer."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from helpdesk.access import actor_of, ensure, may
from helpdesk.actions import BadInput
from helpdesk.models import AddressKind, Ticket
from helpdesk.now import now
from helpdesk.views.answers import bundle, in_sentences
from helpdesk.views.ticket import ticket_or_404
from helpdesk.views.ticket_changes import answer
from routing import words
from routing.actions.callbacks import Result, ask_callback, cancel_callback, record_result, stage_of
from routing.callback_keys import link_of
from routing.models import Callback, WorkItem
from routing.queries.why import why_of

_PANEL = ("routing/_why.html", "routing/_callback.html")


@require_GET
@in_sentences
def why(request: HttpRequest, number: int) -> HttpResponse:
    """The panel, made anew from the rows as they stand."""
    ticket = ticket_or_404(request, number)
    ensure(actor_of(request), "ticket.why", ticket)
    return bundle(request, _PANEL, _panel(request, ticket))


def _panel(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    found, actor = why_of(ticket, now()), actor_of(request)
    callback, item = found.callback, found.item
    stage = stage_of(callback, item) if callback is not None and item is not None else ""
    is_mine = item is not None and item.state == WorkItem.State.ASSIGNED and _has_it(item, actor.user)
    may_ask = (
        item is not None
        and item.state == WorkItem.State.WAITING
        and (callback is None or callback.state not in Callback.OPEN)
        and found.rules is not None
        and found.rules.callback_from_seconds is not None
        and may(actor, "callback.ask", ticket)
    )
    phone = ""
    if may_ask:
        rows = ticket.customer.addresses.filter(kind=AddressKind.PHONE).order_by("-is_primary", "pk")
        phone = rows.values_list("value", flat=True).first() or ""
    return {
        "ticket": ticket,
        "why": found,
        "callback": callback if callback is not None and callback.state in Callback.OPEN else None,
        "stage": stage,
        "stage_words": words.callback_words(stage) if stage else "",
        "is_calling": is_mine and callback is not None and callback.state in Callback.OPEN,
        "results": Result.choices,
        "may_ask": may_ask,
        "may_cancel": callback is not None
        and callback.state in Callback.OPEN
        and not is_mine
        and may(actor, "callback.ask", ticket),
        "link": link_of(callback) if callback is not None and callback.state in Callback.OPEN else "",
        "phone": phone,
    }


def _has_it(item: WorkItem, user: Any) -> bool:
    return user is not None and item.assignments.filter(agent=user, ended_at__isnull=True).exists()


def _callback(ticket: Ticket) -> Callback:
    found = Callback.objects.filter(item__ticket=ticket, state__in=Callback.OPEN).select_related("item__ticket").first()
    if found is None:
        raise BadInput(_("There is no callback to change here."))
    return found


@require_POST
@in_sentences
def ask(request: HttpRequest, number: int) -> HttpResponse:
    """An agent reserves a call to `phone`; the customer keeps the place."""
    ticket = ticket_or_404(request, number)
    ask_callback(ticket=ticket, actor=actor_of(request), phone=request.POST.get("phone", ""))
    return _changed(request, ticket, _("The customer is called when it is his turn."))


@require_POST
@in_sentences
def cancel(request: HttpRequest, number: int) -> HttpResponse:
    """An agent gives the reservation back; the contact waits on as before."""
    ticket, actor = ticket_or_404(request, number), actor_of(request)
    ensure(actor, "callback.ask", ticket)
    cancel_callback(callback=_callback(ticket), actor=actor)
    return _changed(request, ticket, _("The callback is cancelled; the contact waits on at its place."))


@require_POST
@in_sentences
def result(request: HttpRequest, number: int) -> HttpResponse:
    """The agent says how the call went: `result`, and a `note`."""
    ticket, actor = ticket_or_404(request, number), actor_of(request)
    ensure(actor, "offer.answer", ticket)
    kept = record_result(
        callback=_callback(ticket),
        actor=actor,
        result=request.POST.get("result", ""),
        note=request.POST.get("note", ""),
    )
    return _changed(request, ticket, words.callback_words(kept.state))


def _changed(request: HttpRequest, ticket: Ticket, said: str) -> HttpResponse:
    """The ticket's page as after any change; the panel then fetches itself."""
    response = answer(request, ticket, said)
    response["HX-Trigger"] = "inbox-changed, routing:changed"
    return response
