"""Penalties of agents inside a queue, and the windows that open as a contact waits.

An agent's penalty in a queue says how late he comes in: 0 first. A window lets through the penalties between its least
and its most; a raised penalty lifts every lower one to itself, so that agents who were apart become equals. Windows by
wait are the `penaltychange` rules of Asterisk's queuerules.conf: each rule sets or moves the three numbers from its age
on, and a minimum or a raise above the maximum is cut down to it. Called by `routing.core.plan`. Pure: no Django.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from helpdesk.phrases import Phrase, Refused, gettext_noop
from routing.core import reading

#: A number set outright, or a change of what holds so far: (is it relative, by how much).
Change = tuple[bool, int]


@dataclass(frozen=True, slots=True)
class PenaltyWindow:
    """Penalties let through: `least` to `most` (None: no limit), after those below `raised` have been lifted to it."""

    least: int = 0
    most: int | None = None
    raised: int = 0

    def __post_init__(self) -> None:
        top = None if self.most is None else max(self.most, 0)
        object.__setattr__(self, "most", top)
        object.__setattr__(self, "least", max(self.least, 0) if top is None else min(max(self.least, 0), top))
        object.__setattr__(self, "raised", max(self.raised, 0) if top is None else min(max(self.raised, 0), top))

    def of(self, penalty: int) -> int | None:
        """The penalty an agent counts with, or None where the window keeps him out."""
        lifted = max(penalty, self.raised)
        if lifted < self.least or (self.most is not None and lifted > self.most):
            return None
        return lifted

    def keeps_out(self, penalties: Mapping[int, int]) -> frozenset[int]:
        """The agents (key -> penalty in this queue) that the window keeps out, to be excluded while it holds."""
        return frozenset(agent for agent, penalty in penalties.items() if self.of(penalty) is None)


#: Everybody, as he is.
OPEN = PenaltyWindow()


@dataclass(frozen=True, slots=True)
class PenaltyRule:
    """From an age in the queue on (seconds), what changes; None leaves the number as it is."""

    at: float
    least: Change | None = None
    most: Change | None = None
    raised: Change | None = None

    @classmethod
    def from_dict(cls, data: object) -> PenaltyRule:
        """`{"at": 30, "max": 5, "min": "+1", "raise": "-2"}`: numbers set, signed texts change. ValueError with a sentence."""
        row = reading.mapping(data, "A penalty rule", ("at", "max", "min", "raise"))
        at = reading.seconds(row.get("at"), "The age of a penalty rule (at)")
        changes = {key: _change(row[key], key) for key in ("max", "min", "raise") if row.get(key) is not None}
        if not changes:
            raise Refused(
                gettext_noop("The penalty rule at %(at)s seconds changes nothing: give it max, min or raise."),
                at=f"{at:g}",
            )
        return cls(at, changes.get("min"), changes.get("max"), changes.get("raise"))

    def applied(self, window: PenaltyWindow) -> PenaltyWindow:
        """The window after this rule. An unlimited maximum stays so under a relative change."""
        most = window.most
        if self.most is not None and not (self.most[0] and most is None):
            most = _moved(most or 0, self.most)
        return PenaltyWindow(_moved(window.least, self.least), most, _moved(window.raised, self.raised))


def windows(rules: Iterable[PenaltyRule], first: PenaltyWindow = OPEN) -> tuple[tuple[float, PenaltyWindow], ...]:
    """The windows in order, each with the age (seconds) it holds from; rules of one age apply in the order given."""
    found: list[tuple[float, PenaltyWindow]] = [(0.0, first)]
    for rule in sorted(rules, key=lambda rule: rule.at):
        changed = rule.applied(found[-1][1])
        if rule.at == found[-1][0]:
            found[-1] = (rule.at, changed)
        else:
            found.append((rule.at, changed))
    return tuple(found)


def _change(value: Any, key: str) -> Change:
    if isinstance(value, str) and value[:1] in "+-" and value[1:].isascii() and value[1:].isdigit():
        return (True, int(value))
    return (
        False,
        reading.whole(value, Phrase(gettext_noop("%(key)s of a penalty rule (or a change such as “+1”)"), key=key)),
    )


def _moved(number: int, change: Change | None) -> int:
    if change is None:
        return number
    relative, by = change
    return number + by if relative else by
