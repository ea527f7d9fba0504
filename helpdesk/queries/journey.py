"""The journey of a customer: every contact over all his tickets that somebody may see, newest first. For views/customers.py.

Contacts are messages of any channel that the customer may read himself; beside them stands what became of the tickets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from helpdesk.models import Actor, Audience, Customer, Kind, Message, Ticket, TicketEvent

STEPS_SHOWN = 30
_MARKS = (Kind.OPENED, Kind.RESOLVED, Kind.CLOSED, Kind.REOPENED)


@dataclass(frozen=True)
class Step:
    """One contact, or one turn of a ticket."""

    at: datetime
    ticket: Ticket
    message: Message | None = None
    kind: str = ""

    @property
    def word(self) -> str:
        """What became of the ticket."""
        return str(Kind(self.kind).label) if self.kind else ""


@dataclass(frozen=True)
class Journey:
    """Steps, newest first, and the cursor of those before them ("" when there are none)."""

    steps: list[Step]
    cursor: str = ""


def journey(actor: Actor, customer: Customer, before: str = "") -> Journey:
    """The newest steps, or those before the cursor. Four queries however long the journey."""
    tickets = Ticket.objects.visible_to(actor).filter(customer=customer)
    keys = list(tickets.values_list("pk", flat=True))
    message_cursor, _sep, event_cursor = before.partition("|")
    said: QuerySet[Any] = (
        Message.objects.filter(
            ticket__in=keys, audience=Audience.PUBLIC, side_thread__isnull=True, withdrawn_at__isnull=True
        )
        .exclude(outgoing__state__in=["scheduled", "cancelled"])
        .select_related("author_user", "author_customer")
        .defer("html", "reply_html", "text")
    )
    turned: QuerySet[Any] = TicketEvent.objects.filter(ticket__in=keys, kind__in=_MARKS)
    messages = list(_before(said, "created_at", message_cursor)[: STEPS_SHOWN + 1])
    events = list(_before(turned, "at", event_cursor)[: STEPS_SHOWN + 1])
    shown = {row.pk: row for row in Ticket.objects.filter(pk__in={r.ticket_id for r in (*messages, *events)})}
    steps: list[tuple[Step, Any]] = [(Step(m.created_at, shown[m.ticket_id], message=m), m) for m in messages]
    steps += [(Step(e.at, shown[e.ticket_id], kind=e.kind), e) for e in events]
    steps.sort(key=lambda pair: (pair[0].at, pair[0].message is None, pair[1].pk), reverse=True)
    more, steps = len(steps) > STEPS_SHOWN, steps[:STEPS_SHOWN]
    if not more:
        return Journey([step for step, _row in steps])
    last_message = next((row for step, row in reversed(steps) if step.message is not None), None)
    last_event = next((row for step, row in reversed(steps) if step.message is None), None)
    left = _cursor(last_message, "created_at") or message_cursor
    right = _cursor(last_event, "at") or event_cursor
    return Journey([step for step, _row in steps], f"{left}|{right}")


def _cursor(row: Any, column: str) -> str:
    return f"{getattr(row, column).isoformat()}~{row.pk}" if row is not None else ""


def _before(rows: QuerySet[Any], column: str, cursor: str) -> QuerySet[Any]:
    ordered = rows.order_by(f"-{column}", "-pk")
    at, _sep, key = cursor.partition("~")
    try:
        upper = datetime.fromisoformat(at) if at else None
        if upper is None:
            return ordered
        return ordered.filter(**{f"{column}__lte": upper}).exclude(**{column: upper, "pk__gte": int(key)})
    except (ValueError, OverflowError):
        return ordered
