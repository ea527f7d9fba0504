"""The mails that lead to the portal: the line below a reply, the code, and what becomes of quoted links."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as django_mail
from django.test import Client

from helpdesk.actions import portal_mail
from helpdesk.actions.conversation import note, reply
from helpdesk.actions.portal_entry import ask_code, code_of
from helpdesk.dispatcher import OutboxRole
from helpdesk.mail import compose
from helpdesk.mail.portal_links import invitation, without_tokens
from helpdesk.mail.smtp import CannotSend
from helpdesk.models import Actor, Customer, Mailbox, Message, OutgoingMail, Participant, PortalMail, Ticket
from helpdesk.now import now
from tests.factories import World, mail, make_customer, make_mailbox, make_world, receive
from tests.mailservers.sink import Sink
from tests.portal.conftest import Sent, by_code, leave_now, link_in, page_of, path_of

pytestmark = pytest.mark.django_db


def test_a_reply_carries_a_link_that_opens_its_ticket(world: World, sent: Sent) -> None:
    reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Try another cable.")
    leave_now(world.ticket)

    ((_sender, to, text),) = sent.mails

    assert to == ["ann@shop.example"]
    assert "See this ticket online: http" in text
    browser = Client()
    assert browser.get(path_of(link_in(text)))["Location"] == page_of(world.ticket)
    assert b"Try another cable." in browser.get(page_of(world.ticket)).content


def test_an_acknowledgement_carries_the_link_too(world: World, sent: Sent) -> None:
    Mailbox.objects.filter(pk=world.mailbox.pk).update(auto_acknowledge=True)
    receive(mail("Broken", "It hums.", sender="new@shop.example"), mailbox=world.mailbox)
    ticket = Ticket.objects.latest("pk")
    leave_now(ticket)

    (text,) = sent.texts()

    assert Client().get(path_of(link_in(text)))["Location"] == page_of(ticket)


def test_the_line_is_the_mailbox_s_choice(world: World, sent: Sent) -> None:
    Mailbox.objects.filter(pk=world.mailbox.pk).update(portal_link=False)
    reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Words")
    leave_now(world.ticket)

    assert "portal" not in sent.texts()[0]


def test_a_mail_to_several_carries_no_link_that_opens_by_itself(world: World, sent: Sent) -> None:
    friend = make_customer("friend@shop.example")
    Participant.objects.create(ticket=world.ticket, customer=friend, added_at=now())
    to = [{"kind": "to", "email": "ann@shop.example"}, {"kind": "cc", "email": "friend@shop.example"}]
    reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Words", recipients=to)
    leave_now(world.ticket)

    link = link_in(sent.texts()[0])

    assert path_of(link) == page_of(world.ticket)
    assert Client().get(path_of(link))["Location"].startswith("/portal/sign-in/?next=")
    assert by_code(friend).get(path_of(link)).status_code == 200


def test_nobody_outside_the_ticket_and_no_note_gets_a_link(world: World, sent: Sent) -> None:
    to = [{"kind": "to", "email": "stranger@elsewhere.example"}]
    written = reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Words", recipients=to)
    assert invitation(written, world.mailbox, now()) == ""
    inside = note(ticket=world.ticket, actor=Actor.of(world.agent), text="Words")
    Message.objects.filter(pk=inside.pk).update(recipients=[{"kind": "to", "email": "ann@shop.example"}])
    inside.refresh_from_db()
    assert invitation(inside, world.mailbox, now()) == ""
    inside.audience = "public"
    assert "/portal/open/" in invitation(inside, world.mailbox, now())


@pytest.mark.parametrize(("language", "start"), [("en", "See this ticket online:"), ("fa", ""), ("zh-CN", "")])
def test_the_line_is_written_in_the_customer_s_language(world: World, language: str, start: str) -> None:
    Ticket.objects.filter(pk=world.ticket.pk).update(language=language)
    written = reply(ticket=Ticket.objects.get(pk=world.ticket.pk), actor=Actor.of(world.agent), text="Words")
    outgoing = OutgoingMail.objects.select_related("message__ticket", "mailbox", "ticket").get(message=written)

    built = compose.build(outgoing, now())

    assert invitation(outgoing.message, outgoing.mailbox, now()).startswith(start)
    assert b"/portal/open/" in built.replace(b"=\r\n", b"")


def test_a_quoted_link_loses_its_key_so_that_readers_of_the_quote_do_not_come_in_under_that_name(
    world: World, sent: Sent
) -> None:
    reply(ticket=world.ticket, actor=Actor.of(world.agent), text="Words")
    leave_now(world.ticket)
    link = link_in(sent.texts()[0])
    quoting = f'<p>Thanks</p><blockquote><a href="{link}">{link}</a></blockquote>'

    receive(mail("Re", quoting, Content_Type="text/html"), mailbox=world.mailbox)
    receive(mail("Re", f"Thanks\n\n> Words\n> {link}\n"), mailbox=world.mailbox)

    key = link.partition("?k=")[2]
    for message in Message.objects.filter(raw_mail__isnull=False):
        assert key not in message.text + message.html + message.reply_html + message.reply_text
        assert "/portal/open/" in message.text + message.html


def test_other_addresses_keep_their_keys() -> None:
    text = "https://shop.example/open/?k=abc and /portal/open/?q=1"
    assert without_tokens(text) == text


# --- codes ----------------------------------------------------------------------------------------------------------


def test_a_code_s_mail_comes_from_the_mailbox_the_customer_knows_and_says_nothing_others_wrote(
    world: World, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    Customer.objects.filter(pk=world.customer.pk).update(name="Click https://evil.example")
    seen: list[Mailbox] = []
    real = compose.automatic_notice

    def noted(**values: Any) -> bytes:
        seen.append(values["mailbox"])
        return real(**values)

    monkeypatch.setattr(compose, "automatic_notice", noted)
    make_mailbox(world.queue_b, name="Another", address="aaa@halden.example")
    row = ask_code(email="ann@shop.example", language="en")

    assert portal_mail.deliver_due() == 1

    ((sender, to, text),) = sent.mails
    code = code_of(row)
    assert (sender, to, seen) == ("", ["ann@shop.example"], [world.mailbox])
    assert f"{code[:4]} {code[4:]}" in text
    assert "evil" not in text
    assert PortalMail.objects.get().state == "sent"
    assert portal_mail.deliver_due() == 0


def test_a_mail_server_that_is_away_is_tried_again_until_the_code_is_worthless(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def __init__(self, mailbox: Mailbox) -> None:
            raise CannotSend("away")

    monkeypatch.setattr(portal_mail, "Session", Away)
    ask_code(email="ann@shop.example", language="en")
    tries = 0
    while portal_mail.deliver_due():
        tries += 1
        mail_row = PortalMail.objects.get()
        assert mail_row.last_error == "away"
        assert mail_row.due_at > now()
        PortalMail.objects.update(due_at=now())

    assert 4 <= tries <= 8
    assert PortalMail.objects.get().state == "dead"


def test_a_sender_that_died_leaves_its_mail_to_the_next(world: World, sent: Sent) -> None:
    ask_code(email="ann@shop.example", language="en")
    (claimed,) = portal_mail.claim_due()
    assert portal_mail.claim_due() == []
    assert claimed.state == "queued"

    PortalMail.objects.update(due_at=now() - timedelta(seconds=1))

    assert portal_mail.deliver_due() == 1
    assert len(sent.mails) == 1


def test_a_code_that_ran_out_is_not_mailed_any_more(world: World, sent: Sent) -> None:
    ask_code(email="ann@shop.example", language="en")
    PortalMail.objects.update(gone_at=now() - timedelta(seconds=1))

    portal_mail.deliver_due()

    assert (sent.mails, PortalMail.objects.get().state) == ([], "dropped")


def test_without_any_mailbox_the_house_s_own_mail_server_brings_the_code(world: World) -> None:
    Mailbox.objects.update(smtp_host="")
    row = ask_code(email="ann@shop.example", language="en")

    portal_mail.deliver_due()

    (out,) = django_mail.outbox
    assert out.to == ["ann@shop.example"]
    assert code_of(row)[:4] in out.body


@pytest.mark.django_db(transaction=True)
def test_the_dispatcher_s_outbox_brings_the_code(sent: Sent) -> None:
    make_world()
    ask_code(email="ann@shop.example", language="en")
    outbox = OutboxRole("outbox", threading.Event())

    outbox.turn()
    outbox._end_term()

    assert [to for _sender, to, _text in sent.mails] == [["ann@shop.example"]]
    assert PortalMail.objects.get().state == "sent"


def test_a_real_mail_server_gets_the_code_as_an_automatic_mail_that_nothing_answers(world: World) -> None:
    with Sink() as server:
        Mailbox.objects.filter(pk=world.mailbox.pk).update(smtp_port=server.port)
        Customer.objects.filter(pk=world.customer.pk).update(language="fa")
        row = ask_code(email="ann@shop.example", language="en")
        portal_mail.deliver_due()
        server.wait_for(1)
        (caught,) = server.caught

    mail_out = caught.mail
    code = code_of(row)
    body = mail_out.get_body(("plain",))
    assert body is not None
    assert f"{code[:4]} {code[4:]}" in body.get_content()
    assert code in str(mail_out["Subject"])
    assert str(mail_out["From"]) == "Halden <support@halden.example>"
    assert (mail_out["Auto-Submitted"], mail_out["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
