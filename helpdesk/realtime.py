"""Doorbells: the one place that publishes to sockets, and the names of the groups that hear it.

Called by `helpdesk.events` and by actions of the other floors, from synchronous code, in a transaction or outside. A
doorbell says that a row has changed; it may be lost, and nothing may depend on it. Group names are made here, from keys
of our own rows and never from what a client sent: a consumer is asked for a ticket, checks, and joins the group named
here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from helpdesk.channel_layer import PostgresNotifyLayer

logger = logging.getLogger(__name__)
_is_silent: ContextVar[bool] = ContextVar("is_silent", default=False)

#: All staff sockets.
DESK_GROUP: Final = "desk"


def ticket_group(ticket_id: int) -> str:
    """Those who look at this ticket."""
    return f"ticket.{int(ticket_id)}"


def user_group(user_id: int) -> str:
    """The sockets of this member of staff, one per tab."""
    return f"user.{int(user_id)}"


def queue_group(queue_id: int) -> str:
    """Those whose lists show this queue."""
    return f"queue.{int(queue_id)}"


def publish(group: str, message: dict[str, Any]) -> None:
    """Rings at every member of the group once the running transaction commits (at once outside one).

    `message` is a JSON object with a `type` that names the consumer's handler; it must hold nothing that a member of
    the group may not see. A rolled back transaction rings nowhere. With the layer of our own this is one statement on
    Django's connection; another layer is called after the commit, and its failure is logged and forgotten.
    """
    publish_many([(group, message)])


def publish_many(messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """As `publish`, for many (group, message) pairs in one round trip."""
    layer = get_channel_layer()
    if layer is None or _is_silent.get():
        return
    if isinstance(layer, PostgresNotifyLayer):
        layer.publish_many_in_transaction(messages)
    else:
        for group, message in messages:
            transaction.on_commit(partial(_send, layer, group, message))


@contextmanager
def silent() -> Iterator[None]:
    """Rings nothing inside: for history written in bulk, which nobody is looking at (seeding, imports)."""
    token = _is_silent.set(True)
    try:
        yield
    finally:
        _is_silent.reset(token)


def _send(layer: Any, group: str, message: dict[str, Any]) -> None:
    try:
        async_to_sync(layer.group_send)(group, message)
    except Exception:  # a doorbell may be lost; what it announces is committed and must not fail for it
        logger.warning("A doorbell for %s was lost", group, exc_info=True)
