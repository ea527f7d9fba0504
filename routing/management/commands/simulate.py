"""`manage.py simulate SCENARIO.json`: the routing engine over invented or recorded traffic, on a simulated clock."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helpdesk.said import said
from routing.core.scenario import expected_contacts, read
from routing.core.simulation import run

_TELL_EVERY_SECONDS = 2.0
_COLUMNS = (
    ("offered", "offered"),
    ("answered", "answered"),
    ("abandoned", "abandoned"),
    ("unserved", "unserved"),
    ("wait_probability", "must wait"),
    ("asa_seconds", "ASA s"),
    ("wait_p50", "p50 s"),
    ("wait_p90", "p90 s"),
    ("service_level", "level"),
    ("occupancy", "occupancy"),
)


class Command(BaseCommand):
    """A shell around routing.core.simulation.run; needs no database."""

    requires_system_checks: list[str] = []
    help = (
        "Runs the routing engine over the traffic of a scenario (docs/routing.md) and prints one JSON object with the "
        "figures of each queue. The same scenario always gives the same answer."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """A file, or `-` for standard input."""
        parser.add_argument("scenario", metavar="SCENARIO", help="a JSON file, or - for standard input")
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="the JSON object on one line")
        form.add_argument("--table", action="store_true", help="a table for people instead of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fails with a sentence where the scenario cannot be read or makes no sense."""
        try:
            scenario = read(_parsed(options["scenario"]))
        except ValueError as problem:
            raise CommandError(said(problem)) from problem
        told, expected = time.monotonic(), expected_contacts(scenario)

        def tell(done: int) -> None:
            nonlocal told
            if time.monotonic() - told >= _TELL_EVERY_SECONDS and sys.stderr.isatty():
                told = time.monotonic()
                self.stderr.write(f"  {done:,} of about {expected:,.0f} contacts")

        answer = run(scenario, tell=tell).answer()
        if options["table"]:
            self.stdout.write(_table(answer))
            for warning in answer["warnings"]:
                self.stderr.write(f"Note: {warning}")
        else:
            self.stdout.write(
                json.dumps(answer, ensure_ascii=False, allow_nan=False, indent=None if options["json"] else 2)
            )


def _parsed(name: str) -> Any:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandError(f"{name} cannot be read: {problem}") from problem
    try:
        return json.loads(text, parse_constant=_no_number)
    except (json.JSONDecodeError, RecursionError) as problem:
        raise CommandError(f"{name} is not JSON: {problem}") from problem


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number that a scenario can use.")


def _table(answer: dict[str, Any]) -> str:
    head = ["queue", *(title for _, title in _COLUMNS)]
    body = [[queue["name"], *(_cell(queue[key]) for key, _ in _COLUMNS)] for queue in answer["queues"]]
    widths = [max(len(row[n]) for row in [head, *body]) for n in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [head, *body]
    )


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if value < 1 else f"{value:,.1f}"
