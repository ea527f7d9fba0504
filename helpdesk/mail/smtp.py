"""Says one mail to a server and tells exactly how far it got. Knows nothing of rows; helpdesk.actions.delivery keeps those."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from helpdesk import faults
from helpdesk.mail import tls
from helpdesk.mail.oauth import access_token, xoauth2
from helpdesk.models import Mailbox, Security


class CannotSend(Exception):
    """No mail can be handed over just now; `permanent` when waiting will not help (a refused sign-in is not: it gets mended)."""

    def __init__(self, answer: str, *, permanent: bool = False) -> None:
        super().__init__(answer)
        self.answer, self.permanent = answer, permanent


@dataclass
class Outcome:
    """What the server said: per recipient (code, text), and whether the mail as a whole was accepted."""

    accepted: bool = False
    uncertain: bool = False  # the text was handed over and no answer came
    answer: str = ""
    code: int = 0
    recipients: dict[str, tuple[int, str]] = field(default_factory=dict)


class Session:
    """A signed-in connection, for the mails of one mailbox in a row. Use as a context manager."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.server: smtplib.SMTP | None = None

    def __enter__(self) -> Session:
        """Connects and signs in. Raises CannotSend with a sentence."""
        box = self.mailbox
        try:
            context = tls.context()
            if box.smtp_security == Security.TLS:
                self.server = smtplib.SMTP_SSL(
                    box.smtp_host, box.smtp_port, timeout=settings.MAIL_TIMEOUT_SECONDS, context=context
                )
            else:
                self.server = smtplib.SMTP(box.smtp_host, box.smtp_port, timeout=settings.MAIL_TIMEOUT_SECONDS)
                if box.smtp_security == Security.STARTTLS:
                    self.server.starttls(context=context)
            self.server.ehlo_or_helo_if_needed()
            self._sign_in(self.server)
        except smtplib.SMTPAuthenticationError as problem:
            raise CannotSend(f"{box.smtp_host} refused the sign-in: {_words(problem.smtp_error)}") from problem
        except smtplib.SMTPResponseException as problem:
            raise CannotSend(f"{box.smtp_host} answered {problem.smtp_code} {_words(problem.smtp_error)}") from problem
        except (OSError, smtplib.SMTPException) as problem:
            raise CannotSend(f"{box.smtp_host}:{box.smtp_port} cannot be reached: {problem}") from problem
        return self

    def __exit__(self, *exc: object) -> None:
        """Says goodbye, if the line still stands."""
        if self.server is not None:
            try:
                self.server.quit()
            except (OSError, smtplib.SMTPException):
                self.server.close()

    def _sign_in(self, server: smtplib.SMTP) -> None:
        box = self.mailbox
        if box.auth == Mailbox.Auth.OAUTH2:
            words = xoauth2(box.smtp_username or box.username, access_token(box))
            server.auth("XOAUTH2", lambda challenge=None: words, initial_response_ok=True)
        elif box.smtp_username:
            server.login(box.smtp_username, box.smtp_password)

    def send(self, sender: str, recipients: Sequence[str], mime: bytes, before_data: Callable[[], None]) -> Outcome:
        """MAIL, RCPT, DATA. `before_data` is called at the last moment at which nothing can have arrived yet.

        Raises CannotSend while the mail has certainly not been accepted; returns an Outcome from there on.
        """
        server = self.server
        if server is None:
            raise CannotSend("not connected")
        outcome = Outcome()
        try:
            server.rset()
            code, text = server.mail(sender)
            if code >= 400:
                raise CannotSend(f"{code} {_words(text)}", permanent=code >= 500)
            for address in recipients:
                code, text = server.rcpt(address)
                outcome.recipients[address] = (code, _words(text))
            if not any(code < 400 for code, _text in outcome.recipients.values()):
                server.rset()
                return outcome
            faults.point("mail_out.recipients")
            before_data()
            code, text = server.docmd("data")
            if code != 354:
                outcome.code, outcome.answer = code, _words(text)
                return outcome
        except (OSError, smtplib.SMTPException, UnicodeError) as problem:
            raise CannotSend(f"The connection to {self.mailbox.smtp_host} broke: {problem}") from problem
        try:
            server.send(_stuffed(mime) + b".\r\n")
            faults.point("mail_out.data")
            outcome.code, reply = server.getreply()
            outcome.answer = _words(reply)
            outcome.accepted = 200 <= outcome.code < 300
        except (OSError, smtplib.SMTPException) as problem:
            outcome.uncertain = True
            outcome.answer = f"The connection broke before the server answered: {problem}"
        return outcome


def _stuffed(mime: bytes) -> bytes:
    """CRLF line ends and doubled leading dots (RFC 5321 4.5.2), so that no line of the text can end DATA."""
    lines = mime.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if lines and lines[-1] == b"":
        lines.pop()
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines)


def _words(text: bytes | str) -> str:
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else text).replace("\n", " ")[:500]
