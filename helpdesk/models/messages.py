"""What people wrote: messages, their files, and drafts not yet sent."""

from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.actors import Actor, ActorKind
from helpdesk.models.customers import Customer
from helpdesk.models.people import User
from helpdesk.models.tickets import Channel, Participant, Ticket


class Audience(models.TextChoices):
    """Who may read it."""

    PUBLIC = "public", _("customer and staff")
    INTERNAL = "internal", _("staff only")
    WHISPER = "whisper", _("one agent and his lead")


class Verification(models.TextChoices):
    """What the receiving mail server said of the sender."""

    PASS = "pass", _("verified")
    NONE = "none", _("not checked")
    FAIL = "fail", _("failed")


#: States of an outgoing mail in which its words are not said: they wait for their time, or were stopped before it.
_NEVER_LEFT = ("scheduled", "cancelled")


class MessageQuerySet(models.QuerySet["Message"]):
    """Reads of messages."""

    def visible_to(self, actor: Actor) -> Self:
        """Messages of visible tickets; customers never see what is not public, or has not left yet.

        Who was put in copy reads what was said since, what was sent to him and what he wrote: no history before him.
        """
        mine = self.filter(ticket__in=Ticket.objects.visible_to(actor)) if not actor.sees_everything else self
        if actor.kind != ActorKind.CUSTOMER or actor.customer is None:
            return mine
        said = mine.filter(audience=Audience.PUBLIC, withdrawn_at__isnull=True, side_thread__isnull=True).exclude(
            models.Q(outgoing__state__in=_NEVER_LEFT)
            | models.Q(outgoing__state="queued", outgoing__attempts=0, outgoing__mime__isnull=True)
        )
        since = Participant.objects.filter(
            ticket_id=models.OuterRef("ticket_id"), customer=actor.customer, added_at__lte=models.OuterRef("created_at")
        )
        own = models.Q(ticket__customer=actor.customer) | models.Q(author_customer=actor.customer)
        for value in actor.customer.addresses.values_list("value", flat=True):
            own |= models.Q(recipients__contains=[{"email": value}])
        return said.filter(own | models.Exists(since))


class Message(models.Model):
    """One mail, reply, note or chat line.

    `text` is the whole plain text; `reply_text` what the writer added. `html` is cleaned by the strict profile once, at
    intake; `reply_html` the same without quoted history, empty when nothing was folded. `origin` says why a mail landed in
    this ticket ({"rule", "identifier", ...}).
    """

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="messages", verbose_name=_("ticket"))
    audience = models.CharField(_("audience"), max_length=10, choices=Audience, default=Audience.PUBLIC)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, default=Channel.MAIL)
    author_user = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    author_customer = models.ForeignKey(Customer, models.PROTECT, null=True, blank=True, related_name="+")
    sender_name = models.CharField(_("sender's name"), max_length=200, blank=True)
    sender_email = models.CharField(_("sender's address"), max_length=320, blank=True)
    recipients = models.JSONField(_("recipients"), default=list, blank=True)  # [{"kind": "to", "email", "name"}]
    subject = models.CharField(_("subject"), max_length=500, blank=True)
    text = models.TextField(_("text"), blank=True)
    reply_text = models.TextField(_("new text"), blank=True)
    signature = models.TextField(_("signature"), blank=True)
    html = models.TextField(_("cleaned HTML"), blank=True)
    reply_html = models.TextField(_("cleaned HTML without quotes"), blank=True)
    has_remote_content = models.BooleanField(_("has remote content"), default=False)
    message_id = models.CharField(_("Message-ID"), max_length=998, blank=True)
    machine = models.CharField(_("written by a machine"), max_length=20, blank=True)
    verification = models.CharField(_("sender check"), max_length=5, choices=Verification, default=Verification.NONE)
    origin = models.JSONField(_("why it is here"), default=dict, blank=True)
    raw_mail = models.ForeignKey(
        "helpdesk.RawMail", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("raw mail")
    )
    side_thread = models.ForeignKey(  # read by ticket, so without an index of its own
        "helpdesk.SideThread",
        models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="messages",
        verbose_name=_("side thread"),
    )
    sent_at = models.DateTimeField(_("date of the mail"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    withdrawn_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering: ClassVar[list[str]] = ["created_at", "pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["ticket", "created_at", "id"], name="message_by_ticket")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(author_user__isnull=True) | models.Q(author_customer__isnull=True),
                name="message_has_one_author",
            )
        ]

    def __str__(self) -> str:
        return f"{self.sender_name or self.sender_email}: {self.reply_text[:60]}"


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """Reads of attachments."""

    def visible_to(self, actor: Actor) -> Self:
        """Files of visible messages, and uploads of one's own not yet sent."""
        seen = models.Q(message__in=Message.objects.visible_to(actor))
        if actor.user is not None:
            seen |= models.Q(message__isnull=True, uploaded_by=actor.user)
        return self.filter(seen)


class Attachment(models.Model):
    """A file; its bytes are a blob named by sha256. Without a message it is an upload waiting for its reply."""

    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    message = models.ForeignKey(
        Message, models.CASCADE, related_name="attachments", null=True, blank=True, verbose_name=_("message")
    )
    ticket = models.ForeignKey(Ticket, models.CASCADE, null=True, blank=True, related_name="+")
    uploaded_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(_("name"), max_length=255)
    content_type = models.CharField(_("type"), max_length=150)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    sha256 = models.CharField(max_length=64)
    content_id = models.CharField(max_length=998, blank=True)
    is_inline = models.BooleanField(_("shown in the text"), default=False)
    created_at = models.DateTimeField()

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering: ClassVar[list[str]] = ["pk"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["sha256"], name="attachment_by_blob")]

    def __str__(self) -> str:
        return self.name


class Draft(models.Model):
    """What somebody is writing: one per person, ticket and mode; kept on the server while typing."""

    class Mode(models.TextChoices):
        """What it will become."""

        REPLY = "reply", _("reply")
        NOTE = "note", _("note")
        FORWARD = "forward", _("forward")

    user = models.ForeignKey(User, models.CASCADE, related_name="drafts")
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="drafts")
    mode = models.CharField(max_length=10, choices=Mode)
    text = models.TextField(blank=True)
    recipients = models.JSONField(default=list, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "ticket", "mode"], name="draft_once")
        ]
