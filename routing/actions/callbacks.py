"""Callbacks: a customer gives up waiting but not his place, and is called when his turn comes.

Asked for by an agent (kept at once) or by the customer (confirmed by him first). The item stays in the order where it was, as
a contact of the channel callback; when its turn comes an agent accepts it like any offer, dials, and records the outcome: then
it is over, or it is tried again. Locks: the ticket, then its item, then the callback. Called by the desk, by the customer's
page and links, and by the dispatcher's clocks.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk import access, events, realtime
from helpdesk.actions import BadInput, lock
from helpdesk.actions.assignment import unassign_ticket
from helpdesk.hours import is_open, next_opening
from helpdesk.models import SYSTEM, Actor, AddressKind, BusinessCalendar, Customer, Kind, Queue, Ticket
from helpdesk.now import now
from routing.actions import lock_items, mark_dirty
from routing.actions.callback_mail import REMIND_AFTER, tell_customer, tell_of_opening
from routing.actions.entering import channel_of
from routing.actions.handling import end_handling
from routing.actions.offers import cancel_offers_of
from routing.models import Callback, ContactChannel, Dirty, WorkItem
from routing.queries.settings import rules_of

States = Callback.State
Items = WorkItem.State
#: A wish that the customer has not confirmed by then is forgotten; his contact waits on as it was.
CONFIRM_WITHIN = timedelta(minutes=30)
_NOBODY_HAS_IT = (Items.WAITING, Items.OFFERED)  # an offer may be missed: the wish outlives it
_PHONE = re.compile(r"\+?[0-9]{5,15}")
_BETWEEN = re.compile(r"[\s().\-/\u200e\u200f\u202a-\u202e]")


class Result(TextChoices):
    """What came of a call."""

    REACHED = "reached", gettext_lazy("reached")
    NO_ANSWER = "no_answer", gettext_lazy("no answer")
    BUSY = "busy", gettext_lazy("busy")
    VOICEMAIL = "voicemail", gettext_lazy("voicemail")
    WRONG_NUMBER = "wrong_number", gettext_lazy("wrong number")


@transaction.atomic
def ask_callback(*, ticket: Ticket, actor: Actor, phone: str = "", confirmed: bool = False) -> Callback:
    """Reserves a call for the customer of a ticket that waits; it keeps its place. An agent's wish needs no confirming.

    Raises BadInput where the queue offers none, nothing waits, the number is none, or there is a reservation already.
    """
    access.ensure(actor, "callback.ask", ticket)
    ticket = lock(ticket)
    item = _open_item(ticket)
    if item is None or item.state not in {Items.WAITING, Items.OFFERED}:
        raise BadInput(_("Nothing waits here: an agent has this already, or it is done."))
    if item.state == Items.OFFERED:
        raise BadInput(_("An agent is being asked at this moment. Wait a little."))
    if rules_of([item.queue_id])[item.queue_id].callback_from_seconds is None:
        raise BadInput(_("This queue offers no callbacks."))
    number = phone_of(phone or _known_phone(ticket.customer))
    end_stale(ticket.customer, item.queue)
    if Callback.objects.filter(customer=ticket.customer, queue=item.queue, state__in=Callback.OPEN).exists():
        raise BadInput(_("There is a callback for this customer in this queue already."))
    Callback.objects.filter(item=item).delete()  # an ended one of the same contact: its events tell of it
    callback = Callback.objects.create(
        customer=ticket.customer, queue=item.queue, item=item, phone=number, asked_at=now(), state=States.ASKED
    )
    data = {"callback": callback.pk, "queue": item.queue_id}
    events.record(ticket, Kind.CALLBACK_ASKED, actor=actor, data=data)
    if confirmed or actor.customer is None:
        _keep_place(callback, item)
    else:
        half, whole = callback.asked_at + REMIND_AFTER, callback.asked_at + CONFIRM_WITHIN
        tell_customer(callback, ticket, "callback_reminder", due_at=half, until=whole)
    tell_customer(callback, ticket, "callback")
    _ring(ticket)
    return callback


@transaction.atomic
def change_callback(*, callback: Callback, actor: Actor, phone: str) -> Callback:
    """Another number to be called at; the place stays. Raises BadInput for what is none, and once an agent has it."""
    access.ensure(actor, "callback.ask", callback.item.ticket)
    number = phone_of(phone)
    ticket = lock(callback.item.ticket)
    item = lock_items([callback.item_id])[callback.item_id]
    callback = _locked(callback)
    if callback.state not in Callback.OPEN:
        raise BadInput(_("This callback is over."))
    if item.state not in {Items.WAITING, Items.RESERVED}:
        raise BadInput(_("An agent is calling already."))
    if callback.phone != number:
        callback.phone = number
        callback.save(update_fields=["phone"])
        events.record(ticket, Kind.CALLBACK_CHANGED, actor=actor, data={"callback": callback.pk})
        _ring(ticket)
    return callback


@transaction.atomic
def confirm_callback(*, callback: Callback, actor: Actor) -> Callback:
    """The customer says that the number is right: from now on he is called instead of waiting. Idempotent."""
    access.ensure(actor, "callback.ask", callback.item.ticket)
    ticket = lock(callback.item.ticket)
    item = lock_items([callback.item_id])[callback.item_id]
    callback = _locked(callback)
    if callback.state != States.ASKED:
        return callback
    if item.state != Items.WAITING:
        raise BadInput(_("It is your turn already: an agent has your message."))
    _keep_place(callback, item)
    _ring(ticket)
    return callback


@transaction.atomic
def cancel_callback(*, callback: Callback, actor: Actor) -> Callback:
    """Gives the reservation back: the contact waits on, at its place, as what it was before. Idempotent.

    Raises BadInput while an agent is calling.
    """
    access.ensure(actor, "callback.ask", callback.item.ticket)
    ticket = lock(callback.item.ticket)
    item = lock_items([callback.item_id])[callback.item_id]
    callback = _locked(callback)
    if callback.state not in Callback.OPEN:
        return callback
    if item.state in {Items.ASSIGNED, Items.WRAPUP}:
        raise BadInput(_("An agent is calling already."))
    if item.state == Items.OFFERED:
        cancel_offers_of([item])
    _end(callback, States.CANCELLED, "cancelled")
    if item.state != Items.DONE:
        item.channel = channel_of(ticket)
        item.handing = rules_of([item.queue_id])[item.queue_id].handing(item.channel)
        item.state = Items.WAITING
        item.save(update_fields=["channel", "handing", "state"])
        mark_dirty(Dirty.Kind.ITEM, [item.pk])
    if actor.customer is None:
        tell_customer(callback, ticket, "callback_over")
    data = {"callback": callback.pk, "outcome": "cancelled"}
    events.record(ticket, Kind.CALLBACK_ENDED, actor=actor, data=data)
    _ring(ticket)
    return callback


@transaction.atomic
def record_result(*, callback: Callback, actor: Actor, result: str, note: str = "") -> Callback:
    """What came of the call, by the agent who has the contact: reached is the end of it, anything else is tried again.

    After the last attempt, and for a wrong number, the callback has failed and the ticket stays with the agent, who may
    write instead. Raises BadInput for another word, NotAllowed for anybody else.
    """
    access.ensure(actor, "offer.answer", callback.item.ticket)
    if result not in Result.values:
        raise BadInput(_("Say how the call went."))
    ticket = lock(callback.item.ticket)
    item = lock_items([callback.item_id])[callback.item_id]
    callback = _locked(callback)
    user = actor.user
    mine = (
        user is not None and item.assignments.filter(agent=user, ended_at__isnull=True, done_at__isnull=True).exists()
    )
    if user is None or not mine:
        raise access.NotAllowed(_("Only the agent who has this contact says how the call went."))
    if callback.state not in Callback.OPEN:
        raise BadInput(_("This callback is over."))
    at = now()
    rules = rules_of([item.queue_id])[item.queue_id]
    callback.tries += 1
    callback.outcome = f"{result}: {note}".rstrip(": ")[:200]
    callback.save(update_fields=["tries", "outcome"])
    data = {"callback": callback.pk, "user": user.pk, "outcome": result}
    events.record(ticket, Kind.CALLBACK_TRIED, actor=actor, data=data)
    is_last = callback.tries >= rules.callback_tries or result == Result.WRONG_NUMBER
    if result == Result.REACHED or is_last:
        state = States.DONE if result == Result.REACHED else States.FAILED
        _end(callback, state, callback.outcome)
        end_handling([item], outcome="called" if state == States.DONE else "not_reached", at=at)
        events.record(ticket, Kind.CALLBACK_ENDED, actor=actor, data={"callback": callback.pk, "outcome": state.value})
        if state == States.FAILED:
            tell_customer(callback, ticket, "callback_over")
    else:
        _try_again(callback, item, ticket, user.pk, at + timedelta(seconds=rules.callback_retry_seconds))
    _ring(ticket)
    return callback


def _try_again(callback: Callback, item: WorkItem, ticket: Ticket, agent: int, due: datetime) -> None:
    """The agent is free at once; the contact keeps its place and comes up again when it is due and the queue is open."""
    callback.state, callback.not_before_at = States.RETRY, opening_from(item.queue, due)
    callback.save(update_fields=["state", "not_before_at"])
    unassign_ticket(ticket=ticket, actor=SYSTEM)
    at = now()
    item.assignments.filter(done_at__isnull=True).update(ended_at=at, done_at=at)
    mark_dirty(Dirty.Kind.AGENT, [agent])
    again = lock_items([item.pk])[item.pk]
    again.state = Items.RESERVED
    again.preferred = {"last_agent": [agent]}
    again.save(update_fields=["state", "preferred"])
    mark_dirty(Dirty.Kind.ITEM, [item.pk])
    tell_customer(callback, ticket, "callback_tried")
    tell_of_opening(callback, ticket)


@transaction.atomic
def sweep_callbacks(limit: int = 200) -> int:
    """The clocks' part: what is due waits again, closed queues hold theirs until they open, unconfirmed wishes lapse.

    Returns how many changed. Open callbacks are few, so this reads all of them.
    """
    at = now()
    changed = 0
    rows = list(
        Callback.objects.filter(state__in=Callback.OPEN)
        .select_related("item__ticket", "queue__calendar")
        .order_by("item__ticket_id")[: 5 * limit]
    )
    opened: dict[int, bool] = {}
    for row in rows:
        if row.queue_id not in opened:
            opened[row.queue_id] = _is_open(row.queue.calendar, at)
        if _is_settled(row, at, opened[row.queue_id]):
            continue
        ticket = lock(row.item.ticket)
        item = lock_items([row.item_id])[row.item_id]
        changed += _settle(_locked(row), item, ticket, at, opened[row.queue_id])
        if changed >= limit:
            break
    return changed


def _is_settled(row: Callback, at: datetime, is_open: bool) -> bool:
    """Whether an open callback is as its item is, with nothing due. A glance without locks."""
    state = row.item.state
    if row.state == States.ASKED:
        return state in _NOBODY_HAS_IT and row.asked_at > at - CONFIRM_WITHIN
    if state == Items.RESERVED:
        return row.not_before_at is not None and row.not_before_at > at
    if state == Items.WAITING:
        return row.state == States.RESERVED and is_open
    return (row.state, state) in {(States.OFFERED, Items.OFFERED), (States.CALLING, Items.ASSIGNED)}


def _settle(row: Callback, item: WorkItem, ticket: Ticket, at: datetime, is_open: bool) -> int:
    if row.state not in Callback.OPEN:
        return 0
    if item.state in {Items.DONE, Items.WRAPUP}:
        return _over(row, ticket, States.DONE if item.outcome == "handled" else States.CANCELLED)
    if row.state == States.ASKED:
        lapsed = item.state not in _NOBODY_HAS_IT or row.asked_at <= at - CONFIRM_WITHIN
        return _over(row, ticket, States.CANCELLED) if lapsed else 0
    if item.state == Items.ASSIGNED:
        return _enter(row, States.CALLING)
    if item.state == Items.OFFERED:
        return _enter(row, States.OFFERED)
    if item.state == Items.RESERVED and (row.not_before_at is None or row.not_before_at <= at):
        if not is_open:
            return _hold(row, item, ticket, at)
        item.state = Items.WAITING
        item.save(update_fields=["state"])
        mark_dirty(Dirty.Kind.ITEM, [item.pk])
        return _enter(row, States.RESERVED)
    if item.state == Items.WAITING:
        return _enter(row, States.RESERVED) if is_open else _hold(row, item, ticket, at)
    return 0


def _hold(row: Callback, item: WorkItem, ticket: Ticket, at: datetime) -> int:
    """The queue is closed: nobody is called now. At the opening it stands where it stood, before all that came later."""
    item.state = Items.RESERVED
    item.save(update_fields=["state"])
    mark_dirty(Dirty.Kind.ITEM, [item.pk])
    row.not_before_at = opening_from(row.queue, at)
    row.save(update_fields=["not_before_at"])
    tell_of_opening(row, ticket)
    return 1


def _over(row: Callback, ticket: Ticket, state: Callback.State) -> int:
    _end(row, state, row.outcome)
    events.record(ticket, Kind.CALLBACK_ENDED, actor=SYSTEM, data={"callback": row.pk, "outcome": state.value})
    return 1


def _enter(row: Callback, state: Callback.State) -> int:
    row.state = state
    row.save(update_fields=["state"])
    return 1


def _keep_place(callback: Callback, item: WorkItem) -> None:
    """From now on the item is a callback, at its old place in the order; out of hours it is held until the queue opens."""
    at = now()
    item.channel = ContactChannel.CALLBACK
    item.handing = rules_of([item.queue_id])[item.queue_id].handing(item.channel)
    callback.state = States.RESERVED
    if not _is_open(item.queue.calendar, at):
        item.state = Items.RESERVED
        callback.not_before_at = opening_from(item.queue, at)
    item.save(update_fields=["channel", "handing", "state"])
    callback.save(update_fields=["state", "not_before_at"])
    mark_dirty(Dirty.Kind.ITEM, [item.pk])
    tell_of_opening(callback, item.ticket)


def _end(callback: Callback, state: Callback.State, outcome: str) -> None:
    callback.state, callback.outcome, callback.ended_at = state, outcome[:200], now()
    callback.not_before_at = None
    callback.save(update_fields=["state", "outcome", "ended_at", "not_before_at"])


def stage_of(callback: Callback, item: WorkItem) -> Callback.State:
    """The callback's state as its item says it, which the clocks write down a few seconds later."""
    if callback.state in Callback.OPEN and callback.state != States.ASKED:
        if item.state == Items.OFFERED:
            return States.OFFERED
        if item.state == Items.ASSIGNED:
            return States.CALLING
    return States(callback.state)


def end_stale(customer: Customer, queue: Queue) -> None:
    """Reservations whose contact is over without the clocks having seen it make room for a new one."""
    Callback.objects.filter(
        customer=customer, queue=queue, state__in=Callback.OPEN, item__state__in=(Items.DONE, Items.WRAPUP)
    ).update(state=States.CANCELLED, ended_at=now())


def opening_from(queue: Queue, at: datetime) -> datetime:
    """The first moment from `at` on in which the queue is open; a queue that never opens is asked again in a day."""
    calendar = queue.calendar
    if calendar is None or is_open(at, calendar.as_calendar()):
        return at
    return next_opening(at, calendar.as_calendar()) or at + timedelta(days=1)


def _is_open(calendar: BusinessCalendar | None, at: datetime) -> bool:
    return calendar is None or is_open(at, calendar.as_calendar())


def phone_of(typed: str) -> str:
    """A number as it is dialled: digits with a plus before them at most. Raises BadInput for anything else."""
    number = _BETWEEN.sub("", typed.translate(_DIGITS))
    if number.startswith("00"):
        number = f"+{number[2:]}"
    if not _PHONE.fullmatch(number):
        raise BadInput(_("Write the number to call, such as +49 30 1234567."))
    return number


#: Digits of Persian and Arabic keyboards.
_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")


def _known_phone(customer: Customer) -> str:
    row = customer.addresses.filter(kind=AddressKind.PHONE).order_by("-is_primary", "pk").first()
    return row.value if row is not None else ""


def _open_item(ticket: Ticket) -> WorkItem | None:
    keys = WorkItem.objects.filter(ticket=ticket).exclude(state=Items.DONE).values_list("pk", flat=True)
    return next(iter(lock_items(keys).values()), None)


def _locked(callback: Callback) -> Callback:
    return (
        Callback.objects.select_for_update(of=("self",)).select_related("queue__calendar", "item").get(pk=callback.pk)
    )


def _ring(ticket: Ticket) -> None:
    """Whoever has the ticket open looks at its routing again; the events themselves ring at the desk."""
    if ticket.owner_id is not None:
        realtime.publish(realtime.user_group(ticket.owner_id), {"type": "agent.changed"})
