"""The routing plan of a scenario's queue, laid out once: what a contact asks for from which age on.

Called by the reader of scenarios; the simulator goes through the stages. A scenario knows no customers and no single agents,
so steps for preferred agents, reasons to skip one, and windows of penalties are refused rather than passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helpdesk.phrases import Phrase, Refused, gettext_noop
from routing.core.needs import ALWAYS, Needs
from routing.core.plan import Plan, step_at
from routing.core.reading import mapping, rows

_STEP = ("needs", "keep", "lower", "min_wait", "expiry", "overflow_to", "boost")


@dataclass(frozen=True, slots=True)
class Stage:
    """What holds from an age in seconds on. `extra_queues`: places of other queues whose agents may take it, too;
    `holding`: nobody is asked yet."""

    begins: float
    needs: Needs = ALWAYS
    extra_queues: tuple[int, ...] = ()
    boost: float = 0.0
    holding: bool = False


def read(value: object, where: str, demanded: Mapping[str, int], places: Mapping[str, int]) -> tuple[Stage, ...]:
    """Stages from a plan in its plain form, with names of queues in `overflow_to`. Raises ValueError with a sentence."""
    form = mapping(value, Phrase(gettext_noop("“plan” of %(where)s"), where=where), ("steps", "final", "never_relax"))
    steps = [
        _step(one, Phrase(gettext_noop("step %(n)s of the plan of %(where)s"), n=n, where=where), places)
        for n, one in enumerate(rows(form.get("steps"), "steps"), 1)
    ]
    try:
        plan = Plan.from_dict({**form, "steps": steps})
    except ValueError as problem:
        raise Refused(gettext_noop("“plan” of %(where)s: %(problem)s"), where=where, problem=problem) from problem
    return stages(plan, demanded)


def stages(plan: Plan, demanded: Mapping[str, int]) -> tuple[Stage, ...]:
    """Every step in force, from age 0 to the one that has no end. Keys of queues are places + 1."""
    found: list[Stage] = []
    age: float | None = 0.0
    while age is not None:
        step = step_at(plan, age, demanded)
        extra = tuple(key - 1 for key in step.overflow_to)
        found.append(Stage(age, step.needs, extra, step.boost, step.is_holding))
        age = step.until_age
    return tuple(found)


def _step(value: object, where: str, places: Mapping[str, int]) -> dict[str, Any]:
    form = dict(mapping(value, where.capitalize(), _STEP))
    if "overflow_to" in form:
        keys = []
        for name in rows(form["overflow_to"], Phrase(gettext_noop("“overflow_to” of %(where)s"), where=where)):
            if not isinstance(name, str) or name not in places:
                raise Refused(
                    gettext_noop("“overflow_to” of %(where)s names %(name)s, which is no queue here."),
                    where=where,
                    name=f"{name!r}",
                )
            keys.append(places[name] + 1)  # a plan's queues are keys from 1
        form["overflow_to"] = keys
    return form
