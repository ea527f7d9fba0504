"""The dispatcher's turn over rows: who is offered what, when steps relax, what waits for hours, what nobody ever gets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helpdesk.actions.assignment import assign_ticket
from helpdesk.actions.lifecycle import set_status
from helpdesk.events import sentence
from helpdesk.models import (
    SYSTEM,
    Actor,
    AgentSkill,
    BusinessCalendar,
    Channel,
    Kind,
    Notification,
    Queue,
    Skill,
    SkillGroup,
    Status,
    TicketEvent,
    User,
)
from helpdesk.now import frozen, now
from routing.actions.agents import beat, set_agent_state, set_channels
from routing.actions.assigning import pull_next, transfer
from routing.actions.breaks import ask_for_break, decide_break
from routing.actions.handling import finish_wrapup
from routing.actions.offers import accept_offer, decline_offer
from routing.models import (
    AgentPresence,
    AgentState,
    Assignment,
    BreakRequest,
    Decision,
    Dirty,
    Handing,
    NotReadyReason,
    Offer,
    PlanVersion,
    QueueRouting,
    RoutingPlan,
    Shift,
    Strategy,
    TeamRouting,
    WorkItem,
)
from routing.router import Router
from tests.factories import make_customer, make_queue, make_team, make_user
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db
Items, Offers = WorkItem.State, Offer.State
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
DAYTIME = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def offered(**which: Any) -> list[tuple[int, int]]:
    """Open offers as (item, agent), in the order of their making."""
    return list(Offer.objects.filter(state=Offers.PENDING, **which).order_by("pk").values_list("item_id", "agent_id"))


def accept_all() -> None:
    """Every open offer is accepted by its agent."""
    for row in Offer.objects.filter(state=Offers.PENDING).select_related("agent"):
        accept_offer(offer=row, actor=Actor.of(row.agent))


def with_plan(queue: Queue, *steps: dict[str, Any], **plan: Any) -> QueueRouting:
    """The queue offers its mail by a plan of these steps."""
    rules = {"steps": list(steps), **plan}
    row = RoutingPlan.objects.create(name=f"Plan {queue.pk}", rules=rules)
    PlanVersion.objects.create(plan=row, version=1, rules=rules, saved_at=now())
    return make_offering(queue, plan=row)


def skill(path: str, *holders: User, level: int = 3) -> None:
    """A skill `group/name`, and who has it."""
    group, name = path.split("/")
    made, _new = SkillGroup.objects.get_or_create(name=group)
    row = Skill.objects.create(group=made, name=name)
    for holder in holders:
        AgentSkill.objects.create(user=holder, skill=row, level=level)


def here(*agents: User) -> None:
    """Signs of life, as the sockets send them."""
    for agent in agents:
        beat(user=agent)


def state(user: User, **fields: Any) -> None:
    """Sets what the strategies compare, as time would have done it."""
    AgentPresence.objects.filter(user=user).update(**fields)


# Strategies through rows


def test_longest_idle_takes_who_has_been_idle_longest() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.LONGEST_IDLE)
    first, second = make_ready(queue.team), make_ready(queue.team)
    state(first, idle_since_at=now() - timedelta(seconds=10))
    state(second, idle_since_at=now() - timedelta(seconds=99))
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, second.pk)]


def test_round_robin_goes_on_where_it_was_in_a_new_term() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.ROUND_ROBIN)
    agents = [make_ready(queue.team) for _ in range(3)]
    router = Router()
    got = []
    for n in range(7):
        make_waiting(queue)
        if n == 4:
            router = Router()
        router.turn()
        got.append(offered()[-1][1])
        accept_all()

    assert [agents.index(next(a for a in agents if a.pk == key)) for key in got] == [0, 1, 2, 0, 1, 2, 0]


def test_round_robin_is_not_confused_by_answers_in_between() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.ROUND_ROBIN)
    agents = [make_ready(queue.team) for _ in range(3)]
    router, got = Router(), []
    for _n in range(6):
        make_waiting(queue)
        router.turn()
        newest = Offer.objects.select_related("agent").latest("pk")
        got.append(newest.agent)
        accept_offer(offer=newest, actor=Actor.of(newest.agent))

    assert got == agents * 2


def test_fewest_takes_who_has_handled_least_today() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.FEWEST, wrapup_seconds=0)
    first, second = make_ready(queue.team), make_ready(queue.team)
    router = Router()
    for _n in range(3):
        make_waiting(queue)
        router.turn()
        row = Offer.objects.get(state=Offers.PENDING)
        accept_offer(offer=row, actor=Actor.of(row.agent))
    counts = {agent: Assignment.objects.filter(agent=agent).count() for agent in (first, second)}
    assert sorted(counts.values()) == [1, 2]
    least = min(counts, key=lambda agent: counts[agent])

    item = make_waiting(queue)
    Router().turn()

    assert offered() == [(item.pk, least.pk)]


def test_least_talk_takes_who_has_talked_least() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.LEAST_TALK)
    talker, other = make_ready(queue.team), make_ready(queue.team)
    for agent, minutes in ((talker, 30), (other, 5)):
        done = make_waiting(queue)
        assign_ticket(ticket=done.ticket, actor=SYSTEM, owner=agent)
        Assignment.objects.filter(item=done).update(
            begun_at=now() - timedelta(minutes=minutes), ended_at=now(), done_at=now()
        )
        WorkItem.objects.filter(pk=done.pk).update(state=Items.DONE, done_at=now())
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, other.pk)]


def test_least_loaded_takes_who_has_most_room() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.LEAST_LOADED)
    busy, free = make_ready(queue.team), make_ready(queue.team)
    assign_ticket(ticket=make_waiting(queue).ticket, actor=SYSTEM, owner=busy)
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, free.pk)]


def test_most_skilled_takes_the_highest_level_of_what_is_needed() -> None:
    queue = make_queue()
    fair, good = make_ready(queue.team), make_ready(queue.team)
    skill("tech/network", fair, level=2)
    AgentSkill.objects.create(user=good, skill=Skill.objects.get(), level=5)
    with_plan(queue, {"needs": {"skill": "tech/network", "level": 1}, "expiry": None})
    make_offering(queue, strategy=Strategy.MOST_SKILLED)
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, good.pk)]


def test_linear_takes_the_first_in_the_fixed_order() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.LINEAR)
    second, first = make_ready(queue.team), make_ready(queue.team)
    state(second, position=2)
    state(first, position=1)
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, first.pk)]


def test_weighted_random_asks_everybody_in_the_end() -> None:
    queue = make_queue()
    make_offering(queue, strategy=Strategy.WEIGHTED_RANDOM)
    agents = {make_ready(queue.team).pk for _ in range(3)}
    for _n in range(20):
        make_waiting(queue)

    Router().turn()

    assert {agent for _item, agent in offered()} == agents


def test_lower_penalties_come_first_where_the_queue_says_so() -> None:
    queue = make_queue()
    make_offering(queue, bands=True)
    late, early = make_ready(queue.team), make_ready(queue.team)
    state(late, penalties={str(queue.pk): 3}, idle_since_at=now() - timedelta(hours=1))
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, early.pk)]


# Order, capacity, teams


def test_who_waits_longest_and_who_is_urgent_comes_first() -> None:
    queue = make_queue()
    make_offering(queue)
    first, _second, urgent = (make_waiting(queue) for _ in range(3))
    WorkItem.objects.filter(pk=urgent.pk).update(vtime=urgent.vtime - timedelta(minutes=30))
    agent = make_ready(queue.team)
    state(agent, units=20)
    router = Router()

    for _turn in range(3):
        router.turn()
        accept_all()

    assert list(Offer.objects.order_by("pk").values_list("item_id", flat=True)) == [urgent.pk, first.pk]


def test_an_agent_never_gets_more_than_his_units_or_his_cap() -> None:
    queue = make_queue()
    make_offering(queue)
    by_units, by_cap = make_ready(queue.team), make_ready(queue.team)
    state(by_units, units=35)
    state(by_cap, caps={"mail": 2})
    for _n in range(12):
        make_waiting(queue)
    router = Router()

    for _turn in range(5):
        router.turn()
        accept_all()
    for _turn in range(2):
        router.turn()
        held = {agent: Assignment.objects.filter(agent=agent, done_at=None).count() for agent in (by_units, by_cap)}
        assert held == {by_units: 3, by_cap: 2}
    assert WorkItem.objects.filter(state=Items.WAITING).count() == 7


def test_a_freed_agent_gets_the_next_at_once() -> None:
    queue = make_queue()
    make_offering(queue, wrapup_seconds=60)
    agent = make_ready(queue.team)
    state(agent, units=10)
    first, second = make_waiting(queue), make_waiting(queue)
    router = Router()
    router.turn()
    accept_offer(offer=Offer.objects.get(), actor=Actor.of(agent))
    set_status(ticket=first.ticket, actor=Actor.of(agent), status=Status.RESOLVED)
    router.turn()
    assert offered() == []  # the wrap-up holds his units

    finish_wrapup(assignment=Assignment.objects.get(), actor=Actor.of(agent))
    router.turn()

    assert offered() == [(second.pk, agent.pk)]


def test_nobody_of_another_team_is_ever_asked() -> None:
    queue = make_queue()
    make_offering(queue)
    make_ready(make_team())
    make_ready()
    make_waiting(queue)
    router = Router()

    for _n in range(3):
        router.turn()

    assert offered() == []


def test_who_left_the_team_after_the_pool_was_read_is_not_asked() -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    router = Router()
    router.turn()
    agent.memberships.all().delete()
    item = make_waiting(queue)

    router.turn()

    assert offered() == []
    item.refresh_from_db()
    assert item.state == Items.WAITING
    router.turn()
    assert offered() == []


def test_a_channel_switched_off_brings_nothing() -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    set_channels(user=agent, actor=Actor.of(agent), channels=["chat"])
    make_waiting(queue)
    chat = make_waiting(queue, channel=Channel.CHAT)

    Router().turn()

    assert offered() == [(chat.pk, agent.pk)]


def test_contacts_of_a_queue_that_assigns_are_the_agents_at_once() -> None:
    queue = make_queue()
    make_offering(queue, mail_handing=Handing.ASSIGN)
    agent = make_ready(queue.team)
    item = make_waiting(queue)

    Router().turn()

    item.refresh_from_db()
    item.ticket.refresh_from_db()
    assert (item.state, item.ticket.owner) == (Items.ASSIGNED, agent)
    assert Assignment.objects.get().units == 10
    assert Decision.objects.get(kind="assign").agent == agent


# Steps, sticky agents, penalties by age


def test_a_requirement_relaxes_at_its_age_and_not_before() -> None:
    queue = make_queue()
    with_plan(queue, {"needs": {"skill": "lang/french"}, "expiry": 30}, {"expiry": None})
    skill("lang/french")
    router = Router()
    with frozen(NOON):
        agent = make_ready(queue.team)
        item = make_waiting(queue)
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=29)):
        here(agent)
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=30)):
        here(agent)
        router.turn()

    assert offered() == [(item.pk, agent.pk)]


def test_penalties_let_in_further_agents_as_the_contact_waits() -> None:
    queue = make_queue()
    with_plan(queue, {"max_penalty": 0, "expiry": 20}, {"max_penalty": 5, "expiry": None})
    router = Router()
    with frozen(NOON):
        agent = make_ready(queue.team)
        state(agent, penalties={str(queue.pk): 4})
        item = make_waiting(queue)
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=21)):
        here(agent)
        router.turn()

    assert offered() == [(item.pk, agent.pk)]


def known_contact(queue: Queue, agent: User) -> WorkItem:
    """A contact that knows this agent."""
    item = make_waiting(queue)
    WorkItem.objects.filter(pk=item.pk).update(preferred={"last_agent": [agent.pk]})
    Dirty.objects.create(kind=Dirty.Kind.ITEM, ref=item.pk)
    return item


def test_the_known_agent_is_waited_for_while_he_is_there_and_then_anybody_is_asked() -> None:
    queue = make_queue()
    make_offering(queue, sticky_seconds=20)
    router = Router()
    with frozen(NOON):
        known, other = make_ready(queue.team), make_ready(queue.team)
        item = known_contact(queue, known)
        router.turn()
        assert offered() == [(item.pk, known.pk)]
        decline_offer(offer=Offer.objects.get(), actor=Actor.of(known))
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=20)):
        here(known, other)
        router.turn()

    assert offered() == [(item.pk, other.pk)]


def test_a_known_agent_who_is_not_there_or_full_is_not_waited_for() -> None:
    queue = make_queue()
    make_offering(queue, sticky_seconds=20)
    away, full, other = make_user(teams=(queue.team,)), make_ready(queue.team), make_ready(queue.team)
    state(full, units=5)
    router = Router()
    items = [known_contact(queue, away), known_contact(queue, full)]

    for _turn in range(2):
        router.turn()
        accept_all()

    made = Offer.objects.order_by("pk").values_list("item_id", "agent_id")
    assert list(made) == [(item.pk, other.pk) for item in items]


def test_the_known_agent_who_goes_while_he_is_waited_for_holds_up_nobody() -> None:
    queue = make_queue()
    make_offering(queue, sticky_seconds=20, decline_seconds=300)
    known = make_ready(queue.team)
    item = known_contact(queue, known)
    router = Router()
    router.turn()
    other = make_ready(queue.team)
    decline_offer(offer=Offer.objects.get(), actor=Actor.of(known))
    router.turn()
    assert offered() == []

    set_agent_state(user=known, actor=Actor.of(known), state=AgentState.OFFLINE)
    router.turn()

    assert offered() == [(item.pk, other.pk)]


def test_a_step_is_left_at_once_where_nobody_who_meets_it_is_ready() -> None:
    queue = make_queue()
    speaker, other = make_user(teams=(queue.team,)), make_ready(queue.team)
    skill("lang/french", speaker)
    needs = {"needs": {"skill": "lang/french"}, "expiry": 600, "skip_if": ["nobody_ready"]}
    with_plan(queue, needs, {"expiry": None}, never_relax=[])
    item = make_waiting(queue)

    Router().turn()

    assert offered() == [(item.pk, other.pk)]


# Declines and misses


def test_a_declined_contact_comes_back_to_the_only_agent_when_the_cooldown_is_over() -> None:
    queue = make_queue()
    make_offering(queue, decline_seconds=120)
    router = Router()
    with frozen(NOON):
        agent = make_ready(queue.team)
        item = make_waiting(queue)
        router.turn()
        decline_offer(offer=Offer.objects.get(), actor=Actor.of(agent))
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=119)):
        here(agent)
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=120)):
        here(agent)
        router.turn()

    assert offered() == [(item.pk, agent.pk)]


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


# Breaks and shifts


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


# Overflow


def test_a_contact_that_waits_too_long_is_offered_to_the_other_queue_and_goes_there_when_it_is_taken() -> None:
    home, other = make_queue(), make_queue()
    make_offering(home, closed={"overflow": [{"when": "wait", "over": 60, "to": [other.pk]}]})
    router = Router()
    with frozen(NOON):
        mine, helper = make_ready(home.team), make_ready(other.team)
        state(mine, units=5)
        item = make_waiting(home)
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=61)):
        here(mine, helper)
        router.turn()
        assert offered() == [(item.pk, helper.pk)]

        accept_offer(offer=Offer.objects.get(), actor=Actor.of(helper))

    item.refresh_from_db()
    item.ticket.refresh_from_db()
    assert (item.queue, item.state, item.vtime) == (home, Items.ASSIGNED, item.vtime)
    assert (item.ticket.queue, item.ticket.owner) == (other, helper)
    assert Decision.objects.get(kind="overflow").record["from"] == home.pk


# Hours


def closing_queue(**rules: Any) -> Queue:
    """A queue of office hours."""
    queue = make_queue()
    queue.calendar = BusinessCalendar.objects.create(name=f"Office {queue.pk}", weekly=DAYTIME)
    queue.save()
    make_offering(queue, **rules)
    return queue


def test_a_contact_for_a_closed_queue_waits_for_its_opening() -> None:
    queue = closing_queue()
    router = Router()
    with frozen(NOON + timedelta(hours=8)):
        make_ready(queue.team)
        item = make_waiting(queue)
        router.turn()
        assert offered() == []
    with frozen(NOON.replace(day=5, hour=8, minute=59)):
        agent = make_ready(queue.team)
        router.turn()
        assert offered() == []
    with frozen(NOON.replace(day=5, hour=9)):
        here(agent)
        router.turn()

    assert offered() == [(item.pk, agent.pk)]


def test_who_waits_at_closing_is_served_on_and_who_comes_later_is_not() -> None:
    queue = closing_queue()
    router = Router()
    with frozen(NOON.replace(hour=16, minute=59, second=50)):
        early = make_waiting(queue)
        router.turn()
    with frozen(NOON.replace(hour=17, minute=0, second=10)):
        make_waiting(queue)
        agent = make_ready(queue.team)
        router.turn()

    assert offered() == [(early.pk, agent.pk)]


def test_the_drain_ends_when_it_is_said_to() -> None:
    queue = closing_queue(closed={"drain_seconds": 600})
    router = Router()
    with frozen(NOON.replace(hour=16, minute=59, second=50)):
        make_waiting(queue)
        router.turn()
    with frozen(NOON.replace(hour=17, minute=10)):
        make_ready(queue.team)
        router.turn()

    assert offered() == []


def test_chats_still_waiting_at_closing_become_messages_where_the_queue_converts() -> None:
    queue = closing_queue(closed={"at_closing": "convert"})
    router = Router()
    with frozen(NOON.replace(hour=16, minute=59, second=50)):
        item = make_waiting(queue, channel=Channel.CHAT)
        router.turn()
    with frozen(NOON.replace(hour=17)):
        router.turn()

    item.refresh_from_db()
    assert (item.state, item.handing) == (Items.WAITING, Handing.PULL)
    assert Decision.objects.get(kind="closed").record["done"] == "ticket"


def test_a_chat_for_a_closed_queue_becomes_a_message_that_agents_pull() -> None:
    queue = closing_queue()
    agent = make_user(teams=(queue.team,))
    with frozen(NOON + timedelta(hours=8)):
        item = make_waiting(queue, channel=Channel.CHAT)
        Router().turn()
        item.refresh_from_db()
        assert item.handing == Handing.PULL

        assert pull_next(actor=Actor.of(agent)) == item.ticket


def test_a_contact_for_a_closed_queue_goes_to_the_queue_that_is_open() -> None:
    other = make_queue()
    make_offering(other)
    queue = closing_queue(closed={"behaviours": {"closed": "other_queue"}, "other_queues": [other.pk]})
    router = Router()
    with frozen(NOON + timedelta(hours=8)):
        agent = make_ready(other.team)
        item = make_waiting(queue)
        router.turn()
        router.turn()

    item.refresh_from_db()
    assert item.queue == other
    assert offered() == [(item.pk, agent.pk)]
    event = TicketEvent.objects.get(ticket=item.ticket, kind=Kind.QUEUED)
    assert "closed" in sentence(event)


def test_who_comes_to_a_full_queue_goes_elsewhere_and_who_was_let_in_stays() -> None:
    other = make_queue()
    make_offering(other)
    rules = {"behaviours": {"full": "other_queue"}, "other_queues": [other.pk], "max_length": 2}
    queue = make_queue()
    make_offering(queue, closed=rules)
    make_ready(other.team)
    state(make_ready(queue.team), units=5)
    first, second, third = (make_waiting(queue) for _ in range(3))
    router = Router()

    router.turn()

    def places() -> list[int]:
        return [WorkItem.objects.get(pk=item.pk).queue_id for item in (first, second, third)]

    assert places() == [queue.pk, queue.pk, other.pk]
    Router().turn()
    assert places() == [queue.pk, queue.pk, other.pk]


# Alerts


def test_leads_hear_once_that_nobody_is_at_work_and_the_contact_is_served_when_somebody_comes() -> None:
    queue = make_queue()
    make_offering(queue)
    lead = make_user(lead_of=(queue.team,))
    router = Router()
    item = make_waiting(queue)
    for _n in range(3):
        router.turn()
        make_waiting(queue)
    Router().turn()

    assert list(Notification.objects.values_list("user", "reason")) == [(lead.pk, Notification.Reason.NOT_ROUTED)]
    agent = make_ready(queue.team)
    router.turn()
    assert (item.pk, agent.pk) in offered()


def test_a_queue_that_never_opens_is_told_to_managers_where_it_has_no_lead() -> None:
    queue = make_queue()
    queue.calendar = BusinessCalendar.objects.create(name="Never", weekly={})
    queue.save()
    make_offering(queue)
    manager = make_user("manager")
    make_waiting(queue)

    Router().turn()

    assert list(Notification.objects.values_list("user", flat=True)) == [manager.pk]
    assert Decision.objects.get(kind="alert").record["why"] == "never_opens"


def test_a_queue_with_somebody_at_work_raises_no_alert() -> None:
    queue = make_queue()
    make_offering(queue)
    make_user(lead_of=(queue.team,))
    state(make_ready(queue.team), units=5)
    make_waiting(queue)

    Router().turn()

    assert not Notification.objects.exists()


# Reading again


def test_a_minute_later_everything_is_read_again_in_slices() -> None:
    queue = make_queue()
    make_offering(queue)
    router = Router()
    with frozen(NOON):
        agent = make_ready(queue.team)
        router.turn()
        item = make_waiting(queue)
        Dirty.objects.all().delete()  # a change that nobody told of
        router.turn()
        assert offered() == []
    with frozen(NOON + timedelta(seconds=61)):
        here(agent)
        while router.turn():
            pass

    assert offered() == [(item.pk, agent.pk)]


def test_a_queue_made_after_the_reading_is_found_with_its_first_contact() -> None:
    router = Router()
    router.turn()
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    item = make_waiting(queue)

    router.turn()

    assert offered() == [(item.pk, agent.pk)]


def test_a_contact_passed_on_to_a_queue_waits_there_at_its_place_whoever_passed_it_on() -> None:
    team = make_team()
    queue, other = make_queue(team), make_queue(team)
    make_offering(queue)
    make_offering(other)
    agent, colleague = make_ready(team), make_user(teams=(team,))
    item = make_waiting(queue, make_customer())
    Router().turn()
    accept_offer(offer=Offer.objects.get(), actor=Actor.of(agent))

    transfer(ticket=item.ticket, actor=Actor.of(agent), why="Billing knows.", queue=other)

    again = WorkItem.objects.get()
    assert (again.state, again.queue, again.vtime) == (Items.WAITING, other, item.vtime)
    assert colleague.pk


def test_why_somebody_waits_is_written_once_for_each_change_of_reasons() -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    state(agent, units=5)
    make_waiting(queue)
    router = Router()
    for _n in range(4):
        router.turn()
    assert [row.record["reasons"] for row in Decision.objects.filter(kind="wait")] == [{"no_units": 1}]

    set_agent_state(user=agent, actor=Actor.of(agent), state=AgentState.OFFLINE)
    router.turn()

    newest = Decision.objects.filter(kind="wait").order_by("-pk")[0]
    assert newest.record["reasons"] == {"offline": 1}
