"""Who may open which page of the admin, what is never deleted or rewritten there, and what a list costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from helpdesk import events
from helpdesk.actions.conversation import reply
from helpdesk.actions.portal_entry import ask_code
from helpdesk.actions.tokens import digest_of
from helpdesk.models import (
    SYSTEM,
    AgentSkill,
    ApiToken,
    AuditEntry,
    BusinessCalendar,
    CannedResponse,
    Customer,
    CustomField,
    IssueType,
    Macro,
    Mailbox,
    Message,
    Organisation,
    OutgoingMail,
    PortalMail,
    Queue,
    RawMail,
    Role,
    SavedView,
    Site,
    Skill,
    SkillGroup,
    StatusLabel,
    Tag,
    Team,
    Ticket,
    TicketEvent,
    User,
)
from helpdesk.now import now
from helpdesk.sign_in import MANAGER_MAY, MANAGER_MAY_OF_ROUTING
from routing.models import AgentPresence
from tests.admin.conftest import sign_in
from tests.admin.routing_makers import ROUTING_HISTORY, ROUTING_MAKERS
from tests.factories import (
    PASSWORD,
    World,
    mail,
    make_customer,
    make_mailbox,
    make_queue,
    make_team,
    make_ticket,
    make_user,
    receive,
)

pytestmark = pytest.mark.django_db

MODELS = sorted(django_admin.site._registry, key=lambda model: model._meta.label)
OURS = [model for model in MODELS if model._meta.app_label in {"helpdesk", "routing"}]
HISTORY: list[type[models.Model]] = [
    Ticket,
    Message,
    TicketEvent,
    AuditEntry,
    RawMail,
    OutgoingMail,
    PortalMail,
    *ROUTING_HISTORY,
]
KEPT = [*HISTORY, User, Team, Queue, Mailbox, Customer, ApiToken, BusinessCalendar, Site, AgentPresence]
RIGHTS = {**MANAGER_MAY, **MANAGER_MAY_OF_ROUTING}


def _page(model: type[models.Model], name: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=arguments)


def _name(n: int) -> str:
    return f"Name {n}"


def _token(n: int, owner: User) -> ApiToken:
    fields = {"name": _name(n), "digest": digest_of(str(n)), "hint": "hd_abc", "scopes": ["read"]}
    return ApiToken.objects.create(owner=owner, expires_at=now(), created_at=now(), **fields)


def _person(n: int) -> User:
    user = make_user(Role.AGENT, teams=(make_team(), make_team()))
    skill = Skill.objects.create(group=SkillGroup.objects.create(name=f"Group {n}"), name=_name(n))
    AgentSkill.objects.create(user=user, skill=skill)
    return user


#: How to make one more row of each model, whole enough that every column has something to say.
MAKERS: dict[type[models.Model], Callable[[int, World], object]] = {
    User: lambda n, world: _person(n),
    Team: lambda n, world: make_queue(make_team()),
    Queue: lambda n, world: make_queue(),
    Site: lambda n, world: Site.objects.create(name=_name(n), calendar=BusinessCalendar.objects.create(name=_name(n))),
    BusinessCalendar: lambda n, world: BusinessCalendar.objects.create(
        name=_name(n), weekly={"mon": [["09:00", "17:00"]]}
    ),
    SkillGroup: lambda n, world: SkillGroup.objects.create(name=_name(n)),
    Skill: lambda n, world: Skill.objects.create(group=SkillGroup.objects.create(name=_name(n)), name=_name(n)),
    Tag: lambda n, world: Tag.objects.create(name=_name(n)),
    IssueType: lambda n, world: IssueType.objects.create(
        name=_name(n), parent=IssueType.objects.create(name=f"Parent {n}")
    ),
    StatusLabel: lambda n, world: StatusLabel.objects.create(category="open", label_agent=_name(n), label_customer="x"),
    CustomField: lambda n, world: CustomField.objects.create(on="ticket", key=f"key{n}", label=_name(n)),
    Organisation: lambda n, world: Organisation.objects.create(name=_name(n), domains=["a.example"]),
    Customer: lambda n, world: make_customer(),
    Ticket: lambda n, world: make_ticket(make_queue(), make_customer()),
    TicketEvent: lambda n, world: make_ticket(make_queue(), make_customer()),
    Message: lambda n, world: reply(ticket=world.ticket, actor=SYSTEM, text="Ours"),
    OutgoingMail: lambda n, world: reply(ticket=world.ticket, actor=SYSTEM, text="Ours"),
    PortalMail: lambda n, world: ask_code(email="ann@shop.example", language="en"),
    Mailbox: lambda n, world: make_mailbox(),
    RawMail: lambda n, world: receive(mail(), mailbox=make_mailbox()),
    AuditEntry: lambda n, world: events.audit(SYSTEM, "mailbox.changed", world.mailbox, {"n": n}),
    SavedView: lambda n, world: SavedView.objects.create(name=_name(n), filters={"priority": [3]}),
    ApiToken: lambda n, world: _token(n, make_user(Role.AGENT)),
    CannedResponse: lambda n, world: CannedResponse.objects.create(
        name=_name(n), shortcut=f"text{n}", text="Hello {{customer.name}}", team=make_team()
    ),
    Macro: lambda n, world: Macro.objects.create(
        name=_name(n), steps=[{"do": "set_status", "status": "resolved"}], team=make_team()
    ),
    **ROUTING_MAKERS,
}


def test_every_page_of_the_house_has_a_maker_and_a_right() -> None:
    assert set(MAKERS) == set(OURS)
    assert {model._meta.model_name for model in OURS} <= set(RIGHTS)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_a_list_costs_the_same_with_one_row_and_with_three(
    model: type[models.Model], world: World, admin: Client
) -> None:
    MAKERS[model](1, world)
    admin.get(_page(model, "changelist"))  # warms what is read once per process
    with CaptureQueriesContext(connection) as few:
        assert admin.get(_page(model, "changelist")).status_code == 200
    MAKERS[model](2, world)
    MAKERS[model](3, world)

    with CaptureQueriesContext(connection) as more:
        assert admin.get(_page(model, "changelist")).status_code == 200

    assert len(more) == len(few), "\n".join(query["sql"][:200] for query in more.captured_queries)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_managers_and_administrators_open_list_search_and_object(
    model: type[models.Model], world: World, manager: Client, admin: Client
) -> None:
    MAKERS[model](1, world)
    row = model._default_manager.order_by("-pk").first()
    assert row is not None
    for client in (manager, admin):
        assert client.get(_page(model, "changelist")).status_code == 200
        for words in ("zzz", "#12", "ann@shop.example"):
            assert client.get(_page(model, "changelist"), {"q": words}).status_code == 200
        assert client.get(_page(model, "change", row.pk)).status_code == 200
        history = client.get(_page(model, "history", row.pk), follow=True)
        assert history.redirect_chain[0][0].startswith("/admin/helpdesk/auditentry/?object_type=")
        assert history.status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_nobody_below_a_manager_opens_any_page(model: type[models.Model], world: World) -> None:
    for person in (world.agent, world.lead, world.light):
        client = sign_in(person)
        for name in ("changelist", "add"):
            response = client.get(_page(model, name))
            assert response.status_code in {302, 403}
            if response.status_code == 302:
                assert "login" in response["Location"]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_managers_do_what_the_table_of_rights_says_and_no_more(
    model: type[models.Model], world: World, manager: Client
) -> None:
    may = RIGHTS[str(model._meta.model_name)].split()
    site_says = django_admin.site._registry[model]
    allowed = {"add": "add" in may and model not in {SavedView}, "delete": "delete" in may}
    MAKERS[model](1, world)
    row: Any = model._default_manager.order_by("-pk").first()

    assert (manager.get(_page(model, "add")).status_code == 200) is allowed["add"]
    if not (model is StatusLabel and row.is_default):
        assert (manager.get(_page(model, "delete", row.pk)).status_code == 200) is allowed["delete"]
    assert site_says is not None


@pytest.mark.parametrize("model", KEPT, ids=lambda model: model.__name__)
def test_what_the_history_needs_is_deleted_by_nobody(model: type[models.Model], world: World, admin: Client) -> None:
    MAKERS[model](1, world)
    row = model._default_manager.order_by("-pk").first()
    assert row is not None
    count = model._default_manager.count()

    alone = admin.post(_page(model, "delete", row.pk), {"post": "yes"})
    admin.post(_page(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})

    assert alone.status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()
    assert model._default_manager.count() >= count


@pytest.mark.parametrize("model", HISTORY, ids=lambda model: model.__name__)
def test_history_is_never_rewritten(model: type[models.Model], world: World, admin: Client) -> None:
    MAKERS[model](1, world)
    row = model._default_manager.order_by("-pk").first()
    assert row is not None
    before = model._default_manager.filter(pk=row.pk).values().get()
    everything = {field.name: "9" for field in model._meta.concrete_fields}

    assert admin.post(_page(model, "change", row.pk), everything).status_code == 403
    assert admin.post(_page(model, "add"), everything).status_code == 403
    assert model._default_manager.filter(pk=row.pk).values().get() == before


def test_only_administrators_see_jobs(world: World, manager: Client, admin: Client) -> None:
    for name in ("ormq", "failure"):
        address = reverse(f"admin:django_q_{name}_changelist")
        assert (manager.get(address).status_code, admin.get(address).status_code) == (403, 200)


def test_a_saved_view_of_a_colleague_does_not_exist_for_a_manager(world: World, manager: Client) -> None:
    theirs = SavedView.objects.create(name="Secret plans", owner=world.agent)

    assert b"Secret plans" not in manager.get(_page(SavedView, "changelist")).content
    assert manager.get(_page(SavedView, "change", theirs.pk)).status_code == 302  # "doesn't exist", back to the front
    assert manager.post(_page(SavedView, "delete", theirs.pk), {"post": "yes"}).status_code == 302
    assert SavedView.objects.filter(pk=theirs.pk).exists()


def test_library_pages_that_would_confuse_are_gone() -> None:
    shown = {model._meta.app_label for model in MODELS}

    assert shown == {"helpdesk", "routing", "django_q"}


def test_the_front_page_sorts_by_subject_and_leaves_nothing_out(admin: Client) -> None:
    sections = admin.get("/admin/").context["app_list"]

    assert [str(section["name"]) for section in sections][:3] == ["People", "Organisation", "Routing"]
    assert {model["object_name"] for section in sections for model in section["models"]} == {m.__name__ for m in MODELS}


def test_labels_do_not_grow_from_one_request_to_the_next(world: World, admin: Client) -> None:
    pages = [admin.get(f"/admin/helpdesk/user/{world.agent.pk}/change/") for _request in range(2)]
    labels = [page.context["adminform"].form.fields["time_zone"].label for page in pages]

    assert str(labels[0]) == "Time zone"
    assert labels[0] is labels[1]


def test_large_tables_are_never_counted_to_the_end(world: World, admin: Client) -> None:
    for model in HISTORY:
        with CaptureQueriesContext(connection) as queries:
            admin.get(_page(model, "changelist"))
        counts = [
            q["sql"] for q in queries.captured_queries if "COUNT(" in q["sql"] and model._meta.db_table in q["sql"]
        ]
        assert counts
        assert all("LIMIT 10000" in sql for sql in counts), counts


def test_an_administrator_long_signed_in_is_asked_again_where_rights_and_secrets_are(world: World) -> None:
    stale = sign_in(world.admin, seconds_ago=7200)
    fresh = sign_in(world.admin)
    for address in (_page(User, "change", world.agent.pk), _page(Mailbox, "add"), _page(ApiToken, "add")):
        assert fresh.get(address).status_code == 200
        answer = stale.get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    for action in ("deactivate",):
        answer = stale.post(f"/admin/helpdesk/user/{world.agent.pk}/do/{action}/")
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    world.agent.refresh_from_db()
    assert world.agent.is_active
    assert stale.get(_page(Tag, "add")).status_code == 200


def test_after_the_password_the_page_one_wanted_opens(world: World) -> None:
    stale = sign_in(world.admin, seconds_ago=7200)
    wanted = f"/admin/helpdesk/user/{world.agent.pk}/change/"

    asked = stale.get(wanted, follow=True)
    assert asked.status_code == 200
    answer = stale.post(asked.redirect_chain[-1][0], {"password": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (302, wanted)
    assert stale.get(wanted).status_code == 200
