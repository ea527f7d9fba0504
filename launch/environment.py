"""The environment variables that the launcher gives its children. docs/operations.md lists all of them for people."""

from __future__ import annotations

import os
import secrets

from launch.places import VENV, make_var, write_private


def for_children(**more: str) -> dict[str, str]:
    """Our own environment, the virtual environment's programs first in PATH, plus `more`."""
    path = os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", "VIRTUAL_ENV": str(VENV), **more}


def secret_key() -> str:
    """HELPDESK_SECRET_KEY, or the one kept in `var/secret-key`, made on the first start, 0600."""
    if given := os.environ.get("HELPDESK_SECRET_KEY"):
        return given
    file = make_var() / "secret-key"
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        key = secrets.token_urlsafe(48)
        write_private(file, key + "\n")
        return key


def production_like() -> dict[str, str]:
    """Settings as production would have them, with a throw-away key: for `manage.py check --deploy`."""
    return for_children(
        HELPDESK_ENV="production",
        HELPDESK_DEBUG="0",
        HELPDESK_SECRET_KEY=secrets.token_urlsafe(64),
        HELPDESK_BASE_URL="https://desk.example",
        HELPDESK_ALLOWED_HOSTS="desk.example",
        DATABASE_URL=os.environ.get("DATABASE_URL") or NO_DATABASE,
    )


def for_tests(database_url: str = "") -> dict[str, str]:
    """Settings of the test suite."""
    return for_children(HELPDESK_ENV="test", DATABASE_URL=database_url or os.environ.get("DATABASE_URL") or NO_DATABASE)


NO_DATABASE = "postgresql://nobody@%2Fnonexistent/none"
"""An address that answers to nothing at once: for checks that read code and no data."""
