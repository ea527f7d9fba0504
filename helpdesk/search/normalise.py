"""Folds text so that two ways of writing the same word become one. Used for what is indexed and for what is looked for.

Compatibility forms and case (NFKC, Unicode case folding), Latin, Greek and Cyrillic accents, Arabic and Persian letter
variants with their vowel signs, digits of every script, and characters that are not seen. It is idempotent:
`fold(fold(x)) == fold(x)`. The zero-width non-joiner is kept by `fold`, because a word may be written with it, with a
space or with nothing; helpdesk.search.tokens decides.
"""

from __future__ import annotations

import re
import unicodedata

ZWNJ = "\u200c"

#: Marks that may be left away in writing: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowel and Quranic signs.
_MARKS = re.compile(
    r"[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    r"\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08d3-\u08ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f]+"
)
#: Letters without a decomposition that people write for one another.
_LETTERS = {
    **dict.fromkeys("یىےۍې", "ي"),
    **dict.fromkeys("کڪګ", "ك"),
    **dict.fromkeys("ةہھەۃ", "ه"),
    "ٱ": "ا",
    "ٲ": "ا",
    "ٳ": "ا",
    "ı": "i",
    "ł": "l",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "ħ": "h",
    "ŧ": "t",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ς": "σ",
}
#: Seen by nobody: tatweel, joiners, direction signs, soft hyphen, variation selectors, byte order mark, NUL.
_UNSEEN = [0x0, 0x640, 0xAD, 0x34F, 0x61C, 0x200B, 0x200D, 0x200E, 0x200F, 0xFEFF]
_UNSEEN += [*range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE0FFF)]
#: A lone half of a surrogate pair cannot be stored.
_HALVES = re.compile(r"[\ud800-\udfff]")
_DIGIT = re.compile(r"\d")


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = {ord(letter): to for letter, to in _LETTERS.items()}
    for digit in _DIGIT.findall("".join(map(chr, range(0x80, 0x20000)))):
        table[ord(digit)] = str(unicodedata.decimal(digit))
    table.update(dict.fromkeys(_UNSEEN))
    return table


_TABLE = _table()


def fold(text: str) -> str:
    """The text as search compares it. Never raises; the length may change."""
    if text.isascii():
        return text.replace("\x00", "").lower()
    while True:
        folded = _fold_once(text)
        if folded == text:
            return folded
        text = folded


def _fold_once(text: str) -> str:
    opened = unicodedata.normalize("NFKD", _HALVES.sub(" ", text)).casefold()
    opened = _MARKS.sub("", unicodedata.normalize("NFKD", opened)).translate(_TABLE)
    return unicodedata.normalize("NFC", opened)
