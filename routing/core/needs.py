"""What a contact asks of an agent: trees of skills with levels, brought to alternatives that are quick to check.

A skill is a path, `group/skill/sub-skill`. Whoever holds a skill holds everything above it at the same level, so a need
for a parent is met by any descendant; a need for a child is not met by its parent. Called by plans, by the pool and by
the check of a plan before it is saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from helpdesk.phrases import Refused, gettext_noop

LEVELS = range(1, 6)
MAX_ALTERNATIVES = 64
MAX_DEPTH = 12
MAX_PATH = 200


@dataclass(frozen=True, slots=True, order=True)
class Demand:
    """One skill asked for at a level or better; `wanted=False` asks for somebody who does not have it at that level."""

    skill: str
    level: int = 1
    wanted: bool = True

    def met_by(self, expanded: Mapping[str, int]) -> bool:
        """Whether skills with their parents (see `expand`) meet this one demand."""
        return (expanded.get(self.skill, 0) >= self.level) is self.wanted

    def __str__(self) -> str:
        """A short label for counts: `lang/fr`, `lang/fr>=3`, `not tier/vip`."""
        text = self.skill if self.level == 1 else f"{self.skill}>={self.level}"
        return text if self.wanted else f"not {text}"


Signature = tuple[tuple[Demand, ...], ...]


@dataclass(frozen=True)
class Needs:
    """Alternatives of which one must be met whole. `ALWAYS` is met by everybody. Made by `parse`."""

    alternatives: Signature

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.alternatives)

    @property
    def signature(self) -> Signature:
        """Hashable and canonical: equal signatures mean equal needs, however the tree was ordered or nested."""
        return self.alternatives

    @cached_property
    def skills(self) -> frozenset[str]:
        """Every skill named, wanted or not."""
        return frozenset(demand.skill for one in self.alternatives for demand in one)

    def met_by(self, skills: Mapping[str, int]) -> bool:
        """Whether an agent with these skills (path -> level) meets the needs."""
        return self.met_by_expanded(expand(skills))

    def met_by_expanded(self, expanded: Mapping[str, int]) -> bool:
        """As `met_by`, for skills that `expand` has given their parents already; for callers who ask often."""
        return any(all(demand.met_by(expanded) for demand in one) for one in self.alternatives)

    def missing(self, skills: Mapping[str, int]) -> tuple[str, ...]:
        """Labels of what is wanting in the alternative that is nearest to being met; empty when the needs are met."""
        return self.missing_expanded(expand(skills))

    def missing_expanded(self, expanded: Mapping[str, int]) -> tuple[str, ...]:
        """As `missing`, for expanded skills."""
        gaps = [tuple(str(demand) for demand in one if not demand.met_by(expanded)) for one in self.alternatives]
        return min(gaps, key=len)

    def proficiency(self, expanded: Mapping[str, int]) -> float:
        """Mean level held of the skills wanted, in the best alternative met; 0 where nothing is wanted or met."""
        best = 0.0
        for one in self.alternatives:
            if all(demand.met_by(expanded) for demand in one):
                levels = [expanded[demand.skill] for demand in one if demand.wanted]
                best = max(best, sum(levels) / len(levels) if levels else 0.0)
        return best

    def words(self) -> tuple[tuple[tuple[str, str, int], ...], ...]:
        """The parts of a sentence, for whoever puts it into a language: alternatives of (kind, skill, level).

        Kinds: `has`, `at_least`, `lacks`, `below`. `ALWAYS` gives one alternative without parts.
        """
        return tuple(
            tuple(
                (
                    ("has" if demand.level == 1 else "at_least")
                    if demand.wanted
                    else ("lacks" if demand.level == 1 else "below"),
                    demand.skill,
                    demand.level,
                )
                for demand in one
            )
            for one in self.alternatives
        )

    def tree(self) -> dict[str, Any]:
        """The needs as a tree that `parse` reads back to the same signature."""
        return {"any": [{"all": [_leaf(demand) for demand in one]} for one in self.alternatives]}


def _leaf(demand: Demand) -> dict[str, Any]:
    leaf: dict[str, Any] = {"skill": demand.skill, "level": demand.level}
    return leaf if demand.wanted else {"not": leaf}


ALWAYS = Needs(((),))


def ancestors(skill: str) -> Iterable[str]:
    """The paths above a skill, the nearest first: `a/b/c` gives `a/b`, `a`."""
    while "/" in skill:
        skill = skill.rpartition("/")[0]
        yield skill


def expand(skills: Mapping[str, int]) -> dict[str, int]:
    """Skills with everything above them, each path at the best level held of itself or anything below it."""
    expanded: dict[str, int] = {}
    for skill, level in skills.items():
        for path in (skill, *ancestors(skill)):
            if expanded.get(path, 0) < level:
                expanded[path] = level
    return expanded


def parse(tree: Any) -> Needs:
    """Needs from `{"all": […]} | {"any": […]} | {"not": …} | {"skill": path, "level": 1-5}`; None, {} and [] ask nothing.

    A list stands for `all`. Raises ValueError with a sentence when the tree has another shape, is too large, or asks
    for what nobody can ever have.
    """
    if tree is None or tree == {} or tree == []:
        return ALWAYS
    alternatives = _alternatives(tree, wanted=True, depth=0)
    if not alternatives:
        raise Refused(gettext_noop("Nobody can ever meet these requirements: they contradict themselves."))
    return Needs(tuple(sorted(tuple(sorted(one)) for one in alternatives)))


_One = frozenset[Demand]


def _alternatives(tree: Any, *, wanted: bool, depth: int) -> set[_One]:
    """The disjunctive normal form; a `not` is carried down to the leaves."""
    if depth > MAX_DEPTH:
        raise Refused(gettext_noop("Requirements are nested deeper than %(max_depth)s levels."), max_depth=MAX_DEPTH)
    if isinstance(tree, list):
        tree = {"all": tree}
    if not isinstance(tree, dict):
        raise Refused(gettext_noop("A requirement is an object with one of: all, any, not, skill."))
    if "skill" in tree:
        return {frozenset({_demand(tree, wanted=wanted)})}
    if len(tree) != 1:
        raise Refused(gettext_noop("A requirement has exactly one of: all, any, not, skill."))
    kind, below = next(iter(tree.items()))
    if kind == "not":
        return _alternatives(below, wanted=not wanted, depth=depth + 1)
    if kind not in ("all", "any"):
        raise Refused(gettext_noop("“%(kind)s” is no requirement; there are: all, any, not, skill."), kind=kind)
    if not isinstance(below, list):
        raise Refused(gettext_noop("“%(kind)s” takes a list of requirements."), kind=kind)
    if kind == "any" and not below:
        raise Refused(gettext_noop("“any” of nothing can never be met."))
    parts = [_alternatives(part, wanted=wanted, depth=depth + 1) for part in below]
    if (kind == "all") is wanted:
        return _both(parts)
    return _absorbed(one for part in parts for one in part)


def _demand(leaf: dict[str, Any], *, wanted: bool) -> Demand:
    if strange := set(leaf) - {"skill", "level"}:
        raise Refused(gettext_noop("A skill has no “%(value)s”; it has a level."), value=min(map(str, strange)))
    skill, level = leaf["skill"], leaf.get("level", 1)
    if (
        not isinstance(skill, str)
        or len(skill) > MAX_PATH
        or not all(part.strip() == part != "" for part in skill.split("/"))
    ):
        raise Refused(
            gettext_noop("“%(value)s” is no skill: a skill is a path such as lang/fr."), value=str(skill)[:60]
        )
    if isinstance(level, bool) or not isinstance(level, int) or level not in LEVELS:
        raise Refused(
            gettext_noop("The level of %(value)s must be a whole number from %(least)s to %(most)s."),
            value=skill[:60],
            least=LEVELS[0],
            most=LEVELS[-1],
        )
    return Demand(skill, level, wanted)


def _both(parts: list[set[_One]]) -> set[_One]:
    """Every way to meet all the parts at once."""
    ways: set[_One] = {frozenset()}
    for part in parts:
        if len(ways) * len(part) > MAX_ALTERNATIVES**2:
            raise Refused(
                gettext_noop("These requirements have more than %(max_alternatives)s alternatives."),
                max_alternatives=MAX_ALTERNATIVES,
            )
        joined = (_together(left | right) for left, right in product(ways, part))
        ways = _absorbed(one for one in joined if one is not None)
    return ways


def _together(demands: _One) -> _One | None:
    """A conjunction without what its other members imply; None where it contradicts itself."""
    for demand in demands:
        if demand.wanted and any(not other.wanted and _covers(other, demand) for other in demands):
            return None
    return frozenset(one for one in demands if not any(other != one and _implies(other, one) for other in demands))


def _covers(upper: Demand, lower: Demand) -> bool:
    """Whether holding `lower` means holding `upper`, leaving aside which of them is wanted."""
    return upper.level <= lower.level and (upper.skill == lower.skill or lower.skill.startswith(upper.skill + "/"))


def _implies(one: Demand, other: Demand) -> bool:
    """Whether whoever meets `one` meets `other`."""
    if one.wanted is not other.wanted:
        return False
    return _covers(other, one) if one.wanted else _covers(one, other)


def _absorbed(ways: Iterable[_One]) -> set[_One]:
    """Without the ways that ask more than another way does."""
    kept: list[_One] = []
    for way in sorted(set(ways), key=lambda one: (len(one), sorted(one))):
        if not any(_weaker(other, way) for other in kept):
            kept = [other for other in kept if not _weaker(way, other)]
            kept.append(way)
    if len(kept) > MAX_ALTERNATIVES:
        raise Refused(
            gettext_noop("These requirements have more than %(max_alternatives)s alternatives."),
            max_alternatives=MAX_ALTERNATIVES,
        )
    return set(kept)


def _weaker(one: _One, other: _One) -> bool:
    """Whether everybody who meets `other` meets `one`."""
    return all(any(_implies(held, asked) for held in other) for asked in one)
