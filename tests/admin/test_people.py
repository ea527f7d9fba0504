"""The staff in the admin: the ceiling of roles, doors that shut at once, help for those who lost something, audit lines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from django_q.models import OrmQ

from helpdesk import access, jobs
from helpdesk.actions import BadInput, people
from helpdesk.actions.tokens import issue_token, live_token
from helpdesk.models import SYSTEM, Actor, AuditEntry, Role, TeamMembership, TeamRole, User
from helpdesk.now import now
from tests.admin.conftest import sign_in
from tests.factories import World, make_user

pytestmark = pytest.mark.django_db

NO_ROWS = {
    f"{prefix}-{name}": value
    for prefix in ("memberships", "skills")
    for name, value in (("TOTAL_FORMS", 0), ("INITIAL_FORMS", 0), ("MIN_NUM_FORMS", 0), ("MAX_NUM_FORMS", 1000))
}


def _person(**values: Any) -> dict[str, Any]:
    known = {"name": "Nia New", "email": "nia@halden.example", "role": "agent", "language": "en", "time_zone": "UTC"}
    return {**NO_ROWS, **known, **values}


def _actions(about: User) -> list[str]:
    entries = AuditEntry.objects.filter(object_type="user", object_id=str(about.pk)).order_by("pk")
    return list(entries.values_list("action", flat=True))


def _run_jobs() -> None:
    for row in OrmQ.objects.order_by("pk"):
        task = row.task
        jobs.run(*task["args"])
        row.delete()


def test_a_manager_enters_somebody_who_gets_a_link_and_teams(world: World, manager: Client) -> None:
    rows = {"memberships-TOTAL_FORMS": 1, "memberships-0-team": world.team_a.pk, "memberships-0-role": "lead"}
    answer = manager.post("/admin/helpdesk/user/add/", _person(mail_link="on", email="Nia@Halden.example", **rows))
    assert answer.status_code == 302, answer.context and answer.context["errors"]

    nia = User.objects.get(email="nia@halden.example")
    assert (nia.role, nia.has_usable_password(), nia.is_superuser) == ("agent", False, False)
    assert list(nia.memberships.values_list("team", "role")) == [(world.team_a.pk, "lead")]
    assert _actions(nia) == ["user.added", "user.password_link_mailed", "user.team_changed"]
    _run_jobs()
    assert mail.outbox[-1].to == ["nia@halden.example"]
    assert "/accounts/password/reset/key/" in mail.outbox[-1].body


def test_the_mailed_link_sets_a_password_once(world: World) -> None:
    nia = people.create_user(email="nia@halden.example", name="Nia", role="agent", actor=Actor.of(world.manager))
    people.mail_password_link(user=nia, actor=Actor.of(world.manager))
    _run_jobs()
    link = next(word for word in mail.outbox[-1].body.split() if word.startswith("http"))
    path = "/" + link.split("/", 3)[3]
    browser = Client()

    form = browser.get(path, follow=True)
    words = "a-password-that-is-long"
    browser.post(form.redirect_chain[-1][0], {"password1": words, "password2": words})

    nia.refresh_from_db()
    assert nia.check_password(words)
    assert "password1" not in Client().get(path, follow=True).content.decode()


@pytest.mark.parametrize("role", ["admin"])
def test_a_manager_gives_no_role_above_his_own(role: str, world: World, manager: Client) -> None:
    manager.post("/admin/helpdesk/user/add/", _person(role=role))
    manager.post(f"/admin/helpdesk/user/{world.agent.pk}/change/", _person(email=world.agent.email, role=role))

    assert not User.objects.filter(email="nia@halden.example").exists()
    world.agent.refresh_from_db()
    assert world.agent.role == Role.AGENT
    with pytest.raises(access.NotAllowed):
        people.create_user(email="x@halden.example", name="X", role=role, actor=Actor.of(world.manager))
    with pytest.raises(access.NotAllowed):
        people.change_role(user=world.agent, role=role, actor=Actor.of(world.manager))


def test_a_manager_gives_his_own_role_and_an_administrator_any(world: World) -> None:
    people.change_role(user=world.agent, role=Role.MANAGER, actor=Actor.of(world.manager))
    people.change_role(user=world.lead, role=Role.ADMIN, actor=Actor.of(world.admin))

    world.agent.refresh_from_db()
    world.lead.refresh_from_db()
    assert (world.agent.role, world.lead.role, world.lead.is_superuser) == ("manager", "admin", True)


def test_a_manager_changes_nothing_about_an_administrator(world: World, manager: Client) -> None:
    address = f"/admin/helpdesk/user/{world.admin.pk}/"
    assert manager.get(f"{address}change/").status_code == 200
    posted = manager.post(f"{address}change/", _person(email="taken@halden.example", role="agent"))
    for action in ("deactivate", "mail_password_link", "reset_second_factor"):
        assert manager.post(f"{address}do/{action}/").status_code == 403
    bulk = {"action": "deactivate", "_selected_action": [world.admin.pk]}
    manager.post("/admin/helpdesk/user/", bulk)
    team_form = {
        "name": world.team_a.name,
        "memberships-TOTAL_FORMS": 1,
        "memberships-INITIAL_FORMS": 0,
        "memberships-0-user": world.admin.pk,
        "memberships-0-role": "lead",
    }
    manager.post(f"/admin/helpdesk/team/{world.team_a.pk}/change/", team_form)

    assert posted.status_code == 403
    before = world.admin.email
    world.admin.refresh_from_db()
    assert (world.admin.is_active, world.admin.role, world.admin.email) == (True, "admin", before)
    assert not TeamMembership.objects.filter(user=world.admin).exists()


def test_nobody_changes_his_own_role_or_switches_himself_off(world: World) -> None:
    other = make_user(Role.ADMIN)
    for person in (world.manager, other):
        with pytest.raises(BadInput):
            people.deactivate_user(user=person, actor=Actor.of(person))
        with pytest.raises(BadInput):
            people.change_role(user=person, role=Role.AGENT, actor=Actor.of(person))


def test_agents_change_nobody(world: World) -> None:
    for person in (world.agent, world.lead, world.light):
        actor = Actor.of(person)
        assert people.roles_to_give(actor) == []
        with pytest.raises(access.NotAllowed):
            people.deactivate_user(user=world.other_agent, actor=actor)
        with pytest.raises(access.NotAllowed):
            people.join_team(user=person, team=world.team_b, role=TeamRole.LEAD, actor=actor)


def test_a_token_of_an_administrator_changes_no_staff(world: World) -> None:
    token_actor = Actor.of(world.admin, frozenset({"read", "write"}))

    with pytest.raises(access.NotAllowed):
        people.change_role(user=world.agent, role=Role.MANAGER, actor=token_actor)


def test_the_last_administrator_stays(world: World) -> None:
    second = make_user(Role.ADMIN)
    people.deactivate_user(user=world.admin, actor=Actor.of(second))
    make_user(Role.ADMIN, is_active=False)

    with pytest.raises(BadInput):
        people.change_role(user=second, role=Role.AGENT, actor=SYSTEM)
    with pytest.raises(BadInput):
        people.deactivate_user(user=second, actor=SYSTEM)


def test_switching_somebody_off_shuts_session_token_and_socket_at_once(world: World) -> None:
    browser = sign_in(world.agent)
    assert browser.get("/profile/").status_code == 200
    _row, secret = issue_token(
        owner=world.agent,
        name="shop",
        scopes=["read"],
        expires_at=now() + timedelta(days=1),
        actor=Actor.of(world.admin),
    )

    with patch("helpdesk.realtime.publish") as ring:
        people.deactivate_user(user=world.agent, actor=Actor.of(world.manager))

    ring.assert_called_with(f"user.{world.agent.pk}", {"type": "rights.changed"})
    assert live_token(secret) is None
    assert browser.get("/profile/").status_code == 302
    people.activate_user(user=world.agent, actor=Actor.of(world.manager))
    assert browser.get("/profile/").status_code == 302, "an old session must not live again"
    assert live_token(secret) is None, "nor an old token"
    assert _actions(world.agent) == ["user.deactivated", "user.activated"]


def test_other_peoples_sessions_stay(world: World) -> None:
    colleague = sign_in(world.other_agent)

    people.deactivate_user(user=world.agent, actor=Actor.of(world.manager))

    assert colleague.get("/profile/").status_code == 200


def test_a_new_role_ends_the_session_that_rested_on_the_old_one(world: World) -> None:
    browser = sign_in(world.lead)

    people.change_role(user=world.lead, role=Role.LIGHT, actor=Actor.of(world.manager))

    assert browser.get("/profile/").status_code == 302


def test_changing_teams_in_the_admin_rings_and_is_written_down(world: World, manager: Client) -> None:
    membership = world.agent.memberships.get()
    rows = {
        "memberships-TOTAL_FORMS": 2,
        "memberships-INITIAL_FORMS": 1,
        "memberships-0-id": membership.pk,
        "memberships-0-user": world.agent.pk,
        "memberships-0-team": world.team_a.pk,
        "memberships-0-role": "member",
        "memberships-0-DELETE": "on",
        "memberships-1-user": world.agent.pk,
        "memberships-1-team": world.team_b.pk,
        "memberships-1-role": "lead",
    }
    form = _person(name=world.agent.name, email=world.agent.email, **rows)

    with patch("helpdesk.realtime.publish") as ring:
        answer = manager.post(f"/admin/helpdesk/user/{world.agent.pk}/change/", form)

    assert answer.status_code == 302
    assert list(world.agent.memberships.values_list("team", "role")) == [(world.team_b.pk, "lead")]
    assert [call.args for call in ring.call_args_list] == [(f"user.{world.agent.pk}", {"type": "rights.changed"})] * 2
    assert _actions(world.agent) == ["user.team_changed", "user.team_changed"]


def test_saving_a_person_without_a_change_writes_nothing_down(world: World, manager: Client) -> None:
    form = _person(name=world.agent.name, email=world.agent.email)

    assert manager.post(f"/admin/helpdesk/user/{world.agent.pk}/change/", form).status_code == 302
    assert _actions(world.agent) == []


def test_a_new_address_is_told_to_the_old_one(world: World, manager: Client) -> None:
    old = world.agent.email
    manager.post(
        f"/admin/helpdesk/user/{world.agent.pk}/change/", _person(name=world.agent.name, email="sara@new.example")
    )
    _run_jobs()

    world.agent.refresh_from_db()
    assert world.agent.email == "sara@new.example"
    assert [m.to for m in mail.outbox] == [[old]]


def test_only_an_administrator_resets_a_second_factor(world: World, manager: Client, admin: Client) -> None:
    Authenticator.objects.create(user=world.agent, type=Authenticator.Type.TOTP, data={"secret": "x"})
    address = f"/admin/helpdesk/user/{world.agent.pk}/do/reset_second_factor/"

    assert manager.post(address).status_code == 403
    assert Authenticator.objects.filter(user=world.agent).exists()
    assert admin.post(address).status_code == 302
    assert not Authenticator.objects.filter(user=world.agent).exists()
    assert "user.second_factor_reset" in _actions(world.agent)


def test_nobody_sheds_his_own_second_factor_here(world: World, admin: Client) -> None:
    Authenticator.objects.create(user=world.admin, type=Authenticator.Type.TOTP, data={"secret": "x"})

    assert admin.post(f"/admin/helpdesk/user/{world.admin.pk}/do/reset_second_factor/").status_code == 403
    assert Authenticator.objects.filter(user=world.admin).exists()


def test_buttons_answer_to_posts_alone(world: World, admin: Client) -> None:
    address = f"/admin/helpdesk/user/{world.agent.pk}/do/deactivate/"

    assert admin.get(address).status_code == 405
    assert admin.post(f"/admin/helpdesk/user/{world.agent.pk}/do/delete_selected/").status_code == 404
    assert admin.post("/admin/helpdesk/user/999999/do/deactivate/").status_code == 404
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    assert strict.post(address).status_code == 403
    world.agent.refresh_from_db()
    assert world.agent.is_active
