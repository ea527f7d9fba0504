"""Laws that times are drawn from in a simulation: how long a contact is handled, how long a customer waits.

Called by the reader of scenarios and by the simulator. A law draws from the generator it is given, so that equal seeds
give equal traffic. All times are seconds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helpdesk.phrases import Phrase, Refused, gettext_noop
from routing.core.reading import mapping, one_of, rows, seconds

_KEYS = {
    "exponential": ("mean",),
    "constant": ("mean",),
    "lognormal": ("mean", "cv", "sd"),
    "gamma": ("mean", "cv", "sd"),
    "uniform": ("low", "high"),
    "recorded": ("values",),
}
KINDS = tuple(_KEYS)
_LEAST_CV, _MOST_CV = 0.01, 20.0


@dataclass(frozen=True, slots=True)
class Distribution:
    """One law. `cv` is the coefficient of variation, deviation divided by mean; `values` are those of `recorded`."""

    kind: str
    mean: float
    cv: float = 1.0
    low: float = 0.0
    high: float = 0.0
    values: tuple[float, ...] = ()

    def sampler(self, chance: random.Random) -> Callable[[], float]:
        """A function that draws the next time."""
        if self.kind == "constant" or self.mean == 0:
            return lambda: self.mean
        if self.kind == "exponential":
            rate = 1.0 / self.mean
            return lambda: chance.expovariate(rate)
        if self.kind == "lognormal":
            sigma = math.sqrt(math.log1p(self.cv**2))
            middle = math.log(self.mean) - sigma**2 / 2
            return lambda: chance.lognormvariate(middle, sigma)
        if self.kind == "gamma":
            shape = 1.0 / self.cv**2
            return lambda: chance.gammavariate(shape, self.mean / shape)
        if self.kind == "uniform":
            return lambda: chance.uniform(self.low, self.high)
        return lambda: chance.choice(self.values)


def read(value: object, where: str) -> Distribution:
    """A law from `{"dist": "exponential", "mean": 180}` and the like; a plain number is always that many seconds.

    `exponential` and `constant` take a mean, `lognormal` and `gamma` a mean and a cv or an sd (cv 1 if neither is given),
    `uniform` low and high, `recorded` values of which one is drawn each time. Raises ValueError with a sentence.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Distribution("constant", seconds(value, where))
    if not isinstance(value, dict):
        raise Refused(
            gettext_noop(
                '%(where)s must be a number of seconds or a law such as {"dist": "exponential", "mean": 180}.'
            ),
            where=where,
        )
    kind = one_of(value.get("dist"), Phrase(gettext_noop("“dist” of %(where)s"), where=where), KINDS)
    mapping(value, where, ("dist", *_KEYS[kind]))
    for key in _KEYS[kind]:
        if key not in value and key not in {"cv", "sd"}:
            raise Refused(gettext_noop("%(where)s is %(kind)s and needs “%(key)s”."), where=where, kind=kind, key=key)
    if kind == "recorded":
        return _recorded(value["values"], where)
    if kind == "uniform":
        low, high = (
            seconds(value["low"], Phrase(gettext_noop("“low” of %(where)s"), where=where)),
            seconds(value["high"], Phrase(gettext_noop("“high” of %(where)s"), where=where)),
        )
        if high < low:
            raise Refused(gettext_noop("%(where)s has a “high” below its “low”."), where=where)
        return Distribution(kind, (low + high) / 2, low=low, high=high)
    mean = seconds(value["mean"], Phrase(gettext_noop("“mean” of %(where)s"), where=where))
    cv = _variation(value, mean, where) if "cv" in _KEYS[kind] else 1.0
    if not _LEAST_CV <= cv <= _MOST_CV:
        raise Refused(
            gettext_noop(
                "“cv” of %(where)s must be from %(least_cv)s to %(most_cv)s (“sd” as many means);"
                " for no variation write constant."
            ),
            where=where,
            least_cv=f"{_LEAST_CV:g}",
            most_cv=f"{_MOST_CV:g}",
        )
    return Distribution(kind, mean, cv)


def _variation(value: dict[str, Any], mean: float, where: str) -> float:
    if "sd" not in value:
        return seconds(value.get("cv", 1.0), Phrase(gettext_noop("“cv” of %(where)s"), where=where))
    if "cv" in value:
        raise Refused(gettext_noop("%(where)s has both “cv” and “sd”: one of them says it all."), where=where)
    deviation = seconds(value["sd"], Phrase(gettext_noop("“sd” of %(where)s"), where=where))
    return deviation / mean if mean else 1.0


def _recorded(value: object, where: str) -> Distribution:
    values = tuple(
        seconds(one, Phrase(gettext_noop("Value %(n)s of %(where)s"), n=n, where=where))
        for n, one in enumerate(rows(value, Phrase(gettext_noop("“values” of %(where)s"), where=where)), 1)
    )
    if not values:
        raise Refused(gettext_noop("%(where)s is recorded and has no values."), where=where)
    return Distribution("recorded", sum(values) / len(values), values=values)
