"""How well the estimated waits came true: bias, errors, and whether the upper end of the range was kept.

Called by whoever keeps the log of estimates, hour by hour and queue by queue. Waits that ended because the customer left
are censored: he would have waited at least so long. They count by the estimator of Kaplan and Meier (1958), never as if
they had been answered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_FEWEST = 30  # outcomes; below that the log has no say
_KEPT = 0.80  # the share of waits that the upper end should cover
_LEAST_KEPT = 0.60  # below it, estimates are hidden
_CLOSE_SECONDS, _CLOSE_SHARE = 30.0, 0.25
_LONG_ENOUGH = 60.0  # seconds; percentages of shorter waits mean nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    """One estimate and what became of it, in seconds from the moment it was made. `answered` False: the customer left."""

    mean: float
    p50: float
    p80: float
    waited: float
    answered: bool


@dataclass(frozen=True, slots=True)
class Score:
    """What the log says. None where there is nothing to say it from.

    `bias` positive: people were told too much. `kept` should be 0.80 ± 0.05: the share of waits within the upper end, with
    those who left weighed as censored. `close`: within 30 s or a quarter. `pinball`: loss of the upper end in seconds.
    """

    outcomes: int
    answered: int
    bias: float | None
    absolute_error: float | None
    percentage_error: float | None
    kept: float | None
    close: float | None
    pinball: float | None

    @property
    def erratic(self) -> bool:
        """Whether what is said should be hidden until it is better: enough outcomes, and too many waits above the range."""
        return self.outcomes >= _FEWEST and self.kept is not None and self.kept < _LEAST_KEPT


def score(log: Iterable[Outcome]) -> Score:
    """The figures over a log."""
    outcomes = list(log)
    done = [o for o in outcomes if o.answered]
    longer = [o for o in done if o.waited > _LONG_ENOUGH]
    return Score(
        outcomes=len(outcomes),
        answered=len(done),
        bias=_mean([o.mean - o.waited for o in done]),
        absolute_error=_mean([abs(o.mean - o.waited) for o in done]),
        percentage_error=_mean([abs(o.mean - o.waited) / o.waited for o in longer]),
        kept=_kept(outcomes),
        close=_mean([float(abs(o.mean - o.waited) <= max(_CLOSE_SECONDS, _CLOSE_SHARE * o.waited)) for o in done]),
        pinball=_mean([(_KEPT if o.waited > o.p80 else _KEPT - 1) * (o.waited - o.p80) for o in done]),
    )


def survival(waits: Iterable[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Kaplan and Meier's curve from (value, whether it ended there): at each end, the share that lasts beyond it.

    Of equal values those that ended come before those cut off, as is usual.
    """
    ordered = sorted(waits, key=lambda w: (w[0], not w[1]))
    curve: list[tuple[float, float]] = []
    lasting, at_risk = 1.0, len(ordered)
    for value, ended in ordered:
        if ended:
            lasting *= 1.0 - 1.0 / at_risk
            if curve and curve[-1][0] == value:
                curve[-1] = (value, lasting)
            else:
                curve.append((value, lasting))
        at_risk -= 1
    return curve


def _kept(outcomes: Sequence[Outcome]) -> float | None:
    """The share of waits within the upper end, by the survival of waited / p80 at 1."""
    if not any(o.answered for o in outcomes):
        return None
    ratios = ((o.waited / o.p80 if o.p80 > 0 else (0.0 if o.waited == 0 else math.inf), o.answered) for o in outcomes)
    lasting = 1.0
    for ratio, share in survival(ratios):
        if ratio > 1.0:
            break
        lasting = share
    return 1.0 - lasting


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
