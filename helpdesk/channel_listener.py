"""One event loop's share of the channel layer: its channels and groups, one connection that listens, one that sends.

Owned by `helpdesk.channel_layer.PostgresNotifyLayer`, which makes one `Loop` per running event loop; nobody else uses
it. Everything here runs in that one loop, so that state changes between two awaits need no lock.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections import deque
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import AsyncConnection, sql

if TYPE_CHECKING:
    from helpdesk.channel_layer import PostgresNotifyLayer

logger = logging.getLogger(__name__)

#: The message that says: frames may have been lost, read the rows again.
RESYNC_TYPE: Final = "resync"

HEARTBEAT_SECONDS = 20.0
#: A listener that does not answer within this is taken for dead (a host that vanished without closing the connection).
ANSWER_SECONDS = 10.0
#: How long joining a group waits for a listener that is not up yet.
LISTENING_SECONDS = 2.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 2.0
SPILL_KEPT_SECONDS = 300

_FAILURES = (psycopg.Error, OSError, TimeoutError)
Statement = tuple[str, list[str]]


class LocalChannel:
    """The messages that wait for one reader in this loop, at most `capacity`."""

    def __init__(self, capacity: int, expiry: float) -> None:
        self.capacity = capacity
        self.expiry = expiry
        self.groups: set[str] = set()
        self.messages: deque[tuple[float, dict[str, Any]]] = deque()
        self.readers = 0
        #: Since when nobody reads, and whether the last reader was cancelled, which is how consumers end.
        self.unread_since = time.monotonic()
        self.abandoned = False
        self._arrived = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether one more message would be one too many."""
        return len(self.messages) >= self.capacity

    def put(self, message: dict[str, Any]) -> None:
        """Adds a message. A reader too slow for his queue loses all of it and is told to read the rows again."""
        if self.full:
            self.resync()
            return
        self.messages.append((time.monotonic() + self.expiry, dict(message)))
        self._arrived.set()

    def resync(self) -> None:
        """Adds the message that says so, after what waits or, where that has become too much, in its place."""
        if self.full:
            self.messages.clear()
        if not self.messages or self.messages[-1][1] != {"type": RESYNC_TYPE}:
            self.messages.append((float("inf"), {"type": RESYNC_TYPE}))
        self._arrived.set()

    async def get(self) -> dict[str, Any]:
        """The next message; a resync where it has been waiting longer than `expiry`."""
        self.readers += 1
        self.abandoned = False
        try:
            while not self.messages:
                self._arrived.clear()
                await self._arrived.wait()
        except asyncio.CancelledError:
            self.abandoned = True
            raise
        finally:
            self.readers -= 1
            self.unread_since = time.monotonic()
        expires, message = self.messages.popleft()
        if expires < time.monotonic():
            self.messages.clear()
            return {"type": RESYNC_TYPE}
        return message


class Sender:
    """Sends statements on a connection of its own; those that come while it is busy leave together in the next go."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._connection: AsyncConnection[Any] | None = None
        self._lock = asyncio.Lock()
        self._waiting: list[Statement] = []
        self._flight: asyncio.Task[None] | None = None

    async def send(self, statement: Statement) -> None:
        """Returns when the database has taken the statement; psycopg.OperationalError where it cannot be reached."""
        self._waiting.append(statement)
        if self._flight is None:
            self._flight = asyncio.ensure_future(self._fly())
        await asyncio.shield(self._flight)

    async def _fly(self) -> None:
        async with self._lock:
            statements, self._waiting, self._flight = self._waiting, [], None
            await self._with_connection(statements)
            if not self._loop.started:  # a loop made for one call (async_to_sync) leaves nothing behind
                await self.close()

    async def fetch_spill(self, spill_id: int) -> dict[str, Any] | None:
        """A message that was too large for NOTIFY; None where its row has gone."""
        async with self._lock:
            rows = await self._with_connection(
                [("SELECT payload FROM helpdesk_channelspill WHERE id = %s", [str(spill_id)])]
            )
        message: dict[str, Any] | None = json.loads(rows[0][0]) if rows else None
        return message

    async def _with_connection(self, statements: list[Statement]) -> list[tuple[Any, ...]]:
        """Runs all; the rows of the last. A connection that died since it was last used is replaced once."""
        fresh = self._connection is None
        try:
            return await self._run(statements)
        except psycopg.OperationalError:
            await self.close()
            if fresh:
                raise
            return await self._run(statements)

    async def _run(self, statements: list[Statement]) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = await self._loop.connect()
        if len(statements) == 1:
            cursor = await self._connection.execute(*statements[0], prepare=True)
            return await cursor.fetchall()
        async with self._connection.pipeline():
            for statement in statements:
                await self._connection.execute(*statement, prepare=True)
        return []

    async def close(self) -> None:
        """Closes the connection; the next statement opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*_FAILURES):
                await connection.close()


class Loop:
    """The channels, groups and connections of one event loop."""

    def __init__(self, layer: PostgresNotifyLayer) -> None:
        self.layer = layer
        self.channels: dict[str, LocalChannel] = {}
        self.groups: dict[str, set[str]] = {}
        self.sender = Sender(self)
        self._listener: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        #: Whether a channel may have missed something, so that it must be told once we listen.
        self._missed = False

    # --- channels and groups

    def channel(self, name: str) -> LocalChannel:
        """The channel of that name, made if need be."""
        local = self.channels.get(name)
        if local is None:
            local = self.channels[name] = LocalChannel(self.layer.get_capacity(name), self.layer.expiry)
        return local

    def join(self, group: str, channel: str) -> None:
        """Makes the channel a member of the group."""
        self.channel(channel).groups.add(group)
        self.groups.setdefault(group, set()).add(channel)

    def leave(self, group: str, channel: str) -> None:
        """Ends the membership, if there is one."""
        members = self.groups.get(group, set())
        members.discard(channel)
        if not members:
            self.groups.pop(group, None)
        if channel in self.channels:
            self.channels[channel].groups.discard(group)

    def resync_all(self) -> None:
        """Tells every channel that frames may have been lost."""
        for local in self.channels.values():
            local.resync()

    def forget_the_unread(self) -> None:
        """Drops the channels whose consumers have gone without a word."""
        now = time.monotonic()
        for name, local in list(self.channels.items()):
            patience = self.layer.expiry if local.abandoned else self.layer.group_expiry
            if not local.readers and now - local.unread_since > patience:
                for group in list(local.groups):
                    self.leave(group, name)
                del self.channels[name]

    # --- the listener

    @property
    def started(self) -> bool:
        """Whether this loop listens, or tries to."""
        return self._listener is not None and not self._listener.done()

    def start(self) -> None:
        """Starts the one listener. Nothing is awaited between asking and starting, so a herd cannot start two."""
        if not self.started:
            self._listener = asyncio.ensure_future(self._keep_listening())

    async def listening(self) -> None:
        """Returns when the listener is up, or after a while without it."""
        if self._ready.is_set():
            return
        try:
            async with asyncio.timeout(LISTENING_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            self._missed = True

    async def connect(self) -> AsyncConnection[Any]:
        """A connection of our own, past Django and its pool."""
        parameters: dict[str, Any] = {"connect_timeout": 10} | self.layer.connection_parameters()
        parameters["application_name"] = "helpdesk doorbells"
        return await AsyncConnection.connect(**parameters, autocommit=True)

    async def close(self) -> None:
        """Stops listening and forgets everything."""
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
        await self.sender.close()
        self.channels.clear()
        self.groups.clear()

    async def _keep_listening(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        try:
            while True:
                try:
                    async with await self.connect() as connection:
                        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self.layer.notify_channel)))
                        if self._missed:
                            self.resync_all()
                        self._missed, pause = False, FIRST_PAUSE_SECONDS
                        self._ready.set()
                        await self._listen(connection)
                except _FAILURES as error:
                    if self._ready.is_set():
                        logger.warning("The doorbell connection broke, trying again: %s", error)
                    else:
                        logger.debug("The doorbell connection cannot be made, trying again: %s", error)
                except Exception:  # a mistake of ours must not leave the process deaf
                    logger.exception("The doorbell listener failed, starting again")
                self._ready.clear()
                self._missed = True
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads a herd, hides nothing
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        finally:
            self._ready.clear()
            await self.sender.close()

    async def _listen(self, connection: AsyncConnection[Any]) -> None:
        """Hands out what comes; returns never, raises when the connection is gone."""
        while True:
            async with aclosing(connection.notifies(timeout=HEARTBEAT_SECONDS)) as notifies:
                async for notify in notifies:
                    await self._deliver(notify.payload)
            self.forget_the_unread()
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._beat(connection)

    async def _beat(self, connection: AsyncConnection[Any]) -> None:
        """Proves that the connection lives, and clears away the large messages that everybody has read by now."""
        with suppress(psycopg.ProgrammingError):  # before the first migration there is no such table
            await connection.execute(
                """
                DELETE FROM helpdesk_channelspill WHERE id IN (
                    SELECT id FROM helpdesk_channelspill WHERE created_at < now() - %s * interval '1 second'
                    LIMIT 1000 FOR UPDATE SKIP LOCKED
                )
                """,
                [SPILL_KEPT_SECONDS],
            )

    async def _deliver(self, payload: str) -> None:
        """Puts a frame before its readers here; the many that concern nobody in this loop are not even parsed."""
        kind, _, rest = payload.partition(" ")
        target, _, rest = rest.partition(" ")
        names = self.groups.get(target, ()) if kind in "gG" else (target,)
        readers = [self.channels[name] for name in names if name in self.channels]
        if not readers:
            return
        message: dict[str, Any] | None
        try:
            body = rest.partition(" ")[2]
            message = json.loads(body) if kind in "gc" else await self.sender.fetch_spill(int(body))
        except (ValueError, *_FAILURES):
            logger.warning("A frame for %s could not be read", target, exc_info=True)
            message = None
        for reader in readers:
            if message is None:
                reader.resync()
            else:
                reader.put(message)
