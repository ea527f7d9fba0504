"""Canned responses and macros: what agents say and do again and again, managed in the admin and from the desk."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from helpdesk.models.actors import Actor
from helpdesk.models.organisation import Team
from helpdesk.models.people import User


class SharedQuerySet(models.QuerySet["CannedResponse"]):
    """Reads of canned responses."""

    def visible_to(self, actor: Actor) -> Self:
        """One's own, those of one's teams, and those of everybody; managers see all but the personal ones of others."""
        return self.filter(_shared_with(actor))


class MacroQuerySet(models.QuerySet["Macro"]):
    """Reads of macros."""

    def visible_to(self, actor: Actor) -> Self:
        """As for canned responses."""
        return self.filter(_shared_with(actor))


def _shared_with(actor: Actor) -> models.Q:
    if actor.user is None:
        return models.Q(pk__in=[])
    everybody = models.Q(owner__isnull=True, team__isnull=True)
    teams = models.Q(owner__isnull=True) if actor.sees_everything else models.Q(team_id__in=list(actor.team_ids()))
    return models.Q(owner=actor.user) | everybody | (teams & models.Q(owner__isnull=True))


class CannedResponse(models.Model):
    """A text that is put into a reply by typing `/` and its shortcut. Without owner and team everybody has it.

    `text` may hold variables such as {{customer.name}}; helpdesk.canned lists them and fills them in.
    """

    name = models.CharField(_("name"), max_length=120)
    shortcut = models.SlugField(_("shortcut"), max_length=40, allow_unicode=True, help_text=_("Typed after “/”."))
    folder = models.CharField(
        _("folder"), max_length=120, blank=True, help_text=_("Folders inside folders are written with “/”.")
    )
    text = models.TextField(_("text"))
    language = models.CharField(_("language"), max_length=10, blank=True, help_text=_("Empty: for every language."))
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("team"))
    owner = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("owner"))
    is_active = models.BooleanField(_("active"), default=True)
    use_count = models.PositiveIntegerField(_("used"), default=0, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    objects = SharedQuerySet.as_manager()

    class Meta:
        verbose_name = _("canned response")
        verbose_name_plural = _("canned responses")
        ordering: ClassVar[list[str]] = ["folder", "name", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["shortcut", "language", "team", "owner"], nulls_distinct=False, name="canned_shortcut_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class CannedFile(models.Model):
    """A file that travels with a canned response; its bytes are a blob named by sha256."""

    response = models.ForeignKey(CannedResponse, models.CASCADE, related_name="files", verbose_name=_("response"))
    name = models.CharField(_("name"), max_length=255)
    content_type = models.CharField(_("type"), max_length=150)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    sha256 = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("file of a canned response")
        verbose_name_plural = _("files of canned responses")
        ordering: ClassVar[list[str]] = ["pk"]

    def __str__(self) -> str:
        return self.name


class Macro(models.Model):
    """Several actions in one click. `steps` is a list of {"do": ..., ...}; helpdesk.actions.macros knows what may stand there."""

    name = models.CharField(_("name"), max_length=120)
    folder = models.CharField(_("folder"), max_length=120, blank=True)
    steps = models.JSONField(_("steps"), default=list)
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("team"))
    owner = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("owner"))
    is_active = models.BooleanField(_("active"), default=True)
    use_count = models.PositiveIntegerField(_("used"), default=0, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    objects = MacroQuerySet.as_manager()

    class Meta:
        verbose_name = _("macro")
        verbose_name_plural = _("macros")
        ordering: ClassVar[list[str]] = ["folder", "name", "pk"]

    def __str__(self) -> str:
        return self.name
