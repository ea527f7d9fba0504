"""What becomes of the contacts of an agent whose connection is lost: offers at once, chats after a minute, mail stays his."""

from __future__ import annotations

from helpdesk.now import now
from routing.actions.handling import CHATS_WAIT, return_to_queue
from routing.actions.offers import rescind_offers
from routing.models import AgentState, Assignment, ContactChannel, Offer


def give_back_of_lost() -> int:
    """Takes back the open offers of agents who are gone, and the live contacts of those lost for a minute; returns how many.

    Asks for what is so, not for what has just become so: a dispatcher killed between the two leaves nothing behind.
    """
    back = 0
    gone = Offer.objects.filter(
        state=Offer.State.PENDING, agent__presence__state__in=[AgentState.DISCONNECTED, AgentState.OFFLINE]
    )
    offers = list(gone.select_related("item__ticket").order_by("pk")[:100])
    if offers:
        back += rescind_offers(offers, why="agent_lost")
    live = Assignment.objects.filter(
        done_at__isnull=True,
        ended_at__isnull=True,
        agent__presence__state=AgentState.DISCONNECTED,
        agent__presence__since_at__lte=now() - CHATS_WAIT,
    ).exclude(channel=ContactChannel.MAIL)
    rows = list(live.select_related("item__ticket").order_by("pk")[:100])
    if rows:
        back += return_to_queue(assignments=rows, why="agent_lost")
    return back
