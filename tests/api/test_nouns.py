"""Customers, events, queues, tags, issue types and colleagues over the API."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from helpdesk.actions.conversation import note, reply
from helpdesk.actions.feed import number_events
from helpdesk.actions.side_threads import forward
from helpdesk.models import Actor, AuditEntry, Customer, IssueType, Tag
from tests.api.conftest import Caller, MakeCaller
from tests.factories import World, make_customer, make_ticket


def test_a_customer_is_found_by_address_only_by_those_who_see_a_ticket_of_his(
    api: Caller, as_: MakeCaller, world: World
) -> None:
    found = api.get("customers/?email=ANN@shop.example").json()["data"]
    assert [c["name"] for c in found] == ["Ann Example"]
    assert api.get("customers/?email=bob@shop.example&with_total=1").json()["meta"]["total"] == 0
    assert api.get("customers/?name=bob").json()["data"] == []
    assert api.get(f"customers/{world.foreign.customer.public_id}/").status_code == 404
    assert [c["name"] for c in as_("manager").get("customers/").json()["data"]] == ["Ann Example", "Bob Foreign"]


def test_correcting_a_customer_changes_what_is_given_and_is_in_the_audit_book(api: Caller, world: World) -> None:
    address = f"customers/{world.customer.public_id}/"
    row = api.patch(address, {"tier": "gold", "time_zone": "Asia/Tehran"}).json()
    assert (row["name"], row["tier"], row["time_zone"]) == ("Ann Example", "gold", "Asia/Tehran")
    assert AuditEntry.objects.get(action="customer.edited").data == {"fields": ["tier", "time_zone"]}
    for wrong in ({"time_zone": "Mars/Olympus"}, {"tier": "platinum"}, {"is_blocked": True}, {"language": "x y"}):
        assert api.patch(address, wrong).status_code == 400
    assert api.patch(f"customers/{world.foreign.customer.public_id}/", {"tier": "vip"}).status_code == 404


def test_the_mass_of_a_customers_columns_cannot_be_assigned(api: Caller, world: World) -> None:
    before = Customer.objects.filter(pk=world.customer.pk).values().get()
    for name in (f.name for f in Customer._meta.get_fields()):
        if name not in {"name", "tier", "language", "time_zone", "notes"}:
            assert api.patch(f"customers/{world.customer.public_id}/", {name: "x"}).status_code == 400
    assert Customer.objects.filter(pk=world.customer.pk).values().get() == before


def test_the_feed_passes_nothing_by_and_stands_still_when_nothing_is_new(as_: MakeCaller, world: World) -> None:
    manager = as_("manager")
    assert manager.get("events/").json()["data"] == []
    number_events()
    page = manager.get("events/?page[size]=1").json()
    assert (page["data"][0]["type"], page["meta"]["has_more"]) == ("ticket.opened", True)
    cursor = page["meta"]["after_cursor"]
    rest = manager.get(f"events/?after={cursor}").json()
    assert len(rest["data"]) == 1
    end = rest["meta"]["after_cursor"]
    assert manager.get(f"events/?after={end}").json()["meta"] == {"has_more": False, "after_cursor": end}
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="New")
    assert manager.get(f"events/?after={end}").json()["data"] == []
    number_events()
    assert [e["type"] for e in manager.get(f"events/?after={end}").json()["data"]] == ["ticket.noted"]


def test_the_feed_of_an_agent_holds_only_what_happened_to_tickets_he_sees(api: Caller, world: World) -> None:
    number_events()
    assert {e["ticket"] for e in api.get("events/").json()["data"]} == {str(world.ticket.public_id)}


def test_events_speak_of_public_ids_and_leave_inner_keys_inside(api: Caller, world: World) -> None:
    message = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Hello")
    events = api.get(f"tickets/{world.ticket.public_id}/events/").json()["data"]
    assert [(e["seq"], e["type"]) for e in events] == [
        (1, "ticket.opened"),
        (2, "ticket.replied"),
        (3, "ticket.assigned"),
        (4, "ticket.pending"),
    ]
    replied = events[1]
    assert replied["actor"] == {"kind": "agent", "user": world.agent.pk, "customer": None}
    assert replied["data"]["message"] == str(message.public_id)
    assert "outgoing" not in replied["data"]
    assert events[0]["actor"]["customer"] == str(world.customer.public_id)
    assert [e["seq"] for e in api.get(f"tickets/{world.ticket.public_id}/events/?after=2").json()["data"]] == [3, 4]


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 19])
def test_a_cursor_of_the_feed_is_a_plain_number(api: Caller, after: str) -> None:
    assert api.get(f"events/?after={after}").status_code == 400


def test_queues_and_colleagues_are_those_of_ones_teams_and_managers_see_all(
    api: Caller, as_: MakeCaller, world: World
) -> None:
    assert [q["name"] for q in api.get("queues/").json()["data"]] == ["Hardware"]
    assert {u["id"] for u in api.get("users/").json()["data"]} == {world.light.pk, world.agent.pk, world.lead.pk}
    manager = as_("manager")
    assert [q["name"] for q in manager.get("queues/").json()["data"]] == ["Hardware", "Billing"]
    assert len(manager.get("users/").json()["data"]) == 6
    assert set(manager.get("users/").json()["data"][0]) == {"id", "name", "role"}


def test_tags_are_listed_by_name_and_issue_types_with_their_parents(api: Caller) -> None:
    Tag.objects.bulk_create([Tag(name="zip"), Tag(name="refund")])
    power = IssueType.objects.create(name="Power")
    IssueType.objects.create(name="Dock", parent=power)
    first = api.get("tags/?page[size]=1").json()
    assert [t["name"] for t in first["data"]] == ["refund"]
    assert [t["name"] for t in api.get(f"tags/?page[after]={first['meta']['after_cursor']}").json()["data"]] == ["zip"]
    assert [t["parent"] for t in api.get("issue-types/").json()["data"]] == [None, power.pk]


@pytest.mark.parametrize(
    ("address", "queries"),
    [
        ("tickets/", 5),
        ("tickets/?include=customer", 6),
        ("tickets/{ticket}/messages/", 5),
        ("customers/", 4),
        ("events/", 5),
        ("tickets/{ticket}/events/", 6),
        ("queues/", 3),
        ("users/", 3),
    ],
)
def test_a_list_takes_as_many_statements_for_three_rows_as_for_one(
    api: Caller, world: World, address: str, queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    path = address.format(ticket=world.ticket.public_id)
    number_events()
    api.get(path)
    with django_assert_num_queries(queries):
        one = api.get(path).json()["data"]
    for _ in range(2):
        ticket = make_ticket(world.queue_a)
        ticket.tags.add(
            Tag.objects.create(name=f"tag {ticket.number}"), through_defaults={"added_at": ticket.opened_at}
        )
        note(ticket=world.ticket, actor=Actor.of(world.agent), text="More")
    number_events()
    with django_assert_num_queries(queries):
        more = api.get(path).json()["data"]
    assert len(more) > len(one) or address in {"queues/", "users/"}


def test_two_customers_are_merged_and_parted_over_the_api(api: Caller, as_: MakeCaller, world: World) -> None:
    twin = make_customer("ann@home.example", "Ann at home")
    theirs = make_ticket(world.queue_a, twin)
    address = f"customers/{world.customer.public_id}/"
    row = api.post(f"{address}merge/", {"source": str(twin.public_id), "choices": {"name": "source"}}).json()
    assert (row["name"], len(row["addresses"])) == ("Ann at home", 2)
    assert api.get(f"customers/{twin.public_id}/").status_code == 404
    theirs.refresh_from_db()
    assert theirs.customer == world.customer
    again = api.post(f"{address}merge/", {"source": str(twin.public_id)})
    assert again.status_code == 422
    assert as_("light").post(f"{address}unmerge/", {"source": str(twin.public_id)}).status_code == 403
    assert api.post(f"{address}unmerge/", {"source": str(twin.public_id)}).json()["name"] == "Ann Example"
    theirs.refresh_from_db()
    assert theirs.customer == twin
    foreign = str(world.foreign.customer.public_id)
    assert api.post(f"{address}merge/", {"source": foreign}).status_code == 422


def test_the_messages_of_a_side_thread_are_internal_and_name_it(api: Caller, world: World) -> None:
    sent = forward(
        ticket=world.ticket,
        actor=Actor.of(world.agent),
        recipients=[{"kind": "to", "email": "sven@supplier.example", "name": ""}],
        text="Known?",
    )
    rows = api.get(f"tickets/{world.ticket.public_id}/messages/").json()["data"]
    assert sent.side_thread is not None
    assert [(row["audience"], row["side_thread"]) for row in rows] == [
        ("public", None),
        ("internal", str(sent.side_thread.public_id)),
    ]
