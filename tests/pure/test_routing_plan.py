"""Routing plans: which step holds at which age, what it asks, whom it prefers; penalties as steps; plain forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.core.needs import ALWAYS, parse
from routing.core.penalties import OPEN, PenaltyRule, PenaltyWindow, windows
from routing.core.plan import Plan, Step, due_age, from_penalty_rules, kept, step_at, timeline
from routing.core.sticky import AgentNow, Success, best_on_tag, preferred_of, should_skip

FRENCH = {"skill": "lang/fr", "level": 1}
BILLING = {"skill": "billing", "level": 3}


def plan(*steps: dict[str, Any], **more: Any) -> Plan:
    """A plan of the plain forms of its steps."""
    return Plan.from_dict({"steps": list(steps), **more})


def test_expiry_counts_into_the_age_in_the_queue_and_not_from_the_entry_into_the_step() -> None:
    two = plan({"expiry": 10}, {"expiry": 10, "keep": []}, final="any")
    assert [step_at(two, age).no for age in (0, 9.9, 10, 19.9, 20, 500)] == [0, 0, 1, 1, 2, 2]
    assert [step_at(two, age).until_age for age in (0, 15, 25)] == [10, 20, None]


def test_a_step_entered_early_by_a_skip_lasts_to_its_own_end_on_the_age() -> None:
    two = plan({"expiry": 10, "skip_if": ["nobody_ready"]}, {"expiry": 10}, final="any")
    step = step_at(two, 8, skipped={0})
    assert (step.no, step.until_age) == (1, 20)
    assert step.until_age is not None and step.until_age - 8 == 12


def test_a_step_without_expiry_never_relaxes() -> None:
    firm = plan({"needs": BILLING, "expiry": None}, {"keep": []}, final="any")
    assert (step_at(firm, 1e9).no, step_at(firm, 1e9).until_age) == (0, None)
    assert step_at(firm, 1e9).needs == parse(BILLING)


def test_without_a_word_about_the_end_the_last_step_stays_in_force() -> None:
    two = plan({"needs": [FRENCH, BILLING], "expiry": 30}, {"needs": FRENCH, "expiry": 30})
    assert (step_at(two, 1e6).no, step_at(two, 1e6).until_age, step_at(two, 1e6).is_final) == (1, None, False)


def test_at_the_end_anybody_in_the_queue_may_take_it_but_for_language_and_licence() -> None:
    open_end = plan({"needs": [FRENCH, BILLING], "expiry": 30}, final="any")
    step = step_at(open_end, 30, {"licence/medical": 2, "tech": 2})
    assert step.is_final
    assert step.needs == parse([FRENCH, {"skill": "licence/medical", "level": 2}])
    really_anybody = plan({"needs": [FRENCH, BILLING], "expiry": 30}, final="any", never_relax=[])
    assert step_at(really_anybody, 30, {"lang/fr": 2}).needs == ALWAYS


def test_a_plan_of_no_steps_asks_for_all_that_the_contact_asks_for() -> None:
    assert step_at(Plan(), 1000, {"billing": 3}).needs == parse(BILLING)
    assert step_at(Plan(), 1000).needs == ALWAYS


def test_a_step_keeps_of_the_demand_what_it_says_and_never_less_than_the_language() -> None:
    demand = {"lang/fr": 3, "tech/network/vpn": 4, "billing": 2}
    assert kept(Plan(), Step(), demand) == demand
    assert kept(Plan(), Step(keep=("tech",)), demand) == {"lang/fr": 3, "tech/network/vpn": 4}
    assert kept(Plan(), Step(keep=()), demand) == {"lang/fr": 3}
    assert kept(Plan(), Step(lower=2), demand) == {"lang/fr": 3, "tech/network/vpn": 2, "billing": 1}
    assert kept(Plan(), Step(keep=("bill",)), demand) == {"lang/fr": 3}


def test_needs_of_step_and_contact_are_asked_for_together() -> None:
    step = step_at(plan({"needs": BILLING}), 0, {"lang/fr": 1})
    assert step.needs.signature == parse([FRENCH, BILLING]).signature
    assert not step.is_contradiction


def test_where_plan_and_contact_contradict_each_other_the_contact_holds_and_it_is_said() -> None:
    step = step_at(plan({"needs": {"not": FRENCH}}), 0, {"lang/fr": 1})
    assert (step.needs, step.is_contradiction) == (parse(FRENCH), True)


def test_a_step_waits_for_its_age_while_the_one_before_it_goes_on() -> None:
    waiting = plan({"expiry": 10}, {"min_wait": 60, "overflow_to": [7]})
    assert [step_at(waiting, age).no for age in (0, 30, 59, 60)] == [0, 0, 0, 1]
    assert step_at(waiting, 30).until_age == 60


def test_before_the_first_step_may_begin_nobody_is_asked() -> None:
    held = plan({"min_wait": 5, "expiry": 20}, {})
    assert (step_at(held, 4).is_holding, step_at(held, 4).until_age) == (True, 5)
    assert (step_at(held, 5).is_holding, step_at(held, 5).until_age) == (False, 20)


def test_overflow_and_boost_once_given_are_not_taken_away() -> None:
    three = plan({"expiry": 10, "boost": 60, "overflow_to": [2]}, {"expiry": 10, "overflow_to": [3, 2]}, {"boost": 90})
    assert [(step_at(three, age).overflow_to, step_at(three, age).boost) for age in (0, 10, 20)] == [
        ((2,), 60),
        ((2, 3), 60),
        ((2, 3), 90),
    ]
    assert step_at(three, 10, skipped={0}).overflow_to == (3, 2)


def test_the_last_step_of_a_plan_that_stays_is_never_skipped() -> None:
    one = plan({"needs": BILLING, "expiry": 20, "skip_if": ["nobody_ready"]})
    assert step_at(one, 0, skipped={0}) == step_at(one, 0)
    ending = plan({"needs": BILLING, "expiry": 20, "skip_if": ["nobody_ready"]}, final="any")
    assert step_at(ending, 0, skipped={0}).is_final


def test_a_contact_that_waited_for_one_agent_alone_is_open_to_all_who_meet_its_needs_afterwards() -> None:
    sticky = plan({"needs": BILLING, "expiry": 20, "preferred": [4], "only_preferred": True})
    waiting, opened = step_at(sticky, 19, {"lang/fr": 1}), step_at(sticky, 20, {"lang/fr": 1})
    assert (waiting.only_preferred, waiting.until_age) == (True, 20)
    assert (opened.only_preferred, opened.preferred, opened.is_final, opened.until_age) == (False, (4,), True, None)
    assert opened.needs == waiting.needs == parse([FRENCH, BILLING])
    assert step_at(sticky, 0, skipped={0}).needs == parse(BILLING)
    assert not step_at(sticky, 0, skipped={0}).only_preferred


def test_an_open_offer_outlives_the_step_that_made_it() -> None:
    step = step_at(plan({"expiry": 30}, {"keep": []}), 25)
    assert due_age(step) == 30
    assert due_age(step, open_offer_until=45) == 45


def test_an_offer_that_times_out_does_not_end_its_step_early() -> None:
    step = step_at(plan({"expiry": 30}, {"keep": []}), 5)
    assert due_age(step, open_offer_until=25) == 30
    assert due_age(step_at(plan({}), 5), open_offer_until=25) is None


def test_penalty_rules_become_steps_that_open_the_window_with_the_wait() -> None:
    rules = [PenaltyRule.from_dict(rule) for rule in ({"at": 30, "max": 3}, {"at": 60, "max": "+2", "min": "+1"})]
    compiled = from_penalty_rules(rules, PenaltyWindow(most=1))
    assert [step.expiry for step in compiled.steps] == [30, 30, None]
    assert [step_at(compiled, age).penalties for age in (0, 30, 59, 60, 999)] == [
        PenaltyWindow(0, 1),
        PenaltyWindow(0, 3),
        PenaltyWindow(0, 3),
        PenaltyWindow(1, 5),
        PenaltyWindow(1, 5),
    ]


def test_a_minimum_and_a_raised_penalty_are_cut_down_to_the_maximum() -> None:
    assert PenaltyWindow(least=9, most=4, raised=7) == PenaltyWindow(4, 4, 4)
    rules = [PenaltyRule.from_dict({"at": 0, "max": 4, "min": 6, "raise": 9})]
    assert windows(rules) == ((0.0, PenaltyWindow(4, 4, 4)),)
    assert windows([PenaltyRule.from_dict({"at": 5, "max": 2, "min": "-3"})], PenaltyWindow(1, 8))[1] == (
        5.0,
        PenaltyWindow(0, 2),
    )


def test_a_window_lets_through_what_lies_in_it_after_the_low_ones_are_raised() -> None:
    window = PenaltyWindow(least=2, most=5, raised=3)
    assert [window.of(penalty) for penalty in (0, 3, 4, 5, 6)] == [3, 3, 4, 5, None]
    assert PenaltyWindow(least=2, most=5).keeps_out({1: 0, 2: 2, 3: 5, 4: 6}) == {1, 4}
    assert OPEN.keeps_out({1: 0, 2: 99}) == frozenset()


def test_a_relative_maximum_leaves_an_unlimited_one_unlimited() -> None:
    assert windows([PenaltyRule.from_dict({"at": 5, "max": "+2"})])[1] == (5.0, OPEN)


@pytest.mark.parametrize(
    ("agent", "patience", "reason"),
    [
        (AgentNow(), 20, ""),
        (AgentNow("offline"), 20, "offline"),
        (AgentNow("disconnected"), 20, "offline"),
        (AgentNow("break"), 20, "on_break"),
        (AgentNow("rona"), 20, "not_ready"),
        (AgentNow(shift_ends_in=0), 20, "shift_over"),
        (AgentNow(shift_ends_in=1), 20, ""),
        (AgentNow(free_in=15), 20, ""),
        (AgentNow(free_in=25), 20, "busy"),
        (AgentNow(free_in=None), None, "busy"),
    ],
)
def test_why_a_preferred_agent_cannot_come(agent: AgentNow, patience: float | None, reason: str) -> None:
    assert agent.why_not(patience) == reason


def test_the_sticky_step_is_skipped_when_none_of_its_agents_can_come() -> None:
    sticky = plan({"preferred": ["last_agent", "owner"], "only_preferred": True, "expiry": 20}, {}).steps[0]
    agents = {1: AgentNow("offline"), 2: AgentNow("break")}
    ask = {"preferred": (1, 2), "agents": agents, "only_preferred": True, "patience": 20.0}
    assert should_skip(sticky.skip_if, **ask) == "offline"  # type: ignore[arg-type]  # the same question for both sides
    agents[2] = AgentNow()
    assert should_skip(sticky.skip_if, **ask) == ""  # type: ignore[arg-type]  # the same question for both sides


def test_a_step_that_made_an_offer_at_once_is_not_skipped() -> None:
    gone = {1: AgentNow("offline")}
    assert should_skip(("offline",), preferred=(1,), agents=gone, was_offered=True) == ""
    assert should_skip(("offline",), preferred=(1,), agents=gone) == "offline"
    assert should_skip(("on_break",), preferred=(1,), agents=gone) == ""


def test_a_step_for_preferred_agents_alone_that_knows_none_is_skipped() -> None:
    assert should_skip((), preferred=(), only_preferred=True) == "nobody_known"
    assert should_skip((), preferred=()) == ""


def test_a_step_may_be_skipped_because_nobody_who_meets_it_is_there() -> None:
    assert should_skip(("nobody_staffed",), ready=0, staffed=0) == "nobody_staffed"
    assert should_skip(("nobody_ready",), ready=0) == "nobody_ready"
    assert should_skip(("nobody_staffed",), ready=0, staffed=1) == ""


def test_preferred_agents_come_in_the_order_of_the_step_each_once() -> None:
    known = {"last_agent": [5], "best_on_tag": [9, 5, 3]}
    assert preferred_of(["last_agent", 7, "owner", "best_on_tag"], known) == (5, 7, 9, 3)


def test_who_did_well_on_a_tag_often_comes_before_who_did_well_once() -> None:
    records = {1: Success(3, 3), 2: Success(30, 27), 3: Success(40, 10), 4: Success(1, 1), 5: Success(10, 6)}
    assert best_on_tag(records) == (2, 1, 5)
    close = {1: Success(5, 5), 2: Success(10, 9), 3: Success(6, 6), 4: Success(9, 4), 5: Success(3, 3)}
    assert best_on_tag(close) == (3, 2, 1), "lower ends .610, .596, .566, .438"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"expiry": 0}, "expiry of step 1 must be more than 0 seconds"),
        ({"expiry": True}, "expiry of step 1 must be a number of seconds, not True"),
        ({"expire": 5}, "step 1 has no key 'expire': use needs, keep"),
        ({"needs": {"some": []}}, "The needs of step 1 cannot be used."),
        ({"only_preferred": True}, "names none"),
        ({"preferred": ["my_friend"]}, "use one of last_agent, owner, best_on_tag"),
        ({"skip_if": ["rain"]}, "'rain'"),
        ({"overflow_to": [0]}, "overflow_to of step 1 must be at least 1"),
        ({"lower": 5}, "from 0 to 4"),
        ({"min_wait": float("nan")}, "must be a number of seconds"),
        ("x", "step 1 must be a mapping"),
    ],
)
def test_a_step_that_cannot_be_used_is_refused_in_a_sentence(step: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plan(step)


@pytest.mark.parametrize(
    ("data", "words"),
    [([], "A plan must be a mapping"), ({"final": "all"}, "use one of stay, any"), ({"steps": {}}, "must be a list")],
)
def test_a_plan_that_cannot_be_used_is_refused_in_a_sentence(data: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Plan.from_dict(data)


@pytest.mark.parametrize(
    ("rule", "words"),
    [({"at": 5}, "changes nothing"), ({"at": 5, "max": "+x"}, "whole number"), ({"at": -1, "max": 1}, "at least 0")],
)
def test_a_penalty_rule_that_cannot_be_used_is_refused_in_a_sentence(rule: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PenaltyRule.from_dict(rule)


_STEPS = st.fixed_dictionaries(
    {},
    optional={
        "expiry": st.sampled_from([None, 5, 10, 12.5]),
        "min_wait": st.sampled_from([0, 3, 20]),
        "needs": st.sampled_from([{}, FRENCH, BILLING, {"any": [FRENCH, BILLING]}, {"not": FRENCH}]),
        "keep": st.sampled_from(["all", [], ["billing"]]),
        "lower": st.integers(0, 4),
        "preferred": st.sampled_from([[], [4], ["owner", 4]]),
        "skip_if": st.sampled_from([[], ["offline"], ["nobody_ready"]]),
        "overflow_to": st.lists(st.integers(1, 3), max_size=2),
        "boost": st.sampled_from([0, 30]),
        "min_penalty": st.integers(0, 3),
        "max_penalty": st.integers(0, 3),
    },
)
_PLANS = st.builds(
    lambda steps, final: plan(*steps, final=final), st.lists(_STEPS, max_size=4), st.sampled_from(["stay", "any"])
)


@given(_PLANS)
@settings(max_examples=60)
def test_a_plan_written_down_is_read_back_equal(made: Plan) -> None:
    assert Plan.from_dict(made.to_dict()) == made


@given(_PLANS, st.sets(st.integers(0, 3)), st.floats(0, 80))
@settings(max_examples=100)
def test_every_age_has_one_step_which_holds_until_the_age_it_names(made: Plan, skipped: set[int], age: float) -> None:
    demand = {"lang/fr": 2, "billing": 3}
    step = step_at(made, age, demand, skipped=skipped)
    assert step.begins_at <= age
    assert not step.needs.met_by({"billing": 5}), "the language is never let go of"
    if step.until_age is not None:
        assert age < step.until_age
        just_before = step_at(made, (age + step.until_age) / 2, demand, skipped=skipped)
        assert just_before == step
        after = step_at(made, step.until_age, demand, skipped=skipped)
        assert (after.no, after.is_holding) != (step.no, step.is_holding)
        assert after.boost >= step.boost and set(after.overflow_to) >= set(step.overflow_to)


@given(_PLANS, st.sets(st.integers(0, 3)))
@settings(max_examples=60)
def test_steps_follow_each_other_and_expire_at_the_sum_of_the_expiries_so_far(made: Plan, skipped: set[int]) -> None:
    line = timeline(made, skipped)
    assert [number for number, _, _ in line] == sorted({number for number, _, _ in line})
    for number, begins, expires in line:
        if expires is not None:
            assert expires == sum(step.expiry or 0 for step in made.steps[: number + 1])
            assert begins < expires
