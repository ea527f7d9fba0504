"""The bell, presence and reading marks as pages answer them: what each role gets, and nothing of what it may not see."""

from __future__ import annotations

import pytest
from django.test import Client

from helpdesk.actions.assignment import assign_ticket
from helpdesk.actions.conversation import note
from helpdesk.actions.presence import beat
from helpdesk.models import Actor, Message, Notification, Participant, TicketRead, User
from tests.factories import World

pytestmark = pytest.mark.django_db
PARTIAL = {"HX-Request": "true"}


def client_of(user: User) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client


def _mention_lea(world: World) -> Notification:
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="@Lea Lead what now?")
    return Notification.objects.get()


def test_the_list_shows_who_wrote_what_where(world: World) -> None:
    _mention_lea(world)
    page = client_of(world.lead).get("/notifications/", headers=PARTIAL).content.decode()

    assert "Sara Agent" in page
    assert "@Lea Lead what now?" in page
    assert f"#{world.ticket.number}" in page
    assert "what now" not in client_of(world.agent).get("/notifications/", headers=PARTIAL).content.decode()


def test_the_bell_counts_and_is_silent_when_all_is_read(world: World) -> None:
    _mention_lea(world)
    lea = client_of(world.lead)
    assert 'data-unread="1"' in lea.get("/notifications/bell/").content.decode()
    assert 'data-unread="1"' in lea.get("/inbox/team/").content.decode()
    assert "data-newest" not in lea.get("/notifications/bell/").content.decode()

    answer = lea.post("/notifications/read/", headers=PARTIAL).content.decode()

    assert 'data-unread="0"' in answer
    assert 'data-unread="0"' in lea.get("/notifications/bell/").content.decode()


def test_words_for_the_system_come_only_to_those_who_asked_for_them(world: World) -> None:
    lea = client_of(world.lead)
    lea.post("/notifications/choose/", {"reason": ["mentioned"], "desktop": "on"}, headers=PARTIAL)
    _mention_lea(world)
    assert "what now?" in lea.get("/notifications/bell/").content.decode()
    world.lead.refresh_from_db()
    assert "assigned" in world.lead.desk_settings["not_told"]
    assert "mentioned" not in world.lead.desk_settings["not_told"]


def test_answering_writes_a_note_for_the_ticket(world: World) -> None:
    mention = _mention_lea(world)

    response = client_of(world.lead).post(f"/notifications/{mention.pk}/answer/", {"text": "Wait."}, headers=PARTIAL)

    assert response.status_code == 200
    assert Message.objects.get(author_user=world.lead).text == "@Sara Agent Wait."


@pytest.mark.parametrize("what", ["read", "answer"])
@pytest.mark.parametrize("who", ["agent", "other_agent", "light", "admin"])
def test_a_notification_of_somebody_else_does_not_exist(what: str, who: str, world: World) -> None:
    mention = _mention_lea(world)

    response = client_of(getattr(world, who)).post(f"/notifications/{mention.pk}/{what}/", {"text": "x"})

    assert response.status_code == 404
    mention.refresh_from_db()
    assert mention.read_at is None


def test_colleagues_are_shown_with_state_and_load(world: World) -> None:
    assign_ticket(ticket=world.ticket, actor=Actor.of(world.lead), owner=world.agent)
    beat(channel="one", actor=Actor.of(world.agent), ticket=None)
    page = client_of(world.lead).get("/routing/colleagues/").content.decode()

    assert "Sara Agent" in page
    assert "at the desk" in page
    assert "Otto Other" not in page
    assert "Lea Lead" not in page
    assert "Otto Other" in client_of(world.admin).get("/routing/colleagues/").content.decode()
    assert client_of(world.light).get("/routing/colleagues/").status_code == 403


def test_badges_and_faces_tell_only_of_tickets_one_sees(world: World) -> None:
    beat(channel="one", actor=Actor.of(world.agent), ticket=world.ticket, is_typing=True)
    address = f"/presence/rows/?number={world.ticket.number}&number={world.foreign.number}"

    mine = client_of(world.lead).get(address).content.decode()
    assert "Sara Agent is writing" in mine
    assert 'data-mode="replying"' in mine
    assert f"viewers-{world.foreign.number}" not in mine
    theirs = client_of(world.other_agent).get(address).content.decode()
    assert "Sara" not in theirs
    assert f"viewers-{world.ticket.number}" not in theirs
    assert client_of(world.light).get(address).status_code == 403
    head = f"/presence/rows/?number={world.ticket.number}&open={world.ticket.number}"
    assert "avatar--typing" in client_of(world.lead).get(head).content.decode()
    assert "Sara" not in client_of(world.agent).get(head).content.decode()
    assert 'id="viewers"' not in client_of(world.other_agent).get(head).content.decode()


def test_pages_carry_viewers_and_unread_dots_from_the_start(world: World) -> None:
    beat(channel="one", actor=Actor.of(world.agent), ticket=world.ticket)
    lea = client_of(world.lead)
    row = f'id="row-{world.ticket.number}" data-number="{world.ticket.number}" data-unread'
    page = lea.get("/inbox/team/").content.decode()
    assert "Sara Agent is looking at it" in page
    assert row in page
    assert "Sara Agent is here" in lea.get(f"/tickets/{world.ticket.number}/").content.decode()

    lea.post(f"/tickets/{world.ticket.number}/read/", {"seq": "99"})

    assert row not in lea.get("/inbox/team/").content.decode()
    assert "is looking" not in client_of(world.light).get("/inbox/team/").content.decode()


def test_reading_marking_unread_and_following_by_address(world: World) -> None:
    sara, base = client_of(world.agent), f"/tickets/{world.ticket.number}"
    assert sara.post(f"{base}/read/", {"seq": "1"}, headers=PARTIAL).status_code == 204
    assert TicketRead.objects.get().seq == 1
    assert "unread again" in sara.post(f"{base}/unread/", headers=PARTIAL).content.decode()
    assert TicketRead.objects.get().seq == 0
    page = sara.post(f"{base}/follow/", {"follow": "1"}, headers=PARTIAL).content.decode()
    assert 'aria-pressed="true"' in page
    assert Participant.objects.get(user__isnull=False).user == world.agent
    assert "Sara Agent follows the ticket" in page
    page = sara.post(f"{base}/follow/", {"follow": "0"}, headers=PARTIAL).content.decode()
    assert 'aria-pressed="false"' in page
    for what in ("read", "unread", "follow"):
        assert client_of(world.other_agent).post(f"{base}/{what}/").status_code == 404


def test_sending_over_something_unseen_shows_it_and_three_ways_on(world: World) -> None:
    seen = world.ticket.seq
    note(ticket=world.ticket, actor=Actor.of(world.lead), text="She has cancelled already.")

    response = client_of(world.agent).post(
        f"/tickets/{world.ticket.number}/send/",
        {"mode": "reply", "text": "Your parcel leaves today.", "to": "ann@shop.example", "seen_seq": str(seen)},
        headers=PARTIAL,
    )

    page = response.content.decode()
    assert response.status_code == 409
    assert page.count("She has cancelled already.") >= 2  # in the timeline and above the composer
    for way in ("jump", "send-anyway", "discard"):
        assert f'data-do="{way}"' in page
