"""The style guide: what its page shows besides the real partials and style sheets."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from helpdesk.models import Channel, Priority, Status
from helpdesk.now import now
from helpdesk.templatetags.desk import avatar_of, channel_mark, priority_mark, status_mark
from helpdesk.templatetags.moments import ticket_clock

#: Tokens with what they mean; each has a class in screens/styleguide.css.
COLOURS = (
    ("canvas", "ground"),
    ("surface", "sheet"),
    ("surface-2", "hover, inset"),
    ("surface-3", "pressed"),
    ("line", "hairline"),
    ("line-strong", "edge"),
    ("line-control", "edge of an input"),
    ("ink", "text"),
    ("ink-2", "second"),
    ("ink-3", "quietest text"),
    ("accent", "link, primary"),
    ("accent-soft", "selected"),
    ("focus", "focus"),
    ("act", "somebody acts"),
    ("act-soft", "its ground"),
    ("wait", "somebody else's turn"),
    ("wait-soft", "its ground"),
    ("done", "done, on target"),
    ("done-soft", "its ground"),
    ("breach", "a broken promise"),
    ("breach-soft", "its ground"),
    ("note", "stays inside"),
    ("whisper", "lead to one agent"),
    ("own", "an agent's words"),
)
SPACES = ("05", "1", "15", "2", "3", "4", "5", "6", "8", "10", "12", "16")
_CURRENT = 48213


@dataclass(frozen=True)
class _Times:
    """The times of a ticket that is not there, for its clock."""

    status: str
    changed_at: datetime
    rank_at: datetime
    due_at: datetime | None = None
    waiting_since_at: datetime | None = None
    snoozed_until_at: datetime | None = None


@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    """The design system on one page: `theme`, `contrast`, `density`, `dir` in the address change how it is shown."""
    asked = request.GET
    guide = {
        "theme": asked.get("theme") if asked.get("theme") in {"light", "dark"} else "",
        "contrast": asked.get("contrast") == "more",
        "density": asked.get("density") if asked.get("density") in {"compact", "cosy"} else "",
        "dir": "rtl" if asked.get("dir") == "rtl" else "ltr",
        "lang": "fa" if asked.get("dir") == "rtl" else "en",
    }
    context = {
        "guide": guide,
        "guide_ways": _ways({name: str(asked[name]) for name in asked if name in guide}),
        "guide_colours": COLOURS,
        "guide_spaces": SPACES,
        "guide_icons": _icon_names(),
        "guide_rows": _rows(),
        "guide_current": {"number": _CURRENT},
    }
    return render(request, "desk/styleguide.html", context)


def _ways(now_shown: dict[str, str]) -> list[tuple[str, str, bool]]:
    """Links that change one thing and keep the others: words, address parameters, whether it is so now."""
    ways = (
        (_("light"), "theme", "light"),
        (_("dark"), "theme", "dark"),
        (_("High contrast"), "contrast", "more"),
        (_("compact"), "density", "compact"),
        (_("roomy"), "density", "cosy"),
        (_("right to left"), "dir", "rtl"),
    )
    found = []
    for words, name, value in ways:
        is_now = now_shown.get(name) == value
        kept = {key: other for key, other in now_shown.items() if key != name}
        found.append((words, urlencode(kept if is_now else {**kept, name: value}), is_now))
    return found


@functools.cache
def _icon_names() -> tuple[str, ...]:
    found = finders.find("helpdesk/icons.svg")
    sprite = Path(str(found)).read_text(encoding="utf-8") if found else ""
    return tuple(re.findall(r'<symbol id="([^"]+)"', sprite))


def _rows() -> list[dict[str, object]]:
    at = now()
    soon, late, long_ago = at + timedelta(minutes=38), at - timedelta(minutes=14), at - timedelta(hours=5)
    return [
        _row(_CURRENT, "Katarzyna Nowak", "The open one, unread", Status.OPEN, due=soon, since=long_ago, unread=True),
        _row(48214, "Grace Mbeki", "Unread, urgent", Status.NEW, unread=True, since=at, priority=Priority.URGENT),
        _row(48215, "Tomás Silva", "Past its deadline", Status.OPEN, due=late, since=long_ago, unread=True),
        _row(48216, "سارا محمدی", "سفارش من هنوز نرسیده است", Status.OPEN, owner="Omid Rahimi", channel=Channel.CHAT),
        _row(48217, "Sven Bergström", "Waiting for the customer", Status.PENDING, owner="Priya Nair"),
        _row(48218, "João Pereira", "Resolved", Status.RESOLVED, owner="Priya Nair", channel=Channel.FORM),
    ]


def _row(
    number: int,
    who: str,
    subject: str,
    status: Status,
    *,
    unread: bool = False,
    owner: str = "",
    due: datetime | None = None,
    since: datetime | None = None,
    priority: Priority = Priority.NORMAL,
    channel: Channel = Channel.MAIL,
) -> dict[str, object]:
    at = now()
    mark = priority_mark(priority, hide_word=True) if priority > Priority.NORMAL else ""
    owner_mark = avatar_of(number, owner, "sm", True) if owner else ""
    return {
        "number": number,
        "address": "#guide",
        "subject": subject,
        "who": who,
        "snippet": "Good morning. Is there any news?",
        "is_unread": unread,
        "mark": status_mark(status, hide_word=True),
        "clock": ticket_clock(_Times(status, at, at, due_at=due, waiting_since_at=since)),
        "meta": format_html("{}{}{}", mark, owner_mark, channel_mark(channel)),
        "select": f"Select #{number}",
        "dot": "",
        "viewers": "",
    }
