"""Reading delivery status reports (RFC 3464), sound or broken: called by `bounce.py` only.

A report names each recipient in a group of fields. Real reports lose blank lines, gain blank lines, wrap the part
in base64, print the fields into the readable text instead of a part of their own, or leave the address out of the
one field that should hold it. So the fields are read as a stream, and a group ends where a new recipient begins
rather than only at a blank line.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from enum import StrEnum

MAX_REPORT_CHARACTERS = 256_000

_FIELD = re.compile(r"^[ \t]{0,8}(?P<name>[A-Za-z][A-Za-z0-9-]{1,40})[ \t]{0,4}:(?P<value>.*)$")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_ADDRESS = re.compile(
    r"(?P<address>(?:\"[^\"\n@]{1,64}\"|(?:=\?)?[^\s<>()\[\],;:\"'@\\=|][^\s<>()\[\],;:\"@\\|]{0,63})"
    r"@(?:[\w](?:[\w-]{0,62}[\w])?(?:\.[\w](?:[\w-]{0,62}[\w])?){0,10}|\[[0-9a-fA-F.:]{3,45}\]))"
)
_RECIPIENT_FIELDS = ("original-recipient", "final-recipient", "x-actual-recipient")
_GROUP_FIELDS = frozenset(
    {*_RECIPIENT_FIELDS, "action", "status", "diagnostic-code", "remote-mta", "last-attempt-date"}
)


class Action(StrEnum):
    """What became of one recipient (RFC 3464, 2.3.3); deliveries of every kind are one here."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """One recipient group. `status` is as reported, possibly empty; `diagnostic` has its type prefix removed."""

    email: str
    action: Action
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All groups of one report, and the returned message's id where the report's own fields name it."""

    recipients: tuple[RecipientReport, ...] = ()
    original_message_id: str = ""


@dataclass(slots=True)
class _Group:
    values: dict[str, str] = field(default_factory=dict)

    @property
    def has_recipient(self) -> bool:
        return any(name in self.values for name in _RECIPIENT_FIELDS)

    @property
    def has_outcome(self) -> bool:
        return "action" in self.values or "status" in self.values

    @property
    def is_whole(self) -> bool:
        return "action" in self.values and "status" in self.values


def find_address(text: str) -> str:
    """The first mail address in `text` as written there, or an empty string."""
    found = _ADDRESS.search(text)
    return found["address"].rstrip(".") if found else ""


def find_addresses(text: str) -> Iterator[re.Match[str]]:
    """Every mail address in `text`; the group `address` holds it."""
    return _ADDRESS.finditer(text)


def find_status(text: str) -> str:
    """The first RFC 3463 code (5.1.1) in `text`, or an empty string."""
    found = _STATUS.search(text)
    return found[1] if found else ""


def report_text(part: Message) -> str:
    """The source text of a delivery-status part.

    The parser of the standard library reads such a part as a list of header blocks before it looks at the transfer
    encoding, so an encoded one has to be joined again and decoded here.
    """
    payload = part.get_payload()
    text = "\n".join(map(_block_text, payload)) if isinstance(payload, list) else str(payload or "")
    text = text[:MAX_REPORT_CHARACTERS]
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding == "base64":
        try:
            decoded = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            return text  # says base64, is plain: seen from gateways that rewrap reports
        return decoded.decode("utf-8", "replace")
    if encoding == "quoted-printable":
        return quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    return text


def _block_text(block: object) -> str:
    if not isinstance(block, Message):
        return str(block)
    lines = [f"{name}: {value}" for name, value in block.raw_items()]
    body = block.get_payload()
    if isinstance(body, list):
        lines.extend(_block_text(inner) for inner in body)
    elif body:
        lines.append("")
        lines.append(str(body))
    return "\n".join(lines) + "\n"


def read_report(text: str) -> Report:
    """The recipient groups in `text`: a delivery-status part, or a readable text that has such fields printed into
    it.

    Groups without any usable address are kept with an empty `email`: their action and diagnostic still count, and
    the address may stand elsewhere in the mail. Never raises on broken fields.
    """
    groups: list[_Group] = []
    current = _Group()
    torn = False
    original_message_id = ""
    for name, value in _fields(text[:MAX_REPORT_CHARACTERS]):
        if not name:  # a blank line ends a whole group; after half of one the rest may follow, or the next begin
            if current.has_recipient and current.is_whole:
                groups.append(current)
                current = _Group()
            torn = current.has_recipient and current.has_outcome
            continue
        if name in ("original-message-id", "x-original-message-id"):
            original_message_id = original_message_id or value.strip().strip("<>").strip()
        if name not in _GROUP_FIELDS:
            continue
        again = name in current.values and (name in _RECIPIENT_FIELDS or name == "action")
        if again or (torn and name in _RECIPIENT_FIELDS):
            groups.append(current)
            current = _Group()
            torn = False
        current.values.setdefault(name, value)
    groups.append(current)
    return Report(tuple(_merge_outcomes(groups)), original_message_id)


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Field names in lower case with unfolded values; a blank line yields two empty strings."""
    name, value = "", ""
    for line in text.splitlines():
        if not line.strip():
            if name:
                yield name, value.strip()
                name = ""
            yield "", ""
        elif name and line[:1] in " \t" and not _starts_known_field(line):
            value += " " + line.strip()
        elif found := _FIELD.match(line):
            if name:
                yield name, value.strip()
            name, value = found["name"].lower(), found["value"].strip()
        elif name:
            value += " " + line.strip()  # folded, its indent lost
    if name:
        yield name, value.strip()


def _starts_known_field(line: str) -> bool:
    found = _FIELD.match(line)
    return found is not None and found["name"].lower() in _GROUP_FIELDS


def _merge_outcomes(groups: list[_Group]) -> Iterator[RecipientReport]:
    """Reports for the groups; one that has an outcome but no recipient completes the recipient before it that lacks
    its own."""
    whole: list[_Group] = []
    for group in groups:
        if not group.values:
            continue
        if whole and not group.has_recipient and not whole[-1].has_outcome:
            whole[-1].values.update(group.values)
        else:
            whole.append(group)
    for group in whole:
        if group.has_outcome or "diagnostic-code" in group.values:
            yield _recipient_report(group.values)


def _recipient_report(values: Mapping[str, str]) -> RecipientReport:
    email = ""
    for name in _RECIPIENT_FIELDS:
        email = find_address(_without_type(values.get(name, "")))
        if email:
            break
    diagnostic = _without_type(values.get("diagnostic-code", ""))
    status = find_status(values.get("status", ""))
    if status.startswith("2.") and re.match(r"\s*[45]\d\d\b", diagnostic):
        status = ""  # a success code above a refusal: believe the refusal
    return RecipientReport(email, _action(values.get("action", ""), status, diagnostic), status, diagnostic)


def _without_type(value: str) -> str:
    """`smtp; 550 no` -> `550 no`; `rfc822;<a@b>` -> `<a@b>`."""
    kind, separator, rest = value.partition(";")
    if separator and re.fullmatch(r"[\w .-]{1,30}", kind.strip()):
        return rest.strip()
    return value.strip()


def _action(value: str, status: str, diagnostic: str) -> Action:
    word = value.strip().lower()
    if word.startswith(("delay", "defer", "transient", "warn", "retry")):
        return Action.DELAYED
    if word.startswith(("deliver", "relay", "expand", "success", "sent")) and not word.startswith("delivery fail"):
        return Action.DELIVERED
    if not word and (status.startswith("2.") or re.match(r"\s*2\d\d\b", diagnostic)):
        return Action.DELIVERED
    return Action.FAILED
