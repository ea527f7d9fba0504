"""`manage.py staffing`: how many agents a traffic takes, by Erlang C and Erlang A, with one agent more and one less."""

from __future__ import annotations

import json
import math
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from helpdesk.said import said
from routing.core.staffing import Line, Question, Staffing, staff


class Command(BaseCommand):
    """A shell around routing.core.staffing.staff; needs no database."""

    requires_system_checks: list[str] = []
    help = (
        "Tells how many agents reach a service level: Erlang C (nobody leaves) and, where a patience is given, Erlang A "
        "(people leave), with shrinkage and with one agent more and one less. Shares are numbers such as 0.8."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Traffic, target, and what keeps agents from work."""
        parser.add_argument("--per-hour", type=float, required=True, metavar="N", help="contacts an hour")
        parser.add_argument(
            "--handle", type=float, required=True, metavar="SECONDS", help="handling time, wrap-up included"
        )
        parser.add_argument("--level", type=float, default=0.8, metavar="SHARE", help="to be answered in time; 0.8")
        parser.add_argument("--within", type=float, default=20.0, metavar="SECONDS", help="what is in time; 20")
        parser.add_argument("--patience", type=float, metavar="SECONDS", help="mean patience, for Erlang A")
        parser.add_argument(
            "--max-occupancy", type=float, default=1.0, metavar="SHARE", help="of the agents; 1 if not given"
        )
        parser.add_argument("--shrinkage", type=float, default=0.0, metavar="SHARE", help="paid time not at work; 0")
        parser.add_argument(
            "--concurrency", type=int, default=1, metavar="N", help="contacts one agent handles at once; 1"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fails with a sentence where the question makes no sense."""
        try:
            question = Question(
                contacts_per_hour=options["per_hour"],
                handle_seconds=options["handle"],
                service_level=options["level"],
                answer_within=options["within"],
                patience_seconds=options["patience"],
                max_occupancy=options["max_occupancy"],
                shrinkage=options["shrinkage"],
                concurrency=options["concurrency"],
            )
            found = staff(question)
        except ValueError as problem:
            raise CommandError(said(problem)) from problem
        models = {"erlang_c": found.patient, "erlang_a": found.with_leaving}
        if options["json"]:
            self.stdout.write(json.dumps({name: _data(model) if model else None for name, model in models.items()}))
            return
        for title, model in (
            ("Erlang C, nobody leaves", found.patient),
            ("Erlang A, people leave", found.with_leaving),
        ):
            if model is not None:
                self.stdout.write(_text(title, model, question))


def _data(model: Staffing) -> dict[str, Any]:
    return {"agents": model.agents, "scheduled": model.scheduled, "table": [_row(line) for line in model.lines]}


def _row(line: Line) -> dict[str, Any]:
    law = line.law
    figures = {
        "wait_probability": law.wait_probability,
        "abandoned": law.abandoned,
        "asa_seconds": law.asa_seconds,
        "wait_p90": law.wait_p90,
        "service_level": law.service_level,
        "occupancy": law.occupancy,
    }
    return {
        "agents": line.agents,
        "scheduled": line.scheduled,
        "enough": line.enough,
        **{name: value if math.isfinite(value) else None for name, value in figures.items()},
    }


def _text(title: str, model: Staffing, question: Question) -> str:
    lines = [
        f"{title}: {model.agents} agents at work, {model.scheduled} on the schedule",
        f"  {'agents':>7}{'schedule':>10}{'level':>9}{'ASA s':>9}{'p90 s':>9}{'must wait':>11}{'leave':>9}{'occupancy':>11}",
    ]
    for line in model.lines:
        law = line.law
        lines.append(
            f"{'>' if line.agents == model.agents else ' ':>2}{line.agents:>7}{line.scheduled:>10}{law.service_level:>9.1%}"
            f"{_seconds(law.asa_seconds):>9}{_seconds(law.wait_p90):>9}{law.wait_probability:>11.1%}"
            f"{law.abandoned:>9.1%}{law.occupancy:>11.1%}"
        )
    if question.concurrency > 1:
        lines.append(
            f"  Each agent counts as {question.concurrency} places: measure the handling time at that number of contacts."
        )
    return "\n".join(lines)


def _seconds(value: float) -> str:
    return f"{value:,.1f}" if math.isfinite(value) else "endless"
