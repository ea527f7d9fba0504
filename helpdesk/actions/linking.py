"""Links between tickets that people make: related, part of (child and parent), duplicate. Both tickets' streams tell of it."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, lock_all
from helpdesk.models import Actor, Kind, LinkKind, Ticket, TicketLink
from helpdesk.now import now

BY_HAND = (LinkKind.RELATED, LinkKind.CHILD, LinkKind.DUPLICATE)
_LINKS_AT_MOST = 200
_GENERATIONS = 50


@transaction.atomic
def link_tickets(*, ticket: Ticket, other: Ticket, kind: str, actor: Actor) -> TicketLink:
    """Links `ticket` to `other`, read from the first to the second: `child` makes it a part of `other`.

    Raises BadInput for a link to itself or one that is there already (related and duplicate in either direction), a second
    parent, a ticket that would become a part of itself; NotAllowed.
    """
    for one in (ticket, other):
        access.ensure(actor, "ticket.update", one)
    if kind not in BY_HAND:
        raise BadInput(_("Choose how the tickets belong together."))
    if ticket.pk == other.pk:
        raise BadInput(_("A ticket cannot be linked to itself."))
    locked = lock_all([ticket, other])
    ticket, other = locked[ticket.pk], locked[other.pk]
    between = TicketLink.objects.filter(_between(ticket, other), kind=kind)
    if kind == LinkKind.CHILD:
        _ensure_family(ticket, other)
    elif between.exists():
        raise BadInput(_("This ticket and #%(number)s are linked so already.") % {"number": other.number})
    if TicketLink.objects.filter(Q(ticket=ticket) | Q(other=ticket)).count() >= _LINKS_AT_MOST:
        raise BadInput(_("This ticket has too many links; remove one first."))
    link = TicketLink.objects.create(ticket=ticket, other=other, kind=kind, made_at=now())
    _tell(Kind.LINKED, ticket, other, kind, actor)
    return link


@transaction.atomic
def unlink_tickets(*, ticket: Ticket, other: Ticket, kind: str, actor: Actor) -> None:
    """Removes the link from `ticket` to `other`. Raises BadInput when there is none, NotAllowed."""
    for one in (ticket, other):
        access.ensure(actor, "ticket.update", one)
    locked = lock_all([ticket, other])
    gone, _rows = TicketLink.objects.filter(ticket=ticket, other=other, kind=kind).delete()
    if not gone:
        raise BadInput(_("This link is no longer there."))
    _tell(Kind.UNLINKED, locked[ticket.pk], locked[other.pk], kind, actor)


def _tell(what: Kind, ticket: Ticket, other: Ticket, kind: str, actor: Actor) -> None:
    there = {"other": other.pk, "number": other.number, "kind": str(kind), "is_here": False}
    here = {"other": ticket.pk, "number": ticket.number, "kind": str(kind), "is_here": True}
    events.record_many([events.NewEvent(ticket, what, actor, there), events.NewEvent(other, what, actor, here)])


def _between(ticket: Ticket, other: Ticket) -> Q:
    return Q(ticket=ticket, other=other) | Q(ticket=other, other=ticket)


def _ensure_family(child: Ticket, parent: Ticket) -> None:
    """One parent each, and nobody among his own forefathers."""
    present = TicketLink.objects.filter(ticket=child, kind=LinkKind.CHILD).select_related("other").first()
    if present is not None:
        raise BadInput(
            _("#%(number)s is already part of #%(other)s.") % {"number": child.number, "other": present.other.number}
        )
    at: int | None = parent.pk
    for _generation in range(_GENERATIONS):
        at = TicketLink.objects.filter(ticket=at, kind=LinkKind.CHILD).values_list("other_id", flat=True).first()
        if at is None:
            return
        if at == child.pk:
            break
    raise BadInput(
        _("#%(other)s is itself a part of #%(number)s: a ticket cannot be part of itself.")
        % {"number": child.number, "other": parent.number}
    )
