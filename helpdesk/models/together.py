"""Working side by side: who has a ticket open, what somebody has read, mentions, notifications, stars."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.actors import Actor
from helpdesk.models.messages import Message
from helpdesk.models.people import User
from helpdesk.models.tickets import Ticket


class DeskTab(models.Model):
    """One open tab of the desk. Beaten by its socket every few seconds; a row that is no longer beaten is gone."""

    channel = models.CharField(max_length=120, unique=True)  # of the channel layer: one socket, one row
    user = models.ForeignKey(User, models.CASCADE, related_name="desk_tabs")
    ticket = models.ForeignKey(Ticket, models.CASCADE, null=True, related_name="desk_tabs")
    typing_at = models.DateTimeField(null=True)  # last key in the composer of the ticket
    active_at = models.DateTimeField()  # last sign of the person
    seen_at = models.DateTimeField()  # last beat of the tab

    class Meta:
        verbose_name = _("open tab")
        verbose_name_plural = _("open tabs")
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["seen_at"], name="desk_tab_by_beat")]


class TicketRead(models.Model):
    """How far somebody has read a ticket, as the `seq` of its stream. Who follows it is a Participant."""

    user = models.ForeignKey(User, models.CASCADE, related_name="reads")
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="reads")
    seq = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("reading mark")
        verbose_name_plural = _("reading marks")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "ticket"], name="reading_mark_once")
        ]


class Mention(models.Model):
    """Somebody of the staff was named in a note."""

    user = models.ForeignKey(User, models.CASCADE, related_name="mentions")
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="mentions")
    message = models.ForeignKey(Message, models.CASCADE, related_name="mentions")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("mention")
        verbose_name_plural = _("mentions")
        ordering: ClassVar[list[str]] = ["-at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "message"], name="mention_once")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["user", "-at"], name="mention_by_user")]


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Reads of notifications."""

    def visible_to(self, actor: Actor) -> Self:
        """One's own, of tickets one still sees."""
        if actor.user is None:
            return self.none()
        return self.filter(user=actor.user, ticket__in=Ticket.objects.visible_to(actor))


class Notification(models.Model):
    """Something a person of the staff should hear of. Read on one device, it is read on all."""

    class Reason(models.TextChoices):
        """Why he is told."""

        MENTIONED = "mentioned", _("you were mentioned")
        ASSIGNED = "assigned", _("a ticket was assigned to you")
        CUSTOMER_WROTE = "customer_wrote", _("a customer wrote on your ticket")
        COLLEAGUE_WROTE = "colleague_wrote", _("a colleague wrote on a ticket you follow")
        NOT_DELIVERED = "not_delivered", _("your reply could not be sent")
        WOKE_UP = "woke_up", _("a snoozed ticket is back")
        THIRD_PARTY_WROTE = "third_party_wrote", _("a third party answered on your ticket")
        NOT_ROUTED = "not_routed", _("a contact waits and nobody can take it")

    user = models.ForeignKey(User, models.CASCADE, related_name="notifications")
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="+")
    reason = models.CharField(_("reason"), max_length=20, choices=Reason)
    seq = models.PositiveIntegerField()  # of the event that caused it
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering: ClassVar[list[str]] = ["-at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "ticket", "seq", "reason"], name="notification_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["user", "-at"], name="notification_by_user"),
            models.Index(fields=["user"], name="notification_unread", condition=models.Q(read_at__isnull=True)),
        ]
