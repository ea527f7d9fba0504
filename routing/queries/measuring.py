"""The estimated wait and the service level of queues whose rules ask for them: overflow by either, and the choice among sites.

Read by the dispatcher every few seconds, and by explanations once; queues that nobody asks about cost nothing. A wait is
that of a contact which came now and asked for nothing special.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from routing.core.closed import ClosedRules
from routing.core.engine import Item
from routing.core.estimate import Estimate, Hidden, estimate
from routing.core.pool import Pool
from routing.models import ContactChannel
from routing.queries.board_traffic import NOW_SLOTS, handling, patiences, tallies, within
from routing.queries.estimating import standing_of
from routing.queries.house import House, Measured, Pace
from routing.queries.settings import COST

#: Key of a contact that is not there: it comes after every other of its time.
_LAST = 2**62


def asked_for(closed: Mapping[int, ClosedRules]) -> dict[int, set[str]]:
    """By queue what its own rules or those of others ask of it: `ewt`, `service_level`."""
    found: dict[int, set[str]] = {}
    for key, rules in closed.items():
        whens = {rule.when for rule in rules.overflow} & {"ewt", "service_level"}
        if whens:
            found.setdefault(key, set()).update(whens)
        if len(rules.other_queues) > 1:  # the best of them is taken
            for other in rules.other_queues:
                found.setdefault(other, set()).update({"ewt", "service_level"})
    return {key: whens for key, whens in found.items() if key in closed}


def measure(house: House, pool: Pool, at: datetime, *, levels: bool = True) -> dict[int, Measured]:
    """What is asked for, as things stand; with `levels` False the levels known so far are kept.

    Two queries for each queue whose wait is asked for, one for all levels, two once for a house.
    """
    asked = asked_for(house.closed)
    waits = waits_of([key for key, whens in asked.items() if "ewt" in whens], house, pool, at)
    wanted = [key for key, whens in asked.items() if "service_level" in whens]
    known = {key: one.service_level for key, one in house.measured.items()}
    found = levels_of(wanted, house, at) if levels and wanted else known
    return {key: Measured(waits.get(key), found.get(key)) for key in asked}


def waits_of(queues: Collection[int], house: House, pool: Pool, at: datetime) -> dict[int, float | None]:
    """Seconds that a contact of each queue would wait, came it now: infinite where nobody at work could take it.

    Where no handling time is known, the time that the longest waiting has waited stands in.
    """
    channels: dict[int, Counter[str]] = {}
    oldest: dict[int, float] = {}
    for item in pool.items.values():
        channels.setdefault(item.queue, Counter())[item.channel] += 1
        oldest[item.queue] = min(oldest.get(item.queue, math.inf), item.vtime)
    if not house.paces and queues:
        handled, leaving = handling(queues, at), patiences(queues, at)
        house.paces = {key: Pace(handled.get(key), leaving.get(key)) for key in queues}
    found: dict[int, float | None] = {}
    for queue in queues:
        channel = channels[queue].most_common(1)[0][0] if queue in channels else ContactChannel.CHAT.value
        coming = Item(_LAST, queue, channel, COST[ContactChannel(channel)], at.timestamp())
        told = estimate(replace(standing_of(pool, coming, at, house.paces.get(queue)), erratic=False))
        if isinstance(told, Estimate):
            found[queue] = told.mean
        elif told == Hidden.NOBODY:
            found[queue] = math.inf
        else:
            found[queue] = max(0.0, at.timestamp() - oldest[queue]) if queue in oldest else None
    return found


def levels_of(queues: Collection[int], house: House, at: datetime) -> dict[int, float | None]:
    """The share of contacts of the last half hour that were answered in time. One query."""
    rows = [house.queues[key] for key in queues]
    return {key: within(slots, 0, NOW_SLOTS).level for key, slots in tallies(rows, house.rules, at).items()}


def leanings(house: House, at: datetime) -> dict[int, tuple[bool, ...]]:
    """By queue with rules of overflow: which of them hold now for everybody who waits, whatever his own wait.

    When this changes, those who wait there are to be looked at again.
    """
    found: dict[int, tuple[bool, ...]] = {}
    for key, rules in house.closed.items():
        general = [rule for rule in rules.overflow if rule.when != "wait"]
        if general:
            here, state = house.now(key, at), house.state(key, at)
            found[key] = tuple(rule.holds(here, state, 0.0) for rule in general)
    return found
