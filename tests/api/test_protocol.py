"""What holds for every address: problems, repeated requests, limits, bodies, methods."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connections
from django.test import Client
from pytest_django.fixtures import Settings as SettingsWrapper
from rest_framework.relations import ManyRelatedField, RelatedField

from helpdesk.api import parsers
from helpdesk.api.serializers.fields import StrictSerializer, VisibleId, VisiblePublicId
from helpdesk.models import IdempotencyKey, Message
from helpdesk.now import frozen, now
from helpdesk.tasks import sweep_expired_keys
from tests.api.conftest import Caller, MakeCaller, secret_for
from tests.factories import World, make_world


def test_a_post_repeated_with_its_key_changes_nothing_and_gets_the_first_answer(api: Caller, world: World) -> None:
    address = f"tickets/{world.ticket.public_id}/note/"
    first = api.post(address, {"text": "Once"}, idempotency_key="a-key")
    again = api.post(address, {"text": "Once"}, idempotency_key="a-key")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert Message.objects.filter(text="Once").count() == 1


def test_a_key_used_for_another_request_is_refused(api: Caller, world: World) -> None:
    address = f"tickets/{world.ticket.public_id}/note/"
    api.post(address, {"text": "Once"}, idempotency_key="a-key")
    for reused in (
        api.post(address, {"text": "Twice"}, idempotency_key="a-key"),
        api.post(f"tickets/{world.ticket.public_id}/reply/", {"text": "Once"}, idempotency_key="a-key"),
    ):
        assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert Message.objects.count() == 3


def test_keys_belong_to_their_person_and_are_forgotten_after_a_day(api: Caller, as_: MakeCaller, world: World) -> None:
    address = f"tickets/{world.ticket.public_id}/note/"
    api.post(address, {"text": "Mine"}, idempotency_key="same")
    assert as_("lead").post(address, {"text": "Ours"}, idempotency_key="same").status_code == 201
    IdempotencyKey.objects.update(created_at=now() - timedelta(days=2))
    sweep_expired_keys()
    assert api.post(address, {"text": "Later"}, idempotency_key="same").status_code == 201


def test_a_refused_request_keeps_no_key_so_that_it_can_be_mended(api: Caller, world: World) -> None:
    address = f"tickets/{world.ticket.public_id}/status/"
    assert api.post(address, {"status": "nonsense"}, idempotency_key="k").status_code == 400
    assert api.post(address, {"status": "closed"}, idempotency_key="k").status_code == 200
    assert IdempotencyKey.objects.count() == 1
    refused = api.post(address, {"status": "open"}, idempotency_key="k2")
    assert refused.status_code == 409
    assert IdempotencyKey.objects.count() == 1


def test_a_kept_answer_is_not_repeated_about_a_ticket_gone_from_sight(
    api: Caller, as_: MakeCaller, world: World
) -> None:
    address = f"tickets/{world.ticket.public_id}/note/"
    assert api.post(address, {"text": "x"}, idempotency_key="k").status_code == 201
    as_("manager").post(f"tickets/{world.ticket.public_id}/move/", {"queue": world.queue_b.pk})
    assert api.post(address, {"text": "x"}, idempotency_key="k").status_code == 404


@pytest.mark.parametrize("key", ["", "x" * 201, "with blank", "ümlaut"])
def test_a_key_must_be_short_and_printable(api: Caller, world: World, key: str) -> None:
    response = api.post(f"tickets/{world.ticket.public_id}/note/", {"text": "x"}, idempotency_key=key)
    assert response.status_code == 400
    assert Message.objects.count() == 2


def test_a_token_has_so_many_requests_a_minute_and_is_told_how_many(world: World, settings: SettingsWrapper) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"token": "2/min"}}
    one, other = Caller(secret_for(world.agent)), Caller(secret_for(world.agent))
    start = now().replace(second=15, microsecond=0)
    with frozen(start):
        answers = [one.get("users/me/") for _ in range(3)]
        assert [a.status_code for a in answers] == [200, 200, 429]
        assert [a["RateLimit-Remaining"] for a in answers] == ["1", "0", "0"]
        assert (answers[2]["RateLimit-Limit"], answers[2]["RateLimit-Reset"], answers[2]["Retry-After"]) == (
            "2",
            "45",
            "45",
        )
        assert answers[2]["Content-Type"] == "application/problem+json"
        assert other.get("users/me/").status_code == 200
    with frozen(start + timedelta(seconds=45)):
        assert one.get("users/me/").status_code == 200


def test_the_limit_holds_without_redis_in_the_database(api: Caller, settings: SettingsWrapper) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "helpdesk_cache"}
    }
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"token": "2/hour"}}
    with frozen(now()):
        assert [api.get("users/me/").status_code for _ in range(4)] == [200, 200, 429, 429]


def test_addresses_that_are_none_are_problems_too(api: Caller) -> None:
    for path in ("", "nothing/", "tickets/7/", "tickets"):
        response = api.get(path)
        assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert api.client.delete("/api/").status_code == 404
    assert Client().get("/api/v1/nothing/").status_code == 401


def test_nothing_can_be_deleted_or_put(api: Caller, world: World) -> None:
    for method in ("put", "delete", "options"):
        response = getattr(api.client, method)(f"/api/v1/tickets/{world.ticket.public_id}/")
        assert (response.status_code, response["Content-Type"]) == (405, "application/problem+json")
        assert response["Allow"] == "GET, HEAD, PATCH"


def test_bodies_must_be_json_objects_of_bounded_size_and_depth(
    api: Caller, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/api/v1/tickets/{world.ticket.public_id}/note/"

    def send(content: str | bytes, kind: str = "application/json") -> int:
        response = api.client.post(address, content, content_type=kind)
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["status"] == response.status_code
        return int(response.status_code)

    assert send("{") == 400
    assert send(b"\xff\xfe") == 400
    assert send("[]") == 400
    assert send("null") == 400
    assert send('{"text": NaN}') == 400
    assert send("[" * 100_000) == 400
    assert send("text=x", "application/x-www-form-urlencoded") == 415
    assert send("<a/>", "application/xml") == 415
    monkeypatch.setattr(parsers, "JSON_AT_MOST_BYTES", 20)
    assert send(json.dumps({"text": "x" * 20})) == 413
    assert Message.objects.count() == 2


def test_a_lost_database_is_a_503_that_says_when_to_come_back(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("helpdesk.api.viewsets.organisation.UserViewSet.me", away)
    response = api.get("users/me/")
    assert (response.status_code, response["Content-Type"], response["Retry-After"]) == (
        503,
        "application/problem+json",
        "5",
    )


def test_a_mistake_of_ours_is_a_problem_that_tells_nothing_of_it(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("the inner words")

    monkeypatch.setattr("helpdesk.api.viewsets.organisation.UserViewSet.me", broken)
    api.client.raise_request_exception = False
    response = api.get("users/me/")
    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert b"inner words" not in response.content


def test_answers_are_kept_by_no_cache_and_shared_with_no_other_origin(api: Caller) -> None:
    response = api.client.get("/api/v1/tickets/", headers={"origin": "https://evil.example"})
    assert "no-store" in response["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in response


def test_no_body_refers_to_a_row_except_through_what_the_caller_may_see() -> None:
    def family(kind: type[StrictSerializer]) -> set[type[StrictSerializer]]:
        return {kind}.union(*(family(sub) for sub in kind.__subclasses__()))

    scoped = set()
    for serializer in family(StrictSerializer):
        for name, field in serializer().fields.items():
            assert not isinstance(field, RelatedField | ManyRelatedField), f"{serializer.__name__}.{name}"
            if isinstance(field, VisibleId | VisiblePublicId):
                scoped.add(f"{serializer.__name__}.{name}")
    assert scoped == {
        "AssignSerializer.owner",
        "LinkSerializer.ticket",
        "MoveMessagesSerializer.ticket",
        "MoveSerializer.queue",
        "NewTicketSerializer.customer",
        "NewTicketSerializer.queue",
        "TicketChangeSerializer.issue_type",
    }


@pytest.mark.django_db(transaction=True)
def test_two_requests_with_one_key_at_the_same_time_write_once_and_get_one_answer() -> None:
    world = make_world()
    secret = secret_for(world.agent)
    ready = threading.Barrier(2)

    def send(_n: int) -> dict[str, object]:
        try:
            caller = Caller(secret)
            ready.wait(timeout=20)
            response = caller.post(f"tickets/{world.ticket.public_id}/note/", {"text": "Once"}, idempotency_key="k")
            assert response.status_code == 201, response.content
            decoded: dict[str, object] = response.json()
            return decoded
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(send, range(2))
    assert first == second
    assert Message.objects.filter(text="Once").count() == 1
