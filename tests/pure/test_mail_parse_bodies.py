"""Which parts of a mail are its text and its HTML, in which charset, and what of them is history."""

from __future__ import annotations

import pytest

from helpdesk.mail.mime import Limits
from helpdesk.mail.parse import parse_mail
from tests.pure.mail_pieces import HEAD, encoded, multipart, part


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
