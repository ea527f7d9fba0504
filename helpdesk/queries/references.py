"""Tickets by a few letters typed behind `#`: a number, or words of the subject. Called by the composer."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from helpdesk.models import Actor, Ticket
from helpdesk.queries.search import Limits, find
from helpdesk.search.query import parse

_OFFERED = 8
#: A tenth of what a search may read: the list has to come between two keys.
_LIMITS = Limits(hits=40, scattered=800, phrases=400, walked=1_500, collected=25_000)
_DIGITS_AT_MOST = 10


def tickets_named(actor: Actor, door: QuerySet[Ticket], wanted: str, *, beside: Ticket, today: date) -> list[Ticket]:
    """Tickets behind `door` whose number begins with, or whose subject has, what was typed; without words the customer's
    other tickets, the newest first."""
    rows = door.exclude(pk=beside.pk).select_related("customer")
    typed = wanted.strip().lstrip("#")
    if not typed:
        return list(rows.filter(customer_id=beside.customer_id).order_by("-pk")[:_OFFERED])
    if typed.isdecimal() and len(typed) <= _DIGITS_AT_MOST:
        return _numbered(rows, int(typed))
    question = parse(typed, today=today, last_prefix_from=1)
    if not question.terms:
        return []
    hits = find(actor, question, door, weight="A", limits=_LIMITS, is_ranked=False).hits[: _OFFERED + 1]
    by_key = {row.pk: row for row in rows.filter(pk__in=[hit.ticket_id for hit in hits])}
    return [by_key[hit.ticket_id] for hit in hits if hit.ticket_id in by_key][:_OFFERED]


def _numbered(rows: QuerySet[Ticket], start: int) -> list[Ticket]:
    """The ticket of this number, then the newest whose number is this with one to three digits more."""
    found = list(rows.filter(number=start))
    for digits in (1, 2, 3):
        first = start * 10**digits
        more = rows.filter(number__range=(first, first + 10**digits - 1)).order_by("-number")
        found += more[: _OFFERED - len(found)]
        if len(found) >= _OFFERED:
            break
    return found
