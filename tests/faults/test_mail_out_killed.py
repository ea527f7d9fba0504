"""Kill -9 at each step of mail out: every reply leaves, and twice only after a crash around the final dot, marked."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from helpdesk import faults
from helpdesk.actions.conversation import reply
from helpdesk.actions.delivery import deliver_due
from helpdesk.models import Actor, Kind, Mailbox, Message, OutgoingMail, RawMail, Ticket, TicketEvent
from helpdesk.now import now
from tests.factories import World, mail, make_world
from tests.mailservers.dovecot import Dovecot
from tests.mailservers.fixtures import MakeBox
from tests.mailservers.sink import Sink
from tests.processes import running

pytestmark = pytest.mark.django_db(transaction=True)
POINTS = [name for name in faults.POINTS if name.startswith("mail_out.")]
MAY_DOUBLE = {"mail_out.data", "mail_out.accepted"}
States = OutgoingMail.State


@pytest.fixture
def desk(sink: Sink) -> World:
    """A committed world whose mailbox sends to the sink."""
    world = make_world()
    Mailbox.objects.filter(pk=world.mailbox.pk).update(smtp_port=sink.port, imap_host="")
    world.ticket.refresh_from_db()
    return world


def replies(world: World, count: int) -> list[Message]:
    """Replies that are due now."""
    people = [{"kind": "to", "email": "ann@shop.example", "name": ""}]
    made = [
        reply(ticket=world.ticket, actor=Actor.of(world.agent), text=f"Answer {n}", recipients=people)
        for n in range(count)
    ]
    OutgoingMail.objects.filter(message__in=made).update(due_at=now())
    return made


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    """Returns when it is so. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.1)


def all_sent() -> bool:
    return not OutgoingMail.objects.exclude(state=States.SENT).exists()


@pytest.mark.parametrize("point", POINTS)
def test_a_sender_killed_there_loses_nothing_and_doubles_only_what_is_marked(
    point: str, desk: World, sink: Sink
) -> None:
    messages = replies(desk, 4)

    fault = {"HELPDESK_FAULT": f"{point}:kill", "HELPDESK_OUTBOX_LEASE_SECONDS": "3"}
    with running("dispatcher", "--only", "outbox", **fault) as killed:
        _out, said = killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL, f"{point} is never passed: {said[-500:]}"
    with running("dispatcher", "--only", "outbox", HELPDESK_OUTBOX_LEASE_SECONDS="3") as again:
        until(all_sent)
        again.terminate()
        _out, said = again.communicate(timeout=60)

    assert again.returncode == 0, said
    counts = sink.by_identifier()
    doubled = {identifier for identifier, count in counts.items() if count > 1}
    marked = set(OutgoingMail.objects.filter(may_be_doubled=True).values_list("identifier", flat=True))
    assert set(counts) == {m.message_id for m in messages}
    assert max(counts.values()) <= 2
    assert doubled <= marked
    assert (len(marked), bool(marked)) == ((1, True) if point in MAY_DOUBLE else (0, False))
    assert TicketEvent.objects.filter(kind=Kind.DELIVERED).count() == 4


def test_eight_senders_send_each_of_two_hundred_mails_once(desk: World, sink: Sink, settings: Any) -> None:
    settings.OUTGOING_PER_TICKET_HOUR = 1000
    messages = replies(desk, 200)
    connections.close_all()
    children = [_fork(_send_until_nothing_is_due) for _ in range(8)]

    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    counts = sink.by_identifier()
    assert set(counts) == {m.message_id for m in messages}
    assert set(counts.values()) == {1}
    assert OutgoingMail.objects.filter(state=States.SENT, attempts=1, may_be_doubled=False).count() == 200


def _send_until_nothing_is_due() -> None:
    while OutgoingMail.objects.exclude(state=States.SENT).exists():
        if deliver_due() == 0:
            time.sleep(0.02)


def _fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        connections.close_all()
        work()
        connections.close_all()
    except BaseException:  # noqa: BLE001 - the parent sees the code
        os._exit(1)
    os._exit(0)


def test_a_stop_lets_the_mail_at_the_server_finish_and_hands_back_the_rest(desk: World, sink: Sink) -> None:
    replies(desk, 5)
    sink.script.slow_seconds = 1.0
    with running("dispatcher", "--only", "outbox") as process:
        sink.wait_for(1, seconds=60)

        process.terminate()
        _out, said = process.communicate(timeout=60)

    assert process.returncode == 0, said
    states = sorted(OutgoingMail.objects.values_list("state", flat=True))
    assert set(states) <= {States.QUEUED, States.SENT}
    assert states.count(States.SENT) == len(sink.caught) < 5
    assert not OutgoingMail.objects.filter(data_begun_at__isnull=False).exists()


@pytest.mark.needs("dovecot")
def test_the_dispatcher_goes_on_when_the_database_throws_everybody_out(
    desk: World, sink: Sink, dovecot: Dovecot, make_box: MakeBox
) -> None:
    _box, user = make_box(desk.queue_a, poll_seconds=5, smtp_port=sink.port)
    with running("dispatcher", HELPDESK_OUTBOX_LEASE_SECONDS="3", HELPDESK_LOG_LEVEL="ERROR") as process:
        for n in range(4):
            dovecot.deliver(user, *(mail(f"Under load {n}.{k}") for k in range(15)))
            replies(desk, 3)
            time.sleep(1.5)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        until(lambda: Ticket.objects.filter(subject__startswith="Under load").count() >= 60 and all_sent(), 120)
        until(lambda: not TicketEvent.objects.filter(position__isnull=True).exists(), 60)
        process.terminate()
        _out, said = process.communicate(timeout=90)

    assert process.returncode == 0, said
    assert Ticket.objects.filter(subject__startswith="Under load").count() == 60
    assert not RawMail.objects.exclude(state=RawMail.State.DONE).exists()
    counts = sink.by_identifier()
    marked = set(OutgoingMail.objects.filter(may_be_doubled=True).values_list("identifier", flat=True))
    assert len(counts) == 12
    assert {identifier for identifier, count in counts.items() if count > 1} <= marked
