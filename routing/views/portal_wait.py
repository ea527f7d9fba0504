"""The customer's place in the queue, the wait that is left, and "call me back": a piece of his ticket's page.

The page asks for it by a dotted path (flow.PORTAL_PIECES); its forms post here. What cannot be told honestly is not told.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST

from helpdesk.access import NotAllowed, may
from helpdesk.actions import BadInput
from helpdesk.limits import within
from helpdesk.models import AddressKind, Ticket
from helpdesk.now import now
from helpdesk.queries.portal import Visitor, ticket_of
from helpdesk.views.portal_visitor import for_visitors, portal_page, too_often
from routing import words
from routing.actions.callbacks import ask_callback, cancel_callback, change_callback, confirm_callback, stage_of
from routing.actions.forecasting import log_shown
from routing.callback_keys import link_of
from routing.models import Callback, Handing, WorkItem
from routing.queries.live import live_pool
from routing.queries.settings import rules_of
from routing.queries.waits import CLOSED, Wait, callback_is_offered, held_back, wait_of

Items = WorkItem.State


def piece(request: HttpRequest, visitor: Visitor, ticket: Ticket) -> SafeString:
    """The piece for the page of one ticket the visitor sees; empty where there is nothing to tell or to offer."""
    return render_to_string("routing/portal_wait.html", _context(visitor, ticket), request=request)


def _context(visitor: Visitor, ticket: Ticket, *, problem: str = "", phone: str = "") -> dict[str, Any]:
    at = now()
    item = WorkItem.objects.filter(ticket=ticket).exclude(state=Items.DONE).select_related("queue").first()
    context: dict[str, Any] = {"ticket": ticket, "problem": problem, "is_told": False}
    if item is None or not item.queue.is_active:
        return context
    wait: Wait | None = None
    if item.state == Items.WAITING and item.handing != Handing.PULL:
        live = live_pool([item.queue_id], at)
        if item.pk not in live.waiting:
            live.add(item)
        wait = held_back(item, wait_of(live, item.pk), at)
        log_shown(item, wait)
    callback = Callback.objects.filter(item=item, state__in=Callback.OPEN).first()
    threshold = rules_of([item.queue_id])[item.queue_id].callback_from_seconds
    is_own = may(visitor.actor, "callback.ask", ticket)
    told = wait is not None and (wait.said is not None or wait.hidden == CLOSED)
    known = ticket.customer.addresses.filter(kind=AddressKind.PHONE).order_by("-is_primary", "pk")
    return context | {
        "wait_words": words.wait_words(wait) if wait is not None and told else "",
        "callback": callback if is_own else None,
        "stage": stage_of(callback, item) if callback is not None else "",
        "link": link_of(callback) if callback is not None and is_own else "",
        "offers_callback": is_own and callback is None and callback_is_offered(item, wait, threshold, at),
        "phone": phone or known.values_list("value", flat=True).first() or "",
        "is_told": True,
    }


@require_GET
@for_visitors
def wait(request: HttpRequest, public_id: uuid.UUID, visitor: Visitor) -> HttpResponseBase:
    """The piece alone, for the page that looks again."""
    return HttpResponse(piece(request, visitor, _ticket_or_404(visitor, public_id)))


@require_POST
@for_visitors
def callback(request: HttpRequest, public_id: uuid.UUID, visitor: Visitor) -> HttpResponseBase:
    """The visitor asks to be called at `phone`, confirms it, changes the number, or cancels (`do`)."""
    ticket = _ticket_or_404(visitor, public_id)
    if not within(request, "write", str(visitor.session.pk)):
        return too_often(request, visitor)
    what, phone = request.POST.get("do", ""), request.POST.get("phone", "")[:40]
    try:
        if what == "ask":
            ask_callback(ticket=ticket, actor=visitor.actor, phone=phone)
        else:
            found = Callback.objects.filter(item__ticket=ticket, state__in=Callback.OPEN)
            row = found.select_related("item__ticket").first()
            if row is not None and what == "confirm":
                confirm_callback(callback=row, actor=visitor.actor)
            elif row is not None and what == "change":
                change_callback(callback=row, actor=visitor.actor, phone=phone)
            elif row is not None and what == "cancel":
                cancel_callback(callback=row, actor=visitor.actor)
    except (BadInput, NotAllowed) as refusal:
        context = _context(visitor, ticket, problem=str(refusal), phone=phone)
        body = render_to_string("routing/portal_wait.html", context, request=request)
        return _page_around(request, visitor, ticket, body)
    return HttpResponseRedirect(f"{reverse('portal_ticket', args=[ticket.public_id])}#wait")


def _page_around(request: HttpRequest, visitor: Visitor, ticket: Ticket, body: SafeString) -> HttpResponse:
    context = {"visitor": visitor, "ticket": ticket, "piece": body}
    return portal_page(request, "routing/portal_refused.html", context, status=422)


def _ticket_or_404(visitor: Visitor, public_id: uuid.UUID) -> Ticket:
    found = ticket_of(visitor, public_id)
    if found is None:
        raise Http404
    return found
