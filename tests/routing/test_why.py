"""Why this agent, why still waiting, what would change it: in the reader's words, on the page, in the API, as a command."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import translation

from helpdesk.models import Actor, AgentSkill, BusinessCalendar, Skill, SkillGroup, User
from helpdesk.now import now
from routing import words
from routing.actions.agents import set_agent_state
from routing.actions.offers import accept_offer, decline_offer
from routing.core.engine import Change
from routing.core.explain import REASONS
from routing.models import (
    AgentPresence,
    AgentState,
    DemandRule,
    NotReadyReason,
    Offer,
    PlanVersion,
    RoutingPlan,
    WorkItem,
)
from routing.queries.why import Why, as_data, why_of
from routing.router import Router
from tests.api.conftest import Caller, secret_for
from tests.factories import make_queue, make_team, make_user
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db


def _why(item: WorkItem) -> Why:
    return why_of(item.ticket, now())


def _skill(name: str = "Billing") -> Skill:
    group, _made = SkillGroup.objects.get_or_create(name="Trade")
    return Skill.objects.create(group=group, name=name)


def _hold(user: User, skill: Skill, level: int = 3) -> None:
    AgentSkill.objects.create(user=user, skill=skill, level=level)


def test_an_offer_says_by_what_rule_and_who_else_was_there() -> None:
    queue = make_queue()
    make_offering(queue)
    first, second, offline = make_ready(queue.team), make_ready(queue.team), make_user(teams=(queue.team,))
    set_agent_state(user=offline, actor=Actor.of(offline), state=AgentState.OFFLINE)
    item = make_waiting(queue)
    Router().turn()

    why = _why(item)

    decided = why.decisions[0]
    assert why.said == f"{first} is being asked now."
    assert (decided.agent, decided.by, decided.by_words, decided.outcome) == (
        first.pk,
        "longest_idle",
        "longest idle",
        "pending",
    )
    assert [(one.agent, one.is_chosen) for one in decided.candidates] == [(first.pk, True), (second.pk, False)]
    assert decided.candidates[0].words.startswith("idle for")
    assert [fact.words for fact in decided.reasons] == ["1 agent is offline"]


def test_a_waiting_contact_says_what_is_missing_and_what_would_change_it() -> None:
    queue = make_queue()
    make_offering(queue)
    skill = _skill()
    DemandRule.objects.create(name="Bills", rule={"when": {"channel": ["api"]}, "skills": {"trade/billing": 2}})
    able, unable = make_ready(queue.team), make_ready(queue.team)
    _hold(able, skill)
    coaching, _made = NotReadyReason.objects.get_or_create(code="coaching", defaults={"name": "Coaching"})
    set_agent_state(user=able, actor=Actor.of(able), state=AgentState.NOT_READY, reason=coaching)
    item = make_waiting(queue)
    Router().turn()

    why = _why(item)

    assert why.needs == "Billing at level 2 or better"
    assert why.step == "Needs Billing at level 2 or better."
    assert {(fact.code, fact.count) for fact in why.reasons} == {("coaching", 1), ("skills", 1)}
    assert "1 agent is not ready (Coaching)" in [fact.words for fact in why.reasons]
    assert [(fact.code, fact.words) for fact in why.missing] == [("trade/billing>=2", "Billing at level 2 or better")]
    assert {fact.words for fact in why.changes} == {
        "one agent becomes ready (now: Coaching)",
        "“Billing at level 2 or better” is given up (one agent could take it)",
    }
    assert why.because == ["Billing at level 2 or better, by the rule “Bills” (from the conversation: api)"]
    assert unable.pk not in [one.agent for one in why.next_agents]


def test_who_comes_next_is_named_while_all_are_busy() -> None:
    queue = make_queue()
    make_offering(queue, mail_handing="offer")
    agent = make_ready(queue.team)
    AgentPresence.objects.filter(user=agent).update(units=10)
    make_waiting(queue)
    router = Router()
    router.turn()
    accept_offer(offer=Offer.objects.get(), actor=Actor.of(agent))
    item = make_waiting(queue)
    router.turn()

    why = _why(item)

    assert [one.agent for one in why.next_agents] == [agent.pk]
    assert [(fact.code, fact.count) for fact in why.reasons] == [("no_units", 1)]
    assert why.wait is not None and why.wait.place == 1


def test_a_plan_says_its_step_and_when_it_relaxes() -> None:
    queue = make_queue()
    plan = RoutingPlan.objects.create(name="Bills first", version=2)
    rules = {"steps": [{"needs": {"skill": "trade/billing"}, "expiry": 600}, {"keep": []}]}
    PlanVersion.objects.create(plan=plan, version=2, rules=rules, saved_at=now())
    make_offering(queue, plan=plan)
    _skill()
    make_ready(queue.team)
    item = make_waiting(queue)

    why = _why(item)

    assert why.plan == "Bills first 2"
    assert why.step.startswith("Step 1 of 2: needs Billing. It relaxes in 9 min") or "It relaxes in 10 min" in why.step


def test_a_closed_queue_says_until_when() -> None:
    never = BusinessCalendar.objects.create(name="Never", time_zone="UTC", weekly={})
    queue = make_queue()
    queue.calendar = never
    queue.save()
    make_offering(queue, closed={"drain_seconds": 0})
    make_ready(queue.team)
    item = make_waiting(queue)

    why = _why(item)

    assert why.wait is not None and why.wait.hidden == "closed"
    assert "the queue is closed (no opening is known)" in why.said


def test_a_decline_is_told_as_such() -> None:
    queue = make_queue()
    make_offering(queue, decline_seconds=600)
    agent = make_ready(queue.team)
    item = make_waiting(queue)
    router = Router()
    router.turn()
    decline_offer(offer=Offer.objects.get(), actor=Actor.of(agent))

    why = _why(item)

    assert why.decisions[0].outcome == "declined"
    assert [fact.code for fact in why.reasons] == ["excluded"]
    assert [fact.code for fact in why.changes] == ["exclusion_ends"]


@pytest.mark.parametrize("language", ["en", "fa", "ar", "zh-hans"])
def test_every_code_has_words_in_every_language(language: str) -> None:
    with translation.override(language):
        for code in (*REASONS, "free", *AgentState.values, "outside_shift"):
            if code not in {"ready"}:
                assert words.reason_words(code, 3) and words.reason_words(code, 1)
        for kind in ("frees", "ready", "accepts", "exclusion_ends", "anyone", "skill"):
            assert words.change_words(Change(kind, 2, "lang/fr"))


def test_the_panel_is_for_those_who_see_the_ticket_and_looks_as_if_nothing_were_there_to_others(client: Client) -> None:
    queue = make_queue()
    make_offering(queue)
    agent, stranger = make_ready(queue.team), make_ready(make_team())
    item = make_waiting(queue)
    Router().turn()
    address = f"/routing/why/{item.ticket.number}/"

    client.force_login(agent)
    page = client.get(address)
    client.force_login(stranger)
    hidden = client.get(address)

    assert page.status_code == 200 and str(agent) in page.content.decode() and page["HX-Merge"] == "1"
    assert hidden.status_code == 404


def test_the_api_gives_codes_beside_the_words() -> None:
    queue = make_queue()
    make_offering(queue)
    agent, stranger = make_ready(queue.team), make_ready(make_team())
    item = make_waiting(queue)
    Router().turn()
    address = f"tickets/{item.ticket.public_id}/routing/"

    answer = Caller(secret_for(agent)).get(address)
    hidden = Caller(secret_for(stranger)).get(address)

    body: dict[str, Any] = answer.json()
    assert (answer.status_code, hidden.status_code) == (200, 404)
    assert (body["state"], body["queue"]["id"], body["decisions"][0]["agent"]["id"]) == ("offered", queue.pk, agent.pk)


def test_the_command_explains_and_refuses_a_number_that_is_none() -> None:
    queue = make_queue(name="Bills")
    make_offering(queue)
    item = make_waiting(queue)
    out, data = StringIO(), StringIO()

    call_command("explain_route", f"#{item.ticket.number}", stdout=out)
    call_command("explain_route", str(item.ticket.number), "--json", stdout=data)

    assert out.getvalue().startswith(f"#{item.ticket.number}  Bills\nWaiting for ")
    assert json.loads(data.getvalue())["state"] == "waiting"
    with pytest.raises(CommandError, match="no ticket"):
        call_command("explain_route", "999999999")


def test_what_programs_read_names_every_part() -> None:
    item = make_waiting(make_queue())

    assert set(as_data(_why(item))) >= {
        "state",
        "reasons",
        "changes",
        "next_agents",
        "decisions",
        "estimate",
        "callback",
    }
