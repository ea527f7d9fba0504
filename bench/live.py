"""How soon a change of one agent is seen by another, and how soon a page is right again after a restart or lost doorbells.

Two real browsers, each with cookies of its own, at the same ticket; a real web process on a real database. One writes a note
by the page's own button; "visible" is the first frame painted after the words stand in the other's timeline, by the clock
of the machine. Recovery after a restart counts from the moment the server listens again; doorbells are lost by committing
without ringing. The cost of a tab is the processor time of the web process while 50 idle tabs beat and ask.

Bars: 95 of 100 changes visible within 300 ms; right again within 5 s after a restart and after lost doorbells.

Run: python -m bench.live [--short] [--json]      Needs DATABASE_URL and Chromium. --short makes 30 changes and 3 losses.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Browser, Page

from bench import _databases as databases
from bench._report import machine, table, verdict
from demo.browsing import WebProcess, chromium

if TYPE_CHECKING:
    from helpdesk.models import Ticket

CHANGES, CHANGES_SHORT = 100, 30
LOSSES, LOSSES_SHORT = 10, 3
TABS, TABS_SECONDS = 50, 30
VISIBLE_BAR_MS, RIGHT_AGAIN_BAR_S = 300.0, 5.0
_SECRET = "for-benches-only-" + "0123456789" * 4

#: Notes the first painted frame in which each of our words stands in the timeline.
_WATCH = """
() => {
  window.paintedAt = {};
  const look = () => {
    for (const entry of document.querySelectorAll('#timeline .msg--note .msg__body')) {
      const word = entry.textContent.trim();
      if (!/^(warm|tick|lost|back) \\d+$/.test(word) || word in window.paintedAt) continue;
      window.paintedAt[word] = 0;
      requestAnimationFrame(() => { window.paintedAt[word] = performance.timeOrigin + performance.now(); });
    }
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}
"""
_PRESS = """
() => {
  const at = performance.timeOrigin + performance.now();
  document.getElementById('send-note').click();
  return at;
}
"""
#: Tabs that only hold the line, as the page's own scripts do while nobody moves.
_IDLE_TABS = """
(count) => {
  window.lines = [];
  for (let n = 0; n < count; n += 1) {
    const line = new WebSocket(`ws://${location.host}/ws/agent/`);
    window.lines.push(line);
    line.addEventListener('open', () => {
      line.send(JSON.stringify({ type: 'beat', typing: false, idle: false }));
      setTimeout(() => {
        setInterval(() => line.send('{"type":"ping"}'), 3000);
        setInterval(() => line.send('{"type":"beat","typing":false,"idle":false}'), 12000);
      }, Math.random() * 3000);
    });
  }
}
"""


@dataclass(frozen=True)
class Figures:
    """Milliseconds until visible, seconds until right again, and processor seconds of one tab in an hour."""

    visible_ms: list[float]
    restart_s: list[float]
    lost_s: list[float]
    tab_cpu_seconds_an_hour: float


def prepare() -> str:
    """An empty house with the demo's people, in a database of its own; returns its URL."""
    url = os.environ["DATABASE_URL"]
    os.environ.update(
        HELPDESK_ENV="demo",
        HELPDESK_DATA_DIR=str(Path(tempfile.gettempdir()) / "bench_live"),
        HELPDESK_SECRET_KEY=_SECRET,
        HELPDESK_LOG_LEVEL="WARNING",
        DJANGO_SETTINGS_MODULE="helpdesk.settings",
    )
    os.environ.pop("REDIS_URL", None)
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, skip_checks=True)
    return url


def people_and_ticket() -> tuple[Any, Any, Ticket]:
    """Two agents of a team and a ticket of its queue."""
    from helpdesk.actions.intake import receive_contact
    from helpdesk.models import SYSTEM, Queue, Role, Team, TeamMembership, User

    team = Team.objects.create(name="Bench")
    queue = Queue.objects.create(name="Bench", team=team)
    writer, reader = (
        User.objects.create_user(f"{name}@bench.example", None, name=name, role=Role.AGENT)
        for name in ("Writer", "Reader")
    )
    for person in (writer, reader):
        TeamMembership.objects.create(team=team, user=person)
    ticket = receive_contact(
        actor=SYSTEM, queue=queue, subject="A ticket", text="Good morning.", email="customer@bench.example"
    )
    return writer, reader, ticket


def at_the_ticket(browser: Browser, web: WebProcess, user: Any, ticket: Ticket) -> Page:
    """A browser of this person with the ticket open and the line up."""
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    context.add_cookies(
        [
            {
                "name": settings.SESSION_COOKIE_NAME,
                "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                "url": web.origin,
            }
        ]
    )
    page = context.new_page()
    page.goto(f"{web.origin}/tickets/{ticket.number}/?in=team")
    page.wait_for_selector("html[data-line=open]")
    return page


def changes(writer: Page, reader: Page, count: int, *, word: str = "tick") -> list[float]:
    """Milliseconds from the press of the button to the painted words, for each change."""
    writer.locator("#tab-note").click()
    found: list[float] = []
    rng = random.Random(1)
    for number in range(count):
        words = f"{word} {number}"
        writer.locator("#text-note").fill(words)
        writer.wait_for_timeout(rng.uniform(100, 400))
        pressed = float(writer.evaluate(_PRESS))
        found.append(_painted(reader, words) * 1000 - pressed)
        writer.wait_for_function("() => document.getElementById('text-note').value === ''")
    return found


def _painted(reader: Page, word: str) -> float:
    reader.wait_for_function("(word) => window.paintedAt[word] > 0", arg=word, timeout=60_000)
    return float(reader.evaluate("(word) => window.paintedAt[word]", word)) / 1000


def _write(ticket: Ticket, user: Any, word: str, *, silently: bool) -> None:
    from contextlib import nullcontext

    from helpdesk import realtime
    from helpdesk.actions.conversation import note
    from helpdesk.models import Actor

    with realtime.silent() if silently else nullcontext():
        note(ticket=ticket, actor=Actor.of(user), text=word)


def losses(reader: Page, ticket: Ticket, user: Any, count: int) -> list[float]:
    """Seconds from a commit whose doorbells nobody rang to the painted words."""
    found: list[float] = []
    rng = random.Random(2)
    for number in range(count):
        reader.wait_for_timeout(rng.uniform(500, 4000))
        _write(ticket, user, f"lost {number}", silently=True)
        committed = time.time()
        found.append(_painted(reader, f"lost {number}") - committed)
    return found


def restarts(web: WebProcess, reader: Page, ticket: Ticket, user: Any, count: int) -> list[float]:
    """Seconds from the server listening again to the painted words that were written while it was down."""
    found: list[float] = []
    for number in range(count):
        web.stop()
        reader.wait_for_selector("html[data-line=lost]")
        _write(ticket, user, f"back {number}", silently=True)
        reader.wait_for_timeout(3000)
        web.start()
        listening = time.time()  # at most 0.1 s after it began to answer
        found.append(_painted(reader, f"back {number}") - listening)
    return found


def cost_of_a_tab(web: WebProcess, page: Page) -> float:
    """Processor seconds an hour of the web process for one idle tab, by the difference 50 of them make."""
    assert web.process is not None
    stat = Path(f"/proc/{web.process.pid}/stat")

    def processor_seconds() -> float:
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def spent(seconds: float) -> float:
        before = processor_seconds()
        page.wait_for_timeout(seconds * 1000)
        return processor_seconds() - before

    without = spent(TABS_SECONDS)
    page.evaluate(_IDLE_TABS, TABS)
    page.wait_for_timeout(5000)
    with_them = spent(TABS_SECONDS)
    page.evaluate("() => { for (const line of window.lines) line.close(); }")
    return max(with_them - without, 0.0) / TABS / TABS_SECONDS * 3600


def measure(*, short: bool) -> Figures:
    """Everything, in one web process and one browser with two cookie jars."""
    url = prepare()
    writer_user, reader_user, ticket = people_and_ticket()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        web = WebProcess(Path(folder), {"HELPDESK_ENV": "demo", "DATABASE_URL": url, "HELPDESK_SECRET_KEY": _SECRET})
        web.start()
        try:
            writer = at_the_ticket(browser, web, writer_user, ticket)
            reader = at_the_ticket(browser, web, reader_user, ticket)
            reader.evaluate(_WATCH)
            changes(writer, reader, 3, word="warm")  # the first ones fill caches
            seen = changes(writer, reader, CHANGES_SHORT if short else CHANGES)
            writer.context.close()
            count = LOSSES_SHORT if short else LOSSES
            lost = losses(reader, ticket, writer_user, count)
            cost = cost_of_a_tab(web, reader)
            back = restarts(web, reader, ticket, writer_user, max(2, count // 2))
        finally:
            web.stop()
    return Figures(seen, back, lost, cost)


def _row(name: str, unit: str, values: Sequence[float]) -> tuple[str, str, int, float, float, float]:
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return name, unit, len(values), statistics.median(values), cuts[18], max(values)


def main() -> int:
    """Prints the table; exit status 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="30 changes and 3 losses")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # the synchronous Playwright keeps an event loop in this thread
    databases.given()
    with databases.fresh("bench_live") as url:
        os.environ["DATABASE_URL"] = url
        figures = measure(short=options.short)
        from django.db import connections

        connections.close_all()
    rows = [
        _row("a change is visible to the other", "ms", figures.visible_ms),
        _row("right again after lost doorbells", "s", figures.lost_s),
        _row("right again after a restart", "s", figures.restart_s),
    ]
    if options.json:
        print(json.dumps({"bench": "live", **figures.__dict__}))
    else:
        print(machine() + "\n")
        print(table(["what", "unit", "times", "p50", "p95", "slowest"], rows))
        print(f"\nprocessor time of one idle tab: {figures.tab_cpu_seconds_an_hour:.1f} s an hour\n")
    good = [
        verdict("visible to the other, p95, ms", rows[0][4], VISIBLE_BAR_MS, at_least=False),
        verdict("right again after lost doorbells, slowest, s", rows[1][5], RIGHT_AGAIN_BAR_S, at_least=False),
        verdict("right again after a restart, slowest, s", rows[2][5], RIGHT_AGAIN_BAR_S, at_least=False),
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
