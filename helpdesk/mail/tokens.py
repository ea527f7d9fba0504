"""The words by which our own mail is known again: signed plus addresses and signed Message-IDs.

Both carry the ticket's number in the open and a MAC over it (HMAC-SHA256, 80 bits, keyed from SECRET_KEY for one purpose
each), so that neither can be guessed from the number. Lower-case base32, since mail systems fold the case of local parts.
A token never joins by itself: the sender is checked as well (threading.py).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid

from django.conf import settings

_MAC_BYTES = 10
_PLUS = re.compile(r"\+t(\d{1,18})-([a-z2-7]{16})@", re.IGNORECASE)
_IDENTIFIER = re.compile(r"^(\d{1,18})\.([0-9a-f]{32})\.([a-z2-7]{16})@", re.IGNORECASE)


def _mac(key: str, purpose: str, text: str) -> str:
    secret = hashlib.sha256(f"helpdesk.mail.{purpose}:{key}".encode()).digest()
    digest = hmac.new(secret, text.encode(), hashlib.sha256).digest()[:_MAC_BYTES]
    return base64.b32encode(digest).decode().lower()


def _valid(purpose: str, text: str, mac: str) -> bool:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(hmac.compare_digest(_mac(key, purpose, text), mac.lower()) for key in keys)


def plus_address(address: str, number: int) -> str:
    """`support@x` -> `support+t10001-<mac>@x`: where answers to this ticket are asked to go."""
    local, _, domain = address.partition("@")
    return f"{local}+t{number}-{_mac(settings.SECRET_KEY, 'plus', str(number))}@{domain}"


def number_in_address(address: str) -> int | None:
    """The ticket number of a genuine plus address, else None."""
    match = _PLUS.search(address)
    if match is None or not _valid("plus", match[1], match[2]):
        return None
    return int(match[1])


def new_identifier(number: int, domain: str) -> str:
    """A Message-ID (without brackets) for a mail of the ticket."""
    words = f"{number}.{uuid.uuid4().hex}"
    return f"{words}.{_mac(settings.SECRET_KEY, 'message-id', words)}@{domain}"


def number_in_identifier(identifier: str) -> int | None:
    """The ticket number of a genuine Message-ID of ours, else None; any one character changed makes it not genuine."""
    match = _IDENTIFIER.match(identifier)
    if match is None or not _valid("message-id", f"{match[1]}.{match[2].lower()}", match[3]):
        return None
    return int(match[1])
