"""Who may use the API at all; every viewset names its rows of the matrix on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from helpdesk import access
from helpdesk.api.authentication import actor_of
from helpdesk.models import User

if TYPE_CHECKING:  # rest_framework.views reads this module from the settings while it is itself being imported
    from rest_framework.views import APIView


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


class ByMatrix(SignedIn):
    """The row that the viewset's `matrix` names for the action; an action without a row is refused.

    Asked without an object: what the role or the token's scope can never do is refused before anything is looked up, so that
    the answer is the same whether the object exists or not. The ticket itself is judged by the viewset or the action.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the actor's role and scopes ever allow this action. Raises NotAllowed with the reason."""
        if not super().has_permission(request, view):
            return False
        action: str | None = getattr(view, "action", None)
        if action is None or (request.method or "").lower() not in view.http_method_names:
            return True  # a method the address does not know: the framework answers 405 and calls nothing of ours
        row = getattr(view, "matrix", {}).get(action)
        if row is None:
            return False
        access.ensure(actor_of(request), row)
        return True
