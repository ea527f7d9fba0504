"""Mail that was in the folder before the first look: left there, or imported, as the mailbox says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from helpdesk.mail_poll import Passage, Poller
from helpdesk.models import Mailbox, RawMail, Ticket
from helpdesk.now import now
from tests.factories import mail, make_queue
from tests.mailservers.dovecot import Dovecot
from tests.mailservers.fixtures import MakeBox

pytestmark = [pytest.mark.django_db, pytest.mark.needs("dovecot")]
Existing = Mailbox.ImportExisting


def poll(box: Mailbox) -> Passage:
    poller = Poller(box.pk)
    try:
        return poller.poll()
    finally:
        poller.close()
        box.refresh_from_db()


def put(dovecot: Dovecot, user: str, subject: str, days_ago: int) -> None:
    with dovecot.client(user) as client:
        client.append("INBOX", mail(subject), msg_time=now() - timedelta(days=days_ago))


def subjects() -> list[str]:
    return list(Ticket.objects.order_by("number").values_list("subject", flat=True))


def test_a_new_mailbox_imports_everything_unless_told_otherwise() -> None:
    assert Mailbox(queue=make_queue()).import_existing == Existing.EVERYTHING


def test_only_mail_that_comes_from_now_on_becomes_tickets(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(import_existing=Existing.NOTHING)
    dovecot.deliver(user, mail("Old"), mail("Older"))
    assert (poll(box).problem, box.last_uid, box.tidied_uid, subjects()) == ("", 2, 2, [])

    dovecot.deliver(user, mail("New"))

    assert (poll(box).fetched, subjects()) == (1, ["New"])


def test_mail_of_the_last_days_is_imported_and_older_mail_is_not(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(import_existing=Existing.RECENT, import_days=10)
    for subject, days in (("A year old", 365), ("A week old", 7), ("Of today", 0), ("Moved in", 99)):
        put(dovecot, user, subject, days)

    poll(box)

    assert subjects() == ["A week old", "Of today"]
    assert (poll(box).fetched, box.last_uid) == (0, 4)


def test_a_folder_without_recent_mail_begins_with_what_comes(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(import_existing=Existing.RECENT, import_days=10)
    put(dovecot, user, "A year old", 365)
    poll(box)
    dovecot.deliver(user, mail("New"))

    poll(box)

    assert subjects() == ["New"]


def test_renumbering_does_not_bring_in_what_was_left_out(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(import_existing=Existing.NOTHING)
    put(dovecot, user, "A year old", 365)
    poll(box)
    dovecot.deliver(user, mail("New"))
    poll(box)
    dovecot.deliver(user, mail("Came before the rebuild was noticed"))
    dovecot.renumber(user)

    poll(box)
    poll(box)

    assert subjects() == ["New", "Came before the rebuild was noticed"]


def test_all_of_it_asked_for_later_comes_in_and_known_mail_is_not_doubled(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box(import_existing=Existing.NOTHING)
    dovecot.deliver(user, mail("Old"))
    poll(box)
    dovecot.deliver(user, mail("New"))
    poll(box)
    Mailbox.objects.filter(pk=box.pk).update(
        import_existing=Existing.EVERYTHING, uidvalidity=None, last_uid=0, tidied_uid=0, since_at=None
    )

    assert (poll(box).problem, subjects()) == ("", ["New", "Old"])
    assert list(RawMail.objects.order_by("uid").values_list("uid", flat=True)) == [1, 2]
