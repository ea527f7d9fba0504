"""How two linked tickets belong together, in words. Used by templates/desk/_link.html."""

from __future__ import annotations

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from helpdesk.models import LinkKind

register = template.Library()

#: The words read from the ticket the link points at; the link's own label reads the other way.
_FROM_THERE: dict[str, str | Promise] = {
    LinkKind.FOLLOW_UP: _("followed up by"),
    LinkKind.POSSIBLE_FOLLOW_UP: _("perhaps followed up by"),
    LinkKind.CHILD: _("has the part"),
    LinkKind.DUPLICATE: _("has the duplicate"),
}


@register.simple_tag
def link_words(kind: str, is_here: bool) -> str:
    """How the ticket shown belongs to the linked one; `is_here`: the link points at the one shown."""
    return str(_FROM_THERE.get(kind, LinkKind(kind).label)) if is_here else str(LinkKind(kind).label)
