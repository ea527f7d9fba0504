"""Pytest fixtures over the mail servers, for every folder of tests that needs one (named in tests/conftest-like files)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from helpdesk.models import Mailbox, Queue, Security
from tests.factories import make_mailbox
from tests.mailservers.dovecot import PASSWORD, Dovecot
from tests.mailservers.sink import Sink
from tests.mailservers.tokens import TokenServer

MakeBox = Callable[..., tuple[Mailbox, str]]


@pytest.fixture(scope="session")
def token_server() -> Iterator[TokenServer]:
    """One token server for the whole run."""
    with TokenServer() as server:
        yield server


@pytest.fixture(scope="session")
def dovecot_server(token_server: TokenServer) -> Iterator[Dovecot]:
    """One Dovecot for the whole run; each test has users of its own."""
    with Dovecot(token_server, keeps_commands=True) as server:
        yield server


@pytest.fixture
def dovecot(dovecot_server: Dovecot, settings: Any) -> Dovecot:
    """The Dovecot, its certificate believed."""
    settings.MAIL_CA_FILE = str(dovecot_server.cert)
    settings.MAIL_TIMEOUT_SECONDS = 5
    return dovecot_server


@pytest.fixture
def make_box(dovecot: Dovecot) -> MakeBox:
    """Makes a mailbox on Dovecot: (row, user name there). Keyword arguments are fields of the row."""

    def make(queue: Queue | None = None, **fields: Any) -> tuple[Mailbox, str]:
        user = dovecot.user()
        secure = fields.get("imap_security") == Security.TLS
        values = {
            "imap_host": "127.0.0.1",
            "imap_port": dovecot.tls_port if secure else dovecot.port,
            "username": user,
            "password": PASSWORD,
            **fields,
        }
        return make_mailbox(queue, **values), user

    return make


@pytest.fixture
def sink() -> Iterator[Sink]:
    """An SMTP server of this test's own."""
    with Sink() as server:
        yield server
