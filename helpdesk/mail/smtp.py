"""Says one mail to a server and tells exactly how far it got. Knows nothing of rows; helpdesk.actions.delivery keeps those.

Until the final dot of DATA leaves, no server has accepted anything, and every trouble before it is certain: CannotSend. After
it there is an answer, or there is none, and then the mail may have arrived. RFC 5321 4.5.3.2 wants long patience there.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from helpdesk import faults
from helpdesk.mail import tls
from helpdesk.mail.discretion import without_secrets
from helpdesk.mail.oauth import NoToken, access_token, xoauth2
from helpdesk.models import Mailbox, Security

_CHUNK = 64 * 1024


class CannotSend(Exception):
    """The mail has certainly not been accepted. `permanent`: waiting will not help (a refused sign-in is not: it gets mended)."""

    def __init__(self, answer: str, *, permanent: bool = False) -> None:
        super().__init__(answer)
        self.answer, self.permanent = answer, permanent


@dataclass
class Outcome:
    """What the server said: per recipient (code, text), and whether the mail as a whole was accepted."""

    accepted: bool = False
    uncertain: bool = False  # the final dot was sent and no answer came
    answer: str = ""
    code: int = 0
    recipients: dict[str, tuple[int, str]] = field(default_factory=dict)


class Session:
    """A signed-in connection for the mails of one mailbox in a row, made anew when it breaks. Use as a context manager."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.server: smtplib.SMTP | None = None

    def __enter__(self) -> Session:
        """Connects and signs in. Raises CannotSend with a sentence."""
        self.server = self._connect()
        return self

    def __exit__(self, *exc: object) -> None:
        """Says goodbye, if the line still stands."""
        if self.server is not None:
            try:
                self.server.quit()
            except (OSError, smtplib.SMTPException):
                self.server.close()

    def _connect(self) -> smtplib.SMTP:
        box = self.mailbox
        host, seconds = box.smtp_host, settings.MAIL_TIMEOUT_SECONDS
        server: smtplib.SMTP | None = None
        try:
            context = tls.context() if box.smtp_security != Security.PLAIN else None
            if box.smtp_security == Security.TLS:
                server = smtplib.SMTP_SSL(host, box.smtp_port, timeout=seconds, context=context)
            else:
                server = smtplib.SMTP(host, box.smtp_port, timeout=seconds)
                if box.smtp_security == Security.STARTTLS:
                    server.starttls(context=context)
            server.ehlo_or_helo_if_needed()
            self._sign_in(server)
        except (OSError, smtplib.SMTPException, ValueError) as problem:
            if server is not None:
                server.close()
            raise CannotSend(without_secrets(self._why_not(problem), box)) from problem
        return server

    def _why_not(self, problem: Exception) -> str:
        place = f"{self.mailbox.smtp_host}:{self.mailbox.smtp_port}"
        if isinstance(problem, NoToken):
            return str(problem)
        if isinstance(problem, smtplib.SMTPAuthenticationError):
            return f"{place} refused the sign-in: {problem.smtp_code} {_words(problem.smtp_error)}"
        if isinstance(problem, smtplib.SMTPResponseException):
            return f"{place} answered {problem.smtp_code} {_words(problem.smtp_error)}"
        if isinstance(problem, smtplib.SMTPNotSupportedError):
            return f"{place} cannot do what the mailbox asks for: {problem}"
        if isinstance(problem, ssl.SSLCertVerificationError):
            return f"The certificate of {place} is not to be trusted: {problem.verify_message}."
        if isinstance(problem, TimeoutError):
            return f"{place} does not answer."
        return f"{place} cannot be reached: {getattr(problem, 'strerror', None) or problem}"

    def _sign_in(self, server: smtplib.SMTP) -> None:
        box = self.mailbox
        if box.auth == Mailbox.Auth.OAUTH2:
            words = xoauth2(box.smtp_username or box.username, access_token(box))
            server.auth("XOAUTH2", lambda challenge=None: words, initial_response_ok=True)
        elif box.smtp_username:
            server.login(box.smtp_username, box.smtp_password)

    def send(self, sender: str, recipients: Sequence[str], mime: bytes, before_dot: Callable[[], None]) -> Outcome:
        """MAIL, RCPT, DATA. `before_dot` is called at the last moment at which nothing can have arrived yet.

        Raises CannotSend while the mail has certainly not been accepted; returns an Outcome from there on.
        """
        outcome = Outcome()
        server = self._fresh()
        try:
            utf8 = server.has_extn("smtputf8") and not all(_local(address).isascii() for address in recipients)
            code, text = server.mail(sender, ["SMTPUTF8"] if utf8 else [])
            if code >= 400:
                raise CannotSend(f"{code} {_words(text)}", permanent=code >= 500)
            for address in recipients:
                outcome.recipients[address] = _recipient(server, address, utf8=utf8)
            if not any(code < 400 for code, _text in outcome.recipients.values()):
                return outcome
            faults.point("mail_out.recipients")
            code, text = server.docmd("data")
            if code != 354:
                outcome.code, outcome.answer = code, _words(text)
                return outcome
            _say(server, _stuffed(mime))
        except (OSError, smtplib.SMTPException, ValueError) as problem:
            self._drop()
            raise CannotSend(f"The connection to {self.mailbox.smtp_host} broke: {problem}") from problem
        except CannotSend:
            raise
        try:
            before_dot()
            if _hung_up(server):
                raise CannotSend(f"{self.mailbox.smtp_host} ended the connection before the text was complete.")
        except BaseException:
            self._drop()  # in the middle of DATA: only hanging up tells the server to forget it
            raise
        try:
            if server.sock is not None:
                server.sock.settimeout(max(settings.MAIL_TIMEOUT_SECONDS, settings.OUTBOX_LEASE_SECONDS * 0.8))
            server.send(b".\r\n")
            faults.point("mail_out.data")
            outcome.code, reply = server.getreply()
            outcome.answer = _words(reply)
            outcome.accepted = 200 <= outcome.code < 300
            if server.sock is not None:
                server.sock.settimeout(settings.MAIL_TIMEOUT_SECONDS)
        except (OSError, smtplib.SMTPException) as problem:
            outcome.uncertain = True
            outcome.answer = f"The connection broke before the server answered: {problem}"
            self._drop()
        return outcome

    def _fresh(self) -> smtplib.SMTP:
        """A connection ready for MAIL: the one there is, or a new one when the server has closed it meanwhile."""
        if self.server is not None:
            try:
                code, _text = self.server.rset()
            except (OSError, smtplib.SMTPException):
                code = 421
            if code < 400:
                return self.server
            self._drop()
        self.server = self._connect()
        return self.server

    def _drop(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None


def _local(address: str) -> str:
    return address.rpartition("@")[0]


def _recipient(server: smtplib.SMTP, address: str, *, utf8: bool) -> tuple[int, str]:
    """The server's answer to RCPT. Without SMTPUTF8 (RFC 6531) an address that is not ASCII is refused here, for itself alone."""
    local, _at, domain = address.rpartition("@")
    try:
        if not utf8:
            local.encode("ascii")
        code, text = server.rcpt(f"{local}@{domain.encode('idna').decode()}")
    except ValueError:  # letters outside ASCII before the @, a domain that is none, a line end
        return 553, "This address cannot be reached: only ASCII letters may stand before the @."
    return code, _words(text)


def _say(server: smtplib.SMTP, content: bytes) -> None:
    """In pieces: a socket's time limit holds for all that is given to it at once."""
    for start in range(0, len(content), _CHUNK):
        server.send(content[start : start + _CHUNK])


def _hung_up(server: smtplib.SMTP) -> bool:
    """Whether the line is dead. The system takes the last bytes of a text for a while after the other side is gone.

    No answer is due before the dot, so whatever can be read there is the end, or a 421 that announces it.
    """
    if server.sock is None:
        return True
    patience = server.sock.gettimeout()
    server.sock.settimeout(0)
    try:
        server.sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        server.sock.settimeout(patience)
        return False
    except OSError:
        return True
    return True


def _stuffed(mime: bytes) -> bytes:
    """CRLF line ends and doubled leading dots (RFC 5321 4.5.2), so that no line of the text can end DATA."""
    lines = mime.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if lines and lines[-1] == b"":
        lines.pop()
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines)


def _words(text: bytes | str) -> str:
    return (
        (text.decode("utf-8", "replace") if isinstance(text, bytes) else text)
        .replace("\n", " ")
        .replace("\x00", "")[:500]
    )
