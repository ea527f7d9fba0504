"""The managers' pages of routing: what the forms take and refuse, what is checked before it is saved, what the router hears."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from helpdesk.actions import BadInput
from helpdesk.models import (
    SYSTEM,
    AgentSkill,
    AuditEntry,
    BusinessCalendar,
    Queue,
    Skill,
    SkillGroup,
    User,
)
from helpdesk.now import now
from routing.actions.agents import lock_presence, set_agent_state
from routing.actions.plans import PlanRefused, save_plan
from routing.actions.shifts import plan_shifts
from routing.models import (
    AgentPresence,
    AgentState,
    DemandRule,
    Dirty,
    PlanVersion,
    QueueRouting,
    RoutingPlan,
    Shift,
    TeamRouting,
)
from tests.admin.conftest import sign_in
from tests.factories import World, make_queue, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(world: World) -> Client:
    """A manager's browser."""
    return sign_in(world.manager)


def french(*users: User) -> Skill:
    """The skill lang/fr, held by these."""
    skill = Skill.objects.create(group=SkillGroup.objects.create(name="Languages"), name="French", language="fr")
    for user in users:
        AgentSkill.objects.create(user=user, skill=skill, level=4)
    return skill


def steps(*found: dict[str, Any], **plan: Any) -> dict[str, Any]:
    return {"steps": list(found), **plan}


def post_plan(client: Client, rules: object, plan: RoutingPlan | None = None, **fields: str) -> Any:
    """Sends the form of a plan; the answer's form errors by field, {} when it was saved."""
    path = f"/admin/routing/routingplan/{plan.pk}/change/" if plan is not None else "/admin/routing/routingplan/add/"
    text = rules if isinstance(rules, str) else json.dumps(rules)
    answer = client.post(path, {"name": "Plan", "rules": text, **fields})
    return {} if answer.status_code == 302 else dict(answer.context["adminform"].form.errors)


# --- plans ----------------------------------------------------------------------------------------------------------


def test_a_plan_is_saved_with_its_groups_as_they_were_written_and_in_versions(world: World, manager: Client) -> None:
    french(world.agent)
    needs = {"all": [{"skill": "lang/fr", "level": 3}, {"any": [{"skill": "lang/fr", "level": 4}, {"skill": "lang"}]}]}
    assert post_plan(manager, steps({"needs": needs, "expiry": 20}, {"keep": [], "expiry": None}, never_relax=[])) == {}
    plan = RoutingPlan.objects.get()
    assert plan.rules["steps"][0]["needs"] == needs

    assert post_plan(manager, steps({"expiry": None}), plan) == {}
    assert post_plan(manager, steps({"expiry": None}), plan, name="Renamed") == {}

    plan.refresh_from_db()
    assert (plan.name, plan.version) == ("Renamed", 2)
    assert list(PlanVersion.objects.order_by("version").values_list("version", flat=True)) == [1, 2]
    assert AuditEntry.objects.filter(action__startswith="routingplan.").count() == 3


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("{", "This is no JSON"),
        ({"steps": [{"expiry": -1}]}, "expiry of step 1 must be more than 0"),
        ({"steps": [{"needs": {"skill": "lang/fr", "level": 9}}]}, "level of lang/fr must be"),
        ({"steps": [{"expiry": None}, {"expiry": None, "boost": 5}]}, "Step 2 is never reached"),
        ({"steps": [{"needs": {"skill": "tech/none"}}]}, "tech/none, which is no skill of the house"),
        ({"steps": [{"preferred": ["owner"], "only_preferred": True, "skip_if": []}]}, "preferred agents alone"),
    ],
)
def test_a_plan_that_would_let_contacts_hang_is_refused_with_a_sentence(
    rules: object, words: str, world: World, manager: Client
) -> None:
    errors = post_plan(manager, rules)

    assert any(words in error for error in errors["rules"]), errors
    assert not RoutingPlan.objects.exists()


def test_warnings_are_shown_and_saved_once_they_were_confirmed_as_they_stand(world: World, manager: Client) -> None:
    french(world.agent)
    rules = steps({"needs": {"skill": "lang/fr", "level": 5}, "expiry": 20}, {"expiry": None})

    answer = manager.post("/admin/routing/routingplan/add/", {"name": "Plan", "rules": json.dumps(rules)})
    errors = dict(answer.context["adminform"].form.errors)
    token = answer.context["adminform"].form.fields["confirmed"].widget.token

    assert any("Warning: Nobody of the queue meets step 1" in words for words in errors["rules"])
    assert f'value="{token}"' in answer.content.decode()
    assert "rules" in post_plan(manager, rules, confirmed="something else")
    assert post_plan(manager, rules, confirmed=token) == {}
    assert RoutingPlan.objects.count() == 1


def test_a_plan_is_checked_against_the_queues_that_have_it(world: World) -> None:
    speaker, other = make_team(), make_team()
    french(make_user(teams=(speaker,)))
    make_user(teams=(other,))
    plan = save_plan(actor=SYSTEM, name="Plan", rules=steps({"expiry": None}))
    queue = make_queue(other, name="Quiet")
    QueueRouting.objects.create(queue=queue, plan=plan)

    with pytest.raises(PlanRefused) as refused:
        save_plan(actor=SYSTEM, name="Plan", rules=steps({"needs": {"skill": "lang/fr"}, "expiry": None}), plan=plan)

    (words,) = refused.value.verdict.errors
    assert words.startswith("Quiet: In some open hours nobody at work meets lang/fr")


def test_a_waiting_contacts_demand_that_nobody_meets_is_a_warning(world: World) -> None:
    french()
    DemandRule.objects.create(name="French", rule={"when": {"language": ["fr"]}, "skills": {"lang/fr": 2}})

    with pytest.raises(PlanRefused) as refused:
        save_plan(actor=SYSTEM, name="Plan", rules=steps({"expiry": None}))

    assert refused.value.verdict.errors == ()
    assert any("lang/fr" in words for words in refused.value.verdict.warnings)


def test_saving_a_plan_anew_wakes_the_router(world: World, manager: Client) -> None:
    plan = save_plan(actor=SYSTEM, name="Plan", rules=steps({"expiry": None}))
    Dirty.objects.all().delete()

    post_plan(manager, steps({"expiry": 10}, {"expiry": None, "boost": 5}), plan, name="Plan")

    assert Dirty.objects.filter(kind=Dirty.Kind.QUEUE).exists()


# --- queues ---------------------------------------------------------------------------------------------------------


def queue_form(queue: Queue, **fields: Any) -> dict[str, Any]:
    """The form of a queue's routing as its page sends it, with other values."""
    row = QueueRouting(queue=queue)
    plain = {
        field.name: getattr(row, field.name)
        for field in QueueRouting._meta.concrete_fields
        if field.name not in {"id", "queue", "plan", "closed", "bands", "may_decline"}
    }
    known = {key: value for key, value in plain.items() if value is not None}
    return {"queue": queue.pk, "may_decline": "on", "at_closing": "drain", **known, **fields}


def test_what_happens_to_closed_queues_is_chosen_and_written_as_the_core_reads_it(
    world: World, manager: Client
) -> None:
    other = make_queue()
    form = queue_form(
        world.queue_a,
        when_closed_chat="ticket",
        when_unstaffed_chat="other_queue",
        other_queues=[other.pk],
        closed_message="Back on Monday",
        max_length="50",
        overflow=f"wait | 120 | {other.pk}\nunstaffed || {other.pk}",
    )
    answer = manager.post("/admin/routing/queuerouting/add/", form)

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    row = QueueRouting.objects.get(queue=world.queue_a)
    assert row.closed["behaviours"] == {"closed": {"chat": "ticket"}, "unstaffed": {"chat": "other_queue"}}
    assert row.closed["overflow"] == [
        {"when": "wait", "over": 120.0, "to": [other.pk]},
        {"when": "unstaffed", "to": [other.pk]},
    ]
    page = manager.get(f"/admin/routing/queuerouting/{row.pk}/change/").content.decode()
    assert f"wait | 120 | {other.pk}" in page
    manager.post(f"/admin/routing/queuerouting/{row.pk}/change/", {**form, "weight": "3"})
    again = QueueRouting.objects.get(pk=row.pk)
    assert (again.weight, again.closed) == (3, row.closed)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        (lambda q: {"when_closed_mail": "other_queue"}, "__all__", "none is named"),
        (lambda q: {"overflow": f"wait | 10 | {q.pk}"}, "__all__", "cannot hand its contacts to itself"),
        (lambda q: {"overflow": "sometimes"}, "overflow", "no overflow rule"),
        (lambda q: {"when_closed_mail": "voicemail"}, "when_closed_mail", "not one of the available choices"),
        (lambda q: {"offer_seconds": "1"}, "offer_seconds", "greater than or equal to 5"),
    ],
)
def test_settings_of_a_queue_that_cannot_be_used_are_refused(
    fields: Callable[[Queue], dict[str, Any]], field: str, words: str, world: World, manager: Client
) -> None:
    answer = manager.post("/admin/routing/queuerouting/add/", queue_form(world.queue_a, **fields(world.queue_a)))

    errors = answer.context["adminform"].form.errors
    assert any(words in error for error in errors[field]), errors
    assert not QueueRouting.objects.filter(queue=world.queue_a).exists()


def test_words_for_all_channels_are_shown_per_channel_and_what_the_form_does_not_know_stays(
    world: World, manager: Client
) -> None:
    row = QueueRouting.objects.create(
        queue=world.queue_a, closed={"behaviours": {"closed": {"phone": "voicemail", "chat": "play_message"}}}
    )
    manager.post(
        f"/admin/routing/queuerouting/{row.pk}/change/",
        queue_form(world.queue_a, when_closed_chat="ticket", when_closed_mail="keep"),
    )

    row.refresh_from_db()
    assert row.closed["behaviours"]["closed"] == {"phone": "voicemail", "chat": "ticket", "mail": "keep"}


def test_a_plan_is_not_given_to_a_queue_where_nobody_could_follow_it(world: World, manager: Client) -> None:
    french(make_user(teams=(make_team(),)))
    plan = save_plan(actor=SYSTEM, name="Plan", rules=steps({"needs": {"skill": "lang/fr"}, "expiry": None}))
    answer = manager.post("/admin/routing/queuerouting/add/", queue_form(world.queue_a, plan=plan.pk))

    assert "nobody at work meets lang/fr" in answer.context["adminform"].form.errors["plan"][0]


def test_routing_stands_on_the_page_of_its_queue_and_waits_for_no_settings(world: World, manager: Client) -> None:
    address = f"/admin/helpdesk/queue/{world.queue_a.pk}/change/"
    form = {f"routing-0-{key}": value for key, value in queue_form(world.queue_a, weight="7").items()}
    counts = {"routing-TOTAL_FORMS": "1", "routing-INITIAL_FORMS": "0"}
    page = manager.get(address)
    assert b"routing-0-strategy" in page.content
    base = {"name": world.queue_a.name, "team": world.queue_a.team_id, "position": "0", "is_active": "on"}
    Dirty.objects.all().delete()

    answer = manager.post(address, {**base, **counts, **form})

    assert answer.status_code == 302
    assert QueueRouting.objects.get(queue=world.queue_a).weight == 7
    assert "queuerouting" in AuditEntry.objects.get(action="queue.changed").data
    assert Dirty.objects.filter(kind=Dirty.Kind.QUEUE, ref=world.queue_a.pk).exists()


# --- what the router hears ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["skill", "team", "calendar", "reason"])
def test_settings_the_engine_reads_wake_the_router_in_the_same_transaction(
    page: str, world: World, manager: Client
) -> None:
    group = SkillGroup.objects.create(name="Tech")
    calendar = BusinessCalendar.objects.create(name="Office", time_zone="UTC")
    none = {"TOTAL_FORMS": "0", "INITIAL_FORMS": "0"}
    sent: dict[str, tuple[str, dict[str, Any]]] = {
        "skill": ("helpdesk/skill/add/", {"group": group.pk, "name": "Network"}),
        "team": (
            f"helpdesk/team/{world.team_a.pk}/change/",
            {"name": "Other", **{f"{name}-{key}": n for name in ("memberships", "routing") for key, n in none.items()}},
        ),
        "calendar": (
            f"helpdesk/businesscalendar/{calendar.pk}/change/",
            {"name": "Office", "time_zone": "UTC", "mon": "9-17", **{f"days_off-{key}": n for key, n in none.items()}},
        ),
        "reason": ("routing/notreadyreason/add/", {"name": "Yoga", "code": "yoga", "position": "1"}),
    }
    path, form = sent[page]
    Dirty.objects.all().delete()

    assert manager.post(f"/admin/{path}", form).status_code == 302
    assert Dirty.objects.filter(kind=Dirty.Kind.QUEUE).exists()


def test_a_skill_given_on_the_persons_page_wakes_the_router(world: World, manager: Client) -> None:
    skill = french()
    none = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    rows = {
        "skills-TOTAL_FORMS": "1",
        "skills-INITIAL_FORMS": "0",
        "skills-0-skill": skill.pk,
        "skills-0-level": "5",
        "skills-0-expires_on": "2027-01-31",
    }
    person = {"name": "A", "email": world.agent.email, "role": "agent", "language": "en", "time_zone": "UTC"}
    Dirty.objects.all().delete()

    assert manager.post(f"/admin/helpdesk/user/{world.agent.pk}/change/", {**person, **none, **rows}).status_code == 302

    row = AgentSkill.objects.get(user=world.agent)
    assert (row.level, row.expires_on) == (5, date(2027, 1, 31))
    assert Dirty.objects.filter(kind=Dirty.Kind.QUEUE).exists()


def test_settings_that_routing_does_not_read_leave_it_alone(world: World, manager: Client) -> None:
    Dirty.objects.all().delete()

    assert manager.post("/admin/helpdesk/tag/add/", {"name": "audio"}).status_code == 302
    assert not Dirty.objects.exists()


# --- demand rules ---------------------------------------------------------------------------------------------------


def test_a_demand_rule_is_written_as_facts_and_read_back(world: World, manager: Client) -> None:
    form = {
        "name": "Bills",
        "position": "0",
        "is_active": "on",
        "answers": "topic = bill, refund\nnumber =",
        "channel": ["chat"],
        "tier": ["vip"],
        "country": "DE-BY\nat",
        "language": "fr",
        "history": "reopened 2",
        "skills": "lang/fr 3\nbilling",
        "priority": "3",
        "boost": "60",
        "to_queue": world.queue_a.pk,
    }
    assert manager.post("/admin/routing/demandrule/add/", form).status_code == 302

    row = DemandRule.objects.get()
    assert row.rule["when"]["answer"] == {"topic": ["bill", "refund"], "number": []}
    assert row.rule["when"]["country"] == ["DE-BY", "AT"]
    assert (row.rule["skills"], row.rule["priority"], row.rule["queue"]) == (
        {"lang/fr": 3, "billing": 1},
        3,
        world.queue_a.pk,
    )
    page = manager.get(f"/admin/routing/demandrule/{row.pk}/change/").content.decode()
    assert "topic = bill, refund" in page
    assert "lang/fr 3" in page
    manager.post(f"/admin/routing/demandrule/{row.pk}/change/", {**form, "name": "Bills again"})
    assert DemandRule.objects.get().rule == row.rule


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({}, "__all__", "asks for nothing"),
        ({"skills": "x 9"}, "__all__", "must be from 1 to 5"),
        ({"skills": "x 2", "country": "Atlantis!"}, "__all__", "is no country"),
        ({"skills": "x 2", "answers": "topic bill"}, "answers", "is no condition"),
        ({"skills": "x 2", "history": "moons 2"}, "history", "is no count"),
        ({"skills": "a b c"}, "skills", "no skill with a level"),
    ],
)
def test_rules_that_cannot_be_used_are_refused_with_a_sentence(
    fields: dict[str, str], field: str, words: str, manager: Client
) -> None:
    answer = manager.post("/admin/routing/demandrule/add/", {"name": "R", "position": "0", **fields})

    errors = answer.context["adminform"].form.errors
    assert any(words in error for error in errors[field]), errors


# --- shifts and capacity --------------------------------------------------------------------------------------------


def test_a_weeks_pattern_is_written_for_several_people_and_keeps_its_hours_over_the_change_of_clocks(
    world: World, manager: Client
) -> None:
    Dirty.objects.all().delete()
    form = {
        "people": [world.agent.pk, world.lead.pk],
        "first": "2027-03-25",  # a Thursday; summer time begins on the Sunday after it
        "weeks": "2",
        "time_zone": "Europe/Berlin",
        "mon": "09:00-17:00",
        "sat": "22:00-06:00",
        "replaces": "on",
    }
    assert manager.post("/admin/routing/shift/week/", form).status_code == 302
    assert manager.post("/admin/routing/shift/week/", form).status_code == 302  # replaced, not doubled

    found = list(Shift.objects.filter(user=world.agent).order_by("starts_at").values_list("starts_at", "ends_at"))
    assert found == [
        (datetime(2027, 3, 22, 8, tzinfo=UTC), datetime(2027, 3, 22, 16, tzinfo=UTC)),
        (datetime(2027, 3, 27, 21, tzinfo=UTC), datetime(2027, 3, 28, 4, tzinfo=UTC)),
        (datetime(2027, 3, 29, 7, tzinfo=UTC), datetime(2027, 3, 29, 15, tzinfo=UTC)),
        (datetime(2027, 4, 3, 20, tzinfo=UTC), datetime(2027, 4, 4, 4, tzinfo=UTC)),
    ]
    assert Shift.objects.count() == 8
    assert Dirty.objects.filter(kind=Dirty.Kind.QUEUE).exists()


def test_shifts_that_would_overlap_are_refused_unless_they_replace(world: World) -> None:
    week = {"mon": [["09:00", "17:00"]]}
    asked: dict[str, Any] = {
        "actor": SYSTEM,
        "users": [world.agent],
        "weekly": week,
        "zone": "UTC",
        "first": date(2027, 6, 7),
    }
    plan_shifts(**asked)

    with pytest.raises(BadInput, match="has a shift on 2027-06-07 already"):
        plan_shifts(**asked, replaces=False)

    assert Shift.objects.count() == 1


def test_wrong_hours_of_a_week_are_said_at_their_day(world: World, manager: Client) -> None:
    form = {"people": [world.agent.pk], "first": "2027-06-07", "weeks": "1", "mon": "9 to 5"}
    answer = manager.post("/admin/routing/shift/week/", form)

    assert "no stretch of hours" in answer.context["form"].errors["mon"][0]
    assert not Shift.objects.exists()


def test_capacity_is_written_and_the_state_stays_what_it_became_meanwhile(world: World, manager: Client) -> None:
    presence = lock_presence(world.agent)
    set_agent_state(user=world.agent, actor=SYSTEM, state=AgentState.READY)
    Dirty.objects.all().delete()
    form = {
        "units": "80",
        "caps": "chat 4\nmail 10",
        "position": "2",
        "penalties": f"{world.queue_a.pk} 3",
        "state": "offline",
    }

    answer = manager.post(f"/admin/routing/agentpresence/{presence.pk}/change/", form)

    assert answer.status_code == 302
    row = AgentPresence.objects.get(pk=presence.pk)
    assert (row.units, row.caps, row.position, row.state) == (80, {"chat": 4, "mail": 10}, 2, AgentState.READY)
    assert row.penalties == {str(world.queue_a.pk): 3}
    assert list(Dirty.objects.values_list("kind", "ref")) == [(Dirty.Kind.AGENT, world.agent.pk)]
    assert AuditEntry.objects.get(action="agentpresence.changed").data["units"] == [100, 80]


def test_capacity_can_be_set_before_somebody_was_ever_here(world: World, manager: Client) -> None:
    form = {"user": world.agent.pk, "units": "50", "caps": "", "position": "0"}

    assert manager.post("/admin/routing/agentpresence/add/", form).status_code == 302
    row = AgentPresence.objects.get(user=world.agent)
    assert (row.units, row.state) == (50, AgentState.OFFLINE)
    refused = manager.post(
        f"/admin/routing/agentpresence/{row.pk}/change/", {"units": "50", "caps": "fax 2", "position": "0"}
    )
    assert "no channel with a number" in refused.context["adminform"].form.errors["caps"][0]


def test_a_team_that_keeps_shifts_is_checked_by_them(world: World) -> None:
    team = make_team()
    agent = make_user(teams=(team,))
    queue = make_queue(team)
    plan = save_plan(actor=SYSTEM, name="Plan", rules=steps({"expiry": None}))
    QueueRouting.objects.create(queue=queue, plan=plan)
    TeamRouting.objects.create(team=team, ready_outside_shift=False)
    Shift.objects.create(user=agent, starts_at=now(), ends_at=now() + timedelta(hours=8))

    with pytest.raises(PlanRefused) as refused:
        save_plan(actor=SYSTEM, name="Plan", rules=steps({"expiry": 9}, {"boost": 1, "expiry": None}), plan=plan)

    assert any("nobody is on shift" in words for words in refused.value.verdict.warnings)
