"""The explanation of a due time: the steps of a known case, whole."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from helpdesk.hours import ALWAYS, Calendar, add_business_time
from helpdesk.hours_explain import ClosedDate, Step, Stretch, WhyClosed, explain

#: Opens Monday to Friday; Thursday 25 December 2025 is a holiday, Friday the 26th closed for once.
DESK = Calendar.from_dict(
    {
        "tz": "Europe/Berlin",
        "weekly": {name: [["09:00", "17:00"]] for name in ("mon", "tue", "wed", "thu", "fri")},
        "holidays": ["2025-12-25", "2025-12-27"],
        "overrides": {"2025-12-26": []},
    }
)


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 12, day, hour, minute, tzinfo=UTC)


def test_a_due_time_after_christmas_is_explained_step_by_step() -> None:
    start, pauses = utc(24, 15, 40), [(utc(29, 8, 30), utc(29, 9))]
    due = add_business_time(start, 3600, DESK, pauses)

    assert due == utc(29, 9, 10)
    assert explain(start, due, DESK, pauses) == (
        Step(Stretch.COUNTED, utc(24, 15, 40), utc(24, 16), 1200, 1200),
        Step(
            Stretch.CLOSED,
            utc(24, 16),
            utc(29, 8),
            0,
            1200,
            (
                ClosedDate(date(2025, 12, 25), WhyClosed.HOLIDAY),
                ClosedDate(date(2025, 12, 26), WhyClosed.SPECIAL),
                ClosedDate(date(2025, 12, 27), WhyClosed.WEEKDAY),  # a holiday too, but no Saturday has hours
                ClosedDate(date(2025, 12, 28), WhyClosed.WEEKDAY),
            ),
        ),
        Step(Stretch.COUNTED, utc(29, 8), utc(29, 8, 30), 1800, 3000),
        Step(Stretch.PAUSED, utc(29, 8, 30), utc(29, 9), 0, 3000),
        Step(Stretch.COUNTED, utc(29, 9), utc(29, 9, 10), 600, 3600),
    )


def test_a_long_way_ends_in_one_step_for_the_rest() -> None:
    start = utc(1, 8)
    due = add_business_time(start, 100 * 8 * 3600, DESK)
    assert due is not None

    steps = explain(start, due, DESK, limit=5)

    assert [step.kind for step in steps] == ["counted", "closed", "counted", "closed", "rest"]
    assert (steps[-1].end, steps[-1].total_seconds) == (due, 100 * 8 * 3600)


def test_a_desk_that_is_always_open_counts_in_one_step() -> None:
    assert explain(utc(1, 8), utc(3, 8), ALWAYS) == (Step(Stretch.COUNTED, utc(1, 8), utc(3, 8), 172_800, 172_800),)


def test_nothing_is_explained_backwards() -> None:
    assert explain(utc(3, 8), utc(1, 8), DESK) == ()


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        explain(datetime(2025, 12, 1), datetime(2025, 12, 2), DESK)  # noqa: DTZ001 - the mistake under test
