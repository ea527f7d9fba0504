"""What goes into a decision of routing and what comes out of it: queues, agents, waiting items, choices, records.

Keys are the database's ids; times are seconds on whatever clock the caller runs (the simulation's or the house's).
`pool` decides over these; the dispatcher and the simulation make them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from routing.core.needs import ALWAYS, Needs
from routing.core.strategies import STRATEGIES


@dataclass(frozen=True, slots=True)
class QueueRules:
    """How a queue chooses among its agents. A higher weight goes first where agents are shared; with `bands` a lower
    penalty goes before everything the strategy says. Raises ValueError for a strategy that is none."""

    key: int
    strategy: str = "longest_idle"
    weight: int = 0
    bands: bool = False

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ValueError(f"“{self.strategy}” is no strategy; there are: {', '.join(STRATEGIES)}.")


@dataclass(slots=True)
class QueueStats:
    """What an agent did in one queue within the window that counts: the number of his last offer in the queue's own
    sequence (None: never), contacts accepted, seconds of talk and hold."""

    last_offer: int | None = None
    answered: int = 0
    handled_seconds: float = 0.0


@dataclass(slots=True)
class Agent:
    """An agent as the pool sees him. Once put into a pool the object belongs to it: change it by the pool's methods.

    queues: queue -> penalty (0 best), the queues of his teams. accepts: channels switched on, None for all of them.
    channel_caps: most contacts of a channel at once. position: his place for the linear strategy. why_not: a code for
    why he is not ready (`on_break`, `rona`, …), used in explanations. one_offer: whoever is offered something is not
    ready (`offered`) until its caller says otherwise, so that he answers one offer at a time. A queue without stats is
    one he is new in.
    """

    key: int
    queues: Mapping[int, int]
    skills: Mapping[str, int] = field(default_factory=dict)
    ready: bool = True
    units_total: int = 100
    units_used: int = 0
    channel_caps: Mapping[str, int] = field(default_factory=dict)
    channel_used: dict[str, int] = field(default_factory=dict)
    accepts: frozenset[str] | None = None
    idle_since: float = 0.0
    position: int = 0
    stats: dict[int, QueueStats] = field(default_factory=dict)
    why_not: str = ""
    one_offer: bool = False

    def has_room(self, channel: str, cost: int) -> bool:
        """Whether he is ready, takes this channel, and has the units and a place under the channel's cap."""
        return (
            self.ready
            and self.units_used + cost <= self.units_total
            and (self.accepts is None or channel in self.accepts)
            and (channel not in self.channel_caps or self.channel_used.get(channel, 0) < self.channel_caps[channel])
        )


@dataclass(slots=True)
class Item:
    """A contact that waits. vtime: seconds, entry less the boost of its priority; smaller goes first, then the key.

    excluded: agents who shall not get it (declined, timed out). preferred: agents asked first, in this order;
    only_preferred: nobody else is asked, as in the step that waits for the owner. extra_queues: queues it overflowed to,
    besides its own. cost: units of an agent, at least one. raised: agents of a lower penalty count with this one.
    Raises ValueError for a cost below one.
    """

    key: int
    queue: int
    channel: str
    cost: int
    vtime: float
    needs: Needs = ALWAYS
    excluded: frozenset[int] = frozenset()
    preferred: tuple[int, ...] = ()
    only_preferred: bool = False
    extra_queues: tuple[int, ...] = ()
    raised: int = 0

    def __post_init__(self) -> None:
        if self.cost < 1:
            raise ValueError(f"An item costs at least one unit; {self.key} costs {self.cost}.")

    @property
    def queues(self) -> tuple[int, ...]:
        """Its own queue first, then those it overflowed to, each once."""
        return tuple(dict.fromkeys((self.queue, *self.extra_queues))) if self.extra_queues else (self.queue,)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent who could have had the item, with what the strategy compared: smaller first."""

    agent: int
    penalty: int
    key: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class OfferRecord:
    """Why this agent: the first candidates in order, how many there were, and what kept the others of the queue away.

    by: `preferred` or the strategy's name. waiting: items in the pool when the choice was made, this one included. free:
    agents who could have had it. reasons: code -> agents of the queue, see `explain.REASONS`. missing: demand -> agents.
    The chosen one stands first among the candidates.
    """

    now: float
    item: int
    agent: int
    queue: int
    by: str
    weight: int
    vtime: float
    waiting: int
    free: int
    candidates: tuple[Candidate, ...]
    reasons: Mapping[str, int]
    missing: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision: this item goes to this agent, through this queue."""

    item: int
    agent: int
    queue: int
    record: OfferRecord | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that would let the item go at once, and for how many agents. Kinds: `frees`, `ready`, `accepts`,
    `exclusion_ends`, `anyone` (no longer only the preferred), `skill` (subject: the demand given up)."""

    kind: str
    agents: int
    subject: str = ""


@dataclass(frozen=True, slots=True)
class WaitRecord:
    """Why an item still waits: agents of its queues by their first obstacle, who comes next, what would change it.

    ahead: items served before it. reasons: code -> agents, see `explain.REASONS`; agents of several of its queues count
    once. next_agents: those who have the skills and lack only time, in the order in which the strategy would take them.
    """

    now: float
    item: int
    queues: tuple[int, ...]
    ahead: int
    agents: int
    reasons: Mapping[str, int]
    missing: Mapping[str, int]
    next_agents: tuple[int, ...]
    changes: tuple[Change, ...]
