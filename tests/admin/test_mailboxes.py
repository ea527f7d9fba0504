"""Mailboxes in the admin: secrets go in and never come out, settings that cannot work are refused in clear words."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client

from helpdesk.models import AuditEntry, Mailbox
from tests.factories import World, make_mailbox

pytestmark = pytest.mark.django_db

SECRET = "correct-horse-battery"


@pytest.fixture
def box(world: World) -> Mailbox:
    """A mailbox with a password and a cursor."""
    return make_mailbox(
        world.queue_a,
        imap_host="127.0.0.1",
        imap_port=1143,
        smtp_port=1025,
        username="support",
        password=SECRET,
        uidvalidity=7,
        last_uid=41,
        tidied_uid=41,
    )


def _values(box: Mailbox, **changes: Any) -> dict[str, Any]:
    names = [
        "name",
        "address",
        "from_name",
        "signature",
        "imap_host",
        "imap_port",
        "imap_security",
        "username",
        "auth",
        "folder",
        "watch",
        "poll_seconds",
        "after_fetch",
        "move_to",
        "import_existing",
        "import_days",
        "oauth_token_url",
        "oauth_client_id",
        "smtp_host",
        "smtp_port",
        "smtp_security",
        "smtp_username",
        "acknowledgement",
        "language",
    ]
    values = {name: getattr(box, name) for name in names}
    switches = {"is_active": "on", "plus_addressing": "on", "portal_link": "on"}
    return {**values, **switches, "queue": box.queue_id, "aliases": "\n".join(box.aliases), **changes}


def _save(client: Client, box: Mailbox, **changes: Any) -> dict[str, list[str]]:
    """Posts the form; the errors by field, empty when it was saved."""
    answer = client.post(f"/admin/helpdesk/mailbox/{box.pk}/change/", _values(box, **changes))
    return {} if answer.status_code == 302 else dict(answer.context["adminform"].form.errors)


def test_no_page_shows_a_stored_secret(box: Mailbox, admin: Client) -> None:
    Mailbox.objects.filter(pk=box.pk).update(last_error="")
    pages = [
        admin.get(f"/admin/helpdesk/mailbox/{box.pk}/change/"),
        admin.get("/admin/helpdesk/mailbox/"),
        admin.post(f"/admin/helpdesk/mailbox/{box.pk}/change/", _values(box, imap_port=0, password="typed-just-now")),
    ]

    for page in pages:
        assert page.status_code == 200
        assert SECRET not in page.content.decode()
        assert "typed-just-now" not in page.content.decode()


def test_an_empty_password_keeps_the_stored_one_and_a_new_one_replaces_it(box: Mailbox, manager: Client) -> None:
    assert _save(manager, box, from_name="Halden help") == {}
    box.refresh_from_db()
    assert (box.password, box.from_name) == (SECRET, "Halden help")

    assert _save(manager, box, password="another-one") == {}
    box.refresh_from_db()
    assert box.password == "another-one"


def test_the_audit_book_names_the_change_and_no_secret(box: Mailbox, manager: Client) -> None:
    _save(manager, box, password="another-one", poll_seconds=30)

    entry = AuditEntry.objects.get(action="mailbox.changed")
    assert entry.data == {"password": "set", "poll_seconds": [60, 30]}
    assert "another-one" not in str(entry.__dict__)


def test_saving_without_a_change_writes_nothing_down(box: Mailbox, manager: Client) -> None:
    _save(manager, box)

    assert not AuditEntry.objects.filter(object_type="mailbox").exists()


def test_a_form_left_open_does_not_move_the_cursor_back(box: Mailbox, manager: Client) -> None:
    original = Mailbox.save

    def meanwhile(self: Mailbox, *arguments: Any, **options: Any) -> None:
        Mailbox.objects.filter(pk=self.pk).update(last_uid=99)
        original(self, *arguments, **options)

    with patch.object(Mailbox, "save", meanwhile):
        _save(manager, box, from_name="Halden help")

    box.refresh_from_db()
    assert (box.last_uid, box.uidvalidity, box.from_name) == (99, 7, "Halden help")


def test_another_folder_or_server_begins_from_its_first_mail(box: Mailbox, manager: Client) -> None:
    _save(manager, box, folder="Support")

    box.refresh_from_db()
    assert (box.uidvalidity, box.last_uid, box.tidied_uid) == (None, 0, 0)


def test_asking_for_more_of_the_old_mail_looks_at_the_folder_anew_and_asking_for_none_does_not(
    box: Mailbox, manager: Client
) -> None:
    _save(manager, box, import_existing="new")
    box.refresh_from_db()
    assert (box.import_existing, box.uidvalidity, box.last_uid) == ("new", 7, 41)

    _save(manager, box, import_existing="days", import_days="7")
    box.refresh_from_db()
    assert (box.import_days, box.uidvalidity, box.last_uid) == (7, None, 0)


def test_a_number_of_days_that_makes_no_sense_is_refused(box: Mailbox, manager: Client) -> None:
    assert "import_days" in _save(manager, box, import_existing="days", import_days="0")


def test_a_change_wakes_the_dispatcher(box: Mailbox, manager: Client) -> None:
    with patch("helpdesk.jobs.wake_dispatcher") as bell:
        _save(manager, box, from_name="Halden help")
        manager.post(f"/admin/helpdesk/mailbox/{box.pk}/do/poll_now/")

    assert [call.args for call in bell.call_args_list] == [("mailboxes",), ("mailboxes",)]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"imap_host": ""}, "imap_host", "Name the IMAP server"),
        ({"smtp_host": ""}, "smtp_host", "Name the SMTP server"),
        ({"imap_host": "imaps://mail.example.com/"}, "imap_host", "Only the server's name"),
        ({"imap_port": 70000}, "imap_port", "1 to 65535"),
        ({"imap_host": "mail.example.com"}, "imap_security", "in the clear"),
        (
            {"imap_host": "mail.example.com", "imap_port": 993, "imap_security": "starttls"},
            "imap_security",
            "Port 993 speaks",
        ),
        (
            {"smtp_host": "mail.example.com", "smtp_port": 587, "smtp_security": "tls"},
            "smtp_security",
            "Port 587 speaks",
        ),
        ({"poll_seconds": 1}, "poll_seconds", "5 seconds"),
        ({"after_fetch": "move"}, "move_to", "Name the folder"),
        ({"after_fetch": "move", "move_to": "INBOX"}, "move_to", "another one"),
        ({"username": ""}, "username", "Name the user"),
        ({"smtp_username": "support"}, "smtp_password", "Enter the SMTP password"),
        ({"auth": "oauth2"}, "oauth_refresh_token", "refresh token"),
        ({"auth": "oauth2", "oauth_token_url": "http://login.example.com/t"}, "oauth_token_url", "https://"),
        ({"aliases": "no address"}, "aliases", "no mail address"),
        ({"address": "support@halden.example"}, "address", "belongs to the mailbox Support"),
        ({"aliases": "support@halden.example"}, "aliases", "belongs to the mailbox Support"),
        ({"signature": "{password}"}, "signature", "no placeholder"),
        ({"acknowledgement": "{agent_name}"}, "acknowledgement", "no placeholder"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(
    changes: dict[str, Any], field: str, words: str, box: Mailbox, manager: Client
) -> None:
    errors = _save(manager, box, **changes)

    assert any(words in error for error in errors[field]), errors


def test_a_mailbox_that_is_switched_off_may_be_incomplete(box: Mailbox, manager: Client) -> None:
    values = _values(box, imap_host="", smtp_host="", username="")
    values.pop("is_active")

    assert manager.post(f"/admin/helpdesk/mailbox/{box.pk}/change/", values).status_code == 302


def test_a_new_mailbox_is_made_and_its_secret_sealed(world: World, box: Mailbox, manager: Client) -> None:
    values = _values(box, name="New", address="new@halden.example", password="sealed-away")

    assert manager.post("/admin/helpdesk/mailbox/add/", values).status_code == 302
    made = Mailbox.objects.get(name="New")
    assert made.password == "sealed-away"
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM helpdesk_mailbox WHERE id = %s", [made.pk])
        assert "sealed-away" not in cursor.fetchone()[0]
    entry = AuditEntry.objects.get(action="mailbox.added")
    assert entry.data["password"] == "set"


def test_health_is_a_word(box: Mailbox, admin: Client) -> None:
    Mailbox.objects.filter(pk=box.pk).update(failure_count=3, last_error="refused the sign-in")
    page = admin.get("/admin/helpdesk/mailbox/").content.decode()

    assert "failing" in page
    assert "refused the sign-in" in page


def test_the_test_button_shows_each_step_and_saves_nothing(box: Mailbox, manager: Client) -> None:
    values = _values(box, imap_host="127.0.0.1", imap_port=1, smtp_port=1, password="typed-just-now")
    page = manager.post(f"/admin/helpdesk/mailbox/{box.pk}/test/", values)

    words = page.content.decode()
    assert page.status_code == 200
    assert words.count('data-outcome="failed"') == 2
    assert "refuses connections on port 1" in words
    assert "typed-just-now" not in words
    box.refresh_from_db()
    assert (box.imap_port, box.password) == (1143, SECRET)


def test_the_test_button_says_what_to_mend_before_it_tries(box: Mailbox, manager: Client) -> None:
    with patch("helpdesk.admin.mailboxes.test_connection") as tried:
        page = manager.post(f"/admin/helpdesk/mailbox/{box.pk}/test/", _values(box, imap_port=70000))

    assert "1 to 65535" in page.content.decode()
    tried.assert_not_called()


def test_a_mailbox_can_be_tried_before_it_is_saved(box: Mailbox, manager: Client) -> None:
    values = _values(box, name="New", address="new@halden.example", password="p", imap_port=1, smtp_port=1)
    page = manager.post("/admin/helpdesk/mailbox/test/", values)

    assert page.content.decode().count('data-outcome="failed"') == 2
    assert not Mailbox.objects.filter(name="New").exists()


def test_the_test_button_is_shut_for_agents_and_for_links(world: World, box: Mailbox, manager: Client) -> None:
    agent = Client()
    agent.force_login(world.agent)

    assert agent.post(f"/admin/helpdesk/mailbox/{box.pk}/test/").status_code in {302, 403}
    assert manager.get(f"/admin/helpdesk/mailbox/{box.pk}/test/").status_code == 405
    assert manager.post("/admin/helpdesk/mailbox/999999/test/").status_code == 404
