"""What looks like a secret never reaches a log, and sentences about secrets stay readable."""

from __future__ import annotations

import pytest

from helpdesk.logs import redacted


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2",
        '{"access_token": "hunter2", "x": 1}',
        "refresh_token=hunter2&grant_type=x",
        "Authorization: Bearer hunter2",
        "authorization: hunter2",
        "sent Bearer hunter2 to it",
        "api-key: hunter2",
        "SECRET='hunter2'",
        "GET https://help.example/portal/open/?k=0a1b.12.99.hunter2 HTTP/1.1",
    ],
)
def test_a_secret_is_blanked(text: str) -> None:
    assert "hunter2" not in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "The token server refused the refresh token (invalid_grant): sign the mailbox in again.",
        "Check user name and password.",
    ],
)
def test_a_sentence_about_secrets_stays(text: str) -> None:
    assert redacted(text) == text
