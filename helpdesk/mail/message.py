"""What a received mail is once it has been read: plain values, no Django, no database.

`parse.py` makes a `ParsedMail`, the sandbox carries it from the child process to the parent, `threading.py` decides on it
and `helpdesk.actions.intake` writes it down. Every text here is already free of NUL bytes and lone surrogates, so that
PostgreSQL takes it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class MachineKind(StrEnum):
    """Why a mail counts as written by a machine; HUMAN when nothing says so."""

    HUMAN = ""
    AUTO_REPLY = "auto_reply"  # RFC 3834 auto-replied, vacation notices
    AUTO_GENERATED = "auto_generated"  # notifications, no-reply senders
    BULK = "bulk"  # Precedence: bulk/junk, newsletters
    LIST = "list"  # a person writing through a mailing list may be behind it: never answered, always a ticket
    BOUNCE = "bounce"  # delivery status, see `ParsedMail.bounce`
    LOOP = "loop"  # carries our own loop header or comes from one of our own addresses
    FEEDBACK = "feedback"  # ARF abuse report
    RECEIPT = "receipt"  # disposition notification (read receipt)


@dataclass(frozen=True, slots=True)
class Address:
    """One mail address. `email` is lower-cased in its domain and IDNA-decoded for display; `name` may be empty."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ParsedAttachment:
    """A file that came with the mail. `inline` means the HTML refers to it by `content_id`."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""
    inline: bool = False

    @property
    def size(self) -> int:
        """Length in bytes after transfer decoding."""
        return len(self.content)


@dataclass(frozen=True, slots=True)
class BouncedRecipient:
    """One address that a delivery status speaks of. `status` is an RFC 3463 code such as 5.1.1, or empty."""

    email: str
    status: str = ""
    permanent: bool = True
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery status report: whom it speaks of and which message of ours came back."""

    recipients: tuple[BouncedRecipient, ...]
    original_message_id: str = ""
    permanent: bool = True
    delayed: bool = False  # action "delayed": the server still tries


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The first forwarded header block inside a mail (or its message/rfc822 part): who wrote the original."""

    sender: Address | None
    subject: str = ""
    date: datetime | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A mail as the helpdesk understands it.

    `text` is the whole plain text, `reply_text` what the writer added (quoted history and signature taken off), `html` the
    whole body cleaned by the strict profile (empty for plain mails), `reply_html` the cleaned body without quoted
    history (empty when nothing was folded). Identifiers have no angle brackets. `references` keeps header order, oldest first.
    """

    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    subject: str = ""
    sender: Address | None = None  # From
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    original_from: Address | None = None  # X-Original-From / X-Original-Sender, set by list software
    delivered_to: tuple[str, ...] = ()  # Delivered-To, X-Original-To, Envelope-To: where a plus address may stand
    return_path: str | None = None  # None: no header; "": the null path <>
    date: datetime | None = None
    text: str = ""
    reply_text: str = ""
    signature: str = ""
    html: str = ""
    reply_html: str = ""
    has_remote_content: bool = False
    language_hint: str = ""  # Content-Language / Accept-Language primary tag, lower case
    attachments: tuple[ParsedAttachment, ...] = ()
    machine: MachineKind = MachineKind.HUMAN
    machine_reason: str = ""  # the header or pattern that said so, for "why"
    bounce: Bounce | None = None
    is_forward: bool = False
    forwarded: Forwarded | None = None
    authentication_results: tuple[str, ...] = ()  # raw header values, topmost first
    list_id: str = ""
    defects: tuple[str, ...] = field(default=())  # what was broken and how it was read all the same


class UnreadableMail(Exception):
    """The mail cannot be read within the limits; `reason` is a sentence for the quarantine list."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
