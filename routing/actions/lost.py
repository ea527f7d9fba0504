"""What becomes of the contacts of an agent whose connection is lost: offers at once, chats after a minute, mail stays his."""

from __future__ import annotations

from collections.abc import Sequence

from helpdesk.now import now
from routing.actions.handling import CHATS_WAIT, return_to_queue
from routing.actions.offers import rescind_offers
from routing.models import AgentState, Assignment, ContactChannel, Offer


def give_back_of_lost(just_lost: Sequence[int]) -> int:
    """Takes back the open offers of those just lost, and the live contacts of those lost for a minute; returns how many."""
    back = 0
    if just_lost:
        open_offers = Offer.objects.filter(agent__in=just_lost, state=Offer.State.PENDING).select_related(
            "item__ticket"
        )
        back += rescind_offers(list(open_offers), why="agent_lost")
    live = Assignment.objects.filter(
        done_at__isnull=True,
        agent__presence__state=AgentState.DISCONNECTED,
        agent__presence__since_at__lte=now() - CHATS_WAIT,
    ).exclude(channel=ContactChannel.MAIL)
    rows = list(live.select_related("item__ticket")[:100])
    if rows:
        back += return_to_queue(assignments=rows, why="agent_lost")
    return back
