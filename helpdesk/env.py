"""Reads the environment: the one place where the process learns how it is configured. Imported by settings only.

Every reader names the variable in its error, so that a wrong value ends in a sentence and not in a stack trace.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


class BadSetting(Exception):
    """A setting from the environment cannot be used; the message says which and what to do."""


def text(name: str, default: str = "") -> str:
    """The variable as it stands, or `default`."""
    return os.environ.get(name, default)


def flag(name: str, *, default: bool = False) -> bool:
    """1/true/yes/on and 0/false/no/off, in any case."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise BadSetting(f"{name}={value!r} is neither yes nor no: set it to 1 or 0.")


def number(name: str, default: int) -> int:
    """A whole number, or `default` when unset."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise BadSetting(f"{name}={value!r} is not a whole number: set it to digits only.") from None


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without blanks."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


@dataclass(frozen=True)
class DatabaseAddress:
    """What a postgres:// URL says, in Django's words."""

    name: str
    user: str
    password: str
    host: str
    port: str
    options: dict[str, str]

    def as_django(self) -> dict[str, Any]:
        """The entry for DATABASES, without pooling and engine."""
        return {
            "NAME": self.name,
            "USER": self.user,
            "PASSWORD": self.password,
            "HOST": self.host,
            "PORT": self.port,
            "OPTIONS": dict(self.options),
        }


def database(name: str = "DATABASE_URL") -> DatabaseAddress:
    """Reads postgres://user:password@host:port/name?option=value; the host may be a percent-encoded socket directory."""
    value = os.environ.get(name, "")
    if not value:
        return DatabaseAddress("helpdesk", "", "", "", "", {})
    parts = urlsplit(value)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise BadSetting(
            f"{name} must start with postgresql:// (PostgreSQL 15 or newer is the only database supported)."
        )
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", "") or unquote(parts.netloc.rpartition("@")[2].partition(":")[0])
    if parts.netloc.rpartition("@")[2].startswith("["):
        host = parts.hostname or ""
    return DatabaseAddress(
        name=unquote(parts.path.lstrip("/")) or "helpdesk",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        host=host,
        port=options.pop("port", "") or str(parts.port or ""),
        options=options,
    )
