"""Tickets by a few letters typed behind `#`: a number, or words of the subject. Called by the composer."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from helpdesk.models import Ticket
from helpdesk.queries.words import having_words

_OFFERED = 8
#: Of a common word only the newest hits are looked at, so that the list comes at once in a large house.
_NUMBER_DIGITS_MOST = 15


def tickets_named(door: QuerySet[Ticket], wanted: str, *, beside: Ticket) -> list[Ticket]:
    """Tickets behind `door` whose number begins with, or whose subject has, what was typed; without words the customer's
    other tickets, the newest first."""
    rows = door.exclude(pk=beside.pk).select_related("customer")
    typed = wanted.strip().lstrip("#")
    if not typed:
        return list(rows.filter(customer_id=beside.customer_id).order_by("-pk")[:_OFFERED])
    if typed.isdecimal() and len(typed) < _NUMBER_DIGITS_MOST:
        found = list(rows.filter(_number_begins(int(typed))).order_by("number")[:_OFFERED])
        if found:
            return found
    condition = having_words("subject", typed)
    return list(rows.filter(condition).order_by("-pk")[:_OFFERED]) if condition is not None else []


def _number_begins(start: int) -> Q:
    """Ranges of numbers, which the index of numbers answers: 12 is 12, 120-129, 1200-1299 and so on."""
    condition = Q(number=start)
    for digits in range(1, 5):
        step = 10**digits
        condition |= Q(number__gte=start * step, number__lt=(start + 1) * step)
    return condition
