"""The coming hour of a board: one line for the queues of a team, levels by Erlang's laws, nothing made up."""

from __future__ import annotations

import pytest

from routing.core.erlang import erlang_a, erlang_c
from routing.core.outlook import Outlook, Stream, Tally, level_with, line_of, outlook


def _stream(queue: int, per_hour: float | None, handle: float | None = 180.0, **changes: float) -> Stream:
    patience = changes.get("patience")
    return Stream(queue, per_hour, handle, patience, 0.8, changes.get("within", 20.0), changes.get("places", 1.0))


def test_the_level_leaves_out_who_gave_up_at_once_and_is_none_without_contacts() -> None:
    assert Tally(offered=10, in_time=6, short=2, gave_up=1).level == 0.75
    assert Tally(offered=10, in_time=6, short=2, gave_up=1).lost == 0.125
    assert (Tally().level, Tally(offered=2, short=2).level, Tally().lost) == (None, None, None)
    assert Tally(1, 1) + Tally(2, 0, 1, 1) == Tally(3, 1, 1, 1)


def test_one_queue_is_erlang_c_and_needs_what_staffing_says() -> None:
    found = outlook([_stream(1, 100)], 8)[1]

    assert found.level == pytest.approx(0.8801, abs=1e-4)
    assert found.needed == 8


def test_where_people_give_up_it_is_erlang_a() -> None:
    found = outlook([_stream(1, 100, patience=120.0)], 6)[1]

    assert found.level == pytest.approx(erlang_a(100, 180, 120, 6, answer_within=20).service_level)


def test_queues_of_one_team_share_its_agents_as_one_line() -> None:
    whole = erlang_c(100, 180, 8, answer_within=20).service_level

    found = outlook([_stream(1, 60), _stream(2, 40), _stream(3, 0)], 8)

    assert found[1].level == pytest.approx(whole)
    assert found[2].level == found[1].level
    assert found[3].level is None


def test_an_agent_with_three_chats_at_once_counts_as_three_places() -> None:
    found = outlook([_stream(1, 100, places=3.0)], 3)[1]

    assert found.level == pytest.approx(erlang_c(100, 180, 9, answer_within=20).service_level)
    assert found.needed == 3


def test_an_agent_shared_with_another_team_counts_in_part() -> None:
    stream = _stream(1, 100)
    line = line_of([stream])
    assert line is not None

    below, between, above = (level_with(line, stream, agents) for agents in (7, 7.5, 8))

    assert between == pytest.approx((below + above) / 2)
    assert level_with(line, stream, 0) == 0.0


def test_what_is_not_known_is_not_told() -> None:
    assert outlook([_stream(1, None)], 5) == {1: Outlook()}
    assert outlook([_stream(1, 20, None)], 5) == {1: Outlook()}
    assert outlook([_stream(1, 0, None)], 5) == {1: Outlook(None, 0)}
    known, unknown = outlook([_stream(1, 100), _stream(2, None)], 8).values()
    assert (known.needed, unknown) == (8, Outlook())
