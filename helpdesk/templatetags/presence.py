"""Marks of people who are here: avatars in a ticket's header, badges on rows. Used by templates/ and helpdesk.views.rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk.access import actor_of, may
from helpdesk.queries.notifications import count_words, unread_count
from helpdesk.queries.presence import Viewer
from helpdesk.templatetags.desk import icon, initials

register = template.Library()


@register.inclusion_tag("desk/_company.html", takes_context=True)
def company(context: Context) -> dict[str, Any]:
    """The head of the desk: state of the line, colleagues, bell. Whole pages only, so its count is asked for here."""
    actor = actor_of(context["request"])
    count = unread_count(actor)
    return {
        "request": context["request"],
        "may_see_presence": may(actor, "presence.view"),
        "unread": count,
        "unread_words": count_words(count),
    }


def _names(viewers: Sequence[Viewer]) -> str:
    first, *rest = [viewer.user.name for viewer in viewers]
    for name in rest:
        first = _("%(first)s, %(next)s") % {"first": first, "next": name}
    return first


def _first_name(viewer: Viewer) -> str:
    return viewer.user.name.split()[0] if viewer.user.name.split() else str(viewer.user)


@register.simple_tag
def row_viewers(number: int, viewers: Sequence[Viewer] = ()) -> SafeString:
    """The badge of a row, inside the slot that is replaced when somebody comes or goes: dark while somebody writes."""
    typing = [viewer for viewer in viewers if viewer.is_typing]
    shown = typing or list(viewers)
    if not shown:
        return format_html('<span class="row__viewers" id="viewers-{}"></span>', number)
    if typing:
        words = ngettext("%(names)s is writing", "%(names)s are writing", len(shown))
    else:
        words = ngettext("%(names)s is looking at it", "%(names)s are looking at it", len(shown))
    more = format_html("&nbsp;+{}", len(shown) - 1) if len(shown) > 1 else ""
    return format_html(
        '<span class="row__viewers" id="viewers-{}"><span class="row__viewer" data-mode="{}" title="{}">{}'
        '<span aria-hidden="true"><bdi>{}</bdi>{}</span><span class="visually-hidden">{}</span></span></span>',
        number,
        "replying" if typing else "viewing",
        words % {"names": _names(shown)},
        icon("edit" if typing else "eye"),
        _first_name(shown[0]),
        more,
        words % {"names": _names(shown)},
    )


@register.simple_tag
def head_viewers(viewers: Sequence[Viewer] = ()) -> SafeString | str:
    """The colleagues who have the open ticket open too: a ring while they write, faded when idle. Empty without any."""
    if not viewers:
        return ""
    faces = format_html_join(
        "",
        '<span class="avatar avatar--{} avatar--agent avatar--sm{}" aria-hidden="true" title="{}">{}</span>',
        (
            (
                viewer.user.pk % 6 + 1,
                " avatar--typing" if viewer.is_typing else " avatar--idle" if viewer.is_idle else "",
                _doing(viewer),
                initials(viewer.user.name),
            )
            for viewer in viewers
        ),
    )
    said = format_html_join("", "<span>{}. </span>", ((_doing(viewer),) for viewer in viewers))
    return format_html('<span class="avatar-stack">{}</span><span class="visually-hidden">{}</span>', faces, said)


def _doing(viewer: Viewer) -> str:
    if viewer.is_typing:
        words = _("%(name)s is writing")
    elif viewer.is_idle:
        words = _("%(name)s is here, idle")
    else:
        words = _("%(name)s is here")
    return words % {"name": viewer.user.name}
