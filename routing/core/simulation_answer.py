"""Counts what happens in a simulation and tells it: one JSON object, queue by queue.

Called by the simulator, which reports each event here, and by whoever shows the answer. Contacts of the warm-up are handled
like all others and counted nowhere; times of agents and lengths of queues are those between the end of the warm-up and the
last arrival.
"""

from __future__ import annotations

import math
from array import array
from typing import Any

from routing.core.scenario import Scenario


class QueueTally:
    """What one queue saw. `waits` are those of the answered, in seconds, in the order of their answer."""

    def __init__(self, within: float) -> None:
        self.within = within
        self.offered = self.answered = self.abandoned = self.waited = self.in_time = self.overflowed = 0
        self.declined = self.turned_away = 0
        self.waits = array("d")
        self.seconds_of_leavers = 0.0
        self.length = self.longest = 0
        self.area = 0.0  # contacts times seconds of waiting within the counted time
        self._since = 0.0

    def change(self, now: float, by: int, begin: float, end: float) -> None:
        """One more or one less waits from `now` on."""
        self.area += self.length * max(0.0, min(now, end) - max(self._since, begin))
        self._since = now
        self.length += by
        if begin <= now <= end and self.length > self.longest:
            self.longest = self.length


class Tally:
    """The counts of a run; `answer` is what they come to."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.queues = [QueueTally(queue.within) for queue in scenario.queues]
        self.groups = [group for group in scenario.agents for _ in range(group.count)]
        self.busy = [0.0] * len(self.groups)
        self.contacts = 0
        self.begin = 0.0 if scenario.warmup == 0 else math.inf
        self.end = scenario.hours * 3600

    def offered(self, now: float, number: int, place: int) -> None:
        """A contact came; the first after the warm-up begins the counting."""
        self.contacts += 1
        if number >= self.scenario.warmup:
            if number == self.scenario.warmup and number:
                self.begin = now
            self.queues[place].offered += 1

    def waits(self, now: float, number: int, place: int) -> None:
        """It was not taken at once."""
        queue = self.queues[place]
        queue.change(now, 1, self.begin, self.end)
        if number >= self.scenario.warmup:
            queue.waited += 1

    def answered(self, now: float, number: int, place: int, arrival: float, *, at_once: bool, elsewhere: bool) -> None:
        """An agent took it, `at_once` as it came or not, and `elsewhere` if through a queue it overflowed to."""
        queue = self.queues[place]
        wait = now - arrival
        if not at_once:
            queue.change(now, -1, self.begin, self.end)
        if number >= self.scenario.warmup:
            queue.answered += 1
            queue.overflowed += elsewhere
            queue.waits.append(wait)
            queue.in_time += wait <= queue.within

    def abandoned(self, now: float, number: int, place: int, arrival: float) -> None:
        """It left unanswered."""
        queue = self.queues[place]
        queue.change(now, -1, self.begin, self.end)
        if number >= self.scenario.warmup:
            queue.abandoned += 1
            queue.seconds_of_leavers += now - arrival

    def declined(self, number: int, place: int) -> None:
        """An agent did not take it."""
        if number >= self.scenario.warmup:
            self.queues[place].declined += 1

    def turned_away(self, number: int, place: int) -> None:
        """Its queue was closed, and it went away."""
        if number >= self.scenario.warmup:
            self.queues[place].turned_away += 1

    def handled(self, agent: int, start: float, end: float) -> None:
        """An agent was done with one; `busy` counts what of it fell into the counted time."""
        self.busy[agent] += max(0.0, min(end, self.end) - max(start, self.begin))

    def close(self, now: float) -> None:
        """No more contacts are wanted, though the hours are not over: the counted time ends here."""
        self.end = min(self.end, now)

    @property
    def counted(self) -> float:
        """Seconds from the end of the warm-up to the last arrival."""
        return max(0.0, self.end - self.begin) if self.begin < math.inf else 0.0

    def answer(self) -> dict[str, Any]:
        """The object that `manage.py simulate` prints; docs/routing.md tells each figure. None where there is nothing to tell."""
        scenario = self.scenario
        return {
            "seed": scenario.seed,
            "strategy": scenario.strategy,
            "hours": self.end / 3600,
            "counted_hours": self.counted / 3600,
            "contacts": self.contacts,
            "warmup_contacts": scenario.warmup,
            "queues": [self._queue(place) for place in range(len(scenario.queues))],
            "warnings": list(scenario.warnings),
        }

    def _ready(self, agent: int) -> float:
        """Seconds of the counted time in which the agent was there."""
        presence = self.groups[agent].presence
        if presence.is_constant or not self.counted:
            return self.counted
        return presence.ready_seconds(self.begin, self.end)

    def _queue(self, place: int) -> dict[str, Any]:
        plan, queue = self.scenario.queues[place], self.queues[place]
        counted = self.counted
        ordered = sorted(queue.waits)
        serving = [n for n, group in enumerate(self.groups) if place in group.queues]
        ready = {n: self._ready(n) for n in serving}
        utilisation = [_share(self.busy[n], self.groups[n].capacity * ready[n]) for n in serving]
        room = sum(self.groups[n].capacity * ready[n] for n in serving)
        waited_in_all = math.fsum(queue.waits) + queue.seconds_of_leavers
        level = _share(queue.in_time, queue.offered)
        return {
            "name": plan.name,
            "offered": queue.offered,
            "answered": queue.answered,
            "abandoned": queue.abandoned,
            "overflowed": queue.overflowed,
            "unserved": queue.offered - queue.answered - queue.abandoned - queue.turned_away,
            "turned_away": queue.turned_away,
            "declined": queue.declined,
            "wait_probability": _share(queue.waited, queue.offered),
            "asa_seconds": _share(math.fsum(queue.waits), queue.answered),
            "wait_p50": quantile(ordered, 0.5),
            "wait_p90": quantile(ordered, 0.9),
            "mean_wait_seconds": _share(waited_in_all, queue.answered + queue.abandoned),
            "service_level": level,
            "service_level_target": {"share": plan.share, "seconds": plan.within},
            "service_level_met": None if level is None else level >= plan.share,
            "occupancy": _share(sum(self.busy[n] for n in serving), room),
            "utilisation_by_agent": utilisation,
            "waiting_mean": _share(queue.area, counted),
            "waiting_most": queue.longest,
        }


def quantile(ordered: list[float], share: float) -> float | None:
    """The smallest of the ordered values that at least `share` of them do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)] if ordered else None


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
