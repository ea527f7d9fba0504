"""Closed, unstaffed and full queues: every contact has a stated fate; overflow and several sites."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.hours import ALWAYS, Calendar
from routing.core.closed import (
    BEHAVIOURS,
    STATES,
    ClosedRules,
    QueueNow,
    at_closing,
    behaviour_of,
    best_open,
    on_arrival,
    overflow_to,
    queue_now,
    state_of,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)  # a Saturday
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
OPEN = QueueNow(True, NOW)
SHUT = QueueNow(False, MONDAY)
WEEKDAYS = Calendar.from_dict(
    {"tz": "Europe/Berlin", "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}
)


def rules(**data: Any) -> ClosedRules:
    return ClosedRules.from_dict(data)


def fate(channel: str, own: ClosedRules, queue: QueueNow = SHUT) -> tuple[str, str, str]:
    """Behaviour, state and alert for a contact of queue 1, which stands alone."""
    outcome = on_arrival(1, channel, {1: own}, {1: queue}, NOW)
    return outcome.behaviour, outcome.state, outcome.alert


def test_an_open_queue_with_people_at_work_takes_the_contact() -> None:
    assert fate("chat", rules(), OPEN) == ("enter", "", "")


def test_a_calendar_says_whether_the_queue_is_open_and_when_it_opens() -> None:
    assert (queue_now(WEEKDAYS, NOW).is_open, queue_now(WEEKDAYS, NOW).opens_at) == (False, MONDAY)
    assert queue_now(WEEKDAYS, MONDAY).is_open
    assert queue_now(ALWAYS, NOW, staffed=0).staffed == 0


@pytest.mark.parametrize(
    ("channel", "behaviour"),
    [("mail", "keep"), ("form", "keep"), ("chat", "ticket"), ("phone", "callback_next_open"),
     ("callback", "callback_next_open"), ("pigeon", "keep")],
)  # fmt: skip
def test_a_closed_queue_that_says_nothing_has_a_default_for_every_channel_and_an_alert(
    channel: str, behaviour: str
) -> None:
    assert fate(channel, rules()) == (behaviour, "closed", "no_behaviour")


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_channel_does_what_was_set_where_it_can(behaviour: str) -> None:
    own = rules(behaviours={"closed": {"phone": behaviour}}, other_queues=[2])
    outcome = on_arrival(1, "phone", {1: own}, {1: SHUT, 2: OPEN}, NOW)
    assert (outcome.behaviour, outcome.state, outcome.alert) == (behaviour, "closed", "")


def test_what_a_channel_cannot_do_gives_way_to_its_default() -> None:
    assert behaviour_of(rules(behaviours={"closed": "voicemail"}), "closed", "mail") == ("keep", True)
    assert behaviour_of(rules(behaviours={"closed": "voicemail"}), "closed", "chat") == ("ticket", True)
    assert behaviour_of(rules(behaviours={"closed": "play_message"}), "closed", "callback") == (
        "callback_next_open",
        True,
    )


def test_the_word_for_a_channel_goes_before_the_word_for_all() -> None:
    own = rules(behaviours={"closed": {"chat": "play_message", "*": "ticket"}}, message="Back on Monday")
    outcome = on_arrival(1, "chat", {1: own}, {1: SHUT}, NOW)
    assert (outcome.behaviour, outcome.message, outcome.opens_at) == ("play_message", "Back on Monday", MONDAY)
    assert fate("phone", own)[0] == "ticket"


def test_an_open_queue_with_nobody_at_work_alerts_even_where_a_behaviour_was_set() -> None:
    own = rules(behaviours={"unstaffed": "ticket"})
    assert fate("chat", own, QueueNow(True, NOW, staffed=0)) == ("ticket", "unstaffed", "unstaffed")


def test_a_queue_is_full_at_its_length_and_not_before() -> None:
    own = rules(max_length=3, behaviours={"full": {"chat": "play_message"}})
    assert fate("chat", own, QueueNow(True, NOW, waiting=2)) == ("enter", "", "")
    assert fate("chat", own, QueueNow(True, NOW, waiting=3)) == ("play_message", "full", "")
    assert fate("mail", own, QueueNow(True, NOW, waiting=3))[0] == "keep"


def test_the_words_for_a_closed_queue_are_not_taken_for_a_full_one() -> None:
    own = rules(max_length=1, behaviours={"closed": "play_message"})
    assert fate("chat", own, QueueNow(True, NOW, waiting=1)) == ("ticket", "full", "no_behaviour")
    assert fate("chat", own) == ("play_message", "closed", "")


def test_an_emergency_closes_an_open_queue_until_its_instant() -> None:
    own = rules(emergency_until=(NOW + timedelta(hours=1)).isoformat(), behaviours={"closed": "ticket"})
    assert state_of(own, OPEN, NOW) == "emergency"
    assert state_of(own, OPEN, NOW + timedelta(hours=1)) == ""
    outcome = on_arrival(1, "chat", {1: own}, {1: OPEN}, NOW)
    assert (outcome.behaviour, outcome.opens_at) == ("ticket", NOW + timedelta(hours=1))


@pytest.mark.parametrize(("channel", "behaviour"), [("phone", "ticket"), ("callback", "keep"), ("mail", "keep")])
def test_a_queue_that_never_opens_promises_no_call_and_alerts(channel: str, behaviour: str) -> None:
    own = rules(behaviours={"closed": "callback_next_open"})
    assert fate(channel, own, QueueNow(False, None)) == (behaviour, "closed", "never_opens")


def test_a_queue_nobody_has_heard_of_still_has_a_stated_fate() -> None:
    outcome = on_arrival(99, "chat", {}, {}, NOW)
    assert (outcome.behaviour, outcome.queue, outcome.alert) == ("ticket", 99, "no_behaviour")


def test_the_open_site_with_the_best_service_level_takes_the_contact() -> None:
    own = rules(behaviours={"closed": "other_queue"}, other_queues=[2, 3, 4, 5])
    queues = {
        1: SHUT,
        2: QueueNow(True, NOW, service_level=0.7, ewt=10),
        3: QueueNow(True, NOW, service_level=0.9, ewt=60),
        4: QueueNow(False, MONDAY, service_level=1.0),
        5: QueueNow(True, NOW, staffed=0, service_level=1.0),
    }
    outcome = on_arrival(1, "chat", {1: own}, queues, NOW)
    assert (outcome.behaviour, outcome.queue, outcome.path[0], outcome.path[-1]) == ("other_queue", 3, 1, 3)


def test_equal_sites_are_told_apart_by_the_wait_and_the_unknown_come_last() -> None:
    queues = {
        2: QueueNow(True, NOW),
        3: QueueNow(True, NOW, service_level=0.8),
        4: QueueNow(True, NOW, service_level=0.8, ewt=30),
    }
    assert best_open([2, 3, 4], {}, queues, NOW) == 4
    assert best_open([2, 3], {}, queues, NOW) == 3
    assert best_open([], {}, queues, NOW) is None


def test_where_the_other_queue_is_closed_too_the_one_it_names_is_asked() -> None:
    onward = rules(behaviours={"closed": "other_queue"}, other_queues=[2])
    last = rules(behaviours={"closed": "other_queue"}, other_queues=[3])
    outcome = on_arrival(1, "chat", {1: onward, 2: last}, {1: SHUT, 2: SHUT, 3: OPEN}, NOW)
    assert (outcome.queue, outcome.path) == (3, (1, 2, 3))


def test_queues_that_send_contacts_to_each_other_end_in_the_default_and_an_alert() -> None:
    there = rules(behaviours={"closed": "other_queue"}, other_queues=[2])
    back = rules(behaviours={"closed": "other_queue"}, other_queues=[1, 2])
    outcome = on_arrival(1, "chat", {1: there, 2: back}, {1: SHUT, 2: SHUT}, NOW)
    assert (outcome.behaviour, outcome.queue, outcome.path, outcome.alert) == ("ticket", 1, (1, 2), "nobody_anywhere")


def test_contacts_that_wait_at_closing_are_served_to_the_last_unless_a_limit_is_set() -> None:
    assert at_closing(rules(), "chat", 7200) == "drain"
    limited = rules(drain_seconds=1800, behaviours={"closed": "callback_next_open"})
    assert at_closing(limited, "phone", 1799) == "drain"
    assert at_closing(limited, "phone", 1800) == "callback_next_open"


def test_conversion_at_closing_sends_nobody_off_who_has_waited() -> None:
    own = rules(at_closing="convert", behaviours={"closed": "play_message"})
    assert at_closing(own, "chat", 0) == "ticket"
    assert at_closing(own, "phone", 0) == "callback_next_open"
    assert at_closing(own, "mail", 0) == "keep"


def test_a_queue_overflows_for_the_first_reason_that_holds_for_each_target() -> None:
    own = rules(
        overflow=[
            {"when": "ewt", "over": 120, "to": [2]},
            {"when": "wait", "over": 60, "to": [2, 3]},
            {"when": "length", "over": 10, "to": [4]},
            {"when": "unstaffed", "to": [5]},
            {"when": "closed", "to": [6]},
        ]
    )
    assert overflow_to(own, QueueNow(True, NOW, ewt=121, waiting=10), 60, NOW) == ((2, "ewt"),)
    assert overflow_to(own, QueueNow(True, NOW, ewt=120, waiting=11), 61, NOW) == (
        (2, "wait"),
        (3, "wait"),
        (4, "length"),
    )
    assert overflow_to(own, QueueNow(True, NOW, staffed=0), 0, NOW) == ((5, "unstaffed"),)
    assert overflow_to(own, SHUT, 0, NOW) == ((6, "closed"),)


def test_an_emergency_overflows_as_a_closed_queue_does() -> None:
    over = [{"when": "closed", "to": [6]}, {"when": "unstaffed", "to": [5]}]
    own = rules(emergency_until="2026-11-22T00:00:00+00:00", overflow=over)
    assert overflow_to(own, OPEN, 0, NOW) == ((6, "closed"),)
    assert overflow_to(own, OPEN, 0, NOW + timedelta(days=2)) == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"behaviours": {"asleep": "keep"}}, "has no key 'asleep': use emergency, closed"),
        ({"behaviours": {"closed": "hang_up"}}, "The behaviour when closed, for \\*, cannot be 'hang_up'"),
        ({"behaviours": {"closed": {"chat": "other_queue"}}}, "set other_queues"),
        ({"max_length": 0}, "at least 1"),
        ({"emergency_until": "2026-12-01T12:00:00"}, "emergency_until cannot be"),
        ({"emergency_until": "soon"}, "emergency_until cannot be 'soon'"),
        ({"at_closing": "run"}, "use one of drain, convert"),
        ({"overflow": [{"when": "ewt", "to": [2]}]}, "over of the overflow rule for ewt must be a number"),
        ({"overflow": [{"when": "closed", "over": 3, "to": [2]}]}, "has no measure"),
        ({"overflow": [{"when": "wait", "over": 3, "to": []}]}, "leads nowhere"),
        ([], "must be a mapping"),
    ],
)
def test_rules_that_cannot_be_used_are_refused_in_a_sentence(data: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ClosedRules.from_dict(data)


_RULES = st.builds(
    lambda behaviours, others, rest: rules(behaviours=behaviours, other_queues=others, **rest),
    st.dictionaries(
        st.sampled_from(STATES),
        st.one_of(
            st.sampled_from(BEHAVIOURS),
            st.dictionaries(st.sampled_from(["chat", "phone", "mail", "*"]), st.sampled_from(BEHAVIOURS), max_size=2),
        ),
    ),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.sampled_from(
        [
            {},
            {"max_length": 2, "message": "later", "drain_seconds": 60},
            {"emergency_until": "2026-11-22T00:00:00+00:00", "overflow": [{"when": "wait", "over": 9, "to": [2]}]},
        ]
    ),
)
_QUEUES = st.builds(
    QueueNow,
    st.booleans(),
    st.sampled_from([None, MONDAY]),
    st.integers(0, 1),
    st.integers(0, 3),
    service_level=st.sampled_from([None, 0.5]),
)


@given(st.dictionaries(st.integers(1, 4), _RULES), st.dictionaries(st.integers(1, 4), _QUEUES), st.integers(1, 5))
@settings(max_examples=100)
def test_whatever_is_set_a_contact_ends_somewhere_and_where_it_enters_is_open(
    own: dict[int, ClosedRules], queues: dict[int, QueueNow], queue: int
) -> None:
    for channel in ("chat", "phone", "mail", "callback"):
        outcome = on_arrival(queue, channel, own, queues, NOW)
        assert outcome.behaviour == "enter" or outcome.behaviour in BEHAVIOURS
        assert len(set(outcome.path)) == len(outcome.path)
        if outcome.behaviour in ("enter", "other_queue"):
            assert state_of(own.get(outcome.queue, ClosedRules()), queues[outcome.queue], NOW) == ""
        else:
            assert outcome.queue == queue
        if outcome.behaviour == "callback_next_open" and outcome.state != "full":
            assert outcome.opens_at is not None
    for one in own.values():
        assert ClosedRules.from_dict(one.to_dict()) == one
