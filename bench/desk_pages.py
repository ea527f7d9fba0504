"""Pages of the desk and of the API with a million messages in the database: server time and number of queries.

Real requests through every middleware, view, query and template, in one process (no network, no web server), against a
database of its own beside DATABASE_URL: seeded by seed_demo and seed_volume the first time, kept for the next. Each row
is at least 200 requests with other tickets, queues and cursors, by an agent (two teams) or a manager (who sees all).

Bars: 95 of 100 requests within 100 ms; the number of queries is the same for 1 and for 3 rows.

Run: python -m bench.desk_pages [--short] [--json]      Needs DATABASE_URL. --short has 20,000 messages and 60
requests a page. The database of the long form takes 2.6 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from bench import _databases as databases
from bench._report import machine, table, verdict

if TYPE_CHECKING:
    from django.test import Client

CHECKOUT = Path(__file__).resolve().parents[1]
BAR_MS = 100.0
PER_TICKET = 4
TIMES, TIMES_SHORT = 200, 60
WARM_UP = 10
AGENT, MANAGER = "sara.lindqvist@halden.example", "farid.mansouri@halden.example"


@dataclass(frozen=True)
class Page:
    """A kind of page: who asks, and the addresses asked for."""

    name: str
    client: Client
    addresses: Sequence[str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Measured:
    """Server time in milliseconds and queries of a request, over all requests for a page.

    `database_p50` is the time spent waiting for PostgreSQL, `processor_p50` what this process computed: on a busy machine
    the two say what the wall clock cannot.
    """

    name: str
    p50: float
    p95: float
    slowest: float
    queries: tuple[int, int]
    database_p50: float
    processor_p50: float


def prepare(messages: int) -> None:
    """Makes the database unless it is there with enough rows, and points this process at it."""
    name = f"bench_desk_{messages}"
    _ensure(name)
    url = databases.beside(databases.given(), name)
    data = Path(tempfile.gettempdir()) / name
    os.environ.update(
        DATABASE_URL=url,
        HELPDESK_ENV="demo",
        HELPDESK_DATA_DIR=str(data),
        HELPDESK_SECRET_KEY="for-benches-only-" + "0123456789" * 4,
        HELPDESK_LOG_LEVEL="WARNING",
        HELPDESK_API_RATE="100000/min",
        DJANGO_SETTINGS_MODULE="helpdesk.settings",
    )
    for name_of_flag in ("HELPDESK_DEBUG", "REDIS_URL"):
        os.environ.pop(name_of_flag, None)
    _manage("migrate", "--verbosity", "0", "--skip-checks")
    _manage("seed_demo")
    have = _messages(url)
    if have < messages:
        _manage("seed_volume", "--tickets", str((messages - have) // PER_TICKET + PER_TICKET))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")  # as autovacuum would have by the time somebody works here


def _ensure(name: str) -> None:
    with psycopg.connect(databases.given(), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _messages(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM helpdesk_message").fetchone()
    return int(row[0]) if row else 0


def _manage(*arguments: str) -> None:
    subprocess.run([sys.executable, str(CHECKOUT / "manage.py"), *arguments], cwd=CHECKOUT, check=True)


def pages(rng: random.Random) -> Iterator[Page]:
    """Every kind of page with addresses that differ."""
    from django.db.models import Max

    from helpdesk.models import CustomerAddress, Queue, Status, Ticket, TicketEvent, User

    agent, manager = (User.objects.get(email=email) for email in (AGENT, MANAGER))
    sara, farid = signed_in(agent), signed_in(manager)
    queues = list(Queue.objects.values_list("pk", flat=True))
    own = list(Queue.objects.filter(team__members=agent).values_list("pk", flat=True))
    yield Page("inbox: needs me", sara, ["/inbox/needs-me/"], {})
    yield Page("inbox: all to do, two teams", sara, ["/inbox/team/"], {})
    yield Page("inbox: all to do, everything", farid, ["/inbox/team/"], {})
    yield Page("inbox: a queue", farid, [f"/inbox/queue-{key}/" for key in queues], {})
    yield Page("inbox: unassigned", farid, ["/inbox/unassigned/"], {})
    yield Page("inbox: closed", farid, ["/inbox/closed/"], {})
    yield Page("inbox: closed, two teams", sara, ["/inbox/closed/"], {})
    deep = _cursors(Ticket.objects.filter(status=Status.CLOSED), "changed_at", rng)
    yield Page("inbox: deep in closed", farid, [f"/inbox/closed/rows/?after={c}" for c in deep], {})
    busy = Ticket.objects.filter(status__in=["new", "open"], queue__in=own)
    deep = _cursors(busy, "rank_at", rng)
    yield Page("inbox: deep in all to do", sara, [f"/inbox/team/rows/?after={c}" for c in deep], {})

    numbers = list(Ticket.objects.order_by("public_id").values_list("number", flat=True)[:TIMES])
    mails = list(CustomerAddress.objects.order_by("value").values_list("value", flat=True)[:TIMES])
    yield Page("search: number", farid, [f"/inbox/search/?q=%23{n}" for n in numbers], {})
    yield Page("search: address", farid, [f"/inbox/search/?q={m}" for m in mails], {})
    words = ["invoice", "late", "screen", "dock"]
    yield Page("search: a frequent word", farid, [f"/inbox/search/?q={w}" for w in words], {})
    rare = [subject.split()[-1] for subject in Ticket.objects.order_by("-pk").values_list("subject", flat=True)[:TIMES]]
    yield Page("search: a rare word", farid, [f"/inbox/search/?q={w}" for w in rare], {})
    yield Page("search: a rare word, two teams", sara, [f"/inbox/search/?q={w}" for w in rare], {})

    some = list(
        Ticket.objects.filter(queue__in=own).order_by("public_id").values_list("number", flat=True)[: TIMES * 2]
    )
    yield Page("ticket, opened by its address", sara, [f"/tickets/{n}/" for n in some], {})
    partial = {"HX-Request": "true"}
    yield Page("ticket, opened from the list", sara, [f"/tickets/{n}/" for n in some], partial)
    yield Page("ticket, what changed", sara, [f"/tickets/{n}/changes/?after=1" for n in some], partial)

    token = _token(manager)
    yield Page("API: tickets", farid, ["/api/v1/tickets/"], token)
    yield Page("API: open tickets", farid, ["/api/v1/tickets/?status=open"], token)
    top = TicketEvent.objects.aggregate(top=Max("position"))["top"]
    places = [rng.randrange(1, top) for _ in range(TIMES)]
    yield Page("API: events after a cursor", farid, [f"/api/v1/events/?after={p}" for p in places], token)


def signed_in(user: Any) -> Client:
    """A client in which this person is signed in."""
    from django.test import Client

    client = Client(raise_request_exception=False)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def _cursors(found: Any, field: str, rng: random.Random) -> list[str]:
    rows = list(found.order_by("public_id").values_list(field, "pk")[:TIMES])
    return [f"{at.isoformat().replace('+', '%2B')}~{key}" for at, key in rng.sample(rows, len(rows))]


def _token(user: Any) -> dict[str, str]:
    """A token of its own for each run; the bench's database is nobody else's."""
    from datetime import timedelta

    from helpdesk.actions.tokens import issue_token
    from helpdesk.models import Actor
    from helpdesk.now import now

    until = now() + timedelta(days=1)
    _row, secret = issue_token(owner=user, name="bench", scopes=["read"], expires_at=until, actor=Actor.of(user))
    return {"Authorization": f"Bearer {secret}"}


@contextmanager
def counted() -> Iterator[list[float]]:
    """The seconds of each query inside."""
    from django.db import connection

    spent: list[float] = []

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            spent.append(time.perf_counter() - begun)

    with connection.execute_wrapper(wrapper):
        yield spent


def measure(page: Page, times_asked: int = TIMES) -> Measured:
    """Asks for the page's addresses in turn, after a warm-up."""
    addresses = [page.addresses[n % len(page.addresses)] for n in range(max(times_asked, WARM_UP))]
    for address in addresses[:WARM_UP]:
        _get(page, address)
    times: list[float] = []
    database: list[float] = []
    processor: list[float] = []
    queries: set[int] = set()
    for address in addresses:
        with counted() as spent:
            begun, spent_before = time.perf_counter(), time.process_time()
            _get(page, address)
            times.append((time.perf_counter() - begun) * 1000)
            processor.append((time.process_time() - spent_before) * 1000)
        database.append(sum(spent) * 1000)
        queries.add(len(spent))
    cuts = statistics.quantiles(times, n=20)
    return Measured(
        page.name,
        statistics.median(times),
        cuts[18],
        max(times),
        (min(queries), max(queries)),
        statistics.median(database),
        statistics.median(processor),
    )


def _get(page: Page, address: str) -> None:
    response = page.client.get(address, headers=page.headers)
    if response.status_code != 200:
        raise SystemExit(f"{page.name}: {address} answered {response.status_code}: {response.content[:500]!r}")


def queries_for_rows() -> list[tuple[str, int, int]]:
    """(page, queries with one row, queries with three): the lists and the timeline, in a transaction that is rolled back."""
    from django.db import transaction

    from helpdesk.actions.assignment import assign_ticket
    from helpdesk.actions.conversation import note
    from helpdesk.actions.intake import receive_contact
    from helpdesk.models import SYSTEM, Actor, Queue, Role, TeamMembership, User

    found: dict[str, list[int]] = {}
    with transaction.atomic():
        queue = Queue.objects.order_by("pk")[0]
        user = User.objects.create_user("counted@volume.example", None, name="Counted", role=Role.AGENT)
        TeamMembership.objects.create(team=queue.team, user=user)
        client: Client = signed_in(user)
        token = _token(User.objects.get(email=MANAGER))
        actor = Actor.of(user)
        for _round in range(2):
            for _more in range(1 if not found else 2):
                ticket = receive_contact(
                    actor=SYSTEM, queue=queue, text="One row.", subject="One row", email="rows@volume.example"
                )
                assign_ticket(ticket=ticket, actor=SYSTEM, owner=user)
                note(ticket=ticket, actor=actor, text="A note.")
            if found:
                for _more in range(2):
                    receive_contact(
                        actor=SYSTEM, queue=queue, text="Another.", email="rows@volume.example", ticket=ticket
                    )
                    note(ticket=ticket, actor=actor, text="Another note.")
            for name, address, headers in (
                ("inbox", "/inbox/needs-me/", {}),
                ("search", "/inbox/search/?q=rows@volume.example", {}),
                ("ticket", f"/tickets/{ticket.number}/", {"HX-Request": "true"}),
                ("ticket, what changed", f"/tickets/{ticket.number}/changes/?after=0", {"HX-Request": "true"}),
                ("API: messages", f"/api/v1/tickets/{ticket.public_id}/messages/", token),
            ):
                _get(Page(name, client, [], headers), address)
                with counted() as spent:
                    _get(Page(name, client, [], headers), address)
                found.setdefault(name, []).append(len(spent))
        transaction.set_rollback(True)
    return [(name, one, three) for name, (one, three) in found.items()]


def main() -> int:
    """Prints the tables; exit status 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="20,000 messages instead of 1,000,000")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--only", default="", help="pages whose name contains this")
    parser.add_argument("--times", type=int, help=f"requests a page ({TIMES}; {TIMES_SHORT} with --short)")
    options = parser.parse_args()
    messages = 20_000 if options.short else 1_000_000
    times = options.times or (TIMES_SHORT if options.short else TIMES)
    prepare(messages)
    import django

    django.setup()
    rows = []
    for page in pages(random.Random(1)):
        if options.only not in page.name:
            continue
        rows.append(measure(page, times))
        print(f"  {page.name}: p95 {rows[-1].p95:.0f} ms", file=sys.stderr, flush=True)
    constant = queries_for_rows() if not options.only else []
    if options.json:
        for row in rows:
            print(json.dumps({"bench": "desk_pages", "messages": messages, **row.__dict__}))
        for name, one, three in constant:
            print(json.dumps({"bench": "desk_pages", "name": name, "queries_1_row": one, "queries_3_rows": three}))
    else:
        print(f"{messages:,} messages; {times} requests a page; {machine()}\n")
        lines = [
            (
                row.name, row.p50, row.p95, row.slowest, row.database_p50, row.processor_p50,
                "-".join(str(count) for count in sorted(set(row.queries))),
            )
            for row in rows
        ]  # fmt: skip
        print(table(["page", "p50 ms", "p95 ms", "slowest", "of it SQL", "processor", "queries"], lines))
        print()
        print(table(["page", "queries, 1 row", "queries, 3 rows"], constant) if constant else "")
    good = [verdict("slowest p95 of a page, ms", max(r.p95 for r in rows), BAR_MS, at_least=False)]
    good += [verdict(f"queries for 3 rows, {name}", three, one, at_least=False) for name, one, three in constant]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
