"""Changes of several tickets: what takes them and what refuses, in one answer; and all of it taken back."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import SYSTEM, Actor, Status, Ticket
from tests.factories import World, make_customer, make_queue, make_ticket
from tests.state import state_of, verify_action

PARTIAL = {"HX-Request": "true"}


def _bulk(client: Client, tickets: list[Ticket], change: str, **more: str) -> dict[str, Any]:
    form = {"number": [t.number for t in tickets], "change": change, **more}
    answer: dict[str, Any] = client.post("/bulk/", form, headers=PARTIAL).json()
    return answer


def _made(answer: dict[str, Any]) -> list[str]:
    return [f"{one['number']}:{one['first']}:{one['last']}" for one in answer["done"]]


def _stands(ticket: Ticket) -> dict[str, Any]:
    return {key: value for key, value in state_of(ticket).items() if key != "seq"}


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ("resolved", {}),
        ("pending", {}),
        ("snoozed:tomorrow", {}),
        ("spam", {}),
        ("me", {}),
        ("priority", {"priority": "4"}),
        ("tag", {"tag": "broken, new one"}),
        ("untag", {"tag": "here"}),
    ],
)
def test_each_change_is_done_to_all_and_taken_back_from_all(
    world: World, agent_client: Client, change: str, more: dict[str, str]
) -> None:
    tickets = [world.ticket, make_ticket(world.queue_a), make_ticket(world.queue_a)]
    for ticket in tickets:
        set_status(ticket=ticket, actor=SYSTEM, status=Status.PENDING)
        set_status(ticket=ticket, actor=SYSTEM, status=Status.OPEN)
        classify_ticket(ticket=ticket, actor=SYSTEM, add_tags=["here"])
    before = [_stands(t) for t in tickets]
    with verify_action(tickets[0]), verify_action(tickets[1]):
        answer = _bulk(agent_client, tickets, change, **more)
    assert (len(answer["done"]), answer["refused"]) == (3, [])
    assert all(_stands(t) != old for t, old in zip(tickets, before, strict=True))
    with verify_action(tickets[0]):
        undone = agent_client.post("/bulk/undo/", {"made": _made(answer)}, headers=PARTIAL).json()
    assert (len(undone["done"]), undone["refused"]) == (3, [])
    assert [_stands(t) for t in tickets] == before


def test_a_queue_of_ones_own_team_takes_all(world: World, agent_client: Client) -> None:
    other = make_queue(world.team_a, "Returns")
    answer = _bulk(agent_client, [world.ticket], "queue", queue=str(other.pk))
    world.ticket.refresh_from_db()
    assert (world.ticket.queue, len(answer["done"])) == (other, 1)
    foreign = agent_client.post(
        "/bulk/", {"number": world.ticket.number, "change": "queue", "queue": world.queue_b.pk}, headers=PARTIAL
    )
    assert foreign.status_code == 404


def test_what_refuses_is_told_ticket_by_ticket_while_the_rest_is_done(world: World, agent_client: Client) -> None:
    closed = make_ticket(world.queue_a, make_customer())
    set_status(ticket=closed, actor=SYSTEM, status=Status.CLOSED)
    answer = _bulk(agent_client, [world.ticket, closed, world.foreign], "resolved")
    assert [one["number"] for one in answer["done"]] == [world.ticket.number]
    assert [(one["number"], "cannot become" in one["reason"]) for one in answer["refused"]] == [(closed.number, True)]
    statuses = dict(Ticket.objects.values_list("number", "status"))
    assert [statuses[t.number] for t in (world.ticket, closed, world.foreign)] == ["resolved", "closed", "new"]


def test_a_light_agent_changes_nothing_and_hears_why(world: World) -> None:
    client = Client()
    client.force_login(world.light)
    answer = _bulk(client, [world.ticket, world.foreign], "resolved")
    assert answer["done"] == []
    assert [one["number"] for one in answer["refused"]] == [world.ticket.number]
    assert 'id="bulk"' not in client.get("/inbox/team/").content.decode()


def test_what_somebody_else_changed_since_is_not_taken_back(world: World, agent_client: Client) -> None:
    second = make_ticket(world.queue_a)
    answer = _bulk(agent_client, [world.ticket, second], "resolved")
    set_status(ticket=second, actor=Actor.of(world.lead), status=Status.OPEN)
    undone = agent_client.post("/bulk/undo/", {"made": _made(answer)}, headers=PARTIAL).json()
    assert [one["number"] for one in undone["done"]] == [world.ticket.number]
    assert "changed again since" in undone["refused"][0]["reason"]


def test_nobody_takes_back_what_another_did(world: World, agent_client: Client) -> None:
    answer = _bulk(agent_client, [world.ticket], "resolved")
    lead = Client()
    lead.force_login(world.lead)
    undone = lead.post("/bulk/undo/", {"made": _made(answer)}, headers=PARTIAL).json()
    assert (undone["done"], len(undone["refused"])) == ([], 1)
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.RESOLVED


def test_what_was_so_already_leaves_no_event(world: World, agent_client: Client) -> None:
    answer = _bulk(agent_client, [world.ticket], "priority", priority=str(world.ticket.priority))
    assert answer["done"] == [{"number": world.ticket.number, "first": 0, "last": 0}]


@pytest.mark.parametrize(
    "form",
    [
        {"change": "resolved"},
        {"change": "nonsense", "number": "1"},
        {"change": "tag", "tag": " ", "number": "1"},
        {"change": "resolved", "number": [str(n) for n in range(1, 102)]},
    ],
)
def test_a_change_that_says_nothing_is_refused_with_a_sentence(
    world: World, agent_client: Client, form: dict[str, Any]
) -> None:
    answer = agent_client.post("/bulk/", form, headers=PARTIAL)
    assert answer.status_code == 422
    assert 'class="toast"' in answer.content.decode()


def test_all_of_a_view_are_the_tickets_one_sees_in_it(world: World, agent_client: Client) -> None:
    second = make_ticket(world.queue_a)
    assert agent_client.get("/inbox/team/selection/?in=team").json() == {
        "numbers": [world.ticket.number, second.number],
        "more": False,
    }
    assert agent_client.get(f"/inbox/queue-{world.queue_b.pk}/selection/").status_code == 404


def test_without_a_script_the_next_page_says_what_was_done(world: World, agent_client: Client) -> None:
    agent_client.post("/bulk/", {"number": world.ticket.number, "change": "resolved"})
    assert "Changed: 1 of 1." in agent_client.get("/inbox/team/").content.decode()
