"""Messages leave a ticket for a new one or another one, and what both tickets say of themselves is right afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.conversation import note, reply
from helpdesk.actions.intake import receive_contact
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.merging import CustomersDiffer
from helpdesk.actions.splitting import move_messages, split_messages
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import (
    SYSTEM,
    Actor,
    Kind,
    LinkKind,
    Mailbox,
    MailReference,
    Message,
    OutgoingMail,
    Status,
    Ticket,
    TicketEvent,
    TicketLink,
)
from helpdesk.now import frozen, now
from tests.factories import World, mail, make_customer, make_ticket, receive
from tests.state import verify_action

pytestmark = pytest.mark.django_db
START = datetime.fromisoformat("2030-01-07T09:00:00+00:00")


def _fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def _says(ticket: Ticket, text: str, minutes: int) -> Message:
    with frozen(START + timedelta(minutes=minutes)):
        receive_contact(actor=SYSTEM, queue=ticket.queue, customer=ticket.customer, text=text, ticket=_fresh(ticket))
    return Message.objects.get(text=text)


@pytest.fixture
def ticket(world: World, agent: Actor) -> Ticket:
    """Answered once, then two more questions."""
    with frozen(START):
        ticket = make_ticket(world.queue_a, world.customer, subject="Two things", text="First thing")
    with frozen(START + timedelta(minutes=1)):
        reply(ticket=ticket, actor=agent, text="Answered", recipients=[])
    _says(ticket, "Second thing", 10)
    _says(ticket, "Third thing", 20)
    return _fresh(ticket)


def _message(text: str) -> Message:
    return Message.objects.get(text=text)


def test_a_message_split_off_becomes_a_ticket_of_the_same_customer(ticket: Ticket, agent: Actor) -> None:
    classify_ticket(ticket=ticket, actor=agent, add_tags=["dock"], priority=4)
    with verify_action(ticket):
        new = split_messages(ticket=ticket, messages=[_message("Second thing")], actor=agent, subject="The second")
    old, new = _fresh(ticket), _fresh(new)
    at_10, at_20 = START + timedelta(minutes=10), START + timedelta(minutes=20)
    assert (new.subject, new.customer, new.queue, new.status, new.priority) == (
        "The second",
        ticket.customer,
        ticket.queue,
        Status.NEW,
        4,
    )
    assert (new.message_count, new.snippet, new.waiting_since_at, new.customer_wrote_at, new.rank_at) == (
        1,
        "Second thing",
        at_10,
        at_10,
        at_10,
    )
    assert (old.message_count, old.snippet, old.waiting_since_at, old.customer_wrote_at) == (
        3,
        "Third thing",
        at_20,
        at_20,
    )
    assert [t.name for t in new.tags.all()] == ["dock"]
    assert TicketLink.objects.filter(ticket=new, other=ticket, kind=LinkKind.RELATED).exists()


def test_nobody_waits_any_more_where_the_last_question_left(ticket: Ticket, agent: Actor) -> None:
    split_messages(ticket=ticket, messages=[_message("Second thing"), _message("Third thing")], actor=agent)
    old = _fresh(ticket)
    assert (old.waiting_since_at, old.snippet, old.customer_wrote_at) == (None, "Answered", START)


def test_what_was_answered_already_lets_nobody_wait_in_the_new_ticket(ticket: Ticket, agent: Actor) -> None:
    new = split_messages(ticket=ticket, messages=[_message("First thing"), _message("Answered")], actor=agent)
    assert (_fresh(new).waiting_since_at, _fresh(new).first_replied_at) == (None, START + timedelta(minutes=1))


def test_a_split_may_belong_to_the_sender_and_is_never_acknowledged(world: World, agent: Actor) -> None:
    Mailbox.objects.filter(pk=world.mailbox.pk).update(auto_acknowledge=True)
    (raw,) = receive(mail("Ours", Message_ID="<a@shop.example>", Cc="cara@shop.example"), mailbox=world.mailbox)
    ticket = Message.objects.get(raw_mail=raw).ticket
    acknowledged = OutgoingMail.objects.count()
    (raw,) = receive(
        mail("Re: Ours", "Mine", "Cara <cara@shop.example>", In_Reply_To="<a@shop.example>"), mailbox=world.mailbox
    )
    words = Message.objects.get(raw_mail=raw)
    assert (words.ticket, acknowledged) == (ticket, 1)
    new = split_messages(ticket=ticket, messages=[words], actor=agent, of_sender=True)
    assert new.customer == words.author_customer != ticket.customer
    assert OutgoingMail.objects.count() == acknowledged
    assert MailReference.objects.get(message=words).ticket == new
    (raw,) = receive(
        mail("Re: Ours", "More", "Cara <cara@shop.example>", In_Reply_To=words.message_id), mailbox=world.mailbox
    )
    assert raw.ticket == new


def test_the_streams_of_a_split_name_each_other(ticket: Ticket, agent: Actor) -> None:
    new = split_messages(ticket=ticket, messages=[_message("Second thing")], actor=agent)
    told = list(TicketEvent.objects.filter(ticket=new).order_by("seq").values_list("kind", "data__rule", "data__other"))
    assert told == [("opened", "split", None), ("messages_arrived", None, ticket.pk)]
    assert TicketEvent.objects.get(ticket=ticket, kind=Kind.SPLIT).data["number"] == new.number


def test_a_moved_message_takes_its_wait_along_and_opens_what_was_put_aside(
    world: World, ticket: Ticket, agent: Actor
) -> None:
    set_status(ticket=world.ticket, actor=agent, status=Status.RESOLVED)
    with verify_action(ticket), verify_action(world.ticket):
        move_messages(
            ticket=ticket, messages=[_message("Second thing")], target=world.ticket, actor=agent, confirmed=True
        )
    target = _fresh(world.ticket)
    at_10 = START + timedelta(minutes=10)
    assert (target.status, target.message_count, target.waiting_since_at) == (Status.OPEN, 2, at_10)
    assert _fresh(ticket).waiting_since_at == START + timedelta(minutes=20)


def test_an_id_the_target_only_heard_of_becomes_that_of_the_moved_mail(world: World, agent: Actor) -> None:
    (raw,) = receive(mail("A", Message_ID="<a@shop.example>"), mailbox=world.mailbox)
    ticket = Message.objects.get(raw_mail=raw).ticket
    (raw,) = receive(
        mail("B", "Strayed", Message_ID="<b@shop.example>", In_Reply_To="<a@shop.example>"), mailbox=world.mailbox
    )
    strayed = Message.objects.get(raw_mail=raw)
    MailReference.objects.create(identifier="b@shop.example", ticket=world.ticket, is_hint=True)
    move_messages(ticket=ticket, messages=[strayed], target=world.ticket, actor=agent)
    row = MailReference.objects.get(identifier="b@shop.example")
    assert (row.ticket, row.message, row.is_hint) == (world.ticket, strayed, False)


@pytest.mark.parametrize("wrong", ["nothing", "everything", "of another ticket", "taken back"])
def test_what_cannot_be_split_off_is_refused(world: World, ticket: Ticket, agent: Actor, wrong: str) -> None:
    chosen = {
        "nothing": [],
        "everything": list(ticket.messages.all()),
        "of another ticket": list(world.ticket.messages.all()),
        "taken back": [_message("Second thing")],
    }[wrong]
    if wrong == "taken back":
        Message.objects.filter(pk__in=[m.pk for m in chosen]).update(withdrawn_at=now())
    with pytest.raises(BadInput):
        split_messages(ticket=ticket, messages=chosen, actor=agent)
    assert _fresh(ticket).seq == ticket.seq


@pytest.mark.parametrize("wrong", ["itself", "closed", "spam", "customer", "merged"])
def test_a_target_that_cannot_take_messages_says_why(world: World, ticket: Ticket, agent: Actor, wrong: str) -> None:
    target = make_ticket(world.queue_a, make_customer() if wrong == "customer" else world.customer)
    if wrong in {"closed", "spam"}:
        set_status(ticket=target, actor=agent, status=wrong)
    if wrong == "merged":
        Ticket.objects.filter(pk=target.pk).update(status="closed", merged_into=world.ticket)
    if wrong == "itself":
        target = ticket
    with pytest.raises(CustomersDiffer if wrong == "customer" else BadInput, match=f"#{target.number}"):
        move_messages(ticket=ticket, messages=[_message("Second thing")], target=target, actor=agent)
    assert _message("Second thing").ticket == ticket


def test_messages_leave_and_arrive_only_with_the_right_on_both_tickets(
    world: World, ticket: Ticket, agent: Actor
) -> None:
    chosen = [note(ticket=ticket, actor=agent, text="A note")]
    for actor, target in ((Actor.of(world.light), world.ticket), (agent, world.foreign)):
        with pytest.raises(NotAllowed):
            move_messages(ticket=ticket, messages=chosen, target=target, actor=actor, confirmed=True)
    with pytest.raises(NotAllowed):
        split_messages(ticket=ticket, messages=chosen, actor=Actor.of(world.light))
