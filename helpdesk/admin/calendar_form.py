"""A calendar as people write it: seven lines of hours, a line a holiday, a line a special day; stored as helpdesk.hours reads it.

Public holidays of a country are copied into rows once, when asked for: a law changed later, or a newer list, moves no
deadline by itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import holidays as public_holidays
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.admin.people import zones
from helpdesk.hours import Calendar
from helpdesk.models import BusinessCalendar
from helpdesk.now import now

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
    for part in re.split(r"[,;\n]+", words):
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
    return f"{int(found[1]):02}:{found[2] or '00'}" if found else word


@lru_cache(maxsize=1)
def countries() -> list[tuple[str, str]]:
    """Countries whose holidays are known, as choices."""
    named = {
        entry[1]: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", entry[0]) for entry in public_holidays.registry.COUNTRIES.values()
    }
    return [("", ""), *sorted(((code, f"{name} ({code})") for code, name in named.items()), key=lambda c: c[1])]


def holidays_of(country: str, year: int, region: str = "") -> dict[str, str]:
    """{"2026-12-25": "Christmas Day", …}. Raises ValidationError with the known regions for one that is not."""
    known = public_holidays.list_supported_countries().get(country, [])
    if region and region not in known:
        names = ", ".join(known) or _("none")
        raise ValidationError(
            _("%(country)s has no region %(region)s; known are: %(names)s.")
            % {"country": country, "region": region, "names": names}
        )
    found = public_holidays.country_holidays(country, subdiv=region or None, years=year)
    return {day.isoformat(): name for day, name in sorted(found.items())}


def _hours(label: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=200)


class CalendarForm(forms.ModelForm[BusinessCalendar]):
    """See the module."""

    time_zone = forms.ChoiceField(label=gettext_lazy("time zone"), choices=zones)
    mon = _hours(gettext_lazy("Monday"))
    tue = _hours(gettext_lazy("Tuesday"))
    wed = _hours(gettext_lazy("Wednesday"))
    thu = _hours(gettext_lazy("Thursday"))
    fri = _hours(gettext_lazy("Friday"))
    sat = _hours(gettext_lazy("Saturday"))
    sun = _hours(gettext_lazy("Sunday"))
    holidays = forms.CharField(
        label=gettext_lazy("holidays"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=gettext_lazy(
            "One date a line, such as 2026-12-25. Words after the date are for you and are not kept."
        ),
    )
    overrides = forms.CharField(
        label=gettext_lazy("special days"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy(
            "One a line: 2026-12-24 08:00-12:00, or 2026-12-31 closed. They replace the hours of their day."
        ),
    )
    load_country = forms.ChoiceField(
        label=gettext_lazy("add the public holidays of"), required=False, choices=countries
    )
    load_region = forms.CharField(label=gettext_lazy("region"), required=False, max_length=20)
    load_year = forms.IntegerField(label=gettext_lazy("year"), required=False, min_value=1950, max_value=2100)

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
        self.initial.setdefault("load_year", now().year)

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
        country, year = values.get("load_country"), values.get("load_year")
        if country and year and not self.errors:
            region = str(values.get("load_region", "")).strip().upper()
            free = [*free, *(self._read("load_region", lambda: list(holidays_of(country, year, region))) or [])]
        if self.errors:
            return values
        plain = {"tz": values["time_zone"], "weekly": weekly, "holidays": sorted(set(free)), "overrides": special}
        try:
            written = Calendar.from_dict(plain, strict=True).to_dict()
        except (ValueError, TypeError) as problem:
            raise ValidationError(str(problem)) from problem
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
