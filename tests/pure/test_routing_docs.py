"""docs/routing.md: each plain form it shows under needs, demand, plans and closed queues is one that its reader takes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from routing.core.closed import BEHAVIOURS, STATES, ClosedRules
from routing.core.demand import DemandRules
from routing.core.needs import parse
from routing.core.plan import Plan
from routing.core.sticky import SKIP_REASONS, WHO

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "routing.md").read_text(encoding="utf-8")
CHAPTERS = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", PAGE, re.MULTILINE))


@pytest.mark.parametrize(
    ("chapter", "read"),
    [
        ("What a contact needs", parse),
        ("Demand: where needs come from", DemandRules.from_dict),
        ("Plans: how needs relax with the wait", Plan.from_dict),
        ("Closed, unstaffed and full queues", ClosedRules.from_dict),
    ],
)
def test_every_form_the_page_shows_can_be_used(chapter: str, read: Callable[[object], object]) -> None:
    forms = re.findall(r"```json\n(.+?)```", CHAPTERS[chapter], re.DOTALL)
    assert forms
    for form in forms:
        read(json.loads(form))


@pytest.mark.parametrize("word", [*BEHAVIOURS, *STATES, *SKIP_REASONS, *WHO])
def test_every_word_that_a_form_may_hold_is_explained(word: str) -> None:
    assert f"`{word}`" in PAGE
