"""The people of a ticket and the customers' pages, through the real addresses."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from helpdesk.actions.checklist import add_item, standing_items
from helpdesk.actions.conversation import note, reply
from helpdesk.actions.customers import add_address, give_ticket
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.side_threads import forward
from helpdesk.models import (
    Actor,
    BusinessCalendar,
    Customer,
    CustomField,
    Message,
    Organisation,
    OutgoingMail,
    Participant,
    Queue,
    Status,
    Ticket,
)
from helpdesk.queries.journey import STEPS_SHOWN, journey
from tests.factories import World, make_customer, make_ticket

pytestmark = pytest.mark.django_db
_PARTIAL = {"HX-Request": "true"}


def _post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, headers=_PARTIAL)


def _undo(client: Client, page: str) -> Any:
    address = re.search(r'action="(/undo/[^"]+|/messages/[^"]+/undo/)"', page)
    assert address is not None, "no way to take it back"
    return client.post(address[1].replace("&amp;", "&"), headers=_PARTIAL)


def test_a_message_is_forwarded_from_its_menu_and_taken_back(world: World, agent_client: Client) -> None:
    first = world.ticket.messages.get()
    path = f"/tickets/{world.ticket.number}/side/"
    panel = agent_client.get(f"{path}?message={first.public_id}", headers=_PARTIAL).content.decode()
    assert f"Fwd: {first.subject}" in panel
    assert str(first.public_id) in panel
    page = _post(
        agent_client,
        path,
        message=first.public_id,
        to="Sven <sven@supplier.example>, olga@lab.example",
        text="Known?",
        subject="A dock",
        upload=SimpleUploadedFile("plan.txt", b"plan"),
    ).content.decode()
    message = Message.objects.get(side_thread__isnull=False)
    assert [r["email"] for r in message.recipients] == ["sven@supplier.example", "olga@lab.example"]
    assert (message.subject, [f.name for f in message.attachments.all()]) == ("A dock", ["plan.txt"])
    assert "msg--side" in page
    back = _undo(agent_client, page).content.decode()
    assert OutgoingMail.objects.get().state == OutgoingMail.State.CANCELLED
    assert "Known?" in back
    assert "sven@supplier.example" in back


def test_a_wrong_address_is_said_and_nothing_leaves(world: World, agent_client: Client) -> None:
    path = f"/tickets/{world.ticket.number}/side/"
    for to in ("nobody", "ann@shop.example", ""):
        response = _post(agent_client, path, to=to, text="Hello", subject="Hello")
        assert response.status_code == 422
        assert "toast" in response.content.decode()
    assert not OutgoingMail.objects.exists()


def test_a_note_or_a_foreign_message_cannot_be_named(world: World, agent_client: Client) -> None:
    remark = note(ticket=world.ticket, actor=Actor.of(world.agent), text="Internal")
    for key in (remark.public_id, world.foreign.messages.get().public_id, uuid.uuid4()):
        path = f"/tickets/{world.ticket.number}/side/"
        assert agent_client.get(f"{path}?message={key}").status_code == 404
        assert _post(agent_client, path, message=key, to="a@b.example", text="x").status_code == 404


def test_the_checklist_shows_its_progress_and_a_removed_line_comes_back(world: World, agent_client: Client) -> None:
    path = f"/tickets/{world.ticket.number}/checklist/"
    _post(agent_client, path, do="add", text="Ask for a photo")
    page = _post(agent_client, path, do="add", text="Order a dock").content.decode()
    first, second = standing_items(world.ticket)
    assert "0/2" in page
    page = _post(agent_client, path, do="tick", item=first.pk).content.decode()
    assert "1/2" in page
    _post(agent_client, path, do="down", item=first.pk)
    _post(agent_client, path, do="rename", item=second.pk, text="Order two docks")
    assert [item.text for item in standing_items(world.ticket)] == ["Order two docks", "Ask for a photo"]
    page = _post(agent_client, path, do="remove", item=first.pk).content.decode()
    assert "Removed: Ask for a photo" in page
    _undo(agent_client, page)
    assert len(standing_items(world.ticket)) == 2


def test_resolving_with_open_lines_asks_once_and_does_not_stop(world: World, agent_client: Client) -> None:
    add_item(ticket=world.ticket, actor=Actor.of(world.agent), text="Order a dock")
    path = f"/tickets/{world.ticket.number}/status/"
    asked = _post(agent_client, path, status="resolved").content.decode()
    assert "1 line of the checklist is still to do." in asked
    assert "Order a dock" in asked
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.NEW
    _post(agent_client, path, status="resolved", confirmed="1")
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.RESOLVED


def test_people_are_added_and_removed_and_it_can_be_taken_back(world: World, agent_client: Client) -> None:
    path = f"/tickets/{world.ticket.number}/people/"
    page = _post(agent_client, path, do="copy", email="boss@shop.example").content.decode()
    assert "boss is in copy from now on." in page
    _post(agent_client, path, do="follower", who=world.lead.pk)
    rows = Participant.objects.filter(ticket=world.ticket)
    assert rows.count() == 2
    page = _post(agent_client, path, do="remove", who=rows.get(user=world.lead).pk).content.decode()
    assert rows.count() == 1
    _undo(agent_client, page)
    assert rows.filter(user=world.lead).exists()


def test_the_times_in_each_state_are_shown_with_the_hours_of_the_queue(world: World, agent_client: Client) -> None:
    path = f"/tickets/{world.ticket.number}/times/"
    set_status(ticket=world.ticket, actor=Actor.of(world.agent), status="pending")
    page = agent_client.get(path).content.decode()
    assert "Waiting for the customer" in page
    assert "In hours" not in page
    calendar = BusinessCalendar.objects.create(name="Office", weekly={"mon": [["09:00", "17:00"]]})
    Queue.objects.filter(pk=world.queue_a.pk).update(calendar=calendar)
    assert "In hours" in agent_client.get(path).content.decode()


def test_a_ticket_is_given_to_somebody_else_and_taken_back(world: World, agent_client: Client) -> None:
    dora = make_customer("dora@shop.example", "Dora Other")
    make_ticket(world.queue_a, dora)
    path = f"/tickets/{world.ticket.number}/customer/"
    assert "Dora Other" in agent_client.get(f"{path}?q=dora", headers=_PARTIAL).content.decode()
    page = _post(agent_client, path, source=dora.public_id).content.decode()
    assert Ticket.objects.get(pk=world.ticket.pk).customer == dora
    _undo(agent_client, page)
    assert Ticket.objects.get(pk=world.ticket.pk).customer == world.customer


def test_a_customer_is_edited_in_the_panel_with_own_fields_and_organisation(world: World, agent_client: Client) -> None:
    CustomField.objects.create(on="customer", key="floor", label="Floor", kind="number")
    path = f"/tickets/{world.ticket.number}/customer/{world.customer.public_id}/"
    assert "Floor" in agent_client.get(path, headers=_PARTIAL).content.decode()
    body = {"name": "Ann Example", "tier": "gold", "organisation": "Acme", "own-sent": "1", "own-floor": "3"}
    page = _post(agent_client, path, **body).content.decode()
    assert "Acme" in page
    fresh = Customer.objects.get(pk=world.customer.pk)
    assert (fresh.organisation, fresh.fields, fresh.tier) == (Organisation.objects.get(), {"floor": 3}, "gold")
    assert _post(agent_client, path, **{**body, "own-floor": "third"}).status_code == 422


def test_addresses_are_added_preferred_and_removed_by_their_rules(world: World, agent_client: Client) -> None:
    path = f"/customers/{world.customer.public_id}/addresses/"
    assert _post(agent_client, path, do="add", value="+47 22 33 44 55").status_code == 200
    assert _post(agent_client, path, do="add", value="ann@home.example").status_code == 200
    home = world.customer.addresses.get(value="ann@home.example")
    phone = world.customer.addresses.get(kind="phone")
    assert (phone.value, phone.is_primary, home.is_primary) == ("+4722334455", True, False)
    _post(agent_client, path, do="prefer", address=home.pk)
    assert [a.value for a in world.customer.addresses.filter(kind="email", is_primary=True)] == ["ann@home.example"]
    _post(agent_client, path, do="remove", address=home.pk)
    last = world.customer.addresses.get(kind="email")
    assert last.is_primary
    refused = _post(agent_client, path, do="remove", address=last.pk)
    assert refused.status_code == 422
    assert "last mail address" in refused.content.decode()
    taken = _post(agent_client, path, do="add", value="bob@shop.example").content.decode()
    assert "belongs to another customer" in taken
    assert "Bob" not in taken


def test_customers_are_listed_by_name_and_found_by_name_address_and_number(world: World, agent_client: Client) -> None:
    for n in range(60):
        make_ticket(world.queue_a, make_customer(f"c{n:02}@many.example", f"Many {n:02}"))
    sven = make_customer("sven@supplier.example", "Sven Supplier")
    make_ticket(world.queue_a, sven)
    add_address(customer=sven, actor=Actor.of(world.agent), kind="phone", value="0047 22334455")
    page = agent_client.get("/customers/").content.decode()
    assert "Ann Example" in page
    assert "Bob Foreign" not in page
    cursor = re.search(r'after=([^"]+)"', page)
    assert cursor is not None
    assert "Sven Supplier" in agent_client.get(f"/customers/?after={cursor[1]}").content.decode()
    for asked in ("supp", "SVEN@", "+4722", "22334455"):
        found = agent_client.get("/customers/", {"q": asked}).content.decode()
        assert "Sven Supplier" in found or asked == "22334455"
        assert "Ann Example" not in found
    assert "Bob Foreign" not in agent_client.get("/customers/", {"q": "bob"}).content.decode()


def test_the_list_costs_the_same_queries_for_one_and_for_many(world: World, agent_client: Client) -> None:
    agent_client.get("/customers/")
    counts = []
    for n in (1, 3):
        for m in range(n):
            make_ticket(world.queue_a, make_customer(f"q{n}{m}@many.example"))
        with CaptureQueriesContext(connection) as queries:
            agent_client.get("/customers/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_journey_shows_every_contact_once_and_no_internal_word(world: World, agent_client: Client) -> None:
    sara = Actor.of(world.agent)
    for n in range(STEPS_SHOWN):
        reply(ticket=world.ticket, actor=sara, text=f"Answer {n}")
    note(ticket=world.ticket, actor=sara, text="SECRET note")
    forward(ticket=world.ticket, actor=sara, recipients=[{"kind": "to", "email": "s@x.example"}], text="SECRET to Sven")
    foreign = make_ticket(world.queue_b, world.customer, text="SECRET of the other team")
    other = make_ticket(world.queue_a, world.customer, text="A second thing")
    first = journey(sara, world.customer)
    second = journey(sara, world.customer, first.cursor)
    steps = [*first.steps, *second.steps]
    assert second.cursor == ""
    said = [step.message.pk for step in steps if step.message is not None]
    assert len(said) == len(set(said)) == STEPS_SHOWN + 2
    assert foreign.pk not in {step.ticket.pk for step in steps}
    assert [step.at for step in steps] == sorted((step.at for step in steps), reverse=True)
    page = agent_client.get(f"/customers/{world.customer.public_id}/").content.decode()
    assert "A second thing" in page
    assert "SECRET" not in page
    assert f"#{other.number}" in page


def test_two_customers_are_merged_on_the_page_and_parted_by_one_click(world: World, agent_client: Client) -> None:
    acme = Organisation.objects.create(name="Acme")
    twin = make_customer("ann@home.example", "ann example")
    theirs = make_ticket(world.queue_a, twin)
    Customer.objects.filter(pk__in=[twin.pk, world.customer.pk]).update(organisation=acme)
    page = f"/customers/{world.customer.public_id}/"
    assert "May be the same person" in agent_client.get(page).content.decode()
    dialog = agent_client.get(f"{page}merge/?source={twin.public_id}", headers=_PARTIAL).content.decode()
    assert 'name="keep-name"' in dialog
    response = _post(agent_client, f"{page}merge/", source=twin.public_id, **{"keep-name": "source"})
    assert response["HX-Redirect"] == page
    assert Ticket.objects.get(pk=theirs.pk).customer == world.customer
    assert Customer.objects.get(pk=world.customer.pk).name == "ann example"
    assert agent_client.get(f"/customers/{twin.public_id}/")["Location"] == page
    assert "Part again" in agent_client.get(page).content.decode()
    _post(agent_client, f"{page}unmerge/", source=twin.public_id)
    assert Ticket.objects.get(pk=theirs.pk).customer == twin
    assert Customer.objects.get(pk=world.customer.pk).name == "Ann Example"


def test_a_customer_of_another_team_is_not_there(world: World, agent_client: Client) -> None:
    bob = world.foreign.customer
    for path in ("", "edit/", "journey/", "merge/"):
        assert agent_client.get(f"/customers/{bob.public_id}/{path}").status_code == 404
    give = _post(agent_client, f"/tickets/{world.ticket.number}/customer/", source=bob.public_id)
    assert give.status_code == 422
    source = _post(agent_client, f"/customers/{world.customer.public_id}/merge/", source=bob.public_id)
    assert source.status_code == 422
    give_ticket(ticket=world.foreign, actor=Actor.of(world.manager), customer=world.customer)
    assert Customer.objects.get(pk=bob.pk).merged_into is None
