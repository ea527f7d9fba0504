"""Business time a second: adding and measuring on calendars of one core, cold and warm. Target: 50,000 a second each.

Run: python -m bench.business_time [--short] [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from helpdesk.hours import ALWAYS, Calendar, add_business_days, add_business_time, business_seconds_between

TARGET_PER_SECOND = 50_000
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def calendars() -> dict[str, Calendar]:
    """One of each kind: office hours with holidays, split days, a night shift, and round the clock."""
    holidays = [date(2026, month, day).isoformat() for month in range(1, 13) for day in (1, 14)]
    return {
        "office, 24 holidays": Calendar.from_dict(
            {"tz": "Europe/Berlin", "weekly": {name: [["09:00", "17:00"]] for name in WEEK[:5]}, "holidays": holidays}
        ),
        "split days": Calendar.from_dict(
            {
                "tz": "America/New_York",
                "weekly": {name: [["08:00", "12:00"], ["13:00", "17:00"], ["18:00", "20:00"]] for name in WEEK},
            }
        ),
        "night shift": Calendar.from_dict(
            {"tz": "Australia/Lord_Howe", "weekly": {name: [["22:00", "06:00"]] for name in WEEK}}
        ),
        "24x7": ALWAYS,
    }


def rate(call: Callable[[int], object], seconds: float) -> float:
    """Calls a second, over at least `seconds`."""
    done, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < seconds:
        for number in range(done, done + 1000):
            call(number)
        done += 1000
    return done / passed


def measure(seconds: float) -> dict[str, dict[str, float]]:
    """Per calendar: calls a second of each function on random instants of a year, and the cold first call."""
    random.seed(7)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    starts = [begin + timedelta(seconds=random.randrange(300 * 86_400)) for _ in range(10_000)]
    targets = [random.choice((900, 3600, 4 * 3600, 8 * 3600, 24 * 3600, 40 * 3600)) for _ in starts]
    ends = [start + timedelta(seconds=random.randrange(14 * 86_400)) for start in starts]
    pauses = [[(s + timedelta(hours=1), s + timedelta(hours=3)), (s + timedelta(days=1), None)] for s in starts]
    answers: dict[str, dict[str, float]] = {}
    for name, calendar in calendars().items():
        cold = time.perf_counter()
        add_business_time(starts[0], targets[0], calendar)
        cold = time.perf_counter() - cold

        def add(n: int, calendar: Calendar = calendar) -> object:
            return add_business_time(starts[n % 10_000], targets[n % 10_000], calendar)

        def elapsed(n: int, calendar: Calendar = calendar) -> object:
            return business_seconds_between(starts[n % 10_000], ends[n % 10_000], calendar)

        def elapsed_with_pauses(n: int, calendar: Calendar = calendar) -> object:
            return business_seconds_between(starts[n % 10_000], ends[n % 10_000], calendar, pauses[n % 10_000])

        def add_days(n: int, calendar: Calendar = calendar) -> object:
            return add_business_days(starts[n % 10_000], 3, calendar)

        answers[name] = {
            "add": rate(add, seconds),
            "elapsed": rate(elapsed, seconds),
            "elapsed, 2 pauses": rate(elapsed_with_pauses, seconds),
            "add 3 days": rate(add_days, seconds),
            "first call, ms": cold * 1000,
        }
    return answers


def main() -> int:
    """Prints the table; exit status 1 where adding or measuring falls short of the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="0.2 seconds a cell instead of one")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    answers = measure(0.2 if options.short else 1.0)
    slowest = min(min(cells["add"], cells["elapsed"]) for cells in answers.values())
    if options.json:
        result: dict[str, Any] = {"bench": "business_time", "target": TARGET_PER_SECOND, "slowest": round(slowest)}
        print(json.dumps(result | {"per_second": answers}))
    else:
        for name, cells in answers.items():
            print(f"{name:22}" + "".join(f"  {key}: {value:,.0f}" for key, value in cells.items()))
        print(f"slowest add or elapsed: {slowest:,.0f} a second (target {TARGET_PER_SECOND:,})")
    return 0 if slowest >= TARGET_PER_SECOND else 1


if __name__ == "__main__":
    sys.exit(main())
