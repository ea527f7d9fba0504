"""Pages of allauth that this house does not have. Named by helpdesk.urls before allauth's own."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse


def shut(request: HttpRequest) -> HttpResponse:
    """There is no such page."""
    raise Http404
