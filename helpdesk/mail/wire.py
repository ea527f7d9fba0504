"""A read mail on its way from the sandboxed child to its parent: called by sandbox.py and sandbox_child.py.

JSON for the values, the attachments' bytes after it. Never pickle: a child that a hostile mail has taken over may
send any bytes, and the parent must make nothing of them but plain values of the expected types. What does not fit
raises `WireError`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from helpdesk.mail.message import (
    Address,
    Bounce,
    BouncedRecipient,
    Forwarded,
    MachineKind,
    ParsedAttachment,
    ParsedMail,
)

_Item = TypeVar("_Item")

# A request is a length and a mail. An answer is its kind, the length of the head and the number of contents, then the
# length of each content, then all of them.
REQUEST = struct.Struct("<I")
ANSWER = struct.Struct("<BIH")
SIZE = struct.Struct("<I")
PARSED, UNREADABLE, FAILED, EXHAUSTED = 0, 1, 2, 3  # exhausted: failed, and the child ends
MAX_HEAD_BYTES = 64 * 1024 * 1024
MAX_CONTENTS = 2000

_TEXTS = (
    "message_id",
    "subject",
    "text",
    "reply_text",
    "signature",
    "html",
    "reply_html",
    "language_hint",
    "machine_reason",
    "list_id",
)
_TEXT_LISTS = ("in_reply_to", "references", "delivered_to", "authentication_results", "defects")
_MAX_ITEMS = 10_000


class WireError(Exception):
    """The bytes are no mail as `encode` writes it."""


def encode(mail: ParsedMail) -> tuple[bytes, list[bytes]]:
    """The mail as JSON and the contents of its attachments in order. `decode(*encode(mail)) == mail`."""
    values: dict[str, Any] = {name: getattr(mail, name) for name in (*_TEXTS, *_TEXT_LISTS)}
    values["sender"] = _address_out(mail.sender)
    values["original_from"] = _address_out(mail.original_from)
    for name in ("to", "cc", "reply_to"):
        values[name] = [_address_out(address) for address in getattr(mail, name)]
    values["return_path"] = mail.return_path
    values["date"] = mail.date.isoformat() if mail.date else None
    values["has_remote_content"] = mail.has_remote_content
    values["is_forward"] = mail.is_forward
    values["machine"] = mail.machine.value
    values["attachments"] = [[a.name, a.content_type, len(a.content), a.content_id, a.inline] for a in mail.attachments]
    if mail.bounce:
        recipients = [[r.email, r.status, r.permanent, r.diagnostic] for r in mail.bounce.recipients]
        values["bounce"] = [recipients, mail.bounce.original_message_id, mail.bounce.permanent, mail.bounce.delayed]
    if mail.forwarded:
        original = mail.forwarded
        date = original.date.isoformat() if original.date else None
        values["forwarded"] = [_address_out(original.sender), original.subject, date, original.text]
    head = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return head, [attachment.content for attachment in mail.attachments]


def decode(head: bytes, contents: Sequence[bytes]) -> ParsedMail:
    """The mail that `encode` wrote. Raises WireError for anything else: wrong types, NUL bytes, lone surrogates,
    unknown names, contents that do not match their sizes."""
    try:
        values = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise WireError("no JSON") from error
    if not isinstance(values, dict):
        raise WireError("no object")
    fields: dict[str, Any] = {name: _text(values.pop(name, None)) for name in _TEXTS}
    for name in _TEXT_LISTS:
        fields[name] = _items(values.pop(name, None), _text)
    fields["sender"] = _optional(values.pop("sender", None), _address_in)
    fields["original_from"] = _optional(values.pop("original_from", None), _address_in)
    for name in ("to", "cc", "reply_to"):
        fields[name] = _items(values.pop(name, None), _address_in)
    fields["return_path"] = _optional(values.pop("return_path", None), _text)
    fields["date"] = _optional(values.pop("date", None), _date)
    fields["has_remote_content"] = _flag(values.pop("has_remote_content", None))
    fields["is_forward"] = _flag(values.pop("is_forward", None))
    try:
        fields["machine"] = MachineKind(_text(values.pop("machine", None)))
    except ValueError as error:
        raise WireError("unknown kind of machine") from error
    outlines = _items(values.pop("attachments", None), lambda value: _list(value, 5))
    if len(outlines) != len(contents):
        raise WireError("attachments are missing")
    fields["attachments"] = tuple(_attachment(o, c) for o, c in zip(outlines, contents, strict=True))
    fields["bounce"] = _optional(values.pop("bounce", None), _bounce)
    fields["forwarded"] = _optional(values.pop("forwarded", None), _forwarded)
    if values:
        raise WireError("unknown names")
    return ParsedMail(**fields)


def _address_out(address: Address | None) -> list[str] | None:
    return [address.email, address.name] if address else None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise WireError("a text is missing")
    if "\x00" in value:
        raise WireError("a NUL character")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise WireError("a lone surrogate") from error
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise WireError("a flag is missing")
    return value


def _list(value: object, length: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise WireError(f"a list of {length} is missing")
    return value


def _items(value: object, read: Callable[[object], _Item]) -> tuple[_Item, ...]:
    if not isinstance(value, list) or len(value) > _MAX_ITEMS:
        raise WireError("a list is missing")
    return tuple(read(item) for item in value)


def _optional(value: object, read: Callable[[object], _Item]) -> _Item | None:
    return None if value is None else read(value)


def _date(value: object) -> datetime:
    try:
        date = datetime.fromisoformat(_text(value))
    except ValueError as error:
        raise WireError("no date") from error
    if date.tzinfo is None:
        raise WireError("a date without a zone")
    return date


def _address_in(value: object) -> Address:
    email, name = _list(value, 2)
    return Address(_text(email), _text(name))


def _attachment(outline: list[Any], content: bytes) -> ParsedAttachment:
    name, content_type, size, content_id, inline = outline
    if size != len(content):
        raise WireError("an attachment of another size")
    return ParsedAttachment(_text(name), _text(content_type), content, _text(content_id), _flag(inline))


def _bounce(value: object) -> Bounce:
    recipients, message_id, permanent, delayed = _list(value, 4)
    return Bounce(_items(recipients, _recipient), _text(message_id), _flag(permanent), _flag(delayed))


def _recipient(value: object) -> BouncedRecipient:
    email, status, permanent, diagnostic = _list(value, 4)
    return BouncedRecipient(_text(email), _text(status), _flag(permanent), _text(diagnostic))


def _forwarded(value: object) -> Forwarded:
    sender, subject, date, text = _list(value, 4)
    return Forwarded(_optional(sender, _address_in), _text(subject), _optional(date, _date), _text(text))
