"""Merging customers while something else happens: in threads with connections of their own, nothing is lost or left behind."""

from __future__ import annotations

from functools import partial

import pytest

from helpdesk.actions.customer_merging import merge_customers, unmerge_customers
from helpdesk.models import Actor, Customer, Message, Ticket
from tests.factories import mail, make_customer, make_ticket, make_world, receive
from tests.joining.test_races import _at_once

pytestmark = pytest.mark.django_db(transaction=True)
_ROUNDS = 5


def test_of_two_who_merge_a_into_b_and_b_into_a_one_wins() -> None:
    world = make_world()
    agent, lead = Actor.of(world.agent), Actor.of(world.lead)
    for n in range(_ROUNDS):
        a, b = make_customer(f"a{n}@shop.example"), make_customer(f"b{n}@shop.example")
        make_ticket(world.queue_a, a)
        make_ticket(world.queue_a, b)
        said = _at_once(
            partial(merge_customers, target=a, source=b, actor=agent),
            partial(merge_customers, target=b, source=a, actor=lead),
        )
        (refusal,) = [words for words in said if words]
        assert "already merged into" in refusal
        kept = Customer.objects.get(pk__in=[a.pk, b.pk], merged_into__isnull=True)
        assert (kept.tickets.count(), kept.addresses.count()) == (2, 2)


def test_mail_that_arrives_during_a_merge_belongs_to_the_one_kept() -> None:
    world = make_world()
    agent = Actor.of(world.agent)
    for n in range(_ROUNDS):
        twin = make_customer(f"twin{n}@home.example")
        theirs = make_ticket(world.queue_a, twin, text="First words")
        Ticket.objects.filter(pk=theirs.pk).update(mailbox=world.mailbox)
        said = _at_once(
            partial(merge_customers, target=world.customer, source=twin, actor=agent),
            partial(receive, mail(f"New {n}", sender=f"Twin <twin{n}@home.example>"), mailbox=world.mailbox),
            partial(make_ticket, world.queue_a, twin, subject=f"Form {n}"),
        )
        assert said == ["", "", ""]
        assert not Ticket.objects.filter(customer=twin).exists()
        assert not Message.objects.filter(author_customer=twin).exists()
        assert Ticket.objects.filter(customer=world.customer, subject__in=[f"New {n}", f"Form {n}"]).count() == 2


def test_of_two_who_part_one_wins_and_nothing_moves_twice() -> None:
    world = make_world()
    twin = make_customer("twin@home.example")
    make_ticket(world.queue_a, twin)
    merge_customers(target=world.customer, source=twin, actor=Actor.of(world.agent))
    said = _at_once(
        partial(unmerge_customers, source=twin, actor=Actor.of(world.agent)),
        partial(unmerge_customers, source=twin, actor=Actor.of(world.lead)),
    )
    (refusal,) = [words for words in said if words]
    assert "is not merged" in refusal
    assert (twin.tickets.count(), world.customer.tickets.count()) == (1, 1)
