"""Benchmark data by COPY: tickets with messages, events and references as the actions would have left them, only faster.

Called by `manage.py seed_volume` and by benches. Heads (`seq`, `pub_seq`), counters, statuses and times of a ticket agree
with its rows; most of the past is closed, a few per cent are unfinished. Nothing is sent, nobody is rung for.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import DatabaseError, connection, transaction

from helpdesk.dispatcher import lock_numbers
from helpdesk.flow import FLOW
from helpdesk.management.search_fill import copy_rows, merge_words
from helpdesk.management.volume_ground import Ground, QueueFacts, make_ground
from helpdesk.management.volume_words import Words
from helpdesk.models import Kind, Status
from helpdesk.now import now

_CHUNK = 2_000
_UUID_MASK, _UUID_BITS = ~(0xF << 76 | 0x3 << 62), 0x4 << 76 | 0x2 << 62
_DAY = 86_400.0
_UNFINISHED_AT_MOST = 20_000
_PUBLIC = {str(kind): entry.audience == "public" for kind, entry in FLOW.items()}
#: Of the unfinished ones; the rest of all tickets is closed, but for a few resolved in the last days and a little spam.
_UNFINISHED = (
    (Status.NEW, 0.2),
    (Status.OPEN, 0.35),
    (Status.PENDING, 0.3),
    (Status.ON_HOLD, 0.07),
    (Status.SNOOZED, 0.08),
)
_COLUMNS = {
    "helpdesk_ticket": (
        "id, number, public_id, subject, status, priority, channel, language, fields, snippet, message_count, seq, pub_seq, "
        "opened_at, changed_at, customer_wrote_at, waiting_since_at, first_replied_at, snoozed_until_at, resolved_at, "
        "closed_at, rank_at, customer_id, mailbox_id, owner_id, queue_id"
    ),
    "helpdesk_message": (
        "id, public_id, ticket_id, audience, channel, author_user_id, author_customer_id, sender_name, sender_email, "
        "recipients, subject, text, reply_text, signature, html, reply_html, has_remote_content, message_id, machine, "
        "verification, origin, sent_at, created_at"
    ),
    "helpdesk_ticketevent": "ticket_id, seq, pub_seq, position, kind, actor_kind, actor_id, data, at",
    "helpdesk_mailreference": "identifier, ticket_id, message_id, is_hint",
    "helpdesk_tickettag": "ticket_id, tag_id, added_at, why",
}


@dataclass(frozen=True)
class Grown:
    """What was made."""

    tickets: int
    messages: int
    events: int
    seconds: float


def grow(
    tickets: int, messages_per_ticket: int = 4, tell: Callable[[int, int], None] = lambda _done, _all: None
) -> Grown:
    """Makes `tickets` tickets with `messages_per_ticket` messages each on average; `tell(done, all)` after each chunk.

    Each chunk is a transaction of its own and whole in itself: a run that is cut short leaves fewer tickets, not broken ones.
    """
    begun = time.monotonic()
    first_number = _reserve("helpdesk_ticket_number_seq", tickets)
    rng = random.Random(first_number)  # noqa: S311 - benchmark data: every run makes other rows, and the same ones again
    words = Words(rng)
    ground = make_ground(tickets, words)
    writer = _Writer(rng, words, ground, now().timestamp(), messages_per_ticket, first_number)
    keys = itertools.count(_reserve(_identity("helpdesk_ticket"), tickets))
    plan = sorted(_plan(tickets, rng, writer.now))
    with _positions() as first_position:
        writer.position = first_position
        for start in range(0, tickets, _CHUNK):
            chunk = plan[start : start + _CHUNK]
            first_message = _reserve(_identity("helpdesk_message"), len(chunk) * 2 * messages_per_ticket)
            writer.begin(first_message)
            for opened, status in chunk:
                writer.ticket(next(keys), opened, status)
            _copy(writer.lines, range(first_message, writer.message_key))
            tell(start + len(chunk), tickets)
    merge_words()
    _analyze()
    return Grown(tickets, writer.messages, writer.events, time.monotonic() - begun)


def _plan(tickets: int, rng: random.Random, end: float) -> Iterator[tuple[float, Status]]:
    """When each ticket was opened and where it stands: unfinished ones are young, closed ones up to two years old."""
    unfinished = min(_UNFINISHED_AT_MOST, max(tickets * 3 // 100, min(tickets, 10)))
    resolved, spam = tickets * 2 // 100, tickets // 100
    for place in range(tickets):
        if place < unfinished:
            status = rng.choices([s for s, _w in _UNFINISHED], [w for _s, w in _UNFINISHED])[0]
            yield end - rng.uniform(600, 30 * _DAY), status
        elif place < unfinished + resolved:
            yield end - rng.uniform(4, 14) * _DAY, Status.RESOLVED
        else:
            status = Status.SPAM if place < unfinished + resolved + spam else Status.CLOSED
            yield end - rng.uniform(20, 730) * _DAY, status


@dataclass
class _Writer:
    """Makes the lines of COPY for one ticket after the other."""

    rng: random.Random
    words: Words
    ground: Ground
    now: float
    per_ticket: int
    number: int
    position: int | None = None
    messages: int = 0
    events: int = 0
    message_key: int = 0
    lines: dict[str, list[str]] = field(default_factory=dict)

    def begin(self, message_key: int) -> None:
        """A new chunk, whose messages count from this key."""
        self.message_key = message_key
        self.lines = {table: [] for table in _COLUMNS}

    def ticket(self, key: int, opened: float, status: Status) -> None:
        """One ticket with everything that hangs on it."""
        rng, queue = self.rng, self._queue()
        count = 1 + (key * 7919) % (2 * self.per_ticket - 1)
        customer = self.ground.first_customer + rng.randrange(self.ground.customers)
        language = self.ground.language_of(customer)
        owner = None if status in {Status.NEW, Status.SPAM} else rng.choice(queue.people)
        subject = self.words.subject(language)
        voices = _voices(count, status)
        hours = self._hours(opened, count, status)
        told = _Told(self, key, owner, customer)
        snippet, wrote_at, waits_since, replied_at = "", opened, None, None
        for place, (voice, at) in enumerate(zip(voices, hours, strict=True)):
            text = self.words.text(language)
            identifier = self._message(key, voice, at, text, subject, customer, owner or queue.people[0], queue)
            if voice == "note":
                told.add(Kind.NOTED, at, "agent", f'{{"message": {self.message_key}}}')
            elif voice == "agent":
                data = f'{{"message": {self.message_key}, "outgoing": null, "sends_at": null}}'
                told.add(Kind.REPLIED, at, "agent", data)
                replied_at, waits_since, snippet = replied_at or at, None, text
            else:
                data = f'{{"channel": "mail", "rule": "{"new" if place == 0 else "known_id"}", "message": {self.message_key}'
                queued = f', "queue": {queue.key}' if place == 0 else ""
                told.add(Kind.OPENED if place == 0 else Kind.CONTACT_RECEIVED, at, "customer", data + queued + "}")
                wrote_at, waits_since, snippet = at, waits_since or at, text
            if place == 0 and owner is not None:
                told.add(Kind.ASSIGNED, at + 60, "agent", f'{{"owner": {owner}, "previous": null}}')
            if identifier:
                self.lines["helpdesk_mailreference"].append(f"{identifier}\t{key}\t{self.message_key}\tf\n")
            self.message_key += 1
        resolved_at, closed_at, until = self._end(told, status, hours[-1])
        if status not in {Status.NEW, Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.SNOOZED}:
            waits_since = None
        self.messages += count
        self.lines["helpdesk_ticket"].append(
            f"{key}\t{self.number}\t{_uuid(rng)}\t{subject}\t{status}\t{rng.choices((1, 2, 3, 4), (15, 65, 15, 5))[0]}\tmail\t"
            f"{language}\t{{}}\t{' '.join(snippet.split())[:200]}\t{count}\t{told.seq}\t{told.pub_seq}\t{_iso(opened)}\t"
            f"{_iso(told.last_at)}\t{_iso(wrote_at)}\t{_iso(waits_since)}\t{_iso(replied_at)}\t{_iso(until)}\t"
            f"{_iso(resolved_at)}\t{_iso(closed_at)}\t{_iso(waits_since or opened)}\t{customer}\t{_null(queue.mailbox)}\t"
            f"{_null(owner)}\t{queue.key}\n"
        )
        self.number += 1
        for tag in rng.sample(self.ground.tags, rng.choice((0, 1, 1, 2))):
            self.lines["helpdesk_tickettag"].append(f'{key}\t{tag}\t{_iso(opened)}\t{{"by": "rule"}}\n')

    def _queue(self) -> QueueFacts:
        return self.rng.choices(self.ground.queues, self.ground.weights)[0]

    def _hours(self, opened: float, count: int, status: Status) -> list[float]:
        """When each message was written; the last one leaves room for what must happen after it."""
        gaps = [0.0, *(self.rng.uniform(600, 30 * 3600) for _ in range(count - 1))]
        room = {Status.CLOSED: 10 * _DAY, Status.RESOLVED: self.now - 3.6 * _DAY - opened}.get(
            status, self.now - opened - 300
        )
        shrink = min(1.0, max(room, 1.0) / (sum(gaps) or 1.0))
        return list(itertools.accumulate((gap * shrink for gap in gaps[1:]), initial=opened))

    def _end(self, told: _Told, status: Status, last: float) -> tuple[float | None, float | None, float | None]:
        """The events that led to the status; returns when it was resolved and closed, and how long it sleeps."""
        resolved_at = closed_at = until = None
        before = '{"previous": "open"}'
        if status in {Status.RESOLVED, Status.CLOSED}:
            resolved_at = last + 1800
            if status == Status.RESOLVED:
                resolved_at = self.now - self.rng.uniform(0.01, 3.5) * _DAY
            told.add(Kind.RESOLVED, resolved_at, "agent", before)
        if status == Status.CLOSED:
            closed_at = last + 1800 + 4 * _DAY
            told.add(Kind.CLOSED, closed_at, "system", '{"previous": "resolved", "why": "resolved long ago"}')
        elif status == Status.PENDING:
            told.add(Kind.PENDING, last, "agent", before)
        elif status == Status.ON_HOLD:
            told.add(Kind.ON_HOLD, last + 60, "agent", before)
        elif status == Status.SNOOZED:
            until = self.now + self.rng.uniform(0.5, 60) * _DAY
            told.add(Kind.SNOOZED, last + 60, "agent", f'{{"previous": "open", "until": "{_iso(until)}"}}')
        elif status == Status.SPAM:
            told.add(Kind.SPAM_MARKED, last + 60, "system", '{"previous": "new"}')
        elif status == Status.OPEN:
            told.add(Kind.REOPENED, last, "customer", '{"previous": "pending", "why": "customer wrote"}')
        return resolved_at, closed_at, until

    def _message(
        self, key: int, voice: str, at: float, text: str, subject: str, customer: int, agent: int, queue: QueueFacts
    ) -> str:
        """One message's line; returns its Message-ID, empty for a note."""
        identifier = "" if voice == "note" else f"{self.message_key:x}.{self.rng.getrandbits(64):x}@volume.example"
        theirs, ours = self.ground.address_of(customer), queue.address
        if voice == "customer":
            author, name, sender, to = f"\\N\t{customer}", self.ground.name_of(customer), theirs, ours
        else:
            author, name, sender, to = f"{agent}\t\\N", "Agent", ours, theirs
        recipients = "[]" if voice == "note" else f'[{{"kind": "to", "email": "{to}", "name": ""}}]'
        is_note, written = voice == "note", _iso(at)
        self.lines["helpdesk_message"].append(
            f"{self.message_key}\t{_uuid(self.rng)}\t{key}\t{'internal' if is_note else 'public'}\tmail\t{author}\t"
            f"{name}\t{'' if is_note else sender}\t{recipients}\t{subject}\t{text}\t{text}\t\t\t\tf\t{identifier}\t\tnone\t"
            f"{{}}\t{written}\t{written}\n"
        )
        return identifier


@dataclass
class _Told:
    """The events of one ticket, numbered as helpdesk.events numbers them."""

    writer: _Writer
    key: int
    owner: int | None
    customer: int
    seq: int = 0
    pub_seq: int = 0
    last_at: float = 0.0

    def add(self, kind: Kind, at: float, actor: str, data: str) -> None:
        """Appends an event."""
        self.seq += 1
        self.last_at = max(self.last_at, at)
        public = "\\N"
        if _PUBLIC[str(kind)]:
            self.pub_seq += 1
            public = str(self.pub_seq)
        who = {"agent": self.owner, "customer": self.customer}.get(actor)
        if actor == "agent" and who is None:
            actor = "system"
        writer = self.writer
        place = "\\N"
        if writer.position is not None:
            place = str(writer.position)
            writer.position += 1
        writer.events += 1
        writer.lines["helpdesk_ticketevent"].append(
            f"{self.key}\t{self.seq}\t{public}\t{place}\t{kind}\t{actor}\t{_null(who)}\t{data}\t{_iso(self.last_at)}\n"
        )


def _voices(count: int, status: Status) -> list[str]:
    """Who speaks in turn: the customer first, now and then a note, and at the end whoever the status says spoke last."""
    voices = ["customer" if place % 2 == 0 else "note" if place % 6 == 5 else "agent" for place in range(count)]
    if status in {Status.NEW, Status.SPAM}:
        return ["customer"] * count
    if status == Status.OPEN:
        voices[-1] = "customer"
    elif count > 1:
        voices[-1] = "agent"
    return voices


def _copy(lines: dict[str, list[str]], messages: Collection[int]) -> None:
    """One chunk into the tables. Keys are made here and known to exist: where we may, they are not looked up again."""
    with transaction.atomic():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
        except DatabaseError:
            pass  # no superuser: every foreign key is checked, which takes about twice as long
        with connection.cursor() as cursor:
            for table, columns in _COLUMNS.items():
                with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                    copy.write("".join(lines[table]).encode())
        copy_rows(messages)


class _positions:
    """Holds the feed's lock, so that events may be given their position at once; without it the dispatcher does it later."""

    def __enter__(self) -> int | None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", lock_numbers("feed"))
            self.held = bool(cursor.fetchone()[0])
            if not self.held:
                return None
            cursor.execute("SELECT coalesce(max(position), 0) + 1 FROM helpdesk_ticketevent")
            first: int = cursor.fetchone()[0]
            return first

    def __exit__(self, *_rest: object) -> None:
        if self.held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", lock_numbers("feed"))


def _identity(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        name: str = cursor.fetchone()[0]
    return name


def _reserve(sequence: str, count: int) -> int:
    """The first of `count` numbers of a sequence that nobody else is given any more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s::regclass)", [sequence])
        first: int = cursor.fetchone()[0]
        cursor.execute("SELECT setval(%s::regclass, %s)", [sequence, first + count])
    return first


def _analyze() -> None:
    with connection.cursor() as cursor:
        for table in (*_COLUMNS, "helpdesk_customer", "helpdesk_customeraddress"):
            cursor.execute(f"ANALYZE {table}")


def _uuid(rng: random.Random) -> str:
    """A version 4 UUID (RFC 9562, 5.4) in hex."""
    return f"{rng.getrandbits(128) & _UUID_MASK | _UUID_BITS:032x}"


def _iso(at: float | None) -> str:
    return "\\N" if at is None else datetime.fromtimestamp(at, UTC).isoformat()


def _null(key: int | None) -> str:
    return "\\N" if key is None else str(key)
