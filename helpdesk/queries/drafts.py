"""One's unfinished words. Called by the views "Drafts" and the composer."""

from __future__ import annotations

from django.db.models import QuerySet

from helpdesk.models import Actor, Draft, Ticket


def drafts_of(actor: Actor) -> QuerySet[Draft]:
    """The person's drafts with words in them, newest first, of tickets he still sees."""
    if actor.user is None:
        return Draft.objects.none()
    return (
        Draft.objects.filter(user=actor.user, ticket__in=Ticket.objects.visible_to(actor))
        .exclude(text="")
        .select_related("ticket__customer")
        .order_by("-updated_at", "-pk")
    )
