"""Two customers turn out to be one person, and are parted again."""

from __future__ import annotations

from typing import Any

import pytest

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.conversation import note
from helpdesk.actions.customer_merging import conflicts, merge_customers, unmerge_customers
from helpdesk.actions.customers import edit_customer, give_ticket, set_blocked
from helpdesk.actions.participants import add_copy
from helpdesk.actions.portal_entry import ask_code, code_of, live_session, sign_in
from helpdesk.models import (
    Actor,
    Customer,
    CustomerAddress,
    CustomerMerge,
    Kind,
    Message,
    Organisation,
    Participant,
    Ticket,
    TicketEvent,
    Tier,
)
from tests.factories import World, mail, make_customer, make_ticket, receive
from tests.state import verify_action

pytestmark = pytest.mark.django_db


@pytest.fixture
def twin(world: World) -> Customer:
    """Ann again, under her private address, with a ticket of her own."""
    twin = make_customer("ann@home.example", "Ann E.")
    make_ticket(world.queue_a, twin, subject="From home")
    return twin


def _state(customer: Customer) -> dict[str, Any]:
    """Everything that hangs on a customer."""
    fresh = Customer.objects.get(pk=customer.pk)
    return {
        "facts": [fresh.name, fresh.organisation_id, fresh.tier, fresh.language, fresh.notes, fresh.fields],
        "addresses": list(fresh.addresses.order_by("pk").values_list("value", "is_primary")),
        "tickets": list(fresh.tickets.order_by("pk").values_list("pk", flat=True)),
        "places": list(
            Participant.objects.filter(customer=fresh).order_by("ticket_id").values_list("ticket_id", "added_at")
        ),
        "wrote": list(Message.objects.filter(author_customer=fresh).order_by("pk").values_list("pk", flat=True)),
        "merged_into": fresh.merged_into_id,
    }


def test_addresses_tickets_places_and_authorship_go_to_the_one_kept(world: World, twin: Customer) -> None:
    sara = Actor.of(world.agent)
    add_copy(ticket=world.foreign, actor=Actor.of(world.manager), email="ann@home.example")
    theirs = twin.tickets.get()
    with verify_action(theirs), verify_action(world.foreign):
        merge_customers(target=world.customer, source=twin, actor=sara)
    kept = _state(world.customer)
    assert kept["addresses"] == [("ann@shop.example", True), ("ann@home.example", False)]
    assert kept["tickets"] == [world.ticket.pk, theirs.pk]
    assert [ticket for ticket, _at in kept["places"]] == [world.foreign.pk]
    assert len(kept["wrote"]) == 2
    assert _state(twin) == {
        "facts": ["Ann E.", None, "standard", "", "", {}],
        "addresses": [],
        "tickets": [],
        "places": [],
        "wrote": [],
        "merged_into": world.customer.pk,
    }
    event = TicketEvent.objects.get(ticket=theirs, kind=Kind.CUSTOMER_CHANGED)
    assert event.data == {"customer": world.customer.pk, "previous": twin.pk}


def test_parting_returns_exactly_what_moved(world: World, twin: Customer) -> None:
    manager = Actor.of(world.manager)
    add_copy(ticket=world.foreign, actor=manager, email="ann@home.example")
    add_copy(ticket=world.ticket, actor=manager, email="ann@home.example")
    add_copy(ticket=twin.tickets.get(), actor=manager, email="ann@shop.example")
    Customer.objects.filter(pk=twin.pk).update(notes="Likes tea.", tier=Tier.GOLD, fields={"floor": "3", "badge": "9"})
    Customer.objects.filter(pk=world.customer.pk).update(fields={"floor": "1"})
    before = (_state(world.customer), _state(twin))
    merge_customers(target=world.customer, source=twin, actor=manager)
    assert not Participant.objects.filter(ticket__in=[world.ticket, *twin.tickets.all()]).exists()
    unmerge_customers(source=twin, actor=manager)
    assert (_state(world.customer), _state(twin)) == before


def test_what_came_after_the_merge_stays_with_the_one_kept(world: World, twin: Customer) -> None:
    sara = Actor.of(world.agent)
    merge_customers(target=world.customer, source=twin, actor=sara)
    (row,) = receive(mail("Later", sender="Ann <ann@home.example>"), mailbox=world.mailbox)
    edit_customer(customer=world.customer, actor=sara, name="Ann Example-Smith", tier="vip")
    unmerge_customers(source=twin, actor=sara)
    assert row.ticket is not None
    assert row.ticket.customer == world.customer
    assert Customer.objects.get(pk=world.customer.pk).name == "Ann Example-Smith"
    assert [address.value for address in twin.addresses.all()] == ["ann@home.example"]


def test_fields_are_united_and_the_choice_decides_where_both_say_something(world: World, twin: Customer) -> None:
    acme = Organisation.objects.create(name="Acme")
    Customer.objects.filter(pk=twin.pk).update(
        organisation=acme, language="nb", tier=Tier.GOLD, fields={"floor": "3", "badge": "9"}, notes="Second"
    )
    Customer.objects.filter(pk=world.customer.pk).update(language="en", fields={"floor": "1"}, notes="First")
    world.customer.refresh_from_db()
    twin.refresh_from_db()
    assert conflicts(world.customer, twin) == ["name", "language"]
    merge_customers(
        target=world.customer,
        source=twin,
        actor=Actor.of(world.agent),
        choices={"language": "source", "own-floor": "source"},
    )
    world.customer.refresh_from_db()
    assert (world.customer.name, world.customer.language, world.customer.tier) == ("Ann Example", "nb", "gold")
    assert world.customer.organisation == acme
    assert world.customer.fields == {"floor": "3", "badge": "9"}
    assert world.customer.notes == "First\n\nSecond"


def test_sessions_on_their_own_pages_end(world: World, twin: Customer) -> None:
    keys = []
    for email in ("ann@shop.example", "ann@home.example"):
        entrance = sign_in(email=email, code=code_of(ask_code(email=email, language="en")))
        assert entrance is not None
        keys.append(entrance.key)
        assert live_session(entrance.key) is not None
    merge_customers(target=world.customer, source=twin, actor=Actor.of(world.agent))
    assert [live_session(key) for key in keys] == [None, None]


def test_what_cannot_be_merged_is_refused_in_a_sentence(world: World, twin: Customer) -> None:
    sara = Actor.of(world.agent)
    with pytest.raises(BadInput, match="himself"):
        merge_customers(target=twin, source=twin, actor=sara)
    set_blocked(customer=twin, actor=sara, blocked=True)
    with pytest.raises(BadInput, match=r"Ann E\. is blocked"):
        merge_customers(target=world.customer, source=twin, actor=sara)
    set_blocked(customer=twin, actor=sara, blocked=False)
    with pytest.raises(NotAllowed):
        merge_customers(target=world.customer, source=twin, actor=Actor.of(world.light))
    with pytest.raises(BadInput, match="not merged"):
        unmerge_customers(source=twin, actor=sara)
    merge_customers(target=world.customer, source=twin, actor=sara)
    with pytest.raises(BadInput, match="already merged into Ann Example"):
        merge_customers(target=make_customer(), source=twin, actor=sara)
    assert CustomerMerge.objects.count() == 1


def test_a_chain_of_merges_is_parted_from_its_end(world: World, twin: Customer) -> None:
    sara, third = Actor.of(world.agent), make_customer("third@shop.example", "Third")
    merge_customers(target=world.customer, source=twin, actor=sara)
    merge_customers(target=third, source=world.customer, actor=sara)
    assert third.addresses.count() == 3
    with pytest.raises(BadInput, match="part that first"):
        unmerge_customers(source=twin, actor=sara)
    unmerge_customers(source=world.customer, actor=sara)
    unmerge_customers(source=twin, actor=sara)
    assert [address.value for address in twin.addresses.all()] == ["ann@home.example"]


def test_an_address_that_went_elsewhere_and_a_ticket_given_away_are_left_alone(world: World, twin: Customer) -> None:
    sara, dora = Actor.of(world.agent), make_customer("dora@other.example", "Dora")
    theirs = twin.tickets.get()
    merge_customers(target=world.customer, source=twin, actor=sara)
    CustomerAddress.objects.filter(value="ann@home.example").update(customer=dora)
    with pytest.raises(BadInput, match=r"ann@home\.example belongs to Dora"):
        unmerge_customers(source=twin, actor=sara)
    CustomerAddress.objects.filter(value="ann@home.example").update(customer=world.customer)
    give_ticket(ticket=theirs, actor=sara, customer=dora)
    unmerge_customers(source=twin, actor=sara)
    assert Ticket.objects.get(pk=theirs.pk).customer == dora


def test_a_note_stays_internal_for_the_one_kept(world: World, twin: Customer) -> None:
    theirs = twin.tickets.get()
    note(ticket=theirs, actor=Actor.of(world.agent), text="Careful")
    merge_customers(target=world.customer, source=twin, actor=Actor.of(world.agent))
    seen = Message.objects.visible_to(Actor.of_customer(world.customer))
    assert seen.filter(ticket=theirs).exists()
    assert not seen.filter(text="Careful").exists()
