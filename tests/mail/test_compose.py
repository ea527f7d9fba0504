"""What leaves: the MIME text as the customer's program reads it, and what no text can do to it."""

from __future__ import annotations

import base64
import email
import re
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

import pytest

from helpdesk import blobs
from helpdesk.actions.conversation import reply
from helpdesk.actions.delivery import deliver_due
from helpdesk.mail import tokens
from helpdesk.models import Actor, Attachment, Mailbox, Message, OutgoingMail, Ticket
from helpdesk.now import now
from tests.corpora import CORPORA, needs_corpora
from tests.factories import World, mail, receive
from tests.mailservers.sink import Caught, Sink

pytestmark = pytest.mark.django_db
INJECTIONS = CORPORA / "urls" / "mail-header-injection.txt"


@pytest.fixture
def box(world: World, sink: Sink) -> Mailbox:
    """The mailbox of the world, sending to the sink."""
    world.mailbox.smtp_port = sink.port
    world.mailbox.signature = "{agent_name}\n{mailbox_name}, ticket {ticket_number}"
    world.mailbox.save()
    return world.mailbox


def asked(box: Mailbox, subject: str = "Dock broken", text: str = "It does not charge.", **headers: str) -> Ticket:
    (row,) = receive(mail(subject, text, Message_ID="<q1@shop.example>", **headers), mailbox=box)
    assert row.ticket is not None
    return row.ticket


def answered(world: World, ticket: Ticket, sink: Sink, text: str = "Try another cable.", **more: Any) -> Caught:
    """The answer as it arrived."""
    ticket.refresh_from_db()
    message = reply(ticket=ticket, actor=Actor.of(world.agent), text=text, **more)
    OutgoingMail.objects.filter(message=message).update(due_at=now())
    deliver_due()
    return sink.caught[-1]


def read(caught: Caught, name: str) -> str:
    """A header decoded as RFC 2047 says; the parser of `policy.default` loses blanks between encoded words."""
    return str(make_header(decode_header(re.sub(r"\r?\n", "", email.message_from_bytes(caught.content)[name]))))


def part(mail_: EmailMessage, kind: str) -> str:
    found = mail_.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def test_an_answer_threads_in_every_program(world: World, box: Mailbox, sink: Sink) -> None:
    ticket = asked(box)

    first = answered(world, ticket, sink).mail
    second = answered(world, ticket, sink, "One more thing.").mail

    assert (first["Subject"], second["Subject"]) == ("Re: Dock broken", "Re: Dock broken")
    assert (first["In-Reply-To"], first["References"]) == ("<q1@shop.example>", "<q1@shop.example>")
    assert second["In-Reply-To"] == "<q1@shop.example>"
    assert second["References"].split() == [first["Message-ID"], "<q1@shop.example>"]
    assert first["Thread-Topic"] == "Dock broken"
    head = base64.b64decode(first["Thread-Index"])[:22]
    assert base64.b64decode(second["Thread-Index"])[:22] == head
    assert head[6:22] == ticket.public_id.bytes


def test_a_long_conversation_keeps_its_first_id_and_the_newest(world: World, box: Mailbox, sink: Sink) -> None:
    ticket = asked(box)
    for n in range(15):
        receive(
            mail(
                "Re: Dock broken",
                f"More {n}",
                Message_ID=f"<m{n}.{'x' * 300}@shop.example>",
                In_Reply_To="<q1@shop.example>",
            ),
            mailbox=box,
        )

    caught = answered(world, ticket, sink)

    references = str(caught.mail["References"]).split()
    assert (len(references), references[0]) == (12, "<q1@shop.example>")
    assert references[-1] == f"<m14.{'x' * 300}@shop.example>" == caught.mail["In-Reply-To"]
    assert max(len(line) for line in caught.content.split(b"\r\n")) <= 998


def test_ids_and_reply_address_are_signed(world: World, box: Mailbox, sink: Sink) -> None:
    ticket = asked(box)

    caught = answered(world, ticket, sink)

    assert tokens.number_in_identifier(caught.identifier) == ticket.number
    assert tokens.number_in_identifier(caught.identifier.replace(caught.identifier[-20], "a", 1) + "x") in {
        None,
        ticket.number,
    }
    reply_to: Address = caught.mail["Reply-To"].addresses[0]
    assert tokens.number_in_address(reply_to.addr_spec) == ticket.number
    box.plus_addressing = False
    box.save()
    assert answered(world, ticket, sink).mail["Reply-To"] is None


def test_an_answer_to_the_reply_address_or_to_the_id_alone_comes_back_to_its_ticket(
    world: World, box: Mailbox, sink: Sink
) -> None:
    ticket = asked(box)
    caught = answered(world, ticket, sink).mail

    by_address, by_id = receive(
        mail("New subject", to=caught["Reply-To"].addresses[0].addr_spec),
        mail("Another subject", In_Reply_To=str(caught["Message-ID"])),
        mailbox=box,
    )

    assert (by_address.ticket_id, by_id.ticket_id) == (ticket.pk, ticket.pk)


def test_the_body_has_text_and_html_with_signature_and_quoted_history(world: World, box: Mailbox, sink: Sink) -> None:
    ticket = asked(box, text="It does not charge.\nNot even <slowly>.")

    caught = answered(world, ticket, sink, text="Try <another> cable.\n\nRegards").mail

    assert caught.get_content_type() == "multipart/alternative"
    text, html = part(caught, "plain"), part(caught, "html")
    assert text.startswith("Try <another> cable.\n\nRegards\n\n-- \nSara Agent\nHalden, ticket ")
    assert "Ann Example wrote:\n> It does not charge.\n> Not even <slowly>.\n" in text
    assert "Try &lt;another&gt; cable." in html
    assert re.search(r'<blockquote type="cite"[^>]*>.*Not even &lt;slowly&gt;\.', html, re.DOTALL)
    sender: Address = caught["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == ("Sara Agent (Halden)", "support@halden.example")
    assert parsedate_to_datetime(str(caught["Date"])).tzinfo is not None
    assert caught["X-Helpdesk-Loop"] == "support@halden.example"
    assert caught["Auto-Submitted"] is None


def test_every_script_and_long_subject_arrives_as_written_in_lines_that_rules_allow(
    world: World, box: Mailbox, sink: Sink
) -> None:
    subject = "قاعدة الشحن لا تعمل 扩展坞不能充电 " * 6
    ticket = asked(box)
    Ticket.objects.filter(pk=ticket.pk).update(subject=subject.strip())

    caught = answered(world, ticket, sink, text="سلام\n" + "长" * 3000)

    assert read(caught, "Subject") == f"Re: {subject.strip()}"
    assert "长" * 3000 in part(caught.mail, "plain")
    head = caught.content.partition(b"\r\n\r\n")[0]
    assert all(len(word) <= 75 for word in re.findall(rb"=\?[^?]+\?[bq]\?[^?]*\?=", head))
    assert max(len(line) for line in caught.content.split(b"\r\n")) <= 998
    assert caught.content.isascii()


def test_attachments_arrive_byte_for_byte_with_their_names(world: World, box: Mailbox, sink: Sink) -> None:
    ticket = asked(box)
    content = bytes(range(256)) * 300
    files = [
        Attachment.objects.create(
            ticket=ticket,
            name=name,
            content_type=kind,
            size=len(content),
            sha256=blobs.put(content),
            uploaded_by=world.agent,
            created_at=now(),
        )
        for name, kind in [
            ("فاتورة رقم 1.pdf", "application/pdf"),
            ('a"b\r\nX-Evil: 1.txt', "text/plain"),
            ("x.eml", "message/rfc822"),
        ]
    ]

    caught = answered(world, ticket, sink, attachments=files).mail

    assert caught.get_content_type() == "multipart/mixed"
    arrived = list(caught.iter_attachments())
    assert [a.get_filename() for a in arrived] == ["فاتورة رقم 1.pdf", 'a"b X-Evil: 1.txt', "x.eml"]
    assert [a.get_payload(decode=True) for a in arrived] == [content] * 3
    assert "X-Evil" not in caught


def test_names_in_every_script_arrive_whole(world: World, box: Mailbox, sink: Sink) -> None:
    ticket = asked(box)
    names = [
        "آن ماری رضایی فراهانی از شرکت نمونه",
        'O"Neil, Ann (x)',
        "李 明",
        "Zoë Müller-Lüdenscheidt von und zu Ärgernis",
    ]
    people = [{"kind": "to", "email": f"p{n}@shop.example", "name": name} for n, name in enumerate(names)]

    caught = answered(world, ticket, sink, recipients=people)

    raw = email.message_from_bytes(caught.content)["To"]
    found = [(str(make_header(decode_header(name))), address) for name, address in getaddresses([raw])]
    assert found == [(name, f"p{n}@shop.example") for n, name in enumerate(names)]


def test_bcc_is_told_to_the_server_only(world: World, box: Mailbox, sink: Sink) -> None:
    ticket = asked(box)
    people = [("to", "ann@shop.example"), ("cc", "cc@shop.example"), ("bcc", "quiet@shop.example")]

    caught = answered(world, ticket, sink, recipients=[{"kind": k, "email": e, "name": ""} for k, e in people])

    assert caught.recipients == ["ann@shop.example", "cc@shop.example", "quiet@shop.example"]
    assert b"quiet@" not in caught.content


def test_a_text_cannot_end_the_mail_or_begin_another(world: World, box: Mailbox, sink: Sink) -> None:
    ticket = asked(box)
    text = "Hello\n.\nMAIL FROM:<evil@evil.example>\nRCPT TO:<victim@example.org>\nDATA\nSmuggled\n.\n..two\n.leading"

    caught = answered(world, ticket, sink, text=text)

    assert len(sink.caught) == 1
    assert part(caught.mail, "plain").startswith(text)


SHAPES = ["subject", "customer name", "file name", "agent name", "mailbox name", "address"]


@needs_corpora
@pytest.mark.parametrize("shape", SHAPES)
def test_no_known_injection_adds_a_header_or_a_recipient(shape: str, world: World, box: Mailbox, sink: Sink) -> None:
    lines = [line for line in INJECTIONS.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert lines
    clean = _answer_with(world, box, sink, shape, "Plain words")
    for line in lines:
        text = line.encode().decode("unicode_escape", "replace") if "\\" in line else line
        count = len(sink.caught)
        caught = _answer_with(world, box, sink, shape, text)
        if caught is None:
            assert len(sink.caught) == count  # refused before anything was said
            continue
        assert clean is not None
        wanted = {text.strip() if shape == "address" else "ann@shop.example"}  # an odd address is one address
        assert set(caught.recipients) == wanted, line
        assert sorted(caught.mail.keys()) == sorted(clean.mail.keys()), line
        assert {
            a.addr_spec for h in ("To", "Cc", "Bcc") if caught.mail[h] for a in caught.mail[h].addresses
        } == wanted, line
        assert [a.addr_spec for a in caught.mail["From"].addresses] == ["support@halden.example"], line
        assert len(sink.caught) == count + 1


def _answer_with(world: World, box: Mailbox, sink: Sink, shape: str, text: str) -> Caught | None:
    from helpdesk.actions import BadInput
    from tests.factories import make_ticket

    ticket = make_ticket(box.queue, world.customer)
    Ticket.objects.filter(pk=ticket.pk).update(mailbox=box)
    recipient = {"kind": "to", "email": "ann@shop.example", "name": ""}
    files: list[Attachment] = []
    if shape == "subject":
        Ticket.objects.filter(pk=ticket.pk).update(subject=text)
        Message.objects.filter(ticket=ticket).update(subject=text)
    elif shape == "customer name":
        recipient["name"] = text
    elif shape == "agent name":
        world.agent.name = text
        world.agent.save()
    elif shape == "mailbox name":
        Mailbox.objects.filter(pk=box.pk).update(from_name=text)
    elif shape == "address":
        recipient["email"] = text if text != "Plain words" else "ann@shop.example"
    else:
        files = [
            Attachment.objects.create(
                ticket=ticket,
                name=text,
                content_type="text/plain",
                size=1,
                sha256=blobs.put(b"x"),
                uploaded_by=world.agent,
                created_at=now(),
            )
        ]
    ticket.refresh_from_db()
    count = len(sink.caught)
    try:
        message = reply(
            ticket=ticket, actor=Actor.of(world.agent), text="Answer", recipients=[recipient], attachments=files
        )
    except BadInput:
        return None
    OutgoingMail.objects.filter(message=message).update(due_at=now())
    deliver_due()
    return sink.caught[-1] if len(sink.caught) > count else None
