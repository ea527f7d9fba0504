"""Machines that answer machines: two helpdesks that acknowledge each other fall silent, and bounces get no answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from helpdesk.models import Mailbox, OutgoingMail, RawMail, Verdict
from tests.corpora import CORPORA, needs_corpora
from tests.factories import World, mail, receive
from tests.mailservers.dovecot import PASSWORD, Dovecot
from tests.mailservers.sink import Caught, Sink
from tests.processes import CHECKOUT, database_url, environment

BOUNCES = CORPORA / "mail" / "sisimai-set-of-emails" / "data"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated"},
        {"Precedence": "bulk"},
        {"X_Auto_Response_Suppress": "All"},
        {"List_Id": "<news.shop.example>"},
        {"X_Helpdesk_Loop": "support@halden.example"},
        {"sender": "MAILER-DAEMON@shop.example"},
        {"sender": "no-reply@shop.example"},
        {"sender": "support@halden.example"},
        {"Return_Path": "<>"},
    ],
)
def test_no_machine_is_acknowledged(headers: dict[str, str], world: World) -> None:
    Mailbox.objects.update(auto_acknowledge=True)

    receive(mail("A machine wrote this", **headers), mailbox=world.mailbox)

    assert OutgoingMail.objects.count() == 0


@pytest.mark.django_db
def test_a_person_is_acknowledged_once_a_ticket_and_three_times_an_hour(world: World) -> None:
    Mailbox.objects.update(auto_acknowledge=True)
    world.mailbox.refresh_from_db()

    receive(mail("First", Message_ID="<p1@shop.example>"), mailbox=world.mailbox)
    receive(mail("Re: First", Message_ID="<p2@shop.example>", In_Reply_To="<p1@shop.example>"), mailbox=world.mailbox)
    assert OutgoingMail.objects.count() == 1
    for n in range(8):
        receive(mail(f"Another {n}"), mailbox=world.mailbox)

    assert OutgoingMail.objects.count() == 3
    assert OutgoingMail.objects.filter(is_automatic=True).count() == 3


@pytest.mark.django_db
@needs_corpora
def test_bounces_and_vacation_notes_of_the_corpora_get_no_mail(world: World) -> None:
    if not BOUNCES.is_dir():
        pytest.skip("the corpora hold no bounces of this source")
    Mailbox.objects.update(auto_acknowledge=True)
    world.mailbox.refresh_from_db()
    files = sorted(p for p in BOUNCES.rglob("*.eml") if p.is_file())
    for start in range(0, len(files), 50):
        receive(*(p.read_bytes() for p in files[start : start + 50]), mailbox=world.mailbox)

    assert RawMail.objects.filter(verdict=Verdict.BOUNCE).count() >= 0.9 * len(files)
    assert OutgoingMail.objects.count() == 0


# --- two installations ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Installation:
    """A helpdesk of its own: database, key, one mailbox that acknowledges."""

    address: str
    settings: dict[str, str]

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(CHECKOUT / "manage.py"), *arguments],
            cwd=CHECKOUT,
            env=environment(**self.settings),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


@contextmanager
def installation(
    name: str, address: str, user: str, dovecot: Dovecot, sink: Sink, folder: Path
) -> Iterator[Installation]:
    """Made on a copy of the test's database, which is empty and migrated: migrations take a quarter of a minute."""
    url = database_url()
    empty = urlsplit(url).path[1:]
    database = f"{empty}_{name}"
    own, beside = (urlunsplit(urlsplit(url)._replace(path=f"/{place}")) for place in (database, "postgres"))
    connection.close()  # nobody may be in a database that is copied
    with psycopg.connect(beside, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        server.execute(copy.format(sql.Identifier(database), sql.Identifier(empty)))
    try:
        settings = {"DATABASE_URL": own, "HELPDESK_SECRET_KEY": name * 30, "HELPDESK_DATA_DIR": str(folder / name)}
        made = Installation(address, settings)
        made.manage("shell", "--no-imports", "-c", _MAILBOX.format(
            address=address, imap=dovecot.port, user=user, password=PASSWORD, smtp=sink.port
        ))  # fmt: skip
        yield made
    finally:
        with psycopg.connect(beside, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


_MAILBOX = """
from helpdesk.models import Mailbox, Queue, Team
queue = Queue.objects.create(name="q", team=Team.objects.create(name="t"))
Mailbox.objects.create(name="box", address="{address}", queue=queue, imap_host="127.0.0.1", imap_port={imap},
    imap_security="plain", username="{user}", password="{password}", smtp_host="127.0.0.1", smtp_port={smtp},
    smtp_security="plain", auto_acknowledge=True, import_existing="all")
"""
_POLL_AND_SEND = """
from django.core.management import call_command
from helpdesk.actions.delivery import deliver_due
call_command("poll_mail")
deliver_due()
"""


def _as_it_is(content: bytes) -> bytes:
    return content


def _stripped(content: bytes) -> bytes:
    """A relay that takes off every header that says a machine wrote it."""
    head, blank, body = content.partition(b"\r\n\r\n")
    kept = [line for line in head.split(b"\r\n") if not line.startswith((b"Auto-Submitted", b"X-"))]
    return b"\r\n".join(kept) + blank + body


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs("dovecot")
@pytest.mark.parametrize("relay", [_as_it_is, _stripped])
def test_two_helpdesks_that_acknowledge_each_other_fall_silent(
    relay: Callable[[bytes], bytes], dovecot: Dovecot, sink: Sink, tmp_path: Path
) -> None:
    users = {"desk@one.example": dovecot.user(), "desk@two.example": dovecot.user()}

    def carry_on(caught: Caught) -> None:
        for recipient in caught.recipients:
            local, _at, domain = recipient.partition("@")
            dovecot.deliver(users[f"{local.partition('+')[0]}@{domain}"], relay(caught.content))

    with (
        installation("one", "desk@one.example", users["desk@one.example"], dovecot, sink, tmp_path) as one,
        installation("two", "desk@two.example", users["desk@two.example"], dovecot, sink, tmp_path) as two,
    ):
        dovecot.deliver(users["desk@one.example"], mail("Spoofed", sender="desk@two.example", to="desk@one.example"))
        carried = quiet = 0
        for _round in range(5):
            for desk in (one, two):
                desk.manage("shell", "--no-imports", "-c", _POLL_AND_SEND)
                new = sink.caught[carried:]
                for caught in new:
                    carry_on(caught)
                carried += len(new)
                quiet = 0 if new else quiet + 1
            if quiet >= 2:
                break
        assert quiet >= 2  # both have looked, and neither had anything to say

    assert 1 <= len(sink.caught) <= 3
    assert sink.caught[0].mail["Auto-Submitted"] == "auto-replied"
