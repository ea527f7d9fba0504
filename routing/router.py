"""The dispatcher's role `route`: sweeps what is due, reads what has changed, lets the engine match, writes offers.

The pool in memory is a copy that may be thrown away at any moment: a new term reads everything anew, and what is written is
written under conditions that the rows decide (routing.actions.offers). Changes come as Dirty rows; hours, shifts and the
expiry of skills are noticed by reading everything again each minute.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from heapq import heappop, heappush
from typing import Any

from django.db import connection

from helpdesk.now import now
from routing.actions import agents as agent_actions
from routing.actions import handling, offers
from routing.actions.assigning import assign_directly
from routing.actions.breaks import sweep_breaks
from routing.actions.lost import give_back_of_lost
from routing.core.engine import Choice
from routing.core.pool import Pool
from routing.models import AgentPresence, Decision, Dirty, Handing, WorkItem
from routing.queries import house as reading
from routing.queries.house import House

log = logging.getLogger("routing.router")
BATCH = 100
REREAD_SECONDS = 60
#: Waiting items whose reasons are looked at in one turn, so that ten thousand waiting are not ten thousand rows.
EXPLAINED_A_TURN = 50


class Router:
    """One term of the role. `turn` is called once a second and whenever the bell rings."""

    def __init__(self) -> None:
        self.pool = Pool()
        self.house: House | None = None
        self.rows: dict[int, WorkItem] = {}  # waiting items by key
        self.since: dict[int, datetime] = {}  # since when each agent is what he is
        self.due: list[tuple[float, int]] = []  # when to look at an item again
        self.why: dict[int, str] = {}  # what was last written about an item's wait
        self.to_explain: dict[int, None] = {}
        self.left_out: dict[int, set[int]] = defaultdict(set)  # agent -> items that are not to be offered to him

    def turn(self) -> bool:
        """Sweeps, reads, matches, writes. True when there is more to do at once."""
        self._sweep()
        at = now()
        self._read_changes(at)
        self._look_at_due(at)
        choices = self.pool.match(at.timestamp(), limit=BATCH, record=True)
        if choices:
            self._write(choices)
        self._explain_waits(at)
        return len(choices) == BATCH

    def _sweep(self) -> None:
        offers.expire_offers()
        handling.sweep_wrapups()
        agent_actions.sweep_returns()
        sweep_breaks()
        give_back_of_lost(agent_actions.sweep_lost_agents())

    def _read_changes(self, at: datetime) -> None:
        changes = take_dirty()
        kinds = {kind for kind, _ref in changes}
        house = self.house
        if house is None or Dirty.Kind.QUEUE in kinds or (at - house.at).total_seconds() >= REREAD_SECONDS:
            self._read_all(at)
            return
        agents = {ref for kind, ref in changes if kind == Dirty.Kind.AGENT}
        items = {ref for kind, ref in changes if kind == Dirty.Kind.ITEM}
        if agents:
            self._put_agents(house, at, agents)
        if items:
            found = {row.pk: row for row in reading.read_waiting(house, items)}
            for key in items:
                self._put(key, found.get(key), house, at)

    def _read_all(self, at: datetime) -> None:
        """A fresh copy of everything."""
        house = self.house = reading.read_house(at)
        self.pool = Pool()
        self.due.clear()
        for rules in reading.queue_rules(house):
            self.pool.add_queue(rules)
        self.since.clear()
        self.left_out.clear()
        self._put_agents(house, at, None)
        rows = reading.read_waiting(house)
        house.waiting = Counter(row.queue_id for row in rows)
        self.rows.clear()
        for row in rows:
            self._put(row.pk, row, house, at)
        self.why = {key: words for key, words in self.why.items() if key in self.rows}

    def _put_agents(self, house: House, at: datetime, keys: Iterable[int] | None) -> None:
        found = reading.read_agents(house, at, keys)
        for agent in found:
            self.pool.put_agent(agent)
        for key in set(keys or ()) - {agent.key for agent in found}:
            self.pool.drop_agent(key)
        self.since.update(
            AgentPresence.objects.filter(user__in=[a.key for a in found]).values_list("user_id", "since_at")
        )
        house.staffed = Counter(
            queue for agent in self.pool.agents.values() if agent.why_not != "offline" for queue in agent.queues
        )
        for key in keys or ():  # who is ready anew is left out no more
            for item in self.left_out.pop(key, set()) & self.rows.keys():
                self._put(item, self.rows[item], house, at)
        self.to_explain.update(dict.fromkeys(self.rows))

    def _put(self, key: int, row: WorkItem | None, house: House, at: datetime) -> None:
        """The item as it stands now goes into the pool, or out of it."""
        self.pool.drop_item(key)
        if row is None:
            self.rows.pop(key, None)
            self.why.pop(key, None)
            return
        self.rows[key] = row
        for agent in row.excluded:
            self.left_out[int(agent)].add(key)
        waiting = reading.as_waiting(row, house, self.pool.agents, self.since, at)
        if waiting.item is not None:
            self.pool.put_item(waiting.item)
        if waiting.look_at is not None:
            heappush(self.due, (waiting.look_at, key))
        self.to_explain[key] = None

    def _look_at_due(self, at: datetime) -> None:
        """Steps that end, exclusions that are over, queues that open."""
        while self.due and self.due[0][0] <= at.timestamp():
            _when, key = heappop(self.due)
            if key in self.rows and self.house is not None:
                self._put(key, self.rows[key], self.house, at)

    def _write(self, choices: list[Choice]) -> None:
        direct = [c for c in choices if self.rows[c.item].handing == Handing.ASSIGN]
        offered = [c for c in choices if self.rows[c.item].handing == Handing.OFFER]
        made = offers.make_offers([self._chosen(choice) for choice in offered]) if offered else []
        for choice in direct:
            assign_directly(self._chosen(choice))
        for choice in choices:
            self.rows.pop(choice.item, None)
            self.why.pop(choice.item, None)
        log.info("matched", extra={"offers": len(made), "assigned": len(direct), "chosen": len(choices)})

    def _chosen(self, choice: Choice) -> offers.Chosen:
        record = asdict(choice.record) if choice.record is not None else {}
        return offers.Chosen(choice.item, choice.agent, reading.cost_of(self.rows[choice.item]), record)

    def _explain_waits(self, at: datetime) -> None:
        """A decision row for each item whose reasons for waiting have changed; a few a turn."""
        fresh: list[Decision] = []
        for key in list(self.to_explain)[:EXPLAINED_A_TURN]:
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


def take_dirty(limit: int = 5000) -> list[tuple[str, int]]:
    """What has changed since the last look, oldest first, each once. Reads it off the table: it is not told twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM routing_dirty WHERE id IN (SELECT id FROM routing_dirty ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
            " RETURNING kind, ref",
            [limit],
        )
        return list(dict.fromkeys(cursor.fetchall()))
