"""The checklist of a ticket: things to do, ticked off one by one. Called by views/checklist.py, undone by undoing.py.

The words stand in the rows alone; CHECKLIST_CHANGED carries the key of the item and what was done to it. A removed item
keeps its row, so that it can come back to its place.
"""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, lock
from helpdesk.models import Actor, ChecklistItem, Kind, Ticket
from helpdesk.now import now

_AT_MOST = 100
_LETTERS_AT_MOST = 300


@transaction.atomic
def add_item(*, ticket: Ticket, actor: Actor, text: str) -> ChecklistItem:
    """Adds something to do at the end of the list. Raises BadInput for no words or too many items, NotAllowed."""
    access.ensure(actor, "ticket.update", ticket)
    ticket = lock(ticket)
    standing = standing_items(ticket)
    if len(standing) >= _AT_MOST:
        raise BadInput(_("A checklist has at most %(n)s lines.") % {"n": _AT_MOST})
    item = ChecklistItem.objects.create(
        ticket=ticket, text=_worthy(text), position=standing[-1].position + 1 if standing else 0
    )
    _tell(ticket, item, "added", actor)
    return item


@transaction.atomic
def tick_item(*, ticket: Ticket, actor: Actor, item: int, done: bool) -> ChecklistItem:
    """Ticks an item off, or takes the tick away; nothing happens where it is so already. Raises BadInput, NotAllowed."""
    access.ensure(actor, "ticket.update", ticket)
    ticket = lock(ticket)
    row = _item(ticket, item)
    if (row.done_at is not None) == done:
        return row
    row.done_at, row.done_by = (now(), actor.user) if done else (None, None)
    row.save(update_fields=["done_at", "done_by"])
    _tell(ticket, row, "done" if done else "undone", actor)
    return row


@transaction.atomic
def rename_item(*, ticket: Ticket, actor: Actor, item: int, text: str) -> ChecklistItem:
    """Gives an item other words. Raises BadInput, NotAllowed."""
    access.ensure(actor, "ticket.update", ticket)
    ticket = lock(ticket)
    row, words = _item(ticket, item), _worthy(text)
    if row.text != words:
        row.text = words
        row.save(update_fields=["text"])
        _tell(ticket, row, "renamed", actor)
    return row


@transaction.atomic
def move_item(*, ticket: Ticket, actor: Actor, item: int, to: int) -> ChecklistItem:
    """Moves an item to place `to` (0 is the first; beyond the end is the last). Raises BadInput, NotAllowed."""
    access.ensure(actor, "ticket.update", ticket)
    ticket = lock(ticket)
    row = _item(ticket, item)
    before = standing_items(ticket)
    after = [other for other in before if other.pk != row.pk]
    after.insert(max(0, to), row)
    if [one.pk for one in before] == [one.pk for one in after]:
        return row
    for place, one in enumerate(after):
        one.position = place
    ChecklistItem.objects.bulk_update(after, ["position"])
    _tell(ticket, row, "moved", actor)
    return row


@transaction.atomic
def remove_item(*, ticket: Ticket, actor: Actor, item: int) -> ChecklistItem:
    """Takes an item off the list; `restore_item` brings it back. Raises BadInput, NotAllowed."""
    access.ensure(actor, "ticket.update", ticket)
    ticket = lock(ticket)
    row = _item(ticket, item)
    row.removed_at = now()
    row.save(update_fields=["removed_at"])
    _tell(ticket, row, "removed", actor)
    return row


@transaction.atomic
def restore_item(*, ticket: Ticket, actor: Actor, item: int) -> ChecklistItem:
    """Brings a removed item back to where it stood. Raises BadInput when it is not there to come back, NotAllowed."""
    access.ensure(actor, "ticket.update", ticket)
    ticket = lock(ticket)
    row = ChecklistItem.objects.filter(ticket=ticket, pk=item, removed_at__isnull=False).first()
    if row is None:
        raise BadInput(_("This line of the checklist is not removed."))
    row.removed_at = None
    row.save(update_fields=["removed_at"])
    _tell(ticket, row, "restored", actor)
    return row


def standing_items(ticket: Ticket) -> list[ChecklistItem]:
    """The items of a ticket in their order, without those removed."""
    return list(ChecklistItem.objects.filter(ticket=ticket, removed_at__isnull=True).order_by("position", "pk"))


def open_count(ticket: Ticket) -> int:
    """How many items are still to do."""
    return ChecklistItem.objects.filter(ticket=ticket, removed_at__isnull=True, done_at__isnull=True).count()


def _item(ticket: Ticket, key: int) -> ChecklistItem:
    row = ChecklistItem.objects.filter(ticket=ticket, pk=key, removed_at__isnull=True).first()
    if row is None:
        raise BadInput(_("This line is no longer on the checklist."))
    return row


def _worthy(text: str) -> str:
    words = " ".join(text.replace("\x00", "").split())
    if not words:
        raise BadInput(_("Write what is to be done."))
    if len(words) > _LETTERS_AT_MOST:
        raise BadInput(_("A line of the checklist has at most %(n)s characters.") % {"n": _LETTERS_AT_MOST})
    return words


def _tell(ticket: Ticket, item: ChecklistItem, change: str, actor: Actor) -> None:
    events.record(ticket, Kind.CHECKLIST_CHANGED, actor=actor, data={"item": item.pk, "change": change})
