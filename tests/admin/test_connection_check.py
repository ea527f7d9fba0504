"""The connection test against servers that work, refuse, hang, drip or speak something else; run without a database."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from helpdesk.mail import check
from helpdesk.mail.check import Step
from helpdesk.models import Mailbox, Security

PASSWORD = "correct-horse-battery"
Talk = Callable[[socket.socket], None]


@contextmanager
def _server(talk: Talk) -> Iterator[int]:
    """A server on loopback that talks like this to whoever connects; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            while True:
                try:
                    line, _address = door.accept()
                except OSError:
                    return
                with line:
                    try:
                        talk(line)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        yield door.getsockname()[1]


def _imap(line: socket.socket) -> None:
    """Just enough of IMAP (RFC 9051): one user, one folder, IDLE."""
    reader = line.makefile("rb")
    line.sendall(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
    for raw in reader:
        tag, _, rest = raw.decode("latin-1").strip().partition(" ")
        verb = rest.split(" ")[0].upper()
        if verb == "CAPABILITY":
            line.sendall(b"* CAPABILITY IMAP4rev1 IDLE\r\n")
        elif verb == "LOGIN" and PASSWORD not in rest:
            line.sendall(f"{tag} NO [AUTHENTICATIONFAILED] {rest} is wrong\r\n".encode())
            continue
        elif verb == "STATUS" and "INBOX" not in rest:
            line.sendall(f"{tag} NO no such mailbox\r\n".encode())
            continue
        elif verb == "STATUS":
            line.sendall(b'* STATUS "INBOX" (MESSAGES 12 UIDVALIDITY 7)\r\n')
        elif verb == "LIST":
            line.sendall(b'* LIST () "/" "INBOX"\r\n* LIST () "/" "Archive"\r\n')
        line.sendall(f"{tag} OK done\r\n".encode())
        if verb == "LOGOUT":
            return  # without the BYE that belongs here: some do so


class _Takes:
    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "554 nothing should be sent"


def _only_with_password(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
    return AuthResult(success=getattr(data, "password", b"") == PASSWORD.encode(), handled=False)


@pytest.fixture
def smtp() -> Iterator[int]:
    """An SMTP server on loopback that wants a password."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(
        _Takes(), hostname="127.0.0.1", port=port, authenticator=_only_with_password, auth_require_tls=False
    )
    controller.start()
    yield port
    controller.stop()


def _mailbox(imap: int = 1, smtp: int = 1, **fields: object) -> Mailbox:
    known = {
        "name": "Tried",
        "imap_host": "127.0.0.1",
        "imap_port": imap,
        "imap_security": Security.PLAIN,
        "username": "support",
        "password": PASSWORD,
        "smtp_host": "127.0.0.1",
        "smtp_port": smtp,
        "smtp_security": Security.PLAIN,
        "smtp_username": "support",
        "smtp_password": PASSWORD,
    }
    return Mailbox(**{**known, **fields})


def _last(steps: list[Step], line: str) -> Step:
    return [step for step in steps if step.line == line][-1]


def test_a_mailbox_that_works_is_ok_at_every_step(smtp: int) -> None:
    with _server(_imap) as imap:
        steps = check.test_connection(_mailbox(imap, smtp))

    assert [(s.line, s.name, s.outcome) for s in steps] == [
        ("IMAP", "find the server", "ok"),
        ("IMAP", "connect", "ok"),
        ("IMAP", "protect the line", "skipped"),
        ("IMAP", "sign in", "ok"),
        ("IMAP", "open the folder", "ok"),
        ("IMAP", "instant notice", "ok"),
        ("SMTP", "find the server", "ok"),
        ("SMTP", "connect", "ok"),
        ("SMTP", "protect the line", "skipped"),
        ("SMTP", "sign in", "ok"),
    ]
    assert "with 12 mails" in steps[4].words


def test_a_wrong_password_is_said_and_never_shown(smtp: int) -> None:
    with _server(_imap) as imap:
        steps = check.test_connection(_mailbox(imap, smtp, password="typed-wrong", smtp_password="typed-wrong"))

    for line in ("IMAP", "SMTP"):
        assert (_last(steps, line).name, _last(steps, line).outcome) == ("sign in", "failed")
        assert "The server refused support" in _last(steps, line).words
    assert not any("typed-wrong" in step.words for step in steps), "the server repeated it, we must not"


def test_a_missing_folder_is_named_with_those_there_are() -> None:
    with _server(_imap) as imap:
        steps = check.test_connection(_mailbox(imap, smtp_host="", folder="Suport"))

    folder = next(step for step in steps if step.name == "open the folder")
    assert folder.words == "There is no folder Suport. The server has: INBOX, Archive."


def test_a_closed_port_and_an_unknown_name_are_told_apart() -> None:
    steps = check.test_connection(_mailbox(imap_host="nowhere.invalid"))

    assert [(s.line, s.name, s.outcome) for s in steps] == [
        ("IMAP", "find the server", "failed"),
        ("SMTP", "find the server", "ok"),
        ("SMTP", "connect", "failed"),
    ]
    assert "no server named nowhere.invalid" in steps[0].words
    assert "refuses connections on port 1" in steps[2].words


def test_tls_where_none_is_spoken_points_at_port_and_security(smtp: int) -> None:
    with _server(_imap) as imap:
        steps = check.test_connection(_mailbox(imap, smtp, imap_security=Security.TLS, smtp_security=Security.STARTTLS))

    for line in ("IMAP", "SMTP"):
        assert (_last(steps, line).name, _last(steps, line).outcome) == ("protect the line", "failed")
    assert "port and security belong together" in _last(steps, "IMAP").words


def test_what_is_no_mail_server_is_a_sentence() -> None:
    with _server(lambda line: line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        steps = check.test_connection(_mailbox(port, port))

    assert [s.outcome for s in steps if s.name == "connect"] == ["failed", "failed"]


def test_a_silent_and_a_dripping_server_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "SECONDS", 0.3)
    monkeypatch.setattr(check, "LINE_SECONDS", 1.0)

    def silent(line: socket.socket) -> None:
        time.sleep(3)

    def dripping(line: socket.socket) -> None:
        line.sendall(b"* OK ready\r\n")
        for _turn in range(100):
            line.sendall(b"*")
            time.sleep(0.1)

    with _server(silent) as quiet, _server(dripping) as slow:
        silence = check.test_connection(_mailbox(quiet, smtp_host=""))
        drip = check.test_connection(_mailbox(slow, smtp_host=""))

    assert (_last(silence, "IMAP").name, _last(silence, "IMAP").outcome) == ("connect", "failed")
    assert "does not answer" in _last(silence, "IMAP").words
    assert any(step.outcome == "failed" for step in drip if step.line == "IMAP")


def test_nothing_named_is_skipped() -> None:
    steps = check.test_connection(_mailbox(imap_host="", smtp_host=""))

    assert [(s.line, s.outcome) for s in steps] == [("IMAP", "skipped"), ("SMTP", "skipped")]
