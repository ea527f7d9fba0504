"""Who else has tickets open, for those who may see presence. Used by the pages of lists and tickets."""

from __future__ import annotations

from collections.abc import Iterable

from helpdesk.access import may
from helpdesk.models import Actor
from helpdesk.queries.presence import HasKey, Viewer, viewers_of


def viewers_shown(actor: Actor, tickets: Iterable[HasKey]) -> dict[int, list[Viewer]]:
    """The viewers of tickets that came through `visible_to`, by key; nobody for a role that may not see presence."""
    return viewers_of(actor, tickets) if may(actor, "presence.view") else {}
