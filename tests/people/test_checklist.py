"""The checklist of a ticket: lines come, are ticked, move and come back."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.checklist import (
    add_item,
    move_item,
    open_count,
    remove_item,
    rename_item,
    restore_item,
    standing_items,
    tick_item,
)
from helpdesk.actions.undoing import made_since, undo_change
from helpdesk.models import Actor, Kind, Ticket, TicketEvent
from helpdesk.sentences import Names, sentence
from tests.factories import World
from tests.state import verify_action

pytestmark = pytest.mark.django_db


def _texts(ticket: Ticket) -> list[str]:
    return [item.text for item in standing_items(ticket)]


def test_lines_are_added_ticked_renamed_and_put_in_order(world: World) -> None:
    sara = Actor.of(world.agent)
    with verify_action(world.ticket):
        first, second, third = (
            add_item(ticket=world.ticket, actor=sara, text=words) for words in ("  Ask   for a photo ", "Order", "Call")
        )
        tick_item(ticket=world.ticket, actor=sara, item=second.pk, done=True)
        rename_item(ticket=world.ticket, actor=sara, item=first.pk, text="Ask for two photos")
        move_item(ticket=world.ticket, actor=sara, item=third.pk, to=0)
    assert _texts(world.ticket) == ["Call", "Ask for two photos", "Order"]
    assert open_count(world.ticket) == 2
    changes = TicketEvent.objects.filter(ticket=world.ticket, kind=Kind.CHECKLIST_CHANGED).order_by("seq")
    assert [event.data["change"] for event in changes] == ["added", "added", "added", "done", "renamed", "moved"]
    assert not any("photo" in str(event.data) for event in changes)


def test_the_timeline_names_people_and_lines_in_one_question_however_many_there_are(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sara = Actor.of(world.agent)
    first = add_item(ticket=world.ticket, actor=sara, text="Ask for a photo")
    tick_item(ticket=world.ticket, actor=sara, item=first.pk, done=True)
    add_item(ticket=world.ticket, actor=sara, text="Order the part")
    remove_item(ticket=world.ticket, actor=sara, item=first.pk)
    events = list(TicketEvent.objects.filter(ticket=world.ticket, kind=Kind.CHECKLIST_CHANGED).order_by("seq"))

    with django_assert_num_queries(1):  # the people and the lines
        names = Names(events)

    assert [sentence(event, "en", names) for event in events] == [
        "Sara Agent added to the checklist: “Ask for a photo”.",
        "Sara Agent ticked off: “Ask for a photo”.",
        "Sara Agent added to the checklist: “Order the part”.",
        "Sara Agent removed from the checklist: “Ask for a photo”.",
    ]


def test_a_removed_line_comes_back_to_its_place_with_its_tick(world: World) -> None:
    sara = Actor.of(world.agent)
    lines = [add_item(ticket=world.ticket, actor=sara, text=words) for words in ("One", "Two", "Three")]
    tick_item(ticket=world.ticket, actor=sara, item=lines[1].pk, done=True)
    remove_item(ticket=world.ticket, actor=sara, item=lines[1].pk)
    assert _texts(world.ticket) == ["One", "Three"]
    back = restore_item(ticket=world.ticket, actor=sara, item=lines[1].pk)
    assert _texts(world.ticket) == ["One", "Two", "Three"]
    assert back.done_at is not None


def test_what_was_done_to_a_line_is_taken_back_by_the_stream(world: World) -> None:
    sara = Actor.of(world.agent)
    line = add_item(ticket=world.ticket, actor=sara, text="One")
    world.ticket.refresh_from_db()
    seq = world.ticket.seq
    remove_item(ticket=world.ticket, actor=sara, item=line.pk)
    made = made_since(ticket=world.ticket, actor=sara, seq=seq)
    undo_change(ticket=world.ticket, actor=sara, first=made[0].seq, last=made[-1].seq)
    assert _texts(world.ticket) == ["One"]


def test_empty_lines_lines_of_other_tickets_and_too_many_are_refused(world: World) -> None:
    sara = Actor.of(world.agent)
    with pytest.raises(BadInput, match="what is to be done"):
        add_item(ticket=world.ticket, actor=sara, text=" \x00 ")
    foreign = add_item(ticket=world.foreign, actor=Actor.of(world.other_agent), text="Theirs")
    with pytest.raises(BadInput, match="no longer"):
        tick_item(ticket=world.ticket, actor=sara, item=foreign.pk, done=True)
    with pytest.raises(BadInput, match="not removed"):
        restore_item(ticket=world.ticket, actor=sara, item=foreign.pk)


def test_a_light_agent_reads_the_list_and_changes_nothing(world: World) -> None:
    with pytest.raises(NotAllowed):
        add_item(ticket=world.ticket, actor=Actor.of(world.light), text="Mine")
    assert _texts(world.ticket) == []
