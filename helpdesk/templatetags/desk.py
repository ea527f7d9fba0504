"""Template words for marks: icons, avatars, status and priority shapes, form fields. Used by templates/ alone."""

from __future__ import annotations

import functools
import unicodedata
from typing import Any

from django import template
from django.forms import BoundField
from django.template import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language

from helpdesk.access import actor_of, may
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
    return avatar_of(
        getattr(person, "pk", 0) or 0, str(person) if person is not None else "", size, isinstance(person, User)
    )


@register.simple_tag
@functools.lru_cache(maxsize=4096)
def avatar_of(key: int, name: str, size: str = "", is_colleague: bool = False) -> SafeString:
    """The same from a key and a name."""
    classes = f"avatar avatar--{key % 6 + 1}"
    if is_colleague:
        classes += " avatar--agent"
    if size:
        classes += f" avatar--{size}"
    return format_html('<span class="{}" aria-hidden="true" title="{}">{}</span>', classes, name, initials(name))


@register.simple_tag
def status_mark(status: str, word: str = "", hide_word: bool = False) -> SafeString:
    """The shape of a status with its word; the word may be visible to screen readers only."""
    return _status_mark(status, word or str(Status(status).label), hide_word)


@functools.lru_cache(maxsize=512)
def _status_mark(status: str, word: str, hide_word: bool) -> SafeString:
    return format_html(
        '<span class="status" data-kind="{}">{}{}</span>', status, icon(f"s-{status}"), _said(word, hide_word)
    )


@register.simple_tag
def priority_mark(priority: int, hide_word: bool = False) -> SafeString:
    """The shape of a priority with its word."""
    return _priority_mark(priority, str(Priority(priority).label), hide_word)


@functools.lru_cache(maxsize=64)
def _priority_mark(priority: int, word: str, hide_word: bool) -> SafeString:
    level = _PRIORITY_LEVELS[priority]
    return format_html(
        '<span class="prio" data-level="{}">{}{}</span>', level, icon(f"prio-{level}", "sm"), _said(word, hide_word)
    )


def _said(word: str, hide_word: bool) -> SafeString:
    word = capfirst(word)
    return format_html('<span class="visually-hidden">{}</span>', word) if hide_word else format_html("{}", word)


@register.simple_tag
def channel_mark(channel: str) -> SafeString:
    """The icon of a channel with its word for screen readers."""
    return _channel_mark(channel, str(Channel(channel).label))


@functools.lru_cache(maxsize=128)
def _channel_mark(channel: str, word: str) -> SafeString:
    return format_html('{}<span class="visually-hidden">{}</span>', icon(_CHANNEL_ICONS.get(channel, "mail")), word)


@register.simple_tag
def standing(template: str) -> SafeString:
    """A part of the page that depends on nothing but the language, rendered once for each."""
    return _standing(template, get_language() or "")


@functools.lru_cache(maxsize=256)
def _standing(template: str, language: str) -> SafeString:
    """`language` is the active one; it is an argument because it tells the kept copies apart."""
    return render_to_string(template)


@register.simple_tag(takes_context=True)
def allowed(context: Context, row: str) -> bool:
    """Whether the person of the page may do `row` of the authorisation matrix, for what the page offers him."""
    return may(actor_of(context["request"]), row)


@register.filter
def with_class(field: BoundField, classes: str) -> SafeString:
    """The form field's widget with our classes, told about its error or hint."""
    attributes: dict[str, str | bool] = {"class": classes} if classes else {}
    if field.errors:
        attributes["aria-invalid"] = "true"
        attributes["aria-describedby"] = f"{field.id_for_label}-error"
    return field.as_widget(attrs=attributes)
