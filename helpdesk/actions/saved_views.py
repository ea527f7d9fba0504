"""Saved views: a filter with a name, one's own or shared with everybody."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from helpdesk import access
from helpdesk.actions import BadInput
from helpdesk.models import Actor, SavedView

_AT_MOST = 50


def save_view(*, actor: Actor, name: str, filters: dict[str, Any], shared: bool = False) -> SavedView:
    """Keeps a filter under a name. Raises BadInput without a name or with too many views, NotAllowed for sharing."""
    access.ensure(actor, "view.share" if shared else "view.save")
    if SavedView.objects.filter(owner=actor.user).count() >= _AT_MOST:
        raise BadInput(_("You have %(n)s saved views; delete one first.") % {"n": _AT_MOST})
    return SavedView.objects.create(owner=None if shared else actor.user, name=_named(name), filters=filters)


def rename_view(*, view: SavedView, actor: Actor, name: str) -> SavedView:
    """Gives a view another name. A shared one may be renamed by those who may share."""
    access.ensure(actor, "view.share" if view.owner_id is None else "view.save")
    view.name = _named(name)
    view.save(update_fields=["name"])
    return view


def delete_view(*, view: SavedView, actor: Actor) -> None:
    """Forgets a view; the tickets stay."""
    access.ensure(actor, "view.share" if view.owner_id is None else "view.save")
    view.delete()


def _named(name: str) -> str:
    name = " ".join(name.split())[:80]
    if not name:
        raise BadInput(_("Give the view a name."))
    return name
