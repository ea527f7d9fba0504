"""What a stored mail becomes inside its frame: pictures in place, remote ones when asked for, nothing else let in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.mail.clean import clean_html
from helpdesk.mail.frame import FRAME_CSP, FRAME_CSP_REMOTE, frame_document, frame_html

REMOTE = '<img data-remote-src="https://shop.test/a.png?x=1&amp;y=2" alt="Shoes">'


def directives(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (part.split() for part in policy.split(";"))}


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("cid:logo@shop", '<img alt="Logo" src="/files/1?token=x&amp;y">'),
        ("cid:logo%40shop", '<img alt="Logo" src="/files/1?token=x&amp;y">'),
        ("CID:logo@shop", '<img alt="Logo" src="/files/1?token=x&amp;y">'),
        ("cid:unknown@shop", '<img alt="Logo">'),
        ("data:image/png;base64,iVBORw0KGgo=", '<img alt="Logo" src="data:image/png;base64,iVBORw0KGgo=">'),
    ],
)
def test_an_inline_image_is_found_by_its_content_id(source: str, shown: str) -> None:
    stored = clean_html(f'<img src="{source}" alt="Logo">').html

    assert frame_html(stored, cid_urls={"logo@shop": "/files/1?token=x&y"}, allow_remote=False) == shown


@pytest.mark.parametrize(
    "path", ["//evil.test/x", "/\\evil.test/x", "https://evil.test/x", "javascript:alert(1)", "files/1"]
)
def test_an_inline_image_comes_from_a_path_on_this_server_only(path: str) -> None:
    assert frame_html('<img src="cid:a@b">', cid_urls={"a@b": path}, allow_remote=False) == "<img>"


def test_a_remote_image_stays_away_until_it_is_asked_for() -> None:
    assert frame_html(REMOTE, cid_urls={}, allow_remote=False) == '<img alt="Shoes">'
    assert frame_html(REMOTE, cid_urls={}, allow_remote=True) == (
        '<img alt="Shoes" src="https://shop.test/a.png?x=1&amp;y=2">'
    )


def test_a_remote_image_can_go_through_a_proxy() -> None:
    shown = frame_html(REMOTE, cid_urls={}, allow_remote=True, remote_url=lambda url: f"/proxy?n={len(url)}")

    assert shown == '<img alt="Shoes" src="/proxy?n=31">'


def test_links_open_in_a_tab_of_their_own() -> None:
    stored = clean_html('<a href="https://shop.test/">x</a>').html

    assert frame_html(stored, cid_urls={}, allow_remote=False) == (
        '<a href="https://shop.test/" target="_blank" rel="noopener noreferrer nofollow">x</a>'
    )


def test_what_was_never_cleaned_is_cleaned_on_its_way_into_the_frame() -> None:
    raw = "<p onclick=alert(1)>x<script>alert(2)</script><img src=https://t.test/x.png><img src='javascript:x'></p>"

    assert frame_html(raw, cid_urls={}, allow_remote=False) == "<p>x<img><img></p>"


@given(st.text(), st.text(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_content_id_and_no_path_break_out_of_the_attribute(content_id: str, path: str, allow_remote: bool) -> None:
    shown = frame_html(clean_html("<p><img src='cid:a@b'></p>").html, cid_urls={"a@b": path}, allow_remote=allow_remote)

    assert shown.startswith("<p><img") and shown.endswith("></p>")
    assert shown.count("<") == 3


def test_the_document_of_the_frame_escapes_what_it_is_given() -> None:
    document = frame_document(
        "<p>x</p>", stylesheet_href='/a.css?"', lang='fa">', title="</title><script>", direction="rtl"
    )

    assert document.startswith('<!doctype html><html lang="fa&quot;&gt;" dir="rtl">')
    assert "<script" not in document
    assert '<meta name="referrer" content="no-referrer">' in document
    assert '<base target="_blank">' in document
    assert document.endswith('<body dir="rtl"><p>x</p></body></html>')


@pytest.mark.parametrize("policy", [FRAME_CSP, FRAME_CSP_REMOTE])
def test_both_policies_forbid_all_but_pictures_and_styles(policy: str) -> None:
    allowed = directives(policy)

    assert allowed["default-src"] == ["'none'"]
    assert "script-src" not in allowed and "frame-src" not in allowed and "connect-src" not in allowed
    assert allowed["style-src-elem"] == ["'self'"]
    assert allowed["style-src-attr"] == ["'unsafe-inline'"]
    assert allowed["form-action"] == allowed["base-uri"] == ["'none'"]
    assert set(allowed["sandbox"]) == {"allow-popups", "allow-popups-to-escape-sandbox"}


def test_only_the_second_policy_lets_remote_pictures_in() -> None:
    assert directives(FRAME_CSP)["img-src"] == ["'self'", "data:"]
    assert directives(FRAME_CSP_REMOTE)["img-src"] == ["'self'", "data:", "https:", "http:"]
