"""Kept counts: always what counting would say, after any work of any number of hands, for every kind of statement."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction

from helpdesk.actions import BadInput
from helpdesk.actions.assignment import assign_ticket, move_ticket, unassign_ticket
from helpdesk.actions.lifecycle import set_status
from helpdesk.models import (
    SYSTEM,
    Actor,
    Draft,
    IllegalTransition,
    Mention,
    Participant,
    Queue,
    Status,
    Ticket,
    TicketCount,
    TicketRead,
    User,
)
from helpdesk.now import now
from helpdesk.queries.counts import counts_of, fold_counts
from helpdesk.queries.filters import TicketFilter
from helpdesk.queries.inbox import narrowed
from tests.clean_tables import empty_filled_tables
from tests.factories import World, make_ticket, make_user, make_world

Counts = Counter[tuple[int, int | None, str]]


def _kept() -> Counts:
    found: Counts = Counter()
    for row in TicketCount.objects.all():
        found[row.queue_id, row.owner_id, row.status] += row.n
    return Counter({key: n for key, n in found.items() if n})


def _counted() -> Counts:
    return Counter(Ticket.objects.order_by().values_list("queue_id", "owner_id", "status"))


def test_each_kind_of_statement_is_counted(world: World) -> None:
    tickets = [make_ticket(world.queue_a) for _ in range(4)]
    assert _kept() == _counted()
    Ticket.objects.filter(pk__in=[t.pk for t in tickets]).update(status=Status.PENDING, owner=world.agent)
    assert _kept() == _counted()
    for ticket in tickets:
        ticket.refresh_from_db()
        ticket.queue, ticket.status = world.queue_b, Status.OPEN
    Ticket.objects.bulk_update(tickets, ["queue", "status"])
    assert _kept() == _counted()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM helpdesk_ticketevent WHERE ticket_id = %s", [tickets[0].pk])
    copy = Ticket.objects.get(pk=tickets[1].pk)
    columns = ["subject", "status", "queue_id", "customer_id", "opened_at", "changed_at", "rank_at"]
    fixed = {"priority": 2, "channel": "api", "language": "", "fields": "{}", "snippet": "", "message_count": 0}
    fixed |= {"seq": 0, "pub_seq": 0, "public_id": "8f0a1d3e-0000-4000-8000-000000000001"}
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY helpdesk_ticket ({', '.join([*columns, *fixed])}) FROM STDIN") as into,
    ):
        into.write_row([*(getattr(copy, name) for name in columns), *fixed.values()])
    assert _kept() == _counted()
    assert _kept()[world.queue_b.pk, None, "open"] == 1


def test_what_does_not_change_the_counts_writes_no_row(world: World) -> None:
    before = TicketCount.objects.count()
    Ticket.objects.filter(pk=world.ticket.pk).update(subject="Other words", status=world.ticket.status)
    assert TicketCount.objects.count() == before


def test_folding_changes_no_sum(world: World) -> None:
    for _ in range(3):
        make_ticket(world.queue_a)
    set_status(ticket=world.ticket, actor=SYSTEM, status=Status.SPAM)
    before = _kept()
    assert fold_counts() > 0
    assert _kept() == before == _counted()
    assert TicketCount.objects.count() == len(before)
    assert fold_counts() == 0


@pytest.mark.parametrize("who", ["agent", "light", "other_agent", "manager"])
def test_the_numbers_of_views_are_those_of_what_one_may_see(world: World, who: str) -> None:
    actor = Actor.of(getattr(world, who))
    assign_ticket(ticket=world.ticket, actor=SYSTEM, owner=world.agent)
    make_ticket(world.queue_a)
    filters = [
        TicketFilter(statuses=("new", "open")),
        TicketFilter(statuses=("new", "open"), owner="me"),
        TicketFilter(statuses=("new", "open"), owner="none"),
        TicketFilter(owner=str(world.agent.pk)),
        TicketFilter(queue=world.queue_b.pk),
        TicketFilter(team=world.team_a.pk, statuses=("new",)),
    ]
    seen = Ticket.objects.visible_to(actor)
    assert counts_of(actor, filters) == [
        seen.count(),
        seen.filter(owner_id=actor.id).count(),
        seen.filter(owner=None).count(),
        seen.filter(owner=world.agent).count(),
        seen.filter(queue=world.queue_b).count(),
        seen.filter(queue__team=world.team_a, status="new").count(),
    ]


def _work(seed: int, queues: list[int], people: list[int], tickets: list[int]) -> None:
    """Random changes through the actions, some of them refused or rolled back."""
    dice = random.Random(seed)
    try:
        for _ in range(12):
            ticket = Ticket.objects.select_related("queue").get(pk=dice.choice(tickets))
            try:
                with transaction.atomic():
                    what = dice.randrange(5)
                    if what == 0:
                        set_status(ticket=ticket, actor=SYSTEM, status=dice.choice(Status.values))
                    elif what == 1:
                        assign_ticket(ticket=ticket, actor=SYSTEM, owner=User.objects.get(pk=dice.choice(people)))
                    elif what == 2:
                        unassign_ticket(ticket=ticket, actor=SYSTEM)
                    elif what == 3:
                        move_ticket(ticket=ticket, actor=SYSTEM, queue=Queue.objects.get(pk=dice.choice(queues)))
                    else:
                        make_ticket(Queue.objects.get(pk=dice.choice(queues)))
                    if dice.random() < 0.2:
                        raise BadInput("taken back")
            except (BadInput, IllegalTransition):
                pass
            if dice.random() < 0.3:
                fold_counts()
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_many_hands_at_once_and_emptied_tables_leave_no_drift() -> None:
    world = make_world()
    people = [make_user(teams=(world.team_a, world.team_b)).pk for _ in range(2)]
    tickets = [make_ticket(world.queue_a).pk for _ in range(6)]
    queues = [world.queue_a.pk, world.queue_b.pk]
    hands = [threading.Thread(target=_work, args=(seed, queues, people, tickets)) for seed in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert _kept() == _counted()
    fold_counts()
    assert _kept() == _counted()
    empty_filled_tables()
    assert (_kept(), TicketCount.objects.count()) == (Counter(), 0)


@pytest.mark.django_db(transaction=True)
def test_truncating_the_tickets_empties_the_counts() -> None:
    make_world()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE helpdesk_ticket CASCADE")
    assert TicketCount.objects.count() == 0


def test_the_numbers_of_ones_own_lists_are_those_of_the_lists(world: World) -> None:
    actor, at = Actor.of(world.agent), now()
    second = make_ticket(world.queue_a)
    for ticket in (world.ticket, second, world.foreign):
        Participant.objects.create(ticket=ticket, user=world.agent, added_at=at)
        Draft.objects.create(ticket=ticket, user=world.agent, mode="note", text="Words", updated_at=at)
        Mention.objects.create(user=world.agent, ticket=ticket, message=ticket.messages.get(), at=at)
        Ticket.objects.filter(pk=ticket.pk).update(due_at=at - timedelta(hours=1))
    TicketRead.objects.create(user=world.agent, ticket=second, seq=1, at=at + timedelta(seconds=1))
    Draft.objects.filter(ticket=second).update(text="")
    Ticket.objects.filter(pk=second.pk).update(due_at=at + timedelta(hours=1))
    lists = ["mentions", "following", "drafts", "scheduled", "deadline", "breached"]
    filters = [TicketFilter(only=name) for name in lists]
    base = Ticket.objects.visible_to(actor)
    assert counts_of(actor, filters) == [narrowed(base, f, actor, counting=True).count() for f in filters]
    assert counts_of(actor, filters) == [1, 2, 1, 0, 2, 1]
    assert counts_of(Actor.of(world.lead), filters) == [0, 0, 0, 0, 2, 1]
    assert counts_of(Actor.of(make_user()), filters) == [0] * 6
