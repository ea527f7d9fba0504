"""Answers to offers: accepting opens the ticket, declining gives the contact to the next agent."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from helpdesk.access import actor_of
from helpdesk.views.answers import in_sentences
from routing.actions.offers import OfferGone, accept_offer, decline_offer
from routing.models import Offer
from routing.views.answers import opened, pieces, user_of


def _own_offer(request: HttpRequest, pk: int) -> Offer:
    rows = Offer.objects.select_related("item__ticket__queue", "item__queue", "agent")
    return get_object_or_404(rows, pk=pk, agent=user_of(request))


@require_POST
@in_sentences
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the contact; 409 with a sentence where the offer is open no more."""
    offer = _own_offer(request, pk)
    ticket = offer.item.ticket
    try:
        accept_offer(offer=offer, actor=actor_of(request))
    except OfferGone as gone:
        return pieces(request, str(gone), level="error", status=409)
    return opened(request, ticket, _("#%(number)s is yours.") % {"number": ticket.number})


@require_POST
@in_sentences
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Does not take it; 409 with a sentence where the offer is open no more."""
    try:
        decline_offer(offer=_own_offer(request, pk), actor=actor_of(request))
    except OfferGone as gone:
        return pieces(request, str(gone), level="error", status=409)
    return pieces(request)
