"""Which parts of a mail are files: their names, their bytes, and what is unpacked from wrappers."""

from __future__ import annotations

import struct

import pytest

from helpdesk.mail.parse import parse_mail
from tests.pure.mail_pieces import HEAD, encoded, multipart, names, part


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
