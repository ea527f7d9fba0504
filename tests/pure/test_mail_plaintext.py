"""Readable text of mail HTML, and safe HTML of plain text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.mail.plaintext import html_from_text, text_from_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Hello", "Hello"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("One<br>Two<br><br>Three", "One\nTwo\n\nThree"),
        ("<p class=MsoNormal>One</p><p class=MsoNormal>Two</p>", "One\nTwo"),
        ("<p style='margin:0'>One</p><p style='margin:0'>Two</p>", "One\nTwo"),
        ("a  lot\n of   <b> space </b> here", "a lot of space here"),
        ("one&nbsp;two&amp;three &lt;x&gt;", "one two&three <x>"),
        ("<ul><li>One</li><li>Two</li></ul>", "- One\n- Two"),
        ("<ol><li>One</li><li>Two<ul><li>deep</li></ul></li></ol>", "1. One\n2. Two\n\n- deep"),
        ("<table><tr><td>A</td><td>B</td></tr><tr><td>C</td><td>D</td></tr></table>", "A\nB\nC\nD"),
        ("<pre>one\n  two\n</pre>", "one\n  two"),
        ("<style>p{}</style><script>x()</script><title>t</title>shown", "shown"),
        ("<div style='display:none'>preheader</div>shown", "shown"),
        ("<div style='font-size:0px'>preheader</div><span hidden>x</span>shown", "shown"),
        ("<div style='font-size:0.9em'>shown</div>", "shown"),
        ('<a href="https://example.com/order/7">your order</a>', "your order (https://example.com/order/7)"),
        ('<a href="https://example.com/">example.com</a>', "example.com"),
        ('<a href="https://example.com/a">https://example.com/a</a>', "https://example.com/a"),
        ('<a href="javascript:alert(1)">click</a>', "click"),
        ('<a href="https://t.example/' + "x" * 200 + '">click</a>', "click"),
        ('<img src="x" alt="A chart"> and <img src="y" alt="😀">', "[A chart] and 😀"),
        ('<img src="http://t.example/p.gif" width="1" height="1" alt="pixel">', ""),
        ("<p dir=rtl>مرحبا</p><p>你好</p>", "مرحبا\n\n你好"),
        ("a<hr>b", "a\n--------------------\nb"),
        ("<!-- comment --><![if !mso]>x<![endif]>", "x"),
        ("", ""),
    ],
)
def test_html_reads_as_a_person_would_see_it(html: str, text: str) -> None:
    assert text_from_html(html) == text


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 50_000 + "kept",
        "<p>x" * 100_000,
        "<script>" * 20_000,
        "<" * 100_000,
        "&#0;&#xD800;\x00\ud800",
        "<a" * 50_000,
    ],
    ids=["deep", "wide", "script", "signs", "surrogates", "open"],
)
def test_hostile_html_never_raises(html: str) -> None:
    assert len(text_from_html(html)) <= 2 * len(html)


def test_too_deep_html_still_gives_its_words_and_hides_its_scripts() -> None:
    html = "<div>" * 5_000 + "one<br>two<script>secret()</script>three &amp; four"
    assert text_from_html(html) == "one\ntwothree & four"


@given(st.text(alphabet="<>/ab&;\"'= \n!-", max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_is_survived_as_html(html: str) -> None:
    text = text_from_html(html)
    assert "\n\n\n" not in text
    assert text == text.strip("\n")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("\n \n", ""),
        ("Hello", '<p dir="auto">Hello</p>'),
        ("a < b & c > d \"e\" 'f'", '<p dir="auto">a &lt; b &amp; c &gt; d &quot;e&quot; &#x27;f&#x27;</p>'),
        ("One\nTwo\n\nThree", '<p dir="auto">One<br>\nTwo</p>\n<p dir="auto">Three</p>'),
        ("One\r\nTwo", '<p dir="auto">One<br>\nTwo</p>'),
    ],
)
def test_plain_text_becomes_escaped_paragraphs(text: str, html: str) -> None:
    assert html_from_text(text) == html


@pytest.mark.parametrize(
    ("text", "address", "rest"),
    [
        ("see https://example.com/a?b=1&c=2.", "https://example.com/a?b=1&amp;c=2", "."),
        ("(https://example.com/a_(b))", "https://example.com/a_(b)", ")"),
        ("https://example.com/),", "https://example.com/", "),"),
        ("http://example.com!", "http://example.com", "!"),
        ("HTTPS://EXAMPLE.COM/x", "HTTPS://EXAMPLE.COM/x", ""),
        ("看https://example.com/页。好", "https://example.com/页", "。好"),
        ("<https://example.com/x>", "https://example.com/x", "&gt;"),
        ("mailto:ada@example.com", "mailto:ada@example.com", ""),
    ],
)
def test_web_address_becomes_a_link_without_the_punctuation_around_it(text: str, address: str, rest: str) -> None:
    html = html_from_text(text)
    link = f'<a href="{address}" rel="noopener noreferrer nofollow" target="_blank">{address}</a>'
    assert link + rest in html


def test_bare_www_links_to_https() -> None:
    assert '<a href="https://www.example.com/x"' in html_from_text("www.example.com/x")


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox",
        "\u2028javascript:alert(1)",
        "java\nscript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "http://?x",
        "mailto:@x",
        "https://user@evil.example/",
        "xhttps://example.com/x",
        "ftp://example.com",
        "//example.com",
    ],
)
def test_nothing_else_becomes_a_link(text: str) -> None:
    assert "<a " not in html_from_text(text)


@pytest.mark.parametrize(
    "text",
    [
        'https://example.com/"onmouseover="alert(1)',
        "https://example.com/'><script>alert(1)</script>",
        "https://example.com/<img src=x onerror=alert(1)>",
        "[x](https://example.com/) <b onclick=x>",
        "https://example.com/\u0000\u2028x",
    ],
)
def test_no_text_breaks_out_of_its_link(text: str) -> None:
    html = html_from_text(text)
    assert re.fullmatch(r'(?:</?(?:p|br|a)(?: (?:dir|href|rel|target)="[^"<>]*")*>|[^<>])*', html)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_only_our_own_tags_come_out_whatever_goes_in(text: str) -> None:
    html = html_from_text(text)
    assert re.fullmatch(r'(?:</?(?:p|br|a)(?: (?:dir|href|rel|target)="[^"<>]*")*>|[^<>])*', html)
    for href in re.findall(r'href="([^"]*)"', html):
        assert href.lower().startswith(("http://", "https://", "mailto:"))


@given(st.text(alphabet="abc xyz\n", max_size=100))
@settings(max_examples=80, deadline=None)
def test_words_survive_the_way_to_html_and_back(text: str) -> None:
    assert text_from_html(html_from_text(text)).split() == text.split()
