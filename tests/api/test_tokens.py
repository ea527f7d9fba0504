"""Who gets in: tokens issued, narrowed, expired, revoked; sessions with their CSRF token; nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils.crypto import get_random_string
from pytest_django.fixtures import Settings as SettingsWrapper

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.tokens import digest_of, issue_token, live_token, revoke_token
from helpdesk.models import SYSTEM, Actor, ApiToken, AuditEntry, User
from helpdesk.now import frozen, now
from tests.api.conftest import Caller, MakeCaller, secret_for
from tests.factories import World, make_user

_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def _status(secret: str) -> int:
    return int(Caller(secret).get("users/me/").status_code)


def test_a_token_is_shown_once_and_kept_as_its_digest(world: World) -> None:
    token, secret = issue_token(
        owner=world.agent, name=" Shop  system ", scopes=["read"], expires_at=now() + timedelta(days=1), actor=SYSTEM
    )
    assert secret.startswith("hd_")
    assert len(secret) == 46
    assert (token.name, token.digest, token.hint) == ("Shop system", digest_of(secret), secret[:11])
    row = ApiToken.objects.values().get(pk=token.pk)
    assert secret not in str(row)
    entry = AuditEntry.objects.get(action="token.issued")
    assert secret not in str(entry.data)
    assert entry.data["scopes"] == ["read"]


def test_a_good_token_speaks_for_its_owner(world: World) -> None:
    me = Caller(secret_for(world.agent, "read")).get("users/me/").json()
    assert (me["id"], me["role"], me["scopes"]) == (world.agent.pk, "agent", ["read"])
    assert me["teams"] == [{"id": world.team_a.pk, "name": "Hardware", "role": "member"}]


def test_every_bad_token_is_refused_with_the_same_words(world: World) -> None:
    secret = secret_for(world.agent)
    expired, revoked, ownerless = secret_for(world.agent), secret_for(world.agent), secret_for(world.lead)
    ApiToken.objects.filter(digest=digest_of(expired)).update(expires_at=now() - timedelta(seconds=1))
    revoke_token(token=ApiToken.objects.get(digest=digest_of(revoked)), actor=SYSTEM)
    User.objects.filter(pk=world.lead.pk).update(is_active=False)
    bad = ["", "hd_", "None", secret.upper(), secret[:-1], secret + "a", digest_of(secret), expired, revoked, ownerless]
    answers = [Caller(value).get("users/me/") for value in bad]
    assert [a.status_code for a in answers] == [401] * len(bad)
    assert len({a.content for a in answers}) == 1
    assert answers[0]["WWW-Authenticate"] == 'Bearer realm="helpdesk"'
    assert answers[0]["Content-Type"] == "application/problem+json"
    assert _status(secret) == 200


def test_nobody_without_a_token_or_session_gets_in(world: World) -> None:
    response = Client().get("/api/v1/tickets/")
    assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")
    assert Client(headers={"authorization": "Basic YTpi"}).get("/api/v1/tickets/").status_code == 401
    assert Client().get("/api/v1/tickets/?access_token=" + secret_for(world.agent)).status_code == 401


def test_an_empty_secret_matches_no_row(world: World) -> None:
    ApiToken.objects.create(
        owner=world.admin,
        name="empty",
        digest=digest_of(""),
        scopes=["write"],
        expires_at=now() + timedelta(days=1),
        created_at=now(),
    )
    assert live_token("") is None
    assert _status("") == 401


def test_a_house_that_demands_a_second_factor_demands_it_of_the_owner(world: World, settings: SettingsWrapper) -> None:
    secret = secret_for(world.agent)
    settings.REQUIRE_MFA = True
    assert _status(secret) == 401
    Authenticator.objects.create(user=world.agent, type=Authenticator.Type.TOTP, data={})
    assert _status(secret) == 200


def test_the_last_use_is_written_at_most_once_a_minute(world: World) -> None:
    secret = secret_for(world.agent)
    start = now()

    def used_at(seconds: int) -> object:
        with frozen(start + timedelta(seconds=seconds)):
            Caller(secret).get("users/me/")
        return ApiToken.objects.get(digest=digest_of(secret)).last_used_at

    assert used_at(0) == start
    assert used_at(59) == start
    assert used_at(60) == start + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("who", "may"), [("light", False), ("agent", False), ("lead", False), ("manager", True), ("admin", True)]
)
def test_only_managers_and_administrators_issue_tokens(world: World, who: str, may: bool) -> None:
    def issue() -> None:
        issue_token(
            owner=world.agent,
            name="x",
            scopes=["read"],
            expires_at=now() + timedelta(days=1),
            actor=Actor.of(getattr(world, who)),
        )

    if may:
        issue()
        assert ApiToken.objects.count() == 1
    else:
        with pytest.raises(NotAllowed):
            issue()
        assert ApiToken.objects.count() == 0


def test_nobody_issues_rights_above_his_own_and_no_token_issues_another(world: World) -> None:
    end = now() + timedelta(days=1)
    with pytest.raises(NotAllowed):
        issue_token(owner=world.admin, name="x", scopes=["read"], expires_at=end, actor=Actor.of(world.manager))
    with pytest.raises(NotAllowed):
        issue_token(
            owner=world.agent,
            name="x",
            scopes=["read"],
            expires_at=end,
            actor=Actor.of(world.admin, frozenset({"write"})),
        )
    issue_token(owner=world.admin, name="x", scopes=["read"], expires_at=end, actor=Actor.of(world.admin))
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "  "},
        {"scopes": []},
        {"scopes": ["admin"]},
        {"expires_at": timedelta(0)},
        {"expires_at": timedelta(days=367)},
    ],
)
def test_a_token_without_name_scope_or_near_end_is_not_issued(world: World, wrong: dict[str, Any]) -> None:
    values: dict[str, Any] = {"name": "x", "scopes": ["read"], "expires_at": timedelta(days=1), **wrong}
    ahead = values.pop("expires_at")
    assert isinstance(ahead, timedelta)
    with pytest.raises(BadInput):
        issue_token(owner=world.agent, actor=SYSTEM, expires_at=now() + ahead, **values)
    inactive = make_user(is_active=False)
    with pytest.raises(BadInput):
        issue_token(owner=inactive, actor=SYSTEM, name="x", scopes=["read"], expires_at=now() + timedelta(days=1))


def test_a_token_is_revoked_by_its_owner_or_a_manager_and_by_nobody_else(world: World) -> None:
    secret = secret_for(world.agent)
    token = ApiToken.objects.get(digest=digest_of(secret))
    for stranger in (world.other_agent, world.lead):
        with pytest.raises(NotAllowed):
            revoke_token(token=token, actor=Actor.of(stranger))
    with pytest.raises(NotAllowed):
        revoke_token(token=token, actor=Actor.of(world.agent, frozenset({"write"})))
    assert _status(secret) == 200
    first = revoke_token(token=token, actor=Actor.of(world.agent)).revoked_at
    assert _status(secret) == 401
    assert revoke_token(token=token, actor=Actor.of(world.manager)).revoked_at == first
    assert AuditEntry.objects.filter(action="token.revoked").count() == 1
    admins = ApiToken.objects.get(digest=digest_of(secret_for(world.admin)))
    with pytest.raises(NotAllowed):
        revoke_token(token=admins, actor=Actor.of(world.manager))


def test_a_session_reads_freely_but_writes_only_with_its_csrf_token(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.agent, backend=_BACKEND)
    address = f"/api/v1/tickets/{world.ticket.public_id}/"
    assert browser.get(address).status_code == 200
    forged = browser.post(f"{address}note/", {"text": "x"}, content_type="application/json")
    assert (forged.status_code, forged["Content-Type"]) == (403, "application/problem+json")
    assert world.ticket.messages.count() == 1
    proof = browser.cookies["helpdesk_csrf"] = get_random_string(32)
    good = browser.post(
        f"{address}note/", {"text": "x"}, content_type="application/json", headers={"x-csrftoken": proof}
    )
    assert good.status_code == 201


def test_times_are_in_utc_whatever_zone_the_person_reads_his_pages_in(world: World) -> None:
    User.objects.filter(pk=world.agent.pk).update(time_zone="Asia/Tehran")
    browser = Client()
    browser.force_login(world.agent, backend=_BACKEND)
    for response in (
        browser.get(f"/api/v1/tickets/{world.ticket.public_id}/"),
        Caller(secret_for(world.agent)).get(f"tickets/{world.ticket.public_id}/"),
    ):
        assert response.json()["opened_at"] == world.ticket.opened_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_scopes_never_give_more_than_the_owners_role(as_: MakeCaller, world: World) -> None:
    light = as_("light", "write")
    assert light.post(f"tickets/{world.ticket.public_id}/reply/", {"text": "x"}).status_code == 403
    assert light.post(f"tickets/{world.ticket.public_id}/note/", {"text": "x"}).status_code == 201
