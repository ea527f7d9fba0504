"""What a decision of the routing engine costs: agents become free one after another while contacts wait and come.

Rows: how many wait, with 1,000 agents in 40 queues, eight strategies, sixty requirements, three channels. A decision is
one agent freed, one contact arrived, and the match that follows; those that bear a choice count. Targets: p99 under 20 ms
with 10,000 waiting, with and without the record of reasons, and a median that grows no faster than log n from 100 to
100,000. Times are of the processor: the engine waits for nothing, and what else the machine does is no property of it.

Run: python -m bench.routing_engine [--short] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections import deque
from dataclasses import replace
from typing import NamedTuple

from bench._report import machine, table, verdict
from routing.core.engine import Agent, Item, QueueRules
from routing.core.needs import ALWAYS, Needs, parse
from routing.core.pool import Pool
from routing.core.strategies import STRATEGIES

AGENTS, QUEUES = 1_000, 40
LANGUAGES = tuple(f"lang/{code}" for code in ("de", "fr", "en", "es", "it", "fa", "ar", "zh"))
TRADES = tuple(f"tech/{name}" for name in ("network", "printer", "phone", "billing", "returns", "account"))
COSTS = {"voice": 100, "chat": 25, "mail": 10}
SIZES = (100, 1_000, 10_000, 100_000)
P99_MS, RECORD_P99_MS, PLACE_P99_MS = 20.0, 20.0, 20.0


class Row(NamedTuple):
    """One size: times in milliseconds."""

    waiting: int
    load_ms: float
    p50: float
    p99: float
    record_p50: float
    record_p99: float
    place_p50: float
    place_p99: float
    explain_p99: float


def needs(rng: random.Random) -> Needs:
    """Nothing, a language, a language and a trade, or one of two trades."""
    kind = rng.randrange(4)
    if kind == 0:
        return ALWAYS
    language = {"skill": rng.choice(LANGUAGES), "level": rng.choice((1, 3))}
    if kind == 1:
        return parse(language)
    if kind == 2:
        return parse([language, {"skill": rng.choice(TRADES)}])
    return parse({"any": [{"skill": trade} for trade in rng.sample(TRADES, 2)]})


def house(rng: random.Random) -> Pool:
    """Queues of all strategies; agents in four queues each, with two languages and three trades, all at work."""
    pool = Pool(seed=1)
    for queue in range(QUEUES):
        pool.add_queue(QueueRules(queue, STRATEGIES[queue % 8], weight=rng.choice((0, 0, 5)), bands=queue % 3 == 0))
    for key in range(AGENTS):
        skills = {skill: rng.randint(1, 5) for skill in rng.sample(LANGUAGES, 2) + rng.sample(TRADES, 3)}
        queues = {queue: rng.randrange(3) for queue in rng.sample(range(QUEUES), 4)}
        pool.put_agent(Agent(key, queues, skills, channel_caps={"chat": 4}, idle_since=rng.random(), position=key))
    return pool


def contacts(rng: random.Random) -> list[Item]:
    """A thousand kinds of contacts to draw from, so that making them is no part of the figures."""
    wishes = [needs(rng) for _ in range(60)]
    kinds = []
    for key in range(1_000):
        channel = rng.choice(tuple(COSTS))
        preferred = (rng.randrange(AGENTS),) if key % 10 == 0 else ()
        extra = (rng.randrange(QUEUES),) if key % 20 == 0 else ()
        queue, wish = rng.randrange(QUEUES), rng.choice(wishes)
        kinds.append(Item(key, queue, channel, COSTS[channel], 0.0, wish, preferred=preferred, extra_queues=extra))
    return kinds


class Day:
    """A pool in which everybody is busy and `waiting` contacts stand in line."""

    def __init__(self, waiting: int) -> None:
        self.rng = random.Random(7)
        self.kinds, self.pool = contacts(self.rng), house(self.rng)
        self.held: deque[tuple[int, Item]] = deque()
        self.number, self.clock = 0, 0.0
        self.items: dict[int, Item] = {}
        begin = time.thread_time()
        while len(self.pool.items) < waiting:
            self.arrive()
            if not self.number % 50 or len(self.held) < 3 * AGENTS:
                self.match(record=False)
        self.match(record=False)
        self.load_ms = (time.thread_time() - begin) * 1000

    def arrive(self) -> None:
        """One more contact, at times one that an agent has declined."""
        self.number += 1
        self.clock += 0.1
        item = replace(self.kinds[self.rng.randrange(1_000)], key=self.number, vtime=self.clock)
        if self.number % 50 == 0:
            item.excluded = frozenset({self.rng.randrange(AGENTS)})
        self.items[self.number] = item
        self.pool.put_item(item)

    def match(self, *, record: bool) -> int:
        """Decides; who got something is held in turn."""
        choices = self.pool.match(self.clock, record=record)
        self.held.extend((one.agent, self.items.pop(one.item)) for one in choices)
        return len(choices)

    def decide(self, *, record: bool) -> tuple[float, int]:
        """Milliseconds of one freed agent, one arrival, one match, and how many choices came of it."""
        agent, item = self.held.popleft()
        begin = time.thread_time()
        self.pool.release(agent, item.channel, item.cost, idle_since=self.clock)
        self.arrive()
        made = self.match(record=record)
        return (time.thread_time() - begin) * 1000, made

    def ask(self) -> tuple[float, float]:
        """Milliseconds of a place in the queue, and of a whole explanation, for one who waits."""
        key = self.rng.choice(tuple(self.pool.items))
        begin = time.thread_time()
        self.pool.ahead_of(key)
        between = time.thread_time()
        self.pool.explain(key, self.clock)
        return (between - begin) * 1000, (time.thread_time() - between) * 1000


def at(times: list[float], share: float) -> float:
    """The quantile of some times."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def measure(waiting: int, decisions: int) -> Row:
    """One row. Only decisions that made a choice count: where nothing fits nothing is decided."""
    day = Day(waiting)
    plain = [cost / made for cost, made in (day.decide(record=False) for _ in range(decisions)) if made]
    kept = [cost / made for cost, made in (day.decide(record=True) for _ in range(decisions // 4)) if made]
    asked = [day.ask() for _ in range(min(200, decisions))]
    places, reasons = [one for one, _ in asked], [other for _, other in asked]
    return Row(
        waiting, day.load_ms, at(plain, 0.5), at(plain, 0.99), at(kept, 0.5), at(kept, 0.99),
        at(places, 0.5), at(places, 0.99), at(reasons, 0.99),
    )  # fmt: skip


def main() -> int:
    """Prints the table; exit status 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="500 decisions a row instead of 10,000")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    rows = [measure(waiting, 500 if options.short else 10_000) for waiting in SIZES]
    growth = rows[-1].p50 / rows[0].p50
    if options.json:
        print(json.dumps({"bench": "routing_engine", "rows": [row._asdict() for row in rows], "growth": growth}))
    else:
        print(machine())
        head = ("waiting", "load", "p50", "p99", "recorded p50", "p99", "place p50", "p99", "explain p99")
        print(table([name if name == "waiting" else f"{name}, ms" for name in head], rows))
    middle = rows[SIZES.index(10_000)]
    good = [
        verdict("p99 of a decision with 10,000 waiting, ms", middle.p99, P99_MS, at_least=False),
        verdict("p99 of a decision with its record, ms", middle.record_p99, RECORD_P99_MS, at_least=False),
        verdict("p99 of a place in the queue, ms", middle.place_p99, PLACE_P99_MS, at_least=False),
        verdict(
            "median with 100,000 waiting over that with 100",
            growth,
            math.log(SIZES[-1]) / math.log(SIZES[0]),
            at_least=False,
        ),
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
