"""Managers' pages for canned responses and macros: rows instead of JSON, files, taking over from a file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from helpdesk import blobs
from helpdesk.models import AuditEntry, CannedFile, CannedResponse, Macro
from tests.admin.conftest import sign_in
from tests.factories import World, make_world

pytestmark = pytest.mark.django_db
KEYS = ("do", "status", "priority", "tags", "user", "queue", "until", "text")


@pytest.fixture
def world() -> World:
    """Everybody."""
    return make_world()


@pytest.fixture
def manager(world: World) -> Client:
    """The manager's browser."""
    return sign_in(world.manager)


def _rows(*steps: dict[str, Any]) -> dict[str, list[str]]:
    """What the form of a macro sends: each column with a value a row, empty rows too."""
    return {f"steps-{key}": [str(step.get(key, "")) for step in (*steps, {})] for key in KEYS}


def _canned(**fields: Any) -> dict[str, Any]:
    files = {"files-TOTAL_FORMS": "0", "files-INITIAL_FORMS": "0"}
    return {"name": "Thanks", "text": "Thank you.", "is_active": "on", **files, **fields}


def test_a_macro_is_written_in_rows_and_shown_in_them_again(world: World, manager: Client) -> None:
    steps = _rows({"do": "add_tags", "tags": "vip, gold", "status": "open"}, {"do": "move", "queue": world.queue_a.pk})

    made = manager.post("/admin/helpdesk/macro/add/", {"name": "VIP", "is_active": "on", **steps})

    assert made.status_code == 302
    macro = Macro.objects.get()
    assert macro.steps == [{"do": "add_tags", "tags": ["vip", "gold"]}, {"do": "move", "queue": world.queue_a.pk}]
    page = manager.get(f"/admin/helpdesk/macro/{macro.pk}/change/").content.decode()
    assert 'value="vip, gold"' in page
    assert AuditEntry.objects.filter(action="macro.added").exists()


def test_a_macro_that_cannot_work_is_refused_with_the_step_and_keeps_what_was_entered(manager: Client) -> None:
    steps = _rows({"do": "assign_me"}, {"do": "note", "text": "Dear {{customer.shoe}}"})

    page = manager.post("/admin/helpdesk/macro/add/", {"name": "Note", "is_active": "on", **steps}).content.decode()

    assert "Step 2: There is no variable {{customer.shoe}}." in page
    assert "Dear {{customer.shoe}}" in page
    assert not Macro.objects.exists()


def test_a_response_is_kept_with_its_file_and_previewed(world: World, manager: Client) -> None:
    guide = SimpleUploadedFile("guide.pdf", b"%PDF guide", "application/pdf")
    body = _canned(text="Dear {{customer.name}} <b>", team=world.team_a.pk)
    made = manager.post(
        "/admin/helpdesk/cannedresponse/add/", {**body, "files-TOTAL_FORMS": "1", "files-0-upload": guide}
    )

    assert made.status_code == 302
    response = CannedResponse.objects.get()
    assert (response.shortcut, response.team, response.owner) == ("thanks", world.team_a, None)
    file = CannedFile.objects.get()
    assert (file.name, file.size, blobs.read(file.sha256)) == ("guide.pdf", 10, b"%PDF guide")
    page = manager.get(f"/admin/helpdesk/cannedresponse/{response.pk}/change/").content.decode()
    assert "Dear Ann Example &lt;b&gt;" in page


def test_a_taken_shortcut_and_an_unknown_variable_are_named(manager: Client) -> None:
    CannedResponse.objects.create(name="Thanks", shortcut="thanks", text="x")
    address = "/admin/helpdesk/cannedresponse/add/"

    assert "This shortcut is taken" in manager.post(address, _canned()).content.decode()
    assert "no variable {{x.y}}" in manager.post(address, _canned(name="Other", text="{{x.y}}")).content.decode()
    assert CannedResponse.objects.count() == 1


def test_responses_of_other_people_stay_theirs(world: World, manager: Client) -> None:
    private = CannedResponse.objects.create(name="Her secret", shortcut="s", text="x", owner=world.lead)

    assert "Her secret" not in manager.get("/admin/helpdesk/cannedresponse/").content.decode()
    assert manager.get(f"/admin/helpdesk/cannedresponse/{private.pk}/change/").status_code == 302


def test_responses_leave_as_json_and_come_back(world: World, manager: Client) -> None:
    shared = CannedResponse.objects.create(name="سپاس", shortcut="thanks", text="متشکرم", team=world.team_a)
    body = {"action": "export", "_selected_action": [shared.pk]}
    content = manager.post("/admin/helpdesk/cannedresponse/", body).content
    assert [row["name"] for row in json.loads(content)] == ["سپاس"]
    shared.delete()

    address = "/admin/helpdesk/cannedresponse/import/"
    answer = manager.post(address, {"file": SimpleUploadedFile("c.json", content)}, follow=True)
    assert "1 made, 0 changed." in answer.content.decode()
    assert CannedResponse.objects.get().text == "متشکرم"
    for wrong, sentence in ((b"not json", "The file is not JSON."), (b'[{"name": ""}]', "Entry 1: Give the response")):
        page = manager.post(address, {"file": SimpleUploadedFile("c.json", wrong)}).content.decode()
        assert sentence in page
    assert sign_in(world.agent).get(address)["Location"].startswith("/admin/login/")
