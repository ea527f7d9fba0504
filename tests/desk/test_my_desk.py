"""My desk: what a person sets up for himself, and what the pages make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from helpdesk.actions.desk_settings import keep_desk_settings
from helpdesk.desk_keys import DEFAULTS
from helpdesk.models import User
from helpdesk.queries.preferences import keys_of, undo_seconds, widths_of
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """Two teams."""
    return make_world()


@pytest.fixture
def sara(world: World) -> Client:
    """The agent of team A, signed in."""
    client = Client()
    client.force_login(world.agent)
    return client


def form(**changes: Any) -> dict[str, Any]:
    """What the page sends when nothing was touched but `changes`."""
    return {
        "theme": "",
        "density": "",
        "undo_seconds": "10",
        "single_keys": "on",
        "ring": "on",
        **{f"key-{name}": key for name, key in DEFAULTS.items()},
        **changes,
    }


def settings_of(user: User) -> dict[str, Any]:
    """What is kept now."""
    return dict(User.objects.get(pk=user.pk).desk_settings)


def test_the_page_untouched_keeps_only_the_seconds(sara: Client, world: World) -> None:
    assert sara.post("/me/desk/", form()).status_code == 302
    assert settings_of(world.agent) == {"undo_seconds": 10}


def test_what_is_chosen_is_kept_and_shown_by_the_next_page(sara: Client, world: World) -> None:
    chosen = {"theme": "dark", "contrast": "on", "density": "compact", "undo_seconds": "0", "key-resolve": "y"}
    sara.post("/me/desk/", form(**chosen))
    person = User.objects.get(pk=world.agent.pk)
    assert (keys_of(person), undo_seconds(person)) == ({"resolve": "y"}, 0)
    page = sara.get("/inbox/team/").content.decode()
    assert 'data-theme="dark" data-contrast="more" data-density="compact"' in page
    assert "&quot;resolve&quot;: &quot;y&quot;" in page


def test_single_keys_are_switched_off(sara: Client, world: World) -> None:
    sara.post("/me/desk/", {name: value for name, value in form().items() if name != "single_keys"})
    assert settings_of(world.agent)["single_keys"] is False
    assert "&quot;single&quot;: false" in sara.get("/inbox/team/").content.decode()


@pytest.mark.parametrize(
    ("field", "value"), [("key-resolve", "n"), ("key-resolve", "long words"), ("undo_seconds", "31"), ("theme", "pink")]
)
def test_a_key_of_another_action_and_other_nonsense_is_refused_whole(
    sara: Client, world: World, field: str, value: str
) -> None:
    answer = sara.post("/me/desk/", form(**{field: value}))
    assert (answer.status_code, settings_of(world.agent)) == (422, {})
    assert 'aria-invalid="true"' in answer.content.decode()


def test_a_reset_gives_the_keys_back_and_leaves_the_rest(sara: Client, world: World) -> None:
    sara.post("/me/desk/", form(**{"key-resolve": "y", "theme": "dark"}))
    sara.post("/me/desk/", {"reset": "1"})
    assert settings_of(world.agent) == {"theme": "dark", "undo_seconds": 10}


def test_widths_are_kept_within_limits_zone_by_zone_and_given_back(sara: Client, world: World) -> None:
    def put(**widths: Any) -> dict[str, int]:
        assert sara.post("/me/zones/", json.dumps(widths), content_type="application/json").status_code == 204
        return widths_of(User.objects.get(pk=world.agent.pk))

    assert put(list=400) == {"list": 400}
    assert put(nav=5000, context="wide", kitchen=3) == {"list": 400, "nav": 320}
    assert put(list=None) == {"nav": 320}
    assert sara.post("/me/zones/", "no", content_type="application/json").status_code == 400


def test_one_setting_does_not_wipe_another_kept_meanwhile(world: World) -> None:
    mine = User.objects.get(pk=world.agent.pk)
    keep_desk_settings(user=world.agent, changes={"theme": "dark"})
    keep_desk_settings(user=mine, changes={"density": "cosy"})
    assert settings_of(world.agent) == {"theme": "dark", "density": "cosy"}


def test_settings_are_ones_own(sara: Client, world: World) -> None:
    sara.post("/me/desk/", form(theme="dark"))
    assert settings_of(world.lead) == {}
    assert "data-theme" not in Client().get("/accounts/login/").content.decode().split(">")[1]
