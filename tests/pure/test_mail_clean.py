"""What the cleaner keeps of honest mail, what it takes from hostile mail, and what it promises about both."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.mail.clean import CleanedHtml, clean_html
from helpdesk.mail.clean_css import clean_style
from helpdesk.mail.clean_level import TEXT_ONLY, is_small, level

REL = 'rel="noopener noreferrer nofollow"'


def cleaned(html: str) -> str:
    return clean_html(html).html


@pytest.mark.parametrize(
    ("mail", "kept"),
    [
        ("<p>Good <b>day</b>, <i>all</i></p>", "<p>Good <b>day</b>, <i>all</i></p>"),
        ("plain & simple", "plain &amp; simple"),
        ("", ""),
        ('<font color="#00F" face="Arial" size="+1">x</font>', '<font color="#00f" face="Arial" size="+1">x</font>'),
        ("<ol start=3 type=a><li>x</ol>", '<ol start="3" type="a"><li>x</li></ol>'),
        ('<p dir="rtl" lang="ar">مرحبا</p>', '<p dir="rtl" lang="ar">مرحبا</p>'),
        (
            '<table width="600" border=0 bgcolor="white"><tr><td colspan=2 valign=top>x</td></tr></table>',
            '<table width="600" border="0" bgcolor="white"><tbody><tr><td colspan="2" valign="top">x</td></tr></tbody>'
            "</table>",
        ),
        ('<blockquote type="cite">earlier</blockquote>', '<blockquote type="cite">earlier</blockquote>'),
        ('<p style="margin:0 0 12px;font-family:\'Segoe UI\',Arial">x</p>',
         '<p style="margin:0 0 12px;font-family:\'Segoe UI\',Arial">x</p>'),
        ("<pre>a\n  b</pre>", "<pre>a\n  b</pre>"),
        ('<img src="cid:logo@shop" alt="Logo" width=120>', '<img src="cid:logo@shop" alt="Logo" width="120">'),
        ('<img src="data:image/png;base64,iVBORw0KGgo=">', '<img src="data:image/png;base64,iVBORw0KGgo=">'),
    ],
)  # fmt: skip
def test_the_markup_that_mails_use_is_kept(mail: str, kept: str) -> None:
    assert cleaned(mail) == kept


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("https://shop.test/a?b=1&c=2", f'<a href="https://shop.test/a?b=1&amp;c=2" {REL}>x</a>'),
        ("mailto:a@b.test?subject=Hi", f'<a href="mailto:a@b.test?subject=Hi" {REL}>x</a>'),
        ("tel:+49301234", f'<a href="tel:+49301234" {REL}>x</a>'),
        (" \n https://shop.test/", f'<a href="https://shop.test/" {REL}>x</a>'),
        ("javascript:alert(1)", f"<a {REL}>x</a>"),
        ("java&#x0a;script:alert(1)", f"<a {REL}>x</a>"),
        ("\u2028javascript:alert(1)", f"<a {REL}>x</a>"),
        ("&#1;javascript:alert(1)", f"<a {REL}>x</a>"),
        ("vbscript:x", f"<a {REL}>x</a>"),
        ("data:text/html,<script>alert(1)</script>", f"<a {REL}>x</a>"),
        ("file:///etc/passwd", f"<a {REL}>x</a>"),
        ("/admin/", f"<a {REL}>x</a>"),
        ("#top", f"<a {REL}>x</a>"),
    ],
)
def test_links_lead_to_the_web_to_mail_and_to_the_telephone_only(link: str, kept: str) -> None:
    assert cleaned(f'<a href="{link}">x</a>') == kept


@pytest.mark.parametrize(
    ("mail", "kept"),
    [
        ("<p onclick=alert(1)>x</p>", "<p>x</p>"),
        ("a<script>alert(1)</script>b", "ab"),
        ("<style>p{color:red}</style><p>x</p>", "<p>x</p>"),
        ("<title>Newsletter</title>x", "x"),
        ("<form action=/login><input name=p type=password><button>Log in</button></form>", "Log in"),
        ("<svg onload=alert(1)><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>y", "y"),
        ("<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></table></math>", ""),
        ("<iframe src=//evil.test>x</iframe><object data=x></object><embed src=x>y", "y"),
        (
            "<meta http-equiv=refresh content='0;url=//evil.test'><base href=//evil.test><link rel=stylesheet href=x>y",
            "y",
        ),
        ('<p id="login" class="btn btn-primary" name="x" contenteditable>x</p>', "<p>x</p>"),
        ("<!--[if mso]><p>for Outlook</p><![endif]--><p>x</p>", "<p>x</p>"),
        ("<o:p>x</o:p><?xml:namespace prefix=o />", "x"),
    ],
)
def test_whatever_acts_or_imitates_the_desk_is_taken_out(mail: str, kept: str) -> None:
    assert cleaned(mail) == kept


@pytest.mark.parametrize(
    "style",
    [
        "background-image:url(http://t.test/x)",
        "color:url(http://t.test/x)",
        "color:var(--x,url(http://t.test/x))",
        "background:\\75 rl(http://t.test/x)",
        "width:expression(alert(1))",
        "-moz-binding:url(x)",
        "behavior:url(x)",
        "position:fixed",
        "position:absolute;top:0;left:0;z-index:999",
        "margin:-9999px",
        "margin-top:-1px",
        "text-indent:-9999px",
        "transform:translate(-100px)",
        "animation:x 1s",
        "filter:url(#x)",
        "content:'x'",
        "cursor:url(x),auto",
        "opacity:0",
        "display:flex",
        "width:calc(100% + 1px)",
        "color:red/**/;/*",
        "unicode-bidi:bidi-override",
        "--x:red",
    ],
)
def test_css_that_fetches_covers_or_hides_is_taken_out(style: str) -> None:
    kept = clean_style(style) or ""

    assert kept in ("", "top:0", "color:red") and not kept.startswith(("position", "z-index", "top"))


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("COLOR : Red ;", "color:Red"),
        ("color:#1a2b3c!important", "color:#1a2b3c"),
        ("background:#fff url(http://t.test/x) no-repeat", "background-color:#fff"),
        ("background:none repeat scroll 0 0 #EEE", "background-color:#EEE"),
        ("border-bottom:solid windowtext 1.0pt;mso-border-alt:solid", "border-bottom:solid windowtext 1.0pt"),
        ("color:rgb(1, 2, 3);padding:4px 8px", "color:rgb(1,2,3);padding:4px 8px"),
        ("font:bold 12px/1.5 Arial, sans-serif", "font:bold 12px/1.5 Arial, sans-serif"),
        ('font-family:"微软雅黑",sans-serif', 'font-family:"微软雅黑",sans-serif'),
        ("display:none;max-height:0", "display:none;max-height:0"),
        ("position:fixed;color:red", "color:red"),
    ],
)
def test_css_that_only_dresses_the_text_is_kept(style: str, kept: str) -> None:
    assert clean_style(style) == kept
    assert clean_style(kept) == kept


def test_a_remote_image_is_put_aside_and_said_to_be_there() -> None:
    mail = '<p><img src="https://shop.test/a.png?x=1&amp;y=2" alt="Shoes" width="300"></p>'

    assert clean_html(mail) == CleanedHtml(
        '<p><img alt="Shoes" width="300" data-remote-src="https://shop.test/a.png?x=1&amp;y=2"></p>',
        has_remote_content=True,
    )


@pytest.mark.parametrize(
    "image",
    [
        "<IMG SRC='//shop.test/a.png'>",
        "<img alt='a > b' src=https://shop.test/a.png>",
        '<img src="\nhttps://shop.test/a.png">',
        '<img src="&#104;ttps://shop.test/a.png">',
        '<img data-remote-src="https://shop.test/a.png">',
        "<img/src=https://shop.test/a.png>",
    ],
)
def test_however_a_remote_image_is_written_it_is_put_aside(image: str) -> None:
    result = clean_html(image)

    assert 'data-remote-src="https://shop.test/a.png"' in result.html
    assert " src=" not in result.html
    assert result.has_remote_content


@pytest.mark.parametrize(
    "mail",
    [
        '<img src="cid:a@b">',
        "<img alt='<img data-remote-src=x>'>",
        '&lt;img data-remote-src="https://shop.test/a.png"&gt;',
        "<a href=https://shop.test/a.png>image</a>",
        "<img src=ftp://shop.test/a.png>",
        "<img srcset='https://shop.test/a.png 2x'>",
        "<table background=https://shop.test/a.png><tr><td>x</table>",
        "<body background=https://shop.test/a.png>x",
    ],
)
def test_what_cannot_be_fetched_later_is_not_called_remote_content(mail: str) -> None:
    assert not clean_html(mail).has_remote_content


@pytest.mark.parametrize(
    "pixel",
    [
        "<img src=https://t.test/open.gif width=1 height=1>",
        "<img src=https://t.test/open.gif width='1px' height='0'>",
        '<img src="https://t.test/open.gif" style="width:1px;height:1px;">',
        '<img src="https://t.test/open.gif" style="display:none">',
        "<img data-remote-src=https://t.test/open.gif width=1 height=1>",
    ],
)
def test_a_tracking_pixel_is_taken_out_entirely(pixel: str) -> None:
    assert clean_html(f"<p>x{pixel}</p>") == CleanedHtml("<p>x</p>", has_remote_content=False)


def test_a_small_picture_is_no_tracking_pixel() -> None:
    assert clean_html("<img src=https://shop.test/i.png width=1 height=20>").has_remote_content


@pytest.mark.parametrize(
    "source",
    [
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:text/html;base64,PHN2Zz4=",
        "data:image/png,notbase64",
        "data:image/png;base64," + "A" * 400_000,
        "file:///etc/passwd",
        "php://filter/x",
        "javascript:alert(1)",
        "/media/secret.png",
        "cid:a b\\c",
    ],
)
def test_an_image_from_elsewhere_loses_its_source(source: str) -> None:
    assert " src=" not in cleaned(f'<img src="{source}">')


def test_the_direction_and_colours_of_the_body_are_kept_around_it() -> None:
    mail = "<html lang=fa><body dir=rtl bgcolor='#EEEEEE' text=navy style='margin:8px'><p>سلام</p></body></html>"

    assert cleaned(mail) == (
        '<div lang="fa" dir="rtl" style="background-color:#eeeeee;color:navy;margin:8px"><p>سلام</p></div>'
    )


def test_null_bytes_and_lone_surrogates_do_not_reach_the_database() -> None:
    assert cleaned("<p>a\0b\ud800c</p>") == "<p>abc</p>"


HEAVY = {
    "divisions": "<div>" * 50_000 + "end",
    "misnested": "<b></i>" * 40_000 + "end",
    "attributes": "<a " + " ".join(f"a{number}" for number in range(100_000)) + ">end",
    "ampersands": "&" * 900_000 + "end",
    "comments": "<!--" * 200_000 + "--> end",
    "fonts moved out of a table": "<table>"
    + "".join(f"<font color=#{n:06x}>" for n in range(400))
    + "x<tr>" * 399
    + "end",
    "open tags": "<img " * 150_000 + "end",
    "tables": "<table><tr><td>" * 20_000 + "end",
    "quotes": "<a \"'" * 50_000 + "end",
}


@pytest.mark.parametrize("kind", HEAVY)
def test_markup_that_would_stall_the_parser_is_cleaned_or_shown_as_its_text(kind: str) -> None:
    result = clean_html(HEAVY[kind])

    assert "end" in result.html
    assert "\x00" not in result.html and "<script" not in result.html
    assert clean_html(result.html) == result


def test_a_heavy_mail_shown_as_text_is_escaped_and_says_so() -> None:
    mail = "&" * 100_000 + "<p>1 < 2</p><script>alert(1)</script>&lt;b&gt;"

    html = cleaned(mail)

    assert html.startswith(TEXT_ONLY)
    assert html.endswith("&amp;\n1 &lt; 2\n&lt;b&gt;</pre>")


def test_a_newsletter_of_a_megabyte_keeps_its_layout() -> None:
    row = (
        '<table width="600"><tr><td style="font:12px Arial;color:#333"><a href="https://shop.test/?a=1&amp;b=2">'
        '<img src="https://shop.test/i.png" width="20" height="20"></a> Lorem <b>ipsum</b></td></tr></table>\n'
    )
    mail = row * (1_000_000 // len(row))

    html = cleaned(mail)

    assert not html.startswith(TEXT_ONLY)
    assert html.count("<table") == html.count("</table>") == mail.count("<table")
    assert html.count("data-remote-src") == mail.count("<img")


def test_a_mail_written_in_numeric_references_is_read_as_letters() -> None:
    mail = "<p>" + "&#1587;&#1604;&#1575;&#1605; " * 20_000 + "</p>"

    assert cleaned(mail) == "<p>" + ("سلام " * 20_000) + "</p>"


@pytest.mark.parametrize(
    ("markup", "levelled"),
    [
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("<ul><li>a<li>b</ul>c", "<ul><li>a</li><li>b</li></ul>c"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>"),
        ("<table><td>a</table>", "<table><tr><td>a</td></tr></table>"),
        ("<b><i>x</b>y</i>", "<b><i>x</i></b>y"),
        ("<tr><td>no table", "no table"),
        ("a < b <c> <b", "a &lt; b  &lt;b"),
        ("<div><style></div></style>x</div>y", "<div>x</div>y"),
        ("a<!-- </div> -->b", "ab"),
        ("<td><div></td>x", "<div>x</div>"),
        ("<table><tr><td><div></table>x", "<table><tr><td><div></div></td></tr></table>x"),
    ],
)
def test_levelling_nests_the_tags_as_a_browser_would(markup: str, levelled: str) -> None:
    assert level(markup) == levelled
    assert level(levelled) == levelled


def test_levelling_bounds_the_depth_and_keeps_the_text() -> None:
    levelled = level("<div>" * 1000 + "x" + "</div>" * 1000) or ""

    assert levelled == "<div>" * 200 + "x" + "</div>" * 200


def test_a_small_mail_is_not_levelled_and_a_large_one_is() -> None:
    assert is_small("<p>x</p>" * 300)
    assert not is_small("<p>x</p>" * 500)
    assert not is_small("x" * 70_000)
    assert not is_small("&" * 20_000)


_ATTRIBUTES = st.sampled_from(
    [
        "",
        " style='color:red;position:fixed'",
        " onclick=alert(1)",
        " href=https://a.test/?x=1&y",
        " href='java\tscript:x'",
        " src=https://t.test/x.png",
        " src=cid:a@b width=1 height=1",
        " data-remote-src=https://t.test/ width=1 height='1'",
        " bgcolor='#FFF' background=x",
        " class=x id=y dir=RTL",
        ' alt="a<b>\'&"',
        " x='",
        ' y="',
        " align=center rel=x target=y",
    ]
)
_TAG_NAMES = """
    a b p i div span table tr td tbody ul li font pre blockquote img br svg math style script select option button form
    title textarea template noscript h1 center html body head caption dl dd frameset marquee object xmp plaintext
"""
_NAMES = st.sampled_from(_TAG_NAMES.split())
_PIECES = st.one_of(
    st.builds(lambda name, attributes: f"<{name}{attributes}>", _NAMES, _ATTRIBUTES),
    st.builds(lambda name: f"</{name}>", _NAMES),
    st.sampled_from(
        ["x", "\n", " ", "&", "&lt;", "<", ">", "<!--", "-->", "<![CDATA[", "]]>", "\xa0", "'", '"', "سلام", "&#x26;"]
    ),
    st.text(max_size=6),
)


@given(st.lists(_PIECES, max_size=40).map("".join))
@settings(max_examples=400, deadline=None)
def test_cleaning_what_is_clean_changes_nothing(mail: str) -> None:
    once = clean_html(mail)

    assert clean_html(once.html) == once


@given(st.lists(_PIECES, max_size=60).map("".join))
@settings(max_examples=200, deadline=None)
def test_levelling_what_is_level_changes_nothing(mail: str) -> None:
    once = level(mail) or ""

    assert level(once) == once


@given(st.text(st.characters(), max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_text_whatever_makes_the_cleaner_raise(text: str) -> None:
    assert isinstance(clean_html(text), CleanedHtml)
