"""Suggestions while somebody types: for the search box and for the command bar."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from helpdesk.access import actor_of
from helpdesk.queries.suggestions import as_json, suggestions
from helpdesk.views.found_rows import today
from helpdesk.views.inbox import door_of


@require_GET
def find(request: HttpRequest) -> JsonResponse:
    """Tickets, customers and views that begin with `q`: `{"groups": [{"title", "items": [{"title", "detail", "url"}]}]}`."""
    groups = suggestions(actor_of(request), request.GET.get("q", ""), door_of(request), today())
    return JsonResponse(as_json(groups))
