"""Taking a suspected failure notice apart: reports, prose, and the message that came back. Used by `bounce.py`.

Returned messages are looked at for their id and recipients, never entered: what they say is not what the notice says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email import message_from_bytes, message_from_string
from email.message import Message
from typing import Any

from helpdesk.mail.bounce_dsn import find_addresses, report_text
from helpdesk.mail.bounce_text import original_message_id, original_recipients

MAX_SALVAGE_CHARACTERS = 1_000_000
MAX_DEPTH = 6
MAX_PARTS = 60
_IDENTIFIER = re.compile(r"<([^<>\s]{3,250})>")
_LOST_BORDER = re.compile(
    r"^--(?P<boundary>[^\s].{0,68}?)[ \t]*\r?\n(?=content-[a-z-]{2,30}:)", re.IGNORECASE | re.MULTILINE
)
_BARE_RETURN = re.compile(r"\r(?!\n)[^\r\n]*\r(?!\n)")
_TAG = re.compile(r"<br\s*/?>|</(?:p|div|tr|li|h\d)>|<[^<>@]{0,2000}>", re.IGNORECASE)


@dataclass(slots=True)
class Parts:
    """The mail taken apart, returned messages not entered."""

    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    returned_id: str = ""
    returned_to: tuple[str, ...] = ()
    returned: bool = False
    feedback: bool = False
    wrapped: Message | None = None


def with_newlines(message: Message) -> Message:
    """The mail read again with its bare carriage returns as line ends, where it has such (old Macintosh stores)."""
    stack, seen = [message], 0
    while stack and seen < MAX_PARTS:
        seen += 1
        payload = stack.pop().get_payload()
        if isinstance(payload, list):
            stack.extend(part for part in payload if isinstance(part, Message))
        elif isinstance(payload, str) and _BARE_RETURN.search(payload, 0, 4000):
            try:
                return message_from_bytes(message.as_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
            except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
                return message
    return message


def take_apart(message: Message) -> Parts:
    """The parts of `message` by what they are for; broken borders are mended where they show. Never raises."""
    parts = Parts()
    seen = 0
    stack: list[tuple[Message, int]] = [(message, 0)]
    while stack and seen < MAX_PARTS:
        part, depth = stack.pop()
        seen += 1
        kind = _content_type(part)
        payload = part.get_payload()
        if kind in ("message/delivery-status", "message/global-delivery-status"):
            parts.reports.append(report_text(part))
        elif kind == "message/feedback-report":
            parts.feedback = True
        elif kind in ("message/disposition-notification", "message/global-disposition-notification"):
            parts.receipts.append(report_text(part))
        elif kind in ("message/rfc822", "message/global", "message/partial"):
            _note_returned(parts, payload[0] if isinstance(payload, list) and payload else payload)
        elif kind in ("text/rfc822-headers", "text/rfc822", "message/rfc822-headers", "message/global-headers"):
            _note_returned(parts, _body_text(part))
        elif isinstance(payload, list):
            if depth < MAX_DEPTH:
                stack.extend((inner, depth + 1) for inner in reversed(payload) if isinstance(inner, Message))
        elif (salvaged := _salvage(payload, 4000 if kind.startswith("multipart/") else 400)) and depth < MAX_DEPTH:
            stack.append((salvaged, depth + 1))
        elif kind == "text/html":
            parts.html.append(_body_text(part))
        elif kind.startswith(("text/", "multipart/")) or kind == "message/plain":
            body = _body_text(part)
            if _is_attached(part) and parts.plain:
                _note_returned(parts, body)
            else:
                parts.plain.append(body)
    return parts


def _salvage(payload: object, within: int) -> Message | None:
    """The parts in a body whose declared border is wrong or missing, by the border that stands `within` its first
    characters."""
    if not isinstance(payload, str) or "--" not in payload[:within]:
        return None
    found = _LOST_BORDER.search(payload, 0, within)
    if not found:
        return None
    boundary = found["boundary"].replace("\\", "").replace('"', "")
    begin = f'Content-Type: multipart/mixed; boundary="{boundary}"\n\n'
    try:
        salvaged = message_from_string(begin + payload[found.start() : MAX_SALVAGE_CHARACTERS])
    except (RecursionError, ValueError, LookupError):  # nested beyond reason
        return None
    return salvaged if isinstance(salvaged.get_payload(), list) else None


def _content_type(part: Message) -> str:
    try:
        return part.get_content_type()
    except (AttributeError, TypeError, ValueError, LookupError):
        return "text/plain"


def _is_attached(part: Message) -> bool:
    return str(part.get("content-disposition", "")).strip().lower().startswith("attachment")


def _note_returned(parts: Parts, returned: Any) -> None:
    if parts.returned_id:
        return
    parts.returned = True
    if isinstance(returned, Message):
        kind = str(returned.get("content-type", "")).lower()
        if kind.startswith("multipart/report") and "delivery-status" in kind:
            parts.wrapped = returned
        found = _IDENTIFIER.search(str(returned.get("message-id", "")))
        parts.returned_id = found[1] if found else str(returned.get("message-id", "")).strip()
        for name in ("x-original-to", "envelope-to", "to"):
            if value := str(returned.get(name, "")):
                parts.returned_to = tuple(match["address"] for match in find_addresses(value[:2000]))
                break
        if not parts.returned_id and not isinstance(returned.get_payload(), list):
            parts.returned_id = original_message_id(str(returned.get_payload())[:20_000])
    else:
        headers = str(returned or "")[:20_000]
        parts.returned_id = original_message_id(headers)
        parts.returned_to = original_recipients(headers)


def _body_text(part: Message) -> str:
    try:
        raw = part.get_payload(decode=True)
    except (AttributeError, TypeError, ValueError, LookupError, AssertionError):
        raw = None
    if not isinstance(raw, bytes):
        return str(part.get_payload() or "")
    raw = raw[:256_000]
    try:
        declared = (part.get_content_charset() or "").lower()
    except (AttributeError, TypeError, ValueError, LookupError):
        declared = ""
    families = {
        "iso-2022-jp": ("euc_jp", "shift_jis"),
        "gb2312": ("gb18030",),
        "gbk": ("gb18030",),
        "big5": ("big5hkscs",),
    }
    jis = ("iso2022_jp",) if b"\x1b$" in raw or b"\x1b(" in raw else ()
    for name in (*jis, declared or "utf-8", "utf-8", *families.get(declared, ())):
        try:
            return raw.decode(name)
        except (ValueError, LookupError):  # a name with a NUL in it is a ValueError of its own
            continue
    return raw.decode("latin-1")


def untagged(html: str) -> str:
    """`html` as lines of text, good enough to find addresses and sentences in."""
    return (
        _TAG.sub("\n", html[:200_000])
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
    )
