"""A calendar as people write it: lines of hours, a line a special day, shown as rows; stored as helpdesk.hours reads it.

Days off are rows of their own (CalendarHoliday), written by hand or taken over on the page in holiday_pages.py.
"""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.admin.line_widgets import LineInput, LinesArea, column
from helpdesk.admin.people import zones
from helpdesk.hours import Calendar
from helpdesk.models import BusinessCalendar
from helpdesk.said import said

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)\b[\s:,;]*(.*)", re.DOTALL)
_CLOSED = {"", "-", "closed"}

Windows = list[list[str]]


def day_words(windows: Windows) -> str:
    """[["09:00", "12:00"], ...] as 09:00-12:00, ..."""
    return ", ".join(f"{opening}-{closing}" for opening, closing in windows)


def windows_of(words: str) -> Windows:
    """The other way round. Raises ValidationError for what is no pair of times."""
    windows: Windows = []
    for part in re.split(r"[,;،؛，；、\n]+", words):
        if part.strip():
            ends = [end.strip() for end in re.split(r"\s*[-–—]\s*", part.strip())]
            if len(ends) != 2 or not all(ends):
                raise ValidationError(
                    _("“%(part)s” is no stretch of hours: write 09:00-17:00.") % {"part": part.strip()}
                )
            windows.append([_clock(end) for end in ends])
    return windows


def _clock(word: str) -> str:
    """9, 9:00 and 9.00 are 09:00; anything else is left for the calendar's own sentence."""
    found = re.fullmatch(r"(\d{1,2})(?:[:.](\d\d))?", word)
    return f"{int(found[1]):02}:{int(found[2] or 0):02}" if found else word


def day_field(label: Any) -> forms.CharField:
    """The hours of one day of the week, as text that is shown as rows."""
    columns = (column("time", gettext_lazy("from")), column("time", gettext_lazy("to")))
    widget = LineInput(columns, between="-", add=gettext_lazy("hours"), none=gettext_lazy("closed"))
    return forms.CharField(label=label, required=False, max_length=200, widget=widget)


class CalendarForm(forms.ModelForm[BusinessCalendar]):
    """See the module."""

    time_zone = forms.ChoiceField(label=gettext_lazy("time zone"), choices=zones)
    mon = day_field(gettext_lazy("Monday"))
    tue = day_field(gettext_lazy("Tuesday"))
    wed = day_field(gettext_lazy("Wednesday"))
    thu = day_field(gettext_lazy("Thursday"))
    fri = day_field(gettext_lazy("Friday"))
    sat = day_field(gettext_lazy("Saturday"))
    sun = day_field(gettext_lazy("Sunday"))
    holidays = forms.CharField(
        label=gettext_lazy("days off without a name"),
        required=False,
        widget=LinesArea([column("date", gettext_lazy("date"))], add=gettext_lazy("day")),
        help_text=gettext_lazy("One date a line, such as 2026-12-25. Days with a name stand below."),
    )
    overrides = forms.CharField(
        label=gettext_lazy("special days"),
        required=False,
        widget=LinesArea(
            [column("date", gettext_lazy("date")), column("text", gettext_lazy("hours, or closed"))],
            add=gettext_lazy("special day"),
        ),
        help_text=gettext_lazy(
            "One a line: 2026-12-24 08:00-12:00, or 2026-12-31 closed. They replace the hours of their day, a holiday's too."
        ),
    )

    class Meta:
        model = BusinessCalendar
        fields = ("name", "time_zone")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        calendar: BusinessCalendar = self.instance
        for day in DAYS:
            self.initial.setdefault(day, day_words(calendar.weekly.get(day, [])))
        self.initial["holidays"] = "\n".join(sorted(calendar.holidays))
        lines = [f"{date} {day_words(windows) or 'closed'}" for date, windows in sorted(calendar.overrides.items())]
        self.initial["overrides"] = "\n".join(lines)
        if not calendar.holidays and "holidays" not in self.data:
            del self.fields["holidays"]  # what older versions wrote; new days off have a name and stand in rows

    def clean(self) -> dict[str, Any]:
        """Puts the lines together and asks helpdesk.hours, strictly, whether its clocks can read them."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        weekly = {
            day: windows for day in DAYS if (windows := self._read(day, lambda d=day: windows_of(values.get(d, ""))))
        }
        free = self._read("holidays", lambda: [date for date, _rest in _dated(values.get("holidays", ""))]) or []
        special = (
            self._read("overrides", lambda: {d: _special(r) for d, r in _dated(values.get("overrides", ""))}) or {}
        )
        if self.errors:
            return values
        plain = {"tz": values["time_zone"], "weekly": weekly, "holidays": sorted(set(free)), "overrides": special}
        try:
            written = Calendar.from_dict(plain, strict=True).to_dict()
        except (ValueError, TypeError) as problem:
            raise ValidationError(said(problem)) from problem
        self.instance.weekly = written["weekly"]
        return {**values, "holidays": written["holidays"], "overrides": written["overrides"]}

    def _read(self, field: str, what: Any) -> Any:
        try:
            return what()
        except ValidationError as problem:
            self.add_error(field, problem)
            return None


def _dated(lines: str) -> list[tuple[str, str]]:
    rows = []
    for line in lines.splitlines():
        if line.strip():
            found = _DATE.fullmatch(line.strip())
            if found is None:
                raise ValidationError(_("“%(line)s” begins with no date such as 2026-12-25.") % {"line": line.strip()})
            rows.append((found[1], found[2].strip()))
    return rows


def _special(words: str) -> Windows:
    return [] if words.lower() in _CLOSED else windows_of(words)
