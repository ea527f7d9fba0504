"""Every address of the portal, as every kind of visitor, on both sides of the wall; and what its cookie opens elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_django
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from helpdesk.models import Participant
from helpdesk.now import now
from tests.factories import make_customer, make_ticket
from tests.portal.conftest import by_code, by_link
from tests.security.matrix import ADDRESSES, PORTAL, PUBLIC, Side
from tests.security.rooms import Rooms, furnish, picture
from tests.security.test_authorisation_walk import ROUTES, _ask, _fingerprint, _undone

pytestmark = pytest.mark.django_db
PORTAL_ROUTES = sorted(route for route in ADDRESSES if route.startswith("portal/"))
#: What a participant may not do with a ticket he sees: refused with a sentence (422), and nothing changes.
_NOT_FOR_PARTICIPANTS = {"portal/tickets/<uuid:public_id>/close/"}


@pytest.fixture(scope="module")
def furnished(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[Rooms]:
    """One world for the whole walk, in a transaction that is taken back, with customers signed in."""
    with django_db_blocker.unblock(), transaction.atomic():
        cache.clear()
        rooms = furnish()
        world = rooms.world
        friend = make_customer("friend@shop.example")
        Participant.objects.create(ticket=world.ticket, customer=friend, added_at=world.ticket.opened_at)
        rooms.clients |= {
            "customer": by_code(world.customer),
            "participant": by_code(friend),
            "link": by_link(world.ticket),
            "other customer": by_code(world.foreign.customer),
            "customer of nothing": by_code(make_customer("zoe@shop.example")),
        }
        yield rooms
        transaction.set_rollback(True)


@pytest.fixture
def rooms(furnished: Rooms) -> Iterator[Rooms]:
    """The world, with every change of the test taken back."""
    picture()
    cache.clear()
    with _undone():
        yield furnished


def _expected(visitor: str, side: Side) -> bool:
    """Whether the visitor finds the object on that side of the wall."""
    if side == "missing":
        return False
    if side == "foreign":
        return visitor == "other customer"
    return visitor in {"customer", "participant", "link"}


def _got(response: HttpResponse) -> str:
    if response.status_code == 404:
        return "hidden"
    if response.status_code == 302 and response["Location"].startswith("/portal/sign-in/"):
        return "away"
    return "in"


@pytest.mark.parametrize("route", PORTAL_ROUTES)
def test_a_portal_door_lets_in_exactly_the_people_of_the_ticket(route: str, rooms: Rooms) -> None:
    address = ADDRESSES[route]
    wrong: list[str] = []
    sides: tuple[Side, ...] = ("own", "foreign", "missing") if "<uuid" in route else ("own",)
    for method, door in address.methods.items():
        if door.row != PORTAL or route == "portal/sign-out/":
            continue
        for visitor in ("customer", "participant", "link", "other customer", "customer of nothing"):
            for side in sides:
                with _undone():
                    before = _fingerprint()
                    response = _ask(rooms.client(visitor), route, method, address, rooms, side)
                    got = _got(response)
                    if "<uuid" not in route:
                        expected = "away" if visitor == "link" and route == "portal/new/" else "in"
                    elif "messages" in route:  # both HTML mails of the rooms stand in tickets of the customer's own
                        expected = "in" if visitor == "customer" and side != "missing" else "hidden"
                    else:
                        expected = "in" if _expected(visitor, side) else "hidden"
                    if got != expected:
                        wrong.append(f"{method} {route} as {visitor}, {side}: {response.status_code}, not {expected}")
                    if got == "hidden" or (visitor == "participant" and route in _NOT_FOR_PARTICIPANTS):
                        assert response.status_code in {404, 422}
                        assert _fingerprint() == before, f"{visitor} changed rows by {method} {route}"
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("route", PORTAL_ROUTES)
def test_a_session_of_the_staff_is_nothing_in_the_portal(route: str, rooms: Rooms) -> None:
    address = ADDRESSES[route]
    for method, door in address.methods.items():
        for role in ("nobody", "agent", "admin", "dead"):
            with _undone():
                response = _ask(rooms.client(role), route, method, address, rooms, "own")
            if door.row == PORTAL:
                assert _got(response) == "away", (method, route, role)


def test_the_portal_s_cookie_opens_no_other_door_of_the_house(rooms: Rooms) -> None:
    visitor = rooms.client("customer")
    for route, address in ADDRESSES.items():
        if route.startswith("portal/"):
            continue
        for method, door in address.methods.items():
            if door.row in {PUBLIC, "metrics"}:
                continue
            with _undone():
                response = _ask(visitor, route, method, address, rooms, "own")
            assert response.status_code in {401, 403, 302}, (method, route, response.status_code)
            if response.status_code == 302:
                assert "/accounts/login/" in response["Location"], (method, route)
    for path in ("/admin/", "/api/v1/tickets/", "/api/v1/messages/", "/accounts/2fa/"):
        answer = visitor.get(path)
        assert answer.status_code in {401, 403, 302}, path
        assert answer.status_code != 302 or "/login/" in answer["Location"], path


def test_every_unsafe_portal_request_without_a_csrf_token_is_refused(rooms: Rooms) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = rooms.client("customer").cookies
    for route in PORTAL_ROUTES:
        for method in ADDRESSES[route].methods:
            if method != "GET":
                assert _ask(client, route, method, ADDRESSES[route], rooms, "own").status_code == 403, route


def test_portal_answers_carry_the_house_s_headers_and_leak_no_address(rooms: Rooms) -> None:
    for route in PORTAL_ROUTES:
        for method in ADDRESSES[route].methods:
            for side in ("own", "missing"):
                client = Client()  # a copy: signing out is among what is asked
                client.cookies.load({key: one.value for key, one in rooms.client("customer").cookies.items()})
                with _undone():
                    answer = _ask(client, route, method, ADDRESSES[route], rooms, side)
                    assert "default-src 'none'" in answer["Content-Security-Policy"], route
                    assert "unsafe-inline" not in answer["Content-Security-Policy"] or "frame" in route, route
                    assert "no-store" in answer["Cache-Control"], route
                    assert answer["Referrer-Policy"] in {"no-referrer", "same-origin"}, route
                    assert answer["X-Content-Type-Options"] == "nosniff", route
                cache.clear()


def test_a_queue_that_is_not_offered_cannot_be_written_to(rooms: Rooms) -> None:
    world = rooms.world
    answer = rooms.client("customer").post(
        reverse("portal_new"), {"subject": "x", "text": "y", "queue": str(world.queue_b.pk), "priority": "4"}
    )

    assert answer.status_code == 302
    ticket = world.customer.tickets.latest("pk")
    assert (ticket.queue, ticket.priority) == (world.queue_a, 2)


def test_no_row_of_the_walk_is_stale(rooms: Rooms) -> None:
    assert {route for route in ROUTES if route.startswith("portal/")} == set(PORTAL_ROUTES)


def test_a_ticket_that_leaves_the_customer_leaves_his_pages_with_the_next_click(rooms: Rooms, settings: Any) -> None:
    ticket = make_ticket(rooms.world.queue_a, rooms.world.customer)
    path = f"/portal/tickets/{ticket.public_id}/"
    assert rooms.client("customer").get(path).status_code == 200

    type(ticket).objects.filter(pk=ticket.pk).update(customer=rooms.world.foreign.customer, changed_at=now())

    assert rooms.client("customer").get(path).status_code == 404
