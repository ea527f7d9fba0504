"""Addresses under /api/ that are none: a problem, not the desk's page."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from helpdesk.api.base import ApiViewSet
from helpdesk.api.permissions import SignedIn


class NothingHere(ApiViewSet):
    """404 for whoever is signed in, 401 for others."""

    permission_classes = [SignedIn]
    schema = None  # type: ignore[assignment]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Says so, whatever the method."""
        super().initial(request, *args, **kwargs)
        raise Http404

    def nowhere(self, request: Request) -> Response:
        """Never reached."""
        raise Http404
