"""What others point at: sites, calendars, teams, queues, skills, tags, issue types. Routing hangs its settings on them."""

from __future__ import annotations

from typing import ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from helpdesk.hours import Calendar
from helpdesk.models.actors import Actor
from helpdesk.models.people import User
from helpdesk.said import said


class BusinessCalendar(models.Model):
    """Opening hours with holidays and special days, in its own time zone (rules: helpdesk/hours.py)."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    weekly = models.JSONField(
        _("weekly hours"),
        default=dict,
        blank=True,
        help_text=_('Windows by day, such as {"mon": [["09:00", "17:00"]]}. A window may run past midnight.'),
    )
    holidays = models.JSONField(_("holidays"), default=list, blank=True, help_text=_('Dates: ["2026-12-25"].'))
    overrides = models.JSONField(
        _("special days"),
        default=dict,
        blank=True,
        help_text=_('{"2026-12-24": [["08:00", "12:00"]]}; [] closes the day.'),
    )

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name

    def as_calendar(self) -> Calendar:
        """The calendar as the pure core takes it. Raises ValueError with a sentence when the row is wrong.

        Reads the frozen days off as well: whoever asks often fetches them with `prefetch_related("days_off")`.
        """
        rows = [row.date.isoformat() for row in self.days_off.all()] if self.pk else []
        free = [*self.holidays, *rows]
        return Calendar.from_dict(
            {"tz": self.time_zone, "weekly": self.weekly, "holidays": free, "overrides": self.overrides}
        )

    def clean(self) -> None:
        """Refuses hours that the clocks could not read."""
        try:
            self.as_calendar()
        except (ValueError, TypeError, AttributeError, KeyError) as problem:
            raise ValidationError(said(problem)) from problem


class CalendarHoliday(models.Model):
    """A day off, frozen: written by hand, or taken over from a list (helpdesk.actions.calendars) that is named here."""

    calendar = models.ForeignKey(BusinessCalendar, models.CASCADE, related_name="days_off", verbose_name=_("calendar"))
    date = models.DateField(_("date"))
    name = models.CharField(_("name"), max_length=120, blank=True)
    source = models.CharField(_("from"), max_length=60, blank=True)  # DE-BY, the name of a file; empty: by hand
    version = models.CharField(_("edition"), max_length=60, blank=True)
    estimated = models.BooleanField(_("estimated"), default=False)

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering: ClassVar[list[str]] = ["date"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["calendar", "date"], name="calendar_holiday_once")
        ]

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d} {self.name}".strip()


class Site(models.Model):
    """A place people work from."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    country = models.CharField(_("country code"), max_length=2, blank=True)
    calendar = models.ForeignKey(BusinessCalendar, models.PROTECT, verbose_name=_("calendar"), null=True, blank=True)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """Agents who share queues. What a team may see hangs on its queues."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    site = models.ForeignKey(Site, models.PROTECT, verbose_name=_("site"), null=True, blank=True)
    members = models.ManyToManyField(User, through="TeamMembership", related_name="teams", verbose_name=_("members"))

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class TeamRole(models.TextChoices):
    """What a person is within one team."""

    MEMBER = "member", _("member")
    LEAD = "lead", _("lead")


class TeamMembership(models.Model):
    """A person in a team."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships", verbose_name=_("team"))
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name=_("user"))
    role = models.CharField(_("role in the team"), max_length=10, choices=TeamRole, default=TeamRole.MEMBER)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["team", "user"], name="membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.team}"


class QueueQuerySet(models.QuerySet["Queue"]):
    """Reads of queues."""

    def visible_to(self, actor: Actor) -> Self:
        """The queues whose tickets the actor may see; customers see those they may write to."""
        if actor.sees_everything:
            return self
        if actor.customer is not None:
            return self.filter(is_public=True, is_active=True)
        return self.filter(team_id__in=actor.team_ids())


class Queue(models.Model):
    """Where tickets of one kind wait. Belongs to one team."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    team = models.ForeignKey(Team, models.PROTECT, related_name="queues", verbose_name=_("team"))
    calendar = models.ForeignKey(BusinessCalendar, models.PROTECT, verbose_name=_("hours"), null=True, blank=True)
    icon = models.CharField(_("icon"), max_length=30, blank=True, help_text=_("Name of a symbol in the icon sprite."))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("active"), default=True)
    is_public = models.BooleanField(
        _("customers may choose it"),
        default=False,
        help_text=_("Then its name is shown to customers who write a new ticket on their own pages."),
    )

    objects = QueueQuerySet.as_manager()

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering: ClassVar[list[str]] = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class SkillGroup(models.Model):
    """A family of skills, such as languages or products."""

    name = models.CharField(_("name"), max_length=100, unique=True)

    class Meta:
        verbose_name = _("skill group")
        verbose_name_plural = _("skill groups")
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class Skill(models.Model):
    """What a contact may need and an agent may have. A sub-skill has a parent."""

    group = models.ForeignKey(SkillGroup, models.PROTECT, related_name="skills", verbose_name=_("group"))
    parent = models.ForeignKey("self", models.PROTECT, verbose_name=_("part of"), null=True, blank=True)
    name = models.CharField(_("name"), max_length=100)
    language = models.CharField(
        _("language code"), max_length=10, blank=True, help_text=_("Set when the skill is a language, such as fa.")
    )

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        ordering: ClassVar[list[str]] = ["group__name", "name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["group", "name"], name="skill_once_in_group")
        ]

    def __str__(self) -> str:
        return self.name


class AgentSkill(models.Model):
    """An agent's proficiency, 1 (learning) to 5 (expert), until it expires."""

    user = models.ForeignKey(User, models.CASCADE, related_name="skills", verbose_name=_("agent"))
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="holders", verbose_name=_("skill"))
    level = models.PositiveSmallIntegerField(_("level"), default=3)
    expires_on = models.DateField(_("expires on"), null=True, blank=True)

    class Meta:
        verbose_name = _("agent's skill")
        verbose_name_plural = _("agents' skills")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "skill"], name="agent_skill_once"),
            models.CheckConstraint(condition=models.Q(level__gte=1, level__lte=5), name="agent_skill_level_1_to_5"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.skill} {self.level}"


class Tag(models.Model):
    """A word hung on tickets."""

    name = models.CharField(_("name"), max_length=60)
    description = models.CharField(_("description"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [models.UniqueConstraint(Lower("name"), name="tag_once")]

    def __str__(self) -> str:
        return self.name


class IssueType(models.Model):
    """What a ticket is about, with sub-types; the rows of the escalation matrix."""

    name = models.CharField(_("name"), max_length=100)
    parent = models.ForeignKey("self", models.PROTECT, verbose_name=_("part of"), null=True, blank=True)

    class Meta:
        verbose_name = _("issue type")
        verbose_name_plural = _("issue types")
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["parent", "name"], name="issue_type_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.name
