"""The signed link below our mails that opens one ticket in the portal, for one address.

A link names a ticket, an address row and the second it ends, under a MAC of 256 bits keyed from SECRET_KEY for this purpose.
It gives nothing by itself: whoever opens it is asked whether the address still belongs to somebody of the ticket. Made by
compose.py and portal_mail.py, read by helpdesk.actions.portal_entry.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import override

from helpdesk.mail.customer_language import customer_language
from helpdesk.models import AddressKind, Audience, CustomerAddress, Mailbox, Message, Participant, Ticket

_TOKEN = re.compile(r"([0-9a-f]{32})\.(\d{1,18})\.(\d{1,12})\.([a-z2-7]{52})")
_PATH = "/portal/open/?k="
#: A link in a text or in HTML, also one that a mail program broke behind its question mark.
_IN_TEXT = re.compile(r"(/portal/open/)\?k(?:=|&#61;|=3D)\s?[0-9a-f]{32}\.[0-9]+\.[0-9]+\.[a-z2-7]*", re.IGNORECASE)


@dataclass(frozen=True)
class Link:
    """What a genuine link says; `ends_at` is a Unix time in whole seconds."""

    ticket: uuid.UUID
    address_id: int
    ends_at: int


def _mac(key: str, text: str) -> str:
    secret = hashlib.sha256(f"helpdesk.portal.link:{key}".encode()).digest()
    digest = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def new_token(ticket: Ticket, address: CustomerAddress, at: datetime) -> str:
    """The token of a link made at `at`; it ends PORTAL_LINK_DAYS later."""
    ends_at = int(at.timestamp()) + settings.PORTAL_LINK_DAYS * 86_400
    text = f"{ticket.public_id.hex}.{address.pk}.{ends_at}"
    return f"{text}.{_mac(settings.SECRET_KEY, text)}"


def read_token(token: str) -> Link | None:
    """What a genuine token says, ended or not; None when any one character is not ours."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        return None
    text = token.rpartition(".")[0]
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if not any(hmac.compare_digest(_mac(key, text), match[4]) for key in keys):
        return None
    return Link(uuid.UUID(match[1]), int(match[2]), int(match[3]))


def link_address(token: str) -> str:
    """The whole address of a link."""
    return f"{settings.BASE_URL}{_PATH}{token}"


#: The key of a callback is the end of its path.
_CALLBACK = re.compile(r"(/portal/callback/)[A-Za-z0-9_:%-]{20,}/?")


def without_tokens(text: str) -> str:
    """The text with the tokens of our links taken out: what a customer quotes must not let others in under his name."""
    text = _CALLBACK.sub(r"\1", text) if "/portal/callback/" in text else text
    return _IN_TEXT.sub(r"\1", text) if "/portal/open/" in text else text


def takes_part(ticket: Ticket) -> Q:
    """Which mail addresses belong to the ticket: its customer's and those of customers in copy, none of them blocked."""
    joined = Participant.objects.filter(ticket=ticket, customer__isnull=False).values("customer")
    people = Q(customer=ticket.customer_id) | Q(customer__in=joined)
    return people & Q(kind=AddressKind.EMAIL, customer__is_blocked=False)


def invitation(message: Message, mailbox: Mailbox, at: datetime) -> str:
    """The line below a mail, in the customer's language; empty where the mailbox wants none or nobody could use it.

    Everybody who gets a mail gets the same bytes, so only a mail to one address carries a link that opens by itself; others
    lead to the sign-in, which asks each for his own code.
    """
    if not mailbox.portal_link or message.audience != Audience.PUBLIC or message.side_thread_id is not None:
        return ""
    ticket = message.ticket
    emails = {str(r["email"]).lower() for r in message.recipients}
    known = list(CustomerAddress.objects.filter(takes_part(ticket), value__in=emails)[:2])
    if not known:
        return ""
    if len(emails) == 1:
        address = link_address(new_token(ticket, known[0], at))
    else:
        address = f"{settings.BASE_URL}/portal/tickets/{ticket.public_id}/"
    with override(customer_language(ticket)):
        return _("See this ticket online: %(link)s") % {"link": address}
