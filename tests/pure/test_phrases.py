"""Sentences of the pure cores: English by themselves, and in the reader's language part by part."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest

from helpdesk.holiday_lists import ical_days, public_days
from helpdesk.hours import Calendar
from helpdesk.phrases import Phrase, Refused
from helpdesk.said import said
from routing.core.closed import ClosedRules
from routing.core.demand import Rule
from routing.core.plan import Plan
from routing.core.scenario import read as read_scenario


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue that puts every message it is asked for into brackets."""
    monkeypatch.setattr("helpdesk.said.gettext", lambda message: f"‹{message}›")


def test_a_phrase_is_a_text_and_knows_what_it_is_made_of() -> None:
    inner = Phrase("step %(n)s", n=2)
    outer = Phrase("100 %% of %(where)s", where=inner)

    assert (outer, f"{outer}", json.dumps(outer)) == ("100 % of step 2", "100 % of step 2", '"100 % of step 2"')
    assert str(Refused("%(where)s is odd.", where=inner)) == "step 2 is odd."


def test_what_is_no_phrase_is_said_as_it_stands(elsewhere: None) -> None:
    assert (said("plain"), said(7), said(ValueError("of others"))) == ("plain", "7", "of others")


def test_parts_of_a_refusal_are_translated_as_well(elsewhere: None) -> None:
    with pytest.raises(Refused) as refused:
        Plan.from_dict({"steps": [{}, {"expiry": -1}]})

    assert str(refused.value) == "expiry of step 2 must be more than 0 seconds, not -1."
    assert said(refused.value) == "‹‹expiry of ‹step 2›› must be more than 0 seconds, not -1.›"


REFUSED: list[tuple[Callable[[Any], object], Any]] = [
    (Calendar.from_dict, {}),
    (Calendar.from_dict, {"tz": "UTC", "weekly": {"mon": [["9", "10"]]}}),
    (Calendar.from_dict, {"tz": "UTC", "holidays": ["2026-02-30"]}),
    (Plan.from_dict, {"steps": [{"needs": {"skill": "lang/fr", "level": 9}}]}),
    (Plan.from_dict, {"steps": [{"only_preferred": True}]}),
    (Rule.from_dict, {"name": "Odd", "when": {"country": ["Atlantis"]}, "skills": ["a/b"]}),
    (ClosedRules.from_dict, []),
    (ClosedRules.from_dict, {"behaviours": {"closed": {"chat": "sing"}}}),
    (read_scenario, {}),
    (read_scenario, {"queues": [{"name": "a", "arrivals_per_hour": 1, "handle_seconds": {"dist": "odd"}}]}),
    (lambda code: public_days(code, 2026), "QQ"),
    (lambda data: ical_days(data, [2026], UTC), b"no calendar"),
]


@pytest.mark.parametrize(("read", "data"), REFUSED)
def test_whatever_a_core_refuses_can_be_said_in_another_language(
    elsewhere: None, read: Callable[[Any], object], data: Any
) -> None:
    with pytest.raises(Refused) as refused:
        read(data)

    assert "‹" not in str(refused.value)
    assert said(refused.value).startswith("‹")
