"""Two customers turn out to be one person, and are parted again when they were not.

The one kept takes addresses, tickets, places in copy, authorship and what the other's fields add; `CustomerMerge.kept` holds
the keys of what moved and the fields as they were, so that parting returns exactly that. Called by the desk and the API.

Locks: tickets by rising key, then customers by rising key. Intake takes them in the same order (see Ledger), so whoever comes
second sees what the first did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, lock_all, search_index
from helpdesk.actions.portal_entry import end_sessions
from helpdesk.models import (
    Actor,
    AddressKind,
    Customer,
    CustomerAddress,
    CustomerMerge,
    Kind,
    Message,
    Participant,
    PortalCode,
    Ticket,
    Tier,
)
from helpdesk.now import now

#: What is united; where both say something else, the one kept wins unless the person chose otherwise.
FACTS = ("name", "organisation_id", "tier", "language", "time_zone", "country")
_TICKETS_AT_MOST = 2_000
_TRIES = 5


class _TicketsMoved(Exception):
    """A ticket came or went between reading and locking."""


def conflicts(target: Customer, source: Customer) -> list[str]:
    """The facts in which the two differ and both say something: what somebody has to choose."""
    return [name for name in FACTS if _says(target, name) and _says(source, name) and _differ(target, source, name)]


def _says(customer: Customer, name: str) -> bool:
    value = getattr(customer, name)
    return bool(value) and not (name == "tier" and value == Tier.STANDARD)


def _differ(target: Customer, source: Customer, name: str) -> bool:
    return bool(getattr(target, name) != getattr(source, name))


def merge_customers(
    *, target: Customer, source: Customer, actor: Actor, choices: Mapping[str, str] | None = None
) -> CustomerMerge:
    """Joins `source` into `target`. `choices` names facts (see `conflicts`) for which "source" wins.

    Sessions of both on their own pages end: each signs in anew and sees what is his now. Raises BadInput when the two cannot
    be joined as they stand, NotAllowed.
    """
    access.ensure(actor, "customer.merge")
    if target.pk == source.pk:
        raise BadInput(_("Choose another customer: %(name)s cannot be merged with himself.") % {"name": target})
    for _try in range(_TRIES):
        try:
            with transaction.atomic():
                return _merge(target, source, actor, choices or {})
        except _TicketsMoved:
            continue
    raise BadInput(_("New messages of these customers are arriving right now. Try again in a moment."))


def _lock(keys: set[int], customers: tuple[Customer, Customer]) -> tuple[dict[int, Ticket], Customer, Customer]:
    tickets = lock_all([Ticket(pk=key) for key in keys])
    rows = Customer.objects.select_for_update().filter(pk__in=[c.pk for c in customers]).order_by("pk")
    locked = {row.pk: row for row in rows}
    return tickets, locked[customers[0].pk], locked[customers[1].pk]


def _tickets_around(customer: Customer) -> set[int]:
    own = Ticket.objects.filter(customer=customer).values_list("pk", flat=True)
    joined = Participant.objects.filter(customer=customer).values_list("ticket_id", flat=True)
    return {*own, *joined}


def _merge(target: Customer, source: Customer, actor: Actor, choices: Mapping[str, str]) -> CustomerMerge:
    around = _tickets_around(source)
    if len(around) > _TICKETS_AT_MOST:
        raise BadInput(
            _("%(name)s has too many tickets to be merged away: merge the other way round.") % {"name": source}
        )
    tickets, target, source = _lock(around, (target, source))
    _ensure_free(target, source)
    if _tickets_around(source) != around:
        raise _TicketsMoved
    end_sessions(customer=source, actor=actor)
    end_sessions(customer=target, actor=actor)
    kept: dict[str, Any] = {"before": _facts(target), "addresses": [], "demoted": []}
    _move_addresses(source, target, kept)
    kept["messages"] = list(Message.objects.filter(author_customer=source).values_list("pk", flat=True))
    Message.objects.filter(pk__in=kept["messages"]).update(author_customer=target)
    PortalCode.objects.filter(customer=source).delete()
    news = _move_tickets(source, target, tickets, kept, actor)
    news += _move_places(source, target, tickets, kept, actor)
    _unite(target, source, choices)
    kept["after"] = _facts(target)
    source.merged_into = target
    source.save(update_fields=["merged_into"])
    row = CustomerMerge.objects.create(
        source_public_id=source.public_id, source=source, target=target, by=actor.user, kept=kept, at=now()
    )
    events.record_many(sorted(news, key=lambda new: new.ticket.pk))
    search_index.index_customer(target)
    data = {"source": source.pk, "tickets": len(kept["tickets"]), "addresses": len(kept["addresses"])}
    events.audit(actor, "customer.merged", target, data)
    return row


def _ensure_free(target: Customer, source: Customer) -> None:
    for one in (target, source):
        if one.merged_into is not None:
            raise BadInput(_("%(name)s is already merged into %(other)s.") % {"name": one, "other": one.merged_into})
    if target.is_blocked != source.is_blocked:
        blocked = target if target.is_blocked else source
        raise BadInput(
            _("%(name)s is blocked and the other is not: block both, or neither, then merge.") % {"name": blocked}
        )


def _facts(customer: Customer) -> dict[str, Any]:
    return {
        **{name: getattr(customer, name) for name in FACTS},
        "notes": customer.notes,
        "fields": dict(customer.fields),
    }


def _move_addresses(source: Customer, target: Customer, kept: dict[str, Any]) -> None:
    own = {row.kind for row in CustomerAddress.objects.filter(customer=target, is_primary=True)}
    for row in CustomerAddress.objects.select_for_update().filter(customer=source).order_by("pk"):
        kept["addresses"].append(row.pk)
        if row.is_primary and row.kind in own:
            kept["demoted"].append(row.pk)
            row.is_primary = False
        row.customer = target
        row.save(update_fields=["customer", "is_primary"])


def _move_tickets(
    source: Customer, target: Customer, tickets: dict[int, Ticket], kept: dict[str, Any], actor: Actor
) -> list[events.NewEvent]:
    mine = [ticket for ticket in tickets.values() if ticket.customer_id == source.pk]
    kept["tickets"] = [ticket.pk for ticket in mine]
    Ticket.objects.filter(pk__in=kept["tickets"]).update(customer=target)
    data = {"customer": target.pk, "previous": source.pk}
    for ticket in mine:
        ticket.customer = target
    return [events.NewEvent(ticket, Kind.CUSTOMER_CHANGED, actor, data) for ticket in mine]


def _move_places(
    source: Customer, target: Customer, tickets: dict[int, Ticket], kept: dict[str, Any], actor: Actor
) -> list[events.NewEvent]:
    """Places in copy go along; those in tickets that the one kept owns or takes part in already are given up."""
    kept["places"], kept["dropped"] = [], []
    news: list[events.NewEvent] = []
    theirs = Participant.objects.filter(customer=target)
    has_place = set(theirs.filter(ticket__in=tickets).values_list("ticket_id", flat=True))
    for row in Participant.objects.filter(customer=source).order_by("pk"):
        ticket = tickets[row.ticket_id]
        news.append(events.NewEvent(ticket, Kind.PARTICIPANT_REMOVED, actor, {"customer": source.pk, "user": None}))
        if ticket.customer_id == target.pk or row.ticket_id in has_place:
            kept["dropped"].append([row.ticket_id, source.pk, row.added_at.isoformat()])
            row.delete()
            continue
        kept["places"].append(row.pk)
        row.customer = target
        row.save(update_fields=["customer"])
        news.append(events.NewEvent(ticket, Kind.PARTICIPANT_ADDED, actor, {"customer": target.pk, "user": None}))
    for row in theirs.filter(ticket__in=kept["tickets"]):  # in copy of what is his own now
        kept["dropped"].append([row.ticket_id, target.pk, row.added_at.isoformat()])
        gone = {"customer": target.pk, "user": None}
        news.append(events.NewEvent(tickets[row.ticket_id], Kind.PARTICIPANT_REMOVED, actor, gone))
        row.delete()
    return news


def _unite(target: Customer, source: Customer, choices: Mapping[str, str]) -> None:
    for name in FACTS:
        if _says(source, name) and (not _says(target, name) or choices.get(name) == "source"):
            setattr(target, name, getattr(source, name))
    for key, value in source.fields.items():
        if target.fields.get(key) in ("", None) or choices.get(f"own-{key}") == "source":
            target.fields = {**target.fields, key: value}
    if source.notes and source.notes not in target.notes:
        target.notes = f"{target.notes}\n\n{source.notes}".strip()
    target.save(update_fields=[*(name.removesuffix("_id") for name in FACTS), "fields", "notes"])


def unmerge_customers(*, source: Customer, actor: Actor) -> Customer:
    """Parts a merged customer again: what moved goes back, where it still is; what came later stays. Returns the source.

    Raises BadInput with what to do first when it cannot be, NotAllowed.
    """
    access.ensure(actor, "customer.merge")
    with transaction.atomic():
        return _part(source, actor)


def _standing(source: Customer) -> CustomerMerge:
    row = CustomerMerge.objects.filter(source=source, undone_at__isnull=True).select_related("target").first()
    if row is None:
        raise BadInput(_("%(name)s is not merged into another customer.") % {"name": source})
    return row


def _part(source: Customer, actor: Actor) -> Customer:
    row = _standing(source)
    kept = row.kept
    places = Participant.objects.filter(pk__in=kept["places"]).values_list("ticket_id", flat=True)
    around = {*kept["tickets"], *places, *(entry[0] for entry in kept["dropped"])}
    tickets, target, source = _lock(around, (row.target, source))
    row = _standing(source)
    if row.target_id != target.pk or row.kept != kept:
        raise BadInput(_("Somebody merged %(name)s anew just now. Look again.") % {"name": source})
    if target.merged_into is not None:
        raise BadInput(
            _("%(name)s was itself merged into %(other)s: part that first.")
            % {"name": target, "other": target.merged_into}
        )
    _ensure_addresses_stand(kept, source, target)
    end_sessions(customer=target, actor=actor)  # of the addresses that leave as well
    _return_addresses(kept, source)
    Message.objects.filter(pk__in=kept["messages"], author_customer=target).update(author_customer=source)
    news: list[events.NewEvent] = []
    data = {"customer": source.pk, "previous": target.pk}
    for key in kept["tickets"]:
        ticket = tickets.get(key)
        if ticket is not None and ticket.customer_id == target.pk:
            ticket.customer = source
            ticket.save(update_fields=["customer"])
            news.append(events.NewEvent(ticket, Kind.CUSTOMER_CHANGED, actor, data))
    news += _return_places(kept, source, target, tickets, actor)
    _return_facts(kept, target)
    source.merged_into = None
    source.save(update_fields=["merged_into"])
    row.undone_at = now()
    row.save(update_fields=["undone_at"])
    events.record_many(sorted(news, key=lambda new: new.ticket.pk))
    for one in (source, target):
        search_index.index_customer(one)
    events.audit(actor, "customer.parted", source, {"target": target.pk})
    return source


def _ensure_addresses_stand(kept: dict[str, Any], source: Customer, target: Customer) -> None:
    rows = list(CustomerAddress.objects.filter(pk__in=kept["addresses"]).select_related("customer"))
    astray = next((row for row in rows if row.customer_id != target.pk), None)
    if astray is not None:
        raise BadInput(
            _("%(value)s belongs to %(name)s by now: take the address away there first.")
            % {"value": astray.value, "name": astray.customer}
        )
    moved = {row.pk for row in rows}
    had_mail = CustomerAddress.objects.filter(customer=target, kind=AddressKind.EMAIL)
    if had_mail.exists() and not had_mail.exclude(pk__in=moved).exists():
        raise BadInput(_("%(name)s would be left without a mail address: add one to keep first.") % {"name": target})


def _return_addresses(kept: dict[str, Any], source: Customer) -> None:
    target_lost: set[str] = set()
    for row in CustomerAddress.objects.select_for_update().filter(pk__in=kept["addresses"]).order_by("pk"):
        if row.is_primary and row.pk in kept["demoted"]:
            target_lost.add(row.kind)  # it was made the preferred one since: the one kept needs another
        row.is_primary = row.is_primary or row.pk in kept["demoted"]
        owner, row.customer = row.customer, source
        row.save(update_fields=["customer", "is_primary"])
        for kind in target_lost:
            left = CustomerAddress.objects.filter(customer=owner, kind=kind).exclude(pk__in=kept["addresses"]).first()
            if left is not None:
                CustomerAddress.objects.filter(pk=left.pk).update(is_primary=True)


def _return_places(
    kept: dict[str, Any], source: Customer, target: Customer, tickets: dict[int, Ticket], actor: Actor
) -> list[events.NewEvent]:
    news: list[events.NewEvent] = []
    for row in Participant.objects.filter(pk__in=kept["places"], customer=target):
        ticket = tickets[row.ticket_id]
        row.customer = source
        row.save(update_fields=["customer"])
        news.append(events.NewEvent(ticket, Kind.PARTICIPANT_REMOVED, actor, {"customer": target.pk, "user": None}))
        news.append(events.NewEvent(ticket, Kind.PARTICIPANT_ADDED, actor, {"customer": source.pk, "user": None}))
    for ticket_key, customer_key, added_at in kept["dropped"]:
        place = tickets.get(ticket_key)
        if place is None or place.customer_id == customer_key:
            continue
        _row, made = Participant.objects.get_or_create(
            ticket=place, customer_id=customer_key, defaults={"added_at": added_at}
        )
        if made:
            back = {"customer": customer_key, "user": None}
            news.append(events.NewEvent(place, Kind.PARTICIPANT_ADDED, actor, back))
    return news


def _return_facts(kept: dict[str, Any], target: Customer) -> None:
    """Each fact the merge gave goes, unless somebody has changed it since."""
    before, after, present = kept["before"], kept["after"], _facts(target)
    for name in (*FACTS, "notes"):
        if present[name] == after[name]:
            setattr(target, name, before[name])
    keys = {*before["fields"], *after["fields"], *present["fields"]}
    fields = dict(present["fields"])
    for key in keys:
        if present["fields"].get(key) == after["fields"].get(key):
            if key in before["fields"]:
                fields[key] = before["fields"][key]
            else:
                fields.pop(key, None)
    target.fields = fields
    target.save(update_fields=[*(name.removesuffix("_id") for name in FACTS), "fields", "notes"])
