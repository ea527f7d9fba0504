"""The walk: every address, socket frame and command of the house, as every role, on both sides of every wall."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_django
from django.core.management import get_commands
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from helpdesk.access import MATRIX, TOKEN_SCOPE
from helpdesk.consumers import AgentConsumer, websocket_routes
from helpdesk.models import TeamMembership
from tests.security.matrix import (
    ADDRESSES,
    BRANCHES,
    COMMANDS,
    METRICS,
    PORTAL,
    PUBLIC,
    SIGNED_IN,
    SOCKET_FRAMES,
    SOCKETS,
    Address,
    Door,
    Side,
)
from tests.security.rooms import NEEDLE, ROLES, Rooms, furnish, picture

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_UNCHANGED = (
    "helpdesk_ticket",
    "helpdesk_message",
    "helpdesk_ticketevent",
    "helpdesk_outgoingmail",
    "helpdesk_customer",
    "django_q_ormq",
)


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, route)
        else:
            yield route, entry


ROUTES = dict(_patterns(get_resolver()))


def _branch(route: str) -> str | None:
    return next((prefix for prefix in BRANCHES if route.startswith(prefix)), None)


@pytest.fixture(scope="module")
def furnished(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[Rooms]:
    """One world for the whole walk, in a transaction that is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield furnish()
        transaction.set_rollback(True)


@pytest.fixture
def rooms(furnished: Rooms) -> Iterator[Rooms]:
    """The world, with every change of the test taken back."""
    picture()
    for client in furnished.clients.values():
        client.cookies.pop("messages", None)  # sentences of refusals, waiting for the next page
    with _undone():
        yield furnished


@contextmanager
def _undone() -> Iterator[None]:
    """Runs a step in a savepoint that is taken back, so that each case starts from the same rows."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)


def _ask(client: Client, route: str, method: str, address: Address, rooms: Rooms, side: Side) -> HttpResponse:
    door = address.methods.get(method, Door(PUBLIC))
    arguments = address.arguments(rooms, side) if address.arguments else {}
    name = ROUTES[route].name
    assert name is not None
    body = {**door.body, **(door.wants(rooms, side) if door.wants else {})}
    ask = getattr(client, method.lower())
    return ask(reverse(name, kwargs=arguments), body)  # type: ignore[no-any-return]


def _is_turned_away(response: HttpResponse, door: Door) -> bool:
    return response.status_code in {401, 403} or (
        response.status_code == 302
        and (
            "/accounts/login/" in response["Location"]
            or (door.row == PORTAL and response["Location"].startswith("/portal/sign-in/"))
        )
    )


def _expected(door: Door, role: str, side: Side, *, has_object: bool) -> str:
    """`in`, `refused` (403), `hidden` (404) or `away` (sign in first)."""
    if door.row == PUBLIC:
        return "in"
    if door.row == METRICS:
        return "in"  # the test client is on loopback; the wall is tested in test_operations
    if role in {"nobody", "dead"} or door.row == PORTAL:
        return "away"
    if door.row == SIGNED_IN:
        return "in"
    sees_all = role in {"manager", "admin"}
    if has_object and (side == "missing" or (side == "foreign" and not sees_all and role != "other_agent")):
        return "hidden"
    if has_object and role == "other_agent" and side == "own":
        return "hidden"
    column = {"other_agent": "agent"}.get(role, role)
    return "in" if column in MATRIX[door.row] else "refused"


def test_every_address_has_its_line_in_the_matrix() -> None:
    walked = {route for route in ROUTES if _branch(route) is None}

    assert walked == set(ADDRESSES)


def test_every_row_named_by_a_door_exists() -> None:
    rows = {door.row for address in ADDRESSES.values() for door in address.methods.values()}

    assert rows - {PUBLIC, SIGNED_IN, METRICS, PORTAL} <= set(MATRIX)
    assert set(TOKEN_SCOPE) == set(MATRIX)


@pytest.mark.parametrize("route", sorted(ADDRESSES))
def test_a_door_lets_in_exactly_whom_the_matrix_names(route: str, rooms: Rooms) -> None:
    address = ADDRESSES[route]
    wrong: list[str] = []
    for method, door in address.methods.items():
        for role in ROLES:
            for side in ("own", "foreign", "missing") if address.arguments and "slug" not in route else ("own",):
                if _is_private_case(route, role, side):
                    continue
                with _undone():
                    response = _ask(rooms.client(role), route, method, address, rooms, side)
                    got = _outcome(response, door)
                expected = _expected(door, role, side, has_object="<" in route and "slug" not in route)
                if got != expected:
                    wrong.append(f"{method} {route} as {role}, {side}: {got} ({response.status_code}), not {expected}")
    assert not wrong, "\n".join(wrong)


_OWN_WORK = ("routing/offers/<", "routing/wrapups/<")


def _is_private_case(route: str, role: str, side: str) -> bool:
    """What has an owner (views, responses, macros, notices, offers): walls tested beside it; inline pictures answer to tokens."""
    return route.startswith(
        ("views/<", "canned/<", "macros/<", "files/inline", "portal/files/inline", "notifications/<", *_OWN_WORK)
    )


def _outcome(response: HttpResponse, door: Door) -> str:
    if response.status_code == 403:
        return "refused"
    if _is_turned_away(response, door):
        return "away"
    if response.status_code == 404:
        return "hidden"
    assert response.status_code < 500
    return "in"


def test_methods_that_a_door_does_not_name_are_refused(rooms: Rooms) -> None:
    client = rooms.client("admin")
    wrong = []
    for route, address in ADDRESSES.items():
        for method in METHODS:
            if method in address.methods or (method == "GET" and not address.methods):
                continue
            with _undone():
                response = _ask(client, route, method, address, rooms, "own")
            if response.status_code not in {403, 404, 405}:
                wrong.append(f"{method} {route}: {response.status_code}")
    assert not wrong, "\n".join(wrong)


def test_what_one_may_not_see_looks_exactly_like_what_does_not_exist(rooms: Rooms) -> None:
    client = rooms.client("agent")
    for route, address in ADDRESSES.items():
        if address.arguments is None or "slug" in route or _is_private_case(route, "", ""):
            continue
        for method, door in address.methods.items():
            if door.row in {SIGNED_IN, PUBLIC, PORTAL}:
                continue
            with _undone():
                foreign = _ask(client, route, method, address, rooms, "foreign")
                missing = _ask(client, route, method, address, rooms, "missing")
            assert foreign.status_code == missing.status_code == 404, route
            assert _without_ids(foreign.content) == _without_ids(missing.content), route


def _without_ids(body: bytes) -> bytes:
    body = re.sub(rb"[0-9a-f]{8}-[0-9a-f-]{27}|\b\d{5,}\b", b"ID", body)
    return re.sub(rb'(nonce|csrf[a-z-]*|value|content|X-CSRFToken)(":|=)\s*"[A-Za-z0-9+/=_-]{16,}"', b"SECRET", body)


def test_a_door_that_stays_shut_changes_no_row(rooms: Rooms) -> None:
    for role in ("nobody", "light", "other_agent", "dead"):
        for route, address in ADDRESSES.items():
            for method, door in address.methods.items():
                if method == "GET" or door.row in {PUBLIC, SIGNED_IN, METRICS, "view.save"}:
                    continue
                with _undone():
                    client = rooms.client(role)
                    before = _fingerprint()
                    response = _ask(client, route, method, address, rooms, "own")
                    if _outcome(response, door) != "in":
                        assert _fingerprint() == before, f"{role} changed rows by {method} {route}"


def _fingerprint() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        rows = []
        for table in _UNCHANGED:
            cursor.execute(f"SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM {table}")
            rows.append((table, *cursor.fetchone()))
    return rows


def test_every_unsafe_request_without_a_csrf_token_is_refused(rooms: Rooms) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(rooms.world.agent)
    for route, address in ADDRESSES.items():
        for method in address.methods:
            if method != "GET":
                assert _ask(client, route, method, address, rooms, "own").status_code == 403, route


def test_security_headers_stand_on_every_answer_errors_included(rooms: Rooms) -> None:
    for role in ("nobody", "agent"):
        client = rooms.client(role)
        for route, address in ADDRESSES.items():
            for side in ("own", "missing"):
                method = next(iter(address.methods))
                with _undone():
                    response = _ask(client, route, method, address, rooms, side)
                policy = response.headers.get("Content-Security-Policy", "")
                assert policy, route
                assert "unsafe-eval" not in policy, route
                assert response.headers["X-Content-Type-Options"] == "nosniff", route
                assert "no-store" in response.headers["Cache-Control"], route
                assert response.headers["Referrer-Policy"], route


def test_nothing_of_a_foreign_ticket_is_found_anywhere(rooms: Rooms) -> None:
    client = rooms.client("agent")
    for slug in ("needs-me", "mine", "unassigned", "team", "pending", "resolved", "closed"):
        for query in ("", f"?q={NEEDLE}", f"?q={rooms.world.foreign.number}", "?q=Foreign", "?q=bob@shop.example"):
            page = client.get(f"/inbox/{slug}/{query}")
            assert b"Charged twice" not in page.content, (slug, query)
            assert b"Bob Foreign" not in page.content, (slug, query)


def test_somebody_without_his_second_factor_gets_nothing_but_its_set_up(rooms: Rooms, settings: Any) -> None:
    settings.REQUIRE_MFA = True
    client = rooms.client("admin")

    for route, address in ADDRESSES.items():
        for method, door in address.methods.items():
            if door.row in {PUBLIC, METRICS}:
                continue
            response = _ask(client, route, method, address, rooms, "own")
            assert (response.status_code, "/accounts/2fa/" in response.headers.get("Location", "")) == (302, True), (
                route
            )
    assert client.get("/admin/").status_code == 302
    assert client.get("/accounts/2fa/").status_code == 200


def test_moving_an_agent_out_of_the_team_closes_the_doors_at_once(rooms: Rooms) -> None:
    client = rooms.client("agent")
    address = f"/tickets/{rooms.world.ticket.number}/"
    assert client.get(address).status_code == 200

    TeamMembership.objects.filter(user=rooms.world.agent).delete()

    assert client.get(address).status_code == 404


@pytest.mark.parametrize("role", ["nobody", "light", "agent", "lead", "dead"])
def test_the_admin_is_shut_for_all_but_managers_and_administrators(role: str, rooms: Rooms) -> None:
    client = rooms.client(role)
    for route, pattern in ROUTES.items():
        if (
            route.startswith("admin/")
            and route != "admin/logout/"
            and "<" not in route
            and "^" not in route
            and "(" not in route
        ):
            response = client.get("/" + route)
            assert response.status_code in {301, 302, 403, 404}, (route, response.status_code)
            if response.status_code == 302:
                assert "/accounts/login/" in response["Location"] or "/admin/login" in response["Location"], route
        assert pattern is not None


def test_every_socket_and_frame_has_its_line() -> None:
    assert {str(route.pattern) for route in websocket_routes} == SOCKETS
    assert set(AgentConsumer.actions) == set(SOCKET_FRAMES)


def test_every_command_has_its_line() -> None:
    ours = {
        name for name, app in get_commands().items() if app in {"helpdesk", "routing", "chat", "surveys", "escalation"}
    }

    assert ours <= COMMANDS
