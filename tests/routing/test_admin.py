"""The managers' pages of routing: what the forms take and refuse, what is checked before it is saved, what the router hears."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from helpdesk.models import (
    SYSTEM,
    AgentSkill,
    AuditEntry,
    Queue,
    Skill,
    SkillGroup,
    User,
)
from routing.actions.plans import PlanRefused, save_plan
from routing.models import (
    DemandRule,
    Dirty,
    PlanVersion,
    QueueRouting,
    RoutingPlan,
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


def test_a_queues_own_page_says_what_the_check_of_its_plan_warns_of(world: World, manager: Client) -> None:
    french(world.agent)
    rules = steps({"needs": {"skill": "lang/fr", "level": 5}, "expiry": 20}, {"expiry": None})
    plan = RoutingPlan.objects.create(name="Plan", rules=rules)
    address = f"/admin/helpdesk/queue/{world.queue_a.pk}/change/"
    form = {f"routing-0-{key}": value for key, value in queue_form(world.queue_a, plan=plan.pk).items()}
    counts = {"routing-TOTAL_FORMS": "1", "routing-INITIAL_FORMS": "0"}
    base = {"name": world.queue_a.name, "team": world.queue_a.team_id, "position": "0", "is_active": "on"}

    page = manager.post(address, {**base, **counts, **form}, follow=True)

    assert QueueRouting.objects.get(queue=world.queue_a).plan == plan
    assert "Nobody of the queue meets step 1" in page.content.decode()
