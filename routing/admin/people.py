"""Reasons, dispositions, the policy of teams, shifts and capacity."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms.models import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from helpdesk import access
from helpdesk.actions import BadInput
from helpdesk.admin.base import HouseAdmin, mark, when
from helpdesk.admin.calendar_form import DAYS, day_field, windows_of
from helpdesk.admin.line_widgets import Column, LinesArea, column
from helpdesk.admin.organisation import TeamAdmin
from helpdesk.admin.people import zones
from helpdesk.models import Role, Site, Team, User
from helpdesk.now import now
from helpdesk.said import said
from routing.actions.capacity import set_capacity
from routing.actions.shifts import MOST_WEEKS, plan_shifts
from routing.admin.choices import FreshLines, queue_choices
from routing.models import AgentPresence, ContactChannel, Disposition, NotReadyReason, Shift, TeamRouting
from routing.queries.settings import COST

_STATE_TONES = {"ready": "ok", "not_ready": "act", "break": "act", "rona": "bad", "disconnected": "bad"}


@admin.register(NotReadyReason)
class NotReadyReasonAdmin(HouseAdmin[NotReadyReason]):
    """Why somebody is not ready."""

    list_display = ("name", "code", "is_break", "is_paid", "is_productive", "position", "is_active")
    list_filter = ("is_active", "is_break")
    search_fields = ("name", "code")
    prepopulated_fields = {"code": ("name",)}

    def get_prepopulated_fields(self, request: HttpRequest, obj: NotReadyReason | None = None) -> Any:
        """The code of a new one follows its name."""
        return {} if obj is not None else self.prepopulated_fields


@admin.register(Disposition)
class DispositionAdmin(HouseAdmin[Disposition]):
    """How contacts end."""

    list_display = ("name", "queue", "position", "is_active")
    list_filter = ("is_active", "queue")
    list_select_related = ("queue",)
    search_fields = ("name",)
    autocomplete_fields = ("queue",)


class TeamRoutingInline(admin.StackedInline[TeamRouting, Team]):
    """Shift and break policy on the page of a team."""

    model = TeamRouting
    can_delete = False
    verbose_name_plural = gettext_lazy("shifts and breaks")


TeamAdmin.hang(TeamRoutingInline)


@admin.register(TeamRouting)
class TeamRoutingAdmin(HouseAdmin[TeamRouting]):
    """Shift and break policy of teams."""

    list_display = ("team", "max_on_break", "break_minutes", "break_floor", "ready_outside_shift")
    list_select_related = ("team",)
    search_fields = ("team__name",)
    autocomplete_fields = ("team",)


class WeekForm(forms.Form):
    """A week's pattern for several people."""

    people = forms.ModelMultipleChoiceField(
        label=gettext_lazy("People"),
        queryset=User.objects.filter(is_active=True).exclude(role=Role.LIGHT).order_by("name"),
        widget=forms.CheckboxSelectMultiple,
    )
    first = forms.DateField(
        label=gettext_lazy("First week"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("Any day of it."),
    )
    weeks = forms.IntegerField(label=gettext_lazy("For how many weeks"), min_value=1, max_value=MOST_WEEKS, initial=1)
    site = forms.ModelChoiceField(
        label=gettext_lazy("Site"),
        queryset=Site.objects.select_related("calendar"),
        required=False,
        help_text=gettext_lazy("Without a time zone below, the hours go by the clock of its calendar."),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"), choices=lambda: [("", "---------"), *zones()], required=False
    )
    mon = day_field(gettext_lazy("Monday"))
    tue = day_field(gettext_lazy("Tuesday"))
    wed = day_field(gettext_lazy("Wednesday"))
    thu = day_field(gettext_lazy("Thursday"))
    fri = day_field(gettext_lazy("Friday"))
    sat = day_field(gettext_lazy("Saturday"))
    sun = day_field(gettext_lazy("Sunday"))
    replaces = forms.BooleanField(
        label=gettext_lazy("Replace the shifts these people have in these weeks"), required=False, initial=True
    )

    def clean(self) -> dict[str, Any]:
        """Reads the hours, a field's error where its own are wrong."""
        values: dict[str, Any] = super().clean() or {}
        weekly: dict[str, Any] = {}
        for day in DAYS:
            try:
                weekly[day] = windows_of(values.get(day, ""))
            except ValidationError as problem:
                self.add_error(day, problem)
        site = values.get("site")
        own = site.calendar.time_zone if site is not None and site.calendar is not None else ""
        zone = values.get("time_zone") or own or "UTC"
        return {**values, "weekly": {day: hours for day, hours in weekly.items() if hours}, "zone": zone}


@admin.register(Shift)
class ShiftAdmin(HouseAdmin[Shift]):
    """Who works when."""

    change_list_template = "admin/routing/shift/change_list.html"
    list_display = ("user", "starts", "ends", "shown_hours", "site")
    list_filter = ("starts_at", "site", "user__teams")
    list_select_related = ("user", "site")
    search_fields = ("user__name", "user__email")
    autocomplete_fields = ("user", "site")
    date_hierarchy = "starts_at"
    ordering = ("-starts_at", "pk")

    def get_urls(self) -> list[URLPattern]:
        """Adds the page that plans weeks."""
        view = self.admin_site.admin_view(self.week_view)
        return [path("week/", view, name="routing_shift_week"), *super().get_urls()]

    def week_view(self, request: HttpRequest) -> HttpResponse:
        """Writes a week's pattern for several people at once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = WeekForm(request.POST or None, initial={"first": now().date()})
        if request.method == "POST" and form.is_valid():
            values = form.cleaned_data
            try:
                made = plan_shifts(
                    actor=access.actor_of(request),
                    users=list(values["people"]),
                    weekly=values["weekly"],
                    zone=values["zone"],
                    first=values["first"],
                    weeks=values["weeks"],
                    site=values["site"],
                    replaces=values["replaces"],
                )
            except BadInput as problem:
                form.add_error(None, said(problem))
            else:
                self.message_user(
                    request, ngettext("%(n)s shift written.", "%(n)s shifts written.", made) % {"n": made}
                )
                return redirect(reverse("admin:routing_shift_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Plan a week"),
            "form": form,
            "media": form.media,
        }
        return TemplateResponse(request, "admin/routing/shift/week.html", context)

    @admin.display(description=gettext_lazy("from"), ordering="starts_at")
    def starts(self, obj: Shift) -> SafeString | str:
        """Short."""
        return when(obj.starts_at)

    @admin.display(description=gettext_lazy("to"), ordering="ends_at")
    def ends(self, obj: Shift) -> SafeString | str:
        """Short."""
        return when(obj.ends_at)

    @admin.display(description=gettext_lazy("hours"))
    def shown_hours(self, obj: Shift) -> str:
        """How long it is."""
        return f"{(obj.ends_at - obj.starts_at).total_seconds() / 3600:g}"


def _penalty_columns() -> tuple[Column, ...]:
    return (column("select", gettext_lazy("queue"), queue_choices()), column("number", gettext_lazy("penalty")))


class CapacityForm(ModelForm[AgentPresence]):
    """How much somebody may hold at once."""

    caps = forms.CharField(
        label=gettext_lazy("most at once by channel"),
        required=False,
        widget=LinesArea(
            [
                column("select", gettext_lazy("channel"), ContactChannel.choices),
                column("number", gettext_lazy("at most")),
            ],
            add=gettext_lazy("channel"),
            none=gettext_lazy("as many as the units allow"),
            rows=3,
        ),
        help_text=gettext_lazy("A channel and a number a line, such as chat 4."),
    )

    penalties = forms.CharField(
        label=gettext_lazy("penalty by queue"),
        required=False,
        widget=FreshLines(
            _penalty_columns, add=gettext_lazy("queue"), none=gettext_lazy("none: first in every queue"), rows=3
        ),
        help_text=gettext_lazy(
            "The number of a queue and a penalty a line, such as 4 2. Agents without one come first where a queue looks at"
            " penalties; steps of plans let the others in as a contact waits."
        ),
    )

    class Meta:
        model = AgentPresence
        fields = ("user", "units", "caps", "position", "penalties")
        help_texts = {
            "units": ", ".join(f"{channel.value} {cost}" for channel, cost in COST.items()),
            "position": gettext_lazy("For queues that offer in a fixed order; the smallest number comes first."),
        }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        caps = self.instance.caps if isinstance(self.instance.caps, dict) else {}
        self.initial["caps"] = "\n".join(f"{channel} {most}" for channel, most in sorted(caps.items()))
        penalties = self.instance.penalties if isinstance(self.instance.penalties, dict) else {}
        self.initial["penalties"] = "\n".join(f"{queue} {number}" for queue, number in sorted(penalties.items()))

    def clean_caps(self) -> dict[str, int]:
        """Lines as {"chat": 4}."""
        found: dict[str, int] = {}
        for line in self.cleaned_data["caps"].splitlines():
            if not line.strip():
                continue
            channel, _sep, most = line.strip().rpartition(" ")
            if channel.strip() not in ContactChannel.values or not most.isdecimal():
                raise ValidationError(
                    _("“%(line)s” is no channel with a number, such as chat 4.") % {"line": line.strip()}
                )
            found[channel.strip()] = int(most)
        return found

    def clean_penalties(self) -> dict[str, int]:
        """Lines as {"4": 2}."""
        found: dict[str, int] = {}
        for line in self.cleaned_data["penalties"].splitlines():
            if not line.strip():
                continue
            queue, _sep, number = line.strip().partition(" ")
            if not queue.isdecimal() or not number.strip().isdecimal():
                words = _("“%(line)s” is no penalty: write the number of a queue and a penalty, such as 4 2.")
                raise ValidationError(words % {"line": line.strip()})
            found[queue] = int(number)
        return found


@admin.register(AgentPresence)
class AgentPresenceAdmin(HouseAdmin[AgentPresence]):
    """Capacity of agents. Their state is looked at here, and changed by themselves or on the board."""

    kept = True
    form = CapacityForm
    list_display = ("user", "shown_state", "since", "seen", "units", "shown_caps", "shown_accepts", "missed")
    list_filter = ("state", "reason", "user__teams")
    list_select_related = ("user", "reason")
    search_fields = ("user__name", "user__email")
    autocomplete_fields = ("user",)
    ordering = ("user__name",)
    readonly_fields = ("shown_state", "since_at", "seen_at", "idle_since_at", "returns_at", "missed", "shown_accepts")

    def get_readonly_fields(self, request: HttpRequest, obj: AgentPresence | None = None) -> Any:
        """The state always; whose it is once it is there."""
        return (*self.readonly_fields, *(("user",) if obj is not None else ()))

    def get_fieldsets(self, request: HttpRequest, obj: AgentPresence | None = None) -> Any:
        """Capacity to be written, the state to be read."""
        capacity = (gettext_lazy("Capacity"), {"fields": ("user", "units", "caps", "position", "penalties")})
        if obj is None:
            return (capacity,)
        return (capacity, (gettext_lazy("State now"), {"fields": self.readonly_fields}))

    def save_model(self, request: HttpRequest, obj: AgentPresence, form: Any, change: bool) -> None:
        """By the action: the state may have changed since the page was opened, and stays as it is."""
        values = form.cleaned_data
        user = obj.user if change else values["user"]
        actor = access.actor_of(request)
        numbers = {name: values[name] for name in ("units", "caps", "position", "penalties")}
        row = set_capacity(actor=actor, user=user, **numbers)
        obj.pk, obj._state.adding = row.pk, False
        obj.refresh_from_db()

    def audit_form(self, request: HttpRequest, form: Any, formsets: Any, *, change: bool) -> None:
        """The action wrote its own line."""

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def shown_state(self, obj: AgentPresence) -> SafeString:
        """With its reason."""
        words = obj.get_state_display()
        return mark(_STATE_TONES.get(obj.state, "quiet"), f"{words} · {obj.reason}" if obj.reason else words)

    @admin.display(description=gettext_lazy("since"), ordering="since_at")
    def since(self, obj: AgentPresence) -> SafeString | str:
        """Short."""
        return when(obj.since_at)

    @admin.display(description=gettext_lazy("last heartbeat"), ordering="seen_at")
    def seen(self, obj: AgentPresence) -> SafeString | str:
        """Short."""
        return when(obj.seen_at)

    @admin.display(description=gettext_lazy("most at once"))
    def shown_caps(self, obj: AgentPresence) -> str:
        """By channel."""
        return ", ".join(f"{_channel(name)} {most}" for name, most in sorted(obj.caps.items())) or "-"

    @admin.display(description=gettext_lazy("channels accepted"))
    def shown_accepts(self, obj: AgentPresence) -> str:
        """The switches the agent has set himself."""
        return ", ".join(_channel(name) for name in obj.accepts) or "-"


def _channel(name: str) -> str:
    return str(ContactChannel(name).label) if name in ContactChannel.values else name
