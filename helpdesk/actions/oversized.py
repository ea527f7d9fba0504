"""The sender of a mail too large to be taken in is told so, once: nobody will read it, and he can do something about it.

No ticket stands behind such a mail, so this answer has no outbox row. Called by helpdesk.tasks; the rules are those of
acknowledgements, and it counts against the same limits.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import override

from helpdesk.actions.acknowledge import is_never_answered, may_send_automatically
from helpdesk.actions.mail_known import sender_of
from helpdesk.actions.recipients import is_ours, our_addresses
from helpdesk.mail import compose
from helpdesk.mail.authentication import Verdict as SenderCheck
from helpdesk.mail.authentication import evaluate
from helpdesk.mail.customer_language import nearest
from helpdesk.mail.message import MachineKind, ParsedMail
from helpdesk.mail.smtp import CannotSend, Session
from helpdesk.models import AddressKind, CustomerAddress, Mailbox, RawMail
from helpdesk.now import now

log = logging.getLogger("helpdesk.mail")
#: An old folder that is imported has large mails too; their senders have long given up waiting.
_FRESH = timedelta(days=3)


def tell_sender(*, raw: RawMail, mail: ParsedMail) -> bool:
    """Answers the sender of `raw`, of which only the headers are here (`mail`); False when he is not to be answered.

    At most once: the row is claimed before the server is talked to. Raises CannotSend when the answer has certainly not
    left, with the claim taken back unless waiting cannot help.
    """
    mailbox = raw.mailbox
    email = _whom(raw, mail)
    if mailbox is None or not email or not may_send_automatically(email):
        return False
    if RawMail.objects.filter(pk=raw.pk, answered_at__isnull=True).update(answered_at=now()) != 1:
        return False
    try:
        with Session(mailbox) as session:
            # the null path: nothing may answer this (RFC 3834 3.3)
            outcome = session.send("", [email], _text(raw, mail, mailbox, email), lambda: None)
    except CannotSend as problem:
        if not problem.permanent:
            RawMail.objects.filter(pk=raw.pk).update(answered_at=None)
        raise
    log.info("sender of an oversized mail told", extra={"raw_mail": raw.pk, "accepted": outcome.accepted})
    return outcome.accepted


def _whom(raw: RawMail, mail: ParsedMail) -> str:
    """The sender's address, if he is plainly a person who waits for an answer; else nothing."""
    mailbox = raw.mailbox
    ours = our_addresses()
    author = sender_of(mail, ours)
    email = author.email.lower() if author else ""
    if (
        mailbox is None
        or not mailbox.smtp_host
        or not mailbox.is_active
        or raw.is_import
        or raw.answered_at is not None
    ):
        return ""
    if raw.server_at is None or raw.server_at < now() - _FRESH:
        return ""
    if not email or is_ours(email, ours) or is_never_answered(email):
        return ""
    if mail.machine != MachineKind.HUMAN or mail.bounce is not None or mail.return_path == "":
        return ""
    check = evaluate(
        mail.authentication_results,
        trusted_ids=settings.MAIL_TRUSTED_AUTHSERV_IDS,
        sender_domain=email.rpartition("@")[2],
    )
    if check.verdict == SenderCheck.FAIL:
        return ""
    known = CustomerAddress.objects.filter(kind=AddressKind.EMAIL, value=email)
    return "" if known.filter(customer__is_blocked=True).exists() else email


def _text(raw: RawMail, mail: ParsedMail, mailbox: Mailbox, email: str) -> bytes:
    with override(nearest(mail.language_hint) or nearest(mailbox.language) or "en"):
        sizes = {"size": filesizeformat(raw.size), "limit": filesizeformat(settings.MAIL_MAX_BYTES)}
        text = _(
            "Your mail was too large for us: it has %(size)s, and we can take at most %(limit)s. Nobody has read it.\n\n"
            "Please send it again with fewer or smaller files, or with a link to where we can find them."
        ) % {name: value.replace("\xa0", " ") for name, value in sizes.items()}
        subject = mail.subject or _("Your message")
    return compose.automatic_answer(
        mailbox=mailbox, email=email, subject=subject, text=text, answers=mail.message_id, at=now()
    )
