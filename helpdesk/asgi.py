"""The web process: HTTP through Django, sockets through channels. Roof."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler

#: While one thread computes, another that has something to pass on (a doorbell, a finished read) waits this long for its turn.
_TURN_SECONDS = 0.001
sys.setswitchinterval(_TURN_SECONDS)


class OneThreadHandler(ASGIHandler):
    """Runs middleware and view of a request in one go on one thread.

    All of ours are synchronous. Django's own handler goes back to the event loop between the two, and each of these changes
    waits until the threads of other requests let go of the interpreter.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        """The synchronous chain, called through one thread."""
        super().load_middleware(is_async=False)
        if is_async:
            self._middleware_chain = sync_to_async(self._middleware_chain, thread_sensitive=True)  # type: ignore[has-type]


django.setup(set_prefix=False)
http = OneThreadHandler()

from channels.auth import AuthMiddlewareStack  # noqa: E402  # models must be loaded first
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from helpdesk.consumers import OwnOriginOnly, websocket_routes  # noqa: E402

application = ProtocolTypeRouter(
    {"http": http, "websocket": OwnOriginOnly(AuthMiddlewareStack(URLRouter(websocket_routes)))}
)
