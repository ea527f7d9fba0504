"""A hundred staff sockets in one event loop, for benches: the least of RFC 6455 that a client needs."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from dataclasses import dataclass, field

#: The page's own pace of signs of life.
BEAT_SECONDS = 10.0
_BEAT = json.dumps({"type": "beat", "typing": False, "idle": False}).encode()


@dataclass
class Socket:
    """One staff socket; `heard` gets the time (of the machine's clock) and the type of each frame."""

    port: int
    cookie: str
    heard: list[tuple[float, str]] = field(default_factory=list)
    is_open: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, over: asyncio.Event) -> None:
        """Opens, beats, and hears until `over`. Raises ConnectionError where the server refuses."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        key = base64.b64encode(os.urandom(16)).decode()
        origin = f"http://localhost:{self.port}"
        writer.write(
            (
                f"GET /ws/agent/ HTTP/1.1\r\nHost: localhost:{self.port}\r\nOrigin: {origin}\r\nCookie: {self.cookie}\r\n"
                f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise ConnectionError(head.decode(errors="replace")[:300])
        beating = asyncio.create_task(self._beat(writer))
        hearing = asyncio.create_task(self._hear(reader))
        await asyncio.wait([hearing, asyncio.create_task(over.wait())], return_when=asyncio.FIRST_COMPLETED)
        beating.cancel()
        hearing.cancel()
        writer.close()

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        while True:
            _send(writer, _BEAT)
            await writer.drain()
            await asyncio.sleep(BEAT_SECONDS)

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        while True:
            first, second = await reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                length = int.from_bytes(await reader.readexactly(2))
            elif length == 127:
                length = int.from_bytes(await reader.readexactly(8))
            text = await reader.readexactly(length)
            at = time.time()
            if first & 0x0F == 1:
                kind = str(json.loads(text).get("type"))
                self.heard.append((at, kind))
                if kind == "hello":
                    self.is_open.set()
            elif first & 0x0F == 8:
                raise ConnectionError("the server closed a socket")


def _send(writer: asyncio.StreamWriter, text: bytes) -> None:
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(text))
    writer.write(bytes([0x81, 0x80 | len(text)]) + mask + masked)  # short texts only: under 126 bytes
