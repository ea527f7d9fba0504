"""The web process: HTTP through Django, sockets through channels. Roof."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")

from django.core.asgi import get_asgi_application

http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402  # models must be loaded first
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from helpdesk.consumers import OwnOriginOnly, websocket_routes  # noqa: E402

application = ProtocolTypeRouter(
    {"http": http, "websocket": OwnOriginOnly(AuthMiddlewareStack(URLRouter(websocket_routes)))}
)
