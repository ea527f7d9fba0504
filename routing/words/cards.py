"""What an offer's card says: who comes, why to this agent, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from routing.models import ContactChannel, Offer, Strategy
from routing.queries.offer_cards import Card
from routing.words.demands import demand_words


def title_words(card: Card) -> str:
    """Who is offered, and how he came."""
    customer = {"name": card.offer.item.ticket.customer}
    match card.offer.item.channel:
        case ContactChannel.CHAT:
            return _("Chat from %(name)s") % customer
        case ContactChannel.CALLBACK:
            return _("Callback to %(name)s") % customer
    return _("Mail from %(name)s") % customer


def over_words(card: Card) -> str:
    """What became of an offer that is over, and whether it counts; "" while it is open."""
    if not card.is_over:
        return ""
    if card.offer.state == Offer.State.CANCELLED:
        return _("Gone: the customer left, or somebody took it by hand. It does not count against you.")
    return ngettext(
        "Missed: it goes to the next agent. One missed offer makes you not ready.",
        "Missed: it goes to the next agent. %(n)s missed offers in a row make you not ready.",
        card.misses_allowed,
    ) % {"n": card.misses_allowed}


def why_you_words(card: Card) -> str:
    """Why it comes to this agent, in sentences; from the record of the decision (routing.core.explain) and the demand."""
    record: dict[str, Any] = card.offer.decision.record if card.offer.decision else {}
    said = []
    free, by = int(record.get("free", 0)), str(record.get("by", ""))
    if by == "preferred":
        said.append(_("You handled this customer before."))
    elif free == 1:
        said.append(_("You are the only one free who may take it."))
    elif by in _CHOSEN:
        said.append(_CHOSEN[by]() % {"n": free})
    skills = [
        demand_words(one["name"] if one["value"] <= 1 else f"{one['name']}>={one['value']:g}", card.skills)
        for one in card.offer.item.demand.get("because", [])
        if one.get("kind") == "skill"
    ]
    if skills:
        said.append(_("It needs: %(skills)s.") % {"skills": " · ".join(dict.fromkeys(skills))})
    waiting = int(record.get("waiting", 0))
    if waiting > 1:
        said.append(ngettext("First of %(n)s that waits.", "First of %(n)s that wait.", waiting) % {"n": waiting})
    return " ".join(said)


_CHOSEN: dict[str, Callable[[], str]] = {
    Strategy.ROUND_ROBIN: lambda: _("It is your turn among %(n)s free."),
    Strategy.FEWEST: lambda: _("You have handled the fewest contacts of %(n)s free."),
    Strategy.LONGEST_IDLE: lambda: _("You have been idle longest of %(n)s free."),
    Strategy.LEAST_TALK: lambda: _("You have handled for the shortest time of %(n)s free."),
    Strategy.LEAST_LOADED: lambda: _("You are the least loaded of %(n)s free."),
    Strategy.MOST_SKILLED: lambda: _("You are the most skilled of %(n)s free."),
    Strategy.LINEAR: lambda: _("You come first in the fixed order of %(n)s free."),
    Strategy.WEIGHTED_RANDOM: lambda: _("You were drawn among %(n)s free."),
}
