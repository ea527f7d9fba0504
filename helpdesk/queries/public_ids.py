"""The public ids that events speak of: events hold keys of rows, readers outside get ids that cannot be guessed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from helpdesk.models import Actor, ActorKind, Customer, Message, Ticket, TicketEvent

#: The keys of an event's data that name a message.
MESSAGE_KEYS = ("message", "bounced_message")
#: Those that name another ticket.
TICKET_KEYS = ("other", "source", "target")


@dataclass
class PublicIds:
    """The public ids a page of events speaks of, read in at most three reads however many events."""

    messages: dict[int, uuid.UUID] = field(default_factory=dict)
    customers: dict[int, uuid.UUID] = field(default_factory=dict)
    tickets: dict[int, uuid.UUID] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[TicketEvent], actor: Actor) -> PublicIds:
        """Read for one page of events the actor sees. Other tickets are named only when he sees them too."""
        rows = list(events)
        messages = {e.data[key] for e in rows for key in MESSAGE_KEYS if isinstance(e.data.get(key), int)}
        customers = {e.data["customer"] for e in rows if isinstance(e.data.get("customer"), int)}
        customers |= {e.actor_id for e in rows if e.actor_kind == ActorKind.CUSTOMER and e.actor_id}
        tickets = {e.data[key] for e in rows for key in TICKET_KEYS if isinstance(e.data.get(key), int)}
        within = {e.ticket_id for e in rows}
        said = Message.objects.filter(pk__in=messages, ticket__in=within).values_list("pk", "public_id")
        people = Customer.objects.filter(pk__in=customers).values_list("pk", "public_id")
        if not tickets:
            return cls(dict(said), dict(people))
        others = Ticket.objects.visible_to(actor).filter(pk__in=tickets).values_list("pk", "public_id")
        return cls(dict(said), dict(people), dict(others))
