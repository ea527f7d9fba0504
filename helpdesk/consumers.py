"""The staff socket `/ws/agent/`, one a tab: says what changed, never what it says. The page fetches the changed part.

Client frames: `{"type": "watch", "ticket": "<public id>"}` and `{"type": "unwatch"}`, `{"type": "ping"}`. Server frames:
`hello`, `ticket.changed`, `inbox.changed`, `resync` (doorbells may have been lost: fetch again), `pong`, `error`.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, ClassVar
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.urls import path
from django.utils.crypto import constant_time_compare

from helpdesk import access, realtime
from helpdesk.models import Actor, Queue, Ticket, User
from helpdesk.sign_in import lacks_second_factor

#: Close codes: 4401 not signed in, 4403 not allowed, 1012 the server restarts.
NOT_SIGNED_IN = 4401
_LONGEST_FRAME = 4096


class OwnOriginOnly:
    """Refuses sockets opened by pages of any other origin; a missing Origin is refused as well."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Compares the whole origin: scheme, host and port."""
        headers = {name: value.decode("latin-1") for name, value in scope.get("headers", [])}
        origin, host = headers.get(b"origin", ""), headers.get(b"host", "")
        if not _same_origin(origin, host, settings.SECURE_TRANSPORT):
            return await WebsocketDenier()(scope, receive, send)
        return await self.application(scope, receive, send)


def _same_origin(origin: str, host: str, secure: bool) -> bool:
    parts = urlsplit(origin)
    schemes = {"https"} if secure else {"http", urlsplit(settings.BASE_URL).scheme}
    if parts.scheme not in schemes or not parts.netloc or parts.path or parts.query or parts.fragment:
        return False
    name = parts.hostname or ""
    allowed = any(name == a.strip("[]") or a == "*" for a in settings.ALLOWED_HOSTS)
    return allowed and parts.netloc.lower() == host.lower()


class AgentConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """One tab of somebody of the staff."""

    #: Client frame -> method; the authorisation walk reads this table.
    actions: ClassVar[dict[str, str]] = {"watch": "watch", "unwatch": "unwatch", "ping": "ping"}

    async def connect(self) -> None:
        """Joins the groups of the person's queues; nobody without rights gets further than the door."""
        self.watching: str | None = None
        self.queue_groups: list[str] = []
        user = self.scope.get("user")
        self.user_id = user.pk if isinstance(user, User) else None
        actor = await self._actor()
        await self.accept()
        if actor is None or self.user_id is None:
            await self.close(code=NOT_SIGNED_IN)
            return
        await self._join_queues()
        for group in (realtime.user_group(self.user_id), realtime.DESK_GROUP):
            await self.channel_layer.group_add(group, self.channel_name)
        await self.send_json({"type": "hello"})

    async def disconnect(self, code: int) -> None:
        """Leaves all groups."""
        if self.user_id is None:
            return
        groups = [*self.queue_groups, realtime.user_group(self.user_id), realtime.DESK_GROUP]
        for group in [*groups, *([self.watching] if self.watching else [])]:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Decodes; what is no frame is answered like an unknown one, since a stack trace helps nobody."""
        try:
            content = json.loads(text_data) if text_data and len(text_data) <= _LONGEST_FRAME else None
        except (ValueError, RecursionError):
            content = None
        await self.receive_json(content)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Dispatches by the table; an unknown frame is answered, not punished."""
        kind = content.get("type") if isinstance(content, dict) else None
        method = self.actions.get(kind) if isinstance(kind, str) else None
        if method is None:
            await self.send_json({"type": "error", "error": "unknown_frame"})
            return
        await getattr(self, method)(content)

    async def watch(self, content: dict[str, Any]) -> None:
        """Hears of one ticket, when it is visible; otherwise the ticket does not exist."""
        await self.unwatch(content)
        key = await self._visible_ticket(str(content.get("ticket", "")))
        if key is None:
            await self.send_json({"type": "error", "error": "not_found"})
            return
        self.watching = realtime.ticket_group(key)
        await self.channel_layer.group_add(self.watching, self.channel_name)

    async def unwatch(self, content: dict[str, Any]) -> None:
        """Stops hearing of the ticket."""
        if self.watching:
            await self.channel_layer.group_discard(self.watching, self.channel_name)
            self.watching = None

    async def ping(self, content: dict[str, Any]) -> None:
        """Proves the line; also the moment an ended session or a lost right is noticed."""
        if not await database_sync_to_async(self._is_still_signed_in)():
            await self.close(code=NOT_SIGNED_IN)
            return
        await self.send_json({"type": "pong"})

    async def ticket_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: checked again before it goes out, since rights and queues change while a tab is open."""
        if await self._visible_ticket(frame["ticket"]) is None:
            await self.unwatch(frame)
            return
        await self.send_json(frame)

    async def inbox_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: a queue of his has changed."""
        await self.send_json({"type": "inbox.changed"})

    async def rights_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: role, teams or activity of this person changed, or his sessions were ended."""
        if not await database_sync_to_async(self._is_still_signed_in)():
            await self.close(code=NOT_SIGNED_IN)
            return
        await self._join_queues()
        await self.send_json({"type": "resync"})

    async def resync(self, frame: dict[str, Any]) -> None:
        """From the layer after a gap: a change of rights may be among what was lost."""
        await self.rights_changed(frame)

    async def _join_queues(self) -> None:
        wanted = [realtime.queue_group(key) for key in await database_sync_to_async(self._queue_ids)()]
        for group in set(self.queue_groups) - set(wanted):
            await self.channel_layer.group_discard(group, self.channel_name)
        for group in set(wanted) - set(self.queue_groups):
            await self.channel_layer.group_add(group, self.channel_name)
        self.queue_groups = wanted

    async def _actor(self) -> Actor | None:
        actor: Actor | None = await database_sync_to_async(self._current_actor)()
        return actor

    def _current_actor(self) -> Actor | None:
        """Read afresh: the row decides, not what was true when the tab was opened."""
        user = User.objects.filter(pk=self.user_id, is_active=True).first() if self.user_id else None
        if user is None or lacks_second_factor(user):
            return None
        return Actor.of(user)

    def _is_still_signed_in(self) -> bool:
        """Whether the session the socket came in by still stands (signing out and a new password end it)."""
        key = self.scope["session"].session_key
        session = self.scope["session"].__class__(key).load() if key else {}
        user = User.objects.filter(pk=self.user_id).first() if self.user_id else None
        return (
            user is not None
            and session.get(SESSION_KEY) == str(user.pk)
            and constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
            and self._current_actor() is not None
        )

    async def _visible_ticket(self, public_id: str) -> int | None:
        key: int | None = await database_sync_to_async(self._find_visible)(public_id)
        return key

    def _queue_ids(self) -> list[int]:
        actor = self._current_actor()
        return list(Queue.objects.visible_to(actor).values_list("pk", flat=True)) if actor else []

    def _find_visible(self, public_id: str) -> int | None:
        actor = self._current_actor()
        try:
            key = uuid.UUID(public_id)
        except ValueError:
            return None
        if actor is None or not access.may(actor, "ticket.view"):
            return None
        return Ticket.objects.visible_to(actor).filter(public_id=key).values_list("pk", flat=True).first()


websocket_routes = [path("ws/agent/", AgentConsumer.as_asgi())]
