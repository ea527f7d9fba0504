"""Canned responses and macros as the composer offers them for a ticket, and what their variables stand for there."""

from __future__ import annotations

from django.db.models import Q
from django.utils.formats import localize

from helpdesk import canned
from helpdesk.models import Actor, AddressKind, CannedResponse, CustomField, Macro, Ticket

#: So many of each are weighed; a house with more finds the rest by typing.
_WEIGHED_AT_MOST = 400
MACRO_KEYS = 9


def responses_for(ticket: Ticket, actor: Actor, wanted: str, *, at_most: int = 12) -> list[CannedResponse]:
    """Responses that have every word of `wanted` in shortcut, name, folder or text, the likeliest first.

    The shortcut typed comes first, then the ticket's language, then what belongs to its team or to oneself, then use.
    """
    words = wanted.replace("\x00", "").split()[:6]
    found = CannedResponse.objects.visible_to(actor).filter(is_active=True)
    found = found.filter(Q(owner=actor.user) | Q(team__isnull=True) | Q(team_id=ticket.queue.team_id))
    for word in words:
        found = found.filter(
            Q(shortcut__icontains=word) | Q(name__icontains=word) | Q(folder__icontains=word) | Q(text__icontains=word)
        )
    rows = found.order_by("-use_count", "name", "pk").prefetch_related("files")[:_WEIGHED_AT_MOST]
    typed = wanted.strip().lower()
    return sorted(rows, key=lambda row: _weight(row, ticket, actor, typed))[:at_most]


def _weight(row: CannedResponse, ticket: Ticket, actor: Actor, typed: str) -> tuple[int, int, int, int]:
    shortcut, name = row.shortcut.lower(), row.name.lower()
    if typed and shortcut == typed:
        match = 0
    elif typed and (shortcut.startswith(typed) or name.startswith(typed)):
        match = 1
    elif typed and (typed in shortcut or typed in name):
        match = 2
    else:
        match = 3
    primary, own = (code.replace("_", "-").lower().partition("-")[0] for code in (ticket.language, row.language))
    language = 0 if own and own == primary else 1 if not own else 2
    scope = 0 if row.owner_id == actor.id else 1 if row.team_id is not None else 2
    return match, language, scope, -row.use_count


def own_responses(actor: Actor) -> list[CannedResponse]:
    """The person's own responses, by folder and name."""
    return list(CannedResponse.objects.filter(owner=actor.user).prefetch_related("files"))


def macros_for(ticket: Ticket, actor: Actor) -> list[Macro]:
    """The macros offered on a ticket, one's own first; the first nine have a key."""
    found = Macro.objects.visible_to(actor).filter(is_active=True)
    rows = found.filter(Q(owner=actor.user) | Q(team__isnull=True) | Q(team_id=ticket.queue.team_id))
    return sorted(rows[:_WEIGHED_AT_MOST], key=lambda m: (m.owner_id != actor.id, m.team_id is None, m.folder, m.name))


def own_field_names() -> tuple[str, ...]:
    """The variables of the company's own fields, such as `ticket.fields.order`."""
    prefix = {CustomField.On.CUSTOMER: canned.CUSTOMER_FIELDS, CustomField.On.TICKET: canned.TICKET_FIELDS}
    return tuple(f"{prefix[CustomField.On(on)]}{key}" for on, key in CustomField.objects.values_list("on", "key"))


def values_for(ticket: Ticket, actor: Actor) -> dict[str, str]:
    """Every variable with its value for this ticket and writer; "" for what is not known."""
    customer, agent = ticket.customer, actor.user.name if actor.user is not None else ""
    address = customer.addresses.filter(kind=AddressKind.EMAIL).first()
    values = {
        "customer.name": customer.name,
        "customer.first_name": canned.first_name(customer.name),
        "customer.email": address.value if address is not None else "",
        "customer.organisation": str(customer.organisation or ""),
        "ticket.number": str(ticket.number),
        "ticket.subject": ticket.subject,
        "agent.name": agent,
        "agent.first_name": canned.first_name(agent),
        "queue.name": ticket.queue.name,
        "mailbox.address": ticket.mailbox.address if ticket.mailbox is not None else "",
    }
    kept = {canned.CUSTOMER_FIELDS: customer.fields, canned.TICKET_FIELDS: ticket.fields}
    for name in own_field_names():
        prefix = next(p for p in kept if name.startswith(p))
        value = kept[prefix].get(name.removeprefix(prefix), "")
        values[name] = "" if value is None or isinstance(value, bool | dict | list) else str(localize(value))
    return values
