"""Nothing of ours reaches the customer's pages: what is internal, not yet sent, taken back, or somebody else's."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client

from helpdesk.actions.conversation import note, reply
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.sending import withdraw_reply
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import Actor, Attachment, Audience, Message, OutgoingMail, SideThread, StatusLabel, Ticket
from helpdesk.now import now
from tests.factories import World, mail, receive
from tests.portal.conftest import Sent, by_code, by_link, leave_now, page_of
from tests.security.rooms import picture

pytestmark = pytest.mark.django_db
SECRET = "words-that-stay-with-us"


def _all_of_it(client: Client, ticket: Ticket) -> str:
    pages = ["/portal/", "/portal/new/", page_of(ticket), f"{page_of(ticket)}said/"]
    return "".join(client.get(path).content.decode() for path in pages)


def _file_of(message: Message) -> Attachment:
    return Attachment.objects.create(
        message=message, name=f"{SECRET}.png", content_type="image/png", size=40, sha256=picture(), created_at=now()
    )


def _is_hidden(client: Client, message: Message) -> bool:
    """Neither the words nor the frame nor a file of the message can be had."""
    file = _file_of(message)
    Message.objects.filter(pk=message.pk).update(html=f"<p>{SECRET}</p>")
    statuses = {
        client.get(path).status_code
        for path in (
            f"/portal/messages/{message.public_id}/frame/",
            f"/portal/files/{file.public_id}/",
            f"/portal/files/{file.public_id}/picture/",
        )
    }
    return statuses == {404} and SECRET not in _all_of_it(client, message.ticket)


def test_notes_and_whispers_are_hidden_with_their_files(world: World, ann: Client) -> None:
    written = note(ticket=world.ticket, actor=Actor.of(world.agent), text=SECRET)
    assert _is_hidden(ann, written)

    Message.objects.filter(pk=written.pk).update(audience=Audience.WHISPER)
    assert _is_hidden(ann, written)


def test_a_reply_is_hidden_until_it_can_no_longer_be_taken_back(world: World, ann: Client, sent: Sent) -> None:
    written = reply(ticket=world.ticket, actor=Actor.of(world.agent), text=SECRET)
    assert _is_hidden(ann, written)

    leave_now(world.ticket)

    assert SECRET in _all_of_it(ann, world.ticket)


def test_a_reply_taken_back_never_appears(world: World, ann: Client) -> None:
    written = reply(ticket=world.ticket, actor=Actor.of(world.agent), text=SECRET)
    withdraw_reply(message=written, actor=Actor.of(world.agent))

    assert _is_hidden(ann, written)


def test_a_reply_taken_back_after_it_was_shown_vanishes(world: World, ann: Client, sent: Sent) -> None:
    written = reply(ticket=world.ticket, actor=Actor.of(world.agent), text=SECRET)
    leave_now(world.ticket)
    Message.objects.filter(pk=written.pk).update(withdrawn_at=now())

    assert _is_hidden(ann, written)


def test_a_scheduled_or_stopped_reply_is_hidden(world: World, ann: Client) -> None:
    written = reply(ticket=world.ticket, actor=Actor.of(world.agent), text=SECRET, send_at=now() + timedelta(days=1))
    assert _is_hidden(ann, written)

    OutgoingMail.objects.update(state=OutgoingMail.State.CANCELLED, attempts=2)

    assert _is_hidden(ann, written)


def test_a_reply_whose_mail_failed_is_shown_all_the_same(world: World, ann: Client) -> None:
    reply(ticket=world.ticket, actor=Actor.of(world.agent), text=SECRET)
    OutgoingMail.objects.update(state=OutgoingMail.State.DEAD, attempts=3)

    assert SECRET in _all_of_it(ann, world.ticket)


def test_a_side_thread_is_hidden_even_where_its_words_were_public(world: World, ann: Client) -> None:
    written = note(ticket=world.ticket, actor=Actor.of(world.agent), text=SECRET)
    thread = SideThread.objects.create(ticket=world.ticket, subject="Part", at=now())
    Message.objects.filter(pk=written.pk).update(audience=Audience.PUBLIC, side_thread=thread)

    assert _is_hidden(ann, written)


def test_internal_words_about_the_ticket_are_nowhere(world: World, ann: Client) -> None:
    agent = Actor.of(world.agent)
    StatusLabel.objects.create(category="on_hold", label_agent=SECRET, label_customer="We wait for a part")
    classify_ticket(ticket=world.ticket, actor=agent, add_tags=["tag-of-ours"], priority=4)
    set_status(ticket=world.ticket, actor=agent, status="on_hold")
    Ticket.objects.filter(pk=world.ticket.pk).update(
        owner=world.agent, label=StatusLabel.objects.get(), snippet=SECRET, fields={"own": SECRET}
    )

    page = _all_of_it(ann, world.ticket)

    for word in (SECRET, "tag-of-ours", "rgent", world.agent.email, world.queue_a.name, "on_hold", world.agent.name):
        assert word not in page, word
    assert "We wait for a part" in page


def test_spam_is_gone_from_the_customer_s_pages(world: World, ann: Client) -> None:
    set_status(ticket=world.ticket, actor=Actor.of(world.agent), status="spam")

    assert ann.get(page_of(world.ticket)).status_code == 404
    assert world.ticket.subject not in ann.get("/portal/").content.decode()


def test_an_html_mail_stands_in_a_frame_that_asks_nobody_and_its_pictures_need_the_session(
    world: World, ann: Client
) -> None:
    body = '<table><tr><td>Rich</td></tr></table><img src="cid:p1"><img src="https://evil.example/x.png">'
    receive(mail("Rich", body, Content_Type="text/html"), mailbox=world.mailbox)
    message = Message.objects.latest("pk")
    file = _file_of(message)
    Attachment.objects.filter(pk=file.pk).update(content_id="<p1>", is_inline=True)
    frame = ann.get(f"/portal/messages/{message.public_id}/frame/")

    assert frame["X-Frame-Options"] == "SAMEORIGIN"
    assert "sandbox" in frame["Content-Security-Policy"]
    text = frame.content.decode()
    assert "evil.example/x.png" not in text
    address = text.partition('src="')[2].partition('"')[0]
    assert address.startswith("/portal/files/inline/")
    stranger = Client()  # the frame has no cookies: the token is its right
    assert stranger.get(address).status_code == 200
    ann.post("/portal/sign-out/")
    assert stranger.get(address).status_code == 404


def test_another_customer_finds_nothing_that_exists(world: World, bob: Client) -> None:
    message = Message.objects.filter(ticket=world.ticket).latest("pk")
    file = _file_of(message)
    Message.objects.filter(pk=message.pk).update(html="<p>x</p>")
    for path in (
        page_of(world.ticket),
        f"{page_of(world.ticket)}said/",
        f"/portal/messages/{message.public_id}/frame/",
        f"/portal/files/{file.public_id}/",
        f"/portal/files/{file.public_id}/picture/",
    ):
        missing = path.replace(path.split("/")[3], str(uuid.uuid4()))
        there, nowhere = bob.get(path), bob.get(missing)
        assert there.status_code == nowhere.status_code == 404, path
        assert _bare(there.content) == _bare(nowhere.content)
    before = Message.objects.count()
    for verb in ("reply", "close", "reopen"):
        assert bob.post(f"{page_of(world.ticket)}{verb}/", {"text": "x"}).status_code == 404
    assert Message.objects.count() == before


def _bare(body: bytes) -> bytes:
    return b"".join(line for line in body.splitlines() if b"csrfmiddlewaretoken" not in line)


def test_the_link_of_one_ticket_gives_no_file_of_another(world: World) -> None:
    browser = by_link(world.ticket)
    receive(mail("Another", "Another matter"), mailbox=world.mailbox)
    other = Message.objects.latest("pk")
    assert other.ticket.customer == world.customer
    file = _file_of(other)

    assert browser.get(f"/portal/files/{file.public_id}/").status_code == 404
    assert by_code(world.customer).get(f"/portal/files/{file.public_id}/").status_code == 200


def test_hostile_words_of_others_stay_words(world: World, ann: Client, sent: Sent) -> None:
    marker = "\"'><img src=x onerror=hit()>"
    reply(ticket=world.ticket, actor=Actor.of(world.agent), text=f"Words {marker}")
    leave_now(world.ticket)
    said = Message.objects.filter(ticket=world.ticket, author_user__isnull=False).get()
    Attachment.objects.filter(pk=_file_of(said).pk).update(name=marker, content_type=marker)
    Ticket.objects.filter(pk=world.ticket.pk).update(subject=marker)
    type(world.agent).objects.update(name=marker)
    type(world.customer).objects.update(name=marker)
    type(world.queue_a).objects.filter(pk=world.queue_a.pk).update(name=marker, is_public=True)
    type(world.mailbox).objects.update(from_name=marker)
    StatusLabel.objects.create(category="pending", label_agent="x", label_customer=marker, is_default=True)

    page = _all_of_it(ann, world.ticket)
    page += ann.post("/portal/new/", {"subject": marker, "text": ""}).content.decode()
    page += ann.post(f"{page_of(world.ticket)}reply/", {"text": marker, "client_id": marker}).content.decode()
    page += Client().post("/portal/sign-in/", {"email": marker}).content.decode()

    assert "<img src=x" not in page
    assert page.count("&lt;img src=x") > 8
