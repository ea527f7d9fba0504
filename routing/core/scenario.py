"""What a simulation is told: queues with their traffic, agents, a strategy. Read from JSON; a mistake is a sentence.

Called by `manage.py simulate`, by the admin's what-if page, by tests and benches. docs/routing.md describes the form.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from helpdesk.phrases import Phrase, Refused, gettext_noop
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
    whole_form = mapping(value, Phrase(gettext_noop("The scenario")), _TOP)
    seed = whole(whole_form.get("seed", 0), "“seed”", least=-(2**63))
    strategy = one_of(whole_form.get("strategy", "longest_idle"), "“strategy”", STRATEGIES)
    contacts = whole_form.get("contacts")
    if contacts is not None:
        contacts = whole(contacts, "“contacts”", least=1, most=MOST_CONTACTS)
    warmup = whole(whole_form.get("warmup_contacts", 0), "“warmup_contacts”", most=MOST_CONTACTS)
    queues = tuple(_queue(one, n, strategy) for n, one in enumerate(rows(whole_form.get("queues"), "“queues”"), 1))
    if not queues:
        raise Refused(gettext_noop("The scenario has no queues: “queues” needs at least one."))
    places: dict[str, int] = {}
    for place, queue in enumerate(queues):
        if queue.name in places:
            raise Refused(
                gettext_noop("Two queues are named “%(name)s”: give each a name of its own."), name=queue.name
            )
        places[queue.name] = place
    forms = rows(whole_form.get("queues"), "“queues”")
    queues = tuple(_planned(queue, form.get("plan"), places) for queue, form in zip(queues, forms, strict=True))
    agents = tuple(_group(one, n, places) for n, one in enumerate(rows(whole_form.get("agents"), "“agents”"), 1))
    if sum(group.count for group in agents) > MOST_AGENTS:
        raise Refused(gettext_noop("There are more than %(most_agents)s agents."), most_agents=f"{MOST_AGENTS:,}")
    hours = _hours(whole_form, contacts, queues)
    scenario = Scenario(seed, hours, contacts, warmup, queues, agents, strategy)
    expected = expected_contacts(scenario)
    if expected == 0:
        raise Refused(
            gettext_noop("Nothing ever arrives: give a queue “arrivals_per_hour” above 0 or “recorded” contacts.")
        )
    if expected > MOST_CONTACTS:
        raise Refused(
            gettext_noop("About %(expected)s contacts would arrive; at most %(most_contacts)s are simulated."),
            expected=f"{expected:,.0f}",
            most_contacts=f"{MOST_CONTACTS:,}",
        )
    if warmup >= expected:
        raise Refused(
            gettext_noop("“warmup_contacts” is %(warmup)s, but only about %(expected)s contacts will arrive."),
            warmup=f"{warmup:,}",
            expected=f"{expected:,.0f}",
        )
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
            raise Refused(gettext_noop("Say how long to simulate: “hours”, or the number of “contacts”."))
        return float(MOST_HOURS)
    value = form["hours"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST_HOURS:
        raise Refused(
            gettext_noop("“hours” must be a number above 0 and up to %(most_hours)s."), most_hours=f"{MOST_HOURS:,}"
        )
    return float(value)


def _queue(value: object, number: int, strategy: str) -> QueuePlan:
    form = mapping(value, Phrase(gettext_noop("Queue %(number)s"), number=number), _QUEUE)
    name = text(form.get("name"), Phrase(gettext_noop("“name” of queue %(number)s"), number=number))
    where = Phrase(gettext_noop("queue “%(name)s”"), name=name)
    if ("arrivals_per_hour" in form) is ("recorded" in form):
        raise Refused(gettext_noop("Queue “%(name)s” needs either “arrivals_per_hour” or “recorded”."), name=name)
    recorded = _recorded(form["recorded"], where) if "recorded" in form else ()
    if "handle_seconds" not in form:
        raise Refused(
            gettext_noop('“handle_seconds” of %(where)s is missing: write {"dist": "exponential", "mean": 180}.'),
            where=where,
        )
    patience = form.get("patience_seconds")
    required = _needs(form.get("requires"), where)
    level = mapping(
        form.get("service_level") or {},
        Phrase(gettext_noop("“service_level” of %(where)s"), where=where),
        ("share", "seconds"),
    )
    share = level.get("share", 0.8)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise Refused(
            gettext_noop("“share” in “service_level” of %(where)s must be from 0 to 1, such as 0.8."), where=where
        )
    return QueuePlan(
        name=name,
        rates=() if recorded else _rates(form["arrivals_per_hour"], where),
        handle=distributions.read(
            form["handle_seconds"], Phrase(gettext_noop("“handle_seconds” of %(where)s"), where=where)
        ),
        patience=None
        if patience is None
        else distributions.read(patience, Phrase(gettext_noop("“patience_seconds” of %(where)s"), where=where)),
        needs=required,
        stages=(Stage(0.0, required),),
        share=float(share),
        within=seconds(
            level.get("seconds", 20), Phrase(gettext_noop("“seconds” in “service_level” of %(where)s"), where=where)
        ),
        strategy=one_of(
            form.get("strategy", strategy), Phrase(gettext_noop("“strategy” of %(where)s"), where=where), STRATEGIES
        ),
        weight=whole(
            form.get("weight", 0), Phrase(gettext_noop("“weight” of %(where)s"), where=where), least=-1000, most=1000
        ),
        recorded=recorded,
        hours=scenario_presence.read_windows(
            form.get("open"), Phrase(gettext_noop("“open” of %(where)s"), where=where)
        ),
        when_closed=scenario_presence.read_closed(form.get("when_closed"), where),
        declines=scenario_presence.read_declines(form.get("declines"), where),
    )


def _planned(queue: QueuePlan, plan: object, places: dict[str, int]) -> QueuePlan:
    if plan is None:
        return queue
    where = Phrase(gettext_noop("queue “%(name)s”"), name=queue.name)
    ways = queue.needs.alternatives
    if len(ways) != 1 or not all(demand.wanted for demand in ways[0]):
        raise Refused(
            gettext_noop(
                "With a plan, “requires” of %(where)s is a list of skills; other requirements belong into its steps."
            ),
            where=where,
        )
    demanded = {demand.skill: demand.level for demand in ways[0]}
    return replace(queue, stages=scenario_plan.read(plan, where, demanded, places))


def _rates(value: object, where: str) -> tuple[float, ...]:
    rates: list[Any] = value if isinstance(value, list) else [value]
    for rate in rates:
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= _MOST_RATE:
            raise Refused(
                gettext_noop(
                    "“arrivals_per_hour” of %(where)s must be a number from 0, or a list of them, one for each hour."
                ),
                where=where,
            )
    if not rates:
        raise Refused(gettext_noop("“arrivals_per_hour” of %(where)s is an empty list."), where=where)
    return tuple(float(rate) for rate in rates)


def _recorded(value: object, where: str) -> tuple[Recorded, ...]:
    found = []
    for number, one in enumerate(rows(value, Phrase(gettext_noop("“recorded” of %(where)s"), where=where)), 1):
        place = Phrase(gettext_noop("contact %(number)s of %(where)s"), number=number, where=where)
        form = mapping(
            one if isinstance(one, dict) else {"at": one}, place, ("at", "handle_seconds", "patience_seconds")
        )
        handle, patience = form.get("handle_seconds"), form.get("patience_seconds")
        found.append(
            Recorded(
                at=seconds(form.get("at"), Phrase(gettext_noop("“at” of %(place)s"), place=place)),
                handle_seconds=None
                if handle is None
                else seconds(handle, Phrase(gettext_noop("“handle_seconds” of %(place)s"), place=place)),
                patience_seconds=None
                if patience is None
                else seconds(patience, Phrase(gettext_noop("“patience_seconds” of %(place)s"), place=place)),
            )
        )
    if not found:
        raise Refused(gettext_noop("“recorded” of %(where)s has no contacts."), where=where)
    for number, (before, after) in enumerate(pairwise(found), 2):
        if after.at < before.at:
            raise Refused(
                gettext_noop("Contact %(number)s of %(where)s comes before the one above it: order them by “at”."),
                number=number,
                where=where,
            )
    return tuple(found)


def _needs(value: object, where: str) -> Needs:
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        value = [{"skill": one} if isinstance(one, str) else one for one in value]
    try:
        return needs.parse(value)
    except ValueError as problem:
        raise Refused(gettext_noop("“requires” of %(where)s: %(problem)s"), where=where, problem=problem) from problem


def _group(value: object, number: int, places: dict[str, int]) -> AgentGroup:
    form = mapping(value, Phrase(gettext_noop("Agents %(number)s"), number=number), _AGENTS)
    where = Phrase(gettext_noop("agents %(number)s"), number=number)
    name = (
        text(form["name"], Phrase(gettext_noop("“name” of %(where)s"), where=where)) if "name" in form else str(number)
    )
    asked = form.get("queues")
    pairs = (
        asked.items()
        if isinstance(asked, dict)
        else ((one, 0) for one in rows(asked, Phrase(gettext_noop("“queues” of %(where)s"), where=where)))
    )
    queues: dict[int, int] = {}
    for queue, penalty in pairs:
        if not isinstance(queue, str) or queue not in places:
            known = ", ".join(f"“{one}”" for one in places)
            raise Refused(
                gettext_noop("“queues” of %(where)s names %(queue)s, which is no queue here; there are: %(known)s."),
                where=where,
                queue=f"{queue!r}",
                known=known,
            )
        queues[places[queue]] = whole(
            penalty,
            Phrase(gettext_noop("The penalty in “%(queue)s” of %(where)s"), queue=queue, where=where),
            most=1000,
        )
    if not queues:
        raise Refused(gettext_noop("“queues” of %(where)s is empty: say which queues these agents serve."), where=where)
    return AgentGroup(
        name=name,
        count=whole(form.get("count", 1), Phrase(gettext_noop("“count” of %(where)s"), where=where), most=MOST_AGENTS),
        queues=queues,
        skills=_skills(form.get("skills"), where),
        capacity=whole(
            form.get("capacity", 1), Phrase(gettext_noop("“capacity” of %(where)s"), where=where), least=1, most=100
        ),
        presence=scenario_presence.read_presence(form.get("shifts"), form.get("breaks"), where),
    )


def _skills(value: object, where: str) -> dict[str, int]:
    """A mapping of paths to levels, or a list of paths and `{"skill", "level"}`; a path alone means the highest level."""
    pairs: list[tuple[object, object]]
    if isinstance(value, dict):
        pairs = list(value.items())
    else:
        pairs = []
        for one in rows(value, Phrase(gettext_noop("“skills” of %(where)s"), where=where)):
            if isinstance(one, dict):
                form = mapping(one, Phrase(gettext_noop("A skill of %(where)s"), where=where), ("skill", "level"))
                pairs.append((form.get("skill"), form.get("level", LEVELS[-1])))
            else:
                pairs.append((one, LEVELS[-1]))
    skills = {}
    for skill, level in pairs:
        path = skill_path(text(skill, Phrase(gettext_noop("A skill of %(where)s"), where=where)), where)
        skills[path] = whole(
            level,
            Phrase(gettext_noop("The level of %(path)s of %(where)s"), path=path, where=where),
            least=LEVELS[0],
            most=LEVELS[-1],
        )
    return skills


def _warnings(scenario: Scenario) -> tuple[str, ...]:
    """What will surprise whoever reads the answer: a queue without anybody, or with more work than its agents can do."""
    found = []
    for place, queue in enumerate(scenario.queues):
        serving = [group for group in scenario.agents if place in group.queues and group.count]
        able = [group for group in scenario.agents if group.count and _may_serve(group, place, queue)]
        if not serving and not able:
            found.append(Phrase(gettext_noop("Nobody serves queue “%(name)s”."), name=queue.name))
        elif not able:
            lacking = ", ".join(queue.needs.missing(serving[0].skills))
            found.append(
                Phrase(
                    gettext_noop("Nobody who serves queue “%(name)s” has the skills it requires (%(lacking)s)."),
                    name=queue.name,
                    lacking=lacking,
                )
            )
        elif queue.patience is None and queue.rates:  # whoever shares these agents comes on top
            load = sum(queue.rates) / len(queue.rates) * queue.handle.mean / 3600
            room = sum(group.count * group.capacity for group in able)
            if load >= room:
                found.append(
                    Phrase(
                        gettext_noop(
                            "Queue “%(name)s” brings %(load)s erlangs to %(room)s places and nobody leaves:"
                            " it grows without end."
                        ),
                        name=queue.name,
                        load=f"{load:.1f}",
                        room=room,
                    )
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
