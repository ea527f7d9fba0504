"""Mails that break the rules are read as far as they go, or refused with a reason; bounces and loops are found."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpdesk.mail.message import Address, MachineKind, UnreadableMail
from helpdesk.mail.mime import Limits
from helpdesk.mail.parse import parse_mail
from tests.pure.mail_pieces import HEAD, encoded, multipart, part


def test_missing_boundary_is_guessed_from_the_body() -> None:
    raw = HEAD + b"Content-Type: multipart/mixed\r\n\r\n--xyz\r\nContent-Type: text/plain\r\n\r\nHello\r\n--xyz--\r\n"
    assert parse_mail(raw).text == "Hello"


def test_wrong_boundary_is_guessed_from_the_body() -> None:
    raw = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=abc\r\n\r\n"
        + b"--xyz\r\nContent-Type: text/plain\r\n\r\nHello\r\n--xyz--\r\n"
    )
    assert parse_mail(raw).text == "Hello"


def test_multipart_without_parts_is_text() -> None:
    assert parse_mail(HEAD + b"Content-Type: multipart/mixed; boundary=abc\r\n\r\nHello").text == "Hello"


def test_boundary_that_another_one_begins_with_is_told_apart() -> None:
    inner = multipart(
        "alternative", part("text/plain", "Hello"), part("text/html", "<p>Hello</p>"), boundary="b1-inner"
    )
    assert parse_mail(HEAD + multipart("mixed", inner, part("text/plain", "Footer"))).text == "Hello\nFooter"


def test_multipart_without_its_end_is_read() -> None:
    raw = (HEAD + multipart("mixed", part("text/plain", "Hello"), encoded("image/png; name=a.png", b"\x89")))[:-6]
    mail = parse_mail(raw)
    assert (mail.text, [a.name for a in mail.attachments]) == ("Hello", ["a.png"])


def test_two_from_fields_count_as_the_first() -> None:
    mail = parse_mail(b"From: a@x.example\r\nFrom: b@x.example\r\nSubject: s\r\n\r\nb")
    assert mail.sender == Address("a@x.example")
    assert "More than one From field, the first one counts." in mail.defects


def test_nul_bytes_and_surrogates_are_not_in_any_text() -> None:
    raw = b"From: a\x00@x.example\r\nSubject: a\x00b\xed\xa0\x80\r\n\r\ntext\x00 and \xed\xa0\x80 end"
    mail = parse_mail(raw)
    for text in (mail.subject, mail.text, mail.reply_text):
        assert "\x00" not in text
        assert text.encode("utf-8")


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "empty"),
        (b" \r\n\x00\r\n", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Outlook"),
        (bytes(range(32)) * 200, "binary"),
    ],
)
def test_what_is_no_mail_is_unreadable_with_a_reason(raw: bytes, word: str) -> None:
    with pytest.raises(UnreadableMail) as caught:
        parse_mail(raw)
    assert word in caught.value.reason


def test_mail_over_the_size_limit_is_unreadable_and_one_at_it_is_not() -> None:
    raw = HEAD + b"\r\nHello"
    with pytest.raises(UnreadableMail):
        parse_mail(raw, limits=Limits(max_bytes=len(raw) - 1))
    assert parse_mail(raw, limits=Limits(max_bytes=len(raw))).text == "Hello"


def test_mail_from_our_own_address_is_a_loop() -> None:
    ours = frozenset({"support@shop.example"})
    mail = parse_mail(b"From: Support+x@shop.example\r\nSubject: s\r\n\r\nb", our_addresses=ours)
    assert mail.machine is MachineKind.LOOP


def test_bounce_is_found_and_nothing_is_folded_in_it() -> None:
    report = multipart(
        "report; report-type=delivery-status",
        part("text/plain", "Your mail could not be delivered."),
        part(
            "message/delivery-status",
            "Reporting-MTA: dns; mx.x\r\n\r\n"
            "Final-Recipient: rfc822; kim@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
        ),
        part("message/rfc822", b"Message-ID: <ours@shop.example>\r\nSubject: s\r\n\r\nb"),
    )
    mail = parse_mail(b"Return-Path: <>\r\nFrom: MAILER-DAEMON@x.example\r\nSubject: Undelivered\r\n" + report)
    assert mail.machine is MachineKind.BOUNCE
    assert mail.bounce is not None
    assert (mail.bounce.recipients[0].email, mail.bounce.original_message_id) == ("kim@x.example", "ours@shop.example")
    assert not mail.is_forward


_PIECES = [
    b"From: a@b\r\n",
    b"Subject: x\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"--b\r\n",
    b"--b--\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"Content-Type: text/html\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"\x00",
    b"\xff",
    b"<b>x",
    b"begin 644 a\r\n",
    b"=?utf-8?q?",
    b"Content-Disposition: attachment; filename=",
    b"Content-Type: text/calendar\r\n",
    b"Content-Type: application/ms-tnef\r\n",
    b"\x78\x9f\x3e\x22",
    b"Content-Type: multipart/alternative\r\n",
    b" ",
    b"text",
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(_PIECES) | st.binary(max_size=20), max_size=30))
def test_any_row_of_mail_pieces_is_read_or_refused_with_a_reason(pieces: list[bytes]) -> None:
    try:
        mail = parse_mail(b"".join(pieces))
    except UnreadableMail as error:
        assert error.reason
    else:
        assert not any(defect.startswith("Reading the") for defect in mail.defects), mail.defects
