"""Columns of our own: text that is sealed at rest."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


def _sealer() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"helpdesk.sealed:" + key.encode()).digest())) for key in keys]
    )


def seal(text: str) -> str:
    """Encrypts a secret under SECRET_KEY for a column that is not ours (second factors)."""
    return _sealer().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Opens what `seal` made; empty when it was sealed under another key."""
    try:
        return _sealer().decrypt(sealed.encode()).decode()
    except InvalidToken:
        return ""


class SealedTextField(models.TextField[str, str]):
    """A secret (mailbox password, OAuth token) that rests encrypted under SECRET_KEY.

    Reading with another key gives an empty text: the mailbox then says that its password must be entered again.
    """

    def get_prep_value(self, value: Any) -> Any:
        """Seals on the way into the database."""
        text = super().get_prep_value(value)
        return seal(text) if text else text

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        """Opens on the way out."""
        return unseal(value) if value else value
