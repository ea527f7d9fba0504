"""The staff socket `/ws/agent/`, one a tab: says what changed, never what it says. The page fetches the changed part.

Client frames: `{"type": "watch", "ticket": "<public id>"}`, `unwatch`, `{"type": "ping", "age": <seconds>}`,
`{"type": "beat", "typing": <bool>, "idle": <bool>}`. Server frames: `hello`, `ticket.changed`, `inbox.changed`,
`presence.changed`, `viewers.changed`, `colleagues.changed`, `notifications.changed`, `agent.changed`, `offers.changed`,
`ticket.read`, `resync` (doorbells may have been lost: fetch again), `pong` (with the head of the watched ticket), `beat` (asks
for one), `error`.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from channels.db import database_sync_to_async

from helpdesk import realtime
from helpdesk.consumers.company import Company
from helpdesk.consumers.person import NOT_SIGNED_IN
from helpdesk.models import User

_LONGEST_FRAME = 4096


class AgentConsumer(Company):
    """One tab of somebody of the staff."""

    #: Client frame -> method; the authorisation walk reads this table.
    actions: ClassVar[dict[str, str]] = {"watch": "watch", "unwatch": "unwatch", "ping": "ping", "beat": "beat"}

    async def connect(self) -> None:
        """Joins the groups of the person's queues; nobody without rights gets further than the door."""
        user = self.scope.get("user")
        self.user_id = user.pk if isinstance(user, User) else None
        self.begin_watching()
        self.begin_company()
        is_let_in = await database_sync_to_async(self.look_around)()
        await self.accept()
        if not is_let_in or self.user_id is None:
            self.user_id = None
            await self.close(code=NOT_SIGNED_IN)
            return
        await self.join_queues()
        for group in (realtime.user_group(self.user_id), realtime.DESK_GROUP):
            await self.channel_layer.group_add(group, self.channel_name)
        await self.send_json({"type": "hello"})
        self.begin_asking()

    async def disconnect(self, code: int) -> None:
        """Leaves all groups."""
        if self.user_id is None:
            return
        await self.stop_watching()
        for group in (realtime.user_group(self.user_id), realtime.DESK_GROUP):
            await self.channel_layer.group_discard(group, self.channel_name)
        await self.end_company()

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
