"""Job functions: shells that re-read state by id and call an action. Run by the worker; may run twice."""

from __future__ import annotations

import logging
import smtplib
from contextlib import closing
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _
from django.utils.translation import override

from helpdesk.actions import oversized
from helpdesk.mail.message import ParsedMail
from helpdesk.mail_pipeline import Pipeline
from helpdesk.models import (
    Attachment,
    ChannelSpill,
    IdempotencyKey,
    Kind,
    OutgoingMail,
    RawMail,
    Role,
    TicketEvent,
    User,
)
from helpdesk.now import now
from helpdesk.sentences import sentence
from helpdesk.sign_in import password_link

log = logging.getLogger("helpdesk.jobs")


def tell_owner(event_id: int) -> None:
    """Mails the ticket's owner (without one, the leads of its team) that a reply failed or came back; once per mail."""
    event = TicketEvent.objects.select_related("ticket__owner", "ticket__queue__team").filter(pk=event_id).first()
    if event is None or event.kind not in {Kind.BOUNCED, Kind.DELIVERY_FAILED}:
        return
    outgoing = OutgoingMail.objects.filter(
        message_id=event.data.get("bounced_message") or event.data.get("message"), told_at__isnull=True
    ).first()
    if outgoing is None or OutgoingMail.objects.filter(pk=outgoing.pk, told_at__isnull=True).update(told_at=now()) != 1:
        return
    ticket = event.ticket
    people = [ticket.owner] if ticket.owner else [
        m.user for m in ticket.queue.team.memberships.filter(role="lead").select_related("user")
    ]  # fmt: skip
    for person in people:
        if person.is_active:
            with override(person.language):
                subject = _("Ticket #%(number)s: a reply did not arrive") % {"number": ticket.number}
                _mail(person, subject, f"{sentence(event)}\n\n{settings.BASE_URL}/tickets/{ticket.number}/\n")


def sweep_untold_failures() -> None:
    """Finds failures whose job was lost."""
    for outgoing in OutgoingMail.objects.filter(state=OutgoingMail.State.DEAD, told_at__isnull=True)[:100]:
        event = (
            TicketEvent.objects.filter(
                ticket=outgoing.ticket_id, kind=Kind.DELIVERY_FAILED, data__message=outgoing.message_id
            )
            .order_by("-seq")
            .first()
        )
        if event is not None:
            tell_owner(event.pk)


def tell_managers_of_mailbox(name: str, problem: str) -> None:
    """A mailbox failed three times in a row: managers and administrators hear of it by mail."""
    for person in User.objects.filter(role__in=[Role.MANAGER, Role.ADMIN], is_active=True):
        with override(person.language):
            subject = _("The mailbox %(name)s cannot be read") % {"name": name}
            body = _("The last answer was: %(problem)s") % {"problem": problem}
            _mail(person, subject, f"{body}\n\n{settings.BASE_URL}/admin/helpdesk/mailbox/\n")


def mail_password_link(user_id: int) -> None:
    """Mails the link by which somebody of the staff sets his password (admin: new person, or a forgotten password)."""
    person = User.objects.filter(pk=user_id, is_active=True).first()
    if person is None:
        return
    with override(person.language):
        subject = _("Your access to the helpdesk")
        body = _("Open this link to set your password. It works once, for three days:")
        _mail(person, subject, f"{body}\n\n{password_link(person)}\n")


def tell_of_new_address(user_id: int, old_email: str) -> None:
    """Tells the address that was replaced, so that nobody takes over an account unnoticed."""
    person = User.objects.filter(pk=user_id).first()
    if person is None:
        return
    with override(person.language):
        subject = _("Your sign-in address was changed")
        body = _("You now sign in to the helpdesk with %(new)s. If you do not expect this, tell an administrator.")
        try:
            send_mail(subject, body % {"new": person.email}, settings.DEFAULT_FROM_EMAIL, [old_email])
        except (OSError, smtplib.SMTPException) as problem:
            log.warning("a notice could not be mailed", extra={"to": person.pk, "problem": str(problem)[:200]})


def reprocess_mail(raw_mail_id: int) -> None:
    """Takes a quarantined mail through the pipeline again (button in the admin)."""
    row = RawMail.objects.select_related("mailbox__queue").filter(pk=raw_mail_id, state=RawMail.State.PENDING).first()
    if row is None:
        return
    pipeline = Pipeline()
    try:
        pipeline.run([row])
    finally:
        pipeline.close()


def tell_sender_of_oversized_mail(raw_mail_id: int) -> None:
    """A mail was too large to be fetched: reads its headers, notes whose it is, and tells the sender, where that is safe."""
    row = RawMail.objects.select_related("mailbox").filter(pk=raw_mail_id, answered_at__isnull=True).first()
    if row is None or row.state != RawMail.State.QUARANTINED:
        return
    with closing(Pipeline()) as pipeline:
        ((_row, mail),) = pipeline.parse([row])
    if isinstance(mail, ParsedMail):
        row.subject, row.sender = mail.subject[:500], (mail.sender.email.lower() if mail.sender else "")[:320]
        row.save(update_fields=["subject", "sender"])
        oversized.tell_sender(raw=row, mail=mail)


def sweep_forgotten_uploads() -> None:
    """Uploads that no reply took along within two days."""
    Attachment.objects.filter(message__isnull=True, created_at__lt=now() - timedelta(days=2)).delete()


def sweep_old_frames() -> None:
    """Large channel-layer frames everybody has had time to read."""
    ChannelSpill.objects.filter(created_at__lt=now() - timedelta(minutes=5)).delete()


def sweep_expired_keys() -> None:
    """Idempotency keys are kept for a day."""
    IdempotencyKey.objects.filter(created_at__lt=now() - timedelta(days=1)).delete()


def _mail(person: User, subject: str, body: str) -> None:
    try:
        send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [person.email])
    except (OSError, smtplib.SMTPException) as problem:
        log.warning("a notice could not be mailed", extra={"to": person.pk, "problem": str(problem)[:200]})
