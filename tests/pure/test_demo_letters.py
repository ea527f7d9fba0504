"""The pure parts of the demo's mail: forms, views, threads, what a mail client writes."""

from datetime import UTC, datetime

import pytest

from demo.letter_view import html_words, threads_of, view_of
from demo.letters import RefusedLetter, Upload, Writer, new_letter, reply_letter
from demo.mailbox_store import Letter
from demo.page_form import BadForm, read_form
from demo.post_office import with_crlf, without_headers, without_plus

NOON = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)


def letter(number: int, *headers: str, body: str = "text") -> Letter:
    raw = "\r\n".join([*headers, "", body]).encode()
    return Letter(number, "k@nowak.example", "received", "support@halden.example", NOON, False, raw)


def test_multipart_form_gives_fields_and_files_byte_by_byte() -> None:
    content = bytes(range(256)) + b"\r\n--other\r\n\r\n"
    body = (
        b'--B\r\nContent-Disposition: form-data; name="text"\r\n\r\n\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85\r\n2\r\n'
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="C:\\dir\\a%22b.bin"\r\n'
        b"Content-Type: image/png\r\n\r\n" + content + b"\r\n--B--\r\n"
    )
    form = read_form("multipart/form-data; boundary=B", body)

    assert form.text("text") == "سلام\n2"
    assert form.uploads == [Upload('a"b.bin', "image/png", content)]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=B", b"--B\r\ncut off"),
        ("multipart/form-data", b"--B--"),
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=B", b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--"),
    ],
)
def test_broken_forms_are_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(BadForm):
        read_form(content_type, body)


def test_letters_are_threaded_by_ids_and_never_by_subject() -> None:
    views = [
        view_of(letter(1, "Message-ID: <a@x>", "Subject: Dock")),
        view_of(letter(2, "Message-ID: <b@x>", "Subject: Dock")),
        view_of(letter(3, "Message-ID: <c@x>", "References: <a@x>", "Subject: other words")),
        view_of(letter(4, "Subject: Dock")),
    ]
    assert [[view.id for view in thread.letters] for thread in threads_of(views)] == [[4], [1, 3], [2]]


def test_letter_that_answers_two_threads_joins_them() -> None:
    views = [
        view_of(letter(1, "Message-ID: <a@x>")),
        view_of(letter(2, "Message-ID: <b@x>")),
        view_of(letter(3, "Message-ID: <c@x>", "References: <a@x> <b@x>")),
        view_of(letter(4, "Message-ID: <d@x>", "In-Reply-To: <b@x>")),
    ]
    assert [[view.id for view in thread.letters] for thread in threads_of(views)] == [[1, 2, 3, 4]]


def test_html_becomes_words_without_scripts() -> None:
    html = "<style>p{}</style><p>One<br>two</p><script>alert(1)</script><div>&lt;b&gt;</div>"

    assert html_words(html) == "One\ntwo\n\n<b>"


@pytest.mark.parametrize(
    "headers",
    [
        ["Subject: =?x-unknown?q?abc?=", "Content-Type: text/plain; charset=x-none"],
        ["From: \udcff@@@<", "Content-Type: multipart/mixed"],
        ["Content-Type: ;;;", "Message-ID: <no end", "References: <<a>> <b@x> junk"],
    ],
)
def test_broken_mail_is_still_shown(headers: list[str]) -> None:
    raw = "\r\n".join([*headers, "", "text"]).encode("utf-8", "surrogateescape")

    assert view_of(Letter(1, "k@x.example", "received", "", NOON, False, raw)).id == 1


@pytest.mark.parametrize(
    ("language", "subject", "attribution"),
    [
        ("en", "Re: Dock", "On 2026-01-14 12:00, Sara <support@halden.example> wrote:"),
        ("de", "AW: Dock", "Am 2026-01-14 12:00 schrieb Sara <support@halden.example>:"),
        ("fa", "Re: Dock", "در تاریخ 2026-01-14 12:00، Sara <support@halden.example> نوشت:"),
    ],
)
def test_reply_quotes_in_the_manner_of_the_writers_language(language: str, subject: str, attribution: str) -> None:
    view = view_of(
        letter(1, "From: Sara <support@halden.example>", "Subject: Dock", "Message-ID: <a@x>", body="a\r\n\r\nb")
    )
    reply = reply_letter(Writer("K", "k@nowak.example", language), view, text="c", uploads=[])

    assert reply["Subject"] == subject
    assert reply.get_content() == f"c\n\n{attribution}\n> a\n>\n> b\n"


def test_long_thread_keeps_its_root_and_its_latest_references() -> None:
    references = [f"<{n}@x>" for n in range(50)]
    view = view_of(
        letter(1, "From: s@halden.example", "Message-ID: <last@x>", "References: " + "\r\n ".join(references))
    )
    chain = reply_letter(Writer("K", "k@nowak.example"), view, text="c", uploads=[])["References"].split()

    assert len(chain) == 30
    assert (chain[0], chain[-1]) == ("<0@x>", "<last@x>")


@pytest.mark.parametrize("name", ["a\r\nb.txt", "a\x00.txt"])
def test_file_names_with_control_characters_are_refused(name: str) -> None:
    with pytest.raises(RefusedLetter):
        new_letter(
            Writer("K", "k@nowak.example"),
            to="support@halden.example",
            subject="s",
            text="t",
            uploads=[Upload(name, "text/plain", b"x")],
        )


def test_unwanted_headers_go_with_their_folded_lines_and_the_body_stays() -> None:
    raw = with_crlf(b"A: 1\nReturn-Path:\n <x@y>\nreturn-path: z\nB: 2\n\nReturn-Path: body\n")

    assert without_headers(raw, [b"return-path"]) == b"A: 1\r\nB: 2\r\n\r\nReturn-Path: body\r\n"


def test_plus_part_is_no_part_of_the_mailbox() -> None:
    assert without_plus("Support+Abc+d@Halden.example") == "support@halden.example"
    assert without_plus("support@halden.example") == "support@halden.example"
