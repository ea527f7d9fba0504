"""The reasons of a decision, in codes and counts: why this agent, why still waiting, what would change it.

Called by the pool only; whoever shows a record puts the codes into words of his language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from routing.core.buckets import Bucket, Line, Place
from routing.core.engine import Agent, Candidate, Change, Item, OfferRecord, WaitRecord
from routing.core.strategies import ORDERED, Key, skilled_key

#: Why an agent of the queue cannot take an item, in the order in which the first is counted. `not_ready` stands for the
#: agent's own `why_not` where he has one.
REASONS = ("excluded", "not_preferred", "skills", "not_ready", "channel_off", "channel_full", "no_units")
#: Agents named in a record.
NAMED = 5


class Obstacle(NamedTuple):
    """One thing between an agent and an item: a code of REASONS, and the demand or the state it is about."""

    reason: str
    subject: str = ""


def obstacles(agent: Agent, place: Place, item: Item) -> list[Obstacle]:
    """Everything that keeps an agent of the right queue from an item now, in the order of REASONS; empty: nothing."""
    found: list[Obstacle] = []
    if agent.key in item.excluded:
        found.append(Obstacle("excluded"))
    if item.only_preferred and agent.key not in item.preferred:
        found.append(Obstacle("not_preferred"))
    if not item.needs.met_by_expanded(place.expanded):
        found.extend(Obstacle("skills", label) for label in item.needs.missing_expanded(place.expanded))
    if not agent.ready:
        found.append(Obstacle("not_ready", agent.why_not))
    if agent.accepts is not None and item.channel not in agent.accepts:
        found.append(Obstacle("channel_off"))
    cap = agent.channel_caps.get(item.channel)
    if cap is not None and agent.channel_used.get(item.channel, 0) >= cap:
        found.append(Obstacle("channel_full"))
    if agent.units_used + item.cost > agent.units_total:
        found.append(Obstacle("no_units"))
    return found


def strategy_key(bucket: Bucket, place: Place, raised: int = 0) -> Key:
    """What the strategy of the bucket's queue compares for an agent; for a draw, his penalty, lifted to the raised one."""
    agent, rules = place.agent, bucket.desk.rules
    if rules.strategy == "most_skilled":
        return skilled_key(bucket.needs.proficiency(place.expanded), agent)
    if rules.strategy == "weighted_random":
        return (float(max(raised, agent.queues[rules.key])), 0.0)
    return ORDERED[rules.strategy](agent, agent.stats[rules.key])


def offer_record(now: float, item: Item, chosen: Place, bucket: Bucket, line: Line, waiting: int) -> OfferRecord:
    """Why the agent was chosen, as things stood just before."""
    desk = bucket.desk
    rules = desk.rules
    free = [bucket.members[standing[3]] for standing in bucket.candidates(line)]
    preferred = chosen.agent.key in item.preferred
    ranked = sorted(
        (
            (
                place is not chosen,
                max(item.raised, place.agent.queues[rules.key]) if rules.bands else 0,
                strategy_key(bucket, place, item.raised),
                key,
            )
            for key, place in ((place.agent.key, place) for place in free)
        ),
    )
    reasons, missing = _counted(desk.places.values(), item)
    return OfferRecord(
        now=now,
        item=item.key,
        agent=chosen.agent.key,
        queue=rules.key,
        by="preferred" if preferred else rules.strategy,
        weight=rules.weight,
        vtime=item.vtime,
        waiting=waiting,
        free=len(free),
        candidates=tuple(
            Candidate(key, max(item.raised, desk.places[key].agent.queues[rules.key]), compared)
            for _, _, compared, key in ranked[:NAMED]
        ),
        reasons=reasons,
        missing=missing,
    )


def wait_record(now: float, item: Item, line: Line, ahead: int) -> WaitRecord:
    """Why the item waits, as things stand; `free` among the reasons means that the next match takes it."""
    places: dict[int, tuple[Place, Bucket]] = {}
    for bucket in line.buckets:
        for key, place in bucket.desk.places.items():
            places.setdefault(key, (place, bucket))
    changes: Counter[tuple[str, str]] = Counter()
    coming: list[tuple[bool, int, Key, int]] = []
    for key, (place, bucket) in places.items():
        agent, rules = place.agent, bucket.desk.rules
        found = obstacles(agent, place, item)
        kinds = {_change(obstacle) for obstacle in found}
        if len(kinds) == 1:
            changes.update(kinds)
        if all(kind == "frees" for kind, _ in kinds):
            band = max(item.raised, agent.queues[rules.key]) if rules.bands else 0
            coming.append((key not in item.preferred, band, strategy_key(bucket, place, item.raised), key))
    reasons, missing = _counted((place for place, _ in places.values()), item)
    return WaitRecord(
        now=now,
        item=item.key,
        queues=item.queues,
        ahead=ahead,
        agents=len(places),
        reasons=reasons,
        missing=missing,
        next_agents=tuple(key for *_, key in sorted(coming)[:NAMED]),
        changes=tuple(
            Change(kind, agents, subject)
            for (kind, subject), agents in sorted(changes.items(), key=lambda one: (-one[1], one[0]))
        ),
    )


_CHANGES = {"excluded": "exclusion_ends", "not_preferred": "anyone", "channel_off": "accepts"}


def _change(obstacle: Obstacle) -> tuple[str, str]:
    """What would take an obstacle away, and what it is about."""
    if obstacle.reason == "skills":
        return "skill", obstacle.subject
    if obstacle.reason == "not_ready":
        return "ready", obstacle.subject
    return _CHANGES.get(obstacle.reason, "frees"), ""


def _counted(places: Iterable[Place], item: Item) -> tuple[dict[str, int], dict[str, int]]:
    """Agents by their first obstacle (`free` for none), and by each demand they do not meet."""
    reasons: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for place in places:
        found = obstacles(place.agent, place, item)
        if not found:
            reasons["free"] += 1
            continue
        first = found[0]
        reasons[first.subject if first.reason == "not_ready" and first.subject else first.reason] += 1
        missing.update(one.subject for one in found if one.reason == "skills")
    return dict(reasons.most_common()), dict(missing.most_common())
