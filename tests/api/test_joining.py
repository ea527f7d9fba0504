"""Joining and parting tickets over the API: what happens, what is asked, what looks as if it were not there."""

from __future__ import annotations

import pytest

from helpdesk.models import Kind, Ticket, TicketEvent, TicketLink
from tests.api.conftest import Caller
from tests.factories import World, make_customer, make_ticket


@pytest.fixture
def second(world: World) -> Ticket:
    """Another ticket of the same customer."""
    return make_ticket(world.queue_a, world.customer, text="More")


def test_tickets_are_merged_and_parted_again(api: Caller, world: World, second: Ticket) -> None:
    merged = api.post(f"tickets/{world.ticket.public_id}/merge/", {"sources": [str(second.public_id)]})
    assert (merged.status_code, merged.json()["message_count"]) == (200, 2)
    source = api.get(f"tickets/{second.public_id}/").json()
    assert (source["status"], source["merged_into"]) == ("closed", str(world.ticket.public_id))
    parted = api.post(f"tickets/{second.public_id}/unmerge/").json()
    assert (parted["status"], parted["merged_into"], parted["message_count"]) == ("new", None, 1)


def test_events_of_a_merge_name_tickets_by_public_ids_and_keep_keys_inside(
    api: Caller, world: World, second: Ticket
) -> None:
    api.post(f"tickets/{world.ticket.public_id}/merge/", {"sources": [str(second.public_id)]})
    rows = api.get(f"tickets/{world.ticket.public_id}/events/").json()["data"]
    (merged,) = [row["data"] for row in rows if row["type"] == "ticket.merged"]
    assert merged == {"source": str(second.public_id), "number": second.number, "messages": 1}


def test_different_customers_are_a_conflict_until_confirmed(api: Caller, world: World) -> None:
    other = make_ticket(world.queue_a, make_customer())
    path, body = f"tickets/{world.ticket.public_id}/merge/", {"sources": [str(other.public_id)]}
    refused = api.post(path, body)
    assert (refused.status_code, refused.json()["code"]) == (409, "customers_differ")
    assert api.post(path, {**body, "confirmed": True}).status_code == 200


def test_a_change_meanwhile_stops_a_merge(api: Caller, world: World, second: Ticket) -> None:
    body = {"sources": [str(second.public_id)]}
    old = f'"{world.ticket.seq - 1}"'
    assert api.post(f"tickets/{world.ticket.public_id}/merge/", body, If_Match=old).status_code == 412
    now = f'"{Ticket.objects.get(pk=world.ticket.pk).seq}"'
    assert api.post(f"tickets/{world.ticket.public_id}/merge/", body, If_Match=now).status_code == 200


def test_other_tickets_out_of_sight_are_refused_like_those_that_never_were(api: Caller, world: World) -> None:
    path = f"tickets/{world.ticket.public_id}"
    for key in (world.foreign.public_id, "00000000-0000-4000-8000-000000000000"):
        answers = [
            api.post(f"{path}/merge/", {"sources": [str(key)]}),
            api.post(f"{path}/links/", {"ticket": str(key), "kind": "related"}),
        ]
        assert [answer.status_code for answer in answers] == [400, 400]
        assert "There is none with this id that you may see." in answers[0].json()["errors"][0]["message"]
    assert not TicketLink.objects.exists()


def test_messages_are_split_off_and_moved(api: Caller, world: World, second: Ticket) -> None:
    note = api.post(f"tickets/{world.ticket.public_id}/note/", {"text": "Elsewhere"}).json()["id"]
    new = api.post(f"tickets/{world.ticket.public_id}/split/", {"messages": [note], "subject": "Own"})
    assert (new.status_code, new.json()["subject"], new.json()["message_count"]) == (201, "Own", 1)
    left = api.post(
        f"tickets/{world.ticket.public_id}/move-messages/", {"messages": [note], "ticket": str(second.public_id)}
    )
    assert (left.status_code, left.json()["errors"][0]["field"]) == (400, "messages")


def test_links_read_the_same_from_both_ends(api: Caller, world: World, second: Ticket) -> None:
    one, other = world.ticket.public_id, second.public_id
    api.post(f"tickets/{one}/links/", {"ticket": str(other), "kind": "parent"})
    (here,) = api.get(f"tickets/{one}/links/").json()["data"]
    (there,) = api.get(f"tickets/{other}/links/").json()["data"]
    assert (here["kind"], here["is_here"], here["ticket"]["id"]) == ("child", True, str(other))
    assert (there["kind"], there["is_here"], there["ticket"]["id"]) == ("child", False, str(one))
    assert api.post(f"tickets/{other}/unlink/", {"ticket": str(one), "kind": "child"}).status_code == 200
    kinds = TicketEvent.objects.filter(ticket=world.ticket, kind__in=[Kind.LINKED, Kind.UNLINKED]).order_by("seq")
    assert [event.kind for event in kinds] == ["linked", "unlinked"]
