"""Template words for times: moments in the reader's zone, durations in short words, the clock of a ticket."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from django import template
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from helpdesk.dates import date_in_words
from helpdesk.models import ACTIVE, Status
from helpdesk.now import now
from helpdesk.templatetags.desk import icon

register = template.Library()
_TIME = "H:i"


@register.filter
def moment(at: datetime | None) -> str:
    """The time today, the day and time this year, else the whole date; in the reader's zone."""
    if at is None:
        return ""
    local, today = timezone.localtime(at), timezone.localtime(now())
    clock = time_format(local, _TIME)
    if local.date() == today.date():
        return clock
    if local.date() == today.date() - timedelta(days=1):
        return _("yesterday %(time)s") % {"time": clock}
    if local.date() == today.date() + timedelta(days=1):
        return _("tomorrow %(time)s") % {"time": clock}
    # Translators: date format of a day and month, in Django's letters
    day_and_month = date_in_words(local, pgettext("date format", "j M"))
    if abs((local - today).days) < 200:
        return f"{day_and_month} {clock}"
    return f"{day_and_month} {date_in_words(local, 'Y')}"


@register.filter
def clock_time(at: datetime) -> str:
    """The time of day; the day itself stands above in the timeline."""
    return time_format(timezone.localtime(at), _TIME)


@register.filter
def day(at: datetime) -> str:
    """The day, as it stands between the messages of a timeline."""
    local, today = timezone.localtime(at).date(), timezone.localtime(now()).date()
    if local == today:
        return _("Today")
    if local == today - timedelta(days=1):
        return _("Yesterday")
    return date_in_words(local, pgettext("date format", "l j F Y"))


@register.filter
def year(at: datetime) -> str:
    """The year in the reader's zone and calendar."""
    return date_in_words(timezone.localtime(at), "Y")


@register.filter
def day_key(at: datetime) -> str:
    """The day in the reader's zone, as a key."""
    return timezone.localtime(at).date().isoformat()


@register.filter
def iso(at: datetime | None) -> str:
    """The moment for <time datetime>."""
    return at.isoformat() if at else ""


def duration(seconds: float) -> str:
    """A duration in at most two units: 38 min, 2 h 10 min, 3 d."""
    minutes = max(0, int(seconds // 60))
    if minutes < 60:
        return _("%(n)s min") % {"n": minutes}
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        words = _("%(n)s h") % {"n": hours}
        return f"{words} {_('%(n)s min') % {'n': rest}}" if rest and hours < 10 else words
    return _("%(n)s d") % {"n": hours // 24}


class Timed(Protocol):
    """What a clock is told from: a ticket, or its row in a list."""

    @property
    def status(self) -> str: ...
    @property
    def changed_at(self) -> datetime: ...
    @property
    def rank_at(self) -> datetime: ...
    @property
    def due_at(self) -> datetime | None: ...
    @property
    def waiting_since_at(self) -> datetime | None: ...
    @property
    def snoozed_until_at(self) -> datetime | None: ...


@register.simple_tag
def ticket_clock(ticket: Timed) -> SafeString:
    """What the ticket waits for and how long, with the ring: a deadline, the customer's wait, a snooze, or nothing."""
    at = now()
    if ticket.status == Status.SNOOZED and ticket.snoozed_until_at:
        return _clock("paused", icon("moon"), _("Wakes"), moment(ticket.snoozed_until_at))
    if ticket.status in {Status.PENDING, Status.ON_HOLD, Status.SNOOZED}:
        return _clock("paused", icon("pause"), _("Clock"), _("paused"))
    if ticket.status not in ACTIVE:
        return format_html('<span class="clock" data-state="none"><bdi>{}</bdi></span>', moment(ticket.changed_at))
    if ticket.due_at is not None:
        left = (ticket.due_at - at).total_seconds()
        if left < 0:
            return _clock("breach", icon("s-breach"), _("Due"), _("%(time)s over") % {"time": duration(-left)})
        whole = max((ticket.due_at - ticket.rank_at).total_seconds(), 3600.0)
        share = min(100, max(1, round(left * 100 / whole)))
        return _clock("soon" if share < 34 else "ok", _ring(share), _("Due in"), duration(left))
    if ticket.waiting_since_at is not None:
        return _clock("ok", icon("hourglass"), _("Waits for"), duration((at - ticket.waiting_since_at).total_seconds()))
    return format_html('<span class="clock" data-state="none"><bdi>{}</bdi></span>', moment(ticket.changed_at))


def _clock(state: str, mark: SafeString, said: str, words: str) -> SafeString:
    return format_html(
        '<span class="clock" data-state="{}">{}<span class="visually-hidden">{} </span><bdi>{}</bdi></span>',
        state,
        mark,
        said,
        words,
    )


def _ring(share: int) -> SafeString:
    return format_html(
        '<svg class="ring" viewBox="0 0 16 16" aria-hidden="true"><circle class="ring__track" cx="8" cy="8" r="6.5"/>'
        '<circle class="ring__fill" cx="8" cy="8" r="6.5" pathLength="100" stroke-dasharray="{} 100" '
        'transform="rotate(-90 8 8)"/></svg>',
        share,
    )
