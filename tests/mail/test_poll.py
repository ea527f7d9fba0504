"""Polling a real Dovecot: every way in, the cursor, the marks, and what one pass costs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from helpdesk.mail_poll import Passage, Poller
from helpdesk.models import Mailbox, RawMail, Security, Ticket, Verdict
from helpdesk.now import now
from tests.factories import mail
from tests.mailservers.dovecot import Dovecot
from tests.mailservers.fixtures import MakeBox
from tests.mailservers.tokens import TokenServer

pytestmark = [pytest.mark.django_db, pytest.mark.needs("dovecot")]


def poll(box: Mailbox) -> Passage:
    poller = Poller(box.pk)
    try:
        return poller.poll()
    finally:
        poller.close()
        box.refresh_from_db()


@pytest.mark.parametrize("security", [Security.PLAIN, Security.STARTTLS, Security.TLS])
def test_mail_comes_in_over_every_kind_of_line(security: str, dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(imap_security=security)
    dovecot.deliver(user, mail("First"), mail("Second"))

    passage = poll(box)

    assert (passage.problem, passage.fetched) == ("", 2)
    assert [t.subject for t in Ticket.objects.order_by("number")] == ["First", "Second"]
    assert {t.queue for t in Ticket.objects.all()} == {box.queue}


def test_oauth_signs_in_with_a_token_refreshed_once_and_kept(
    dovecot: Dovecot, make_box: MakeBox, token_server: TokenServer
) -> None:
    box, user = make_box(
        auth=Mailbox.Auth.OAUTH2, password="", oauth_token_url=token_server.token_url, oauth_refresh_token="r1"
    )
    token_server.refresh_tokens["r1"] = user
    dovecot.deliver(user, mail("By token"))
    before = token_server.refreshes

    first, second = poll(box), poll(box)

    assert (first.problem, first.fetched, second.problem) == ("", 1, "")
    assert token_server.refreshes - before == 1
    assert box.oauth_expires_at is not None


def test_a_token_near_its_end_is_refreshed_and_a_rotated_refresh_token_kept(
    dovecot: Dovecot, make_box: MakeBox, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, user = make_box(
        auth=Mailbox.Auth.OAUTH2, password="", oauth_token_url=token_server.token_url, oauth_refresh_token="r2"
    )
    token_server.refresh_tokens["r2"] = user
    monkeypatch.setattr(token_server, "rotate", True)
    poll(box)
    rotated = box.oauth_refresh_token
    Mailbox.objects.filter(pk=box.pk).update(oauth_expires_at=now() + timedelta(seconds=30))

    passage = poll(box)

    assert passage.problem == ""
    assert rotated not in {"r2", box.oauth_refresh_token}


def test_a_dead_refresh_token_is_told_in_a_sentence(make_box: MakeBox, token_server: TokenServer) -> None:
    box, _user = make_box(
        auth=Mailbox.Auth.OAUTH2, password="", oauth_token_url=token_server.token_url, oauth_refresh_token="gone"
    )

    passage = poll(box)

    assert "sign the mailbox in again" in passage.problem
    assert box.last_error == passage.problem


def test_fetching_leaves_no_mark_on_the_server(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box()
    dovecot.deliver(user, mail("a"), mail("b"))

    poll(box)

    assert dovecot.flags(user) == {1: (), 2: ()}
    assert box.last_uid == 2


def test_mail_that_somebody_has_read_already_is_fetched_all_the_same(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box()
    dovecot.deliver(user, mail("Read elsewhere"))
    with dovecot.client(user) as other:
        other.select_folder("INBOX")
        other.add_flags([1], [b"\\Seen"])

    assert poll(box).fetched == 1


def test_fetched_mail_is_marked_or_moved_when_the_mailbox_asks_for_it(dovecot: Dovecot, make_box: MakeBox) -> None:
    marked, its_user = make_box(after_fetch=Mailbox.AfterFetch.MARK_SEEN)
    moved, other_user = make_box(after_fetch=Mailbox.AfterFetch.MOVE, move_to="Done")
    dovecot.deliver(its_user, mail("a"))
    dovecot.deliver(other_user, mail("b"), mail("c"))

    assert (poll(marked).problem, poll(moved).problem) == ("", "")
    assert dovecot.flags(its_user) == {1: (b"\\Seen",)}
    assert dovecot.flags(other_user) == {}
    assert len(dovecot.flags(other_user, "Done")) == 2

    dovecot.deliver(other_user, mail("d"))
    assert poll(moved).fetched == 1


def test_another_folder_than_the_inbox_is_read(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(folder="Anfragen Übersee")
    with dovecot.client(user) as client:
        client.create_folder("Anfragen Übersee")
        client.append("Anfragen Übersee", mail("Elsewhere"))
    dovecot.deliver(user, mail("In the inbox"))

    assert poll(box).fetched == 1
    assert Ticket.objects.get().subject == "Elsewhere"


def test_a_second_pass_fetches_only_what_is_new(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box()
    dovecot.deliver(user, mail("a"))
    poll(box)
    dovecot.deliver(user, mail("b"))

    assert poll(box).fetched == 1
    assert Ticket.objects.count() == 2


def test_renumbering_by_the_server_loses_nothing_and_doubles_nothing(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box()
    dovecot.deliver(user, *(mail(f"Mail {n}") for n in range(60)))
    poll(box)
    dovecot.deliver(user, mail("Came before the rebuild was noticed"))
    rows = set(RawMail.objects.values_list("pk", flat=True))
    dovecot.renumber(user)

    poll(box)
    poll(box)

    assert Ticket.objects.count() == 61
    assert RawMail.objects.filter(verdict=Verdict.DUPLICATE).count() == 0
    assert RawMail.objects.exclude(pk__in=rows).count() == 1
    assert set(RawMail.objects.values_list("uidvalidity", flat=True)) == {box.uidvalidity}


def test_the_same_mail_delivered_again_with_other_trace_headers_is_a_duplicate(
    dovecot: Dovecot, make_box: MakeBox
) -> None:
    box, user = make_box()
    content = mail("Once")
    dovecot.deliver(user, b"Received: from a by b; now\r\n" + content, b"Received: from c by b; later\r\n" + content)

    poll(box)

    assert Ticket.objects.count() == 1
    assert RawMail.objects.get(verdict=Verdict.DUPLICATE).reason


def test_an_idle_pass_costs_one_round_trip_and_writes_nothing(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box()
    dovecot.deliver(user, mail("a"))
    poller = Poller(box.pk)
    try:
        poller.poll()
        dovecot.commands()
        with CaptureQueriesContext(connection) as queries:
            passage = poller.poll()
        assert passage.round_trips == 1
        assert [q["sql"] for q in queries if q["sql"].split()[0] not in {"SELECT"}] == []
        assert dovecot.commands() == ['STATUS "INBOX" (UIDVALIDITY UIDNEXT)']
    finally:
        poller.close()


@pytest.mark.django_db(transaction=True)
def test_a_pass_needs_two_commits_a_batch_and_a_tenth_of_a_round_trip_a_mail(
    dovecot: Dovecot, make_box: MakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, user = make_box()
    dovecot.deliver(user, *(mail(f"Mail {n}") for n in range(100)))
    poller = Poller(box.pk)
    writes = _count_writing_transactions(monkeypatch)
    try:
        passage = poller.poll()
    finally:
        poller.close()

    assert Ticket.objects.count() == 100
    assert passage.round_trips <= 10
    assert len(writes) <= 2 * 2 + 1  # two batches of fifty, and the mailbox's health


def _count_writing_transactions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every COMMIT the connection makes, and every write outside a transaction."""
    commits: list[str] = []
    real = connection._commit  # type: ignore[attr-defined]

    def commit() -> Any:
        commits.append("commit")
        return real()

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not connection.in_atomic_block and sql.split()[0] in {"INSERT", "UPDATE", "DELETE"}:
            commits.append(sql[:60])
        return execute(sql, params, many, context)

    monkeypatch.setattr(connection, "_commit", commit)
    connection.execute_wrappers.append(watch)
    return commits


def test_an_oversized_mail_goes_to_quarantine_with_its_headers_and_holds_up_nobody(
    dovecot: Dovecot, make_box: MakeBox, settings: Any
) -> None:
    settings.MAIL_MAX_BYTES = 20_000
    box, user = make_box()
    big = mail("Far too large", "x" * 70 + "\n" + ("y" * 70 + "\n") * 500, Message_ID="<big@shop.example>")
    dovecot.deliver(user, mail("before"), big, mail("after"))

    passage = poll(box)

    row = RawMail.objects.get(state=RawMail.State.QUARANTINED)
    assert passage.fetched == 3
    assert [t.subject for t in Ticket.objects.order_by("number")] == ["before", "after"]
    assert (row.message_id, row.size > 20_000, b"Far too large" in bytes(row.raw or b"")) == (
        "big@shop.example",
        True,
        True,
    )
    assert "still on the server" in row.reason
    assert len(bytes(row.raw or b"")) < 2000


@pytest.mark.django_db(transaction=True)
def test_idle_wakes_when_mail_arrives(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(watch=Mailbox.Watch.IDLE)
    poller = Poller(box.pk)
    try:
        poller.poll()
        timer = threading.Timer(1.0, lambda: dovecot.deliver(user, mail("Arrives while waiting")))
        timer.start()
        assert poller.wait(30, lambda: False) is True
        timer.join()
        assert poller.poll().fetched == 1
    finally:
        poller.close()


def test_mail_that_came_just_before_idle_began_is_noticed(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(watch=Mailbox.Watch.IDLE)
    poller = Poller(box.pk)
    try:
        poller.poll()
        dovecot.deliver(user, mail("In the gap"))
        assert poller.wait(30, lambda: False) is True
    finally:
        poller.close()
