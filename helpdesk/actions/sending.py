"""What becomes of a reply before it has left: taken back, overtaken by the customer, released at its time, sent again."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from helpdesk import access, events, jobs
from helpdesk.actions import BadInput, lock_ticket_of, rank, side_threads
from helpdesk.actions.conversation import say
from helpdesk.models import (
    SYSTEM,
    Actor,
    Audience,
    Draft,
    Kind,
    Message,
    OutgoingMail,
    Status,
    Ticket,
    TicketEvent,
)
from helpdesk.now import now


@transaction.atomic
def withdraw_reply(*, message: Message, actor: Actor) -> Draft:
    """Takes a reply back before it leaves: text and files return to the draft, the ticket to where it stood.

    Raises BadInput when it is too late (the outbox has begun to send it).
    """
    if message.side_thread_id is not None:
        return side_threads.withdraw(message=message, actor=actor)
    ticket = lock_ticket_of(message)
    access.ensure(actor, "ticket.reply", ticket)
    states = OutgoingMail.State
    taken = OutgoingMail.objects.filter(
        message=message, state__in=[states.QUEUED, states.SCHEDULED], attempts=0
    ).update(state=states.CANCELLED)
    if not taken or actor.user is None:
        raise BadInput(_("Too late: the reply is already on its way."))
    message.refresh_from_db()
    message.withdrawn_at = now()
    message.save(update_fields=["withdrawn_at"])
    begun = Draft.objects.filter(user=actor.user, ticket=ticket, mode=Draft.Mode.REPLY).first()
    text = f"{message.text}\n\n{begun.text}" if begun and begun.text.strip() else message.text  # no word is lost
    draft, _made = Draft.objects.update_or_create(
        user=actor.user,
        ticket=ticket,
        mode=Draft.Mode.REPLY,
        defaults={"text": text, "recipients": message.recipients, "updated_at": now()},
    )
    message.attachments.update(message=None, ticket=ticket, uploaded_by=actor.user)
    data = {"message": message.pk, "overtaken": False}
    news = [events.NewEvent(ticket, Kind.REPLY_WITHDRAWN, actor, data)]
    news += _restore(ticket, message, actor)
    events.record_many(news)
    return draft


def _restore(ticket: Ticket, message: Message, actor: Actor) -> list[events.NewEvent]:
    """Puts status, owner and clocks back, where nothing else has changed them since the reply."""
    before = message.origin.get("before", {})
    news: list[events.NewEvent] = []
    ticket.message_count = max(0, ticket.message_count - 1)
    newest = (
        ticket.messages.filter(audience=Audience.PUBLIC, withdrawn_at__isnull=True)
        .order_by("-created_at", "-pk")
        .first()
    )
    ticket.snippet = " ".join(newest.reply_text.split())[:200] if newest else ""
    replied = TicketEvent.objects.filter(ticket=ticket, kind=Kind.REPLIED, data__message=message.pk).exists()
    if replied and ticket.customer_wrote_at and ticket.customer_wrote_at > message.created_at:
        replied = False  # the customer wrote meanwhile: his message decides
    if replied:
        ticket.waiting_since_at = parse_datetime(before.get("waiting_since_at", ""))
        ticket.first_replied_at = parse_datetime(before.get("first_replied_at", ""))
        if before.get("owner") is None and ticket.owner_id == message.author_user_id:
            news.append(events.NewEvent(ticket, Kind.UNASSIGNED, actor, {"previous": ticket.owner_id}))
            ticket.owner = None
        old = before.get("status", ticket.status)
        if old != ticket.status and ticket.status != Status.CLOSED:
            back_to = Status.OPEN if old == Status.NEW else Status(old)
            news.append(
                events.NewEvent(ticket, Kind.REOPENED, actor, {"previous": ticket.status, "why": "reply taken back"})
            )
            ticket.status, ticket.resolved_at = back_to, None
    ticket.changed_at = now()
    rank(ticket)
    ticket.save()
    return news


@transaction.atomic
def resend(*, message: Message, actor: Actor) -> OutgoingMail:
    """Tries a failed or held mail again, to the recipients who have not got it, with the same Message-ID."""
    ticket = lock_ticket_of(message)
    access.ensure(actor, "ticket.reply", ticket)
    outgoing = OutgoingMail.objects.select_for_update().filter(message=message).first()
    if outgoing is None or outgoing.state not in {
        OutgoingMail.State.DEAD,
        OutgoingMail.State.HELD,
        OutgoingMail.State.DEFERRED,
    }:
        raise BadInput(_("This reply is not waiting for another try."))
    was_held = outgoing.state == OutgoingMail.State.HELD
    outgoing.state, outgoing.due_at, outgoing.told_at = OutgoingMail.State.QUEUED, now(), None
    outgoing.attempts = int(was_held)  # the breaker looks at first attempts only: a person has decided now
    outgoing.recipients = [
        r if r.get("state") == "sent" else {**r, "state": "waiting", "answer": ""} for r in outgoing.recipients
    ]
    outgoing.save(update_fields=["state", "due_at", "attempts", "told_at", "recipients"])
    jobs.wake_dispatcher("outbox")
    return outgoing


def cancel_overtaken(arrivals: Sequence[TicketEvent]) -> None:
    """With CONTACT_RECEIVED: a reply scheduled with "cancel if the customer writes" does not leave."""
    waiting = OutgoingMail.objects.select_for_update().filter(
        ticket__in={e.ticket_id for e in arrivals}, state=OutgoingMail.State.SCHEDULED, cancel_if_customer_writes=True
    )
    news: list[events.NewEvent] = []
    tickets = {e.ticket_id: e.ticket for e in arrivals}
    for outgoing in waiting.select_related("message"):
        OutgoingMail.objects.filter(pk=outgoing.pk).update(state=OutgoingMail.State.CANCELLED)
        Message.objects.filter(pk=outgoing.message_id).update(withdrawn_at=now())
        data = {"message": outgoing.message_id, "overtaken": True}
        news.append(events.NewEvent(tickets[outgoing.ticket_id], Kind.REPLY_WITHDRAWN, SYSTEM, data))
    events.record_many(news)


def release_scheduled() -> int:
    """Hands scheduled replies that are due to the outbox; from here on they count as said. Returns how many."""
    keys = OutgoingMail.objects.filter(state=OutgoingMail.State.SCHEDULED, due_at__lte=now()).values_list(
        "pk", flat=True
    )[:50]
    return sum(_release(key) for key in list(keys))


@transaction.atomic
def _release(key: int) -> int:
    outgoing = OutgoingMail.objects.select_related("message__author_user", "ticket").get(pk=key)
    ticket = lock_ticket_of(outgoing)
    if (
        OutgoingMail.objects.filter(pk=key, state=OutgoingMail.State.SCHEDULED).update(state=OutgoingMail.State.QUEUED)
        != 1
    ):
        return 0
    message = outgoing.message
    actor = Actor.of(message.author_user) if message.author_user else SYSTEM
    then_status = message.origin.get("then_status", "")
    if then_status and then_status != ticket.status and ticket.status in {Status.CLOSED, Status.SPAM}:
        then_status = ticket.status
    say(ticket, message, actor, outgoing, then_status, None)
    jobs.wake_dispatcher("outbox")
    return 1
