"""How true the estimated waits come: asked for each contact that waits in a simulation, scored when its wait is over.

Bars: four in five waits within the upper end (0.75 to 0.85), and mean errors near those of routing's own specification.

Run: python -m bench.routing_estimates [--short] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

from bench._report import machine, table
from routing.core.estimate import Estimate, Standing, estimate
from routing.core.estimate_score import Outcome, Score, score
from routing.core.scenario import Scenario, read
from routing.core.simulation import run
from routing.core.simulation_answer import Tally

CONTACTS = 60_000
LEAST_KEPT, MOST_KEPT = 0.75, 0.85


@dataclass(frozen=True)
class Case:
    """One queue of its own: contacts an hour of 180 s, agents, patience; `most_error` is the bar of the mean error."""

    name: str
    per_hour: float
    agents: int
    patience: float | None
    most_error: float
    handle: dict[str, Any] = field(default_factory=lambda: {"dist": "exponential", "mean": 180})


CASES = (
    Case("10 agents, occupancy 0.9, all stay", 180, 10, None, 60),
    Case("10 agents, load 1.1, patience 180 s", 220, 10, 180, 22),
    Case("the same, handling time of cv 1.2", 220, 10, 180, 22, {"dist": "lognormal", "mean": 180, "cv": 1.2}),
    Case("20 agents, load 1.05, patience 120 s", 420, 20, 120, 16),
)


class Listening(Tally):
    """A tally that asks for an estimate when a contact begins to wait, and notes what became of it."""

    def __init__(self, scenario: Scenario, case: Case) -> None:
        super().__init__(scenario)
        self.case = case
        self.said: dict[int, tuple[float, Estimate]] = {}
        self.outcomes: list[Outcome] = []

    def waits(self, now: float, number: int, place: int) -> None:
        """Everybody who waits already is ahead: one queue, one kind of contact."""
        ahead = self.queues[place].length
        super().waits(now, number, place)
        found = estimate(Standing(ahead, self.case.agents, 180.0, self.case.patience))
        if isinstance(found, Estimate):
            self.said[number] = (now, found)

    def answered(self, now: float, number: int, place: int, arrival: float, *, at_once: bool, elsewhere: bool) -> None:
        """The wait is over."""
        super().answered(now, number, place, arrival, at_once=at_once, elsewhere=elsewhere)
        self._note(now, number, answered=True)

    def abandoned(self, now: float, number: int, place: int, arrival: float) -> None:
        """The wait was cut off."""
        super().abandoned(now, number, place, arrival)
        self._note(now, number, answered=False)

    def _note(self, now: float, number: int, *, answered: bool) -> None:
        if number in self.said:
            since, found = self.said.pop(number)
            if number >= self.scenario.warmup:
                self.outcomes.append(Outcome(found.mean, found.p50, found.p80, now - since, answered))


def measure(case: Case, contacts: int) -> Score:
    """The score over one run."""
    queue = {
        "name": "calls",
        "arrivals_per_hour": case.per_hour,
        "handle_seconds": case.handle,
        "patience_seconds": {"dist": "exponential", "mean": case.patience} if case.patience else None,
    }
    agents = [{"count": case.agents, "queues": ["calls"]}]
    form = {"seed": 5, "contacts": contacts, "warmup_contacts": contacts // 30, "queues": [queue], "agents": agents}
    scenario = read(form)
    listening = Listening(scenario, case)
    run(scenario, listening)
    return score(listening.outcomes)


def main() -> int:
    """Prints a line a case; exit status 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a tenth of the contacts")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    found = [(case, measure(case, CONTACTS // 10 if options.short else CONTACTS)) for case in CASES]
    good = [
        LEAST_KEPT <= (s.kept or 0) <= MOST_KEPT and (s.absolute_error or 0) <= case.most_error for case, s in found
    ]
    if options.json:
        print(json.dumps({"bench": "routing_estimates", "cases": [{"case": c.name, **asdict(s)} for c, s in found]}))
    else:
        print(machine())
        head = ("case", "waits", "mean error s", "bias s", "kept", "close", "")
        body = [
            (case.name, s.outcomes, s.absolute_error, s.bias, s.kept, s.close, "" if fine else "OFF")
            for (case, s), fine in zip(found, good, strict=True)
        ]
        print(table(head, body))
        print(
            f"kept: share of waits within the upper end said, {LEAST_KEPT} to {MOST_KEPT}; those who left count as cut off"
        )
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
