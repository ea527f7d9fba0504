"""Failure notices: recognising a bounce, whom it speaks of, and whether the address is dead. Called by `parse.py`.
Pure.

Three readers in turn, each only behind the cheap gate of `bounce_signs`: the report part (RFC 3464, `bounce_dsn`),
flufl.bounce, and our own reading of the prose (`bounce_text`). A null Return-Path alone never makes a bounce;
neither do abuse reports (RFC 5965), read receipts (RFC 8098), vacation replies, or a person who forwards a notice
or writes about one.
"""

from __future__ import annotations

import copy
import json
import logging
import re
from collections.abc import Iterable
from email.message import Message
from email.utils import getaddresses

from helpdesk.mail.bounce_dsn import Action, RecipientReport, Report, find_addresses, read_report
from helpdesk.mail.bounce_parts import Parts, take_apart, untagged, with_newlines
from helpdesk.mail.bounce_phrases import judge
from helpdesk.mail.bounce_signs import Signs, read_signs
from helpdesk.mail.bounce_text import (
    Notice,
    clean_address,
    read_notice,
    words_about,
)
from helpdesk.mail.message import Bounce, BouncedRecipient

MAX_FLUFL_CHARACTERS = 300_000

logging.getLogger("flufl.bounce").addFilter(lambda _record: False)  # it logs a traceback for each odd From header

_REFUSING_RECEIPT = re.compile(
    r"automatic-action\s*/\s*mdn-sent-automatically\s*;\s*(?:deleted|denied|failed|error)", re.IGNORECASE
)
_IDENTIFIER = re.compile(r"<([^<>\s]{3,250})>")
_FIELDS_IN_TEXT = re.compile(r"^[ \t>]{0,8}final-recipient[ \t]*:", re.IGNORECASE | re.MULTILINE)
_AFTER_DATA = re.compile(
    r"in reply to end of data|after (?:end of data|data)\b|>>> DATA\s+<<< 5\d\d(?!.{0,60}(?:valid recipient"
    r"|need rcpt|sequence))|smtp command\s+data\b|\(data\)",
    re.IGNORECASE,
)
_TRANSCRIPT = re.compile(r"^\s*(?:>>> |<<< |rcpt to:|diagnostic[- ]code|reporting-mta)", re.IGNORECASE | re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def find_bounce(message: Message, text: str) -> Bounce | None:
    """The bounce that `message` is, or None.

    `message` is parsed under the compat32 policy and may be broken in any way; `text` is its readable body (may be
    empty). A recipient is `permanent` when the address itself is dead, see `bounce_phrases`. Notices of success
    give None. Recipients may be empty when the notice names nobody. Never raises.
    """
    signs = read_signs(message)
    if signs is None:
        return None
    message = with_newlines(message)
    parts = take_apart(message)
    if parts.feedback:
        return None
    if parts.wrapped is not None and not parts.reports and (signs.server or signs.postmaster) and not signs.answered:
        parts = take_apart(parts.wrapped)  # a gateway put the whole report inside an envelope of its own
    ours = _addresses_of(message)
    notice = _read_prose(parts, text, ours)
    if parts.receipts and not _refuses(parts, notice):
        return None
    if notification := _service_notification(signs, notice.explanation):
        return notification
    report = _join(parts, notice)
    if report.recipients and _report_counts(signs, parts):
        if all(recipient.action is Action.DELIVERED for recipient in report.recipients):
            return None
    elif not _is_notice(signs, parts, notice):
        return None
    recipients = _recipients(message, signs, report, parts, notice)
    delayed = _is_delayed(signs, report, notice)
    bounced = tuple(_judged(recipient, notice, delayed=delayed, alone=len(recipients) == 1) for recipient in recipients)
    original = parts.returned_id or notice.original_message_id or report.original_message_id or _followed(signs)
    return Bounce(
        recipients=bounced,
        original_message_id=_tidy(original, 500),
        permanent=any(recipient.permanent for recipient in bounced),
        delayed=delayed,
    )


def _addresses_of(message: Message) -> frozenset[str]:
    """Whom the notice came from and went to: those it speaks to, not about."""
    values: list[str] = []
    for name in ("to", "from", "delivered-to", "x-original-to", "envelope-to", "reply-to"):
        values.extend(str(value)[:2000] for value in message.get_all(name, []))
    return frozenset(address.lower() for _, address in getaddresses(values) if "@" in address)


def _read_prose(parts: Parts, text: str, ours: frozenset[str]) -> Notice:
    sources: Iterable[str] = ("\n".join(parts.plain), text, "\n".join(untagged(html) for html in parts.html))
    best: Notice | None = None
    for source in sources:
        if not source.strip():
            continue
        notice = read_notice(source, not_these=ours)
        if notice.named and notice.says_failed:
            return notice
        best = best or notice
    return best or read_notice("", not_these=ours)


# Deciding.


def _refuses(parts: Parts, notice: Notice) -> bool:
    """Some servers dress a refusal as a read receipt: deleted by a machine, and the prose says rejected."""
    return notice.says_failed and any(_REFUSING_RECEIPT.search(receipt) for receipt in parts.receipts)


def _report_counts(signs: Signs, parts: Parts) -> bool:
    """Whether the report read is this mail's own: a person who forwards a notice may attach its parts as they were."""
    system = signs.server or signs.postmaster or signs.machine or signs.robot
    if signs.answered and not (signs.server or signs.machine):
        return False
    return signs.report or (system and (signs.report_part or bool(parts.reports) or signs.subject or signs.server))


def _is_notice(signs: Signs, parts: Parts, notice: Notice) -> bool:
    """Whether prose without a report counts. The less the sender looks like a mail system, the more the prose has
    to."""
    returned = parts.returned or notice.has_returned
    someone = bool(notice.named) or returned or bool(signs.failed_recipients)
    if signs.server:
        return sum((signs.subject, notice.says_failed, someone, signs.machine)) >= 2
    if signs.away:
        return False
    if signs.failed_recipients and notice.says_failed:
        return True
    formal = notice.opens_with_failure and bool(notice.named) and (notice.named_plainly or returned)
    if signs.postmaster and not signs.answered:
        if signs.machine:
            return someone and (signs.subject or notice.says_failed)
        return signs.subject and (formal or (returned and not notice.greets))
    if signs.postmaster:  # an old server that answers under "Re:"
        return formal and _TRANSCRIPT.search(notice.explanation) is not None
    if signs.answered or not (signs.machine or signs.robot):
        return False  # a person, until a report says otherwise
    return formal and notice.about_mail and (signs.subject or returned)


def _is_delayed(signs: Signs, report: Report, notice: Notice) -> bool:
    actions = {recipient.action for recipient in report.recipients if recipient.action is not Action.DELIVERED}
    if actions:
        return actions == {Action.DELAYED}
    return notice.delayed


# Gathering the recipients.


def _join(parts: Parts, notice: Notice) -> Report:
    texts = list(parts.reports) + list(parts.receipts)
    if not texts and _FIELDS_IN_TEXT.search(notice.explanation):
        texts = [notice.explanation]
    read = [read_report(text) for text in texts]
    return Report(
        tuple(recipient for report in read for recipient in report.recipients),
        next((report.original_message_id for report in read if report.original_message_id), ""),
    )


def _recipients(message: Message, signs: Signs, report: Report, parts: Parts, notice: Notice) -> list[RecipientReport]:
    failing = [recipient for recipient in report.recipients if recipient.action is not Action.DELIVERED]
    whole = {recipient.email.lower(): recipient for recipient in reversed(failing) if recipient.email}
    if whole:
        return list(reversed(whole.values()))
    outline = failing[0] if failing else RecipientReport("", Action.FAILED)
    emails = _emails(message, signs, parts, notice)
    return [RecipientReport(email, outline.action, outline.status, outline.diagnostic) for email in emails]


def _emails(message: Message, signs: Signs, parts: Parts, notice: Notice) -> list[str]:
    if signs.failed_recipients:
        listed = [match["address"] for match in find_addresses(signs.failed_recipients)]
        if listed:
            return list(dict.fromkeys(listed))
    ours = _addresses_of(message)
    read = [named.email for named in notice.named]
    guessed = [email for email in _ask_flufl(message) if email.lower() not in ours and email != parts.returned_id]
    agreed = {email.lower() for email in read} & {email.lower() for email in guessed}
    if guessed and not (notice.named_plainly and agreed):
        return guessed
    if read:
        return read
    originals = parts.returned_to or notice.original_recipients
    return list(originals) if len(originals) == 1 else []


def _ask_flufl(message: Message) -> list[str]:
    """The addresses flufl.bounce finds, temporary and permanent. Its detectors raise on odd From headers and broken
    parts."""
    from flufl.bounce import all_failures  # 30 ms of import that only a bounce should cost

    if _weight(message) > MAX_FLUFL_CHARACTERS:
        return []
    try:
        plain = copy.copy(message)
        if not str(plain.get("from", "")).strip() or not str(plain["from"]).isascii():
            del plain["from"]  # rebinds the copy's header list; the original keeps its own
            plain["From"] = "mailer-daemon@invalid"
        temporary, permanent = all_failures(plain)
    except Exception:  # noqa: BLE001 - a third-party guesser over hostile input: whatever it raises means "found nothing"
        return []
    emails = [
        clean_address(raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw))
        for raw in (*permanent, *temporary)
    ]
    return sorted({email for email in emails if email})


def _weight(message: Message) -> int:
    """Characters in all parts, counted no further than the limit: flufl.bounce reads every line several times."""
    total, stack = 0, [message]
    while stack and total <= MAX_FLUFL_CHARACTERS:
        payload = stack.pop().get_payload()
        if isinstance(payload, list):
            total += 200 * len(payload)
            stack.extend(part for part in payload if isinstance(part, Message))
        else:
            body = str(payload or "")
            total += len(body) + 20 * body.count("\n")
    return total


def _judged(recipient: RecipientReport, notice: Notice, *, delayed: bool, alone: bool) -> BouncedRecipient:
    late = delayed or recipient.action is Action.DELAYED
    diagnostic = recipient.diagnostic
    about = words_about(notice, recipient.email)
    if alone and not about:
        about = notice.named[0].diagnostic if len(notice.named) == 1 else " ".join(notice.explanation[:1000].split())
    after_data = _AFTER_DATA.search(notice.explanation if alone else about) is not None
    heard = [
        judge(words, recipient.status, delayed=late, after_data=after_data)
        for words in (diagnostic, about, notice.explanation)
        if words or recipient.status
    ]
    verdict = next((one for one in heard if one.known), next((one for one in heard if one.status), None))
    return BouncedRecipient(
        email=_tidy(recipient.email, 320),
        status=verdict.status if verdict else "",
        permanent=verdict.permanent if verdict else False,
        diagnostic=_tidy(diagnostic or about),
    )


def _tidy(text: str, limit: int = 1000) -> str:
    """`text` as PostgreSQL takes it: no control characters, no lone surrogates; raw ISO-2022-JP read as such."""
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "replace")
    decoded = raw.decode("iso2022_jp", "ignore") if b"\x1b$" in raw else raw.decode("utf-8", "replace")
    return " ".join(_CONTROL.sub(" ", decoded).split())[:limit]


def _followed(signs: Signs) -> str:
    found = _IDENTIFIER.search(signs.follows)
    return found[1] if found else ""


def _service_notification(signs: Signs, text: str) -> Bounce | None:
    """A bounce sent as JSON by mail (Amazon SES through SNS)."""
    start = text.find("{")
    if start < 0 or '"bouncedRecipients"' not in text or not (signs.machine or signs.postmaster):
        return None
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text[start:])
        bounce = value["bounce"]
        hard = str(bounce.get("bounceType", "")).lower() == "permanent"
        listed = [
            (str(entry["emailAddress"]), str(entry.get("status", "")), str(entry.get("diagnosticCode", "")))
            for entry in bounce["bouncedRecipients"]
        ]
        original = str(value.get("mail", {}).get("messageId", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    recipients = []
    for email, status, diagnostic in listed:
        verdict = judge(diagnostic, status)
        recipients.append(
            BouncedRecipient(email, verdict.status, verdict.permanent if verdict.known else hard, diagnostic)
        )
    return Bounce(
        tuple(recipients), _tidy(original, 500), any(recipient.permanent for recipient in recipients), delayed=False
    )
