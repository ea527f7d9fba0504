"""What the desk and the API remember for people: saved views, API tokens."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.actors import Actor
from helpdesk.models.people import User


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Reads of saved views."""

    def visible_to(self, actor: Actor) -> Self:
        """One's own, those of one's teams, and those shared with all."""
        everybody = models.Q(owner__isnull=True, team__isnull=True)
        return self.filter(models.Q(owner=actor.user) | everybody | models.Q(team_id__in=list(actor.team_ids())))


class SavedView(models.Model):
    """A filter over tickets with a name. With an owner it is personal, with a team the team's, with neither everybody's."""

    owner = models.ForeignKey(
        User, models.CASCADE, null=True, blank=True, related_name="saved_views", verbose_name=_("owner")
    )
    team = models.ForeignKey(
        "helpdesk.Team", models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("team")
    )
    name = models.CharField(_("name"), max_length=80)
    filters = models.JSONField(_("filter"), default=dict, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering: ClassVar[list[str]] = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A bearer token: its owner's rights narrowed by scopes. Only the hash is kept; the token is shown once."""

    owner = models.ForeignKey(User, models.CASCADE, related_name="api_tokens", verbose_name=_("owner"))
    name = models.CharField(_("name"), max_length=80)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(_("begins with"), max_length=12, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    expires_at = models.DateTimeField(_("expires"))
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=~models.Q(digest=""), name="token_digest_not_empty")
        ]

    def __str__(self) -> str:
        return f"{self.hint}… {self.name}"


class IdempotencyKey(models.Model):
    """The answer given to a POST of the API, so that a repeated one changes nothing."""

    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_once")
        ]


class ChannelSpill(models.Model):
    """Channel-layer payloads too large for NOTIFY (helpdesk/channel_layer.py writes and reads them by SQL)."""

    payload = models.TextField()
    created_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        verbose_name = _("large frame")
        verbose_name_plural = _("large frames")
