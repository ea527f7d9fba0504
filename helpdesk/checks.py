"""System checks of the house: flow.py is whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from helpdesk.flow import AUDITED, FLOW, PERIODIC, PORTAL_LETTERS
from helpdesk.jobs import resolve
from helpdesk.models import Kind
from helpdesk.sentences import _SENTENCES


@register()
def flow_is_whole(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Each kind has its entry and its sentence, and each reaction and each periodic job imports."""
    problems: list[CheckMessage] = []
    for kind in Kind:
        if kind not in FLOW:
            problems.append(Error(f"flow.py has no entry for {kind}.", hint="Add one to FLOW.", id="helpdesk.E001"))
        if kind not in _SENTENCES:
            problems.append(Error(f"No sentence for {kind}.", hint="Add one to sentences.py.", id="helpdesk.E002"))
    paths = [path for entry in FLOW.values() for path in (*entry.with_, *entry.after)] + [p.path for p in PERIODIC]
    paths += sorted(PORTAL_LETTERS.values())
    paths += sorted({path for reactions in AUDITED.values() for path in reactions})
    for path in paths:
        try:
            resolve(path)
        except (ImportError, AttributeError) as problem:
            problems.append(Error(f"flow.py names {path}, which does not import: {problem}", id="helpdesk.E003"))
    return problems
