"""What is lost: contacts of an agent whose connection is gone (offers at once, chats after a minute, mail stays his), and
contacts whose customer gives up before or while he is served.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from helpdesk.actions import lock
from helpdesk.models import Ticket
from helpdesk.now import now
from routing.actions import lock_items
from routing.actions.handling import CHATS_WAIT, end_handling, finish_all, return_to_queue
from routing.actions.offers import cancel_offers_of, rescind_offers
from routing.models import AgentState, Assignment, ContactChannel, Offer, WorkItem
from routing.queries.board_traffic import GAVE_UP

Items = WorkItem.State


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


@transaction.atomic
def lost(work_item: WorkItem, how: str, at: datetime) -> str:
    """The customer has gone at `at`: the contact waits and is offered no more; returns what became of it.

    `how` is a word of GAVE_UP (`abandoned`: closed the window or hung up; `left`: said so; `gave_up`: did not come back in
    time). "lost": nobody had answered yet; it counts as abandoned, and an open offer ends without being a miss. "ended": an
    agent had it; wrap-up begins as after any contact. "": it was over already, or keeps its place for a callback. The ticket
    is the caller's: this says nothing about its status. ValueError for another word.
    """
    if how not in GAVE_UP:
        raise ValueError(f"A customer goes by {', '.join(GAVE_UP)}; “{how}” is none of them.")
    lock(Ticket(pk=work_item.ticket_id))
    item = lock_items([work_item.pk])[work_item.pk]
    if item.state in {Items.WAITING, Items.OFFERED}:
        cancel_offers_of([item])
        finish_all({item: how}, at=at)
        return "lost"
    if item.state == Items.ASSIGNED:
        end_handling([item], outcome=how, at=at)
        return "ended"
    return ""
