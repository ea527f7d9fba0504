"""Why a contact went to this agent, why it still waits, and what would change that.

What was decided is read from the records the engine kept with each offer; what is waited for is asked of the same engine
anew, over the rows as they stand. Codes and keys are kept beside their words, so that a program reads them too. Called by
the panel on the ticket, by the API and by `manage.py explain_route`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from helpdesk.models import Queue, Ticket, User
from routing import words
from routing.core.engine import WaitRecord
from routing.models import Assignment, Callback, Decision, Handing, NotReadyReason, Offer, QueueRouting, WorkItem
from routing.queries.board_traffic import handling
from routing.queries.live import live_pool
from routing.queries.settings import rules_of
from routing.queries.skills import skill_names
from routing.queries.waits import Wait, wait_of

Items = WorkItem.State
#: Offers told of, newest first.
OFFERS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Fact:
    """A code with its count and its words."""

    code: str
    count: int
    words: str


@dataclass(frozen=True, slots=True)
class Compared:
    """An agent who could have had it, and what was compared of him."""

    agent: int
    name: str
    words: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """One offer, assignment, pull or manual move: to whom, by what rule, who else was there, what kept the others away."""

    kind: str
    at: datetime
    agent: int | None
    name: str
    by: str
    by_words: str
    outcome: str
    outcome_words: str
    candidates: tuple[Compared, ...] = ()
    free: int = 0
    reasons: tuple[Fact, ...] = ()
    missing: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Next:
    """Somebody who lacks only time; `free_in` seconds until he is probably free, None: not known."""

    agent: int
    name: str
    free_in: float | None
    words: str


@dataclass(slots=True)
class Why:
    """All of it. `item` None: the contact waits for nobody, which `said` tells in a sentence."""

    ticket: Ticket
    at: datetime
    said: str
    item: WorkItem | None = None
    queue: str = ""
    plan: str = ""
    step: str = ""
    needs: str = ""
    because: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    agents: int = 0
    reasons: list[Fact] = field(default_factory=list)
    missing: list[Fact] = field(default_factory=list)
    next_agents: list[Next] = field(default_factory=list)
    changes: list[Fact] = field(default_factory=list)
    wait: Wait | None = None
    wait_said: str = ""
    decisions: list[Decided] = field(default_factory=list)
    callback: Callback | None = None
    rules: QueueRouting | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it still has to be found somebody."""
        return self.item is not None and self.item.state in {Items.WAITING, Items.RESERVED}


def why_of(ticket: Ticket, at: datetime) -> Why:
    """Everything about the ticket's newest contact. About ten queries, and the pool's where it waits to be offered."""
    item = WorkItem.objects.filter(ticket=ticket).select_related("plan__plan", "queue").order_by("-pk").first()
    if item is None:
        return Why(ticket, at, _("Nobody has to be found: it came with an owner, or before routing was there."))
    names = Names()
    why = Why(ticket, at, "", item, item.queue.name, str(item.plan) if item.plan else "")
    why.rules = rules_of([item.queue_id])[item.queue_id]
    why.callback = Callback.objects.filter(item=item).first()
    demand = item.demand
    why.because = [words.because_words(one, names.skills, names.queues) for one in demand.get("because", [])]
    why.conflicts = [words.conflict_words(one, names.skills, names.queues) for one in demand.get("conflicts", [])]
    why.unknown = [words.because_words(one, names.skills, names.queues) for one in demand.get("unknown", [])]
    why.decisions = _decisions(item, names, why.rules)
    if item.state == Items.WAITING and item.handing != Handing.PULL:
        _tell_wait(why, item, names, at)
    why.said = _said(why, item, at)
    return why


class Names:
    """Names of what records hold by key, each kind read once when it is first asked for."""

    def __init__(self) -> None:
        self._skills: dict[str, str] | None = None
        self._queues: dict[int, str] | None = None
        self._reasons: dict[str, str] | None = None
        self._people: dict[int, str] = {}

    @property
    def skills(self) -> dict[str, str]:
        """By path: the skill's own name."""
        if self._skills is None:
            self._skills = skill_names()
        return self._skills

    @property
    def queues(self) -> dict[int, str]:
        """By key."""
        if self._queues is None:
            self._queues = dict(Queue.objects.values_list("pk", "name"))
        return self._queues

    @property
    def reasons(self) -> dict[str, str]:
        """Not-ready reasons by code."""
        if self._reasons is None:
            self._reasons = dict(NotReadyReason.objects.values_list("code", "name"))
        return self._reasons

    def people(self, keys: Iterable[int]) -> dict[int, str]:
        """Agents by key; who is gone has no name."""
        wanted = set(keys) - self._people.keys()
        if wanted:
            self._people |= {row.pk: str(row) for row in User.objects.filter(pk__in=wanted)}
        return self._people


def _decisions(item: WorkItem, names: Names, rules: QueueRouting) -> list[Decided]:
    """Offers with their ends, and what came about without an offer, newest first."""
    offers = list(Offer.objects.filter(item=item).select_related("decision")[:OFFERS_TOLD])
    direct = list(
        Decision.objects.filter(item=item, kind__in=("assign", "pull", "manual")).order_by("-at", "-pk")[:OFFERS_TOLD]
    )
    keys = {offer.agent_id for offer in offers} | {row.agent_id for row in direct if row.agent_id}
    for record in [*(o.decision.record for o in offers if o.decision), *(row.record for row in direct)]:
        keys |= {one["agent"] for one in record.get("candidates", [])}
    people = names.people(keys)
    found = [
        _decided(
            "offer",
            offer.made_at,
            offer.agent_id,
            offer.decision.record if offer.decision else {},
            offer.state,
            words.offer_words(offer.state),
            people,
            names,
            rules,
        )
        for offer in offers
    ]
    found += [_decided(row.kind, row.at, row.agent_id, row.record, "", "", people, names, rules) for row in direct]
    return sorted(found, key=lambda one: one.at, reverse=True)[:OFFERS_TOLD]


def _decided(
    kind: str,
    at: datetime,
    agent: int | None,
    record: dict[str, Any],
    outcome: str,
    outcome_words: str,
    people: dict[int, str],
    names: Names,
    rules: QueueRouting,
) -> Decided:
    by = str(record.get("by", ""))
    strategy = rules.strategy if by == "preferred" else by
    return Decided(
        kind=kind,
        at=at,
        agent=agent,
        name=people.get(agent or 0, "") or (names.queues.get(record.get("queue", 0), "") if kind == "manual" else ""),
        by=by,
        by_words=words.by_words(by),
        outcome=outcome,
        outcome_words=outcome_words,
        candidates=tuple(
            Compared(
                one["agent"],
                people.get(one["agent"], "–"),
                words.compared_words(strategy, one["key"], float(record["now"])),
                one["agent"] == agent,
            )
            for one in record.get("candidates", [])
        ),
        free=int(record.get("free", 0)),
        reasons=tuple(
            Fact(
                code, count, words.reason_words(code, count, names.reasons if code not in words.KNOWN_REASONS else None)
            )
            for code, count in record.get("reasons", {}).items()
            if code != "free"
        ),
        missing=tuple(
            Fact(label, count, words.demand_words(label, names.skills))
            for label, count in record.get("missing", {}).items()
        ),
    )


def _tell_wait(why: Why, item: WorkItem, names: Names, at: datetime) -> None:
    """Asks the engine about the item as everything stands now."""
    if not item.queue.is_active:
        return
    live = live_pool([item.queue_id], at)
    waiting = live.waiting.get(item.pk) or live.add(item)
    why.wait = wait_of(live, item.pk)
    why.wait_said = words.wait_words(why.wait, place=False) or words.hidden_words(why.wait.hidden)
    age = max(0.0, (at - item.entered_at).total_seconds())
    plan = live.house.plans.get(item.plan_id or 0)
    why.needs = words.needs_words(waiting.step.needs, names.skills) if waiting.step.needs.skills else ""
    why.step = words.step_words(waiting.step, age, len(plan.steps) if plan is not None else 1, why.needs)
    if waiting.item is None:
        return
    record = live.pool.explain(item.pk, at.timestamp())
    why.agents = record.agents
    why.reasons = [
        Fact(code, count, words.reason_words(code, count, names.reasons)) for code, count in record.reasons.items()
    ]
    why.missing = [
        Fact(label, count, words.demand_words(label, names.skills)) for label, count in record.missing.items()
    ]
    why.changes = [
        Fact(change.kind, change.agents, words.change_words(change, names.skills, names.reasons))
        for change in record.changes
    ]
    why.next_agents = _next(record, item, names, at)


def _next(record: WaitRecord, item: WorkItem, names: Names, at: datetime) -> list[Next]:
    """Who comes next, and when he is probably free: his oldest contact, by the usual handling time."""
    if not record.next_agents:
        return []
    people = names.people(record.next_agents)
    usual = handling([item.queue_id], at).get(item.queue_id)
    begun: dict[int, datetime] = {}
    wrapping: dict[int, datetime] = {}
    for row in Assignment.objects.filter(agent__in=record.next_agents, done_at__isnull=True).order_by("-begun_at"):
        begun[row.agent_id] = row.begun_at
        if row.wrapup_until_at is not None:
            wrapping[row.agent_id] = row.wrapup_until_at
    found = []
    for key in record.next_agents:
        free_in: float | None = None
        if key in wrapping:
            free_in = max(0.0, (wrapping[key] - at).total_seconds())
        elif key in begun and usual is not None:
            free_in = max(0.0, usual - (at - begun[key]).total_seconds())
        elif key not in begun:
            free_in = 0.0
        name = people.get(key, "–")
        if free_in is None:
            said = name
        elif free_in < 1:
            said = _("%(name)s, any moment now") % {"name": name}
        else:
            said = _("%(name)s, probably free in %(time)s") % {"name": name, "time": words.seconds_words(free_in)}
        found.append(Next(key, name, free_in, said))
    return found


def _said(why: Why, item: WorkItem, at: datetime) -> str:
    """The first sentence: what the contact is doing."""
    waited = words.seconds_words((at - item.entered_at).total_seconds())
    if item.state == Items.DONE:
        return _("Nobody has to be found for it any more.")
    if item.state == Items.RESERVED:
        return _("Its place is kept until it is time to call again.")
    if item.state in {Items.ASSIGNED, Items.WRAPUP}:
        row = item.assignments.filter(done_at__isnull=True).select_related("agent").first()
        return _("With %(name)s.") % {"name": row.agent} if row is not None else _("With an agent.")
    if item.state == Items.OFFERED:
        open_offer = next((one for one in why.decisions if one.outcome == Offer.State.PENDING), None)
        name = open_offer.name if open_offer is not None else ""
        return _("%(name)s is being asked now.") % {"name": name}
    if item.handing == Handing.PULL:
        return _("Waiting for %(time)s until an agent of the queue takes it.") % {"time": waited}
    if why.wait is not None and why.wait.hidden == "closed":
        until = words.until_words(why.wait.opens_at)
        return _("Waiting for %(time)s; the queue is closed (%(until)s).") % {"time": waited, "until": until}
    if why.wait is not None and why.wait.place is not None:
        return _("Waiting for %(time)s, place %(n)s.") % {"time": waited, "n": why.wait.place}
    return _("Waiting for %(time)s.") % {"time": waited}


def as_data(why: Why) -> dict[str, Any]:
    """The same for programs: codes, counts and keys with the words beside them. Times are aware datetimes."""
    item, wait = why.item, why.wait
    return {
        "at": why.at,
        "said": why.said,
        "state": item.state if item is not None else None,
        "queue": {"id": item.queue_id, "name": why.queue} if item is not None else None,
        "channel": item.channel if item is not None else None,
        "waiting_since": item.entered_at if item is not None else None,
        "plan": why.plan or None,
        "step": why.step or None,
        "needs": why.needs or None,
        "because": why.because,
        "conflicts": why.conflicts,
        "left_out": why.unknown,
        "agents": why.agents,
        "reasons": [_fact(one) for one in why.reasons],
        "missing": [_fact(one) for one in why.missing],
        "next_agents": [
            {"id": one.agent, "name": one.name, "free_in_seconds": None if one.free_in is None else round(one.free_in)}
            for one in why.next_agents
        ],
        "changes": [_fact(one) for one in why.changes],
        "place": wait.place if wait is not None else None,
        "estimate": (
            None
            if wait is None or wait.estimate is None
            else {"from_seconds": round(wait.estimate.p50), "to_seconds": round(wait.estimate.p80)}
        ),
        "estimate_hidden": wait.hidden or None if wait is not None else None,
        "opens_at": wait.opens_at if wait is not None else None,
        "decisions": [
            {
                "kind": one.kind,
                "at": one.at,
                "agent": None if one.agent is None else {"id": one.agent, "name": one.name},
                "by": one.by,
                "outcome": one.outcome or None,
                "candidates": [
                    {"id": who.agent, "name": who.name, "compared": who.words, "chosen": who.is_chosen}
                    for who in one.candidates
                ],
                "free": one.free,
                "reasons": [_fact(fact) for fact in one.reasons],
                "missing": [_fact(fact) for fact in one.missing],
            }
            for one in why.decisions
        ],
        "callback": (None if why.callback is None else {"state": why.callback.state, "attempts": why.callback.tries}),
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {"code": fact.code, "agents": fact.count, "words": fact.words}
