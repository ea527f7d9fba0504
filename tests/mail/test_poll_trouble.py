"""What goes wrong on the way in: a clear sentence in the mailbox's health, nothing lost, and the others go on."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as django_mail
from django_q.models import OrmQ

from helpdesk import blobs, tasks
from helpdesk.mail.imap import Connection
from helpdesk.mail_poll import Passage, Poller
from helpdesk.models import AuditEntry, Mailbox, RawMail, Role, Security, Ticket
from tests.factories import mail, make_mailbox, make_user
from tests.mailservers.certificate import make_certificate
from tests.mailservers.dovecot import Dovecot, as_crlf
from tests.mailservers.fixtures import MakeBox
from tests.mailservers.ports import free_port
from tests.mailservers.stub_imap import StubImap
from tests.processes import manage, running, start

pytestmark = pytest.mark.django_db


def poll(box: Mailbox) -> Passage:
    poller = Poller(box.pk)
    try:
        return poller.poll()
    finally:
        poller.close()
        box.refresh_from_db()


def box_at(port: int, **fields: Any) -> Mailbox:
    return make_mailbox(imap_host="127.0.0.1", imap_port=port, username="u", password="p", **fields)


@pytest.mark.needs("dovecot")
def test_a_wrong_password_is_told_in_a_sentence_without_the_password(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(password="not-this-one")
    dovecot.deliver(user, mail("Waits"))

    poll(box)

    assert box.last_error.startswith(f"127.0.0.1 refused the sign-in of {user}: ")
    assert "Check user name and password" in box.last_error
    assert "not-this-one" not in box.last_error
    box.password = "correct-horse"
    box.save()
    assert poll(box).fetched == 1
    assert (box.failure_count, box.last_error) == (0, "")


def test_an_unreachable_server_is_told_in_a_sentence() -> None:
    box = box_at(free_port())

    assert poll(box).problem == box.last_error
    assert "cannot be reached: Connection refused" in box.last_error


@pytest.mark.needs("dovecot")
def test_a_certificate_nobody_vouches_for_is_refused(
    dovecot: Dovecot, make_box: MakeBox, settings: Any, tmp_path: Path
) -> None:
    settings.MAIL_CA_FILE = ""
    box, _user = make_box(imap_security=Security.TLS)
    other, _user = make_box(imap_security=Security.STARTTLS)

    for trouble in (poll(box).problem, poll(other).problem):
        assert trouble.startswith("The certificate of 127.0.0.1 is not to be trusted: self")
        assert "HELPDESK_MAIL_CA_FILE" in trouble

    strange, _key = make_certificate(tmp_path, names=("elsewhere.example",))
    settings.MAIL_CA_FILE = str(strange)
    assert "not to be trusted" in poll(box).problem


def test_a_file_of_authorities_that_is_not_there_is_told(settings: Any) -> None:
    settings.MAIL_CA_FILE = "/nonexistent/ca.pem"

    assert "No such file" in poll(box_at(free_port(), imap_security=Security.TLS)).problem


@pytest.mark.parametrize("behaviour", ["silent", "drip", "stall", "hangup"])
def test_a_server_that_drips_stalls_or_hangs_up_costs_a_bounded_time_and_no_mail(behaviour: str, settings: Any) -> None:
    settings.MAIL_TIMEOUT_SECONDS = 1
    begun = time.monotonic()
    mails = dict(enumerate(as_crlf([mail("One"), mail("Two")]), 1))
    with StubImap(mails, behaviour) as server:
        box = box_at(server.port)

        passage = poll(box)

        assert passage.problem.startswith(("127.0.0.1", "The line to 127.0.0.1 broke"))
        assert time.monotonic() - begun < 20  # a wall against waiting for ever, not a measure
        assert (RawMail.objects.count(), box.failure_count, box.last_uid) == (0, 1, 0)
        server.behaviour = "good"
        assert poll(box).fetched == 2
    assert Ticket.objects.count() == 2


@pytest.mark.parametrize("behaviour", ["refuse", "empty"])
def test_a_mail_the_server_cannot_give_out_is_noted_and_the_others_come(behaviour: str) -> None:
    mails = dict(enumerate(as_crlf([mail("One"), mail("Two"), mail("Three")]), 1))
    with StubImap(mails, behaviour, bad=2) as server:
        box = box_at(server.port)

        passage = poll(box)

        assert (passage.problem, box.last_uid) == ("", 3)
        assert [t.subject for t in Ticket.objects.order_by("number")] == ["One", "Three"]
        row = RawMail.objects.get(state=RawMail.State.QUARANTINED)
        assert (row.uid, "still there" in row.reason) == (2, True)
        assert poll(box).fetched == 0


@pytest.mark.parametrize("trouble", [OSError("not connected"), ValueError("closed file"), AttributeError("sock")])
def test_a_line_that_breaks_in_the_farewell_is_simply_dropped(trouble: Exception) -> None:
    def broken() -> None:
        raise trouble

    with StubImap({}) as server:
        connection = Connection(box_at(server.port))
        connection.client.logout = connection.client.shutdown = broken

        connection.close()
        connection.close()

    assert connection.round_trips == 0


def test_uids_that_begin_anew_bring_only_what_is_new() -> None:
    one, two = as_crlf([mail("One"), mail("Two")])
    with StubImap({7: one}, uidvalidity=1) as server:
        box = box_at(server.port)
        poll(box)
        server.mails, server.uidvalidity = {1: one, 2: two}, 2
        poll(box)

    assert (Ticket.objects.count(), RawMail.objects.count(), box.uidvalidity, box.last_uid) == (2, 2, 2, 2)


def test_a_full_disk_leaves_the_mail_on_the_server(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.RAW_MAIL_INLINE_BYTES = 10
    real = os.fsync

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with StubImap({1: as_crlf([mail("One")])[0]}) as server:
        box = box_at(server.port)
        monkeypatch.setattr(os, "fsync", full)

        passage = poll(box)

        assert "disk is full" in passage.problem
        assert (RawMail.objects.count(), box.last_uid) == (0, 0)
        monkeypatch.setattr(os, "fsync", real)
        assert poll(box).fetched == 1
    assert Ticket.objects.count() == 1


def test_a_disk_that_fills_between_storing_and_writing_leaves_the_mail_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    content = (
        b"From: ann@shop.example\r\nSubject: With a file\r\nMessage-ID: <f@x>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nHello.\r\n'
        b'--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename="a.csv"\r\n\r\n1;2\r\n--b--\r\n'
    )
    real = blobs.put

    def full(_content: bytes) -> str:
        raise blobs.StorageFull("No space left on device")

    with StubImap({1: content}) as server:
        box = box_at(server.port)
        monkeypatch.setattr(blobs, "put", full)
        assert "disk is full" in poll(box).problem
        row = RawMail.objects.get()
        assert (row.state, row.attempts, Ticket.objects.count()) == (RawMail.State.PENDING, 0, 0)

        monkeypatch.setattr(blobs, "put", real)
        assert poll(box).problem == ""
    assert [a.name for a in Ticket.objects.get().messages.get().attachments.all()] == ["a.csv"]


def test_a_mail_that_cannot_be_stored_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from helpdesk.mail import store

    real = store.canonical_digest

    def broken(content: bytes) -> tuple[str, str]:
        if b"Two" in content:
            raise ValueError("cannot be looked at")
        return real(content)

    monkeypatch.setattr(store, "canonical_digest", broken)
    with StubImap(dict(enumerate(as_crlf([mail("One"), mail("Two"), mail("Three")]), 1))) as server:
        box = box_at(server.port)

        assert poll(box).problem == ""

    assert [t.subject for t in Ticket.objects.order_by("number")] == ["One", "Three"]
    assert "could not be stored" in RawMail.objects.get(state=RawMail.State.QUARANTINED).reason
    assert box.last_uid == 3


def test_a_mistake_of_our_own_shows_in_the_health_of_the_mailbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Poller, "_fetch", lambda *_: 1 / 0)
    with StubImap({1: as_crlf([mail("One")])[0]}) as server:
        box = box_at(server.port)

        assert "failed here, not on 127.0.0.1: ZeroDivisionError" in poll(box).problem

    assert box.failure_count == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_really_full_disk_leaves_no_half_file(tmp_path: Path, settings: Any) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.system(f"mount -t tmpfs -o size=256k tmpfs {disk} 2>/dev/null") != 0:
        pytest.skip("this machine allows no mount")
    try:
        settings.BLOB_DIR = disk
        with pytest.raises(blobs.StorageFull):
            blobs.put_chunks([os.urandom(1_000_000)])
        assert list(disk.iterdir()) == []
    finally:
        os.system(f"umount {disk}")


def test_managers_hear_of_a_mailbox_once_after_three_failures_in_a_row() -> None:
    make_user(Role.MANAGER, email="max@halden.example")
    box = box_at(free_port())

    for _ in range(5):
        poll(box)

    assert (box.failure_count, AuditEntry.objects.filter(action="mailbox.failing").count()) == (5, 1)
    assert OrmQ.objects.count() == 1
    tasks.tell_managers_of_mailbox(box.name, box.last_error)
    assert django_mail.outbox[0].to == ["max@halden.example"]
    assert "cannot be reached" in django_mail.outbox[0].body


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("dovecot")
def test_other_mailboxes_go_on_while_one_hangs(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(name="Good")
    dovecot.deliver(user, mail("Comes through"))
    with StubImap({}, "silent") as server:
        box_at(server.port, name="Bad")
        with running("poll_mail", "--json", HELPDESK_MAIL_TIMEOUT_SECONDS="20") as process:
            assert process.stdout is not None
            first = process.stdout.readline()  # the good one answers while the bad one still hangs

    assert '"mailbox": "Good", "fetched": 1' in first
    assert Ticket.objects.get().subject == "Comes through"
    assert box.pk


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("dovecot")
def test_two_pollers_at_once_make_each_mail_once(dovecot: Dovecot, make_box: MakeBox) -> None:
    _box, user = make_box()
    dovecot.deliver(user, *(mail(f"Mail {n}") for n in range(120)))

    processes = [start("poll_mail", "--json") for _ in range(3)]
    said = [process.communicate(timeout=120) for process in processes]

    assert [p.returncode for p in processes] == [0, 0, 0], said
    assert manage("poll_mail").returncode == 0
    assert Ticket.objects.count() == 120
    assert RawMail.objects.count() == 120


@pytest.mark.django_db(transaction=True)
def test_the_command_fails_with_the_reason_when_a_mailbox_cannot_be_read() -> None:
    box_at(free_port(), name="Broken")

    done = manage("poll_mail")

    assert done.returncode != 0
    assert "Broken: 127.0.0.1" in done.stdout
    assert "1 of 1 mailboxes could not be read" in done.stderr
    assert "Traceback" not in done.stderr
    assert "no active mailbox named 'Nobody'" in manage("poll_mail", "--mailbox", "Nobody").stderr
