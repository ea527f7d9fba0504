"""Side by side: the tab's own beat, and the doorbells of presence, reading, notifications and work. Part of the staff socket.

A tab out of sight may let its clocks tick once a minute, but answers what it is sent: so the socket asks for the beat.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from channels.db import database_sync_to_async

from helpdesk import access
from helpdesk.actions import presence
from helpdesk.consumers.watching import Watching
from helpdesk.models import User
from routing.actions import agents

#: Beats taken within ten seconds; an honest tab sends two or three, a stuck one must not ring at everybody.
_BEATS_PER_TEN_SECONDS = 20
#: So often a tab is asked for a sign of life; routing takes an agent for lost after two and a half of them.
BEAT_SECONDS = 10.0


class Company(Watching):
    """What a tab tells of its person, and hears of the others."""

    def begin_company(self) -> None:
        """Not beaten yet."""
        self.beats: deque[float] = deque(maxlen=_BEATS_PER_TEN_SECONDS)
        self.sees_presence = False
        self.asking: asyncio.TimerHandle | None = None
        self.asked: asyncio.Future[None] | None = None  # kept, for a task nobody holds may be collected

    def begin_asking(self) -> None:
        """Asks the tab for a beat each time the seconds are over, as long as it is open; a browser that died is silent."""
        self.asking = asyncio.get_running_loop().call_later(BEAT_SECONDS, self._ask)

    def _ask(self) -> None:
        self.asked = asyncio.ensure_future(self.send_json({"type": "beat"}))
        self.begin_asking()

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
        agents.beat(user=User(pk=self.user_id))
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
        if self.asking is not None:
            self.asking.cancel()
            self.asking = None
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

    async def agent_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: the person's own state, load or wrap-up has changed."""
        await self.send_json({"type": "agent.changed"})

    async def offers_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: he has a new offer, or one of his is over."""
        await self.send_json({"type": "offers.changed"})
