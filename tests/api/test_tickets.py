"""Tickets over the API: what is seen, opened, changed, and what is refused."""

from __future__ import annotations

import pytest

from helpdesk.models import CustomField, Kind, Priority, Status, Ticket, TicketEvent
from tests.api.conftest import Caller, MakeCaller
from tests.factories import World, make_ticket, make_user


def test_the_list_holds_only_tickets_of_the_callers_teams(api: Caller, world: World) -> None:
    response = api.get("tickets/")
    assert response.status_code == 200
    assert [row["id"] for row in response.json()["data"]] == [str(world.ticket.public_id)]


def test_a_manager_lists_every_ticket_newest_change_first(as_: MakeCaller, world: World) -> None:
    rows = as_("manager").get("tickets/").json()["data"]
    assert [row["number"] for row in rows] == [world.foreign.number, world.ticket.number]


def test_a_ticket_out_of_sight_is_answered_like_one_that_never_was(api: Caller, world: World) -> None:
    hidden = api.get(f"tickets/{world.foreign.public_id}/")
    absent = api.get("tickets/00000000-0000-4000-8000-000000000000/")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content
    assert hidden["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("status=new", True),
        ("status=open&status=new", True),
        ("status=resolved", False),
        ("queue={queue}", True),
        ("queue={foreign_queue}", False),
        ("queue=999999", False),
        ("owner=none", True),
        ("owner=me", False),
        ("owner={agent}", False),
        ("customer={customer}", True),
        ("customer={foreign_customer}", False),
        ("number={number}", True),
        ("number={foreign_number}", False),
        ("priority=normal", True),
        ("priority=urgent", False),
        ("tag=DOCK", True),
        ("tag=other", False),
        ("updated_after=2001-01-01T00:00:00Z", True),
        ("updated_after=2999-01-01T00:00:00Z", False),
        ("updated_after=1506-12-23T15:52:14%2B17:13", True),
    ],
)
def test_filters_narrow_the_list_and_never_reach_beyond_what_is_visible(
    api: Caller, world: World, query: str, finds: bool
) -> None:
    api.patch(f"tickets/{world.ticket.public_id}/", {"add_tags": ["dock"]})
    text = query.format(
        queue=world.queue_a.pk,
        foreign_queue=world.queue_b.pk,
        agent=world.agent.pk,
        customer=world.customer.public_id,
        foreign_customer=world.foreign.customer.public_id,
        number=world.ticket.number,
        foreign_number=world.foreign.number,
    )
    response = api.get(f"tickets/?{text}")
    assert response.status_code == 200
    assert [row["id"] for row in response.json()["data"]] == ([str(world.ticket.public_id)] if finds else [])


@pytest.mark.parametrize(
    "query",
    [
        "status=solved",
        "owner=somebody",
        "queue=one",
        "queue=99999999999999999999",
        "customer=7",
        "updated_after=yesterday",
        "updated_after=0001-01-01T00:00:00%2B10:00",
        "number=-1",
        "priority=5",
        "password__startswith=a",
        "customer__name=Ann",
        "__class=x",
        "_connector=OR",
        "a);--=1",
        "page[size]=0",
        "page[size]=101",
        "page[after]=zzz",
        "page[after]=WyJ4IiwieCJd",
        "with_total=yes",
        "include=messages",
    ],
)
def test_parameters_that_are_unknown_or_malformed_are_refused(api: Caller, query: str) -> None:
    response = api.get(f"tickets/?{query}")
    assert response.status_code == 400
    assert response.json()["errors"]


def test_pages_follow_each_other_without_gap_or_repetition_and_end(as_: MakeCaller, world: World) -> None:
    for _ in range(5):
        make_ticket(world.queue_a)
    manager = as_("manager")
    seen: list[int] = []
    address = "tickets/?page[size]=3"
    pages = 0
    while address:
        page = manager.get(address).json()
        seen += [row["number"] for row in page["data"]]
        pages += 1
        assert page["meta"]["has_more"] is (page["links"]["next"] is not None)
        assert "total" not in page["meta"]
        address = (page["links"]["next"] or "").partition("/api/v1/")[2]
    assert pages == 3
    newest_first = Ticket.objects.order_by("-changed_at", "-pk").values_list("number", flat=True)
    assert seen == list(newest_first)


def test_rows_that_share_the_edge_of_a_page_are_not_lost(as_: MakeCaller, world: World) -> None:
    for _ in range(4):
        make_ticket(world.queue_a)
    Ticket.objects.update(changed_at=world.ticket.changed_at)
    manager = as_("manager")
    for order in ("", "&updated_after=2001-01-01T00:00:00Z"):
        first = manager.get(f"tickets/?page[size]=2{order}").json()
        second = manager.get(f"tickets/?page[size]=4{order}&page[after]={first['meta']['after_cursor']}").json()
        numbers = [row["number"] for row in first["data"] + second["data"]]
        assert numbers == sorted(numbers, reverse=not order)
        assert len(numbers) == 6


def test_a_total_is_counted_only_when_asked_and_only_over_what_is_visible(api: Caller, as_: MakeCaller) -> None:
    assert api.get("tickets/?with_total=1&page[size]=1").json()["meta"]["total"] == 1
    assert as_("manager").get("tickets/?with_total=1&page[size]=1").json()["meta"]["total"] == 2


def test_include_brings_customer_and_messages_with_the_ticket(api: Caller, world: World) -> None:
    plain = api.get(f"tickets/{world.ticket.public_id}/").json()
    assert plain["included"] is None
    whole = api.get(f"tickets/{world.ticket.public_id}/?include=customer,messages").json()["included"]
    assert whole["customer"]["addresses"][0]["value"] == "ann@shop.example"
    assert [m["author"]["name"] for m in whole["messages"]] == ["Ann Example"]
    listed = api.get("tickets/?include=customer").json()["data"][0]["included"]
    assert listed["customer"] == whole["customer"]
    assert listed["messages"] is None


def test_opening_a_ticket_finds_or_makes_the_customer_and_records_one_event(api: Caller, world: World) -> None:
    body = {
        "queue": world.queue_a.pk,
        "subject": "Zip",
        "text": "It broke.",
        "email": "New@shop.example",
        "name": "Nora",
    }
    made = api.post("tickets/", body)
    assert made.status_code == 201
    row = made.json()
    assert (row["status"], row["channel"], row["priority"]) == ("new", "api", "normal")
    assert row["customer"]["name"] == "Nora"
    assert row["queue"] == {"id": world.queue_a.pk, "name": "Hardware"}
    ticket = Ticket.objects.get(public_id=row["id"])
    assert list(TicketEvent.objects.filter(ticket=ticket).values_list("kind", flat=True)) == [Kind.OPENED]
    again = api.post("tickets/", {**body, "email": "new@SHOP.example", "name": "Someone"}).json()
    assert again["customer"] == row["customer"]
    assert again["id"] != row["id"]


def test_a_body_can_name_only_queues_and_customers_in_sight(api: Caller, world: World) -> None:
    count = Ticket.objects.count()
    base = {"subject": "x", "text": "x"}
    for body in (
        {**base, "queue": world.queue_b.pk, "email": "ann@shop.example"},
        {**base, "queue": 999999, "email": "ann@shop.example"},
        {**base, "queue": world.queue_a.pk, "customer": str(world.foreign.customer.public_id)},
        {**base, "queue": world.queue_a.pk, "customer": "00000000-0000-4000-8000-000000000000"},
    ):
        response = api.post("tickets/", body)
        assert response.status_code == 400
        assert [e["message"] for e in response.json()["errors"]] == ["There is none with this id that you may see."]
    assert Ticket.objects.count() == count
    good = api.post("tickets/", {**base, "queue": world.queue_a.pk, "customer": str(world.customer.public_id)})
    assert good.status_code == 201


def test_unknown_keys_are_refused_and_change_nothing(api: Caller, world: World) -> None:
    for key in (f.name for f in Ticket._meta.get_fields()):
        if key in {"subject", "priority", "tags", "fields", "issue_type"}:
            continue
        response = api.patch(f"tickets/{world.ticket.public_id}/", {key: 1})
        assert response.status_code == 400, key
        assert response.json()["errors"][0]["field"] == key
    assert TicketEvent.objects.filter(ticket=world.ticket).count() == 1


def test_classifying_changes_what_is_given_in_one_event(api: Caller, world: World) -> None:
    address = f"tickets/{world.ticket.public_id}/"
    changed = api.patch(address, {"subject": "Dock\n dead", "priority": "urgent", "tags": ["Dock", "power"]})
    assert changed.status_code == 200
    row = changed.json()
    assert (row["subject"], row["priority"], row["tags"], row["seq"]) == ("Dock dead", "urgent", ["Dock", "power"], 2)
    assert changed["ETag"] == '"2"'
    replaced = api.patch(address, {"tags": ["dock", "refund"]}).json()
    assert replaced["tags"] == ["Dock", "refund"]
    assert api.patch(address, {}).json()["seq"] == 3
    world.ticket.refresh_from_db()
    assert world.ticket.priority == Priority.URGENT


def test_a_foreign_ticket_cannot_be_changed_in_any_way(api: Caller, world: World) -> None:
    address = f"tickets/{world.foreign.public_id}/"
    answers = [
        api.patch(address, {"subject": "x"}),
        api.post(f"{address}status/", {"status": "open"}),
        api.post(f"{address}assign/", {"owner": world.agent.pk}),
        api.post(f"{address}unassign/"),
        api.post(f"{address}move/", {"queue": world.queue_a.pk}),
        api.post(f"{address}reply/", {"text": "x"}),
        api.post(f"{address}note/", {"text": "x"}),
        api.get(f"{address}messages/"),
        api.get(f"{address}events/"),
    ]
    assert [a.status_code for a in answers] == [404] * len(answers)
    assert TicketEvent.objects.filter(ticket=world.foreign).count() == 1


def test_status_owner_and_queue_change_through_their_own_addresses(as_: MakeCaller, world: World) -> None:
    lead = as_("lead")
    address = f"tickets/{world.ticket.public_id}/"
    assert lead.post(f"{address}status/", {"status": "on_hold"}).json()["status"] == "on_hold"
    assert lead.post(f"{address}assign/", {"owner": world.agent.pk}).json()["owner"]["name"] == "Sara Agent"
    assert lead.post(f"{address}unassign/").json()["owner"] is None
    manager = as_("manager")
    assert manager.post(f"{address}move/", {"queue": world.queue_b.pk}).json()["queue"]["name"] == "Billing"
    assert lead.get(address).status_code == 404


def test_a_status_that_cannot_follow_is_a_conflict(api: Caller, world: World) -> None:
    address = f"tickets/{world.ticket.public_id}/status/"
    assert api.post(address, {"status": "closed"}).status_code == 200
    refused = api.post(address, {"status": "open"})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    assert api.post(address, {"status": "new"}).status_code == 400
    assert api.post(address, {"status": "open", "snoozed_until": "2999-01-01T00:00:00Z"}).status_code == 400


def test_an_owner_must_be_a_colleague_in_sight_who_works_in_the_queue(
    api: Caller, as_: MakeCaller, world: World
) -> None:
    address = f"tickets/{world.ticket.public_id}/assign/"
    assert api.post(address, {"owner": world.other_agent.pk}).status_code == 400
    assert api.post(address, {"owner": 999999}).status_code == 400
    refused = as_("manager").post(address, {"owner": world.other_agent.pk})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_input")
    inactive = make_user(teams=(world.team_a,), is_active=False)
    assert api.post(address, {"owner": inactive.pk}).status_code == 400


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("", {"subject": "x"}),
        ("status/", {"status": "open"}),
        ("assign/", {"owner": 1}),
        ("unassign/", {}),
        ("move/", {"queue": 1}),
        ("reply/", {"text": "x"}),
    ],
)
def test_a_light_agent_and_a_token_for_reading_may_change_nothing(
    as_: MakeCaller, world: World, action: str, body: dict[str, object]
) -> None:
    for caller in (as_("light"), as_("agent", "read")):
        for ticket in (world.ticket, world.foreign):
            send = caller.post if action else caller.patch
            response = send(f"tickets/{ticket.public_id}/{action}", body)
            assert (response.status_code, response.json()["code"]) == (403, "not_allowed")
    assert TicketEvent.objects.count() == 2


def test_a_ticket_is_changed_only_in_the_state_that_if_match_names(api: Caller, world: World) -> None:
    address = f"tickets/{world.ticket.public_id}/"
    tag = api.get(address)["ETag"]
    first = api.patch(address, {"priority": "high"}, if_match=tag)
    assert first.status_code == 200
    late = api.post(f"{address}status/", {"status": "resolved"}, if_match=tag)
    assert (late.status_code, late.json()["code"]) == (412, "changed")
    assert api.post(f"{address}note/", {"text": "late"}, if_match=tag).status_code == 412
    assert api.post(f"{address}status/", {"status": "resolved"}, if_match=first["ETag"]).status_code == 200
    assert api.post(f"{address}note/", {"text": "whatever"}, if_match="*").status_code == 201
    world.ticket.refresh_from_db()
    assert world.ticket.status == Status.RESOLVED


def test_an_unchanged_ticket_is_not_sent_again(api: Caller, world: World) -> None:
    address = f"tickets/{world.ticket.public_id}/"
    tag = api.get(address)["ETag"]
    same = api.get(address, if_none_match=tag)
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", tag)
    api.patch(address, {"priority": "low"})
    assert api.get(address, if_none_match=tag).status_code == 200


def test_own_fields_take_plain_values_of_known_keys_only(api: Caller, world: World) -> None:
    CustomField.objects.create(on=CustomField.On.TICKET, key="serial", label="Serial")
    address = f"tickets/{world.ticket.public_id}/"
    assert api.patch(address, {"fields": {"serial": "HD-1\u200c"}}).json()["fields"] == {"serial": "HD-1\u200c"}
    assert api.patch(address, {"fields": {"other": 1}}).status_code == 422
    for value in ({"a": 1}, [1], "x\x00y", "x" * 2001, 1e300):
        assert api.patch(address, {"fields": {"serial": value}}).status_code == 400
    assert api.patch(address, {"fields": [1]}).status_code == 400
