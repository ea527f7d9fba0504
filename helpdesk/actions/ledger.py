"""The rows of arriving contacts, gathered first and written in a dozen statements however many contacts arrive together.

Used by intake.py and mail_intake.py, which decide; the ledger only keeps order: whom, which ticket, what was said, events.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from helpdesk import events
from helpdesk.actions.lifecycle import STATUS_FIELDS, become
from helpdesk.models import (
    ACTIVE,
    Actor,
    AddressKind,
    Attachment,
    Customer,
    CustomerAddress,
    Kind,
    LinkKind,
    MailReference,
    Message,
    Organisation,
    Participant,
    Status,
    Ticket,
    TicketEvent,
    TicketLink,
)
from helpdesk.models.columns import write_columns

#: FOR KEY SHARE is what the foreign keys written below take anyway; here it is taken before it is too late to look.
_MERGED = "SELECT id, merged_into_id FROM helpdesk_customer WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"
_HOPS = 8


@dataclass
class PendingEvent:
    """An event whose message has no key yet."""

    ticket: Ticket
    kind: Kind
    actor: Actor
    data: dict[str, Any]
    message: Message | None = None
    client_id: uuid.UUID | None = None


@dataclass
class Ledger:
    """Collects, then `write()`s inside the caller's transaction."""

    at: datetime
    customers: list[Customer] = field(default_factory=list)
    addresses: list[CustomerAddress] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    changed: dict[int, Ticket] = field(default_factory=dict)
    participants: list[Participant] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    references: dict[tuple[str, int], MailReference] = field(default_factory=dict)
    links: list[TicketLink] = field(default_factory=list)
    events: list[PendingEvent] = field(default_factory=list)

    def new_customer(self, *, email: str, name: str, organisation: Organisation | None, language: str) -> Customer:
        """A person not seen before; without an address when the mail had none."""
        customer = Customer(
            name=name[:200] or email.partition("@")[0][:200],
            organisation=organisation,
            tier=organisation.tier if organisation else "standard",
            language=language[:10],
            created_at=self.at,
        )
        self.customers.append(customer)
        if email:
            self.addresses.append(
                CustomerAddress(customer=customer, kind=AddressKind.EMAIL, value=email[:320], is_primary=True)
            )
        return customer

    def open_ticket(self, *, customer: Customer, message: Message, **fields: Any) -> Ticket:
        """A new ticket with its first message; the OPENED event is the caller's to add."""
        ticket = Ticket(
            customer=customer,
            status=Status.NEW,
            opened_at=message.created_at,
            changed_at=self.at,
            customer_wrote_at=message.created_at,
            waiting_since_at=message.created_at,
            rank_at=message.created_at,
            **fields,
        )
        self.tickets.append(ticket)
        self.say(ticket, message)
        return ticket

    def say(self, ticket: Ticket, message: Message) -> None:
        """Adds a message; public words of a person become the ticket's last words."""
        message.ticket = ticket
        self.messages.append(message)
        ticket.message_count += 1
        if message.audience == "public" and not message.machine:
            ticket.snippet = " ".join(message.reply_text.split())[:200]
        ticket.changed_at = self.at
        if ticket.pk:
            self.changed[ticket.pk] = ticket

    def customer_wrote(
        self, ticket: Ticket, message: Message, actor: Actor, rule: str, client_id: uuid.UUID | None = None
    ) -> None:
        """An existing ticket hears from its customer: he waits from now on, and what was put aside opens again."""
        self.say(ticket, message)
        ticket.customer_wrote_at = message.created_at
        data = {"channel": str(message.channel), "rule": rule}
        self.events.append(PendingEvent(ticket, Kind.CONTACT_RECEIVED, actor, data, message, client_id))
        if ticket.status not in {*ACTIVE, Status.SPAM, Status.CLOSED}:
            previous = become(ticket, Status.OPEN)
            reopened = {"previous": previous, "why": "customer wrote"}
            self.events.append(PendingEvent(ticket, Kind.REOPENED, actor, reopened))
        if ticket.status != Status.SPAM:
            ticket.waiting_since_at = ticket.waiting_since_at or message.created_at
            ticket.rank_at = ticket.due_at or ticket.waiting_since_at

    def refer(self, ticket: Ticket, identifiers: Iterable[str], message: Message | None) -> None:
        """Remembers Message-IDs: of `message` itself, or (None) as hints of mails not seen."""
        for identifier in identifiers:
            if identifier.strip():
                self.references.setdefault(
                    (identifier[:998], id(ticket)),
                    MailReference(identifier=identifier[:998], ticket=ticket, message=message, is_hint=message is None),
                )

    def link(self, ticket: Ticket, other: Ticket, kind: LinkKind, actor: Actor) -> None:
        """Links the new ticket to another one."""
        self.links.append(TicketLink(ticket=ticket, other=other, kind=kind, made_at=self.at))

    def _follow_merges(self) -> None:
        """Whoever was merged away since he was read is the one he was merged into. Waits for a merge that is going on.

        Tickets are locked before: helpdesk.actions.customer_merging locks in the same order.
        """
        rows: list[Any] = [*self.tickets, *self.participants]
        people = {row.customer_id for row in rows} | {m.author_customer_id for m in self.messages}
        keys = sorted(key for key in people if key is not None)
        if not keys:
            return
        with connection.cursor() as cursor:
            cursor.execute(_MERGED, [keys])
            away: dict[int, int] = dict(row for row in cursor.fetchall() if row[1] is not None)
        if not away:
            return
        kept = {key: _survivor(target) for key, target in away.items()}
        for row in rows:
            row.customer = kept.get(row.customer_id, row.customer)
        for message in self.messages:
            message.author_customer = kept.get(message.author_customer_id or 0, message.author_customer)
        for event in self.events:
            if event.actor.customer is not None and event.actor.customer.pk in kept:
                event.actor = Actor.of_customer(kept[event.actor.customer.pk])

    def write(self) -> list[TicketEvent]:
        """Writes everything and records the events. Integrity errors of a race roll the caller's transaction back."""
        self._follow_merges()
        Customer.objects.bulk_create(self.customers)
        CustomerAddress.objects.bulk_create(self.addresses)
        Ticket.objects.bulk_create(self.tickets)
        Participant.objects.bulk_create(self.participants, ignore_conflicts=True)
        Message.objects.bulk_create(self.messages)
        Attachment.objects.bulk_create(self.attachments)
        MailReference.objects.bulk_create(self.references.values(), ignore_conflicts=True)
        TicketLink.objects.bulk_create(self.links, ignore_conflicts=True)
        if self.changed:
            fields = [*STATUS_FIELDS, "snippet", "message_count", "customer_wrote_at"]
            write_columns(sorted(self.changed.values(), key=lambda t: t.pk), fields)
        return events.record_many(
            [
                events.NewEvent(
                    e.ticket,
                    e.kind,
                    e.actor,
                    {**e.data, "message": e.message.pk} if e.message else e.data,
                    e.client_id,
                )
                for e in self.events
            ]
        )


def _survivor(key: int) -> Customer:
    """The customer everybody on the way was merged into."""
    customer = Customer.objects.get(pk=key)
    for _hop in range(_HOPS):
        if customer.merged_into is None:
            break
        customer = customer.merged_into
    return customer
