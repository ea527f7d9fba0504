"""The words of messages, kept in step with what was said: reactions of flow.py, and the sweeps that find what was missed.

The only writer of SearchRow. A row is written in the transaction of its message. The first message of a ticket carries what
the ticket is called (subject, tags, customer) and is written anew when that changes; each carries its queue, so that the
index itself can leave out what other teams see.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from time import monotonic
from typing import Any

from django.db import connection, transaction

from helpdesk import jobs
from helpdesk.models import Customer, Kind, Message, TicketEvent
from helpdesk.search.vectors import About, Said, queue_word, vector_of

#: (message, ticket, at, tsvector literal)
Row = tuple[int, int, Any, str]

_BATCH = 1_000
#: Messages of one ticket, or tickets of one customer, that are written at once; what is more is a job's.
_AT_ONCE = 300
#: The minute's sweep looks at this many of the newest messages; the long one looks at all.
_RECENT = 20_000
_SWEEP_SECONDS = 40.0
#: Characters of a message beyond this are not read: far more than the words that are kept.
_TEXT_AT_MOST = 60_000

_READ = """
SELECT m.id, m.ticket_id, m.created_at, left(m.reply_text, %(most)s), m.subject, m.sender_name, m.sender_email, m.recipients,
       t.queue_id, f.id, left(f.text, %(most)s), t.subject, c.name, o.name,
       (SELECT array_agg(a.value ORDER BY a.id) FROM helpdesk_customeraddress a WHERE a.customer_id = f.customer_id),
       (SELECT array_agg(g.name) FROM helpdesk_tickettag tt JOIN helpdesk_tag g ON g.id = tt.tag_id
         WHERE tt.ticket_id = f.ticket_id)
FROM helpdesk_message m
JOIN helpdesk_ticket t ON t.id = m.ticket_id
LEFT JOIN LATERAL (
    SELECT e.id, e.text, e.ticket_id, t.customer_id FROM helpdesk_message e
    WHERE e.ticket_id = m.ticket_id AND e.withdrawn_at IS NULL AND e.audience <> 'whisper'
    ORDER BY e.created_at, e.id LIMIT 1
) f ON f.id = m.id
LEFT JOIN helpdesk_customer c ON c.id = f.customer_id
LEFT JOIN helpdesk_organisation o ON o.id = c.organisation_id
WHERE m.id = ANY(%(keys)s) AND m.withdrawn_at IS NULL AND m.audience <> 'whisper'
ORDER BY m.id
"""
_WRITE = """
INSERT INTO helpdesk_searchrow (message_id, ticket_id, at, words)
SELECT v.message, v.ticket, v.at, v.words::tsvector
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[]) AS v(message, ticket, at, words)
ON CONFLICT (message_id) DO UPDATE SET ticket_id = EXCLUDED.ticket_id, at = EXCLUDED.at, words = EXCLUDED.words
"""
_FIRST = """
SELECT f.id FROM unnest(%s::bigint[]) AS t(id) CROSS JOIN LATERAL (
    SELECT e.id FROM helpdesk_message e
    WHERE e.ticket_id = t.id AND e.withdrawn_at IS NULL AND e.audience <> 'whisper' ORDER BY e.created_at, e.id LIMIT 1
) f
"""
_MISSING = """
SELECT m.id FROM helpdesk_message m
WHERE m.id > %s AND m.id < %s AND m.withdrawn_at IS NULL AND m.audience <> 'whisper'
  AND NOT EXISTS (SELECT 1 FROM helpdesk_searchrow r WHERE r.message_id = m.id)
ORDER BY m.id DESC LIMIT %s
"""


def rows_of(keys: Collection[int]) -> list[Row]:
    """What the rows of these messages hold now, in one query; nothing for those taken back and for whispers."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"keys": sorted(keys), "most": _TEXT_AT_MOST})
        return [_row(*values) for values in cursor.fetchall()]


def _row(
    key: int,
    ticket: int,
    at: Any,
    reply_text: str,
    subject: str,
    sender_name: str,
    sender_email: str,
    recipients: Any,
    queue: int,
    first: int | None,
    whole: str | None,
    ticket_subject: str,
    customer: str | None,
    organisation: str | None,
    addresses: list[str] | None,
    tags: list[str] | None,
) -> Row:
    about = None
    if first is not None:
        people = (customer or "", *(addresses or ()), organisation or "")
        about = About(ticket_subject, tuple(name for name in people if name), tuple(tags or ()))
    told = json.loads(recipients) if isinstance(recipients, str) else recipients  # as the driver is set up
    said = Said(
        text=whole if whole and first is not None else reply_text,
        subject=subject,
        sender=(sender_name, sender_email),
        recipients=tuple(str(person.get(part, "")) for person in told[:50] for part in ("name", "email")),
        queue=queue,
        about=about,
    )
    return key, ticket, at, vector_of(said)


def index_messages(keys: Collection[int]) -> int:
    """Writes the rows of these messages, or writes them anew: two statements however many. Returns how many were written."""
    if not keys:
        return 0
    rows = rows_of(keys)
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_WRITE, [list(column) for column in zip(*rows, strict=True)])
    return len(rows)


def index_said(events: Sequence[TicketEvent]) -> None:
    """With everything that is said: the row of each message."""
    index_messages({event.data["message"] for event in events if event.data.get("message")})


def forget_withdrawn(events: Sequence[TicketEvent]) -> None:
    """With REPLY_WITHDRAWN: what was taken back is found no more; what the ticket is called moves to the message after it."""
    keys = [event.data["message"] for event in events]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM helpdesk_searchrow WHERE message_id = ANY(%s)", [keys])
    index_messages(_first_messages({event.ticket_id for event in events}))


def index_names(events: Sequence[TicketEvent]) -> None:
    """With CLASSIFIED and CUSTOMER_CHANGED: subject, tags and customer stand in the ticket's first row."""
    naming = {"subject", "added_tags", "removed_tags"}
    tickets = {
        event.ticket_id
        for event in events
        if event.kind != Kind.CLASSIFIED or naming & set(event.data.get("changes", ()))
    }
    index_messages(_first_messages(tickets))


def move_rows(events: Sequence[TicketEvent]) -> None:
    """With MOVED: the rows of the ticket stand in its new queue from now on."""
    with connection.cursor() as cursor:
        for event in events:
            cursor.execute(
                "UPDATE helpdesk_searchrow SET words = ts_delete(words, %s::text) || %s::tsvector WHERE ticket_id = %s",
                [queue_word(event.data["previous"]), f"'{queue_word(event.data['queue'])}'", event.ticket_id],
            )


def index_tickets(events: Sequence[TicketEvent]) -> None:
    """With merges, splits and moved messages: every message of the tickets, the rest of a very long one by a job."""
    for ticket in sorted({event.ticket_id for event in events}):
        keys = list(Message.objects.filter(ticket_id=ticket).order_by("created_at", "pk").values_list("pk", flat=True))
        index_messages(keys[:_AT_ONCE])
        if len(keys) > _AT_ONCE:
            jobs.enqueue("helpdesk.actions.search_index.index_ticket", ticket)


def index_ticket(ticket: int) -> int:
    """Job: writes the rows of all messages of one ticket. Returns how many."""
    keys = list(Message.objects.filter(ticket_id=ticket).values_list("pk", flat=True))
    return sum(index_messages(batch) for batch in _batches(keys))


def index_customer(customer: Customer) -> None:
    """What a customer is called changed: the first row of each of his tickets, those of the many by a job."""
    tickets = list(customer.tickets.order_by("-pk").values_list("pk", flat=True)[: _AT_ONCE + 1])
    index_messages(_first_messages(tickets[:_AT_ONCE]))
    if len(tickets) > _AT_ONCE:
        jobs.enqueue("helpdesk.actions.search_index.index_tickets_of", customer.pk)


def index_tickets_of(customer: int) -> int:
    """Job: the first rows of all tickets of one customer. Returns how many."""
    tickets = list(Customer.objects.get(pk=customer).tickets.values_list("pk", flat=True))
    return sum(index_messages(_first_messages(batch)) for batch in _batches(tickets))


def index_customers_of(organisation: int) -> int:
    """Job: the first rows of all tickets of an organisation's customers. Returns how many."""
    customers = Customer.objects.filter(organisation_id=organisation).values_list("pk", flat=True)
    return sum(index_tickets_of(customer) for customer in customers.iterator())


def _first_messages(tickets: Collection[int]) -> list[int]:
    if not tickets:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [sorted(tickets)])
        return [key for (key,) in cursor.fetchall()]


def sweep_recent() -> int:
    """Rows missing among the newest messages; the dispatcher calls it each minute. Returns how many were written."""
    newest = _newest_message()
    return _fill(above=newest - _RECENT, seconds=_SWEEP_SECONDS)


def sweep_all() -> int:
    """Rows missing anywhere, newest first: an installation from before search fills up. Returns how many were written.

    Works for less than a minute; where that was not enough, a job takes it on.
    """
    written = _fill(above=0, seconds=_SWEEP_SECONDS)
    if written >= _BATCH and missing_below(_newest_message() + 1, 1):
        jobs.enqueue("helpdesk.actions.search_index.sweep_all")
    return written


def missing_below(below: int, count: int, above: int = 0) -> list[int]:
    """Up to `count` messages without a row, newest first, with keys between the two."""
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, [above, below, count])
        return [key for (key,) in cursor.fetchall()]


def _fill(above: int, seconds: float) -> int:
    """A transaction a batch, newest first, until the time is over."""
    until, written, below = monotonic() + seconds, 0, _newest_message() + 1
    while keys := missing_below(below, _BATCH, above):
        below = keys[-1]
        with transaction.atomic():
            written += index_messages(keys)
        if monotonic() > until:
            break
    return written


def _newest_message() -> int:
    return Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _batches(keys: Sequence[int]) -> Iterable[Sequence[int]]:
    return (keys[at : at + _BATCH] for at in range(0, len(keys), _BATCH))
