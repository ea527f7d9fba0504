"""The page "Holidays…" of a calendar: public holidays of a country, or the days of an iCal file, shown as a difference first.

What is written is what was shown: the days travel through the preview signed, and are frozen into rows with their source.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk import access, holiday_lists
from helpdesk.actions.calendars import compared, take_over_days
from helpdesk.holiday_lists import DayOff
from helpdesk.models import BusinessCalendar
from helpdesk.now import now
from helpdesk.said import said

_SALT = "helpdesk.holidays"
_PREVIEW_SECONDS = 3600
_YEARS_AT_MOST = 10
_SOURCE_LENGTH = 60


def _country_choices() -> list[tuple[str, str]]:
    return [("", "---------"), *((code, f"{name} ({code})") for code, name in holiday_lists.countries().items())]


class PublicForm(forms.Form):
    """Which public holidays."""

    country = forms.ChoiceField(label=gettext_lazy("Country"), choices=_country_choices)
    region = forms.CharField(
        label=gettext_lazy("Region"),
        required=False,
        max_length=20,
        help_text=gettext_lazy("Its code, such as BY; empty for what the whole country has."),
    )
    year = forms.IntegerField(label=gettext_lazy("Year"), min_value=1950, max_value=2100)
    days: tuple[DayOff, ...] = ()

    def clean(self) -> dict[str, Any]:
        """Reads the list; an unknown region is refused with those there are."""
        values: dict[str, Any] = super().clean() or {}
        if "country" in values and "year" in values:
            values["region"] = str(values.get("region", "")).strip().upper()
            try:
                self.days = holiday_lists.public_days(values["country"], values["year"], values["region"])
            except ValueError as problem:
                self.add_error("region", said(problem))
        return values

    def source(self) -> str:
        """As the rows keep it: DE, or DE-BY."""
        values = self.cleaned_data
        return "-".join(part for part in (values["country"], values["region"]) if part)

    def years(self) -> list[int]:
        """The one."""
        return [self.cleaned_data["year"]]


class FileForm(forms.Form):
    """Which file, and which of its years."""

    file = forms.FileField(
        label=gettext_lazy("iCal file"), widget=forms.ClearableFileInput(attrs={"accept": ".ics,text/calendar"})
    )
    first = forms.IntegerField(label=gettext_lazy("From the year"), min_value=1950, max_value=2100)
    last = forms.IntegerField(label=gettext_lazy("To the year"), min_value=1950, max_value=2100)
    days: tuple[DayOff, ...] = ()

    def __init__(self, *arguments: Any, zone: ZoneInfo, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.zone = zone

    def clean(self) -> dict[str, Any]:
        """Reads the file; what is wrong with it is said in a sentence."""
        values: dict[str, Any] = super().clean() or {}
        file, first, last = values.get("file"), values.get("first"), values.get("last")
        if not isinstance(file, UploadedFile) or first is None or last is None:
            return values
        if not 0 <= last - first < _YEARS_AT_MOST:
            raise ValidationError(_("Name up to %(n)s years, the first one first.") % {"n": _YEARS_AT_MOST})
        try:
            self.days = holiday_lists.ical_days(file.read(holiday_lists.MOST_BYTES + 1), self.years(), self.zone)
        except ValueError as problem:
            self.add_error("file", said(problem))
        return values

    def source(self) -> str:
        """The name of the file, so that its next edition replaces this one."""
        return str(self.cleaned_data["file"].name)[-_SOURCE_LENGTH:]

    def years(self) -> list[int]:
        """From the first to the last."""
        return list(range(self.cleaned_data["first"], self.cleaned_data["last"] + 1))


class HolidayPages:
    """Mixed into the admin of calendars."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> list[URLPattern]:
        """Adds the page."""
        view = self.admin_site.admin_view(self.holidays_view)
        known: list[URLPattern] = super().get_urls()  # type: ignore[misc]
        return [path("<path:object_id>/holidays/", view, name="helpdesk_businesscalendar_holidays"), *known]

    def holidays_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks, shows the difference, and writes it when it was seen."""
        calendar: BusinessCalendar | None = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if calendar is None:
            raise Http404
        if not self.has_change_permission(request, calendar):  # type: ignore[attr-defined]
            raise PermissionDenied
        step = request.POST.get("step", "")
        if step == "write":
            return self._write(request, calendar)
        zone, year = ZoneInfo(calendar.time_zone), now().year
        public = PublicForm(request.POST if step == "public" else None, initial={"year": year + (now().month > 9)})
        file = FileForm(
            request.POST if step == "file" else None,
            request.FILES if step == "file" else None,
            zone=zone,
            initial={"first": year, "last": year + 1},
        )
        asked = public if step == "public" else file if step == "file" else None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": calendar,
            "title": _("Holidays of %(calendar)s") % {"calendar": calendar},
            "public": public,
            "file": file,
        }
        if asked is not None and asked.is_valid():
            context |= self._preview(calendar, asked)
        return TemplateResponse(request, "admin/helpdesk/businesscalendar/holidays.html", context)

    def _preview(self, calendar: BusinessCalendar, asked: PublicForm | FileForm) -> dict[str, Any]:
        source, years = asked.source(), asked.years()
        plain = {
            "calendar": calendar.pk,
            "source": source,
            "version": holiday_lists.version() if isinstance(asked, PublicForm) else _imported_on(),
            "years": years,
            "days": [[one.day.isoformat(), one.name, one.is_estimated] for one in asked.days],
        }
        return {
            "changes": compared(calendar, asked.days, source, years),
            "source": source,
            "found": len(asked.days),
            "years": years,
            "payload": signing.dumps(plain, salt=_SALT, compress=True),
        }

    def _write(self, request: HttpRequest, calendar: BusinessCalendar) -> HttpResponse:
        here = reverse("admin:helpdesk_businesscalendar_holidays", args=[calendar.pk])
        try:
            plain = signing.loads(request.POST.get("payload", ""), salt=_SALT, max_age=_PREVIEW_SECONDS)
            if plain["calendar"] != calendar.pk:
                raise signing.BadSignature
        except signing.BadSignature:
            messages.error(request, _("The preview is too old. Nothing was written; please look at it again."))
            return redirect(here)
        days = [DayOff(date.fromisoformat(day), name, guessed) for day, name, guessed in plain["days"]]
        changes = take_over_days(
            calendar=calendar,
            days=days,
            source=plain["source"],
            version=plain["version"],
            years=plain["years"],
            actor=access.actor_of(request),
        )
        words = _("%(added)s days added, %(removed)s removed, %(renamed)s renamed.")
        counts = {name: len(getattr(changes, name)) for name in ("added", "removed", "renamed")}
        messages.success(request, words % counts)
        return redirect(reverse("admin:helpdesk_businesscalendar_change", args=[calendar.pk]))


def _imported_on() -> str:
    return f"iCal, {now():%Y-%m-%d}"
