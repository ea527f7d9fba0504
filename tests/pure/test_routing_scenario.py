"""What a scenario may say: its laws of time, and its mistakes, each refused by a sentence."""

from __future__ import annotations

import json
import math
import random
import statistics
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.core import distributions
from routing.core.scenario import read

CALLS: dict[str, Any] = {
    "name": "calls",
    "arrivals_per_hour": 100,
    "handle_seconds": {"dist": "exponential", "mean": 180},
}
_ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["dist", "mean", "skill", "steps", "all"]), st.integers(), max_size=2),
    st.sampled_from([10**400, -(10**400), [[]], {"dist": "recorded", "values": "abc"}, {"not": {"skill": "a"}}]),
)  # fmt: skip


def _scenario(**changes: Any) -> dict[str, Any]:
    """Poisson traffic of 100/h x 180 s on 7 agents, and what a test changes in it."""
    queue = {"name": "calls", "arrivals_per_hour": 100, "handle_seconds": {"dist": "exponential", "mean": 180}}
    whole = {"seed": 3, "contacts": 1500, "queues": [queue], "agents": [{"count": 7, "queues": ["calls"]}]}
    return whole | changes


def _recorded(at: list[float], **changes: Any) -> dict[str, Any]:
    """A queue of contacts that came at these seconds and take 30 s each."""
    return {"name": "calls", "recorded": at, "handle_seconds": 30} | changes


def _places(form: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a form."""
    if not isinstance(form, dict | list):
        return []
    keys = list(form) if isinstance(form, dict) else list(range(len(form)))
    return [(form, key) for key in keys] + [place for key in keys for place in _places(form[key])]


@pytest.mark.parametrize(
    ("law", "mean", "cv"),
    [
        ({"dist": "exponential", "mean": 180}, 180, 1),
        ({"dist": "lognormal", "mean": 180, "cv": 1.2}, 180, 1.2),
        ({"dist": "lognormal", "mean": 50}, 50, 1),
        ({"dist": "lognormal", "mean": 50, "sd": 25}, 50, 0.5),
        ({"dist": "gamma", "mean": 90, "cv": 0.5}, 90, 0.5),
        ({"dist": "uniform", "low": 10, "high": 30}, 20, 20 / math.sqrt(12) / 20),
        ({"dist": "constant", "mean": 60}, 60, 0),
        (60, 60, 0),
        ({"dist": "recorded", "values": [10, 20, 30]}, 20, math.sqrt(200 / 3) / 20),
    ],
)
def test_times_are_drawn_from_the_law_that_was_asked_for(law: object, mean: float, cv: float) -> None:
    read_law = distributions.read(law, "x")
    draw = read_law.sampler(random.Random(1))
    drawn = [draw() for _ in range(20_000)]
    assert read_law.mean == mean
    assert statistics.mean(drawn) == pytest.approx(mean, rel=0.03)
    assert statistics.pstdev(drawn) / mean == pytest.approx(cv, rel=0.06, abs=1e-9)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ([], "The scenario must be a mapping"),
        ({"queus": []}, "The scenario has no key 'queus'"),
        (_scenario(seed="x"), "“seed” must be a whole number"),
        (_scenario(hours=0), "“hours” must be"),
        (_scenario(hours=math.inf), "“hours” must be"),
        (_scenario(contacts=None), "Say how long to simulate"),
        (_scenario(contacts=0), "“contacts” must be"),
        (_scenario(contacts=10**12), "“contacts” must be"),
        (
            _scenario(hours=80_000, contacts=None) | {"queues": [CALLS | {"arrivals_per_hour": 10**6}]},
            "contacts would arrive",
        ),
        (_scenario(warmup_contacts=1500), "only about 1,500 contacts"),
        (_scenario(warmup_contacts=-1), "“warmup_contacts” must be"),
        (_scenario(strategy="luck"), "“strategy” cannot be 'luck': use one of"),
        (_scenario(queues=[]), "no queues"),
        (_scenario(queues={}), "“queues” must be a list"),
        (_scenario(queues=[3]), "Queue 1 must be a mapping"),
        (_scenario(queues=[CALLS, CALLS]), "Two queues are named “calls”"),
        (_scenario(queues=[{"arrivals_per_hour": 3}]), "“name” of queue 1"),
        (_scenario(queues=[{"name": "calls", "handle_seconds": 3}]), "needs either"),
        (_scenario(queues=[CALLS | {"recorded": [1]}]), "needs either"),
        (_scenario(queues=[_recorded([])]), "has no contacts"),
        (_scenario(queues=[_recorded([5, 4])]), "order them"),
        (_scenario(queues=[_recorded([-1])]), "“at” of contact 1"),
        (_scenario(queues=[_recorded([], recorded=[{"when": 1}])]), "has no key 'when'"),
        (_scenario(queues=[CALLS | {"arrivals_per_hour": -1}]), "“arrivals_per_hour” of queue “calls”"),
        (_scenario(queues=[CALLS | {"arrivals_per_hour": 10**400}]), "“arrivals_per_hour” of queue “calls”"),
        (_scenario(queues=[CALLS | {"handle_seconds": 10**400}]), "“handle_seconds” of queue “calls” must be a number"),
        (_scenario(hours=10**400), "“hours” must be"),
        (_scenario(queues=[CALLS | {"arrivals_per_hour": "many"}]), "“arrivals_per_hour” of queue “calls”"),
        (_scenario(queues=[CALLS | {"arrivals_per_hour": []}]), "empty list"),
        (_scenario(queues=[CALLS | {"arrivals_per_hour": 0}]), "Nothing ever arrives"),
        (_scenario(queues=[{"name": "calls", "arrivals_per_hour": 3}]), "“handle_seconds” of queue “calls” is missing"),
        (_scenario(queues=[CALLS | {"handle_seconds": "long"}]), "must be a number of seconds or a law"),
        (_scenario(queues=[CALLS | {"handle_seconds": -3}]), "at least 0"),
        (_scenario(queues=[CALLS | {"handle_seconds": {"mean": 3}}]), "use one of exponential"),
        (_scenario(queues=[CALLS | {"handle_seconds": {"dist": "normal", "mean": 3}}]), "use one of exponential"),
        (_scenario(queues=[CALLS | {"handle_seconds": {"dist": "exponential"}}]), "needs “mean”"),
        (_scenario(queues=[CALLS | {"handle_seconds": {"dist": "exponential", "mean": 3, "cv": 2}}]), "no key 'cv'"),
        (_scenario(queues=[CALLS | {"handle_seconds": {"dist": "gamma", "mean": 3, "cv": 0}}]), "write constant"),
        (_scenario(queues=[CALLS | {"handle_seconds": {"dist": "gamma", "mean": 3, "cv": 1, "sd": 3}}]), "both"),
        (_scenario(queues=[CALLS | {"handle_seconds": {"dist": "uniform", "low": 3, "high": 1}}]), "below its “low”"),
        (_scenario(queues=[CALLS | {"handle_seconds": {"dist": "recorded", "values": []}}]), "no values"),
        (_scenario(queues=[CALLS | {"patience_seconds": True}]), "“patience_seconds” of queue “calls”"),
        (_scenario(queues=[CALLS | {"requires": ["a//b"]}]), "“requires” of queue “calls”: “a//b” is no skill"),
        (_scenario(queues=[CALLS | {"requires": [{"skill": "a", "level": 9}]}]), "“requires” of queue “calls”"),
        (_scenario(queues=[CALLS | {"service_level": {"share": 80, "seconds": 20}}]), "from 0 to 1"),
        (_scenario(queues=[CALLS | {"service_level": {"share": 0.8, "seconds": -1}}]), "at least 0"),
        (_scenario(queues=[CALLS | {"weight": 1.5}]), "“weight” of queue “calls”"),
        (_scenario(queues=[CALLS | {"plan": []}]), "“plan” of queue “calls” must be a mapping"),
        (_scenario(queues=[CALLS | {"plan": {"steps": [{"expiry": 0}]}}]), "“plan” of queue “calls”: expiry of step 1"),
        (_scenario(queues=[CALLS | {"plan": {"steps": [{"preferred": [3]}]}}]), "has no key 'preferred'"),
        (
            _scenario(queues=[CALLS | {"plan": {"steps": [{"overflow_to": ["b"]}]}}]),
            "names 'b', which is no queue here",
        ),
        (_scenario(queues=[CALLS | {"plan": {}, "requires": {"not": {"skill": "a"}}}]), "is a list of skills"),
        (_scenario(agents=[{"queues": ["mail"]}]), "names 'mail', which is no queue here; there are: “calls”"),
        (_scenario(agents=[{"queues": []}]), "say which queues"),
        (_scenario(agents=[{"count": 3}]), "say which queues"),
        (_scenario(agents=[{"count": -1, "queues": ["calls"]}]), "“count” of agents 1"),
        (_scenario(agents=[{"count": 20_000, "queues": ["calls"]}] * 2), "more than 20,000 agents"),
        (_scenario(agents=[{"capacity": 0, "queues": ["calls"]}]), "“capacity” of agents 1"),
        (_scenario(agents=[{"queues": ["calls"], "skills": [7]}]), "A skill of agents 1"),
        (_scenario(agents=[{"queues": ["calls"], "skills": {"a": 6}}]), "The level of a of agents 1"),
        (_scenario(agents=[{"queues": {"calls": -1}}]), "The penalty in “calls”"),
    ],
)
def test_a_scenario_with_a_mistake_is_refused_by_a_sentence_that_names_it(wrong: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as refused:
        read(wrong)
    assert sentence in str(refused.value)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_scenario_it_is_read_or_refused_by_a_sentence(data: st.DataObject) -> None:
    plan = {"final": "any", "steps": [{"keep": ["a"], "lower": 1, "expiry": 9}, {"overflow_to": ["calls"], "boost": 3}]}
    queue = CALLS | {"requires": ["a", {"skill": "b", "level": 2}], "plan": plan, "service_level": {"share": 0.8}}
    form = json.loads(json.dumps(_scenario(queues=[queue, _recorded([1, 2], name="old")], hours=5)))
    form["agents"] = [{"count": 2, "queues": {"calls": 1}, "skills": {"a": 3}}, {"queues": ["old"], "skills": ["b"]}]
    container, key = data.draw(st.sampled_from(_places(form)))
    container[key] = data.draw(_ODD)
    try:
        read(form)
    except ValueError as refused:
        assert str(refused).endswith(".")
