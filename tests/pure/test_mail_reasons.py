"""Reasons: English for rows and commands, the reader's language on a page."""

from __future__ import annotations

import json
from pathlib import Path

from django.utils import translation

from helpdesk.mail.reason_words import OF_THE_READER, shown
from helpdesk.mail.reasons import Reason, again, why

MAIL = Path(__file__).resolve().parents[2] / "helpdesk" / "mail"


def test_a_reason_is_its_english_sentence_with_grouped_numbers() -> None:
    reason = Reason("The mail has %(size)s bytes.", size=1234567)

    assert (reason, json.dumps(reason)) == ("The mail has 1,234,567 bytes.", '"The mail has 1,234,567 bytes."')


def test_a_page_shows_the_sentence_of_its_language_with_the_same_parts() -> None:
    reason = Reason("The sender %(email)s is blocked.", email="100%@x.example")
    number = Reason("%(n)s", n=12345)
    stored = json.loads(json.dumps(why(reason)))

    with translation.override("de"):
        assert shown(reason, stored) == "The sender 100%@x.example is blocked."  # untranslated words stay whole
        assert shown(number, why(number)) == "12.345"


def test_a_sentence_that_was_written_anew_since_is_shown_as_it_is() -> None:
    assert shown("Looked at by Max.", why(Reason("The sender %(email)s is blocked.", email="x"))) == "Looked at by Max."


def test_a_reason_inside_another_is_translated_too() -> None:
    inner = Reason("It has %(n)s bytes.", n=5000)
    outer = Reason("Set aside. %(reason)s", reason=again(str(inner), why(inner)))

    assert (outer, shown(outer, why(outer))) == ("Set aside. It has 5,000 bytes.",) * 2
    assert why(outer)["with"]["reason"] == {"text": "It has %(n)s bytes.", "with": {"n": 5000}}


def test_words_that_are_no_reason_are_shown_as_they_are() -> None:
    assert why("DataError: 50 % of it") == {}
    assert shown("DataError: 50 % of it", {}) == "DataError: 50 % of it"
    assert (shown("", {}), again("plain", {})) == ("", "plain")


def test_what_the_sandbox_says_is_in_the_catalogue() -> None:
    said = "".join((MAIL / name).read_text(encoding="utf-8") for name in ("sandbox.py", "sandbox_child.py", "mime.py"))

    assert [text for text in OF_THE_READER if text not in said] == []
