"""Short words for the tests of the pool: a pool with a queue, its agents, its items."""

from __future__ import annotations

from typing import Any

from routing.core.engine import Agent, Choice, Item, QueueRules
from routing.core.pool import Pool

SALES, SUPPORT = 1, 2


def pool_of(*agents: Agent, strategy: str = "longest_idle", seed: int = 0, bands: bool = False) -> Pool:
    """A pool with the queue SALES."""
    pool = Pool(seed=seed)
    pool.add_queue(QueueRules(SALES, strategy, bands=bands))
    for agent in agents:
        pool.put_agent(agent)
    return pool


def agent(key: int, penalty: int = 0, **fields: Any) -> Agent:
    """An agent of SALES, one contact at a time."""
    return Agent(key=key, queues=fields.pop("queues", {SALES: penalty}), **fields)


def item(key: int, vtime: float | None = None, queue: int = SALES, **fields: Any) -> Item:
    """A chat that takes the whole agent; it came at the time of its key unless told otherwise."""
    channel, cost = fields.pop("channel", "chat"), fields.pop("cost", 100)
    return Item(key, queue, channel, cost, float(key) if vtime is None else vtime, **fields)


def pairs(choices: list[Choice]) -> list[tuple[int, int]]:
    """(item, agent) of each choice."""
    return [(one.item, one.agent) for one in choices]
