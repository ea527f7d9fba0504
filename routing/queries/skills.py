"""Skills as paths, the way the pure core names them: `group/skill/sub-skill`; a language is `lang/<code>`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from django.db.models import Q
from django.utils.text import slugify

from helpdesk.models import AgentSkill, Skill


def skill_paths(skills: Iterable[Skill] | None = None) -> dict[int, str]:
    """The path of each skill by its key. One query."""
    rows = {s.pk: s for s in (skills if skills is not None else Skill.objects.select_related("group"))}
    return {key: _path(skill, rows) for key, skill in rows.items()}


def skill_names() -> dict[str, str]:
    """The name the house gave each skill, by its path. One query."""
    rows = list(Skill.objects.select_related("group"))
    paths = skill_paths(rows)
    return {paths[row.pk]: row.name for row in rows}


def _path(skill: Skill, rows: dict[int, Skill]) -> str:
    if skill.language:
        return f"lang/{skill.language.lower()}"
    names = [skill.name]
    seen = {skill.pk}
    while skill.parent_id and skill.parent_id in rows and skill.parent_id not in seen:
        skill = rows[skill.parent_id]
        seen.add(skill.pk)
        names.append(skill.name)
    return "/".join(
        [slugify(skill.group.name, allow_unicode=True), *(slugify(n, allow_unicode=True) for n in reversed(names))]
    )


def skills_held(users: Iterable[int], today: date) -> dict[int, dict[str, int]]:
    """The skills of each agent, path -> level, without those that have expired. Two queries."""
    paths = skill_paths()
    held: dict[int, dict[str, int]] = defaultdict(dict)
    rows = AgentSkill.objects.filter(Q(expires_on__isnull=True) | Q(expires_on__gte=today), user__in=set(users))
    for row in rows:
        held[row.user_id][paths[row.skill_id]] = row.level
    return held
