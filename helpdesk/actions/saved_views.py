"""Saved views: a filter with a name; one's own, a team's, or everybody's. What a view shows, each reader's door decides."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from helpdesk import access
from helpdesk.actions import BadInput
from helpdesk.models import Actor, SavedView, Team

_AT_MOST = 50


def save_view(
    *, actor: Actor, name: str, filters: dict[str, Any], shared: bool = False, team: Team | None = None
) -> SavedView:
    """Keeps a filter under a name, last in its row. `team` shares it with that team, `shared` with everybody.

    Raises BadInput without a name or with too many views, NotAllowed for sharing.
    """
    access.ensure(actor, "view.share" if shared or team else "view.save")
    _ensure_own_team(actor, team)
    if not shared and not team and SavedView.objects.filter(owner=actor.user).count() >= _AT_MOST:
        raise BadInput(_("You have %(n)s saved views; delete one first.") % {"n": _AT_MOST})
    view = SavedView(owner=None if shared or team else actor.user, team=team, name=_named(name), filters=filters)
    view.position = max(_neighbours(view).values_list("position", flat=True), default=-1) + 1
    view.save()
    return view


def rename_view(*, view: SavedView, actor: Actor, name: str) -> SavedView:
    """Gives a view another name. A shared one may be renamed by those who may share."""
    ensure_may_change(view, actor)
    view.name = _named(name)
    view.save(update_fields=["name"])
    return view


def refilter_view(*, view: SavedView, actor: Actor, filters: dict[str, Any]) -> SavedView:
    """Puts another filter under the same name."""
    ensure_may_change(view, actor)
    view.filters = filters
    view.save(update_fields=["filters"])
    return view


def share_view(*, view: SavedView, actor: Actor, shared: bool = False, team: Team | None = None) -> SavedView:
    """Gives a view to everybody, to a team, or (neither) back to the actor alone. Needs the right to share both ways."""
    access.ensure(actor, "view.share")
    _ensure_own_team(actor, team)
    if actor.user is None:
        raise BadInput("A saved view belongs to somebody signed in.")
    view.team, view.owner = team, None if shared or team else actor.user
    view.save(update_fields=["team", "owner"])
    return view


@transaction.atomic
def move_view(*, view: SavedView, actor: Actor, by: int) -> None:
    """Moves a view up (-1) or down (+1) among those that belong to the same people; at the end it stays."""
    ensure_may_change(view, actor)
    row = list(_neighbours(view).select_for_update().order_by("position", "name", "pk"))
    at = next(place for place, other in enumerate(row) if other.pk == view.pk)
    to = min(len(row) - 1, max(0, at + by))
    row.insert(to, row.pop(at))
    for place, other in enumerate(row):
        other.position = place
    SavedView.objects.bulk_update(row, ["position"])


def delete_view(*, view: SavedView, actor: Actor) -> dict[str, Any]:
    """Forgets a view; the tickets stay. Returns what `restore_view` needs."""
    ensure_may_change(view, actor)
    kept = {
        "pk": view.pk,
        "owner": view.owner_id,
        "team": view.team_id,
        "name": view.name,
        "filters": view.filters,
        "position": view.position,
    }
    view.delete()
    return kept


def restore_view(*, kept: dict[str, Any], actor: Actor) -> SavedView:
    """Brings a deleted view back under its old key. Raises BadInput when it is there, NotAllowed for one of others."""
    view = SavedView(
        pk=kept["pk"],
        owner_id=kept["owner"],
        team_id=kept["team"],
        name=kept["name"],
        filters=kept["filters"],
        position=kept["position"],
    )
    ensure_may_change(view, actor)
    if SavedView.objects.filter(pk=view.pk).exists():
        raise BadInput(_("The view is there already."))
    view.save(force_insert=True)
    return view


def ensure_may_change(view: SavedView, actor: Actor) -> None:
    """Raises NotAllowed: one's own views are one's own, shared ones belong to those who may share."""
    if view.owner_id is None:
        access.ensure(actor, "view.share")
        return
    access.ensure(actor, "view.save")
    if view.owner_id != actor.id:
        raise access.NotAllowed(_("This view belongs to somebody else."))


def _ensure_own_team(actor: Actor, team: Team | None) -> None:
    if team is not None and not actor.sees_everything and team.pk not in actor.team_ids():
        raise BadInput(_("You can share a view only with your own teams."))


def _neighbours(view: SavedView) -> QuerySet[SavedView]:
    """The views in the same row of the page."""
    return SavedView.objects.filter(owner=view.owner_id, team=view.team_id)


def _named(name: str) -> str:
    name = " ".join(name.split())[:80]
    if not name:
        raise BadInput(_("Give the view a name."))
    return name
