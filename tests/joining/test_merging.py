"""Two tickets become one and are parted again: what goes along, who still reads it, where answers land, what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.conversation import note, reply
from helpdesk.actions.drafts import save_draft
from helpdesk.actions.intake import receive_contact
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.merging import CustomersDiffer, merge_tickets, unmerge_ticket
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import (
    SYSTEM,
    Actor,
    Attachment,
    ChecklistItem,
    Draft,
    Kind,
    MailReference,
    Message,
    OutgoingMail,
    Participant,
    Status,
    Ticket,
    TicketEvent,
    TicketMerge,
)
from helpdesk.now import frozen, now
from tests.factories import World, mail, make_customer, make_ticket, receive
from tests.state import verify_action

pytestmark = pytest.mark.django_db


def _fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def _texts(ticket: Ticket) -> list[str]:
    return [m.reply_text.strip() for m in ticket.messages.order_by("created_at", "pk")]


@pytest.fixture
def second(world: World) -> Ticket:
    """Another ticket of the same customer."""
    return make_ticket(world.queue_a, world.customer, subject="Dock again", text="It still does not charge.")


def test_what_was_said_goes_to_the_survivor_and_the_other_closes(world: World, agent: Actor, second: Ticket) -> None:
    classify_ticket(ticket=second, actor=agent, add_tags=["dock"])
    note(ticket=second, actor=agent, text="Third time.")
    with verify_action(world.ticket), verify_action(second):
        (row,) = merge_tickets(survivor=world.ticket, sources=[second], actor=agent)

    survivor, source = _fresh(world.ticket), _fresh(second)
    assert len(_texts(survivor)) == survivor.message_count == 3
    assert (source.status, source.merged_into_id, source.message_count) == (Status.CLOSED, survivor.pk, 0)
    assert survivor.snippet == "It still does not charge."
    assert survivor.customer_wrote_at == second.customer_wrote_at
    assert survivor.waiting_since_at == world.ticket.waiting_since_at
    assert [tag.name for tag in survivor.tags.all()] == ["dock"]
    assert (row.by, row.undone_at) == (agent.user, None)


def test_parting_gives_back_exactly_what_moved(world: World, agent: Actor, second: Ticket) -> None:
    classify_ticket(ticket=second, actor=agent, add_tags=["dock"])
    item = ChecklistItem.objects.create(ticket=second, text="Ask the supplier")
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    note(ticket=world.ticket, actor=agent, text="Said after the merge")
    with verify_action(world.ticket), verify_action(second):
        unmerge_ticket(source=_fresh(second), actor=agent)

    source = _fresh(second)
    assert _texts(source) == ["It still does not charge."]
    assert _texts(world.ticket)[1:] == ["Said after the merge"]
    assert (source.status, source.merged_into_id, source.message_count) == (Status.NEW, None, 1)
    assert source.waiting_since_at == second.waiting_since_at
    assert not _fresh(world.ticket).tags.exists()
    assert ChecklistItem.objects.get(pk=item.pk).ticket_id == second.pk
    assert TicketMerge.objects.get().undone_at is not None
    with pytest.raises(BadInput, match="not merged"):
        unmerge_ticket(source=source, actor=agent)


def test_a_survivor_put_aside_opens_for_whoever_waits_and_is_put_aside_again(
    world: World, agent: Actor, second: Ticket
) -> None:
    until = now() + timedelta(days=2)
    set_status(ticket=world.ticket, actor=agent, status=Status.SNOOZED, snoozed_until=until)
    with verify_action(world.ticket):
        merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
        assert _fresh(world.ticket).status == Status.OPEN
        unmerge_ticket(source=second, actor=agent)
    survivor = _fresh(world.ticket)
    assert (survivor.status, survivor.snoozed_until_at) == (Status.SNOOZED, until)


def test_a_status_set_since_the_merge_stays_when_parted(world: World, agent: Actor, second: Ticket) -> None:
    set_status(ticket=world.ticket, actor=agent, status=Status.PENDING)
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    reply(ticket=world.ticket, actor=agent, text="Both answered", then_status=Status.ON_HOLD)
    unmerge_ticket(source=second, actor=agent)
    survivor = _fresh(world.ticket)
    assert (survivor.status, survivor.waiting_since_at) == (Status.ON_HOLD, None)


def test_a_customer_who_wrote_after_the_merge_still_waits_in_the_survivor(
    world: World, agent: Actor, second: Ticket
) -> None:
    reply(ticket=world.ticket, actor=agent, text="Try this")
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    with frozen(now() + timedelta(hours=1)):
        receive_contact(
            actor=SYSTEM, queue=world.queue_a, customer=world.customer, text="And now?", ticket=world.ticket
        )
        wrote_at = _fresh(world.ticket).customer_wrote_at
    unmerge_ticket(source=second, actor=agent)
    survivor = _fresh(world.ticket)
    assert (survivor.status, survivor.waiting_since_at) == (Status.OPEN, wrote_at)


def test_another_customer_joins_as_participant_only_when_it_is_confirmed(world: World, agent: Actor) -> None:
    cara = make_customer("cara@shop.example", "Cara")
    other = make_ticket(world.queue_a, cara)
    with pytest.raises(CustomersDiffer, match="Cara"):
        merge_tickets(survivor=world.ticket, sources=[other], actor=agent)
    assert not TicketMerge.objects.exists()
    merge_tickets(survivor=world.ticket, sources=[other], actor=agent, confirmed=True)
    assert [p.customer for p in Participant.objects.filter(ticket=world.ticket)] == [cara]
    unmerge_ticket(source=other, actor=agent)
    assert not Participant.objects.filter(ticket=world.ticket).exists()


def test_mail_on_its_way_and_scheduled_leaves_from_the_survivor(world: World, agent: Actor, second: Ticket) -> None:
    Ticket.objects.filter(pk=second.pk).update(mailbox=world.mailbox)
    to = [{"kind": "to", "email": "ann@shop.example", "name": ""}]
    queued = reply(ticket=_fresh(second), actor=agent, text="Now", recipients=to)
    later = reply(ticket=_fresh(second), actor=agent, text="Later", recipients=to, send_at=now() + timedelta(hours=2))
    file = Attachment.objects.create(
        message=queued, ticket=second, name="a", content_type="a/b", size=1, sha256="0" * 64, created_at=now()
    )
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    mails = OutgoingMail.objects.order_by("pk")
    assert [(m.message_id, m.ticket_id, m.state) for m in mails] == [
        (queued.pk, world.ticket.pk, "queued"),
        (later.pk, world.ticket.pk, "scheduled"),
    ]
    assert Attachment.objects.get(pk=file.pk).ticket_id == world.ticket.pk
    assert set(MailReference.objects.filter(message__in=[queued, later]).values_list("ticket_id", flat=True)) == {
        world.ticket.pk
    }
    unmerge_ticket(source=second, actor=agent)
    assert set(OutgoingMail.objects.values_list("ticket_id", flat=True)) == {second.pk}
    assert Attachment.objects.get(pk=file.pk).ticket_id == second.pk


def test_a_draft_goes_along_unless_its_writer_has_begun_another(world: World, agent: Actor, second: Ticket) -> None:
    lead = Actor.of(world.lead)
    for actor, ticket in ((agent, second), (lead, second), (lead, world.ticket)):
        save_draft(ticket=ticket, actor=actor, mode=Draft.Mode.REPLY, text=f"{actor.name} in {ticket.subject}")
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    where = {(d.user_id, d.ticket_id) for d in Draft.objects.all()}
    assert where == {
        (world.agent.pk, world.ticket.pk),
        (world.lead.pk, world.ticket.pk),
        (world.lead.pk, second.pk),
    }
    unmerge_ticket(source=second, actor=agent)
    assert Draft.objects.get(user=world.agent).ticket_id == second.pk


def test_an_answer_to_a_mail_of_the_merged_ticket_lands_in_the_survivor_through_a_chain(
    world: World, agent: Actor
) -> None:
    (raw,) = receive(mail("One", Message_ID="<one@shop.example>"), mailbox=world.mailbox)
    first = Message.objects.get(raw_mail=raw).ticket
    (raw,) = receive(mail("Two", Message_ID="<two@shop.example>"), mailbox=world.mailbox)
    middle = Message.objects.get(raw_mail=raw).ticket
    sent = reply(ticket=first, actor=agent, text="Ours")
    merge_tickets(survivor=middle, sources=[first], actor=agent)
    merge_tickets(survivor=world.ticket, sources=[middle], actor=agent)
    by_id, by_tag, by_ours = receive(
        mail("Re: One", "by id", In_Reply_To="<one@shop.example>"),
        mail(f"Re: One [#{first.number}]", "by number"),
        mail("Re: One", "by our id", In_Reply_To=Message.objects.get(pk=sent.pk).message_id),
        mailbox=world.mailbox,
    )
    assert {row.ticket_id for row in (by_id, by_tag, by_ours)} == {world.ticket.pk}
    assert {row.verdict for row in (by_id, by_tag, by_ours)} == {"reply"}


def test_after_parting_answers_find_their_own_ticket_again(world: World, agent: Actor) -> None:
    (raw,) = receive(
        mail("One", Message_ID="<one@shop.example>", References="<old@shop.example>"), mailbox=world.mailbox
    )
    source = Message.objects.get(raw_mail=raw).ticket
    merge_tickets(survivor=world.ticket, sources=[source], actor=agent)
    unmerge_ticket(source=source, actor=agent)
    by_id, by_hint = receive(
        mail("Re: One", In_Reply_To="<one@shop.example>"),
        mail("Re: One", In_Reply_To="<old@shop.example>"),
        mailbox=world.mailbox,
    )
    assert (by_id.ticket_id, by_hint.ticket_id) == (source.pk, source.pk)
    assert not MailReference.objects.filter(ticket=world.ticket).exists()


def test_a_survivor_merged_away_itself_is_parted_first(world: World, agent: Actor, second: Ticket) -> None:
    third = make_ticket(world.queue_a, world.customer)
    merge_tickets(survivor=second, sources=[third], actor=agent)
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    with pytest.raises(BadInput, match=f"#{second.number} was itself merged into #{world.ticket.number}"):
        unmerge_ticket(source=third, actor=agent)
    unmerge_ticket(source=second, actor=agent)
    unmerge_ticket(source=third, actor=agent)
    assert [_fresh(t).message_count for t in (world.ticket, second, third)] == [1, 1, 1]


@pytest.mark.parametrize("wrong", ["itself", "spam", "merged", "closed survivor", "nothing"])
def test_what_cannot_be_merged_is_refused_in_a_sentence(world: World, agent: Actor, second: Ticket, wrong: str) -> None:
    survivor, sources = world.ticket, [second]
    if wrong == "itself":
        sources = [survivor, second]
    elif wrong == "spam":
        set_status(ticket=second, actor=agent, status=Status.SPAM)
    elif wrong == "merged":
        third = make_ticket(world.queue_a, world.customer)
        merge_tickets(survivor=third, sources=[second], actor=agent)
    elif wrong == "closed survivor":
        set_status(ticket=survivor, actor=agent, status=Status.CLOSED)
    else:
        sources = []
    before = Ticket.objects.order_by("pk").values_list("pk", "seq")
    with pytest.raises(BadInput, match="#"):
        merge_tickets(survivor=survivor, sources=sources, actor=agent)
    assert list(before.all()) == list(before)


def test_a_closed_ticket_may_be_joined_into_an_open_one_and_stays_closed_when_parted(
    world: World, agent: Actor, second: Ticket
) -> None:
    set_status(ticket=second, actor=agent, status=Status.CLOSED)
    closed_at = _fresh(second).closed_at
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    unmerge_ticket(source=second, actor=agent)
    assert (_fresh(second).status, _fresh(second).closed_at) == (Status.CLOSED, closed_at)


@pytest.mark.parametrize("who", ["light", "other_agent"])
def test_nobody_merges_or_parts_without_the_right_on_both(world: World, agent: Actor, second: Ticket, who: str) -> None:
    actor = Actor.of(getattr(world, who))
    with pytest.raises(NotAllowed):
        merge_tickets(survivor=world.ticket, sources=[second], actor=actor)
    with pytest.raises(NotAllowed):
        merge_tickets(survivor=second, sources=[world.foreign], actor=agent, confirmed=True)
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    with pytest.raises(NotAllowed):
        unmerge_ticket(source=second, actor=actor)


def test_a_merged_ticket_keeps_its_status_until_it_is_parted(world: World, agent: Actor, second: Ticket) -> None:
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    for status in (Status.SPAM, Status.OPEN):
        with pytest.raises(Exception, match=f"#{world.ticket.number}"):
            set_status(ticket=second, actor=agent, status=status)
    assert _fresh(second).status == Status.CLOSED


def test_the_streams_tell_both_ways_and_never_to_the_customer(world: World, agent: Actor, second: Ticket) -> None:
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    unmerge_ticket(source=second, actor=agent)
    kinds = [Kind.MERGED, Kind.UNMERGED, Kind.MERGED_AWAY, Kind.PARTED]
    rows: list[Any] = list(TicketEvent.objects.filter(kind__in=kinds).order_by("ticket_id", "seq"))
    assert [(row.ticket_id, row.kind, row.pub_seq) for row in rows] == [
        (world.ticket.pk, "merged", None),
        (world.ticket.pk, "unmerged", None),
        (second.pk, "merged_away", None),
        (second.pk, "parted", None),
    ]
