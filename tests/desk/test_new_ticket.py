"""A ticket written down by the staff: a call becomes the customer's message, and he is found, chosen or made."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from helpdesk.actions import BadInput
from helpdesk.actions.by_hand import write_down
from helpdesk.actions.recipients import reply_recipients
from helpdesk.models import Actor, Channel, Customer, CustomerAddress, Kind, Organisation, Ticket, TicketEvent
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


def _call(world: World, **fields: Any) -> dict[str, Any]:
    """What the page sends for a call."""
    said = {"subject": "It hums", "text": "The dock hums since Monday.", "channel": "phone", "priority": "3"}
    return {**said, "queue": str(world.queue_a.pk), "keeps": "1", **fields}


def test_a_call_of_a_known_customer_becomes_his_message_and_the_writers_ticket(world: World, sara: Client) -> None:
    answer = sara.post("/tickets/new/", _call(world, source=str(world.customer.public_id)))

    ticket = Ticket.objects.get(subject="It hums")
    assert answer["Location"] == f"/tickets/{ticket.number}/"
    assert (ticket.customer, ticket.channel, ticket.priority) == (world.customer, Channel.PHONE, 3)
    assert (ticket.owner, ticket.queue) == (world.agent, world.queue_a)
    (message,) = ticket.messages.all()
    assert (message.author_customer, message.text) == (world.customer, "The dock hums since Monday.")
    kinds = [Kind(kind) for kind in TicketEvent.objects.filter(ticket=ticket).values_list("kind", flat=True)]
    assert kinds[0] == Kind.OPENED
    assert Kind.ASSIGNED in kinds
    assert "Sara Agent wrote down what was said." in sara.get(f"/tickets/{ticket.number}/").content.decode()
    assert reply_recipients(ticket=ticket) == [{"kind": "to", "email": "ann@shop.example", "name": "Ann Example"}]


def test_somebody_new_is_made_with_number_and_address_and_found_by_the_number_next_time(
    world: World, sara: Client
) -> None:
    Organisation.objects.create(name="Brook Ltd", domains=["brook.example"], tier="gold")
    new = {"name": " Cara  Brook ", "phone": "+44 20 7946 0018", "email": "Cara@Brook.example"}
    sara.post("/tickets/new/", _call(world, **new))
    sara.post("/tickets/new/", _call(world, phone="0044 20 79460018", subject="Again", keeps=""))

    cara = Customer.objects.get(name="Cara Brook")
    assert set(CustomerAddress.objects.filter(customer=cara).values_list("value", flat=True)) == {
        "+442079460018",
        "cara@brook.example",
    }
    assert (str(cara.organisation), cara.tier) == ("Brook Ltd", "gold")
    again = Ticket.objects.get(subject="Again")
    assert (again.customer, again.owner) == (cara, None)


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ({}, "Choose the customer"),
        ({"name": "Cara", "subject": " "}, "Say in a few words"),
        ({"name": "Cara", "text": " "}, "Write what it is about"),
        ({"name": "Cara", "phone": "12"}, "5 to 15 digits"),
        ({"name": "Cara", "email": "cara"}, "not a mail address"),
        ({"name": "Cara", "channel": "mail"}, "Unknown channel"),
        ({"name": "Cara", "queue": "0"}, "Choose a queue"),
    ],
)
def test_what_will_not_do_is_said_and_nothing_is_left_behind(
    world: World, sara: Client, entered: dict[str, str], sentence: str
) -> None:
    before = (Ticket.objects.count(), Customer.objects.count())

    answer = sara.post("/tickets/new/", _call(world, **entered))

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert (Ticket.objects.count(), Customer.objects.count()) == before


def test_a_queue_of_another_team_takes_nothing(world: World, sara: Client) -> None:
    page = sara.get("/tickets/new/").content.decode()
    assert f'value="{world.queue_a.pk}"' in page
    assert sara.post("/tickets/new/", _call(world, name="Cara", queue=str(world.queue_b.pk))).status_code == 422
    with pytest.raises(BadInput, match="queue"):
        write_down(actor=Actor.of(world.agent), queue=world.queue_b, subject="x", text="x", name="Cara")


def test_a_light_agent_writes_a_call_down_and_owns_nothing(world: World) -> None:
    client = Client()
    client.force_login(world.light)
    assert 'name="keeps"' not in client.get("/tickets/new/").content.decode()

    client.post("/tickets/new/", _call(world, name="Cara"))

    assert Ticket.objects.get(subject="It hums").owner is None


def test_the_customer_is_found_while_the_name_is_typed_and_preset_from_his_page(world: World, sara: Client) -> None:
    found = sara.get("/tickets/new/", {"q": "ann"}, headers={"HX-Request": "true", "HX-Trigger-Name": "q"})
    assert str(world.customer.public_id) in found.content.decode()
    assert "new-ticket" not in found.content.decode()

    preset = sara.get("/tickets/new/", {"customer": str(world.customer.public_id)}).content.decode()
    assert f'value="{world.customer.public_id}" checked' in preset
    assert (
        f"/tickets/new/?customer={world.customer.public_id}"
        in sara.get(f"/customers/{world.customer.public_id}/").content.decode()
    )
