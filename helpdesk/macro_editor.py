"""The editor of a macro's steps: what its rows offer, and what they send. Drawn by the administration and by the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from helpdesk.actions.macros import NEEDS, SNOOZES, STATUSES, STEPS
from helpdesk.models import Actor, Priority, Queue, User

_SPARE_ROWS = 2
_LEAST_ROWS = 3
_KEYS = tuple(dict.fromkeys(NEEDS.values()))


class _Sent(Protocol):
    """A form that was sent."""

    def getlist(self, key: str) -> Sequence[Any]: ...


def editor_context(name: str, steps: Any, actor: Actor) -> dict[str, Any]:
    """What the template of the rows needs: the steps, spare rows below, and every choice `actor` has."""
    kept = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    spare = max(_LEAST_ROWS - len(kept), _SPARE_ROWS)
    return {
        "name": name,
        "rows": [_row(step) for step in [*kept, *({} for _n in range(spare))]],
        "kinds": [(kind, words, NEEDS.get(kind, "")) for kind, words in STEPS.items()],
        "statuses": [(status.value, status.label) for status in STATUSES],
        "priorities": Priority.choices,
        "snoozes": list(SNOOZES.items()),
        "people": list(User.objects.filter(is_active=True).order_by("name").values_list("pk", "name")),
        "queues": list(Queue.objects.visible_to(actor).filter(is_active=True).values_list("pk", "name")),
    }


def sent_steps(sent: _Sent, name: str) -> list[dict[str, str]]:
    """The rows in their order on the page, each with the one value it needs; empty rows are left out."""
    columns: Mapping[str, Sequence[Any]] = {key: sent.getlist(f"{name}-{key}") for key in ("do", *_KEYS)}
    rows = [
        {key: column[at] if at < len(column) else "" for key, column in columns.items()}
        for at in range(len(columns["do"]))
    ]
    return [{key: row[key] for key in ("do", NEEDS.get(row["do"], "do"))} for row in rows if row["do"]]


def _row(step: dict[str, Any]) -> dict[str, Any]:
    tags = step.get("tags", "")
    return {**step, "tags": ", ".join(tags) if isinstance(tags, list) else tags, "need": NEEDS.get(step.get("do", ""))}
