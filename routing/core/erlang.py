"""The laws of waiting, exact: Erlang C (nobody leaves) and Erlang A (people leave), and the staff that a target takes.

Called by `manage.py staffing`, by the admin's staffing page and, as the truth to hold the simulator to, by tests and
benches. All times are seconds, all shares lie between 0 and 1, traffic is contacts an hour. "Agents" here are places for
one contact each: an agent who handles three chats at once is three places, which flatters him (chats slow each other
down; take the handling time measured at that number).

Sources: A. K. Erlang 1917 and C. Palm 1946 for the two models; the wait under abandonment is the density of the virtual
wait in M/M/c+M (Baccelli and Hébuterne 1981), integrated here by the rule of Gauss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from helpdesk.phrases import Refused, gettext_noop

_HOUR = 3600.0
_PANELS = 40  # with eight points each; the integrand is concave in its logarithm, so this is exact to about 1e-12
_GAUSS = tuple(
    (sign * place, share)
    for place, share in (
        (0.1834346424956498, 0.3626837833783620),
        (0.5255324099163290, 0.3137066458778873),
        (0.7966664774136267, 0.2223810344533745),
        (0.9602898564975363, 0.1012285362903763),
    )
    for sign in (-1.0, 1.0)
)  # places and weights of the rule of Gauss and Legendre on -1..1
_SHAPED = 10.0  # of 1/leaving: after so long the density falls as if nobody left, to e^-10
_NEGLIGIBLE = 46.0  # exp(-46) is 1e-20: where a density has fallen that far from its peak, it is left out


@dataclass(frozen=True, slots=True)
class Law:
    """What a number of agents makes of a traffic.

    `asa_seconds` is the mean wait of those who were answered; `mean_wait_seconds` that of everybody, those who left
    included; `service_level` the share of all offered contacts answered within the target. Where the queue would grow
    without end, waits are infinite and the service level is 0.
    """

    agents: int
    load: float
    wait_probability: float
    abandoned: float
    asa_seconds: float
    mean_wait_seconds: float
    service_level: float
    occupancy: float
    wait_p50: float
    wait_p90: float


def load_of(contacts_per_hour: float, handle_seconds: float) -> float:
    """Erlangs: how many agents the traffic keeps busy on average, nobody leaving."""
    return contacts_per_hour * handle_seconds / _HOUR


def erlang_b(agents: int, load: float) -> float:
    """The share of contacts lost where nobody can wait, by the stable recursion on its inverse."""
    if load <= 0:
        return 0.0 if agents else 1.0
    inverse = 1.0
    for n in range(1, agents + 1):
        inverse = 1.0 + n / load * inverse
    return 1.0 / inverse


def erlang_c(contacts_per_hour: float, handle_seconds: float, agents: int, *, answer_within: float = 20.0) -> Law:
    """The law where nobody ever leaves: Poisson arrivals, exponential handling, one line, first come first served.

    Raises ValueError for traffic, times or agents that make no sense.
    """
    _must_make_sense(contacts_per_hour, handle_seconds, agents, answer_within)
    load = load_of(contacts_per_hour, handle_seconds)
    if load >= agents:
        endless = math.inf
        return Law(agents, load, 1.0, 0.0, endless, endless, 0.0, 1.0 if agents else 0.0, endless, endless)
    lost = erlang_b(agents, load)
    occupancy = load / agents
    waits = lost / (1.0 - occupancy * (1.0 - lost))
    drain = (agents - load) / handle_seconds
    return Law(
        agents=agents,
        load=load,
        wait_probability=waits,
        abandoned=0.0,
        asa_seconds=waits / drain,
        mean_wait_seconds=waits / drain,
        service_level=1.0 - waits * math.exp(-drain * answer_within),
        occupancy=occupancy,
        wait_p50=_delayed_quantile(waits, drain, 0.5),
        wait_p90=_delayed_quantile(waits, drain, 0.9),
    )


def erlang_a(
    contacts_per_hour: float,
    handle_seconds: float,
    patience_seconds: float,
    agents: int,
    *,
    answer_within: float = 20.0,
) -> Law:
    """The law where each contact leaves after a patience drawn from an exponential law of the given mean.

    It has an answer for every load, since people who leave keep the queue finite. Quantiles are those of the answered.
    Raises ValueError for traffic, times or agents that make no sense.
    """
    _must_make_sense(contacts_per_hour, handle_seconds, agents, answer_within)
    if not 0 < patience_seconds < math.inf:
        raise Refused(gettext_noop("Patience must be a number of seconds above 0."))
    load = load_of(contacts_per_hour, handle_seconds)
    if contacts_per_hour == 0:
        return Law(agents, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    if agents == 0:
        return Law(0, load, 1.0, 1.0, math.inf, patience_seconds, 0.0, 0.0, math.inf, math.inf)
    wait = _VirtualWait(contacts_per_hour / _HOUR, agents / handle_seconds, 1.0 / patience_seconds)
    # Weights relative to the state "all agents busy, nobody waiting", both divided by exp(wait.peak).
    at_once = (1.0 / max(erlang_b(agents, load), 1e-300) - 1.0) * math.exp(-min(wait.peak, 700.0))
    waiting = wait.mass(math.inf)
    whole = at_once + waiting
    answered_late = wait.mass(math.inf, wait.stays)
    answered = (at_once + answered_late) / whole
    asa = wait.mass(math.inf, lambda t: t * wait.stays(t)) / (at_once + answered_late)
    abandoned = 1.0 - answered
    return Law(
        agents=agents,
        load=load,
        wait_probability=waiting / whole,
        abandoned=abandoned,
        asa_seconds=asa,
        mean_wait_seconds=abandoned * patience_seconds,  # people leave at the rate waiting / patience (Little)
        service_level=(at_once + wait.mass(answer_within, wait.stays)) / whole,
        occupancy=load * answered / agents,
        wait_p50=wait.quantile(0.5, at_once, answered_late),
        wait_p90=wait.quantile(0.9, at_once, answered_late),
    )


class _VirtualWait:
    """The wait of somebody who never leaves, behind people who do: density ~ drain · exp(exponent(t)).

    With arrivals λ, drain cμ and leaving rate θ the exponent is λ/θ·(1 - e^(-θt)) - cμ·t. It is concave, so it has one
    peak, and the density is nothing outside `low`..`high`.
    """

    def __init__(self, arrivals: float, drain: float, leaving: float) -> None:
        self.arrivals, self.drain, self.leaving = arrivals, drain, leaving
        top = math.log(arrivals / drain) / leaving if arrivals > drain else 0.0
        self.peak = self.exponent(top)
        step = 1.0 / drain
        while self.exponent(top + step) > self.peak - _NEGLIGIBLE:
            step *= 2.0
        self.high = self._edge(top + step, top)
        self.low = 0.0 if self.exponent(0.0) > self.peak - _NEGLIGIBLE else self._edge(0.0, top)

    def exponent(self, t: float) -> float:
        return -self.arrivals / self.leaving * math.expm1(-self.leaving * t) - self.drain * t

    def stays(self, t: float) -> float:
        """The share of people still there after `t` seconds."""
        return math.exp(-self.leaving * t)

    def _edge(self, outside: float, inside: float) -> float:
        for _ in range(60):
            middle = (outside + inside) / 2
            if self.exponent(middle) > self.peak - _NEGLIGIBLE:
                inside = middle
            else:
                outside = middle
        return outside

    def mass(self, until: float, weight: Callable[[float], float] | None = None) -> float:
        """The integral of the density times `weight` up to `until`, divided by exp(peak) so that it never overflows."""
        high = min(until, self.high)
        if high <= self.low:
            return 0.0
        return sum(self._panel(begin, width, weight) for begin, width in self._panels(high))

    def _panels(self, high: float) -> Iterator[tuple[float, float]]:
        """Begin and width of the panels up to `high`: finer until people who leave have shaped the density, then wide."""
        bend = min(high, self.low + _SHAPED / self.leaving)
        for begin, end in ((self.low, bend), (bend, high)):
            width = (end - begin) / _PANELS
            if width > 0:
                yield from ((begin + n * width, width) for n in range(_PANELS))

    def quantile(self, share: float, at_once: float, late: float) -> float:
        """The wait that `share` of the answered do not exceed."""
        wanted = share * (at_once + late) - at_once
        if wanted <= 0:
            return 0.0
        begin, width = self.low, 0.0
        for begin, width in self._panels(self.high):
            here = self._panel(begin, width, self.stays)
            if wanted <= here:
                break
            wanted -= here
        low, high = 0.0, width
        for _ in range(45):
            middle = (low + high) / 2
            if self._panel(begin, middle, self.stays) < wanted:
                low = middle
            else:
                high = middle
        return begin + high

    def _panel(self, begin: float, width: float, weight: Callable[[float], float] | None) -> float:
        half, total = width / 2, 0.0
        for place, share in _GAUSS:
            t = begin + half + half * place
            value = share * math.exp(self.exponent(t) - self.peak)
            total += value if weight is None else value * weight(t)
        return self.drain * half * total


def _delayed_quantile(waits: float, drain: float, share: float) -> float:
    """Of a wait that is 0 with probability 1 - `waits` and exponential with rate `drain` otherwise."""
    return max(0.0, math.log(waits / (1.0 - share)) / drain) if waits > 0 else 0.0


def _must_make_sense(contacts_per_hour: float, handle_seconds: float, agents: int, answer_within: float) -> None:
    if not 0 <= contacts_per_hour < math.inf:
        raise Refused(gettext_noop("Contacts an hour must be a number from 0."))
    if not 0 < handle_seconds < math.inf:
        raise Refused(gettext_noop("Handling time must be a number of seconds above 0."))
    if agents < 0:
        raise Refused(gettext_noop("The number of agents cannot be below 0."))
    if not 0 <= answer_within < math.inf:
        raise Refused(gettext_noop("The seconds of the service level must be a number from 0."))
