"""The engine on a simulated clock: contacts arrive, wait, are handled or leave, and every decision is the pool's own.

Called by `manage.py simulate`, by the admin's what-if page, by tests and benches. Each queue draws arrivals, handling times
and patience from streams of its own, in the order of arrival: the same seed brings the same traffic whatever strategy,
skills or number of agents it meets.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator

from routing.core.engine import Agent, Choice, Item, QueueRules
from routing.core.pool import Pool
from routing.core.scenario import QueuePlan, Scenario
from routing.core.scenario_plan import Stage
from routing.core.scenario_presence import DAY, next_change, opens_at
from routing.core.simulation_answer import Tally

CHANNEL = "contact"
COST = 100  # units of one contact; an agent of capacity 2 has 200
#: The order at one instant: an agent frees, shifts begin and end, before a contact comes or leaves.
_FINISH, _TURN, _ARRIVE, _STEP, _BACK, _LEAVE = range(6)
#: Shifts go on for so long after the last arrival; whoever waits then is never served.
_AFTER = 7 * DAY

_NOBODY: frozenset[int] = frozenset()
_Contact = tuple[float, float, float | None]  # arrival, handling, patience


def run(
    scenario: Scenario,
    tally: Tally | None = None,
    *,
    tell: Callable[[int], None] | None = None,
    pool: Pool | None = None,
) -> Tally:
    """Simulates until the last contact has gone and returns the tally, a fresh one where none is given.

    `tell` is called with the number of contacts every ten thousand of them; what it raises ends the run. `pool` is an empty
    one, as `replay.Recorder` is.
    """
    pool = Pool(seed=scenario.seed) if pool is None else pool
    tally = Tally(scenario) if tally is None else tally
    for place, queue in enumerate(scenario.queues):
        bands = any(group.queues.get(place) for group in scenario.agents)
        pool.add_queue(QueueRules(place, strategy=queue.strategy, weight=queue.weight, bands=bands))
    for key, group in enumerate(tally.groups):
        why = group.presence.why_not(0.0)
        agent = Agent(
            key,
            dict(group.queues),
            dict(group.skills),
            ready=not why,
            units_total=COST * group.capacity,
            position=key,
            idle_since=0.0,
            why_not=why,
        )
        pool.put_agent(agent)
    _Run(scenario, pool, tally, tell).go()
    return tally


class _Run:
    """One run: the calendar of events, and who waits."""

    def __init__(self, scenario: Scenario, pool: Pool, tally: Tally, tell: Callable[[int], None] | None) -> None:
        self.pool, self.tally, self.tell = pool, tally, tell
        self.queues = scenario.queues
        self.turning = [(key, one.presence) for key, one in enumerate(tally.groups) if not one.presence.is_constant]
        self.chances = [random.Random(f"{scenario.seed}/{queue.name}/declines") for queue in scenario.queues]  # noqa: S311
        self.out: dict[int, frozenset[int]] = {}  # number -> agents who declined it a moment ago
        self.last_arrival = 0.0
        self.limit = scenario.contacts
        self.until = scenario.hours * 3600.0
        self.streams = [contacts(queue, scenario.seed, self.until) for queue in scenario.queues]
        self.events: list[
            tuple[float, int, int, int, float]
        ] = []  # when, kind, number, queue, agent or stage, handling
        self.waiting: dict[int, tuple[int, float, float]] = {}  # number -> queue, arrival, handling
        self.handling: dict[int, tuple[int, float]] = {}  # number -> queue it was taken through, start
        self.ahead: list[_Contact | None] = [None] * len(scenario.queues)  # the contact each queue expects next
        self.arrived = 0

    def go(self) -> None:
        """Event by event, until nothing is left to happen."""
        for place in range(len(self.queues)):
            self._expect(place)
        self._expect_turn(0.0)
        events, pop = self.events, heapq.heappop
        while events:
            now, kind, number, subject, handle = pop(events)
            if kind == _FINISH:
                self._finish(now, number, subject, handle)
            elif kind == _ARRIVE:
                self._arrive(now, subject)
            elif kind == _TURN:
                self._turn(now)
            elif number not in self.waiting:
                continue
            elif kind == _STEP:
                self._step(now, number, subject)
            elif kind == _BACK:
                self._back(now, number, subject)
            else:
                self._leave(now, number)

    def _expect(self, place: int) -> None:
        contact = next(self.streams[place], None)
        self.ahead[place] = contact
        if contact is not None:
            heapq.heappush(self.events, (contact[0], _ARRIVE, place, place, 0.0))

    def _arrive(self, now: float, place: int) -> None:
        if self.limit is not None and self.arrived >= self.limit:
            return
        contact = self.ahead[place]
        assert contact is not None
        _, handle, patience = contact
        number, self.arrived = self.arrived, self.arrived + 1
        self.last_arrival = now
        self.tally.offered(now, number, place)
        if self.limit is not None and self.arrived == self.limit:
            self.tally.close(now)
        self._expect(place)
        if self.tell is not None and self.arrived % 10_000 == 0:
            self.tell(self.arrived)
        queue = self.queues[place]
        opens = opens_at(queue.hours, now)
        if opens > now and queue.when_closed == "lost":
            self.tally.turned_away(number, place)
            return
        self.waiting[number] = (place, now, handle)
        stages = queue.stages
        if opens == now and not stages[0].holding:
            self._put(number, place, now, stages[0])
            self._match(now, number)
        if number in self.waiting:
            self.tally.waits(now, number, place)
            if opens > now:  # it enters when the queue opens, at the stage of its age
                stage = max(n for n, one in enumerate(stages) if now + one.begins <= opens)
                heapq.heappush(self.events, (opens, _STEP, number, stage, 0.0))
            elif len(stages) > 1:
                heapq.heappush(self.events, (now + stages[1].begins, _STEP, number, 1, 0.0))
            if patience is not None:
                heapq.heappush(self.events, (now + patience, _LEAVE, number, place, 0.0))

    def _put(self, number: int, place: int, arrival: float, stage: Stage) -> None:
        self.pool.put_item(
            Item(
                number,
                place,
                CHANNEL,
                COST,
                arrival - stage.boost,
                stage.needs,
                self.out.get(number, _NOBODY),
                extra_queues=stage.extra_queues,
            )
        )

    def _step(self, now: float, number: int, index: int) -> None:
        place, arrival, _ = self.waiting[number]
        stages = self.queues[place].stages
        if index + 1 < len(stages):
            heapq.heappush(self.events, (arrival + stages[index + 1].begins, _STEP, number, index + 1, 0.0))
        if not stages[index].holding:
            self._put(number, place, arrival, stages[index])
            self._match(now)

    def _match(self, now: float, fresh: int = -1) -> None:
        again = True
        while again:
            again = False
            for choice in self.pool.match(now):
                place, arrival, handle = self.waiting[choice.item]
                declines = self.queues[place].declines
                if declines.share and self.chances[place].random() < declines.share:
                    self._decline(now, choice, declines.seconds)
                    again = True
                    continue
                del self.waiting[choice.item]
                self.tally.answered(
                    now, choice.item, place, arrival, at_once=choice.item == fresh, elsewhere=choice.queue != place
                )
                self.pool.count(choice.agent, choice.queue, answered=1)
                self.handling[choice.item] = (choice.queue, now)
                heapq.heappush(self.events, (now + handle, _FINISH, choice.item, choice.agent, handle))

    def _decline(self, now: float, choice: Choice, seconds: float) -> None:
        """The agent is free again; the contact keeps its place, and for a while it is not offered to him."""
        number = choice.item
        place, arrival, _ = self.waiting[number]
        self.tally.declined(number, place)
        self.pool.release(choice.agent, CHANNEL, COST)
        if seconds:
            self.out[number] = self.out.get(number, _NOBODY) | {choice.agent}
            heapq.heappush(self.events, (now + seconds, _BACK, number, choice.agent, 0.0))
        self._put(number, place, arrival, self._stage(number, now))

    def _back(self, now: float, number: int, agent: int) -> None:
        """He may be asked again."""
        self.out[number] -= {agent}
        place, arrival, _ = self.waiting[number]
        self._put(number, place, arrival, self._stage(number, now))
        self._match(now)

    def _stage(self, number: int, now: float) -> Stage:
        place, arrival, _ = self.waiting[number]
        return next(one for one in reversed(self.queues[place].stages) if arrival + one.begins <= now)

    def _expect_turn(self, now: float) -> None:
        """The next begin or end of a shift or break, as long as there is anything to come."""
        goes_on = any(self.ahead) if self.limit is None or self.arrived < self.limit else False
        if self.turning and (goes_on or (self.waiting and now < self.last_arrival + _AFTER)):
            windows = [several for _key, one in self.turning for several in (one.shifts, one.breaks)]
            heapq.heappush(self.events, (next_change(windows, now), _TURN, -1, -1, 0.0))

    def _turn(self, now: float) -> None:
        for key, presence in self.turning:
            why = presence.why_not(now)
            agent = self.pool.agents[key]
            if agent.ready is bool(why):
                self.pool.set_ready(key, not why, idle_since=None if why else now, why_not=why)
        self._match(now)
        self._expect_turn(now)

    def _finish(self, now: float, number: int, agent: int, handle: float) -> None:
        queue, start = self.handling.pop(number)
        self.pool.count(agent, queue, handled_seconds=handle)
        self.pool.release(agent, CHANNEL, COST, idle_since=now)
        self.tally.handled(agent, start, now)
        if self.waiting:
            self._match(now)

    def _leave(self, now: float, number: int) -> None:
        place, arrival, _ = self.waiting.pop(number)
        self.pool.drop_item(number)
        self.tally.abandoned(now, number, place, arrival)


def contacts(queue: QueuePlan, seed: int, until: float) -> Iterator[_Contact]:
    """The traffic of one queue: arrival, handling and patience in seconds, until `until`. Equal seeds give equal traffic."""
    handle = queue.handle.sampler(random.Random(f"{seed}/{queue.name}/handling"))  # noqa: S311 - a simulation, no secret
    leave = (
        queue.patience.sampler(random.Random(f"{seed}/{queue.name}/patience"))  # noqa: S311
        if queue.patience is not None
        else None
    )
    if queue.recorded:
        for contact in queue.recorded:
            if contact.at > until:
                return
            drawn, patience = handle(), leave() if leave is not None else None
            yield (
                contact.at,
                drawn if contact.handle_seconds is None else contact.handle_seconds,
                patience if contact.patience_seconds is None else contact.patience_seconds,
            )
        return
    for at in _arrivals(queue.rates, random.Random(f"{seed}/{queue.name}/arrivals"), until):  # noqa: S311
        yield at, handle(), leave() if leave is not None else None


def _arrivals(rates: tuple[float, ...], chance: random.Random, until: float) -> Iterator[float]:
    """A Poisson process whose rate is constant within each hour."""
    if not any(rates):
        return
    now, hour = 0.0, 0
    while True:
        owed = chance.expovariate(1.0)  # contacts' worth of traffic until the next one
        while True:
            rate = rates[hour % len(rates)] / 3600.0
            end = (hour + 1) * 3600.0
            if len(rates) == 1 or rate * (end - now) >= owed:
                now += owed / rate
                break
            owed -= rate * (end - now)
            now, hour = end, hour + 1
            if now > until:
                return
        if now > until:
            return
        yield now
