"""Macros of one's own: written, previewed, changed and deleted at the desk; nobody else has them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.own_macros import delete_macro, save_macro
from helpdesk.models import Actor, CannedResponse, Macro
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db


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


def _sent(*steps: tuple[str, str, str], **fields: Any) -> dict[str, Any]:
    """What the page sends for these steps (what, which value, the value), with an empty row at the end as on the page."""
    names = ("status", "priority", "tags", "user", "queue", "until", "text")
    columns: dict[str, list[str]] = {f"step-{name}": [] for name in ("do", *names)}
    for do, key, value in [*steps, ("", "", "")]:
        columns["step-do"].append(do)
        for name in names:
            columns[f"step-{name}"].append(value if name == key else "")
    return {"name": "Cable", "folder": "", **columns, **fields}


def test_a_macro_written_at_the_desk_stands_in_the_menu_of_its_writer_alone(world: World, sara: Client) -> None:
    sent = _sent(("add_tags", "tags", "cable, dock"), ("insert_text", "text", "Dear {{customer.first_name}}"))

    answer = sara.post("/macros/", sent)

    kept = Macro.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/macros/{kept.pk}/")
    assert (kept.owner, kept.team) == (world.agent, None)
    assert kept.steps == [
        {"do": "add_tags", "tags": ["cable", "dock"]},
        {"do": "insert_text", "text": "Dear {{customer.first_name}}"},
    ]
    menu = f"/tickets/{world.ticket.number}/macros/"
    assert "Cable" in sara.get(menu).content.decode()
    lead = Client()
    lead.force_login(world.lead)
    assert "Cable" not in lead.get(menu).content.decode()
    for method in (lead.get, lead.post):
        assert method(f"/macros/{kept.pk}/").status_code == 404


def test_its_page_says_what_it_would_do_to_the_ticket_read_last_and_does_nothing(world: World, sara: Client) -> None:
    own = save_macro(
        actor=Actor.of(world.agent),
        name="Cable",
        steps=[{"do": "add_tags", "tags": ["cable"]}, {"do": "set_status", "status": "resolved"}],
    )
    assert "What it would do" not in sara.get(f"/macros/{own.pk}/").content.decode()
    sara.post(f"/tickets/{world.ticket.number}/read/", {"seq": "1"})

    page = sara.get(f"/macros/{own.pk}/").content.decode()

    assert f"What it would do to #{world.ticket.number}" in page
    assert "Add the tags cable." in page
    world.ticket.refresh_from_db()
    assert (world.ticket.status, world.ticket.tags.count()) == ("new", 0)


def test_what_will_not_do_is_said_and_what_was_entered_stays_on_the_page(world: World, sara: Client) -> None:
    refused = sara.post("/macros/", _sent(("assign_me", "", ""), ("add_tags", "tags", " , "), folder="Docks"))

    page = refused.content.decode()
    assert refused.status_code == 422
    assert "Step 2: Name at least one tag." in page
    assert 'value="Cable"' in page
    assert 'value="Docks"' in page
    assert '<option value="assign_me" data-need="" selected>' in page
    assert not Macro.objects.exists()


def test_it_is_changed_and_deleted(world: World, sara: Client) -> None:
    sara.post("/macros/", _sent(("assign_me", "", "")))
    kept = Macro.objects.get()

    sara.post(f"/macros/{kept.pk}/", _sent(("snooze", "until", "customer"), name="Wait"))
    kept.refresh_from_db()
    assert (kept.name, kept.steps) == ("Wait", [{"do": "snooze", "until": "customer"}])
    assert "Wait" in sara.get("/macros/").content.decode()

    assert sara.post(f"/macros/{kept.pk}/", {"delete": "1"})["Location"] == "/macros/"
    assert not Macro.objects.exists()


def test_a_queue_out_of_sight_cannot_be_named_by_its_key(world: World) -> None:
    with pytest.raises(BadInput, match="queue that is in use"):
        save_macro(actor=Actor.of(world.agent), name="Away", steps=[{"do": "move", "queue": world.queue_b.pk}])
    own = save_macro(actor=Actor.of(world.agent), name="Here", steps=[{"do": "move", "queue": world.queue_a.pk}])
    assert own.steps == [{"do": "move", "queue": world.queue_a.pk}]


def test_shared_macros_and_those_of_others_are_neither_changed_nor_deleted_here(world: World, sara: Client) -> None:
    shared = Macro.objects.create(name="Shared", steps=[{"do": "assign_me"}])
    theirs = Macro.objects.create(name="Hers", steps=[{"do": "assign_me"}], owner=world.lead)
    for one in (shared, theirs):
        assert sara.post(f"/macros/{one.pk}/", _sent(("assign_me", "", ""))).status_code == 404
        with pytest.raises(NotAllowed):
            save_macro(actor=Actor.of(world.agent), name="x", steps=[{"do": "assign_me"}], macro=one)
        with pytest.raises(NotAllowed):
            delete_macro(macro=one, actor=Actor.of(world.agent))


def test_ones_own_responses_are_shown_with_the_values_of_an_example(world: World, sara: Client) -> None:
    CannedResponse.objects.create(name="Hi", shortcut="hi", text="Dear {{customer.first_name}}!", owner=world.agent)

    assert "Dear Ann!" in sara.get("/canned/").content.decode()


def test_a_slash_where_nobody_wrote_a_response_says_so_and_leads_to_writing_one(world: World, sara: Client) -> None:
    address = f"/tickets/{world.ticket.number}/complete/"

    (item,) = sara.get(address, {"kind": "canned", "q": ""}).json()["items"]

    assert item["title"] == "There are no canned responses yet"
    assert sara.get(item["go"]).status_code == 200
    assert sara.get(address, {"kind": "canned", "q": "and"}).json()["items"] == []
    CannedResponse.objects.create(name="Thanks", shortcut="thanks", text="Thank you.")
    assert [i["title"] for i in sara.get(address, {"kind": "canned", "q": ""}).json()["items"]] == ["Thanks"]
