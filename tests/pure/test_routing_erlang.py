"""The laws of waiting against a worked table, against each other, and against sums done another way."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench._erlang_rows import ERLANG_A, ERLANG_C, Row
from routing.core.erlang import Law, erlang_a, erlang_b, erlang_c, load_of
from routing.core.staffing import Question, scheduled_for, staff


def _name(row: Row) -> str:
    return row.name


@pytest.mark.parametrize("row", ERLANG_C, ids=_name)
def test_erlang_c_gives_the_worked_table(row: Row) -> None:
    law = erlang_c(row.per_hour, row.handle, row.agents)
    assert law.wait_probability == pytest.approx(row.wait_probability, abs=5.1e-5)
    assert law.asa_seconds == pytest.approx(row.asa, abs=5.1e-3)
    assert law.service_level == pytest.approx(row.service_level, abs=5.1e-5)
    assert law.occupancy == pytest.approx(row.occupancy, abs=5.1e-4)
    assert law.wait_p90 == pytest.approx(row.p90, abs=5.1e-2)


@pytest.mark.parametrize("row", ERLANG_A, ids=_name)
def test_erlang_a_gives_the_worked_table(row: Row) -> None:
    assert row.patience is not None
    law = erlang_a(row.per_hour, row.handle, row.patience, row.agents)
    assert law.wait_probability == pytest.approx(row.wait_probability, abs=5.1e-5)
    assert law.abandoned == pytest.approx(row.abandoned, abs=5.1e-5)
    assert law.asa_seconds == pytest.approx(row.asa, abs=5.1e-3)
    assert law.service_level == pytest.approx(row.service_level, abs=5.1e-5)
    assert law.occupancy == pytest.approx(row.occupancy, abs=5.1e-4)


def _by_states(per_hour: float, handle: float, patience: float, agents: int) -> tuple[float, float]:
    """Wait probability and abandonment by balancing the states of M/M/c+M one by one."""
    arrivals, weights = per_hour / 3600, [1.0]
    for n in range(1, agents + 1500):
        out = min(n, agents) / handle + max(0, n - agents) / patience
        weights.append(weights[-1] * arrivals / out)
    whole = sum(weights)
    waiting = sum(weights[agents:]) / whole
    mean_queue = sum((n - agents) * w for n, w in enumerate(weights) if n > agents) / whole
    return waiting, mean_queue / patience / arrivals


@settings(max_examples=30, deadline=None)
@example(agents=1, load=0.75, handle=75.0, patience=10.0)  # patience far shorter than the stretch over which waits fall
@given(
    agents=st.integers(1, 40),
    load=st.floats(0.05, 1.6),
    handle=st.floats(20, 900),
    patience=st.floats(10, 1000),
)
def test_erlang_a_equals_the_balance_of_its_states(agents: int, load: float, handle: float, patience: float) -> None:
    per_hour = agents * load / handle * 3600
    waiting, abandoned = _by_states(per_hour, handle, patience, agents)
    law = erlang_a(per_hour, handle, patience, agents)
    assert law.wait_probability == pytest.approx(waiting, rel=1e-9, abs=1e-12)
    assert law.abandoned == pytest.approx(abandoned, rel=1e-6, abs=1e-10)
    assert law.mean_wait_seconds == pytest.approx(abandoned * patience, rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("row", ERLANG_C, ids=_name)
def test_with_endless_patience_erlang_a_becomes_erlang_c(row: Row) -> None:
    patient = erlang_c(row.per_hour, row.handle, row.agents)
    leaving = erlang_a(row.per_hour, row.handle, 1e8, row.agents)
    for figure in ("wait_probability", "asa_seconds", "service_level", "occupancy", "wait_p90"):
        assert getattr(leaving, figure) == pytest.approx(getattr(patient, figure), rel=1e-4)


def test_with_twice_too_few_agents_the_queue_lives_on_people_leaving() -> None:
    law = erlang_a(1000, 360, 100_000, 50)  # 100 erlangs on 50 agents, patient people: a fluid
    assert law.abandoned == pytest.approx(0.5, abs=1e-6)
    assert law.occupancy == pytest.approx(1.0, abs=1e-6)
    assert law.wait_p50 == pytest.approx(100_000 * math.log(2), rel=0.01)
    assert law.service_level == pytest.approx(0.0, abs=1e-12)


def test_too_few_agents_without_leaving_wait_for_ever() -> None:
    for agents in (0, 4, 5):  # 5 erlangs: exactly as many agents is not enough either
        law = erlang_c(100, 180, agents)
        assert (law.wait_probability, law.asa_seconds, law.service_level) == (1.0, math.inf, 0.0)


def test_no_traffic_means_no_waiting() -> None:
    laws: tuple[Law, ...] = (erlang_c(0, 180, 1), erlang_a(0, 180, 60, 1))
    for law in laws:
        assert (law.wait_probability, law.asa_seconds, law.service_level, law.occupancy) == (0.0, 0.0, 1.0, 0.0)


def test_nobody_at_work_loses_all_who_can_leave() -> None:
    law = erlang_a(100, 180, 60, 0)
    assert (law.abandoned, law.service_level, law.mean_wait_seconds) == (1.0, 0.0, 60.0)


def test_blocking_of_the_telephone_books() -> None:
    assert erlang_b(10, 5.0) == pytest.approx(0.018385, abs=1e-6)
    assert erlang_b(0, 5.0) == 1.0
    assert erlang_b(3, 0.0) == 0.0
    assert load_of(120, 300) == 10.0


@pytest.mark.parametrize(
    "wrong",
    [
        (-1, 180, 3),
        (math.nan, 180, 3),
        (math.inf, 180, 3),
        (100, 0, 3),
        (100, -5, 3),
        (100, math.inf, 3),
        (100, 180, -1),
    ],
)
def test_traffic_that_makes_no_sense_is_refused(wrong: tuple[float, float, int]) -> None:
    with pytest.raises(ValueError, match=r"must|cannot"):
        erlang_c(*wrong)
    with pytest.raises(ValueError, match=r"must|cannot"):
        erlang_a(wrong[0], wrong[1], 60, wrong[2])


@pytest.mark.parametrize("patience", [0, -1, math.inf, math.nan])
def test_patience_that_makes_no_sense_is_refused(patience: float) -> None:
    with pytest.raises(ValueError, match="Patience"):
        erlang_a(100, 180, patience, 5)


@pytest.mark.parametrize(
    ("question", "agents", "scheduled"),
    [
        (Question(100, 180), 8, 8),
        (Question(200, 180, shrinkage=0.3), 14, 20),
        (Question(60, 180, service_level=0.9, answer_within=10, shrinkage=0.3), 6, 9),
        (Question(600, 300, max_occupancy=0.9, shrinkage=0.35), 57, 88),
        (Question(10, 300, shrinkage=0.3), 3, 5),
        (Question(1000, 200, shrinkage=0.3), 62, 89),
        (Question(92, 180, service_level=0.1), 5, 5),
        (Question(0, 180), 0, 0),
    ],
)
def test_staffing_gives_the_worked_rows(question: Question, agents: int, scheduled: int) -> None:
    answer = staff(question).patient
    assert (answer.agents, answer.scheduled) == (agents, scheduled)


@settings(max_examples=25, deadline=None)
@given(
    per_hour=st.floats(1, 800),
    handle=st.floats(20, 600),
    share=st.floats(0.1, 0.99),
    within=st.floats(0, 120),
    patience=st.floats(15, 600),
    occupancy=st.floats(0.3, 1),
)
def test_the_answer_is_enough_and_one_agent_fewer_is_not(
    per_hour: float, handle: float, share: float, within: float, patience: float, occupancy: float
) -> None:
    question = Question(per_hour, handle, share, within, patience, occupancy)
    answer = staff(question)
    for staffing in (answer.patient, answer.with_leaving):
        assert staffing is not None
        assert [line.agents for line in staffing.lines] == [staffing.agents - 1, staffing.agents, staffing.agents + 1]
        assert [line.enough for line in staffing.lines] == [False, True, True]


def test_people_who_leave_take_fewer_agents_never_more() -> None:
    answer = staff(Question(360, 240, patience_seconds=180))
    assert answer.with_leaving is not None
    assert (answer.patient.agents, answer.with_leaving.agents) == (29, 27)


def test_an_agent_with_several_chats_is_several_places() -> None:
    assert staff(Question(200, 180)).patient.agents == 14
    assert staff(Question(200, 180, concurrency=3)).patient.agents == 5


def test_shrinkage_rounds_up_but_not_by_a_rounding_error() -> None:
    assert scheduled_for(14, 0.3) == 20
    assert scheduled_for(7, 0.3) == 10
    assert scheduled_for(8, 0.3) == 12
    assert scheduled_for(0, 0.3) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"service_level": 1.0},
        {"service_level": -0.1},
        {"shrinkage": 1.0},
        {"shrinkage": -0.1},
        {"max_occupancy": 0.0},
        {"max_occupancy": 1.1},
        {"concurrency": 0},
        {"patience_seconds": 0.0},
        {"contacts_per_hour": 1e12},
        {"contacts_per_hour": -1.0},
        {"handle_seconds": 0.0},
        {"answer_within": -1.0},
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_a_sentence(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        staff(Question(**({"contacts_per_hour": 100, "handle_seconds": 180} | wrong)))  # type: ignore[arg-type]  # each row has one wrong value
