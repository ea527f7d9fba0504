"""Notifications: who hears of what happens to a ticket, in the transaction of its cause; and reading them.

The reactions are named in flow.py. Nobody is told of what he did himself, of a ticket he may not see, or for a reason he has
switched off. A new or a read notification rings at all sockets of its person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q

from helpdesk import access, realtime
from helpdesk.actions.conversation import note
from helpdesk.models import (
    Actor,
    ActorKind,
    Message,
    Notification,
    Participant,
    Queue,
    Role,
    TeamMembership,
    TicketEvent,
    User,
)
from helpdesk.now import now
from helpdesk.queries.notifications import wanted_reasons

Reason = Notification.Reason


@dataclass
class Telling:
    """Who is to be told of a batch of events, and why; the first reason of a person and event is the one he reads."""

    news: dict[tuple[int, int], tuple[TicketEvent, str]] = field(default_factory=dict)  # (user, event) -> why

    def add(self, event: TicketEvent, people: Iterable[int | None], reason: str) -> None:
        """`people` by key; None is nobody."""
        for key in people:
            if key is not None and not (event.actor_kind == ActorKind.AGENT and event.actor_id == key):
                self.news.setdefault((key, event.pk), (event, reason))

    def write(self) -> None:
        """Keeps the notifications of those who may see the ticket and want to hear, and rings at them."""
        if not self.news:
            return
        people = {user.pk: user for user in User.objects.filter(pk__in={k for k, _e in self.news}, is_active=True)}
        teams = dict(
            Queue.objects.filter(pk__in={event.ticket.queue_id for event, _why in self.news.values()}).values_list(
                "pk", "team_id"
            )
        )
        members = set(
            TeamMembership.objects.filter(user__in=people, team__in=set(teams.values())).values_list(
                "user_id", "team_id"
            )
        )
        rows = [
            Notification(
                user=people[key],
                ticket=event.ticket,
                reason=reason,
                seq=event.seq,
                by_id=event.actor_id if event.actor_kind == ActorKind.AGENT else None,
                at=event.at,
            )
            for (key, _event), (event, reason) in self.news.items()
            if key in people
            and (people[key].role in {Role.MANAGER, Role.ADMIN} or (key, teams.get(event.ticket.queue_id)) in members)
            and reason in wanted_reasons(people[key])
        ]
        Notification.objects.bulk_create(rows, ignore_conflicts=True)
        _ring({row.user_id for row in rows})


def tell_of_notes(notes: Sequence[TicketEvent]) -> None:
    """With NOTED: the mentioned at once, then whoever owns or follows the ticket."""
    telling = Telling()
    for event in notes:
        telling.add(event, [key for key in event.data.get("mentions", []) if isinstance(key, int)], Reason.MENTIONED)
    _tell_watchers(telling, notes, Reason.COLLEAGUE_WROTE)


def tell_of_replies(replies: Sequence[TicketEvent]) -> None:
    """With REPLIED: a colleague has answered on a ticket one owns or follows."""
    _tell_watchers(Telling(), replies, Reason.COLLEAGUE_WROTE)


def tell_of_contacts(arrivals: Sequence[TicketEvent]) -> None:
    """With CONTACT_RECEIVED: the customer wrote on a ticket one owns or follows."""
    _tell_watchers(Telling(), arrivals, Reason.CUSTOMER_WROTE)


def tell_of_third_parties(answers: Sequence[TicketEvent]) -> None:
    """With SIDE_RECEIVED: a third party answered on a ticket one owns or follows."""
    _tell_watchers(Telling(), answers, Reason.THIRD_PARTY_WROTE)


def tell_of_wakings(wakings: Sequence[TicketEvent]) -> None:
    """With REOPENED: only where a snooze ended by itself."""
    _tell_watchers(Telling(), [e for e in wakings if e.data.get("why") == "snooze over"], Reason.WOKE_UP)


def tell_new_owners(assignments: Sequence[TicketEvent]) -> None:
    """With ASSIGNED: the new owner, unless he took it himself."""
    telling = Telling()
    for event in assignments:
        telling.add(event, [event.data["owner"]], Reason.ASSIGNED)
    telling.write()


def tell_of_failures(failures: Sequence[TicketEvent]) -> None:
    """With DELIVERY_FAILED and BOUNCED: whoever wrote the reply, and the owner."""
    keys = {e.pk: e.data.get("bounced_message") or e.data.get("message") for e in failures}
    authors = dict(
        Message.objects.filter(pk__in={key for key in keys.values() if key}).values_list("pk", "author_user_id")
    )
    telling = Telling()
    for event in failures:
        telling.add(event, {authors.get(keys[event.pk] or 0), event.ticket.owner_id}, Reason.NOT_DELIVERED)
    telling.write()


def _tell_watchers(telling: Telling, causes: Sequence[TicketEvent], reason: str) -> None:
    """The owner, and the people of the staff who follow."""
    if causes:
        followers: dict[int, list[int]] = defaultdict(list)
        rows = Participant.objects.filter(ticket__in={e.ticket_id for e in causes}, user__isnull=False)
        for ticket, user in rows.values_list("ticket_id", "user_id"):
            followers[ticket].append(user)
        for event in causes:
            telling.add(event, [event.ticket.owner_id, *followers[event.ticket_id]], reason)
    telling.write()


@transaction.atomic
def read_notifications(*, actor: Actor, notification: Notification | None = None) -> int:
    """Marks one of one's notifications as read, or all; on all devices. Returns how many were unread."""
    unread = Notification.objects.filter(user=actor.user, read_at__isnull=True)
    if notification is not None:
        unread = unread.filter(pk=notification.pk)
    count = unread.update(read_at=now())
    if count and actor.user is not None:
        _ring({actor.user.pk})
    return count


def read_about(*, user: User, ticket_id: int, seq: int) -> None:
    """The person has read the ticket up to `seq`: what he was told of it is no news any more. In the caller's transaction."""
    told = Notification.objects.filter(Q(seq__lte=seq), user=user, ticket_id=ticket_id, read_at__isnull=True)
    if told.update(read_at=now()):
        _ring({user.pk})


@transaction.atomic
def answer_notification(*, notification: Notification, actor: Actor, text: str) -> Message:
    """Answers a colleague by a note that mentions him, without leaving the page one is on. Raises BadInput, NotAllowed."""
    ticket = notification.ticket
    access.ensure(actor, "ticket.note", ticket)
    by = notification.by
    if by is not None and text.strip() and f"@{by.name.casefold()}" not in text.casefold():
        text = f"@{by.name} {text.strip()}"
    message = note(ticket=ticket, actor=actor, text=text, keeps_draft=True)
    read_notifications(actor=actor, notification=notification)
    return message


def _ring(users: Iterable[int]) -> None:
    at = now().isoformat()  # tells two rings of one transaction apart
    realtime.publish_many(
        (realtime.user_group(key), {"type": "notifications.changed", "at": at}) for key in sorted(users)
    )
