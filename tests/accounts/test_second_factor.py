"""Authenticator apps and recovery codes: set up, asked for, kept sealed, and demanded where the house demands them."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.test import Client

from helpdesk.actions.people import reset_second_factor
from helpdesk.models import Actor, AuditEntry, User
from tests.accounts.conftest import type_at
from tests.factories import make_user

SECRET = "JBSWY3DPEHPK3PXP"


def code_now(secret: str = SECRET) -> str:
    """What an authenticator app shows at this moment."""
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())))))


@pytest.fixture(autouse=True)
def _time_of_codes_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code is good for thirty seconds; a test that runs over their end would fail for nothing."""
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.time", SimpleNamespace(time=lambda: 1_800_000_000.0))


def _actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


@pytest.fixture
def with_app(user: User) -> User:
    """The agent has an authenticator app."""
    TOTP.activate(user, SECRET)
    return user


def test_the_password_alone_does_not_open_the_desk(door: Client, with_app: User) -> None:
    response = type_at(door)

    assert response["Location"] == "/accounts/2fa/authenticate/"
    assert door.get("/profile/").status_code == 302
    assert _actions() == []


def test_password_and_code_open_the_desk(door: Client, with_app: User) -> None:
    type_at(door)

    response = door.post("/accounts/2fa/authenticate/", {"code": code_now()})

    assert response["Location"] == "/"
    assert door.get("/profile/").status_code == 200
    assert AuditEntry.objects.get(action="user.signed_in").data["by"] == ["password", "mfa"]


def test_a_code_opens_the_desk_once(door: Client, with_app: User) -> None:
    code = code_now()
    type_at(door)
    door.post("/accounts/2fa/authenticate/", {"code": code})
    second = Client()
    type_at(second)

    second.post("/accounts/2fa/authenticate/", {"code": code})

    assert second.get("/profile/").status_code == 302


def test_a_wrong_code_is_refused_and_written_down(door: Client, with_app: User) -> None:
    type_at(door)

    response = door.post("/accounts/2fa/authenticate/", {"code": "000000" if code_now() != "000000" else "111111"})

    assert "Incorrect code" in response.content.decode()
    assert door.get("/profile/").status_code == 302
    assert _actions() == ["user.second_factor_failed"]


def test_codes_cannot_be_guessed_without_end(door: Client, with_app: User) -> None:
    type_at(door)
    wrong = "000000" if code_now() != "000000" else "111111"
    for _ in range(6):
        door.post("/accounts/2fa/authenticate/", {"code": wrong})

    response = door.post("/accounts/2fa/authenticate/", {"code": code_now()})

    assert response.status_code == 200
    assert door.get("/profile/").status_code == 302


def test_a_recovery_code_opens_the_desk_once(door: Client, with_app: User) -> None:
    code = RecoveryCodes.activate(with_app).get_unused_codes()[0]
    type_at(door)
    door.post("/accounts/2fa/authenticate/", {"code": code})
    assert door.get("/profile/").status_code == 200
    second = Client()
    type_at(second)

    second.post("/accounts/2fa/authenticate/", {"code": code})

    assert second.get("/profile/").status_code == 302


def test_a_new_password_by_mail_does_not_pass_by_the_second_factor(
    door: Client, with_app: User, run_jobs: Callable[[], list[str]]
) -> None:
    door.post("/accounts/password/reset/", {"email": with_app.email})
    run_jobs()
    link = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[-1].body))
    assert link is not None
    form = door.get(link.group(), follow=True)
    door.post(form.redirect_chain[-1][0], {"password1": "an-entirely-new-one", "password2": "an-entirely-new-one"})

    assert type_at(door, password="an-entirely-new-one")["Location"] == "/accounts/2fa/authenticate/"


def test_the_secret_rests_sealed(with_app: User) -> None:
    row = Authenticator.objects.get(user=with_app, type="totp")

    assert SECRET not in str(row.data)
    assert row.wrap().validate_code(code_now())


def test_setting_up_an_app_is_written_down_and_told(
    door: Client, user: User, run_jobs: Callable[[], list[str]], django_capture_on_commit_callbacks: Any
) -> None:
    type_at(door)
    page = door.get("/accounts/2fa/totp/activate/")
    secret = page.context["form"].secret

    with django_capture_on_commit_callbacks(execute=True):
        door.post("/accounts/2fa/totp/activate/", {"code": code_now(secret)})

    assert Authenticator.objects.filter(user=user, type="totp").exists()
    assert "user.authenticator_app_added" in _actions()
    run_jobs()
    assert "authenticator app was added" in str(mail.outbox[-1].body)
    assert secret not in str(mail.outbox[-1].body) + str(list(AuditEntry.objects.values()))


def test_taking_the_app_away_asks_for_a_fresh_sign_in_first(door: Client, with_app: User) -> None:
    type_at(door)
    door.post("/accounts/2fa/authenticate/", {"code": code_now()})
    session = door.session
    for record in (records := session["account_authentication_methods"]):
        record["at"] -= 3600
    session["account_authentication_methods"] = records
    session.save()

    response = door.post("/accounts/2fa/totp/deactivate/")

    assert "reauthenticate" in response["Location"]
    assert Authenticator.objects.filter(user=with_app, type="totp").exists()


def test_the_password_again_is_enough_to_go_on(door: Client, user: User) -> None:
    type_at(door)
    session = door.session
    for record in (records := session["account_authentication_methods"]):
        record["at"] -= 3600
    session["account_authentication_methods"] = records
    session.save()
    assert "reauthenticate" in door.get("/accounts/2fa/totp/activate/")["Location"]

    wrong = door.post("/accounts/reauthenticate/", {"password": "wrong-password-wrong"})
    right = door.post("/accounts/reauthenticate/", {"password": "a-long-password-for-tests"})

    assert (wrong.status_code, right.status_code) == (200, 302)
    assert door.get("/accounts/2fa/totp/activate/").status_code == 200


@pytest.fixture
def demanded(settings: Any) -> None:
    """The house demands a second factor."""
    settings.REQUIRE_MFA = True


@pytest.mark.usefixtures("demanded")
def test_who_has_none_is_led_to_its_set_up_and_gets_nothing_else(door: Client, user: User) -> None:
    type_at(door)

    for path in ("/", "/inbox/needs-me/", "/profile/", "/admin/"):
        assert door.get(path)["Location"] == "/accounts/2fa/", path
    assert door.get("/api/v1/tickets/").status_code == 403
    assert door.get("/accounts/2fa/").status_code == 200
    page = door.get("/accounts/2fa/totp/activate/")
    door.post("/accounts/2fa/totp/activate/", {"code": code_now(page.context["form"].secret)})
    assert door.get("/profile/").status_code == 200


@pytest.mark.usefixtures("demanded")
@pytest.mark.parametrize("path", ["/accounts/password/change/", "/accounts/logout/", "/accounts/reauthenticate/"])
def test_the_way_out_and_ones_own_keys_stay_open(door: Client, user: User, path: str) -> None:
    type_at(door)

    location = door.get(path).headers.get("Location", "")

    assert (location == "/accounts/2fa/") is (path == "/accounts/password/change/")


def test_an_administrator_helps_who_lost_his_factor_and_it_is_written_down(door: Client, with_app: User) -> None:
    inside = Client()
    inside.force_login(with_app)

    reset_second_factor(user=with_app, actor=Actor.of(make_user("admin")))

    assert type_at(door)["Location"] == "/"
    assert inside.get("/profile/").status_code == 302
    assert "user.second_factor_reset" in _actions()
