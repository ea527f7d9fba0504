"""A customer at his own pages: reading, answering, closing, opening again, writing something new."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.html import escape

from helpdesk.actions.conversation import reply
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.portal import answer
from helpdesk.actions.recipients import reply_recipients
from helpdesk.models import (
    Actor,
    Attachment,
    Customer,
    Kind,
    LinkKind,
    Message,
    Participant,
    Queue,
    StatusLabel,
    Ticket,
    TicketEvent,
    TicketLink,
)
from helpdesk.now import now
from tests.factories import World, mail, make_customer, make_ticket, receive
from tests.portal.conftest import Sent, by_code, by_link, leave_now, page_of
from tests.state import verify_action

pytestmark = pytest.mark.django_db


def _words(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_list_shows_own_tickets_newest_first_with_the_customer_s_words_for_their_status(
    world: World, ann: Client
) -> None:
    StatusLabel.objects.create(category="new", label_agent="raw", label_customer="It has reached us", is_default=True)
    second = make_ticket(world.queue_b, world.customer, subject="Second matter")

    page = _words(ann, "/portal/")

    assert page.index("Second matter") < page.index(world.ticket.subject)
    assert page.count("It has reached us") == 2
    assert "raw" not in page
    assert world.foreign.subject not in page
    assert str(second.number) in page


def test_the_list_turns_its_pages_by_key(world: World, ann: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpdesk.queries.portal.TICKETS_SHOWN", 2)
    for n in range(4):
        make_ticket(world.queue_a, world.customer, subject=f"Matter {n}")
    seen: list[str] = []
    path = "/portal/"
    for _page in range(3):
        page = _words(ann, path)
        seen += re.findall(r'own__subject" dir="auto">([^<]+)<', page)
        found = re.search(r'href="(\?after=[^"]+)"', page)
        path = f"/portal/{found[1]}" if found else ""

    assert seen == ["Matter 3", "Matter 2", "Matter 1", "Matter 0", world.ticket.subject]
    assert path == ""


def test_the_list_asks_the_database_the_same_for_one_ticket_and_for_three(
    world: World, ann: Client, django_assert_num_queries: Any
) -> None:
    ann.get("/portal/")
    with django_assert_num_queries(8):
        ann.get("/portal/")
    for n in range(2):
        make_ticket(world.queue_a, world.customer, subject=f"Matter {n}")
    with django_assert_num_queries(8):
        ann.get("/portal/")


def test_a_ticket_shows_what_was_said_oldest_first_with_names_as_our_mails_carry_them(
    world: World, ann: Client, sent: Sent
) -> None:
    reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Try another cable.")
    leave_now(world.ticket)

    page = _words(ann, page_of(world.ticket))

    assert page.index("Text") < page.index("Try another cable.")
    assert ">You</h2>" in page
    assert ">Sara Agent (Halden)</h2>" in page
    assert world.agent.email not in page


def test_an_answer_with_files_joins_the_ticket_and_opens_it_again(world: World, ann: Client) -> None:
    set_status(ticket=world.ticket, actor=Actor.of(world.agent), status="pending")
    file = SimpleUploadedFile("log of dock.txt", b"line", content_type="text/plain")

    with verify_action(world.ticket):
        answer = ann.post(f"{page_of(world.ticket)}reply/", {"text": "Here is the log.", "files": [file]})

    assert answer["Location"] == f"{page_of(world.ticket)}?done=sent#said"
    world.ticket.refresh_from_db()
    message = Message.objects.latest("pk")
    assert (world.ticket.status, message.reply_text, message.channel) == ("open", "Here is the log.", "form")
    assert (message.author_customer, message.sender_email) == (world.customer, "ann@shop.example")
    kept = Attachment.objects.get(message=message)
    assert (kept.name, kept.size, kept.uploaded_by) == ("log of dock.txt", 4, None)
    page = _words(ann, answer["Location"])
    assert "Your answer has reached us." in page
    download = ann.get(f"/portal/files/{kept.public_id}/")
    assert download.getvalue() == b"line"
    assert download["Content-Disposition"].startswith("attachment")
    assert "sandbox" in download["Content-Security-Policy"]
    event = TicketEvent.objects.filter(ticket=world.ticket, kind=Kind.CONTACT_RECEIVED).get()
    assert (event.actor_kind, event.actor_id) == ("customer", world.customer.pk)


def test_a_file_alone_is_an_answer_and_nothing_at_all_is_none(world: World, ann: Client) -> None:
    file = SimpleUploadedFile("a.txt", b"x")
    assert ann.post(f"{page_of(world.ticket)}reply/", {"text": "", "files": [file]}).status_code == 302

    answer = ann.post(f"{page_of(world.ticket)}reply/", {"text": "  "})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_the_same_form_sent_twice_is_one_answer(world: World, ann: Client) -> None:
    body = {"text": "Once only.", "client_id": str(uuid.uuid4())}
    for _n in range(2):
        assert ann.post(f"{page_of(world.ticket)}reply/", body).status_code == 302

    assert Message.objects.filter(reply_text="Once only.").count() == 1
    new = {"subject": "New", "text": "Once only, again.", "client_id": str(uuid.uuid4())}
    places = {ann.post("/portal/new/", new)["Location"] for _n in range(2)}
    assert len(places) == 1


def test_a_file_that_is_too_large_keeps_the_text_and_writes_nothing(world: World, ann: Client, settings: Any) -> None:
    settings.ATTACHMENT_MAX_BYTES = 10
    before = Message.objects.count()
    file = SimpleUploadedFile("big.bin", b"x" * 11)

    answer = ann.post(f"{page_of(world.ticket)}reply/", {"text": "Long words of mine", "files": [file]})

    assert answer.status_code == 422
    assert "Long words of mine</textarea>" in answer.content.decode()
    assert (Message.objects.count(), Attachment.objects.count()) == (before, 0)


def test_more_files_than_allowed_are_refused(world: World, ann: Client) -> None:
    files = [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(11)]

    assert ann.post(f"{page_of(world.ticket)}reply/", {"text": "Many", "files": files}).status_code == 422


def test_a_customer_closes_his_ticket_and_opens_it_again_until_it_closes_for_good(world: World, ann: Client) -> None:
    with verify_action(world.ticket):
        assert ann.post(f"{page_of(world.ticket)}close/")["Location"].endswith("?done=closed#said")
    world.ticket.refresh_from_db()
    assert world.ticket.status == "resolved"
    assert "open it again" in _words(ann, page_of(world.ticket))
    with verify_action(world.ticket):
        assert ann.post(f"{page_of(world.ticket)}reopen/")["Location"].endswith("?done=reopened#said")
    world.ticket.refresh_from_db()
    assert world.ticket.status == "open"

    set_status(ticket=world.ticket, actor=Actor.of(world.agent), status="closed")

    assert ann.post(f"{page_of(world.ticket)}reopen/").status_code == 422
    world.ticket.refresh_from_db()
    assert world.ticket.status == "closed"


def test_a_customer_chooses_no_other_status(world: World) -> None:
    from helpdesk.access import NotAllowed

    customer = Actor.of_customer(world.customer)
    for status in ("pending", "on_hold", "snoozed", "spam", "open"):
        with pytest.raises(NotAllowed):
            set_status(ticket=world.ticket, actor=customer, status=status)


def test_an_answer_to_a_closed_ticket_opens_a_follow_up_tied_to_it(world: World) -> None:
    browser = by_link(world.ticket)
    set_status(ticket=world.ticket, actor=Actor.of(world.agent), status="closed")
    assert "opens a new one" in _words(browser, page_of(world.ticket))

    answer = browser.post(f"{page_of(world.ticket)}reply/", {"text": "It broke again."})

    follow_up = Ticket.objects.latest("pk")
    assert answer["Location"] == f"{page_of(follow_up)}?done=follow-up#said"
    assert "It broke again." in _words(browser, answer["Location"])
    assert (follow_up.queue, follow_up.mailbox, follow_up.customer) == (world.queue_a, world.mailbox, world.customer)
    link = TicketLink.objects.get()
    assert (link.ticket, link.other, link.kind) == (follow_up, world.ticket, LinkKind.FOLLOW_UP)


def test_a_new_ticket_goes_to_the_first_mailbox_s_queue(world: World, ann: Client) -> None:
    answer = ann.post("/portal/new/", {"subject": "  A new  thing ", "text": "It hums."})

    opened = Ticket.objects.latest("pk")
    assert answer["Location"] == f"{page_of(opened)}?done=new#said"
    assert (opened.subject, opened.queue, opened.mailbox) == ("A new thing", world.queue_a, world.mailbox)
    assert (opened.customer, opened.channel) == (world.customer, "form")


def test_a_queue_can_be_chosen_only_where_a_manager_offers_it(world: World, ann: Client) -> None:
    assert "Billing" not in _words(ann, "/portal/new/")
    ann.post("/portal/new/", {"subject": "One", "text": "Words", "queue": str(world.queue_b.pk)})
    assert Ticket.objects.latest("pk").queue == world.queue_a

    Queue.objects.filter(pk=world.queue_b.pk).update(is_public=True)

    page = _words(ann, "/portal/new/")
    assert "Billing" in page
    assert "Hardware" not in page
    ann.post("/portal/new/", {"subject": "Two", "text": "Words", "queue": str(world.queue_b.pk)})
    assert Ticket.objects.latest("pk").queue == world.queue_b


def test_a_new_ticket_needs_words(world: World, ann: Client) -> None:
    for body in ({"subject": "", "text": "Words"}, {"subject": "Words", "text": " "}):
        answer = ann.post("/portal/new/", body)
        assert answer.status_code == 422
        assert "Words" in answer.content.decode()


def test_the_part_that_changes_is_sent_only_when_it_has_changed(world: World, ann: Client) -> None:
    first = ann.get(f"{page_of(world.ticket)}said/")
    again = ann.get(f"{page_of(world.ticket)}said/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")

    ann.post(f"{page_of(world.ticket)}reply/", {"text": "More"})

    changed = ann.get(f"{page_of(world.ticket)}said/", headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert b"More" in changed.content
    assert f'data-tag="{escape(changed["ETag"])}"' in _words(ann, page_of(world.ticket))


def test_a_long_ticket_shows_its_newest_messages_and_a_way_to_the_earlier_ones(
    world: World, ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpdesk.queries.portal.MESSAGES_SHOWN", 3)
    for n in range(4):
        ann.post(f"{page_of(world.ticket)}reply/", {"text": f"Word {n}"})
    page = _words(ann, page_of(world.ticket))
    assert re.findall(r"Word \d", page) == ["Word 1", "Word 2", "Word 3"]
    found = re.search(r'href="([^"]+\?before=[^"]+)"', page)
    assert found is not None

    earlier = _words(ann, found[1])

    assert re.findall(r"Word \d|Text \d+", earlier)[-1] == "Word 0"
    assert "To the newest messages" in earlier


# --- people in copy -------------------------------------------------------------------------------------------------


@pytest.fixture
def friend(world: World) -> Customer:
    """Somebody put in copy by a mail of the customer, after the first words were said."""
    friend = make_customer("friend@shop.example", "Frida Friend")
    Participant.objects.create(ticket=world.ticket, customer=friend, added_at=now())
    return friend


def test_somebody_in_copy_sees_the_ticket_from_when_he_joined_and_answers(world: World, friend: Customer) -> None:
    Message.objects.update(created_at=now() - timedelta(days=1))
    browser, ann = by_code(friend), by_code(world.customer)
    ann.post(f"{page_of(world.ticket)}reply/", {"text": "Since then"})

    page = _words(browser, page_of(world.ticket))

    assert world.ticket.subject in _words(browser, "/portal/")
    assert "Since then" in page
    assert "Text" not in page  # the history before him
    assert browser.post(f"{page_of(world.ticket)}reply/", {"text": "I saw it too"}).status_code == 302
    assert "Frida Friend" in _words(ann, page_of(world.ticket))


def test_somebody_in_copy_neither_closes_nor_reopens(world: World, friend: Customer) -> None:
    browser = by_code(friend)
    assert "close it" not in _words(browser, page_of(world.ticket))

    assert browser.post(f"{page_of(world.ticket)}close/").status_code == 422

    world.ticket.refresh_from_db()
    assert world.ticket.status == "new"


def test_an_answer_to_all_reaches_both_whoever_wrote_last(world: World, friend: Customer) -> None:
    for writer in (world.customer, friend):
        by_code(writer).post(f"{page_of(world.ticket)}reply/", {"text": "Words"})
        to = {(r["kind"], r["email"]) for r in reply_recipients(ticket=world.ticket)}
        other = {"ann@shop.example", "friend@shop.example"} - {writer.addresses.get().value}
        assert to == {("to", writer.addresses.get().value), ("cc", other.pop())}


def test_the_mail_that_puts_somebody_in_copy_is_the_first_he_reads(world: World) -> None:
    receive(mail("Hello", "For both of you.", Cc="friend@shop.example"), mailbox=world.mailbox)
    ticket = Ticket.objects.latest("pk")
    friend = Customer.objects.get(addresses__value="friend@shop.example")

    assert "For both of you." in _words(by_code(friend), page_of(ticket))


def test_a_merged_ticket_leads_to_the_one_it_became_part_of(world: World, ann: Client) -> None:
    other = make_ticket(world.queue_a, world.customer, subject="The same again")
    Ticket.objects.filter(pk=other.pk).update(status="closed", merged_into=world.ticket)

    assert ann.get(page_of(other))["Location"] == page_of(world.ticket)
    assert "The same again" not in _words(ann, "/portal/")
    Ticket.objects.filter(pk=other.pk).update(merged_into=world.foreign)
    assert "The same again" in _words(ann, page_of(other))


def test_an_answer_written_while_tickets_are_merged_stands_in_the_survivor(world: World) -> None:
    other = make_ticket(world.queue_a, world.customer, subject="The same again")
    Ticket.objects.filter(pk=other.pk).update(status="closed", merged_into=world.ticket)

    # `other` is as the page read it, a moment before the merge
    landed = answer(ticket=other, actor=Actor.of_customer(world.customer), email="ann@shop.example", text="And this.")

    assert landed == world.ticket
    assert list(Message.objects.filter(text="And this.").values_list("ticket", flat=True)) == [world.ticket.pk]


# --- languages ------------------------------------------------------------------------------------------------------


def test_the_customer_s_own_language_comes_before_the_browser_s(world: World, ann: Client) -> None:
    fa = {"Accept-Language": "fa"}
    assert '<html lang="fa" dir="rtl">' in ann.get("/portal/", headers=fa).content.decode()
    Customer.objects.filter(pk=world.customer.pk).update(language="zh-CN", time_zone="Asia/Shanghai")
    assert '<html lang="zh-hans" dir="ltr">' in ann.get("/portal/", headers=fa).content.decode()


def test_times_stand_in_the_customer_s_zone_and_digits(world: World, ann: Client) -> None:
    at = now().replace(hour=20, minute=45, second=0) - timedelta(days=30)
    Ticket.objects.filter(pk=world.ticket.pk).update(opened_at=at)
    Customer.objects.filter(pk=world.customer.pk).update(language="fa", time_zone="Asia/Tehran")

    page = _words(ann, page_of(world.ticket))

    assert "۰۰:۱۵" in page


def test_an_address_that_is_none_leads_customers_to_their_pages_and_not_to_the_desk(db: None) -> None:
    answer = Client().get("/portal/nothing/")

    assert answer.status_code == 404
    assert 'href="/portal/"' in answer.content.decode()
    assert "To the desk" not in answer.content.decode()
