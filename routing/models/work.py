"""A contact on its way to an agent: the work item that waits, its offers, its assignment, and why each decision fell."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models import Actor, Queue, Ticket, User
from routing.models.agents import Disposition
from routing.models.plans import PlanVersion
from routing.models.queues import ContactChannel, Handing


class WorkItemQuerySet(models.QuerySet["WorkItem"]):
    """Reads of work items."""

    def visible_to(self, actor: Actor) -> Self:
        """Those of tickets one may see."""
        return self.filter(ticket__in=Ticket.objects.visible_to(actor))


class WorkItem(models.Model):
    """One contact in one queue, from its arrival to the end of its handling. A ticket has at most one that is not done.

    Waiting order is `vtime`, then key: `vtime` = `entered_at` less the boost of its priority, so that all age at the same
    rate and a change of priority is one indexed update. Transfers, missed and declined offers never move it back.
    """

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", _("waiting")
        OFFERED = "offered", _("offered")
        ASSIGNED = "assigned", _("with an agent")
        WRAPUP = "wrapup", _("wrap-up")
        RESERVED = "reserved", _("keeps its place for a callback")
        DONE = "done", _("done")

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="work_items", verbose_name=_("ticket"))
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="work_items", verbose_name=_("queue"))
    channel = models.CharField(_("channel"), max_length=10, choices=ContactChannel)
    handing = models.CharField(_("handed out by"), max_length=10, choices=Handing)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    entered_at = models.DateTimeField(_("waiting since"))
    vtime = models.DateTimeField(_("order"))
    plan = models.ForeignKey(PlanVersion, models.PROTECT, null=True, blank=True, verbose_name=_("plan"))
    demand = models.JSONField(_("demand"), default=dict)  # skills, priority, language with the fact each comes from
    excluded = models.JSONField(_("not to be offered to"), default=dict)  # agent's key -> {"until": …} or {"missed": …}
    preferred = models.JSONField(_("preferred agents"), default=list)
    outcome = models.CharField(_("ended by"), max_length=20, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True)
    done_at = models.DateTimeField(_("done"), null=True)

    objects = WorkItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("work item")
        verbose_name_plural = _("work items")
        ordering: ClassVar[list[str]] = ["vtime", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["ticket"], condition=~models.Q(state="done"), name="work_item_one_open"),
            models.CheckConstraint(
                condition=models.Q(state="done", done_at__isnull=False)
                | (~models.Q(state="done") & models.Q(done_at__isnull=True)),
                name="work_item_done_has_its_time",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["queue", "vtime", "id"], condition=models.Q(state="waiting"), name="work_waiting"),
            models.Index(fields=["queue", "entered_at"], name="work_by_arrival"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket} · {self.get_state_display()}"


class Decision(models.Model):
    """Why: one record for each offer, and for a wait whenever what it waits for has changed. `record` is of routing.core."""

    item = models.ForeignKey(WorkItem, models.CASCADE, related_name="decisions", verbose_name=_("work item"))
    at = models.DateTimeField(_("at"))
    kind = models.CharField(
        _("kind"), max_length=10
    )  # offer, wait, pull, manual, assign, opened, overflow, closed, alert
    agent = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", verbose_name=_("agent"))
    record = models.JSONField(_("record"))

    class Meta:
        verbose_name = _("routing decision")
        verbose_name_plural = _("routing decisions")
        ordering: ClassVar[list[str]] = ["-at", "-pk"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["item", "-at"], name="decision_by_item")]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M:%S}"


class Offer(models.Model):
    """A contact held for one agent until `expires_at`. The partial unique indexes prove that nobody else has it."""

    class State(models.TextChoices):
        """How it ended."""

        PENDING = "pending", _("open")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        TIMEOUT = "timeout", _("missed")
        RESCINDED = "rescinded", _("taken back")
        CANCELLED = "cancelled", _("the customer left")

    item = models.ForeignKey(WorkItem, models.CASCADE, related_name="offers", verbose_name=_("work item"))
    agent = models.ForeignKey(User, models.PROTECT, related_name="offers", verbose_name=_("agent"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    units = models.PositiveSmallIntegerField(_("units"))
    made_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("stands until"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    reason = models.CharField(_("why"), max_length=200, blank=True)
    decision = models.ForeignKey(Decision, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        ordering: ClassVar[list[str]] = ["-made_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["item"], condition=models.Q(state="pending"), name="offer_one_open")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_at"], condition=models.Q(state="pending"), name="offer_by_expiry"),
            models.Index(fields=["agent", "-made_at"], name="offer_by_agent"),
        ]

    def __str__(self) -> str:
        return f"{self.item} → {self.agent}"


class Assignment(models.Model):
    """A contact in an agent's hands. Its units are held until wrap-up is over (`done_at`)."""

    item = models.ForeignKey(WorkItem, models.CASCADE, related_name="assignments", verbose_name=_("work item"))
    agent = models.ForeignKey(User, models.PROTECT, related_name="assignments", verbose_name=_("agent"))
    channel = models.CharField(_("channel"), max_length=10, choices=ContactChannel)
    units = models.PositiveSmallIntegerField(_("units"))
    begun_at = models.DateTimeField(_("begun"))
    ended_at = models.DateTimeField(_("handling ended"), null=True)
    wrapup_until_at = models.DateTimeField(_("wrap-up until"), null=True)
    is_extended = models.BooleanField(_("wrap-up extended"), default=False)
    done_at = models.DateTimeField(_("done"), null=True)
    disposition = models.ForeignKey(Disposition, models.SET_NULL, null=True, blank=True, verbose_name=_("disposition"))
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering: ClassVar[list[str]] = ["-begun_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["item"], condition=models.Q(done_at__isnull=True), name="assignment_one_open"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["agent"], condition=models.Q(done_at__isnull=True), name="assignment_open_by_agent"),
            models.Index(
                fields=["wrapup_until_at"],
                condition=models.Q(done_at__isnull=True, wrapup_until_at__isnull=False),
                name="assignment_by_wrapup",
            ),
            models.Index(fields=["agent", "begun_at"], name="assignment_by_agent"),
        ]

    def __str__(self) -> str:
        return f"{self.item} · {self.agent}"


class Dirty(models.Model):
    """What the dispatcher must look at again: written in the transaction of the change, deleted as it is read.

    A cursor over keys or times would pass by a transaction that commits late; a row cannot be passed by.
    """

    class Kind(models.TextChoices):
        """What `ref` is the key of."""

        ITEM = "item"
        AGENT = "agent"
        QUEUE = "queue"  # rules, plans, skills, teams: everything is read anew

    kind = models.CharField(max_length=6, choices=Kind)
    ref = models.BigIntegerField()

    class Meta:
        verbose_name = _("change for the dispatcher")
        verbose_name_plural = _("changes for the dispatcher")

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"
