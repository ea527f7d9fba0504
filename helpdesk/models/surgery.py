"""What was joined, and what it takes to part it again; checklists; private threads with third parties."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.customers import Customer
from helpdesk.models.people import User
from helpdesk.models.tickets import Ticket


class TicketMerge(models.Model):
    """One ticket joined into another. `kept` holds what un-merging needs: the old status and the keys of what moved."""

    source = models.ForeignKey(Ticket, models.CASCADE, related_name="merges_away", verbose_name=_("merged ticket"))
    target = models.ForeignKey(Ticket, models.CASCADE, related_name="merges_here", verbose_name=_("surviving ticket"))
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    kept = models.JSONField(default=dict)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("merge of tickets")
        verbose_name_plural = _("merges of tickets")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["source"], condition=models.Q(undone_at__isnull=True), name="merged_once_at_a_time"
            ),
            models.CheckConstraint(condition=~models.Q(source=models.F("target")), name="merge_not_into_itself"),
        ]


class CustomerMerge(models.Model):
    """One customer joined into another. `kept` holds the keys of what moved and the fields as they were."""

    source_public_id = models.UUIDField()
    source = models.ForeignKey(Customer, models.CASCADE, related_name="merges_away", verbose_name=_("merged customer"))
    target = models.ForeignKey(Customer, models.CASCADE, related_name="merges_here", verbose_name=_("customer kept"))
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    kept = models.JSONField(default=dict)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("merge of customers")
        verbose_name_plural = _("merges of customers")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["source"], condition=models.Q(undone_at__isnull=True), name="customer_merged_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=~models.Q(source=models.F("target")), name="customer_merge_not_into_itself"
            ),
        ]


class ChecklistItem(models.Model):
    """One thing to do on a ticket."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="checklist", verbose_name=_("ticket"))
    text = models.CharField(_("text"), max_length=300)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    done_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)  # kept, so that it can come back

    class Meta:
        verbose_name = _("checklist item")
        verbose_name_plural = _("checklist items")
        ordering: ClassVar[list[str]] = ["position", "pk"]

    def __str__(self) -> str:
        return self.text


class SideThread(models.Model):
    """A private exchange with a third party (a supplier, an expert) beside the ticket: the customer never sees a word of it."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="side_threads", verbose_name=_("ticket"))
    subject = models.CharField(_("subject"), max_length=500)
    recipients = models.JSONField(_("recipients"), default=list)  # [{"kind": "to", "email", "name"}]
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("side thread")
        verbose_name_plural = _("side threads")
        ordering: ClassVar[list[str]] = ["at", "pk"]

    def __str__(self) -> str:
        return self.subject
