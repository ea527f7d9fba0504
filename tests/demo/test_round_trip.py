"""A customer writes on the page, the helpdesk reads over IMAP and answers over SMTP, the customer reads and replies."""

import re
import smtplib
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from imapclient.exceptions import LoginError

from tests.demo.conftest import RunningServer, StartServer

KATARZYNA = "k.nowak@studio-nowak.example"
SUPPORT = "support@halden.example"


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def helpdesk_reply(
    to: str, answered: EmailMessage, text: str = "The corrected firmware comes at noon."
) -> EmailMessage:
    reply = EmailMessage()
    reply["From"] = f"Sara Lindqvist <{SUPPORT}>"
    reply["Reply-To"] = "support+t0ken@halden.example"
    reply["To"] = to
    reply["Subject"] = f"Re: {answered['Subject']}"
    reply["Message-ID"] = "<answer-1@halden.example>"
    reply["In-Reply-To"] = answered["Message-ID"]
    reply["References"] = answered["Message-ID"]
    reply.set_content(text)
    return reply


def letter_link(page: str) -> str:
    found = re.search(r'class="row__link"[^>]* href="([^"#]+)', page)
    assert found
    return found[1].replace("&amp;", "&")


def test_mail_written_on_the_page_lies_in_the_mailbox_it_was_written_to(server: RunningServer) -> None:
    answer = server.write(KATARZYNA, subject="Dock stopped charging", text="سلام\nIt blinks amber.", html="1")

    assert answer.status == 303
    ((uid, raw),) = server.inbox().items()
    mail = parsed(raw)
    assert uid == 1
    assert mail["From"].addresses[0].addr_spec == KATARZYNA
    assert mail["Subject"] == "Dock stopped charging"
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().split() == ["سلام", "It", "blinks", "amber."]
    assert raw.startswith(
        b"Authentication-Results: demo.halden.example; dmarc=pass header.from=studio-nowak.example\r\n"
    )
    assert mail["Delivered-To"] == SUPPORT
    assert mail["Return-Path"] == f"<{KATARZYNA}>"
    assert server.inbox("billing@halden.example") == {}


def test_restart_keeps_uids_flags_and_uidvalidity(start_server: StartServer) -> None:
    first = start_server()
    for subject in ("one", "two", "three"):
        first.write(KATARZYNA, subject=subject, text="text")
    with first.imap() as client:
        validity = client.select_folder("INBOX")[b"UIDVALIDITY"]
        client.add_flags([1], [b"\\Seen"])
        client.delete_messages([3])
        client.expunge()
    assert first.stop() == 0

    second = start_server()
    second.write(KATARZYNA, subject="four", text="text")
    with second.imap() as client:
        assert client.select_folder("INBOX")[b"UIDVALIDITY"] == validity
        assert client.search() == [1, 2, 4]  # 3 is gone and its UID is not given out again
        assert client.get_flags([1, 2]) == {1: (b"\\Seen",), 2: ()}


def test_killed_server_has_every_mail_it_accepted(start_server: StartServer) -> None:
    first = start_server()
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@outside.example", SUPPORT, "kept"
    mail.set_content("text")
    first.smtp(mail, sender="a@outside.example", recipients=[SUPPORT])
    first.process.kill()
    first.process.wait(10)

    assert [parsed(raw)["Subject"] for raw in start_server().inbox().values()] == ["kept"]


def test_answer_of_the_helpdesk_shows_in_the_thread_with_its_headers(server: RunningServer) -> None:
    server.write(KATARZYNA, subject="Dock stopped charging", text="It blinks amber.")
    question = parsed(server.inbox()[1])
    server.smtp(helpdesk_reply(KATARZYNA, question), sender=SUPPORT, recipients=[KATARZYNA])

    listing = server.get(f"/?as={KATARZYNA}").text
    assert listing.count('class="row__link"') == 1
    shown = server.thread(KATARZYNA, letter_link(listing))
    assert "The corrected firmware comes at noon." in shown
    for header in ("<answer-1@halden.example>", question["Message-ID"], "support@halden.example", "text/plain"):
        assert header in shown


def test_reply_from_the_page_goes_to_reply_to_with_threading_headers_and_quote(server: RunningServer) -> None:
    server.write(KATARZYNA, subject="Dock stopped charging", text="It blinks amber.")
    question = parsed(server.inbox()[1])
    server.smtp(helpdesk_reply(KATARZYNA, question), sender=SUPPORT, recipients=[KATARZYNA])

    fields = {"token": server.token(KATARZYNA), "as": KATARZYNA, "id": "2", "text": "It works now."}
    assert server.post("/reply", fields).status == 303

    reply = parsed(server.inbox()[2])
    assert reply["To"] == reply["Delivered-To"] == "support+t0ken@halden.example"
    assert reply["In-Reply-To"] == "<answer-1@halden.example>"
    assert reply["References"].split() == [question["Message-ID"], "<answer-1@halden.example>"]
    assert reply["Subject"] == "Re: Dock stopped charging"
    assert reply.get_content().replace("\r\n", "\n").startswith("It works now.\n\nOn ")
    assert "> The corrected firmware comes at noon." in reply.get_content()


def test_strangers_mail_over_smtp_brings_no_authentication_of_its_own(server: RunningServer) -> None:
    mail = EmailMessage()
    mail["Authentication-Results"] = "demo.halden.example; dmarc=pass header.from=studio-nowak.example"
    mail["Return-Path"] = "<boss@halden.example>"
    mail["From"], mail["To"], mail["Subject"] = KATARZYNA, SUPPORT, "spoof"
    mail.set_content("text")
    server.smtp(mail, sender="mallory@outside.example", recipients=["Support+abc@Halden.example"])

    received = parsed(server.inbox()[1])
    assert received.get_all("Authentication-Results") == ["demo.halden.example; none"]
    assert received.get_all("Return-Path") == ["<mallory@outside.example>"]


def test_one_mail_to_the_helpdesk_and_to_a_customer_reaches_both(server: RunningServer) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@outside.example", f"{SUPPORT}, {KATARZYNA}", "to both"
    mail.set_content("text")
    server.smtp(mail, sender="a@outside.example", recipients=[SUPPORT, KATARZYNA])

    assert len(server.inbox()) == 1
    assert "to both" in server.get(f"/?as={KATARZYNA}").text


def test_out_of_office_is_an_automatic_answer_to_the_return_path(server: RunningServer) -> None:
    server.write(KATARZYNA, subject="Dock", text="It blinks.")
    server.smtp(helpdesk_reply(KATARZYNA, parsed(server.inbox()[1])), sender=SUPPORT, recipients=[KATARZYNA])

    fields = {"token": server.token(KATARZYNA), "as": KATARZYNA, "id": "2"}
    assert server.post("/out-of-office", fields).status == 303

    notice = parsed(server.inbox()[2])
    assert notice["Auto-Submitted"] == "auto-replied"
    assert notice["Return-Path"] == "<>"
    assert notice["In-Reply-To"] == "<answer-1@halden.example>"


def test_bounce_is_a_delivery_report_that_names_the_customer_and_the_lost_mail(server: RunningServer) -> None:
    server.write(KATARZYNA, subject="Dock", text="It blinks.")
    server.smtp(helpdesk_reply(KATARZYNA, parsed(server.inbox()[1])), sender=SUPPORT, recipients=[KATARZYNA])

    fields = {"token": server.token(KATARZYNA), "as": KATARZYNA, "id": "2"}
    assert server.post("/bounce", fields).status == 303

    bounce = parsed(server.inbox()[2])
    assert bounce.get_content_type() == "multipart/report"
    assert bounce["Return-Path"] == "<>"
    _, report, lost = list(bounce.iter_parts())
    of_message, of_recipient = report.iter_parts()
    assert of_message["Reporting-MTA"] == "dns; mx.studio-nowak.example"
    assert (of_recipient["Final-Recipient"], of_recipient["Action"], of_recipient["Status"]) == (
        f"rfc822; {KATARZYNA}",
        "failed",
        "5.1.1",
    )
    assert "Message-ID: <answer-1@halden.example>" in lost.get_content()


def test_mail_with_an_empty_return_path_is_neither_bounced_nor_answered_by_a_machine(server: RunningServer) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SUPPORT, KATARZYNA, "We received your mail"
    mail.set_content("text")
    server.smtp(mail, sender="", recipients=[KATARZYNA])

    fields = {"token": server.token(KATARZYNA), "as": KATARZYNA, "id": "1"}
    assert server.post("/bounce", fields).status == 422
    assert server.post("/out-of-office", fields).status == 422
    assert server.inbox() == {}


def test_idle_client_is_told_of_new_mail(server: RunningServer) -> None:
    with server.imap() as client:
        client.select_folder("INBOX")
        client.idle()
        server.write(KATARZYNA, subject="Dock", text="It blinks.")
        told = client.idle_check(timeout=10)
        client.idle_done()
    assert (1, b"EXISTS") in told


def test_mailbox_opens_only_with_its_password(server: RunningServer) -> None:
    with server.imap("SUPPORT@halden.example") as client:
        assert client.folder_exists("INBOX")
    for user, password in ((SUPPORT, "wrong"), ("nobody@halden.example", "demo")):
        with pytest.raises(LoginError):
            server.imap(user, password)


def test_broken_date_and_very_long_line_do_not_stop_a_client(server: RunningServer) -> None:
    raw = b"From: a@outside.example\r\nDate: the day after\r\nSubject: odd\r\n\r\n" + b"x" * 200_000 + b"\r\n.\r\n"
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=10) as client:
        client.sendmail("a@outside.example", [SUPPORT], raw)

    with server.imap() as imap:
        imap.select_folder("INBOX", readonly=True)
        fetched = imap.fetch([1], ["ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE", "BODY.PEEK[]"])[1]
    assert fetched[b"BODY[]"].endswith(b"\r\n\r\n" + b"x" * 200_000 + b"\r\n.\r\n")
    assert fetched[b"RFC822.SIZE"] == len(fetched[b"BODY[]"])


def test_mailbox_login_also_opens_smtp_and_a_wrong_password_does_not(server: RunningServer) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=10) as client:
        assert client.login(SUPPORT, "demo")[0] == 235
    with smtplib.SMTP("127.0.0.1", server.smtp_port, timeout=10) as client, pytest.raises(smtplib.SMTPException):
        client.login(SUPPORT, "wrong")
