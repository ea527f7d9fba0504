"""Mails with codes, links and letters of upper floors leave: claimed, composed, handed over by the dispatcher's outbox role.

They go through the mailbox the customer knows, over the same connection code as every mail of ours. A claim moves the due
time ahead; a sender that dies leaves the row due again, and the mail may then arrive twice, with the same words.
"""

from __future__ import annotations

import logging
import smtplib
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import override

from helpdesk.actions.portal_entry import code_of
from helpdesk.flow import PORTAL_LETTERS
from helpdesk.mail import compose
from helpdesk.mail.customer_language import nearest
from helpdesk.mail.portal_links import link_address, new_token, takes_part
from helpdesk.mail.smtp import CannotSend, Session
from helpdesk.models import CustomerAddress, Mailbox, PortalMail
from helpdesk.now import now

log = logging.getLogger("helpdesk.outbox")
_BATCH = 20
_FIRST_WAIT_SECONDS = 5
_LONGEST_WAIT_SECONDS = 600


def claim_due() -> list[PortalMail]:
    """Takes due rows for this sender; the others do not see them for the length of a lease."""
    at = now()
    with transaction.atomic():
        rows = list(
            PortalMail.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(state=PortalMail.State.QUEUED, due_at__lte=at)
            .select_related("code", "address__customer", "ticket__mailbox", "ticket__customer")
            .order_by("due_at", "pk")[:_BATCH]
        )
        for row in rows:
            row.due_at = at + timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)
            row.attempts += 1
        PortalMail.objects.bulk_update(rows, ["due_at", "attempts"])
    return rows


def send_all(mails: Sequence[PortalMail], stopping: Callable[[], bool] = lambda: False) -> None:
    """Sends claimed rows one by one; those left when the house stops come back when their lease ends."""
    for mail in mails:
        if stopping():
            PortalMail.objects.filter(pk=mail.pk, state=PortalMail.State.QUEUED).update(due_at=now())
            continue
        _send(mail)


def deliver_due() -> int:
    """Claims and sends what is due; returns how many rows were claimed. For tests and for a single pass."""
    mails = claim_due()
    send_all(mails)
    return len(mails)


def _send(mail: PortalMail) -> None:
    address = mail.address
    if address is None or mail.gone_at <= now() or not _still_wanted(mail, address):
        PortalMail.objects.filter(pk=mail.pk).update(state=PortalMail.State.DROPPED)
        return
    try:
        _hand_over(mail, address)
    except (CannotSend, OSError, smtplib.SMTPException) as problem:
        _put_off(mail, problem)
        return
    PortalMail.objects.filter(pk=mail.pk).update(state=PortalMail.State.SENT, sent_at=now(), last_error="")


def _still_wanted(mail: PortalMail, address: CustomerAddress) -> bool:
    if address.customer.is_blocked:
        return False
    if mail.ticket is None:
        return mail.code is not None and mail.code.used_at is None
    if mail.letter and _letter(mail) is None:
        return False
    return CustomerAddress.objects.filter(takes_part(mail.ticket), pk=address.pk).exists()


def _letter(mail: PortalMail) -> tuple[str, str] | None:
    """Subject and text by the floor above; None for a mail that is no longer due, and for words nobody knows any more."""
    path = PORTAL_LETTERS.get(mail.letter)
    found: tuple[str, str] | None = import_string(path)(mail) if path else None
    return found


def _put_off(mail: PortalMail, problem: Exception) -> None:
    answer = problem.answer if isinstance(problem, CannotSend) else str(problem)
    wait = timedelta(seconds=min(_FIRST_WAIT_SECONDS * 2 ** (mail.attempts - 1), _LONGEST_WAIT_SECONDS))
    over = now() + wait >= mail.gone_at or (isinstance(problem, CannotSend) and problem.permanent)
    state = PortalMail.State.DEAD if over else PortalMail.State.QUEUED
    PortalMail.objects.filter(pk=mail.pk).update(state=state, due_at=now() + wait, last_error=answer[:1000])
    log.warning("a mail to let a customer in has not left", extra={"portal_mail": mail.pk, "problem": answer[:200]})


def _hand_over(mail: PortalMail, address: CustomerAddress) -> None:
    mailbox = _mailbox(mail)
    language = nearest(address.customer.language) or nearest(mail.language) or _of_mailbox(mailbox)
    with override(language):
        subject, text = _words(mail, address, mailbox)
    if mailbox is None:
        send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [address.value])
        return
    mime = compose.automatic_notice(
        mailbox=mailbox,
        email=address.value,
        subject=subject,
        text=text,
        identifier=f"{uuid.uuid4().hex}@{mailbox.address.partition('@')[2]}",
        language=language,
        at=now(),
    )
    with Session(mailbox) as session:
        # the null path: nothing may answer this (RFC 3834 3.3)
        outcome = session.send("", [address.value], mime, lambda: None)
    if outcome.uncertain:
        raise CannotSend(outcome.answer)
    if not outcome.accepted:
        code, words = outcome.recipients.get(address.value, (outcome.code, outcome.answer))
        raise CannotSend(f"{code} {words}", permanent=code >= 500)


def _of_mailbox(mailbox: Mailbox | None) -> str:
    return (nearest(mailbox.language) if mailbox is not None else "") or "en"


def _mailbox(mail: PortalMail) -> Mailbox | None:
    """The ticket's mailbox; for a code the one of the customer's newest ticket; else the first that can send."""
    able = Mailbox.objects.filter(is_active=True).exclude(smtp_host="")
    known = mail.ticket.mailbox_id if mail.ticket is not None else None
    if known is None and mail.address is not None:
        tickets = mail.address.customer.tickets.filter(mailbox__in=able)
        known = tickets.order_by("-opened_at").values_list("mailbox_id", flat=True).first()
    return (able.filter(pk=known).first() if known is not None else None) or able.order_by("pk").first()


def _words(mail: PortalMail, address: CustomerAddress, mailbox: Mailbox | None) -> tuple[str, str]:
    """Fixed words and our own link or code: nothing that anybody else wrote, but the number a customer wants to be called at."""
    name = (mailbox.from_name or mailbox.name) if mailbox is not None else ""
    if mail.code is not None:
        code = code_of(mail.code)
        subject = _("Your code: %(code)s") % {"code": code}
        text = _(
            "Your code to see your tickets is:\n\n%(code)s\n\n"
            "It works once, for %(minutes)s minutes. If you did not ask for it, do nothing: without this mail nobody gets in."
        ) % {"code": f"{code[:4]} {code[4:]}", "minutes": settings.PORTAL_CODE_SECONDS // 60}
    elif mail.letter:
        subject, text = _letter(mail) or ("", "")
    elif mail.ticket is not None:
        link = link_address(new_token(mail.ticket, address, now()))
        subject = _("Your link to ticket #%(number)s") % {"number": mail.ticket.number}
        text = _("Here is a fresh link to your ticket:\n\n%(link)s\n\nIt opens this one ticket, for %(days)s days.") % {
            "link": link,
            "days": settings.PORTAL_LINK_DAYS,
        }
    else:
        raise ValueError("a mail to let somebody in has a code or a ticket")
    return subject, f"{text}\n\n-- \n{name}" if name else text
