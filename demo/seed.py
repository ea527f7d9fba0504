"""Fills an empty helpdesk with Halden: the house first, then its week. `manage.py seed_demo` is the shell around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

from demo.accounts import ACCOUNTS
from demo.seed_house import point_mailboxes, seed_house
from demo.seed_routing import seed_routing
from demo.seed_week import SOURCE, WeekSeeder
from helpdesk import realtime
from helpdesk.models import Queue, RawMail, Ticket

_LOCK = 0x68616C64656E  # "halden": one seeding at a time


@dataclass(frozen=True)
class Seeded:
    """What a run did: rows of the house made, tickets of the week made, mailboxes pointed at other ports."""

    made: int
    tickets: int
    mailboxes_moved: int
    tickets_in_all: int


def seed() -> Seeded:
    """Makes what is missing: the house, then its week, each whole or not at all. A second run changes nothing but ports.

    Two transactions, so that people can sign in while their week is still being written.
    """
    with _alone():
        made, moved = seed_house(), point_mailboxes()
    with _alone():
        tickets = 0
        if not RawMail.objects.filter(source=SOURCE).exists():
            with realtime.silent():
                tickets = WeekSeeder().run()
                made += seed_routing()
            queues = Queue.objects.values_list("pk", flat=True)
            realtime.publish_many(
                (realtime.queue_group(key), {"type": "inbox.changed", "queue": key}) for key in list(queues)
            )
    return Seeded(made, tickets, moved, Ticket.objects.count())


@contextmanager
def _alone() -> Iterator[None]:
    """A transaction in which nobody else seeds."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        yield


def accounts_to_print() -> list[tuple[str, str, str]]:
    """(address, password, role) of everybody who can sign in."""
    return [(account.email, account.password, account.role.replace("_", " ")) for account in ACCOUNTS]
