"""Who is here: the viewers of tickets, and the colleagues of somebody with their state and load. Called by the desk's pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

from django.db.models import Count, Max

from helpdesk.models import ACTIVE, Actor, DeskTab, Ticket, User
from helpdesk.now import now
from helpdesk.queries.colleagues import colleagues_of

#: A tab not beaten for this long is gone; clients beat every 12 s.
GONE_AFTER = timedelta(seconds=40)
#: Without a hand on mouse or keys for this long somebody is idle.
IDLE_AFTER = timedelta(minutes=2)
_COLLEAGUES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Viewer:
    """A colleague who has the ticket open. Of several tabs the liveliest counts."""

    user: User
    is_typing: bool
    is_idle: bool


class HasKey(Protocol):
    """A ticket, or a row of a list that stands for one."""

    @property
    def pk(self) -> int:
        """The key of the ticket."""


def viewers_of(actor: Actor, tickets: Iterable[HasKey]) -> dict[int, list[Viewer]]:
    """Who else has each ticket open, by key of the ticket; in order of name. One query.

    `tickets` must have come through `visible_to`, and the actor must be allowed `presence.view` (views/viewers.py asks).
    """
    keys = [ticket.pk for ticket in tickets]
    if not keys:
        return {}
    at = now()
    tabs = (
        DeskTab.objects.filter(ticket__in=keys, seen_at__gte=at - GONE_AFTER, user__is_active=True)
        .exclude(user=actor.user)
        .select_related("user")
        .order_by("user__name", "user_id")
    )
    here: dict[tuple[int, int], Viewer] = {}
    for tab in tabs:
        place = (tab.ticket_id or 0, tab.user_id)
        other = here.get(place)
        here[place] = Viewer(
            tab.user,
            is_typing=tab.typing_at is not None or (other is not None and other.is_typing),
            is_idle=tab.active_at <= at - IDLE_AFTER and (other is None or other.is_idle),
        )
    found: dict[int, list[Viewer]] = defaultdict(list)
    for (ticket, _user), viewer in here.items():
        found[ticket].append(viewer)
    return dict(found)


def viewers_from(tabs: Iterable[dict[str, Any]]) -> list[Viewer]:
    """The viewers of one ticket from its tabs in order of name: `id`, `name`, `email` of the person, `is_typing`, `is_idle`."""
    here: dict[int, Viewer] = {}
    for tab in tabs:
        other = here.get(tab["id"])
        here[tab["id"]] = Viewer(
            User(pk=tab["id"], name=tab["name"], email=tab["email"]),
            is_typing=tab["is_typing"] or (other is not None and other.is_typing),
            is_idle=tab["is_idle"] and (other is None or other.is_idle),
        )
    return list(here.values())


class State(StrEnum):
    """What a colleague's open tabs say of him."""

    READY = "ready"
    AWAY = "away"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Colleague:
    """A colleague with his state and his load: the open tickets of his that the asker may see."""

    user: User
    state: State
    open_count: int


def colleagues_present(actor: Actor) -> list[Colleague]:
    """The colleagues of the actor's teams (of all teams for those who see everything), those at work first. Two queries.

    The caller ensures `presence.view`. The seam for the states that routing stores: who asks for a colleague's state asks here.
    """
    if actor.user is None:
        return []
    at = now()
    people = (
        colleagues_of(actor)
        .exclude(pk=actor.user.pk)
        .annotate(beaten=Max("desk_tabs__seen_at"), moved=Max("desk_tabs__active_at"))
        .order_by("name", "pk")
    )
    rows: list[tuple[State, User]] = []
    for person in people:
        beaten, moved = person.beaten, person.moved
        if beaten is None or beaten < at - GONE_AFTER:
            state = State.OFFLINE
        else:
            state = State.AWAY if moved <= at - IDLE_AFTER else State.READY
        rows.append((state, person))
    order = list(State)
    rows.sort(key=lambda row: order.index(row[0]))
    rows = rows[:_COLLEAGUES_SHOWN]
    counts = dict(
        Ticket.objects.visible_to(actor)
        .filter(owner__in=[person.pk for _state, person in rows], status__in=ACTIVE)
        .order_by()
        .values_list("owner")
        .annotate(n=Count("pk"))
    )
    return [Colleague(person, state, counts.get(person.pk, 0)) for state, person in rows]
