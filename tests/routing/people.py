"""Agents at work and contacts that wait, for tests of routing."""

from __future__ import annotations

from typing import Any

from helpdesk.models import SYSTEM, Actor, Customer, Queue, Team, Ticket, User
from helpdesk.now import now
from routing.actions.agents import set_agent_state
from routing.models import AgentState, Handing, QueueRouting, WorkItem
from tests.factories import make_customer, make_ticket, make_user


def make_offering(queue: Queue, **fields: Any) -> QueueRouting:
    """The queue offers its mail to agents."""
    row, _made = QueueRouting.objects.update_or_create(queue=queue, defaults={"mail_handing": Handing.OFFER, **fields})
    return row


def make_ready(*teams: Team, **fields: Any) -> User:
    """An agent of these teams who is ready."""
    user = make_user(teams=teams, **fields)
    set_agent_state(user=user, actor=Actor.of(user), state=AgentState.READY)
    return user


def make_waiting(queue: Queue, customer: Customer | None = None, **fields: Any) -> WorkItem:
    """A new ticket of a queue, and the item by which it waits."""
    ticket: Ticket = make_ticket(queue=queue, customer=customer or make_customer(), **fields)
    return WorkItem.objects.get(ticket=ticket)


__all__ = ["SYSTEM", "make_offering", "make_ready", "make_waiting", "now"]
