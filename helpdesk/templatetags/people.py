"""Template words about customers and time: a span of seconds as people say it."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def span(seconds: float | None) -> str:
    """Two steps of a length of time: "3 d 4 h", "2 h 5 min", "under a minute"; "–" for nothing known."""
    if seconds is None:
        return "–"
    minutes = int(seconds // 60)
    if minutes == 0:
        return _("under a minute") if seconds >= 1 else "–"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return _("%(days)s d %(hours)s h") % {"days": days, "hours": hours}
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    return _("%(minutes)s min") % {"minutes": minutes}
