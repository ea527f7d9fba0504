"""Macros: checked when saved, announced before they run, all steps or none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.drafts import save_draft
from helpdesk.actions.macros import Planned, checked_steps, plan, run_macro
from helpdesk.models import Actor, Draft, Macro, Message, OutgoingMail, Status, Ticket, TicketEvent
from helpdesk.queries.canned import macros_for
from tests.factories import World, make_queue, make_world
from tests.state import verify_action

pytestmark = pytest.mark.django_db


def _macro(*steps: dict[str, Any], **fields: Any) -> Macro:
    return Macro.objects.create(name="Close politely", steps=checked_steps(list(steps)), **fields)


@pytest.fixture
def world() -> World:
    """Two teams and a ticket."""
    return make_world()


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([], "at least one"),
        ("x", "at least one"),
        ([{"do": "explode"}], "Step 1: Choose what"),
        ([{"do": "assign_me"}, {"do": "set_status", "status": "asleep"}], "Step 2: Choose a status"),
        ([{"do": "set_priority", "priority": 9}], "four priorities"),
        ([{"do": "add_tags", "tags": " , "}], "one tag"),
        ([{"do": "assign", "user": 999_999}], "active"),
        ([{"do": "move", "queue": "x"}], "queue"),
        ([{"do": "snooze", "until": "someday"}], "until when"),
        ([{"do": "note", "text": ""}], "Write the text"),
        ([{"do": "note", "text": "{{agent.salary}}"}], "no variable"),
        ([{"do": "set_status", "status": "resolved"}, {"do": "snooze", "until": "week"}], "once"),
        ([{"do": "assign_me"}] * 21, "at most"),
    ],
)
def test_a_macro_that_cannot_work_is_not_kept(steps: Any, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        checked_steps(steps)


def test_steps_are_tidied_to_what_they_need() -> None:
    steps = [{"do": "add_tags", "tags": "vip،  gold , vip", "status": "open"}, {"do": "assign_me", "user": 3}]

    assert checked_steps(steps) == [{"do": "add_tags", "tags": ["vip", "gold"]}, {"do": "assign_me"}]


def test_a_macro_says_first_what_it_will_do_and_changes_nothing_by_it(world: World) -> None:
    macro = _macro(
        {"do": "assign_me"},
        {"do": "add_tags", "tags": "dock"},
        {"do": "set_priority", "priority": 3},
        {"do": "insert_text", "text": "Dear {{customer.first_name}} of {{customer.organisation}}"},
        {"do": "set_status", "status": "resolved"},
    )

    lines = plan(macro=macro, ticket=Ticket.objects.get(pk=world.ticket.pk), actor=Actor.of(world.agent))

    assert lines == [
        Planned("Take the ticket."),
        Planned("Add the tags dock."),
        Planned("Set the priority to “high”."),
        Planned(
            "Put into the reply, unsent: “Dear Ann of {{customer.organisation}}”",
            warning="No value for {{customer.organisation}}.",
        ),
        Planned("Set the status to “resolved”."),
    ]
    world.ticket.refresh_from_db()
    assert (world.ticket.owner, world.ticket.status) == (None, Status.NEW)


def test_a_macro_does_all_its_steps_and_does_not_send_the_draft(world: World) -> None:
    actor = Actor.of(world.agent)
    save_draft(ticket=world.ticket, actor=actor, mode="reply", text="Half a")
    save_draft(ticket=world.ticket, actor=actor, mode="note", text="A note of mine")
    macro = _macro(
        {"do": "assign_me"},
        {"do": "add_tags", "tags": "dock"},
        {"do": "note", "text": "Called {{customer.name}}"},
        {"do": "insert_text", "text": "Hello {{customer.first_name}}"},
        {"do": "snooze", "until": "tomorrow"},
    )

    with verify_action(world.ticket):
        ran = run_macro(macro=macro, ticket=world.ticket, actor=actor)

    ticket = Ticket.objects.get(pk=world.ticket.pk)
    assert (ticket.owner, ticket.status, ran.text, ran.missing) == (world.agent, Status.SNOOZED, "Hello Ann", ())
    assert ticket.snoozed_until_at is not None
    assert ticket.snoozed_until_at > datetime.now(UTC)
    assert Message.objects.get(audience="internal").text == "Called Ann Example"
    assert not OutgoingMail.objects.exists()
    assert set(Draft.objects.values_list("text", flat=True)) == {"Half a", "A note of mine"}
    macro.refresh_from_db()
    assert macro.use_count == 1
    kinds = list(TicketEvent.objects.filter(ticket=ticket, seq__gt=ran.seq_before).order_by("seq").values_list("kind"))
    assert kinds == [("assigned",), ("classified",), ("noted",), ("snoozed",)]


def test_a_step_one_may_not_do_is_marked_and_nothing_runs(world: World) -> None:
    macro = _macro({"do": "add_tags", "tags": "dock"}, {"do": "move", "queue": make_queue(world.team_b).pk})
    actor = Actor.of(world.agent)

    first, second = plan(macro=macro, ticket=Ticket.objects.get(pk=world.ticket.pk), actor=actor)
    assert (first.refusal, second.refusal) == ("", "You can move tickets only to queues of your own teams.")
    with pytest.raises(BadInput, match="was not run"):
        run_macro(macro=macro, ticket=world.ticket, actor=actor)
    assert not world.ticket.tags.exists()


def test_a_light_agent_runs_only_what_he_may_do_himself(world: World) -> None:
    actor = Actor.of(world.light)

    run_macro(macro=_macro({"do": "note", "text": "Seen"}), ticket=world.ticket, actor=actor)
    with pytest.raises(BadInput, match="role"):
        run_macro(macro=_macro({"do": "set_status", "status": "resolved"}), ticket=world.ticket, actor=actor)
    with pytest.raises(NotAllowed):
        run_macro(
            macro=_macro({"do": "note", "text": "x"}), ticket=world.ticket, actor=Actor.of_customer(world.customer)
        )


def test_a_queue_that_is_gone_since_stops_the_macro_with_a_sentence(world: World) -> None:
    queue = make_queue(world.team_a)
    macro = _macro({"do": "move", "queue": queue.pk})
    queue.is_active = False
    queue.save()

    (line,) = plan(macro=macro, ticket=world.ticket, actor=Actor.of(world.agent))

    assert line == Planned("Move to the queue", refusal="Choose a queue that is in use.")


def test_ones_own_macros_come_first_and_those_of_other_teams_not_at_all(world: World) -> None:
    for name, fields in (
        ("everybody", {}),
        ("team", {"team": world.team_a}),
        ("mine", {"owner": world.agent}),
        ("foreign", {"team": world.team_b}),
        ("private", {"owner": world.lead}),
    ):
        Macro.objects.create(name=name, steps=[{"do": "assign_me"}], **fields)

    assert [m.name for m in macros_for(world.ticket, Actor.of(world.agent))] == ["mine", "team", "everybody"]
