"""What the search box and the command bar offer while somebody types: tickets, customers, views. Called by views/finding.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.functions import Collate
from django.urls import reverse
from django.utils.translation import gettext as _

from helpdesk.models import Actor, ActorKind, Customer, CustomerAddress, Queue, SavedView, SearchRow, Ticket
from helpdesk.queries.search import Limits, find
from helpdesk.search.normalise import fold
from helpdesk.search.query import Question, parse

_EACH = 5
#: A tenth of what a search may read: an answer has to come between two keys.
_LIMITS = Limits(hits=300, scattered=800, phrases=400, walked=1_500, collected=25_000)
#: The newest tickets whose customers are offered: a few of them may be one customer's.
_CUSTOMERS_FROM = 20
_NUMBER = re.compile(r"#?(\d{1,10})")
_END = "\U0010ffff"


@dataclass(frozen=True)
class Suggestion:
    """One line: plain text and the address it leads to."""

    title: str
    detail: str
    url: str


@dataclass(frozen=True)
class Group:
    """Suggestions of one kind under their title."""

    title: str
    items: list[Suggestion] = field(default_factory=list)


def suggestions(actor: Actor, text: str, tickets: QuerySet[Ticket], today: date) -> list[Group]:
    """What begins with `text` among the numbers, subjects, customers and views of the actor. `tickets` are those he may see."""
    text = " ".join(text.replace("\x00", "").split())[:100]
    if not text or actor.kind == ActorKind.CUSTOMER:
        return []
    question = parse(text, today=today, last_prefix_from=1)
    has_operators = bool(question.named or question.problems or any(term.prefix for term in question.terms))
    views = Group(_("Views"), _views(actor, text))
    if has_operators:
        return [views] if views.items else []
    called, named = _hits(actor, text, question, tickets)
    groups = [
        Group(_("Tickets"), _tickets(text, called, tickets)),
        Group(_("Customers"), _customers(actor, text, named, tickets)),
        views,
    ]
    return [group for group in groups if group.items]


def _hits(actor: Actor, text: str, question: Question, tickets: QuerySet[Ticket]) -> tuple[list[int], list[int]]:
    """The newest tickets whose subject has the words, and those whose customer is called so: found in one search."""
    if not question.terms or "@" in text:
        return [], []
    hits = find(actor, question, tickets, weight="AB", limits=_LIMITS, is_ranked=False).hits
    first = SearchRow.objects.filter(pk__in=[hit.message_id for hit in hits])
    subject, name = (RawSQL("words @@ %s::tsquery", [question.tsquery(weight)]) for weight in "AB")
    which = {row: has for row, *has in first.annotate(subject=subject, name=name).values_list("pk", "subject", "name")}
    called = [hit.ticket_id for hit in hits if which.get(hit.message_id, (False, False))[0]]
    named = [hit.ticket_id for hit in hits if which.get(hit.message_id, (False, False))[1]]
    return ([] if question.number else called[:_EACH]), named[:_CUSTOMERS_FROM]


def _tickets(text: str, keys: Sequence[int], tickets: QuerySet[Ticket]) -> list[Suggestion]:
    rows: list[Ticket] = []
    number = _NUMBER.fullmatch(fold(text))
    if number:
        rows = _numbered(tickets, int(number[1]))
    if keys:
        by_key = {row.pk: row for row in tickets.filter(pk__in=keys).select_related("customer")}
        rows += [by_key[key] for key in keys if key in by_key]
    unique = list({row.pk: row for row in rows}.values())[:_EACH]
    return [
        Suggestion(f"#{row.number} {row.subject}", str(row.customer), reverse("ticket", args=[row.number]))
        for row in unique
    ]


def _numbered(tickets: QuerySet[Ticket], number: int) -> list[Ticket]:
    """The ticket of this number, and the newest whose number is this with one to three digits more."""
    rows: list[Ticket] = list(tickets.filter(number=number).select_related("customer"))
    for digits in (3, 2, 1):
        first = number * 10**digits
        more = tickets.filter(number__range=(first, first + 10**digits - 1)).select_related("customer")
        rows += more.order_by("-number")[: _EACH - len(rows)]
        if len(rows) >= _EACH:
            break
    return rows


def _customers(actor: Actor, text: str, keys: Sequence[int], tickets: QuerySet[Ticket]) -> list[Suggestion]:
    people: list[tuple[Customer, str]] = []  # with an address of theirs
    if " " not in text:
        people = _by_address(actor, text.lower())
    if keys and len(people) < _EACH:
        first = CustomerAddress.objects.filter(customer_id=OuterRef("customer_id")).order_by("-is_primary", "pk")
        rows = (
            tickets.filter(pk__in=keys).select_related("customer").annotate(address=Subquery(first.values("value")[:1]))
        )
        owners = {row.pk: (row.customer, row.address or "") for row in rows}
        people += [owners[key] for key in keys if key in owners]
    unique = {person.pk: (person, address) for person, address in reversed(people)}
    return [_customer(person, address) for person, address in [*unique.values()][::-1][:_EACH]]


def _customer(person: Customer, address: str) -> Suggestion:
    return Suggestion(str(person), address, reverse("customer", args=[person.public_id]))


def _by_address(actor: Actor, text: str) -> list[tuple[Customer, str]]:
    found = CustomerAddress.objects.alias(plain=Collate("value", "C")).filter(plain__gte=text, plain__lt=text + _END)
    if not actor.sees_everything:
        seen = Ticket.objects.visible_to(actor).filter(customer_id=OuterRef("customer_id"))
        found = found.filter(Exists(seen))
    rows = found.select_related("customer").order_by("plain")[:_EACH]
    return [(row.customer, row.value) for row in rows]


def _views(actor: Actor, text: str) -> list[Suggestion]:
    """Saved views and queues one of whose words begins with the text."""
    wanted = fold(text)
    if len(wanted) < 2:
        return []
    saved = [(view.name, f"saved-{view.pk}", _("view")) for view in SavedView.objects.visible_to(actor)]
    queues = [
        (queue.name, f"queue-{queue.pk}", _("queue"))
        for queue in Queue.objects.visible_to(actor).filter(is_active=True)
    ]
    return [
        Suggestion(name, detail, reverse("inbox", args=[slug]))
        for name, slug, detail in [*saved, *queues]
        if _begins(fold(name), wanted)
    ][:_EACH]


def _begins(name: str, wanted: str) -> bool:
    return name.startswith(wanted) or any(word.startswith(wanted) for word in name.split())


def as_json(groups: Iterable[Group]) -> dict[str, Sequence[dict[str, object]]]:
    """`{"groups": [{"title", "items": [{"title", "detail", "url"}]}]}`: plain text, to be shown as text."""
    return {
        "groups": [
            {
                "title": group.title,
                "items": [{"title": item.title, "detail": item.detail, "url": item.url} for item in group.items],
            }
            for group in groups
        ]
    }
