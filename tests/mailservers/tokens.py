"""A token server: refreshes access tokens for us and tells Dovecot whose token it is shown (RFC 6749 and 7662)."""

from __future__ import annotations

import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit


class TokenServer:
    """`refresh_tokens` maps a valid refresh token to its user; every refresh makes a new access token.

    `expires_in` is told to the client in seconds; `rotate` gives a new refresh token with each answer, as some providers
    do. `refreshes` counts. `broken` answers 500 with HTML.
    """

    def __init__(self) -> None:
        self.refresh_tokens: dict[str, str] = {}
        self.access_tokens: dict[str, str] = {}
        self.expires_in = 3600
        self.rotate = False
        self.broken = False
        self.refreshes = 0
        self._numbers = itertools.count(1)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
                status, body = outer._refresh({name: values[0] for name, values in form.items()})
                self._answer(status, body)

            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                token = query.get("access_token", [self.path.rpartition("/")[2]])[0]
                user = outer.access_tokens.get(token)
                self._answer(200 if user else 401, {"active": user is not None, "email": user, "username": user})

            def _answer(self, status: int, body: dict[str, Any]) -> None:
                content = b"<h1>Down</h1>" if outer.broken else json.dumps(body).encode()
                self.send_response(500 if outer.broken else status)
                self.send_header("Content-Type", "text/html" if outer.broken else "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_words: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def token_url(self) -> str:
        """Where refresh tokens are turned into access tokens."""
        return f"http://127.0.0.1:{self.port}/token"

    @property
    def introspection_url(self) -> str:
        """Dovecot adds the token at the end."""
        return f"http://127.0.0.1:{self.port}/introspect?access_token="

    def _refresh(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.refreshes += 1
        user = self.refresh_tokens.get(form.get("refresh_token", ""))
        if user is None or form.get("grant_type") != "refresh_token":
            return 400, {"error": "invalid_grant"}
        n = next(self._numbers)
        token = f"access-{n}"
        self.access_tokens[token] = user
        body: dict[str, Any] = {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in}
        if self.rotate:
            del self.refresh_tokens[form["refresh_token"]]
            body["refresh_token"] = f"refresh-{n}"
            self.refresh_tokens[body["refresh_token"]] = user
        return 200, body

    def __enter__(self) -> TokenServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
