"""The hostile lists through the cleaner, judged by two HTML parsers that have nothing to do with the sanitiser's.

The browser is the third judge: tests/browser/test_hostile_html.py.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from selectolax.lexbor import LexborHTMLParser

from helpdesk.mail.clean import clean_html
from helpdesk.mail.frame import frame_html
from tests.corpora import needs_corpora
from tests.hostile_html import payloads

# Written out here and not imported: a tag added to the profile by mistake must fail.
_TAGS_TEXT = """
    a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd
    del dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main
    mark nav ol p pre q rp rt ruby s samp section small span strike strong sub sup table tbody td tfoot th
    thead tr tt u ul var wbr
"""
TAGS = set(_TAGS_TEXT.split())
_ATTRIBUTES_TEXT = """
    style dir lang title align href rel src data-remote-src alt width height border hspace vspace cellpadding
    cellspacing bgcolor bordercolor valign nowrap colspan rowspan span color face size noshade clear start
    type reversed value
"""
ATTRIBUTES = set(_ATTRIBUTES_TEXT.split())
LINK = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
STORED_SOURCE = re.compile(r"cid:|data:image/(?:png|jpe?g|gif|webp);base64,", re.IGNORECASE)
ACTIVE_CSS = re.compile(
    r"url|expression\s*\(|var\(|calc|image|\\|@|/\*|!|position|z-index|binding|behavio|[:\s]-\d", re.IGNORECASE
)


class StdlibReader(HTMLParser):
    """Collects what the standard library's parser sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.others: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)


def seen_by_stdlib(html: str) -> list[tuple[str, dict[str, str]]]:
    reader = StdlibReader()
    reader.feed(html)
    reader.close()
    assert reader.others == [], html
    return reader.elements


def seen_by_lexbor(html: str) -> list[tuple[str, dict[str, str]]]:
    root = LexborHTMLParser(f"<!doctype html><body>{html}").body
    assert root is not None
    nodes = list(root.traverse(include_text=False))[1:]
    assert not any(node.is_comment_node for node in nodes), html
    return [(str(node.tag), {name: value or "" for name, value in node.attributes.items()}) for node in nodes]


def what_is_active(tag: str, attributes: dict[str, str]) -> str | None:
    """Why the element could act or fetch something, or None."""
    if tag not in TAGS:
        return f"tag {tag}"
    for name, value in attributes.items():
        if name not in ATTRIBUTES:
            return f"attribute {name}"
        if name == "href" and not LINK.match(value):
            return f"link {value}"
        if name == "src" and not STORED_SOURCE.match(value):
            return f"source {value}"
        if name == "style" and ACTIVE_CSS.search(value):
            return f"style {value}"
    return None


def active_parts(html: str) -> list[str]:
    if "<" not in html:
        return []
    found = seen_by_stdlib(html) + seen_by_lexbor(html)
    return [why for tag, attributes in found if (why := what_is_active(tag, attributes))]


@needs_corpora
def test_two_independent_parsers_find_nothing_active_in_any_cleaned_payload() -> None:
    failures: list[tuple[str, str, list[str]]] = []
    count = 0
    for payload in payloads():
        count += 1
        html = clean_html(payload).html
        if found := active_parts(html):
            failures.append((payload, html, found))

    assert failures == []
    assert count > 5_000


@needs_corpora
def test_cleaning_a_cleaned_payload_changes_nothing() -> None:
    unstable = []
    for number, payload in enumerate(payloads()):
        if number % 5 == 0:
            once = clean_html(payload)
            if clean_html(once.html) != once:
                unstable.append(payload)

    assert unstable == []


@needs_corpora
def test_a_payload_put_into_the_frame_without_cleaning_is_still_harmless() -> None:
    failures = []
    for number, payload in enumerate(payloads()):
        if number % 5 == 1:
            html = frame_html(payload, cid_urls={}, allow_remote=False).replace(' target="_blank"', "")
            if found := [why for why in active_parts(html) if not why.startswith("source /")]:
                failures.append((payload, html, found))

    assert failures == []


@pytest.mark.parametrize(
    "html",
    [
        "<p onclick=x>",
        "<script>x</script>",
        "<a href=' javascript:x'>",
        "<img src=https://t.test/x>",
        "<p style='color:url(x)'>",
        "<svg></svg>",
        "<p><custom-tag>",
    ],
)
def test_the_judges_do_find_what_is_active(html: str) -> None:
    assert [why for tag, attributes in seen_by_stdlib(html) if (why := what_is_active(tag, attributes))]
    assert [why for tag, attributes in seen_by_lexbor(html) if (why := what_is_active(tag, attributes))]
