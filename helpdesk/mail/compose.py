"""Outgoing MIME: threading headers when the row is written, the whole text when it is frozen at the first attempt.

The subject stays the customer's own behind "Re:": Gmail threads by subject as well as by References, so a ticket tag added
there would cut the conversation. Outlook groups by Thread-Index, whose 16 bytes are the ticket's public id.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterable
from datetime import datetime
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, quote
from html import escape
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from helpdesk.blobs import read
from helpdesk.mail import portal_links
from helpdesk.mail.customer_language import customer_language
from helpdesk.mail.plaintext import html_from_text
from helpdesk.mail.side_quotes import quoted_for_third_party
from helpdesk.mail.tokens import plus_address
from helpdesk.models import Attachment, Audience, Mailbox, Message, OutgoingMail, SideThread, Ticket

#: Written above quoted history; our own stripper knows it.
_REFERENCES_AT_MOST = 12
_QUOTE_AT_MOST = 4000
_RE = re.compile(r"^\s*(re|aw|sv|antw|odp|ynt|vs|رد|پاسخ|回复|回覆|答复)\s*(\[\d+\])?\s*[:：]\s*", re.IGNORECASE)
_PICTURES = frozenset(["image/png", "image/jpeg", "image/gif", "image/webp"])
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_POLICY = policy.SMTP.clone(utf8=False)
_ID_HEADERS = ("Message-ID", "In-Reply-To", "References", "Thread-Index")


def one_line(text: str) -> str:
    """Text fit for a header: control characters and every kind of line end become one space.

    An encoded word (`=?utf-8?…?=`) that stands in a text is text; taken apart, nobody decodes it into a line end again.
    """
    return _CONTROL.sub(" ", text).replace("=?", "= ?").strip()


def thread_headers(message: Message, mailbox: Mailbox) -> dict[str, str]:
    """Subject, In-Reply-To, References and the Outlook pair for a message about to be queued."""
    ticket, thread = message.ticket, message.side_thread
    if thread is None:
        said = ticket.messages.filter(audience=Audience.PUBLIC)
        theirs = said.filter(author_customer__isnull=False, machine="")
    else:  # nothing of the ticket's own line: a third party must not be able to answer the customer
        said = thread.messages.all()
        theirs = said.filter(author_user__isnull=True, machine="")
    earlier = list(
        said.filter(withdrawn_at__isnull=True)
        .exclude(pk=message.pk)
        .exclude(message_id="")
        .order_by("created_at", "pk")
        .values_list("message_id", flat=True)
    )
    answered = theirs.exclude(message_id="").order_by("-created_at", "-pk").values_list("message_id", flat=True).first()
    if answered in earlier:  # the parent stands last (RFC 5322 3.6.4), even when we have written since
        earlier.remove(answered)
        earlier.append(answered)
    if len(earlier) > _REFERENCES_AT_MOST:
        earlier = [earlier[0], *earlier[-(_REFERENCES_AT_MOST - 1) :]]
    topic = one_line(_RE.sub("", message.subject or ticket.subject))
    if not topic:
        with override(customer_language(ticket)):
            topic = _("Your message")
    headers = {
        "Subject": topic if not earlier else f"Re: {topic}",
        "Thread-Topic": topic,
        "Thread-Index": thread_index(thread or ticket, len(earlier)),
    }
    if answered or earlier:
        headers["In-Reply-To"] = f"<{answered or earlier[-1]}>"
        headers["References"] = " ".join(f"<{i}>" for i in earlier)
    return headers


def thread_index(line: Ticket | SideThread, depth: int) -> str:
    """Outlook's conversation index ([MS-OXOMSG] 2.2.1.3): 22 bytes of head, 5 bytes for each answer below it."""
    since = line.opened_at if isinstance(line, Ticket) else line.at
    ticks = int(since.timestamp() * 10_000_000) + 116_444_736_000_000_000
    head = ticks.to_bytes(8, "big")[:6] + line.public_id.bytes
    return base64.b64encode(head + b"".join(bytes([0, 0, 0, 0, n % 256]) for n in range(min(depth, 20)))).decode()


def build(outgoing: OutgoingMail, at: datetime) -> bytes:
    """The whole mail, ready for DATA. Bcc is left out; header values cannot break lines. Raises BlobMissing for a lost file."""
    message, mailbox, ticket = outgoing.message, outgoing.mailbox, outgoing.ticket
    head = [_address_header("From", [address(mailbox.address, _from_name(message, mailbox))])]
    for kind in ("to", "cc"):
        people = [address(r["email"], r.get("name", "")) for r in outgoing.recipients if r["kind"] == kind]
        if people:
            head.append(_address_header(kind.title(), people))
    if mailbox.plus_addressing:
        head.append(
            _address_header("Reply-To", [address(plus_address(mailbox.address, ticket.number), mailbox.from_name)])
        )
    ids = {**outgoing.headers, "Message-ID": f"<{outgoing.identifier}>"}
    head += [_id_header(name, ids[name]) for name in _ID_HEADERS if name in ids]
    head += [_text_header(name, value) for name, value in outgoing.headers.items() if name not in _ID_HEADERS]
    mail = EmailMessage(policy=_POLICY)
    mail["Date"] = format_datetime(at)
    mail["X-Helpdesk-Loop"] = mailbox.address
    if outgoing.is_automatic:
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
    text = body_text(message, mailbox, portal_links.invitation(message, mailbox, at))
    if message.side_thread_id is not None:
        quoted = quoted_for_third_party(message)
    else:
        quoted = "" if outgoing.is_automatic else quoted_history(message)
    mail.set_content(text + quoted, cte="quoted-printable")
    attachments = list(message.attachments.all())
    html, pictures = _with_pictures(_html(text, quoted, ticket.language), attachments, mailbox)
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    shown = mail.get_body(("html",))
    for picture, content_id in pictures:
        main, _slash, sub = picture.content_type.partition("/")
        name = one_line(picture.name)
        if shown is not None:
            shown.add_related(
                read(picture.sha256), main, sub, cid=f"<{content_id}>", filename=name, disposition="inline"
            )
    in_the_text = {picture.pk for picture, _content_id in pictures}
    for attachment in [a for a in attachments if a.pk not in in_the_text]:
        main, _slash, sub = attachment.content_type.partition("/")
        if (
            not re.fullmatch(r"[\w.+-]+", main)
            or not re.fullmatch(r"[\w.+-]+", sub)
            or main in {"multipart", "message"}
        ):
            main, sub = "application", "octet-stream"
        mail.add_attachment(read(attachment.sha256), maintype=main, subtype=sub, filename=one_line(attachment.name))
    return "".join(head).encode("ascii") + mail.as_bytes()


def automatic_answer(*, mailbox: Mailbox, email: str, subject: str, text: str, answers: str, at: datetime) -> bytes:
    """A whole automatic mail without a ticket behind it, to the one address, as an answer to the Message-ID `answers`."""
    head = [
        _address_header("From", [address(mailbox.address, mailbox.from_name or mailbox.name)]),
        _address_header("To", [address(email)]),
        _text_header("Subject", f"Re: {one_line(_RE.sub('', subject))}"),
        _id_header("Message-ID", f"<{uuid.uuid4().hex}@{mailbox.address.partition('@')[2]}>"),
    ]
    if answers:
        head += [_id_header(name, f"<{one_line(answers)}>") for name in ("In-Reply-To", "References")]
    mail = EmailMessage(policy=_POLICY)
    mail["Date"] = format_datetime(at)
    mail["X-Helpdesk-Loop"] = mailbox.address
    mail["Auto-Submitted"] = "auto-replied"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(text + "\n", cte="quoted-printable")
    return "".join(head).encode("ascii") + mail.as_bytes()


def automatic_notice(
    *, mailbox: Mailbox, email: str, subject: str, text: str, identifier: str, language: str, at: datetime
) -> bytes:
    """A whole automatic mail that answers nothing and belongs to no ticket, to the one address."""
    head = [
        _address_header("From", [address(mailbox.address, mailbox.from_name or mailbox.name)]),
        _address_header("To", [address(email)]),
        _text_header("Subject", subject),
        _id_header("Message-ID", f"<{identifier}>"),
    ]
    mail = EmailMessage(policy=_POLICY)
    mail["Date"] = format_datetime(at)
    mail["X-Helpdesk-Loop"] = mailbox.address
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(text + "\n", cte="quoted-printable")
    mail.add_alternative(_html(text, "", language), subtype="html", cte="quoted-printable")
    return "".join(head).encode("ascii") + mail.as_bytes()


# These headers are folded here and not by EmailMessage: Python 3.11 loses blanks between encoded words, and folds a word longer
# than a line by encoding it, whereupon an id is none any more.
def _id_header(name: str, value: str) -> str:
    """One id a line; those that are not plain ASCII, or too long for any line, are left out."""
    words = [word for word in value.split() if word.isascii() and word.isprintable() and len(word) < 900]
    return f"{name}: " + "\r\n ".join(words) + "\r\n" if words else ""


def _text_header(name: str, value: str) -> str:
    return f"{name}: {_encoded(one_line(value), len(name) + 2)}\r\n"


def _address_header(name: str, people: Iterable[Address]) -> str:
    """Addresses one a line; a display name is a quoted string, or encoded words when it is not ASCII."""
    parts = []
    for person in people:
        shown = person.display_name
        if not person.addr_spec.isascii():
            # headers stay ASCII, so that the frozen text suits every server: an empty group names him (RFC 6857 3.1.8)
            words = one_line(f"{shown} <{person.addr_spec}>" if shown else person.addr_spec)
            parts.append(f"{_encoded(words, len(name) + 2)} :;")
            continue
        phrase = f'"{quote(shown)}"' if shown.isascii() else _encoded(shown, len(name) + 2)
        parts.append(f"{phrase} <{person.addr_spec}>" if shown else person.addr_spec)
    return f"{name}: " + ",\r\n ".join(parts) + "\r\n"


def _encoded(text: str, already: int) -> str:
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, maxlinelen=75, continuation_ws=" ", header_name="x" * (already - 2)).encode(
        linesep="\r\n"
    )


def body_text(message: Message, mailbox: Mailbox, online: str = "") -> str:
    """The written text with the mailbox's signature below it, and last the line that leads to the ticket's page."""
    signature = fill(
        mailbox.signature,
        agent_name=message.author_user.name if message.author_user else mailbox.from_name,
        mailbox_name=mailbox.from_name or mailbox.name,
        ticket_number=str(message.ticket.number),
    ).strip()
    below = "\n\n".join(part for part in (signature, online) if part)
    return f"{message.text}\n\n-- \n{below}\n" if below else f"{message.text}\n"


def fill(template: str, **values: str) -> str:
    """Puts values into `{name}` places in one pass; unknown places stay as they are. Text is never a template language."""
    return re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], m[0]), template)


def quoted_history(message: Message) -> str:
    """The customer's newest mail, quoted below the answer as mail programs do."""
    before = (
        message.ticket.messages.filter(audience=Audience.PUBLIC, author_customer__isnull=False, machine="")
        .filter(created_at__lte=message.created_at)
        .order_by("-created_at", "-pk")
        .first()
    )
    if before is None or not before.reply_text:
        return ""
    with override(customer_language(message.ticket)):
        when = before.created_at.astimezone(_zone(message.ticket.customer.time_zone))
        line = _("On %(date)s, %(name)s wrote:") % {
            # Translators: date and time in a mail's attribution line, in Django's letters
            "date": date_format(when, pgettext("date format", "j F Y, H:i")),
            "name": before.sender_name or before.sender_email,
        }
    quoted = "\n".join(f"> {part}" for part in before.reply_text[:_QUOTE_AT_MOST].splitlines())
    return f"\n{line}\n{quoted}\n"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")


def _from_name(message: Message, mailbox: Mailbox) -> str:
    name = mailbox.from_name or mailbox.name
    return f"{message.author_user.name} ({name})" if message.author_user else name


def address(email: str, name: str = "") -> Address:
    """One address for a header; a display name cannot smuggle another one in."""
    local, _at, domain = one_line(email).rpartition("@")
    if local.startswith('"') and local.endswith('"') and len(local) > 1:
        local = re.sub(r"\\(.)", r"\1", local[1:-1])  # Address quotes by itself
    try:
        domain.encode("ascii")
    except UnicodeEncodeError:
        domain = domain.encode("idna").decode()
    return Address(one_line(name), local, domain)


def _html(text: str, quoted: str, language: str) -> str:
    head, _newline, rest = quoted.strip().partition("\n")
    history = ""
    if rest:
        plain = "\n".join(line[2:] if line.startswith("> ") else line for line in rest.splitlines())
        history = (
            f'<div class="gmail_quote"><div dir="auto">{html_from_text(head)}</div>'
            f'<blockquote type="cite" dir="auto">{html_from_text(plain)}</blockquote></div>'
        )
    lang = f' lang="{language}"' if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z]{2,8})?", language) else ""
    return f"<!doctype html><html{lang}><body>{html_from_text(text)}{history}</body></html>\n"


def _with_pictures(
    html: str, attachments: Iterable[Attachment], mailbox: Mailbox
) -> tuple[str, list[tuple[Attachment, str]]]:
    """Puts pictures where the writer pasted them: there the text says `[name]`. Returns them with their Content-IDs.

    The name stays as the words of a picture that is not shown, and in the plain part.
    """
    placed: list[tuple[Attachment, str]] = []
    for attachment in attachments:
        place = escape(f"[{attachment.name}]")
        if attachment.content_type not in _PICTURES or place not in html:
            continue
        content_id = f"{attachment.public_id.hex}@{mailbox.address.partition('@')[2]}"
        tag = f'<img src="cid:{content_id}" alt="{escape(attachment.name)}" style="max-width:100%">'
        html = html.replace(place, tag, 1)
        placed.append((attachment, content_id))
    return html, placed


def envelope(outgoing: OutgoingMail) -> Iterable[str]:
    """The addresses the server is told, Bcc among them, without those that already have the mail."""
    return [r["email"] for r in outgoing.recipients if r.get("state") not in {"sent", "bounced", "failed"}]
