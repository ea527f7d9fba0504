"""The dry run: a contact that is not there, sent through today's rules to see where it would go, and when to whom.

The same calls as a real contact's: demand, closed behaviour, plan, pool. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from helpdesk.models import AddressKind, Customer, Queue, Ticket
from routing import words
from routing.actions.entering import order_time
from routing.core.closed import Outcome, on_arrival
from routing.core.demand import Demanded, DemandRules, Rule, demand_of
from routing.core.demand_conditions import Facts
from routing.core.plan import Plan, step_at, timeline
from routing.models import ContactChannel, DemandRule, Handing, PlanVersion, WorkItem
from routing.queries.demand import Demands
from routing.queries.known import known_agents
from routing.queries.live import Live, live_pool
from routing.queries.settings import rules_of
from routing.queries.skills import skill_paths
from routing.queries.waits import Wait, wait_of
from routing.queries.why import Compared, Fact, Names


@dataclass(frozen=True, slots=True)
class Contact:
    """What was pasted. `answers` are the pre-chat form's; everything but queue and channel may be missing."""

    queue: Queue
    channel: str
    language: str = ""
    tags: frozenset[str] = frozenset()
    page: str = ""
    answers: Mapping[str, object] = field(default_factory=dict)
    customer: Customer | None = None
    priority: int = 2


@dataclass(frozen=True, slots=True)
class StepShown:
    """A step of the plan in words; ages in seconds, `ends` None: for ever."""

    no: int
    begins: float
    ends: float | None
    needs: str
    extras: tuple[str, ...]
    able: int


@dataclass(slots=True)
class Path:
    """Where the contact would go."""

    contact: Contact
    queue: Queue
    moved_by: str
    because: list[str]
    conflicts: list[str]
    unknown: list[str]
    arrival: str
    state: str
    alert: str
    plan: str
    steps: list[StepShown] = field(default_factory=list)
    handing: str = ""
    wait: Wait | None = None
    wait_said: str = ""
    candidates: list[Compared] = field(default_factory=list)
    by: str = ""
    agents: int = 0
    reasons: list[Fact] = field(default_factory=list)
    missing: list[Fact] = field(default_factory=list)


def path_of(contact: Contact, at: datetime) -> Path:
    """The path through today's rules. Some twenty queries."""
    names = Names()
    demand = _demand(contact)
    queue = contact.queue
    if demand.queue is not None and demand.queue != queue.pk:
        queue = Queue.objects.filter(pk=demand.queue, is_active=True).first() or queue
    live = live_pool([queue.pk], at)
    queues_now = {key: live.house.now(key, at) for key in live.house.queues}
    outcome = on_arrival(queue.pk, contact.channel, live.house.closed, queues_now, at)
    home = live.house.queues[outcome.queue]
    rules = live.house.rules[home.pk]
    version = _newest(rules.plan_id)
    path = Path(
        contact=contact,
        queue=home,
        moved_by=_moved_by(demand, contact.queue, home, outcome),
        because=[words.because_words(asdict(one), names.skills, names.queues) for one in demand.because],
        conflicts=[words.conflict_words(asdict(one), names.skills, names.queues) for one in demand.conflicts],
        unknown=[words.because_words(asdict(one), names.skills, names.queues) for one in demand.unknown],
        arrival=words.closed_words(outcome.behaviour, home.name),
        state=words.state_words(outcome.state),
        alert=words.alert_words(outcome.alert),
        plan=str(version) if version is not None else "",
        handing=str(Handing(rules.handing(contact.channel)).label),
    )
    row = _row(contact, home, demand, version, at)
    if version is not None:
        live.house.plans[version.pk] = Plan.from_dict(version.rules)
    path.steps = _steps(live, row, demand, names)
    waiting = live.add(row)
    path.wait = wait_of(live, row.pk)
    path.wait_said = words.wait_words(path.wait, place=False) or words.hidden_words(path.wait.hidden)
    if waiting.item is None:
        return path
    record = live.pool.explain(row.pk, at.timestamp())
    path.agents = record.agents
    path.reasons = [Fact(c, n, words.reason_words(c, n, names.reasons)) for c, n in record.reasons.items()]
    path.missing = [Fact(c, n, words.demand_words(c, names.skills)) for c, n in record.missing.items()]
    _who_now(path, live, row, names, at)
    return path


def _who_now(path: Path, live: Live, row: WorkItem, names: Names, at: datetime) -> None:
    """Who would be offered it at once, were it the only one that waits."""
    for key in [key for key in live.pool.items if key != row.pk]:
        live.pool.drop_item(key)
    for choice in live.pool.match(at.timestamp(), record=True):
        if choice.record is None:
            continue
        rules = live.house.rules[choice.queue]
        people = names.people([one.agent for one in choice.record.candidates])
        path.by = words.by_words(choice.record.by)
        path.candidates = [
            Compared(
                one.agent,
                people.get(one.agent, "–"),
                words.compared_words(rules.strategy, one.key, at.timestamp()),
                one.agent == choice.agent,
            )
            for one in choice.record.candidates
        ]


def _steps(live: Live, row: WorkItem, demand: Demanded, names: Names) -> list[StepShown]:
    """The plan's steps with their ages, and how many agents of the queue have what each asks for, at work or not."""
    plan = live.house.plans.get(row.plan_id or 0, Plan())
    members = [agent for agent in live.agents.values() if row.queue_id in agent.queues]
    ages = [begins for _no, begins, _ends in timeline(plan)]
    ends = timeline(plan)[-1][2] if ages else None
    if plan.final == "any" and ends is not None:
        ages.append(ends)
    shown = []
    for age in ages or [0.0]:
        step = step_at(plan, age, demand.skills)
        extras = []
        if step.preferred:
            extras.append(words.only_preferred_words() if step.only_preferred else words.preferred_words())
        if step.overflow_to:
            extras.append(words.overflow_words([names.queues.get(key, str(key)) for key in step.overflow_to]))
        if step.boost:
            extras.append(words.boost_words(step.boost))
        able = sum(step.needs.met_by(agent.skills) for agent in members)
        needs = words.needs_words(step.needs, names.skills) if step.needs.skills else ""
        shown.append(StepShown(step.no + 1, step.begins_at, step.until_age, needs, tuple(extras), able))
    return shown


def _row(contact: Contact, queue: Queue, demand: Demanded, version: PlanVersion | None, at: datetime) -> WorkItem:
    """A work item that is never saved; its key is none that a row has."""
    ticket = Ticket(pk=0, queue=queue, channel=contact.channel)
    rules = rules_of([queue.pk])
    preferred: Any = {}
    if contact.customer is not None:
        ticket.customer = contact.customer
        preferred = known_agents([ticket], rules).get(0, {})
    return WorkItem(
        pk=-1,
        ticket=ticket,
        queue=queue,
        channel=contact.channel,
        handing=Handing.OFFER,
        entered_at=at - timedelta(microseconds=1),
        vtime=order_time(at, max(contact.priority, demand.priority or 0), demand.boost),
        plan=version,
        demand=Demands.stored(demand),
        preferred=preferred,
    )


def _newest(plan: int | None) -> PlanVersion | None:
    rows = PlanVersion.objects.filter(plan=plan).select_related("plan").order_by("-version")
    return rows.first() if plan is not None else None


def _demand(contact: Contact) -> Demanded:
    customer = contact.customer
    reached: dict[str, str] = {}
    earlier = 0
    if customer is not None:
        for kind, value in customer.addresses.order_by("-is_primary", "pk").values_list("kind", "value"):
            reached.setdefault(kind, value)
        earlier = Ticket.objects.filter(customer=customer).count()
    facts = Facts(
        channel=contact.channel,
        answers=contact.answers,
        fields=customer.fields if customer is not None else {},
        tags=contact.tags,
        tier=customer.tier if customer is not None else "",
        page=contact.page,
        language_record=customer.language if customer is not None else "",
        language_detected=contact.language,
        country=customer.country if customer is not None else "",
        phone=reached.get(AddressKind.PHONE, ""),
        mail=reached.get(AddressKind.EMAIL, ""),
        history={"contacts": float(earlier)},
    )
    rows = [row for row in DemandRule.objects.filter(is_active=True) if row.queue_id in {None, contact.queue.pk}]
    ordered = [row for row in rows if row.queue_id is None] + [row for row in rows if row.queue_id is not None]
    rules = DemandRules(
        tuple(Rule.from_dict({**row.rule, "name": row.name}) for row in ordered),
        rules_of([contact.queue.pk])[contact.queue.pk].language_level,
    )
    active = set(Queue.objects.filter(is_active=True).values_list("pk", flat=True))
    return demand_of(facts, rules, known_skills=set(skill_paths().values()), known_queues=active)


def _moved_by(demand: Demanded, asked: Queue, home: Queue, outcome: Outcome) -> str:
    if home.pk == asked.pk:
        return ""
    if outcome.behaviour == "other_queue":
        return words.state_words(outcome.state)
    return next((one.rule for one in demand.because if one.kind == "queue"), "")


#: Channels a contact can be pasted for.
CHANNELS = tuple(ContactChannel.choices)
