"""Callbacks that keep a customer's place, and the log of what waits were forecast and how they turned out."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models import Customer, Queue
from routing.models.work import WorkItem


class Callback(models.Model):
    """A customer who keeps his place and is called when his turn comes. One open reservation per customer and queue."""

    class State(models.TextChoices):
        """From the wish to its end."""

        ASKED = "asked", _("to be confirmed")
        RESERVED = "reserved", _("keeps its place")
        OFFERED = "offered", _("its turn has come")
        CALLING = "calling", _("an agent calls")
        RETRY = "retry", _("will be tried again")
        DONE = "done", _("reached")
        FAILED = "failed", _("not reached")
        CANCELLED = "cancelled", _("cancelled")

    OPEN: ClassVar[tuple[str, ...]] = ("asked", "reserved", "offered", "calling", "retry")

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="callbacks", verbose_name=_("customer"))
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="callbacks", verbose_name=_("queue"))
    item = models.OneToOneField(WorkItem, models.CASCADE, related_name="callback", verbose_name=_("work item"))
    phone = models.CharField(_("phone"), max_length=40)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    asked_at = models.DateTimeField(_("asked"))
    not_before_at = models.DateTimeField(_("not before"), null=True)
    tries = models.PositiveSmallIntegerField(_("attempts"), default=0)
    outcome = models.CharField(_("outcome"), max_length=200, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        ordering: ClassVar[list[str]] = ["asked_at", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["customer", "queue"],
                condition=models.Q(state__in=("asked", "reserved", "offered", "calling", "retry")),
                name="callback_one_open",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["not_before_at"], condition=models.Q(state="retry"), name="callback_by_retry")
        ]

    def __str__(self) -> str:
        return f"{self.customer} · {self.queue}"


class WaitForecast(models.Model):
    """A wait as it was forecast, and how it turned out: the accuracy that decides whether forecasts are shown."""

    item = models.ForeignKey(WorkItem, models.CASCADE, related_name="forecasts", verbose_name=_("work item"))
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="+", verbose_name=_("queue"))
    at = models.DateTimeField(_("at"))
    ahead = models.PositiveIntegerField(_("ahead"))
    low_seconds = models.PositiveIntegerField(_("from, seconds"))
    high_seconds = models.PositiveIntegerField(_("to, seconds"))
    is_shown = models.BooleanField(_("shown"), default=False)
    waited_seconds = models.PositiveIntegerField(_("waited, seconds"), null=True)
    was_answered = models.BooleanField(_("answered"), null=True)  # no: given up, so the wait is a lower bound

    class Meta:
        verbose_name = _("forecast of a wait")
        verbose_name_plural = _("forecasts of waits")
        ordering: ClassVar[list[str]] = ["-at", "-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["queue", "-at"], name="forecast_by_queue"),
            models.Index(fields=["item"], condition=models.Q(waited_seconds__isnull=True), name="forecast_unscored"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.low_seconds}-{self.high_seconds} s"
