"""What a mail costs as the database grows: a thousand mails at a time into one installation, and then beside a million messages.

Three measures of the last thousand mails at each size: processor time of our processes, wall clock, and the pages PostgreSQL
touched (its own count of buffers, which no other load on the machine moves). Flat means: processor time within 25 % of the
first thousand, and buffers within 60 % (a deeper index costs a page more a look; a scan would cost thousands).

Run: python -m bench.mail_scale [--short]      Needs DATABASE_URL and dovecot.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time

import psycopg

from bench import _databases as databases
from bench._generated_mail import generate
from bench._report import machine, table, verdict
from bench.mail_in import _MANAGE, ADDRESS, CHECKOUT, OURS, Contender, ours, run
from tests.mailservers.dovecot import PROGRAM, Dovecot

SLICE = 1000
HEAD = ("mails before", "messages before", "mails", "mails/s", "CPU ms/mail", "buffers/mail", "commits/mail")


def main() -> int:
    """Prints the table; 1 when a mail does not cost the same everywhere."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="3,000 mails and 100,000 messages")
    parser.add_argument("--mails", type=int, default=20_000, help="how far the mailbox grows")
    parser.add_argument("--messages", type=int, default=1_000_000, help="how many messages stand beside at the end")
    options = parser.parse_args()
    mails, messages = (3_000, 100_000) if options.short else (options.mails, options.messages)
    databases.given()
    if PROGRAM is None:
        print("skipped: dovecot is not installed (Debian: dovecot-imapd), and this bench measures over its IMAP")
        return 0
    with (
        Dovecot(encrypts=False) as dovecot,
        tempfile.TemporaryDirectory() as folder,
        databases.fresh(OURS) as url,
    ):
        contender = ours(url, dovecot.port, folder)
        user = dovecot.user()
        contender.prepare(user)
        print(machine(), flush=True)
        rows = [_slice(contender, dovecot, user, n, url) for n in range(mails // SLICE)]
        _seed(contender, messages, url)
        rows.append(_slice(contender, dovecot, user, mails // SLICE, url))
    shown = [row for n, row in enumerate(rows) if n in {0, 1, 4, 9, len(rows) - 2, len(rows) - 1}]
    print(table(HEAD, shown))
    good = True
    for name, row in ((f"after {mails:,} mails", rows[-2]), (f"beside {messages:,} messages", rows[-1])):
        good &= verdict(
            f"{name}: processor time against the first thousand", _ratio(row, rows[0], 4), 1.25, at_least=False
        )
        good &= verdict(f"{name}: buffers against the first thousand", _ratio(row, rows[0], 5), 1.6, at_least=False)
    return 0 if good else 1


def _ratio(row: list[float], first: list[float], column: int) -> float:
    return row[column] / first[column]


def _slice(contender: Contender, dovecot: Dovecot, user: str, n: int, url: str) -> list[float]:
    """A thousand more mails, measured."""
    messages = _count(url)
    dovecot.deliver(user, *generate(SLICE, to=ADDRESS, seed=n + 1))
    before = _buffers()
    passage = run(contender, dovecot)
    touched = _buffers() - before
    rate = SLICE / passage.wall
    print(f"  {n * SLICE:,} mails and {messages:,} messages before: {rate:.0f} mails/s", flush=True)
    return [n * SLICE, messages, SLICE, rate, passage.cpu * 1000 / SLICE, touched / SLICE, passage.commits / SLICE]


def _seed(contender: Contender, messages: int, url: str) -> None:
    begun = time.perf_counter()
    command = [*_MANAGE, "seed_volume", "--tickets", str(messages // 4), "--yes"]
    subprocess.run(command, env=contender.environment, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    print(f"  {messages:,} messages written beside in {time.perf_counter() - begun:.0f} s", flush=True)


def _count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM helpdesk_message").fetchone()
    return int(row[0]) if row else 0


def _buffers() -> int:
    """Pages touched in our database so far."""
    with psycopg.connect(databases.given(), autocommit=True) as connection:
        row = connection.execute(
            "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = %s", [OURS]
        ).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    sys.exit(main())
