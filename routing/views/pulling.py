"""The button "Next": the agent takes the next contact he may have."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from helpdesk.access import actor_of
from helpdesk.views.answers import in_sentences
from routing.actions.assigning import pull_next
from routing.views.answers import opened


@require_POST
@in_sentences
def take_next(request: HttpRequest) -> HttpResponse:
    """Assigns it and opens it; a sentence where nothing waits or the agent has no room."""
    ticket = pull_next(actor=actor_of(request))
    return opened(request, ticket, _("#%(number)s is yours.") % {"number": ticket.number})
