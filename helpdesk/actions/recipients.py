"""Whom a reply goes to: derived from the message it answers, never from people who merely appeared earlier."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from helpdesk.actions import BadInput
from helpdesk.mail.tokens import number_in_address
from helpdesk.models import AddressKind, Audience, CustomerAddress, Mailbox, Message, Ticket

_AT_MOST = 50


def our_addresses() -> frozenset[str]:
    """Every address of every mailbox: never a recipient of ours."""
    return frozenset().union(*(m.own_addresses() for m in Mailbox.objects.only("address", "aliases")))


def is_ours(email: str, ours: frozenset[str]) -> bool:
    """One of our addresses, with or without a plus part."""
    local, _at, domain = email.lower().partition("@")
    return (
        email.lower() in ours or f"{local.partition('+')[0]}@{domain}" in ours or number_in_address(email) is not None
    )


def reply_recipients(
    *, ticket: Ticket, to_message: Message | None = None, reply_all: bool = True
) -> list[dict[str, str]]:
    """The recipients a reply starts with: Reply-To or From of the message answered, and its To and Cc without ourselves.

    Answers the newest public message of the customer unless `to_message` is given; without any mail, the customer's address.
    """
    message = to_message or (
        ticket.messages.filter(audience=Audience.PUBLIC, author_customer__isnull=False, machine="")
        .order_by("-created_at", "-pk")
        .first()
    )
    ours = our_addresses()
    found: list[dict[str, str]] = []
    if message is not None:
        answer_to = [r for r in message.recipients if r["kind"] == "reply_to"] or [
            {"email": message.sender_email, "name": message.sender_name}
        ]
        if message.author_user_id:
            answer_to = [r for r in message.recipients if r["kind"] == "to"]
        found += [_chip("to", r) for r in answer_to if r["email"]]
        if reply_all:
            found += [_chip("cc", r) for r in message.recipients if r["kind"] in {"to", "cc"}]
    if not any(not is_ours(r["email"], ours) for r in found):
        address = CustomerAddress.objects.filter(customer=ticket.customer, kind=AddressKind.EMAIL).first()
        if address is not None:
            found = [{"kind": "to", "email": address.value, "name": ticket.customer.name}]
    return _once([r for r in found if not is_ours(r["email"], ours)])


def checked(recipients: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Recipients as people entered them, validated. Raises BadInput naming the address that is none."""
    ours = our_addresses()
    rows: list[dict[str, str]] = []
    for entry in recipients:
        email = str(entry.get("email", "")).strip()
        kind = str(entry.get("kind", "to"))
        try:
            local, at, domain = email.rpartition("@")
            # other scripts are letters too (RFC 6531); what is a letter or digit stands for itself
            validate_email("".join("x" if not c.isascii() and c.isalnum() else c for c in local) + at + domain)
        except ValidationError:
            raise BadInput(_("“%(email)s” is not a mail address.") % {"email": email[:100]}) from None
        if is_ours(email, ours):
            raise BadInput(
                _("%(email)s is one of our own mailboxes; mail to it would come back here.") % {"email": email}
            )
        if kind not in {"to", "cc", "bcc"}:
            raise BadInput(_("A recipient is to, cc or bcc."))
        rows.append({"kind": kind, "email": email, "name": " ".join(str(entry.get("name", "")).split())[:200]})
    rows = _once(rows)
    if len(rows) > _AT_MOST:
        raise BadInput(_("A reply goes to at most %(n)s addresses.") % {"n": _AT_MOST})
    if rows and not any(r["kind"] == "to" for r in rows):
        raise BadInput(_("Name at least one recipient in “To”."))
    return rows


def _chip(kind: str, row: dict[str, str]) -> dict[str, str]:
    return {"kind": kind, "email": row["email"], "name": row.get("name", "")}


def _once(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    seen: dict[str, dict[str, str]] = {}
    for row in rows:
        seen.setdefault(row["email"].lower(), row)
    return list(seen.values())
