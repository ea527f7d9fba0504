"""Callbacks: asked, confirmed, cancelled, called, tried again; the place is kept, and nobody else's callback is touched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.conversation import reply
from helpdesk.actions.lifecycle import set_status
from helpdesk.models import (
    Actor,
    AddressKind,
    BusinessCalendar,
    Customer,
    CustomerAddress,
    Kind,
    Queue,
    Status,
    TicketEvent,
    User,
)
from helpdesk.now import now
from routing.actions.callbacks import (
    CONFIRM_WITHIN,
    Result,
    ask_callback,
    cancel_callback,
    confirm_callback,
    phone_of,
    record_result,
    stage_of,
    sweep_callbacks,
)
from routing.actions.offers import accept_offer
from routing.models import Assignment, Callback, ContactChannel, Offer, WorkItem
from routing.router import Router
from tests.factories import make_customer, make_queue, make_team, make_user
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db
Items, States = WorkItem.State, Callback.State
PHONE = "+49301234567"


def _calling_queue(**fields: Any) -> Queue:
    queue = make_queue()
    make_offering(queue, callback_from_seconds=0, **fields)
    return queue


def _reserved(queue: Queue, customer: Customer | None = None) -> Callback:
    """A callback that keeps its place, reserved by an agent of the queue."""
    item = make_waiting(queue, customer)
    return ask_callback(ticket=item.ticket, actor=Actor.of(make_user(teams=(queue.team,))), phone=PHONE)


def _accepted(callback: Callback, agent: User) -> Callback:
    """Its turn has come and the agent took it."""
    Router().turn()
    accept_offer(offer=Offer.objects.get(item=callback.item, state="pending"), actor=Actor.of(agent))
    callback.refresh_from_db()
    callback.item.refresh_from_db()
    return callback


def _kinds(callback: Callback) -> list[str]:
    events = TicketEvent.objects.filter(ticket=callback.item.ticket, kind__startswith="callback").order_by("seq")
    return [event.kind for event in events]


def _shut(queue: Queue) -> None:
    """The queue opens only on a day of next week, for an hour."""
    day = (now() + timedelta(days=3)).strftime("%a").lower()
    queue.calendar = BusinessCalendar.objects.create(name="Rare", time_zone="UTC", weekly={day: [["09:00", "10:00"]]})
    queue.save()


def test_an_agents_reservation_keeps_the_place_and_is_a_contact_of_its_own_channel() -> None:
    queue = _calling_queue()
    item = make_waiting(queue)
    agent = make_user(teams=(queue.team,))

    callback = ask_callback(ticket=item.ticket, actor=Actor.of(agent), phone="0049 (30) 123-4567")

    kept = WorkItem.objects.get()
    assert (kept.vtime, kept.state, kept.channel) == (item.vtime, Items.WAITING, ContactChannel.CALLBACK)
    assert (callback.state, callback.phone) == (States.RESERVED, PHONE)
    assert _kinds(callback) == [Kind.CALLBACK_ASKED]


def test_a_customers_wish_counts_once_he_has_confirmed_it() -> None:
    queue = _calling_queue()
    item = make_waiting(queue)
    actor = Actor.of_customer(item.ticket.customer)

    callback = ask_callback(ticket=item.ticket, actor=actor, phone=PHONE)
    before = WorkItem.objects.get().channel
    confirm_callback(callback=callback, actor=actor)

    callback.refresh_from_db()
    assert (before, WorkItem.objects.get().channel) == (ContactChannel.MAIL, ContactChannel.CALLBACK)
    assert callback.state == States.RESERVED


def test_a_wish_outlives_an_offer_of_its_contact_and_ends_when_somebody_takes_it() -> None:
    queue = _calling_queue()
    item = make_waiting(queue)
    callback = ask_callback(ticket=item.ticket, actor=Actor.of_customer(item.ticket.customer), phone=PHONE)
    agent = make_ready(queue.team)
    Router().turn()
    offer = Offer.objects.get(item=item, state="pending")

    assert sweep_callbacks() == 0  # he may miss it
    callback.refresh_from_db()
    assert callback.state == States.ASKED

    accept_offer(offer=offer, actor=Actor.of(agent))
    assert sweep_callbacks() == 1
    callback.refresh_from_db()
    assert callback.state == States.CANCELLED


def test_a_wish_that_nobody_confirms_lapses_and_the_contact_waits_on() -> None:
    queue = _calling_queue()
    item = make_waiting(queue)
    callback = ask_callback(ticket=item.ticket, actor=Actor.of_customer(item.ticket.customer), phone=PHONE)
    assert sweep_callbacks() == 0
    Callback.objects.update(asked_at=now() - CONFIRM_WITHIN)

    assert sweep_callbacks() == 1

    callback.refresh_from_db()
    item.refresh_from_db()
    assert (callback.state, item.state, item.channel) == (States.CANCELLED, Items.WAITING, ContactChannel.MAIL)


def test_a_customer_has_one_reservation_in_a_queue() -> None:
    queue = _calling_queue()
    callback = _reserved(queue)
    second = make_waiting(queue, callback.customer)
    actor = Actor.of(make_user(teams=(queue.team,)))

    with pytest.raises(BadInput, match="already"):
        ask_callback(ticket=second.ticket, actor=actor, phone=PHONE)

    with pytest.raises(IntegrityError), transaction.atomic():
        Callback.objects.create(
            customer=callback.customer, queue=queue, item=second, phone=PHONE, asked_at=now(), state=States.RESERVED
        )
    other = make_waiting(queue)
    assert ask_callback(ticket=other.ticket, actor=actor, phone=PHONE).state == States.RESERVED


def test_nothing_is_reserved_where_none_is_offered_nothing_waits_or_the_number_is_none() -> None:
    queue = make_queue()
    make_offering(queue)
    item = make_waiting(queue)
    agent = make_user(teams=(queue.team,))

    with pytest.raises(BadInput, match="offers no callbacks"):
        ask_callback(ticket=item.ticket, actor=Actor.of(agent), phone=PHONE)
    make_offering(queue, callback_from_seconds=0)
    with pytest.raises(BadInput, match="number"):
        ask_callback(ticket=item.ticket, actor=Actor.of(agent), phone="call me")
    set_status(ticket=item.ticket, actor=Actor.of(agent), status=Status.RESOLVED)
    with pytest.raises(BadInput, match="Nothing waits"):
        ask_callback(ticket=item.ticket, actor=Actor.of(agent), phone=PHONE)


def test_who_may_not_see_the_ticket_reserves_nothing() -> None:
    queue = _calling_queue()
    item = make_waiting(queue)

    for actor in (Actor.of(make_user(teams=(make_team(),))), Actor.of_customer(make_customer())):
        with pytest.raises(NotAllowed):
            ask_callback(ticket=item.ticket, actor=actor, phone=PHONE)
    assert not Callback.objects.exists()


def test_its_turn_comes_as_an_offer_and_the_agent_calls() -> None:
    queue = _calling_queue()
    agent = make_ready(queue.team)
    callback = _accepted(_reserved(queue), agent)

    assert stage_of(callback, callback.item) == States.CALLING
    assert callback.item.ticket.owner == agent or WorkItem.objects.get().ticket.owner == agent
    assert Assignment.objects.get().channel == ContactChannel.CALLBACK
    sweep_callbacks()
    callback.refresh_from_db()
    assert callback.state == States.CALLING


def test_a_customer_who_is_reached_is_done_and_the_wrap_up_begins() -> None:
    queue = _calling_queue()
    agent = make_ready(queue.team)
    callback = _accepted(_reserved(queue), agent)

    record_result(callback=callback, actor=Actor.of(agent), result=Result.REACHED, note="sent him the form")

    callback.refresh_from_db()
    item = WorkItem.objects.get()
    assert (callback.state, callback.tries, callback.outcome) == (States.DONE, 1, "reached: sent him the form")
    assert (item.state, item.outcome) == (Items.WRAPUP, "called")
    assert _kinds(callback) == [Kind.CALLBACK_ASKED, Kind.CALLBACK_TRIED, Kind.CALLBACK_ENDED]


@pytest.mark.parametrize("result", [Result.NO_ANSWER, Result.BUSY, Result.VOICEMAIL])
def test_who_is_not_reached_is_tried_again_at_his_old_place(result: Result) -> None:
    queue = _calling_queue(callback_retry_seconds=300, callback_tries=2)
    agent = make_ready(queue.team)
    callback = _accepted(_reserved(queue), agent)
    vtime = callback.item.vtime

    record_result(callback=callback, actor=Actor.of(agent), result=result)

    callback.refresh_from_db()
    item = WorkItem.objects.get()
    assert (callback.state, item.state, item.vtime, item.ticket.owner) == (States.RETRY, Items.RESERVED, vtime, None)
    assert callback.not_before_at is not None and callback.not_before_at > now() + timedelta(seconds=290)
    assert not Assignment.objects.filter(done_at__isnull=True).exists()
    assert sweep_callbacks() == 0
    Callback.objects.update(not_before_at=now() - timedelta(seconds=1))
    assert sweep_callbacks() == 1
    callback = _accepted(callback, agent)
    record_result(callback=callback, actor=Actor.of(agent), result=result)
    callback.refresh_from_db()
    assert (callback.state, callback.tries) == (States.FAILED, 2)
    assert TicketEvent.objects.get(kind=Kind.CALLBACK_ENDED).data["outcome"] == "failed"


def test_a_wrong_number_is_not_tried_again() -> None:
    queue = _calling_queue()
    agent = make_ready(queue.team)
    callback = _accepted(_reserved(queue), agent)

    record_result(callback=callback, actor=Actor.of(agent), result=Result.WRONG_NUMBER)

    callback.refresh_from_db()
    assert (callback.state, callback.item.ticket.owner) == (States.FAILED, agent)


def test_only_the_agent_who_has_it_says_how_the_call_went() -> None:
    queue = _calling_queue()
    agent = make_ready(queue.team)
    other = make_user(teams=(queue.team,))
    callback = _accepted(_reserved(queue), agent)

    with pytest.raises(NotAllowed):
        record_result(callback=callback, actor=Actor.of(other), result=Result.REACHED)
    with pytest.raises(BadInput):
        record_result(callback=callback, actor=Actor.of(agent), result="maybe")
    callback.refresh_from_db()
    assert callback.tries == 0


def test_a_cancelled_callback_waits_on_as_what_it_was() -> None:
    queue = _calling_queue()
    callback = _reserved(queue)
    vtime = callback.item.vtime

    cancel_callback(callback=callback, actor=Actor.of_customer(callback.customer))
    cancel_callback(callback=callback, actor=Actor.of_customer(callback.customer))

    item = WorkItem.objects.get()
    assert (item.state, item.channel, item.vtime) == (Items.WAITING, ContactChannel.MAIL, vtime)
    assert _kinds(callback) == [Kind.CALLBACK_ASKED, Kind.CALLBACK_ENDED]


def test_it_cannot_be_cancelled_while_an_agent_calls() -> None:
    queue = _calling_queue()
    agent = make_ready(queue.team)
    callback = _accepted(_reserved(queue), agent)

    with pytest.raises(BadInput, match="calling already"):
        cancel_callback(callback=callback, actor=Actor.of_customer(callback.customer))


def test_out_of_hours_it_is_kept_until_the_queue_opens() -> None:
    queue = _calling_queue()
    _shut(queue)
    make_ready(queue.team)

    callback = _reserved(queue)
    Router().turn()

    callback.refresh_from_db()
    assert WorkItem.objects.get().state == Items.RESERVED
    assert callback.not_before_at is not None and callback.not_before_at.hour == 9
    assert not Offer.objects.exists()


def test_at_closing_it_is_held_and_comes_first_at_the_opening() -> None:
    queue = _calling_queue()
    callback = _reserved(queue)
    vtime = callback.item.vtime
    _shut(queue)

    assert sweep_callbacks() == 1

    callback.refresh_from_db()
    assert WorkItem.objects.get().state == Items.RESERVED and callback.not_before_at is not None
    queue.calendar = None
    queue.save()
    Callback.objects.update(not_before_at=now())
    assert sweep_callbacks() == 1
    item = WorkItem.objects.get()
    assert (item.state, item.vtime) == (Items.WAITING, vtime)


def test_a_retry_after_closing_waits_for_the_opening() -> None:
    queue = _calling_queue()
    agent = make_ready(queue.team)
    callback = _accepted(_reserved(queue), agent)
    _shut(queue)

    callback = Callback.objects.get(pk=callback.pk)
    record_result(callback=callback, actor=Actor.of(agent), result=Result.BUSY)

    callback.refresh_from_db()
    assert callback.not_before_at is not None
    assert (callback.not_before_at.hour, callback.not_before_at > now() + timedelta(days=1)) == (9, True)


def test_a_ticket_answered_in_writing_ends_its_callback() -> None:
    queue = _calling_queue()
    agent = make_ready(queue.team)
    callback = _accepted(_reserved(queue), agent)

    reply(ticket=callback.item.ticket, actor=Actor.of(agent), text="I wrote instead.", recipients=[])
    sweep_callbacks()

    callback.refresh_from_db()
    assert callback.state == States.DONE
    again = _reserved(queue, callback.customer)
    assert again.state == States.RESERVED


def test_the_known_number_serves_where_none_is_given() -> None:
    queue = _calling_queue()
    customer = make_customer()
    CustomerAddress.objects.create(customer=customer, kind=AddressKind.PHONE, value="030 1234567")
    item = make_waiting(queue, customer)

    assert ask_callback(ticket=item.ticket, actor=Actor.of(make_user(teams=(queue.team,)))).phone == "0301234567"


@pytest.mark.parametrize(
    ("typed", "dialled"),
    [
        ("+49 30 123-45 67", PHONE),
        ("0049 30 1234567", PHONE),
        ("۰۲۱ ۱۲۳۴۵۶۷", "0211234567"),
        ("(030) 123/45", "03012345"),
    ],
)
def test_a_number_is_kept_as_it_is_dialled(typed: str, dialled: str) -> None:
    assert phone_of(typed) == dialled


@pytest.mark.parametrize("typed", ["", "12", "+49 call", "javascript:alert(1)", "1" * 30, "+49;30"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(BadInput):
        phone_of(typed)
