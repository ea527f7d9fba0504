"""Two or more tickets become one, and are parted again. The survivor takes everything said; the others close and lead to it.

`TicketMerge.kept` holds keys, states and times, no words. What comes after the merge belongs to the survivor and stays with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access, events
from helpdesk.actions import BadInput, belongings, lock_all
from helpdesk.actions.lifecycle import become
from helpdesk.models import (
    ACTIVE,
    UNFINISHED,
    Actor,
    Attachment,
    ChecklistItem,
    Draft,
    Kind,
    MailReference,
    Message,
    Participant,
    Status,
    Ticket,
    TicketMerge,
    TicketTag,
)
from helpdesk.now import now

_AT_MOST = 20


class CustomersDiffer(BadInput):
    """The tickets are of several customers: who goes on lets each read what the others wrote. To be confirmed."""


@transaction.atomic
def merge_tickets(
    *,
    survivor: Ticket,
    sources: Iterable[Ticket],
    actor: Actor,
    confirmed: bool = False,
    with_people: bool = True,
    may_open: bool = True,
) -> list[TicketMerge]:
    """Joins `sources` into `survivor`, which keeps its number, owner, queue, priority and fields.

    Messages with all that belongs to them, checklist, tags and people go to the survivor; a customer of another ticket
    becomes a participant. Somebody who waited goes on waiting, and a survivor that was put aside opens when one of the
    others was still to be worked on. To take a split back neither: `with_people=False, may_open=False`. Raises
    CustomersDiffer unless `confirmed`, BadInput for tickets that cannot be joined as they stand, NotAllowed.
    """
    asked = {ticket.pk: ticket for ticket in sources}
    for ticket in (survivor, *asked.values()):
        access.ensure(actor, "ticket.update", ticket)
    if survivor.pk in asked or not asked:
        raise BadInput(
            _("Choose another ticket: #%(number)s cannot be merged with itself.") % {"number": survivor.number}
        )
    if len(asked) > _AT_MOST:
        raise BadInput(_("At most %(n)s tickets can be merged at once.") % {"n": _AT_MOST})
    locked = lock_all([survivor, *asked.values()])
    survivor = locked[survivor.pk]
    others = [locked[key] for key in sorted(asked)]
    for ticket in (survivor, *others):
        _ensure_free(ticket)
    if survivor.status == Status.CLOSED and any(other.status in UNFINISHED for other in others):
        raise BadInput(
            _("#%(number)s is closed, and closed is final: let an open ticket survive.") % {"number": survivor.number}
        )
    names = dict.fromkeys(str(t.customer) for t in others if t.customer_id != survivor.customer_id)
    if names and with_people and not confirmed:
        raise CustomersDiffer(
            _("These tickets are of different customers. %(names)s and %(name)s will read what all of them wrote.")
            % {"names": ", ".join(names), "name": survivor.customer}
        )
    return [_merge(survivor, other, actor, with_people=with_people, may_open=may_open) for other in others]


def _ensure_free(ticket: Ticket) -> None:
    if ticket.merged_into_id is not None and ticket.merged_into is not None:
        raise BadInput(
            _("#%(number)s is already merged into #%(other)s.")
            % {"number": ticket.number, "other": ticket.merged_into.number}
        )
    if ticket.status == Status.SPAM:
        raise BadInput(_("#%(number)s is spam: take it out of spam first.") % {"number": ticket.number})


def _merge(target: Ticket, source: Ticket, actor: Actor, *, with_people: bool, may_open: bool) -> TicketMerge:
    kept: dict[str, Any] = {"source": belongings.state_kept(source), "before": belongings.state_kept(target)}
    keys = list(source.messages.order_by("pk").values_list("pk", flat=True))
    count = belongings.counted(keys)
    said = Message.objects.filter(pk__in=keys, withdrawn_at__isnull=True).count()
    kept["messages"] = keys
    kept["references"] = [
        *belongings.carry(keys, source=source, target=target),
        *belongings.carry_references(MailReference.objects.filter(ticket=source), target),  # ids only mentioned
    ]
    kept["checklist"] = _hand_over(ChecklistItem.objects.filter(ticket=source), target)
    kept |= _hand_over_drafts(source, target)
    tags = _unite_tags(source, target)
    kept["tags"] = [tag.pk for tag in tags]
    people = [(source.customer_id, None), *belongings.people_of(source)] if with_people else []
    kept["people"] = belongings.join(target, people)
    previous = target.status
    reopened = may_open and source.status in ACTIVE and target.status not in ACTIVE
    if reopened:
        become(target, Status.OPEN)
    target.message_count += count
    target.customer_wrote_at = belongings.later(target.customer_wrote_at, source.customer_wrote_at)
    belongings.wait(target, belongings.earlier(target.waiting_since_at, source.waiting_since_at))
    belongings.write(target)
    kept["after"] = belongings.state_kept(target)
    old = source.status
    source.message_count = max(0, source.message_count - count)
    if source.status != Status.CLOSED:
        become(source, Status.CLOSED)
    source.merged_into = target
    belongings.write(source)
    row = TicketMerge.objects.create(source=source, target=target, by=actor.user, kept=kept, at=now())
    here: dict[str, Any] = {"source": source.pk, "number": source.number, "messages": said}
    if tags:
        here["added_tags"] = [tag.tag.name for tag in tags]
    news = [events.NewEvent(target, Kind.MERGED, actor, here)]
    if reopened:
        data = {"previous": previous, "why": "merged"}
        news.append(events.NewEvent(target, Kind.REOPENED, actor, data))
    away = {"target": target.pk, "number": target.number, "messages": said, "previous": old}
    events.record_many([*news, events.NewEvent(source, Kind.MERGED_AWAY, actor, away)])
    return row


def _hand_over(rows: Any, target: Ticket) -> list[int]:
    keys = list(rows.values_list("pk", flat=True))
    rows.filter(pk__in=keys).update(ticket=target)
    return keys


@transaction.atomic
def follow_with_drafts(*, source: Ticket, survivor: Ticket, actor: Actor) -> None:
    """What somebody went on writing in a merged ticket before he noticed follows him to the survivor."""
    _hand_over_drafts(source, survivor, Draft.objects.filter(user=actor.user))


def _hand_over_drafts(source: Ticket, target: Ticket, whose: Any = None) -> dict[str, list[int]]:
    """Drafts stay with who writes them and go along with their files, unless he has begun something in the survivor."""
    whose = Draft.objects.all() if whose is None else whose
    begun = set(whose.filter(ticket=target).values_list("user_id", "mode"))
    drafts = [d for d in whose.filter(ticket=source) if (d.user_id, d.mode) not in begun]
    writers = {draft.user_id for draft in drafts}
    uploads = Attachment.objects.filter(ticket=source, message__isnull=True, uploaded_by__in=writers)
    return {
        "uploads": _hand_over(uploads, target),
        "drafts": _hand_over(Draft.objects.filter(pk__in=[draft.pk for draft in drafts]), target),
    }


def _unite_tags(source: Ticket, target: Ticket) -> list[TicketTag]:
    missing = source.ticket_tags.exclude(tag__in=target.tags.all()).select_related("tag").order_by("pk")
    return [
        TicketTag.objects.create(ticket=target, tag=row.tag, added_at=now(), why={"by": "merge"}) for row in missing
    ]


@transaction.atomic
def unmerge_ticket(*, source: Ticket, actor: Actor) -> Ticket:
    """Parts a merged ticket again: exactly what moved goes back, and the survivor loses what the merge gave it.

    What changed since stays as it is: messages that came later, a status set later. Returns the source. Raises BadInput
    with what to do first when it can no longer be parted, NotAllowed.
    """
    access.ensure(actor, "ticket.update", source)
    row = _standing_merge(source)
    access.ensure(actor, "ticket.update", row.target)
    locked = lock_all([source, row.target])
    source, target = locked[source.pk], locked[row.target_id]
    row = _standing_merge(source)
    if row.target_id != target.pk:
        raise BadInput(_("Somebody merged #%(number)s anew just now. Look again.") % {"number": source.number})
    if target.merged_into is not None:
        raise BadInput(
            _("#%(number)s was itself merged into #%(other)s: part that first.")
            % {"number": target.number, "other": target.merged_into.number}
        )
    return _part(row, source, target, actor)


def _standing_merge(source: Ticket) -> TicketMerge:
    row = TicketMerge.objects.filter(source=source, undone_at__isnull=True).select_related("target__queue").first()
    if row is None:
        raise BadInput(_("#%(number)s is not merged into another ticket.") % {"number": source.number})
    return row


def _part(row: TicketMerge, source: Ticket, target: Ticket, actor: Actor) -> Ticket:
    kept = row.kept
    keys = _what_goes_back(kept["messages"], source, target)
    count = belongings.counted(keys)
    said = Message.objects.filter(pk__in=keys, withdrawn_at__isnull=True).count()
    belongings.carry(keys, source=target, target=source)
    belongings.carry_references(MailReference.objects.filter(pk__in=kept["references"], ticket=target), source)
    ChecklistItem.objects.filter(pk__in=kept["checklist"], ticket=target).update(ticket=source)
    begun = set(Draft.objects.filter(ticket=source).values_list("user_id", "mode"))
    for draft in Draft.objects.filter(pk__in=kept["drafts"], ticket=target):
        if (draft.user_id, draft.mode) not in begun:
            Draft.objects.filter(pk=draft.pk).update(ticket=source)
    Attachment.objects.filter(pk__in=kept["uploads"], ticket=target, message__isnull=True).update(ticket=source)
    tags = list(TicketTag.objects.filter(pk__in=kept["tags"], ticket=target).select_related("tag"))
    TicketTag.objects.filter(pk__in=[tag.pk for tag in tags]).delete()
    Participant.objects.filter(pk__in=kept["people"], ticket=target).delete()
    target.message_count = max(0, target.message_count - count)
    back_to = _put_survivor_back(target, row)
    belongings.write(target)
    source.merged_into = None
    belongings.put_back_status(source, kept["source"])
    source.message_count += count
    source.customer_wrote_at = belongings.moment(kept["source"], "customer_wrote_at")
    belongings.wait(source, belongings.moment(kept["source"], "waiting_since_at"))
    belongings.write(source)
    row.undone_at = now()
    row.save(update_fields=["undone_at"])
    here: dict[str, Any] = {"source": source.pk, "number": source.number, "messages": said, "status": back_to}
    if tags:
        here["removed_tags"] = [tag.tag.name for tag in tags]
    away = {"target": target.pk, "number": target.number, "messages": said, "status": str(source.status)}
    events.record_many(
        [events.NewEvent(target, Kind.UNMERGED, actor, here), events.NewEvent(source, Kind.PARTED, actor, away)]
    )
    return source


def _what_goes_back(keys: Sequence[int], source: Ticket, target: Ticket) -> list[int]:
    """The messages that came with the source, and what was added since to its exchanges with third parties."""
    rows = list(Message.objects.filter(pk__in=keys).select_related("ticket"))
    astray = next((message for message in rows if message.ticket_id != target.pk), None)
    if astray is not None:
        raise BadInput(
            _("Messages of #%(number)s were moved on to #%(other)s: move them back to #%(here)s first.")
            % {"number": source.number, "other": astray.ticket.number, "here": target.number}
        )
    threads = {message.side_thread_id for message in rows if message.side_thread_id is not None}
    later = target.messages.filter(side_thread__in=threads).exclude(pk__in=keys) if threads else Message.objects.none()
    return [*(message.pk for message in rows), *later.values_list("pk", flat=True)]


def _put_survivor_back(target: Ticket, row: TicketMerge) -> str:
    """Gives the survivor the status and times it had, each where nothing changed it since; returns the status, "" if it stays."""
    before, after = row.kept["before"], row.kept["after"]
    current = belongings.state_kept(target)
    wrote_since = current["customer_wrote_at"] != after["customer_wrote_at"]
    untouched = all(current[name] == after[name] for name in belongings.STATUS_PARTS)
    status = ""
    if untouched and not wrote_since and before["status"] != current["status"]:
        belongings.put_back_status(target, before)
        status = str(target.status)
    if not wrote_since:
        target.customer_wrote_at = belongings.moment(before, "customer_wrote_at")
    if current["waiting_since_at"] is not None and current["waiting_since_at"] == after["waiting_since_at"]:
        since_then = belongings.first_unanswered(target.messages, row.at) if wrote_since else None
        belongings.wait(target, belongings.earlier(belongings.moment(before, "waiting_since_at"), since_then))
    return status
