"""Benchmark data: every ticket is as the actions would have left it, in the share and order promised."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from helpdesk.flow import FLOW
from helpdesk.models import (
    ACTIVE,
    FINISHED,
    UNFINISHED,
    Audience,
    Kind,
    MailReference,
    Message,
    Queue,
    Status,
    Team,
    Ticket,
    TicketEvent,
)
from helpdesk.now import now
from tests.factories import World, receive
from tests.factories import mail as letter

pytestmark = pytest.mark.django_db
TICKETS, PER_TICKET = 400, 4


def grow(tickets: int = TICKETS, **options: object) -> dict[str, float]:
    """Runs the command and returns its one line."""
    out = StringIO()
    call_command("seed_volume", tickets=tickets, json=True, stdout=out, **options)
    line: dict[str, float] = json.loads(out.getvalue())
    return line


def test_numbers_of_rows_are_as_asked_for_and_as_told() -> None:
    told = grow()

    assert Ticket.objects.count() == told["tickets"] == TICKETS
    assert Message.objects.count() == told["messages"]
    assert abs(told["messages"] - TICKETS * PER_TICKET) < 2 * PER_TICKET
    assert TicketEvent.objects.count() == told["events"] >= 5 * TICKETS
    assert Queue.objects.count() == 12
    assert Team.objects.count() == 6
    finished = Ticket.objects.filter(status__in=FINISHED).count()
    assert 0.95 <= finished / TICKETS <= 0.98


def test_heads_counters_and_states_of_each_ticket_agree_with_its_rows() -> None:
    grow()

    for ticket in Ticket.objects.prefetch_related("events", "messages", "queue__team__members"):
        events = sorted(ticket.events.all(), key=lambda event: event.seq)
        messages = list(ticket.messages.all())
        assert [event.seq for event in events] == list(range(1, ticket.seq + 1))
        public = [event for event in events if event.pub_seq is not None]
        assert [event.pub_seq for event in public] == list(range(1, ticket.pub_seq + 1))
        assert all((event.pub_seq is not None) == (FLOW[Kind(event.kind)].audience == "public") for event in events)
        assert all(set(event.data) <= set(FLOW[Kind(event.kind)].payload) for event in events)
        assert [event.at for event in events] == sorted(event.at for event in events)
        assert events[-1].at == ticket.changed_at <= now()
        said = [m for m in messages if m.audience == Audience.PUBLIC]
        assert ticket.message_count == len(messages)
        assert ticket.snippet == " ".join(said[-1].reply_text.split())[:200]
        told = [e.data["message"] for e in events if "message" in e.data]
        assert told == [m.pk for m in messages]
        if ticket.status in ACTIVE:
            assert ticket.rank_at == ticket.waiting_since_at
            assert said[-1].author_customer_id == ticket.customer_id
        if ticket.status in FINISHED:
            assert ticket.waiting_since_at is None
        assert (ticket.resolved_at is not None) == (ticket.status in {Status.RESOLVED, Status.CLOSED})
        assert (ticket.closed_at is not None) == (ticket.status == Status.CLOSED)
        assert (ticket.snoozed_until_at is not None) == (ticket.status == Status.SNOOZED)
        assert ticket.owner is None or ticket.owner in ticket.queue.team.members.all()


def test_what_points_somewhere_points_at_rows_that_exist() -> None:
    """The rows are copied without a look-up of their foreign keys."""
    grow(100)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conrelid::regclass::text, c.conname, a.attname, c.confrelid::regclass::text FROM pg_constraint c "
            "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
            "WHERE c.contype = 'f' AND c.conrelid::regclass::text LIKE 'helpdesk_%'"
        )
        constraints = cursor.fetchall()
        assert len(constraints) > 20
        for table, name, column, other in constraints:
            missing = f"NOT EXISTS (SELECT 1 FROM {other} y WHERE y.id = x.{column})"
            cursor.execute(f"SELECT count(*) FROM {table} x WHERE {column} IS NOT NULL AND {missing}")
            assert cursor.fetchone() == (0,), name


def test_life_goes_on_afterwards(world: World) -> None:
    """Keys, numbers and positions go on behind what was copied, and a mail that answers a copied one joins its ticket."""
    grow(60)
    answered = MailReference.objects.filter(
        message__author_customer__isnull=False, ticket__status=Status.CLOSED
    ).select_related("ticket", "message")[0]
    open_one = MailReference.objects.filter(
        message__author_customer__isnull=False, ticket__status__in=UNFINISHED
    ).select_related("ticket", "message")[0]
    highest = Ticket.objects.order_by("-number")[0].number

    joined, follow_up, new = receive(
        letter("Re: it", sender=open_one.message.sender_email, In_Reply_To=f"<{open_one.identifier}>"),  # type: ignore[union-attr]
        letter("Re: it", sender=answered.message.sender_email, In_Reply_To=f"<{answered.identifier}>"),  # type: ignore[union-attr]
        letter("Something new"),
        mailbox=world.mailbox,
    )

    assert joined.ticket == open_one.ticket
    assert follow_up.ticket not in {answered.ticket, None}
    assert new.ticket is not None
    assert new.ticket.number > highest
    positions = list(
        TicketEvent.objects.filter(position__isnull=False).order_by("pk").values_list("position", flat=True)
    )
    assert len(set(positions)) == len(positions)


def test_two_runs_add_up() -> None:
    grow(30)
    grow(30)

    assert Ticket.objects.count() == 60
    assert Queue.objects.count() == 12


def test_a_production_database_is_left_alone_unless_told(settings: Settings) -> None:
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="--yes"):
        grow(5)
    assert not Ticket.objects.exists()
    grow(5, yes=True)
    assert Ticket.objects.count() == 5


@pytest.mark.parametrize("options", [{"tickets": 0}, {"tickets": 5, "messages_per_ticket": 0}])
def test_nonsense_is_refused_in_a_sentence(options: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="from 1"):
        call_command("seed_volume", **options)
