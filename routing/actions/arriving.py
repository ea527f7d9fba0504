"""What a queue that takes nobody now does with those who come or still wait, and how the people of the house hear of it.

Called by the dispatcher, for contacts that are offered or assigned; routing.core.closed decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction

from helpdesk import events
from helpdesk.actions import lock
from helpdesk.actions.assignment import move_ticket
from helpdesk.actions.notifying import Reason, Telling
from helpdesk.models import SYSTEM, Kind, Queue, Role, TeamMembership, TeamRole, Ticket, User
from helpdesk.now import now
from routing.actions import lock_items, look_again
from routing.core.closed import Outcome
from routing.models import Callback, ContactChannel, Decision, Handing, WorkItem

Items = WorkItem.State
#: An alert about a queue is not raised again for so long, whoever comes meanwhile.
SAID_ONCE = timedelta(hours=8)


@transaction.atomic
def turn_away(item: WorkItem, outcome: Outcome) -> str:
    """Does with a waiting contact what its queue does while it takes nobody; returns what was done, "" where nothing was.

    `other_queue`: the ticket moves, and keeps its place. `callback_next_open`: whoever left a number is called when the queue
    opens, in his turn; of anybody else a message is taken. `ticket` and what else ends the waiting: it is a message now, which
    agents pull. Nothing is ever dropped.
    """
    ticket = lock(Ticket(pk=item.ticket_id))
    locked = lock_items([item.pk]).get(item.pk)
    if (
        locked is None
        or locked.state != Items.WAITING
        or (locked.queue_id, locked.handing) != (item.queue_id, item.handing)
    ):
        return ""
    done = outcome.behaviour
    if done == "callback_next_open":
        keeps = locked.channel == ContactChannel.CALLBACK or Callback.objects.filter(item=locked).exists()
        done = "keep" if keeps else "ticket"
    record = {
        "by": "arrival",
        "behaviour": outcome.behaviour,
        "done": done,
        "state": outcome.state,
        "queue": outcome.queue,
        "path": list(outcome.path),
        "opens_at": outcome.opens_at.isoformat() if outcome.opens_at else None,
    }
    Decision.objects.create(item=locked, at=now(), kind="closed", record=record)
    if done == "keep":
        return done
    why = outcome.state or "closed"
    if done == "other_queue":
        move_ticket(ticket=ticket, actor=SYSTEM, queue=Queue.objects.get(pk=outcome.queue))
        events.record(lock(ticket), Kind.QUEUED, actor=SYSTEM, data={"queue": outcome.queue, "why": why})
        return done
    locked.handing = Handing.PULL
    locked.save(update_fields=["handing"])
    look_again(items=[locked.pk])
    events.record(ticket, Kind.QUEUED, actor=SYSTEM, data={"queue": locked.queue_id, "why": why})
    return "ticket"


@transaction.atomic
def alert_leads(item: WorkItem, why: str) -> bool:
    """Tells the leads of the queue's team (managers, where it has none) what is wrong with a contact; once for a queue.

    `why`: `unstaffed`, `never_opens`, `nobody_anywhere`, `too_many_needs` or `unknown_skill`. False where they were told of
    this within SAID_ONCE.
    """
    ticket = lock(Ticket(pk=item.ticket_id))
    said = Decision.objects.filter(kind="alert", at__gte=now() - SAID_ONCE, item__queue=item.queue_id, record__why=why)
    if said.exists():
        return False
    Decision.objects.create(item=item, at=now(), kind="alert", record={"why": why, "queue": item.queue_id})
    event = events.record(ticket, Kind.QUEUED, actor=SYSTEM, data={"queue": item.queue_id, "why": why})
    telling = Telling()
    telling.add(event, _leads(ticket), Reason.NOT_ROUTED)
    telling.write()
    return True


def _leads(ticket: Ticket) -> Iterable[int]:
    rows = TeamMembership.objects.filter(team__queues=ticket.queue_id, role=TeamRole.LEAD, user__is_active=True)
    leads = list(rows.values_list("user_id", flat=True))
    if leads:
        return leads
    return list(User.objects.filter(role__in=[Role.MANAGER, Role.ADMIN], is_active=True).values_list("pk", flat=True))
