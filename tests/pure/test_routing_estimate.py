"""The estimated wait: its mean and range against exact laws, what is said aloud, and the score of what came true."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.core.estimate import (
    Estimate,
    Hidden,
    Said,
    Standing,
    blended_handling,
    corrected,
    effective_agents,
    estimate,
    patience,
    said,
    settled,
    stages,
)
from routing.core.estimate_score import Outcome, score, survival


def _found(standing: Standing) -> Estimate:
    found = estimate(standing)
    assert isinstance(found, Estimate)
    return found


def _stages_law(stages_ahead: int, mean: float, seconds: float) -> float:
    """The chance that so many equal exponential stages together take at most `seconds`."""
    x = seconds * (stages_ahead + 1) / mean
    return 1 - sum(math.exp(-x + n * math.log(x) - math.lgamma(n + 1)) for n in range(stages_ahead + 1))


@pytest.mark.parametrize("ahead", [0, 1, 2, 5, 20, 100])
def test_without_leaving_the_range_is_the_gamma_law_of_the_stages(ahead: int) -> None:
    found = _found(Standing(ahead=ahead, servers=6, handle_seconds=180))
    assert found.mean == pytest.approx((ahead + 1) * 180 / 6)
    assert _stages_law(ahead, found.mean, found.p50) == pytest.approx(0.5, abs=0.006)
    assert _stages_law(ahead, found.mean, found.p80) == pytest.approx(0.8, abs=0.006)


@pytest.mark.parametrize("ahead", [0, 3, 40])
def test_with_leaving_the_range_is_that_of_people_who_come_and_go(ahead: int) -> None:
    chance = random.Random(ahead)
    leaving, drain = 1 / 120, 10 / 180
    waits = sorted(
        sum(chance.expovariate(drain + n * leaving) for n in range(ahead + 1)) for _ in range(8000)
    )  # each stage ends when an agent is free or somebody ahead leaves
    found = _found(Standing(ahead=ahead, servers=10, handle_seconds=180, patience_seconds=120))
    assert found.mean == pytest.approx(sum(waits) / len(waits), rel=0.04)
    assert sum(wait <= found.p80 for wait in waits) / len(waits) == pytest.approx(0.8, abs=0.03)
    assert sum(wait <= found.p50 for wait in waits) / len(waits) == pytest.approx(0.5, abs=0.03)


def test_people_who_leave_shorten_the_wait_of_those_behind() -> None:
    patient = _found(Standing(ahead=20, servers=10, handle_seconds=180))
    leaving = _found(Standing(ahead=20, servers=10, handle_seconds=180, patience_seconds=120))
    assert leaving.mean < patient.mean


@given(st.integers(0, 200), st.floats(0.001, 2), st.one_of(st.none(), st.floats(5, 5000)))
@settings(max_examples=40)
def test_each_contact_more_ahead_makes_the_wait_longer(
    ahead: int, drain: float, patience_seconds: float | None
) -> None:
    mean, variance = stages(ahead, drain, patience_seconds)
    further, wider = stages(ahead + 1, drain, patience_seconds)
    assert further > mean
    assert wider > variance
    assert variance <= mean * mean * (1 + 1e-9)


def test_a_free_agent_and_nobody_ahead_means_now() -> None:
    assert _found(Standing(ahead=0, servers=3, handle_seconds=180, free=True)).p80 == 0
    assert _found(Standing(ahead=0, servers=3, handle_seconds=180)).p80 > 0
    assert _found(Standing(ahead=1, servers=3, handle_seconds=180, free=True)).p80 > 0


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (Standing(ahead=1, servers=0, handle_seconds=180), Hidden.NOBODY),
        (Standing(ahead=1, servers=2, handle_seconds=None), Hidden.NO_DATA),
        (Standing(ahead=1, servers=2, handle_seconds=0), Hidden.NO_DATA),
        (Standing(ahead=1, servers=2, handle_seconds=180, erratic=True), Hidden.ERRATIC),
        (Standing(ahead=1, servers=2, handle_seconds=None, staff_changing=True), Hidden.NO_DATA),
    ],
)
def test_what_cannot_be_trusted_is_not_shown_and_says_why(standing: Standing, why: Hidden) -> None:
    assert estimate(standing) is why


@pytest.mark.parametrize("wrong", [{"ahead": -1}, {"servers": -0.5}])
def test_numbers_below_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="below 0"):
        estimate(Standing(**({"ahead": 1, "servers": 1, "handle_seconds": 10} | wrong)))  # type: ignore[arg-type]  # each row has one wrong value


def test_while_staff_changes_the_head_of_the_line_is_asked_instead() -> None:
    found = _found(
        Standing(ahead=3, servers=1, handle_seconds=900, staff_changing=True, longest_waiting=100.0),
    )
    assert found.mean == 100.0


def test_the_correction_is_kept_within_a_quarter_and_four_times() -> None:
    plain = _found(Standing(ahead=3, servers=5, handle_seconds=180)).mean
    for correction, factor in [(2.0, 2.0), (100.0, 4.0), (0.01, 0.25)]:
        assert _found(Standing(ahead=3, servers=5, handle_seconds=180, correction=correction)).mean == plain * factor


@pytest.mark.parametrize(
    ("p50", "p80", "heard"),
    [
        (0, 0, Said(0, 0)),
        (10, 29.9, Said(0, 0)),
        (10, 30, Said(1, 1)),
        (60, 60.1, Said(1, 2)),
        (130, 290, Said(3, 5)),
        (301, 600, Said(10, 10)),
        (601, 1201, Said(20, 30)),
    ],
)
def test_minutes_are_rounded_up_and_never_under_half_a_minute(p50: float, p80: float, heard: Said) -> None:
    assert said(Estimate(p50, p50, p80)) == heard


def test_a_promise_grows_by_a_fifth_at_most_unless_there_is_a_reason() -> None:
    before, worse, better = Estimate(100, 90, 200), Estimate(300, 250, 500), Estimate(50, 40, 80)
    held = settled(before, 50.0, worse)
    assert held.p80 == pytest.approx(180.0)  # 150 s are left of what was said
    assert held.p50 / held.p80 == pytest.approx(worse.p50 / worse.p80)
    assert settled(before, 50.0, worse, reason=True) == worse
    assert settled(before, 50.0, better) == better
    assert settled(before, 1000.0, worse).p80 == pytest.approx(36.0)  # overdue: a little longer, again and again


def test_handling_time_is_drawn_to_the_usual_one_until_today_has_its_say() -> None:
    assert blended_handling(None, []) is None
    assert blended_handling(None, [100, 200]) == 150
    assert blended_handling(180, []) == 180
    assert blended_handling(180, [380] * 20) == 280
    assert blended_handling(180, [380] * 1980) == pytest.approx(378)


def test_patience_counts_the_time_of_those_who_stayed() -> None:
    assert patience([]) is None
    assert patience([(30, False), (10, False)]) is None
    assert patience([(30, False), (10, True), (20, True)]) == 30
    chance = random.Random(5)
    law = [(chance.expovariate(1 / 90), chance.expovariate(1 / 40)) for _ in range(20_000)]
    seen = [(min(leave, answer), leave < answer) for leave, answer in law]
    assert patience(seen) == pytest.approx(90, rel=0.04)


def test_agents_count_by_their_share_and_by_how_long_they_stay() -> None:
    assert effective_agents([(1.0, None), (0.5, None)], within=600) == 1.5
    assert effective_agents([(1.0, 300.0), (1.0, 900.0), (1.0, -5.0)], within=600) == 1.5
    assert effective_agents([(1.0, 0.0)], within=0) == 1.0
    assert effective_agents([], within=600) == 0


def test_the_correction_learns_a_constant_error_and_forgets_waits_of_nothing() -> None:
    correction = 1.0
    for _ in range(200):
        correction = corrected(correction, 100 * correction, 150.0)
    assert correction == pytest.approx(1.5, rel=0.01)
    assert corrected(1.5, 0.2, 30.0) == 1.5
    assert corrected(1.5, 30.0, 0.0) == 1.5
    for _ in range(500):
        correction = corrected(correction, 100 * correction, 100_000.0)
    assert correction == 4.0


def test_the_score_tells_bias_error_and_how_often_the_upper_end_was_kept() -> None:
    log = [Outcome(100, 90, 150, waited, True) for waited in (50, 120, 140, 150, 400)]
    found = score(log)
    assert (found.outcomes, found.answered) == (5, 5)
    assert found.bias == pytest.approx(-72)
    assert found.absolute_error == pytest.approx(92)
    assert found.percentage_error == pytest.approx((20 / 120 + 40 / 140 + 50 / 150 + 300 / 400) / 4)
    assert found.kept == pytest.approx(0.8)
    assert found.close == pytest.approx(0.2)  # only 120: it is within 30 s; 140 is 40 s off, a quarter of it 35
    assert found.pinball == pytest.approx((0.8 * 250 + 0.2 * (100 + 30 + 10)) / 5)


def test_those_who_left_count_as_waits_that_were_cut_off() -> None:
    log = [
        Outcome(100, 90, 100, waited, answered)
        for waited, answered in [(50, True), (60, False), (90, True), (200, True)]
    ]
    assert score(log).kept == pytest.approx(1 - 3 / 4 * 1 / 2)
    left = [Outcome(100, 90, 100, 10, False)] * 40
    assert score(left).kept is None
    assert not score(left).erratic


def test_nothing_is_said_from_an_empty_log() -> None:
    found = score([])
    assert (found.outcomes, found.bias, found.kept, found.pinball) == (0, None, None, None)


def test_estimates_that_are_often_overrun_are_hidden_but_not_from_a_handful() -> None:
    bad = [Outcome(100, 90, 100, 300, True)]
    good = [Outcome(100, 90, 100, 80, True)]
    assert not score(bad * 29).erratic
    assert score(bad * 15 + good * 15).erratic
    assert not score(bad * 10 + good * 40).erratic


def test_the_curve_of_survival_is_that_of_the_textbook() -> None:
    curve = survival(
        [(6, True), (6, True), (6, True), (6, False), (7, True), (9, False), (10, True), (10, False)]
    )  # at 6 there are 8 at risk, at 7 four, at 10 two
    assert [value for value, _ in curve] == [6, 7, 10]
    assert [share for _, share in curve] == pytest.approx([5 / 8, 5 / 8 * 3 / 4, 5 / 8 * 3 / 4 * 1 / 2])
