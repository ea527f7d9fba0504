"""The simulation with shifts, breaks, closed queues and declines, on days small enough to work out by hand."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from routing.core.scenario import read
from routing.core.scenario_presence import Presence, next_change, opens_at, read_windows
from routing.core.simulation import run

HOUR = 3600.0


def queue_of(at: list[float], *, agents: Any = None, **changes: Any) -> dict[str, Any]:
    """The answer for one queue of contacts that came at these seconds, 30 s each."""
    queue = {"name": "calls", "recorded": at, "handle_seconds": 30} | changes
    form = {"hours": 48, "queues": [queue], "agents": agents or [{"queues": ["calls"]}]}
    (found,) = run(read(form)).answer()["queues"]
    assert isinstance(found, dict)
    return found


def test_nobody_is_asked_outside_of_his_shift_and_the_next_morning_goes_on() -> None:
    agents = [{"queues": ["calls"], "shifts": [[8, 9]]}]
    found = queue_of([7 * HOUR, 8.5 * HOUR, 9 * HOUR], agents=agents)
    assert (found["answered"], found["unserved"]) == (3, 0)
    assert (found["wait_p50"], found["wait_p90"]) == (HOUR, 23 * HOUR)


def test_who_has_a_contact_when_his_shift_ends_finishes_it_and_gets_no_other() -> None:
    agents = [{"queues": ["calls"], "shifts": [[8, 9]]}]
    found = queue_of([9 * HOUR - 10, 9 * HOUR - 5], agents=agents)
    assert found["wait_p90"] == 23 * HOUR + 5
    assert found["occupancy"] == pytest.approx(60 / (2 * HOUR))


def test_breaks_are_no_time_of_work() -> None:
    agents = [{"queues": ["calls"], "breaks": [{"at": 12, "minutes": 30}]}]
    found = queue_of([12.25 * HOUR], agents=agents)
    assert found["asa_seconds"] == 900
    assert found["occupancy"] == pytest.approx(30 / (48 * HOUR - 2 * 1800))


def test_who_comes_to_a_closed_queue_waits_for_its_opening_or_goes_away() -> None:
    came = [7 * HOUR, 10 * HOUR]
    found = queue_of(came, open=[[8, 18]])
    assert (found["answered"], found["wait_p90"], found["turned_away"]) == (2, HOUR, 0)
    found = queue_of(came, open=[[8, 18]], when_closed="lost")
    assert (found["offered"], found["answered"], found["turned_away"], found["unserved"]) == (2, 1, 1, 0)


def test_who_waits_at_closing_is_served_on() -> None:
    found = queue_of([18 * HOUR - 10, 18 * HOUR - 9], open=[[8, 18]])
    assert found["wait_p90"] == 29


def test_a_contact_of_the_night_enters_at_the_step_of_its_age() -> None:
    plan = {"steps": [{"expiry": 60}, {"keep": [], "expiry": None}]}
    found = queue_of([7 * HOUR], open=[[8, 18]], requires=["billing"], agents=[{"queues": ["calls"]}], plan=plan)
    assert found["asa_seconds"] == HOUR


def test_patience_runs_while_the_queue_is_closed() -> None:
    assert queue_of([7 * HOUR], open=[[8, 18]], patience_seconds=60)["abandoned"] == 1


def test_work_that_nobody_ever_does_ends_the_run_nevertheless() -> None:
    agents = [{"queues": ["calls"], "shifts": [[8, 9]]}]
    assert queue_of([0], agents=agents, requires=["lang/fr"])["unserved"] == 1


def test_with_declines_nobody_waits_longer_and_each_contact_is_offered_once_more_for_each_that_was_declined() -> None:
    def answer(share: float) -> dict[str, Any]:
        queue = {
            "name": "calls",
            "arrivals_per_hour": 100,
            "handle_seconds": {"dist": "exponential", "mean": 180},
            "declines": {"share": share},
        }
        form = {"seed": 4, "contacts": 1200, "queues": [queue], "agents": [{"count": 7, "queues": ["calls"]}]}
        (found,) = run(read(form)).answer()["queues"]
        assert isinstance(found, dict)
        return found

    without, half = answer(0.0), answer(0.5)
    assert half["asa_seconds"] == pytest.approx(without["asa_seconds"])
    assert half["service_level"] == without["service_level"]
    assert without["declined"] == 0
    assert (half["declined"] + half["answered"]) / half["answered"] == pytest.approx(2, rel=0.1)


def test_who_declined_is_left_out_for_a_while() -> None:
    waits = [_waits_with_seed(seed) for seed in range(40)]
    assert set(waits) <= {60.0 * n for n in range(20)}
    assert statistics.mean(waits) == pytest.approx(60, rel=0.6)


def _waits_with_seed(seed: int) -> float:
    queue = {"name": "q", "recorded": [0], "handle_seconds": 30, "declines": {"share": 0.5, "seconds": 60}}
    form = {"seed": seed, "hours": 1, "queues": [queue], "agents": [{"queues": ["q"]}]}
    (found,) = run(read(form)).answer()["queues"]
    return float(found["asa_seconds"])


def test_windows_over_midnight_are_two_and_the_clock_finds_the_next_edge() -> None:
    night = read_windows([[22, 6]], "“shifts”")
    assert night == ((0.0, 6 * HOUR), (22 * HOUR, 24 * HOUR))
    assert Presence(night).why_not(23 * HOUR) == ""
    assert Presence(night).why_not(12 * HOUR) == "outside_shift"
    assert next_change([night], 7 * HOUR) == 22 * HOUR
    assert next_change([night], 23 * HOUR) == 24 * HOUR
    assert opens_at(night, 30 * HOUR) == 46 * HOUR
    assert Presence(night).ready_seconds(0, 48 * HOUR) == 16 * HOUR


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"open": [[8, 25]]}, "“open” of queue “calls” has \\[8, 25\\]"),
        ({"open": [[8, 12], [11, 13]]}, "hours that overlap"),
        ({"when_closed": "gone"}, "“when_closed” of queue “calls”"),
        ({"declines": {"share": 1}}, "“share” in “declines” of queue “calls” must be from 0 to 0.9"),
    ],
)
def test_hours_with_a_mistake_are_refused_by_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        queue_of([0], **change)


@pytest.mark.parametrize(
    "group", [{"shifts": [8, 16]}, {"breaks": [{"at": 24, "minutes": 5}]}, {"breaks": [{"at": 1}]}]
)
def test_shifts_and_breaks_with_a_mistake_are_refused(group: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="agents 1"):
        queue_of([0], agents=[{"queues": ["calls"], **group}])
