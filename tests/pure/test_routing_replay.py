"""What a pool was told, told again: equal decisions, for every strategy, and nothing but the log decides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.core.replay import Recorder, replay
from routing.core.scenario import read
from routing.core.simulation import run
from routing.core.strategies import STRATEGIES

DAY: dict[str, Any] = {
    "hours": 24,
    "contacts": 250,
    "queues": [
        {
            "name": "calls",
            "arrivals_per_hour": [0, 40, 20],
            "handle_seconds": {"dist": "lognormal", "mean": 200, "cv": 1},
            "patience_seconds": {"dist": "exponential", "mean": 300},
            "declines": {"share": 0.2, "seconds": 30},
            "open": [[0, 12], [13, 24]],
        },
        {
            "name": "french",
            "arrivals_per_hour": 12,
            "handle_seconds": 120,
            "requires": ["lang/fr"],
            "weight": 1,
            "plan": {"steps": [{"expiry": 20}, {"keep": ["lang"], "overflow_to": ["calls"], "expiry": None}]},
        },
    ],
    "agents": [
        {"count": 3, "queues": {"calls": 0, "french": 4}, "skills": {"lang/fr": 2}, "shifts": [[0, 9]]},
        {"count": 2, "queues": ["calls"], "breaks": [{"at": 3, "minutes": 45}]},
        {"count": 1, "queues": {"french": 0, "calls": 2}, "skills": {"lang/fr": 5}, "capacity": 2},
    ],
}


def recorded(**changes: Any) -> list[dict[str, Any]]:
    """The log of a simulated day, as it comes out of a file."""
    scenario = read({**DAY, **changes})
    pool = Recorder(seed=scenario.seed)
    run(scenario, pool=pool)
    log: list[dict[str, Any]] = json.loads(json.dumps(pool.log))
    return log


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_log_of_a_day_replayed_gives_equal_decisions(strategy: str) -> None:
    log = recorded(strategy=strategy, seed=5)
    decided = [line["decided"] for line in log if line["call"] == "match" and line["decided"]]
    assert len(decided) > 100
    assert {line["call"] for line in log} >= {"set_ready", "release", "put_item", "drop_item", "count", "match"}
    assert replay(log) is None


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32), strategy=st.sampled_from(STRATEGIES))
def test_whatever_the_day_it_is_decided_again_as_it_was(seed: int, strategy: str) -> None:
    assert replay(recorded(strategy=strategy, seed=seed, contacts=80)) is None


def test_a_recorder_decides_as_a_pool_does() -> None:
    assert run(read(DAY), pool=Recorder(seed=0)).answer() == run(read(DAY)).answer()


def test_a_log_that_was_changed_is_found_out() -> None:
    log = recorded(strategy="longest_idle", seed=5)
    match = next(number for number, line in enumerate(log) if line.get("decided"))
    log[match]["decided"][0][1] += 1
    found = replay(log)
    assert found is not None
    assert found[0] == match

    log = recorded(strategy="round_robin", seed=5)
    first = next(line for line in log if line["call"] == "put_agent")
    first["values"][0]["ready"] = False
    assert replay(log) is not None
