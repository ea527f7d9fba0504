"""Tries a mailbox's settings step by step and says at each step what was found. Called by the admin's "Test connection".

Reads nothing but the folder's counters and sends nothing. Each wait ends after SECONDS and a whole line after LINE_SECONDS,
however slowly the server drips. No sentence holds a password or token.
"""

from __future__ import annotations

import queue
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from django.utils.translation import gettext as _
from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from helpdesk.mail import tls
from helpdesk.mail.discretion import in_words, without_secrets
from helpdesk.mail.oauth import NoToken, access_token, xoauth2
from helpdesk.models import Mailbox, Security

SECONDS = 10.0
LINE_SECONDS = 25.0

Outcome = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True)
class Step:
    """One step: `line` is IMAP or SMTP, `name` what was tried, `outcome`, and a sentence that says what was found."""

    line: str
    name: str
    outcome: Outcome
    words: str

    @property
    def ok(self) -> bool:
        """Whether it went well."""
        return self.outcome == "ok"


class _Failed(Exception):
    """A step that did not go well; the message is its sentence."""


class _Steps:
    """Collects the steps of one line; after a failure the rest of the line is skipped."""

    def __init__(self, line: str, mailbox: Mailbox) -> None:
        self.line = line
        self.mailbox = mailbox
        self.steps: list[Step] = []

    def add(self, name: str, outcome: Outcome, words: str) -> None:
        """Writes a step down, with every secret of the mailbox blanked."""
        self.steps.append(Step(self.line, name, outcome, without_secrets(words, self.mailbox)))

    def run(self, name: str, what: Callable[[], str]) -> bool:
        """Tries a step; its answer or its trouble is the sentence."""
        try:
            words = what()
        except _Failed as problem:
            self.add(name, "failed", str(problem))
            return False
        except (OSError, IMAPClientError, ValueError, AttributeError) as problem:
            self.add(name, "failed", _sentence(problem))
            return False
        self.add(name, "ok", words)
        return True


def test_connection(mailbox: Mailbox) -> list[Step]:
    """Tries IMAP, then SMTP, with the values of `mailbox` (saved or not) and returns every step in order; never raises."""
    steps: list[Step] = []
    for line, host, check in (("IMAP", mailbox.imap_host, _check_imap), ("SMTP", mailbox.smtp_host, _check_smtp)):
        book = _Steps(line, mailbox)
        if not host:
            book.add(_("server"), "skipped", _("No %(line)s server is named.") % {"line": line})
        else:
            check(book, mailbox)
        steps += book.steps
    return steps


def _check_imap(book: _Steps, mailbox: Mailbox) -> None:
    if not book.run(_("find the server"), lambda: _resolve(mailbox.imap_host, mailbox.imap_port)):
        return
    client = _connect(book, mailbox.imap_host, mailbox.imap_port, mailbox.imap_security, lambda: _imap(mailbox))
    if client is None:
        return
    with _bounded(client.shutdown):
        if mailbox.imap_security == Security.STARTTLS and not book.run(
            _("protect the line"), lambda: _imap_starttls(client)
        ):
            return
        if book.run(_("sign in"), lambda: _imap_sign_in(client, mailbox)):
            book.run(_("open the folder"), lambda: _folder(client, mailbox))
            book.run(_("instant notice"), lambda: _idle(client, mailbox))
        _hang_up(client.logout, client.shutdown)


def _check_smtp(book: _Steps, mailbox: Mailbox) -> None:
    if not book.run(_("find the server"), lambda: _resolve(mailbox.smtp_host, mailbox.smtp_port)):
        return
    server = _connect(book, mailbox.smtp_host, mailbox.smtp_port, mailbox.smtp_security, lambda: _smtp(mailbox))
    if server is None:
        return
    with _bounded(server.close):
        if mailbox.smtp_security == Security.STARTTLS and not book.run(
            _("protect the line"), lambda: _smtp_starttls(server)
        ):
            return
        book.run(_("sign in"), lambda: _smtp_sign_in(server, mailbox))
        _hang_up(server.quit, server.close)


def _resolve(host: str, port: int) -> str:
    try:
        found = _in_time(lambda: socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM), SECONDS)
    except TimeoutError as problem:
        raise _Failed(_("Looking up %(host)s took too long.") % {"host": host}) from problem
    except (OSError, UnicodeError) as problem:
        raise _Failed(_("There is no server named %(host)s. Check the spelling.") % {"host": host}) from problem
    addresses = sorted({str(entry[4][0]) for entry in found})
    return _("%(host)s is %(addresses)s.") % {"host": host, "addresses": ", ".join(addresses[:3])}


def _connect(book: _Steps, host: str, port: int, security: str, dial: Callable[[], Any]) -> Any:
    """The connected client, or None. With TLS from the first byte, connecting and the handshake are told apart by the error."""
    place = {"host": host, "port": port}
    reached = _("%(host)s answers on port %(port)s.") % place
    try:
        client = _in_time(dial, LINE_SECONDS)
    except ssl.SSLError as problem:
        book.add(_("connect"), "ok", reached)
        book.add(_("protect the line"), "failed", _tls_trouble(problem))
        return None
    except (OSError, IMAPClientError, smtplib.SMTPException, ValueError) as problem:
        book.add(_("connect"), "failed", _unreachable(problem, place))
        return None
    book.add(_("connect"), "ok", reached)
    if security == Security.TLS:
        book.add(_("protect the line"), "ok", _tls_words(_socket_of(client)))
    elif security == Security.PLAIN:
        book.add(_("protect the line"), "skipped", _("The line is not encrypted. Only do this inside one machine."))
    return client


def _imap(mailbox: Mailbox) -> Any:
    secure = mailbox.imap_security == Security.TLS
    return IMAPClient(
        mailbox.imap_host,
        port=mailbox.imap_port,
        ssl=secure,
        ssl_context=tls.context() if secure else None,
        timeout=SocketTimeout(connect=SECONDS, read=SECONDS),
    )


def _imap_starttls(client: Any) -> str:
    try:
        client.starttls(tls.context())
    except ssl.SSLError as problem:
        raise _Failed(_tls_trouble(problem)) from problem
    return _tls_words(client.socket())


def _imap_sign_in(client: Any, mailbox: Mailbox) -> str:
    try:
        if mailbox.auth == Mailbox.Auth.OAUTH2:
            client.oauth2_login(mailbox.username, access_token(mailbox))
        else:
            client.login(mailbox.username, mailbox.password)
    except NoToken:
        raise
    except LoginError as problem:
        raise _Failed(_refused(mailbox.username, problem)) from problem
    return _("Signed in as %(user)s.") % {"user": mailbox.username}


def _folder(client: Any, mailbox: Mailbox) -> str:
    try:
        status = client.folder_status(mailbox.folder, ["MESSAGES", "UIDVALIDITY"])
    except IMAPClientError as problem:
        names = ", ".join(str(entry[2]) for entry in client.list_folders()[:12])
        raise _Failed(
            _("There is no folder %(folder)s. The server has: %(names)s.") % {"folder": mailbox.folder, "names": names}
        ) from problem
    count = int(status.get(b"MESSAGES", 0))
    return _("The folder %(folder)s is there, with %(count)s mails.") % {"folder": mailbox.folder, "count": count}


def _idle(client: Any, mailbox: Mailbox) -> str:
    if client.has_capability("IDLE"):
        return _("The server can tell of new mail at once (IDLE).")
    if mailbox.watch == Mailbox.Watch.IDLE:
        raise _Failed(_("The server does not offer IDLE: new mail is noticed at the poll interval instead."))
    return _("The server does not offer IDLE; polling is what this mailbox does anyway.")


def _smtp(mailbox: Mailbox) -> Any:
    if mailbox.smtp_security == Security.TLS:
        return smtplib.SMTP_SSL(mailbox.smtp_host, mailbox.smtp_port, timeout=SECONDS, context=tls.context())
    return smtplib.SMTP(mailbox.smtp_host, mailbox.smtp_port, timeout=SECONDS)


def _smtp_starttls(server: Any) -> str:
    try:
        server.starttls(context=tls.context())
    except ssl.SSLError as problem:
        raise _Failed(_tls_trouble(problem)) from problem
    except smtplib.SMTPException as problem:
        raise _Failed(_("The server refuses STARTTLS: %(answer)s") % {"answer": _first_line(str(problem))}) from problem
    return _tls_words(server.sock)


def _smtp_sign_in(server: Any, mailbox: Mailbox) -> str:
    user = mailbox.smtp_username or (mailbox.username if mailbox.auth == Mailbox.Auth.OAUTH2 else "")
    try:
        if not user:
            server.ehlo_or_helo_if_needed()
            return _("The server takes mail without a sign-in, as it is set here.")
        if mailbox.auth == Mailbox.Auth.OAUTH2:
            words = xoauth2(user, access_token(mailbox))
            server.auth("XOAUTH2", lambda challenge=None: words, initial_response_ok=True)
        else:
            server.login(user, mailbox.smtp_password)
    except NoToken:
        raise
    except smtplib.SMTPAuthenticationError as problem:
        raise _Failed(_refused(user, problem.smtp_error)) from problem
    except smtplib.SMTPServerDisconnected as problem:
        raise _Failed(_("The server hung up, or did not answer in time.")) from problem
    except smtplib.SMTPException as problem:
        raise _Failed(_("The server answered: %(answer)s") % {"answer": _first_line(str(problem))}) from problem
    return _("Signed in as %(user)s.") % {"user": user}


def _in_time(what: Callable[[], Any], seconds: float) -> Any:
    """Waits for `what`, done in a thread of its own, and raises TimeoutError: the system's resolver knows no limit, and a
    server that drips its greeting never runs into a read's. The thread is left behind and keeps nobody from ending."""
    answers: queue.Queue[tuple[Any, Exception | None]] = queue.Queue(1)

    def run() -> None:
        try:
            answers.put((what(), None))
        except Exception as problem:  # noqa: BLE001 - raised again where it was asked for
            answers.put((None, problem))

    threading.Thread(target=run, daemon=True).start()
    try:
        value, problem = answers.get(timeout=seconds)
    except queue.Empty as empty:
        raise TimeoutError from empty
    if problem is not None:
        raise problem
    return value


def _hang_up(politely: Callable[[], Any], at_once: Callable[[], Any]) -> None:
    """Says goodbye; a server that takes it badly changes nothing about what was found."""
    for end in (politely, at_once):
        with suppress(OSError, IMAPClientError, smtplib.SMTPException):
            end()
            return


@contextmanager
def _bounded(hang_up: Callable[[], Any]) -> Iterator[None]:
    """Hangs up after LINE_SECONDS: a server that drips a byte now and then never runs into a read's time limit."""
    watch = threading.Timer(LINE_SECONDS, _hang_up, (hang_up, hang_up))
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _socket_of(client: Any) -> Any:
    return client.socket() if isinstance(client, IMAPClient) else client.sock


def _tls_words(sock: Any) -> str:
    version = sock.version() if hasattr(sock, "version") else None
    until = _valid_until(sock)
    if until is None:
        return _("The line is encrypted (%(version)s).") % {"version": version or "TLS"}
    return _("The line is encrypted (%(version)s); the certificate is good until %(day)s.") % {
        "version": version or "TLS",
        "day": until.date().isoformat(),
    }


def _valid_until(sock: Any) -> datetime | None:
    certificate = sock.getpeercert() if hasattr(sock, "getpeercert") else None
    ends = certificate.get("notAfter") if certificate else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC) if ends else None


def _tls_trouble(problem: ssl.SSLError) -> str:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return _("The server's certificate is not to be trusted: %(why)s.") % {"why": problem.verify_message}
    return _("No encrypted line came about. Check that port and security belong together (%(why)s).") % {
        "why": problem.reason or _first_line(str(problem))
    }


def _unreachable(problem: Exception, place: dict[str, Any]) -> str:
    if isinstance(problem, TimeoutError):
        return _("%(host)s does not answer on port %(port)s. A firewall, or the wrong port?") % place
    if isinstance(problem, ConnectionRefusedError):
        return _("%(host)s refuses connections on port %(port)s. Is the port right?") % place
    if isinstance(problem, OSError):
        return _("%(host)s cannot be reached on port %(port)s: %(why)s.") % {**place, "why": _first_line(str(problem))}
    return _("What answers on port %(port)s of %(host)s is no mail server of this kind, or wants TLS at once.") % place


def _refused(user: str, answer: object) -> str:
    return _(
        "The server refused %(user)s: %(answer)s Check user name and password; with two-step verification an app password "
        "or OAuth2 is needed."
    ) % {"user": user, "answer": _stop(_first_line(answer))}


def _sentence(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return _("The server did not answer in time.")
    return _stop(_first_line(str(problem))) or _("The server hung up.")


def _first_line(answer: object) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    return in_words(next(iter(text.strip().splitlines()), ""))[:300]


def _stop(text: str) -> str:
    return text if not text or text[-1] in ".!?" else text + "."
