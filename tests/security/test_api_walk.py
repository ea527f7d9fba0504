"""The walk through the API: every address and method, as every role and kind of token, on both sides of every wall."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_django
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from helpdesk.access import MATRIX, TOKEN_SCOPE
from helpdesk.actions.assignment import assign_ticket
from helpdesk.actions.conversation import note
from helpdesk.actions.customer_merging import merge_customers
from helpdesk.actions.feed import number_events
from helpdesk.actions.tokens import digest_of
from helpdesk.blobs import put
from helpdesk.models import SYSTEM, Actor, Attachment, Audience, Message, Queue, Ticket, User
from helpdesk.now import now
from tests.api.conftest import Caller, secret_for
from tests.factories import World, mail, make_queue, make_ticket, make_user, make_world, receive

pytestmark = pytest.mark.django_db  # it also tells pytest-django, before the module begins, to make the test database

#: "<method> <name of the address>" -> row of the matrix. A new address or method without a line here fails.
DOORS: dict[str, str] = {
    "get tickets": "ticket.view",
    "post tickets": "ticket.create",
    "get ticket": "ticket.view",
    "patch ticket": "ticket.update",
    "post ticket-status": "ticket.update",
    "post ticket-assign": "ticket.assign",
    "post ticket-unassign": "ticket.assign",
    "post ticket-move": "ticket.move",
    "post ticket-merge": "ticket.update",
    "post ticket-unmerge": "ticket.update",
    "post ticket-split": "ticket.update",
    "post ticket-move-messages": "ticket.update",
    "get ticket-links": "ticket.view",
    "post ticket-links": "ticket.update",
    "post ticket-unlink": "ticket.update",
    "post ticket-reply": "ticket.reply",
    "post ticket-note": "ticket.note",
    "get messages": "ticket.view",
    "get message": "ticket.view",
    "post uploads": "attachment.upload",
    "get ticket-events": "event.view",
    "get ticket-routing": "ticket.why",
    "get attachment": "attachment.get",
    "get attachment-content": "attachment.get",
    "get customers": "customer.view",
    "get customer": "customer.view",
    "patch customer": "customer.edit",
    "post customer-merge": "customer.merge",
    "post customer-unmerge": "customer.merge",
    "get events": "event.view",
    "get queues": "queue.view",
    "get tags": "tag.view",
    "get issue-types": "tag.view",
    "get users": "colleague.view",
    "get me": "colleague.view",
}
_POINTING_AT_TEAM_A = {f"post ticket-{word}" for word in ("assign", "move", "merge", "links", "unlink")}
ROLES = ("nobody", "dead", "light", "agent", "reader", "other_agent", "lead", "manager", "admin")
_SEE_ALL = {"manager", "admin"}
_FORBIDDEN_KEYS = re.compile(r"password|token|secret|hash|digest|session|internal|raw_mail|sha256", re.IGNORECASE)
_NOTE = "needle-in-a-note-of-another-team"
_SECRETS = ("canary-mailbox-password", "X-Canary-Header", "canary-raw-body")


@dataclass
class House:
    """The world with something behind every door on both sides of the wall between the teams."""

    world: World
    secrets: dict[str, str]
    ids: dict[str, dict[str, uuid.UUID]] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)

    def caller(self, role: str) -> Caller:
        """Somebody with a token of that role; `reader` is the agent with a token for reading."""
        if role not in self.callers:
            self.callers[role] = Caller(self.secrets[role])
        return self.callers[role]


def _side(ticket: Ticket) -> dict[str, uuid.UUID]:
    message = ticket.messages.filter(audience=Audience.PUBLIC).order_by("pk")[0]
    file = Attachment.objects.create(
        message=message, ticket=ticket, name="a", content_type="a/b", size=1, sha256=put(b"x"), created_at=now()
    )
    return {
        "ticket": ticket.public_id,
        "message": message.public_id,
        "file": file.public_id,
        "customer": ticket.customer.public_id,
    }


class _undone:
    """A step whose changes are taken back."""

    def __enter__(self) -> None:
        self.point = transaction.savepoint()

    def __exit__(self, *_error: object) -> None:
        transaction.savepoint_rollback(self.point)


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[House]:
    """One house for the whole walk, in a transaction that is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield _build()
        transaction.set_rollback(True)


@pytest.fixture
def house(built: House, db: None) -> House:
    """The house, with every change of the test taken back."""
    put(b"x")
    return built


def _build() -> House:
    world = make_world()
    world.mailbox.password = _SECRETS[0]
    world.mailbox.save()
    receive(mail("Raw", "canary-raw-body is shown as text", X_Canary_Header="1"), mailbox=world.mailbox)
    note(ticket=world.foreign, actor=Actor.of(world.other_agent), text=_NOTE)
    split_off = note(ticket=world.ticket, actor=Actor.of(world.agent), text="To be split off")
    assign_ticket(ticket=world.ticket, actor=SYSTEM, owner=world.lead)
    assign_ticket(ticket=world.foreign, actor=SYSTEM, owner=world.other_agent)
    make_queue(world.team_a, "Repairs")
    dead = make_user(teams=(world.team_a,))
    secrets = {role: secret_for(getattr(world, role)) for role in (*ROLES[5:], "light", "agent")}
    secrets |= {"nobody": "hd_nothing", "dead": secret_for(dead), "reader": secret_for(world.agent, "read")}
    User.objects.filter(pk=dead.pk).update(is_active=False)
    nothing = {name: uuid.uuid4() for name in ("ticket", "message", "file", "customer")}
    ids = {"own": _side(world.ticket), "foreign": _side(world.foreign), "missing": nothing}
    raw = Message.objects.get(subject="Raw").ticket
    twin, parted = make_ticket(world.queue_a).customer, make_ticket(world.queue_a).customer
    merge_customers(target=world.customer, source=parted, actor=Actor.of(world.agent))
    ids["own"] |= {"twin": twin.public_id, "parted": parted.public_id}
    ids["own"] |= {"note": split_off.public_id, "second": raw.public_id}
    number_events()
    return House(world, secrets, ids)


def _addresses() -> dict[str, URLPattern]:
    api = next(r for r in get_resolver().url_patterns if isinstance(r, URLResolver) and str(r.pattern) == "api/")
    found: dict[str, URLPattern] = {}

    def walk(entries: list[Any]) -> None:
        for entry in entries:
            if isinstance(entry, URLResolver):
                walk(entry.url_patterns)
            else:
                assert entry.name
                found[entry.name] = entry

    walk(api.url_patterns)
    return found


def _path(house: House, name: str, side: str) -> str:
    parts = _addresses()[name].pattern.converters
    ids = house.ids[side]
    what = "file" if name.startswith("attachment") else "customer" if name.startswith("customer") else "ticket"
    values = {"id": ids[what], "message": ids["message"]}
    return reverse(f"api:{name}", kwargs={key: values[key] for key in parts}).removeprefix("/api/v1/")


def _body(house: House, door: str) -> dict[str, Any]:
    bodies: dict[str, dict[str, Any]] = {
        "post tickets": {"queue": house.world.queue_a.pk, "subject": "x", "text": "x", "email": "new@shop.example"},
        "patch ticket": {"priority": "high"},
        "post ticket-status": {"status": "resolved"},
        "post ticket-assign": {"owner": house.world.agent.pk},
        "post ticket-move": {"queue": Queue.objects.get(name="Repairs").pk},
        "post ticket-reply": {"text": "x"},
        "post ticket-note": {"text": "x"},
        "post ticket-merge": {"sources": [str(house.ids["own"]["second"])], "confirmed": True},
        "post ticket-split": {"messages": [str(house.ids["own"]["note"])]},
        "post ticket-move-messages": {
            "messages": [str(house.ids["own"]["note"])],
            "ticket": str(house.ids["own"]["second"]),
        },
        "post ticket-links": {"ticket": str(house.ids["own"]["second"]), "kind": "related"},
        "post ticket-unlink": {"ticket": str(house.ids["own"]["second"]), "kind": "related"},
        "patch customer": {"tier": "gold"},
        "post customer-merge": {"source": str(house.ids["own"]["twin"])},
        "post customer-unmerge": {"source": str(house.ids["own"]["parted"])},
    }
    return bodies.get(door, {})


def _ask(house: House, door: str, role: str, side: str) -> Any:
    method, name = door.split()
    caller, path = house.caller(role), _path(house, name, side)
    if door == "post uploads":
        return caller.client.post(f"/api/v1/{path}", {"file": SimpleUploadedFile("a", b"b")})
    if method == "get":
        return caller.get(path)
    return getattr(caller, method)(path, _body(house, door))


def _rows() -> list[tuple[int, int]]:
    """What the walk watches: how many rows of each kind there are, and the newest change of any ticket or customer."""
    with connection.cursor() as cursor:
        counts: list[tuple[int, int]] = []
        for table in ("ticket", "message", "ticketevent", "outgoingmail", "customer", "attachment", "auditentry"):
            cursor.execute(f"SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM helpdesk_{table}")
            counts.append(cursor.fetchone())
    return counts


def _expected(house: House, door: str, role: str, side: str) -> set[int]:
    """The status codes that are right."""
    row = DOORS[door]
    if role in {"nobody", "dead"}:
        return {401}
    column = {"reader": "agent", "other_agent": "agent"}.get(role, role)
    if column not in MATRIX[row] or (role == "reader" and TOKEN_SCOPE[row] != "read"):
        return {403}
    if "id" in _addresses()[door.split()[1]].pattern.converters:
        hidden = side == "missing"
        hidden |= side == "foreign" and role not in _SEE_ALL | {"other_agent"}
        hidden |= side == "own" and role == "other_agent"
        if hidden:
            return {404}
    elif door == "post tickets" and role == "other_agent":
        return {400}
    if door in _POINTING_AT_TEAM_A and (side, role) == ("foreign", "other_agent"):
        return {400}  # neither the agent, the queue nor another ticket of team A is in his sight
    if door in {"post ticket-split", "post ticket-move-messages"} and side == "foreign":
        return {400}  # the messages are of another ticket
    if door in {"post ticket-unmerge", "post ticket-unlink"}:
        return {422}  # neither merged nor linked
    if side == "foreign" and (
        door == "post customer-unmerge" or (door, role) == ("post customer-merge", "other_agent")
    ):
        return {422}  # not merged into that one, or not in his sight
    if door == "post ticket-assign" and side == "foreign":
        return {422}  # the agent of team A cannot own it
    return {200, 201}


def test_every_address_and_method_of_the_api_has_its_row() -> None:
    found: dict[str, str] = {}
    for name, pattern in _addresses().items():
        actions: dict[str, str] = getattr(pattern.callback, "actions", {})
        for method, action in actions.items():
            if name != "nothing" and method != "head":
                found[f"{method} {name}"] = pattern.callback.cls.matrix[action]  # type: ignore[attr-defined]
    assert found == DOORS
    assert set(DOORS.values()) <= set(MATRIX)
    assert {n for n, p in _addresses().items() if not getattr(p.callback, "actions", None)} == {"schema"}


@pytest.mark.parametrize("door", sorted(DOORS))
def test_a_door_of_the_api_opens_to_exactly_whom_the_matrix_names(house: House, door: str) -> None:
    wrong: list[str] = []
    has_object = "id" in _addresses()[door.split()[1]].pattern.converters
    for role in ROLES:
        bodies: dict[str, bytes] = {}
        for side in ("own", "foreign", "missing") if has_object else ("own",):
            before = _rows()
            with _undone():
                response = _ask(house, door, role, side)
                status, after = response.status_code, _rows()
                bodies[side] = b"".join(response) if response.streaming else response.content
            expected = _expected(house, door, role, side)
            if status not in expected:
                wrong.append(f"{door} as {role}, {side}: {status}, not {expected}: {bodies[side][:200]!r}")
            if status >= 400 and before != after:
                wrong.append(f"{door} as {role}, {side}: refused, yet rows changed")
            if status < 300 and not door.startswith("get") and before == after:
                wrong.append(f"{door} as {role}, {side}: accepted, yet no row changed")
        if has_object and role in {"light", "agent", "reader", "lead"} and bodies["foreign"] != bodies["missing"]:
            wrong.append(f"{door} as {role}: what is out of sight is told apart from what does not exist")
    assert not wrong, "\n".join(wrong)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


@pytest.mark.parametrize("role", [r for r in ROLES if r not in {"nobody", "dead"}])
def test_no_answer_carries_a_secret_or_the_words_of_another_team(house: House, role: str) -> None:
    caller = house.caller(role)
    with connection.cursor() as cursor:
        cursor.execute("SELECT digest FROM helpdesk_apitoken UNION SELECT sha256 FROM helpdesk_rawmail")
        secrets = [*_SECRETS[:2], *(row[0] for row in cursor.fetchall()), *house.secrets.values()]
    foreign = [] if role in _SEE_ALL | {"other_agent"} else [_NOTE, "bob@shop.example", "Bob Foreign", "Charged twice"]
    asked = 0
    for door in DOORS:
        if not door.startswith("get") or door.endswith("content"):
            continue
        name = door.split()[1]
        sides = ("own", "foreign") if "id" in _addresses()[name].pattern.converters else ("own",)
        for side in sides:
            query = {"ticket": "?include=customer,messages", "tickets": "?include=customer"}.get(name, "")
            response = caller.get(_path(house, name, side) + query)
            text = response.content.decode()
            asked += 1
            assert [k for k in _keys(json.loads(text)) if _FORBIDDEN_KEYS.search(k)] == [], door
            assert [s for s in secrets if s in text] == [], door
            assert [s for s in foreign if s in text] == [], door
            assert not [value for value in response.headers.values() if any(s in value for s in secrets)]
    assert asked == 24


def test_counts_and_searches_of_the_api_do_not_tell_of_what_is_out_of_sight(house: House) -> None:
    agent = house.caller("agent")
    foreign = house.world.foreign
    for path in (
        f"tickets/?with_total=1&number={foreign.number}",
        f"tickets/?with_total=1&customer={foreign.customer.public_id}",
        f"tickets/?with_total=1&queue={foreign.queue_id}",
        "customers/?with_total=1&email=bob@shop.example",
        "customers/?with_total=1&name=Bob",
    ):
        page = agent.get(path).json()
        assert (page["data"], page["meta"]["total"]) == ([], 0), path
        assert house.caller("manager").get(path).json()["meta"]["total"] == 1, path


def test_a_child_is_found_only_under_its_own_parent(house: House) -> None:
    for role in ("agent", "other_agent", "manager", "admin"):
        caller = house.caller(role)
        for parent, child in (("own", "foreign"), ("foreign", "own")):
            path = f"tickets/{house.ids[parent]['ticket']}/messages/{house.ids[child]['message']}/"
            assert caller.get(path).status_code == 404


def test_a_browser_session_cannot_change_anything_without_its_csrf_token(house: House) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(house.world.admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    for door in DOORS:
        method, name = door.split()
        if method == "get":
            continue
        path = f"/api/v1/{_path(house, name, 'own')}"
        response = getattr(browser, method)(path, _body(house, door), content_type="application/json")
        assert response.status_code == 403, door
    assert Message.objects.filter(text="x").count() == 0


def test_the_digest_of_a_token_opens_nothing(house: House) -> None:
    assert Caller(digest_of(house.secrets["admin"])).get("tickets/").status_code == 401
