"""Private exchanges with third parties: out by the outbox, back by the real intake, and never to the customer."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.conversation import note, reply
from helpdesk.actions.customers import add_address
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.merging import merge_tickets, unmerge_ticket
from helpdesk.actions.recipients import reply_recipients
from helpdesk.actions.sending import withdraw_reply
from helpdesk.actions.side_threads import answer, answer_recipients, forward
from helpdesk.mail import compose
from helpdesk.mail.tokens import plus_address
from helpdesk.models import (
    Actor,
    Attachment,
    Audience,
    Draft,
    Kind,
    Message,
    OutgoingMail,
    Participant,
    RawMail,
    SideThread,
    Status,
    Ticket,
    TicketEvent,
    TicketLink,
    Verdict,
)
from helpdesk.now import now
from tests.factories import World, mail, make_ticket, receive
from tests.state import verify_action

pytestmark = pytest.mark.django_db
_SUPPLIER = "Sven <sven@supplier.example>"


@pytest.fixture
def first(world: World) -> Message:
    """What the customer wrote."""
    return world.ticket.messages.get()


def _forward(world: World, quotes: Message | None = None, **more: Any) -> Message:
    values: dict[str, Any] = {
        "ticket": world.ticket,
        "actor": Actor.of(world.agent),
        "recipients": [{"kind": "to", "email": "sven@supplier.example", "name": "Sven"}],
        "text": "Is this a known fault?",
        "quotes": quotes,
    }
    return forward(**{**values, **more})


def _sent(message: Message) -> EmailMessage:
    built = message_from_bytes(compose.build(message.outgoing, now()), policy=policy.default)
    assert isinstance(built, EmailMessage)
    return built


def _words(sent: EmailMessage) -> str:
    body = sent.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def _answer(message: Message, text: str = "Yes, send it in.", sender: str = _SUPPLIER, **headers: str) -> bytes:
    headers = {"In_Reply_To": f"<{message.message_id}>", **headers}
    return mail(f"Re: {message.subject}", text, sender, **headers)


def test_a_forward_goes_out_with_ids_of_its_own_and_quotes_what_was_chosen(world: World, first: Message) -> None:
    reply(ticket=world.ticket, actor=Actor.of(world.agent), text="We look into it.")
    with verify_action(world.ticket):
        message = _forward(world, first)
    sent = _sent(message)
    words = _words(sent)
    assert sent["To"] == "Sven <sven@supplier.example>"
    assert sent["Subject"] == f"Fwd: {first.subject}"
    assert sent["References"] is None
    assert sent["In-Reply-To"] is None
    assert words.startswith("Is this a known fault?")
    assert "Ann Example" in words
    assert first.text in words
    assert "We look into it." not in words
    assert "/portal/" not in words
    assert (message.audience, message.side_thread is not None) == (Audience.INTERNAL, True)


def test_notes_taken_back_words_and_other_tickets_are_never_forwarded(world: World) -> None:
    remark = note(ticket=world.ticket, actor=Actor.of(world.agent), text="She is angry.")
    foreign = world.foreign.messages.get()
    for message in (remark, foreign):
        with pytest.raises(BadInput, match="Only what the customer may read"):
            _forward(world, message)
    assert not OutgoingMail.objects.exists()


def test_what_turned_internal_after_sending_is_not_quoted(world: World, first: Message) -> None:
    message = _forward(world, first)
    Message.objects.filter(pk=first.pk).update(audience=Audience.INTERNAL)
    assert first.text not in _words(_sent(message))


def test_files_of_the_ticket_travel_along_and_those_of_notes_do_not(world: World, first: Message) -> None:
    remark = note(ticket=world.ticket, actor=Actor.of(world.agent), text="Internal file")
    common = {"content_type": "text/plain", "size": 3, "sha256": "0" * 64, "created_at": now()}
    chosen = Attachment.objects.create(message=first, name="photo.txt", **common)
    secret = Attachment.objects.create(message=remark, name="secret.txt", **common)
    message = _forward(world, first, files=[chosen])
    assert [file.name for file in message.attachments.all()] == ["photo.txt"]
    assert [file.name for file in first.attachments.all()] == ["photo.txt"]
    with pytest.raises(BadInput, match=r"secret\.txt cannot be sent"):
        _forward(world, first, files=[secret])


def test_the_answer_of_the_third_party_lands_in_the_thread_and_touches_nothing_of_the_customer(world: World) -> None:
    sara = Actor.of(world.agent)
    reply(ticket=world.ticket, actor=sara, text="We look into it.", then_status="resolved")
    message = _forward(world)
    before = Ticket.objects.get(pk=world.ticket.pk)
    with verify_action(world.ticket):
        (row,) = receive(_answer(message), mailbox=world.mailbox)
    after = Ticket.objects.get(pk=world.ticket.pk)
    said = Message.objects.get(text__startswith="Yes, send it in.")
    assert (row.verdict, row.ticket) == (Verdict.REPLY, world.ticket)
    assert (said.side_thread, said.audience, said.author_customer) == (message.side_thread, Audience.INTERNAL, None)
    assert Ticket.objects.count() == 2
    for name in ("status", "waiting_since_at", "customer_wrote_at", "snippet", "first_replied_at", "pub_seq"):
        assert getattr(after, name) == getattr(before, name), name
    event = TicketEvent.objects.get(ticket=world.ticket, kind=Kind.SIDE_RECEIVED)
    assert (event.data, event.pub_seq) == ({"message": said.pk, "thread": message.side_thread_id}, None)


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        ("on_hold", "open"),
        ("pending", "pending"),
        ("snoozed", "snoozed"),
        ("resolved", "resolved"),
        ("closed", "closed"),
    ],
)
def test_only_a_ticket_on_hold_waited_for_it(world: World, status: str, becomes: str) -> None:
    message = _forward(world)
    set_status(ticket=world.ticket, actor=Actor.of(world.agent), status=status)
    receive(_answer(message), mailbox=world.mailbox)
    assert Ticket.objects.get(pk=world.ticket.pk).status == becomes
    assert Ticket.objects.count() == 2


def test_a_stranger_with_the_id_or_the_address_gets_a_ticket_of_his_own(world: World) -> None:
    message = _forward(world)
    stranger = "Eve <eve@nowhere.example>"
    by_id, by_address = receive(
        _answer(message, "Let me in", stranger),
        mail("Hello", "Me too", stranger, to=plus_address("support@halden.example", world.ticket.number)),
        mailbox=world.mailbox,
    )
    for row in (by_id, by_address):
        assert row.ticket is not None
        assert row.ticket != world.ticket
        assert TicketLink.objects.filter(ticket=row.ticket, other=world.ticket).exists()
    assert message.side_thread is not None
    assert message.side_thread.messages.count() == 1


def test_the_third_party_is_heard_in_his_thread_alone(world: World, first: Message) -> None:
    message = _forward(world)
    public = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="To the customer")
    (by_address, by_public_id) = receive(
        mail("Hi", "By address", _SUPPLIER, to=plus_address("support@halden.example", world.ticket.number)),
        mail("Re", "By a leaked id", _SUPPLIER, In_Reply_To=f"<{public.message_id}>"),
        mailbox=world.mailbox,
    )
    assert (by_address.ticket, by_public_id.ticket) == (world.ticket, world.ticket)
    assert message.side_thread is not None
    texts = {m.text.strip() for m in message.side_thread.messages.all()}
    assert texts == {"Is this a known fault?", "By address", "By a leaked id"}
    assert not world.ticket.messages.filter(audience=Audience.PUBLIC, sender_email="sven@supplier.example").exists()
    (other,) = receive(mail("Something else", "New", _SUPPLIER), mailbox=world.mailbox)
    assert other.ticket != world.ticket


def test_a_recipient_of_one_thread_is_a_stranger_to_the_other(world: World) -> None:
    one = _forward(world)
    other = _forward(world, recipients=[{"kind": "to", "email": "olga@lab.example", "name": ""}])
    receive(_answer(other, "I am not Olga"), mailbox=world.mailbox)
    assert other.side_thread is not None
    assert other.side_thread.messages.count() == 1
    assert one.side_thread is not None  # he is of the ticket's other thread, which is the only place he is heard in
    assert one.side_thread.messages.filter(text__startswith="I am not Olga").exists()


def test_a_sender_who_fails_the_check_is_nobody(world: World, settings: Any) -> None:
    settings.MAIL_TRUSTED_AUTHSERV_IDS = ["mx.halden.example"]
    message = _forward(world)
    forged = _answer(
        message,
        Authentication_Results="mx.halden.example; dmarc=fail header.from=supplier.example; spf=fail; dkim=none",
    )
    (row,) = receive(forged, mailbox=world.mailbox)
    assert row.ticket != world.ticket
    assert message.side_thread is not None
    assert message.side_thread.messages.count() == 1


def test_the_customer_sees_no_word_of_it_anywhere(world: World, first: Message) -> None:
    message = _forward(world, text="SECRETWORD")
    receive(_answer(message, "SECRETWORD too"), mailbox=world.mailbox)
    ann = Actor.of_customer(world.customer)
    assert not Message.objects.visible_to(ann).filter(text__contains="SECRETWORD").exists()
    assert list(TicketEvent.objects.visible_to(ann).values_list("kind", flat=True)) == [Kind.OPENED]
    later = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Good news")
    sent = _sent(later)
    assert "SECRETWORD" not in sent.as_string()
    assert message.message_id not in str(sent["References"])
    assert "supplier" not in sent.as_string()
    assert [r["email"] for r in reply_recipients(ticket=world.ticket)] == ["ann@shop.example"]
    assert "SECRETWORD" not in Ticket.objects.get(pk=world.ticket.pk).snippet


def test_the_customer_who_answers_goes_on_in_public(world: World) -> None:
    message = _forward(world)
    public = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="To the customer")
    receive(
        mail("Re", "Thanks", "Ann <ann@shop.example>", In_Reply_To=f"<{public.message_id}>"),
        mail("Re", "How do I know this id", "Ann <ann@shop.example>", In_Reply_To=f"<{message.message_id}>"),
        mailbox=world.mailbox,
    )
    said = world.ticket.messages.filter(author_customer=world.customer)
    assert {(message.audience, message.side_thread) for message in said} == {(Audience.PUBLIC, None)}
    assert said.count() == 3


def test_customers_of_the_ticket_are_no_third_parties(world: World) -> None:
    add_address(customer=world.customer, actor=Actor.of(world.agent), kind="email", value="ann@home.example")
    for email in ("ann@shop.example", "ANN@home.example", "support@halden.example", "nobody"):
        with pytest.raises(BadInput):
            _forward(world, recipients=[{"kind": "to", "email": email, "name": ""}])
    with pytest.raises(BadInput, match="Name somebody"):
        _forward(world, recipients=[])
    assert not SideThread.objects.exists()


def test_it_is_answered_within_the_thread_and_a_new_recipient_may_answer_too(world: World) -> None:
    sara = Actor.of(world.agent)
    message = _forward(world)
    receive(_answer(message, Cc="Olga <olga@lab.example>", Message_ID="<s1@supplier.example>"), mailbox=world.mailbox)
    thread = SideThread.objects.get()
    assert answer_recipients(thread) == [{"kind": "to", "email": "sven@supplier.example", "name": "Sven"}]
    (row,) = receive(_answer(message, "Not asked yet", "Olga <olga@lab.example>"), mailbox=world.mailbox)
    assert row.ticket != world.ticket
    second = answer(
        thread=thread,
        actor=sara,
        text="Both of you?",
        recipients=[*answer_recipients(thread), {"kind": "cc", "email": "olga@lab.example", "name": "Olga"}],
    )
    sent = _sent(second)
    assert sent["In-Reply-To"] == "<s1@supplier.example>"
    assert sent["Subject"] == f"Re: {message.subject}"
    assert "> Yes, send it in." in _words(sent)
    receive(_answer(second, "Olga here", "Olga <olga@lab.example>"), mailbox=world.mailbox)
    assert thread.messages.filter(text__startswith="Olga here").exists()
    assert not Participant.objects.exists()


def test_an_automatic_answer_is_kept_there_and_changes_nothing(world: World) -> None:
    message = _forward(world)
    set_status(ticket=world.ticket, actor=Actor.of(world.agent), status="on_hold")
    receive(_answer(message, "Out of office", Auto_Submitted="auto-replied"), mailbox=world.mailbox)
    said = Message.objects.get(text__startswith="Out of office")
    assert said.side_thread == message.side_thread
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.ON_HOLD
    assert not TicketEvent.objects.filter(kind=Kind.SIDE_RECEIVED).exists()


def test_before_it_leaves_it_is_taken_back_into_the_draft(world: World, first: Message) -> None:
    message = _forward(world, first)
    with verify_action(world.ticket):
        withdraw_reply(message=message, actor=Actor.of(world.agent))
    assert OutgoingMail.objects.get().state == OutgoingMail.State.CANCELLED
    draft = Draft.objects.get()
    assert (draft.mode, draft.text) == (Draft.Mode.FORWARD, "Is this a known fault?")
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.NEW


def test_the_same_click_twice_sends_once(world: World) -> None:
    key = world.ticket.public_id
    assert _forward(world, client_id=key) == _forward(world, client_id=key)
    assert OutgoingMail.objects.count() == 1


def test_who_may_not_reply_may_not_forward(world: World) -> None:
    with pytest.raises(NotAllowed):
        _forward(world, actor=Actor.of(world.light))
    with pytest.raises(NotAllowed):
        _forward(world, actor=Actor.of_customer(world.customer))


def test_the_thread_goes_along_when_its_ticket_is_merged_and_comes_back(world: World) -> None:
    sara = Actor.of(world.agent)
    message = _forward(world)
    other = make_ticket(world.queue_a, world.customer)
    merge_tickets(survivor=other, sources=[world.ticket], actor=sara)
    (row,) = receive(_answer(message), mailbox=world.mailbox)
    assert row.ticket == other
    unmerge_ticket(source=world.ticket, actor=sara)
    thread = SideThread.objects.get()
    assert thread.ticket == world.ticket
    assert {m.ticket_id for m in thread.messages.all()} == {world.ticket.pk}


def test_the_page_of_the_staff_shows_both_sides_of_it(world: World, agent_client: Client) -> None:
    message = _forward(world, text="SECRETWORD")
    receive(_answer(message, "SECRETWORD too"), mailbox=world.mailbox)
    page = agent_client.get(f"/tickets/{world.ticket.number}/").content.decode()
    assert page.count("SECRETWORD") >= 2
    assert RawMail.objects.get(sender="sven@supplier.example").state == RawMail.State.DONE


@pytest.mark.parametrize(("status", "becomes"), [("pending", "pending"), ("resolved", "resolved"), ("on_hold", "open")])
def test_a_mail_to_a_third_party_that_comes_back_is_shown_there(world: World, status: str, becomes: str) -> None:
    message = _forward(world)
    set_status(ticket=world.ticket, actor=Actor.of(world.agent), status=status)
    report = (
        "From: MAILER-DAEMON@mx.example\r\nTo: support@halden.example\r\nSubject: Undelivered Mail\r\n"
        "Message-ID: <dsn1@mx.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; sven@supplier.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{message.message_id}>\r\n\r\nHello.\r\n--b--\r\n"
    )
    (row,) = receive(report.encode(), mailbox=world.mailbox)
    said = Message.objects.get(message_id="dsn1@mx.example")
    assert (row.verdict, said.side_thread, said.audience) == (Verdict.BOUNCE, message.side_thread, Audience.INTERNAL)
    assert Ticket.objects.get(pk=world.ticket.pk).status == becomes
