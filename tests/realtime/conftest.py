"""A channel layer on the test database, and what tests need to hear it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from django.db import connection

from helpdesk.channel_layer import PostgresNotifyLayer
from helpdesk.consumers import watching

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _each_doorbell_of_lists_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who hears what is asked here, not how often; the test of rings that come together sets its own interval."""
    monkeypatch.setattr(watching, "INBOX_SECONDS", 0.0)


@pytest_asyncio.fixture
async def layer(transactional_db: None) -> AsyncIterator[PostgresNotifyLayer]:
    """The PostgreSQL layer of one process, closed at the end."""
    layer = PostgresNotifyLayer()
    yield layer
    await layer.close()


@pytest_asyncio.fixture
async def other(transactional_db: None) -> AsyncIterator[PostgresNotifyLayer]:
    """The layer of another process, as far as the first can tell."""
    layer = PostgresNotifyLayer()
    yield layer
    await layer.close()


async def in_thread(work: Callable[[], T]) -> T:
    """Runs synchronous code as a request would, on a database connection of its own that is closed afterwards."""

    def run() -> T:
        try:
            return work()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


async def member(layer: PostgresNotifyLayer, *groups: str) -> str:
    """A new channel of the layer, in the groups."""
    channel = await layer.new_channel()
    for group in groups:
        await layer.group_add(group, channel)
    return channel


async def heard(layer: Any, channel: str, count: int = 1) -> list[dict[str, Any]]:
    """The next messages of the channel; the timeout only ends a test that has failed."""
    async with asyncio.timeout(30):
        return [await layer.receive(channel) for _ in range(count)]


async def heard_before(layer: Any, channel: str, group: str) -> list[dict[str, Any]]:
    """What the channel got so far: everything that comes before a last message sent to the group now."""
    await layer.group_send(group, {"type": "last"})
    messages: list[dict[str, Any]] = []
    while (message := (await heard(layer, channel))[0]) != {"type": "last"}:
        messages.append(message)
    return messages


def doorbell_connections() -> list[str]:
    """The last statements of the layer's connections to the test database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT query FROM pg_stat_activity"
            " WHERE application_name = 'helpdesk doorbells' AND datname = current_database()"
        )
        return [query for (query,) in cursor.fetchall()]


def all_doorbells_closed(seconds: float = 10) -> bool:
    """Whether the server has ended the layer's connections: it learns of a close a moment after the client has done it."""
    end = time.monotonic() + seconds
    while doorbell_connections():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def terminate_doorbells() -> int:
    """What a restart of the server does to the layer's connections; returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'helpdesk doorbells' AND datname = current_database()"
        )
        (count,) = cursor.fetchone()
        return int(count)
