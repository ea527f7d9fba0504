"""Reads the plain (JSON) forms that managers edit and scenario files carry; every refusal is a sentence with a remedy.

Called by the `from_dict` of plans, demand rules and closed behaviour. Pure: no Django.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from helpdesk.phrases import Phrase, Refused, gettext_noop

_ENDLESS = 1e300  # JSON has whole numbers beyond what a float can hold


def mapping(value: object, where: str, keys: Collection[str] = ()) -> Mapping[str, Any]:
    """`value` as a mapping with no key outside `keys` (where any are given); ValueError with a sentence otherwise."""
    if not isinstance(value, Mapping):
        raise Refused(
            gettext_noop("%(where)s must be a mapping, such as {}, not %(value)s."), where=where, value=_shown(value)
        )
    for key in value:
        if not isinstance(key, str):
            raise Refused(gettext_noop("%(where)s has the key %(key)s: keys are words."), where=where, key=f"{key!r}")
        if keys and key not in keys:
            raise Refused(
                gettext_noop("%(where)s has no key %(key)s: use %(known)s."),
                where=where,
                key=f"{key!r}",
                known=", ".join(keys),
            )
    return value


def rows(value: object, where: str) -> list[Any]:
    """`value` as a list; nothing at all is an empty one."""
    if value is None:
        return []
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise Refused(
            gettext_noop("%(where)s must be a list, such as [], not %(value)s."), where=where, value=_shown(value)
        )
    return list(value)


def seconds(value: object, where: str, *, least: float = 0.0, above: float | None = None) -> float:
    """`value` as a finite number of seconds, at least `least`, or more than `above`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _ENDLESS:
        raise Refused(
            gettext_noop("%(where)s must be a number of seconds, not %(value)s."), where=where, value=_shown(value)
        )
    if above is not None and value <= above:
        raise Refused(
            gettext_noop("%(where)s must be more than %(above)s seconds, not %(value)s."),
            where=where,
            above=f"{above:g}",
            value=f"{value:g}",
        )
    if value < least:
        raise Refused(
            gettext_noop("%(where)s must be at least %(least)s seconds, not %(value)s."),
            where=where,
            least=f"{least:g}",
            value=f"{value:g}",
        )
    return float(value)


def whole(value: object, where: str, *, least: int = 0, most: int | None = None) -> int:
    """`value` as a whole number between `least` and `most`, both allowed."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(
            gettext_noop("%(where)s must be a whole number, not %(value)s."), where=where, value=_shown(value)
        )
    if value < least or (most is not None and value > most):
        bounds = (
            Phrase(gettext_noop("at least %(least)s"), least=least)
            if most is None
            else Phrase(gettext_noop("from %(least)s to %(most)s"), least=least, most=most)
        )
        raise Refused(
            gettext_noop("%(where)s must be %(bounds)s, not %(value)s."), where=where, bounds=bounds, value=value
        )
    return value


def truth(value: object, where: str) -> bool:
    """`value` as true or false, and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise Refused(gettext_noop("%(where)s must be true or false, not %(value)s."), where=where, value=_shown(value))
    return value


def text(value: object, where: str) -> str:
    """`value` as a text with something in it, without spaces around it."""
    if not isinstance(value, str) or not value.strip():
        raise Refused(gettext_noop("%(where)s must be a text, not %(value)s."), where=where, value=_shown(value))
    return value.strip()


def one_of(value: object, where: str, known: Collection[str]) -> str:
    """`value` as one of the known words."""
    if not isinstance(value, str) or value not in known:
        raise Refused(
            gettext_noop("%(where)s cannot be %(value)s: use one of %(known)s."),
            where=where,
            value=_shown(value),
            known=", ".join(known),
        )
    return value


def words(value: object, where: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """`value` as texts, each once and in their order; one text alone counts as a list of one."""
    several = [value] if isinstance(value, str) else rows(value, where)
    found = [one_of(word, where, known) if known else text(word, where) for word in several]
    return tuple(dict.fromkeys(found))


def keys(value: object, where: str) -> tuple[int, ...]:
    """`value` as keys of rows (whole numbers from 1), each once; one number alone counts as a list of one."""
    several = [value] if isinstance(value, int) and not isinstance(value, bool) else rows(value, where)
    return tuple(dict.fromkeys(whole(key, where, least=1) for key in several))


def levels(value: object, where: str) -> dict[str, int]:
    """`value` as skills with the level each is needed at: a mapping of paths to 1..5, or a list of paths (level 1)."""
    if isinstance(value, Mapping):
        pairs = [(text(path, where), level) for path, level in value.items()]
    else:
        pairs = [(path, 1) for path in words(value, where)]
    return {
        skill_path(path, where): whole(
            level, Phrase(gettext_noop("The level of %(path)s in %(where)s"), path=path, where=where), least=1, most=5
        )
        for path, level in pairs
    }


def skill_path(path: str, where: str) -> str:
    """A skill's path, such as tech/network, without empty parts."""
    if any(not part.strip() for part in path.split("/")):
        raise Refused(
            gettext_noop("%(path)s in %(where)s is no skill: write group/skill, such as lang/fr."),
            path=f"{path!r}",
            where=where,
        )
    return path


def is_under(path: str, tops: Collection[str]) -> bool:
    """Whether a skill is one of `tops` or lies below one."""
    return any(path == top or path.startswith(top + "/") for top in tops)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def listed(text: str) -> list[str]:
    """Words that somebody typed with commas between them, those of Arabic, Persian and Chinese too; without empty ones."""
    return [word.strip() for word in re.split(r"[,،，、]", text) if word.strip()]
