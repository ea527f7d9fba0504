"""The offers an agent is shown: those open to him, and for a moment those that were over before he answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk.models import User
from helpdesk.now import now
from routing.models import ContactChannel, Offer
from routing.queries.settings import rules_of

#: How long a card that is over says so.
SAID_FOR = timedelta(seconds=8)
_MOST = 10


@dataclass(frozen=True, slots=True)
class Card:
    """One offer. `over` says what became of it; empty while it is open. Times in seconds."""

    offer: Offer
    title: str
    why: list[str]
    waiting: int
    left: float
    whole: float
    may_decline: bool
    over: str = ""

    @property
    def share(self) -> int:
        """How much of its time is left, in percent."""
        return max(0, min(100, round(self.left * 100 / self.whole))) if self.whole else 0


def offer_cards(user: User) -> list[Card]:
    """The agent's cards, those that end first above. Two queries."""
    at = now()
    rows = list(
        Offer.objects.filter(agent=user, state__in=[Offer.State.PENDING, Offer.State.TIMEOUT, Offer.State.CANCELLED])
        .filter(expires_at__gt=at - SAID_FOR)
        .select_related("item__ticket__customer", "item__queue", "decision")
        .order_by("expires_at", "pk")[: 2 * _MOST]
    )
    rows = [row for row in rows if row.ended_at is None or row.ended_at > at - SAID_FOR][:_MOST]
    rules = rules_of({row.item.queue_id for row in rows})
    cards = []
    for row in rows:
        is_open = row.state == Offer.State.PENDING and row.expires_at > at
        ends = row.expires_at if is_open else (row.ended_at or row.expires_at) + SAID_FOR
        cards.append(
            Card(
                offer=row,
                title=_title(row),
                why=why_words(row.decision.record if row.decision else {}, row.item.demand),
                waiting=int((at - row.item.entered_at).total_seconds()),
                left=round((ends - at).total_seconds(), 1),
                whole=(row.expires_at - row.made_at).total_seconds() if is_open else SAID_FOR.total_seconds(),
                may_decline=rules[row.item.queue_id].may_decline,
                over="" if is_open else _over(row, rules[row.item.queue_id].misses_allowed),
            )
        )
    return cards


def _title(offer: Offer) -> str:
    customer = {"name": offer.item.ticket.customer}
    if offer.item.channel == ContactChannel.CHAT:
        return _("Chat from %(name)s") % customer
    if offer.item.channel == ContactChannel.CALLBACK:
        return _("Callback to %(name)s") % customer
    return _("Mail from %(name)s") % customer


def _over(offer: Offer, misses: int) -> str:
    if offer.state == Offer.State.CANCELLED:
        return _("Gone: the customer left, or somebody took it by hand. It does not count against you.")
    return ngettext(
        "Missed: it goes to the next agent. One missed offer makes you not ready.",
        "Missed: it goes to the next agent. %(n)s missed offers in a row make you not ready.",
        misses,
    ) % {"n": misses}


def why_words(record: Mapping[str, Any], demand: Mapping[str, Any]) -> list[str]:
    """Why it comes to this agent, in sentences; `record` is of routing.core.explain, `demand` of the work item."""
    said = []
    free = int(record.get("free", 0))
    if record.get("by") == "preferred":
        said.append(_("You handled this customer before."))
    elif free == 1:
        said.append(_("You are the only one free who may take it."))
    elif record.get("by") in _CHOSEN:
        said.append(_CHOSEN[str(record["by"])]() % {"n": free})
    skills = [f"{one['name']} {one['value']}" for one in demand.get("because", []) if one.get("kind") == "skill"]
    if skills:
        said.append(_("It needs: %(skills)s.") % {"skills": " · ".join(skills)})
    waiting = int(record.get("waiting", 0))
    if waiting > 1:
        said.append(ngettext("First of %(n)s that waits.", "First of %(n)s that wait.", waiting) % {"n": waiting})
    return said


_CHOSEN = {
    "round_robin": lambda: _("It is your turn among %(n)s free."),
    "fewest": lambda: _("You have handled the fewest contacts of %(n)s free."),
    "longest_idle": lambda: _("You have been idle longest of %(n)s free."),
    "least_talk": lambda: _("You have handled for the shortest time of %(n)s free."),
    "least_loaded": lambda: _("You are the least loaded of %(n)s free."),
    "most_skilled": lambda: _("You are the most skilled of %(n)s free."),
    "linear": lambda: _("You come first in the fixed order of %(n)s free."),
    "weighted_random": lambda: _("You were drawn among %(n)s free."),
}
