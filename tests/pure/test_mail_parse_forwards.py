"""Mails within mails: attached ones, forwarded ones, and answers that are neither."""

from __future__ import annotations

import pytest

from helpdesk.mail.message import Address
from helpdesk.mail.parse import parse_mail
from tests.pure.mail_pieces import HEAD, multipart, part

INNER = b"From: Kim <kim@third.example>\r\nSubject: Broken pump\r\n\r\nIt leaks.\r\n"


def test_attached_mail_is_a_file_named_by_its_subject_and_the_forwarded_original() -> None:
    raw = HEAD + multipart("mixed", part("text/plain", "See attached"), part("message/rfc822", INNER))
    mail = parse_mail(raw)
    assert [(a.name, a.content_type) for a in mail.attachments] == [("Broken pump.eml", "message/rfc822")]
    assert mail.is_forward
    assert mail.forwarded is not None
    assert (mail.forwarded.sender, mail.forwarded.subject) == (Address("kim@third.example", "Kim"), "Broken pump")
    assert mail.text == "See attached"


def test_mail_that_is_nothing_but_another_mail_shows_its_text() -> None:
    mail = parse_mail(HEAD + part("message/rfc822", INNER))
    assert (mail.text, mail.is_forward) == ("It leaks.", True)


def test_attached_mail_in_an_answer_makes_no_forward() -> None:
    raw = (
        HEAD
        + b"In-Reply-To: <x@shop.example>\r\n"
        + multipart("mixed", part("text/plain", "Hi"), part("message/rfc822", INNER))
    )
    assert not parse_mail(raw).is_forward


@pytest.mark.parametrize(
    "subject",
    [
        "Fwd: Order",
        "FW: Order",
        "WG: Bestellung",
        "Tr: Commande",
        "RV: Pedido",
        "I: Ordine",
        "ENC: Pedido",
        "Doorst: Bestelling",
        "VL: Tilaus",
        "PD: Zamówienie",
        "转发：订单",
        "轉寄: 訂單",
        "إعادة توجيه: طلب",
        "ارسال به جلو: سفارش",
        "[Fwd: Order]",
        "[List] Fwd: Order",
    ],
)
def test_localised_forward_prefix_is_known(subject: str) -> None:
    raw = f"From: a@x.example\r\nSubject: {subject}\r\n\r\nSee below\r\n".encode()
    assert parse_mail(raw).is_forward


@pytest.mark.parametrize(
    "subject",
    ["Re: Order", "AW: Fwd: Order", "Forward planning", "Invoice", "رد: طلب", "回复：订单", "I have a question"],
)
def test_answers_and_plain_subjects_are_no_forwards(subject: str) -> None:
    raw = f"From: a@x.example\r\nSubject: {subject}\r\n\r\nHello\r\n".encode()
    assert not parse_mail(raw).is_forward


def test_forwarded_block_names_the_original_sender() -> None:
    raw = (
        b"From: agent@shop.example\r\nSubject: Fwd: Broken pump\r\n\r\nFYI\r\n\r\n"
        b"---------- Forwarded message ---------\r\n"
        b"From: Kim <kim@third.example>\r\nDate: Sun, Mar 1, 2026 at 9:00 AM\r\nSubject: Broken pump\r\n"
        b"To: <agent@shop.example>\r\n\r\nIt leaks.\r\n"
    )
    mail = parse_mail(raw)
    assert mail.forwarded is not None
    assert mail.forwarded.sender == Address("kim@third.example", "Kim")
