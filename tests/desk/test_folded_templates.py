"""Templates are folded for each language: what is steady is text once, what depends on a value never is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.template import Context, Template, engines
from django.template.base import TextNode
from django.template.loader import get_template, render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import override

from helpdesk.folded_templates import Loader
from helpdesk.templatetags.rows import list_row

ROW = {
    "number": 7,
    "address": "/tickets/7/?in=team",
    "subject": "A subject",
    "who": "Ann",
    "snippet": "Some words",
    "is_unread": False,
    "dot": "",
    "mark": "",
    "viewers": "",
    "clock": "",
    "meta": "",
    "select": "Select #7",
    "group": "",
    "heading": "",
}


def _template(name: str) -> Template:
    """What Django's engine made of the file."""
    template: Template = get_template(name).template  # type: ignore[attr-defined]  # the stubs know no backend
    return template


def test_each_language_has_a_copy_of_its_own() -> None:
    said = []
    for language in ("en", "fa", "en"):
        with override(language):
            said.append(render_to_string("desk/_talk_empty.html", {"shelf": None}))
    assert said[0] == said[2]
    assert said[0] != said[1]


def test_steady_words_become_text_and_includes_stand_in_their_place() -> None:
    with override("en"):
        nodes = _template("desk/_composer_asides.html").nodelist
    assert [type(node).__name__ for node in nodes].count("TranslateNode") == 0
    assert isinstance(nodes[0], TextNode)
    assert "You wrote this here" in nodes[0].s


def test_neighbouring_texts_are_one() -> None:
    with override("en"):
        nodes = _template("desk/_head.html").nodelist
    assert not any(isinstance(a, TextNode) and isinstance(b, TextNode) for a, b in pairwise(nodes))


def test_the_desk_reads_its_templates_through_this_loader() -> None:
    loaders = engines["django"].engine.template_loaders  # type: ignore[attr-defined]  # nor its engine
    assert [type(loader) for loader in loaders] == [Loader]


def test_templates_of_packages_stay_as_they_are() -> None:
    with override("en"):
        nodes = _template("admin/login.html").nodelist
    assert not any(
        isinstance(node, TextNode) and "<" in node.s for node in nodes
    )  # an extending one, its blocks unfolded


@pytest.mark.parametrize("name", [name for name in ROW if name not in {"group", "heading"}])
def test_rows_that_differ_in_anything_never_share_their_markup(name: str) -> None:
    other = {**ROW, name: not ROW[name] if isinstance(ROW[name], bool) else 8 if name == "number" else "another"}
    with override("en"):
        first, second, again = list_row(ROW), list_row(other), list_row(ROW)
    assert first != second
    assert first == again


def test_what_somebody_wrote_stays_escaped_although_the_same_text_was_markup_elsewhere() -> None:
    with override("en"):
        trusted = list_row({**ROW, "subject": SafeString("<b>bold</b>")})
        written = list_row({**ROW, "subject": "<b>bold</b>"})
    assert "<b>bold</b>" in trusted
    assert "<b>bold</b>" not in written


def test_a_kept_row_is_what_the_template_makes_of_it() -> None:
    with override("en"):
        kept = list_row(ROW, 7)
        made = _template("desk/_row.html").render(Context({"row": ROW, "ticket": {"number": 7}}))
    assert kept == made
    assert 'aria-current="true"' in kept
    assert 'aria-current="true"' not in list_row(ROW, 8)
