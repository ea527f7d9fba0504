"""What snoozing offers: each preset with the moment it means, by the reader's clock and the hours of the ticket's queue.

A preset that falls outside the hours means the opening after it: what wakes at night is looked at in the morning anyway.
A moment somebody chooses to the minute is kept as he chose it. Called by the views of tickets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from helpdesk.hours import Calendar, next_opening
from helpdesk.models import BusinessCalendar
from helpdesk.now import now
from helpdesk.presets import moment_of

PRESETS = ("later", "tomorrow", "monday", "week")


@dataclass(frozen=True)
class Rest:
    """A preset of the menu."""

    key: str
    words: str
    until: datetime


def preset_moment(choice: str, calendar: BusinessCalendar | None) -> datetime | None:
    """The moment a preset stands for now; None for a word that is no preset."""
    if choice not in PRESETS:
        return None
    moment = moment_of(choice, timezone.localtime(now()))
    if moment is None or calendar is None:
        return moment
    return _in_hours(moment, calendar.as_calendar())


def _in_hours(moment: datetime, hours: Calendar | None) -> datetime:
    return moment if hours is None else next_opening(moment, hours) or moment


def rests(hours: Calendar | None) -> list[Rest]:
    """The presets for a ticket whose queue has these hours, in the order of the menu."""
    words = {
        "later": _("Later today"),
        "tomorrow": _("Tomorrow 9:00"),
        "monday": _("Monday 9:00"),
        "week": _("In a week"),
    }
    local = timezone.localtime(now())
    found = [(key, moment_of(key, local)) for key in PRESETS]
    return [Rest(key, words[key], _in_hours(until, hours)) for key, until in found if until is not None]
