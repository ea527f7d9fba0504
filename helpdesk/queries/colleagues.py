"""Which colleagues somebody knows of: those of his teams; managers and administrators know all. And who sees a ticket.

Called by the API and the composer.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from helpdesk.models import Actor, Role, TeamMembership, Ticket, User


def colleagues_of(actor: Actor) -> QuerySet[User]:
    """Active people of the staff the actor may be shown by name, himself included."""
    active = User.objects.filter(is_active=True)
    if actor.sees_everything:
        return active
    if actor.user is None:
        return active.none()
    shared = TeamMembership.objects.filter(user_id=OuterRef("pk"), team_id__in=actor.team_ids())
    return active.filter(Q(pk=actor.user.pk) | Exists(shared))


def people_who_see(ticket: Ticket) -> QuerySet[User]:
    """Active people of the staff who may see the ticket: the team of its queue, managers and administrators; by name."""
    member = TeamMembership.objects.filter(user_id=OuterRef("pk"), team_id=ticket.queue.team_id)
    seers = User.objects.filter(is_active=True).filter(Q(role__in=[Role.MANAGER, Role.ADMIN]) | Exists(member))
    return seers.order_by("name", "pk")
