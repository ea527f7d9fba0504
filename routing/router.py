"""The dispatcher's role `route`: sweeps what is due, reads what has changed, lets the engine match, writes offers.

The pool in memory is a copy that may be thrown away at any moment: a new term reads everything anew, and what is written is
written under conditions that the rows decide (routing.actions.offers). Changes come as Dirty rows. What changes by the clock
alone is looked at when it is due (steps, hours, exclusions), and each minute everything is read again in slices, for shifts
and skills that expire.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from heapq import heappop, heappush
from itertools import islice
from typing import TypeVar

from django.db import connection

from helpdesk.now import now
from routing.actions import agents as agent_actions
from routing.actions import arriving, handling, offers
from routing.actions.assigning import assign_directly
from routing.actions.breaks import sweep_breaks
from routing.actions.lost import give_back_of_lost
from routing.core.closed import Outcome
from routing.core.engine import Agent, Choice
from routing.core.plan import StepInForce
from routing.core.pool import Pool
from routing.models import AgentPresence, Dirty, Handing, WorkItem
from routing.queries.house import House, queue_rules, read_house
from routing.queries.measuring import leanings, measure
from routing.queries.opening import arrival_of, closing_of
from routing.queries.staff import read_agents
from routing.queries.waiting import as_waiting, cost_of, read_waiting, skips
from routing.telling import Telling, plain

T = TypeVar("T")
log = logging.getLogger("routing.router")
BATCH = 100
REREAD_SECONDS = 60
#: Changes taken off the table at once; each may be told several times.
DIRTY_AT_ONCE = 2000
#: What is read again in one turn, while others wait for their offers.
SLICE_AGENTS, SLICE_ITEMS = 100, 300
#: Contacts that a queue turns away in one turn: each is a transaction, and others wait for their offers.
TURNED_A_TURN = 20
#: Sweeps are made at least so often while turns follow each other without a pause.
SWEEP_SECONDS = 0.5
#: Estimated waits and service levels that rules ask for are read so often.
MEASURE_SECONDS, LEVEL_SECONDS = 5.0, 15.0


class Router:
    """One term of the role. `turn` is called once a second and whenever the bell rings."""

    def __init__(self) -> None:
        self.pool = Pool()
        self.house: House | None = None
        self.rows: dict[int, WorkItem] = {}  # waiting items by key
        self.since: dict[int, datetime] = {}  # since when each agent is what he is
        self.due: list[tuple[float, int]] = []  # when to look at an item again
        self.steps: dict[int, StepInForce] = {}  # steps that may be left early, to be asked after the match
        self.skipped: dict[int, set[int]] = defaultdict(set)  # item -> steps it has left early
        self.concerns: dict[int, set[int]] = defaultdict(set)  # agent -> items that leave him out or prefer him
        self.turned: list[tuple[WorkItem, Outcome]] = []  # to be turned away by a queue that takes nobody
        self.telling = Telling()
        self.leanings: dict[int, tuple[bool, ...]] = {}  # queue -> which of its overflow rules hold
        self.measured_at = self.levels_at = float("-inf")
        self.agents_again: list[int] = []  # to be read again in slices
        self.items_again: list[int] = []
        self.swept = 0.0
        self.is_hurried = False  # whether the last turn left more to do

    def turn(self) -> bool:
        """Sweeps, reads, matches, writes. True when there is more to do at once."""
        if not self.is_hurried or time.monotonic() - self.swept >= SWEEP_SECONDS:
            self._sweep()
            self.swept = time.monotonic()
        at = now()
        self._read_changes(at)
        self._look_at_due(at)
        self._measure(at)
        self._turn_away()
        choices = self._match(at)
        if choices:
            self._write(choices)
        if self.house is not None:
            self.telling.alerts(self.house, self.rows, self.pool.crowded, at)
        self.telling.explain(self.pool, at)
        self.telling.write()
        self.is_hurried = len(choices) >= BATCH or bool(self.agents_again or self.items_again or self.turned)
        return self.is_hurried

    def _sweep(self) -> None:
        agent_actions.sweep_lost_agents()
        give_back_of_lost()
        offers.expire_offers()
        handling.sweep_wrapups()
        agent_actions.sweep_returns()
        sweep_breaks()

    # Reading

    def _read_changes(self, at: datetime) -> None:
        changes = take_dirty()
        house = self.house
        if house is None or any(kind == Dirty.Kind.QUEUE for kind, _ref in changes):
            while len(changes) == DIRTY_AT_ONCE:  # what has changed so far is read with everything else
                changes = take_dirty()
            self._read_all(at)
            return
        if (at - house.at).total_seconds() >= REREAD_SECONDS and not self.items_again and not self.agents_again:
            house = self._begin_again(house, at)
        agents = {ref for kind, ref in changes if kind == Dirty.Kind.AGENT}
        items = {ref for kind, ref in changes if kind == Dirty.Kind.ITEM}
        agents.update(_taken(self.agents_again, SLICE_AGENTS))
        items.update(_taken(self.items_again, SLICE_ITEMS))
        if agents:
            self._put_agents(house, at, agents)
        if items and not self._put_items(house, at, items):
            self._read_all(at)

    def _read_all(self, at: datetime) -> None:
        """A fresh copy of everything."""
        old, house = self.house, read_house(at)
        if old is not None:
            house.measured = old.measured
        self.house, self.pool = house, Pool()
        for kept in (self.due, self.since, self.concerns, self.steps, self.turned, self.agents_again, self.items_again):
            kept.clear()
        for rules in queue_rules(house):
            self.pool.add_queue(rules)
        self._put_agents(house, at, None)
        before, self.rows = self.rows, {}
        for row in read_waiting(house):
            self._put(row.pk, row, house, at, is_new=row.pk not in before)
        self.telling.keep(self.rows)
        self.skipped = defaultdict(set, {key: gone for key, gone in self.skipped.items() if key in self.rows})

    def _begin_again(self, old: House, at: datetime) -> House:
        """The settings anew; agents and items follow in slices."""
        house = self.house = read_house(at)
        house.staffed, house.waiting, house.plans = old.staffed, old.waiting, old.plans
        house.measured = old.measured
        for rules in queue_rules(house):
            if self.pool.queues.get(rules.key) != rules:
                self.pool.add_queue(rules)
        present = AgentPresence.objects.values_list("user_id", flat=True)
        self.agents_again = list({*present, *self.pool.agents})
        waiting = WorkItem.objects.filter(state=WorkItem.State.WAITING, handing__in=[Handing.OFFER, Handing.ASSIGN])
        self.items_again = list({*waiting.values_list("pk", flat=True), *self.rows})
        return house

    def _put_agents(self, house: House, at: datetime, keys: Collection[int] | None) -> None:
        found = read_agents(house, at, keys)
        for agent in sorted(found, key=lambda agent: not agent.stats):  # newcomers begin with the least of the others
            self._keep_turns(agent)
            self.pool.put_agent(agent)
        for key in set(keys or ()) - {agent.key for agent in found}:
            self.pool.drop_agent(key)
            self.since.pop(key, None)
        self.since.update(
            AgentPresence.objects.filter(user__in=[a.key for a in found]).values_list("user_id", "since_at")
        )
        house.count_staff(self.pool.agents.values())
        for key in keys or ():  # who is ready anew is left out no more; who is gone is waited for no longer
            for item in self.concerns.pop(key, set()) & self.rows.keys():
                self._put(item, self.rows[item], house, at)
        self.telling.to_explain.update(dict.fromkeys(self.rows))

    def _keep_turns(self, agent: Agent) -> None:
        """Round robin counts offers in the pool's own sequence: the numbers of rows, once in it, would jump the line."""
        old = self.pool.agents.get(agent.key)
        for queue, stats in agent.stats.items():
            known = None if old is None else old.stats.get(queue)
            if known is not None and known.last_offer is not None:
                stats.last_offer = known.last_offer

    def _put_items(self, house: House, at: datetime, keys: Collection[int]) -> bool:
        """Reads and puts these items; False where one waits in a queue that is not known yet."""
        found = {row.pk: row for row in read_waiting(house, keys)}
        for key in keys:
            row = found.get(key)
            self._put(key, row, house, at, is_new=row is not None and key not in self.rows)
        missing = [key for key in keys if key not in found]
        if not missing:
            return True
        unknown = WorkItem.objects.filter(pk__in=missing, state=WorkItem.State.WAITING, queue__is_active=True)
        handed = unknown.filter(handing__in=[Handing.OFFER, Handing.ASSIGN]).exclude(queue__in=house.queues)
        return not handed.exists()

    def _put(self, key: int, row: WorkItem | None, house: House, at: datetime, *, is_new: bool = False) -> None:
        """The item as it stands now goes into the pool, or out of it."""
        self.pool.drop_item(key)
        self.steps.pop(key, None)
        before = self.rows.pop(key, None)
        if before is not None:
            house.waiting[before.queue_id] -= 1
        if row is None:
            self.telling.forget(key)
            return
        if row.demand.get("unknown"):
            self.telling.alert(row, "unknown_skill")
        outcome = self._turned_away(row, house, at, is_new=is_new)
        self.rows[key] = row
        house.waiting[row.queue_id] += 1
        if outcome is not None:
            self.turned.append((row, outcome))
            if outcome.behaviour != "keep":
                return
        waiting = as_waiting(row, house, self.pool.agents, self.since, at, skipped=self.skipped.get(key, ()))
        self.telling.overflows(row, waiting, house, at)
        for agent in {*map(int, row.excluded), *(waiting.item.preferred if waiting.item is not None else ())}:
            self.concerns[agent].add(key)
        if waiting.item is not None:
            self.pool.put_item(waiting.item)
            if waiting.step.skip_if or waiting.step.only_preferred:
                self.steps[key] = waiting.step
        if waiting.look_at is not None:
            heappush(self.due, (waiting.look_at, key))
        self.telling.to_explain[key] = None

    def _turned_away(self, row: WorkItem, house: House, at: datetime, *, is_new: bool) -> Outcome | None:
        """What a queue that takes nobody now does with the contact; None where it waits as others do.

        Of new contacts those count of which nothing was decided yet: a new term turns away nobody who was let in.
        """
        if is_new and not getattr(row, "known", False):
            outcome = arrival_of(row, house, at)
            if outcome.behaviour == "enter":
                return None
            self.telling.alert(row, outcome.alert)
            return outcome
        behaviour = closing_of(row, house, at)
        if behaviour in {"drain", "keep"}:
            return None
        outcome = arrival_of(row, house, at)
        if behaviour == "other_queue":
            return outcome if outcome.behaviour == "other_queue" else None
        if behaviour == "callback_next_open" and row.channel == "callback":
            return None  # it waits for the opening anyway
        return Outcome(behaviour, row.queue_id, outcome.state or "closed", outcome.opens_at)

    def _measure(self, at: datetime) -> None:
        """Estimated waits and levels for the rules that ask; whoever waits under a rule that holds anew or no more is put again.

        Read every MEASURE_SECONDS, levels every LEVEL_SECONDS; nothing where no queue has such rules. Of long queues the
        first are put at once, the others in slices.
        """
        house, tick = self.house, time.monotonic()
        if house is None:
            return
        if tick - self.measured_at >= MEASURE_SECONDS:
            with_levels = tick - self.levels_at >= LEVEL_SECONDS
            house.measured = measure(house, self.pool, at, levels=with_levels)
            self.measured_at = tick
            if with_levels:
                self.levels_at = tick
        before, self.leanings = self.leanings, leanings(house, at)
        turned = {key for key, holds in self.leanings.items() if before.get(key) != holds}
        turned |= before.keys() - self.leanings.keys()
        if turned:
            keys = [key for key, row in self.rows.items() if row.queue_id in turned]
            for key in keys[:SLICE_ITEMS]:
                self._put(key, self.rows[key], house, at)
            self.items_again += sorted(set(keys[SLICE_ITEMS:]) - set(self.items_again))

    def _look_at_due(self, at: datetime) -> None:
        """Steps that end, exclusions that are over, queues that open and close."""
        due: set[int] = set()
        while self.due and self.due[0][0] <= at.timestamp():
            due.add(heappop(self.due)[1])
        for key in sorted(due):
            if key in self.rows and self.house is not None:
                self._put(key, self.rows[key], self.house, at)

    # Deciding

    def _match(self, at: datetime) -> list[Choice]:
        """The engine's choices; contacts whose step brought nobody and need not be waited out go on to the next."""
        choices = self.pool.match(at.timestamp(), limit=BATCH, record=True)
        while self.steps and len(choices) < BATCH and self._leave_steps(at):
            choices += self.pool.match(at.timestamp(), limit=BATCH - len(choices), record=True)
        return choices

    def _leave_steps(self, at: datetime) -> bool:
        """Whether any contact has left its step; each is asked once when it is put."""
        house = self.house
        asked, self.steps = self.steps, {}
        left = False
        for key, step in asked.items():
            if house is None or key not in self.pool.items:
                continue
            if skips(self.rows[key], step, house, self.pool.agents, at) and step.no not in self.skipped[key]:
                self.skipped[key].add(step.no)
                self._put(key, self.rows[key], house, at)
                left = True
        return left

    # Writing

    def _write(self, choices: list[Choice]) -> None:
        direct = [c for c in choices if self.rows[c.item].handing == Handing.ASSIGN]
        offered = [c for c in choices if self.rows[c.item].handing == Handing.OFFER]
        made = offers.make_offers([self._chosen(choice) for choice in offered]) if offered else []
        for choice in direct:
            assign_directly(self._chosen(choice))
        for choice in choices:
            row = self.rows.pop(choice.item, None)
            if row is not None and self.house is not None:
                self.house.waiting[row.queue_id] -= 1
            self.telling.forget(choice.item)
            self.steps.pop(choice.item, None)
        log.info("matched", extra={"offers": len(made), "assigned": len(direct), "chosen": len(choices)})

    def _chosen(self, choice: Choice) -> offers.Chosen:
        record = plain(asdict(choice.record)) if choice.record is not None else {}
        return offers.Chosen(choice.item, choice.agent, choice.queue, cost_of(self.rows[choice.item]), record)

    def _turn_away(self) -> None:
        for row, outcome in _taken(self.turned, TURNED_A_TURN):
            if arriving.turn_away(row, outcome) not in {"", "keep"}:
                self._forget(row.pk)

    def _forget(self, key: int) -> None:
        """The item waits here no more; what has become of it comes back as a change."""
        if self.house is not None:
            self._put(key, None, self.house, now())


def _taken(keys: list[T], count: int) -> Iterable[T]:
    """Takes so many off the list."""
    taken = list(islice(keys, count))
    del keys[:count]
    return taken


def take_dirty(limit: int = DIRTY_AT_ONCE) -> list[tuple[str, int]]:
    """What has changed since the last look, oldest first, each once. Reads it off the table: it is not told twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM routing_dirty WHERE id IN (SELECT id FROM routing_dirty ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
            " RETURNING kind, ref",
            [limit],
        )
        return [(str(kind), int(ref)) for kind, ref in cursor.fetchall()]
