"""What tickets ask for, by the rules of their queues: facts read in a few queries for a whole batch, and only if rules exist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.db.models import Count

from helpdesk.models import AddressKind, Customer, CustomerAddress, Queue, Ticket, TicketTag
from routing.core.demand import Demanded, DemandRules, Rule, demand_of
from routing.core.demand_conditions import Facts
from routing.models import DemandRule, PlanVersion, QueueRouting
from routing.queries.settings import rules_and_demands
from routing.queries.skills import skill_paths


class Demands:
    """The demands of one batch of tickets. `rules` is the routing of each queue by key."""

    def __init__(self, tickets: Sequence[Ticket]) -> None:
        self.tickets = tickets
        queues = {ticket.queue_id for ticket in tickets}
        self.rules: dict[int, QueueRouting]
        self.rules, has_rules = rules_and_demands(queues)
        plans = {rule.plan_id for rule in self.rules.values() if rule.plan_id}
        self._versions: dict[int, PlanVersion] = {}
        if plans:
            newest = PlanVersion.objects.filter(plan__in=plans).order_by("plan_id", "-version").distinct("plan_id")
            self._versions = {version.plan_id: version for version in newest}
        self._asking: dict[int | None, list[Rule]] = defaultdict(list)
        for row in DemandRule.objects.filter(is_active=True) if has_rules else ():
            self._asking[row.queue_id].append(Rule.from_dict({**row.rule, "name": row.name}))
        asks = bool(self._asking) or any(rule.language_level for rule in self.rules.values())
        self._facts = facts_of(tickets) if asks else {}
        self._skills = set(skill_paths().values()) if asks else set()
        names_queues = any(rule.queue is not None for several in self._asking.values() for rule in several)
        self._queues = set(Queue.objects.filter(is_active=True).values_list("pk", flat=True)) if names_queues else set()

    def plan_of(self, queue: int) -> PlanVersion | None:
        """The version of the queue's plan now in force."""
        plan = self.rules[queue].plan_id
        return self._versions.get(plan) if plan else None

    def of(self, ticket: Ticket) -> Demanded:
        """What one of the tickets asks for."""
        if ticket.pk not in self._facts:
            return Demanded()
        rules = DemandRules(
            rules=(*self._asking[None], *self._asking[ticket.queue_id]),
            language_level=self.rules[ticket.queue_id].language_level,
        )
        return demand_of(self._facts[ticket.pk], rules, known_skills=self._skills, known_queues=self._queues)

    @staticmethod
    def stored(demand: Demanded) -> dict[str, Any]:
        """The demand as WorkItem.demand keeps it: the requirement tree and where each part comes from."""
        if not demand.because and not demand.unknown:
            return {}
        return {
            "needs": demand.tree() if demand.skills else None,
            "because": [asdict(because) for because in demand.because],
            "conflicts": [asdict(conflict) for conflict in demand.conflicts],
            "unknown": [asdict(because) for because in demand.unknown],
        }


def demands_of(tickets: Sequence[Ticket]) -> Demands:
    """The demands of these tickets, read together."""
    return Demands(tickets)


def facts_of(tickets: Sequence[Ticket]) -> dict[int, Facts]:
    """What is known of each ticket, by its key. Four queries, however many tickets."""
    keys = [ticket.pk for ticket in tickets]
    customers = Customer.objects.in_bulk({ticket.customer_id for ticket in tickets})
    tags: dict[int, set[str]] = defaultdict(set)
    for ticket_id, name in TicketTag.objects.filter(ticket__in=keys).values_list("ticket_id", "tag__name"):
        tags[ticket_id].add(name)
    reached: dict[tuple[int, str], str] = {}
    for owner, kind, value in CustomerAddress.objects.filter(customer__in=customers).values_list(
        "customer_id", "kind", "value"
    ):
        reached.setdefault((owner, kind), value)
    earlier = dict(
        Ticket.objects.filter(customer__in=customers)
        .values("customer")
        .annotate(n=Count("pk"))
        .values_list("customer", "n")
    )
    found: dict[int, Facts] = {}
    for ticket in tickets:
        customer = customers[ticket.customer_id]
        found[ticket.pk] = Facts(
            channel=ticket.channel,
            fields={**customer.fields, **ticket.fields},
            tags=frozenset(tags[ticket.pk]),
            tier=customer.tier,
            language_record=customer.language,
            language_detected=ticket.language,
            country=customer.country,
            phone=reached.get((customer.pk, AddressKind.PHONE), ""),
            mail=reached.get((customer.pk, AddressKind.EMAIL), ""),
            history={"contacts": float(earlier.get(customer.pk, 1) - 1)},
        )
    return found
