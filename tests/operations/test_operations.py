"""For those who run it: health, readiness, metrics, what is said when the database is away, ids in answers and logs."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client
from psycopg_pool import PoolTimeout

from helpdesk import blobs
from helpdesk.logs import JsonFormatter, correlated
from helpdesk.views import operations
from tests.factories import World


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What the process writes to its log while the test runs, line by line, read as JSON."""
    handler = logging.StreamHandler(stream := _Lines())
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    yield stream.parsed
    logging.getLogger().removeHandler(handler)


class _Lines:
    """A stream that parses each line as it is written; a line that is no JSON fails the test that caused it."""

    def __init__(self) -> None:
        self.parsed: list[dict[str, Any]] = []

    def write(self, text: str) -> int:
        for line in text.split("\n"):
            if line:
                self.parsed.append(json.loads(line))
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


@pytest.fixture
def _asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness remembers that migrations were applied; each test begins without that memory."""
    monkeypatch.setattr(operations, "_migrated", False)


def test_health_asks_nobody(client: Client) -> None:
    """No database mark on this test: any query would fail it."""
    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.usefixtures("_asks_again")
def test_ready_when_database_migrations_and_storage_are_there(client: Client, db: None) -> None:
    response = client.get("/readyz")

    assert (response.status_code, response.json()) == (200, {"status": "ok", "problems": []})


@pytest.mark.usefixtures("_asks_again")
def test_not_ready_without_the_database(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr("helpdesk.views.operations.connection.cursor", away)
        response = client.get("/readyz")

    assert (response.status_code, response.json()["problems"]) == (503, ["database"])


@pytest.mark.usefixtures("_asks_again")
def test_not_ready_before_the_migrations_ran(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "helpdesk.views.operations.MigrationExecutor.migration_plan", lambda self, targets: [("a step", False)]
    )

    response = client.get("/readyz")

    assert (response.status_code, response.json()["problems"]) == (503, ["migrations"])


@pytest.mark.usefixtures("_asks_again")
def test_not_ready_when_nothing_can_be_stored(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpdesk.blobs.writable", lambda: False)

    response = client.get("/readyz")

    assert (response.status_code, response.json()["problems"]) == (503, ["storage"])


def test_storage_that_refuses_is_noticed(tmp_path: Any, settings: Any) -> None:
    wall = tmp_path / "a-file-where-the-folder-should-be"
    wall.write_text("")
    settings.BLOB_DIR = wall / "blobs"

    assert not blobs.writable()


@pytest.mark.parametrize(
    ("token", "headers", "status"),
    [
        ("", {}, 200),
        ("", {"REMOTE_ADDR": "192.0.2.1"}, 403),
        ("", {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403),
        ("", {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403),
        ("", {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer "}, 403),
        ("right-token", {}, 403),
        ("right-token", {"HTTP_AUTHORIZATION": "Bearer wrong-token"}, 403),
        ("right-token", {"HTTP_AUTHORIZATION": "Bearer right-tokenx"}, 403),
        ("right-token", {"HTTP_AUTHORIZATION": "Bearer \xfc"}, 403),
        ("right-token", {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer right-token"}, 200),
    ],
)
def test_metrics_are_for_loopback_or_a_token(
    token: str, headers: dict[str, Any], status: int, settings: Any, db: None
) -> None:
    settings.METRICS_TOKEN = token

    response = Client(**headers).get("/metrics")

    assert response.status_code == status
    assert (b"helpdesk_" in response.content) is (status == 200)


def test_metrics_name_no_person(world: World, client: Client) -> None:
    text = client.get("/metrics").content.decode()

    assert "ann@shop.example" not in text
    assert "@" not in text


OUTAGES = [
    OperationalError("connection refused: password=canary-database-password"),
    InterfaceError("connection already closed"),
    PoolTimeout("couldn't get a connection after 10 sec"),
]


@pytest.fixture(params=OUTAGES, ids=lambda problem: type(problem).__name__)
def outage(request: pytest.FixtureRequest, agent_client: Client) -> Iterator[Exception]:
    """The database is away from the first look at the session on; the signed-in browser was there before."""
    problem: Exception = request.param
    agent_client.raise_request_exception = (
        False  # what a middleware meets is handled outside of the test client's reach
    )

    def away(*arguments: object, **named: object) -> None:
        raise problem

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.contrib.sessions.backends.db.SessionStore.load", away)
        yield problem


def test_a_page_without_its_database_asks_for_patience(outage: Exception, agent_client: Client) -> None:
    response = agent_client.get("/inbox/team/")

    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "Nothing was changed" in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert "canary" not in response.content.decode()


def test_the_api_without_its_database_answers_as_an_api(outage: Exception, agent_client: Client) -> None:
    response = agent_client.get("/api/v1/tickets/")

    assert response.status_code == 503
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == 503


def test_an_outage_is_written_down_without_the_password(
    outage: Exception, agent_client: Client, lines: list[dict[str, Any]]
) -> None:
    agent_client.get("/inbox/team/")

    assert "database unavailable" in [line["message"] for line in lines]
    assert "canary" not in json.dumps(lines)


def test_a_wrong_query_is_not_taken_for_an_outage(agent_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: object, **named: object) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr("helpdesk.views.people.ProfileForm", wrong)
    agent_client.raise_request_exception = False

    assert agent_client.get("/profile/").status_code == 500


def test_a_proxys_id_is_kept_sent_back_and_in_every_line(client: Client, db: None, lines: list[dict[str, Any]]) -> None:
    response = client.get("/accounts/login/", HTTP_X_REQUEST_ID="abc-123-proxy")

    assert response["X-Request-ID"] == "abc-123-proxy"
    assert [line["correlation_id"] for line in lines if line["message"] == "request"] == ["abc-123-proxy"]


@pytest.mark.parametrize(
    "offered", ["", "short", "a" * 65, "with blank and more", "line\r\nbreak-in-it", "<script>alert"]
)
def test_an_id_that_is_none_is_replaced(client: Client, db: None, offered: str) -> None:
    response = client.get("/accounts/login/", HTTP_X_REQUEST_ID=offered)

    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-ID"])


def test_each_request_without_an_id_gets_another(client: Client, db: None) -> None:
    assert client.get("/accounts/login/")["X-Request-ID"] != client.get("/accounts/login/")["X-Request-ID"]


HOSTILE = [
    '"}\n{"level": "info"',
    "\r\nSet-Cookie: a=b",
    "\x1b[31mred",
    "<script>alert(1)</script>",
    "\u2028\u0085",
    "\x00",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_an_outsider_makes_a_line_of_its_own(text: str, lines: list[dict[str, Any]]) -> None:
    logging.getLogger("helpdesk.test").warning("mail from %s", text, extra={"subject": text})

    (line,) = lines
    assert line["message"] == f"mail from {text}"
    assert line["subject"] == text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_headers_and_paths_leave_one_whole_line(
    client: Client, db: None, text: str, lines: list[dict[str, Any]]
) -> None:
    client.get("/nothing/here", {"q": text}, HTTP_USER_AGENT=text, HTTP_REFERER=text, HTTP_X_FORWARDED_FOR=text)

    assert len([line for line in lines if line["message"] == "request"]) == 1


def test_a_log_line_says_what_one_looks_for(agent_client: Client, lines: list[dict[str, Any]]) -> None:
    agent_client.get("/profile/")

    line = next(line for line in lines if line["message"] == "request")
    assert {key: line[key] for key in ("level", "logger", "method", "path", "status")} == {
        "level": "info",
        "logger": "helpdesk.request",
        "method": "GET",
        "path": "/profile/",
        "status": 200,
    }
    assert set(line) >= {"at", "milliseconds", "correlation_id"}


@pytest.mark.parametrize(
    "words",
    [
        "login failed password=canary-value",
        "{'password': 'canary-value'}",
        '{"client_secret": "canary-value"}',
        "Authorization: Bearer canary-value",
        "refresh_token=canary-value&grant_type=refresh_token",
        "api_key: canary-value",
        "postgresql://helpdesk:canary-value@db.internal:5432/helpdesk",
    ],
)
def test_what_looks_like_a_secret_is_blanked(words: str, lines: list[dict[str, Any]]) -> None:
    logging.getLogger("helpdesk.test").error(words, extra={"problem": words})
    try:
        raise RuntimeError(words)
    except RuntimeError:
        logging.getLogger("helpdesk.test").exception("failed")

    assert "canary-value" not in json.dumps(lines)
    assert len(lines) == 2


def test_a_job_runs_under_the_id_of_its_cause(lines: list[dict[str, Any]]) -> None:
    with correlated("cause-of-it-all"):
        logging.getLogger("helpdesk.test").warning("inside")
    logging.getLogger("helpdesk.test").warning("outside")

    assert [line.get("correlation_id") for line in lines] == ["cause-of-it-all", None]
