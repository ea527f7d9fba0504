"""The demo week's mails as bytes: what each customer's mail program would have sent, at the hour it was sent.

Pure: `demo.letters` makes the mail, this file sets its date and identity and adds the trace of the receiving server.
Called by `demo.seed_week`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from demo.accounts import AUTHSERV_ID
from demo.cast import CastMember
from demo.letter_view import LetterView
from demo.letters import (
    Upload,
    Writer,
    bounce_letter,
    new_letter,
    out_of_office_letter,
    reply_letter,
)

#: What the mail program of an Outlook user calls itself; stands for mail that is not a mail at all.
_COMPOUND_FILE = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(1536)


@dataclass(frozen=True)
class Said:
    """A mail of ours that somebody outside answers: what he sees of it. Ids are without angle brackets."""

    sender: str
    answer_to: str
    mailbox: str
    subject: str
    identifier: str
    references: tuple[str, ...]
    text: str
    at: datetime
    mime: bytes = field(repr=False, default=b"")

    def view(self) -> LetterView:
        """The mail as the customer's program holds it."""
        return LetterView(
            id=0,
            outgoing=False,
            read=True,
            sender=self.sender,
            to="",
            subject=self.subject,
            message_id=f"<{self.identifier}>",
            in_reply_to="",
            references=[f"<{identifier}>" for identifier in self.references],
            reply_address=self.answer_to,
            return_path=self.mailbox,
            date=self.at,
            auto_submitted="",
            parts=[],
            text=self.text,
        )


def writer_of(person: CastMember) -> Writer:
    """The person as the writer of a mail."""
    return Writer(person.name, person.email, person.language)


def first_letter(
    person: CastMember, *, to: str, subject: str, text: str, uploads: list[Upload], at: datetime, cc: str = ""
) -> bytes:
    """The mail that opens a conversation. Every second writer's program sends HTML beside the text."""
    letter = new_letter(
        writer_of(person), to=to, subject=subject, text=text, uploads=uploads, with_html=_likes_html(person)
    )
    if cc:
        letter["Cc"] = cc
    return _arrived(letter, person.email, at, subject)


def next_letter(person: CastMember, said: Said, *, text: str, uploads: list[Upload], at: datetime) -> bytes:
    """An answer to our mail, with our words quoted below as mail programs do."""
    letter = reply_letter(writer_of(person), said.view(), text=text, uploads=uploads, with_html=_likes_html(person))
    return _arrived(letter, person.email, at, text)


def absence_letter(person: CastMember, said: Said, at: datetime) -> bytes:
    """What the person's vacation responder answers."""
    return _arrived(out_of_office_letter(writer_of(person), said.view()), person.email, at, "absent")


def returned_letter(person: CastMember, said: Said, at: datetime) -> bytes:
    """The delivery report of the person's mail server about our mail."""
    return _arrived(bounce_letter(writer_of(person), said.view(), said.mime), person.email, at, "returned")


def stray_letter(writer: Writer, *, to: str, subject: str, text: str, at: datetime) -> bytes:
    """A mail of somebody who is not of the cast."""
    return _arrived(new_letter(writer, to=to, subject=subject, text=text, uploads=[]), writer.address, at, subject)


def unreadable_letter() -> bytes:
    """What a gateway made of an Outlook message: the file itself where a mail should be."""
    return _COMPOUND_FILE


def _likes_html(person: CastMember) -> bool:
    return len(person.key) % 2 == 0


def _arrived(letter: EmailMessage, address: str, at: datetime, words: str) -> bytes:
    """The mail as it lay on the server: dated, with a Message-ID that is the same on every run for the same `words`."""
    domain = address.rpartition("@")[2]
    local = hashlib.sha256(f"{address}\n{at.isoformat()}\n{words}".encode()).hexdigest()[:20]
    del letter["Date"], letter["Message-ID"]
    letter["Date"] = format_datetime(at)
    letter["Message-ID"] = f"<{local}@{domain}>"
    trace = (
        f"Authentication-Results: {AUTHSERV_ID}; dmarc=pass header.from={domain}\r\n"
        f"Received: from mail.{domain} by {AUTHSERV_ID} with ESMTPS; {format_datetime(at)}\r\n"
    )
    return trace.encode() + letter.as_bytes()
