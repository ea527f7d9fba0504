"""The company's sign-in, on loopback: an OpenID provider with authorization codes and PKCE, whose answers a test may bend."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

CLIENT, SECRET = "helpdesk", "canary-oidc-client-secret-7f3a"


class Company:
    """Signs in whoever `person` is, at once, as a browser that has a session there would be.

    `person` are the claims; `issuer` and `audience` may be bent; `broken` answers the token request with 500 and an echo of
    the secret, as careless servers do. `codes` are the live codes: challenge and redirect address.
    """

    def __init__(self) -> None:
        self.person: dict[str, Any] = {
            "sub": "c-1",
            "email": "sara@halden.example",
            "email_verified": True,
            "name": "Sara",
        }
        self.codes: dict[str, dict[str, str]] = {}
        self.audience = CLIENT
        self.bent_issuer = ""
        self.broken = False
        self.seen: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Company:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settings(self) -> dict[str, Any]:
        """SOCIALACCOUNT_PROVIDERS as helpdesk/settings.py makes them from HELPDESK_OIDC_*."""
        app = {
            "provider_id": "company",
            "name": "Halden account",
            "client_id": CLIENT,
            "secret": SECRET,
            "settings": {"server_url": self.address},
        }
        return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent with its new code."""
        self.seen.append(query)
        code = secrets.token_urlsafe(12)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Exchanges a code once, for whoever proves to have asked for it."""
        if self.broken:
            return 500, {"error": "server_error", "error_description": f"bad secret {form.get('client_secret')}"}
        asked = self.codes.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        if (
            asked is None
            or asked.get("code_challenge_method") != "S256"
            or asked.get("code_challenge") != proof.decode()
            or form.get("client_secret") != SECRET
        ):
            return 400, {"error": "invalid_grant"}
        at = int(time.time())
        claims = {
            **self.person,
            "iss": self.bent_issuer or self.address,
            "aud": self.audience,
            "iat": at,
            "exp": at + 300,
        }
        signed = jwt.encode(claims, "a-key-of-the-provider-that-nobody-else-has", algorithm="HS256")
        return 200, {"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": signed}

    def configuration(self) -> dict[str, Any]:
        """What /.well-known/openid-configuration says."""
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "userinfo_endpoint": f"{self.address}/userinfo",
            "jwks_uri": f"{self.address}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }


def _handler(company: Company) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", company.authorize({k: v[0] for k, v in parse_qs(parts.query).items()}))
                self.end_headers()
            elif parts.path == "/userinfo":
                self._json(200, company.person)
            else:
                self._json(200, company.configuration())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._json(*company.token({k: v[0] for k, v in form.items()}))

        def _json(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
