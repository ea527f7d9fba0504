"""The ticket: what a contact becomes. Written by helpdesk.actions only."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from helpdesk.models.actors import Actor, ActorKind
from helpdesk.models.customers import Customer
from helpdesk.models.organisation import IssueType, Queue, Tag
from helpdesk.models.people import User


class Status(models.TextChoices):
    """Fixed categories; the words people read are StatusLabel rows."""

    NEW = "new", _("new")
    OPEN = "open", _("open")
    PENDING = "pending", _("waiting for the customer")
    ON_HOLD = "on_hold", _("on hold")
    SNOOZED = "snoozed", _("snoozed")
    RESOLVED = "resolved", _("resolved")
    CLOSED = "closed", _("closed")
    SPAM = "spam", _("spam")


ACTIVE = (Status.NEW, Status.OPEN)
WAITING = (Status.PENDING, Status.ON_HOLD, Status.SNOOZED)
UNFINISHED = ACTIVE + WAITING
FINISHED = (Status.RESOLVED, Status.CLOSED, Status.SPAM)

#: From each status, the statuses it may become. New never comes back; closed is final but for spam found too late.
TRANSITIONS: dict[str, frozenset[str]] = {
    Status.NEW: frozenset({"open", "pending", "on_hold", "snoozed", "resolved", "closed", "spam"}),
    Status.OPEN: frozenset({"pending", "on_hold", "snoozed", "resolved", "closed", "spam"}),
    Status.PENDING: frozenset({"open", "on_hold", "snoozed", "resolved", "closed", "spam"}),
    Status.ON_HOLD: frozenset({"open", "pending", "snoozed", "resolved", "closed", "spam"}),
    Status.SNOOZED: frozenset({"open", "pending", "on_hold", "resolved", "closed", "spam"}),
    Status.RESOLVED: frozenset({"open", "pending", "on_hold", "snoozed", "closed", "spam"}),
    Status.CLOSED: frozenset({"spam"}),
    Status.SPAM: frozenset({"open"}),
}


class IllegalTransition(Exception):
    """The ticket's status does not allow this; the message says so in a sentence."""


class Priority(models.IntegerChoices):
    """How much it matters; larger is more urgent."""

    LOW = 1, _("low")
    NORMAL = 2, _("normal")
    HIGH = 3, _("high")
    URGENT = 4, _("urgent")


class Channel(models.TextChoices):
    """How the contact arrived."""

    MAIL = "mail", _("mail")
    CHAT = "chat", _("chat")
    FORM = "form", _("form")
    OFFLINE = "offline", _("message left")
    CALLBACK = "callback", _("callback")
    PHONE = "phone", _("telephone")
    API = "api", _("API")


class StatusLabel(models.Model):
    """Free words for a status category, one for the staff and one for the customer."""

    category = models.CharField(_("category"), max_length=10, choices=Status)
    label_agent = models.CharField(_("label for agents"), max_length=60)
    label_customer = models.CharField(_("label for customers"), max_length=60)
    is_default = models.BooleanField(_("the category's own label"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("status label")
        verbose_name_plural = _("status labels")
        ordering: ClassVar[list[str]] = ["position", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["category"], condition=models.Q(is_default=True), name="one_default_label_per_category"
            )
        ]

    def __str__(self) -> str:
        return self.label_agent


class TicketQuerySet(models.QuerySet["Ticket"]):
    """Reads of tickets. `visible_to` is the only door."""

    def visible_to(self, actor: Actor) -> Self:
        """What the actor may see: everything, the queues of his teams, or his own tickets."""
        if actor.sees_everything:
            return self
        if actor.kind == ActorKind.CUSTOMER and actor.customer is not None:
            own = models.Q(customer=actor.customer)
            # read first: two indexes joined, where a subquery would make the database look at every ticket
            joined = Participant.objects.filter(customer=actor.customer).values_list("ticket_id", flat=True)
            return self.filter(own | models.Q(pk__in=list(joined))).exclude(status=Status.SPAM)
        queues = actor.queue_ids()
        return self.filter(queue_id__in=sorted(queues)) if queues else self.none()

    def active(self) -> Self:
        """Somebody of ours has to act."""
        return self.filter(status__in=ACTIVE)

    def unfinished(self) -> Self:
        """Not resolved, closed or spam."""
        return self.filter(status__in=UNFINISHED)


class Ticket(models.Model):
    """One timeline for one concern of one customer.

    `seq` and `pub_seq` are the heads of its event stream, written by helpdesk.events alone. `rank_at` orders the lists of
    what has to be done: the nearest deadline, or since when the customer waits.
    """

    number = models.BigIntegerField(
        _("number"), unique=True, editable=False, db_default=RawSQL("nextval('helpdesk_ticket_number_seq')", [])
    )
    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    subject = models.CharField(_("subject"), max_length=500, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.NEW)
    label = models.ForeignKey(StatusLabel, models.SET_NULL, verbose_name=_("label"), null=True, blank=True)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority, default=Priority.NORMAL)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, default=Channel.MAIL)
    language = models.CharField(_("language"), max_length=10, blank=True)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="tickets", verbose_name=_("queue"))
    owner = models.ForeignKey(
        User, models.PROTECT, related_name="owned_tickets", verbose_name=_("owner"), null=True, blank=True
    )
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="tickets", verbose_name=_("customer"))
    issue_type = models.ForeignKey(IssueType, models.PROTECT, verbose_name=_("issue type"), null=True, blank=True)
    tags = models.ManyToManyField(Tag, through="TicketTag", related_name="tickets", verbose_name=_("tags"))
    fields = models.JSONField(_("own fields"), default=dict, blank=True)
    mailbox = models.ForeignKey(
        "helpdesk.Mailbox", models.SET_NULL, verbose_name=_("mailbox"), null=True, blank=True, related_name="+"
    )
    merged_into = models.ForeignKey("self", models.PROTECT, verbose_name=_("merged into"), null=True, blank=True)
    snippet = models.CharField(_("last words"), max_length=200, blank=True)
    message_count = models.PositiveIntegerField(_("messages"), default=0)
    seq = models.PositiveIntegerField(default=0, editable=False)
    pub_seq = models.PositiveIntegerField(default=0, editable=False)
    opened_at = models.DateTimeField(_("opened"))
    changed_at = models.DateTimeField(_("last changed"))
    customer_wrote_at = models.DateTimeField(_("customer last wrote"), null=True, blank=True)
    waiting_since_at = models.DateTimeField(_("customer waits since"), null=True, blank=True)
    first_replied_at = models.DateTimeField(_("first response"), null=True, blank=True)
    snoozed_until_at = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    due_at = models.DateTimeField(_("next deadline"), null=True, blank=True)
    rank_at = models.DateTimeField(_("order in lists"))

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        ordering: ClassVar[list[str]] = ["-opened_at", "-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["queue", "rank_at", "id"],
                name="ticket_active_by_queue",
                condition=models.Q(status__in=["new", "open"]),
            ),
            models.Index(
                fields=["owner", "rank_at", "id"],
                name="ticket_active_by_owner",
                condition=models.Q(status__in=["new", "open"]),
            ),
            models.Index(fields=["queue", "status", "-changed_at", "-id"], name="ticket_by_queue_status"),
            models.Index(fields=["owner", "status", "-changed_at", "-id"], name="ticket_by_owner_status"),
            models.Index(fields=["status", "-changed_at", "-id"], name="ticket_by_status"),
            models.Index(
                fields=["rank_at", "id"], name="ticket_active", condition=models.Q(status__in=["new", "open"])
            ),
            models.Index(fields=["customer", "-opened_at"], name="ticket_by_customer"),
            models.Index(fields=["-changed_at", "-id"], name="ticket_by_change"),
            models.Index(
                fields=["due_at", "id"],
                name="ticket_by_deadline",
                condition=models.Q(status__in=["new", "open"], due_at__isnull=False),
            ),
            models.Index(
                fields=["waiting_since_at", "id"],
                name="ticket_by_wait",
                condition=models.Q(waiting_since_at__isnull=False),
            ),
            models.Index(fields=["-opened_at", "-id"], name="ticket_by_opening"),
            models.Index(fields=["snoozed_until_at"], name="ticket_to_wake", condition=models.Q(status="snoozed")),
            models.Index(fields=["resolved_at"], name="ticket_to_close", condition=models.Q(status="resolved")),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(status__in=Status.values), name="ticket_status_known"),
            models.CheckConstraint(condition=models.Q(priority__gte=1, priority__lte=4), name="ticket_priority_1_to_4"),
            models.CheckConstraint(
                condition=models.Q(merged_into__isnull=True) | models.Q(status="closed"), name="merged_is_closed"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.subject}"

    def ensure_can(self, status: str) -> None:
        """Raises IllegalTransition unless the transition table allows `status` from here. What was merged stays closed."""
        if self.merged_into is not None:
            raise IllegalTransition(
                _("Ticket #%(number)s was merged into #%(other)s: go on there, or part them first.")
                % {"number": self.number, "other": self.merged_into.number}
            )
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransition(
                _("Ticket #%(number)s is %(old)s and cannot become %(new)s.")
                % {"number": self.number, "old": Status(self.status).label, "new": Status(status).label}
            )


class TicketTag(models.Model):
    """A tag on a ticket, with who or what put it there."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="ticket_tags")
    tag = models.ForeignKey(Tag, models.CASCADE, related_name="+")
    added_at = models.DateTimeField()
    why = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("tag on a ticket")
        verbose_name_plural = _("tags on tickets")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["ticket", "tag"], name="ticket_tag_once")
        ]


class Participant(models.Model):
    """A customer in copy (may read and answer) or a person of the staff who follows."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="participants", verbose_name=_("ticket"))
    customer = models.ForeignKey(Customer, models.CASCADE, null=True, blank=True, verbose_name=_("customer"))
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, verbose_name=_("user"))
    added_at = models.DateTimeField()

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["ticket", "customer"], condition=models.Q(customer__isnull=False), name="participant_once"
            ),
            models.UniqueConstraint(
                fields=["ticket", "user"], condition=models.Q(user__isnull=False), name="follower_once"
            ),
            models.CheckConstraint(
                condition=models.Q(customer__isnull=False) ^ models.Q(user__isnull=False),
                name="participant_is_one_person",
            ),
        ]


class LinkKind(models.TextChoices):
    """How two tickets belong together, read from the first to the second."""

    RELATED = "related", _("related to")
    FOLLOW_UP = "follow_up", _("follow-up of")
    POSSIBLE_FOLLOW_UP = "possible", _("possible follow-up of")
    CHILD = "child", _("part of")
    DUPLICATE = "duplicate", _("duplicate of")
    TWIN = "twin", _("the same mail in another mailbox")


class TicketLink(models.Model):
    """A link between two tickets."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="links", verbose_name=_("ticket"))
    other = models.ForeignKey(Ticket, models.CASCADE, related_name="links_here", verbose_name=_("other ticket"))
    kind = models.CharField(_("kind"), max_length=10, choices=LinkKind, default=LinkKind.RELATED)
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("link between tickets")
        verbose_name_plural = _("links between tickets")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["ticket", "other", "kind"], name="link_once"),
            models.CheckConstraint(condition=~models.Q(ticket=models.F("other")), name="link_not_to_itself"),
        ]
