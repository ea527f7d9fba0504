"""What the forms of this package offer: queues, skills by path, people; and the rows of skills with their levels."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.admin.line_widgets import Column, LinesArea, column
from helpdesk.models import SYSTEM, Queue, Skill, User
from routing.queries.skills import skill_paths

LEVELS: tuple[tuple[str, str | Promise], ...] = (
    ("1", gettext_lazy("1, learning")),
    ("2", "2"),
    ("3", "3"),
    ("4", "4"),
    ("5", gettext_lazy("5, expert")),
)


def skill_choices() -> list[tuple[str, str]]:
    """Path and name of each skill, and of each group as a whole. One query."""
    rows = list(Skill.objects.select_related("group", "parent").order_by("group__name", "name"))
    paths = skill_paths(rows)
    found: dict[str, str] = {}
    for row in rows:
        top = paths[row.pk].partition("/")[0]
        found.setdefault(top, _("%(group)s: any of them") % {"group": row.group.name})
        words = f"{row.parent.name} › {row.name}" if row.parent is not None else row.name
        found[paths[row.pk]] = f"{row.group.name} › {words}"
    return sorted(found.items(), key=lambda pair: pair[1].casefold())


def queue_choices() -> list[tuple[str, str]]:
    """Key and name of each active queue."""
    rows = Queue.objects.visible_to(SYSTEM).filter(is_active=True).order_by("position", "name")
    return [(str(key), name) for key, name in rows.values_list("pk", "name")]


def agent_choices() -> list[tuple[str, str]]:
    """Key and name of everybody who may be offered contacts."""
    rows = User.objects.filter(is_active=True, memberships__isnull=False).distinct().order_by("name")
    return [(str(key), name) for key, name in rows.values_list("pk", "name")]


class FreshLines(LinesArea):
    """Rows whose choices are read when they are shown, not when the program starts."""

    def __init__(self, make: Any, **options: Any) -> None:
        super().__init__((), **options)
        self.make = make

    def describe(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """Reads the choices."""
        self.columns = self.make()
        return super().describe(attributes)


def skill_columns() -> tuple[Column, ...]:
    """A skill and its level."""
    return (
        column("select", gettext_lazy("skill"), [("", "---------"), *skill_choices()]),
        column("select", gettext_lazy("level"), LEVELS),
    )


def skill_lines(skills: dict[str, int]) -> str:
    """{"lang/fr": 3} as `lang/fr 3`, a line each."""
    return "\n".join(f"{path} {level}" for path, level in sorted(skills.items()))


def skills_of(lines: str) -> dict[str, int]:
    """The other way round; without a level it is 1. Raises ValidationError for a line that names none."""
    found: dict[str, int] = {}
    for line in lines.splitlines():
        if line.strip():
            path, _sep, level = line.strip().rpartition(" ")
            path, level = (path.strip(), level) if path and level.isdecimal() else (line.strip(), "1")
            if not path or " " in path:
                raise ValidationError(
                    _("“%(line)s” is no skill with a level, such as lang/fr 3.") % {"line": line.strip()}
                )
            found[path] = int(level)
    return found
