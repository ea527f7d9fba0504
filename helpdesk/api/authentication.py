"""Who calls: a bearer token, or the session of somebody signed in to the desk. Named by settings.REST_FRAMEWORK."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from helpdesk.actions.tokens import live_token, note_use
from helpdesk.models import Actor, ApiToken, User
from helpdesk.sign_in import lacks_second_factor


class BearerTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer hd_…`. Every reason to refuse has the same answer, so that none can be told from another."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token and its owner; None when the request carries no bearer token."""
        scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = live_token(secret.strip())
        if token is None or lacks_second_factor(token.owner):
            raise AuthenticationFailed(_("This token is unknown, expired or revoked, or its owner may not sign in."))
        note_use(token)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="helpdesk"'


class StaffSessionAuthentication(SessionAuthentication):
    """The desk's own session; everything but reading needs the CSRF token, as in every form."""


def actor_of(request: Request) -> Actor:
    """The actor behind an authenticated request: the person, narrowed by the token's scopes. Made once per request."""
    made: Actor | None = getattr(request, "_helpdesk_actor", None)
    if made is None:
        user: object = request.user
        if not isinstance(user, User):
            raise NotAuthenticated
        token: object = request.auth
        made = Actor.of(user, scopes=frozenset(token.scopes) if isinstance(token, ApiToken) else None)
        request._helpdesk_actor = made  # type: ignore[attr-defined]
    return made
