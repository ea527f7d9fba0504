"""A raw mail made into a `ParsedMail`: called by the sandbox's child process and by tests. Pure, no Django.

The order: cut into parts (mime.py), headers, bodies and files (bodies.py), cleaned HTML, what the writer added,
bounce, machine verdict, forward. Each step may fail on a mail nobody has seen yet; then its defect is noted and the
mail is read without that step, because a mail that is read in part is a ticket and a mail that raises is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from functools import partial
from itertools import islice
from typing import TypeVar

from helpdesk.mail import addresses, automatic, charset, headers, mime
from helpdesk.mail.bodies import Bodies, read_bodies
from helpdesk.mail.bounce import find_bounce
from helpdesk.mail.bounce_signs import read_signs
from helpdesk.mail.clean import CleanedHtml, clean_html
from helpdesk.mail.message import (
    Address,
    Bounce,
    Forwarded,
    MachineKind,
    ParsedMail,
    UnreadableMail,
)
from helpdesk.mail.mime import Limits, Part, Tree
from helpdesk.mail.plaintext import text_from_html
from helpdesk.mail.quote_headers import Separator, separator
from helpdesk.mail.quotes import HtmlParts, ReplyParts, find_forwarded, split_html, split_text

__all__ = ["Limits", "UnreadableMail", "parse_mail"]

_Result = TypeVar("_Result")

# Prefixes of a forwarded subject as mail programs localise them. Those that also begin replies or ordinary words
# (I, R, RV alone) count with their colon only, as all do here.
_FORWARD_PREFIX = re.compile(
    r"^\s*(?:\[[^\]]{1,60}\]\s*)?\[?\s*(?:fwd?|wg|tr|rv|enc|i|vs|vb|vl|pd|doorst|doorgestuurd|videresendt|"
    r"välitetty|vidarebefordrat|"
    r"vidaresendt|továbbítás|ilt|yönl|προωθ|πρθ|пересл|перенапр|fyi|inoltra(?:ta)?|reenviad[oa]|"
    r"encaminhad[oa]|transféré|"
    r"转发|轉寄|轉發|转寄|転送|fw[：]|전달|إعادة توجيه|اعادة توجيه|معاد توجيهها|محول|ارسال به جلو|بازارسال|هدایت|"
    r"باز ارسال|הועבר)"
    r"\s*(?:\[\d{1,3}\])?\s*[:：]",
    re.IGNORECASE,
)
# In Swedish and Finnish a reply is SV or VS: VS counts as a forward only in mails that answer nothing.
_AMBIGUOUS_PREFIX = re.compile(r"^\s*(?:vs|i|tr|pd|rv)\s*[:：]", re.IGNORECASE)
_REPLY_PREFIX = re.compile(r"^\s*(?:re|aw|sv|antw|回复|回覆|答复|رد|پاسخ)\s*(?:\[\d{1,3}\])?\s*[:：]", re.IGNORECASE)

# Lines that may be the mark of a forward: dashes around words, or words and a colon.
_MARK_LINE = re.compile(r"^[ \t]*(?:-{4,}[^\n]{3,80}|\w[^\n:：]{8,60}[:：])[ \t]*$", re.MULTILINE)
_FORESEEN = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_REPORTS = frozenset({MachineKind.BOUNCE, MachineKind.FEEDBACK, MachineKind.RECEIPT})
_MAX_SUBJECT = 1000
_MAX_MESSAGE_BYTES_FOR_BOUNCE = 2 * 1024 * 1024
_MAX_EMBEDDED_MESSAGES = 30
_MAX_AUTHENTICATION_RESULTS = 20
_DELIVERED_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-forwarded-to")


def parse_mail(raw: bytes, *, limits: Limits | None = None, our_addresses: frozenset[str] = frozenset()) -> ParsedMail:
    """Read a mail as it came over the wire.

    `our_addresses`: all addresses of our mailboxes, lower case, without plus extensions; mail from them is a loop.
    Raises UnreadableMail for what is empty, over the size limit, or no mail at all; every other fault is noted in
    `defects` and read around.
    """
    tree = mime.split_mail(raw, limits or Limits())
    root = tree.root
    subject = _subject(tree)
    sender = _sender(tree)
    content = read_bodies(tree)
    text, html = _bodies_as_text(tree, content)
    bounce = _guarded(tree, "bounce", lambda: _find_bounce(tree, text), None)
    kind, reason = _classify(tree, sender, subject, bounce, our_addresses)
    cleaned, reply = _clean_and_split(tree, content, text, html, is_report=kind in _REPORTS)
    inner = _embedded_mail(tree, content)
    if inner is not None and content.embedded_is_main and not text.strip():
        text = inner.text
        reply = _Reply(text=text)
    is_forward, forwarded = _forward(tree, subject, kind, content, inner, text, html)
    to, cc, reply_to = _recipients(tree)
    return ParsedMail(
        message_id=headers.message_id(root.first("message-id")),
        in_reply_to=headers.identifiers(root.all("in-reply-to")),
        references=headers.identifiers(root.all("references")),
        subject=subject,
        sender=sender,
        reply_to=reply_to,
        to=to,
        cc=cc,
        original_from=_original_from(root),
        delivered_to=_delivered_to(root),
        return_path=_return_path(root),
        date=headers.parse_date(root.first("date")) if root.first("date") else None,
        text=text,
        reply_text=reply.text,
        signature=reply.signature,
        html=cleaned.html,
        reply_html=reply.html,
        has_remote_content=cleaned.has_remote_content,
        language_hint=_language(root),
        attachments=content.attachments,
        machine=kind,
        machine_reason=charset.clean(reason),
        bounce=bounce,
        is_forward=is_forward,
        forwarded=forwarded,
        authentication_results=tuple(
            charset.clean(headers.unfold(headers.raw_text(value)))[:4000]
            for value in root.all("authentication-results")[:_MAX_AUTHENTICATION_RESULTS]
        ),
        list_id=_list_id(root),
        defects=tuple(tree.defects),
    )


def _guarded(tree: Tree, step: str, work: Callable[[], _Result], otherwise: _Result) -> _Result:
    """The result of a step, or `otherwise` with a defect noted when it raises on a mail nobody foresaw."""
    try:
        return work()
    except _FORESEEN as error:
        tree.note(f"Reading the {step} failed ({type(error).__name__}), left out.")
        return otherwise


# --- headers ---


def _subject(tree: Tree) -> str:
    subject = headers.decode_text(tree.root.first("subject"), tree.hint)
    if len(subject) > _MAX_SUBJECT:
        tree.note(f"Subject of {len(subject)} characters, cut at {_MAX_SUBJECT}.")
        subject = subject[:_MAX_SUBJECT].rstrip()
    return subject


def _sender(tree: Tree) -> Address | None:
    """The first address of From; without one, that of Sender, Return-Path or the mbox line, noted as a defect."""
    root = tree.root
    values = root.all("from")
    if len(values) > 1:
        tree.note("More than one From field, the first one counts.")
    found, _cut = headers.address_list(values, 20, tree.hint)
    if found:
        return found[0]
    if values and values[0].rstrip().endswith(b"<>"):
        return None  # a daemon that wants no answer
    for name in ("sender", "x-original-from", "return-path"):
        found, _cut = headers.address_list(root.all(name)[:1], 1)
        if found:
            tree.note(f"No address in From, taken from {name.title()}.")
            return found[0]
    if "@" in tree.envelope_sender and (email := addresses.normal_email(tree.envelope_sender)):
        tree.note("No address in From, taken from the envelope line.")
        return Address(email)
    return None


def _recipients(tree: Tree) -> tuple[tuple[Address, ...], tuple[Address, ...], tuple[Address, ...]]:
    """To, Cc and Reply-To, each up to the limit."""
    lists: list[tuple[Address, ...]] = []
    for name in ("to", "cc", "reply-to"):
        values = tree.root.fields.get(name)
        if not values:
            lists.append(())
            continue
        found, cut = headers.address_list(values, tree.limits.max_addresses, tree.hint)
        if cut:
            tree.note(f"More than {tree.limits.max_addresses} addresses in {name.title()}, the rest was not read.")
        lists.append(found)
    return lists[0], lists[1], lists[2]


def _original_from(root: Part) -> Address | None:
    for name in ("x-original-from", "x-original-sender"):
        values = root.fields.get(name)
        if values:
            found, _cut = headers.address_list(values[:1], 1)
            if found:
                return found[0]
    return None


def _delivered_to(root: Part) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in _DELIVERED_TO:
        for address in headers.address_list(root.fields[name], 20)[0] if name in root.fields else ():
            if "@" in address.email:
                found[address.email] = None
    return tuple(found)


def _return_path(root: Part) -> str | None:
    values = root.fields.get("return-path")
    if not values:
        return None
    value = headers.unfold(headers.raw_text(values[0]))
    if value.replace(" ", "") in ("<>", ""):
        return ""
    found, _cut = headers.address_list(values[:1], 1)
    return found[0].email if found else None


def _language(root: Part) -> str:
    for name in ("content-language", "accept-language"):
        value = headers.raw_text(root.first(name)).strip().lower()
        match = re.match(r"([a-z]{2,3})(?:[-_,;\s]|$)", value)
        if match:
            return match[1]
    return ""


def _list_id(root: Part) -> str:
    value = headers.decode_text(root.first("list-id"))
    match = re.search(r"<([^<>]{1,250})>", value)
    return (match[1] if match else value)[:250].strip()


# --- body ---


class _Reply:
    """What the writer added, apart from history and signature."""

    __slots__ = ("html", "signature", "text")

    def __init__(self, text: str = "", html: str = "", signature: str = "") -> None:
        self.text = text
        self.html = html
        self.signature = signature


def _bodies_as_text(tree: Tree, content: Bodies) -> tuple[str, str]:
    """The whole plain text, made from the HTML where a section has no other, and the whole HTML as it was sent."""
    pieces = []
    for section in content.sections:
        if section.text.strip():
            pieces.append(section.text.rstrip("\n"))
        else:
            pieces.append(_guarded(tree, "HTML as text", partial(text_from_html, section.html), "").rstrip())
    text = charset.clean("\n".join(pieces)).strip("\n")
    return text[: tree.limits.max_text_characters], content.html


def _clean_and_split(
    tree: Tree, content: Bodies, text: str, html: str, *, is_report: bool
) -> tuple[CleanedHtml, _Reply]:
    """The cleaned HTML and the reply. HTML is split before cleaning, since cleaning takes the marks of mail programs.

    A report has no writer, so nothing is folded in it.
    """
    no_html = CleanedHtml("", False)
    if is_report:
        cleaned = _guarded(tree, "HTML", lambda: clean_html(html), no_html) if html else no_html
        return cleaned, _Reply(text)
    plain = _guarded(tree, "quoted text", lambda: split_text(text), None) or ReplyParts(text, "", "")
    if not html:
        return no_html, _Reply(plain.reply, "", plain.signature)
    cleaned = _guarded(tree, "HTML", lambda: clean_html(html), no_html)
    parts: HtmlParts | None = _guarded(tree, "quoted HTML", lambda: split_html(html), None)
    if parts is None:
        return cleaned, _Reply(plain.reply, "", plain.signature)
    reply_html = ""
    if parts.reply_html:
        reply_html = _guarded(tree, "HTML of the reply", lambda: clean_html(parts.reply_html), no_html).html
    has_plain = any(section.text.strip() for section in content.sections)
    if has_plain and (plain.quoted or not parts.reply_html):
        return cleaned, _Reply(plain.reply, reply_html, plain.signature or parts.signature)
    if parts.reply_html or not has_plain:
        return cleaned, _Reply(parts.reply_text, reply_html, parts.signature)
    return cleaned, _Reply(plain.reply, reply_html, plain.signature)


# --- what kind of mail ---


def _outline(root: Part) -> Message:
    """The top headers and the children's types as the standard library's message, for the cheap question of
    bounce_signs."""
    message: Message = Message()
    for name, values in root.fields.items():
        for value in values[:20]:
            message.set_raw(name, value.decode("ascii", "surrogateescape"))
    if root.children:
        message.set_payload([])
        for child in root.children[:20]:
            outline: Message = Message()
            outline.set_raw("content-type", child.type)
            message.attach(outline)
    return message


def _find_bounce(tree: Tree, text: str) -> Bounce | None:
    """The bounce this mail is. The standard library's parser, which costs more than all the rest and recurses into
    attached mails, runs only for mails that could be one."""
    if read_signs(_outline(tree.root)) is None:
        return None
    raw = tree.raw[:_MAX_MESSAGE_BYTES_FOR_BOUNCE]
    if raw.lower().count(b"message/") > _MAX_EMBEDDED_MESSAGES or tree.is_cut:
        tree.note("Too deeply nested to be read as a delivery report.")
        return None
    return find_bounce(message_from_bytes(raw), text)


def _report_type(root: Part) -> str:
    """`delivery-status`, `disposition-notification` or `feedback-report` of a report, by its own type or its
    parts."""
    types = [root.sub, root.parameters.get("report-type", "").lower()] + [child.sub for child in root.children[:10]]
    for kind in ("feedback-report", "disposition-notification", "delivery-status"):
        if kind in types:
            return kind
    return ""


def _classify(
    tree: Tree, sender: Address | None, subject: str, bounce: Bounce | None, our_addresses: frozenset[str]
) -> tuple[MachineKind, str]:
    root = tree.root
    fields = {
        name: [headers.unfold(headers.raw_text(value)) for value in values[:20]]
        for name, values in root.fields.items()
        if name in automatic.WANTED
    }
    return automatic.classify(
        fields,
        sender=sender,
        subject=subject,
        report_type=_report_type(root),
        is_bounce=bounce is not None,
        our_addresses=our_addresses,
    )


class _Inner:
    """An attached mail, read once and without its own attached mails: for the forward and for mails that are
    nothing else."""

    __slots__ = ("forwarded", "text")

    def __init__(self, forwarded: Forwarded, text: str) -> None:
        self.forwarded = forwarded
        self.text = text


def _embedded_mail(tree: Tree, content: Bodies) -> _Inner | None:
    if not content.embedded:
        return None

    def read() -> _Inner | None:
        try:
            inner = mime.split_mail(content.embedded, tree.limits)
        except UnreadableMail:
            return None
        text, _html = _bodies_as_text(inner, read_bodies(inner))
        date = inner.root.first("date")
        forwarded = Forwarded(
            sender=_sender(inner),
            subject=_subject(inner),
            date=headers.parse_date(date) if date else None,
            text=text,
        )
        return _Inner(forwarded, text)

    return _guarded(tree, "attached mail", read, None)


def _forward(
    tree: Tree, subject: str, kind: MachineKind, content: Bodies, inner: _Inner | None, text: str, html: str
) -> tuple[bool, Forwarded | None]:
    """Whether a person passes on somebody else's mail, and whose. Reports carry the original mail, but forward
    nothing."""
    if kind in _REPORTS:
        return False, None
    answers = "in-reply-to" in tree.root.fields
    is_reply = _REPLY_PREFIX.match(subject) is not None
    by_subject = _FORWARD_PREFIX.match(subject) is not None
    if by_subject and answers and _AMBIGUOUS_PREFIX.match(subject):
        by_subject = False
    if inner is not None and (by_subject or (content.embedded_is_main and kind is not MachineKind.LIST)):
        return True, inner.forwarded
    if inner is not None and kind is MachineKind.HUMAN and not answers and not is_reply:
        return True, inner.forwarded
    if by_subject or (not answers and not is_reply and _has_forward_mark(text)):
        return True, _guarded(tree, "forwarded mail", lambda: find_forwarded(text, html), None)
    return False, None


def _has_forward_mark(text: str) -> bool:
    """Whether a line near the top says that what follows is forwarded: for forwards whose subject does not tell."""
    candidates = islice(_MARK_LINE.finditer(text, 0, 8000), 30)
    marks = (separator(match[0]) for match in candidates)
    return any(mark is not None and mark[0] is Separator.FORWARD for mark in marks)
