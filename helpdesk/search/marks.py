"""Where the words that were looked for stand in a text: pieces to be shown, hits apart from the rest. Pure.

Pieces are plain text; whoever shows them escapes each and puts <mark> around the hits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from helpdesk.search.tokens import RUN, is_unspaced, tokens

#: The words of each term of a question, and whether its last word may be the beginning of a longer one.
Wanted = Sequence[tuple[tuple[str, ...], bool]]

#: Hits further down are not looked for: a list row shows two lines.
_TEXT_AT_MOST = 20_000
_BEFORE, _WIDTH = 40, 200


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


@dataclass(frozen=True, slots=True)
class _Place:
    """The ways a word at one place is indexed, and where it stands in the text as written."""

    words: frozenset[str]
    start: int
    end: int


def _words(text: str) -> list[_Place]:
    places: list[_Place] = []
    for match in RUN.finditer(text):
        run, start, end = match[0], match.start(), match.end()
        found = tokens(run)
        whole = is_unspaced(run) and len(found) == len(run)
        ways: dict[int, set[str]] = {}
        for word, place in found:
            ways.setdefault(place, set()).add(word)
        for place, words in sorted(ways.items()):
            if whole:
                places.append(_Place(frozenset(words), start + place, start + place + len(min(words, key=len))))
            else:
                places.append(_Place(frozenset(words), start, end))
    return places


def _found(places: Sequence[_Place], term: Sequence[str], is_open: bool) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    size = len(term)
    for at in range(len(places) - size + 1):
        here = places[at : at + size]
        if all(word in place.words for word, place in zip(term[:-1], here[:-1], strict=True)) and (
            term[-1] in here[-1].words or (is_open and any(word.startswith(term[-1]) for word in here[-1].words))
        ):
            last = here[-1]
            end = last.start + 1 if is_open and is_unspaced(term[-1]) and last.end - last.start == 2 else last.end
            spans.append((here[0].start, end))
    return spans
