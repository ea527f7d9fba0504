"""How customers come into the portal: codes and links sent by mail, the sessions they open, and the mails themselves.

Written by helpdesk.actions.portal_entry and portal_mail. Of codes and session keys only digests are kept.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.customers import Customer, CustomerAddress
from helpdesk.models.tickets import Ticket


class PortalCode(models.Model):
    """A code that was asked for an address; used once, for some minutes, with few tries.

    Unknown addresses get a row as well (without a customer, and no mail leaves), so that asking costs and answers the same.
    """

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="+", null=True)
    email = models.CharField(max_length=320)
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("sign-in code of a customer")
        verbose_name_plural = _("sign-in codes of customers")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["email", "-made_at"], name="portal_code_by_email"),
            models.Index(fields=["expires_at"], name="portal_code_by_end"),
        ]

    def __str__(self) -> str:
        return self.email


class PortalSession(models.Model):
    """A browser in which somebody has proven that he reads an address. Whose address it is, is asked at each request.

    `ticket_ids` is None after a code: everything of the customer's. After a signed link it names the tickets whose links
    were opened. `ended_at` is set by signing out, or by whoever revokes the session.
    """

    digest = models.CharField(max_length=64, unique=True)
    address = models.ForeignKey(CustomerAddress, models.CASCADE, related_name="portal_sessions")
    ticket_ids = models.JSONField(null=True)
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("session of a customer")
        verbose_name_plural = _("sessions of customers")
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["expires_at"], name="portal_session_by_end")]


class PortalMail(models.Model):
    """A mail with a code, a fresh link or a letter of an upper floor, waiting to leave. It belongs to no message, so it is no
    OutgoingMail. `letter` names its words in flow.PORTAL_LETTERS, `about` the row they are about.

    A row with a due time, sent by the dispatcher's outbox role. It may go twice after a crash, which harms nobody.
    """

    class State(models.TextChoices):
        """Where it stands."""

        QUEUED = "queued", _("waiting")
        SENT = "sent", _("sent")
        DROPPED = "dropped", _("nobody to send it to")
        DEAD = "dead", _("failed")

    code = models.ForeignKey(PortalCode, models.CASCADE, null=True, related_name="+")
    address = models.ForeignKey(CustomerAddress, models.CASCADE, null=True, related_name="+")
    ticket = models.ForeignKey(Ticket, models.CASCADE, null=True, related_name="+")
    letter = models.CharField(max_length=30, blank=True)
    about = models.BigIntegerField(null=True)
    language = models.CharField(max_length=10, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    due_at = models.DateTimeField()
    gone_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("mail to let a customer in")
        verbose_name_plural = _("mails to let customers in")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["due_at", "id"], name="portal_mail_due", condition=models.Q(state="queued")),
            models.Index(fields=["queued_at"], name="portal_mail_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.address or self.code or self.pk}"
