"""What a simulation is told: queues with their traffic, agents, a strategy. Read from JSON; a mistake is a sentence.

Called by `manage.py simulate`, by the admin's what-if page, by tests and benches. docs/routing.md describes the form.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from routing.core import distributions, needs, scenario_plan, scenario_presence
from routing.core.distributions import Distribution
from routing.core.needs import LEVELS, Needs
from routing.core.reading import mapping, one_of, rows, seconds, skill_path, text, whole
from routing.core.scenario_plan import Stage
from routing.core.scenario_presence import NO_DECLINES, Declines, Presence, Windows
from routing.core.strategies import STRATEGIES

MOST_CONTACTS = 20_000_000
MOST_AGENTS = 20_000
MOST_HOURS = 24 * 366 * 10
_MOST_RATE = 1e9  # contacts an hour
_TOP = ("name", "description", "seed", "hours", "contacts", "warmup_contacts", "queues", "agents", "strategy")
_QUEUE = (
    "name",
    "arrivals_per_hour",
    "recorded",
    "handle_seconds",
    "patience_seconds",
    "requires",
    "service_level",
    "strategy",
    "weight",
    "plan",
    "open",
    "when_closed",
    "declines",
)
_AGENTS = ("name", "count", "queues", "skills", "capacity", "shifts", "breaks")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A contact that really came: `at` seconds from the beginning. What is not recorded is drawn."""

    at: float
    handle_seconds: float | None = None
    patience_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """One queue. `rates` are contacts an hour, hour by hour, beginning anew when they end; or the traffic is `recorded`.

    `needs` is what contacts require by themselves, `stages` what they ask for as they wait: one stage where no plan is given.
    """

    name: str
    rates: tuple[float, ...]
    handle: Distribution
    patience: Distribution | None
    needs: Needs
    stages: tuple[Stage, ...]
    share: float
    within: float
    strategy: str
    weight: int = 0
    recorded: tuple[Recorded, ...] = ()
    hours: Windows = ()
    when_closed: str = "wait"
    declines: Declines = NO_DECLINES


@dataclass(frozen=True, slots=True)
class AgentGroup:
    """Equal agents. `queues` are places in the scenario's queues with the penalty of each."""

    name: str
    count: int
    queues: dict[int, int]
    skills: dict[str, int]
    capacity: int = 1
    presence: Presence = field(default_factory=Presence)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated: arrivals for `hours`, or until there were `contacts`; the first `warmup` of them are not counted."""

    seed: int
    hours: float
    contacts: int | None
    warmup: int
    queues: tuple[QueuePlan, ...]
    agents: tuple[AgentGroup, ...]
    strategy: str
    warnings: tuple[str, ...] = ()


def read(value: object) -> Scenario:
    """A scenario from what JSON gives. Raises ValueError with a sentence that names the place and what belongs there."""
    whole_form = mapping(value, "The scenario", _TOP)
    seed = whole(whole_form.get("seed", 0), "“seed”", least=-(2**63))
    strategy = one_of(whole_form.get("strategy", "longest_idle"), "“strategy”", STRATEGIES)
    contacts = whole_form.get("contacts")
    if contacts is not None:
        contacts = whole(contacts, "“contacts”", least=1, most=MOST_CONTACTS)
    warmup = whole(whole_form.get("warmup_contacts", 0), "“warmup_contacts”", most=MOST_CONTACTS)
    queues = tuple(_queue(one, n, strategy) for n, one in enumerate(rows(whole_form.get("queues"), "“queues”"), 1))
    if not queues:
        raise ValueError("The scenario has no queues: “queues” needs at least one.")
    places: dict[str, int] = {}
    for place, queue in enumerate(queues):
        if queue.name in places:
            raise ValueError(f"Two queues are named “{queue.name}”: give each a name of its own.")
        places[queue.name] = place
    forms = rows(whole_form.get("queues"), "“queues”")
    queues = tuple(_planned(queue, form.get("plan"), places) for queue, form in zip(queues, forms, strict=True))
    agents = tuple(_group(one, n, places) for n, one in enumerate(rows(whole_form.get("agents"), "“agents”"), 1))
    if sum(group.count for group in agents) > MOST_AGENTS:
        raise ValueError(f"There are more than {MOST_AGENTS:,} agents.")
    hours = _hours(whole_form, contacts, queues)
    scenario = Scenario(seed, hours, contacts, warmup, queues, agents, strategy)
    expected = expected_contacts(scenario)
    if expected == 0:
        raise ValueError("Nothing ever arrives: give a queue “arrivals_per_hour” above 0 or “recorded” contacts.")
    if expected > MOST_CONTACTS:
        raise ValueError(f"About {expected:,.0f} contacts would arrive; at most {MOST_CONTACTS:,} are simulated.")
    if warmup >= expected:
        raise ValueError(f"“warmup_contacts” is {warmup:,}, but only about {expected:,.0f} contacts will arrive.")
    return replace(scenario, warnings=_warnings(scenario))


def expected_contacts(scenario: Scenario) -> float:
    """About how many contacts will arrive."""
    expected = 0.0
    for queue in scenario.queues:
        if queue.recorded:
            expected += sum(contact.at <= scenario.hours * 3600 for contact in queue.recorded)
        else:
            full, part = divmod(scenario.hours, len(queue.rates))
            in_full_rounds = full * sum(queue.rates) if full else 0.0
            rest = sum(rate * min(1.0, max(0.0, part - n)) for n, rate in enumerate(queue.rates)) if part else 0.0
            expected += in_full_rounds + rest
    return expected if scenario.contacts is None else min(expected, scenario.contacts)


def _hours(form: Any, contacts: int | None, queues: tuple[QueuePlan, ...]) -> float:
    """As given; else to the end of what was recorded, or for as long as the asked number of contacts takes."""
    if "hours" not in form:
        if all(queue.recorded for queue in queues):
            return max(1.0, *(queue.recorded[-1].at for queue in queues)) / 3600
        if contacts is None:
            raise ValueError("Say how long to simulate: “hours”, or the number of “contacts”.")
        return float(MOST_HOURS)
    value = form["hours"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST_HOURS:
        raise ValueError(f"“hours” must be a number above 0 and up to {MOST_HOURS:,}.")
    return float(value)


def _queue(value: object, number: int, strategy: str) -> QueuePlan:
    form = mapping(value, f"Queue {number}", _QUEUE)
    name = text(form.get("name"), f"“name” of queue {number}")
    where = f"queue “{name}”"
    if ("arrivals_per_hour" in form) is ("recorded" in form):
        raise ValueError(f"{where} needs either “arrivals_per_hour” or “recorded”.".capitalize())
    recorded = _recorded(form["recorded"], where) if "recorded" in form else ()
    if "handle_seconds" not in form:
        raise ValueError(f'“handle_seconds” of {where} is missing: write {{"dist": "exponential", "mean": 180}}.')
    patience = form.get("patience_seconds")
    required = _needs(form.get("requires"), where)
    level = mapping(form.get("service_level") or {}, f"“service_level” of {where}", ("share", "seconds"))
    share = level.get("share", 0.8)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueError(f"“share” in “service_level” of {where} must be from 0 to 1, such as 0.8.")
    return QueuePlan(
        name=name,
        rates=() if recorded else _rates(form["arrivals_per_hour"], where),
        handle=distributions.read(form["handle_seconds"], f"“handle_seconds” of {where}"),
        patience=None if patience is None else distributions.read(patience, f"“patience_seconds” of {where}"),
        needs=required,
        stages=(Stage(0.0, required),),
        share=float(share),
        within=seconds(level.get("seconds", 20), f"“seconds” in “service_level” of {where}"),
        strategy=one_of(form.get("strategy", strategy), f"“strategy” of {where}", STRATEGIES),
        weight=whole(form.get("weight", 0), f"“weight” of {where}", least=-1000, most=1000),
        recorded=recorded,
        hours=scenario_presence.read_windows(form.get("open"), f"“open” of {where}"),
        when_closed=scenario_presence.read_closed(form.get("when_closed"), where),
        declines=scenario_presence.read_declines(form.get("declines"), where),
    )


def _planned(queue: QueuePlan, plan: object, places: dict[str, int]) -> QueuePlan:
    if plan is None:
        return queue
    where = f"queue “{queue.name}”"
    ways = queue.needs.alternatives
    if len(ways) != 1 or not all(demand.wanted for demand in ways[0]):
        raise ValueError(
            f"With a plan, “requires” of {where} is a list of skills; other requirements belong into its steps."
        )
    demanded = {demand.skill: demand.level for demand in ways[0]}
    return replace(queue, stages=scenario_plan.read(plan, where, demanded, places))


def _rates(value: object, where: str) -> tuple[float, ...]:
    rates: list[Any] = value if isinstance(value, list) else [value]
    for rate in rates:
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= _MOST_RATE:
            raise ValueError(
                f"“arrivals_per_hour” of {where} must be a number from 0, or a list of them, one for each hour."
            )
    if not rates:
        raise ValueError(f"“arrivals_per_hour” of {where} is an empty list.")
    return tuple(float(rate) for rate in rates)


def _recorded(value: object, where: str) -> tuple[Recorded, ...]:
    found = []
    for number, one in enumerate(rows(value, f"“recorded” of {where}"), 1):
        place = f"contact {number} of {where}"
        form = mapping(
            one if isinstance(one, dict) else {"at": one}, place, ("at", "handle_seconds", "patience_seconds")
        )
        handle, patience = form.get("handle_seconds"), form.get("patience_seconds")
        found.append(
            Recorded(
                at=seconds(form.get("at"), f"“at” of {place}"),
                handle_seconds=None if handle is None else seconds(handle, f"“handle_seconds” of {place}"),
                patience_seconds=None if patience is None else seconds(patience, f"“patience_seconds” of {place}"),
            )
        )
    if not found:
        raise ValueError(f"“recorded” of {where} has no contacts.")
    for number, (before, after) in enumerate(pairwise(found), 2):
        if after.at < before.at:
            raise ValueError(f"Contact {number} of {where} comes before the one above it: order them by “at”.")
    return tuple(found)


def _needs(value: object, where: str) -> Needs:
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        value = [{"skill": one} if isinstance(one, str) else one for one in value]
    try:
        return needs.parse(value)
    except ValueError as problem:
        raise ValueError(f"“requires” of {where}: {problem}") from problem


def _group(value: object, number: int, places: dict[str, int]) -> AgentGroup:
    form = mapping(value, f"Agents {number}", _AGENTS)
    where = f"agents {number}"
    name = text(form["name"], f"“name” of {where}") if "name" in form else str(number)
    asked = form.get("queues")
    pairs = asked.items() if isinstance(asked, dict) else ((one, 0) for one in rows(asked, f"“queues” of {where}"))
    queues: dict[int, int] = {}
    for queue, penalty in pairs:
        if not isinstance(queue, str) or queue not in places:
            known = ", ".join(f"“{one}”" for one in places)
            raise ValueError(f"“queues” of {where} names {queue!r}, which is no queue here; there are: {known}.")
        queues[places[queue]] = whole(penalty, f"The penalty in “{queue}” of {where}", most=1000)
    if not queues:
        raise ValueError(f"“queues” of {where} is empty: say which queues these agents serve.")
    return AgentGroup(
        name=name,
        count=whole(form.get("count", 1), f"“count” of {where}", most=MOST_AGENTS),
        queues=queues,
        skills=_skills(form.get("skills"), where),
        capacity=whole(form.get("capacity", 1), f"“capacity” of {where}", least=1, most=100),
        presence=scenario_presence.read_presence(form.get("shifts"), form.get("breaks"), where),
    )


def _skills(value: object, where: str) -> dict[str, int]:
    """A mapping of paths to levels, or a list of paths and `{"skill", "level"}`; a path alone means the highest level."""
    pairs: list[tuple[object, object]]
    if isinstance(value, dict):
        pairs = list(value.items())
    else:
        pairs = []
        for one in rows(value, f"“skills” of {where}"):
            if isinstance(one, dict):
                form = mapping(one, f"A skill of {where}", ("skill", "level"))
                pairs.append((form.get("skill"), form.get("level", LEVELS[-1])))
            else:
                pairs.append((one, LEVELS[-1]))
    skills = {}
    for skill, level in pairs:
        path = skill_path(text(skill, f"A skill of {where}"), where)
        skills[path] = whole(level, f"The level of {path} of {where}", least=LEVELS[0], most=LEVELS[-1])
    return skills


def _warnings(scenario: Scenario) -> tuple[str, ...]:
    """What will surprise whoever reads the answer: a queue without anybody, or with more work than its agents can do."""
    found = []
    for place, queue in enumerate(scenario.queues):
        serving = [group for group in scenario.agents if place in group.queues and group.count]
        able = [group for group in scenario.agents if group.count and _may_serve(group, place, queue)]
        if not serving and not able:
            found.append(f"Nobody serves queue “{queue.name}”.")
        elif not able:
            lacking = ", ".join(queue.needs.missing(serving[0].skills))
            found.append(f"Nobody who serves queue “{queue.name}” has the skills it requires ({lacking}).")
        elif queue.patience is None and queue.rates:  # whoever shares these agents comes on top
            load = sum(queue.rates) / len(queue.rates) * queue.handle.mean / 3600
            room = sum(group.count * group.capacity for group in able)
            if load >= room:
                found.append(
                    f"Queue “{queue.name}” brings {load:.1f} erlangs to {room} places and nobody leaves: it grows without end."
                )
    return tuple(found)


def _may_serve(group: AgentGroup, place: int, queue: QueuePlan) -> bool:
    """Whether these agents may take its contacts at some age."""
    return any(
        not stage.holding
        and any(one in group.queues for one in (place, *stage.extra_queues))
        and stage.needs.met_by(group.skills)
        for stage in queue.stages
    )
