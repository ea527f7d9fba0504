"""Words in customers' names, by the word index of migration 0004. Called by helpdesk.queries.customers.

A word is found by its beginning. Scripts that put no space between words (Chinese, Japanese, Thai and the like) have no words
to index: what is written in them is looked for inside the text.
"""

from __future__ import annotations

import re

from django.db.models import BooleanField, F, Func, Q, Value

_WORDS_AT_MOST = 5
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)


class _Matches(Func):
    """`to_tsvector('simple', column) @@ to_tsquery('simple', words)`, written as the index has it."""

    template = "to_tsvector('simple', %(expressions)s)"
    arg_joiner = ") @@ to_tsquery('simple', "
    output_field = BooleanField()


def having_words(column: str, text: str) -> Q | None:
    """The condition that `column` has every word of `text` (the first five); None when there is no word in it."""
    words = [word for word in text.replace("\x00", "").split() if any(char.isalnum() for char in word)][:_WORDS_AT_MOST]
    if not words:
        return None
    condition = Q()
    for word in words:
        if _UNSPACED.search(word):
            condition &= Q(**{f"{column}__contains": word})
    indexed = [word for word in words if not _UNSPACED.search(word)]
    if indexed:
        condition &= Q(_Matches(F(column), Value(" & ".join(_beginning(word) for word in indexed))))
    return condition


def _beginning(word: str) -> str:
    """The word as a tsquery: quoted, so that nothing in it is an operator, and open at its end."""
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"
