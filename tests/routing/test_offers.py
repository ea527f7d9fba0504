"""Offers: made to who is ready, accepted once, declined, missed, taken back; the place in the queue stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from helpdesk.actions.assignment import assign_ticket, unassign_ticket
from helpdesk.actions.conversation import reply
from helpdesk.actions.lifecycle import set_status
from helpdesk.models import Actor, Kind, Status, TicketEvent
from helpdesk.now import now
from routing.actions.agents import set_agent_state
from routing.actions.offers import OfferGone, accept_offer, decline_offer, expire_offers
from routing.models import AgentPresence, AgentState, Assignment, Decision, Offer, WorkItem
from routing.router import Router
from tests.factories import make_queue, make_team
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db
Items, Offers = WorkItem.State, Offer.State


def test_a_contact_is_offered_to_the_agent_who_is_ready_and_says_why() -> None:
    queue = make_queue()
    make_offering(queue, offer_seconds=20)
    agent = make_ready(queue.team)
    make_ready(make_team())
    item = make_waiting(queue)

    Router().turn()

    offer = Offer.objects.get()
    item.refresh_from_db()
    assert (offer.item, offer.agent, offer.state, item.state) == (item, agent, Offers.PENDING, Items.OFFERED)
    assert offer.expires_at - offer.made_at == timedelta(seconds=20)
    record = Decision.objects.get(kind="offer").record
    assert (record["agent"], record["by"], len(record["candidates"])) == (agent.pk, "longest_idle", 1)
    assert TicketEvent.objects.filter(ticket=item.ticket, kind=Kind.OFFERED).exists()


def test_an_accepted_contact_is_the_agents_ticket_and_holds_his_units() -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    item = make_waiting(queue)
    Router().turn()

    assignment = accept_offer(offer=Offer.objects.get(), actor=Actor.of(agent))

    item.refresh_from_db()
    assert (item.state, item.ticket.owner, assignment.units) == (Items.ASSIGNED, agent, 10)
    assert Assignment.objects.count() == 1


def test_an_offer_is_accepted_once_and_not_after_its_time() -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    make_waiting(queue)
    Router().turn()
    offer = Offer.objects.get()
    Offer.objects.update(expires_at=now() - timedelta(seconds=1))

    with pytest.raises(OfferGone):
        accept_offer(offer=offer, actor=Actor.of(agent))

    Offer.objects.update(expires_at=now() + timedelta(seconds=9))
    accept_offer(offer=offer, actor=Actor.of(agent))
    with pytest.raises(OfferGone):
        accept_offer(offer=offer, actor=Actor.of(agent))


def test_a_declined_contact_goes_to_the_next_agent_and_keeps_its_place() -> None:
    queue = make_queue()
    make_offering(queue)
    first, second = make_ready(queue.team), make_ready(queue.team)
    item = make_waiting(queue)
    router = Router()
    router.turn()
    offer = Offer.objects.get()
    assert offer.agent == first

    decline_offer(offer=offer, actor=Actor.of(first))
    router.turn()

    assert Offer.objects.get(state=Offers.PENDING).agent == second
    assert WorkItem.objects.get().vtime == item.vtime


def test_who_misses_two_offers_in_a_row_is_not_ready_and_the_contact_waits_for_another() -> None:
    queue = make_queue()
    make_offering(queue, misses_allowed=2)
    agent = make_ready(queue.team)
    router = Router()
    for n in (1, 2):
        make_waiting(queue)
        router.turn()
        Offer.objects.filter(state=Offers.PENDING).update(expires_at=now() - timedelta(seconds=1))
        assert expire_offers() == 1, n

    presence = AgentPresence.objects.get(user=agent)
    assert (presence.state, presence.missed) == (AgentState.RONA, 2)
    router.turn()
    assert not Offer.objects.filter(state=Offers.PENDING).exists()
    set_agent_state(user=agent, actor=Actor.of(agent), state=AgentState.READY)
    router.turn()
    assert Offer.objects.get(state=Offers.PENDING).agent == agent


def test_a_ticket_taken_by_hand_ends_the_offer() -> None:
    queue = make_queue()
    make_offering(queue)
    agent, other = make_ready(queue.team), make_ready(queue.team)
    item = make_waiting(queue)
    Router().turn()
    offer = Offer.objects.get()

    assign_ticket(ticket=item.ticket, actor=Actor.of(other), owner=other)

    offer.refresh_from_db()
    item.refresh_from_db()
    assert (offer.agent, offer.state, item.state) == (agent, Offers.CANCELLED, Items.ASSIGNED)
    assert Assignment.objects.get().agent == other


def test_a_ticket_without_its_owner_waits_again_where_it_stood() -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    item = make_waiting(queue)
    Router().turn()
    accept_offer(offer=Offer.objects.get(), actor=Actor.of(agent))

    unassign_ticket(ticket=item.ticket, actor=Actor.of(agent))

    again = WorkItem.objects.get()
    assert (again.state, again.vtime) == (Items.WAITING, item.vtime)
    assert not Assignment.objects.filter(done_at__isnull=True).exists()


def test_an_answer_ends_the_handling_and_begins_the_wrap_up() -> None:
    queue = make_queue()
    make_offering(queue, wrapup_seconds=60)
    agent = make_ready(queue.team)
    item = make_waiting(queue)
    Router().turn()
    accept_offer(offer=Offer.objects.get(), actor=Actor.of(agent))

    reply(ticket=item.ticket, actor=Actor.of(agent), text="Here it is.", recipients=[])

    assignment = Assignment.objects.get()
    assert (assignment.ended_at is not None, assignment.done_at) == (True, None)
    assert WorkItem.objects.get().state == Items.WRAPUP


def test_a_ticket_resolved_while_it_waits_waits_no_more() -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(make_team())
    item = make_waiting(queue)
    lead = make_ready(queue.team)

    set_status(ticket=item.ticket, actor=Actor.of(lead), status=Status.RESOLVED)
    Router().turn()

    item.refresh_from_db()
    assert (item.state, item.outcome) == (Items.DONE, "resolved")
    assert not Offer.objects.filter(agent=agent).exists()


def test_an_agent_answers_one_offer_at_a_time() -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    first, second = make_waiting(queue), make_waiting(queue)
    router = Router()
    router.turn()
    offer = Offer.objects.get()
    assert offer.item == first

    accept_offer(offer=offer, actor=Actor.of(agent))
    router.turn()

    assert Offer.objects.get(state=Offers.PENDING).item == second
