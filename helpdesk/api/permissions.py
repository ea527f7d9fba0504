"""Who may use the API at all; every viewset names its rows of the matrix on top."""

from __future__ import annotations

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from helpdesk.models import User


class DenyByDefault(BasePermission):
    """A view that says nothing about permissions answers nobody."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Never."""
        return False


class SignedIn(BasePermission):
    """A person of the staff, by session or token."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether authentication gave us a person."""
        return isinstance(request.user, User)
