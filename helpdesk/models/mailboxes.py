"""Mailboxes, the raw mail that came in, and the mail that goes out."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.fields import SealedTextField
from helpdesk.models.messages import Message
from helpdesk.models.organisation import BusinessCalendar, Queue
from helpdesk.models.tickets import Ticket


class Security(models.TextChoices):
    """How the line to a mail server is protected."""

    TLS = "tls", _("TLS from the first byte")
    STARTTLS = "starttls", _("STARTTLS")
    PLAIN = "plain", _("none (only inside one machine)")


class Mailbox(models.Model):
    """One address we answer, fetched over IMAP and answered over SMTP. The cursor is (uidvalidity, last_uid)."""

    class Auth(models.TextChoices):
        """How we sign in."""

        PASSWORD = "password", _("password")
        OAUTH2 = "oauth2", _("OAuth2 (XOAUTH2)")

    class Watch(models.TextChoices):
        """How new mail is noticed."""

        POLL = "poll", _("ask every so often")
        IDLE = "idle", _("be told at once (IDLE)")

    class AfterFetch(models.TextChoices):
        """What happens to fetched mail on the server, after it is safe here."""

        LEAVE = "leave", _("leave it untouched")
        MARK_SEEN = "seen", _("mark as read")
        MOVE = "move", _("move to a folder")

    class ImportExisting(models.TextChoices):
        """What happens to mail that was in the folder before we first looked."""

        NOTHING = "new", _("leave it: only mail that comes from now on")
        RECENT = "days", _("import that of the last days")
        EVERYTHING = "all", _("import all of it")

    name = models.CharField(_("name"), max_length=100, unique=True)
    address = models.EmailField(_("address"), unique=True)
    aliases = models.JSONField(_("other addresses that are ours"), default=list, blank=True)
    from_name = models.CharField(_("name customers see"), max_length=100, blank=True)
    queue = models.ForeignKey(Queue, models.PROTECT, verbose_name=_("queue"))
    language = models.CharField(_("language"), max_length=10, blank=True)
    calendar = models.ForeignKey(BusinessCalendar, models.PROTECT, verbose_name=_("hours"), null=True, blank=True)
    signature = models.TextField(
        _("signature"), blank=True, help_text=_("Placeholders: {agent_name}, {mailbox_name}, {ticket_number}.")
    )
    is_active = models.BooleanField(_("active"), default=True)

    imap_host = models.CharField(_("IMAP server"), max_length=255, blank=True)
    imap_port = models.PositiveIntegerField(_("IMAP port"), default=993)
    imap_security = models.CharField(_("IMAP security"), max_length=10, choices=Security, default=Security.TLS)
    folder = models.CharField(_("folder"), max_length=255, default="INBOX")
    username = models.CharField(_("user name"), max_length=255, blank=True)
    auth = models.CharField(_("sign-in"), max_length=10, choices=Auth, default=Auth.PASSWORD)
    password = SealedTextField(_("password"), blank=True)
    oauth_token_url = models.URLField(_("token address"), blank=True)
    oauth_client_id = models.CharField(_("client id"), max_length=255, blank=True)
    oauth_client_secret = SealedTextField(_("client secret"), blank=True)
    oauth_refresh_token = SealedTextField(_("refresh token"), blank=True)
    oauth_access_token = SealedTextField(blank=True, editable=False)
    oauth_expires_at = models.DateTimeField(null=True, editable=False)
    watch = models.CharField(_("new mail"), max_length=10, choices=Watch, default=Watch.POLL)
    poll_seconds = models.PositiveIntegerField(_("poll interval in seconds"), default=60)
    after_fetch = models.CharField(_("after fetching"), max_length=10, choices=AfterFetch, default=AfterFetch.LEAVE)
    move_to = models.CharField(_("move to folder"), max_length=255, blank=True)
    import_existing = models.CharField(
        _("mail that is already there"), max_length=4, choices=ImportExisting, default=ImportExisting.EVERYTHING
    )
    import_days = models.PositiveIntegerField(_("days"), default=30)

    smtp_host = models.CharField(_("SMTP server"), max_length=255, blank=True)
    smtp_port = models.PositiveIntegerField(_("SMTP port"), default=587)
    smtp_security = models.CharField(_("SMTP security"), max_length=10, choices=Security, default=Security.STARTTLS)
    smtp_username = models.CharField(_("SMTP user name"), max_length=255, blank=True)
    smtp_password = SealedTextField(_("SMTP password"), blank=True)
    plus_addressing = models.BooleanField(
        _("answers carry a plus address"),
        default=True,
        help_text=_("Switch off when your provider refuses name+word@domain."),
    )
    auto_acknowledge = models.BooleanField(_("acknowledge new tickets"), default=False)
    acknowledgement = models.TextField(
        _("text of the acknowledgement"), blank=True, help_text=_("Placeholders: {ticket_number}, {mailbox_name}.")
    )
    portal_link = models.BooleanField(
        _("mails carry a link to the ticket's page"),
        default=True,
        help_text=_(
            "“See this ticket online” below replies and acknowledgements. The link opens that one ticket, for 30 days."
        ),
    )
    new_tickets_require_verified_sender = models.BooleanField(_("hold mail whose sender check failed"), default=False)

    uidvalidity = models.BigIntegerField(null=True, editable=False)
    last_uid = models.BigIntegerField(default=0, editable=False)
    tidied_uid = models.BigIntegerField(
        default=0, editable=False
    )  # up to here mail is marked or moved on the server too
    since_at = models.DateTimeField(null=True, editable=False)  # older mail in the folder is not ours to import
    next_poll_at = models.DateTimeField(null=True, editable=False)
    last_success_at = models.DateTimeField(_("last success"), null=True, editable=False)
    failure_count = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    last_error = models.TextField(_("last error"), blank=True, editable=False)
    alerted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("mailbox")
        verbose_name_plural = _("mailboxes")
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(poll_seconds__gte=5), name="mailbox_poll_at_least_5_s")
        ]

    def __str__(self) -> str:
        return self.name

    def own_addresses(self) -> frozenset[str]:
        """Every address of this mailbox, lower case."""
        return frozenset(str(a).strip().lower() for a in [self.address, *self.aliases] if str(a).strip())


class Verdict(models.TextChoices):
    """The fate of an inbound mail."""

    TICKET = "ticket", _("opened a ticket")
    REPLY = "reply", _("joined a ticket")
    AUTO_REPLY = "auto_reply", _("automatic reply")
    BOUNCE = "bounce", _("bounce")
    DUPLICATE = "duplicate", _("duplicate")
    QUARANTINED = "quarantined", _("quarantined")
    IGNORED = "ignored", _("ignored")


class RawMail(models.Model):
    """A mail as it came, stored before anything else happens to it, with its fate and why.

    Identity is (mailbox, Message-ID or empty, sha256 of the canonical bytes). `raw` holds mail up to 1 MB, `blob` names
    larger ones. A duplicate keeps no bytes of its own.
    """

    class State(models.TextChoices):
        """Where it stands on its way."""

        PENDING = "pending", _("waiting")
        DONE = "done", _("done")
        QUARANTINED = "quarantined", _("quarantined")

    mailbox = models.ForeignKey(Mailbox, models.PROTECT, null=True, blank=True, verbose_name=_("mailbox"))
    uidvalidity = models.BigIntegerField(null=True)
    uid = models.BigIntegerField(null=True)
    message_id = models.CharField(_("Message-ID"), max_length=998, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    raw = models.BinaryField(null=True)
    blob = models.CharField(max_length=64, blank=True)
    source = models.CharField(_("source"), max_length=300, blank=True)
    is_import = models.BooleanField(_("imported"), default=False)
    server_at = models.DateTimeField(_("received by the server"), null=True)
    received_at = models.DateTimeField(_("fetched"))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.PENDING)
    verdict = models.CharField(_("fate"), max_length=12, choices=Verdict, blank=True)
    reason = models.TextField(_("why"), blank=True)
    why = models.JSONField(default=dict)  # the same for pages to translate: {"text", "with"} (helpdesk.mail.reasons)
    answered_at = models.DateTimeField(_("sender told"), null=True)  # that his mail was too large
    subject = models.CharField(_("subject"), max_length=500, blank=True)
    sender = models.CharField(_("from"), max_length=320, blank=True)
    ticket = models.ForeignKey(Ticket, models.SET_NULL, null=True, blank=True, related_name="raw_mails")
    duplicate_of = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="duplicates")
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("inbound mail")
        verbose_name_plural = _("inbound mail")
        ordering: ClassVar[list[str]] = ["-received_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["mailbox", "message_id", "sha256"],
                condition=models.Q(duplicate_of__isnull=True),
                name="raw_mail_identity",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=["mailbox", "uidvalidity", "uid"],
                condition=models.Q(uid__isnull=False),
                name="raw_mail_uid_once",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["id"], name="raw_mail_pending", condition=models.Q(state="pending")),
            models.Index(fields=["-received_at", "-id"], name="raw_mail_by_time"),
            models.Index(fields=["message_id"], name="raw_mail_by_message_id"),
        ]

    def __str__(self) -> str:
        return f"{self.sender}: {self.subject}" if self.sender or self.subject else f"{self.sha256[:12]}…"


class MailReference(models.Model):
    """A Message-ID we know and the ticket it belongs to.

    `is_hint` marks ids that were only mentioned by a mail of the ticket and never seen: a later mail that carries one joins.
    """

    identifier = models.CharField(max_length=998)
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="references")
    message = models.ForeignKey(Message, models.CASCADE, null=True, related_name="+")
    is_hint = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("known Message-ID")
        verbose_name_plural = _("known Message-IDs")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["identifier", "ticket"], name="reference_once_in_ticket"),
            models.CheckConstraint(condition=~models.Q(identifier=""), name="reference_not_empty"),
        ]


class OutgoingMail(models.Model):
    """The outbox: one row per mail, written in the transaction of its cause. The MIME text is frozen at the first attempt."""

    class State(models.TextChoices):
        """Where it stands. `uncertain`: the server may have taken it just before a crash."""

        SCHEDULED = "scheduled", _("scheduled")
        QUEUED = "queued", _("waiting")
        LEASED = "leased", _("being sent")
        SENT = "sent", _("sent")
        DEFERRED = "deferred", _("will be tried again")
        UNCERTAIN = "uncertain", _("perhaps sent, will be tried again")
        DEAD = "dead", _("failed")
        HELD = "held", _("held by the breaker")
        CANCELLED = "cancelled", _("cancelled")

    message = models.OneToOneField(Message, models.CASCADE, related_name="outgoing", verbose_name=_("message"))
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="outgoing", verbose_name=_("ticket"))
    mailbox = models.ForeignKey(Mailbox, models.PROTECT, verbose_name=_("mailbox"))
    identifier = models.CharField(_("Message-ID"), max_length=255, unique=True)
    recipients = models.JSONField(_("recipients"), default=list)  # [{"kind", "email", "name", "state", "answer"}]
    headers = models.JSONField(default=dict)  # Subject, In-Reply-To, References, threading words for Outlook
    is_automatic = models.BooleanField(_("automatic"), default=False)
    cancel_if_customer_writes = models.BooleanField(_("cancel if the customer writes first"), default=False)
    mime = models.BinaryField(null=True)
    mime_sha256 = models.CharField(max_length=64, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    due_at = models.DateTimeField(_("due"))
    fence = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    data_begun_at = models.DateTimeField(null=True)
    may_be_doubled = models.BooleanField(_("may have arrived twice"), default=False)
    last_error = models.TextField(_("last answer"), blank=True)
    queued_at = models.DateTimeField(_("written"))
    correlation_id = models.CharField(max_length=64, blank=True)  # of the request or mail that caused it, for the logs
    sent_at = models.DateTimeField(_("sent"), null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("outgoing mail")
        verbose_name_plural = _("outbox")
        ordering: ClassVar[list[str]] = ["-queued_at", "-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["due_at", "id"],
                name="outgoing_due",
                condition=models.Q(state__in=["queued", "deferred", "uncertain", "leased"]),
            ),
            models.Index(fields=["due_at", "id"], name="outgoing_scheduled", condition=models.Q(state="scheduled")),
            models.Index(fields=["id"], name="outgoing_untold", condition=models.Q(state="dead", told_at__isnull=True)),
            models.Index(fields=["ticket", "queued_at"], name="outgoing_by_ticket"),
        ]

    def __str__(self) -> str:
        return f"{self.identifier} {self.state}"
