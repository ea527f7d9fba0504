"""Careless servers repeat in their errors what we sent them. No secret of ours may come to rest in a row, a log or a page."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_plus

import pytest
from django.apps import apps
from django.core import mail as django_mail
from django.db import connection
from django.test import Client
from django_q.models import OrmQ

from helpdesk.actions.conversation import reply
from helpdesk.actions.delivery import deliver_due
from helpdesk.logs import JsonFormatter
from helpdesk.mail_poll import Poller
from helpdesk.models import Actor, Mailbox, OutgoingMail
from helpdesk.now import now
from tests.factories import World

pytestmark = pytest.mark.django_db
CANARY = "canary7Zq"
IMAP_PASSWORD, SMTP_PASSWORD = f"{CANARY}-imap", f"{CANARY}-smtp word"
REFRESH, CLIENT_SECRET = f"{CANARY}-refresh", f"{CANARY}-client"


class _EchoingImap(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Repeats every line it refuses."""
        self.wfile.write(b"* OK ready\r\n")
        for line in self.rfile:
            tag, _blank, rest = line.strip().partition(b" ")
            if rest.upper().startswith(b"CAPABILITY"):
                self.wfile.write(b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR\r\n" + tag + b" OK done\r\n")
            else:
                self.wfile.write(tag + b" NO refused: " + rest + b" (" + _decoded(rest) + b")\r\n")


class _EchoingSmtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """As above."""
        self.wfile.write(b"220 ready\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"EHLO"):
                self.wfile.write(b"250-here\r\n250 AUTH PLAIN LOGIN XOAUTH2\r\n")
            elif line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"535 refused: " + line.strip() + b" (" + _decoded(line) + b")\r\n")


def _decoded(line: bytes) -> bytes:
    with contextlib.suppress(ValueError, IndexError):
        return base64.b64decode(line.split()[-1]).replace(b"\0", b" ").replace(b"\x01", b" ")
    return b""


@contextlib.contextmanager
def _listening(handler: type[socketserver.StreamRequestHandler]) -> Iterator[int]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _EchoingTokens(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Repeats the form in the error."""
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        body = json.dumps({"error": f"bad {unquote_plus(form)}", "error_description": form}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that goes to the log, rendered as in production."""
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(before)
    root.removeHandler(handler)


def _rows() -> str:
    """Every text of every table of ours and of the jobs, but for the sealed columns, which must not hold it either."""
    found = []
    with connection.cursor() as cursor:
        for model in [*apps.get_app_config("helpdesk").get_models(), OrmQ]:
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{model._meta.db_table}" t')
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def _assert_nowhere(written: io.StringIO, world: World) -> None:
    secrets = [CANARY, *(base64.b64encode(f"\0u\0{p}".encode()).decode() for p in (IMAP_PASSWORD, SMTP_PASSWORD))]
    secrets += [base64.b64encode(p.encode()).decode() for p in (IMAP_PASSWORD, SMTP_PASSWORD)]
    admin = Client()
    admin.force_login(world.admin)
    pages = [
        f"/admin/helpdesk/mailbox/{world.mailbox.pk}/change/",
        "/admin/helpdesk/mailbox/",
        "/admin/helpdesk/outgoingmail/",
    ]
    pages += [f"/tickets/{world.ticket.number}/", "/admin/helpdesk/auditentry/"]
    places = {"rows": _rows(), "log": written.getvalue(), "mails": str([m.message() for m in django_mail.outbox])}
    places |= {page: admin.get(page, follow=True).content.decode() for page in pages}
    for place, text in places.items():
        for secret in secrets:
            assert secret not in text, f"{place}: …{text[max(0, text.index(secret) - 200) : text.index(secret) + 60]}"


def _set(box: Mailbox, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(box, name, value)
    box.save()


def _poll(box: Mailbox) -> None:
    for _time in range(3):
        poller = Poller(box.pk)
        poller.poll()
        poller.close()
    box.refresh_from_db()


def test_a_mail_server_that_repeats_the_password_on_the_way_in(world: World, written: io.StringIO) -> None:
    with _listening(_EchoingImap) as port:
        _set(world.mailbox, imap_host="127.0.0.1", imap_port=port, username="u", password=IMAP_PASSWORD)
        _poll(world.mailbox)

    assert "refused" in world.mailbox.last_error
    _assert_nowhere(written, world)


def test_a_mail_server_that_repeats_the_password_on_the_way_out(
    world: World, written: io.StringIO, settings: Any
) -> None:
    settings.UNDO_SEND_SECONDS = 0
    with _listening(_EchoingSmtp) as port:
        _set(world.mailbox, smtp_port=port, smtp_username="u", smtp_password=SMTP_PASSWORD)
        reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Hello")
        OutgoingMail.objects.update(due_at=now())
        deliver_due()

    assert "535" in OutgoingMail.objects.get().last_error
    _assert_nowhere(written, world)


def test_a_token_server_that_repeats_the_form(world: World, written: io.StringIO) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _EchoingTokens)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with _listening(_EchoingImap) as port:
        _set(
            world.mailbox,
            imap_host="127.0.0.1",
            imap_port=port,
            username="u",
            auth=Mailbox.Auth.OAUTH2,
            oauth_token_url=f"http://127.0.0.1:{server.server_port}/token",
            oauth_client_id="c",
            oauth_client_secret=CLIENT_SECRET,
            oauth_refresh_token=REFRESH,
        )
        _poll(world.mailbox)
    server.shutdown()
    server.server_close()

    assert "refused the refresh token" in world.mailbox.last_error
    _assert_nowhere(written, world)


def test_a_mail_server_that_repeats_the_access_token(world: World, written: io.StringIO) -> None:
    with _listening(_EchoingImap) as port:
        _set(
            world.mailbox,
            imap_host="127.0.0.1",
            imap_port=port,
            username="u",
            auth=Mailbox.Auth.OAUTH2,
            oauth_access_token=f"{CANARY}-access",
            oauth_expires_at=now() + timedelta(hours=1),
        )
        _poll(world.mailbox)

    assert world.mailbox.last_error
    _assert_nowhere(written, world)


def test_the_secrets_of_a_mailbox_rest_sealed(world: World) -> None:
    _set(world.mailbox, password=IMAP_PASSWORD, smtp_password=SMTP_PASSWORD, oauth_refresh_token=REFRESH)

    assert CANARY not in _rows()
    world.mailbox.refresh_from_db()
    assert (world.mailbox.password, world.mailbox.smtp_password) == (IMAP_PASSWORD, SMTP_PASSWORD)
