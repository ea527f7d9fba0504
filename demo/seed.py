"""Fills an empty helpdesk with Halden: the house first, then its week. `manage.py seed_demo` is the shell around it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from demo.accounts import ACCOUNTS, MAILBOXES
from demo.seed_house import point_mailboxes, seed_house
from demo.seed_week import SOURCE, WeekSeeder
from helpdesk import realtime
from helpdesk.models import RawMail, Ticket

_LOCK = 0x68616C64656E  # "halden": one seeding at a time


@dataclass(frozen=True)
class Seeded:
    """What a run did: rows of the house made, tickets of the week made, mailboxes pointed at other ports."""

    made: int
    tickets: int
    mailboxes_moved: int
    tickets_in_all: int


def seed() -> Seeded:
    """Makes what is missing, all or nothing. A second run changes nothing but the ports of the demo mail server."""
    with transaction.atomic(), realtime.silent():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        made = seed_house()
        moved = point_mailboxes()
        tickets = 0 if RawMail.objects.filter(source=SOURCE).exists() else WeekSeeder().run()
    return Seeded(made, tickets, moved, Ticket.objects.count())


def accounts_to_print() -> list[tuple[str, str, str]]:
    """(address, password, role) of everybody who can sign in."""
    return [(account.email, account.password, account.role.replace("_", " ")) for account in ACCOUNTS]


def mailbox_addresses() -> list[str]:
    """The addresses customers write to."""
    return [box.address for box in MAILBOXES]
