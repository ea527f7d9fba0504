"""What counts as the reply in an HTML mail, by the structures that mail programs leave. The HTML is our own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.mail.plaintext import text_from_html
from helpdesk.mail.quotes import split_html
from helpdesk.mail.quotes_html import MAX_CHARS

ATTRIBUTION = "On Tue, 5 Mar 2024 at 10:15, Ada Byron &lt;ada@example.com&gt; wrote:"
HEADERS = "<b>From:</b> Ada &lt;ada@example.com&gt;<br><b>Sent:</b> Tuesday, March 5, 2024<br><b>To:</b> "
"Bo<br><b>Subject:</b> X"

# By program: what it appends to a reply. KEPT stands above it in a <div>; nothing of it says KEPT, all of it says OLD.
PROGRAMS = {
    "Gmail": f'<br><div class="gmail_quote gmail_quote_container"><div dir="ltr" '
    f'class="gmail_attr">{ATTRIBUTION}<br></div>'
    '<blockquote class="gmail_quote" style="margin:0 0 0 .8ex">OLD<div>OLD</div></blockquote></div>',
    "Gmail before 2017": f'<div class="gmail_extra"><br><div class="gmail_quote">{ATTRIBUTION}<br><blockquote '
    'class="gmail_quote">OLD</blockquote></div><br></div>',
    "Gmail in a language without a table": '<div class="gmail_quote"><div class="gmail_attr">5 Mrt, Ada het '
    "OLD geskryf:</div>"
    '<blockquote class="gmail_quote">OLD</blockquote></div>',
    "Gmail forward": '<div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message '
    "---------<br>From: <strong>"
    "Ada</strong> &lt;ada@example.com&gt;<br>Date: Tue, Mar 5, 2024<br>Subject: OLD<br>To: "
    "Bo<br></div><br>OLD<p>OLD</p></div>",
    "Apple Mail": f'<div><br><blockquote type="cite"><div>{ATTRIBUTION}</div><br '
    f'class="Apple-interchange-newline"><div>OLD'
    "</div></blockquote></div>",
    "iPhone": f'<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">Sent from my iPhone</div><div '
    f'dir="ltr"><br><blockquote '
    f'type="cite">{ATTRIBUTION}<br><br></blockquote></div><blockquote type="cite"><div '
    f'dir="ltr">OLD</div></blockquote>',
    "Outlook desktop": '<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p '
    f'class="MsoNormal">{HEADERS}</p></div></div><p class="MsoNormal">OLD</p>',
    "Outlook desktop in a language without a table": '<div style="border:none;border-top:solid #E1E1E1 1.0pt;'
    'padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"><b>Van af:</b> Ada<br><b>Gestuurd:</b> OLD<br><b>Vir:</b> Bo<br>'
    "<b>Oor:</b> OLD</p></div><p>OLD</p>",
    "Outlook on the web": '<div id="appendonsend"></div><hr tabindex="-1" style="display:inline-block;width:98%"><div '
    f'id="divRplyFwdMsg" dir="ltr"><font face="Calibri">{HEADERS}</font></div><div>OLD</div>',
    "Outlook on the web in a language without a table": '<div id="appendonsend"></div><hr><div '
    'id="divRplyFwdMsg"><b>Van af:</b>'
    " OLD<br><b>Oor:</b> OLD</div><div>OLD</div>",
    "Outlook for iOS": '<div id="ms-outlook-mobile-signature">Get <a href="https://aka.ms/o0ukef">Outlook '
    "for iOS</a></div><hr>"
    f'<div id="mail-editor-reference-message-container"><div>{HEADERS}</div><div>OLD</div></div>',
    "Outlook for Mac 2011": f'<span id="OLK_SRC_BODY_SECTION"><div>{HEADERS}</div><div>OLD</div></span>',
    "Yahoo": '<div id="ydp12yahoo_quoted_1" class="ydp12yahoo_quoted"><div>On Tuesday, OLD '
    "wrote:</div><div>OLD</div></div>",
    "Thunderbird": f'<div class="moz-cite-prefix">{ATTRIBUTION}<br></div><blockquote type="cite" '
    f'cite="mid:1@x">OLD</blockquote>',
    "Thunderbird without a table": '<div class="moz-cite-prefix">Ada OLD:</div><blockquote '
    'type="cite">OLD</blockquote>',
    "Thunderbird forward": '<div class="moz-forward-container"><br>-------- OLD --------<table '
    'class="moz-email-headers-table">'
    "<tr><th>OLD:</th><td>OLD</td></tr></table>OLD</div>",
    "Proton": f'<div class="protonmail_signature_block"><div>Sent with Proton Mail secure email.</div></div><div '
    f'class="protonmail_quote">{ATTRIBUTION}<br><blockquote class="protonmail_quote" '
    f'type="cite">OLD</blockquote></div>',
    "Zoho": '<div class="zmail_extra" style="border-top:1px solid #ccc"><div id="Zm-_Id_-Sgn1">---- On Tue, '
    "05 Mar 2024 10:15:00 "
    "+0100 Ada &lt;ada@example.com&gt; wrote ---</div><br><blockquote>OLD</blockquote></div>",
    "163": '<div style="position:relative;zoom:1"></div><div id="isReplyContent">在 2024-03-05 10:15:00，"Ada" '
    "&lt;ada@example.com&gt; 写道：<blockquote>OLD</blockquote></div>",
    "QQ": '<div><br></div><div style="font-size:12px">------------------&nbsp;原始邮件&nbsp;'
    "------------------</div><div "
    'style="background:#efefef;padding:8px"><div><b>发件人:</b> "Ada"&lt;ada@example.com&gt;;'
    "</div><div><b>发送时间:</b> 2024年3月5日"
    "</div><div><b>收件人:</b> Bo;</div><div><b>主题:</b> OLD</div></div><div>OLD</div>",
    "Zimbra": f'<hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__">{HEADERS}</div><div>OLD</div>',
    "mail.ru": "<div>Вторник, 5 марта 2024, 10:15 +03:00 от Ada &lt;ada@example.com&gt;:<br></div><blockquote "
    'style="border-left:1px solid #0857A6">OLD</blockquote>',
    "Fastmail": f'<div>{ATTRIBUTION}<br></div><blockquote type="cite" id="qt">OLD</blockquote>',
    "Roundcube": f'<p id="reply-intro">{ATTRIBUTION}</p><blockquote type="cite">OLD</blockquote>',
    "Spark": f'<div name="messageReplySection">{ATTRIBUTION}<br><blockquote>OLD</blockquote></div>',
    "Plain text in HTML": f"<p>{ATTRIBUTION}</p><p>&gt; OLD<br>&gt; OLD</p>",
}


@pytest.mark.parametrize("history", [pytest.param(html, id=name) for name, html in PROGRAMS.items()])
class TestPrograms:
    def test_history_is_taken_off_and_the_reply_left_as_it_was(self, history: str) -> None:
        reply = '<div dir="ltr" style="color:red">KEPT<br>KEPT <b>too</b></div>'
        parts = split_html(f"<html><head><style>p{{}}</style></head><body>{reply}{history}</body></html>")
        assert parts.reply_text == "KEPT\nKEPT too"
        assert reply in parts.reply_html
        assert "OLD" not in parts.reply_html
        assert "ada@example.com" not in parts.reply_html

    def test_answer_with_only_a_picture_is_kept(self, history: str) -> None:
        parts = split_html(f'<body><div><img src="cid:shot" width="800"></div>{history}</body>')
        assert 'src="cid:shot"' in parts.reply_html
        assert "OLD" not in parts.reply_html

    def test_mail_that_says_nothing_of_its_own_is_not_shown_empty(self, history: str) -> None:
        parts = split_html(f"<body>{history}</body>")
        assert "OLD" in parts.reply_text or "OLD" in parts.reply_html


def test_mail_without_history_is_not_folded() -> None:
    parts = split_html("<p>Hello</p><p>Nothing else.</p>")
    assert (parts.reply_html, parts.reply_text) == ("", "Hello\n\nNothing else.")


def test_answers_between_gmail_quotes_stay_with_what_they_answer() -> None:
    html = (
        '<div>Answers below.</div><div class="gmail_quote"><div class="gmail_attr">On 5 Mar, Ada wrote:</div>'
        '<blockquote class="gmail_quote">Which version?</blockquote><div>Seven.</div>'
        '<blockquote class="gmail_quote">Which system?</blockquote><div>Linux.</div>'
        '<blockquote class="gmail_quote">Regards, Ada</blockquote></div>'
    )
    parts = split_html(html)
    for kept in ("Answers below.", "Which version?", "Seven.", "Which system?", "Linux."):
        assert kept in parts.reply_html
    assert "Regards, Ada" not in parts.reply_html
    assert "wrote:" not in parts.reply_html


def test_answer_under_a_thunderbird_quote_is_the_reply() -> None:
    html = f'<div class="moz-cite-prefix">{ATTRIBUTION}</div><blockquote type="cite">OLD</blockquote><p>My answer.</p>'
    parts = split_html(html)
    assert parts.reply_text == "My answer."
    assert "OLD" not in parts.reply_html


def test_bare_blockquote_is_the_writers_own_indentation() -> None:
    html = "<p>The message says:</p><blockquote>Error 17</blockquote>"
    assert split_html(html).reply_html == ""
    assert "Error 17" in split_html(html).reply_text


def test_bare_blockquote_behind_an_attribution_is_a_quote() -> None:
    html = f"<p>Thanks.</p><p>{ATTRIBUTION}</p><blockquote>OLD</blockquote>"
    assert split_html(html).reply_text == "Thanks."


def test_signature_elements_are_taken_off() -> None:
    for mark in ('class="gmail_signature"', 'class="moz-signature"', 'id="Signature"', 'id="x_Signature"'):
        parts = split_html(f"<div>Yes.</div><div {mark}>Ada<br>Analyst</div>")
        assert parts.reply_text == "Yes."
        assert parts.signature == "Ada\nAnalyst"
        assert "Analyst" not in parts.reply_html


def test_words_written_into_the_signature_element_are_kept_when_there_are_no_others() -> None:
    parts = split_html('<div class="gmail_signature">Please call me back.</div>')
    assert parts.reply_text == "Please call me back."


def test_direction_of_the_body_is_kept() -> None:
    parts = split_html(f'<body dir="rtl"><p>شكرا</p><p>{ATTRIBUTION}</p><blockquote>OLD</blockquote></body>')
    assert parts.reply_html.startswith('<div dir="rtl">')


def test_reply_in_a_table_keeps_its_table() -> None:
    html = (
        f'<table><tr><td>KEPT</td></tr><tr><td>{ATTRIBUTION}<blockquote type="cite">OLD</blockquote></td></tr></table>'
    )
    parts = split_html(html)
    assert parts.reply_html.count("<tr>") == 1
    assert "OLD" not in parts.reply_html


def test_tracking_pixel_is_no_reply() -> None:
    parts = split_html(
        '<img src="http://t.example/p.gif" width="1" height="1"><blockquote type="cite">OLD</blockquote>'
    )
    assert parts.reply_text == "OLD"


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 50_000,
        "<p>x" * 100_000,
        "<p>" + "<font id=1>" * 900 + "</p><p>x" * 900,
        "<div " + " ".join(f"a{number}=1" for number in range(20_000)) + ">x",
        "<blockquote type=cite>" * 700 + "x",
        "<!--" * 10_000,
        "<" * 100_000,
        "x" * (MAX_CHARS + 1),
        "\x00\ud800<p>\udfff",
        "",
    ],
    ids=["deep", "wide", "formatting", "attributes", "quotes", "comments", "signs", "large", "surrogates", "empty"],
)
def test_hostile_html_is_survived(html: str) -> None:
    parts = split_html(html)
    assert isinstance(parts.reply_text, str)
    assert len(parts.reply_html) <= len(html) * 3


_PIECES = st.sampled_from(
    [
        "<div>",
        "</div>",
        "<p>",
        "<blockquote>",
        '<blockquote type="cite">',
        "</blockquote>",
        '<div class="gmail_quote">',
        f'<div class="gmail_attr">{ATTRIBUTION}</div>',
        "<br>",
        "<hr>",
        "<table><tr><td>",
        "</td></tr></table>",
        '<div id="appendonsend"></div>',
        HEADERS,
        "<pre>a\nb\n</pre>",
        "<ul><li>",
        "words",
        "KEPT ",
        '<img src="cid:1">',
        "<script>x</script>",
        '<span style="display:none">',
        "</span>",
        "&gt; quoted",
    ]
)


@given(st.lists(_PIECES, max_size=30).map("".join))
@settings(max_examples=100, deadline=None)
def test_no_shape_of_html_makes_the_reply_empty_or_raises(html: str) -> None:
    parts = split_html(html)
    assert bool(parts.reply_text) == bool(text_from_html(html)) or 'src="cid:1"' in html
    again = split_html(parts.reply_html)
    assert set(again.reply_text.split()) <= set(text_from_html(html).split())
