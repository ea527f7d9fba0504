"""Contacts that come to an agent without an offer: assigned at once, taken by him, or moved to him by a lead."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, lock
from helpdesk.actions.assignment import assign_ticket, move_ticket, unassign_ticket
from helpdesk.actions.conversation import note
from helpdesk.models import SYSTEM, Actor, Kind, Queue, Ticket, User
from helpdesk.now import now
from routing.actions import lock_items, look_again
from routing.actions.agents import lock_presence
from routing.actions.offers import Chosen, Crew, begin_handling, channels_used, follow_overflow, free_units
from routing.models import AgentState, ContactChannel, Decision, WorkItem
from routing.queries.pulling import waiting_for
from routing.queries.settings import COST

Items = WorkItem.State


class AgentNotFree(BadInput):
    """The agent has no room or is not ready: the lead may confirm, and do it by force."""


@transaction.atomic
def assign_directly(choice: Chosen) -> bool:
    """The engine's choice becomes the owner without being asked; False where the rows have changed meanwhile."""
    ticket_id = WorkItem.objects.filter(pk=choice.item).values_list("ticket_id", flat=True).first()
    if ticket_id is None:
        return False
    ticket = lock(Ticket(pk=ticket_id))
    item = lock_items([choice.item])[choice.item]
    if item.state != Items.WAITING or not Crew([choice]).take(choice, item):
        look_again(items=[choice.item], agents=[choice.agent])
        return False
    decision = Decision.objects.create(item=item, at=now(), kind="assign", agent_id=choice.agent, record=choice.record)
    agent = User.objects.get(pk=choice.agent)
    begin_handling(item, agent, units=choice.units, at=now())
    ticket = follow_overflow(item, ticket, decision)
    assign_ticket(ticket=ticket, actor=SYSTEM, owner=agent)
    return True


@transaction.atomic
def pull_next(*, actor: Actor, queue: Queue | None = None) -> Ticket:
    """The agent takes the next contact he may have: nearest deadline first, then longest wait. BadInput when there is none.

    Two agents who ask at once get two contacts: a row another one is just taking is passed over.
    """
    access.ensure(actor, "work.pull")
    user = actor.user
    if user is None:
        raise access.NotAllowed(_("Only agents take contacts."))
    for candidate in waiting_for(actor, queue=queue):
        ticket = Ticket.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=candidate.ticket_id).first()
        if ticket is None:
            continue
        item = lock_items([candidate.pk])[candidate.pk]
        if item.state != Items.WAITING or (item.queue_id, item.handing) != (candidate.queue_id, candidate.handing):
            continue  # somebody has just taken or moved it
        presence = lock_presence(user)
        room = free_units({user.pk: presence})[user.pk]
        cap = presence.caps.get(item.channel)
        full = cap is not None and channels_used([user.pk])[user.pk, item.channel] >= cap
        if full or room < COST[ContactChannel(item.channel)]:
            raise BadInput(_("You have as many contacts as you can carry: finish one first."))
        record = {"by": "pull", "room": room, "waiting_since": item.entered_at.isoformat()}
        Decision.objects.create(item=item, at=now(), kind="pull", agent=user, record=record)
        return assign_ticket(ticket=lock(ticket), actor=actor, owner=user)
    raise BadInput(_("Nothing waits that you could take now."))


@transaction.atomic
def move_waiting(
    *, item: WorkItem, actor: Actor, agent: User | None = None, queue: Queue | None = None, force: bool = False
) -> Ticket:
    """A lead gives a waiting contact to an agent or another queue. BadInput for an agent without room, unless forced."""
    access.ensure(actor, "work.move", item.ticket)
    ticket = lock(item.ticket)
    item = lock_items([item.pk])[item.pk]
    if item.state not in {Items.WAITING, Items.OFFERED}:
        raise BadInput(_("This contact waits no more."))
    record = {"by": "manual", "lead": actor.id, "force": force}
    if queue is not None and agent is None:
        Decision.objects.create(item=item, at=now(), kind="manual", record={**record, "queue": queue.pk})
        return move_ticket(ticket=ticket, actor=actor, queue=queue)
    if agent is None:
        raise BadInput(_("Choose an agent or a queue."))
    presence = lock_presence(agent)
    cost = COST[ContactChannel(item.channel)]
    if not force and (presence.state != AgentState.READY or free_units({agent.pk: presence})[agent.pk] < cost):
        raise AgentNotFree(_("%(name)s is not free now. Confirm to give it to him all the same.") % {"name": agent})
    Decision.objects.create(item=item, at=now(), kind="manual", agent=agent, record=record)
    return assign_ticket(ticket=ticket, actor=actor, owner=agent)


@transaction.atomic
def transfer(
    *, ticket: Ticket, actor: Actor, why: str, agent: User | None = None, queue: Queue | None = None
) -> Ticket:
    """An agent passes his contact on, with a reason; it never goes to the back of the line. BadInput without a reason.

    The reason is kept twice: whole as a note of the ticket (of those who may write one), its beginning in the event, whose
    sentence begins with it.
    """
    access.ensure(actor, "ticket.transfer", ticket)
    why = why.strip()
    if not why:
        raise BadInput(_("Say why you pass it on: whoever takes it reads this first."))
    if agent is None and queue is None:
        raise BadInput(_("Choose an agent or a queue."))
    ticket = lock(ticket)
    if access.may(actor, "ticket.note", ticket):
        note(ticket=ticket, actor=actor, text=why, keeps_draft=True)
        ticket = lock(ticket)
    data = {
        "queue": ticket.queue_id,
        "previous": ticket.queue_id,
        "user": agent.pk if agent else None,
        "why": why[:300],
    }
    if agent is not None:
        ticket = assign_ticket(ticket=ticket, actor=actor, owner=agent)
    elif queue is not None:
        ticket = move_ticket(ticket=ticket, actor=actor, queue=queue)
        if ticket.owner_id is not None:  # he works in both: passed on it waits for whoever comes first there
            ticket = unassign_ticket(ticket=ticket, actor=actor)
        data["queue"] = queue.pk
    events.record(ticket, Kind.TRANSFERRED, actor=actor, data=data)
    return ticket
