"""How long a waiting customer will probably wait, said as a range that can be kept, or not said at all.

Called by whatever shows a place in the queue: portal, chat widget, callback offers. Pure: the caller counts who is ahead
and who is at work, keeps the log of what was said and what became of it, and asks here.

The estimate counts everything that would be served before this contact in the pool it shares, and knows that people ahead
may leave (the queue-length estimator of Whitt 1999, with abandonment as in Ibrahim and Whitt 2009). How wide the range is
follows from the same stages. What it knows not to know, it does not show.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

PSEUDO_OBSERVATIONS = 20  # weight of last weeks' handling time against today's
SHORTEST_SAID = 30.0  # seconds; below it one says "in a moment"
_MINUTES = (1, 2, 3, 5, 10)
_JUMP = 1.2  # a promise grows by more than a fifth only for a reason
_CORRECTION = (0.25, 4.0)
_Z80 = 0.8416212335729143


class Hidden(StrEnum):
    """Why no estimate is shown."""

    NOBODY = "nobody"
    """Nobody at work could take this contact."""
    NO_DATA = "no_data"
    """No handling time is known yet."""
    ERRATIC = "erratic"
    """What was said lately did not come true."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known at the moment of asking.

    `ahead`: contacts that would be served before this one. `servers`: agents at work who may take it, each counted by the
    share of his work that goes to this kind of contact (`effective_agents`). `handle_seconds`: see `blended_handling`.
    `patience_seconds`: see `patience`; None where nobody leaves. `free`: one of those agents has room right now.
    `longest_waiting`: how long the one at the head has waited, used instead while `staff_changing`, when rates mislead.
    """

    ahead: int
    servers: float
    handle_seconds: float | None
    patience_seconds: float | None = None
    free: bool = False
    longest_waiting: float | None = None
    staff_changing: bool = False
    correction: float = 1.0
    erratic: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds: the mean, and the range from the median to what four in five do not exceed."""

    mean: float
    p50: float
    p80: float


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer reads: whole minutes, `low` to `high`; both 0 means "in a moment"."""

    low: int
    high: int


def estimate(standing: Standing) -> Estimate | Hidden:
    """The wait from now on, or why none can be told. Raises ValueError where `ahead` or `servers` is below 0."""
    if standing.ahead < 0 or standing.servers < 0:
        raise ValueError("Neither the contacts ahead nor the agents can be below 0.")
    if standing.servers == 0:
        return Hidden.NOBODY
    if standing.erratic:
        return Hidden.ERRATIC
    if standing.free and standing.ahead == 0:
        return Estimate(0.0, 0.0, 0.0)
    if standing.staff_changing and standing.longest_waiting is not None:
        return _spread(
            standing.longest_waiting, standing.longest_waiting**2 / (standing.ahead + 1), standing.correction
        )
    if standing.handle_seconds is None or standing.handle_seconds <= 0:
        return Hidden.NO_DATA
    mean, variance = stages(standing.ahead, standing.servers / standing.handle_seconds, standing.patience_seconds)
    return _spread(mean, variance, standing.correction)


def stages(ahead: int, drain: float, patience_seconds: float | None) -> tuple[float, float]:
    """Mean and variance of the wait behind `ahead` others: one exponential stage for each of them and one for oneself.

    `drain` is contacts a second that the agents finish; those ahead leave on top of it, each at the rate 1 / patience.
    """
    leaving = 1.0 / patience_seconds if patience_seconds else 0.0
    mean = variance = 0.0
    for still_ahead in range(ahead + 1):
        stage = 1.0 / (drain + still_ahead * leaving)
        mean += stage
        variance += stage * stage
    return mean, variance


def _spread(mean: float, variance: float, correction: float) -> Estimate:
    """Quantiles of the gamma law with this mean and variance (Wilson and Hilferty 1931, within 2 % for one stage and better
    beyond), which without leaving is exactly the law of the stages."""
    low, high = _CORRECTION
    factor = min(high, max(low, correction))
    ninth = variance / (9.0 * mean * mean) if mean > 0 else 0.0
    middle = 1.0 - ninth
    return Estimate(
        mean=mean * factor,
        p50=mean * factor * middle**3,
        p80=mean * factor * (middle + _Z80 * math.sqrt(ninth)) ** 3,
    )


def said(found: Estimate) -> Said:
    """Rounded up to 1, 2, 3, 5, 10 and then whole tens of minutes; nothing under half a minute is put in numbers."""
    if found.p80 < SHORTEST_SAID:
        return Said(0, 0)
    return Said(_minutes_up(found.p50), _minutes_up(found.p80))


def _minutes_up(seconds: float) -> int:
    for minutes in _MINUTES:
        if seconds <= minutes * 60:
            return minutes
    return math.ceil(seconds / 600) * 10


def settled(before: Estimate, elapsed: float, now: Estimate, *, reason: bool = False) -> Estimate:
    """The next estimate of the same wait, held back: what was promised `elapsed` seconds ago may grow by a fifth at most.

    With `reason` (agents left, somebody urgent came first), which the page then states, the new figure stands as it is.
    """
    if reason:
        return now
    if now.p80 <= max(before.p80 - elapsed, SHORTEST_SAID) * _JUMP:
        return now
    held = max(before.p80 - elapsed, SHORTEST_SAID) * _JUMP
    share = held / now.p80
    return Estimate(now.mean * share, now.p50 * share, held)


def blended_handling(usual_seconds: float | None, today_seconds: Iterable[float]) -> float | None:
    """Today's mean handling time, drawn towards the usual one of this hour as by twenty more contacts of that length."""
    seen = list(today_seconds)
    if usual_seconds is None:
        return sum(seen) / len(seen) if seen else None
    return (PSEUDO_OBSERVATIONS * usual_seconds + sum(seen)) / (PSEUDO_OBSERVATIONS + len(seen))


def patience(waits: Iterable[tuple[float, bool]]) -> float | None:
    """Mean patience from (seconds waited, whether the customer left): all time waited divided by the number who left.

    Those who were answered count with the time they stood ready to wait, as censored data must. None where nobody left.
    """
    total, left = 0.0, 0
    for seconds, abandoned in waits:
        total += seconds
        left += abandoned
    return total / left if left and total > 0 else None


def effective_agents(agents: Iterable[tuple[float, float | None]], *, within: float) -> float:
    """Agents counted by (share of their recent starts that went to this kind of contact, seconds until they leave or None).

    Who leaves before `within` seconds is counted for the part of that time he is still here.
    """
    count = 0.0
    for share, leaves_in in agents:
        here = 1.0 if leaves_in is None or within <= 0 else min(1.0, max(0.0, leaves_in) / within)
        count += share * here
    return count


def corrected(correction: float, predicted: float, actual: float, *, weight: float = 0.05) -> float:
    """The factor after one more outcome: a moving mean of the logarithm of actual to predicted wait, within 1/4 to 4.

    Waits under a second say nothing about a ratio and leave it as it is.
    """
    if predicted < 1 or actual < 1:
        return correction
    low, high = _CORRECTION
    moved = (1 - weight) * math.log(correction) + weight * math.log(actual / (predicted / correction))
    return min(high, max(low, math.exp(moved)))
