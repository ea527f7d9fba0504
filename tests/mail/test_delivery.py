"""The outbox against an SMTP server that refuses, defers, hangs up and thinks slowly."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as django_mail

from helpdesk import tasks
from helpdesk.actions import BadInput, delivery
from helpdesk.actions.conversation import reply
from helpdesk.actions.delivery import deliver_due, lease_due, send_all, wait_before
from helpdesk.actions.sending import release_scheduled, resend, withdraw_reply
from helpdesk.mail import compose
from helpdesk.mail.smtp import Outcome
from helpdesk.models import (
    Actor,
    Draft,
    Kind,
    Mailbox,
    Message,
    OutgoingMail,
    Security,
    Status,
    Ticket,
    TicketEvent,
)
from helpdesk.now import frozen, now
from tests.factories import World, mail, receive
from tests.mailservers.certificate import make_certificate
from tests.mailservers.ports import free_port
from tests.mailservers.sink import Script, Sink

pytestmark = pytest.mark.django_db
States = OutgoingMail.State
ANN, BOB = "ann@shop.example", "bob@shop.example"


@pytest.fixture(autouse=True)
def _door(world: World, sink: Sink, settings: Any) -> None:
    settings.MAIL_TIMEOUT_SECONDS = 5
    Mailbox.objects.filter(pk=world.mailbox.pk).update(smtp_port=sink.port)
    world.mailbox.refresh_from_db()
    world.ticket.refresh_from_db()


def said(world: World, *, to: tuple[str, ...] = (ANN,), text: str = "Try another cable.", **more: Any) -> Message:
    """A reply that is due now."""
    world.ticket.refresh_from_db()
    recipients = [{"kind": "to" if n == 0 else "cc", "email": email, "name": ""} for n, email in enumerate(to)]
    message = reply(ticket=world.ticket, actor=Actor.of(world.agent), text=text, recipients=recipients, **more)
    OutgoingMail.objects.filter(message=message).exclude(state=States.SCHEDULED).update(due_at=now())
    return message


def row(message: Message) -> OutgoingMail:
    return OutgoingMail.objects.get(message=message)


def due_again(message: Message) -> None:
    OutgoingMail.objects.filter(message=message).update(due_at=now())


def kinds(world: World) -> list[str]:
    return list(TicketEvent.objects.filter(ticket=world.ticket).order_by("seq").values_list("kind", flat=True))


def test_a_reply_leaves_once_and_is_marked_sent(world: World, sink: Sink) -> None:
    message = said(world)

    assert (deliver_due(), deliver_due()) == (1, 0)

    outgoing = row(message)
    assert (outgoing.state, outgoing.attempts, outgoing.data_begun_at, outgoing.may_be_doubled) == (
        States.SENT,
        1,
        None,
        False,
    )
    assert [(c.sender, c.recipients) for c in sink.caught] == [("support@halden.example", [ANN])]
    assert sink.caught[0].identifier == message.message_id
    assert [r["state"] for r in outgoing.recipients] == ["sent"]
    assert kinds(world)[-1] == Kind.DELIVERED


def test_a_temporary_refusal_is_tried_again_later_with_the_same_bytes(world: World, sink: Sink) -> None:
    sink.script = Script(recipients={ANN: "451 4.3.0 Busy"})
    message = said(world)
    deliver_due()
    deferred = row(message)
    assert (deferred.state, "Busy" in deferred.last_error, deferred.due_at > now()) == (States.DEFERRED, True, True)
    assert deliver_due() == 0
    before = bytes(deferred.mime or b"")

    sink.script = Script()
    due_again(message)
    deliver_due()

    assert (row(message).state, row(message).attempts) == (States.SENT, 2)
    assert sink.caught[0].content == before.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_back_off_doubles_with_jitter_and_has_an_end() -> None:
    waits = [{wait_before(attempt) for _ in range(20)} for attempt in range(2, 20)]

    assert all(timedelta(seconds=22) <= w <= timedelta(seconds=38) for w in waits[0])
    assert all(timedelta(seconds=45) <= w <= timedelta(seconds=75) for w in waits[1])
    assert all(w <= timedelta(hours=5) for some in waits for w in some)
    assert all(len(some) > 10 for some in waits)


def test_greylisting_costs_one_more_attempt(world: World, sink: Sink) -> None:
    sink.script = Script(greylist=True)
    message = said(world)

    deliver_due()
    due_again(message)
    deliver_due()

    assert (row(message).state, row(message).attempts, len(sink.caught)) == (States.SENT, 2, 1)


def test_a_permanent_refusal_is_shown_told_and_can_be_sent_again(world: World, sink: Sink) -> None:
    sink.script = Script(recipients={ANN: "550 5.1.1 No such user"})
    message = said(world)
    deliver_due()

    dead = row(message)
    assert (dead.state, dead.recipients[0]["state"]) == (States.DEAD, "failed")
    assert "No such user" in dead.last_error
    assert kinds(world)[-1] == Kind.DELIVERY_FAILED
    tasks.tell_owner(TicketEvent.objects.get(ticket=world.ticket, kind=Kind.DELIVERY_FAILED).pk)
    tasks.tell_owner(TicketEvent.objects.get(ticket=world.ticket, kind=Kind.DELIVERY_FAILED).pk)
    assert [m.to for m in django_mail.outbox] == [[world.agent.email]]

    sink.script = Script()
    resend(message=message, actor=Actor.of(world.agent))
    deliver_due()
    assert row(message).state == States.SENT
    assert sink.caught[0].identifier == message.message_id


def test_one_refused_recipient_does_not_keep_the_mail_from_the_others(world: World, sink: Sink) -> None:
    sink.script = Script(recipients={BOB: "550 5.1.1 Unknown"})
    message = said(world, to=(ANN, BOB))

    deliver_due()

    assert {r["email"]: r["state"] for r in row(message).recipients} == {ANN: "sent", BOB: "failed"}
    assert (row(message).state, sink.caught[0].recipients) == (States.SENT, [ANN])
    assert {Kind.DELIVERED, Kind.DELIVERY_FAILED} <= set(kinds(world))


def test_who_has_the_mail_does_not_get_it_again_when_another_recipient_was_put_off(world: World, sink: Sink) -> None:
    sink.script = Script(recipients={BOB: "450 4.2.0 Mailbox busy"})
    message = said(world, to=(ANN, BOB))
    deliver_due()
    assert row(message).state == States.DEFERRED

    sink.script = Script()
    due_again(message)
    deliver_due()

    assert [c.recipients for c in sink.caught] == [[ANN], [BOB]]
    assert row(message).state == States.SENT


def test_a_refusal_of_the_text_is_final_and_a_temporary_one_is_not(world: World, sink: Sink) -> None:
    first = said(world)
    sink.script = Script(data="452 4.3.1 Disk full")
    deliver_due()
    assert (row(first).state, row(first).data_begun_at) == (States.DEFERRED, None)

    sink.script = Script(data="554 5.7.1 Spam")
    due_again(first)
    deliver_due()
    assert row(first).state == States.DEAD
    assert "Spam" in row(first).last_error


def test_a_refused_sender_address_is_final(world: World, sink: Sink) -> None:
    sink.script = Script(mail_from="550 5.7.1 Not your address")
    message = said(world)

    deliver_due()

    assert (row(message).state, "Not your address" in row(message).last_error) == (States.DEAD, True)


def test_a_line_that_breaks_before_the_dot_is_no_doubt(
    world: World, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_data = delivery._begin_data

    def begin_data_when_the_line_is_dead(outgoing: OutgoingMail) -> None:
        assert sink.hung_up.wait(10)
        begin_data(outgoing)

    monkeypatch.setattr(delivery, "_begin_data", begin_data_when_the_line_is_dead)
    sink.script = Script(hang_up_in_data=True)
    message = said(world, text="word " * 30_000)
    deliver_due()
    assert (row(message).state, row(message).may_be_doubled) == (States.DEFERRED, False)

    sink.script = Script()
    due_again(message)
    deliver_due()
    assert (row(message).state, row(message).may_be_doubled, len(sink.caught)) == (States.SENT, False, 1)


def test_a_line_that_breaks_after_the_dot_is_a_doubt_that_is_marked(world: World, sink: Sink) -> None:
    sink.script = Script(hang_up_after_dot=True)
    message = said(world)
    deliver_due()
    assert row(message).state == States.UNCERTAIN

    sink.script = Script()
    due_again(message)
    deliver_due()

    assert (row(message).state, row(message).may_be_doubled) == (States.SENT, True)
    assert sink.by_identifier() == {message.message_id: 2}
    assert TicketEvent.objects.get(ticket=world.ticket, kind=Kind.DELIVERED).data["may_be_doubled"] is True


def test_a_server_that_thinks_longer_than_a_reads_limit_is_waited_for(world: World, sink: Sink, settings: Any) -> None:
    settings.MAIL_TIMEOUT_SECONDS = 1
    sink.script = Script(slow_seconds=2.5)
    message = said(world)

    deliver_due()

    assert (row(message).state, len(sink.caught)) == (States.SENT, 1)


def test_a_server_that_closes_the_line_after_each_mail_gets_them_all(world: World, sink: Sink) -> None:
    sink.script = Script(mails_a_connection=1)
    messages = [said(world, text=f"Answer {n}") for n in range(3)]

    deliver_due()

    assert {row(m).state for m in messages} == {States.SENT}
    assert (len(sink.caught), sink.connections) == (3, 3)


def test_mails_of_one_mailbox_share_a_connection(world: World, sink: Sink) -> None:
    for n in range(4):
        said(world, text=f"Answer {n}")

    deliver_due()

    assert (len(sink.caught), sink.connections) == (4, 1)


def test_an_unreachable_server_defers_with_a_sentence(world: World) -> None:
    Mailbox.objects.filter(pk=world.mailbox.pk).update(smtp_port=free_port())
    message = said(world)

    deliver_due()

    assert (row(message).state, "cannot be reached: Connection refused" in row(message).last_error) == (
        States.DEFERRED,
        True,
    )


def test_a_mail_that_cannot_be_put_together_fails_alone(
    world: World, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = compose.build
    bad, good = said(world, text="bad"), said(world, text="good")

    def build(outgoing: OutgoingMail, at: Any) -> bytes:
        if outgoing.message_id == bad.pk:
            raise RuntimeError("cannot be built")
        return real(outgoing, at)

    monkeypatch.setattr(compose, "build", build)
    deliver_due()

    assert (row(bad).state, row(good).state) == (States.DEAD, States.SENT)


def test_a_row_that_ends_its_sender_every_time_is_given_up(world: World) -> None:
    message = said(world)
    OutgoingMail.objects.filter(message=message).update(state=States.LEASED, attempts=14, due_at=now())

    assert lease_due() == []
    assert (row(message).state, kinds(world)[-1]) == (States.DEAD, Kind.DELIVERY_FAILED)


def test_the_breaker_holds_a_storm_and_a_person_can_send_all_the_same(world: World, sink: Sink, settings: Any) -> None:
    settings.OUTGOING_PER_TICKET_HOUR = 3
    for n in range(3):
        said(world, text=f"Answer {n}")
    deliver_due()
    held = said(world, text="One too many")

    deliver_due()

    assert (row(held).state, len(sink.caught)) == (States.HELD, 3)
    assert TicketEvent.objects.get(ticket=world.ticket, kind=Kind.DELIVERY_FAILED).data["held"] is True
    resend(message=held, actor=Actor.of(world.agent))
    deliver_due()
    assert (row(held).state, len(sink.caught)) == (States.SENT, 4)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_mail_leaves_over_a_protected_line_with_a_sign_in(
    security: str, world: World, settings: Any, tmp_path: Path
) -> None:
    pair = make_certificate(tmp_path)
    with Sink(certificate=pair, tls_at_once=security == Security.TLS) as server:
        Mailbox.objects.filter(pk=world.mailbox.pk).update(smtp_port=server.port, smtp_security=security)
        world.mailbox.refresh_from_db()
        world.mailbox.smtp_username, world.mailbox.smtp_password = "support", "wrong-one"
        world.mailbox.save()
        message = said(world)

        deliver_due()
        assert "certificate of 127.0.0.1" in row(message).last_error
        settings.MAIL_CA_FILE = str(pair[0])
        due_again(message)
        deliver_due()
        assert (row(message).state, "refused the sign-in: 535" in row(message).last_error) == (States.DEFERRED, True)
        assert "wrong-one" not in row(message).last_error
        world.mailbox.smtp_password = "correct-horse"
        world.mailbox.save()
        due_again(message)
        deliver_due()

        assert (row(message).state, len(server.caught)) == (States.SENT, 1)


# --- taking back, later, overtaken ------------------------------------------------------------------------------------
def test_a_reply_can_be_taken_back_until_the_outbox_has_it(world: World, sink: Sink) -> None:
    world.ticket.refresh_from_db()
    recipients = [{"kind": "to", "email": ANN, "name": ""}]
    message = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Wrong customer", recipients=recipients)
    assert deliver_due() == 0  # still within the ten seconds

    draft = withdraw_reply(message=message, actor=Actor.of(world.agent))

    with frozen(now() + timedelta(minutes=1)):
        assert deliver_due() == 0
    assert (draft.text, row(message).state, sink.caught) == ("Wrong customer", States.CANCELLED, [])
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.OPEN
    assert Draft.objects.get().ticket == world.ticket


def test_it_leaves_when_the_ten_seconds_are_over_and_then_it_is_too_late(world: World, sink: Sink) -> None:
    message = reply(
        ticket=world.ticket,
        actor=Actor.of(world.agent),
        text="Good",
        recipients=[{"kind": "to", "email": ANN, "name": ""}],
    )
    with frozen(now() + timedelta(seconds=14)):
        assert deliver_due() == 1
    with pytest.raises(BadInput):
        withdraw_reply(message=message, actor=Actor.of(world.agent))
    assert len(sink.caught) == 1


def test_a_scheduled_reply_leaves_at_its_time(world: World, sink: Sink) -> None:
    at = now() + timedelta(hours=2)
    message = said(world, send_at=at)
    assert (release_scheduled(), deliver_due(), row(message).state) == (0, 0, States.SCHEDULED)

    with frozen(at + timedelta(seconds=1)):
        assert (release_scheduled(), deliver_due()) == (1, 1)
    assert (row(message).state, len(sink.caught)) == (States.SENT, 1)


def test_a_scheduled_reply_is_cancelled_when_the_customer_writes_first(world: World, sink: Sink) -> None:
    at = now() + timedelta(hours=2)
    cancelled = said(world, send_at=at, cancel_if_customer_writes=True)
    kept = said(world, send_at=at, text="Goes anyway")

    receive(mail(f"Solved [#{world.ticket.number}]"), mailbox=world.mailbox)

    with frozen(at + timedelta(seconds=1)):
        release_scheduled()
        deliver_due()
    assert (row(cancelled).state, row(kept).state, len(sink.caught)) == (States.CANCELLED, States.SENT, 1)
    cancelled.refresh_from_db()
    assert cancelled.withdrawn_at is not None


# --- fences -----------------------------------------------------------------------------------------------------------
def test_a_sender_that_was_stopped_beyond_its_lease_sends_nothing_any_more(world: World, sink: Sink) -> None:
    message = said(world)
    stale = lease_due()
    due_again(message)  # its lease is over
    deliver_due()

    send_all(stale)

    assert (len(sink.caught), row(message).state, row(message).may_be_doubled) == (1, States.SENT, False)


def test_a_sender_stopped_between_dot_and_note_is_refused_and_the_double_marked(world: World, sink: Sink) -> None:
    message = said(world)
    (stale,) = lease_due()
    delivery._begin_data(stale)
    due_again(message)
    deliver_due()

    delivery._note(stale, Outcome(accepted=True, code=250, recipients={ANN: (250, "OK")}))

    outgoing = row(message)
    assert (outgoing.state, outgoing.may_be_doubled, outgoing.fence, len(sink.caught)) == (States.SENT, True, 2, 1)


def test_mail_left_unsent_at_a_stop_is_due_again_at_once(world: World, sink: Sink) -> None:
    messages = [said(world, text=f"Answer {n}") for n in range(3)]

    send_all(lease_due(), stopping=lambda: len(sink.caught) >= 1)

    assert len(sink.caught) == 1
    assert sorted(row(m).state for m in messages) == [States.QUEUED, States.QUEUED, States.SENT]
    deliver_due()
    assert len(sink.by_identifier()) == 3
