"""Which colleagues somebody knows of: those of his teams; managers and administrators know all. Called by the API."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from helpdesk.models import Actor, TeamMembership, User


def colleagues_of(actor: Actor) -> QuerySet[User]:
    """Active people of the staff the actor may be shown by name, himself included."""
    active = User.objects.filter(is_active=True)
    if actor.sees_everything:
        return active
    if actor.user is None:
        return active.none()
    shared = TeamMembership.objects.filter(user_id=OuterRef("pk"), team_id__in=actor.team_ids())
    return active.filter(Q(pk=actor.user.pk) | Exists(shared))
