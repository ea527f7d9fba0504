"""What is wrong with a plan, said before it is saved: steps never reached, requirements nobody holds, overflow in a
circle, a closed queue that says nothing.

The check looks at the next days hour by hour: at the queue's opening hours, at the shifts, and at who holds what, expiring
skills included. Called by the admin's form, the flow validator and the tests. Pure: no Django, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from helpdesk.hours import ALWAYS as OPEN_ALWAYS
from helpdesk.hours import Calendar, next_closing, next_opening
from routing.core import needs as requirements
from routing.core.closed import ClosedRules
from routing.core.needs import Needs, expand
from routing.core.plan import Plan, Step, step_at, timeline, unrelaxed

#: Hours as pairs of aware datetimes, end excluded; sorted and apart from each other.
Hours = list[tuple[datetime, datetime]]

#: Every kind of problem, with its sentence in English; the names in braces are the keys of `params`.
SENTENCES: dict[str, str] = {
    "unreachable_step": "Step {step} is never reached: step {blocked_by} before it never ends.",
    "step_too_late": "Step {step} never begins: it may begin at {min_wait} s, and has expired by then.",
    "final_unreachable": "Nobody but those of step {step} will ever be asked: it never ends, so “any” at the end never comes.",
    "waits_for_one": "Step {step} waits for its preferred agents alone and never ends.",
    "preferred_outside": "Step {step} prefers agent {agent}, who does not work for this queue.",
    "nobody_holds": "In some open hours nobody at work meets {needs}, and the plan never asks for less (step {step}).",
    "nobody_holds_for_a_while": "In some open hours nobody at work meets step {step}: {needs}.",
    "nobody_ever_holds": "Nobody of the queue meets step {step}: {needs}.",
    "unknown_skill": "Step {step} asks for {skill}, which is no skill of the house.",
    "contradiction": "Step {step} and the contact's own demand can never both be met: {needs}.",
    "firm_group_dropped": "Step {step} no longer asks for {needs}, which is never to be relaxed.",
    "same_as_before": "Step {step} asks for the same as the step before it.",
    "nobody_staffed": "The queue is open at hours in which nobody is on shift.",
    "never_open": "The queue does not open in the days looked at.",
    "closed_without_behaviour": "The queue is closed at times and does not say what happens to contacts then.",
    "overflow_loop": "Overflow runs in a circle: {path}.",
    "overflow_to_itself": "Step {step} overflows into its own queue.",
    "overflow_unknown": "Overflow leads to queue {queue}, which does not exist.",
    "overflow_closed": "Queue {queue}, which takes the overflow, is never open while this one is.",
}
_WARNINGS = frozenset(
    {
        "final_unreachable",
        "preferred_outside",
        "nobody_holds_for_a_while",
        "nobody_ever_holds",
        "contradiction",
        "firm_group_dropped",
        "same_as_before",
        "nobody_staffed",
        "overflow_closed",
    }
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `params` fill the sentence of its kind; steps count from 1 there, as people count.

    Kinds about hours also carry `begins`, `ends` (the first such hours, UTC) and `hours` (how many in the days looked at).
    """

    kind: str
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_error(self) -> bool:
        """Whether a plan with it must not be saved: contacts would hang. The rest is to be confirmed."""
        return self.kind not in _WARNINGS

    def sentence(self) -> str:
        """The problem in English; pages translate SENTENCES by kind instead."""
        return SENTENCES[self.kind].format(**self.params)


@dataclass(frozen=True, slots=True)
class HouseAgent:
    """An agent: the queues of his teams, his skills (path -> level), when each expires, and his shifts; None: not planned
    by shifts, so at work whenever his queue is open."""

    key: int
    queues: frozenset[int]
    skills: Mapping[str, int] = field(default_factory=dict)
    expires: Mapping[str, datetime] = field(default_factory=dict)
    shifts: tuple[tuple[datetime, datetime], ...] | None = None


@dataclass(frozen=True, slots=True)
class HouseQueue:
    """A queue: its hours, what it does when closed (None: nothing set), and the queues its own plan overflows into."""

    calendar: Calendar = OPEN_ALWAYS
    closed: ClosedRules | None = None
    overflow_to: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class House:
    """What a plan for `queue` is checked against, from an instant on for so many days.

    `demands` are the demands of contacts to try beside the plan's own words; {} is the contact that asks for nothing.
    `known_skills` None: any skill may exist.
    """

    queue: int
    queues: Mapping[int, HouseQueue]
    agents: tuple[HouseAgent, ...]
    begins: datetime
    days: int = 14
    demands: tuple[Mapping[str, int], ...] = ({},)
    known_skills: frozenset[str] | None = None


def problems(plan: Plan, house: House) -> list[Problem]:
    """Everything wrong with the plan, errors first, in the order of the steps."""
    found = [*_unreachable(plan), *_unknown(plan, house), *_preferred(plan, house), *_relaxed(plan)]
    found += [*_overflow(plan, house), *_hours(plan, house)]
    distinct = {(p.kind, tuple(map(str, p.params.items()))): p for p in found}
    return sorted(distinct.values(), key=lambda problem: not problem.is_error)


def _unreachable(plan: Plan) -> Iterator[Problem]:
    """A step that may be skipped blocks nothing: what comes after it is reached when it is."""
    ends, blocked_by = 0.0, 0
    for number, step in enumerate(plan.steps, 1):
        ends += step.expiry or 0.0
        if blocked_by:
            yield Problem("unreachable_step", {"step": number, "blocked_by": blocked_by})
        elif step.expiry is not None and step.min_wait >= ends:
            yield Problem("step_too_late", {"step": number, "min_wait": f"{step.min_wait:g}"})
        can_be_left = step.expiry is not None or bool(step.skip_if)
        if not can_be_left and not blocked_by:
            blocked_by = number
        if step.only_preferred and step.expiry is None:
            yield Problem("waits_for_one", {"step": number})
    if plan.final == "any" and blocked_by:
        yield Problem("final_unreachable", {"step": blocked_by})


def _unknown(plan: Plan, house: House) -> Iterator[Problem]:
    if house.known_skills is None:
        return
    known = expand(dict.fromkeys(house.known_skills, 1))
    for number, step in enumerate(plan.steps, 1):
        for skill in sorted(step.needs.skills - known.keys()):
            yield Problem("unknown_skill", {"step": number, "skill": skill})


def _preferred(plan: Plan, house: House) -> Iterator[Problem]:
    queues = {agent.key: agent.queues for agent in house.agents}
    for number, step in enumerate(plan.steps, 1):
        for key in step.preferred:
            if isinstance(key, int) and not queues.get(key, frozenset()) & {house.queue, *step.overflow_to}:
                yield Problem("preferred_outside", {"step": number, "agent": key})


def _relaxed(plan: Plan) -> Iterator[Problem]:
    """Steps that change nothing, and steps that let go of what the plan says is never relaxed."""
    for number, (before, step) in enumerate(zip(plan.steps, plan.steps[1:], strict=False), 2):
        if _without_time(before) == _without_time(step) and step.boost <= before.boost:
            yield Problem("same_as_before", {"step": number})
        firm = unrelaxed(before.needs, plan.never_relax)
        if not before.only_preferred and not _implies(step.needs, firm):
            yield Problem("firm_group_dropped", {"step": number, "needs": words(firm)})


def _without_time(step: Step) -> tuple[object, ...]:
    return (
        step.needs, step.keep, step.lower, step.preferred, step.only_preferred, step.overflow_to, step.penalties,
    )  # fmt: skip


def _implies(asked: Needs, firm: Needs) -> bool:
    """Whether whoever meets `asked` meets `firm`: then adding it changes nothing."""
    try:
        return requirements.parse({"all": [asked.tree(), firm.tree()]}) == asked
    except ValueError:
        return False


def _overflow(plan: Plan, house: House) -> Iterator[Problem]:
    edges = {key: set(_targets(queue)) for key, queue in house.queues.items()}
    own: set[int] = set()
    for number, step in enumerate(plan.steps, 1):
        if house.queue in step.overflow_to:
            yield Problem("overflow_to_itself", {"step": number})
        own |= set(step.overflow_to)
    closed = house.queues[house.queue].closed if house.queue in house.queues else None
    own |= _led_to(closed)
    own.discard(house.queue)
    edges[house.queue] = own
    for key in sorted(own - house.queues.keys()):
        yield Problem("overflow_unknown", {"queue": key})
    path = _circle(house.queue, edges)
    if path:
        yield Problem("overflow_loop", {"path": " → ".join(map(str, path)), "queues": path})
    span = (house.begins, house.begins + timedelta(days=house.days))
    here = open_hours(house.queues[house.queue].calendar, *span) if house.queue in house.queues else []
    for key in sorted(own & house.queues.keys()):
        if here and without(here, open_hours(house.queues[key].calendar, *span)) == here:
            yield Problem("overflow_closed", {"queue": key})


def _targets(queue: HouseQueue) -> frozenset[int]:
    return queue.overflow_to | _led_to(queue.closed)


def _led_to(closed: ClosedRules | None) -> set[int]:
    """The queues that closed behaviour and overflow rules lead to."""
    return set() if closed is None else {*closed.other_queues, *(key for rule in closed.overflow for key in rule.to)}


def _circle(start: int, edges: Mapping[int, set[int]]) -> tuple[int, ...]:
    """The shortest way from a queue back to itself, or ()."""
    ways: list[tuple[int, ...]] = [(start,)]
    seen: set[int] = set()
    for way in ways:  # grows while it is walked: breadth first
        for key in sorted(edges.get(way[-1], ())):
            if key == start:
                return (*way, start)
            if key not in seen:
                seen.add(key)
                ways.append((*way, key))
    return ()


def _hours(plan: Plan, house: House) -> Iterator[Problem]:
    queue = house.queues.get(house.queue, HouseQueue())
    ends = house.begins + timedelta(days=house.days)
    if queue.closed is None and next_closing(house.begins, queue.calendar) is not None:
        yield Problem("closed_without_behaviour", {"queue": house.queue})
    is_open = open_hours(queue.calendar, house.begins, ends)
    if not is_open:
        yield Problem("never_open", {"queue": house.queue})
        return
    mine = [agent for agent in house.agents if house.queue in agent.queues]
    at_work = joined(hours for agent in mine for hours in _at_work(agent, house.begins, ends))
    unstaffed = without(is_open, at_work)
    if unstaffed:
        yield Problem("nobody_staffed", {"queue": house.queue, **_when(unstaffed)})
    staffed = without(is_open, unstaffed)
    for demand in house.demands:
        yield from _holders(plan, demand, house, staffed, ends)


def _holders(plan: Plan, demand: Mapping[str, int], house: House, staffed: Hours, ends: datetime) -> Iterator[Problem]:
    line = timeline(plan)
    ages = [begins for _, begins, _ in line]
    if plan.opens_at_end and line and line[-1][2] is not None:
        ages.append(line[-1][2])
    for age in ages or [0.0]:
        step = step_at(plan, age, demand)
        params: dict[str, object] = {"step": step.no + 1, "needs": words(step.needs)}
        if step.is_contradiction:
            yield Problem("contradiction", params)
        queues = {house.queue, *step.overflow_to}
        held = joined(
            hours
            for agent in house.agents
            if agent.queues & queues
            for hours in _holding(agent, step.needs, house.begins, ends)
        )
        missing = without(staffed, held)
        if not missing:
            continue
        if step.until_age is None:
            yield Problem("nobody_holds", params | _when(missing))
        elif step.only_preferred:
            continue  # a few seconds for one agent: the steps after it are the requirement
        elif missing == staffed:
            yield Problem("nobody_ever_holds", params)
        else:
            yield Problem("nobody_holds_for_a_while", params | _when(missing))


def _at_work(agent: HouseAgent, begins: datetime, ends: datetime) -> Hours:
    if agent.shifts is None:
        return [(begins, ends)]
    return [(max(start, begins), min(end, ends)) for start, end in agent.shifts if start < ends and end > begins]


def _holding(agent: HouseAgent, needs: Needs, begins: datetime, ends: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The hours at work in which the agent meets the needs: a skill counts up to, not including, its expiry."""
    changes = sorted({begins, *(at for at in agent.expires.values() if begins < at < ends)})
    for start, end in zip(changes, [*changes[1:], ends], strict=True):
        skills = {path: level for path, level in agent.skills.items() if agent.expires.get(path, ends) > start}
        if needs.met_by(skills):
            yield from _at_work(agent, start, end)


def open_hours(calendar: Calendar, begins: datetime, ends: datetime) -> Hours:
    """The open hours of a calendar between two instants, in UTC."""
    found: Hours = []
    at = next_opening(begins, calendar)
    while at is not None and at < ends:
        closing = next_closing(at, calendar)
        if closing is None or closing >= ends:
            found.append((at, ends))
            break
        found.append((at, closing))
        at = next_opening(closing, calendar)
    return found


def joined(hours: Iterable[tuple[datetime, datetime]]) -> Hours:
    """The union, sorted; hours that meet become one."""
    union: Hours = []
    for start, end in sorted(hours):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        elif start < end:
            union.append((start, end))
    return union


def without(hours: Hours, taken: Hours) -> Hours:
    """What is left of some hours when others are taken out; both sorted and apart."""
    left: Hours = []
    index = 0
    for begin, end in hours:
        start = begin
        while index < len(taken) and taken[index][1] <= start:
            index += 1
        look = index
        while look < len(taken) and taken[look][0] < end:
            if taken[look][0] > start:
                left.append((start, taken[look][0]))
            start = max(start, taken[look][1])
            look += 1
        if start < end:
            left.append((start, end))
    return left


def words(needs: Needs) -> str:
    """Needs in short: `lang/fr and billing>=3, or lang/en`; "nothing" for no needs."""
    ways = [" and ".join(map(str, way)) for way in needs.alternatives]
    return ", or ".join(way or "nothing" for way in ways)


def _when(hours: Hours) -> dict[str, object]:
    total = sum((end - start for start, end in hours), timedelta())
    return {"begins": hours[0][0], "ends": hours[0][1], "hours": round(total.total_seconds() / 3600, 2)}
