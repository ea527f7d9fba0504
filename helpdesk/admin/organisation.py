"""Teams, sites, queues, skills, tags, issue types, and the calendars (whose form is in calendar_form.py)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from helpdesk import access
from helpdesk.admin.base import HouseAdmin, mark
from helpdesk.admin.calendar_form import DAYS, CalendarForm, day_words
from helpdesk.admin.holiday_pages import HolidayPages
from helpdesk.admin.people import MembershipInline, save_memberships
from helpdesk.hours import is_open, next_opening
from helpdesk.models import (
    BusinessCalendar,
    CalendarHoliday,
    IssueType,
    Queue,
    Site,
    Skill,
    SkillGroup,
    Tag,
    Team,
    TeamMembership,
)
from helpdesk.now import now
from helpdesk.templatetags.moments import moment


class TeamPeople(MembershipInline):
    """People on the page of a team."""

    fk_name = "team"
    autocomplete_fields = ("user",)
    verbose_name_plural = _("people")


@admin.register(Team)
class TeamAdmin(HouseAdmin[Team]):
    """Teams."""

    kept = True
    list_display = ("name", "site", "shown_queues", "people_count")
    list_filter = ("site",)
    list_select_related = ("site",)
    search_fields = ("name",)
    autocomplete_fields = ("site",)
    inlines = (TeamPeople,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        """With queues and the number of people."""
        queues = Prefetch("queues", Queue.objects.order_by("name"))
        return super().get_queryset(request).annotate(people_count=Count("memberships")).prefetch_related(queues)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Memberships through the actions."""
        if formset.model is TeamMembership:
            save_memberships(formset, access.actor_of(request))
        else:
            super().save_formset(request, form, formset, change)

    def audit_form(self, request: HttpRequest, form: Any, formsets: Any, *, change: bool) -> None:
        """Memberships wrote their own lines."""
        super().audit_form(request, form, [f for f in formsets if f.model is not TeamMembership], change=change)

    @admin.display(description=_("queues"))
    def shown_queues(self, obj: Team) -> str:
        """In a row."""
        return ", ".join(q.name for q in obj.queues.all()) or "-"

    @admin.display(description=_("people"), ordering="people_count")
    def people_count(self, obj: Team) -> int:
        """How many."""
        return int(getattr(obj, "people_count", 0))


@admin.register(Site)
class SiteAdmin(HouseAdmin[Site]):
    """Places."""

    kept = True
    list_display = ("name", "country", "calendar")
    list_select_related = ("calendar",)
    list_filter = ("country",)
    search_fields = ("name", "country")
    autocomplete_fields = ("calendar",)


@admin.register(Queue)
class QueueAdmin(HouseAdmin[Queue]):
    """Queues. Switched off instead of deleted: tickets and history point at them."""

    kept = True
    list_display = ("name", "team", "calendar", "position", "shown_state")
    list_filter = ("is_active", "team")
    list_select_related = ("team", "calendar")
    search_fields = ("name", "team__name")
    autocomplete_fields = ("team", "calendar")

    @admin.display(description=_("state"), ordering="is_active")
    def shown_state(self, obj: Queue) -> SafeString:
        """Active or not."""
        return mark("ok", _("active")) if obj.is_active else mark("quiet", _("switched off"))


class DaysOff(admin.TabularInline[CalendarHoliday, BusinessCalendar]):
    """Days off, with where they come from."""

    model = CalendarHoliday
    extra = 0
    fields = ("date", "name", "shown_source")
    readonly_fields = ("shown_source",)
    verbose_name_plural = _("holidays")

    @admin.display(description=_("from"))
    def shown_source(self, obj: CalendarHoliday) -> str:
        """The list it was taken from and its edition."""
        if not obj.source:
            return str(_("by hand"))
        words = f"{obj.source} ({obj.version})" if obj.version else obj.source
        return str(_("%(source)s, estimated") % {"source": words}) if obj.estimated else words


@admin.register(BusinessCalendar)
class BusinessCalendarAdmin(HolidayPages, HouseAdmin[BusinessCalendar]):
    """Opening hours, edited as people write them."""

    kept = True
    form = CalendarForm
    change_form_template = "admin/helpdesk/businesscalendar/change_form.html"
    inlines = (DaysOff,)
    list_display = ("name", "time_zone", "shown_week", "open_now")
    list_filter = ("time_zone",)
    search_fields = ("name", "time_zone")

    def get_fieldsets(self, request: HttpRequest, obj: BusinessCalendar | None = None) -> Any:
        """Days off without a name are shown where there are any."""
        bare = obj is not None and bool(obj.holidays)
        return (
            (None, {"fields": ("name", "time_zone")}),
            (
                _("Weekly hours"),
                {
                    "fields": DAYS,
                    "description": _(
                        "Write 09:00-12:00, 13:00-17:00. Leave a day empty when it is closed. 22:00-06:00 runs into the next day."
                    ),
                },
            ),
            (_("Special days"), {"fields": (*(("holidays",) if bare else ()), "overrides")}),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BusinessCalendar]:
        """With the days off, in one query."""
        return super().get_queryset(request).prefetch_related("days_off")

    @admin.display(description=_("weekly hours"))
    def shown_week(self, obj: BusinessCalendar) -> str:
        """The hours of the first open day and how many days there are."""
        days = [day for day in DAYS if obj.weekly.get(day)]
        if not days:
            return "-"
        return _("%(n)s days, %(hours)s") % {"n": len(days), "hours": day_words(obj.weekly[days[0]])}

    @admin.display(description=_("now"))
    def open_now(self, obj: BusinessCalendar) -> SafeString:
        """Open, or when next."""
        try:
            calendar = obj.as_calendar()
        except (ValueError, TypeError, KeyError):
            return mark("bad", _("cannot be read"))
        if is_open(now(), calendar):
            return mark("ok", _("open"))
        opening = next_opening(now(), calendar)
        if opening is None:
            return mark("act", _("never opens"))
        return mark("quiet", _("opens %(when)s") % {"when": moment(opening)})


@admin.register(SkillGroup)
class SkillGroupAdmin(HouseAdmin[SkillGroup]):
    """Families of skills."""

    list_display = ("name",)
    search_fields = ("name",)


@admin.register(Skill)
class SkillAdmin(HouseAdmin[Skill]):
    """Skills."""

    list_display = ("name", "group", "parent", "language", "holder_count")
    list_filter = ("group",)
    list_select_related = ("group", "parent")
    search_fields = ("name", "group__name", "language")
    autocomplete_fields = ("group", "parent")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Skill]:
        """With the number of people who have it."""
        return super().get_queryset(request).annotate(holder_count=Count("holders"))

    @admin.display(description=_("people"), ordering="holder_count")
    def holder_count(self, obj: Skill) -> int:
        """How many."""
        return int(getattr(obj, "holder_count", 0))


@admin.register(Tag)
class TagAdmin(HouseAdmin[Tag]):
    """Tags."""

    list_display = ("name", "description")
    search_fields = ("name", "description")


@admin.register(IssueType)
class IssueTypeAdmin(HouseAdmin[IssueType]):
    """Issue types with sub-types."""

    list_display = ("name", "parent")
    list_select_related = ("parent",)
    list_filter = (("parent", admin.RelatedOnlyFieldListFilter),)
    search_fields = ("name", "parent__name")
    autocomplete_fields = ("parent",)
