"""What a contact asks for, and on what evidence, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from routing.core.needs import Needs
from routing.words.waits import seconds_words


def skill_words(path: str, names: Mapping[str, str] | None = None) -> str:
    """A skill by the name the house gave it, else its path."""
    return (names or {}).get(path, path)


def demand_words(label: str, names: Mapping[str, str] | None = None) -> str:
    """A demand of a histogram (`lang/fr>=3`, `not trainee`) in words."""
    is_lack = label.startswith("not ")
    path, _sep, level = label.removeprefix("not ").partition(">=")
    skill = skill_words(path, names)
    if is_lack:
        return _("without %(skill)s") % {"skill": skill}
    return _("%(skill)s at level %(level)s or better") % {"skill": skill, "level": level} if level else skill


def needs_words(needs: Needs, names: Mapping[str, str] | None = None) -> str:
    """What has to be met, as one sentence part; "" where nothing is asked."""
    ways = []
    for way in needs.words():
        parts = [_part_words(kind, skill_words(path, names), level) for kind, path, level in way]
        if parts:
            ways.append(get_text_list(parts, _("and")))
    return get_text_list(ways, _("or"))


def _part_words(kind: str, skill: str, level: int) -> str:
    values = {"skill": skill, "level": level}
    match kind:
        case "at_least":
            return _("%(skill)s at level %(level)s or better") % values
        case "lacks":
            return _("without %(skill)s") % values
        case "below":
            return _("%(skill)s below level %(level)s") % values
    return skill


def source_words(source: str) -> str:
    """Where a demand comes from."""
    words = {
        "prechat": lambda: _("chosen by the customer"),
        "record": lambda: _("from the customer's record"),
        "conversation": lambda: _("from the conversation"),
        "page": lambda: _("from the page"),
        "geo": lambda: _("from geography"),
    }.get(source)
    return words() if words is not None else source


def because_words(
    because: Mapping[str, Any], skills: Mapping[str, str], queues: Mapping[int, str] | None = None
) -> str:
    """One demand with its provenance."""
    value = because["value"]
    match because["kind"]:
        case "skill":
            label = because["name"] if value == 1 else f"{because['name']}>={value:g}"
            what = demand_words(label, skills)
        case "queue":
            what = _("queue %(name)s") % {"name": (queues or {}).get(int(value), f"{value:g}")}
        case "priority":
            what = _("priority %(n)s") % {"n": f"{value:g}"}
        case _:
            what = _("%(time)s ahead in the order") % {"time": seconds_words(value)}
    source = source_words(because["source"])
    evidence = f"{source}: {because['evidence']}" if because["evidence"] else source
    rule = because["rule"]
    if rule:
        return _("%(what)s, by the rule “%(rule)s” (%(evidence)s)") % {"what": what, "rule": rule, "evidence": evidence}
    return _("%(what)s (%(evidence)s)") % {"what": what, "evidence": evidence}


def conflict_words(
    conflict: Mapping[str, Any], skills: Mapping[str, str], queues: Mapping[int, str] | None = None
) -> str:
    """Two demands that contradict each other, the winner first."""
    return _("%(winner)s goes before %(loser)s") % {
        "winner": because_words(conflict["winner"], skills, queues),
        "loser": because_words(conflict["loser"], skills, queues),
    }
