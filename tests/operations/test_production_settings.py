"""The strict ground rules: what production demands, and that Django's deployment checks find nothing to say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "HELPDESK_ENV": "production",
    "HELPDESK_SECRET_KEY": "k8Zq-3vN_w7RtYb2LxHc5MdPf9JgSa4UeTo6WiVn1QrXmBz0CyDkFh",
    "HELPDESK_BASE_URL": "https://help.halden.example",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
}
_ASK = """
import django, json
django.setup()
from django.conf import settings as s
print(json.dumps({name: getattr(s, name, None) for name in (
    "DEBUG ALLOWED_HOSTS SESSION_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SESSION_COOKIE_HTTPONLY REQUIRE_MFA "
    "SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS PASSWORD_HASHERS SESSION_SERIALIZER MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN "
    "ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS USE_X_FORWARDED_HOST SECURE_PROXY_SSL_HEADER CSRF_COOKIE_NAME CACHES FAULT"
).split()} | {"form_action": s.CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"]}, default=str))
"""


def _run(arguments: list[str], **changes: str | None) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HELPDESK_", "REDIS", "DATABASE", "DJANGO_"))  # DJANGO_: browsers of this run set one
    }
    environment = {**inherited, **GOOD, "DJANGO_SETTINGS_MODULE": "helpdesk.settings"}
    for name, value in changes.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_djangos_deployment_checks_have_nothing_to_say() -> None:
    done = _run(["manage.py", "check", "--deploy", "--fail-level", "WARNING"])

    assert (done.returncode, "no issues" in done.stdout + done.stderr) == (0, True), done.stdout + done.stderr


def test_production_is_strict() -> None:
    done = _run(["-c", _ASK])
    said = json.loads(done.stdout)

    assert said["CACHES"]["default"]["BACKEND"].endswith("DatabaseCache")
    del said["CACHES"]
    assert said == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["help.halden.example"],
        "SESSION_COOKIE_NAME": "__Host-session",
        "CSRF_COOKIE_NAME": "__Host-csrf",
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "REQUIRE_MFA": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "PASSWORD_HASHERS": said["PASSWORD_HASHERS"],
        "SESSION_SERIALIZER": "django.contrib.sessions.serializers.JSONSerializer",
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": False,
        "ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS": False,
        "USE_X_FORWARDED_HOST": False,
        "SECURE_PROXY_SSL_HEADER": None,
        "FAULT": "",
        "form_action": ["'self'"],
    }
    assert said["PASSWORD_HASHERS"][0].endswith("PBKDF2PasswordHasher")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HELPDESK_SECRET_KEY", None, "HELPDESK_SECRET_KEY is not set"),
        ("HELPDESK_BASE_URL", "help.halden.example", "needs a scheme and a host"),
        ("HELPDESK_ENV", "prod", "use production, demo or test"),
        ("HELPDESK_DEBUG", "maybe", "neither yes nor no"),
        ("HELPDESK_TRUSTED_PROXIES", "many", "is not a whole number"),
        ("DATABASE_URL", "mysql://x", "must start with postgresql://"),
        ("HELPDESK_OIDC_URL", "http://idp.halden.example", "must be the https address"),
    ],
)
def test_a_wrong_setting_ends_in_a_sentence(name: str, value: str | None, sentence: str) -> None:
    done = _run(["-c", _ASK], **{name: value})

    assert done.returncode != 0
    assert sentence in done.stderr


def test_a_fault_point_cannot_be_armed_in_production() -> None:
    said = json.loads(_run(["-c", _ASK], HELPDESK_FAULT="mail_in.stored:kill").stdout)

    assert said["FAULT"] == ""


def test_the_log_in_button_may_lead_to_the_company_and_nowhere_else() -> None:
    said = json.loads(_run(["-c", _ASK], HELPDESK_OIDC_URL="https://idp.halden.example/realm").stdout)

    assert said["form_action"] == ["'self'", "https://idp.halden.example"]


def test_only_a_named_proxy_is_believed_about_https() -> None:
    said = json.loads(_run(["-c", _ASK], HELPDESK_TRUSTED_PROXIES="1").stdout)

    assert said["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]
