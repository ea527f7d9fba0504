"""Plans: checked against the house before they are saved, and kept in versions, since a waiting contact keeps the one it met."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput
from helpdesk.models import Actor
from helpdesk.now import now
from helpdesk.said import said
from routing.core.closed import ClosedRules
from routing.core.demand import Rule
from routing.core.plan import Plan
from routing.core.plan_check import Problem, problems
from routing.models import DemandRule, PlanVersion, QueueRouting, RoutingPlan
from routing.plan_words import Names, sentence
from routing.queries.plan_house import NO_QUEUE, houses_for, with_closed

_ABOUT_HOLDERS = ("nobody_holds", "nobody_holds_for_a_while", "nobody_ever_holds", "contradiction")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check says, as sentences. Errors keep a plan from being saved; warnings are to be confirmed by `token`."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """Names exactly these warnings: who confirms has seen them. Empty where there are none."""
        return sha256("\n".join(sorted(self.warnings)).encode()).hexdigest()[:16] if self.warnings else ""


class PlanRefused(BadInput):
    """The plan has errors, or warnings that nobody confirmed."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(" ".join((*verdict.errors, *verdict.warnings)))
        self.verdict = verdict


def read_plan(rules: object) -> Plan:
    """The plan of its plain form. Raises BadInput with the sentence of what cannot be used."""
    try:
        return Plan.from_dict({} if rules is None else rules)
    except ValueError as problem:
        raise BadInput(said(problem)) from None


def check_plan(
    plan: Plan, queues: Collection[int], *, closed: ClosedRules | None = None, has_closed: bool = False
) -> Verdict:
    """What is wrong with a plan in these queues; with none, in a queue that everybody works for.

    What contacts ask for by the rules of demand is tried as well; that nobody meets it is a warning, since the plan is not
    to blame. With `has_closed` the queue (one) is taken to have `closed` as its behaviour.
    """
    found: list[tuple[Problem, int, bool]] = []
    for house in houses_for(queues, now()):
        here = with_closed(house, closed) if has_closed else house
        plain = problems(plan, here)
        found += [(problem, here.queue, problem.is_error) for problem in plain]
        demands = _demands(here.queue)
        if demands:
            own = {(problem.kind, str(problem.params.get("needs"))) for problem in plain}
            found += [
                (problem, here.queue, False)
                for problem in problems(plan, replace(here, demands=demands))
                if problem.kind in _ABOUT_HOLDERS and (problem.kind, str(problem.params.get("needs"))) not in own
            ]
    names = Names([problem for problem, _queue, _is_error in found] + [Problem("", {"queue": key}) for key in queues])
    said: dict[bool, dict[str, None]] = {True: {}, False: {}}
    for problem, queue, is_error in found:
        said[is_error][sentence(problem, names, queue)] = None
    return Verdict(tuple(said[True]), tuple(said[False]))


def queues_of(plan: RoutingPlan | None) -> list[int]:
    """The queues that have the plan."""
    if plan is None or plan.pk is None:
        return []
    return list(QueueRouting.objects.filter(plan=plan, queue__is_active=True).values_list("queue_id", flat=True))


@transaction.atomic
def save_plan(
    *, actor: Actor, name: str, rules: object, plan: RoutingPlan | None = None, confirmed: str = ""
) -> RoutingPlan:
    """Saves a plan, new or changed, and writes a version of it when its steps changed. Contacts that wait keep theirs.

    `confirmed` is the token of the warnings somebody has seen. Raises BadInput for steps that cannot be read, PlanRefused
    with the verdict for errors and unconfirmed warnings, and NotAllowed.
    """
    access.ensure(actor, "setup.change")
    if not name.strip():
        raise BadInput(_("A plan needs a name."))
    read = read_plan(rules)
    if plan is not None:
        plan = RoutingPlan.objects.select_for_update().get(pk=plan.pk)
    verdict = check_plan(read, queues_of(plan))
    if verdict.errors or not constant_time_compare(verdict.token, confirmed if verdict.warnings else ""):
        raise PlanRefused(verdict)
    plain, is_new = as_written(read, rules), plan is None
    row = plan or RoutingPlan(version=0)
    changed = is_new or row.rules != plain
    if not changed and row.name == name:
        return row
    row.name = name
    if changed:
        row.rules, row.version = plain, row.version + 1
    row.save()
    if changed:
        PlanVersion.objects.create(plan=row, version=row.version, rules=plain, saved_at=now())
    verb = "added" if is_new else "changed"
    events.audit(actor, f"routingplan.{verb}", row, {"name": row.name, "version": row.version, "rules": plain})
    return row


def as_written(plan: Plan, rules: object) -> dict[str, Any]:
    """The plain form of a plan that was read from `rules`, with its groups of needs as they were written."""
    plain = plan.to_dict()
    given = rules.get("steps") if isinstance(rules, dict) else None
    for step, written in zip(plain["steps"], given or [], strict=False):
        if "needs" in step:
            step["needs"] = written["needs"]
    return plain


def _demands(queue: int) -> tuple[dict[str, int], ...]:
    """What the rules of demand ask for in this queue, each by itself."""
    rows = DemandRule.objects.filter(is_active=True)
    rows = rows.filter(queue=None) | rows.filter(queue=queue) if queue != NO_QUEUE else rows.filter(queue=None)
    found: list[dict[str, int]] = []
    for row in rows:
        try:
            skills = dict(Rule.from_dict({**row.rule, "name": row.name}).skills)
        except ValueError:
            continue
        if skills:
            found.append(skills)
    return tuple(found)
