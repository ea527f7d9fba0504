"""Mails made to cost more than they are worth: each is read or refused within three seconds of processor time.

The limit is the child's own (RLIMIT_CPU), so the load of the machine does not matter. Behind each bomb a good mail
follows in the same batch and must be read.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpdesk.mail.message import ParsedMail, UnreadableMail
from helpdesk.mail.parse import parse_mail
from helpdesk.mail.sandbox import ParserSandbox

HEAD = b"From: a@x.example\r\nTo: c@x.example\r\nSubject: bomb\r\nMIME-Version: 1.0\r\n"
GOOD = b"From: jane@customer.example\r\nSubject: good\r\n\r\nHello"


def nested(levels: int) -> bytes:
    """Multiparts one inside the other."""
    openings = (b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(levels))
    endings = (b"--b%d--\r\n" % n for n in reversed(range(levels)))
    return HEAD + b"".join(openings) + b"Content-Type: text/plain\r\n\r\nhi\r\n" + b"".join(endings)


def attached(levels: int, head: bytes = HEAD) -> bytes:
    """Mails attached to mails attached to mails."""
    return head + b"Content-Type: message/rfc822\r\n\r\nFrom: a@x.example\r\nSubject: n\r\n" * levels + b"\r\nhi"


def mixed(body: bytes) -> bytes:
    return HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body


def text(kind: bytes, body: bytes) -> bytes:
    return HEAD + b"Content-Type: text/" + kind + b"\r\n\r\n" + body


def header(line: bytes) -> bytes:
    return b"From: a@x.example\r\n" + line + b"\r\nSubject: bomb\r\n\r\nhi"


DAEMON = b"From: MAILER-DAEMON@x.example\r\nSubject: Undelivered mail\r\nReturn-Path: <>\r\n"
TNEF = bytes.fromhex("789f3e220000")

BOMBS = {
    "multiparts 1,000 deep": nested(1000),
    "multiparts 20,000 deep": nested(20_000),
    "attached mails 5,000 deep": attached(5000),
    "attached mails 3,000 deep in a bounce": attached(3000, DAEMON),
    "100,000 parts": mixed(b"--b\r\n\r\nx\r\n" * 100_000 + b"--b--"),
    "parts that repeat their own boundary": mixed(b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 20_000),
    "lines that nearly are the boundary": mixed(b"--bb\r\n" * 500_000),
    "50,000 headers": b"".join(b"X-H%d: v\r\n" % n for n in range(50_000)) + HEAD + b"\r\nhi",
    "a header of 10 MB": b"X-Big: " + b"a" * 10_000_000 + b"\r\n" + HEAD + b"\r\nhi",
    "a subject of a million lines": b"Subject: a\r\n" + b" b\r\n" * 1_000_000 + b"From: a@x.example\r\n\r\nhi",
    "stray lines between headers": b"From: a@x.example\r\n" + b"stray\r\nX-a: b\r\n" * 30_000 + b"\r\nhi",
    "nested comments": b"From: " + b"(" * 50_000 + b"\r\nSubject: bomb\r\n\r\nhi",
    "comments and angles": b"From: " + b"(<" * 30_000 + b"\r\nSubject: bomb\r\n\r\nhi",
    "quotes that do not end": b"From: " + b'"\\' * 30_000 + b"\r\nSubject: bomb\r\n\r\nhi",
    "angles that do not end": b"From: " + b"<" * 60_000 + b"\r\nSubject: bomb\r\n\r\nhi",
    "empty angles": header(b"To: " + b"<>," * 20_000),
    "group names": header(b"To: " + b"a@:" * 20_000),
    "20,000 recipients": header(b"To: " + b",\r\n ".join(b"user%d@x.example" % n for n in range(20_000))),
    "openings of encoded words": header(b"Comments: x\r\nSubject: " + b"=?" * 30_000),
    "encoded words that do not end": header(b"Comments: x\r\nSubject: " + b"=?a?q?" * 10_000 + b"?="),
    "5,000 encoded words": b"From: " + b"=?utf-8?q?a?= " * 5000 + b"<a@x.example>\r\n\r\nhi",
    "identifiers that do not end": header(b"References: " + b"<" * 60_000),
    "200,000 references": header(b"References: " + b"<a@b> " * 200_000),
    "10,000 parameters": HEAD + b"Content-Type: text/plain" + b"; a=b" * 10_000 + b"\r\n\r\nhi",
    "60,000 semicolons": HEAD + b"Content-Type: text/plain" + b";" * 60_000 + b"\r\n\r\nhi",
    "8,000 parameter sections": HEAD + b"Content-Type: text/plain; " + b"a*0*=x;" * 8000 + b"\r\n\r\nhi",
    "parameters that do not end": HEAD + b"Content-Type: text/plain; " + b'a="\\' * 12_000 + b"\r\n\r\nhi",
    "a date of comments": header(b"Date: " + b"(" * 60_000),
    "a date of digits": header(b"Date: " + b"9" * 60_000),
    "a domain of punycode": b"From: a@xn--" + b"a" * 60_000 + b"\r\n\r\nhi",
    "uuencode that does not end": HEAD + b"\r\n" + b"begin 644 a\r\n" * 200_000,
    "uuencode of rubbish": HEAD + b"\r\n" + b"begin 644 a\r\n" * 60 + b"x\r\n" * 500_000 + b"end",
    "base64 of padding": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=A" * 2_000_000,
    "quoted-printable of equal signs": HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 5_000_000,
    "flowed text of one paragraph": text(b"plain; format=flowed", b"a \r\n" * 300_000),
    "one line of 20 MB": text(b"plain", b"a" * 20_000_000),
    "five million blank lines": text(b"plain", b"\n" * 5_000_000),
    "quote marks": text(b"plain", b">" * 500_000),
    "100,000 attributions": text(b"plain", b"On Mon a wrote\n" * 100_000),
    "bytes of no charset": text(b"plain", bytes(range(128, 256)) * 40_000),
    "50,000 nested elements": text(b"html", b"<div>" * 50_000),
    "20,000 nested quotes": text(b"html", b"<blockquote>" * 20_000),
    "a million ampersands": text(b"html", b"&" * 1_000_000),
    "a million brackets": text(b"html", b"<" * 1_000_000),
    "references to nothing": text(b"html", b"cid:" * 250_000),
    "calendar of parameters": text(b"calendar", b"BEGIN:VEVENT\r\n" + b"SUMMARY;" * 100_000),
    "5,000 files in a winmail.dat": HEAD
    + b"Content-Type: application/ms-tnef\r\n\r\n"
    + TNEF
    + b"\x02\x02\x90\x06\x00\x00\x00\x00\x00\x00\x00" * 5000,
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ParserSandbox]:
    with ParserSandbox(max_cpu_seconds=3, wall_seconds=60) as running:
        yield running


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_read_in_bounds_and_the_next_mail_is_read(sandbox: ParserSandbox, name: str) -> None:
    outcome, following = sandbox.parse_many([BOMBS[name], GOOD])
    assert isinstance(outcome, ParsedMail), outcome
    assert not any(defect.startswith("Reading the") for defect in outcome.defects), outcome.defects
    assert isinstance(following, ParsedMail)
    assert following.subject == "good"


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("multiparts 1,000 deep", "Nested deeper than 20 levels, what is below was not unpacked."),
        ("100,000 parts", "More than 200 parts, the rest was not unpacked."),
        ("50,000 headers", "More than 1000 header fields, the rest was not read."),
        ("20,000 recipients", "More than 500 addresses in To, the rest was not read."),
        ("5,000 files in a winmail.dat", "A winmail.dat is damaged, read as far as it goes."),
    ],
)
def test_what_was_cut_is_noted(name: str, defect: str) -> None:
    assert any(noted == defect or noted.startswith("Header of") for noted in parse_mail(BOMBS[name]).defects)


@pytest.mark.parametrize("name", ["50,000 headers", "a header of 10 MB"])
def test_what_a_ticket_needs_is_read_behind_an_endless_header(name: str) -> None:
    mail = parse_mail(BOMBS[name])
    assert mail.sender is not None
    assert (mail.sender.email, mail.subject, mail.text) == ("a@x.example", "bomb", "hi")


def test_limits_keep_what_is_within_them() -> None:
    mail = parse_mail(nested(15))
    assert (mail.text, mail.defects) == ("hi", ())
    mail = parse_mail(mixed(b"".join(b"--b\r\n\r\n%d\r\n" % n for n in range(150)) + b"--b--"))
    assert mail.text.split() == [str(n) for n in range(150)]


def test_mail_of_49_megabytes_fits_into_the_childs_memory(sandbox: ParserSandbox) -> None:
    line = b"A" * 76 + b"\r\n"
    raw = mixed(b"--b\r\nContent-Type: application/pdf; name=x.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n")
    raw += line * (49 * 1024 * 1024 // len(line)) + b"--b--"
    mail = sandbox.parse(raw)
    assert [attachment.name for attachment in mail.attachments] == ["x.pdf"]
    assert len(mail.attachments[0].content) > 36_000_000


def test_mail_over_50_megabytes_is_refused_before_it_is_read(sandbox: ParserSandbox) -> None:
    with pytest.raises(UnreadableMail) as caught:
        sandbox.parse(HEAD + b"\r\n" + b"a" * (50 * 1024 * 1024))
    assert "more than the 52428800 that are read" in caught.value.reason
