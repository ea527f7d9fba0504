"""Sockets of the staff for tests: opening one, waiting until it has obeyed, hearing what it tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings as live_settings
from django.test import Client

from helpdesk import realtime
from helpdesk.asgi import application
from helpdesk.models import User
from tests.factories import World, make_world

T = TypeVar("T")
HOST = "localhost:8000"
OWN = f"http://{HOST}"


async def away(work: Callable[[], T]) -> T:
    """Synchronous code with rows, off the event loop."""
    result: T = await database_sync_to_async(work)()
    return result


@pytest.fixture(autouse=True)
def fresh_layer() -> Iterator[None]:
    """The in-memory layer belongs to one event loop, and each test has its own."""
    layer = get_channel_layer()
    assert layer is not None
    layer.channels.clear()
    layer.groups.clear()
    yield


@pytest.fixture
def world(transactional_db: None) -> World:
    """Two teams; sockets live on other connections than the test, so the rows are committed."""
    return make_world()


def cookie_of(user: User) -> str:
    """The session cookie of somebody signed in."""
    client = Client()
    client.force_login(user)
    return f"{live_settings.SESSION_COOKIE_NAME}={client.cookies[live_settings.SESSION_COOKIE_NAME].value}"


def socket_of(cookie: str = "", origin: str | None = OWN, path: str = "/ws/agent/") -> WebsocketCommunicator:
    """A socket not yet opened."""
    headers = [(b"host", HOST.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if cookie:
        headers.append((b"cookie", cookie.encode()))
    return WebsocketCommunicator(application, path, headers=headers)


@asynccontextmanager
async def opened(user: User) -> AsyncIterator[WebsocketCommunicator]:
    """A socket of this person, past its hello."""
    socket = socket_of(await sync_to_async(cookie_of)(user))
    assert (await socket.connect())[0]
    assert await socket.receive_json_from(timeout=30) == {"type": "hello"}
    yield socket
    await socket.disconnect(timeout=30)  # cut off in the middle, its last doorbell would wait for a loop that has ended


async def closing_code(socket: WebsocketCommunicator) -> int:
    """Reads on until the server closes."""
    while (message := await socket.receive_output(timeout=30))["type"] != "websocket.close":
        pass
    return int(message["code"])


async def obeyed(socket: WebsocketCommunicator) -> None:
    """Waits until every frame sent so far was acted upon: the socket takes them one by one. What it told before is dropped."""
    await socket.send_json_to({"type": "ping"})
    while (await socket.receive_json_from(timeout=30))["type"] != "pong":
        pass


async def heard(socket: WebsocketCommunicator, user: User) -> list[dict[str, Any]]:
    """What the socket tells before a last doorbell rung now: frames of one channel keep their order."""
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_send(realtime.user_group(user.pk), {"type": "rights.changed"})
    frames: list[dict[str, Any]] = []
    while (frame := await socket.receive_json_from(timeout=30)) != {"type": "resync"}:
        frames.append(frame)
    return frames
