"""How a customer comes into the portal and leaves it: codes, signed links, sessions. Called by the views of the portal.

Nothing here tells whether an address is known: an unknown one gets the same rows, and only the sender of the mail, who
answers nobody, finds that there is nobody to write to.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from helpdesk import events, jobs
from helpdesk.mail.portal_links import Link, read_token, takes_part
from helpdesk.models import (
    Actor,
    AddressKind,
    Customer,
    CustomerAddress,
    PortalCode,
    PortalMail,
    PortalSession,
    Ticket,
)
from helpdesk.now import now

_CODE_DIGITS = 8
_NOTE_USE_SECONDS = 300
_MERGE_HOPS = 8
_KEPT_DAYS = 7


@dataclass(frozen=True)
class Entrance:
    """A session just begun, the key its browser keeps, and the ticket its link leads to (None after a code)."""

    session: PortalSession
    key: str
    ticket: Ticket | None = None


class LinkEnded(Exception):
    """The link is genuine and has run out; a fresh one can be mailed to its address."""


def _mac(key: str, purpose: str, text: str) -> bytes:
    secret = hashlib.sha256(f"helpdesk.portal.{purpose}:{key}".encode()).digest()
    return hmac.new(secret, text.encode(), hashlib.sha256).digest()


def _derived(key: str, email: str, made_at: datetime) -> str:
    number = int.from_bytes(_mac(key, "code", f"{email} {made_at.astimezone(UTC).isoformat()}")[:8], "big")
    return f"{number % 10**_CODE_DIGITS:0{_CODE_DIGITS}d}"


def _digest(key: str, email: str, code: str) -> str:
    return _mac(key, "code-digest", f"{email} {code}").hex()


def _keys() -> list[str]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def code_of(row: PortalCode) -> str:
    """The digits of a code, made again from SECRET_KEY for the mail that carries them: no row ever holds them."""
    for key in _keys():
        code = _derived(key, row.email, row.made_at)
        if hmac.compare_digest(_digest(key, row.email, code), row.digest):
            return code
    return ""


def plain_digits(typed: str) -> str:
    """The digits somebody typed, in any script, without blanks and dashes."""
    return "".join(str(unicodedata.decimal(sign)) for sign in typed if unicodedata.decimal(sign, None) is not None)


@transaction.atomic
def ask_code(*, email: str, language: str) -> PortalCode:
    """Makes a code for an address and the mail that brings it, in `language` where the customer's own is not known."""
    at, email = now(), email.strip().lower()
    address = _address(email)
    row = PortalCode.objects.create(
        customer=address.customer if address is not None else None,
        email=email,
        digest=_digest(settings.SECRET_KEY, email, _derived(settings.SECRET_KEY, email, at)),
        made_at=at,
        expires_at=at + timedelta(seconds=settings.PORTAL_CODE_SECONDS),
    )
    PortalMail.objects.create(
        code=row, address=address, language=language[:10], due_at=at, gone_at=row.expires_at, queued_at=at
    )
    jobs.wake_dispatcher("outbox")
    return row


def _address(email: str) -> CustomerAddress | None:
    return (
        CustomerAddress.objects.select_related("customer")
        .filter(kind=AddressKind.EMAIL, value=email, customer__is_blocked=False)
        .first()
    )


@transaction.atomic
def sign_in(*, email: str, code: str) -> Entrance | None:
    """Begins a session for all of the customer's tickets; None for a code that is wrong, used, too old or tried too often."""
    at, email, typed = now(), email.strip().lower(), plain_digits(code)
    live = list(
        PortalCode.objects.select_for_update()
        .filter(email=email, used_at__isnull=True, expires_at__gt=at, tries__lt=settings.PORTAL_CODE_TRIES)
        .order_by("pk")
    )
    digests = [_digest(key, email, typed) for key in _keys()]
    right = [row for row in live if any(hmac.compare_digest(row.digest, digest) for digest in digests)]
    PortalCode.objects.filter(pk__in=[row.pk for row in live]).update(tries=F("tries") + 1)
    address = _address(email)
    if not right or address is None or right[0].customer_id is None:
        return None
    PortalCode.objects.filter(pk__in=[row.pk for row in live]).update(used_at=at)
    return _begin(address, None)


def tries_left(*, email: str) -> int:
    """How many more times a code of this address can be tried; the same for addresses nobody has."""
    live = PortalCode.objects.filter(email=email.strip().lower(), used_at__isnull=True, expires_at__gt=now())
    tries = live.order_by("-pk").values_list("tries", flat=True).first()
    return max(0, settings.PORTAL_CODE_TRIES - tries) if tries is not None else 0


def _begin(address: CustomerAddress, ticket_ids: list[int] | None) -> Entrance:
    key, at = secrets.token_urlsafe(32), now()
    session = PortalSession.objects.create(
        digest=_key_digest(key),
        address=address,
        ticket_ids=ticket_ids,
        made_at=at,
        seen_at=at,
        expires_at=at + timedelta(seconds=settings.PORTAL_SESSION_SECONDS),
    )
    return Entrance(session, key)


def _key_digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@transaction.atomic
def open_link(*, token: str, key: str = "") -> Entrance | None:
    """Exchanges a link for a session; with the `key` of a live one of the same address that one learns the ticket too.

    None for what is no link of ours or no longer anybody's. Raises LinkEnded for a genuine one that has run out.
    """
    link = read_token(token)
    found = _of_link(link) if link is not None else None
    if link is None or found is None:
        return None
    if link.ends_at <= now().timestamp():
        raise LinkEnded
    ticket, address = found
    reached = [ticket.pk]
    while ticket.merged_into_id is not None and len(reached) < _MERGE_HOPS:
        target = Ticket.objects.get(pk=ticket.merged_into_id)
        if not CustomerAddress.objects.filter(takes_part(target), pk=address.pk).exists():
            break
        ticket = target
        reached.append(ticket.pk)
    old = live_session(key)
    if old is None or old.address_id != address.pk:
        begun = _begin(address, reached)
        return Entrance(begun.session, begun.key, ticket)
    if old.ticket_ids is not None and not set(reached) <= set(old.ticket_ids):
        old.ticket_ids = sorted({*old.ticket_ids, *reached})
        old.save(update_fields=["ticket_ids"])
    return Entrance(old, key, ticket)


def _of_link(link: Link) -> tuple[Ticket, CustomerAddress] | None:
    ticket = Ticket.objects.filter(public_id=link.ticket).first()
    if ticket is None:
        return None
    address = CustomerAddress.objects.filter(takes_part(ticket), pk=link.address_id).first()
    return (ticket, address) if address is not None else None


@transaction.atomic
def renew_link(*, token: str) -> bool:
    """Puts a fresh link for the same ticket and address into the outbox; False when the link is none of ours any more."""
    link = read_token(token)
    found = _of_link(link) if link is not None else None
    if found is None:
        return False
    ticket, address = found
    at = now()
    PortalMail.objects.create(address=address, ticket=ticket, due_at=at, gone_at=at + timedelta(days=1), queued_at=at)
    jobs.wake_dispatcher("outbox")
    return True


def live_session(key: str) -> PortalSession | None:
    """The session of a key, unless it ended, ran out, lay idle, or its customer was blocked."""
    if not key:
        return None
    at = now()
    session = _live(at).filter(digest=_key_digest(key)).first()
    if session is not None and at - session.seen_at >= timedelta(seconds=_NOTE_USE_SECONDS):
        PortalSession.objects.filter(pk=session.pk).update(seen_at=at)  # noted now and then: reading writes no row
    return session


def live_session_by_id(pk: int) -> PortalSession | None:
    """The session of a picture's token, under the same conditions."""
    return _live(now()).filter(pk=pk).first()


def _live(at: datetime) -> QuerySet[PortalSession]:
    return (
        PortalSession.objects.select_related("address__customer")
        .filter(ended_at__isnull=True, expires_at__gt=at)
        .filter(seen_at__gt=at - timedelta(seconds=settings.SESSION_IDLE_SECONDS))
        .exclude(address__customer__is_blocked=True)
    )


@transaction.atomic
def let_in_too(*, session: PortalSession, ticket: Ticket) -> None:
    """A ticket just written under a session that knows single tickets belongs to them."""
    fresh = PortalSession.objects.select_for_update().get(pk=session.pk)
    if fresh.ticket_ids is not None:
        fresh.ticket_ids = [*fresh.ticket_ids, ticket.pk]
        fresh.save(update_fields=["ticket_ids"])


def sign_out(*, session: PortalSession) -> None:
    """Ends one session."""
    PortalSession.objects.filter(pk=session.pk, ended_at__isnull=True).update(ended_at=now())


@transaction.atomic
def end_sessions(*, customer: Customer, actor: Actor) -> int:
    """Ends every session of a customer (a manager does, when a mailbox of his was lost); returns how many there were."""
    count = PortalSession.objects.filter(address__customer=customer, ended_at__isnull=True).update(ended_at=now())
    events.audit(actor, "customer.signed_out", customer, {"sessions": count})
    return count


def sweep_portal_rows() -> None:
    """Forgets codes, mails and sessions that nobody can use any more, a week later."""
    before = now() - timedelta(days=_KEPT_DAYS)
    PortalMail.objects.filter(queued_at__lt=before).delete()
    PortalCode.objects.filter(expires_at__lt=before).delete()
    PortalSession.objects.filter(expires_at__lt=before).delete()
