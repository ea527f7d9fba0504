"""The composer's own answers: lists at the cursor, the questions before sending, one's own responses, macros."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from helpdesk.models import Actor, CannedResponse, Draft, Macro, OutgoingMail, Ticket
from helpdesk.queries.drafts import drafts_of
from tests.factories import World, make_ticket, make_world

pytestmark = pytest.mark.django_db
PARTIAL = {"HX-Request": "true"}


@pytest.fixture
def world() -> World:
    """Two teams and a ticket."""
    return make_world()


@pytest.fixture
def sara(world: World) -> Client:
    """The agent of team A."""
    client = Client()
    client.force_login(world.agent)
    return client


def _offered(client: Client, ticket: Ticket, kind: str, q: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/tickets/{ticket.number}/complete/", {"kind": kind, "q": q})
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_variables_come_with_their_values_or_the_place_that_stays(world: World, sara: Client) -> None:
    items = {item["title"]: (item["insert"], item["missing"]) for item in _offered(sara, world.ticket, "variable")}

    assert items["customer.first_name"] == ("Ann", False)
    assert items["customer.organisation"] == ("{{customer.organisation}}", True)
    assert [i["title"] for i in _offered(sara, world.ticket, "variable", "mailb")] == ["mailbox.address"]


def test_tickets_are_found_by_number_and_subject_but_not_those_of_other_teams(world: World, sara: Client) -> None:
    other = make_ticket(world.queue_a, world.customer, subject="Broken hinge")

    assert [i["insert"] for i in _offered(sara, world.ticket, "tickets")] == [f"#{other.number} "]
    assert [i["insert"] for i in _offered(sara, world.ticket, "tickets", "hin")] == [f"#{other.number} "]
    assert f"#{other.number} " in [i["insert"] for i in _offered(sara, world.ticket, "tickets", str(other.number)[:3])]
    for typed in (str(world.foreign.number), "Charged twice"):
        assert _offered(sara, world.ticket, "tickets", typed) == []


def test_colleagues_are_those_who_may_see_the_ticket(world: World, sara: Client) -> None:
    names = {item["insert"] for item in _offered(sara, world.ticket, "people")}

    assert "@Lea Lead " in names
    assert "@Otto Other " not in names
    assert "@Sara Agent " not in names  # oneself
    assert sara.get(f"/tickets/{world.ticket.number}/complete/", {"kind": "secrets"}).status_code == 404


def test_a_promised_file_is_asked_about_once_and_not_after_the_answer(world: World, sara: Client) -> None:
    address = f"/tickets/{world.ticket.number}/send/"
    body = {"mode": "reply", "text": "Please find attached the form.", "to": "ann@shop.example"}

    asked = sara.post(address, body, headers=PARTIAL)
    assert asked.status_code == 409
    assert "no file is attached" in asked.content.decode()
    assert not OutgoingMail.objects.exists()
    assert sara.post(address, {**body, "asked": "1"}, headers=PARTIAL).status_code == 200
    assert OutgoingMail.objects.count() == 1


def test_what_was_written_last_on_this_device_opens_next_time(world: World, sara: Client) -> None:
    address = f"/tickets/{world.ticket.number}/"
    assert 'data-mode="reply"' in sara.get(address).content.decode()
    sara.post(f"{address}send/", {"mode": "note", "text": "A note"}, headers=PARTIAL)

    assert 'data-mode="note"' in sara.get(address).content.decode()


def test_a_draft_kept_elsewhere_answers_with_its_words(world: World, sara: Client) -> None:
    address = f"/tickets/{world.ticket.number}/draft/"
    first = sara.post(address, {"mode": "reply", "text": "One", "base": ""}).json()
    assert sara.post(address, {"mode": "reply", "text": "Two", "base": first["revision"]}).status_code == 200

    refused = sara.post(address, {"mode": "reply", "text": "Three", "base": first["revision"]})
    assert (refused.status_code, refused.json()["text"]) == (409, "Two")
    again = sara.post(address, {"mode": "reply", "text": "Three", "base": refused.json()["revision"]})
    assert again.status_code == 200
    assert [d.text for d in drafts_of(Actor.of(world.agent))] == ["Three"]


def test_the_list_of_ones_own_responses_shows_no_others_and_changes_only_ones_own(world: World, sara: Client) -> None:
    mine = CannedResponse.objects.create(name="My thanks", shortcut="thanks", text="Thanks", owner=world.agent)
    theirs = CannedResponse.objects.create(name="Her secret", shortcut="secret", text="x", owner=world.lead)

    page = sara.get("/canned/").content.decode()
    assert "My thanks" in page
    assert "Her secret" not in page
    assert sara.post(f"/canned/{mine.pk}/", {"name": "New", "text": "New text"}).status_code == 302
    mine.refresh_from_db()
    assert (mine.name, mine.text, mine.shortcut) == ("New", "New text", "new")
    assert sara.post(f"/canned/{theirs.pk}/", {"delete": "1"}).status_code == 404
    sara.post(f"/canned/{mine.pk}/", {"delete": "1"})
    assert list(CannedResponse.objects.all()) == [theirs]


def test_a_macro_of_another_team_is_not_found_and_a_refused_one_says_why(world: World, sara: Client) -> None:
    foreign = Macro.objects.create(name="Theirs", team=world.team_b, steps=[{"do": "assign_me"}])
    refused = Macro.objects.create(name="Away", steps=[{"do": "move", "queue": world.queue_b.pk}])
    at = f"/tickets/{world.ticket.number}/macros/"

    assert sara.get(f"{at}{foreign.pk}/").status_code == 404
    plan = sara.get(f"{at}{refused.pk}/").content.decode()
    assert "only to queues of your own teams" in plan
    assert "run-macro" not in plan
    assert sara.post(f"{at}{refused.pk}/", headers=PARTIAL).status_code == 422
    menu = sara.get(at).content.decode()
    assert "Away" in menu
    assert "Theirs" not in menu
    assert not Draft.objects.exists()
