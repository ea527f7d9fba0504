"""Routing plans and demand rules: what managers write, kept in versions, so that a waiting contact keeps the plan it met."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models import Queue


class RoutingPlan(models.Model):
    """Ordered steps of what a contact needs, relaxed as it waits. `steps` is read by routing.core.plan.

    Saving it through routing.actions.plans writes a PlanVersion; a contact keeps the version in force when it came.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    rules = models.JSONField(_("steps"), default=dict)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)

    class Meta:
        verbose_name = _("routing plan")
        verbose_name_plural = _("routing plans")
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class PlanVersion(models.Model):
    """A plan as it stood. Never changed."""

    plan = models.ForeignKey(RoutingPlan, models.CASCADE, related_name="versions", verbose_name=_("plan"))
    version = models.PositiveIntegerField(_("version"))
    rules = models.JSONField(_("steps"))
    saved_at = models.DateTimeField(_("saved"))

    class Meta:
        verbose_name = _("version of a plan")
        verbose_name_plural = _("versions of plans")
        ordering: ClassVar[list[str]] = ["plan", "-version"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["plan", "version"], name="plan_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.plan} {self.version}"


class DemandRule(models.Model):
    """Which fact about a contact asks for which skill, priority or queue. `rule` is read by routing.core.demand."""

    name = models.CharField(_("name"), max_length=100)
    queue = models.ForeignKey(
        Queue,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="demand_rules",
        verbose_name=_("only in queue"),
    )
    rule = models.JSONField(_("rule"), default=dict)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("demand rule")
        verbose_name_plural = _("demand rules")
        ordering: ClassVar[list[str]] = ["position", "pk"]

    def __str__(self) -> str:
        return self.name
