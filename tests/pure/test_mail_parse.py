"""Raw bytes to ParsedMail: line ends, headers, sender and envelope."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from helpdesk.mail.message import Address, MachineKind
from helpdesk.mail.parse import parse_mail
from tests.pure.mail_pieces import HEAD, encoded, multipart, part


def test_plain_mail_is_read_whole() -> None:
    mail = parse_mail(
        HEAD + b"In-Reply-To: <ours@shop.example>\r\nReferences: <a@x> <ours@shop.example>\r\n\r\nHello.\r\n"
    )
    assert mail.sender == Address("jane@customer.example", "Jane Doe")
    assert mail.to == (Address("support@shop.example"),)
    assert (mail.subject, mail.message_id, mail.text) == ("Order 5", "m1@customer.example", "Hello.")
    assert (mail.in_reply_to, mail.references) == (("ours@shop.example",), ("a@x", "ours@shop.example"))
    assert mail.date == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert (mail.machine, mail.bounce, mail.is_forward, mail.defects) == (MachineKind.HUMAN, None, False, ())


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\n", b"\r\r\n"])
def test_every_kind_of_line_end_gives_the_same_mail(ending: bytes) -> None:
    raw = HEAD + multipart("mixed", part("text/plain", "One\r\nTwo"), encoded("image/png", b"\x89PNG", 'X: "y"'))
    mail = parse_mail(raw.replace(b"\r\n", ending))
    assert (mail.subject, mail.text.split(), [a.content for a in mail.attachments]) == (
        "Order 5",
        ["One", "Two"],
        [b"\x89PNG"],
    )


@pytest.mark.parametrize(
    "front",
    [b"\xef\xbb\xbf", b"\r\n\r\n", b"From jane@customer.example Mon Mar  2 10:00:00 2026\r\n", b">From x y\r\n"],
)
def test_what_stands_before_the_first_header_is_passed_over(front: bytes) -> None:
    assert parse_mail(front + HEAD + b"\r\nHello.").subject == "Order 5"


def test_text_without_any_header_is_a_mail_without_a_sender() -> None:
    mail = parse_mail(b"Hi there,\n\nNote: this is only text.\n")
    assert (mail.sender, mail.subject) == (None, "")
    assert mail.text == "Hi there,\n\nNote: this is only text."


def test_headers_without_a_body_are_a_mail_without_text() -> None:
    mail = parse_mail(HEAD.rstrip())
    assert (mail.subject, mail.text, mail.attachments) == ("Order 5", "", ())


def test_missing_blank_line_starts_the_body_at_the_first_line_that_is_no_header() -> None:
    mail = parse_mail(HEAD + b"Hello, this is the text\r\nand more\r\n")
    assert (mail.subject, mail.text) == ("Order 5", "Hello, this is the text\nand more")
    assert mail.defects == ("No blank line between header and body.",)


def test_stray_line_inside_the_header_is_passed_over() -> None:
    mail = parse_mail(b"From: a@x.example\r\nbroken continuation\r\nSubject: Order 5\r\n\r\nHello.")
    assert (mail.subject, mail.text) == ("Order 5", "Hello.")


def test_mail_without_from_takes_its_sender_from_elsewhere_and_says_so() -> None:
    mail = parse_mail(b"Sender: list@x.example\r\nSubject: a\r\n\r\nb")
    assert mail.sender == Address("list@x.example")
    assert mail.defects == ("No address in From, taken from Sender.",)


def test_null_from_of_a_daemon_is_no_sender() -> None:
    assert parse_mail(b"From: Mail System <>\r\nReturn-Path: <a@x.example>\r\nSubject: a\r\n\r\nb").sender is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [(b"", None), (b"Return-Path: <>\r\n", ""), (b"Return-Path: <Jane@X.example>\r\n", "Jane@x.example")],
)
def test_null_return_path_differs_from_none(header: bytes, expected: str | None) -> None:
    assert parse_mail(header + HEAD + b"\r\nb").return_path == expected


def test_envelope_recipients_lists_and_verdicts_are_kept() -> None:
    mail = parse_mail(
        b"Delivered-To: support+abc@shop.example\r\nX-Original-To: support@shop.example\r\n"
        b"Authentication-Results: mx.shop.example;\r\n dmarc=pass\r\nAuthentication-Results: other; dmarc=fail\r\n"
        b"X-Original-From: Kim <kim@x.example>\r\nList-Id: Team list <team.x.example>\r\nContent-Language: de-DE\r\n"
        + HEAD
        + b"\r\nb"
    )
    assert mail.delivered_to == ("support+abc@shop.example", "support@shop.example")
    assert mail.authentication_results == ("mx.shop.example; dmarc=pass", "other; dmarc=fail")
    assert (mail.original_from, mail.list_id, mail.language_hint) == (
        Address("kim@x.example", "Kim"),
        "team.x.example",
        "de",
    )
