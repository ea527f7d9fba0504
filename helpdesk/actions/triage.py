"""What a ticket is about: priority, tags, issue type, subject, own fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, lock
from helpdesk.models import Actor, CustomField, IssueType, Kind, Priority, Tag, Ticket, TicketTag
from helpdesk.now import now

_TAGS_PER_TICKET = 30


@transaction.atomic
def classify_ticket(
    *,
    ticket: Ticket,
    actor: Actor,
    priority: int | None = None,
    add_tags: Iterable[str] = (),
    remove_tags: Iterable[str] = (),
    issue_type: IssueType | None = None,
    subject: str | None = None,
    fields: dict[str, Any] | None = None,
) -> Ticket:
    """Changes what is given and leaves the rest; one CLASSIFIED event says what really changed, none when nothing did.

    New tag names are made as tags. Raises BadInput for an unknown priority or field, or a tag that is no word.
    """
    access.ensure(actor, "ticket.update", ticket)
    ticket = lock(ticket)
    changes: dict[str, Any] = {}
    if priority is not None and priority != ticket.priority:
        if priority not in Priority.values:
            raise BadInput(_("Choose one of the four priorities."))
        changes["priority"] = [ticket.priority, priority]
        ticket.priority = priority
    if subject is not None and subject.strip() != ticket.subject:
        if not subject.strip():
            raise BadInput(_("Write a subject: it is what everybody reads first."))
        changes["subject"] = (
            True  # the words themselves stay out of the stream, so that erasing a person touches no event
        )
        ticket.subject = subject.strip()[:500]
    if issue_type is not None and issue_type.pk != ticket.issue_type_id:
        changes["issue_type"] = [ticket.issue_type_id, issue_type.pk]
        ticket.issue_type = issue_type
    if fields:
        changes["fields"] = _set_fields(ticket, fields)
    added, removed = _retag(ticket, add_tags, remove_tags)
    if added:
        changes["added_tags"] = added
    if removed:
        changes["removed_tags"] = removed
    if not changes:
        return ticket
    ticket.changed_at = now()
    ticket.save(update_fields=["priority", "subject", "issue_type", "fields", "changed_at"])
    events.record(ticket, Kind.CLASSIFIED, actor=actor, data={"changes": changes})
    return ticket


def _set_fields(ticket: Ticket, fields: dict[str, Any]) -> list[str]:
    known = set(CustomField.objects.filter(on=CustomField.On.TICKET).values_list("key", flat=True))
    unknown = sorted(set(fields) - known)
    if unknown:
        raise BadInput(_("There is no field “%(key)s” on tickets.") % {"key": unknown[0]})
    ticket.fields = {**ticket.fields, **fields}
    return sorted(fields)


def _retag(ticket: Ticket, add: Iterable[str], remove: Iterable[str]) -> tuple[list[str], list[str]]:
    present = {t.name.lower(): t for t in ticket.tags.all()}
    added: list[str] = []
    for name in dict.fromkeys(" ".join(n.split())[:60] for n in add):
        if not name:
            raise BadInput(_("A tag needs at least one letter."))
        if name.lower() in present:
            continue
        if len(present) >= _TAGS_PER_TICKET:
            raise BadInput(_("A ticket holds at most %(n)s tags; remove one first.") % {"n": _TAGS_PER_TICKET})
        tag = Tag.objects.filter(name__iexact=name).first() or Tag.objects.create(name=name)
        TicketTag.objects.create(ticket=ticket, tag=tag, added_at=now(), why={"by": "hand"})
        present[name.lower()] = tag
        added.append(tag.name)
    removed = [present[n.lower()].name for n in remove if n.lower() in present]
    if removed:
        TicketTag.objects.filter(ticket=ticket, tag__name__in=removed).delete()
    return added, removed
