"""From one Dovecot mailbox over IMAP to visible tickets: ours, django-helpdesk's get_email, and the floor, on the same mails.

The whole pipeline of each, in a process of its own, measured from ready to ended: fetch, store, parse, thread, tickets,
attachments. The floor does the least there is to do: FETCH in batches of 50, the standard library's parser, one INSERT and
one commit a batch. Commits are PostgreSQL's own count, IMAP commands what Dovecot heard.
Mails are made up (bench/_generated_mail.py).

Bars: at least 3x django-helpdesk, at most 2 commits and 0.1 IMAP round trips a mail.

Run: python -m bench.mail_in [--short] [--sizes 500,1000] [--without-peer]      Needs DATABASE_URL and dovecot.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import _databases as databases
from bench._generated_mail import generate
from bench._peer import CannotInstall, Peer
from bench._report import machine, table, verdict
from tests.mailservers.dovecot import PASSWORD, PROGRAM, Dovecot

ADDRESS = "support@halden.example"
CHECKOUT = Path(__file__).resolve().parents[1]
OURS, PEER, FLOOR = "bench_mail_ours", "bench_mail_peer", "bench_mail_floor"
_MANAGE = [sys.executable, str(CHECKOUT / "manage.py")]


@dataclass(frozen=True)
class Passage:
    """One pass of a contender: seconds and processor seconds of the process with its children, and what it cost others."""

    wall: float
    cpu: float
    commits: int
    commands: int


@dataclass(frozen=True)
class Contender:
    """Somebody who fetches a mailbox. `prepare` points him at a user; `command` is one pass; `count` what came of it."""

    name: str
    database: str
    command: Sequence[str]
    environment: dict[str, str]
    prepare: Callable[[str], None]
    count: Callable[[], str]


def run(contender: Contender, dovecot: Dovecot) -> Passage:
    """One pass, measured from the moment the process is ready to its end. Ends the bench when the process fails."""
    dovecot.commands()
    before = _settled_commits(contender.database)
    process = subprocess.Popen(
        contender.command,
        env=contender.environment,
        cwd="/",  # not the checkout: the peer's package has our name
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    if not process.stdout.readline():
        raise SystemExit(f"{contender.name} did not start: {process.stderr.read().decode(errors='replace')[-2000:]}")
    spent = _cpu_of(process.pid)
    begun = time.perf_counter()
    process.stdin.write(b"go\n")
    process.stdin.close()
    said = process.stderr.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    if status != 0:
        raise SystemExit(f"{contender.name} failed: {said.decode(errors='replace')[-2000:]}")
    after = _settled_commits(contender.database)
    return Passage(wall, usage.ru_utime + usage.ru_stime - spent, after - before, len(dovecot.commands()))


def _cpu_of(pid: int) -> float:
    """Processor seconds a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def when_told(setup: str, work: str) -> list[str]:
    """The words after `python` for a process that gets ready, says so, and works when told."""
    return ["-c", f"{setup}\nprint('ready', flush=True)\ninput()\n{work}"]


def _settled_commits(name: str) -> int:
    """The count after it stopped moving: a backend reports when it ends."""
    last = -1
    while (count := databases.commits(name)) != last:
        last = count
        time.sleep(0.3)
    return count


def measure(contender: Contender, dovecot: Dovecot, mails: Sequence[bytes]) -> tuple[list[object], float]:
    """A row of the table and the rate in mails a second."""
    user = dovecot.user()
    contender.prepare(user)
    dovecot.deliver(user, *mails)
    full = run(contender, dovecot)
    n = len(mails)
    rate = n / full.wall
    row: list[object] = [
        n,
        contender.name,
        rate,
        full.cpu * 1000 / n,
        full.commits / n,
        full.commands / n,
        contender.count(),
    ]
    return row, rate


# --- the contenders ---------------------------------------------------------------------------------------------------
def ours(url: str, port: int, folder: str) -> Contender:
    """`manage.py poll_mail` with the settings of a running installation."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "HELPDESK_ENV": "demo",
        "HELPDESK_DATA_DIR": folder,
        "HELPDESK_LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "helpdesk.settings",
        "PYTHONPATH": str(CHECKOUT),
    }

    def manage(code: str) -> str:
        done = subprocess.run(
            [*_MANAGE, "shell", "--no-imports", "-c", code],
            env=environment,
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(done.stderr[-2000:])
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""

    subprocess.run([*_MANAGE, "migrate", "-v", "0", "--skip-checks"], env=environment, cwd=CHECKOUT, check=True)
    return Contender(
        "helpdesk (ours)",
        OURS,
        [sys.executable, *when_told(_DJANGO.format(name="poll_mail"), "call_command(command)")],
        environment,
        lambda user: _nothing(manage(_OUR_MAILBOX.format(user=user, port=port, password=PASSWORD, address=ADDRESS))),
        lambda: manage(_OUR_COUNT),
    )


_DJANGO = """
import django
django.setup()
from django.core.management import call_command, load_command_class
command = load_command_class("helpdesk", "{name}")  # both projects call their application by this name
"""
_OUR_MAILBOX = """
from helpdesk.models import Mailbox, Queue, Team
Mailbox.objects.update(is_active=False)
queue = Queue.objects.first() or Queue.objects.create(name="Bench", team=Team.objects.create(name="Bench"))
name = "{user}"
Mailbox.objects.create(name=name, address=name.replace("@", "-own@"), aliases=["{address}"], queue=queue, imap_host="127.0.0.1",
    imap_port={port}, imap_security="plain", username=name, password="{password}", import_existing="all")
"""
_OUR_COUNT = """
from helpdesk.models import Attachment, Mailbox, Message, RawMail, Ticket
box = Mailbox.objects.get(is_active=True)
mine = RawMail.objects.filter(mailbox=box)
tickets = Ticket.objects.filter(mailbox=box).count()
done = mine.filter(state="done").count()
print(f"{{tickets}} tickets, {{done - tickets}} replies, {{mine.exclude(state='done').count()}} set aside")
""".replace("{{", "{").replace("}}", "}")


def peer(url: str, port: int) -> Contender:
    """django-helpdesk. Raises CannotInstall."""
    there = Peer(url, databases.host_of(url))
    version = there.install()
    there.migrate()

    def count() -> str:
        tickets, follow_ups = there.counts()
        return f"{tickets} tickets, {follow_ups - tickets} replies"

    return Contender(
        f"django-helpdesk {version}",
        PEER,
        [str(there.python), *when_told(_DJANGO.format(name="get_email"), "call_command(command, quiet=True)")],
        there.environment,
        lambda user: there.prepare(user, PASSWORD, port),
        count,
    )


def floor(url: str, port: int) -> Contender:
    """The least there is to do; see `fetch_floor`."""
    environment = {**os.environ, "DATABASE_URL": url, "FLOOR_PORT": str(port), "PYTHONPATH": str(CHECKOUT)}

    def prepare(user: str) -> None:
        environment["FLOOR_USER"] = user

    return Contender(
        "floor",
        FLOOR,
        [sys.executable, *when_told("from bench.mail_in import fetch_floor", "fetch_floor()")],
        environment,
        prepare,
        lambda: "one row a mail",
    )


def fetch_floor() -> None:
    """Batched FETCH, the standard library's parser, one INSERT and one commit for each fifty mails."""
    import email
    from email import policy

    import psycopg
    from imapclient import IMAPClient

    with (
        psycopg.connect(os.environ["DATABASE_URL"]) as connection,
        IMAPClient("127.0.0.1", int(os.environ["FLOOR_PORT"]), ssl=False) as client,
    ):
        connection.execute(
            "CREATE TABLE IF NOT EXISTS mail (id bigserial, message_id text, sender text, subject text, body text)"
        )
        connection.commit()
        client.login(os.environ["FLOOR_USER"], PASSWORD)
        client.select_folder("INBOX", readonly=True)
        uids = client.search()
        for start in range(0, len(uids), 50):
            rows: list[str] = []
            for answer in client.fetch(uids[start : start + 50], ["BODY.PEEK[]"]).values():
                mail = email.message_from_bytes(answer[b"BODY[]"], policy=policy.default)
                body = mail.get_body(("plain", "html"))
                rows += [
                    str(mail["Message-ID"]),
                    str(mail["From"]),
                    str(mail["Subject"]),
                    body.get_content() if body else "",
                ]
            places = ",".join(["(%s,%s,%s,%s)"] * (len(rows) // 4))
            connection.execute(f"INSERT INTO mail (message_id, sender, subject, body) VALUES {places}".encode(), rows)
            connection.commit()


def _nothing(_said: str) -> None:
    pass


# --- the run ----------------------------------------------------------------------------------------------------------
def main() -> int:
    """Prints the table and holds the bars; 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="500 mails only")
    parser.add_argument("--sizes", default="500,1000,2000", help="numbers of mails, comma-separated")
    parser.add_argument("--without-peer", action="store_true", help="ours and the floor only")
    parser.add_argument("--json", action="store_true", help="one JSON object a row as well")
    options = parser.parse_args()
    databases.given()
    if PROGRAM is None:
        print("skipped: dovecot is not installed (Debian: dovecot-imapd), and this bench measures over its IMAP")
        return 0
    sizes = [500] if options.short else [int(size) for size in options.sizes.split(",")]
    with (
        Dovecot(encrypts=False, keeps_commands=True) as dovecot,
        tempfile.TemporaryDirectory() as folder,
        databases.fresh(OURS) as our_url,
        databases.fresh(PEER) as peer_url,
        databases.fresh(FLOOR) as floor_url,
    ):
        contenders = [ours(our_url, dovecot.port, folder)]
        if not options.without_peer:
            try:
                contenders.append(peer(peer_url, dovecot.port))
            except CannotInstall as problem:
                print(f"django-helpdesk is left out: {problem}")
        contenders.append(floor(floor_url, dovecot.port))
        return _compare(contenders, dovecot, sizes, as_json=options.json)


HEAD = ("mails", "who", "mails/s", "CPU ms/mail", "commits/mail", "IMAP/mail", "result")


def _compare(contenders: list[Contender], dovecot: Dovecot, sizes: list[int], *, as_json: bool) -> int:
    print(machine())
    mails = generate(max(sizes), to=ADDRESS)
    print(f"{max(sizes)} mails, mean {sum(map(len, mails)) / len(mails) / 1000:.1f} kB")
    rows: list[list[object]] = []
    good = True
    for size in sizes:
        rates: dict[str, float] = {}
        for contender in contenders:
            row, rates[contender.database] = measure(contender, dovecot, mails[:size])
            row.append(f"{rates[OURS] / rates[contender.database]:.2f}x")
            rows.append(row)
            print(f"  {contender.name}: {rates[contender.database]:.0f} mails/s", flush=True)
        mine = rows[-len(contenders)]
        if PEER in rates:
            good &= verdict(
                f"{size} mails: ours against django-helpdesk", rates[OURS] / rates[PEER], 3.0, at_least=True
            )
        good &= verdict(f"{size} mails: commits a mail", float(str(mine[4])), 2.0, at_least=False)
        good &= verdict(f"{size} mails: IMAP round trips a mail", float(str(mine[5])), 0.1, at_least=False)
    print(table((*HEAD, "ours is"), rows))
    if as_json:
        for row in rows:
            print(json.dumps(dict(zip((*HEAD, "ours is"), row, strict=True)), ensure_ascii=False))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
