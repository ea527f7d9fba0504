"""The table of keys for templates: the help of the desk and the page "My desk"."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from helpdesk.desk_keys import DEFAULTS, GROUPS, KeyGroup

register = template.Library()


@register.simple_tag
def key_groups() -> tuple[KeyGroup, ...]:
    """All actions, as they stand together."""
    return GROUPS


@register.filter
def default_key(field: str) -> str:
    """Our key for the action of a form field (`key-resolve`)."""
    return DEFAULTS.get(field.removeprefix("key-"), "")


@register.filter
def key_caps(key: str) -> SafeString | str:
    """A key as caps to press: `E` is Shift and E, `g i` two keys one after the other."""
    if not key:
        return ""
    return format_html_join(" ", '<kbd class="kbd">{}</kbd>', ((cap,) for cap in key.split() for cap in _caps(cap)))


def _caps(key: str) -> list[str]:
    if key.startswith("Mod+"):
        names = {"Mod": "Ctrl", "Shift": _("Shift"), "Enter": "↵"}
        return [format_html("{}", " ".join(names.get(part, part) for part in key.split("+")))]
    if len(key) == 1 and key.isupper():
        return [f"{_('Shift')} {key}"]
    return [key]
