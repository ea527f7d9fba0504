"""Who is at which ticket, as tabs tell and sockets hear it; and heartbeats that find lost doorbells."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from helpdesk import realtime
from helpdesk.actions.conversation import note
from helpdesk.actions.people import leave_team
from helpdesk.actions.presence import sweep_lost_tabs
from helpdesk.consumers import watching
from helpdesk.models import SYSTEM, Actor, DeskTab, Ticket, User
from helpdesk.now import now
from helpdesk.queries.heads import Heads
from helpdesk.queries.presence import GONE_AFTER, Viewer
from helpdesk.views.viewers import viewers_shown
from tests.factories import World
from tests.realtime.sockets import away, fresh_layer, heard, obeyed, opened, world

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["fresh_layer", "world"]  # fixtures


async def sit_down(socket: WebsocketCommunicator, ticket: Ticket, **state: bool) -> None:
    """The tab opens the ticket and says so."""
    await socket.send_json_to({"type": "watch", "ticket": str(ticket.public_id)})
    await socket.send_json_to({"type": "beat", "typing": False, "idle": False, **state})
    await obeyed(socket)


async def quiet(socket: WebsocketCommunicator, user: User) -> list[dict[str, Any]]:
    """What it heard, without the comings and goings of the staff."""
    return [frame for frame in await heard(socket, user) if frame["type"] != "colleagues.changed"]


def seen_by(user: User, ticket: Ticket) -> list[tuple[str, bool, bool]]:
    """The viewers of the ticket, as this person is shown them."""
    viewers = viewers_shown(Actor.of(User.objects.get(pk=user.pk)), [ticket]).get(ticket.pk, [])
    return [(v.user.name, v.is_typing, v.is_idle) for v in viewers]


async def test_whoever_opens_a_ticket_is_seen_by_those_who_have_it_open_and_in_their_lists(world: World) -> None:
    async with opened(world.agent) as sara, opened(world.lead) as lea:
        await sit_down(lea, world.ticket)
        await quiet(lea, world.lead)
        await sit_down(sara, world.ticket)

        here = {"type": "presence.changed", "ticket": str(world.ticket.public_id)}
        row = {"type": "viewers.changed", "number": world.ticket.number}
        assert sorted(await quiet(lea, world.lead), key=str) == sorted([here, row], key=str)
        assert await away(lambda: seen_by(world.lead, world.ticket)) == [("Sara Agent", False, False)]
        assert await away(lambda: seen_by(world.agent, world.ticket)) == [("Lea Lead", False, False)]


async def test_typing_rings_when_it_begins_and_ends_and_not_with_each_beat_between(world: World) -> None:
    async with opened(world.agent) as sara, opened(world.lead) as lea:
        await sit_down(lea, world.ticket)
        await sit_down(sara, world.ticket)
        await quiet(lea, world.lead)
        for typing in (True, True, True, False, False):
            await sara.send_json_to({"type": "beat", "typing": typing, "idle": False})
            await obeyed(sara)
            if typing:
                assert await away(lambda: seen_by(world.lead, world.ticket)) == [("Sara Agent", True, False)]

        frames = await quiet(lea, world.lead)
        assert [frame["type"] for frame in frames].count("presence.changed") == 2


async def test_whoever_falls_idle_fades_and_types_no_more(world: World) -> None:
    async with opened(world.agent) as sara:
        await sit_down(sara, world.ticket, typing=True)
        await sara.send_json_to({"type": "beat", "typing": True, "idle": True})
        await obeyed(sara)

        assert await away(lambda: seen_by(world.lead, world.ticket)) == [("Sara Agent", False, True)]


async def test_of_two_tabs_the_livelier_counts(world: World) -> None:
    async with opened(world.agent) as one, opened(world.agent) as two:
        await sit_down(one, world.ticket, idle=True)
        await sit_down(two, world.ticket, typing=True)

        viewers = await away(lambda: viewers_shown(Actor.of(world.lead), [world.ticket]))
        assert viewers == {world.ticket.pk: [Viewer(world.agent, is_typing=True, is_idle=False)]}


async def test_a_closed_tab_is_gone_at_once(world: World) -> None:
    async with opened(world.lead) as lea:
        await sit_down(lea, world.ticket)
        async with opened(world.agent) as sara:
            await sit_down(sara, world.ticket)
        await quiet(lea, world.lead)

        assert await away(lambda: seen_by(world.lead, world.ticket)) == []
        assert not await away(lambda: DeskTab.objects.filter(user=world.agent).exists())


async def test_a_tab_that_vanished_without_a_word_is_not_shown_and_later_swept(world: World) -> None:
    async with opened(world.lead) as lea, opened(world.agent) as sara:
        await sit_down(lea, world.ticket)
        await sit_down(sara, world.ticket)
        old = now() - GONE_AFTER - timedelta(seconds=1)
        await away(lambda: DeskTab.objects.filter(user=world.agent).update(seen_at=old))
        await quiet(lea, world.lead)
        assert await away(lambda: seen_by(world.lead, world.ticket)) == []

        assert await away(sweep_lost_tabs) == 1

        assert {"type": "presence.changed", "ticket": str(world.ticket.public_id)} in await quiet(lea, world.lead)
        assert await away(lambda: DeskTab.objects.get().user) == world.lead


async def test_nobody_sits_at_a_ticket_he_may_not_see(world: World) -> None:
    async with opened(world.other_agent) as otto:
        await otto.send_json_to({"type": "watch", "ticket": str(world.ticket.public_id)})
        assert await otto.receive_json_from() == {"type": "error", "error": "not_found"}
        await otto.send_json_to({"type": "beat", "typing": True, "idle": False})
        await obeyed(otto)

        assert await away(lambda: DeskTab.objects.get().ticket) is None
        assert await away(lambda: seen_by(world.agent, world.ticket)) == []


async def test_another_team_hears_nothing_of_who_sits_where(world: World) -> None:
    async with opened(world.agent) as sara, opened(world.other_agent) as otto:
        await sit_down(otto, world.foreign)
        await quiet(otto, world.other_agent)
        await sit_down(sara, world.ticket)
        await sit_down(sara, world.ticket, typing=True)

        assert await quiet(otto, world.other_agent) == []


async def test_a_light_agent_is_seen_but_sees_and_hears_nobody(world: World) -> None:
    async with opened(world.light) as light, opened(world.agent) as sara:
        await sit_down(light, world.ticket)
        await sit_down(sara, world.ticket)

        assert await heard(light, world.light) == []
        assert await away(lambda: seen_by(world.light, world.ticket)) == []
        assert [name for name, _t, _i in await away(lambda: seen_by(world.agent, world.ticket))] == [world.light.name]


async def test_whoever_leaves_the_team_is_no_longer_at_its_ticket(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "RECHECK_SECONDS", 0.0)
    async with opened(world.agent) as sara:
        await sit_down(sara, world.ticket)
        await away(lambda: leave_team(user=world.agent, team=world.team_a, actor=Actor.of(world.admin)))
        await heard(sara, world.agent)
        await sara.send_json_to({"type": "beat", "typing": True, "idle": False})
        await obeyed(sara)

        assert await away(lambda: DeskTab.objects.get().ticket) is None


async def test_a_stuck_tab_cannot_ring_at_everybody_all_the_time(world: World) -> None:
    async with opened(world.agent) as sara, opened(world.lead) as lea:
        await sit_down(lea, world.ticket)
        await sit_down(sara, world.ticket)
        await quiet(lea, world.lead)
        for beat in range(60):
            await sara.send_json_to({"type": "beat", "typing": beat % 2 == 0, "idle": False})
        await obeyed(sara)

        frames = await quiet(lea, world.lead)
        assert 0 < [frame["type"] for frame in frames].count("presence.changed") <= 20


def _quietly(ticket: Ticket) -> None:
    """A change whose doorbells are lost."""
    with realtime.silent():
        note(ticket=Ticket.objects.get(pk=ticket.pk), actor=SYSTEM, text="Nobody rang.")


@pytest.fixture
def _asks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads read whenever they are asked."""
    monkeypatch.setattr("helpdesk.queries.heads.FRESH_SECONDS", 0.0)


@pytest.mark.usefixtures("_asks_each_time")
async def test_a_heartbeat_finds_out_that_doorbells_were_lost(world: World) -> None:
    async with opened(world.agent) as sara:
        await sit_down(sara, world.ticket)
        before = (await away(lambda: Ticket.objects.get(pk=world.ticket.pk))).seq
        await away(lambda: _quietly(world.ticket))

        await sara.send_json_to({"type": "ping"})

        assert await sara.receive_json_from() == {"type": "inbox.changed"}
        assert await sara.receive_json_from() == {"type": "pong", "seq": before + 1}
        await sara.send_json_to({"type": "ping"})
        assert await sara.receive_json_from() == {"type": "pong", "seq": before + 1}


@pytest.mark.usefixtures("_asks_each_time")
async def test_a_heartbeat_says_nothing_twice_when_the_doorbell_was_heard(world: World) -> None:
    async with opened(world.agent) as sara:
        await sit_down(sara, world.ticket)
        await away(lambda: note(ticket=Ticket.objects.get(pk=world.ticket.pk), actor=SYSTEM, text="Rang."))
        assert sorted(f["type"] for f in await heard(sara, world.agent)) == ["inbox.changed", "ticket.changed"]

        await sara.send_json_to({"type": "ping"})

        assert (await sara.receive_json_from())["type"] == "pong"


@pytest.mark.usefixtures("_asks_each_time")
async def test_another_teams_heartbeat_tells_nothing_of_our_tickets(world: World) -> None:
    async with opened(world.other_agent) as otto:
        await obeyed(otto)
        await away(lambda: _quietly(world.ticket))

        await otto.send_json_to({"type": "ping", "age": 0})

        assert await otto.receive_json_from() == {"type": "pong", "seq": 0}


@pytest.mark.usefixtures("_asks_each_time")
async def test_a_page_fetched_before_the_socket_opened_learns_what_it_missed(world: World) -> None:
    await away(lambda: _quietly(world.ticket))
    async with opened(world.agent) as sara:
        await sara.send_json_to({"type": "ping", "age": 20})
        assert await sara.receive_json_from() == {"type": "inbox.changed"}


@pytest.mark.parametrize("age", ["x", None, [], -5, 1e400, {"a": 1}, True])
async def test_an_age_that_is_none_hurts_nobody(age: object, world: World) -> None:
    async with opened(world.agent) as sara:
        await sara.send_json_to({"type": "ping", "age": age})
        frame = await sara.receive_json_from()
        if frame["type"] != "pong":
            frame = await sara.receive_json_from()
        assert frame["type"] == "pong"


@pytest.mark.usefixtures("_asks_each_time")
def test_heads_count_each_event_once_and_both_ends_of_a_move(world: World) -> None:
    from helpdesk.actions.assignment import move_ticket

    heads = Heads()
    a, b = world.queue_a.pk, world.queue_b.pk
    begin = (heads.head([a], None).events, heads.head([b], None).events)
    note(ticket=world.ticket, actor=SYSTEM, text="One.")
    assert heads.head([a], world.ticket.pk).events == begin[0] + 1
    assert heads.head([a], None).events == begin[0] + 1
    move_ticket(ticket=world.ticket, actor=Actor.of(world.admin), queue=world.queue_b)
    assert heads.head([a], None).events == begin[0] + 2
    assert heads.head([b], None).events == begin[1] + 1


def test_asking_often_reads_once(world: World, django_assert_num_queries: Any) -> None:
    heads = Heads()
    heads.head([world.queue_a.pk], None)
    with django_assert_num_queries(0):
        for _again in range(50):
            heads.head([world.queue_a.pk], world.ticket.pk)
