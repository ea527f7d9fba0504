"""The staff socket: who may open it, what it tells, and that it falls silent when a right is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from helpdesk.actions.assignment import move_ticket
from helpdesk.actions.conversation import note
from helpdesk.actions.people import change_role, deactivate_user, leave_team
from helpdesk.consumers import watching
from helpdesk.models import SYSTEM, Actor, Ticket, User
from tests.factories import World, make_user
from tests.realtime.sockets import (
    away,
    closing_code,
    cookie_of,
    fresh_layer,
    heard,
    obeyed,
    opened,
    socket_of,
    world,
)

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["fresh_layer", "world"]  # fixtures


def _write(ticket: Ticket, text: str = "needle-words") -> Callable[[], object]:
    return lambda: note(ticket=Ticket.objects.get(pk=ticket.pk), actor=SYSTEM, text=text)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "",
        "http://evil.test",
        "https://localhost:8000",
        "http://localhost",
        "http://localhost:8001",
        "http://localhost:8000.evil.test",
        "http://localhost.evil.test:8000",
        "http://evil.test/localhost:8000",
        "http://127.0.0.1:8000",
        "http://localhost:8000/",
        "http://user@localhost:8000",
        "file://",
        "chrome-extension://localhost:8000",
    ],
)
async def test_a_page_of_any_other_origin_is_refused_even_with_a_good_cookie(origin: str | None, world: World) -> None:
    socket = socket_of(await sync_to_async(cookie_of)(world.agent), origin)

    connected, _code = await socket.connect()

    assert not connected


async def test_a_page_of_our_own_is_let_in(world: World) -> None:
    async with opened(world.agent) as socket:
        await obeyed(socket)


@pytest.mark.parametrize("cookie", ["", "helpdesk_session=forged", "helpdesk_session="])
async def test_who_is_not_signed_in_is_told_so_and_shut_out(cookie: str, world: World) -> None:
    socket = socket_of(cookie)
    await socket.connect()

    assert await closing_code(socket) == 4401


async def test_somebody_switched_off_is_shut_out(world: World) -> None:
    cookie = await sync_to_async(cookie_of)(world.agent)
    await away(lambda: User.objects.filter(pk=world.agent.pk).update(is_active=False))
    socket = socket_of(cookie)
    await socket.connect()

    assert await closing_code(socket) == 4401


async def test_somebody_without_the_demanded_second_factor_is_shut_out(world: World, settings: Any) -> None:
    settings.REQUIRE_MFA = True
    socket = socket_of(await sync_to_async(cookie_of)(world.agent))
    await socket.connect()

    assert await closing_code(socket) == 4401


async def test_a_watched_ticket_tells_that_it_changed_and_nothing_of_what_it_says(world: World) -> None:
    async with opened(world.agent) as socket:
        await socket.send_json_to({"type": "watch", "ticket": str(world.ticket.public_id)})
        await obeyed(socket)
        await away(_write(world.ticket))

        frames = await heard(socket, world.agent)

    seq = (await away(lambda: Ticket.objects.get(pk=world.ticket.pk))).seq
    changed = {"type": "ticket.changed", "ticket": str(world.ticket.public_id), "seq": seq, "kind": "noted"}
    assert sorted(frames, key=str) == sorted([changed, {"type": "inbox.changed"}], key=str)


@pytest.mark.parametrize("which", ["foreign", "nonsense", "missing", "wildcard", "number"])
async def test_a_ticket_one_may_not_see_does_not_exist_and_is_never_heard_of(which: str, world: World) -> None:
    asked = {
        "foreign": str(world.foreign.public_id),
        "nonsense": "'; --",
        "missing": "00000000-0000-4000-8000-000000000000",
        "wildcard": "%",
        "number": str(world.foreign.pk),
    }[which]
    async with opened(world.agent) as socket:
        await socket.send_json_to({"type": "watch", "ticket": asked})
        assert await socket.receive_json_from() == {"type": "error", "error": "not_found"}
        await away(_write(world.foreign))

        assert await heard(socket, world.agent) == []


async def test_a_ticket_moved_to_another_team_is_not_heard_of_again(world: World) -> None:
    async with opened(world.agent) as socket, opened(world.other_agent) as other:
        await socket.send_json_to({"type": "watch", "ticket": str(world.ticket.public_id)})
        await obeyed(socket)
        await away(
            lambda: move_ticket(
                ticket=Ticket.objects.get(pk=world.ticket.pk), actor=Actor.of(world.admin), queue=world.queue_b
            )
        )
        moved = await heard(socket, world.agent)
        await away(_write(world.ticket))

        assert moved == [{"type": "inbox.changed"}]
        assert await heard(socket, world.agent) == []
        assert {"type": "inbox.changed"} in await heard(other, world.other_agent)


async def test_whoever_leaves_the_team_hears_no_more_of_its_tickets(world: World) -> None:
    async with opened(world.agent) as socket:
        await socket.send_json_to({"type": "watch", "ticket": str(world.ticket.public_id)})
        await obeyed(socket)
        await away(lambda: leave_team(user=world.agent, team=world.team_a, actor=Actor.of(world.admin)))
        await heard(socket, world.agent)
        await away(_write(world.ticket))

        assert [f for f in await heard(socket, world.agent) if f["type"] != "resync"] == []


async def test_switching_somebody_off_closes_his_sockets_at_once(world: World) -> None:
    async with opened(world.agent) as socket:
        await away(lambda: deactivate_user(user=world.agent, actor=Actor.of(world.admin)))

        assert await closing_code(socket) == 4401


async def test_another_role_closes_the_sockets_of_the_ended_session(world: World) -> None:
    async with opened(world.agent) as socket:
        await away(lambda: change_role(user=world.agent, role="light", actor=Actor.of(world.admin)))

        assert await closing_code(socket) == 4401


@pytest.mark.parametrize("how", ["row", "password", "session"])
async def test_what_happened_behind_our_back_is_noticed_at_a_heartbeat(
    how: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "RECHECK_SECONDS", 0.0)

    def happen() -> None:
        if how == "row":
            User.objects.filter(pk=world.agent.pk).update(is_active=False)
        elif how == "password":
            user = User.objects.get(pk=world.agent.pk)
            user.set_password("an-entirely-new-one")
            user.save()
        else:
            from django.contrib.sessions.models import Session

            Session.objects.all().delete()

    async with opened(world.agent) as socket:
        await away(happen)
        await socket.send_json_to({"type": "ping"})

        assert await closing_code(socket) == 4401


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "subscribe", "group": "user.1"},
        {"type": "ticket_changed"},
        {"type": "receive_json"},
        {},
        [],
        "x",
        7,
        None,
    ],
    ids=str,
)
async def test_an_unknown_frame_is_answered_and_the_socket_lives_on(frame: object, world: World) -> None:
    async with opened(world.agent) as socket:
        await socket.send_json_to(frame)
        assert await socket.receive_json_from() == {"type": "error", "error": "unknown_frame"}
        await obeyed(socket)


@pytest.mark.parametrize("text", ["{not json", "[" * 4000, "[" * 5000, "\x00", " "])
async def test_what_is_no_frame_at_all_is_answered_and_the_socket_lives_on(text: str, world: World) -> None:
    async with opened(world.agent) as socket:
        await socket.send_to(text_data=text)
        assert await socket.receive_json_from() == {"type": "error", "error": "unknown_frame"}
        await obeyed(socket)


async def test_bytes_are_answered_and_the_socket_lives_on(world: World) -> None:
    async with opened(world.agent) as socket:
        await socket.send_to(bytes_data=b"\xff\x00")
        assert await socket.receive_json_from() == {"type": "error", "error": "unknown_frame"}


async def test_unwatching_ends_what_one_hears(world: World) -> None:
    async with opened(world.agent) as socket:
        await socket.send_json_to({"type": "watch", "ticket": str(world.ticket.public_id)})
        await socket.send_json_to({"type": "unwatch"})
        await obeyed(socket)
        await away(_write(world.ticket))

        assert [frame["type"] for frame in await heard(socket, world.agent)] == ["inbox.changed"]


async def test_a_manager_hears_of_every_queue_and_an_outsider_of_none(world: World) -> None:
    outsider = await away(lambda: make_user("agent"))
    async with opened(world.manager) as manager, opened(outsider) as stranger:
        await away(_write(world.ticket))
        await away(_write(world.foreign))

        assert [f["type"] for f in await heard(manager, world.manager)] == ["inbox.changed", "inbox.changed"]
        assert await heard(stranger, outsider) == []


async def test_there_is_no_other_socket(world: World) -> None:
    socket = socket_of(await sync_to_async(cookie_of)(world.admin), path="/ws/admin/")

    with pytest.raises(ValueError, match="No route found"):
        await socket.connect()


async def test_lists_that_change_again_and_again_ring_at_once_and_then_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "INBOX_SECONDS", 1.0)
    async with opened(world.agent) as socket:
        for _n in range(4):
            await away(_write(world.ticket))
        heard_of = [frame["type"] for frame in await heard(socket, world.agent)]
        assert heard_of.count("inbox.changed") >= 1
        rings = heard_of.count("inbox.changed")
        while (await socket.receive_json_from(timeout=30))["type"] != "inbox.changed":
            pass
        assert rings + 1 < 4
        assert await socket.receive_nothing(timeout=1.5)
