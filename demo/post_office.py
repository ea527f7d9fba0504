"""Where a mail goes: into the IMAP inbox of a helpdesk address, or to the people outside who read it on the page.

Two doors lead here: SMTP (`SmtpDoor`, what the helpdesk sends and what any other program sends) and the page, which
stands for the customers' own providers. Only mail of the page is marked as authenticated; an Authentication-Results
header that a mail brings along under our name is removed (RFC 8601 section 5). Built and used by `demo.mailserver`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pymap.parsing.message import AppendMessage

from demo.accounts import AUTHSERV_ID
from demo.imap_backend import DemoImap
from demo.mailbox_store import MailStore

MAX_MAIL_BYTES = 50 * 1024 * 1024
_STRIPPED = (b"authentication-results", b"return-path", b"delivered-to")
_LINE_END = re.compile(rb"\r\n|\r|\n")


def with_crlf(raw: bytes) -> bytes:
    """The mail with every line ending as CRLF, as RFC 5322 wants it on the wire."""
    return _LINE_END.sub(b"\r\n", raw)


def without_headers(raw: bytes, names: Iterable[bytes]) -> bytes:
    """The mail without the top-level headers of these lower-case names, their folded lines included; the body stays."""
    unwanted = frozenset(names)
    head, blank, body = raw.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    dropping = False
    for line in head.split(b"\r\n"):
        if line[:1] not in (b" ", b"\t"):
            dropping = line.partition(b":")[0].strip().lower() in unwanted
        if not dropping:
            kept.append(line)
    return b"\r\n".join(kept) + blank + body


def without_plus(address: str) -> str:
    """The mailbox behind a plus address: support+abc@x is support@x (RFC 5233 calls the rest the detail)."""
    local, at, domain = address.lower().rpartition("@")
    return local.partition("+")[0] + at + domain


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


@dataclass(frozen=True)
class Delivery:
    """Where one copy of a mail went: `uid` when into an inbox of the helpdesk, None when outside."""

    recipient: str
    uid: int | None


class PostOffice:
    """Sorts mails. Lives in the event loop of the server; the page calls it through that loop."""

    def __init__(self, store: MailStore, imap: DemoImap) -> None:
        self._store = store
        self._imap = imap

    def is_ours(self, address: str) -> bool:
        """Whether the address, plus part aside, is one of the helpdesk's mailboxes."""
        return self._imap.folder(without_plus(address)) is not None

    async def deliver(
        self, raw: bytes, *, sender: str, recipients: Iterable[str], came_by: str, dmarc_pass: str = ""
    ) -> list[Delivery]:
        """Deliver one copy to each recipient, with the trace headers a real server adds on top.

        `sender` is the envelope sender, empty for <>; `came_by` names the door in the Received header;
        `dmarc_pass` is the domain of From when that was really the writer's, else empty. The mail is on disk when
        this returns. Raises sqlite3.Error or ValueError when a mail cannot be stored; recipients before it have it.
        """
        now = datetime.now(UTC)
        mail = without_headers(with_crlf(raw), _STRIPPED)
        verdict = f"dmarc=pass header.from={_one_line(dmarc_pass)}" if dmarc_pass else "none"
        deliveries: list[Delivery] = []
        for recipient in dict.fromkeys(recipients):
            trace = (
                f"Authentication-Results: {AUTHSERV_ID}; {verdict}\r\n"
                f"Return-Path: <{_one_line(sender)}>\r\n"
                f"Delivered-To: {_one_line(recipient)}\r\n"
                f"Received: from {_one_line(came_by)} by {AUTHSERV_ID} for <{_one_line(recipient)}>;\r\n"
                f" {format_datetime(now)}\r\n"
            ).encode()
            folder = self._imap.folder(without_plus(recipient))
            if folder is None:
                self._store.add_letter(recipient, "received", trace + mail, sender, now)
                deliveries.append(Delivery(recipient, None))
            else:
                message = await folder.append(AppendMessage(trace + mail, now))
                deliveries.append(Delivery(recipient, message.uid))
        return deliveries


class TolerantSmtp(SMTP):
    """Takes lines of any length: mail in the wild breaks the limit of 998 (RFC 5321 section 4.5.3.1.6) every day."""

    line_length_limit = MAX_MAIL_BYTES


class SmtpDoor:
    """The handler of aiosmtpd: every mail that is accepted was stored first."""

    def __init__(self, office: PostOffice, users: dict[str, str]) -> None:
        self._office = office
        self._users = users

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        """Store the mail, then say 250; anything that fails says so and keeps the mail with the sender."""
        raw = envelope.content
        assert isinstance(raw, bytes)
        try:
            await self._office.deliver(
                raw,
                sender=envelope.mail_from or "",
                recipients=envelope.rcpt_tos,
                came_by=f"{session.host_name or 'unknown'} with ESMTP",
            )
        except Exception as error:  # noqa: BLE001 - whatever it was, the sender must keep the mail and try again
            return f"451 4.3.0 The mail could not be stored: {_one_line(str(error))[:200]}"
        return "250 2.0.0 Stored"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, auth_data: LoginPassword | None
    ) -> AuthResult:
        """Accept the login of a mailbox with its password; sending without a login is allowed as well."""
        if isinstance(auth_data, LoginPassword):
            user = auth_data.login.decode("utf-8", "replace").lower()
            if self._users.get(user) == auth_data.password.decode("utf-8", "replace"):
                return AuthResult(success=True)
        return AuthResult(success=False, handled=False)
