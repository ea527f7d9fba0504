"""The check of a plan before it is saved: each problem from both sides, and hours against a walk over the minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.hours import ALWAYS, Calendar
from routing.core.closed import ClosedRules
from routing.core.plan import Plan
from routing.core.plan_check import (
    SENTENCES,
    Hours,
    House,
    HouseAgent,
    HouseQueue,
    Problem,
    joined,
    open_hours,
    problems,
    without,
)

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYTIME = Calendar.from_dict(
    {"tz": "UTC", "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}
)
NIGHT = Calendar.from_dict({"tz": "UTC", "weekly": {"sat": [["22:00", "06:00"]]}})
FRENCH, BILLING = {"skill": "lang/fr"}, {"skill": "billing"}


def plan(*steps: dict[str, Any], **more: Any) -> Plan:
    return Plan.from_dict({"steps": list(steps), **more})


def agent(key: int, *skills: str, shifts: Hours | None = None, **more: Any) -> HouseAgent:
    """An agent of queue 1 with skills of level 3."""
    queues = more.pop("queues", {1})
    at_work = None if shifts is None else tuple(shifts)
    return HouseAgent(key, frozenset(queues), dict.fromkeys(skills, 3), shifts=at_work, **more)


def house(*agents: HouseAgent, calendar: Calendar = DAYTIME, **more: Any) -> House:
    """A house of two queues, the first with a stated closed behaviour; a week from a Monday on."""
    stated = ClosedRules.from_dict({"behaviours": {"closed": "ticket"}})
    queues = {1: HouseQueue(calendar, stated), 2: HouseQueue()} | more.pop("queues", {})
    return House(1, queues, agents, MONDAY, days=7, **more)


def kinds(made: Plan, of: House) -> list[str]:
    return [problem.kind for problem in problems(made, of)]


def only(kind: str, made: Plan, of: House) -> Problem:
    (problem,) = [problem for problem in problems(made, of) if problem.kind == kind]
    return problem


ANYBODY = house(agent(1, "lang/fr", "billing"))


def test_a_plan_that_everybody_can_follow_has_no_problems() -> None:
    assert problems(plan({"needs": [FRENCH, BILLING], "expiry": 30}, {"needs": FRENCH}), ANYBODY) == []
    assert problems(Plan(), ANYBODY) == []


def test_a_step_behind_one_that_never_ends_is_never_reached() -> None:
    problem = only("unreachable_step", plan({"needs": BILLING}, {"keep": []}), ANYBODY)
    assert (problem.params, problem.is_error) == ({"step": 2, "blocked_by": 1}, True)
    assert problem.sentence() == "Step 2 is never reached: step 1 before it never ends."


def test_a_step_behind_one_that_may_be_skipped_is_reached() -> None:
    assert kinds(plan({"needs": BILLING, "skip_if": ["nobody_staffed"]}, {"keep": []}), ANYBODY) == []


def test_a_step_that_may_begin_only_after_it_has_expired_never_begins() -> None:
    late = plan({"needs": BILLING, "expiry": 10}, {"needs": FRENCH, "expiry": 10, "min_wait": 20}, {"keep": []})
    assert "step_too_late" in kinds(late, ANYBODY)
    in_time = plan({"needs": BILLING, "expiry": 10}, {"needs": FRENCH, "expiry": 10, "min_wait": 19}, {"keep": []})
    assert "step_too_late" not in kinds(in_time, ANYBODY)


def test_a_free_for_all_behind_a_step_that_never_ends_is_said_to_never_come() -> None:
    problem = only("final_unreachable", plan({"needs": BILLING}, final="any"), ANYBODY)
    assert (problem.params["step"], problem.is_error) == (1, False)
    assert kinds(plan({"needs": BILLING, "expiry": 9}, final="any"), ANYBODY) == []


def test_a_step_that_waits_for_ever_for_one_agent_is_an_error() -> None:
    assert only("waits_for_one", plan({"preferred": ["owner"], "only_preferred": True}), ANYBODY).is_error
    assert kinds(plan({"preferred": ["owner"], "only_preferred": True, "expiry": 20}, {}), ANYBODY) == []


def test_a_preferred_agent_of_other_teams_is_named_unless_the_step_overflows_to_his() -> None:
    of = house(agent(1), agent(5, queues={2}))
    assert only("preferred_outside", plan({"preferred": [5]}), of).params == {"step": 1, "agent": 5}
    assert kinds(plan({"preferred": [5], "overflow_to": [2]}), of) == []


def test_a_requirement_nobody_holds_in_some_open_hour_is_found_with_the_hour() -> None:
    days = [(MONDAY + timedelta(days=n, hours=9), MONDAY + timedelta(days=n, hours=17)) for n in range(5)]
    of = house(agent(1, shifts=days), agent(2, "lang/fr", shifts=days[:4]))
    problem = only("nobody_holds", plan({"needs": FRENCH}), of)
    friday = MONDAY + timedelta(days=4)
    assert (problem.params["begins"], problem.params["ends"]) == (friday + 9 * HOUR, friday + 17 * HOUR)
    assert (problem.params["hours"], problem.params["needs"], problem.is_error) == (8, "lang/fr", True)
    assert kinds(plan({"needs": FRENCH}), house(agent(1, shifts=days), agent(2, "lang/fr", shifts=days))) == []


def test_a_step_that_relaxes_later_is_only_warned_about() -> None:
    shift = [(MONDAY + 9 * HOUR, MONDAY + 17 * HOUR)]
    relaxing = plan({"needs": BILLING, "expiry": 60}, {"keep": []})
    for_a_while = only("nobody_holds_for_a_while", relaxing, house(agent(1), agent(2, "billing", shifts=shift)))
    assert (for_a_while.params["hours"], for_a_while.is_error) == (32, False)
    assert kinds(relaxing, house(agent(1))) == ["nobody_ever_holds"]


def test_the_end_for_anybody_still_needs_somebody_for_the_language() -> None:
    made, demands = plan({"needs": BILLING, "expiry": 60}, final="any"), ({"lang/fr": 1},)
    assert "nobody_holds" in kinds(made, house(agent(1, "billing"), demands=demands))
    assert kinds(made, house(agent(1, "billing", "lang/fr"), demands=demands)) == []
    assert kinds(made, house(agent(1, "billing"))) == []


def test_a_skill_counts_up_to_its_expiry() -> None:
    noon = MONDAY + timedelta(days=2, hours=12)
    of = house(agent(1), agent(2, "billing", expires={"billing": noon}))
    problem = only("nobody_holds", plan({"needs": BILLING}), of)
    assert (problem.params["begins"], problem.params["hours"]) == (noon, 5 + 8 + 8)


def test_agents_of_the_overflow_queue_count_from_the_step_that_lets_them_in() -> None:
    of = house(agent(1), agent(2, "billing", queues={2}))
    assert "nobody_holds" in kinds(plan({"needs": BILLING}), of)
    assert kinds(plan({"needs": BILLING, "overflow_to": [2]}), of) == []


def test_open_hours_without_anybody_on_shift_are_told_once_and_apart() -> None:
    problem = only("nobody_staffed", plan({"needs": BILLING}), house(agent(1, "billing", shifts=[])))
    assert (problem.params["hours"], problem.is_error) == (40, False)
    assert kinds(plan({"needs": BILLING}), house(agent(1, "billing", shifts=[]))) == ["nobody_staffed"]


def test_a_queue_that_closes_and_does_not_say_what_happens_then_is_an_error() -> None:
    silent = {1: HouseQueue(DAYTIME)}
    assert only("closed_without_behaviour", Plan(), house(agent(1), queues=silent)).is_error
    assert kinds(Plan(), house(agent(1), queues={1: HouseQueue(ALWAYS)})) == []


def test_a_queue_that_never_opens_is_an_error() -> None:
    shut = Calendar.from_dict({"tz": "UTC", "weekly": {}})
    assert kinds(Plan(), house(agent(1), calendar=shut)) == ["never_open"]


def test_overflow_in_a_circle_is_found_with_its_way() -> None:
    circle = {2: HouseQueue(overflow_to=frozenset({3})), 3: HouseQueue(overflow_to=frozenset({1}))}
    problem = only("overflow_loop", plan({"overflow_to": [2]}), house(agent(1), queues=circle))
    assert (problem.params["queues"], problem.is_error) == ((1, 2, 3, 1), True)
    straight = {2: HouseQueue(overflow_to=frozenset({3})), 3: HouseQueue(overflow_to=frozenset({2}))}
    assert kinds(plan({"overflow_to": [2]}), house(agent(1), queues=straight)) == []


def test_closed_behaviour_and_overflow_rules_count_as_ways_of_the_circle() -> None:
    back = ClosedRules.from_dict({"behaviours": {"closed": "other_queue"}, "other_queues": [1]})
    over = ClosedRules.from_dict({"overflow": [{"when": "wait", "over": 60, "to": [1]}]})
    for closed in (back, over):
        assert kinds(plan({"overflow_to": [2]}), house(agent(1), queues={2: HouseQueue(closed=closed)})) == [
            "overflow_loop"
        ]


def test_overflow_into_itself_into_nothing_and_into_a_queue_that_sleeps_is_found() -> None:
    assert only("overflow_to_itself", plan({"overflow_to": [1]}), ANYBODY).params == {"step": 1}
    assert only("overflow_unknown", plan({"overflow_to": [9]}), ANYBODY).params == {"queue": 9}
    asleep = house(agent(1), queues={2: HouseQueue(NIGHT)})
    assert kinds(plan({"overflow_to": [2]}), asleep) == ["overflow_closed"]


def test_a_skill_of_no_house_is_found_and_a_parent_of_one_is_not() -> None:
    of = house(agent(1, "tech/vpn", "lang/fr"), known_skills=frozenset({"tech/vpn", "lang/fr"}))
    assert kinds(plan({"needs": {"skill": "tech"}}), of) == []
    assert only("unknown_skill", plan({"needs": {"not": {"skill": "magic"}}}), of).params == {
        "step": 1,
        "skill": "magic",
    }


def test_a_step_that_lets_go_of_a_language_is_warned_about() -> None:
    problem = only("firm_group_dropped", plan({"needs": [FRENCH, BILLING], "expiry": 9}, {"needs": BILLING}), ANYBODY)
    assert (problem.params, problem.is_error) == ({"step": 2, "needs": "lang/fr"}, False)
    opposite = plan({"needs": FRENCH, "expiry": 9}, {"needs": {"not": FRENCH}})
    assert "firm_group_dropped" in kinds(opposite, ANYBODY)
    stricter = plan({"needs": FRENCH, "expiry": 9}, {"needs": {"skill": "lang/fr", "level": 2}})
    assert kinds(stricter, ANYBODY) == []


def test_a_step_that_changes_nothing_is_warned_about() -> None:
    assert kinds(plan({"needs": BILLING, "expiry": 9}, {"needs": [BILLING]}), ANYBODY) == ["same_as_before"]
    assert kinds(plan({"needs": BILLING, "expiry": 9}, {"needs": [BILLING], "boost": 60}), ANYBODY) == []


def test_a_demand_that_the_plan_rules_out_is_warned_about() -> None:
    of = house(agent(1, "lang/fr"), demands=({"lang/fr": 1},))
    assert kinds(plan({"needs": {"not": FRENCH}}), of) == ["contradiction"]


def test_errors_come_first_and_every_kind_has_its_sentence() -> None:
    bad = plan({"needs": BILLING, "overflow_to": [9], "preferred": [7]}, {}, final="any")
    found = problems(bad, house(agent(1)))
    assert [problem.is_error for problem in found] == sorted((p.is_error for p in found), reverse=True)
    assert {"unreachable_step", "nobody_holds", "overflow_unknown", "preferred_outside"} <= {p.kind for p in found}
    for problem in found:
        assert "{" not in problem.sentence() and problem.kind in SENTENCES


def test_a_night_shift_is_cut_at_the_ends_of_what_is_looked_at() -> None:
    saturday = MONDAY + timedelta(days=5)
    assert open_hours(NIGHT, MONDAY, saturday + 23 * HOUR) == [(saturday + 22 * HOUR, saturday + 23 * HOUR)]
    assert open_hours(ALWAYS, MONDAY, saturday) == [(MONDAY, saturday)]


_HOURS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 8)).map(
        lambda pair: (MONDAY + pair[0] * HOUR, MONDAY + (pair[0] + pair[1]) * HOUR)
    ),
    max_size=5,
)


@given(_HOURS, _HOURS)
@settings(max_examples=80)
def test_joining_and_taking_out_hours_equals_a_walk_over_them(some: Hours, others: Hours) -> None:
    def walked(hours: Hours) -> set[int]:
        return {n for n in range(30) if any(start <= MONDAY + n * HOUR < end for start, end in hours)}

    union, taken = joined(some), joined(others)
    assert walked(union) == walked(some)
    assert all(before[1] < after[0] for before, after in pairwise(union))
    assert walked(without(union, taken)) == walked(some) - walked(others)
    assert all(start < end for start, end in without(union, taken))


def test_two_half_shifts_of_many_agents_cover_the_day_and_one_half_does_not() -> None:
    days = [(MONDAY + timedelta(days=n, hours=9), MONDAY + timedelta(days=n, hours=13)) for n in range(5)]
    later = [(start + 4 * HOUR, end + 4 * HOUR) for start, end in days]
    agents = [agent(n, "billing", shifts=days if n % 2 else later) for n in range(40)]
    assert kinds(plan({"needs": BILLING}), house(*agents)) == []
    assert kinds(plan({"needs": BILLING}), house(agent(99, shifts=later), *agents[1::2])) == ["nobody_holds"]
