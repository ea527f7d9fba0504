"""The LISTEN/NOTIFY channel layer on a real PostgreSQL: who hears what, when, and what happens when things break."""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull
from django.db import connection, transaction

from helpdesk import channel_listener
from helpdesk.channel_layer import NOTIFY_MAX_BYTES, PostgresNotifyLayer, encode
from helpdesk.models import ChannelSpill
from tests.realtime.conftest import (
    all_doorbells_closed,
    doorbell_connections,
    heard,
    heard_before,
    in_thread,
    member,
    terminate_doorbells,
)

RESYNC = {"type": "resync"}


async def test_members_of_the_group_hear_it_and_nobody_else(
    layer: PostgresNotifyLayer, other: PostgresNotifyLayer
) -> None:
    here, there = await member(layer, "ticket.1", "desk"), await member(other, "ticket.1", "desk")
    stranger = await member(layer, "ticket.11", "desk")

    await layer.group_send("ticket.1", {"type": "ticket.changed", "seq": 7})

    assert await heard(layer, here) == [{"type": "ticket.changed", "seq": 7}]
    assert await heard(other, there) == [{"type": "ticket.changed", "seq": 7}]
    assert await heard_before(layer, stranger, "desk") == []


async def test_messages_of_one_sender_arrive_once_each_and_in_order(layer: PostgresNotifyLayer) -> None:
    channel = await member(layer, "desk")

    await asyncio.gather(*(layer.group_send("desk", {"type": "n", "n": n}) for n in range(90)))

    assert [message["n"] for message in await heard(layer, channel, 90)] == list(range(90))
    assert await heard_before(layer, channel, "desk") == []


async def test_equal_messages_sent_one_after_the_other_all_arrive(layer: PostgresNotifyLayer) -> None:
    channel = await member(layer, "desk")

    await asyncio.gather(*(layer.group_send("desk", {"type": "typing"}) for _ in range(10)))

    assert await heard_before(layer, channel, "desk") == [{"type": "typing"}] * 10


async def test_a_channel_that_left_the_group_hears_nothing_more(layer: PostgresNotifyLayer) -> None:
    channel = await member(layer, "ticket.1", "desk")

    await layer.group_discard("ticket.1", channel)
    await layer.group_discard("ticket.1", channel)
    await layer.group_send("ticket.1", {"type": "ticket.changed"})

    assert await heard_before(layer, channel, "desk") == []


async def test_a_message_to_a_channel_reaches_it_in_this_and_in_another_process(
    layer: PostgresNotifyLayer, other: PostgresNotifyLayer
) -> None:
    here, there = await member(layer, "desk"), await member(other, "desk")

    await layer.send(here, {"type": "hello", "to": "here"})
    await layer.send(there, {"type": "hello", "to": "there"})

    assert await heard(layer, here) == [{"type": "hello", "to": "here"}]
    assert await heard(other, there) == [{"type": "hello", "to": "there"}]
    assert await heard_before(layer, here, "desk") == []


@pytest.mark.parametrize("text", ["x", "ж", "中", "𝄞", '"', "\x00", "\ud800"], ids=ascii)
@pytest.mark.parametrize("size", [100, NOTIFY_MAX_BYTES - 60, 100_000])
async def test_any_text_of_any_size_arrives_as_it_was(layer: PostgresNotifyLayer, text: str, size: int) -> None:
    channel = await member(layer, "desk")
    message = {"type": "note", "body": text * (size // len(text.encode(errors="surrogatepass")))}

    await layer.group_send("desk", message)

    assert await heard(layer, channel) == [message]


async def test_sizes_around_the_limit_of_notify_arrive_and_only_those_above_it_take_a_row(
    layer: PostgresNotifyLayer,
) -> None:
    channel = await member(layer, "desk")
    frame = len(f"g desk - {encode({'type': 'n', 'body': ''})}")
    sizes = [NOTIFY_MAX_BYTES - 1, NOTIFY_MAX_BYTES, NOTIFY_MAX_BYTES + 1, 1_000_000]
    messages = [{"type": "n", "body": "x" * (size - frame)} for size in sizes]

    for message in messages:
        await in_thread(partial(layer.publish_in_transaction, "desk", message))

    assert await heard(layer, channel, 4) == messages
    assert await in_thread(ChannelSpill.objects.count) == 2


async def test_a_large_message_whose_row_has_gone_becomes_a_resync(layer: PostgresNotifyLayer) -> None:
    channel = await member(layer, "desk")

    def publish_and_delete() -> None:
        with transaction.atomic():
            layer.publish_in_transaction("desk", {"type": "n", "body": "x" * 9000})
            ChannelSpill.objects.all().delete()

    await in_thread(publish_and_delete)

    assert await heard(layer, channel) == [RESYNC]


async def test_published_in_a_transaction_it_leaves_at_the_commit_and_after_nothing_else(
    layer: PostgresNotifyLayer,
) -> None:
    channel = await member(layer, "desk")
    published, commit = asyncio.Event(), asyncio.Event()
    running = asyncio.get_running_loop()

    def request() -> None:
        with transaction.atomic():
            layer.publish_in_transaction("desk", {"type": "ticket.changed"})
            running.call_soon_threadsafe(published.set)
            asyncio.run_coroutine_threadsafe(commit.wait(), running).result()

    thread = asyncio.ensure_future(in_thread(request))
    await published.wait()
    assert await heard_before(layer, channel, "desk") == []
    commit.set()
    await thread
    assert await heard(layer, channel) == [{"type": "ticket.changed"}]


@pytest.mark.parametrize("size", [10, 9000])
async def test_a_rollback_rings_nowhere(layer: PostgresNotifyLayer, size: int) -> None:
    channel = await member(layer, "desk")

    def request() -> None:
        with transaction.atomic():
            layer.publish_in_transaction("desk", {"type": "kept"})
            with transaction.atomic():
                layer.publish_in_transaction("desk", {"type": "inner", "body": "x" * size})
                transaction.set_rollback(True)
        with transaction.atomic():
            layer.publish_in_transaction("desk", {"type": "outer", "body": "x" * size})
            transaction.set_rollback(True)

    await in_thread(request)

    assert await heard_before(layer, channel, "desk") == [{"type": "kept"}]
    assert await in_thread(ChannelSpill.objects.count) == 0


async def test_equal_doorbells_of_one_transaction_ring_once(layer: PostgresNotifyLayer) -> None:
    channel = await member(layer, "desk")
    bells = [("desk", {"type": "inbox.changed", "queue": n % 2}) for n in range(10)]

    await in_thread(lambda: layer.publish_many_in_transaction(bells))

    assert await heard_before(layer, channel, "desk") == [bells[0][1], bells[1][1]]


async def test_a_thousand_consumers_at_once_start_one_listener_and_hear_each_message_once(
    layer: PostgresNotifyLayer,
) -> None:
    async def consumer() -> list[dict[str, Any]]:
        channel = await layer.new_channel()
        first = asyncio.ensure_future(layer.receive(channel))
        await layer.group_add("desk", channel)
        joined.release()
        return [await first, await layer.receive(channel)]

    joined = asyncio.Semaphore(0)
    async with asyncio.timeout(60), asyncio.TaskGroup() as herd:
        consumers = [herd.create_task(consumer()) for _ in range(1000)]
        for _ in consumers:
            await joined.acquire()
        listeners = await in_thread(doorbell_connections)
        await layer.group_send("desk", {"type": "n", "n": 1})
        await layer.group_send("desk", {"type": "n", "n": 2})

    assert listeners == ['LISTEN "helpdesk_doorbells"']
    assert [task.result() for task in consumers] == [[{"type": "n", "n": 1}, {"type": "n", "n": 2}]] * 1000


async def test_after_the_database_restarted_everybody_is_told_and_doorbells_ring_again(
    layer: PostgresNotifyLayer,
) -> None:
    channels = [await member(layer, "desk") for _ in range(3)]
    for _ in range(3):
        await layer.group_send("desk", {"type": "before"})
        assert [await heard(layer, channel) for channel in channels] == [[{"type": "before"}]] * 3

        assert await in_thread(terminate_doorbells) == 2
        assert [await heard(layer, channel) for channel in channels] == [[RESYNC]] * 3

    assert [await heard_before(layer, channel, "desk") for channel in channels[:1]] == [[]]


async def test_sending_survives_a_connection_that_died_in_the_meantime(
    layer: PostgresNotifyLayer, other: PostgresNotifyLayer
) -> None:
    channel = await member(layer, "desk")
    await layer.group_send("desk", {"type": "before"})
    await heard(layer, channel)
    sender = layer._loop().sender
    assert sender._connection is not None
    process = sender._connection.info.backend_pid

    def terminate_sender() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [process])

    await in_thread(terminate_sender)
    await layer.group_send("desk", {"type": "after"})

    assert await heard(layer, channel) == [{"type": "after"}]


async def test_a_consumer_that_comes_while_the_database_is_down_is_told_when_it_is_back(
    layer: PostgresNotifyLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_listener, "LISTENING_SECONDS", 0.01)
    there = layer.connection_parameters()
    monkeypatch.setattr(layer, "connection_parameters", lambda: {"host": "/nonexistent"})

    channel = await member(layer, "desk")
    monkeypatch.setattr(layer, "connection_parameters", lambda: there)

    assert await heard(layer, channel) == [RESYNC]
    await layer.group_send("desk", {"type": "after"})
    assert await heard(layer, channel) == [{"type": "after"}]


async def test_a_reader_too_slow_for_his_queue_is_told_to_read_the_rows_again(transactional_db: None) -> None:
    layer = PostgresNotifyLayer(capacity=50, channel_capacity={"slow.*": 5})
    slow, fast = await layer.new_channel("slow"), await layer.new_channel("fast")
    for channel in (slow, fast):
        await layer.group_add("desk", channel)

    for n in range(8):
        await layer.group_send("desk", {"type": "n", "n": n})

    assert len(await heard_before(layer, fast, "desk")) == 8
    assert await heard(layer, slow, 3) == [RESYNC, {"type": "n", "n": 6}, {"type": "n", "n": 7}]
    await layer.close()


async def test_a_direct_message_to_a_full_channel_of_this_process_is_refused(transactional_db: None) -> None:
    layer = PostgresNotifyLayer(capacity=2)
    channel = await layer.new_channel()
    await layer.send(channel, {"type": "n"})
    await layer.send(channel, {"type": "n"})

    with pytest.raises(ChannelFull):
        await layer.send(channel, {"type": "n"})


async def test_a_message_that_waited_too_long_becomes_a_resync(transactional_db: None) -> None:
    layer = PostgresNotifyLayer(expiry=-1)
    channel = await layer.new_channel()
    for _ in range(3):
        await layer.send(channel, {"type": "n"})

    assert await heard(layer, channel) == [RESYNC]
    await layer.send(channel, {"type": "later"})
    assert await heard(layer, channel) == [RESYNC]
    await layer.close()


async def test_channels_of_consumers_that_ended_are_forgotten_and_those_in_use_are_not(transactional_db: None) -> None:
    layer = PostgresNotifyLayer(expiry=-1, group_expiry=1000)
    ended, reading, busy = [await member(layer, "desk") for _ in range(3)]
    last = asyncio.ensure_future(layer.receive(ended))
    waiting = asyncio.ensure_future(layer.receive(reading))
    await asyncio.sleep(0)
    last.cancel()
    await asyncio.wait([last])

    layer._loop().forget_the_unread()

    assert set(layer._loop().channels) == {reading, busy}
    assert layer._loop().groups == {"desk": {reading, busy}}
    waiting.cancel()
    await layer.close()


async def test_what_others_notify_on_our_channel_is_passed_over(layer: PostgresNotifyLayer) -> None:
    channel = await member(layer, "desk")

    def rubbish() -> None:
        with connection.cursor() as cursor:
            for payload in ("", " ", "g", "z desk - {}", "g nobody - {", "c", "C nobody - 1"):
                cursor.execute("SELECT pg_notify('helpdesk_doorbells', %s)", [payload])

    await in_thread(rubbish)

    assert await heard_before(layer, channel, "desk") == []


async def test_an_unreadable_frame_to_a_group_becomes_a_resync(layer: PostgresNotifyLayer) -> None:
    channel = await member(layer, "desk")

    def rubbish() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('helpdesk_doorbells', 'g desk - {')")

    await in_thread(rubbish)

    assert await heard_before(layer, channel, "desk") == [RESYNC]


async def test_large_messages_that_all_have_read_are_cleared_away(layer: PostgresNotifyLayer) -> None:
    channel = await member(layer, "desk")
    for n in range(2):
        await layer.group_send("desk", {"type": "n", "n": n, "body": "x" * 9000})
    await heard(layer, channel, 2)

    def age_one() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE helpdesk_channelspill SET created_at = created_at - interval '1 hour'"
                " WHERE id = (SELECT min(id) FROM helpdesk_channelspill)"
            )

    await in_thread(age_one)
    async with await layer._loop().connect() as beating:
        await layer._loop()._beat(beating)

    left = await in_thread(lambda: [json.loads(spill.payload)["n"] for spill in ChannelSpill.objects.all()])
    assert left == [1]


async def test_names_and_messages_that_cannot_be_carried_are_refused(layer: PostgresNotifyLayer) -> None:
    channel = await layer.new_channel()

    for group in ("ticket_%; drop", "ticket *", "", "x" * 100, "тикет"):
        with pytest.raises(TypeError):
            await layer.group_send(group, {"type": "n"})
        with pytest.raises(TypeError):
            await layer.group_add(group, channel)
        with pytest.raises(TypeError):
            await in_thread(partial(layer.publish_in_transaction, group, {}))
    with pytest.raises(TypeError):
        await layer.group_send("desk", {"type": "n", "body": b"bytes"})
    with pytest.raises(TypeError):
        await layer.group_send("desk", ["no", "dict"])  # type: ignore[arg-type]


async def test_a_channel_joins_groups_in_its_own_process_only(
    layer: PostgresNotifyLayer, other: PostgresNotifyLayer
) -> None:
    foreign = await other.new_channel()

    with pytest.raises(RuntimeError, match="belongs to another process"):
        await layer.group_add("desk", foreign)


async def test_closing_leaves_no_connection_and_the_layer_works_again_afterwards(layer: PostgresNotifyLayer) -> None:
    channel = await member(layer, "desk")
    await layer.group_send("desk", {"type": "before"})
    assert len(await in_thread(doorbell_connections)) == 2

    await layer.flush()
    assert await in_thread(all_doorbells_closed)

    channel = await member(layer, "desk")
    assert await heard_before(layer, channel, "desk") == []


def test_synchronous_code_sends_from_loops_of_its_own_and_leaves_no_connection(transactional_db: None) -> None:
    layer = PostgresNotifyLayer()

    for _ in range(5):
        async_to_sync(layer.group_send)("desk", {"type": "n"})

    assert all_doorbells_closed()


CHILD = """
import asyncio, sys
from helpdesk.channel_layer import PostgresNotifyLayer

async def main() -> None:
    layer = PostgresNotifyLayer(dsn=sys.argv[1])
    channel = await layer.new_channel()
    await layer.group_add("to.child", channel)
    await layer.group_send("to.parent", {"type": "ready", "channel": channel})
    while (message := await layer.receive(channel))["type"] != "stop":
        await layer.group_send("to.parent", {"type": "echo", "of": message})
    await layer.close()

asyncio.run(main())
"""


async def test_two_processes_hear_each_other(layer: PostgresNotifyLayer) -> None:
    channel = await member(layer, "to.parent")
    dsn = " ".join(f"{key}='{value}'" for key, value in layer.connection_parameters().items())
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, dsn)
    (ready,) = await heard(layer, channel)

    await layer.group_send("to.child", {"type": "n", "body": "x" * 20_000})
    await layer.send(ready["channel"], {"type": "direct"})
    echoes = await heard(layer, channel, 2)
    await in_thread(lambda: layer.publish_in_transaction("to.child", {"type": "stop"}))

    assert [echo["of"] for echo in echoes] == [{"type": "n", "body": "x" * 20_000}, {"type": "direct"}]
    assert await asyncio.wait_for(child.wait(), 30) == 0
