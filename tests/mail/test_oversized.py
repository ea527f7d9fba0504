"""The sender of a mail that is too large learns so once, and machines never do."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django_q.models import OrmQ

from helpdesk import tasks
from helpdesk.actions.mailboxes import store_batch
from helpdesk.mail.smtp import CannotSend
from helpdesk.mail.store import Fetched
from helpdesk.models import Mailbox, RawMail
from helpdesk.now import now
from tests.factories import World, mail
from tests.mailservers.ports import free_port
from tests.mailservers.sink import Sink

pytestmark = pytest.mark.django_db


@pytest.fixture
def box(world: World, sink: Sink) -> Mailbox:
    """A mailbox that can send."""
    world.mailbox.smtp_port = sink.port
    world.mailbox.save()
    return world.mailbox


_uids = iter(range(1, 10_000))


def oversized(box: Mailbox, headers: dict[str, str] | None = None, age: timedelta = timedelta()) -> RawMail:
    """A mail of 40 MB of which the headers were fetched."""
    content = mail("Pictures", "", **(headers or {}))
    fetched = Fetched(content, 1, next(_uids), now() - age, size=40 * 1024 * 1024, trouble="Too large.")
    (row,) = store_batch(box, [fetched], uidvalidity=1)
    return row


def tell(row: RawMail) -> None:
    tasks.tell_sender_of_oversized_mail(row.pk)
    row.refresh_from_db()


def test_the_sender_is_told_once_what_to_do(box: Mailbox, sink: Sink, settings: Any) -> None:
    settings.MAIL_MAX_BYTES = 25 * 1024 * 1024
    row = oversized(box, {"Message_ID": "<big@shop.example>"})
    assert OrmQ.objects.count() == 1

    tell(row)
    tell(row)

    (caught,) = sink.caught
    answer: EmailMessage = caught.mail
    assert (caught.sender, caught.recipients) == ("<>", ["ann@shop.example"])
    assert (answer["Subject"], answer["In-Reply-To"]) == ("Re: Pictures", "<big@shop.example>")
    assert (answer["Auto-Submitted"], answer["X-Helpdesk-Loop"]) == ("auto-replied", box.address)
    assert "40.0 MB" in answer.get_content()
    assert "at most 25.0 MB" in answer.get_content()
    assert (row.sender, row.subject, row.state) == ("ann@shop.example", "Pictures", RawMail.State.QUARANTINED)


def test_the_answer_is_in_the_language_of_the_mailbox(box: Mailbox, sink: Sink) -> None:
    Mailbox.objects.update(language="fa")

    tell(oversized(box))

    assert sink.caught[0].mail.get_content().strip()


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.shop.example>"},
        {"X_Helpdesk_Loop": "support@halden.example"},
        {"sender": "MAILER-DAEMON@shop.example"},
        {"sender": "no-reply@shop.example"},
        {"sender": "support@halden.example"},
        {"Return_Path": "<>"},
    ],
)
def test_no_machine_is_told(headers: dict[str, str], box: Mailbox, sink: Sink) -> None:
    tell(row := oversized(box, headers))

    assert (sink.caught, row.answered_at) == ([], None)


def test_an_old_mail_that_is_imported_gets_no_answer(box: Mailbox, sink: Sink) -> None:
    tell(oversized(box, age=timedelta(days=4)))

    assert sink.caught == []


def test_one_address_is_told_at_most_as_often_an_hour_as_it_is_acknowledged(
    box: Mailbox, sink: Sink, settings: Any
) -> None:
    settings.AUTO_MAIL_PER_ADDRESS_HOUR = 2

    for _ in range(4):
        tell(oversized(box))

    assert len(sink.caught) == 2


def test_a_server_that_is_away_leaves_the_answer_for_the_next_try(box: Mailbox, sink: Sink) -> None:
    Mailbox.objects.update(smtp_port=free_port())
    row = oversized(box)
    with pytest.raises(CannotSend):
        tell(row)
    row.refresh_from_db()
    assert row.answered_at is None
    Mailbox.objects.update(smtp_port=sink.port)

    tell(row)

    assert len(sink.caught) == 1


def test_a_mail_that_the_server_does_not_give_out_is_answered_by_nobody(box: Mailbox) -> None:
    store_batch(box, [Fetched(b"", 1, 1, now(), trouble="Not given.")], uidvalidity=1)

    assert OrmQ.objects.count() == 0
