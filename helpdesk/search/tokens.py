"""Makes the words of a text, as they are indexed and looked for.

A word is a run of letters, digits and their marks, folded. Scripts that put no space between words (Han, kana, Hangul, Thai,
Lao, Khmer, Burmese) give pairs of neighbouring characters, and the last character of a run alone, so that a single
character finds every place where it stands. Pure.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from helpdesk.search.normalise import ZWNJ, fold

#: A longer run of letters is no word but data; its beginning is kept.
WORD_AT_MOST = 64
_CACHED_AT_MOST = 48

_UNSPACED_RANGES = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u1980-\u19df\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"
    "\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\ua9e0-\ua9fe\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)


def _mark_ranges() -> str:
    """Combining marks, as a character class: Indic vowel signs and the like belong to their word."""
    codes = [code for code in range(0x300, 0x1F000) if unicodedata.category(chr(code))[0] == "M"]
    known = set(codes)
    starts = [code for code in codes if code - 1 not in known]
    ends = [code for code in codes if code + 1 not in known]
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True))


_LETTER = rf"[^\W_{_UNSPACED_RANGES}]"
_UNSPACED = re.compile(f"[{_UNSPACED_RANGES}]")
#: A run without spaces between words, or a word with its marks. It is used on folded text; on text as written, for marks.
RUN = re.compile(rf"[{_UNSPACED_RANGES}]+|{_LETTER}+(?:[{_mark_ranges()}{ZWNJ}]+{_LETTER}*)*")


def tokens(text: str) -> list[tuple[str, int]]:
    """The words of a text with their places, counted in words from 0; nothing for a text of signs only. Never raises.

    Words at the same place are written ways of one word.
    """
    found: list[tuple[str, int]] = []
    place = 0
    for chunk in text.split():
        words, width = _cached(chunk) if len(chunk) <= _CACHED_AT_MOST else _words(chunk)
        if place:
            found += [(word, place + offset) for word, offset in words]
        else:
            found += words
        place += width
    return found


def sought(text: str) -> list[tuple[str, int]]:
    """The words by which a text is looked for: the joined form only, and no single character where its pair says more."""
    found = tokens(fold(text).replace(ZWNJ, ""))
    places = {place: word for word, place in found}
    return [
        (word, place)
        for word, place in found
        if not (
            len(word) == 1
            and is_unspaced(word)
            and len(before := places.get(place - 1, "")) == 2
            and is_unspaced(before)
        )
    ]


def is_unspaced(word: str) -> bool:
    """Whether a word is of a script that puts no space between words, so that its neighbours matter."""
    return _UNSPACED.match(word) is not None


def _words(chunk: str) -> tuple[tuple[tuple[str, int], ...], int]:
    """The words of a text with their places from 0, and how many places they take."""
    words: list[tuple[str, int]] = []
    place = 0
    for run in RUN.findall(fold(chunk)):
        if _UNSPACED.match(run):
            words += [(run[at : at + 2], place + at) for at in range(len(run))]
            place += len(run)
            continue
        if ZWNJ in run:
            # written with a non-joiner, found joined and by its parts
            words += [(part[:WORD_AT_MOST], place) for part in run.split(ZWNJ) if part]
            run = run.replace(ZWNJ, "")
        words.append((run[:WORD_AT_MOST], place))
        place += 1
    return tuple(words), place


_cached = functools.lru_cache(maxsize=1 << 16)(_words)
