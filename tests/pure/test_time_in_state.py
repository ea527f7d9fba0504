"""Time in each status: the parts lie end to end and add up to the whole."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from helpdesk.hours import Calendar, business_seconds_between
from helpdesk.time_in_state import Share, shares, stretches

_OPENED = datetime(2026, 3, 27, 8, tzinfo=UTC)
_OFFICE = Calendar.from_dict(
    {"tz": "Europe/Oslo", "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}
)
_MINUTES = st.integers(min_value=-500, max_value=60_000)
_CHANGES = st.lists(st.tuples(_MINUTES, st.sampled_from(["new", "open", "pending", "resolved", ""])), max_size=12)


def _at(minutes: int) -> datetime:
    return _OPENED + timedelta(minutes=minutes)


def test_each_status_has_its_time_and_business_time() -> None:
    changes = [(_at(60), "open"), (_at(180), "pending"), (_at(3 * 24 * 60), "open")]
    parts = shares(stretches(_OPENED, "new", changes, _at(3 * 24 * 60 + 30)), _OFFICE)
    # Friday 9:00 in Oslo; on Monday the clocks there have moved: 8:00 UTC is 10:00
    assert parts == [
        Share("new", 3600.0, 3600.0),
        Share("open", 9000.0, 9000.0),
        Share("pending", 69 * 3600.0, 5 * 3600.0 + 3600.0),
    ]


def test_a_change_to_what_stands_already_begins_nothing() -> None:
    parts = stretches(_OPENED, "new", [(_at(5), "new"), (_at(6), ""), (_at(7), "open")], _at(10))
    assert [(p.status, p.begin, p.end) for p in parts] == [("new", _OPENED, _at(7)), ("open", _at(7), _at(10))]


def test_a_ticket_opened_this_very_moment_stands_in_its_first_status() -> None:
    assert [(p.status, p.end - p.begin) for p in stretches(_OPENED, "new", [], _OPENED)] == [("new", timedelta())]


@given(changes=_CHANGES, end=_MINUTES)
def test_the_parts_lie_end_to_end_and_add_up_to_the_whole(changes: list[tuple[int, str]], end: int) -> None:
    until = max(_OPENED, _at(end))
    parts = stretches(_OPENED, "new", [(_at(minutes), status) for minutes, status in changes], _at(end))
    assert parts[0].begin == _OPENED
    assert parts[-1].end == until
    assert all(one.end == two.begin and one.status != two.status for one, two in itertools.pairwise(parts))
    found = shares(parts, _OFFICE)
    assert sum(share.seconds for share in found) == (until - _OPENED).total_seconds()
    business = sum(share.business_seconds or 0.0 for share in found)
    assert abs(business - business_seconds_between(_OPENED, until, _OFFICE)) < 1e-6
