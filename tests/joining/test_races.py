"""Two people at once, in threads with connections of their own: one wins, the other gets a sentence, nothing is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, transaction

from helpdesk.actions import BadInput
from helpdesk.actions.conversation import reply
from helpdesk.actions.merging import merge_tickets, unmerge_ticket
from helpdesk.actions.sending import withdraw_reply
from helpdesk.actions.splitting import move_messages
from helpdesk.models import Actor, Message, Ticket, TicketMerge
from tests.factories import World, mail, make_ticket, make_world, receive

pytestmark = pytest.mark.django_db(transaction=True)
_ROUNDS = 6


def _at_once(*acts: Callable[[], object]) -> list[str]:
    """Runs each act in a thread of its own, started together; returns the refusals, "" for what went through."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        try:
            start.wait(timeout=10)
            act()
        except BadInput as refusal:
            return str(refusal)
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def _pair(world: World) -> tuple[Ticket, Ticket]:
    return make_ticket(world.queue_a, world.customer), make_ticket(world.queue_a, world.customer)


def test_of_two_who_merge_a_into_b_and_b_into_a_one_wins() -> None:
    world = make_world()
    agent, lead = Actor.of(world.agent), Actor.of(world.lead)
    for _round in range(_ROUNDS):
        a, b = _pair(world)
        said = _at_once(
            partial(merge_tickets, survivor=b, sources=[a], actor=agent),
            partial(merge_tickets, survivor=a, sources=[b], actor=lead),
        )
        (refusal,) = [words for words in said if words]
        assert "already merged into" in refusal
        rows = list(Ticket.objects.filter(pk__in=[a.pk, b.pk]).values_list("merged_into_id", "message_count"))
        assert sorted(rows, key=str) in ([(a.pk, 0), (None, 2)], [(b.pk, 0), (None, 2)])


def test_of_two_who_part_the_same_ticket_one_is_told_that_it_is_not_merged() -> None:
    world = make_world()
    a, b = _pair(world)
    merge_tickets(survivor=a, sources=[b], actor=Actor.of(world.agent))
    said = _at_once(*[partial(unmerge_ticket, source=b, actor=Actor.of(world.lead))] * 2)
    assert sorted(bool(words) for words in said) == [False, True]
    assert list(Ticket.objects.filter(pk__in=[a.pk, b.pk]).values_list("message_count", flat=True)) == [1, 1]


def test_a_message_moved_while_its_ticket_is_merged_is_in_exactly_one_ticket() -> None:
    world = make_world()
    agent, lead = Actor.of(world.agent), Actor.of(world.lead)
    for _round in range(_ROUNDS):
        a, b = _pair(world)
        (raw,) = receive(mail("Two"), mailbox=world.mailbox)
        second = Message.objects.get(raw_mail=raw)
        merge_tickets(survivor=a, sources=[second.ticket], actor=agent)
        _at_once(
            partial(merge_tickets, survivor=b, sources=[a], actor=agent),
            partial(move_messages, ticket=a, messages=[second], target=world.ticket, actor=lead),
        )
        for ticket in Ticket.objects.filter(pk__in=[a.pk, b.pk, world.ticket.pk]):
            assert ticket.message_count == ticket.messages.count()


def test_mail_that_arrives_while_its_ticket_is_merged_lands_in_the_survivor() -> None:
    world = make_world()
    agent = Actor.of(world.agent)
    for round_ in range(_ROUNDS):
        (raw,) = receive(mail("One", Message_ID=f"<one{round_}@shop.example>"), mailbox=world.mailbox)
        source = Message.objects.get(raw_mail=raw).ticket
        survivor = make_ticket(world.queue_a, world.customer)
        answer = mail("Re: One", "Answer", In_Reply_To=f"<one{round_}@shop.example>")
        said = _at_once(
            partial(merge_tickets, survivor=survivor, sources=[source], actor=agent),
            partial(receive, answer, mailbox=world.mailbox),
        )
        assert said == ["", ""]
        assert Message.objects.filter(text__startswith="Answer").order_by("-pk")[0].ticket_id == survivor.pk
    assert TicketMerge.objects.count() == _ROUNDS


def test_mail_that_waited_for_the_merge_follows_it() -> None:
    world = make_world()
    (raw,) = receive(mail("One", Message_ID="<one@shop.example>"), mailbox=world.mailbox)
    source = Message.objects.get(raw_mail=raw).ticket
    answer = mail("Re: One", "Answer", In_Reply_To="<one@shop.example>")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            merge_tickets(survivor=world.ticket, sources=[source], actor=Actor.of(world.agent))
            arriving = pool.submit(_at_once, partial(receive, answer, mailbox=world.mailbox))
            _wait_until_somebody_waits_for_us()
        assert arriving.result(timeout=20) == [""]
    assert Message.objects.get(text__startswith="Answer").ticket == world.ticket


def test_a_reply_taken_back_after_its_ticket_was_merged_is_taken_out_of_the_survivor() -> None:
    world = make_world()
    agent = Actor.of(world.agent)
    other, _b = _pair(world)
    to = [{"kind": "to", "email": "ann@shop.example", "name": ""}]
    stale = reply(ticket=other, actor=agent, text="Too quick", recipients=to)
    merge_tickets(survivor=world.ticket, sources=[other], actor=agent)
    draft = withdraw_reply(message=stale, actor=agent)
    assert (draft.ticket, Ticket.objects.get(pk=world.ticket.pk).message_count) == (world.ticket, 2)


def _wait_until_somebody_waits_for_us() -> None:
    for _try in range(200):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    pytest.fail("nobody waited")
