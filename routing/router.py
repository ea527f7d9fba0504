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
from typing import Any, TypeVar

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
from routing.models import AgentPresence, Decision, Dirty, Handing, WorkItem
from routing.queries import house as reading
from routing.queries.house import House

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
#: Time spent in one turn on writing down why others wait, so that ten thousand waiting hold up nobody.
EXPLAIN_SECONDS = 0.02
ALERTS = frozenset({"unstaffed", "never_opens", "nobody_anywhere"})


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
        self.alerted: set[tuple[int, str]] = set()
        self.why: dict[int, str] = {}  # what was last written about an item's wait
        self.to_explain: dict[int, None] = {}
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
        self._turn_away()
        choices = self._match(at)
        if choices:
            self._write(choices)
        self._alert(at)
        self._explain_waits(at)
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
        house = self.house = reading.read_house(at)
        self.pool = Pool()
        for kept in (self.due, self.since, self.concerns, self.steps, self.turned, self.agents_again, self.items_again):
            kept.clear()
        for rules in reading.queue_rules(house):
            self.pool.add_queue(rules)
        self._put_agents(house, at, None)
        before, self.rows = self.rows, {}
        for row in reading.read_waiting(house):
            self._put(row.pk, row, house, at, is_new=row.pk not in before)
        self.why = {key: words for key, words in self.why.items() if key in self.rows}
        self.skipped = defaultdict(set, {key: gone for key, gone in self.skipped.items() if key in self.rows})

    def _begin_again(self, old: House, at: datetime) -> House:
        """The settings anew; agents and items follow in slices."""
        house = self.house = reading.read_house(at)
        house.staffed, house.waiting, house.plans = old.staffed, old.waiting, old.plans
        for rules in reading.queue_rules(house):
            if self.pool.queues.get(rules.key) != rules:
                self.pool.add_queue(rules)
        present = AgentPresence.objects.values_list("user_id", flat=True)
        self.agents_again = list({*present, *self.pool.agents})
        waiting = WorkItem.objects.filter(state=WorkItem.State.WAITING, handing__in=[Handing.OFFER, Handing.ASSIGN])
        self.items_again = list({*waiting.values_list("pk", flat=True), *self.rows})
        return house

    def _put_agents(self, house: House, at: datetime, keys: Collection[int] | None) -> None:
        found = reading.read_agents(house, at, keys)
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
        self.to_explain.update(dict.fromkeys(self.rows))

    def _keep_turns(self, agent: Agent) -> None:
        """Round robin counts offers in the pool's own sequence: the numbers of rows, once in it, would jump the line."""
        old = self.pool.agents.get(agent.key)
        for queue, stats in agent.stats.items():
            known = None if old is None else old.stats.get(queue)
            if known is not None and known.last_offer is not None:
                stats.last_offer = known.last_offer

    def _put_items(self, house: House, at: datetime, keys: Collection[int]) -> bool:
        """Reads and puts these items; False where one waits in a queue that is not known yet."""
        found = {row.pk: row for row in reading.read_waiting(house, keys)}
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
            self.why.pop(key, None)
            return
        outcome = self._turned_away(row, house, at, is_new=is_new)
        self.rows[key] = row
        house.waiting[row.queue_id] += 1
        if outcome is not None:
            self.turned.append((row, outcome))
            if outcome.behaviour != "keep":
                return
        waiting = reading.as_waiting(row, house, self.pool.agents, self.since, at, skipped=self.skipped.get(key, ()))
        for agent in {*map(int, row.excluded), *(waiting.item.preferred if waiting.item is not None else ())}:
            self.concerns[agent].add(key)
        if waiting.item is not None:
            self.pool.put_item(waiting.item)
            if waiting.step.skip_if or waiting.step.only_preferred:
                self.steps[key] = waiting.step
        if waiting.look_at is not None:
            heappush(self.due, (waiting.look_at, key))
        self.to_explain[key] = None

    def _turned_away(self, row: WorkItem, house: House, at: datetime, *, is_new: bool) -> Outcome | None:
        """What a queue that takes nobody now does with the contact; None where it waits as others do.

        Of new contacts those count of which nothing was decided yet: a new term turns away nobody who was let in.
        """
        if is_new and not getattr(row, "known", False):
            outcome = reading.arrival_of(row, house, at)
            if outcome.behaviour == "enter":
                return None
            self._note_alert(row, outcome.alert)
            return outcome
        behaviour = reading.closing_of(row, house, at)
        if behaviour in {"drain", "keep"}:
            return None
        outcome = reading.arrival_of(row, house, at)
        if behaviour == "other_queue":
            return outcome if outcome.behaviour == "other_queue" else None
        if behaviour == "callback_next_open" and row.channel == "callback":
            return None  # it waits for the opening anyway
        return Outcome(behaviour, row.queue_id, outcome.state or "closed", outcome.opens_at)

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
            if reading.skips(self.rows[key], step, house, self.pool.agents, at) and step.no not in self.skipped[key]:
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
            self.why.pop(choice.item, None)
            self.steps.pop(choice.item, None)
        log.info("matched", extra={"offers": len(made), "assigned": len(direct), "chosen": len(choices)})

    def _chosen(self, choice: Choice) -> offers.Chosen:
        record = _plain(asdict(choice.record)) if choice.record is not None else {}
        return offers.Chosen(choice.item, choice.agent, choice.queue, reading.cost_of(self.rows[choice.item]), record)

    def _turn_away(self) -> None:
        for row, outcome in _taken(self.turned, TURNED_A_TURN):
            if arriving.turn_away(row, outcome) not in {"", "keep"}:
                self._forget(row.pk)

    def _forget(self, key: int) -> None:
        """The item waits here no more; what has become of it comes back as a change."""
        if self.house is not None:
            self._put(key, None, self.house, now())

    def _note_alert(self, row: WorkItem, why: str) -> None:
        if why in ALERTS and (row.queue_id, why) not in self.alerted:
            self.alerted.add((row.queue_id, why))
            arriving.alert_leads(row, why)

    def _alert(self, at: datetime) -> None:
        """Leads hear once of a queue in which somebody waits whom nobody can take: none at work, or it never opens."""
        house = self.house
        if house is None:
            return
        trouble: set[tuple[int, str]] = set()
        for queue, count in house.waiting.items():
            if count > 0 and queue in house.queues:
                opened, changes_at = house.opening(queue, at)
                if opened and not house.staffed[queue]:
                    trouble.add((queue, "unstaffed"))
                elif not opened and changes_at is None:
                    trouble.add((queue, "never_opens"))
        new = trouble - self.alerted
        self.alerted = {one for one in self.alerted if one in trouble or one[1] == "nobody_anywhere"}
        for queue, why in new:
            row = next((row for row in self.rows.values() if row.queue_id == queue), None)
            if row is not None:
                self._note_alert(row, why)

    def _explain_waits(self, at: datetime) -> None:
        """A decision row for each item whose reasons for waiting have changed; as many as there is time for."""
        fresh: list[Decision] = []
        until = time.monotonic() + EXPLAIN_SECONDS
        while self.to_explain and time.monotonic() < until:
            key = next(iter(self.to_explain))
            del self.to_explain[key]
            if key not in self.pool.items:
                continue
            record = self.pool.explain(key, at.timestamp())
            words = repr((sorted(record.reasons.items()), sorted(record.missing.items())))
            if self.why.get(key) != words:
                self.why[key] = words
                fresh.append(Decision(item_id=key, at=at, kind="wait", record=_plain(asdict(record))))
        if fresh:
            Decision.objects.bulk_create(fresh, ignore_conflicts=True)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in record.items()}


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
