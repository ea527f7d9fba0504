"""Signing in with a password: who comes in, what is written down, and what a stranger can learn (nothing)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from helpdesk import now as clock
from helpdesk.models import AuditEntry, User
from helpdesk.sign_in import SEEN
from tests.accounts.conftest import LOGIN, type_at
from tests.corpora import CORPORA
from tests.factories import PASSWORD, make_user


def _lines() -> list[tuple[str, str, str]]:
    return [(e.action, e.object_id, e.actor_name) for e in AuditEntry.objects.order_by("pk")]


def _plain(response: Any) -> bytes:
    """The page without what differs each time: the CSRF token, the nonce and the address that was typed."""
    body = re.sub(rb"[a-z]+@halden\.example", b"ADDRESS", response.content)
    return re.sub(rb'(csrfmiddlewaretoken" value=|nonce=|CSRFToken[^"]*": ?)"[^"]+"', b"SECRET", body)


def test_the_right_password_opens_the_desk_and_is_written_down(door: Client, user: User) -> None:
    response = type_at(door)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert door.get("/profile/").status_code == 200
    assert _lines() == [("user.signed_in", str(user.pk), "Sara Agent")]
    assert AuditEntry.objects.get().data == {"address": "127.0.0.1", "by": ["password"]}


def test_a_wrong_password_is_refused_with_a_sentence_and_written_down(door: Client, user: User) -> None:
    response = type_at(door, password="wrong-password-wrong")

    assert response.status_code == 200
    assert "password you specified are not correct" in response.content.decode()
    assert door.get("/profile/").status_code == 302
    assert _lines() == [("user.sign_in_failed", str(user.pk), "system")]


def test_what_was_typed_is_not_kept(door: Client, user: User) -> None:
    type_at(door, email="my-secret-password@halden.example", password="another-secret-word")

    entry = AuditEntry.objects.get()
    assert (entry.object_id, entry.data) == ("", {"address": "127.0.0.1"})


def test_an_unknown_address_and_a_wrong_password_look_the_same(door: Client, user: User) -> None:
    wrong = type_at(door, password="wrong-password-wrong")
    unknown = type_at(Client(), email="nobody@halden.example", password="wrong-password-wrong")

    assert wrong.status_code == unknown.status_code
    assert _plain(wrong) == _plain(unknown)


def test_somebody_switched_off_does_not_come_in(door: Client, user: User) -> None:
    User.objects.update(is_active=False)

    response = type_at(door)

    assert "/accounts/inactive/" in response["Location"]
    assert door.get("/profile/").status_code == 302
    assert "user.signed_in" not in [line[0] for line in _lines()]


def test_signing_in_gives_a_new_session_key(door: Client, user: User) -> None:
    planted = door.session
    planted["planted"] = True
    planted.save()
    before = planted.session_key
    door.cookies["helpdesk_session"] = str(before)

    type_at(door)

    assert door.session.session_key != before


def test_signing_out_ends_the_session_and_is_written_down(door: Client, user: User) -> None:
    type_at(door)
    stolen = door.cookies["helpdesk_session"].value

    door.post("/accounts/logout/")

    thief = Client()
    thief.cookies["helpdesk_session"] = stolen
    assert thief.get("/profile/").status_code == 302
    assert [line[0] for line in _lines()] == ["user.signed_in", "user.signed_out"]


def test_the_admin_signs_out_through_the_same_door(door: Client, user: User) -> None:
    User.objects.update(role="manager")
    type_at(door)

    door.post("/admin/logout/")

    assert [line[0] for line in _lines()] == ["user.signed_in", "user.signed_out"]
    assert door.get("/admin/").status_code == 302


def test_an_agent_who_asks_for_the_admin_is_told_no_and_not_sent_in_circles(door: Client, user: User) -> None:
    type_at(door)

    response = door.get("/admin/", follow=True)

    assert response.status_code == 403


def test_a_manager_comes_back_to_the_page_of_the_admin_he_asked_for(door: Client, user: User) -> None:
    User.objects.update(role="manager")
    asked = door.get("/admin/helpdesk/ticket/?q=a&o=1", follow=True)
    wanted = asked.redirect_chain[-1][0]

    response = door.post(
        wanted, {"login": user.email, "password": PASSWORD, "next": asked.context["redirect_field_value"]}
    )

    assert response["Location"] == "/admin/helpdesk/ticket/?q=a&o=1"


def test_too_many_attempts_on_one_account_are_answered_429_wherever_they_come_from(user: User) -> None:
    codes = []
    for number in range(7):
        door = Client(REMOTE_ADDR=f"192.0.2.{number}")
        codes.append(type_at(door, password="wrong-password-wrong").status_code)
    last = type_at(Client(REMOTE_ADDR="192.0.2.99"))

    assert codes == [200] * 5 + [429] * 2
    assert last.status_code == 429
    assert int(last["Retry-After"]) == 300
    assert "Please wait" in last.content.decode()


def test_too_many_attempts_from_one_address_are_answered_429_whatever_they_claim(user: User) -> None:
    codes = [
        type_at(
            Client(),
            email=f"guess{n}@halden.example",
            password="wrong-password-wrong",
            HTTP_X_FORWARDED_FOR=f"1.2.3.{n}",
        ).status_code
        for n in range(12)
    ]

    assert codes == [200] * 10 + [429] * 2


def test_a_forged_forwarding_header_moves_no_limit(user: User) -> None:
    codes = [
        Client(HTTP_X_FORWARDED_FOR=f"198.51.100.{n}", HTTP_X_REAL_IP=f"198.51.100.{n}")
        .post(LOGIN, {"login": f"guess{n}@halden.example", "password": "wrong-password-wrong"})
        .status_code
        for n in range(12)
    ]

    assert codes[-1] == 429


def test_behind_a_trusted_proxy_each_client_has_a_limit_of_his_own(user: User, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    codes = [
        Client(HTTP_X_FORWARDED_FOR=f"10.0.0.1, 198.51.100.{n}")
        .post(LOGIN, {"login": f"guess{n}@halden.example", "password": "wrong-password-wrong"})
        .status_code
        for n in range(12)
    ]

    assert set(codes) == {200}


def test_identity_headers_sign_nobody_in(user: User) -> None:
    for header in ("HTTP_X_REMOTE_USER", "HTTP_REMOTE_USER", "HTTP_X_FORWARDED_USER", "HTTP_X_AUTH_REQUEST_EMAIL"):
        forged: dict[str, Any] = {header: user.email}
        assert Client(**forged).get("/profile/").status_code == 302


def test_a_limit_reached_is_not_lifted_by_a_success_elsewhere(user: User) -> None:
    make_user(email="otto@halden.example")
    for _ in range(5):
        type_at(Client(), password="wrong-password-wrong")
    type_at(Client(), email="otto@halden.example")

    assert type_at(Client()).status_code == 429


@pytest.mark.parametrize(
    ("seconds_idle", "seconds_old", "inside"),
    [(3600, 3600, True), (25 * 3600, 25 * 3600, False), (60, 15 * 24 * 3600, False)],
    ids=["in use", "idle for a day", "older than two weeks"],
)
def test_a_session_ends_when_idle_and_when_old(
    door: Client, user: User, seconds_idle: int, seconds_old: int, inside: bool
) -> None:
    type_at(door)
    session = door.session
    at = int(clock.now().timestamp())
    session["seen_at"], session["began_at"] = at - seconds_idle, at - seconds_old
    session.save()

    assert door.get("/profile/").status_code == (200 if inside else 302)


def test_use_is_noted_so_that_a_session_in_use_does_not_end(door: Client, user: User) -> None:
    type_at(door)
    session = door.session
    session[SEEN] -= int(timedelta(hours=5).total_seconds())
    session.save()

    door.get("/profile/")

    assert int(clock.now().timestamp()) - door.session[SEEN] < 60


def _targets() -> list[str]:
    listed = CORPORA / "urls" / "patt-open-redirect.txt"
    ours = [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "https:evil.test",
        "javascript:alert(1)",
        "\t//evil.test",
    ]
    if not listed.exists():
        return ours
    return ours + [line for line in listed.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]


def test_no_next_leads_out_of_the_house(user: User) -> None:
    wrong = []
    door = Client()
    door.force_login(user)
    for target in _targets():
        for path in (LOGIN, "/admin/login/"):
            response = door.get(path, {"next": target})
            if response.status_code in {301, 302} and not _is_ours(response["Location"]):
                wrong.append((path, target, response["Location"]))
    assert wrong == []


def test_no_next_posted_with_the_password_or_the_way_out_leads_out_of_the_house(user: User) -> None:
    wrong = []
    door = Client()
    for target in _targets():
        door.force_login(user)
        response = door.post("/accounts/logout/", {"next": target})
        if response.status_code == 302 and not _is_ours(response["Location"]):
            wrong.append(("logout", target, response["Location"]))
    for target in _targets()[:6]:
        location = type_at(Client(), next=target)["Location"]
        if not _is_ours(location):
            wrong.append(("login", target, location))
    assert wrong == []


def _is_ours(location: str) -> bool:
    """As a browser reads it: blanks dropped, backslashes as slashes."""
    read = re.sub(r"[\x00-\x20]", "", location).replace("\\", "/")
    whole = urlsplit(urljoin("http://testserver/accounts/login/", read))
    return (whole.scheme, whole.netloc) == ("http", "testserver")


def test_a_next_of_our_own_is_followed(user: User) -> None:
    assert type_at(Client(), next="/tickets/7/")["Location"] == "/tickets/7/"


@pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test"])
def test_a_foreign_host_header_is_refused(door: Client, user: User, host: str) -> None:
    assert door.post("/accounts/password/reset/", {"email": user.email}, headers={"host": host}).status_code == 400


def test_the_reset_link_names_the_configured_address_whatever_the_headers_say(
    user: User, run_jobs: Callable[[], list[str]], settings: Settings
) -> None:
    settings.BASE_URL = "https://help.halden.example"
    door = Client(HTTP_X_FORWARDED_HOST="evil.test", HTTP_X_FORWARDED_PROTO="http", HTTP_FORWARDED="host=evil.test")

    door.post("/accounts/password/reset/", {"email": user.email})
    run_jobs()

    assert "https://help.halden.example/accounts/password/reset/key/" in str(mail.outbox[0].body)
    assert "evil" not in str(mail.outbox[0].message())


def test_a_reset_for_an_unknown_address_looks_the_same_and_mails_nobody(
    door: Client, user: User, run_jobs: Callable[[], list[str]]
) -> None:
    known = door.post("/accounts/password/reset/", {"email": user.email}, follow=True)
    unknown = Client().post("/accounts/password/reset/", {"email": "nobody@halden.example"}, follow=True)

    assert (known.status_code, known.redirect_chain) == (unknown.status_code, unknown.redirect_chain)
    assert _plain(known) == _plain(unknown)
    run_jobs()
    assert [message.to for message in mail.outbox] == [[user.email]]


def test_a_dead_mail_server_does_not_tell_known_addresses_from_unknown_ones(
    door: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.message.EmailMessage.send", refuse)

    assert door.post("/accounts/password/reset/", {"email": user.email}).status_code == 302


def _mailed_link(door: Client, user: User, run_jobs: Callable[[], list[str]]) -> str:
    door.post("/accounts/password/reset/", {"email": user.email})
    run_jobs()
    found = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[-1].body))
    assert found is not None
    return found.group()


def test_a_mailed_link_sets_the_password_once_and_ends_the_sessions(
    door: Client, user: User, run_jobs: Callable[[], list[str]]
) -> None:
    elsewhere = Client()
    type_at(elsewhere)
    link = _mailed_link(door, user, run_jobs)
    form = door.get(link, follow=True)

    door.post(form.redirect_chain[-1][0], {"password1": "an-entirely-new-one", "password2": "an-entirely-new-one"})

    assert elsewhere.get("/profile/").status_code == 302
    assert door.get("/profile/").status_code == 302  # the link does not sign in: a second factor would be passed by
    assert type_at(Client(), password="an-entirely-new-one").status_code == 302
    again = Client().get(link, follow=True)
    assert 'name="password1"' not in again.content.decode()
    assert "user.password_reset" in [line[0] for line in _lines()]
    run_jobs()
    assert "set anew" in str(mail.outbox[-1].body)


def test_changing_the_password_is_written_down_and_told(
    door: Client, user: User, run_jobs: Callable[[], list[str]]
) -> None:
    type_at(door)

    door.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "an-entirely-new-one", "password2": "an-entirely-new-one"},
    )

    assert _lines()[-1][0] == "user.password_changed"
    assert run_jobs() == ["helpdesk.account_mail.tell_of_change"]
    assert [(message.to, "was changed" in message.body) for message in mail.outbox] == [([user.email], True)]


@pytest.mark.parametrize("password", ["short", "password1234", "sara@halden.example", "1234567890"])
def test_weak_passwords_are_refused(door: Client, user: User, password: str) -> None:
    type_at(door)

    door.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": password, "password2": password})

    assert type_at(Client(), password=password).status_code == 200


@pytest.mark.parametrize(
    "password",
    ["all small letters and blanks", "ÜmlautSchlüssel№1", "x7" * 64, " blanks around count ", "密码密码密码密码密码"],
)
def test_long_passwords_of_any_signs_are_taken_and_compared_to_the_letter(
    door: Client, user: User, password: str
) -> None:
    type_at(door)

    door.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": password, "password2": password})

    assert type_at(Client(), password=password).status_code == 302
    assert type_at(Client(), password=password.upper() + "x").status_code == 200
    assert type_at(Client(), password=password[:-1]).status_code == 200


def test_a_password_is_changed_only_by_who_knows_the_old_one(door: Client, user: User) -> None:
    type_at(door)

    door.post(
        "/accounts/password/change/",
        {"oldpassword": "wrong-password-wrong", "password1": "an-entirely-new-one", "password2": "an-entirely-new-one"},
    )

    assert type_at(Client()).status_code == 302


@pytest.mark.parametrize("path", [LOGIN, "/accounts/password/change/", "/accounts/reauthenticate/"])
def test_passwords_are_masked_and_left_to_password_managers(door: Client, user: User, path: str) -> None:
    if path != LOGIN:
        type_at(door)

    fields = re.findall(r"<input[^>]*name=\"[a-z]*password[0-9]?\"[^>]*>", door.get(path).content.decode())

    assert fields
    for field in fields:
        assert 'type="password"' in field
        assert 'autocomplete="current-password"' in field or 'autocomplete="new-password"' in field


@pytest.mark.parametrize("path", ["/accounts/email/", "/accounts/3rdparty/"])
def test_pages_that_would_change_an_address_without_proof_do_not_exist(door: Client, user: User, path: str) -> None:
    type_at(door)

    assert door.get(path).status_code == 404
    assert door.post(path, {"action_add": "", "email": "evil@evil.test"}).status_code == 404


def test_nobody_signs_himself_up(door: Client, db: None) -> None:
    door.post(
        "/accounts/signup/",
        {"email": "evil@evil.test", "password1": "an-entirely-new-one", "password2": "an-entirely-new-one"},
    )

    assert not User.objects.exists()


def test_passwords_rest_under_a_slow_hash_in_production() -> None:
    from django.conf import global_settings

    from helpdesk import settings as ours

    assert "MD5" in ours.PASSWORD_HASHERS[0]  # the suite's; nothing else sets hashers, so Django's own hold elsewhere
    assert global_settings.PASSWORD_HASHERS[0].endswith("PBKDF2PasswordHasher")
