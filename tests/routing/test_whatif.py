"""What if: managers only; a day's scenario runs through the same engine; staffing by both laws; a dry run writes nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from helpdesk.models import AgentSkill, Customer, CustomerAddress, Queue, Role, Skill, SkillGroup, Ticket
from helpdesk.now import now
from routing.core.scenario import read
from routing.core.simulation import run
from routing.models import (
    Assignment,
    Decision,
    DemandRule,
    PlanVersion,
    QueueRouting,
    RoutingPlan,
    WaitForecast,
    WorkItem,
)
from routing.queries.dry_run import Contact, path_of
from routing.queries.traffic import scenario_of
from tests.factories import make_customer, make_queue, make_user
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db
PAGES = ("", "simulate/", "staffing/", "dry-run/")


@pytest.fixture
def manager(client: Client) -> Client:
    """A manager at his browser."""
    client.force_login(make_user(Role.MANAGER))
    return client


def _day(queue: Queue, contacts: int = 6) -> None:
    """Contacts of yesterday noon, each handled for two minutes."""
    agent = make_ready(queue.team)
    noon = timezone.localtime(now()).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    for n in range(contacts):
        item = make_waiting(queue)
        at = noon + timedelta(minutes=n)
        WorkItem.objects.filter(pk=item.pk).update(
            state="done", entered_at=at, answered_at=at, done_at=at, outcome="handled"
        )
        Assignment.objects.create(
            item=item, agent=agent, channel="mail", units=10, begun_at=at, done_at=at + timedelta(seconds=120)
        )


def _skill(name: str) -> Skill:
    group, _made = SkillGroup.objects.get_or_create(name="Trade")
    return Skill.objects.create(group=group, name=name)


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_are_for_managers_and_for_nobody_else(page: str, client: Client) -> None:
    for role, status in ((Role.AGENT, 403), (Role.LIGHT, 403), (Role.MANAGER, 200), (Role.ADMIN, 200)):
        client.force_login(make_user(role))
        assert client.get(f"/routing/what-if/{page}").status_code == status, role


def test_a_lead_is_no_manager(client: Client) -> None:
    queue = make_queue()
    lead = make_user(teams=(), lead_of=(queue.team,))
    client.force_login(lead)

    assert client.get("/routing/what-if/").status_code == 403


def test_a_day_becomes_a_scenario_that_the_engine_runs() -> None:
    queue = make_queue(name="Bills")
    make_offering(queue, target_share=90, target_seconds=30, strategy="fewest")
    _day(queue)
    begins = timezone.localtime(now()).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)

    plain = scenario_of([queue], begins)
    answer = run(read(plain)).answer()

    assert [one["at"] for one in plain["queues"][0]["recorded"]] == [43200.0 + 60 * n for n in range(6)]
    assert plain["queues"][0]["service_level"] == {"share": 0.9, "seconds": 30}
    assert plain["queues"][0]["strategy"] == "fewest"
    assert plain["agents"][0]["queues"] == ["Bills"]
    assert (answer["queues"][0]["offered"], answer["queues"][0]["answered"]) == (6, 6)


def test_more_traffic_is_drawn_by_the_hours_of_the_day() -> None:
    queue = make_queue(name="Bills")
    _day(queue)
    begins = timezone.localtime(now()).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)

    rates = scenario_of([queue], begins, factor=1.5)["queues"][0]["arrivals_per_hour"]

    assert (rates[12], sum(rates)) == (9.0, 9.0)


def test_the_page_writes_a_scenario_and_runs_it(manager: Client) -> None:
    queue = make_queue(name="Bills")
    _day(queue)
    day = (timezone.localtime(now()).date() - timedelta(days=1)).isoformat()

    made = manager.post("/routing/what-if/simulate/", {"do": "make", "queue": queue.pk, "day": day, "more": "0"})
    scenario = made.context["scenario"]
    ran = manager.post("/routing/what-if/simulate/", {"do": "run", "scenario": scenario})

    assert json.loads(scenario)["queues"][0]["name"] == "Bills"
    assert ran.context["answer"]["queues"][0]["answered"] == 6
    assert "<svg" in ran.content.decode()


def test_a_queue_to_which_nothing_came_has_no_level_rather_than_a_bad_one(manager: Client) -> None:
    queues = [
        {"name": "A", "recorded": [1.0], "handle_seconds": 60},
        {"name": "B", "arrivals_per_hour": 0, "handle_seconds": 60},
    ]
    scenario = json.dumps({"hours": 1, "queues": queues, "agents": [{"count": 1, "queues": ["A", "B"]}]})

    said = manager.post("/routing/what-if/simulate/", {"do": "run", "scenario": scenario}).content.decode()

    assert '<span class="num">100.0 %</span>' in said
    assert '<td><span class="num">–</span> <svg' in said.partition(">B</")[2]


@pytest.mark.parametrize(
    ("scenario", "sentence"),
    [
        ("{", "not JSON"),
        ('{"hours": 1}', "no queues"),
        ('{"hours": 1, "queues": [NaN]}', "no number"),
        (
            '{"hours": 1000, "queues": [{"name": "A", "arrivals_per_hour": 100, "handle_seconds": 60}], "agents": []}',
            "are the most",
        ),
    ],
)
def test_a_scenario_that_cannot_run_is_refused_with_a_sentence(manager: Client, scenario: str, sentence: str) -> None:
    answer = manager.post("/routing/what-if/simulate/", {"do": "run", "scenario": scenario})

    assert answer.status_code == 422
    assert sentence in answer.context["problem"]


def test_the_staffing_page_gives_both_laws_with_one_more_and_one_less(manager: Client) -> None:
    asked = {"contacts_per_hour": "200", "handle_seconds": "180", "shrinkage": "30", "patience_seconds": "240"}

    page = manager.get("/routing/what-if/staffing/", asked)

    patient, leaving = page.context["models"]
    assert (patient["agents"], patient["scheduled"]) == (14, 20)
    assert [one["line"].agents for one in patient["lines"]] == [13, 14, 15]
    assert leaving["agents"] < patient["agents"]


@pytest.mark.parametrize("asked", [{"handle_seconds": "long"}, {"shrinkage": "100"}, {"contacts_per_hour": "-5"}])
def test_a_question_that_makes_no_sense_is_refused_with_a_sentence(manager: Client, asked: dict[str, str]) -> None:
    answer = manager.get("/routing/what-if/staffing/", asked)

    assert answer.status_code == 422 and answer.context["problem"]


def test_a_dry_run_tells_demand_steps_and_who_could_take_it_and_writes_nothing() -> None:
    queue = make_queue(name="Bills")
    plan = RoutingPlan.objects.create(name="Patient", version=1)
    steps = {"steps": [{"expiry": 40}, {"keep": [], "expiry": 60, "boost": 30}], "final": "any"}
    PlanVersion.objects.create(plan=plan, version=1, rules=steps, saved_at=now())
    make_offering(queue, plan=plan)
    DemandRule.objects.create(
        name="Bill", rule={"when": {"answer": {"topic": ["bill"]}}, "skills": {"trade/billing": 3}}
    )
    able, _unable = make_ready(queue.team), make_ready(queue.team)
    AgentSkill.objects.create(user=able, skill=_skill("Billing"), level=4)
    before = (Ticket.objects.count(), WorkItem.objects.count(), Decision.objects.count(), WaitForecast.objects.count())

    path = path_of(Contact(queue=queue, channel="chat", answers={"topic": "bill"}), now())

    assert path.because == ["Billing at level 3 or better, by the rule “Bill” (chosen by the customer: topic = bill)"]
    assert [(step.begins, step.ends, step.able) for step in path.steps] == [
        (0.0, 40.0, 1),
        (40.0, 100.0, 2),
        (100.0, None, 2),
    ]
    assert [(one.agent, one.is_chosen) for one in path.candidates] == [(able.pk, True)]
    assert {fact.code for fact in path.reasons} == {"free", "skills"}
    after = (Ticket.objects.count(), WorkItem.objects.count(), Decision.objects.count(), WaitForecast.objects.count())
    assert before == after


def test_a_dry_run_shows_conflicts_and_the_closed_behaviour() -> None:
    queue, other = make_queue(name="Closed"), make_queue(name="Open")
    make_offering(
        queue, closed={"behaviours": {"unstaffed": "other_queue"}, "other_queues": [other.pk]}, language_level=1
    )
    make_ready(other.team)
    group = SkillGroup.objects.create(name="lang")
    Skill.objects.create(group=group, name="French", language="fr")
    Skill.objects.create(group=group, name="German", language="de")
    customer: Customer = make_customer("ann@shop.example")
    customer.language = "de"
    customer.save()

    path = path_of(Contact(queue=queue, channel="chat", language="fr", customer=customer), now())

    assert path.queue == other
    assert (path.state, path.arrival) == ("nobody at work", "It goes to Open instead.")
    assert len(path.conflicts) == 1 and path.conflicts[0].startswith("German")


def test_the_dry_run_page_says_what_it_cannot_read(manager: Client) -> None:
    queue = make_queue()
    for sent, sentence in (
        ({"answers": "topic"}, "line of its own"),
        ({"customer": "nobody@shop.example"}, "No customer"),
        ({"channel": "pigeon"}, "Choose"),
    ):
        answer = manager.post("/routing/what-if/dry-run/", {"queue": queue.pk, "channel": "chat", **sent})
        assert answer.status_code == 422 and sentence in answer.context["problem"]


def test_the_dry_run_page_shows_the_path(manager: Client) -> None:
    queue = make_queue(name="Bills")
    agent = make_ready(queue.team)
    address = CustomerAddress.objects.get(customer=make_customer("ann@shop.example"))

    page = manager.post(
        "/routing/what-if/dry-run/", {"queue": queue.pk, "channel": "chat", "customer": address.value.upper()}
    ).content.decode()

    assert str(agent) in page and "longest idle" in page


def test_the_front_page_tells_how_forecasts_came_true(manager: Client) -> None:
    item = make_waiting(make_queue(name="Bills"))
    WaitForecast.objects.create(
        item=item,
        queue=item.queue,
        at=now(),
        ahead=0,
        low_seconds=60,
        high_seconds=90,
        waited_seconds=70,
        was_answered=True,
    )

    page = manager.get("/routing/what-if/")

    assert [row.name for row in page.context["rows"]] == ["Bills"]
    assert QueueRouting.objects.count() == 0
