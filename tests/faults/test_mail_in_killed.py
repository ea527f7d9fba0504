"""Kill -9 at each step of mail in: after the next pass every mail is here once, and nothing is half."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from django.db.models import Count

from helpdesk import faults
from helpdesk.models import Attachment, Kind, Mailbox, Message, RawMail, Ticket, TicketEvent, Verdict
from tests.factories import mail
from tests.mailservers.dovecot import Dovecot
from tests.mailservers.fixtures import MakeBox
from tests.processes import manage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("dovecot")]
POINTS = [name for name in faults.POINTS if name.startswith("mail_in.")]
MAILS = 70  # two batches

WITH_FILE = (
    b"From: ann@shop.example\r\nTo: support@halden.example\r\nSubject: With a file\r\nMessage-ID: <file@shop.example>\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nHello.\r\n'
    b'--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename="a.csv"\r\n\r\n1;2\r\n--b--\r\n'
)


def delivered(dovecot: Dovecot, user: str) -> None:
    mails = [mail(f"Mail {n}", Message_ID=f"<k{n}@shop.example>") for n in range(MAILS)]
    mails[40] = mail("Re: Mail 3", Message_ID="<k40@shop.example>", In_Reply_To="<k3@shop.example>")
    mails[41] = WITH_FILE
    dovecot.deliver(user, *mails, mails[5])  # one of them twice


def assert_conserved(box: Mailbox) -> None:
    """Each mail has one fate, each ticket whole history, and nothing is there twice."""
    rows = RawMail.objects.filter(mailbox=box)
    assert Counter(rows.values_list("verdict", flat=True)) == {
        Verdict.TICKET: MAILS - 1, Verdict.REPLY: 1, Verdict.DUPLICATE: 1,
    }  # fmt: skip
    assert not rows.exclude(state=RawMail.State.DONE).exists()
    assert Ticket.objects.count() == MAILS - 1
    assert Message.objects.count() == MAILS
    assert not Message.objects.values("raw_mail").annotate(n=Count("pk")).filter(n__gt=1).exists()
    assert [a.name for a in Attachment.objects.all()] == ["a.csv"]
    assert Counter(TicketEvent.objects.values_list("kind", flat=True)) == {
        Kind.OPENED: MAILS - 1,
        Kind.CONTACT_RECEIVED: 1,
    }
    for ticket in Ticket.objects.all():
        assert list(ticket.events.order_by("seq").values_list("seq", flat=True)) == list(range(1, ticket.seq + 1))
        assert ticket.messages.count() == ticket.message_count


@pytest.mark.parametrize("point", POINTS)
def test_a_poller_killed_there_loses_and_doubles_nothing(point: str, dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(after_fetch=Mailbox.AfterFetch.MARK_SEEN)
    delivered(dovecot, user)

    killed = manage("poll_mail", HELPDESK_FAULT=f"{point}:kill")
    again = manage("poll_mail")

    assert killed.returncode == -signal.SIGKILL, f"{point} is never passed: {killed.stderr[-500:]}"
    assert again.returncode == 0, again.stderr
    assert_conserved(box)
    assert set(dovecot.flags(user).values()) == {(b"\\Seen",)}, "marks a crash prevented are made up for"


@pytest.mark.parametrize("point", POINTS)
def test_a_poller_that_breaks_there_loses_and_doubles_nothing(point: str, dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box()
    delivered(dovecot, user)

    manage("poll_mail", HELPDESK_FAULT=f"{point}:raise")
    RawMail.objects.filter(state=RawMail.State.PENDING).update(next_attempt_at=None)
    assert manage("poll_mail").returncode == 0
    RawMail.objects.filter(state=RawMail.State.PENDING).update(next_attempt_at=None)
    assert manage("poll_mail").returncode == 0

    assert_conserved(box)


def test_a_poller_killed_while_the_server_renumbers_loses_and_doubles_nothing(
    dovecot: Dovecot, make_box: MakeBox
) -> None:
    box, user = make_box()
    delivered(dovecot, user)
    manage("poll_mail", HELPDESK_FAULT="mail_in.stored:kill")
    dovecot.renumber(user)

    assert manage("poll_mail", HELPDESK_FAULT="mail_in.written:kill").returncode == -signal.SIGKILL
    assert manage("poll_mail").returncode == 0

    rows = RawMail.objects.filter(mailbox=box)
    assert Ticket.objects.count() == MAILS - 1
    assert not rows.exclude(state=RawMail.State.DONE).exists()
