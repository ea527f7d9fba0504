"""One's own ticket in the address and somebody else's row in the rest: nothing foreign is reached, named or changed by it."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test import Client

from helpdesk.models import Attachment, Message, SavedView, Ticket
from helpdesk.now import now
from tests.security.rooms import NEEDLE, Rooms, furnish

pytestmark = pytest.mark.django_db


@pytest.fixture
def rooms(db: None) -> Rooms:
    """Two teams with everything a ticket has."""
    return furnish()


def _rows(*tables: str) -> list[tuple[object, ...]]:
    """Every row of the tables, so that any change shows."""
    found: list[tuple[object, ...]] = []
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT '{table}', t.* FROM {table} t ORDER BY id")
            found += cursor.fetchall()
    return found


FOREIGN_TABLES = (
    "helpdesk_ticket",
    "helpdesk_message",
    "helpdesk_attachment",
    "helpdesk_customer",
    "helpdesk_savedview",
)


def _foreign_rows(rooms: Rooms) -> list[tuple[object, ...]]:
    key = rooms.world.foreign.pk
    tickets = _rows("helpdesk_ticket")
    return [row for row in tickets if key in row] + _rows("helpdesk_customer")


def test_somebody_elses_customer_is_not_reached_through_ones_own_ticket(rooms: Rooms) -> None:
    client, before = rooms.client("agent"), _foreign_rows(rooms)
    address = f"/tickets/{rooms.world.ticket.number}/customer/{rooms.foreign_customer}/"

    assert client.get(address).status_code == 404
    assert client.post(address, {"name": "Taken over", "tier": "vip"}).status_code == 404
    assert _foreign_rows(rooms) == before


def test_a_ticket_is_given_to_nobody_outside_its_team(rooms: Rooms) -> None:
    for key in (rooms.world.other_agent.pk, 10**9, -1, "x", "1 or 1=1"):
        rooms.client("agent").post(f"/tickets/{rooms.world.ticket.number}/owner/", {"owner": str(key)})

        assert Ticket.objects.get(pk=rooms.world.ticket.pk).owner_id is None


def test_an_agent_moves_no_ticket_into_a_queue_he_does_not_see(rooms: Rooms) -> None:
    for key in (rooms.world.queue_b.pk, 10**9, "x"):
        rooms.client("agent").post(f"/tickets/{rooms.world.ticket.number}/queue/", {"queue": str(key)})

        assert Ticket.objects.get(pk=rooms.world.ticket.pk).queue_id == rooms.world.queue_a.pk


def _upload_of(rooms: Rooms, ticket: Ticket, who: str) -> Attachment:
    return Attachment.objects.create(
        ticket=ticket,
        uploaded_by=getattr(rooms.world, who),
        name="secret.txt",
        content_type="text/plain",
        size=1,
        sha256="0" * 64,
        created_at=now(),
    )


@pytest.mark.parametrize("which", ["a colleague's upload", "an upload on a foreign ticket", "a foreign file", "none"])
def test_a_reply_takes_along_no_file_but_ones_own_upload_for_this_ticket(which: str, rooms: Rooms) -> None:
    world = rooms.world
    key = {
        "a colleague's upload": lambda: _upload_of(rooms, world.ticket, "lead").public_id,
        "an upload on a foreign ticket": lambda: _upload_of(rooms, world.foreign, "agent").public_id,
        "a foreign file": lambda: rooms.foreign_file,
        "none": uuid.uuid4,
    }[which]()
    before = Message.objects.count()

    rooms.client("agent").post(
        f"/tickets/{world.ticket.number}/send/", {"mode": "reply", "text": "With file", "file": str(key)}
    )

    assert Message.objects.count() == before
    assert not Attachment.objects.filter(public_id=key, message__ticket=world.ticket).exists()


def test_a_file_uploaded_by_another_cannot_be_thrown_away(rooms: Rooms) -> None:
    theirs = _upload_of(rooms, rooms.world.ticket, "lead")

    rooms.client("agent").post(f"/files/{theirs.public_id}/discard/")

    assert Attachment.objects.filter(pk=theirs.pk).exists()


def test_a_bulk_change_touches_only_what_one_sees(rooms: Rooms) -> None:
    client, before = rooms.client("agent"), _foreign_rows(rooms)
    numbers = [str(rooms.world.foreign.number), "999999", str(rooms.world.ticket.number)]
    for change in ("resolved", "spam", "closed", "take", "status:resolved", "tag"):
        client.post("/bulk/", {"number": numbers, "change": change, "tag": "taken"})

    assert _foreign_rows(rooms) == before


def test_recipients_are_not_suggested_from_foreign_tickets(rooms: Rooms) -> None:
    for words in ("bob", "Bob Foreign", "shop.example", "%", "_", ""):
        page = rooms.client("agent").get(
            f"/tickets/{rooms.world.ticket.number}/recipients/", {"q": words, "term": words}
        )

        assert b"bob@shop.example" not in page.content


def test_a_view_of_another_is_neither_opened_nor_changed(rooms: Rooms) -> None:
    client = rooms.client("agent")

    assert client.get(f"/inbox/view-{rooms.private_view}/").status_code in {302, 404}
    client.post(f"/views/{rooms.private_view}/", {"name": "Mine now"})
    client.post(f"/views/{rooms.private_view}/", {"delete": "1"})

    assert SavedView.objects.get(pk=rooms.private_view).name == "Private"


def test_no_page_of_an_outsider_holds_the_words_of_a_foreign_note(rooms: Rooms) -> None:
    """The note stands in a ticket of team B; an agent of team A opens everything he can name."""
    client = rooms.client("agent")
    foreign, own = rooms.world.foreign, rooms.world.ticket
    pages = [f"/tickets/{foreign.number}/", f"/tickets/{foreign.number}/changes/?since=0", f"/tickets/{own.number}/"]
    pages += [
        f"/api/v1/tickets/{foreign.public_id}",
        f"/api/v1/events?q={NEEDLE}",
        f"/inbox/team/?q={NEEDLE}",
        "/api/v1/events",
    ]
    for page in pages:
        body = client.get(page).content.decode()
        assert body.count(NEEDLE) <= page.count(NEEDLE) * 4, page  # a search shows again what was searched for
        assert "Theirs" not in body


@pytest.mark.parametrize("number", ["0", "-1", "999999999999999999999999", "1e3", "١٠٠٣"])
def test_numbers_that_are_none_are_not_found(number: str, rooms: Rooms) -> None:
    client: Client = rooms.client("agent")

    assert client.get(f"/tickets/{number}/").status_code == 404
