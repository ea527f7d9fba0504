"""The dispatcher and its agents: declines, misses, lost connections, breaks, shifts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from helpdesk.models import (
    Actor,
    Channel,
)
from helpdesk.now import frozen, now
from routing.actions import look_again
from routing.actions.agents import set_agent_state
from routing.actions.breaks import ask_for_break, decide_break
from routing.actions.offers import accept_offer, decline_offer
from routing.models import (
    AgentPresence,
    AgentState,
    Assignment,
    BreakRequest,
    NotReadyReason,
    Offer,
    Shift,
    TeamRouting,
    WorkItem,
)
from routing.router import Router
from tests.factories import make_queue, make_user
from tests.routing.people import make_offering, make_ready, make_waiting
from tests.routing.turns import NOON, Items, Offers, accept_all, here, offered, state

pytestmark = pytest.mark.django_db


def test_a_declined_contact_goes_to_another_and_comes_back_when_the_cooldown_is_over() -> None:
    queue = make_queue()
    make_offering(queue, decline_seconds=120)
    router = Router()
    with frozen(NOON):
        agent, other = make_ready(queue.team), make_ready(queue.team)
        state(agent, idle_since_at=NOON - timedelta(seconds=9))
        item = make_waiting(queue)
        router.turn()
        decline_offer(offer=Offer.objects.get(), actor=Actor.of(agent))
        state(other, units=5)  # he has no room
        look_again(agents=[other.pk])
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=119)):
        here(agent, other)
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=120)):
        here(agent, other)
        router.turn()

    assert offered() == [(item.pk, agent.pk)]


def test_who_declined_is_asked_again_after_a_moment_where_nobody_else_could_take_it() -> None:
    queue = make_queue()
    make_offering(queue, decline_seconds=120)
    router = Router()
    with frozen(NOON):
        agent = make_ready(queue.team)
        item = make_waiting(queue)
        router.turn()
        decline_offer(offer=Offer.objects.get(), actor=Actor.of(agent))
        router.turn()
    with frozen(NOON + timedelta(seconds=4)):
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=5)):
        router.turn()

    assert offered() == [(item.pk, agent.pk)]
    item.refresh_from_db()
    assert item.vtime == item.entered_at


def test_who_missed_it_is_asked_again_where_the_others_have_gone() -> None:
    queue = make_queue()
    make_offering(queue, misses_allowed=3, offer_seconds=20)
    router = Router()
    with frozen(NOON):
        agent, other = make_ready(queue.team), make_ready(queue.team)
        state(agent, idle_since_at=NOON - timedelta(seconds=9))
        state(other, units=5)
        item = make_waiting(queue)
        router.turn()
        assert offered() == [(item.pk, agent.pk)]
    with frozen(NOON + timedelta(seconds=20)):
        here(agent, other)
        router.turn()
    with frozen(NOON + timedelta(seconds=40)):
        here(agent, other)
        router.turn()
        assert offered() == []  # the other one has no room yet, and might have
        set_agent_state(user=other, actor=Actor.of(other), state=AgentState.OFFLINE)
        router.turn()
    with frozen(NOON + timedelta(seconds=46)):
        here(agent)
        router.turn()

    assert offered() == [(item.pk, agent.pk)]


def test_the_step_for_a_known_agent_who_declined_lasts_to_its_end_where_others_could_take_it() -> None:
    queue = make_queue()
    make_offering(queue, sticky_seconds=20, decline_seconds=120)
    router = Router()
    with frozen(NOON):
        known, other = make_ready(queue.team), make_ready(queue.team)
        item = make_waiting(queue)
        WorkItem.objects.filter(pk=item.pk).update(preferred={"last_agent": [known.pk]})
        router.turn()
        assert offered() == [(item.pk, known.pk)]
        decline_offer(offer=Offer.objects.get(), actor=Actor.of(known))
        router.turn()
    with frozen(NOON + timedelta(seconds=19)):
        here(known, other)
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=20)):
        here(known, other)
        router.turn()

    assert offered() == [(item.pk, other.pk)]


def test_an_offer_to_a_dead_browser_is_no_miss_of_its_agent() -> None:
    queue = make_queue()
    make_offering(queue, misses_allowed=1)
    router = Router()
    with frozen(NOON):
        dead = make_ready(queue.team)
        item = make_waiting(queue)
        router.turn()
    with frozen(NOON + timedelta(seconds=21)):
        alive = make_ready(queue.team)
        router.turn()

    assert offered() == [(item.pk, alive.pk)]
    presence = AgentPresence.objects.get(user=dead)
    assert (presence.state, presence.missed) == (AgentState.DISCONNECTED, 0)
    assert Offer.objects.get(agent=dead).state == Offers.RESCINDED
    with frozen(NOON + timedelta(seconds=22)):
        here(dead)
    assert AgentPresence.objects.get(user=dead).state == AgentState.READY


def test_offers_of_an_agent_who_goes_home_go_to_another() -> None:
    queue = make_queue()
    make_offering(queue)
    goes, stays = make_ready(queue.team), make_ready(queue.team)
    item = make_waiting(queue)
    router = Router()
    router.turn()
    assert offered() == [(item.pk, goes.pk)]

    set_agent_state(user=goes, actor=Actor.of(goes), state=AgentState.OFFLINE)
    router.turn()

    assert offered() == [(item.pk, stays.pk)]


def test_chats_of_a_lost_agent_come_back_after_a_minute_and_his_mail_stays() -> None:
    queue = make_queue()
    router = Router()
    with frozen(NOON):
        make_offering(queue)
        agent = make_ready(queue.team)
        chat, letter = make_waiting(queue, channel=Channel.CHAT), make_waiting(queue)
        for _turn in range(2):
            router.turn()
            accept_all()
    with frozen(NOON + timedelta(seconds=30)):
        router.turn()
        assert AgentPresence.objects.get(user=agent).state == AgentState.DISCONNECTED
    with frozen(NOON + timedelta(seconds=80)):
        router.turn()
        assert Assignment.objects.filter(done_at=None).count() == 2
    with frozen(NOON + timedelta(seconds=91)):
        router.turn()

    places = {item.pk: (item.state, item.vtime) for item in WorkItem.objects.all()}
    assert places == {chat.pk: (Items.WAITING, chat.vtime), letter.pk: (Items.ASSIGNED, letter.vtime)}


def test_an_agent_whose_break_is_approved_gets_nothing_new() -> None:
    queue = make_queue()
    make_offering(queue)
    agent, lead = make_ready(queue.team), make_user(lead_of=(queue.team,))
    reason = NotReadyReason.objects.create(name="Rest", code="rest", is_break=True)
    chat = make_waiting(queue, channel=Channel.CHAT)
    router = Router()
    router.turn()
    accept_offer(offer=Offer.objects.get(item=chat), actor=Actor.of(agent))
    decide_break(request=ask_for_break(user=agent, reason=reason), actor=Actor.of(lead), approve=True)
    make_waiting(queue)

    router.turn()

    assert offered() == []
    assert BreakRequest.objects.get().state == BreakRequest.State.APPROVED


def test_nothing_is_offered_outside_of_a_shift_or_just_before_its_end_where_the_team_keeps_shifts() -> None:
    queue = make_queue()
    make_offering(queue)
    TeamRouting.objects.create(team=queue.team, ready_outside_shift=False, no_offer_before_end_seconds=600)
    without, ending, working = (make_ready(queue.team) for _ in range(3))
    for agent, minutes in ((ending, 5), (working, 60)):
        Shift.objects.create(
            user=agent, starts_at=now() - timedelta(hours=4), ends_at=now() + timedelta(minutes=minutes)
        )
    items = [make_waiting(queue) for _ in range(3)]

    Router().turn()

    assert offered() == [(items[0].pk, working.pk)]
    assert without.pk
