"""The event stream of tickets and the audit book. Written by helpdesk.events alone."""

from __future__ import annotations

from typing import ClassVar, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.actors import Actor, ActorKind
from helpdesk.models.tickets import Ticket


class Kind(models.TextChoices):
    """What can happen to a ticket. Labels, payloads and audiences stand in helpdesk/flow.py."""

    OPENED = "opened", _("opened")
    CONTACT_RECEIVED = "contact_received", _("customer wrote")
    MACHINE_MAIL = "machine_mail", _("automatic mail received")
    BOUNCED = "bounced", _("mail came back")
    REPLIED = "replied", _("replied")
    REPLY_SCHEDULED = "reply_scheduled", _("reply scheduled")
    REPLY_WITHDRAWN = "reply_withdrawn", _("reply taken back")
    DELIVERED = "delivered", _("reply sent")
    DELIVERY_FAILED = "delivery_failed", _("reply could not be sent")
    NOTED = "noted", _("note written")
    ASSIGNED = "assigned", _("assigned")
    UNASSIGNED = "unassigned", _("owner removed")
    MOVED = "moved", _("moved to another queue")
    CLASSIFIED = "classified", _("classified")
    PARTICIPANT_ADDED = "participant_added", _("participant added")
    PARTICIPANT_REMOVED = "participant_removed", _("participant removed")
    LINKED = "linked", _("linked")
    PENDING = "pending", _("waiting for the customer")
    ON_HOLD = "on_hold", _("put on hold")
    SNOOZED = "snoozed", _("snoozed")
    REOPENED = "reopened", _("reopened")
    RESOLVED = "resolved", _("resolved")
    CLOSED = "closed", _("closed")
    SPAM_MARKED = "spam_marked", _("marked as spam")
    MERGED = "merged", _("another ticket was merged into it")
    MERGED_AWAY = "merged_away", _("merged into another ticket")
    UNMERGED = "unmerged", _("a merged ticket was parted again")
    PARTED = "parted", _("parted from the ticket it was merged into")
    SPLIT = "split", _("messages split off")
    MESSAGES_MOVED = "messages_moved", _("messages moved to another ticket")
    MESSAGES_ARRIVED = "messages_arrived", _("messages came from another ticket")
    UNLINKED = "unlinked", _("link removed")
    CHECKLIST_CHANGED = "checklist_changed", _("checklist changed")
    SIDE_SENT = "side_sent", _("written to a third party")
    SIDE_RECEIVED = "side_received", _("a third party answered")
    CUSTOMER_CHANGED = "customer_changed", _("belongs to another customer")
    QUEUED = "queued", _("waits for an agent again")
    OFFERED = "offered", _("offered")
    OFFER_ACCEPTED = "offer_accepted", _("offer accepted")
    OFFER_DECLINED = "offer_declined", _("offer declined")
    OFFER_MISSED = "offer_missed", _("offer missed")
    OFFER_RESCINDED = "offer_rescinded", _("offer taken back")
    TRANSFERRED = "transferred", _("transferred")
    WRAPPED_UP = "wrapped_up", _("wrap-up ended")
    CALLBACK_ASKED = "callback_asked", _("callback asked for")
    CALLBACK_CHANGED = "callback_changed", _("callback changed")
    CALLBACK_TRIED = "callback_tried", _("callback tried")
    CALLBACK_ENDED = "callback_ended", _("callback ended")


class TicketEventQuerySet(models.QuerySet["TicketEvent"]):
    """Reads of events."""

    def visible_to(self, actor: Actor) -> Self:
        """Events of visible tickets; a customer sees those that carry a `pub_seq`."""
        mine = self if actor.sees_everything else self.filter(ticket__in=Ticket.objects.visible_to(actor))
        return mine.filter(pub_seq__isnull=False) if actor.kind == ActorKind.CUSTOMER else mine


class TicketEvent(models.Model):
    """One thing that happened. Never changed, never deleted but with its ticket.

    `seq` counts within the ticket, `pub_seq` counts what the customer may see, `position` over all tickets; the dispatcher
    gives it after commit, since ids and times are taken before and a slower transaction would be passed by.
    """

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="events", verbose_name=_("ticket"))
    seq = models.PositiveIntegerField()
    pub_seq = models.PositiveIntegerField(null=True)
    position = models.BigIntegerField(null=True, unique=True)
    kind = models.CharField(_("kind"), max_length=30, choices=Kind)
    actor_kind = models.CharField(_("by"), max_length=10, choices=ActorKind)
    actor_id = models.BigIntegerField(null=True)
    client_id = models.UUIDField(null=True)
    data = models.JSONField(_("data"), default=dict, encoder=DjangoJSONEncoder)
    at = models.DateTimeField(_("at"))

    objects = TicketEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering: ClassVar[list[str]] = ["ticket_id", "seq"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["ticket", "seq"], name="event_seq_once"),
            models.UniqueConstraint(
                fields=["ticket", "actor_kind", "actor_id", "client_id"],
                condition=models.Q(client_id__isnull=False),
                name="event_client_id_once",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["id"], name="event_unnumbered", condition=models.Q(position__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}/{self.seq} {self.kind}"


class AuditEntry(models.Model):
    """Sign-ins, rights, settings, exports, supervision: what managers must be able to prove later.

    The hash chain is closed over `position` by the dispatcher, outside any request.
    """

    at = models.DateTimeField(_("at"))
    actor_kind = models.CharField(_("by"), max_length=10, choices=ActorKind)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(_("name"), max_length=150, blank=True)
    action = models.CharField(_("action"), max_length=60)
    object_type = models.CharField(_("object"), max_length=60, blank=True)
    object_id = models.CharField(_("key"), max_length=60, blank=True)
    data = models.JSONField(_("data"), default=dict, encoder=DjangoJSONEncoder)
    position = models.BigIntegerField(null=True, unique=True)
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering: ClassVar[list[str]] = ["-at", "-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["id"], name="audit_unchained", condition=models.Q(position__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.actor_name} {self.action}"
