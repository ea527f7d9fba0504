"""What the rows say about a batch of parsed mails: a fixed number of queries, tickets locked in the order of their keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from helpdesk.mail.message import Address, ParsedMail
from helpdesk.mail.threading import Pointer, Rule, mentioned_identifiers, pointers
from helpdesk.mail.tokens import number_in_address, number_in_identifier
from helpdesk.models import (
    AddressKind,
    Customer,
    CustomerAddress,
    MailReference,
    Organisation,
    OutgoingMail,
    Participant,
    Role,
    SideThread,
    Ticket,
    User,
)

_MERGE_HOPS = 8


def sender_of(mail: ParsedMail, ours: frozenset[str]) -> Address | None:
    """Who wrote it: From. Behind one of our own group addresses, the writer the list software names."""
    if mail.sender is None or not mail.sender.email:
        return mail.reply_to[0] if mail.reply_to else None
    if mail.sender.email.lower() in ours and mail.original_from is not None:
        return mail.original_from
    return mail.sender


@dataclass
class Known:
    """Answers about the batch; mails earlier in the batch add to it."""

    ours: frozenset[str]
    pointers: dict[int, list[Pointer]] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    by_number: dict[int, Ticket] = field(default_factory=dict)
    by_identifier: dict[str, list[Ticket]] = field(default_factory=lambda: defaultdict(list))
    seen_identifiers: dict[str, Ticket] = field(default_factory=dict)  # ids of mails we have, not mere hints
    customers: dict[str, Customer] = field(default_factory=dict)
    belonging: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))  # id(ticket) -> addresses
    staff: dict[str, tuple[User, frozenset[int]]] = field(default_factory=dict)
    organisations: dict[str, Organisation] = field(default_factory=dict)
    outgoing: dict[str, OutgoingMail] = field(default_factory=dict)
    side_threads: dict[int, SideThread] = field(default_factory=dict)
    side_of: dict[str, int] = field(default_factory=dict)  # identifier -> key of the side thread it stands in

    @classmethod
    def of(cls, mails: Sequence[ParsedMail], ours: frozenset[str]) -> Known:
        """Reads and locks. Call inside the transaction that will write."""
        known = cls(ours)
        identifiers: set[str] = set()
        numbers: set[int] = set()
        senders: set[str] = set()
        people: set[str] = set()
        for mail in mails:
            found = pointers(mail, number_in_address, number_in_identifier)
            known.pointers[id(mail)] = found
            numbers |= {p.number for p in found if p.number is not None}
            identifiers |= {*mentioned_identifiers(mail), mail.message_id}
            if mail.bounce is not None and mail.bounce.original_message_id:
                identifiers.add(mail.bounce.original_message_id)
            author = sender_of(mail, ours)
            if author is not None:
                senders.add(author.email.lower())
            people |= {a.email.lower() for a in (*mail.to, *mail.cc) if a.email}
            if mail.forwarded is not None and mail.forwarded.sender is not None:
                people.add(mail.forwarded.sender.email.lower())
        identifiers.discard("")
        known._read_people(senders | people, senders)
        rows_of_ids = MailReference.objects.filter(identifier__in=identifiers).values_list(
            "identifier", "ticket_id", "is_hint", "message__side_thread_id"
        )
        references = []
        for identifier, ticket_id, is_hint, side_thread_id in rows_of_ids:
            references.append((identifier, ticket_id, is_hint))
            if side_thread_id is not None:
                known.side_of[identifier] = side_thread_id
        known._lock_tickets(references, numbers)
        bounced = [m.bounce.original_message_id for m in mails if m.bounce and m.bounce.original_message_id]
        own_ids = [m.message_id for m in mails if m.message_id and number_in_identifier(m.message_id) is not None]
        if bounced or own_ids:
            rows = OutgoingMail.objects.filter(identifier__in=[*bounced, *own_ids]).select_related("message")
            known.outgoing = {o.identifier: o for o in rows}
        return known

    def _read_people(self, addresses: set[str], senders: set[str]) -> None:
        rows = CustomerAddress.objects.filter(kind=AddressKind.EMAIL, value__in=addresses).select_related(
            "customer__organisation"
        )
        self.customers = {row.value: row.customer for row in rows}
        for user in User.objects.filter(email__in=senders, is_active=True).prefetch_related("memberships"):
            self.staff[user.email] = (user, frozenset(m.team_id for m in user.memberships.all()))
        if len(self.customers) < len(addresses):
            for organisation in Organisation.objects.exclude(domains=[]):
                self.organisations.update({str(d).lower(): organisation for d in organisation.domains})

    def _lock_tickets(self, references: list[tuple[str, int, bool]], numbers: set[int]) -> None:
        keys = {ticket_id for _i, ticket_id, _h in references}
        if numbers:
            keys |= set(Ticket.objects.filter(number__in=numbers).values_list("pk", flat=True))
        if not keys:
            return
        merged = dict(Ticket.objects.filter(pk__in=keys, merged_into__isnull=False).values_list("pk", "merged_into_id"))
        for _hop in range(_MERGE_HOPS):
            missing = set(merged.values()) - keys
            if not missing:
                break
            keys |= missing
            merged |= dict(
                Ticket.objects.filter(pk__in=missing, merged_into__isnull=False).values_list("pk", "merged_into_id")
            )
        locked = (
            Ticket.objects.select_for_update(of=("self",))
            .select_related("queue", "customer")
            .filter(pk__in=keys)
            .order_by("pk")
        )
        self.tickets = {t.pk: t for t in locked}
        for _hop in range(_MERGE_HOPS):  # merged while we waited for the lock
            ahead = {t.merged_into_id for t in self.tickets.values() if t.merged_into_id} - set(self.tickets)
            if not ahead:
                break
            fresh = Ticket.objects.select_for_update(of=("self",)).select_related("queue", "customer")
            self.tickets |= {t.pk: t for t in fresh.filter(pk__in=ahead).order_by("pk")}
        for ticket in self.tickets.values():
            self.by_number[ticket.number] = self._survivor(ticket)
        for identifier, ticket_id, is_hint in references:
            ticket = self._survivor(self.tickets[ticket_id])
            self.by_identifier[identifier].append(ticket)
            if not is_hint:
                self.seen_identifiers[identifier] = ticket
        self._read_belonging()
        self.side_threads = {row.pk: row for row in SideThread.objects.filter(ticket__in=keys)}

    def _survivor(self, ticket: Ticket) -> Ticket:
        for _hop in range(_MERGE_HOPS):
            if ticket.merged_into_id is None or ticket.merged_into_id not in self.tickets:
                break
            ticket = self.tickets[ticket.merged_into_id]
        return ticket

    def _read_belonging(self) -> None:
        customers: dict[int, list[Ticket]] = defaultdict(list)
        for ticket in self.tickets.values():
            customers[ticket.customer_id].append(ticket)
        joined = Participant.objects.filter(ticket__in=self.tickets, customer__isnull=False)
        for ticket_id, customer_id in joined.values_list("ticket_id", "customer_id"):
            if customer_id is not None:
                customers[customer_id].append(self.tickets[ticket_id])
        rows = CustomerAddress.objects.filter(customer_id__in=customers, kind=AddressKind.EMAIL)
        for customer_id, value in rows.values_list("customer_id", "value"):
            for ticket in customers[customer_id]:
                self.belonging[id(ticket)].add(value)

    def ticket_at(self, pointer: Pointer) -> Ticket | None:
        """The ticket a pointer names, following merges. A known id of several tickets names the newest."""
        if pointer.rule == Rule.KNOWN_ID:
            tickets = self.by_identifier.get(pointer.identifier)
            return tickets[-1] if tickets else None
        return self.by_number.get(pointer.number or 0)

    def side_thread_at(self, mail: ParsedMail, email: str) -> SideThread | None:
        """The exchange with third parties that the mail answers: by reference first, else the newest of the ticket it names.

        Only for an address that exchange went to. Who takes part in the ticket himself is heard there, unless his mail
        refers to the exchange.
        """
        if not email or not self.side_threads:
            return None
        for identifier in (*mentioned_identifiers(mail), mail.message_id):
            thread = self.side_threads.get(self.side_of.get(identifier, 0))
            if thread is not None and _goes_to(thread, email):
                return thread
        for pointer in self.pointers[id(mail)]:
            ticket = self.ticket_at(pointer)
            if ticket is None or email in self.belonging[id(ticket)]:
                continue
            theirs = [t for t in self.side_threads.values() if t.ticket_id == ticket.pk and _goes_to(t, email)]
            if theirs:
                return max(theirs, key=lambda thread: (thread.at, thread.pk))
        return None

    def belongs(self, ticket: Ticket, email: str, *, proven: bool) -> bool:
        """Whether the address is of the ticket: requester, participant, or staff with rights whose mail is proven genuine."""
        if email in self.belonging[id(ticket)]:
            return True
        return proven and self.may_work(email, ticket)

    def may_work(self, email: str, ticket: Ticket) -> bool:
        """Whether the address is that of somebody of the staff with current rights on the ticket."""
        if email not in self.staff:
            return False
        user, teams = self.staff[email]
        return user.role in {Role.MANAGER, Role.ADMIN} or ticket.queue.team_id in teams

    def learn(
        self, ticket: Ticket, mail: ParsedMail, addresses: set[str], side_thread: SideThread | None = None
    ) -> None:
        """A mail of the batch was placed: later ones may answer it."""
        if side_thread is not None and mail.message_id:
            self.side_of[mail.message_id] = side_thread.pk
        for identifier in {mail.message_id, *mentioned_identifiers(mail)} - {""}:
            self.by_identifier[identifier].append(ticket)
        if mail.message_id:
            self.seen_identifiers[mail.message_id] = ticket
        self.belonging[id(ticket)] |= addresses


def _goes_to(thread: SideThread, email: str) -> bool:
    return any(str(recipient.get("email", "")).lower() == email for recipient in thread.recipients)
