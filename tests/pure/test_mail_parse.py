"""Whole mails read: bodies, files, forwards, and everything that is broken in the wild. All mails here are our own."""

from __future__ import annotations

import base64
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpdesk.mail.message import Address, MachineKind, UnreadableMail
from helpdesk.mail.mime import Limits
from helpdesk.mail.parse import parse_mail

HEAD = (
    b"From: Jane Doe <jane@customer.example>\r\nTo: support@shop.example\r\nSubject: Order 5\r\n"
    b"Message-ID: <m1@customer.example>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
)


def part(content_type: str, body: bytes | str, *more: str) -> bytes:
    """One body part with its headers."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"Content-Type: {content_type}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def multipart(kind: str, *parts: bytes, boundary: str = "b1") -> bytes:
    """A multipart body with its Content-Type field."""
    marked = b"".join(b"--" + boundary.encode() + b"\r\n" + one + b"\r\n" for one in parts)
    return (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode() + marked + f"--{boundary}--".encode()
    )


def encoded(content_type: str, data: bytes, *more: str) -> bytes:
    """A part in Base64."""
    return part(content_type, base64.encodebytes(data), "Content-Transfer-Encoding: base64", *more)


def names(raw: bytes) -> list[str]:
    return [attachment.name for attachment in parse_mail(raw).attachments]


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


# --- bodies ---


def test_alternative_keeps_text_and_html() -> None:
    mail = parse_mail(
        HEAD + multipart("alternative", part("text/plain", "Hello."), part("text/html", "<p>Hello <b>you</b></p>"))
    )
    assert mail.text == "Hello."
    assert "<b>you</b>" in mail.html


def test_html_alone_gives_its_text() -> None:
    mail = parse_mail(HEAD + part("text/html", "<p>Hello</p><p>you</p>"))
    assert mail.text.split() == ["Hello", "you"]
    assert mail.reply_text.split() == ["Hello", "you"]


def test_script_of_a_mail_is_not_in_its_html() -> None:
    assert "script" not in parse_mail(HEAD + part("text/html", "<p>a</p><script>alert(1)</script>")).html


def test_empty_plain_alternative_does_not_hide_the_html() -> None:
    mail = parse_mail(HEAD + multipart("alternative", part("text/plain", " \r\n"), part("text/html", "<p>Hello</p>")))
    assert mail.text == "Hello"


def test_alternative_whose_second_part_is_related_shows_its_image_inline() -> None:
    related = multipart(
        "related",
        part("text/html", '<p>Hello <img src="cid:logo@x"></p>'),
        encoded("image/png", b"\x89PNG", "Content-ID: <logo@x>", "Content-Disposition: inline; filename=logo.png"),
        boundary="b2",
    )
    mail = parse_mail(HEAD + multipart("alternative", part("text/plain", "Hello"), related))
    assert mail.text == "Hello"
    assert [(a.name, a.content_id, a.inline) for a in mail.attachments] == [("logo.png", "logo@x", True)]


def test_image_with_an_identifier_nobody_refers_to_is_a_file() -> None:
    raw = HEAD + multipart("mixed", part("text/html", "<p>Hi</p>"), encoded("image/png", b"\x89", "Content-ID: <x@y>"))
    assert [(a.name, a.inline) for a in parse_mail(raw).attachments] == [("image-1.png", False)]


def test_image_named_by_its_location_is_shown_inline() -> None:
    raw = HEAD + multipart(
        "related",
        part("text/html", '<img src="http://x.example/a.png">'),
        encoded("image/png", b"\x89", "Content-Location: http://x.example/a.png"),
    )
    mail = parse_mail(raw)
    assert mail.attachments[0].inline
    assert mail.attachments[0].content_id


def test_texts_around_a_picture_are_joined_in_order() -> None:
    raw = HEAD + multipart(
        "mixed", part("text/plain", "Above"), encoded("image/png", b"\x89", "X: y"), part("text/plain", "Below")
    )
    assert parse_mail(raw).text == "Above\nBelow"


def test_footer_that_a_list_adds_stands_in_text_and_html() -> None:
    inner = multipart("alternative", part("text/plain", "Hello"), part("text/html", "<p>Hello</p>"), boundary="b2")
    mail = parse_mail(HEAD + multipart("mixed", inner, part("text/plain", "list <footer>")))
    assert mail.text == "Hello\nlist <footer>"
    assert "list &lt;footer&gt;" in mail.html


def test_plain_part_that_is_html_is_read_as_html() -> None:
    mail = parse_mail(HEAD + part("text/plain", "<!DOCTYPE html><html><body><p>Hello</p></body></html>"))
    assert (mail.text, "<p>Hello</p>" in mail.html) == ("Hello", True)


def test_charset_of_the_html_itself_counts_where_the_header_has_none() -> None:
    body = '<meta charset="koi8-r"><p>Привет</p>'.encode("koi8-r")
    assert parse_mail(HEAD + part("text/html", body)).text == "Привет"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain; charset=gb2312", "你好，我的订单".encode("gb18030")),
        ("text/plain; charset=x-nonsense", "你好，我的订单".encode()),
        ("text/plain; charset=us-ascii", "你好，我的订单".encode()),
        ("text/plain;;; charset==utf-8", "你好，我的订单".encode()),
        ("text/plain charset=utf-8", "你好，我的订单".encode()),
        ("text", "你好，我的订单".encode()),
    ],
)
def test_text_is_read_whatever_charset_is_claimed(content_type: str, body: bytes) -> None:
    assert parse_mail(HEAD + part(content_type, body)).text == "你好，我的订单"


def test_flowed_text_is_joined_to_paragraphs() -> None:
    body = "A long line that \r\ngoes on.\r\n> quoted text that \r\n> goes on\r\n-- \r\nJane\r\n"
    mail = parse_mail(HEAD + part("text/plain; format=flowed", body))
    assert mail.text == "A long line that goes on.\n> quoted text that goes on\n-- \nJane"


def test_flowed_text_with_delsp_joins_words_of_languages_without_blanks() -> None:
    mail = parse_mail(HEAD + part("text/plain; format=flowed; delsp=yes; charset=utf-8", "你好 \r\n世界\r\n"))
    assert mail.text == "你好世界"


def test_reply_and_history_are_told_apart() -> None:
    mail = parse_mail(
        HEAD + b"\r\nThanks!\r\n\r\nOn Mon, Mar 2, 2026 at 9:00 AM S <s@shop.example> wrote:\r\n> Hello\r\n"
    )
    assert mail.reply_text == "Thanks!"
    assert "> Hello" in mail.text


def test_reply_in_html_folds_the_quoted_block() -> None:
    quote = '<div class="gmail_quote"><div>On Monday Shop wrote:</div><blockquote>Hello</blockquote></div>'
    html = f"<div>Thanks!</div>{quote}"
    mail = parse_mail(HEAD + part("text/html", html))
    assert (mail.reply_text, "Hello" in mail.html, "Hello" in mail.reply_html) == ("Thanks!", True, False)


def test_body_over_the_limit_is_shown_in_part_and_kept_whole_as_a_file() -> None:
    mail = parse_mail(HEAD + b"\r\n" + b"line\r\n" * 1000, limits=Limits(max_text_characters=100))
    assert len(mail.text) <= 100
    assert [(a.name, len(a.content)) for a in mail.attachments] == [("message.txt", 6000)]


# --- files ---


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["Content-Disposition: attachment; filename=a.pdf"], "a.pdf"),
        (["Content-Disposition: attachment; filename*=utf-8''%D8%AA%D9%82%D8%B1%D9%8A%D8%B1.pdf"], "تقرير.pdf"),
        (["Content-Disposition: attachment; filename*0=long; filename*1=er.pdf"], "longer.pdf"),
        (['Content-Disposition: attachment; filename="=?utf-8?B?5oql5ZGKLnBkZg==?="'], "报告.pdf"),
        (['Content-Disposition: attachment; filename="../../etc/passwd"'], "passwd"),
        (["Content-Disposition: attachment"], "attachment-1.pdf"),
    ],
)
def test_attachment_has_its_own_name(fields: list[str], expected: str) -> None:
    raw = HEAD + multipart("mixed", part("text/plain", "Hi"), encoded("application/pdf", b"%PDF", *fields))
    assert names(raw) == [expected]


def test_raw_eight_bit_file_name_is_read_in_the_charset_of_the_text() -> None:
    disposition = 'Content-Disposition: attachment; filename="отчёт.pdf"'.encode("koi8-r")
    attached = b"Content-Type: application/pdf\r\n" + disposition + b"\r\n\r\n%PDF"
    raw = HEAD + multipart("mixed", part("text/plain; charset=koi8-r", "Привет".encode("koi8-r")), attached)
    assert names(raw) == ["отчёт.pdf"]


def test_content_type_name_serves_where_the_disposition_has_none() -> None:
    raw = HEAD + multipart("mixed", part("text/plain", "Hi"), part("text/csv; name=list.csv", "a,b"))
    assert names(raw) == ["list.csv"]


def test_text_with_a_file_name_is_a_file_and_not_body() -> None:
    raw = HEAD + multipart("mixed", part("text/plain", "Hi"), part("text/plain; name=log.txt", "12:00 error"))
    mail = parse_mail(raw)
    assert (mail.text, [a.name for a in mail.attachments]) == ("Hi", ["log.txt"])


def test_only_part_of_a_mail_is_its_body_even_with_a_name() -> None:
    mail = parse_mail(HEAD + part("text/plain; name=body.txt", "Hello"))
    assert (mail.text, mail.attachments) == ("Hello", ())


def test_pdf_alone_is_a_file_without_text() -> None:
    mail = parse_mail(HEAD + encoded("application/pdf; name=scan.pdf", b"%PDF-1.7"))
    assert (mail.text, [(a.name, a.content) for a in mail.attachments]) == ("", [("scan.pdf", b"%PDF-1.7")])


@pytest.mark.parametrize(
    ("encoding", "body", "expected"),
    [
        ("base64", b"aGVsbG8gd29ybGQ=", b"hello world"),
        ("BASE64 ;", b"aGVsbG8gd29ybGQ=", b"hello world"),
        ("base64", b"aGVsbG8gd29ybGQ", b"hello world"),
        ("base64", b"aGVs!!bG8g\r\nd29y bGQ=", b"hello world"),
        ("base64", b"aGVsbG8=IHdvcmxk", b"hello world"),
        ("base64", b"aGVsbG8gd29ybGQ=\r\nThis mail was scanned by a gateway", b"hello world"),
        ("quoted-printable", b"hello=20wor=\r\nld", b"hello world"),
        ("quoted printable", b"hello=20world", b"hello world"),
        ("x-uuencode", b"begin 644 a\r\n+:&5L;&\\@=V]R;&0 \r\n`\r\nend\r\n", b"hello world"),
        ("x-unheard-of", b"hello world", b"hello world"),
    ],
)
def test_transfer_encoding_is_undone_as_far_as_it_goes(encoding: str, body: bytes, expected: bytes) -> None:
    raw = HEAD + multipart(
        "mixed", part("application/x-data; name=a.bin", body, f"Content-Transfer-Encoding: {encoding}")
    )
    assert parse_mail(raw).attachments[0].content.strip() == expected


def test_file_uuencoded_in_the_text_is_a_file() -> None:
    mail = parse_mail(
        HEAD + b"\r\nSee below\r\n\r\nbegin 644 greeting.txt\r\n+:&5L;&\\@=V]R;&0 \r\n`\r\nend\r\nBye\r\n"
    )
    assert mail.text.split() == ["See", "below", "Bye"]
    assert [(a.name, a.content) for a in mail.attachments] == [("greeting.txt", b"hello world")]


def test_sentence_that_begins_like_a_uuencoded_file_stays_text() -> None:
    mail = parse_mail(HEAD + b"\r\nWe\r\nbegin 644 things today\r\nand\r\nend\r\n")
    assert (mail.attachments, "begin 644 things" in mail.text) == ((), True)


def test_invitation_is_a_file_and_its_facts_are_the_text_when_nothing_else_is() -> None:
    calendar = (
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Visit\\, on site\r\nDTSTART:20260302T100000Z\r\nEND:VEVENT\r\n"
    )
    mail = parse_mail(HEAD + part("text/calendar; method=REQUEST", calendar))
    assert [a.name for a in mail.attachments] == ["invite.ics"]
    assert mail.text == "Visit, on site\n2026-03-02 10:00 UTC"


def test_text_of_an_invitation_is_the_senders_own_where_there_is_one() -> None:
    raw = HEAD + multipart(
        "alternative", part("text/plain", "Please come"), part("text/calendar", "BEGIN:VEVENT\r\nSUMMARY:x")
    )
    mail = parse_mail(raw)
    assert (mail.text, [a.name for a in mail.attachments]) == ("Please come", ["invite.ics"])


def test_clear_signed_mail_shows_its_body_and_keeps_the_signature() -> None:
    raw = HEAD + multipart("signed", part("text/plain", "Hello"), encoded("application/pkcs7-signature", b"0\x80"))
    mail = parse_mail(raw)
    assert (mail.text, [a.name for a in mail.attachments]) == ("Hello", ["smime.p7s"])


def test_encrypted_mail_is_kept_as_files() -> None:
    raw = HEAD + multipart(
        "encrypted",
        part("application/pgp-encrypted", "Version: 1"),
        part("application/octet-stream; name=msg.asc", "-----BEGIN PGP"),
    )
    assert names(raw) == ["encrypted.asc", "msg.asc"]


def test_opaque_signed_mail_is_kept_as_a_file() -> None:
    assert names(HEAD + encoded("application/pkcs7-mime; smime-type=signed-data", b"0\x80")) == ["smime.p7m"]


def test_resource_fork_of_an_apple_file_is_left_out() -> None:
    double = multipart(
        "appledouble", part("application/applefile", "x"), part("image/jpeg; name=a.jpg", "y"), boundary="b2"
    )
    assert names(HEAD + multipart("mixed", part("text/plain", "Hi"), double)) == ["a.jpg"]


def test_external_body_and_partial_mails_are_read_without_fetching_anything() -> None:
    external = part("message/external-body; access-type=URL; URL=http://x.example/a", "Content-Type: image/gif\r\n\r\n")
    assert names(HEAD + multipart("mixed", part("text/plain", "Hi"), external)) == ["message-1.txt"]
    partial = parse_mail(HEAD + part("message/partial; id=x; number=1; total=2", "Subject: whole\r\n\r\nFirst half"))
    assert partial.text == "First half"


def tnef_attribute(level: int, tag: int, data: bytes) -> bytes:
    return struct.pack("<BHHI", level, tag, 6, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def winmail() -> bytes:
    """A small winmail.dat: a body, and one file with a short and a long name."""
    long_name = "Jahresübersicht.pdf".encode("utf-16-le") + b"\x00\x00"
    padded = long_name + b"\x00" * (-len(long_name) % 4)
    properties = struct.pack("<IHHII", 1, 0x1F, 0x3707, 1, len(long_name)) + padded
    return (
        struct.pack("<IH", 0x223E9F78, 1)
        + tnef_attribute(1, 0x9007, struct.pack("<II", 1252, 0))
        + tnef_attribute(1, 0x800C, b"Text inside\x00")
        + tnef_attribute(2, 0x9002, b"\x01\x00" * 7)
        + tnef_attribute(2, 0x8010, b"JAHRES~1.PDF\x00")
        + tnef_attribute(2, 0x800F, b"%PDF")
        + tnef_attribute(2, 0x9005, properties)
    )


def test_winmail_dat_is_unpacked_to_its_files_and_text() -> None:
    mail = parse_mail(HEAD + multipart("mixed", encoded("application/ms-tnef; name=winmail.dat", winmail())))
    assert mail.text == "Text inside"
    assert [(a.name, a.content) for a in mail.attachments] == [("Jahresübersicht.pdf", b"%PDF")]


def test_text_of_a_mail_is_preferred_to_the_one_in_winmail_dat() -> None:
    raw = HEAD + multipart("mixed", part("text/plain", "Outside"), encoded("application/ms-tnef", winmail()))
    assert parse_mail(raw).text == "Outside"


@pytest.mark.parametrize("keep", range(6, 120, 7))
def test_winmail_dat_cut_anywhere_is_read_as_far_as_it_goes(keep: int) -> None:
    mail = parse_mail(
        HEAD + multipart("mixed", part("text/plain", "Hi"), encoded("application/ms-tnef", winmail()[:keep]))
    )
    assert mail.text == "Hi"


def test_winmail_dat_that_is_none_stays_a_file() -> None:
    assert names(HEAD + multipart("mixed", encoded("application/ms-tnef; name=winmail.dat", b"nothing"))) == [
        "winmail.dat"
    ]


# --- forwards and attached mails ---

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


# --- broken structure ---


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
