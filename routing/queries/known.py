"""Agents whom a contact knows: who answered this customer last, and who did best on what it is about.

Asked when contacts enter that are offered or assigned; what is found stays with the contact (WorkItem.preferred) under the
words of routing.core.sticky.WHO.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q

from helpdesk.models import (
    Audience,
    Kind,
    Message,
    Queue,
    Role,
    Status,
    TeamMembership,
    Ticket,
    TicketEvent,
    TicketTag,
)
from helpdesk.now import now
from routing.core.sticky import Success, best_on_tag
from routing.models import QueueRouting

#: What agents did on a tag is judged by the tickets of so many days.
JUDGED_DAYS = timedelta(days=90)
Known = dict[str, list[int]]


def known_agents(tickets: Sequence[Ticket], rules: Mapping[int, QueueRouting]) -> dict[int, Known]:
    """By key of the ticket the agents behind each word, best first. At most five queries, however many tickets."""
    members = _members({ticket.queue_id for ticket in tickets})
    if not members:
        return {}
    at = now()
    answered = _answered(tickets, rules, at)
    tags = _tags(tickets)
    records = _records(
        {tag for several in tags.values() for tag in several}, {m for team in members.values() for m in team}, at
    )
    found: dict[int, Known] = {}
    for ticket in tickets:
        team = members.get(ticket.queue_id, set())
        since = at - timedelta(days=rules[ticket.queue_id].sticky_days)
        last = [agent for when, agent in answered[ticket.customer_id] if agent in team and when >= since][:1]
        best = [a for tag in tags[ticket.pk] for a in best_on_tag({k: s for k, s in records[tag].items() if k in team})]
        known: Known = {}
        if last:
            known["last_agent"] = last
        if best:
            known["best_on_tag"] = list(dict.fromkeys(best))
        if known:
            found[ticket.pk] = known
    return found


def _members(queues: set[int]) -> dict[int, set[int]]:
    """The active agents of each queue's team."""
    found: dict[int, set[int]] = defaultdict(set)
    teams = dict(Queue.objects.filter(pk__in=queues).values_list("pk", "team_id"))
    people: dict[int, set[int]] = defaultdict(set)
    rows = TeamMembership.objects.filter(team__in=set(teams.values()), user__is_active=True).exclude(
        user__role=Role.LIGHT
    )
    for team, user in rows.values_list("team_id", "user_id"):
        people[team].add(user)
    for queue, team in teams.items():
        if people[team]:
            found[queue] = people[team]
    return found


def _answered(
    tickets: Sequence[Ticket], rules: Mapping[int, QueueRouting], at: datetime
) -> dict[int, list[tuple[datetime, int]]]:
    """By customer: when each agent answered him last, the latest first."""
    found: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    days = max(rules[ticket.queue_id].sticky_days for ticket in tickets)
    if not days:
        return found
    rows = (
        Message.objects.filter(
            ticket__customer__in={ticket.customer_id for ticket in tickets},
            author_user__isnull=False,
            audience=Audience.PUBLIC,
            withdrawn_at__isnull=True,
            created_at__gte=at - timedelta(days=days),
        )
        .values_list("ticket__customer_id", "author_user_id")
        .annotate(last=Max("created_at"))
    )
    for customer, agent, last in rows:
        found[customer].append((last, agent))
    for several in found.values():
        several.sort(reverse=True)
    return found


def _tags(tickets: Sequence[Ticket]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    rows = TicketTag.objects.filter(ticket__in=[ticket.pk for ticket in tickets]).order_by("ticket_id", "pk")
    for ticket, tag in rows.values_list("ticket_id", "tag_id"):
        found[ticket].append(tag)
    return found


def _records(tags: set[int], agents: set[int], at: datetime) -> dict[int, dict[int, Success]]:
    """By tag and owner: tickets finished, and those of them that nobody opened again."""
    found: dict[int, dict[int, Success]] = defaultdict(dict)
    if not tags:
        return found
    reopened = Exists(
        TicketEvent.objects.filter(ticket=OuterRef("ticket"), kind=Kind.REOPENED, data__previous="resolved")
    )
    rows = (
        TicketTag.objects.filter(
            tag__in=tags,
            ticket__owner__in=agents,
            ticket__status__in=[Status.RESOLVED, Status.CLOSED],
            ticket__merged_into__isnull=True,
            ticket__opened_at__gte=at - JUDGED_DAYS,
        )
        .annotate(again=reopened)
        .values_list("tag_id", "ticket__owner_id")
        .annotate(contacts=Count("pk"), well=Count("pk", filter=Q(again=False)))
    )
    for tag, owner, contacts, well in rows:
        found[tag][owner] = Success(contacts, well)
    return found
