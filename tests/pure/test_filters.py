"""Filters of ticket lists: read and written back, bad parts told in a sentence, orders that have a meaning."""

from __future__ import annotations

import pytest

from helpdesk.queries.filters import ONLY, SORTS, TicketFilter, from_address, to_address

EVERYTHING = TicketFilter(
    statuses=("new", "open"),
    queue=3,
    team=4,
    owner="me",
    tags=("broken", "urgent thing"),
    untagged=False,
    channel="mail",
    priority=3,
    tier="gold",
    organisation="Halden",
    language="fa",
    issue_type=7,
    older=24,
    newer=48,
    waiting=4,
    unread=True,
    fields=(("colour", "dark red"), ("serial", "A 1")),
    only="following",
    text="dock charge",
    sort="wait",
)


def _params(address: dict[str, object]) -> dict[str, list[str]]:
    return {name: [str(v) for v in (value if isinstance(value, list) else [value])] for name, value in address.items()}


def test_a_filter_comes_back_whole_from_an_address_and_from_a_saved_view() -> None:
    assert from_address(_params(to_address(EVERYTHING))) == (EVERYTHING, [])
    assert TicketFilter.parsed(EVERYTHING.to_dict()) == (EVERYTHING, [])


def test_an_empty_filter_keeps_nothing_and_narrows_nothing() -> None:
    assert TicketFilter().to_dict() == {}
    assert not TicketFilter(sort="new").is_narrow
    assert TicketFilter(unread=True).is_narrow


@pytest.mark.parametrize(
    ("parameter", "value", "word"),
    [
        ("status", "nonsense", "status"),
        ("queue", "-1", "queue"),
        ("queue", "9" * 30, "queue"),
        ("owner", "you", "owner"),
        ("channel", "smoke", "channel"),
        ("priority", "5", "priority"),
        ("tier", "wooden", "customer tier"),
        ("older", "soon", "number of hours"),
        ("waiting", "0", "number of hours"),
        ("only", "everything", "list"),
        ("sort", "colour", "order"),
        ("type", "²", "issue type"),
    ],
)
def test_a_part_that_makes_no_sense_is_left_out_with_a_sentence(parameter: str, value: str, word: str) -> None:
    wanted, problems = from_address({parameter: [value], "tag": ["broken"]})
    assert wanted == TicketFilter(tags=("broken",))
    assert len(problems) == 1
    assert word in problems[0]


def test_what_older_views_kept_is_still_understood() -> None:
    assert TicketFilter.from_dict({"tag": "broken", "priority": 3}) == TicketFilter(tags=("broken",), priority=3)


def test_tags_may_be_written_with_commas_or_one_by_one() -> None:
    assert from_address({"tag": ["a, b", "c"]})[0].tags == ("a", "b", "c")


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        (TicketFilter(statuses=("new", "open")), "deadline"),
        (TicketFilter(statuses=("pending",)), "change"),
        (TicketFilter(statuses=("pending",), sort="wait"), "wait"),
        (TicketFilter(statuses=("closed",), sort="wait"), "change"),
        (TicketFilter(sort="deadline"), "change"),
        (TicketFilter(sort="new"), "new"),
        (TicketFilter(only="mentions"), "mention"),
        (TicketFilter(only="breached"), "deadline"),
    ],
)
def test_finished_work_has_no_order_by_deadline_or_wait(wanted: TicketFilter, order: str) -> None:
    assert wanted.order == order


def test_the_kept_counts_know_queue_team_owner_and_status_and_nothing_else() -> None:
    assert TicketFilter(statuses=("open",), queue=1, team=2, owner="me", sort="new").is_kept
    for other in (TicketFilter(tags=("a",)), TicketFilter(only="drafts"), TicketFilter(priority=2)):
        assert not other.is_kept


def test_every_list_and_order_has_words() -> None:
    assert all(str(words) for words in [*ONLY.values(), *SORTS.values()])
