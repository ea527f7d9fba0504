"""Moments by name, over the turn of a week and of the clocks."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from helpdesk.presets import moment_of

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("preset", "local", "expected"),
    [
        ("two_hours", datetime(2026, 11, 18, 15, 30, tzinfo=BERLIN), "2026-11-18T17:30:00+01:00"),
        ("tomorrow", datetime(2026, 11, 18, 15, 30, tzinfo=BERLIN), "2026-11-19T09:00:00+01:00"),
        ("tomorrow", datetime(2026, 10, 24, 15, 30, tzinfo=BERLIN), "2026-10-25T09:00:00+01:00"),
        ("monday", datetime(2026, 11, 22, 8, 0, tzinfo=BERLIN), "2026-11-23T09:00:00+01:00"),
        ("monday", datetime(2026, 11, 23, 8, 0, tzinfo=BERLIN), "2026-11-30T09:00:00+01:00"),
        ("week", datetime(2026, 12, 28, 8, 0, tzinfo=BERLIN), "2027-01-04T09:00:00+01:00"),
    ],
)
def test_a_preset_is_the_moment_the_wall_clock_says(preset: str, local: datetime, expected: str) -> None:
    found = moment_of(preset, local)

    assert found is not None
    assert found.isoformat() == expected


def test_an_unknown_preset_is_no_moment() -> None:
    assert moment_of("someday", datetime(2026, 11, 18, tzinfo=BERLIN)) is None
