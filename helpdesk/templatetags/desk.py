"""Template words for marks: icons, avatars, status and priority shapes, form fields. Used by templates/ alone."""

from __future__ import annotations

import functools
import unicodedata
from typing import Any

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from helpdesk.models import Channel, Priority, Status, User

register = template.Library()

#: Icons that point along the line of reading and therefore mirror in right-to-left pages.
_DIRECTIONAL = frozenset(
    [
        *("arrow-start", "arrow-end", "chevron-start", "chevron-end", "escalate", "panel"),
        *("reply", "reply-all", "forward", "send", "undo", "door", "external"),
    ]
)
_CHANNEL_ICONS: dict[str, str] = {
    Channel.MAIL: "mail",
    Channel.CHAT: "chat",
    Channel.FORM: "form",
    Channel.OFFLINE: "form",
    Channel.CALLBACK: "callback",
    Channel.PHONE: "phone",
    Channel.API: "bolt",
}
_PRIORITY_LEVELS: dict[int, str] = {1: "low", 2: "normal", 3: "high", 4: "urgent"}


@register.simple_tag
@functools.lru_cache(maxsize=512)
def icon(name: str, size: str = "") -> SafeString:
    """A symbol of the sprite; `size` is sm, lg or xl. Decorative: the words stand beside it. The same all day, so made once."""
    classes = "icon" + (f" icon--{size}" if size else "") + (" icon--dir" if name in _DIRECTIONAL else "")
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', classes, static("helpdesk/icons.svg"), name
    )


def initials(name: str) -> str:
    """One or two letters for an avatar: one for Arabic script and Han, else the first and last initial."""
    words = [word for word in name.split() if word[:1].isalnum()]
    if not words:
        return "?"
    first = words[0][0]
    script = unicodedata.name(first, "")
    if script.startswith(("ARABIC", "CJK", "HANGUL", "HIRAGANA", "KATAKANA")):
        return first
    return (first + (words[-1][0] if len(words) > 1 else "")).upper()


@register.simple_tag
def avatar(person: Any, size: str = "") -> SafeString:
    """The person's initials; colleagues are squared, customers round. None gives an empty place."""
    tone = (getattr(person, "pk", 0) or 0) % 6 + 1
    classes = f"avatar avatar--{tone}"
    if isinstance(person, User):
        classes += " avatar--agent"
    if size:
        classes += f" avatar--{size}"
    name = str(person) if person is not None else ""
    return format_html('<span class="{}" aria-hidden="true" title="{}">{}</span>', classes, name, initials(name))


@register.simple_tag
def status_mark(status: str, word: str = "", hide_word: bool = False) -> SafeString:
    """The shape of a status with its word; the word may be visible to screen readers only."""
    word = capfirst(word or str(Status(status).label))
    said = format_html('<span class="visually-hidden">{}</span>', word) if hide_word else format_html("{}", word)
    return format_html('<span class="status" data-kind="{}">{}{}</span>', status, icon(f"s-{status}"), said)


@register.simple_tag
def priority_mark(priority: int, hide_word: bool = False) -> SafeString:
    """The shape of a priority with its word."""
    level, word = _PRIORITY_LEVELS[priority], capfirst(str(Priority(priority).label))
    said = format_html('<span class="visually-hidden">{}</span>', word) if hide_word else format_html("{}", word)
    return format_html('<span class="prio" data-level="{}">{}{}</span>', level, icon(f"prio-{level}", "sm"), said)


@register.simple_tag
def channel_mark(channel: str) -> SafeString:
    """The icon of a channel with its word for screen readers."""
    return format_html(
        '{}<span class="visually-hidden">{}</span>', icon(_CHANNEL_ICONS.get(channel, "mail")), Channel(channel).label
    )


@register.filter
def with_class(field: BoundField, classes: str) -> SafeString:
    """The form field's widget with our classes, told about its error or hint."""
    attributes: dict[str, str | bool] = {"class": classes} if classes else {}
    if field.errors:
        attributes["aria-invalid"] = "true"
        attributes["aria-describedby"] = f"{field.id_for_label}-error"
    return field.as_widget(attrs=attributes)
