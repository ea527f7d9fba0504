"""What holds for every answer of the house, errors included: headers, cookies, no way in for other origins, no debug page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.accounts.conftest import type_at
from tests.factories import World, make_user
from tests.security.matrix import ADDRESSES, PORTAL

pytestmark = pytest.mark.django_db


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, route)
        else:
            yield route, entry


ROUTES = dict(_patterns(get_resolver()))


def _raise(*arguments: object, **named: object) -> None:
    raise RuntimeError("canary-internal-detail /etc/helpdesk/secret-path")


@pytest.fixture
def broken(agent_client: Client, monkeypatch: pytest.MonkeyPatch) -> HttpResponse:
    """The answer to a request in which the house makes a mistake."""
    monkeypatch.setattr("helpdesk.views.people.ProfileForm", _raise)
    agent_client.raise_request_exception = False
    return agent_client.get("/profile/")  # type: ignore[return-value]


def _assert_shielded(response: HttpResponse) -> None:
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in response.headers["Content-Security-Policy"].split(";")
        if part.strip()
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "no-store" in response["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response["X-Request-ID"]


def test_a_mistake_of_ours_shows_a_sentence_and_nothing_of_the_inside(broken: HttpResponse) -> None:
    page = broken.content.decode()

    assert broken.status_code == 500
    assert "The mistake is ours" in page
    for inside in ("canary", "Traceback", "RuntimeError", "ProfileForm", "settings", "DEBUG"):
        assert inside not in page
    _assert_shielded(broken)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/no/such/page/", 404), ("/tickets/999999/", 404), ("/accounts/login/", 302), ("/admin/", 403), ("/", 302)],
)
def test_headers_stand_on_errors_and_redirects_too(agent_client: Client, path: str, status: int) -> None:
    response = agent_client.get(path, follow=path == "/admin/")

    assert response.status_code == status
    _assert_shielded(response)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/", "/accounts/inactive/", "/nothing"])
def test_headers_stand_before_anybody_is_signed_in(client: Client, path: str) -> None:
    _assert_shielded(client.get(path))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/accounts/login/", "/inbox/team/", "/accounts/2fa/", "/accounts/password/change/"])
def test_no_page_carries_a_script_or_style_of_its_own(path: str, agent_client: Client) -> None:
    page = (Client() if "login" in path else agent_client).get(path, follow=True).content.decode()

    inline = [tag for tag in re.findall(r"<script\b[^>]*>", page) if "src=" not in tag and "json" not in tag]
    assert inline == []
    assert re.findall(r"<style\b|\sstyle=|\son[a-z]+=", page) == []


def test_refusals_for_a_missing_csrf_token_are_shielded(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.agent)

    response = client.post("/profile/", {"name": "Evil"})

    assert response.status_code == 403
    _assert_shielded(response)  # type: ignore[arg-type]


def test_nothing_is_exempt_from_csrf_but_what_carries_no_cookie() -> None:
    """The API's views are exempt by DRF and checked there, in session authentication."""
    exempt = {route for route, pattern in ROUTES.items() if getattr(pattern.callback, "csrf_exempt", False)}

    assert {route for route in exempt if not route.startswith("api/")} == set()


@pytest.mark.parametrize(("checks", "status", "messages"), [(True, 403, 1), (False, 201, 2)])
def test_an_api_call_by_cookie_needs_the_csrf_token(checks: bool, status: int, messages: int, world: World) -> None:
    client = Client(enforce_csrf_checks=checks)
    client.force_login(world.agent)

    response = client.post(
        f"/api/v1/tickets/{world.ticket.public_id}/note/", {"text": "Written"}, content_type="application/json"
    )

    assert (response.status_code, world.ticket.messages.count()) == (status, messages)


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://localhost:8000.evil.test"])
def test_no_other_origin_is_given_an_answer_to_read(agent_client: Client, origin: str) -> None:
    for path in ("/inbox/team/", "/api/v1/tickets/", "/api/schema/", "/healthz"):
        for response in (agent_client.get(path, HTTP_ORIGIN=origin), agent_client.options(path, HTTP_ORIGIN=origin)):
            assert not [name for name in response.headers if name.lower().startswith("access-control-")], path


def test_there_is_no_set_up_page_and_no_debug_page() -> None:
    words = ("setup", "install", "wizard", "__debug__", "silk", "phpinfo", "console", "signup-first", "register")

    assert [route for route in ROUTES if any(word in route.lower() for word in words)] == []


@pytest.mark.parametrize(
    "path",
    ["/setup/", "/install/", "/.env", "/.git/config", "/static/../manage.py", "/static/%2e%2e/manage.py", "/debug/"],
)
def test_what_scanners_ask_for_is_not_there(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code in {302, 400, 404}
    assert b"DJANGO_SETTINGS_MODULE" not in response.content


def test_every_page_that_anybody_may_open_is_named_here() -> None:
    """A view without sign-in is a decision: this list is where it is taken."""
    free = {
        route
        for route, pattern in ROUTES.items()
        if not getattr(pattern.callback, "login_required", True) and not route.startswith(("accounts/", "admin/"))
    }

    # the portal has a door of its own, which the walk knocks at (PORTAL: a customer's cookie)
    of_customers = {
        route for route, address in ADDRESSES.items() if {door.row for door in address.methods.values()} == {PORTAL}
    }
    assert {route for route in free - of_customers if not route.startswith("api/")} == {
        "healthz",
        "readyz",
        "metrics",
        "files/inline/<str:token>/",
        "portal/open/",
        "portal/callback/<str:token>/",  # the signed link is the key
        "portal/ended/",
        "portal/sign-in/",
        "portal/code/",
        "portal/files/inline/<str:token>/",
    }


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(db: None) -> None:
    make_user(email="sara@halden.example")
    client = Client()
    client.get("/accounts/login/")
    type_at(client)

    session = client.cookies["helpdesk_session"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"
    assert client.cookies["helpdesk_csrf"]["samesite"] == "Lax"


def test_sessions_are_kept_as_json() -> None:
    from django.conf import settings

    assert settings.SESSION_SERIALIZER.endswith("JSONSerializer")


SECRETS = re.compile(r"password|secret|token|digest|hash|session|html_raw|mime|correlation", re.IGNORECASE)
#: Keys that only look like one.
_HARMLESS = {"digest_algorithm"}


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


@pytest.mark.parametrize("role", ["light", "agent", "lead", "manager", "admin"])
def test_no_answer_of_the_api_carries_a_secret(role: str, world: World) -> None:
    client = Client()
    client.force_login(getattr(world, role))
    asked = 0
    for path in ("me", "tickets", "customers", "events", "queues", "tags", "issue-types", "users"):
        for address in (f"/api/v1/{path}", f"/api/v1/{path}/"):
            response = client.get(address)
            if response.status_code == 200 and "json" in response.headers["Content-Type"]:
                asked += 1
                assert {key for key in _keys(response.json()) if SECRETS.search(key)} <= _HARMLESS, address
    assert asked >= 7


def test_the_document_of_the_api_names_no_secret_among_what_it_answers(world: World, agent_client: Client) -> None:
    response = agent_client.get("/api/schema/", {"format": "json"}, HTTP_ACCEPT="application/vnd.oai.openapi+json")

    properties = {
        key
        for schema in response.json()["components"]["schemas"].values()
        for key, about in schema.get("properties", {}).items()
        if not about.get("writeOnly")
    }
    assert len(properties) > 30
    assert {key for key in properties if SECRETS.search(key)} <= _HARMLESS
