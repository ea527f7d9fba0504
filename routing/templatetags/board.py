"""Template words of the board: shares as percent, seconds of a target, clocks that a script lets run on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from helpdesk.now import now
from helpdesk.templatetags.desk import avatar_of, icon

if TYPE_CHECKING:
    from routing.views.board_words import AgentRow

register = template.Library()


@register.filter
def percent(share: float | None) -> str:
    """A share as whole percent; a dash where there is none."""
    return _("%(n)s %%") % {"n": round(share * 100)} if share is not None else "–"


@register.filter
def hundredth(share: float | None) -> int:
    """The share on a scale to 100, for drawings."""
    return min(100, max(0, round((share or 0.0) * 100)))


@register.filter
def short_span(seconds: float) -> str:
    """Seconds of a setting: 20 s, 5 min, 4 h."""
    if seconds < 120:
        return _("%(n)s s") % {"n": int(seconds)}
    if seconds < 7200:
        return _("%(n)s min") % {"n": int(seconds // 60)}
    return _("%(n)s h") % {"n": int(seconds // 3600)}


def stopwatch(seconds: float) -> str:
    """How long: 2:48, 3 h 10, 2 d 4 h. js/board_ticks.js says the same."""
    whole = max(0, int(seconds))
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    hours = whole // 3600
    if hours < 24:
        return _("%(hours)s h %(minutes)s") % {"hours": hours, "minutes": f"{whole % 3600 // 60:02d}"}
    return _("%(days)s d %(hours)s h") % {"days": hours // 24, "hours": hours % 24}


@register.simple_tag
def since(at: datetime | None, class_name: str = "num") -> SafeString | str:
    """The time since then, which goes on running."""
    if at is None:
        return ""
    return format_html(
        '<time class="{}" dir="auto" datetime="{}" data-tick="since">{}</time>',
        class_name,
        at.isoformat(),
        stopwatch((now() - at).total_seconds()),
    )


@register.simple_tag
def waiting_clock(entered: datetime | None, within: float) -> SafeString:
    """How long somebody has waited, against the seconds in which he should be answered: a ring that empties, then red.

    Without such seconds (0) it only says how long.
    """
    if entered is None:
        return format_html('<span class="muted">{}</span>', _("none"))
    waited = (now() - entered).total_seconds()
    if not within:
        return format_html(
            '<span class="clock" data-state="ok"><span class="visually-hidden">{} </span>{}</span>',
            _("waiting"),
            since(entered),
        )
    left = 1.0 - waited / within
    state = "breach" if left <= 0 else "soon" if left < 1 / 3 else "ok"
    return format_html(
        '<span class="clock" data-state="{}" data-clock data-within="{}">'
        '<svg class="ring" viewBox="0 0 16 16" aria-hidden="true"><circle class="ring__track" cx="8" cy="8" r="6.5"/>'
        '<circle class="ring__fill" cx="8" cy="8" r="6.5" pathLength="100" '
        'stroke-dasharray="{} 100" transform="rotate(-90 8 8)"/></svg>{}<span class="visually-hidden">{} </span>'
        '<time dir="auto" datetime="{}" data-tick="since">{}</time></span>',
        state,
        int(within),
        max(0, round(left * 100)),
        icon("s-breach"),
        _("waiting"),
        entered.isoformat(),
        stopwatch(waited),
    )


@register.simple_tag
def meter(share: float | None, target: float, state: str, words: str) -> SafeString:
    """Where we are and where we promised to be."""
    return format_html(
        '<svg class="meter" data-state="{}" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="meter__base" width="100" height="8"/><rect class="meter__fill" width="{}" height="8"/>'
        '<rect class="meter__target" x="{}" width="1" height="8"/></svg>',
        state,
        words,
        hundredth(share),
        min(99, hundredth(target)),
    )


@register.simple_tag
def spark(hours: Sequence[float | None], ahead: float | None, target: float, words: str) -> SafeString | str:
    """Levels of past hours as a line, the coming hour dashed; "" where there is nothing to draw."""
    step = 80 / max(1, len(hours) - 1)
    points = [(round(n * step, 1), _y(share)) for n, share in enumerate(hours) if share is not None]
    if not points and ahead is None:
        return ""
    line = " ".join(f"{x},{y}" for x, y in points) if len(points) > 1 else ""
    coming = ""
    if ahead is not None:
        x, y = points[-1] if points else (80.0, _y(ahead))
        coming = f"{x},{y} 100,{_y(ahead)}"
    return format_html(
        '<svg class="spark" viewBox="0 -2 100 28" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<line class="spark__target" x1="0" x2="100" y1="{}" y2="{}"/><polyline class="spark__line" points="{}"/>'
        '<polyline class="spark__next" data-state="{}" points="{}"/></svg>',
        words,
        _y(target),
        _y(target),
        line,
        "miss" if ahead is not None and ahead < target else "",
        coming,
    )


def _y(share: float) -> float:
    return round(24 * (1 - min(1.0, max(0.0, share))), 1)


@register.simple_tag
def person(row: AgentRow, query: str) -> SafeString:
    """An agent as a button. Of two hundred few change from one look to the next: all but the clock is kept."""
    agent = row.now
    load = (agent.units_used, agent.units_offered, agent.units) if row.has_load else None
    head, tail = _person(agent.user.pk, agent.user.name, row.sub, row.warns, load, query, get_language() or "")
    return format_html("{}{}{}", head, since(agent.since, "person__time num"), tail)


@lru_cache(maxsize=4096)
def _person(
    key: int, name: str, sub: str, warns: bool, load: tuple[int, int, int] | None, query: str, language: str
) -> tuple[SafeString, SafeString]:
    """What stands before and behind the clock; words and load are in the reader's language."""
    head = format_html(
        '<button class="person" type="button" id="a-{}" data-drop-agent="{}"{} hx-get="{}{}" hx-swap="none">{}'
        '<span class="person__name"><bdi>{}</bdi></span>',
        key,
        key,
        format_html(' data-warn="{}"', "") if warns else "",
        reverse("board_agent", args=[key]),
        query,
        avatar_of(key, name, "", True),
        name,
    )
    cells = capacity(*load) if load is not None else ""
    return head, format_html('<span class="person__sub">{}</span>{}</button>', sub, cells)


@lru_cache(maxsize=1024)
def _drawn_capacity(used: int, offered: int, units: int, words: str) -> SafeString:
    """By its words, which are in the reader's language."""
    cells = []
    for n in range(5):
        middle = (n + 0.5) * units / 5
        cells.append("on" if middle <= used else "offer" if middle <= used + offered else "")
    drawn = format_html_join("", "<i{}></i>", ((format_html(' data-on="{}"', cell) if cell else "",) for cell in cells))
    return format_html('<span class="cap" role="img" aria-label="{}" title="{}">{}</span>', words, words, drawn)


@register.simple_tag
def capacity(used: int, offered: int, units: int) -> SafeString:
    """Five cells of an agent's capacity: handled, offered, free."""
    words = _("%(used)s of %(units)s units used") % {"used": used + offered, "units": units}
    return _drawn_capacity(used, offered, units, words)
