"""The way in and out over the demo's own mail server, which is pure Python: what machines without Dovecot have."""

from __future__ import annotations

import re
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.accounts import MAILBOX_PASSWORD, MAILBOXES
from helpdesk.actions.conversation import reply
from helpdesk.actions.delivery import deliver_due
from helpdesk.mail_poll import Passage, Poller
from helpdesk.models import Actor, Mailbox, OutgoingMail, RawMail, Ticket
from helpdesk.now import now
from tests.factories import World, mail
from tests.processes import CHECKOUT

pytestmark = pytest.mark.django_db
USER = MAILBOXES[0].user


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """IMAP and SMTP port of a running demo mail server."""
    free = [word for name in ("imap", "smtp", "page") for word in (f"--{name}-port", "0")]
    process = subprocess.Popen(
        [sys.executable, "-m", "demo.mailserver", *free, "--data-dir", str(tmp_path)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        match = re.search(r"imap=(\d+) smtp=(\d+)", process.stdout.readline())
        assert match is not None
        yield int(match[1]), int(match[2])
    finally:
        process.terminate()
        process.communicate(timeout=10)


def poll(box: Mailbox) -> Passage:
    poller = Poller(box.pk)
    try:
        return poller.poll()
    finally:
        poller.close()
        box.refresh_from_db()


def test_a_mail_comes_in_and_its_answer_leaves(ports: tuple[int, int], world: World) -> None:
    box = world.mailbox
    box.address, box.username, box.password = USER, USER, MAILBOX_PASSWORD
    box.imap_host, box.imap_port, box.smtp_port = "127.0.0.1", *ports
    box.smtp_username, box.smtp_password = USER, MAILBOX_PASSWORD
    box.save()
    with smtplib.SMTP("127.0.0.1", ports[1], timeout=10) as client:
        client.sendmail("ann@shop.example", [USER], mail("Over pymap", to=USER))

    assert (poll(box).problem, poll(box).fetched) == ("", 0)

    ticket = Ticket.objects.get(subject="Over pymap")
    message = reply(ticket=ticket, actor=Actor.of(world.agent), text="Answered.")
    OutgoingMail.objects.filter(message=message).update(due_at=now())
    deliver_due()
    assert OutgoingMail.objects.get(message=message).state == OutgoingMail.State.SENT
    assert RawMail.objects.get(ticket=ticket).uid == box.last_uid
