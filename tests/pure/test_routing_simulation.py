"""The simulator against exact laws and against days small enough to work out by hand."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise
from typing import Any

import pytest

from bench._erlang_rows import ERLANG_A, ERLANG_C, Row
from bench.routing_estimates import CASES, measure
from routing.core.scenario import expected_contacts, read
from routing.core.simulation import contacts, run
from routing.core.simulation_answer import Tally
from routing.core.strategies import STRATEGIES

SEEDS = 8
CONTACTS = 6_000  # a tenth of what the bench takes
THREE_ROWS = (ERLANG_C[1], ERLANG_C[4], ERLANG_A[1])


def _scenario(**changes: Any) -> dict[str, Any]:
    """Poisson traffic of 100/h x 180 s on 7 agents, and what a test changes in it."""
    queue = {"name": "calls", "arrivals_per_hour": 100, "handle_seconds": {"dist": "exponential", "mean": 180}}
    whole = {"seed": 3, "contacts": 1500, "queues": [queue], "agents": [{"count": 7, "queues": ["calls"]}]}
    return whole | changes


def _run(form: dict[str, Any]) -> Tally:
    return run(read(form))


def _queues(form: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {queue["name"]: queue for queue in _run(form).answer()["queues"]}


def _recorded(at: list[float], **changes: Any) -> dict[str, Any]:
    """A queue of contacts that came at these seconds and take 30 s each."""
    return {"name": "calls", "recorded": at, "handle_seconds": 30} | changes


def _row_scenario(row: Row, seed: int) -> dict[str, Any]:
    queue = {
        "name": "calls",
        "arrivals_per_hour": row.per_hour,
        "handle_seconds": {"dist": "exponential", "mean": row.handle},
        "patience_seconds": {"dist": "exponential", "mean": row.patience} if row.patience else None,
    }
    agents = [{"count": row.agents, "queues": ["calls"]}]
    return {"seed": seed, "contacts": CONTACTS, "warmup_contacts": 200, "queues": [queue], "agents": agents}


@pytest.mark.parametrize("row", THREE_ROWS, ids=lambda row: row.name)
def test_simulated_waits_are_those_of_the_table(row: Row) -> None:
    runs = [_queues(_row_scenario(row, seed))["calls"] for seed in range(SEEDS)]
    for figure, truth in [
        ("wait_probability", row.wait_probability),
        ("asa_seconds", row.asa),
        ("service_level", row.service_level),
        ("occupancy", row.occupancy),
    ]:
        seen = [one[figure] for one in runs]
        error = statistics.stdev(seen) / math.sqrt(SEEDS)
        assert abs(statistics.mean(seen) - truth) < 4 * error, figure
    assert statistics.mean(one["service_level"] for one in runs) == pytest.approx(row.service_level, rel=0.03)
    left = statistics.mean(one["abandoned"] / one["offered"] for one in runs)
    assert left == pytest.approx(row.abandoned, rel=0.08)


def test_on_equal_agents_no_strategy_changes_anybodys_wait() -> None:
    waits = {strategy: list(_run(_scenario(strategy=strategy)).queues[0].waits) for strategy in STRATEGIES}
    assert len(waits["longest_idle"]) == 1500
    assert max(waits["longest_idle"]) > 60
    assert all(found == waits["longest_idle"] for found in waits.values())


def test_the_strategies_do_share_the_work_differently() -> None:
    shares = {s: _queues(_scenario(strategy=s))["calls"]["utilisation_by_agent"] for s in ("linear", "fewest")}
    assert all(before > after for before, after in pairwise(shares["linear"]))
    spread = {strategy: max(found) - min(found) for strategy, found in shares.items()}
    assert spread["linear"] > 2 * spread["fewest"]
    assert sum(shares["linear"]) == pytest.approx(sum(shares["fewest"]))


@pytest.mark.parametrize("patience", [None, {"dist": "exponential", "mean": 60}])
def test_those_who_wait_are_arrivals_times_their_wait(patience: dict[str, Any] | None) -> None:
    form = _scenario(contacts=8000, warmup_contacts=500)
    form["queues"][0]["patience_seconds"] = patience
    answer = _run(form).answer()
    queue = answer["queues"][0]
    per_second = queue["offered"] / (answer["counted_hours"] * 3600)
    assert queue["mean_wait_seconds"] > 3
    assert queue["waiting_mean"] == pytest.approx(per_second * queue["mean_wait_seconds"], rel=0.03)


def test_in_a_day_with_its_end_little_holds_to_the_last_digit() -> None:
    form = _scenario(hours=10, queues=[_recorded([0, 1, 2, 3, 100, 101], patience_seconds=40)])
    form |= {"contacts": None, "agents": [{"queues": ["calls"]}]}
    tally = _run(form)
    assert tally.queues[0].area == pytest.approx(sum(tally.queues[0].waits) + tally.queues[0].seconds_of_leavers)


def test_a_small_day_is_what_the_hand_works_out() -> None:
    # One agent, 30 s each: 0 at once; 10 waits 20; 15 waits 45 but leaves after 40, at 55; 50 is taken at 60 for 10 s late.
    form = {
        "hours": 0.05,
        "agents": [{"queues": ["calls"]}],
        "queues": [_recorded([0, 10, 15, 50], patience_seconds=40)],
    }
    queue = _queues(form)["calls"]
    assert (queue["offered"], queue["answered"], queue["abandoned"], queue["unserved"]) == (4, 3, 1, 0)
    assert queue["wait_probability"] == 0.75
    assert queue["asa_seconds"] == pytest.approx(10)
    assert (queue["wait_p50"], queue["wait_p90"]) == (10, 20)
    assert queue["mean_wait_seconds"] == pytest.approx(70 / 4)
    assert queue["service_level"] == 0.75
    assert queue["occupancy"] == queue["utilisation_by_agent"][0] == pytest.approx(90 / 180)
    assert queue["waiting_most"] == 2


def test_the_bound_of_the_service_level_itself_is_in_time() -> None:
    form = {"agents": [{"queues": ["calls"]}], "queues": [_recorded([0, 10])]}
    for seconds, level in ((20, 1.0), (19.9, 0.5)):
        form["queues"][0]["service_level"] = {"share": 0.8, "seconds": seconds}
        queue = _queues(form)["calls"]
        assert (queue["service_level"], queue["service_level_met"]) == (level, level >= 0.8)


def test_whoever_frees_at_the_last_moment_still_answers() -> None:
    form = {"agents": [{"queues": ["calls"]}], "queues": [_recorded([0, 10], patience_seconds=20)]}
    assert _queues(form)["calls"]["abandoned"] == 0
    form["queues"][0]["patience_seconds"] = 19.9
    assert _queues(form)["calls"]["abandoned"] == 1


def test_without_patience_a_contact_leaves_unless_taken_at_once() -> None:
    form = {"agents": [{"queues": ["calls"]}], "queues": [_recorded([0, 10, 40], patience_seconds=0)]}
    queue = _queues(form)["calls"]
    assert (queue["answered"], queue["abandoned"], queue["wait_probability"]) == (2, 1, pytest.approx(1 / 3))


def test_an_agent_of_capacity_two_handles_two_at_once() -> None:
    form = {"hours": 0.05, "agents": [{"queues": ["calls"], "capacity": 2}], "queues": [_recorded([0, 1, 2])]}
    queue = _queues(form)["calls"]
    assert queue["wait_p90"] == 28
    assert queue["wait_probability"] == pytest.approx(1 / 3)
    assert queue["occupancy"] == pytest.approx(90 / 360)


def test_only_those_with_the_skill_are_asked() -> None:
    form = _scenario(
        queues=[_recorded([0, 1, 2], requires=["lang/fr"])],
        agents=[{"count": 2, "queues": ["calls"]}, {"queues": ["calls"], "skills": ["lang/fr/quebec"]}],
    )
    queue = _queues(form)["calls"]
    assert queue["utilisation_by_agent"][:2] == [0.0, 0.0]
    assert queue["wait_p90"] == 58


def test_levels_of_skills_count() -> None:
    agents = [
        {"queues": ["calls"], "skills": {"it": 2}},
        {"queues": ["calls"], "skills": [{"skill": "it", "level": 3}]},
    ]
    queue = _recorded([0, 1], requires=[{"skill": "it", "level": 3}])
    found = _queues(_scenario(queues=[queue], agents=agents))["calls"]
    assert found["utilisation_by_agent"][0] == 0.0
    assert found["wait_p90"] == 29


def test_a_queue_of_more_weight_is_served_first_where_agents_are_shared() -> None:
    queues = [_recorded([0, 1, 2], name="low"), _recorded([3], name="high", weight=1)]
    found = _queues({"queues": queues, "agents": [{"queues": ["low", "high"]}]})
    assert found["high"]["asa_seconds"] == 27
    assert found["low"]["asa_seconds"] == pytest.approx((0 + 59 + 88) / 3)


def test_agents_of_a_lower_penalty_come_first() -> None:
    agents = [{"queues": {"calls": 5}}, {"queues": {"calls": 0}}]
    form = {"hours": 1, "queues": [_recorded([0, 100, 200])], "agents": agents, "strategy": "fewest"}
    assert _queues(form)["calls"]["utilisation_by_agent"] == [0.0, pytest.approx(90 / 3600)]


def test_a_plan_relaxes_what_is_required_as_the_contact_waits() -> None:
    plan: dict[str, Any] = {"steps": [{"expiry": 20}, {"keep": [], "expiry": None}]}
    agents = [{"queues": ["calls"], "skills": ["billing"]}, {"queues": ["calls"]}]
    form = {"hours": 0.05, "agents": agents, "queues": [_recorded([0, 1, 2], requires=["billing"], plan=plan)]}
    tally = _run(form)
    assert list(tally.queues[0].waits) == [0, 20, 28]  # the second by whoever, the third by the first agent again
    plan["never_relax"] = ["billing"]
    assert list(_run(form).queues[0].waits) == [0, 29, 58]


def test_overflow_asks_the_agents_of_another_queue_and_counts_at_home() -> None:
    plan = {"steps": [{"expiry": 10}, {"overflow_to": ["mail"], "expiry": None}]}
    queues = [_recorded([0, 1], plan=plan), _recorded([500], name="mail")]
    found = _queues({"agents": [{"queues": ["calls"]}, {"queues": ["mail"]}], "queues": queues})
    assert (found["calls"]["answered"], found["calls"]["overflowed"]) == (2, 1)
    assert found["calls"]["wait_p90"] == 10
    assert found["mail"]["offered"] == 1


def test_nobody_is_asked_before_the_first_step_begins() -> None:
    form = {"agents": [{"queues": ["calls"]}], "queues": [_recorded([0], plan={"steps": [{"min_wait": 15}]})]}
    queue = _queues(form)["calls"]
    assert (queue["asa_seconds"], queue["wait_probability"]) == (15, 1.0)


def test_a_boost_moves_ahead_of_those_who_came_before() -> None:
    plan = {"steps": [{"boost": 100}]}
    queues = [_recorded([0, 1, 2], name="usual"), _recorded([3], name="urgent", plan=plan)]
    found = _queues({"agents": [{"queues": ["usual", "urgent"]}], "queues": queues})
    assert found["urgent"]["asa_seconds"] == 27


def test_two_queues_that_share_nobody_are_as_if_each_were_alone() -> None:
    queues = [
        {"name": name, "arrivals_per_hour": rate, "handle_seconds": {"dist": "exponential", "mean": 180}}
        for name, rate in (("one", 100), ("two", 60))
    ]
    agents = [{"count": 7, "queues": ["one"]}, {"count": 5, "queues": ["two"]}]
    both = _queues({"seed": 9, "hours": 12, "queues": queues, "agents": agents})
    for queue, group in zip(queues, agents, strict=True):
        alone = _queues({"seed": 9, "hours": 12, "queues": [queue], "agents": [group]})
        assert alone[str(queue["name"])] == both[str(queue["name"])]


def test_the_same_scenario_gives_the_same_answer_and_another_seed_another() -> None:
    first, again, other = (_run(_scenario(seed=seed)).answer() for seed in (3, 3, 4))
    assert first == again
    assert first["queues"][0]["asa_seconds"] != other["queues"][0]["asa_seconds"]


def test_the_traffic_does_not_depend_on_who_is_there_to_meet_it() -> None:
    few, many = (_run(_scenario(agents=[{"count": n, "queues": ["calls"]}])).answer() for n in (6, 30))
    assert few["hours"] == many["hours"]
    assert few["queues"][0]["asa_seconds"] > many["queues"][0]["asa_seconds"]


def test_the_warm_up_is_handled_but_not_counted() -> None:
    form = {"hours": 0.1, "agents": [{"queues": ["calls"]}], "queues": [_recorded([0, 10, 60])]}
    whole, later = _queues(form)["calls"], _queues(form | {"warmup_contacts": 1})["calls"]
    assert (whole["offered"], later["offered"]) == (3, 2)
    assert whole["occupancy"] == pytest.approx(90 / 360)
    assert later["occupancy"] == pytest.approx(80 / 350)  # from second 10 on, in the middle of the first contact
    assert later["wait_probability"] == 0.5


def test_without_anybody_able_contacts_stay_unserved_and_the_answer_says_why() -> None:
    nobody = _run(_scenario(agents=[])).answer()
    assert nobody["queues"][0]["unserved"] == 1500
    assert nobody["queues"][0]["asa_seconds"] is None
    assert nobody["warnings"] == ["Nobody serves queue “calls”."]
    form = _scenario(queues=[_recorded([0, 1], requires="lang/fr", patience_seconds=50)])
    unable = _run(form).answer()
    assert (unable["queues"][0]["abandoned"], unable["queues"][0]["unserved"]) == (2, 0)
    assert unable["warnings"] == ["Nobody who serves queue “calls” has the skills it requires (lang/fr)."]


def test_too_much_work_ends_nevertheless_and_is_warned_of() -> None:
    answer = _run(_scenario(contacts=400, agents=[{"count": 2, "queues": ["calls"]}])).answer()
    queue = answer["queues"][0]
    assert (queue["offered"], queue["answered"]) == (400, 400)
    assert queue["service_level"] < 0.1
    assert queue["occupancy"] > 0.95
    assert "grows without end" in answer["warnings"][0]


def test_hours_have_rates_of_their_own_and_begin_anew() -> None:
    form = _scenario(contacts=None, hours=6)
    form["queues"][0]["arrivals_per_hour"] = [0, 600, 60]
    scenario = read(form)
    by_hour = [0] * 6
    for at, _, _ in contacts(scenario.queues[0], 3, 6 * 3600):
        by_hour[int(at // 3600)] += 1
    assert by_hour[0] == by_hour[3] == 0
    assert by_hour[1] + by_hour[4] == pytest.approx(1200, rel=0.1)
    assert by_hour[2] + by_hour[5] == pytest.approx(120, rel=0.35)
    assert expected_contacts(scenario) == 1320


def test_what_was_recorded_is_taken_as_it_was() -> None:
    queue = _recorded(
        [], recorded=[{"at": 5, "handle_seconds": 7, "patience_seconds": 2}, {"at": 6, "patience_seconds": 2}, 9]
    )
    scenario = read(_scenario(contacts=None, queues=[queue]))
    assert list(contacts(scenario.queues[0], 0, 100)) == [(5, 7, 2), (6, 30, 2), (9, 30, None)]
    assert scenario.hours == 9 / 3600


def test_the_wait_estimated_on_entry_is_kept_four_times_in_five() -> None:
    for case in CASES[:2]:
        found = measure(case, 6_000)
        assert found.kept == pytest.approx(0.8, abs=0.05)
        assert found.absolute_error is not None
        assert found.absolute_error < case.most_error
