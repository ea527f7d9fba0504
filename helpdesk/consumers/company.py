"""Side by side: the tab's own beat, and the doorbells of presence, reading and notifications. Part of the staff socket."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from channels.db import database_sync_to_async

from helpdesk import access
from helpdesk.actions import presence
from helpdesk.consumers.watching import Watching

#: Beats taken within ten seconds; an honest tab sends two or three, a stuck one must not ring at everybody.
_BEATS_PER_TEN_SECONDS = 20


class Company(Watching):
    """What a tab tells of its person, and hears of the others."""

    def begin_company(self) -> None:
        """Not beaten yet."""
        self.beats: deque[float] = deque(maxlen=_BEATS_PER_TEN_SECONDS)
        self.sees_presence = False

    def look_around(self) -> bool:
        """Whether there is a person with rights, and whether he may see who else is there."""
        actor = self.current_actor()
        self.sees_presence = actor is not None and access.may(actor, "presence.view")
        return actor is not None

    async def beat(self, content: dict[str, Any]) -> None:
        """`typing` and `idle` say what the person does at the watched ticket; sent every 12 s and when one of them changes."""
        ticks = time.monotonic()
        if len(self.beats) == self.beats.maxlen and ticks - self.beats[0] < 10:
            return
        self.beats.append(ticks)
        await database_sync_to_async(self._beat)(content.get("typing") is True, content.get("idle") is True)

    def _beat(self, is_typing: bool, is_idle: bool) -> None:
        if presence.beat_as_before(
            channel=self.channel_name, ticket_id=self.ticket_id, is_typing=is_typing, is_idle=is_idle
        ):
            return  # rights are looked at by the heartbeat
        actor = self.current_actor()
        if actor is None:
            return
        self.sees_presence = access.may(actor, "presence.view")
        presence.beat(
            channel=self.channel_name,
            actor=actor,
            ticket=self.watched_ticket(),
            is_typing=is_typing,
            is_idle=is_idle,
        )

    async def end_company(self) -> None:
        """The tab is closed."""
        await database_sync_to_async(presence.leave)(channel=self.channel_name)

    async def presence_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: somebody came to the watched ticket, left it, or began or stopped to type."""
        if self.sees_presence and frame["tab"] != self.channel_name:
            await self.send_json({"type": "presence.changed", "ticket": frame["ticket"]})

    async def viewers_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: the same for a row of his lists."""
        if self.sees_presence and frame["tab"] != self.channel_name:
            await self.send_json({"type": "viewers.changed", "number": frame["number"]})

    async def colleagues_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: somebody of the staff came, went or fell idle."""
        if self.sees_presence and frame["tab"] != self.channel_name:
            await self.send_json({"type": "colleagues.changed"})

    async def notifications_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: this person has a new notification, or has read one on another device."""
        await self.send_json({"type": "notifications.changed"})

    async def ticket_read(self, frame: dict[str, Any]) -> None:
        """From the layer: this person has read a ticket on another device, or marked it unread."""
        await self.send_json({"type": "ticket.read", "number": frame["number"], "unread": frame["unread"]})
