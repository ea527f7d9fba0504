"""Merging and parting again is as if nothing had been: over small worlds made at random, every row stands as before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpdesk.actions.conversation import note, reply
from helpdesk.actions.drafts import save_draft
from helpdesk.actions.intake import receive_contact
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.merging import merge_tickets, unmerge_ticket
from helpdesk.actions.splitting import move_messages
from helpdesk.actions.triage import classify_ticket
from helpdesk.actions.undoing import undo_change
from helpdesk.models import SYSTEM, Actor, Participant, Status, Ticket
from helpdesk.now import frozen
from tests.factories import World, make_customer, make_ticket, make_world
from tests.state import verify_action

pytestmark = pytest.mark.django_db
START = datetime.fromisoformat("2030-01-07T09:00:00+00:00")
#: Which of two tickets, what happens to it.
_STEP = st.tuples(
    st.booleans(),
    st.sampled_from(["customer", "reply", "note", "later", "tag", "other tag", "draft", "join", *Status.values]),
)
_TABLES = {
    "helpdesk_ticket": ("seq", "pub_seq", "changed_at"),
    "helpdesk_message": (),
    "helpdesk_attachment": (),
    "helpdesk_outgoingmail": (),
    "helpdesk_mailreference": (),
    "helpdesk_tickettag": (),
    "helpdesk_participant": (),
    "helpdesk_draft": (),
    "helpdesk_checklistitem": (),
    "helpdesk_mention": (),
}


def everything() -> dict[str, list[Any]]:
    """The rows of all tables a merge touches, but for the heads of streams and the times of change."""
    found: dict[str, list[Any]] = {}
    with connection.cursor() as cursor:
        for table, left_out in _TABLES.items():
            cursor.execute(f"SELECT to_jsonb(t) - %s::text[] FROM {table} t ORDER BY id", [list(left_out)])
            found[table] = [row[0] for row in cursor.fetchall()]
    return found


def _happen(world: World, ticket: Ticket, what: str, actor: Actor) -> None:
    ticket = Ticket.objects.select_related("queue", "customer").get(pk=ticket.pk)
    over = ticket.status in {Status.CLOSED, Status.SPAM}
    to = [{"kind": "to", "email": "ann@shop.example", "name": ""}]
    if what == "customer" and not over:
        receive_contact(actor=SYSTEM, queue=ticket.queue, customer=ticket.customer, text="More", ticket=ticket)
    elif what in {"reply", "later"} and not over:
        send_at = START + timedelta(days=9) if what == "later" else None
        reply(ticket=ticket, actor=actor, text="Answer", recipients=to, send_at=send_at)
    elif what == "note":
        note(ticket=ticket, actor=actor, text="Note")
    elif what in {"tag", "other tag"}:
        classify_ticket(ticket=ticket, actor=actor, add_tags=[what])
    elif what == "draft":
        save_draft(ticket=ticket, actor=actor, mode="reply", text="Begun")
    elif what == "join":
        Participant.objects.get_or_create(ticket=ticket, user=world.lead, defaults={"added_at": START})
    elif what in Status.values and what not in {Status.NEW, Status.SPAM} and not over:
        set_status(ticket=ticket, actor=actor, status=what)


def _both(world: World, steps: list[tuple[bool, str]], same_customer: bool) -> tuple[Ticket, Ticket]:
    actor = Actor.of(world.agent)
    with frozen(START):
        customer = world.customer if same_customer else make_customer()
        tickets = (world.ticket, make_ticket(world.queue_a, customer))
    for minute, (which, what) in enumerate(steps):
        with frozen(START + timedelta(minutes=minute + 1)):
            _happen(world, tickets[which], what, actor)
    return tickets


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, max_size=9), same_customer=st.booleans())
def test_merged_and_parted_again_every_row_stands_as_before(
    db: None, steps: list[tuple[bool, str]], same_customer: bool
) -> None:
    with transaction.atomic(), frozen(START):
        world = make_world()
        survivor, source = _both(world, steps, same_customer)
        Ticket.objects.filter(pk=survivor.pk, status=Status.CLOSED).update(status=Status.RESOLVED, closed_at=None)
        survivor.refresh_from_db()
        before = everything()
        actor = Actor.of(world.agent)
        with frozen(START + timedelta(hours=1)), verify_action(survivor), verify_action(source):
            merge_tickets(survivor=survivor, sources=[source], actor=actor, confirmed=True)
            assert everything() != before
            unmerge_ticket(source=source, actor=actor)
        assert everything() == before
        transaction.set_rollback(True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEP, max_size=9), which=st.integers(0, 8))
def test_messages_moved_and_taken_back_every_row_stands_as_before(
    db: None, steps: list[tuple[bool, str]], which: int
) -> None:
    with transaction.atomic(), frozen(START):
        world = make_world()
        ticket, target = _both(world, [(False, "note"), *steps], True)
        for one in (ticket, target):
            Ticket.objects.filter(pk=one.pk, status=Status.CLOSED).update(status=Status.RESOLVED, closed_at=None)
            one.refresh_from_db()
        before = everything()
        actor = Actor.of(world.agent)
        messages = list(ticket.messages.order_by("pk"))
        with frozen(START + timedelta(hours=1)), verify_action(ticket), verify_action(target):
            move_messages(ticket=ticket, messages=[messages[which % len(messages)]], target=target, actor=actor)
            undo_change(ticket=ticket, actor=actor, first=ticket.seq + 1, last=ticket.seq + 1)
        assert everything() == before
        transaction.set_rollback(True)
