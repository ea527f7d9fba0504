"""What a tab looks at, a ticket and the lists of some queues, and what its heartbeat finds out. Part of the staff socket."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any, Final

from channels.db import database_sync_to_async

from helpdesk import access, realtime
from helpdesk.consumers.person import NOT_SIGNED_IN, SignedIn
from helpdesk.models import Queue, Ticket
from helpdesk.queries.heads import Heads

#: How long an ended session or a right lost behind our back may go unnoticed; what our own actions end is told at once.
RECHECK_SECONDS: Final = 15.0
#: A page is never taken for older than this: what happened before is in it.
_OLDEST_PAGE_SECONDS = 55.0
heads = Heads()
#: A tab hears of its lists at most so often: a queue of a hundred people must not ring six thousand times a second, and hold up
#: the one doorbell that is for one of them.
INBOX_SECONDS: Final = 0.25


class Watching(SignedIn):
    """Doorbells of a ticket and of queues; the heartbeat that finds lost ones."""

    def begin_watching(self) -> None:
        """Nothing is watched yet."""
        self.ticket_id: int | None = None
        self.ticket_seq = 0
        self.queue_ids: list[int] = []
        self.heard = 0  # events of the queues that rang here, as `heads` counts them
        self.is_ahead = False
        self.checked_at = time.monotonic()
        self.inbox_rang = 0.0
        self.inbox_later: asyncio.TimerHandle | None = None
        self.inbox_ringing: asyncio.Future[None] | None = None  # kept, for a task nobody holds may be collected

    async def stop_watching(self) -> None:
        """Leaves the groups of queues and ticket."""
        if self.inbox_later is not None:
            self.inbox_later.cancel()
            self.inbox_later = None
        await self.unwatch({})
        for key in self.queue_ids:
            await self.channel_layer.group_discard(realtime.queue_group(key), self.channel_name)

    async def watch(self, content: dict[str, Any]) -> None:
        """Hears of one ticket, when it is visible; otherwise the ticket does not exist."""
        await self.unwatch(content)
        found = await database_sync_to_async(self._find_visible)(str(content.get("ticket", "")))
        if found is None:
            await self.send_json({"type": "error", "error": "not_found"})
            return
        self.ticket_id, self.ticket_seq = found
        await self.channel_layer.group_add(realtime.ticket_group(self.ticket_id), self.channel_name)

    async def unwatch(self, content: dict[str, Any]) -> None:
        """Stops hearing of the ticket."""
        if self.ticket_id is not None:
            await self.channel_layer.group_discard(realtime.ticket_group(self.ticket_id), self.channel_name)
            self.ticket_id, self.ticket_seq = None, 0

    async def ping(self, content: dict[str, Any]) -> None:
        """The heartbeat: answers with the head of the watched ticket and makes up for doorbells that were lost.

        `age` is how many seconds ago the page's lists were fetched, in the first heartbeat after that. Costs no query of its
        own but once in RECHECK_SECONDS.
        """
        if time.monotonic() - self.checked_at >= RECHECK_SECONDS and not await self.recheck():
            return
        age = content.get("age")
        reach = min(max(float(age), 0.0), _OLDEST_PAGE_SECONDS) if isinstance(age, int | float) else None
        if heads.is_fresh:
            head = heads.head(self.queue_ids, self.ticket_id, reach)
        else:
            head = await database_sync_to_async(heads.head)(self.queue_ids, self.ticket_id, reach)
        self.ticket_seq = max(self.ticket_seq, head.seq)
        if head.events > self.heard or head.is_newer:
            self.heard = max(self.heard, head.events)
            await self.send_json({"type": "inbox.changed"})
        elif head.events < self.heard and self.is_ahead:
            self.heard = head.events  # a doorbell made up for rang after all, and would hide the next one lost
        self.is_ahead = head.events < self.heard
        await self.send_json({"type": "pong", "seq": self.ticket_seq})

    async def recheck(self) -> bool:
        """Reads session, person and rights again; closes the socket and returns False when they are gone."""
        if not await database_sync_to_async(self.is_still_signed_in)():
            await self.close(code=NOT_SIGNED_IN)
            return False
        self.checked_at = time.monotonic()
        await self.join_queues()
        if self.ticket_id is not None and await database_sync_to_async(self._lost_sight)():
            await self.unwatch({})
        return True

    async def ticket_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: checked again before it goes out, since rights and queues change while a tab is open."""
        if await database_sync_to_async(self._find_visible)(frame["ticket"]) is None:
            await self.unwatch(frame)
            return
        self.ticket_seq = max(self.ticket_seq, int(frame["seq"]))
        await self.send_json({key: frame[key] for key in ("type", "ticket", "seq", "kind")})

    async def inbox_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: a queue of his has changed, by so many events. Rings at once, and what follows soon rings together."""
        self.heard += int(frame.get("events", 1))
        if self.inbox_later is not None:
            return
        left = self.inbox_rang + INBOX_SECONDS - time.monotonic()
        if left <= 0:
            self.inbox_rang = time.monotonic()
            await self.send_json({"type": "inbox.changed"})
        else:
            self.inbox_later = asyncio.get_running_loop().call_later(left, self._ring_inbox)

    def _ring_inbox(self) -> None:
        self.inbox_later, self.inbox_rang = None, time.monotonic()
        self.inbox_ringing = asyncio.ensure_future(self.send_json({"type": "inbox.changed"}))

    async def rights_changed(self, frame: dict[str, Any]) -> None:
        """From the layer: role, teams or activity of this person changed, or his sessions were ended."""
        if await self.recheck():
            await self.send_json({"type": "resync"})

    async def resync(self, frame: dict[str, Any]) -> None:
        """From the layer after a gap: a change of rights may be among what was lost."""
        await self.rights_changed(frame)

    async def join_queues(self) -> None:
        """Hears of the queues he has now and of no others."""
        wanted = await database_sync_to_async(self._visible_queues)()
        if wanted == self.queue_ids:
            return
        for key in set(self.queue_ids) - set(wanted):
            await self.channel_layer.group_discard(realtime.queue_group(key), self.channel_name)
        for key in set(wanted) - set(self.queue_ids):
            await self.channel_layer.group_add(realtime.queue_group(key), self.channel_name)
        self.queue_ids = wanted
        self.heard = (await database_sync_to_async(heads.head)(wanted, None)).events

    def _visible_queues(self) -> list[int]:
        actor = self.current_actor()
        return sorted(Queue.objects.visible_to(actor).values_list("pk", flat=True)) if actor else []

    def _find_visible(self, public_id: str) -> tuple[int, int] | None:
        """Key and head of the ticket."""
        actor = self.current_actor()
        try:
            key = uuid.UUID(public_id)
        except ValueError:
            return None
        if actor is None or not access.may(actor, "ticket.view"):
            return None
        return Ticket.objects.visible_to(actor).filter(public_id=key).values_list("pk", "seq").first()

    def watched_ticket(self) -> Ticket | None:
        """The watched ticket, as long as it is visible."""
        actor = self.current_actor()
        if actor is None or self.ticket_id is None:
            return None
        return Ticket.objects.visible_to(actor).select_related("queue").filter(pk=self.ticket_id).first()

    def _lost_sight(self) -> bool:
        return self.watched_ticket() is None
