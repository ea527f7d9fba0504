"""The leads' board: figures from hand-made rows, alerts, and what it says of each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from helpdesk.models import Actor, BusinessCalendar, Queue, User
from helpdesk.now import now
from routing.actions.agents import set_agent_state
from routing.actions.breaks import ask_for_break
from routing.models import (
    AgentPresence,
    AgentState,
    Assignment,
    BreakRequest,
    Handing,
    NotReadyReason,
    Offer,
    WorkItem,
)
from routing.queries.board import QueueNow, read_board, teams_of
from routing.router import Router
from tests.factories import make_queue, make_team, make_user
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db
Items = WorkItem.State
PARTIAL = {"HX-Request": "true"}


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Noon of today, so that a day lies before now whatever the hour of the test."""
    at = now().replace(hour=12, minute=0, second=0, microsecond=0)
    for module in ("routing.queries.board", "routing.templatetags.board"):
        monkeypatch.setattr(f"{module}.now", lambda: at)
    return at


def _arrived(
    queue: Queue,
    at: datetime,
    *,
    answered: float | None = None,
    ended: float | None = None,
    outcome: str = "abandoned",
    agent: User | None = None,
    handled: float | None = None,
    handing: str = Handing.OFFER,
) -> WorkItem:
    """A contact that came at `at`; answered, or given up, so many seconds later; handled for so long."""
    item = make_waiting(queue)
    done = at + timedelta(seconds=ended) if ended is not None else None
    item.entered_at = item.vtime = at
    item.handing = handing
    if answered is not None:
        item.answered_at, item.state = at + timedelta(seconds=answered), Items.ASSIGNED
    if done is not None:
        item.state, item.done_at, item.outcome = Items.DONE, done, outcome
    if handled is not None and item.answered_at is not None and agent is not None:
        end = item.answered_at + timedelta(seconds=handled)
        Assignment.objects.create(
            item=item, agent=agent, channel="mail", units=10, begun_at=item.answered_at, ended_at=end, done_at=end
        )
        item.state, item.done_at, item.outcome = Items.DONE, end, "handled"
    item.save()
    return item


def _lead(*teams: Any) -> Actor:
    return Actor.of(make_user(lead_of=teams))


def _here(actor: Actor, queue: Queue) -> QueueNow:
    board = read_board(actor, teams_of(actor))
    return next(here for here in board.queues if here.queue == queue)


def _client(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def test_the_level_is_answered_in_time_over_offered_without_short_abandons(noon: datetime) -> None:
    queue = make_queue()
    make_offering(queue, target_seconds=20, target_share=80, short_abandon_seconds=5)
    old = noon - timedelta(hours=2)
    for seconds in (0, 10, 20):
        _arrived(queue, old, answered=seconds)
    _arrived(queue, old, answered=21)
    _arrived(queue, old, ended=5)  # gave up at once: not counted
    _arrived(queue, old, ended=6)  # gave up after waiting
    _arrived(queue, old, ended=9, outcome="merged_away")  # nobody had to be found
    _arrived(queue, noon - timedelta(seconds=25))  # waits beyond the target: surely missed
    _arrived(queue, noon - timedelta(seconds=15))  # not decided yet

    here = _here(_lead(queue.team), queue)

    assert (here.today.offered, here.today.in_time, here.today.short, here.today.gave_up) == (7, 3, 1, 1)
    assert here.today.level == pytest.approx(3 / 6)
    assert here.today.lost == pytest.approx(1 / 6)
    assert (here.now.offered, here.now.level) == (1, 0.0)
    assert (here.waiting, here.oldest) == (2, noon - timedelta(seconds=25))


def test_the_level_is_told_by_the_interval_of_arrival_and_the_queues_own_day(noon: datetime) -> None:
    tokyo = BusinessCalendar.objects.create(name="Tokyo", time_zone="Asia/Tokyo", weekly={})
    queue, far = make_queue(), make_queue()
    far.calendar = tokyo
    far.save()
    for one in (queue, far):
        make_offering(one)
        _arrived(one, noon - timedelta(minutes=16), answered=1)
        _arrived(one, noon - timedelta(minutes=31), answered=60 * 31 - 5)  # answered now, arrived before
        _arrived(one, noon - timedelta(hours=13), answered=1)  # yesterday in London; in Tokyo too, 21 h less 13

    here, there = (_here(_lead(one.team), one) for one in (queue, far))

    assert (here.now.offered, here.now.level) == (1, 1.0)
    assert (here.today.offered, here.today.level) == (2, 0.5)
    assert there.today.offered == 3


def test_contacts_that_agents_take_themselves_count_only_where_nothing_else_is_measured(noon: datetime) -> None:
    both, pulling, unset = make_queue(), make_queue(), make_queue()
    make_offering(both)
    make_offering(pulling, mail_handing=Handing.PULL)
    at = noon - timedelta(hours=1)
    _arrived(both, at, answered=1)
    _arrived(both, at, answered=3000, handing=Handing.PULL)
    for one in (pulling, unset):
        _arrived(one, at, answered=3000, handing=Handing.PULL)

    assert _here(_lead(both.team), both).today.level == 1.0
    assert _here(_lead(pulling.team), pulling).today.level == 0.0
    assert _here(_lead(unset.team), unset).today.level is None  # nobody set a target for it


def test_where_nothing_is_known_the_board_says_so(noon: datetime) -> None:
    queue = make_queue()
    make_offering(queue)
    lead = make_user(lead_of=(queue.team,))

    here = _here(Actor.of(lead), queue)
    page = _client(lead).get(reverse("board")).content.decode()

    assert (here.today.level, here.now.level, here.today.lost) == (None, None, None)
    assert (here.expected, here.outlook.level, here.outlook.needed) == (None, None, None)
    assert "no data yet" in page
    assert "no contacts yet" in page


def test_the_next_hour_is_told_from_the_same_hour_of_past_weeks(noon: datetime) -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    for week, count in ((1, 3), (2, 1)):
        for n in range(count):
            begun = noon - timedelta(weeks=week) + timedelta(minutes=5 + n)
            _arrived(queue, begun, answered=1, agent=agent, handled=300)
    _arrived(queue, noon - timedelta(weeks=2, hours=3), answered=1)
    _arrived(queue, noon - timedelta(hours=20), answered=1, agent=agent, handled=300)

    here = _here(_lead(queue.team), queue)

    assert here.expected is not None
    assert (here.expected.contacts, here.expected.weeks) == (2.0, 2)
    assert here.outlook.needed == 1
    assert here.outlook.level is not None
    assert here.outlook.level > 0.9


def test_an_agent_on_a_contact_is_busy_and_one_who_wraps_up_is_told_apart(noon: datetime) -> None:
    queue = make_queue()
    make_offering(queue)
    free, busy, wrapping, away = (make_ready(queue.team) for _ in range(4))
    _arrived(queue, noon, answered=0).assignments.create(agent=busy, channel="mail", units=10, begun_at=noon)
    _arrived(queue, noon, answered=0).assignments.create(
        agent=wrapping, channel="mail", units=10, begun_at=noon, ended_at=noon, wrapup_until_at=noon
    )
    lunch = NotReadyReason.objects.create(name="Coaching of mine", code="coaching-x")
    set_agent_state(user=away, actor=Actor.of(away), state=AgentState.NOT_READY, reason=lunch)
    actor = _lead(queue.team)

    groups = {a.user: a.group for a in read_board(actor, teams_of(actor)).agents}

    assert [groups[one] for one in (free, busy, wrapping, away)] == ["ready", "busy", "wrapup", "not-ready"]
    here = _here(actor, queue)
    assert (here.ready, here.busy, here.at_desk) == (1, 2, 4)


def _break_of(agent: User) -> BreakRequest:
    lunch, _made = NotReadyReason.objects.get_or_create(
        code="lunch-x", defaults={"name": "Lunch hour", "is_break": True}
    )
    return ask_for_break(user=agent, reason=lunch, minutes=20)


def test_a_break_shows_the_level_with_and_without_its_agent(noon: datetime) -> None:
    queue = make_queue()
    make_offering(queue, mail_handing=Handing.PULL, chat_handing=Handing.OFFER)
    agents = [make_ready(queue.team) for _ in range(3)]
    AgentPresence.objects.update(caps={"chat": 1})
    for n in range(40):
        begun = noon - timedelta(weeks=1) + timedelta(minutes=n)
        item = _arrived(queue, begun, answered=1, agent=agents[0], handled=180)
        WorkItem.objects.filter(pk=item.pk).update(channel="chat")
    Assignment.objects.update(begun_at=noon - timedelta(days=6), done_at=noon - timedelta(days=6, seconds=-180))
    _break_of(agents[0])
    actor = _lead(queue.team)

    asked = read_board(actor, teams_of(actor)).breaks

    assert len(asked) == 1
    effect = asked[0].effect
    assert effect is not None
    # Erlang C: 40 an hour, 180 s, 20 s; three agents, then two, who carry two Erlangs no more
    assert effect.with_agent == pytest.approx(0.6025, abs=0.005)
    assert effect.without == pytest.approx(0.0)


def test_a_break_of_somebody_who_takes_nothing_has_no_effect(noon: datetime) -> None:
    queue = make_queue()
    make_offering(queue)
    agent = make_ready(queue.team)
    lead = make_user(lead_of=(queue.team,))
    _break_of(agent)
    AgentPresence.objects.update(state=AgentState.NOT_READY)

    page = _client(lead).get(reverse("board")).content.decode()

    assert "no effect on any queue" in page


@pytest.mark.parametrize("rows", [1, 3])
def test_the_board_costs_the_same_for_one_row_and_for_three(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    team = make_team()
    lead = make_user(lead_of=(team,))
    for _ in range(rows):
        queue = make_queue(team)
        make_offering(queue)
        agent = make_ready(team)
        make_waiting(queue)
        _break_of(agent)
        _arrived(queue, now() - timedelta(minutes=3), answered=1, agent=agent, handled=5)
    Router().turn()
    actor = Actor.of(lead)
    cache.clear()
    with django_assert_num_queries(19):
        read_board(actor, teams_of(actor))


def test_an_unstaffed_queue_is_an_alert_that_says_what_to_do() -> None:
    queue = make_queue(make_team("Night shift"))
    make_offering(queue)
    lead = make_user(lead_of=(queue.team,))
    make_waiting(queue)

    page = _client(lead).get(reverse("board")).content.decode()

    assert "Nobody of Night shift is at work" in page
    assert "1 contact waits." in page
    assert "Call somebody of the team to the desk" in page
    make_ready(queue.team)
    assert "Nobody of Night shift" not in _client(lead).get(reverse("board")).content.decode()


def test_who_could_help_an_unstaffed_team_is_named() -> None:
    queue = make_queue()
    make_offering(queue)
    agent, lead = make_ready(queue.team, name="Ida Idle"), make_user(lead_of=(queue.team,))
    AgentPresence.objects.filter(user=agent).update(state=AgentState.NOT_READY)

    page = _client(lead).get(reverse("board")).content.decode()

    assert "Ask Ida Idle to become ready" in page


def test_a_closed_queue_with_somebody_waiting_is_an_alert() -> None:
    queue = make_queue(name="Shut")
    queue.calendar = BusinessCalendar.objects.create(name="Never", time_zone="UTC", weekly={})
    queue.save()
    make_waiting(queue)
    lead = make_user(lead_of=(queue.team,))

    page = _client(lead).get(reverse("board")).content.decode()

    assert "Shut is closed, and 1 contact waits in it." in page
    assert "Its hours never open" in page


def test_the_page_knows_when_a_queue_opens_or_closes_next(noon: datetime) -> None:
    queue = make_queue()
    day = noon.strftime("%a").lower()
    queue.calendar = BusinessCalendar.objects.create(name="Day", time_zone="UTC", weekly={day: [["09:00", "17:00"]]})
    queue.save()
    lead = make_user(lead_of=(queue.team,))

    page = _client(lead).get(reverse("board")).content.decode()

    assert f'data-changes="{noon.replace(hour=17).isoformat()}"' in page


def test_the_board_says_who_is_being_asked_and_why_others_wait() -> None:
    queue = make_queue()
    make_offering(queue)
    agent, lead = make_ready(queue.team, name="Olga Offered"), make_user(lead_of=(queue.team,))
    AgentPresence.objects.filter(user=agent).update(units=10)
    make_waiting(queue)
    make_waiting(queue)
    router = Router()
    router.turn()
    router.turn()
    assert Offer.objects.count() == 1

    page = _client(lead).get(reverse("board")).content.decode()

    assert "being offered to Olga Offered" in page
    assert "1 just being asked" in page


def test_the_desk_leads_to_the_board_those_who_lead() -> None:
    team = make_team()
    agent, lead = make_user(teams=(team,)), make_user(lead_of=(team,))

    assert reverse("board") not in _client(agent).get("/inbox/team/").content.decode()
    assert reverse("board") in _client(lead).get("/inbox/team/").content.decode()
