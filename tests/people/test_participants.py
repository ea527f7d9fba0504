"""People in copy and colleagues who follow."""

from __future__ import annotations

import pytest

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.customers import give_ticket
from helpdesk.actions.participants import add_copy, add_follower, remove_participant
from helpdesk.actions.undoing import made_since, undo_change
from helpdesk.models import Actor, Customer, Message, Participant, Ticket
from tests.factories import World, make_customer
from tests.state import verify_action

pytestmark = pytest.mark.django_db


def _undo_since(ticket: Ticket, actor: Actor, seq: int) -> None:
    made = made_since(ticket=ticket, actor=actor, seq=seq)
    ticket.refresh_from_db()
    undo_change(ticket=ticket, actor=actor, first=made[0].seq, last=made[-1].seq)


def test_somebody_in_copy_reads_what_comes_from_now_on(world: World) -> None:
    row = add_copy(ticket=world.ticket, actor=Actor.of(world.agent), email=" Boss@Shop.example ", name="The Boss")
    assert row.customer is not None
    assert str(row.customer) == "The Boss"
    boss = Actor.of_customer(row.customer)
    assert Ticket.objects.visible_to(boss).get() == world.ticket
    assert not Message.objects.visible_to(boss).exists()


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("no address", "is not a mail address"),
        ("support@halden.example", "our own mailboxes"),
        ("support+10001@halden.example", "our own mailboxes"),
        ("ann@shop.example", "own"),
    ],
)
def test_who_cannot_be_in_copy_is_said_in_a_sentence(world: World, email: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        add_copy(ticket=world.ticket, actor=Actor.of(world.agent), email=email)
    assert not Participant.objects.filter(ticket=world.ticket).exists()


def test_a_colleague_follows_but_only_what_he_may_see(world: World) -> None:
    sara = Actor.of(world.agent)
    with pytest.raises(BadInput, match="a colleague"):
        add_copy(ticket=world.ticket, actor=sara, email=world.lead.email)
    with verify_action(world.ticket):
        add_follower(ticket=world.ticket, actor=sara, user=world.lead)
    with pytest.raises(BadInput, match="already"):
        add_follower(ticket=world.ticket, actor=sara, user=world.lead)
    with pytest.raises(BadInput, match="may not see"):
        add_follower(ticket=world.ticket, actor=sara, user=world.other_agent)


def test_a_light_agent_follows_himself_and_nobody_else(world: World) -> None:
    light = Actor.of(world.light)
    row = add_follower(ticket=world.ticket, actor=light, user=world.light)
    with pytest.raises(NotAllowed):
        add_follower(ticket=world.ticket, actor=light, user=world.agent)
    remove_participant(ticket=world.ticket, actor=light, participant=row.pk)
    assert not Participant.objects.filter(ticket=world.ticket).exists()


def test_who_is_removed_loses_the_ticket_and_gets_all_of_it_back_by_undoing(world: World) -> None:
    sara = Actor.of(world.agent)
    row = add_copy(ticket=world.ticket, actor=sara, email="boss@shop.example")
    assert row.customer is not None
    world.ticket.refresh_from_db()
    seq = world.ticket.seq
    remove_participant(ticket=world.ticket, actor=sara, participant=row.pk)
    assert not Ticket.objects.visible_to(Actor.of_customer(row.customer)).exists()
    _undo_since(world.ticket, sara, seq)
    assert Participant.objects.get(ticket=world.ticket).added_at == row.added_at


def test_a_ticket_is_given_to_whom_it_belongs_and_taken_back(world: World) -> None:
    sara, dora = Actor.of(world.agent), make_customer("dora@other.example", "Dora")
    world.ticket.refresh_from_db()
    seq = world.ticket.seq
    with verify_action(world.ticket):
        give_ticket(ticket=world.ticket, actor=sara, customer=dora, keep_in_copy=True)
    assert _seen(dora) == [world.ticket]
    assert _seen(world.customer) == [world.ticket]
    _undo_since(world.ticket, sara, seq)
    assert _seen(dora) == []
    assert _seen(world.customer) == [world.ticket]
    assert not Participant.objects.filter(ticket=world.ticket).exists()


def test_without_a_place_in_copy_the_one_before_reads_it_no_more(world: World) -> None:
    dora = make_customer("dora@other.example", "Dora")
    give_ticket(ticket=world.ticket, actor=Actor.of(world.agent), customer=dora)
    assert _seen(world.customer) == []
    with pytest.raises(BadInput, match="already"):
        give_ticket(ticket=world.ticket, actor=Actor.of(world.agent), customer=dora)


def _seen(customer: Customer) -> list[Ticket]:
    return list(Ticket.objects.visible_to(Actor.of_customer(customer)))
