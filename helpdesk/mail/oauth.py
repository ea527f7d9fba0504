"""OAuth2 for mail servers: XOAUTH2 words and access tokens, refreshed a minute before they end and never on each poll."""

from __future__ import annotations

from datetime import timedelta

import requests
from django.conf import settings

from helpdesk.models import Mailbox
from helpdesk.now import now

_EARLY = timedelta(seconds=60)


class NoToken(OSError):
    """The token server gave none; the message is a sentence for the mailbox's health."""


def xoauth2(user: str, token: str) -> str:
    """The SASL text of XOAUTH2 (before base64)."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def access_token(mailbox: Mailbox) -> str:
    """A valid access token, from the row while it lasts, else by the refresh token. Raises NoToken."""
    if mailbox.oauth_access_token and mailbox.oauth_expires_at and mailbox.oauth_expires_at - _EARLY > now():
        return str(mailbox.oauth_access_token)
    form = {
        "grant_type": "refresh_token",
        "refresh_token": mailbox.oauth_refresh_token,
        "client_id": mailbox.oauth_client_id,
    }
    if mailbox.oauth_client_secret:
        form["client_secret"] = mailbox.oauth_client_secret
    try:
        answer = requests.post(
            mailbox.oauth_token_url, data=form, timeout=settings.MAIL_TIMEOUT_SECONDS, allow_redirects=False
        )
        body = answer.json()
    except (requests.RequestException, ValueError) as problem:
        raise NoToken(
            f"The token address {mailbox.oauth_token_url} does not answer as expected: {problem}"
        ) from problem
    if not isinstance(body, dict) or answer.status_code != 200 or not body.get("access_token"):
        word = body.get("error", answer.status_code) if isinstance(body, dict) else answer.status_code
        raise NoToken(
            f"The token server refused the refresh token ({word}): sign the mailbox in again and enter the new one."
        )
    mailbox.oauth_access_token = str(body["access_token"])
    mailbox.oauth_expires_at = now() + timedelta(seconds=int(body.get("expires_in", 3600)))
    mailbox.oauth_refresh_token = str(body.get("refresh_token") or mailbox.oauth_refresh_token)
    if mailbox.pk is not None:  # settings that are only being tried are no row yet
        mailbox.save(update_fields=["oauth_access_token", "oauth_expires_at", "oauth_refresh_token"])
    return str(mailbox.oauth_access_token)
