"""Agents as routing sees them: state now and over time, capacity, shifts, breaks, reasons, dispositions."""

from __future__ import annotations

from typing import ClassVar, Self

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models import Actor, ActorKind, Queue, Site, Team, User


class AgentState(models.TextChoices):
    """The stored states. "On contacts" and "wrap-up" belong to assignments and are derived."""

    OFFLINE = "offline", _("offline")
    READY = "ready", _("ready")
    NOT_READY = "not_ready", _("not ready")
    BREAK = "break", _("on break")
    RONA = "rona", _("missed offers")
    DISCONNECTED = "disconnected", _("connection lost")


class NotReadyReason(models.Model):
    """Why somebody is not ready; what counts as paid and productive is for adherence."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    code = models.SlugField(_("code"), max_length=30, unique=True)
    is_paid = models.BooleanField(_("paid"), default=True)
    is_productive = models.BooleanField(_("productive"), default=False)
    is_break = models.BooleanField(_("a break that a lead approves"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("not-ready reason")
        verbose_name_plural = _("not-ready reasons")
        ordering: ClassVar[list[str]] = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class AgentPresenceQuerySet(models.QuerySet["AgentPresence"]):
    """Reads of agents' states."""

    def visible_to(self, actor: Actor) -> Self:
        """One's own, and those of the teams one is in; managers see all."""
        if actor.sees_everything:
            return self
        if actor.user is None:
            return self.none()
        return self.filter(
            models.Q(user=actor.user) | models.Q(user__memberships__team_id__in=actor.team_ids())
        ).distinct()


class AgentPresence(models.Model):
    """An agent's state now, his capacity, and what the strategies count. Written by routing.actions.agents alone."""

    user = models.OneToOneField(User, models.CASCADE, related_name="presence", verbose_name=_("agent"))
    state = models.CharField(_("state"), max_length=12, choices=AgentState, default=AgentState.OFFLINE)
    reason = models.ForeignKey(NotReadyReason, models.SET_NULL, null=True, blank=True, verbose_name=_("reason"))
    since_at = models.DateTimeField(_("since"))
    seen_at = models.DateTimeField(_("last heartbeat"), null=True)
    idle_since_at = models.DateTimeField(_("idle since"), null=True)
    returns_at = models.DateTimeField(_("ready again at"), null=True)  # after missed offers
    missed = models.PositiveSmallIntegerField(_("missed in a row"), default=0)
    accepts = models.JSONField(_("channels accepted"), default=list)
    units = models.PositiveSmallIntegerField(_("capacity in units"), default=100, validators=[MinValueValidator(1)])
    caps = models.JSONField(
        _("most at once by channel"), default=dict, blank=True, help_text=_('Such as {"chat": 4, "mail": 10}.')
    )
    position = models.PositiveIntegerField(_("place in fixed order"), default=0)
    penalties = models.JSONField(
        _("penalty by queue"),
        default=dict,
        blank=True,
        help_text=_(
            'By the key of the queue, such as {"4": 2}: 0 comes first. Steps of plans let penalties in as a contact waits.'
        ),
    )

    objects = AgentPresenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("state of an agent")
        verbose_name_plural = _("states of agents")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["seen_at"], condition=~models.Q(state="offline"), name="presence_by_heartbeat"),
            models.Index(fields=["returns_at"], condition=models.Q(state="rona"), name="presence_by_return"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_state_display()}"


class AgentStateInterval(models.Model):
    """A stretch of time an agent spent in one state: the log behind adherence and occupancy. One is open per agent."""

    user = models.ForeignKey(User, models.CASCADE, related_name="state_intervals", verbose_name=_("agent"))
    state = models.CharField(_("state"), max_length=12, choices=AgentState)
    reason = models.ForeignKey(NotReadyReason, models.SET_NULL, null=True, verbose_name=_("reason"))
    begun_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("to"), null=True)
    actor_kind = models.CharField(_("by"), max_length=10, choices=ActorKind)
    actor_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("stretch of an agent's state")
        verbose_name_plural = _("stretches of agents' states")
        ordering: ClassVar[list[str]] = ["-begun_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(ended_at__isnull=True), name="state_interval_one_open"
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gte=models.F("begun_at")),
                name="state_interval_ends_after_it_began",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["user", "begun_at"], name="state_interval_by_user")
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_state_display()}"


class TeamRouting(models.Model):
    """Shift and break policy of a team."""

    team = models.OneToOneField(Team, models.CASCADE, related_name="routing", verbose_name=_("team"))
    max_on_break = models.PositiveSmallIntegerField(_("at most on break"), default=1)
    break_minutes = models.PositiveSmallIntegerField(_("a break lasts, minutes"), default=15)
    break_floor = models.PositiveSmallIntegerField(
        _("lowest service level for a break, %"),
        default=0,
        help_text=_("Breaks are approved without asking while the forecast stays above; 0: a lead always decides."),
    )
    ready_outside_shift = models.BooleanField(_("ready outside of shifts"), default=True)
    no_offer_before_end_seconds = models.PositiveIntegerField(_("no offers before a shift ends, seconds"), default=0)

    class Meta:
        verbose_name = _("routing of a team")
        verbose_name_plural = _("routing of teams")

    def __str__(self) -> str:
        return str(self.team)


class Shift(models.Model):
    """When somebody works. Without any shift in a team, everybody works whenever he is ready."""

    user = models.ForeignKey(User, models.CASCADE, related_name="shifts", verbose_name=_("agent"))
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("site"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("to"))

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering: ClassVar[list[str]] = ["starts_at", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="shift_ends_after_it_began"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["ends_at", "user"], name="shift_by_end")]

    def __str__(self) -> str:
        return f"{self.user} {self.starts_at:%Y-%m-%d %H:%M}"


class BreakRequest(models.Model):
    """A break asked for. An agent who is handling a contact goes when its wrap-up is over."""

    class State(models.TextChoices):
        """From asking to being back."""

        ASKED = "asked", _("asked")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")
        TAKEN = "taken", _("on break")
        OVER = "over", _("over")
        WITHDRAWN = "withdrawn", _("withdrawn")

    user = models.ForeignKey(User, models.CASCADE, related_name="break_requests", verbose_name=_("agent"))
    reason = models.ForeignKey(NotReadyReason, models.PROTECT, verbose_name=_("reason"))
    minutes = models.PositiveSmallIntegerField(_("minutes"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    asked_at = models.DateTimeField(_("asked"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", verbose_name=_("decided by"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    ends_at = models.DateTimeField(_("back at"), null=True)

    class Meta:
        verbose_name = _("break request")
        verbose_name_plural = _("break requests")
        ordering: ClassVar[list[str]] = ["asked_at", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(state__in=["asked", "approved", "taken"]),
                name="break_request_one_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.reason}"


class Disposition(models.Model):
    """How a contact ended, chosen in wrap-up."""

    name = models.CharField(_("name"), max_length=80)
    queue = models.ForeignKey(
        Queue, models.CASCADE, null=True, blank=True, related_name="dispositions", verbose_name=_("only in queue")
    )
    is_active = models.BooleanField(_("active"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("disposition")
        verbose_name_plural = _("dispositions")
        ordering: ClassVar[list[str]] = ["position", "name"]

    def __str__(self) -> str:
        return self.name
