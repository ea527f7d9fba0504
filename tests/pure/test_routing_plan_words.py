"""Every problem that the check of a plan finds has a sentence for the pages."""

from __future__ import annotations

import re

from routing.core.plan_check import SENTENCES
from routing.plan_words import kinds


def test_each_kind_has_its_sentence_with_the_same_names() -> None:
    assert set(kinds()) == set(SENTENCES)


def test_sentences_name_nothing_that_problems_do_not_carry() -> None:
    from routing import plan_words

    for kind, words in plan_words._SENTENCES.items():
        known = set(re.findall(r"{(\w+)}", SENTENCES[kind]))
        assert set(re.findall(r"%\((\w+)\)s", str(words))) <= known, kind
