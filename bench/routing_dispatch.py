"""The dispatcher over rows: offers a second, time of a decision, and how soon an agent's socket rings for a new contact.

10,000 contacts wait and 1,000 agents work, in ten teams, all as rows of a database. First the dispatcher's own turns are timed
in this process: it reads what changed, decides, and writes offers, while the answers of agents and new contacts are written
between its turns, outside of the measured time. Then the real processes: a web process with 100 staff sockets and a dispatcher;
contacts arrive by the real intake at 20 a second, and the delay is from the commit of each to the frame at the socket of the
agent who is offered it, by the clock of the machine. They are of ten
teams of ten; the other 900 agents are full and their 10,000 contacts wait meanwhile.

Bars: 200 offers/s for a minute; 99 % of decisions, with their records, within 20 ms; 99 % of offers at the socket within 250 ms.

Run: python -m bench.routing_dispatch [--short] [--json]      Needs DATABASE_URL. --short: ten seconds each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import _databases as databases
from bench._report import machine, table, verdict
from bench._sockets import Socket
from demo.browsing import WebProcess

WAITING, AGENTS, TEAMS = 10_000, 1_000, 10
SECONDS, SECONDS_SHORT = 60.0, 10.0
DECISIONS = 500
SOCKETS, OFFERS_A_SECOND = 100, 20.0
OFFERS_BAR, DECISION_BAR_MS, SOCKET_BAR_MS = 200.0, 20.0, 250.0
_SECRET = "for-benches-only-" + "0123456789" * 4
_BATCH = 100


def prepare(url: str) -> None:
    """Django on an empty database."""
    os.environ.update(
        DATABASE_URL=url,
        HELPDESK_ENV="demo",
        HELPDESK_DATA_DIR=str(Path(tempfile.gettempdir()) / "bench_routing"),
        HELPDESK_SECRET_KEY=_SECRET,
        HELPDESK_LOG_LEVEL="WARNING",
        DJANGO_SETTINGS_MODULE="helpdesk.settings",
    )
    os.environ.pop("REDIS_URL", None)
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, skip_checks=True)


class Crowd:
    """The agents, queues and contacts of the bench, and what happens to them outside of the dispatcher."""

    def __init__(self) -> None:
        from helpdesk.models import Customer, Queue, Role, Team, TeamMembership, User
        from helpdesk.now import now
        from routing.models import AgentPresence, AgentState, ContactChannel, QueueRouting, Strategy

        at = now()
        teams = Team.objects.bulk_create([Team(name=f"Team {n}") for n in range(TEAMS)])
        self.queues = Queue.objects.bulk_create([Queue(name=f"Queue {n}", team=team) for n, team in enumerate(teams)])
        strategies = list(Strategy.values)
        QueueRouting.objects.bulk_create(
            QueueRouting(
                queue=queue,
                mail_handing="offer",
                offer_seconds=300,
                wrapup_seconds=0,
                sticky_days=0,
                strategy=strategies[n % len(strategies)],
            )
            for n, queue in enumerate(self.queues)
        )
        self.agents = User.objects.bulk_create(
            [User(email=f"a{n}@bench.example", name=f"Agent {n}", role=Role.AGENT, password="!") for n in range(AGENTS)]
        )
        TeamMembership.objects.bulk_create(
            TeamMembership(team=teams[n * TEAMS // AGENTS], user=user) for n, user in enumerate(self.agents)
        )
        AgentPresence.objects.bulk_create(
            AgentPresence(
                user=user,
                state=AgentState.READY,
                since_at=at,
                idle_since_at=at,
                accepts=list(ContactChannel.values),
                units=10,
            )
            for user in self.agents
        )
        self.customer = Customer.objects.create(name="Customer", created_at=at)

    def arrive(self, count: int) -> None:
        """So many contacts more, spread over the queues; as the intake leaves them."""
        from helpdesk.models import Ticket
        from helpdesk.now import now
        from routing.actions import look_again
        from routing.models import WorkItem

        at = now()
        tickets = Ticket.objects.bulk_create(
            [
                Ticket(
                    public_id=uuid.uuid4(),
                    subject=f"Contact {n}",
                    queue=self.queues[n % TEAMS],
                    customer=self.customer,
                    opened_at=at,
                    changed_at=at,
                    rank_at=at,
                    waiting_since_at=at,
                )
                for n in range(count)
            ]
        )
        items = WorkItem.objects.bulk_create(
            [
                WorkItem(
                    ticket=ticket,
                    queue_id=ticket.queue_id,
                    channel="mail",
                    handing="offer",
                    entered_at=at,
                    vtime=at - timedelta(seconds=n % 97),
                )
                for n, ticket in enumerate(tickets)
            ]
        )
        look_again(items=[item.pk for item in items])

    def make_live(self, agents: Sequence[int]) -> list[Any]:
        """Ten teams of these agents alone, each with a queue that offers in turn: their contacts are those to come."""
        from helpdesk.models import Queue, Team, TeamMembership
        from routing.models import QueueRouting, Strategy

        teams = Team.objects.bulk_create([Team(name=f"Live {n}") for n in range(TEAMS)])
        queues = Queue.objects.bulk_create([Queue(name=team.name, team=team) for team in teams])
        QueueRouting.objects.bulk_create(
            QueueRouting(queue=one, mail_handing="offer", offer_seconds=300, strategy=Strategy.ROUND_ROBIN)
            for one in queues
        )
        TeamMembership.objects.filter(user__in=agents).delete()
        TeamMembership.objects.bulk_create(
            TeamMembership(team=teams[n % TEAMS], user_id=key) for n, key in enumerate(agents)
        )
        return queues

    def finish_offered(self) -> int:
        """Every open offer is accepted and its contact done at once, as rows; returns how many."""
        from django.db import connection, transaction

        from helpdesk.now import now
        from routing.actions import look_again
        from routing.models import Assignment, Offer, WorkItem

        at = now()
        with transaction.atomic():
            rows = list(Offer.objects.filter(state="pending"))
            Offer.objects.filter(pk__in=[row.pk for row in rows]).update(state="accepted", ended_at=at)
            Assignment.objects.bulk_create(
                Assignment(
                    item_id=row.item_id,
                    agent_id=row.agent_id,
                    channel="mail",
                    units=10,
                    begun_at=row.made_at,
                    ended_at=at,
                    done_at=at,
                )
                for row in rows
            )
            WorkItem.objects.filter(pk__in=[row.item_id for row in rows]).update(
                state="done", done_at=at, answered_at=at, outcome="handled"
            )
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE helpdesk_ticket SET status = 'resolved', owner_id = o.agent_id FROM routing_offer o"
                    " JOIN routing_workitem w ON w.id = o.item_id WHERE w.ticket_id = helpdesk_ticket.id"
                    " AND o.id = ANY(%s)",
                    [[row.pk for row in rows]],
                )
            look_again(items=[row.item_id for row in rows], agents=[row.agent_id for row in rows])
        return len(rows)


def throughput(crowd: Crowd, seconds: float) -> tuple[float, float, list[float]]:
    """Offers a second of the dispatcher's time, over so many seconds of it; its first reading; each turn in milliseconds."""
    from routing.models import Offer
    from routing.router import Router

    router = Router()
    begin = time.perf_counter()
    router.turn()
    first = time.perf_counter() - begin
    crowd.arrive(crowd.finish_offered())
    before = Offer.objects.count()
    turns: list[float] = []
    while sum(turns) < seconds:
        begin = time.perf_counter()
        router.turn()
        turns.append(time.perf_counter() - begin)
        if Offer.objects.filter(state="pending").count() >= AGENTS - 2 * _BATCH or not router.is_hurried:
            crowd.arrive(crowd.finish_offered())
    made = Offer.objects.count() - before
    crowd.arrive(crowd.finish_offered())
    return made / sum(turns), first, [turn * 1000 for turn in turns]


def decisions(count: int) -> list[float]:
    """Milliseconds of single decisions with their records, each for an agent who has just become free."""
    from helpdesk.now import now
    from routing.router import Router

    router = Router()
    router._read_changes(now())
    pool = router.pool
    at = now().timestamp()
    while pool.match(at):
        pass
    taken = [key for key, agent in pool.agents.items() if agent.units_used]
    found: list[float] = []
    for n in range(min(count, len(pool.items))):
        pool.release(taken[n % len(taken)], "mail", 10, idle_since=at + n)
        pool.set_ready(taken[n % len(taken)], ready=True)  # he has answered what he was offered
        begin = time.perf_counter()
        choices = pool.match(at + n, limit=1, record=True)
        found.append((time.perf_counter() - begin) * 1000)
        assert len(choices) == 1
    return found


def to_the_sockets(crowd: Crowd, url: str, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds from each contact's commit to the offer as a row, and to the frame at the agent's socket (inf: never)."""
    from django.conf import settings
    from django.test import Client

    from routing.models import AgentPresence, Offer, WorkItem

    Offer.objects.filter(state="pending").delete()
    WorkItem.objects.filter(state="offered").update(state="waiting")
    ringing = [user.pk for user in crowd.agents[:SOCKETS]]
    live = crowd.make_live(ringing)
    AgentPresence.objects.exclude(user__in=ringing).update(units=5)  # full: nothing of theirs moves
    AgentPresence.objects.filter(user__in=ringing).update(units=30_000)
    cookies = []
    for user in crowd.agents[:SOCKETS]:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        cookies.append(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")
    env = {"HELPDESK_ENV": "demo", "DATABASE_URL": url, "HELPDESK_SECRET_KEY": _SECRET}
    with tempfile.TemporaryDirectory() as folder:
        web = WebProcess(Path(folder), env)
        web.start()
        dispatcher = subprocess.Popen(
            [sys.executable, "manage.py", "dispatcher", "--only", "route"],
            cwd=Path(__file__).resolve().parents[1],
            env={**os.environ, **env},
        )
        try:
            sockets = [Socket(web.port, cookie) for cookie in cookies]
            commits = asyncio.run(_ring(sockets, crowd, live, seconds))
        finally:
            dispatcher.terminate()
            dispatcher.wait(30)
            web.stop()
    heard = {
        key: sorted(at for at, kind in socket.heard if kind == "offers.changed")
        for key, socket in zip(ringing, sockets, strict=True)
    }
    rows: list[float] = []
    frames: list[float] = []
    for offer in Offer.objects.filter(item__ticket__in=commits).select_related("item").order_by("pk"):
        committed = commits[offer.item.ticket_id]
        rows.append((offer.made_at.timestamp() - committed) * 1000)
        frames.append((next((at for at in heard[offer.agent_id] if at > committed), math.inf) - committed) * 1000)
    assert len(rows) == len(commits), f"{len(commits)} contacts and {len(rows)} offers"
    return rows, frames


async def _ring(sockets: Sequence[Socket], crowd: Crowd, live: Sequence[Any], seconds: float) -> dict[int, float]:
    """Opens the sockets, lets contacts arrive from a thread, and hears until all have rung."""
    over = asyncio.Event()
    lines = []
    for socket in sockets:  # one by one: the server drops a handshake that takes longer than five seconds
        line = asyncio.create_task(socket.listen(over))
        lines.append(line)
        opening = asyncio.create_task(socket.is_open.wait())
        await asyncio.wait([opening, line], timeout=30, return_when=asyncio.FIRST_COMPLETED)
        if not socket.is_open.is_set():
            await line  # raises what closed it
    await asyncio.sleep(8)  # the dispatcher has read everything
    commits: dict[int, float] = {}
    arriving = threading.Thread(target=_arrivals, args=[crowd, live, seconds, commits])
    arriving.start()
    while arriving.is_alive():
        await asyncio.sleep(0.05)
    for _n in range(300):  # whoever is late is late, and not lost
        await asyncio.sleep(0.1)
        if sum(kind == "offers.changed" for socket in sockets for _at, kind in socket.heard) >= len(commits):
            break
    over.set()
    for line in lines:
        await line
    return commits


def _arrivals(crowd: Crowd, live: Sequence[Any], seconds: float, commits: dict[int, float]) -> None:
    """Contacts by the real intake, evenly; the time of each commit by ticket."""
    from django.db import connection

    from helpdesk.actions.intake import receive_contact
    from helpdesk.models import SYSTEM

    begin = time.monotonic()
    for n in range(int(seconds * OFFERS_A_SECOND)):
        due = begin + n / OFFERS_A_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
        ticket = receive_contact(
            actor=SYSTEM, queue=live[n % len(live)], customer=crowd.customer, subject=f"New {n}", text="Good morning."
        )
        commits[ticket.pk] = time.time()
        if n % SOCKETS == SOCKETS // 2:  # an agent has one offer at a time
            crowd.finish_offered()
    connection.close()


def _row(name: str, values: Sequence[float]) -> tuple[str, int, float, float, float]:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return name, len(values), statistics.median(values), cuts[98], max(values)


def main() -> int:
    """Prints the figures; exit status 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="ten seconds of each")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    seconds = SECONDS_SHORT if options.short else SECONDS
    databases.given()
    with databases.fresh("bench_routing") as url:
        prepare(url)
        crowd = Crowd()
        crowd.arrive(WAITING)
        rate, first, turns = throughput(crowd, seconds)
        deciding = decisions(DECISIONS)
        rows, frames = to_the_sockets(crowd, url, seconds)
        from django.db import connections

        connections.close_all()
    lines = [
        _row(f"a turn of up to {_BATCH} offers", turns),
        _row("a decision with its record", deciding),
        _row("contact to offer", rows),
        _row("contact to the agent's socket", frames),
    ]
    if options.json:
        figures = {"offers_a_second": rate, "first_reading_seconds": first, "ms": {line[0]: line[2:] for line in lines}}
        print(json.dumps({"bench": "routing_dispatch", **figures}))
    else:
        print(machine() + "\n")
        print(table(["ms", "times", "p50", "p99", "slowest"], lines))
        print(f"\nall read anew at the beginning of a term, {WAITING:,} waiting and {AGENTS:,} agents: {first:.2f} s\n")
    good = [
        verdict(f"offers a second, over {seconds:.0f} s of the dispatcher's time", rate, OFFERS_BAR, at_least=True),
        verdict("a decision, p99, ms", lines[1][3], DECISION_BAR_MS, at_least=False),
        verdict("contact to the agent's socket, p99, ms", lines[3][3], SOCKET_BAR_MS, at_least=False),
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
