"""Inbound and outgoing mail in the admin: fates in words, bytes as text, quarantine handled, the outbox steered."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.test import Client

from helpdesk.actions.conversation import reply
from helpdesk.actions.outbox import stop_mail
from helpdesk.models import SYSTEM, Actor, AuditEntry, Message, OutgoingMail, RawMail, Verdict
from tests.factories import World, mail, receive

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)>"


def _quarantined(world: World, **changes: object) -> RawMail:
    (row,) = receive(mail("Strange"), mailbox=world.mailbox)
    fields = {"state": RawMail.State.QUARANTINED, "verdict": Verdict.QUARANTINED, "reason": "No sense", **changes}
    RawMail.objects.filter(pk=row.pk).update(**fields)
    row.refresh_from_db()
    return row


def _do(client: Client, row: RawMail | OutgoingMail, action: str) -> int:
    return client.post(f"/admin/helpdesk/{row._meta.model_name}/{row.pk}/do/{action}/").status_code


def test_every_mail_shows_its_fate_and_its_ticket(world: World, manager: Client) -> None:
    (row,) = receive(mail("The screen is dark"), mailbox=world.mailbox)
    page = manager.get("/admin/helpdesk/rawmail/").content.decode()

    assert row.ticket is not None
    assert "opened a ticket" in page
    assert f"#{row.ticket.number}" in page
    assert row.reason[:40] in page.replace("&#x27;", "'")


def test_headers_and_source_are_shown_as_text(world: World, manager: Client) -> None:
    (row,) = receive(mail(f"Hello {HOSTILE}", f"Body {HOSTILE}", X_Evil=HOSTILE), mailbox=world.mailbox)
    for address in ("/admin/helpdesk/rawmail/", f"/admin/helpdesk/rawmail/{row.pk}/change/"):
        page = manager.get(address).content.decode()
        assert HOSTILE not in page
    assert "X-Evil: &lt;img" in page
    assert "Body &lt;img" in page


def test_a_quarantined_mail_is_read_again(world: World, manager: Client) -> None:
    row = _quarantined(world)
    with patch("helpdesk.jobs.enqueue") as enqueued:
        assert _do(manager, row, "reprocess") == 302

    row.refresh_from_db()
    assert row.state == RawMail.State.PENDING
    enqueued.assert_called_once_with("helpdesk.tasks.reprocess_mail", row.pk)
    assert AuditEntry.objects.filter(action="rawmail.reprocessed", object_id=str(row.pk)).exists()


def test_a_quarantined_mail_is_set_aside_with_its_reason_kept(world: World, manager: Client) -> None:
    row = _quarantined(world)

    assert _do(manager, row, "ignore") == 302
    row.refresh_from_db()
    assert (row.state, row.verdict) == ("done", "ignored")
    assert row.reason == "Set aside by Max Manager. It was in quarantine: No sense"
    assert row.raw is not None


def test_what_is_not_in_quarantine_is_not_handled(world: World, manager: Client) -> None:
    (row,) = receive(mail("Fine"), mailbox=world.mailbox)

    assert (_do(manager, row, "reprocess"), _do(manager, row, "ignore")) == (403, 403)
    manager.post("/admin/helpdesk/rawmail/", {"action": "ignore", "_selected_action": [row.pk]})
    manager.post("/admin/helpdesk/rawmail/", {"action": "reprocess", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert (row.state, row.verdict) == ("done", "ticket")


def test_an_oversized_mail_says_so_and_offers_no_second_reading(world: World, manager: Client) -> None:
    row = _quarantined(world, size=99_000_000, reason="The mail has 99,000,000 bytes")
    page = manager.get(f"/admin/helpdesk/rawmail/{row.pk}/change/").content.decode()

    assert "99,000,000 bytes" in page
    assert "do/ignore/" in page
    assert "do/reprocess/" not in page
    assert _do(manager, row, "reprocess") == 403


def _outgoing(world: World, state: str, **fields: object) -> OutgoingMail:
    message = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Ours")
    OutgoingMail.objects.filter(message=message).update(state=state, **fields)
    return OutgoingMail.objects.get(message=message)


def test_a_failed_mail_is_sent_again(world: World, manager: Client) -> None:
    row = _outgoing(world, "dead", attempts=14, last_error="550 no such user")
    page = manager.get("/admin/helpdesk/outgoingmail/").content.decode()
    assert "failed" in page
    assert "550 no such user" in page

    assert _do(manager, row, "resend") == 302
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("queued", 0)
    assert AuditEntry.objects.filter(action="outgoingmail.resent").exists()


def test_a_mail_that_was_never_tried_is_taken_back_as_a_whole(world: World, manager: Client) -> None:
    row = _outgoing(world, "queued")

    assert _do(manager, row, "stop") == 302
    row.refresh_from_db()
    assert row.state == "cancelled"
    assert Message.objects.get(pk=row.message_id).withdrawn_at is not None


def test_the_further_tries_of_a_deferred_mail_end(world: World) -> None:
    row = _outgoing(world, "deferred", attempts=3)

    assert stop_mail(outgoing=row, actor=Actor.of(world.manager)).state == "cancelled"
    assert Message.objects.get(pk=row.message_id).withdrawn_at is None


@pytest.mark.parametrize("state", ["leased", "sent", "uncertain", "cancelled"])
def test_what_is_on_its_way_or_gone_is_not_stopped(state: str, world: World, manager: Client) -> None:
    row = _outgoing(world, state, attempts=1)

    assert (_do(manager, row, "stop"), _do(manager, row, "resend")) == (403, 403)
    manager.post("/admin/helpdesk/outgoingmail/", {"action": "stop", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.state == state


def test_the_system_may_stop_mail_too(world: World) -> None:
    row = _outgoing(world, "held", attempts=1)

    assert stop_mail(outgoing=row, actor=SYSTEM).state == "cancelled"
