"""Where mail lands: threading through the real pipeline and database."""

from __future__ import annotations

from typing import Any

import pytest

from helpdesk.actions.conversation import reply
from helpdesk.actions.lifecycle import set_status
from helpdesk.mail.tokens import plus_address
from helpdesk.models import (
    Actor,
    Audience,
    Kind,
    LinkKind,
    Message,
    OutgoingMail,
    RawMail,
    Status,
    Ticket,
    TicketEvent,
    TicketLink,
    Verdict,
)
from tests.factories import World, mail, make_mailbox, receive

pytestmark = pytest.mark.django_db


def _ticket(row: RawMail) -> Ticket:
    assert row.ticket is not None
    return row.ticket


def test_a_mail_becomes_a_ticket_in_the_queue_of_its_mailbox(world: World) -> None:
    (row,) = receive(mail("Dock broken", "It does not charge."), mailbox=world.mailbox)

    ticket = _ticket(row)
    assert row.verdict == Verdict.TICKET
    assert (ticket.subject, ticket.queue, ticket.status, ticket.customer) == (
        "Dock broken", world.queue_a, Status.NEW, world.customer,
    )  # fmt: skip
    assert ticket.snippet == "It does not charge."
    assert [e.kind for e in ticket.events.all()] == [Kind.OPENED]


def test_the_same_mail_twice_is_a_duplicate_and_changes_nothing(world: World) -> None:
    content = mail("Once", Message_ID="<once@shop.example>")

    first, second = receive(content, mailbox=world.mailbox) + receive(content, mailbox=world.mailbox)

    assert (first.verdict, second.verdict, second.duplicate_of_id) == (Verdict.TICKET, Verdict.DUPLICATE, first.pk)
    assert Ticket.objects.filter(subject="Once").count() == 1


def test_another_mail_that_reuses_a_message_id_is_kept(world: World) -> None:
    first, second = receive(
        mail("One", "First text", Message_ID="<same@shop.example>"),
        mail("Two", "Second text", Message_ID="<same@shop.example>"),
        mailbox=world.mailbox,
    )

    assert (first.verdict, second.verdict) == (Verdict.TICKET, Verdict.TICKET)
    assert first.ticket_id != second.ticket_id


def test_an_answer_by_reference_joins_even_inside_one_batch(world: World) -> None:
    first, second = receive(
        mail("Dock", Message_ID="<a1@shop.example>"),
        mail("Re: Dock", "More words", Message_ID="<a2@shop.example>", In_Reply_To="<a1@shop.example>"),
        mailbox=world.mailbox,
    )

    assert (second.verdict, second.ticket_id) == (Verdict.REPLY, first.ticket_id)
    assert _ticket(first).messages.count() == 2


def test_a_stranger_with_a_known_id_opens_a_linked_ticket_of_his_own(world: World) -> None:
    receive(mail("Dock", Message_ID="<a1@shop.example>"), mailbox=world.mailbox)

    (row,) = receive(
        mail("Re: Dock", sender="Eve <eve@evil.example>", In_Reply_To="<a1@shop.example>"), mailbox=world.mailbox
    )

    link = TicketLink.objects.get(ticket=_ticket(row))
    assert row.verdict == Verdict.TICKET
    assert (link.kind, link.other.subject) == (LinkKind.POSSIBLE_FOLLOW_UP, "Dock")


def test_a_subject_tag_joins_for_the_customer_and_not_for_a_stranger(world: World) -> None:
    number = world.ticket.number

    own, strange = receive(
        mail(f"About [#{number}]"),
        mail(f"About [#{number}]", sender="eve@evil.example"),
        mailbox=world.mailbox,
    )

    assert (own.verdict, own.ticket_id) == (Verdict.REPLY, world.ticket.pk)
    assert strange.verdict == Verdict.TICKET


def test_a_signed_plus_address_joins_and_a_forged_one_does_not(world: World) -> None:
    good = plus_address("support@halden.example", world.ticket.number)
    bad = good.replace("-", "-a", 1)[: len(good)]

    joined, new = receive(mail("x", to=good), mail("y", to=bad), mailbox=world.mailbox)

    assert (joined.verdict, joined.ticket_id) == (Verdict.REPLY, world.ticket.pk)
    assert new.verdict == Verdict.TICKET


def test_no_thread_by_subject_words_alone(world: World) -> None:
    first, second = receive(mail("Re: Dock"), mail("Re: Dock"), mailbox=world.mailbox)

    assert first.ticket_id != second.ticket_id


def test_an_answer_to_our_reply_joins_and_reopens(world: World) -> None:
    message = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Try another cable.")
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.PENDING

    (row,) = receive(mail("Re: dock", In_Reply_To=f"<{message.message_id}>"), mailbox=world.mailbox)

    ticket = _ticket(row)
    assert (row.verdict, ticket.pk, ticket.status) == (Verdict.REPLY, world.ticket.pk, Status.OPEN)
    assert ticket.waiting_since_at is not None


def test_an_answer_to_a_closed_ticket_opens_a_linked_follow_up(world: World) -> None:
    (first,) = receive(mail("Dock", Message_ID="<a1@shop.example>"), mailbox=world.mailbox)
    set_status(ticket=_ticket(first), actor=Actor.of(world.agent), status=Status.CLOSED)

    (row,) = receive(mail("Re: Dock", In_Reply_To="<a1@shop.example>"), mailbox=world.mailbox)

    assert row.ticket_id != first.ticket_id
    assert TicketLink.objects.get(ticket=_ticket(row)).kind == LinkKind.FOLLOW_UP


def test_an_auto_reply_is_kept_inside_and_does_not_reopen(world: World) -> None:
    message = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Done.", then_status=Status.RESOLVED)

    (row,) = receive(
        mail("Out of office", In_Reply_To=f"<{message.message_id}>", Auto_Submitted="auto-replied"),
        mailbox=world.mailbox,
    )

    stored = Message.objects.get(raw_mail=row)
    assert (row.verdict, stored.audience) == (Verdict.AUTO_REPLY, Audience.INTERNAL)
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.RESOLVED


def test_a_mail_of_ours_that_comes_back_is_ignored_with_its_reason(world: World) -> None:
    message = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Hello.")

    (row,) = receive(
        mail("Re: dock", Message_ID=f"<{message.message_id}>", sender="support@halden.example"), mailbox=world.mailbox
    )

    assert (row.verdict, row.ticket_id) == (Verdict.IGNORED, None)
    assert "ours" in row.reason


def test_the_same_mail_in_two_mailboxes_makes_linked_twins(world: World) -> None:
    other = make_mailbox(world.queue_b, address="billing@halden.example")
    content = mail("To both", Message_ID="<both@shop.example>")

    (first,), (second,) = receive(content, mailbox=world.mailbox), receive(content, mailbox=other)

    assert TicketLink.objects.get(ticket=_ticket(second)).kind == LinkKind.TWIN
    assert first.ticket_id != second.ticket_id


def test_mail_that_mentions_unseen_ids_gathers_them_when_they_arrive_late(world: World) -> None:
    (late_answer,) = receive(mail("Re: Dock", In_Reply_To="<first@shop.example>"), mailbox=world.mailbox)

    (first,) = receive(mail("Dock", Message_ID="<first@shop.example>"), mailbox=world.mailbox)

    assert (first.verdict, first.ticket_id) == (Verdict.REPLY, late_answer.ticket_id)


def test_a_blocked_customers_mail_is_ignored_and_kept(world: World) -> None:
    world.customer.is_blocked = True
    world.customer.save()

    (row,) = receive(mail("Spam"), mailbox=world.mailbox)

    assert (row.verdict, row.ticket_id, row.raw is not None) == (Verdict.IGNORED, None, True)


def test_a_bounce_marks_the_address_and_opens_the_ticket_again(world: World) -> None:
    message = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Hello.")
    report = (
        "From: MAILER-DAEMON@mx.example\r\nTo: support@halden.example\r\nSubject: Undelivered Mail\r\n"
        "Message-ID: <dsn1@mx.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; ann@shop.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 no such user\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"Message-ID: <{message.message_id}>\r\nSubject: Re: x\r\n\r\nHello.\r\n--b--\r\n"
    )

    (row,) = receive(report.encode(), mailbox=world.mailbox)

    outgoing = OutgoingMail.objects.get(message=message)
    assert (row.verdict, row.ticket_id) == (Verdict.BOUNCE, world.ticket.pk)
    assert outgoing.recipients[0]["state"] == "bounced"
    assert world.customer.addresses.get().bounce_status == "5.1.1"
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.OPEN
    assert TicketEvent.objects.filter(ticket=world.ticket, kind=Kind.BOUNCED).count() == 1


def test_a_mail_whose_writing_was_rolled_back_stays_pending(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from helpdesk import faults

    def broken(name: str) -> None:
        if name == "mail_in.written":
            raise ValueError("after everything was written")

    monkeypatch.setattr(faults, "point", broken)
    (row,) = receive(mail("Rolled back"), mailbox=world.mailbox)

    assert (row.state, row.verdict, row.ticket_id, row.attempts) == (RawMail.State.PENDING, "", None, 1)
    assert not Ticket.objects.filter(subject="Rolled back").exists()


def test_a_poison_mail_does_not_hold_up_the_others_of_its_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from helpdesk.actions import mail_intake

    real = mail_intake._open

    def poisoned(arrival: mail_intake._Arrival, *rest: Any) -> mail_intake.Fate:
        if arrival.mail.subject == "poison":
            raise ValueError("cannot be written")
        return real(arrival, *rest)

    monkeypatch.setattr(mail_intake, "_open", poisoned)
    rows = receive(mail("one"), mail("poison"), mail("three"), mailbox=world.mailbox)

    assert [row.verdict for row in rows] == [Verdict.TICKET, "", Verdict.TICKET]
    assert (rows[1].state, rows[1].attempts, "cannot be written" in rows[1].reason) == (RawMail.State.PENDING, 1, True)
