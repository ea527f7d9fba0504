"""The managers' pages of people and demand: shifts, capacity, demand rules, and what of all settings wakes the router."""

from __future__ import annotations

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
    QueueRouting,
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
    plan = save_plan(actor=SYSTEM, name="Plan", rules={"steps": [{"expiry": None}]})
    QueueRouting.objects.create(queue=queue, plan=plan)
    TeamRouting.objects.create(team=team, ready_outside_shift=False)
    Shift.objects.create(user=agent, starts_at=now(), ends_at=now() + timedelta(hours=8))

    with pytest.raises(PlanRefused) as refused:
        save_plan(actor=SYSTEM, name="Plan", rules={"steps": [{"expiry": 9}, {"boost": 1, "expiry": None}]}, plan=plan)

    assert any("nobody is on shift" in words for words in refused.value.verdict.warnings)
