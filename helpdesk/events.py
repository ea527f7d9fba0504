"""The only writer of TicketEvent and AuditEntry. Actions call it inside their transaction.

It takes the next `seq` (and `pub_seq` for what the customer may see), appends the rows, runs the *with* reactions of
flow.py, enqueues its *after* jobs and rings the doorbells, which leave at commit.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, models

from helpdesk import jobs, realtime
from helpdesk.flow import AUDITED, FLOW
from helpdesk.models import Actor, AuditEntry, Kind, Ticket, TicketEvent
from helpdesk.now import now
from helpdesk.sentences import sentence

__all__ = ["NewEvent", "audit", "record", "record_many", "sentence"]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event about to be recorded."""

    ticket: Ticket
    kind: Kind
    actor: Actor
    data: dict[str, Any] = field(default_factory=dict)
    client_id: uuid.UUID | None = None


class UnknownPayload(TypeError):
    """The data of an event is not what flow.py says: a mistake in the house."""


def record(
    ticket: Ticket, kind: Kind, *, actor: Actor, data: dict[str, Any] | None = None, client_id: uuid.UUID | None = None
) -> TicketEvent:
    """Records one event; see `record_many`."""
    return record_many([NewEvent(ticket, kind, actor, data or {}, client_id)])[0]


def record_many(news: Sequence[NewEvent]) -> list[TicketEvent]:
    """Records events in the given order and returns their rows; `ticket.seq` and `.pub_seq` of the values are brought up.

    The tickets must be locked by the caller in the order of their keys (or be new): the update below takes row locks in
    no stated order. Raises RuntimeError outside a transaction and UnknownPayload for data flow.py does not name.
    """
    if not news:
        return []
    if not connection.in_atomic_block:
        raise RuntimeError("events are recorded in the transaction of their cause")
    for new in news:
        _check_payload(new)
    at = now()
    next_seq, next_pub = _advance_heads(news)
    rows: list[TicketEvent] = []
    for new in news:
        pk = new.ticket.pk
        next_seq[pk] += 1
        public = FLOW[new.kind].audience == "public"
        if public:
            next_pub[pk] += 1
        rows.append(
            TicketEvent(
                ticket=new.ticket,
                seq=next_seq[pk],
                pub_seq=next_pub[pk] if public else None,
                kind=new.kind,
                actor_kind=new.actor.kind,
                actor_id=new.actor.id,
                client_id=new.client_id,
                data=new.data,
                at=at,
            )
        )
        new.ticket.seq, new.ticket.pub_seq = next_seq[pk], next_pub[pk]
    TicketEvent.objects.bulk_create(rows)
    _react(rows)
    _ring(rows)
    return rows


def _check_payload(new: NewEvent) -> None:
    payload = FLOW[new.kind].payload
    for key, value in new.data.items():
        if key not in payload or not isinstance(value, payload[key]):
            raise UnknownPayload(f"{new.kind} does not carry {key}={value!r}")


def _advance_heads(news: Iterable[NewEvent]) -> tuple[dict[int, int], dict[int, int]]:
    """Moves the heads of all tickets in one statement; returns the heads as they were before."""
    steps: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for new in news:
        step = steps[new.ticket.pk]
        step[0] += 1
        step[1] += FLOW[new.kind].audience == "public"
    ids = sorted(steps)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE helpdesk_ticket AS t SET seq = t.seq + v.steps, pub_seq = t.pub_seq + v.pub_steps
            FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS v(id, steps, pub_steps)
            WHERE t.id = v.id RETURNING t.id, t.seq - v.steps, t.pub_seq - v.pub_steps
            """,
            [ids, [steps[i][0] for i in ids], [steps[i][1] for i in ids]],
        )
        rows = cursor.fetchall()
    return {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}


def _react(rows: Sequence[TicketEvent]) -> None:
    by_kind: dict[str, list[TicketEvent]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    for kind, events in by_kind.items():
        entry = FLOW[Kind(kind)]
        for path in entry.with_:
            jobs.resolve(path)(events)
        for path in entry.after:
            for event in events:
                jobs.enqueue(path, event.pk)


def _ring(rows: Sequence[TicketEvent]) -> None:
    """One frame per ticket and one per queue, however many events: the client fetches what it lacks by `seq`."""
    newest: dict[int, TicketEvent] = {row.ticket_id: row for row in rows}
    frames = [
        (
            realtime.ticket_group(row.ticket_id),
            {"type": "ticket.changed", "ticket": str(row.ticket.public_id), "seq": row.seq, "kind": row.kind},
        )
        for row in newest.values()
    ]
    in_queue = Counter(row.ticket.queue_id for row in rows)
    last = max(row.pk for row in rows)  # tells apart two batches of one transaction, which NOTIFY would fold into one
    frames += [
        (realtime.queue_group(q), {"type": "inbox.changed", "queue": q, "events": in_queue[q], "last": last})
        for q in sorted(in_queue)
    ]
    realtime.publish_many(frames)


def audit(
    actor: Actor,
    action: str,
    about: models.Model | None = None,
    data: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> AuditEntry:
    """Writes a line of the audit book: `action` is a dotted word such as `mailbox.changed`. Never put a secret into `data`.

    What flow.py hangs on the action runs at once: the caller's transaction holds the change itself as well.
    """
    entry = AuditEntry.objects.create(
        at=at or now(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name[:150],
        action=action,
        object_type=about._meta.model_name or "" if about is not None else "",
        object_id=str(about.pk) if about is not None else "",
        data=data or {},
    )
    for path in AUDITED.get(action, ()):
        jobs.resolve(path)(entry)
    return entry
