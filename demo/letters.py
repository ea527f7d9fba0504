"""What a person outside writes: a new mail, a reply as a mail client makes it, an out-of-office notice, a bounce.

Pure functions from words to bytes; nothing is sent here. `demo.page` calls them and hands the result to the post
office. Every header value is checked for line breaks before it is set (header injection), and again by the email
package when the message is made.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage, Message, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from demo.letter_view import LetterView

#: Lines as long as SMTP allows (RFC 5321, 4.5.3.1.6): where Python 3.11 folds between two encoded words it loses a space.
_POLICY = SMTP.clone(max_line_length=998)
MAX_REFERENCES = 30
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_RE = re.compile(r"^\s*(re|aw|回复|答复|رد|پاسخ)\s*[:：]", re.IGNORECASE)

REPLY_PREFIX = {"de": "AW: "}
ATTRIBUTION = {
    "en": "On {when}, {who} wrote:",
    "de": "Am {when} schrieb {who}:",
    "ar": "في {when}، كتب {who}:",
    "fa": "در تاریخ {when}، {who} نوشت:",
    "zh": "{who} 于 {when} 写道：",
}
OUT_OF_OFFICE = {
    "en": ("Out of office", "I am away until Monday and read no mail. Please be patient; I answer when I am back."),
    "de": ("Abwesenheitsnotiz", "Ich bin bis Montag nicht im Büro und lese keine E-Mails. Ich melde mich danach."),
    "ar": ("رد تلقائي: خارج المكتب", "أنا في إجازة حتى يوم الأحد ولن أتمكن من قراءة البريد. سأرد عند عودتي."),
    "fa": ("پاسخ خودکار: مرخصی", "تا شنبه در مرخصی هستم و ایمیل نمی‌خوانم. پس از بازگشت پاسخ می‌دهم."),
    "zh": ("自动回复：休假中", "我正在休假，周一回到办公室后会尽快回复您的邮件。"),
}


class RefusedLetter(ValueError):
    """The words cannot become a mail; the text says why, in a sentence for the person who wrote them."""


@dataclass(frozen=True)
class Writer:
    """Who writes: a member of the cast, or somebody the visitor made up."""

    name: str
    address: str
    language: str = "en"


@dataclass(frozen=True)
class Upload:
    """A file that goes with the mail."""

    name: str
    content_type: str
    content: bytes


def checked_address(address: str) -> str:
    """The address without surrounding space. Raises RefusedLetter unless it is one plain address."""
    address = address.strip()
    if not _ADDRESS.fullmatch(address) or ".." in address:
        raise RefusedLetter("An address looks like name@company.example, with nothing before or after it.")
    return address


def checked_line(value: str, what: str, limit: int = 300) -> str:
    """The value without surrounding space. Raises RefusedLetter when it has a line break or other control character."""
    value = value.strip()
    if any(ord(char) < 32 or ord(char) in (0x7F, 0x85, 0x2028, 0x2029) for char in value):
        raise RefusedLetter(f"{what} must be one line, without line breaks or control characters.")
    if len(value) > limit:
        raise RefusedLetter(f"{what} is too long: {len(value)} characters, at most {limit}.")
    return value


def _message(writer: Writer, to: str, subject: str) -> EmailMessage:
    address = checked_address(writer.address)
    message = EmailMessage(policy=_POLICY)
    local, _, domain = address.rpartition("@")
    message["From"] = Address(checked_line(writer.name, "The name", 120), local, domain)
    message["To"] = checked_address(to)
    message["Subject"] = checked_line(subject, "The subject")
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{secrets.token_hex(12)}@{domain}>"
    return message


def _attach(message: EmailMessage, uploads: list[Upload]) -> None:
    for upload in uploads:
        main, _, sub = upload.content_type.partition("/")
        if not re.fullmatch(r"[a-z]+", main) or not re.fullmatch(r"[a-z0-9.+-]+", sub) or main == "multipart":
            main, sub = "application", "octet-stream"
        if main == "message":  # an attached mail stays a file here: nobody outside parses it
            main, sub = "application", "octet-stream"
        name = checked_line(upload.name, "The file name", 200)
        message.add_attachment(upload.content, maintype=main, subtype=sub, filename=name)


def _html_of(text: str) -> str:
    return "".join(f'<div dir="auto">{escape(line) or "<br>"}</div>' for line in text.splitlines())


def new_letter(
    writer: Writer, *, to: str, subject: str, text: str, uploads: list[Upload], with_html: bool = False
) -> EmailMessage:
    """A first mail. Raises RefusedLetter for an address, name or subject that cannot stand in a header."""
    message = _message(writer, to, subject)
    message.set_content(text)
    if with_html:
        message.add_alternative(f"<html><body>{_html_of(text)}</body></html>", subtype="html")
    _attach(message, uploads)
    return message


def _thread(message: EmailMessage, view: LetterView) -> None:
    """In-Reply-To and References as RFC 5322 section 3.6.4 says: the parent's chain, then the parent."""
    if view.message_id:
        message["In-Reply-To"] = view.message_id
        chain = [*view.references, view.message_id]
        if len(chain) > MAX_REFERENCES:
            chain = [chain[0], *chain[-MAX_REFERENCES + 1 :]]
        message["References"] = " ".join(chain)


def reply_letter(
    writer: Writer, view: LetterView, *, text: str, uploads: list[Upload], with_html: bool = False
) -> EmailMessage:
    """An answer to `view`: to its Reply-To or From, threaded, with the answered text quoted under the new one.

    Raises RefusedLetter when the answered mail names nobody to answer.
    """
    if not view.reply_address:
        raise RefusedLetter("This mail says neither in From nor in Reply-To who could be answered.")
    prefix = "" if _RE.match(view.subject) else REPLY_PREFIX.get(writer.language, "Re: ")
    message = _message(writer, view.reply_address, prefix + view.subject)
    _thread(message, view)
    attribution = ATTRIBUTION.get(writer.language, ATTRIBUTION["en"]).format(
        when=view.date.strftime("%Y-%m-%d %H:%M"), who=view.sender
    )
    quoted = "\n".join(f"> {line}" if line else ">" for line in view.text.rstrip().splitlines())
    message.set_content(f"{text.rstrip()}\n\n{attribution}\n{quoted}\n")
    if with_html:
        message.add_alternative(
            f'<html><body>{_html_of(text)}<br><div class="gmail_quote"><div dir="auto" class="gmail_attr">'
            f'{escape(attribution)}<br></div><blockquote class="gmail_quote">{_html_of(view.text)}</blockquote>'
            "</div></body></html>",
            subtype="html",
        )
    _attach(message, uploads)
    return message


def out_of_office_letter(writer: Writer, view: LetterView) -> EmailMessage:
    """What a vacation responder answers (RFC 3834): to the envelope sender, Auto-Submitted, threaded, no quote.

    Raises RefusedLetter when the mail came with an empty envelope sender, which RFC 3834 section 2 forbids to answer.
    """
    if not view.return_path:
        raise RefusedLetter("This mail came with an empty return path: a vacation responder must not answer it.")
    subject, text = OUT_OF_OFFICE.get(writer.language, OUT_OF_OFFICE["en"])
    message = _message(writer, view.return_path, f"{subject} (Re: {view.subject})"[:300])
    _thread(message, view)
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    message["Precedence"] = "bulk"
    message.set_content(f"{text}\n\n{writer.name}\n")
    return message


def bounce_letter(writer: Writer, view: LetterView, raw: bytes) -> EmailMessage:
    """A delivery status notification (RFC 3464) saying that `view` could not be delivered to the writer's address.

    Raises RefusedLetter when the mail came with an empty envelope sender: nobody may be told (RFC 5321 section 4.5.5).
    """
    if not view.return_path:
        raise RefusedLetter("This mail came with an empty return path: servers must not send a bounce for it.")
    failed = checked_address(writer.address)
    domain = failed.rpartition("@")[2]
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address("Mail Delivery Subsystem", "mailer-daemon", domain)
    message["To"] = checked_address(view.return_path)
    message["Subject"] = "Undelivered Mail Returned to Sender"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{secrets.token_hex(12)}@{domain}>"
    message["Auto-Submitted"] = "auto-replied"
    message["MIME-Version"] = "1.0"
    words = MIMEPart(policy=_POLICY)
    words.set_content(
        f"This is the mail system at {domain}.\n\n"
        f"Your message could not be delivered to one recipient:\n\n"
        f"<{failed}>: 550 5.1.1 no mailbox of this name here\n"
    )
    # Two blocks of fields, about the message and about the recipient (RFC 3464 section 2.1).
    of_message, of_recipient = Message(policy=_POLICY), Message(policy=_POLICY)
    of_message["Reporting-MTA"] = f"dns; mx.{domain}"
    of_message["Arrival-Date"] = format_datetime(view.date)
    of_recipient["Final-Recipient"] = f"rfc822; {failed}"
    of_recipient["Action"] = "failed"
    of_recipient["Status"] = "5.1.1"
    of_recipient["Diagnostic-Code"] = "smtp; 550 5.1.1 no mailbox of this name here"
    report = MIMEPart(policy=_POLICY)
    report["Content-Type"] = "message/delivery-status"
    report.set_payload([of_message, of_recipient])
    headers = MIMEPart(policy=_POLICY)
    headers.set_content(raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace") + "\n")
    headers.replace_header("Content-Type", 'text/rfc822-headers; charset="utf-8"')
    message["Content-Type"] = "multipart/report; report-type=delivery-status"
    message.set_payload([words, report, headers])
    return message
