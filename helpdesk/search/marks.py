"""Where the words that were looked for stand in a text: pieces to be shown, hits apart from the rest. Pure.

Pieces are plain text; whoever shows them escapes each and puts <mark> around the hits.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from helpdesk.search.tokens import RUN, is_unspaced, tokens

#: The words of each term of a question, and whether its last word may be the beginning of a longer one.
Wanted = Sequence[tuple[tuple[str, ...], bool]]

#: Hits further down are not looked for: a list row shows two lines.
_TEXT_AT_MOST = 20_000
_BEFORE, _WIDTH = 40, 200
_CACHED_AT_MOST = 32


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text."""

    text: str
    is_hit: bool = False


def marked(text: str, wanted: Wanted) -> list[Piece]:
    """The whole text in pieces; their texts joined are the text."""
    return _pieces(text, _spans(text, wanted), 0, len(text))


def snippet(text: str, wanted: Wanted) -> list[Piece]:
    """About two lines around the first hits, spaces and lines folded; the beginning of the text where nothing is hit."""
    text = " ".join(text[:_TEXT_AT_MOST].split())
    spans = _spans(text, wanted)
    start = _start(text, spans)
    end = min(len(text), start + _WIDTH)
    if end < len(text):
        end = max(text.rfind(" ", start + _WIDTH // 2, end), 0) or end
    pieces = _pieces(text, spans, start, end)
    if start:
        pieces.insert(0, Piece("… "))
    if end < len(text):
        pieces.append(Piece(" …"))
    return pieces


def _start(text: str, spans: Sequence[tuple[int, int]]) -> int:
    if not spans or spans[0][1] < _WIDTH * 3 // 4:
        return 0
    at = max(0, spans[0][0] - _BEFORE)
    space = text.find(" ", at, spans[0][0])
    return space + 1 if space >= 0 else at


def _pieces(text: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> list[Piece]:
    pieces: list[Piece] = []
    at = start
    for first, last in spans:
        first, last = max(first, at), min(last, end)
        if first >= last:
            continue
        if first > at:
            pieces.append(Piece(text[at:first]))
        pieces.append(Piece(text[first:last], is_hit=True))
        at = last
    if at < end:
        pieces.append(Piece(text[at:end]))
    return pieces


def _spans(text: str, wanted: Wanted) -> list[tuple[int, int]]:
    """Where the terms stand, in order and without overlaps."""
    if not wanted:
        return []
    words = _words(text[:_TEXT_AT_MOST])
    spans = sorted(span for term, is_open in wanted if term for span in _found(words, term, is_open))
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


#: A word at its place: the ways it is indexed, and where it begins and ends in the text as written.
_Place = tuple[tuple[str, ...], int, int]


def _words(text: str) -> list[_Place]:
    places: list[_Place] = []
    for match in RUN.finditer(text):
        run, start = match[0], match.start()
        for ways, first, last in _cached(run) if len(run) <= _CACHED_AT_MOST else _ways(run):
            places.append((ways, start + first, start + last))
    return places


def _ways(run: str) -> tuple[_Place, ...]:
    """The places of a run; character by character where each stands for itself, else the run whole."""
    found = tokens(run)
    by_place: dict[int, list[str]] = {}
    for word, place in found:
        by_place.setdefault(place, []).append(word)
    if is_unspaced(run) and len(found) == len(run):
        return tuple((tuple(words), at, at + len(words[0])) for at, words in by_place.items())
    return tuple((tuple(words), 0, len(run)) for words in by_place.values())


_cached = functools.lru_cache(maxsize=1 << 15)(_ways)


def _found(places: Sequence[_Place], term: Sequence[str], is_open: bool) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    *before, last_word = term
    size = len(term)
    for at in range(size - 1, len(places)):
        ways, start, end = places[at]
        if last_word not in ways and not (is_open and any(word.startswith(last_word) for word in ways)):
            continue
        first = at - size + 1
        if all(word in places[first + number][0] for number, word in enumerate(before)):
            # of a pair that one character found, the second is no hit
            spans.append(
                (places[first][1], start + 1 if is_open and is_unspaced(last_word) and end - start == 2 else end)
            )
    return spans
