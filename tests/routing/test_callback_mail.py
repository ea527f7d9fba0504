"""What a customer is written about his callback: the link, in his language, and nothing that is no longer so."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.translation import get_language

from helpdesk.access import NotAllowed
from helpdesk.actions import portal_mail
from helpdesk.mail.portal_links import without_tokens
from helpdesk.models import Actor, BusinessCalendar, Customer, Kind, PortalMail, Queue, TicketEvent
from helpdesk.now import now
from routing.actions.callback_mail import REMIND_AFTER, SOON
from routing.actions.callbacks import (
    CONFIRM_WITHIN,
    Result,
    ask_callback,
    cancel_callback,
    change_callback,
    confirm_callback,
    record_result,
    sweep_callbacks,
)
from routing.actions.offers import accept_offer
from routing.callback_keys import link_of
from routing.models import Callback, Offer, WorkItem
from routing.router import Router
from tests.factories import make_customer, make_mailbox, make_queue, make_user
from tests.portal.conftest import Sent, path_of, sent
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db
__all__ = ["sent"]
PHONE = "+49301234567"
States = Callback.State


@pytest.fixture
def queue() -> Queue:
    """A queue that offers callbacks and has a mailbox to write from."""
    found = make_queue()
    make_offering(found, callback_from_seconds=0)
    make_mailbox(found)
    return found


def _asked(queue: Queue, customer: Customer | None = None) -> Callback:
    """The customer's own wish, not confirmed yet."""
    item = make_waiting(queue, customer or make_customer("ann@shop.example"))
    return ask_callback(ticket=item.ticket, actor=Actor.of_customer(item.ticket.customer), phone=PHONE)


def _agents(queue: Queue) -> Callback:
    """Reserved by an agent."""
    item = make_waiting(queue, make_customer("ann@shop.example"))
    return ask_callback(ticket=item.ticket, actor=Actor.of(make_user(teams=(queue.team,))), phone=PHONE)


def _later(letter: str) -> None:
    """The hour of a mail has come."""
    PortalMail.objects.filter(letter=letter).update(due_at=now())


def test_who_asks_to_be_called_gets_a_mail_whose_link_confirms_it(queue: Queue, sent: Sent) -> None:
    callback = _asked(queue)

    portal_mail.deliver_due()

    ((_sender, to, text),) = sent.mails
    number = callback.item.ticket.number
    assert to == ["ann@shop.example"]
    assert f"call you back at {PHONE} about ticket #{number}. Please confirm it" in text
    (link,) = re.findall(r"https?://\S+/portal/callback/\S+", text)
    Client().post(path_of(link), {"do": "confirm"})
    callback.refresh_from_db()
    assert callback.state == States.RESERVED


def test_the_mail_is_in_the_customers_own_language(queue: Queue, sent: Sent) -> None:
    callback = _asked(queue)
    Customer.objects.filter(pk=callback.customer_id).update(language="fa")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("routing.letters._", lambda words: f"[{get_language()}] {words}")
        portal_mail.deliver_due()

    assert "[fa] You asked us" in sent.texts()[0]


def test_a_callback_an_agent_keeps_needs_no_confirming_and_the_mail_says_so(queue: Queue, sent: Sent) -> None:
    _agents(queue)

    portal_mail.deliver_due()

    (text,) = sent.texts()
    assert f"We will call you at {PHONE}" in text
    assert "confirm" not in text.lower()
    assert not PortalMail.objects.filter(letter="callback_reminder").exists()


def test_a_mail_says_what_is_so_when_it_leaves(queue: Queue, sent: Sent) -> None:
    callback = _asked(queue)
    confirm_callback(callback=callback, actor=Actor.of_customer(callback.customer))

    portal_mail.deliver_due()

    assert "You keep your place." in sent.texts()[0]


def test_a_wish_not_confirmed_is_reminded_of_once_and_a_confirmed_one_is_not(queue: Queue, sent: Sent) -> None:
    callback, other = _asked(queue), _asked(queue, make_customer("bob@shop.example"))
    portal_mail.deliver_due()
    rows = PortalMail.objects.filter(letter="callback_reminder")
    assert [row.due_at - other.asked_at for row in rows.filter(about=other.pk)] == [REMIND_AFTER]
    assert [row.gone_at - other.asked_at for row in rows.filter(about=other.pk)] == [CONFIRM_WITHIN]
    confirm_callback(callback=callback, actor=Actor.of_customer(callback.customer))
    sent.mails.clear()

    _later("callback_reminder")
    portal_mail.deliver_due()

    assert [to for _sender, to, _text in sent.mails] == [["bob@shop.example"]]
    assert sorted(rows.values_list("state", flat=True)) == ["dropped", "sent"]


def test_a_cancelled_wish_is_written_about_no_more(queue: Queue, sent: Sent) -> None:
    callback = _asked(queue)
    cancel_callback(callback=callback, actor=Actor.of_customer(callback.customer))

    portal_mail.deliver_due()

    assert sent.mails == []


def test_who_cancels_for_the_customer_lets_him_know(queue: Queue, sent: Sent) -> None:
    callback = _agents(queue)
    portal_mail.deliver_due()
    cancel_callback(callback=callback, actor=Actor.of(make_user(teams=(queue.team,))))

    portal_mail.deliver_due()

    assert "We will not call you" in sent.texts()[-1]
    assert "/portal/callback/" not in sent.texts()[-1]


def test_the_number_is_changed_by_the_link_and_the_place_is_kept(queue: Queue, sent: Sent) -> None:
    callback = _agents(queue)
    before = callback.item.vtime
    client, address = Client(), path_of(link_of(callback))

    refused = client.post(address, {"do": "change", "phone": "nobody"})
    client.post(address, {"do": "change", "phone": "030 / 555 55"})

    callback.refresh_from_db()
    assert refused.status_code == 422
    assert (callback.phone, callback.state, callback.item.vtime) == ("03055555", States.RESERVED, before)
    kinds = TicketEvent.objects.filter(ticket=callback.item.ticket, kind__startswith="callback").order_by("seq")
    assert [event.kind for event in kinds] == [Kind.CALLBACK_ASKED, Kind.CALLBACK_CHANGED]
    change_callback(callback=callback, actor=Actor.of_customer(callback.customer), phone="03055555")
    assert kinds.count() == 2


def test_a_stranger_changes_no_number(queue: Queue) -> None:
    callback = _agents(queue)
    with pytest.raises(NotAllowed):
        change_callback(callback=callback, actor=Actor.of_customer(make_customer()), phone="030 555555")


def test_who_was_not_reached_is_written_to_and_once_more_when_it_is_over(queue: Queue, sent: Sent) -> None:
    make_offering(queue, callback_from_seconds=0, callback_tries=2)
    agent = make_ready(queue.team)
    callback = _agents(queue)
    for said in ("did not reach you. We will try again.", "We will write to you."):
        Router().turn()
        accept_offer(offer=Offer.objects.get(item=callback.item, state="pending"), actor=Actor.of(agent))
        callback.refresh_from_db()
        record_result(callback=callback, actor=Actor.of(agent), result=Result.BUSY)
        portal_mail.deliver_due()
        assert said in sent.texts()[-1]
        Callback.objects.update(not_before_at=now())
        sweep_callbacks()
    assert len(sent.mails) == 2  # the first was overtaken by the call


def test_who_is_held_until_the_opening_is_reminded_shortly_before_it(queue: Queue, sent: Sent) -> None:
    day = (now() + timedelta(days=3)).strftime("%a").lower()
    queue.calendar = BusinessCalendar.objects.create(
        name="Rare", time_zone="Europe/Berlin", weekly={day: [["09:00", "10:00"]]}
    )
    queue.save()
    callback = _agents(queue)
    assert callback.not_before_at is not None
    portal_mail.deliver_due()
    assert "09:00 (Europe/Berlin)" in sent.texts()[0]
    row = PortalMail.objects.get(letter="callback_soon")
    assert (row.due_at, row.gone_at) == (callback.not_before_at - SOON, callback.not_before_at)

    _later("callback_soon")
    portal_mail.deliver_due()

    assert len(sent.mails) == 2


def test_a_customer_without_an_address_or_blocked_is_not_written_to(queue: Queue) -> None:
    item = make_waiting(queue)
    item.ticket.customer.addresses.all().delete()
    ask_callback(ticket=item.ticket, actor=Actor.of(make_user(teams=(queue.team,))), phone=PHONE)

    assert not PortalMail.objects.exists()


def test_a_key_that_is_quoted_back_to_us_is_taken_out(queue: Queue) -> None:
    link = link_of(_asked(queue))

    assert without_tokens(f"> {link}\nYes") == f"> {link.rpartition('callback/')[0]}callback/\nYes"
    assert WorkItem.objects.count() == 1
