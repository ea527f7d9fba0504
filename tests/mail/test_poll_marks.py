"""What a crash or a lost line left unmarked or unmoved on the server is made up for, once, and holds up no mail."""

from __future__ import annotations

import pytest

from helpdesk import mail_poll
from helpdesk.mail.imap import Connection, MailboxTrouble
from helpdesk.mail_poll import Passage, Poller
from helpdesk.models import Mailbox, Ticket
from tests.factories import mail
from tests.mailservers.dovecot import Dovecot
from tests.mailservers.fixtures import MakeBox

pytestmark = [pytest.mark.django_db, pytest.mark.needs("dovecot")]


def poll(box: Mailbox) -> Passage:
    poller = Poller(box.pk)
    try:
        return poller.poll()
    finally:
        poller.close()
        box.refresh_from_db()


def refuse(*_: object) -> None:
    raise MailboxTrouble("the folder is locked")


@pytest.mark.parametrize("how", [Mailbox.AfterFetch.MARK_SEEN, Mailbox.AfterFetch.MOVE])
def test_marks_that_were_prevented_are_made_up_on_the_next_pass(
    how: str, dovecot: Dovecot, make_box: MakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, user = make_box(after_fetch=how, move_to="Done")
    dovecot.deliver(user, *(mail(f"Mail {n}") for n in range(5)))
    with monkeypatch.context() as broken:
        broken.setattr(Connection, "tidy", refuse)
        assert "locked" in poll(box).problem
    assert (Ticket.objects.count(), box.tidied_uid, box.last_uid) == (5, 0, 5)

    passage = poll(box)

    done = dovecot.flags(user, "Done") if how == Mailbox.AfterFetch.MOVE else dovecot.flags(user)
    assert (passage.problem, passage.fetched, box.tidied_uid, len(done)) == ("", 0, 5, 5)
    assert how == Mailbox.AfterFetch.MOVE or set(done.values()) == {(b"\\Seen",)}
    assert poll(box).round_trips == 1


def test_a_server_that_will_not_mark_still_gives_out_all_its_mail(
    dovecot: Dovecot, make_box: MakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, user = make_box(after_fetch=Mailbox.AfterFetch.MARK_SEEN)
    dovecot.deliver(user, *(mail(f"Mail {n}") for n in range(160)))
    monkeypatch.setattr(Connection, "tidy", refuse)

    assert [bool(poll(box).problem) for _ in range(2)] == [True, True]

    assert Ticket.objects.count() == 160


def test_what_is_made_up_in_a_pass_is_bounded_and_the_rest_follows(
    dovecot: Dovecot, make_box: MakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, user = make_box()
    dovecot.deliver(user, *(mail(f"Mail {n}") for n in range(5)))
    poll(box)
    Mailbox.objects.filter(pk=box.pk).update(after_fetch=Mailbox.AfterFetch.MARK_SEEN, tidied_uid=0)
    monkeypatch.setattr(mail_poll, "_MADE_UP_IN_A_PASS", 3)

    poll(box)
    assert (box.tidied_uid, sum(bool(flags) for flags in dovecot.flags(user).values())) == (3, 3)
    poll(box)

    assert (box.tidied_uid, sum(bool(flags) for flags in dovecot.flags(user).values())) == (5, 5)


def test_old_mail_is_not_marked_when_a_manager_begins_to_ask_for_marks(dovecot: Dovecot, make_box: MakeBox) -> None:
    box, user = make_box()
    dovecot.deliver(user, mail("Fetched and left"))
    poll(box)
    Mailbox.objects.filter(pk=box.pk).update(after_fetch=Mailbox.AfterFetch.MARK_SEEN)
    dovecot.deliver(user, mail("Fetched and marked"))

    poll(box)

    assert dovecot.flags(user) == {1: (), 2: (b"\\Seen",)}
