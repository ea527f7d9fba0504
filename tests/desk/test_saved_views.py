"""Saved views: kept, renamed, refiltered, shared, moved, deleted, brought back; and what others see of them."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from helpdesk.models import SavedView, User
from tests.factories import World

PARTIAL = {"HX-Request": "true"}


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_view_is_kept_renamed_and_filtered_anew(world: World, agent_client: Client) -> None:
    agent_client.post("/views/", {"name": "Broken things", "priority": "3"})
    view = SavedView.objects.get()
    assert (view.owner, view.name, view.filters) == (world.agent, "Broken things", {"priority": 3})
    assert "Broken things" in agent_client.get("/inbox/team/").content.decode()
    agent_client.post(f"/views/{view.pk}/", {"name": "Urgent things"})
    assert "Urgent things" in agent_client.get(f"/inbox/saved-{view.pk}/").content.decode()
    agent_client.post(f"/views/{view.pk}/", {"do": "filter", "priority": "4", "sort": "new", "name": ""})
    view.refresh_from_db()
    assert (view.name, view.filters) == ("Urgent things", {"priority": 4, "sort": "new"})


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": "Everything"}, "Choose a filter first"),
        ({"name": "Only an order", "sort": "new"}, "Choose a filter first"),
        ({"name": " ", "priority": "3"}, "Give the view a name"),
        ({"name": "Odd", "priority": "9"}, "left out"),
    ],
)
def test_a_view_that_says_nothing_is_refused_with_a_sentence(
    world: World, agent_client: Client, form: dict[str, str], sentence: str
) -> None:
    answer = agent_client.post("/views/", form, headers=PARTIAL)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not SavedView.objects.exists()


def test_a_deleted_view_comes_back_by_its_undo_and_for_its_owner_alone(world: World, agent_client: Client) -> None:
    view = SavedView.objects.create(owner=world.agent, name="Mine", filters={"priority": 3})
    answer = agent_client.post(f"/views/{view.pk}/", {"do": "delete"}, headers=PARTIAL).content.decode()
    assert not SavedView.objects.exists()
    undo = re.search(r'action="(/views/restore/[^"]+)"', answer)
    assert undo is not None
    assert _client(world.lead).post(undo[1], headers=PARTIAL).status_code == 404
    assert agent_client.post(f"{undo[1]}x", headers=PARTIAL).status_code == 422
    agent_client.post(undo[1], headers=PARTIAL)
    assert SavedView.objects.values_list("pk", "owner", "name", "filters").get() == (
        view.pk,
        world.agent.pk,
        "Mine",
        {"priority": 3},
    )


def test_views_are_moved_within_their_row(world: World, agent_client: Client) -> None:
    for name in ("One", "Two", "Three"):
        agent_client.post("/views/", {"name": name, "priority": "3"})
    SavedView.objects.create(name="For all", filters={"priority": 4})
    third = SavedView.objects.get(name="Three")
    agent_client.post(f"/views/{third.pk}/", {"do": "up"}, headers=PARTIAL)
    agent_client.post(f"/views/{third.pk}/", {"do": "up"}, headers=PARTIAL)
    agent_client.post(f"/views/{third.pk}/", {"do": "up"}, headers=PARTIAL)
    assert list(SavedView.objects.filter(owner=world.agent).values_list("name", flat=True)) == ["Three", "One", "Two"]


def test_only_who_may_share_shares_with_everybody_or_with_a_team_of_his(world: World, agent_client: Client) -> None:
    lead = _client(world.lead)
    form = {"name": "Ours", "priority": "2"}
    assert agent_client.post("/views/", {**form, "shared": "all"}).status_code == 403
    assert agent_client.post("/views/", {**form, "shared": str(world.team_a.pk)}, headers=PARTIAL).status_code == 403
    assert lead.post("/views/", {**form, "shared": str(world.team_b.pk)}, headers=PARTIAL).status_code == 404
    lead.post("/views/", {**form, "shared": str(world.team_a.pk)})
    view = SavedView.objects.get()
    assert (view.owner, view.team) == (None, world.team_a)
    for person, sees in ((world.agent, True), (world.light, True), (world.other_agent, False)):
        assert ("Ours" in _client(person).get("/inbox/team/").content.decode()) is sees
    lead.post(f"/views/{view.pk}/", {"do": "share", "shared": "all"}, headers=PARTIAL)
    assert "Ours" in _client(world.other_agent).get("/inbox/team/").content.decode()
    assert agent_client.post(f"/views/{view.pk}/", {"do": "delete"}, headers=PARTIAL).status_code == 403


def test_a_shared_view_shows_each_reader_only_what_he_may_see(world: World, manager_client: Client) -> None:
    view = SavedView.objects.create(name="All new", filters={"statuses": ["new"], "sort": "new"})
    shown = {}
    for person in (world.agent, world.light, world.other_agent, world.manager):
        page = _client(person).get(f"/inbox/saved-{view.pk}/").content.decode()
        count = re.search(rf'id="view-saved-{view.pk}".*?nav__num[^>]*>(\d+)<', page, re.DOTALL)
        shown[person.pk] = ("The dock does not charge" in page, "Charged twice" in page, count and count[1])
    assert shown == {
        world.agent.pk: (True, False, "1"),
        world.light.pk: (True, False, "1"),
        world.other_agent.pk: (False, True, "1"),
        world.manager.pk: (True, True, "2"),
    }


def test_the_builder_shows_the_conditions_of_the_view_and_counts_them(world: World, agent_client: Client) -> None:
    view = SavedView.objects.create(owner=world.agent, name="Mine", filters={"tags": ["broken"], "waiting": 4})
    form = agent_client.get(f"/inbox/saved-{view.pk}/filter/").content.decode()
    assert 'value="broken"' in form
    assert '<option value="4" selected>4 hours</option>' in form
    assert "Otto Other" not in form
    counted = agent_client.get("/inbox/count/", {"status": ["new", "open"]}).json()
    assert counted == {"words": "Show 1 ticket", "count": 1, "problems": []}
    assert agent_client.get("/inbox/count/", {"channel": "api"}).json()["count"] == 1
    assert agent_client.get("/inbox/count/", {"queue": world.queue_b.pk}).json()["count"] == 0
    assert agent_client.get("/inbox/count/", {"priority": "9"}).json()["problems"] != []
