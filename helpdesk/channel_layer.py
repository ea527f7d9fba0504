"""Our channel layer: PostgreSQL's LISTEN and NOTIFY carry the doorbells between processes, so that no Redis is needed.

Frames are hints, delivered at most once; rows are the truth. Named by settings.CHANNEL_LAYERS; used by channels for
every consumer and by `helpdesk.realtime` for publishing. One connection per event loop listens (`channel_listener`),
groups live in memory, and a group_send is one NOTIFY however many members the group has. A message over the size that
NOTIFY carries goes through the table of ChannelSpill.

What consumers must know:
- A channel may receive `{"type": RESYNC_TYPE}` at any time: frames may have been lost (the database restarted, or the
  consumer was too slow for its queue). Read the rows again, rights included.
- Messages are JSON objects. Identical messages to one group within one transaction arrive once.
- A channel belongs to the process whose `new_channel` made it; there are no queues that workers of several processes
  share, and a message to a channel nobody reads is dropped.
- The listener needs a session of its own: behind a pooler in transaction mode give CONFIG a `dsn` that goes past it.
"""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Iterable
from itertools import count
from typing import Any, Final

from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from helpdesk.channel_listener import RESYNC_TYPE, Loop

__all__ = ["RESYNC_TYPE", "PostgresNotifyLayer"]

#: PostgreSQL refuses payloads of 8,000 bytes and more (documentation of NOTIFY).
NOTIFY_MAX_BYTES: Final = 7999

#: Keys of settings.DATABASES[…]["OPTIONS"] that are Django's own and no parameters of a connection.
_DJANGO_OPTIONS = frozenset(
    {"assume_role", "isolation_level", "pool", "server_side_binding", "cursor_factory", "context", "prepare_threshold"}
)


class PostgresNotifyLayer(BaseChannelLayer):  # type: ignore[misc]  # channels has no types
    """A channel layer with the groups and flush extensions.

    `expiry`: seconds after which an unread message is stale (its reader gets a resync instead); `capacity` and
    `channel_capacity`: as channels defines them, messages a channel keeps for its reader; `group_expiry`: seconds after
    which a channel that nobody ever read leaves its groups; `dsn`: where to connect, settings.DATABASES[`database`]
    unless given; `notify_channel`: PostgreSQL's name of the channel, one per installation in a database.
    """

    extensions = ("groups", "flush")

    def __init__(
        self,
        *,
        expiry: float = 60,
        group_expiry: float = 86_400,
        capacity: int = 100,
        channel_capacity: dict[Any, int] | None = None,
        dsn: str = "",
        database: str = DEFAULT_DB_ALIAS,
        notify_channel: str = "helpdesk_doorbells",
    ) -> None:
        super().__init__(expiry=expiry, capacity=capacity)
        self.channel_capacity = self.compile_capacities(channel_capacity or {})
        self.group_expiry = group_expiry
        self.database = database
        self.notify_channel = notify_channel
        self._dsn = dsn
        #: Random per process: a channel's name says whose it is. After a fork each child must make its own layer.
        self.process = uuid.uuid4().hex[:12]
        self._numbers = count()
        self._loops: dict[asyncio.AbstractEventLoop, Loop] = {}
        self._guard = threading.Lock()

    # --- what channels asks of a layer

    async def new_channel(self, prefix: str = "specific") -> str:
        """A name for a channel of this process, ready to receive."""
        name = f"{prefix.rstrip('.')}.{self.process}!{uuid.uuid4().hex}"
        self._loop().channel(name)
        return name

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Sends to one channel, here or in another process. Raises ChannelFull where a local channel is at capacity."""
        self.require_valid_channel_name(channel)
        body = encode(message)
        loop = self._loop()
        local = loop.channels.get(channel)
        if local is None:
            await loop.sender.send(self._statement("c", channel, self._number(), body))
        elif local.full:
            raise ChannelFull(channel)
        else:
            local.put(json.loads(body))

    async def receive(self, channel: str) -> dict[str, Any]:
        """The next message of the channel; waits for it. Starts the listener of this event loop where none runs."""
        self.require_valid_channel_name(channel)
        loop = self._loop()
        loop.start()
        return await loop.channel(channel).get()

    async def group_add(self, group: str, channel: str) -> None:
        """Lets the channel hear what is sent to the group from now on. Returns when the listener hears it.

        While the database cannot be reached it returns after two seconds all the same; the channel gets a resync then,
        as soon as the listener is back. Raises RuntimeError for a channel of another process.
        """
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        if "!" in channel and not channel.partition("!")[0].endswith(f".{self.process}"):
            raise RuntimeError(f"{channel} belongs to another process: a channel joins groups in its own process only.")
        loop = self._loop()
        loop.start()
        loop.join(group, channel)
        await loop.listening()

    async def group_discard(self, group: str, channel: str) -> None:
        """Ends the membership, if there is one."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        self._loop().leave(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Sends to all members of the group in all processes, at once and outside any transaction of Django.

        Raises psycopg.OperationalError where the database cannot be reached. What must leave with a commit goes through
        `helpdesk.realtime.publish` instead.
        """
        self.require_valid_group_name(group)
        await self._loop().sender.send(self._statement("g", group, self._number(), encode(message)))

    async def flush(self) -> None:
        """Forgets the channels and groups of this event loop and closes its connections; later calls reopen them."""
        await self.close()

    async def close(self) -> None:
        """As `flush`; for the end of an event loop (tests, one-off commands)."""
        with self._guard:
            loop = self._loops.pop(asyncio.get_running_loop(), None)
        if loop is not None:
            await loop.close()

    # --- publishing from synchronous code

    def publish_in_transaction(self, group: str, message: dict[str, Any]) -> None:
        """Sends to the group on Django's own connection: the message leaves on COMMIT and vanishes on ROLLBACK.

        Outside a transaction it leaves at once. One round trip. Raises TypeError for a message that is no JSON, and
        what the database raises, since the transaction is lost then anyway.
        """
        self.publish_many_in_transaction([(group, message)])

    def publish_many_in_transaction(self, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """As `publish_in_transaction`, for many (group, message) pairs in one round trip; a large one has its own."""
        payloads: list[str] = []
        with connections[self.database].cursor() as cursor:
            for group, message in messages:
                self.require_valid_group_name(group)
                statement, parameters = self._statement("g", group, "-", encode(message))
                if statement == _NOTIFY:
                    payloads.append(parameters[1])
                else:
                    cursor.execute(statement, parameters)
            if payloads:
                cursor.execute(_NOTIFY_MANY, [self.notify_channel, payloads])

    # --- inside

    def _loop(self) -> Loop:
        """What belongs to the running event loop; made when first asked for, dropped with the loop."""
        running = asyncio.get_running_loop()
        loop = self._loops.get(running)
        if loop is None:
            with self._guard:
                for ended in [other for other in self._loops if other.is_closed()]:
                    del self._loops[ended]
                loop = self._loops[running] = Loop(self)
        return loop

    def connection_parameters(self) -> dict[str, Any]:
        """What psycopg needs to connect past Django; read at each connect, since tests swap the database's name."""
        if self._dsn:
            return {"conninfo": self._dsn}
        database = settings.DATABASES[self.database]
        names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
        options = {key: value for key, value in database.get("OPTIONS", {}).items() if key not in _DJANGO_OPTIONS}
        return options | {name: database[key] for key, name in names.items() if database.get(key)}

    def _number(self) -> str:
        """Makes every message sent outside a transaction a different payload, since NOTIFY folds equal ones."""
        return f"{self.process}{next(self._numbers):x}"

    def _statement(self, kind: str, target: str, number: str, body: str) -> tuple[str, list[str]]:
        """The SQL that carries a message: `kind target number body`, or upper case with the spill's id as body."""
        payload = f"{kind} {target} {number} {body}"
        if len(payload.encode()) <= NOTIFY_MAX_BYTES:
            return _NOTIFY, [self.notify_channel, payload]
        return _SPILL, [body, self.notify_channel, f"{kind.upper()} {target} {number} "]


_NOTIFY = "SELECT pg_notify(%s, %s)"
_NOTIFY_MANY = "SELECT pg_notify(%s, payload) FROM unnest(%s::text[]) AS payload"
_SPILL = """
    WITH spill AS (INSERT INTO helpdesk_channelspill (payload, created_at) VALUES (%s, now()) RETURNING id)
    SELECT pg_notify(%s, %s || id::text) FROM spill
"""


def encode(message: dict[str, Any]) -> str:
    """The message as JSON; TypeError where it is not a dict or holds what JSON does not know."""
    if not isinstance(message, dict):
        raise TypeError(f"A message is a dict, not {type(message).__name__}.")
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    if body.isascii():
        return body
    try:
        body.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as JavaScript may cut a string
        return json.dumps(message, separators=(",", ":"))
    return body
