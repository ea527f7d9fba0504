"""The offers an agent is shown: those open to him, and for a moment those that were over before he answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from helpdesk.models import User
from helpdesk.now import now
from routing.models import Offer
from routing.queries.settings import rules_of
from routing.queries.skills import skill_names

#: How long a card that is over says so.
SAID_FOR = timedelta(seconds=8)
_MOST = 10


@dataclass(frozen=True, slots=True)
class Card:
    """One offer, open or over; routing.words.cards says it. Times in seconds."""

    offer: Offer
    waiting: int
    left: float
    whole: float
    may_decline: bool
    misses_allowed: int
    is_over: bool
    skills: Mapping[str, str]

    @property
    def share(self) -> int:
        """How much of its time is left, in percent."""
        return max(0, min(100, round(self.left * 100 / self.whole))) if self.whole else 0


def offer_cards(user: User) -> list[Card]:
    """The agent's cards, those that end first above. Three queries."""
    at = now()
    rows = list(
        Offer.objects.filter(agent=user, state__in=[Offer.State.PENDING, Offer.State.TIMEOUT, Offer.State.CANCELLED])
        .filter(expires_at__gt=at - SAID_FOR)
        .select_related("item__ticket__customer", "item__queue", "decision")
        .order_by("expires_at", "pk")[: 2 * _MOST]
    )
    rows = [row for row in rows if row.ended_at is None or row.ended_at > at - SAID_FOR][:_MOST]
    names = skill_names() if any(row.item.demand for row in rows) else {}
    rules = rules_of({row.item.queue_id for row in rows})
    cards = []
    for row in rows:
        is_open = row.state == Offer.State.PENDING and row.expires_at > at
        ends = row.expires_at if is_open else (row.ended_at or row.expires_at) + SAID_FOR
        cards.append(
            Card(
                offer=row,
                waiting=int((at - row.item.entered_at).total_seconds()),
                left=round((ends - at).total_seconds(), 1),
                whole=(row.expires_at - row.made_at).total_seconds() if is_open else SAID_FOR.total_seconds(),
                may_decline=rules[row.item.queue_id].may_decline,
                misses_allowed=rules[row.item.queue_id].misses_allowed,
                is_over=not is_open,
                skills=names,
            )
        )
    return cards
