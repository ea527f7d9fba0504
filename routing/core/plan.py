"""Routing plans: what a contact asks of an agent as its wait grows, step by step.

A step's expiry counts into the contact's age in the queue: steps of 10 and 10 seconds end at ages 10 and 20, whenever
the first was left. So a contact of age 8 whose first step is skipped has the second for 12 seconds. A step without
expiry never relaxes. The age alone decides which step is in force: an offer neither ends a step nor is ended with it.

What a contact asks for by itself (`routing.core.demand`) is part of every step, as far as the step keeps it: `keep`
names the groups or skills it insists on, `lower` takes levels off. The groups in `never_relax` (languages, licences)
are kept whole whatever a step says. A step's own `needs` stand in the plan's words and are added.

Called by the queue's actions, the simulation, the dry run and `plan_check`. The version of a plan in force when a contact
entered stays with it; that is the caller's business. Pure: no Django, ages are seconds and arguments.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from helpdesk.phrases import Phrase, Refused, gettext_noop
from routing.core import needs as requirements
from routing.core import reading
from routing.core.needs import ALWAYS, Needs
from routing.core.penalties import OPEN, PenaltyRule, PenaltyWindow, windows
from routing.core.sticky import PERSONAL, SKIP_REASONS, WHO

Final = Literal["stay", "any"]
NEVER_RELAX = ("lang", "licence")
_STEP_KEYS = (
    "needs", "keep", "lower", "preferred", "only_preferred", "min_wait", "expiry", "skip_if", "overflow_to", "boost",
    "min_penalty", "max_penalty", "raise_penalty",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Durations in seconds.

    `keep`: the groups or skills of the contact's own demand insisted on, None for all. `preferred`: keys of agents, or
    words of `sticky.WHO`; with `only_preferred` nobody else is offered the contact. `min_wait`: the step does not begin
    before this age, the one before it stays in force until then (before the first, nobody is offered the contact).
    `expiry` None: for ever. `skip_if`: words of `sticky.SKIP_REASONS`. `overflow_to`: queues whose agents may take it too.
    `boost`: seconds it is moved ahead in the order.
    """

    needs: Needs = ALWAYS
    keep: tuple[str, ...] | None = None
    lower: int = 0
    preferred: tuple[int | str, ...] = ()
    only_preferred: bool = False
    min_wait: float = 0.0
    expiry: float | None = None
    skip_if: tuple[str, ...] = ()
    overflow_to: tuple[int, ...] = ()
    boost: float = 0.0
    penalties: PenaltyWindow = OPEN

    @classmethod
    def from_dict(cls, data: object, where: str = Phrase(gettext_noop("The step"))) -> Step:
        """The step of its plain form (keys as the fields, penalties as min_, max_ and raise_penalty).

        `keep` is "all" or a list, [] for nothing. A step for preferred agents alone is skipped, unless it says
        otherwise, when none of them can come. ValueError with a sentence for what cannot be used.
        """
        row = reading.mapping(data, where, _STEP_KEYS)
        preferred = tuple(
            _preferred(one, where)
            for one in reading.rows(row.get("preferred"), Phrase(gettext_noop("preferred of %(where)s"), where=where))
        )
        only = reading.truth(
            row.get("only_preferred", False), Phrase(gettext_noop("only_preferred of %(where)s"), where=where)
        )
        if only and not preferred:
            raise Refused(
                gettext_noop(
                    "%(where)s is for preferred agents alone and names none: say who, or leave only_preferred."
                ),
                where=where,
            )
        expiry, keep = row.get("expiry"), row.get("keep", "all")
        most = row.get("max_penalty")
        try:
            tree = requirements.parse(row.get("needs"))
        except ValueError as problem:
            raise Refused(
                gettext_noop("The needs of %(where)s cannot be used. %(problem)s"), where=where, problem=problem
            ) from None
        return cls(
            needs=tree,
            keep=None
            if keep in ("all", None)
            else reading.words(keep, Phrase(gettext_noop("keep of %(where)s"), where=where)),
            lower=reading.whole(row.get("lower", 0), Phrase(gettext_noop("lower of %(where)s"), where=where), most=4),
            preferred=tuple(dict.fromkeys(preferred)),
            only_preferred=only,
            min_wait=reading.seconds(
                row.get("min_wait", 0), Phrase(gettext_noop("min_wait of %(where)s"), where=where)
            ),
            expiry=None
            if expiry is None
            else reading.seconds(expiry, Phrase(gettext_noop("expiry of %(where)s"), where=where), above=0.0),
            skip_if=reading.words(
                row.get("skip_if", PERSONAL if only else ()),
                Phrase(gettext_noop("skip_if of %(where)s"), where=where),
                SKIP_REASONS,
            ),
            overflow_to=reading.keys(
                row.get("overflow_to"), Phrase(gettext_noop("overflow_to of %(where)s"), where=where)
            ),
            boost=reading.seconds(row.get("boost", 0), Phrase(gettext_noop("boost of %(where)s"), where=where)),
            penalties=PenaltyWindow(
                reading.whole(row.get("min_penalty", 0), Phrase(gettext_noop("min_penalty of %(where)s"), where=where)),
                None
                if most is None
                else reading.whole(most, Phrase(gettext_noop("max_penalty of %(where)s"), where=where)),
                reading.whole(
                    row.get("raise_penalty", 0), Phrase(gettext_noop("raise_penalty of %(where)s"), where=where)
                ),
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """The plain form, ready for JSON, without what is as usual; `from_dict` reads it back to an equal step."""
        plain: dict[str, Any] = {"expiry": self.expiry}
        if self.needs != ALWAYS:
            plain["needs"] = self.needs.tree()
        if self.keep is not None:
            plain["keep"] = list(self.keep)
        if self.only_preferred or self.skip_if:
            plain["skip_if"] = list(self.skip_if)
        rest: dict[str, Any] = {
            "lower": self.lower,
            "preferred": list(self.preferred),
            "only_preferred": self.only_preferred,
            "min_wait": self.min_wait,
            "overflow_to": list(self.overflow_to),
            "boost": self.boost,
            "min_penalty": self.penalties.least,
            "raise_penalty": self.penalties.raised,
        }
        plain |= {key: value for key, value in rest.items() if value}
        return plain if self.penalties.most is None else plain | {"max_penalty": self.penalties.most}


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order. `final` "any": after the last finite step everybody in the queue may take the contact, as far as
    `never_relax` allows; "stay": the last step stays in force, but for one for preferred agents alone: when it expires or
    is skipped, whoever meets its needs may take the contact. No steps: all that the contact asks for, for ever."""

    steps: tuple[Step, ...] = ()
    final: Final = "stay"
    never_relax: tuple[str, ...] = NEVER_RELAX

    @classmethod
    def from_dict(cls, data: object) -> Plan:
        """`{"steps": [step, …], "final": "stay" | "any", "never_relax": ["lang", "licence"]}`; ValueError with a sentence."""
        row = reading.mapping(data, "A plan", ("steps", "final", "never_relax"))
        steps = reading.rows(row.get("steps"), "The steps of a plan")
        return cls(
            steps=tuple(
                Step.from_dict(step, Phrase(gettext_noop("step %(number)s"), number=number))
                for number, step in enumerate(steps, 1)
            ),
            final="any" if reading.one_of(row.get("final", "stay"), "final", ("stay", "any")) == "any" else "stay",
            never_relax=reading.words(row.get("never_relax", NEVER_RELAX), "never_relax"),
        )

    @property
    def opens_at_end(self) -> bool:
        """Whether something comes after the last step has expired."""
        return self.final == "any" or (bool(self.steps) and self.steps[-1].only_preferred)

    def to_dict(self) -> dict[str, Any]:
        """The plain form, ready for JSON; `from_dict` reads it back to an equal plan."""
        steps = [step.to_dict() for step in self.steps]
        return {"steps": steps, "final": self.final, "never_relax": list(self.never_relax)}


@dataclass(frozen=True, slots=True)
class StepInForce:
    """What holds for a contact at an age. Ages in seconds; `until_age` None: for ever.

    `no` counts from 0; the free-for-all at the end has the number of steps. `is_holding`: too early for anybody.
    `overflow_to` and `boost` gather what earlier steps gave, so that no contact is put back. `is_contradiction`: the
    plan's words and the contact's demand cannot both be met; the demand holds.
    """

    no: int
    needs: Needs
    begins_at: float
    until_age: float | None
    preferred: tuple[int | str, ...] = ()
    only_preferred: bool = False
    skip_if: tuple[str, ...] = ()
    overflow_to: tuple[int, ...] = ()
    boost: float = 0.0
    penalties: PenaltyWindow = field(default=OPEN)
    is_holding: bool = False
    is_final: bool = False
    is_contradiction: bool = False


def timeline(plan: Plan, skipped: Collection[int] = ()) -> tuple[tuple[int, float, float | None], ...]:
    """The steps that come into force, as (number, begins at, expires at) on the age; the latter None for never.

    A step that would expire before it may begin is left out, as is whatever follows a step that never expires. Where all
    steps are skipped and nothing comes after them, the last is not.
    """
    found: list[tuple[int, float, float | None]] = []
    finite, begins = 0.0, 0.0
    for number, step in enumerate(plan.steps):
        finite += step.expiry or 0.0
        expires = math.inf if step.expiry is None else finite
        at = max(begins, step.min_wait)
        spared = not plan.opens_at_end and number == len(plan.steps) - 1 and not found
        if (number in skipped and not spared) or at >= expires:
            continue
        found.append((number, at, None if step.expiry is None else expires))
        if step.expiry is None:
            break
        begins = expires
    return tuple(found)


def step_at(
    plan: Plan, age: float, demanded: Mapping[str, int] | None = None, *, skipped: Collection[int] = ()
) -> StepInForce:
    """The step in force for a contact that has been in the queue for `age` seconds and asks for the skills `demanded`.

    `skipped` are the numbers of the steps left early (see `routing.core.sticky.should_skip`).
    """
    asked, line = demanded or {}, timeline(plan, skipped)
    place = max((index for index, (_, begins, _) in enumerate(line) if begins <= age), default=-1)
    if place < 0 and line:
        number, begins, _ = line[0]
        needs, clash = _needs(plan, plan.steps[number], asked)
        return StepInForce(number, needs, 0.0, begins, is_holding=True, is_contradiction=clash)
    last_end = line[-1][2] if line else 0.0
    if plan.opens_at_end and last_end is not None and age >= last_end:
        return _final(plan, asked, [plan.steps[before] for before, _, _ in line], last_end)
    if not line:
        return StepInForce(0, _of_demand(asked), 0.0, None)
    number, begins, expires = line[place]
    step, last = plan.steps[number], expires if plan.opens_at_end else None
    until = line[place + 1][1] if place + 1 < len(line) else last
    needs, clash = _needs(plan, step, asked)
    passed = [plan.steps[before] for before, _, _ in line[: place + 1]]
    return StepInForce(
        number, needs, begins, until, step.preferred, step.only_preferred, step.skip_if, _queues(passed),
        max(one.boost for one in passed), step.penalties, is_contradiction=clash,
    )  # fmt: skip


def due_age(step: StepInForce, open_offer_until: float | None = None) -> float | None:
    """The age at which a contact has to be looked at for its next step; None: never by itself.

    An open offer (its end as an age) outlives the step that made it, so the change waits for the offer's end; an offer
    that was declined or timed out leaves the step in force until its own end.
    """
    if step.until_age is None:
        return None
    return step.until_age if open_offer_until is None else max(step.until_age, open_offer_until)


def from_penalty_rules(rules: Collection[PenaltyRule], first: PenaltyWindow = OPEN, needs: Needs = ALWAYS) -> Plan:
    """The plan of penalty windows that open with the wait: a step per window, the last without end."""
    found = windows(rules, first)
    ends = [after[0] - here[0] for here, after in pairwise(found)]
    expiries: list[float | None] = [*ends, None]
    return Plan(tuple(Step(needs=needs, expiry=e, penalties=w) for e, (_, w) in zip(expiries, found, strict=True)))


def kept(plan: Plan, step: Step, demanded: Mapping[str, int]) -> dict[str, int]:
    """What a step leaves of the contact's own demand: skill -> level."""
    left: dict[str, int] = {}
    for path, level in demanded.items():
        if reading.is_under(path, plan.never_relax):
            left[path] = level
        elif step.keep is None or reading.is_under(path, step.keep):
            left[path] = max(1, level - step.lower)
    return left


def _final(plan: Plan, asked: Mapping[str, int], passed: list[Step], begins: float) -> StepInForce:
    """What comes after the last step: for a plan that stays, its last step without the word "alone"."""
    if plan.final == "stay":
        last = plan.steps[-1]
    else:
        last = Step(needs=unrelaxed(passed[-1].needs, plan.never_relax) if passed else ALWAYS, keep=())
    needs, clash = _needs(plan, last, asked)
    boost = max((step.boost for step in passed), default=0.0)
    return StepInForce(
        len(plan.steps), needs, begins, None, last.preferred, overflow_to=_queues(passed), boost=boost,
        penalties=last.penalties, is_final=True, is_contradiction=clash,
    )  # fmt: skip


def unrelaxed(needs: Needs, never_relax: tuple[str, ...]) -> Needs:
    """The part of some needs that lies in groups which are never relaxed."""
    ways = [
        [{"skill": d.skill, "level": d.level} for d in way if d.wanted and reading.is_under(d.skill, never_relax)]
        for way in needs.alternatives
    ]
    return requirements.parse({"any": [{"all": way} for way in ways]})


def _needs(plan: Plan, step: Step, asked: Mapping[str, int]) -> tuple[Needs, bool]:
    return _joined(step.needs, tuple(sorted(kept(plan, step, asked).items())))


def _of_demand(asked: Mapping[str, int]) -> Needs:
    return _joined(ALWAYS, tuple(sorted(asked.items())))[0]


@lru_cache(maxsize=4096)
def _joined(needs: Needs, skills: tuple[tuple[str, int], ...]) -> tuple[Needs, bool]:
    """Both together, and whether they contradict each other (then the skills alone)."""
    leaves = [{"skill": path, "level": level} for path, level in skills]
    if not leaves:
        return needs, False
    if needs == ALWAYS:
        return requirements.parse({"all": leaves}), False
    try:
        return requirements.parse({"all": [needs.tree(), *leaves]}), False
    except ValueError:
        return requirements.parse({"all": leaves}), True


def _queues(passed: list[Step]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(queue for step in passed for queue in step.overflow_to))


def _preferred(value: object, where: str) -> int | str:
    if isinstance(value, str):
        return reading.one_of(value, Phrase(gettext_noop("A preferred agent of %(where)s"), where=where), WHO)
    return reading.whole(
        value,
        Phrase(gettext_noop("A preferred agent of %(where)s (or one of %(known)s)"), where=where, known=", ".join(WHO)),
        least=1,
    )
