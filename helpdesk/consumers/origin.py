"""The door of all sockets: pages of our own origin, no others. Called by helpdesk.asgi."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings


class OwnOriginOnly:
    """Refuses sockets opened by pages of any other origin; a missing Origin is refused as well."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Compares the whole origin: scheme, host and port."""
        headers = {name: value.decode("latin-1") for name, value in scope.get("headers", [])}
        origin, host = headers.get(b"origin", ""), headers.get(b"host", "")
        if not _same_origin(origin, host, settings.SECURE_TRANSPORT):
            return await WebsocketDenier()(scope, receive, send)
        return await self.application(scope, receive, send)


def _same_origin(origin: str, host: str, secure: bool) -> bool:
    parts = urlsplit(origin)
    schemes = {"https"} if secure else {"http", urlsplit(settings.BASE_URL).scheme}
    if parts.scheme not in schemes or not parts.netloc or parts.path or parts.query or parts.fragment:
        return False
    name = parts.hostname or ""
    allowed = any(name == a.strip("[]") or a == "*" for a in settings.ALLOWED_HOSTS)
    return allowed and parts.netloc.lower() == host.lower()
