"""The person behind a socket: read afresh whenever it matters, since the row decides. Part of the staff socket."""

from __future__ import annotations

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from helpdesk.models import Actor, User
from helpdesk.sign_in import lacks_second_factor

#: Close codes: 4401 not signed in, 4403 not allowed, 1012 the server restarts.
NOT_SIGNED_IN = 4401


class SignedIn(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """A socket with the session cookie of somebody of the staff."""

    user_id: int | None

    def current_actor(self) -> Actor | None:
        """Read afresh: the row decides, not what was true when the tab was opened."""
        user = User.objects.filter(pk=self.user_id, is_active=True).first() if self.user_id else None
        if user is None or lacks_second_factor(user):
            return None
        return Actor.of(user)

    def is_still_signed_in(self) -> bool:
        """Whether the session the socket came in by still stands (signing out and a new password end it)."""
        key = self.scope["session"].session_key
        session = self.scope["session"].__class__(key).load() if key else {}
        user = User.objects.filter(pk=self.user_id).first() if self.user_id else None
        return (
            user is not None
            and session.get(SESSION_KEY) == str(user.pk)
            and constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
            and self.current_actor() is not None
        )
