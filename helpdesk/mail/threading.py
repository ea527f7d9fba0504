"""Which ticket a mail belongs to: the order of the specification as a pure function over what is known.

1. a signed plus address, 2. a signed Message-ID of ours in In-Reply-To or References, 3. any known id there, newest first,
4. a ticket tag in the subject. For each of the four the sender must belong to the ticket and must not fail authentication;
otherwise the mail opens a ticket of its own, linked as a possible follow-up. Nothing threads by subject words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from helpdesk.mail.message import ParsedMail

T = TypeVar("T")

#: `[#10001]` or `[Ticket 10001]` anywhere in the subject. Without the sender check it means nothing.
SUBJECT_TAG = re.compile(r"\[\s*(?:#|ticket\s*#?\s*)(\d{1,18})\s*\]", re.IGNORECASE)


class Rule(StrEnum):
    """Why a mail landed where it did."""

    PLUS_ADDRESS = "plus_address"
    SIGNED_ID = "signed_id"
    KNOWN_ID = "known_id"
    SUBJECT_TAG = "subject_tag"
    NEW = "new"
    FORWARDED = "forwarded"
    STRANGER = "stranger"  # pointed at a ticket its sender does not belong to
    FAILED_SENDER = "failed_sender"  # pointed at a ticket, but the sender's authentication failed
    TICKET_CLOSED = "ticket_closed"  # belongs to a closed ticket: a linked follow-up


@dataclass(frozen=True, slots=True)
class Pointer:
    """Something in the mail that names a ticket."""

    rule: Rule
    number: int | None = None
    identifier: str = ""


@dataclass(frozen=True, slots=True)
class Placement(Generic[T]):
    """Join `ticket`, or (when None) open a new one linked to `related`."""

    ticket: T | None
    rule: Rule
    related: T | None = None
    identifier: str = ""


def pointers(
    mail: ParsedMail, number_in_address: Callable[[str], int | None], number_in_identifier: Callable[[str], int | None]
) -> list[Pointer]:
    """Everything in the mail that may name a ticket, strongest first. Empty ids point nowhere."""
    found: list[Pointer] = []
    addresses = [*mail.delivered_to, *(a.email for a in (*mail.to, *mail.cc))]
    for address in addresses:
        number = number_in_address(address)
        if number is not None:
            found.append(Pointer(Rule.PLUS_ADDRESS, number=number))
    mentioned = mentioned_identifiers(mail)
    for identifier in mentioned:
        number = number_in_identifier(identifier)
        if number is not None:
            found.append(Pointer(Rule.SIGNED_ID, number=number, identifier=identifier))
    found.extend(Pointer(Rule.KNOWN_ID, identifier=identifier) for identifier in mentioned)
    found.extend(Pointer(Rule.SUBJECT_TAG, number=int(m[1])) for m in SUBJECT_TAG.finditer(mail.subject))
    return found


def mentioned_identifiers(mail: ParsedMail) -> list[str]:
    """In-Reply-To, then References from the newest back, without empty or repeated ids and without the mail's own."""
    ids = [*mail.in_reply_to, *reversed(mail.references)]
    return [i for i in dict.fromkeys(ids) if i.strip() and i != mail.message_id]


def place(
    mail: ParsedMail,
    found: Iterable[Pointer],
    *,
    ticket_at: Callable[[Pointer], T | None],
    belongs: Callable[[T], bool],
    is_closed: Callable[[T], bool],
    authentication_failed: bool,
    is_staff: bool,
) -> Placement[T]:
    """Decides. `ticket_at` resolves a pointer (None: unknown); `belongs` says whether the sender is of that ticket.

    A forward from somebody who is not staff opens a new ticket unless a signed word of ours is in it: a forwarded copy
    carries the old References and would land in the old conversation.
    """
    related: T | None = None
    why = Rule.NEW
    forward = mail.is_forward and not is_staff
    for pointer in found:
        ticket = ticket_at(pointer)
        if ticket is None:
            continue
        if forward and pointer.rule in {Rule.KNOWN_ID, Rule.SUBJECT_TAG}:
            related, why = related or ticket, Rule.FORWARDED
            continue
        if not belongs(ticket):
            related, why = related or ticket, Rule.STRANGER
            continue
        if authentication_failed:
            related, why = related or ticket, Rule.FAILED_SENDER
            continue
        if is_closed(ticket):
            return Placement(None, Rule.TICKET_CLOSED, ticket, pointer.identifier)
        return Placement(ticket, pointer.rule, None, pointer.identifier)
    return Placement(None, why, related)
