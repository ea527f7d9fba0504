"""Search and type-ahead with a million messages in the database: server time of pages, and how long the index takes to fill.

Real requests through every middleware, view, query and template, in one process, against the database of bench.desk_pages
(seeded the first time, kept for the next); messages without a search row are indexed first, and the rate is told. The
questions are taken from the texts of the seeded messages: rare and very common words, two common words at once, phrases,
Arabic with other letters than were written, Chinese without spaces, operators; by a manager (everything), an agent of two
teams, and an agent of one small team.

Bars: 95 of 100 searches within 300 ms, 95 of 100 suggestions within 50 ms.

Run: python -m bench.search [--short] [--json] [--only WORDS]      Needs DATABASE_URL. --short has 20,000 messages.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from bench._report import machine, table, verdict
from bench.desk_pages import AGENT, MANAGER, TIMES, TIMES_SHORT, Measured, Page, measure, prepare, signed_in

if TYPE_CHECKING:
    from django.test import Client

    from helpdesk.models import User

SEARCH_BAR_MS, FIND_BAR_MS = 300.0, 50.0
_SMALL = "small.team@volume.example"


def pages(rng: random.Random) -> Iterator[Page]:
    """Every kind of question, asked by people who see everything, some and little."""
    from helpdesk.models import CustomerAddress, Ticket, User

    people = {
        "everything": signed_in(User.objects.get(email=MANAGER)),
        "two teams": signed_in(User.objects.get(email=AGENT)),
        "a small team": signed_in(_of_a_small_team()),
    }
    subjects = list(Ticket.objects.order_by("-pk").values_list("subject", flat=True)[:4_000])
    rare = [s.split()[-1] for s in subjects if s.split()[-1].isascii() and s.split()[-1].islower()][:TIMES]
    mails = list(CustomerAddress.objects.filter(kind="email").order_by("pk").values_list("value", flat=True)[:TIMES])
    rng.shuffle(rare)
    asked = {
        "a rare word": rare,
        "a very common word": ["screen", "thank", "battery", "order", "cable"],
        "a common beginning": ["de", "sho", "st", "re", "no"],
        "two common words": ["screen dark", "refund courier", "battery sound", "label warranty"],
        "common and rare": [f"{word} screen" for word in rare],
        "a phrase": ['"screen stays"', '"please help"', '"battery drains fast"', '"last week"', '"wrong amount"'],
        "without a word": ["screen -battery", "order -the"],
        "Arabic, other letters": ["الشاشه", "البطاريه", "اخر", "التسليم شكرا"],
        "Persian": ["می‌شود", "نميشود", "دستگاه شارژ", "فاکتور"],
        "Chinese": ["扩展坞", "屏幕", "充电", "断断续续", "不能充电"],
        "an address": mails,
        "from: and words": [f"from:{mail.partition('@')[0]} screen" for mail in mails],
        "words and status": ["screen status:open", "refund status:pending,new", "cable status:closed"],
        "words and dates": ["screen before:2026-03", "refund after:90d before:30d", "cable on:2026-06"],
        "nothing like it": [f"xq{word}" for word in rare],
    }
    for kind, questions in asked.items():
        for who, client in people.items():
            yield _page(f"{kind}, {who}", client, "/inbox/search/", questions)
    typed = {
        "word": ["scr", "batt", "doc", "inv", "扩展", "الش", "شارژ"],
        "two words": ["screen st", "wrong am", "dock does"],
        "rare word": [word[:5] for word in rare],
        "number": [str(number)[:4] for number in range(1_000, 9_000, 37)],
        "address": [mail[: mail.index("@") + 3] for mail in mails],
        "name": ["ada", "novak", "مریم", "لیلی", "王"],
        "one letter": ["a", "s", "م", "1"],
    }
    for kind, questions in typed.items():
        for who, client in people.items():
            yield _page(f"find: {kind}, {who}", client, "/inbox/find/", questions)


def _page(name: str, client: Client, address: str, questions: list[str]) -> Page:
    return Page(name, client, [f"{address}?{urlencode({'q': question})}" for question in questions], {})


def _of_a_small_team() -> User:
    """An agent of the team with the fewest tickets alone."""
    from django.db.models import Count

    from helpdesk.models import Role, Team, TeamMembership, User

    user = User.objects.filter(email=_SMALL).first()
    if user is None:
        team = Team.objects.annotate(size=Count("queues__tickets")).filter(size__gt=0).order_by("size")[0]
        user = User.objects.create_user(_SMALL, None, name="Small Team", role=Role.AGENT)
        TeamMembership.objects.create(team=team, user=user)
    return user


def fill() -> tuple[int, float]:
    """Indexes what is missing; how many messages, and in how many seconds."""
    from helpdesk.management.search_fill import fill_missing

    begun = time.monotonic()
    count = sum(fill_missing())
    return count, time.monotonic() - begun


def main() -> int:
    """Prints the table; exit status 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="20,000 messages instead of 1,000,000")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--only", default="", help="questions whose name contains this")
    parser.add_argument("--times", type=int, help=f"requests a question ({TIMES}; {TIMES_SHORT} with --short)")
    options = parser.parse_args()
    messages = 20_000 if options.short else 1_000_000
    times = options.times or (TIMES_SHORT if options.short else TIMES)
    prepare(messages)
    import django

    django.setup()
    count, seconds = fill()
    rows: list[Measured] = []
    for page in pages(random.Random(1)):
        if options.only not in page.name:
            continue
        rows.append(measure(page, times))
        print(f"  {page.name}: p95 {rows[-1].p95:.0f} ms", file=sys.stderr, flush=True)
    if options.json:
        for row in rows:
            print(json.dumps({"bench": "search", "messages": messages, **row.__dict__}))
    else:
        print(f"{messages:,} messages; {times} requests a question; {machine()}")
        print(f"indexed now: {count:,} messages in {seconds:.0f} s\n" if count else "")
        lines = [(r.name, r.p50, r.p95, r.slowest, r.database_p50, r.processor_p50, max(r.queries)) for r in rows]
        print(table(["question", "p50 ms", "p95 ms", "slowest", "of it SQL", "processor", "queries"], lines))
        print()
    finds = [r.p95 for r in rows if r.name.startswith("find:")]
    searches = [r.p95 for r in rows if not r.name.startswith("find:")]
    good = [verdict("slowest p95 of a search, ms", max(searches, default=0.0), SEARCH_BAR_MS, at_least=False)]
    good.append(verdict("slowest p95 of suggestions, ms", max(finds, default=0.0), FIND_BAR_MS, at_least=False))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
