"""One change to many tickets: each takes it or refuses with its reason, and what was taken can be taken back.

Called by views/bulk.py for a part of the selection at a time. Each ticket is a transaction of its own through the same
actions as on its page, so that the rules are the same and no lock is held while the next one is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.assignment import assign_ticket, move_ticket, unassign_ticket
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.triage import classify_ticket
from helpdesk.actions.undoing import made_since, undo_change
from helpdesk.models import Actor, IllegalTransition, Queue, Ticket, User


@dataclass(frozen=True)
class Change:
    """What is done to every ticket: one of these, the others stay None or empty."""

    status: str = ""
    snoozed_until: datetime | None = None
    owner: User | None = None
    drop_owner: bool = False
    priority: int | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    queue: Queue | None = None


@dataclass(frozen=True)
class Done:
    """A ticket that took the change: the events it left, first and last `seq`; 0 and 0 when it was so already."""

    number: int
    first: int
    last: int


@dataclass(frozen=True)
class Refused:
    """A ticket that did not, with the sentence of its action."""

    number: int
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What became of a selection."""

    done: list[Done]
    refused: list[Refused]


def change_tickets(*, tickets: Sequence[Ticket], actor: Actor, change: Change) -> Outcome:
    """Does `change` to each ticket in the given order. Raises BadInput for a change that says nothing."""
    if change == Change():
        raise BadInput(_("Choose what to do with the selected tickets."))

    def apply(ticket: Ticket) -> Done:
        before = ticket.seq
        with transaction.atomic():
            _apply(ticket, actor, change)
            made = made_since(ticket=ticket, actor=actor, seq=before)
        return Done(ticket.number, made[0].seq, made[-1].seq) if made else Done(ticket.number, 0, 0)

    return _each(tickets, apply)


def _apply(ticket: Ticket, actor: Actor, change: Change) -> None:
    if change.status:
        set_status(ticket=ticket, actor=actor, status=change.status, snoozed_until=change.snoozed_until)
    if change.owner is not None:
        assign_ticket(ticket=ticket, actor=actor, owner=change.owner)
    if change.drop_owner:
        unassign_ticket(ticket=ticket, actor=actor)
    if change.priority is not None or change.add_tags or change.remove_tags:
        classify_ticket(
            ticket=ticket,
            actor=actor,
            priority=change.priority,
            add_tags=change.add_tags,
            remove_tags=change.remove_tags,
        )
    if change.queue is not None:
        move_ticket(ticket=ticket, actor=actor, queue=change.queue)


def undo_tickets(*, tickets: Iterable[Ticket], actor: Actor, made: dict[int, tuple[int, int]]) -> Outcome:
    """Takes back what `change_tickets` did: `made` is number -> first and last `seq`. Changed since, a ticket refuses."""

    def take_back(ticket: Ticket) -> Done:
        first, last = made[ticket.number]
        undo_change(ticket=ticket, actor=actor, first=first, last=last)
        return Done(ticket.number, first, last)

    return _each([ticket for ticket in tickets if ticket.number in made], take_back)


def _each(tickets: Iterable[Ticket], act: Callable[[Ticket], Done]) -> Outcome:
    done: list[Done] = []
    refused: list[Refused] = []
    for ticket in tickets:
        try:
            done.append(act(ticket))
        except (BadInput, IllegalTransition, NotAllowed) as problem:
            refused.append(Refused(ticket.number, str(problem)))
    return Outcome(done, refused)
