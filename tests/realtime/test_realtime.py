"""Publishing: with each layer a doorbell leaves after the commit, and a layer's failure harms nobody."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import InMemoryChannelLayer, channel_layers
from channels.testing import WebsocketCommunicator
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.db import transaction

from helpdesk import realtime
from helpdesk.channel_layer import PostgresNotifyLayer
from launch.ports import any_free
from tests.realtime.conftest import heard, heard_before, in_thread, member, terminate_doorbells


@pytest.fixture(autouse=True)
def own_layer() -> Iterator[None]:
    """Each test installs a layer; the next one finds what was there before."""
    before = dict(channel_layers.backends)
    yield
    channel_layers.backends = before


@pytest_asyncio.fixture
async def redis_layer(transactional_db: None, tmp_path: Path) -> AsyncIterator[Any]:
    """The Redis layer as settings.py configures it, on a Redis of its own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = any_free()
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    layer = RedisPubSubChannelLayer(hosts=[{"address": f"redis://127.0.0.1:{port}/0", "socket_timeout": 5}])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            await asyncio.sleep(0.05)
        yield layer
        await layer.flush()
    finally:
        server.terminate()
        server.wait()


def publish_and_roll_back_and_commit() -> None:
    with transaction.atomic():
        realtime.publish(realtime.DESK_GROUP, {"type": "rolled.back"})
        transaction.set_rollback(True)
    with transaction.atomic():
        realtime.publish(realtime.DESK_GROUP, {"type": "committed"})
    realtime.publish(realtime.DESK_GROUP, {"type": "outside"})


async def test_doorbells_leave_with_the_commit_through_the_layer_of_our_own(layer: PostgresNotifyLayer) -> None:
    channel_layers.set("default", layer)
    channel = await member(layer, realtime.DESK_GROUP)

    await in_thread(publish_and_roll_back_and_commit)

    assert await heard(layer, channel, 2) == [{"type": "committed"}, {"type": "outside"}]


async def test_doorbells_leave_after_the_commit_through_the_layer_in_memory(transactional_db: None) -> None:
    layer = InMemoryChannelLayer()
    channel_layers.set("default", layer)
    await layer.group_add(realtime.DESK_GROUP, "here")

    await in_thread(publish_and_roll_back_and_commit)

    assert await heard(layer, "here", 2) == [{"type": "committed"}, {"type": "outside"}]


@pytest.mark.needs("redis")
async def test_doorbells_leave_after_the_commit_through_redis(redis_layer: Any) -> None:
    channel_layers.set("default", redis_layer)
    channel = await redis_layer.new_channel()
    await redis_layer.group_add(realtime.DESK_GROUP, channel)

    await in_thread(publish_and_roll_back_and_commit)

    assert await heard(redis_layer, channel, 2) == [{"type": "committed"}, {"type": "outside"}]


async def test_a_layer_that_fails_is_logged_and_the_commit_stands(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        async def group_send(self, group: str, message: dict[str, Any]) -> None:
            raise OSError("no route to the layer")

    channel_layers.set("default", Broken())

    with caplog.at_level(logging.WARNING, "helpdesk.realtime"):
        await in_thread(publish_and_roll_back_and_commit)

    assert [record.getMessage() for record in caplog.records] == ["A doorbell for desk was lost"] * 2


async def test_without_any_layer_nothing_rings_and_nothing_breaks(transactional_db: None) -> None:
    previous = settings.CHANNEL_LAYERS
    settings.CHANNEL_LAYERS = {}
    channel_layers.backends = {}
    try:
        await in_thread(publish_and_roll_back_and_commit)
    finally:
        settings.CHANNEL_LAYERS = previous


def test_group_names_are_made_of_keys_only() -> None:
    assert (realtime.ticket_group(12), realtime.user_group(5), realtime.queue_group(3), realtime.DESK_GROUP) == (
        "ticket.12",
        "user.5",
        "queue.3",
        "desk",
    )
    for name in (realtime.ticket_group, realtime.user_group, realtime.queue_group):
        with pytest.raises(ValueError):
            name("12*")  # type: ignore[arg-type]


class Desk(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """The least a consumer does: joins, passes on what it hears, answers a resync."""

    groups = (realtime.DESK_GROUP,)

    async def ticket_changed(self, event: dict[str, Any]) -> None:
        await self.send_json(event)

    async def resync(self, event: dict[str, Any]) -> None:
        await self.send_json({"read": "again"})


async def test_a_consumer_hears_doorbells_and_learns_of_lost_ones(layer: PostgresNotifyLayer) -> None:
    channel_layers.set("default", layer)
    socket_ = WebsocketCommunicator(Desk.as_asgi(), "/ws/agent/")
    assert await socket_.connect(timeout=30) == (True, None)
    witness = await member(layer, realtime.DESK_GROUP)

    await in_thread(lambda: realtime.publish(realtime.DESK_GROUP, {"type": "ticket.changed", "seq": 3}))
    assert await socket_.receive_json_from(timeout=30) == {"type": "ticket.changed", "seq": 3}
    await in_thread(terminate_doorbells)
    assert await socket_.receive_json_from(timeout=30) == {"read": "again"}

    await socket_.disconnect(timeout=30)
    await heard(layer, witness, 2)
    assert await heard_before(layer, witness, realtime.DESK_GROUP) == []
    assert layer._loop().groups == {"desk": {witness}}
