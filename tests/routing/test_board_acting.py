"""The leads' board: whose it is, and what a lead changes there."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from helpdesk.models import Role, Ticket, User
from routing.actions.breaks import ask_for_break
from routing.models import (
    AgentPresence,
    AgentState,
    BreakRequest,
    Decision,
    NotReadyReason,
    WorkItem,
)
from tests.factories import make_queue, make_team, make_user
from tests.routing.people import make_ready, make_waiting

pytestmark = pytest.mark.django_db
Items = WorkItem.State
PARTIAL = {"HX-Request": "true"}


def _client(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def _break_of(agent: User) -> BreakRequest:
    lunch, _made = NotReadyReason.objects.get_or_create(
        code="lunch-x", defaults={"name": "Lunch hour", "is_break": True}
    )
    return ask_for_break(user=agent, reason=lunch, minutes=20)


def test_only_teams_one_leads_are_on_the_board() -> None:
    own, foreign = make_queue(name="Own queue"), make_queue(name="Foreign queue")
    mate, stranger = make_ready(own.team, name="Mate Own"), make_ready(foreign.team, name="Stranger Foreign")
    make_waiting(own)
    make_waiting(foreign)
    lead = make_user(lead_of=(own.team,), teams=(foreign.team,))

    page = _client(lead).get(reverse("board")).content.decode()
    whole = _client(make_user(Role.MANAGER)).get(reverse("board")).content.decode()

    assert "Own queue" in page
    assert mate.name in page
    assert "Foreign queue" not in page
    assert stranger.name not in page
    assert "Foreign queue" in whole
    assert stranger.name in whole


def test_agents_without_a_team_to_lead_are_refused_and_teams_of_others_do_not_exist() -> None:
    own, foreign = make_queue(), make_queue()
    agent, lead = make_user(teams=(own.team,)), make_user(lead_of=(own.team,))

    assert _client(agent).get(reverse("board")).status_code == 403
    assert _client(agent).get(reverse("board_parts")).status_code == 403
    assert _client(lead).get(reverse("board"), {"team": own.team.pk}).status_code == 200
    assert _client(lead).get(reverse("board"), {"team": foreign.team.pk}).status_code == 404
    assert _client(lead).get(reverse("board"), {"team": "x"}).status_code == 404


def test_a_lead_gives_a_waiting_contact_to_somebody_free() -> None:
    queue = make_queue()
    agent, lead = make_ready(queue.team), make_user(lead_of=(queue.team,))
    item = make_waiting(queue)

    dialog = _client(lead).get(reverse("board_give", args=[item.pk]), headers=PARTIAL)
    answer = _client(lead).post(reverse("board_give", args=[item.pk]), {"agent": agent.pk}, headers=PARTIAL)

    assert agent.name in dialog.content.decode()
    assert answer.status_code == 200
    item.refresh_from_db()
    assert (item.state, item.ticket.owner) == (Items.ASSIGNED, agent)
    assert Decision.objects.get(kind="manual").record["force"] is False


def test_somebody_who_is_not_free_is_given_it_only_when_confirmed() -> None:
    queue = make_queue()
    agent, lead = make_user(teams=(queue.team,)), make_user(lead_of=(queue.team,))
    item = make_waiting(queue)
    address = reverse("board_give", args=[item.pk])

    asked = _client(lead).post(address, {"agent": agent.pk}, headers=PARTIAL)

    assert asked.status_code == 409
    assert 'name="force" value="1"' in asked.content.decode()
    assert Ticket.objects.get(pk=item.ticket_id).owner is None
    assert _client(lead).post(address, {"agent": agent.pk, "force": "1"}, headers=PARTIAL).status_code == 200
    assert Ticket.objects.get(pk=item.ticket_id).owner == agent


def test_a_contact_is_not_given_to_somebody_of_another_team_not_even_by_force() -> None:
    queue, other = make_queue(), make_queue()
    agent, lead = make_ready(other.team), make_user(lead_of=(queue.team, other.team))
    item = make_waiting(queue)

    answer = _client(lead).post(
        reverse("board_give", args=[item.pk]), {"agent": agent.pk, "force": "1"}, headers=PARTIAL
    )

    assert answer.status_code == 422
    assert "is not in the team of" in answer.content.decode()
    assert Ticket.objects.get(pk=item.ticket_id).owner is None


def test_a_contact_is_moved_to_another_queue_of_ones_teams() -> None:
    team = make_team()
    queue, other, foreign = make_queue(team), make_queue(team), make_queue()
    lead = make_user(lead_of=(team,))
    item = make_waiting(queue)
    address = reverse("board_give", args=[item.pk])

    assert _client(lead).post(address, {"queue": foreign.pk}, headers=PARTIAL).status_code == 404
    assert _client(lead).post(address, {"queue": other.pk}, headers=PARTIAL).status_code == 200
    item.refresh_from_db()
    assert (item.queue, item.state) == (other, Items.WAITING)


def test_contacts_and_agents_of_other_teams_do_not_exist_and_members_may_not_move() -> None:
    queue, foreign = make_queue(), make_queue()
    lead, agent = make_user(lead_of=(queue.team,)), make_ready(queue.team)
    stranger = make_ready(foreign.team)
    own, other = make_waiting(queue), make_waiting(foreign)

    assert _client(lead).get(reverse("board_give", args=[other.pk])).status_code == 404
    assert _client(lead).get(reverse("board_agent", args=[stranger.pk])).status_code == 404
    assert _client(agent).post(reverse("board_give", args=[own.pk]), {"agent": agent.pk}).status_code == 403
    assert _client(agent).post(reverse("board_agent", args=[lead.pk]), {"state": "offline"}).status_code == 403
    assert Ticket.objects.filter(owner__isnull=False).count() == 0


def test_a_lead_sets_somebodys_state_with_a_reason() -> None:
    queue = make_queue()
    agent, lead = make_ready(queue.team), make_user(lead_of=(queue.team,))
    NotReadyReason.objects.create(name="Meeting room", code="meeting-x")
    address = reverse("board_agent", args=[agent.pk])

    dialog = _client(lead).get(address, headers=PARTIAL).content.decode()
    answer = _client(lead).post(address, {"state": "not_ready:meeting-x"}, headers=PARTIAL)

    assert "Meeting room" in dialog
    assert answer.status_code == 200
    presence = AgentPresence.objects.get(user=agent)
    assert (presence.state, str(presence.reason)) == (AgentState.NOT_READY, "Meeting room")
    assert agent.state_intervals.get(ended_at=None).actor_id == lead.pk
    assert _client(lead).post(address, {"state": "rona"}, headers=PARTIAL).status_code == 422


@pytest.mark.parametrize(
    ("approve", "state", "said"),
    [("1", BreakRequest.State.TAKEN, "is on break now."), ("0", BreakRequest.State.REFUSED, "is refused.")],
)
def test_a_lead_decides_a_break_with_a_note(approve: str, state: str, said: str) -> None:
    queue = make_queue()
    agent, lead = make_ready(queue.team), make_user(lead_of=(queue.team,))
    asked = _break_of(agent)
    address = reverse("board_break", args=[asked.pk])
    stranger = make_user(lead_of=(make_team(),))

    assert _client(stranger).post(address, {"approve": approve}, headers=PARTIAL).status_code == 404
    assert _client(agent).post(address, {"approve": approve}, headers=PARTIAL).status_code == 403
    assert _client(lead).post(address, {"approve": "2"}, headers=PARTIAL).status_code == 422
    answer = _client(lead).post(address, {"approve": approve, "note": "At three"}, headers=PARTIAL)

    assert answer.status_code == 200
    assert said in answer.content.decode()
    asked.refresh_from_db()
    assert (asked.state, asked.note, asked.decided_by) == (state, "At three", lead)
    assert _client(lead).post(address, {"approve": approve}, headers=PARTIAL).status_code == 422
