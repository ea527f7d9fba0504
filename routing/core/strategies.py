"""The eight ways to choose among free agents who may take a contact. The pool takes the smallest key, then the smallest id.

Six of them order the agents of a queue whatever the contact is; `most_skilled` needs its requirements, and
`weighted_random` draws from a hash, so that a replay with the same seed makes the same decisions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routing.core.engine import Agent, QueueStats

Key = tuple[float, float]

NEVER_OFFERED = -1.0


def _round_robin(agent: Agent, stats: QueueStats) -> Key:
    """The longest since an offer of this queue, whether it was answered or not; who never had one comes first."""
    return (NEVER_OFFERED if stats.last_offer is None else float(stats.last_offer), 0.0)


def _fewest(agent: Agent, stats: QueueStats) -> Key:
    """The fewest contacts accepted in this queue."""
    return (float(stats.answered), 0.0)


def _longest_idle(agent: Agent, stats: QueueStats) -> Key:
    """Idle for the longest, over all his queues."""
    return (agent.idle_since, 0.0)


def _least_talk(agent: Agent, stats: QueueStats) -> Key:
    """The fewest seconds of talk and hold in this queue."""
    return (stats.handled_seconds, 0.0)


def _least_loaded(agent: Agent, stats: QueueStats) -> Key:
    """The smallest share of his units in use; of equal shares the longest idle (as Azure's job router)."""
    return (agent.units_used / agent.units_total if agent.units_total > 0 else 1.0, agent.idle_since)


def _linear(agent: Agent, stats: QueueStats) -> Key:
    """The first of the list who is free."""
    return (float(agent.position), 0.0)


#: Strategies whose order does not depend on the item.
ORDERED: dict[str, Callable[[Agent, QueueStats], Key]] = {
    "round_robin": _round_robin,
    "fewest": _fewest,
    "longest_idle": _longest_idle,
    "least_talk": _least_talk,
    "least_loaded": _least_loaded,
    "linear": _linear,
    # These two add to the order of the agents at the moment of the decision.
    "most_skilled": _longest_idle,
    "weighted_random": _linear,
}
STRATEGIES = (
    "round_robin",
    "fewest",
    "longest_idle",
    "least_talk",
    "least_loaded",
    "most_skilled",
    "linear",
    "weighted_random",
)


def skilled_key(proficiency: float, agent: Agent) -> Key:
    """Most skilled: the highest mean level of the skills asked for; of equals the longest idle."""
    return (-proficiency, agent.idle_since)


def draw(seed: int, item: int, agents: Sequence[tuple[int, int]]) -> int:
    """One of (agent, penalty), each with a chance proportional to 1 / (1 + penalty).

    The same seed, item and agents give the same answer. Raises ValueError where there are no agents.
    """
    if not agents:
        raise ValueError("There is nobody to draw from.")
    digest = hashlib.blake2b(f"{seed}:{item}".encode(), digest_size=8).digest()
    share = int.from_bytes(digest, "big") / 2**64
    present = sorted(agents)
    point = share * sum(1 / (1 + penalty) for _, penalty in present)
    for agent, penalty in present:
        point -= 1 / (1 + penalty)
        if point < 0:
            return agent
    return present[-1][0]
