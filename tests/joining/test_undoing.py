"""Taking back what one has just done: everything stands as before, unless somebody else has changed it since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from helpdesk.actions import BadInput
from helpdesk.actions.assignment import assign_ticket, move_ticket, unassign_ticket
from helpdesk.actions.conversation import note
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.linking import link_tickets, unlink_tickets
from helpdesk.actions.merging import merge_tickets
from helpdesk.actions.splitting import move_messages, split_messages
from helpdesk.actions.triage import classify_ticket
from helpdesk.actions.undoing import UNDO_SECONDS, can_undo, made_since, undo_change
from helpdesk.models import (
    SYSTEM,
    Actor,
    Message,
    Participant,
    Status,
    Ticket,
    TicketLink,
)
from helpdesk.now import frozen, now
from tests.factories import World, make_customer, make_queue, make_ticket
from tests.state import verify_action

pytestmark = pytest.mark.django_db
Change = Callable[[World, Ticket, Actor], Any]


def _rows(ticket: Ticket) -> dict[str, Any]:
    """All that a ticket's row and its hangings say, but for heads of streams and times of change."""
    row: dict[str, Any] = dict(Ticket.objects.filter(pk=ticket.pk).values().get())
    for name in ("seq", "pub_seq", "changed_at"):
        row.pop(name)
    return {
        **row,
        "tags": sorted(Ticket.objects.get(pk=ticket.pk).tags.values_list("name", flat=True)),
        "messages": sorted(ticket.messages.values_list("pk", flat=True)),
        "people": sorted(Participant.objects.filter(ticket=ticket).values_list("customer_id", flat=True)),
        "links": sorted(TicketLink.objects.filter(ticket=ticket).values_list("other_id", "kind")),
    }


def _undo(ticket: Ticket, actor: Actor, seq: int) -> None:
    made = made_since(ticket=ticket, actor=actor, seq=seq)
    assert can_undo(made)
    undo_change(ticket=ticket, actor=actor, first=made[0].seq, last=made[-1].seq)


def _second(world: World) -> Ticket:
    return make_ticket(world.queue_a, world.customer)


def _move(world: World, ticket: Ticket, actor: Actor) -> None:
    target = make_ticket(world.queue_a, make_customer())
    set_status(ticket=target, actor=SYSTEM, status=Status.PENDING)
    move_messages(ticket=ticket, messages=[ticket.messages.all()[0]], target=target, actor=actor, confirmed=True)


CHANGES: dict[str, Change] = {
    "snoozed": lambda w, t, a: set_status(
        ticket=t, actor=a, status=Status.SNOOZED, snoozed_until=now() + timedelta(days=1)
    ),
    "resolved": lambda w, t, a: set_status(ticket=t, actor=a, status=Status.RESOLVED),
    "closed": lambda w, t, a: set_status(ticket=t, actor=a, status=Status.CLOSED),
    "spam": lambda w, t, a: set_status(ticket=t, actor=a, status=Status.SPAM),
    "assigned": lambda w, t, a: assign_ticket(ticket=t, actor=a, owner=w.lead),
    "unassigned": lambda w, t, a: unassign_ticket(ticket=t, actor=a),
    "moved to another queue": lambda w, t, a: move_ticket(ticket=t, actor=a, queue=make_queue(w.team_a)),
    "moved out of the owner's reach": lambda w, t, a: move_ticket(ticket=t, actor=Actor.of(w.admin), queue=w.queue_b),
    "priority": lambda w, t, a: classify_ticket(ticket=t, actor=a, priority=4),
    "tags": lambda w, t, a: classify_ticket(ticket=t, actor=a, add_tags=["new"], remove_tags=["old"]),
    "merged": lambda w, t, a: merge_tickets(survivor=t, sources=[_second(w), _second(w)], actor=a),
    "split": lambda w, t, a: split_messages(ticket=t, messages=[t.messages.all()[0]], actor=a),
    "messages moved": _move,
    "linked": lambda w, t, a: link_tickets(ticket=t, other=_second(w), kind="child", actor=a),
    "unlinked": lambda w, t, a: unlink_tickets(ticket=t, other=w.foreign, kind="related", actor=Actor.of(w.admin)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_undone_change_leaves_the_ticket_as_it_was(world: World, agent: Actor, name: str) -> None:
    ticket = world.ticket
    set_status(ticket=ticket, actor=SYSTEM, status=Status.OPEN)
    classify_ticket(ticket=ticket, actor=SYSTEM, add_tags=["old"])
    assign_ticket(ticket=ticket, actor=SYSTEM, owner=world.agent)
    note(ticket=ticket, actor=SYSTEM, text="A note")
    link_tickets(ticket=ticket, other=world.foreign, kind="related", actor=SYSTEM)
    ticket.refresh_from_db()
    before = _rows(ticket)
    actor = Actor.of(world.admin) if name in {"moved out of the owner's reach", "unlinked"} else agent
    with verify_action(ticket):
        CHANGES[name](world, ticket, actor)
        assert _rows(ticket) != before
        _undo(ticket, actor, ticket.seq)
    assert _rows(ticket) == before


def test_a_split_taken_back_leaves_a_ticket_that_slept_asleep(world: World, agent: Actor) -> None:
    ticket = world.ticket
    note(ticket=ticket, actor=SYSTEM, text="A note")
    set_status(ticket=ticket, actor=SYSTEM, status=Status.SNOOZED, snoozed_until=now() + timedelta(days=1))
    ticket.refresh_from_db()
    before = _rows(ticket)
    with verify_action(ticket):
        split_messages(ticket=ticket, messages=[ticket.messages.all()[0]], actor=agent)
        _undo(ticket, agent, ticket.seq)
    assert _rows(ticket) == before


def test_messages_moved_away_come_back_and_their_target_is_put_aside_again(world: World, agent: Actor) -> None:
    _move(world, world.ticket, agent) if note(ticket=world.ticket, actor=agent, text="Stays") else None
    target = Ticket.objects.order_by("-pk")[0]
    assert target.status == Status.OPEN
    with verify_action(target):
        made = made_since(ticket=world.ticket, actor=agent, seq=world.ticket.seq)[1:]
        undo_change(ticket=world.ticket, actor=agent, first=made[0].seq, last=made[0].seq)
    target.refresh_from_db()
    assert (target.status, target.message_count) == (Status.PENDING, 1)
    assert not Participant.objects.filter(ticket=target).exists()


def test_what_somebody_else_changed_since_is_not_taken_back(world: World, agent: Actor) -> None:
    lead = Actor.of(world.lead)
    changes: list[tuple[Callable[[], Any], Callable[[], Any]]] = [
        (
            lambda: set_status(ticket=world.ticket, actor=agent, status=Status.PENDING),
            lambda: set_status(ticket=world.ticket, actor=lead, status=Status.ON_HOLD),
        ),
        (
            lambda: assign_ticket(ticket=world.ticket, actor=agent, owner=world.agent),
            lambda: assign_ticket(ticket=world.ticket, actor=lead, owner=world.lead),
        ),
        (
            lambda: classify_ticket(ticket=world.ticket, actor=agent, priority=4),
            lambda: classify_ticket(ticket=world.ticket, actor=lead, priority=1),
        ),
    ]
    for mine, theirs in changes:
        world.ticket.refresh_from_db()
        seq = world.ticket.seq
        mine()
        theirs()
        before = _rows(world.ticket)
        with pytest.raises(BadInput, match="changed again since"):
            _undo(world.ticket, agent, seq)
        assert _rows(world.ticket) == before


def test_only_ones_own_change_is_taken_back_once_and_soon(world: World, agent: Actor) -> None:
    seq = world.ticket.seq
    set_status(ticket=world.ticket, actor=agent, status=Status.PENDING)
    for actor in (Actor.of(world.lead), SYSTEM):
        with pytest.raises(BadInput):
            undo_change(ticket=world.ticket, actor=actor, first=seq + 1, last=seq + 1)
    with frozen(now() + timedelta(seconds=UNDO_SECONDS + 1)), pytest.raises(BadInput, match="Too late"):
        undo_change(ticket=world.ticket, actor=agent, first=seq + 1, last=seq + 1)
    undo_change(ticket=world.ticket, actor=agent, first=seq + 1, last=seq + 1)
    with pytest.raises(BadInput):
        undo_change(ticket=world.ticket, actor=agent, first=seq + 1, last=seq + 1)
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.OPEN


def test_a_split_somebody_has_worked_on_is_not_taken_back(world: World, agent: Actor) -> None:
    note(ticket=world.ticket, actor=agent, text="Stays")
    world.ticket.refresh_from_db()
    new = split_messages(ticket=world.ticket, messages=[Message.objects.get(text="Stays")], actor=agent)
    note(ticket=new, actor=Actor.of(world.lead), text="Mine")
    with pytest.raises(BadInput, match="merge it instead"):
        _undo(world.ticket, agent, world.ticket.seq)


def test_a_new_subject_cannot_be_taken_back_since_no_event_keeps_words(world: World, agent: Actor) -> None:
    seq = world.ticket.seq
    classify_ticket(ticket=world.ticket, actor=agent, subject="Other words")
    assert not can_undo(made_since(ticket=world.ticket, actor=agent, seq=seq))
