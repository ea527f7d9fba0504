"""The simulator against exact laws, and its speed. Bars: 4 standard errors, 3 % on service level, a million in 10 minutes.

Every row of Erlang C and Erlang A over 12 seeds of 60,000 contacts, the four basic strategies on the same traffic, strict
priority, and single servers with other laws of handling time (Pollaczek and Khinchine). The engine decides, as in the house.

Run: python -m bench.routing_oracles [--short] [--json] [--seeds N] [--only TEXT]
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench._erlang_rows import ERLANG_A, ERLANG_C, Row
from bench._report import machine, table, verdict
from routing.core.erlang import erlang_a, erlang_c
from routing.core.scenario import read
from routing.core.simulation import run

CONTACTS, WARMUP = 60_000, 2_000
SEEDS = 12  # 8 would do for the figures, but errors estimated from 8 are themselves too often off
MOST_ERRORS, MOST_LEVEL_OFF = 4.0, 0.03
MILLION, MOST_SECONDS = 1_000_000, 600.0
SHORT_ROWS = (ERLANG_C[1], ERLANG_C[4], ERLANG_A[1])
BASIC_STRATEGIES = ("round_robin", "fewest", "longest_idle", "least_talk")


@dataclass(frozen=True)
class Case:
    """A scenario by seed, and the exact figures of each queue: queue -> figure -> value."""

    name: str
    form: Callable[[int], dict[str, Any]]
    truth: dict[str, dict[str, float]]


def traffic(name: str, per_hour: float, handle: object, patience: float | None = None, **more: Any) -> dict[str, Any]:
    """A queue of a scenario; a number as handling time is the mean of an exponential law, as is the patience."""
    law = {"dist": "exponential", "mean": handle} if isinstance(handle, int | float) else handle
    leaving = {"dist": "exponential", "mean": patience} if patience else None
    return {"name": name, "arrivals_per_hour": per_hour, "handle_seconds": law, "patience_seconds": leaving} | more


def scenario(queues: list[dict[str, Any]], agents: int, contacts: int, **more: Any) -> Callable[[int], dict[str, Any]]:
    """All agents serve all queues; a thirtieth of the contacts is warm-up."""
    names = [queue["name"] for queue in queues]
    form = {"contacts": contacts, "warmup_contacts": contacts * WARMUP // CONTACTS, "queues": queues}
    return lambda seed: {"seed": seed, **form, "agents": [{"count": agents, "queues": names}], **more}


def row_case(row: Row, contacts: int) -> Case:
    """One line of the table; the 90th percentile comes from the formulas."""
    law = (
        erlang_a(row.per_hour, row.handle, row.patience, row.agents)
        if row.patience
        else erlang_c(row.per_hour, row.handle, row.agents)
    )
    truth = {
        "wait_probability": row.wait_probability,
        "asa_seconds": row.asa,
        "wait_p90": law.wait_p90,
        "service_level": row.service_level,
        "occupancy": row.occupancy if row.patience else law.occupancy,
    }
    if row.patience:
        truth["abandoned_share"] = row.abandoned
    queue = traffic("calls", row.per_hour, row.handle, row.patience)
    return Case(row.name, scenario([queue], row.agents, contacts), {"calls": truth})


def priority_case(contacts: int) -> Case:
    """Two classes on 8 shared agents, one strictly first: Cobham's law for several servers and equal handling times."""
    rates, handle, agents = {"first": 50.0, "second": 70.0}, 180.0, 8
    waits = erlang_c(sum(rates.values()), handle, agents).wait_probability * handle / agents
    before, truth = 0.0, {}
    for name, rate in rates.items():
        load = before + rate * handle / 3600 / agents
        truth[name] = {"asa_seconds": waits / (1 - before) / (1 - load)}
        before = load
    queues = [traffic("first", rates["first"], handle, weight=1), traffic("second", rates["second"], handle)]
    return Case("strict priority, 8 agents", scenario(queues, agents, contacts), truth)


def single_server_cases(contacts: int) -> Iterator[Case]:
    """One agent at occupancy 0.7 with handling times of any law: the mean wait follows from their variation alone."""
    mean, occupancy = 100.0, 0.7
    for law, cv in (
        ({"dist": "constant", "mean": mean}, 0.0),
        ({"dist": "gamma", "mean": mean, "cv": 0.5}, 0.5),
        ({"dist": "lognormal", "mean": mean, "cv": 1.2}, 1.2),
        ({"dist": "uniform", "low": 50, "high": 150}, 100 / math.sqrt(12) / mean),
    ):
        wait = occupancy * mean * (1 + cv**2) / 2 / (1 - occupancy)
        truth = {"asa_seconds": wait, "wait_probability": occupancy, "occupancy": occupancy}
        queue = traffic("calls", occupancy * 3600 / mean, law)
        yield Case(f"one agent, {law['dist']} handling", scenario([queue], 1, contacts), {"calls": truth})


def measure(case: Case, seeds: range) -> list[dict[str, Any]]:
    """Each figure over the seeds: its mean, the standard error, and how far it is from the truth in standard errors."""
    answers = [run(read(case.form(seed))).answer() for seed in seeds]
    found = []
    for place, (queue, figures) in enumerate(case.truth.items()):
        for figure, truth in figures.items():
            seen = [_figure(answer["queues"][place], figure) for answer in answers]
            mean, error = statistics.mean(seen), statistics.stdev(seen) / math.sqrt(len(seeds))
            errors = abs(mean - truth) / error if error else (0.0 if mean == truth else math.inf)
            good = errors < MOST_ERRORS and (figure != "service_level" or abs(mean / truth - 1) < MOST_LEVEL_OFF)
            name = case.name if len(case.truth) == 1 else f"{case.name}: {queue}"
            found.append({"case": name, "figure": figure, "exact": truth, "seen": mean, "errors": errors, "good": good})
    return found


def _figure(queue: dict[str, Any], name: str) -> float:
    return float(queue["abandoned"] / queue["offered"] if name == "abandoned_share" else queue[name])


def strategies_agree(contacts: int) -> bool:
    """On equal agents the basic strategies give every contact the same wait, to the last digit."""
    waits = []
    for strategy in BASIC_STRATEGIES:
        form = scenario([traffic("calls", 200, 180)], 13, contacts, strategy=strategy)(1)
        waits.append(run(read(form)).queues[0].waits)
    return all(found == waits[0] for found in waits)


def speed(contacts: int) -> float:
    """Seconds that so many contacts of the largest patient row take."""
    row = ERLANG_C[-1]
    form = scenario([traffic("calls", row.per_hour, row.handle)], row.agents, contacts)(1)
    begin = time.perf_counter()
    run(read(form))
    return time.perf_counter() - begin


def main() -> int:
    """Prints every figure; exit status 1 where one is off or the simulator is too slow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--short", action="store_true", help="three rows at a tenth of the size, 20,000 contacts for speed"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument(
        "--seeds", type=int, default=SEEDS, metavar="N", help=f"seeds a case, from 2; {SEEDS} if not given"
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only cases with this text in their name, and no speed"
    )
    options = parser.parse_args()
    contacts = CONTACTS // 10 if options.short else CONTACTS
    cases = [row_case(row, contacts) for row in (SHORT_ROWS if options.short else (*ERLANG_C, *ERLANG_A))]
    if not options.short:
        cases += [priority_case(contacts), *single_server_cases(contacts)]
    found = []
    for number, case in enumerate(cases, 1):
        if options.only in case.name:
            found += measure(case, range(1000 * number, 1000 * number + options.seeds))  # no two cases share their luck
            if not options.json:
                print(f"  {case.name} done", file=sys.stderr, flush=True)
    many = 20_000 if options.short else MILLION
    equal = True if options.only else strategies_agree(contacts)
    seconds = None if options.only else speed(many) * MILLION / many
    worst = max((line["errors"] for line in found), default=0.0)
    level = max((abs(one["seen"] / one["exact"] - 1) for one in found if one["figure"] == "service_level"), default=0.0)
    good = equal and all(line["good"] for line in found) and (seconds is None or seconds <= MOST_SECONDS)
    if options.json:
        figures = {
            "worst_errors": worst,
            "service_level_off": level,
            "strategies_agree": equal,
            "million_seconds": seconds,
        }
        print(json.dumps({"bench": "routing_oracles", **figures, "lines": found}))
        return 0 if good else 1
    print(f"{options.seeds} seeds of {contacts:,} contacts; {machine()}")
    head = ("case", "figure", "exact", "seen", "errors", "")
    body = [
        (*(one[key] for key in ("case", "figure", "exact", "seen", "errors")), "" if one["good"] else "OFF")
        for one in found
    ]
    print(table(head, body))
    verdict("farthest figure, standard errors", worst, MOST_ERRORS, at_least=False)
    verdict("farthest service level, share", level, MOST_LEVEL_OFF, at_least=False)
    if seconds is not None:
        print(f"{'ok  ' if equal else 'MISS'} {len(BASIC_STRATEGIES)} strategies give the same waits on equal agents")
        verdict(f"a million contacts, seconds (measured over {many:,})", seconds, MOST_SECONDS, at_least=False)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
