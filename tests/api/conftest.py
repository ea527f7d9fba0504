"""Callers of the API: a client that carries the token of somebody of the world."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from helpdesk.actions.tokens import issue_token
from helpdesk.models import SYSTEM, User
from helpdesk.now import now
from tests.factories import World


def secret_for(owner: User, *scopes: str) -> str:
    """A fresh token of this person, read and write unless said otherwise."""
    _token, secret = issue_token(
        owner=owner,
        name="test",
        scopes=scopes or ("read", "write"),
        expires_at=now() + timedelta(days=1),
        actor=SYSTEM,
    )
    return secret


class Caller:
    """Sends JSON with a bearer token and decodes what comes back."""

    def __init__(self, secret: str) -> None:
        self.client = Client(headers={"authorization": f"Bearer {secret}"}, raise_request_exception=True)

    def get(self, path: str, **headers: str) -> Any:
        """GET under /api/v1/."""
        return self.client.get(f"/api/v1/{path}", headers=_named(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """POST under /api/v1/."""
        return self._send("post", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        """PATCH under /api/v1/."""
        return self._send("patch", path, body, headers)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        content = json.dumps({} if body is None else body)
        send = getattr(self.client, method)
        return send(f"/api/v1/{path}", content, content_type="application/json", headers=_named(headers))


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


MakeCaller = Callable[..., Caller]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """No test inherits the counted requests of another."""
    cache.clear()


@pytest.fixture
def as_(world: World) -> MakeCaller:
    """`as_("agent")`, `as_("manager", "read")`: a caller with a token of that person and those scopes."""

    def make(who: str, *scopes: str) -> Caller:
        return Caller(secret_for(getattr(world, who), *scopes))

    return make


@pytest.fixture
def api(as_: MakeCaller) -> Caller:
    """The agent of team A."""
    return as_("agent")
