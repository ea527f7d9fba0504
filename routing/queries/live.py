"""The pool as it stands this moment, made of rows for one question: why something waits, how long it will.

The dispatcher keeps such a pool in its memory; a page makes one for itself and throws it away. It holds all agents, and the
contacts of every queue that shares an agent with the queue asked about: whatever else waits cannot be served before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from routing.core.engine import Agent
from routing.core.pool import Pool
from routing.models import AgentPresence, WorkItem
from routing.queries.house import House, queue_rules, read_house
from routing.queries.measuring import asked_for, measure
from routing.queries.staff import read_agents
from routing.queries.waiting import Waiting, as_waiting, read_waiting


@dataclass(frozen=True, slots=True)
class Live:
    """A pool with everything it was made of."""

    at: datetime
    house: House
    pool: Pool
    agents: dict[int, Agent]
    since: dict[int, datetime]
    rows: dict[int, WorkItem]
    waiting: dict[int, Waiting]

    def add(self, row: WorkItem) -> Waiting:
        """Puts one more item into the pool as it stands now; for a dry run the row need not be kept anywhere."""
        waiting = as_waiting(row, self.house, self.agents, self.since, self.at)
        self.rows[row.pk], self.waiting[row.pk] = row, waiting
        if waiting.item is not None:
            self.pool.put_item(waiting.item)
        return waiting


def live_pool(queues: Collection[int], at: datetime) -> Live:
    """The pool around these queues. Some fifteen queries, however much waits."""
    house = read_house(at)
    found = read_agents(house, at)
    agents = {agent.key: agent for agent in found}
    since = dict(AgentPresence.objects.filter(user__in=agents).values_list("user_id", "since_at"))
    pool = Pool()
    for rules in queue_rules(house):
        pool.add_queue(rules)
    for agent in found:
        pool.put_agent(agent)
    house.count_staff(found)
    near = set(queues)
    for queue in queues:
        near.update(target for rule in house.closed[queue].overflow for target in rule.to if queue in house.closed)
    near |= {queue for agent in found if near & set(agent.queues) for queue in agent.queues}
    live = Live(at, house, pool, agents, since, {}, {})
    rows = [row for row in read_waiting(house) if row.queue_id in near]
    house.waiting = Counter(row.queue_id for row in rows)
    for row in rows:
        live.add(row)
    if near & asked_for(house.closed).keys():  # overflow by measures that only the full pool gives
        house.measured = measure(house, pool, at)
        for row in rows:
            live.add(row)
    return live
