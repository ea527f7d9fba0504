"""Writes the literals PostgreSQL reads: the tsvector of a message and the tsquery of a question. Pure.

Nothing that people wrote reaches a literal but words of helpdesk.search.tokens, in quotes; each literal is a parameter all
the same. Words that name something (a sender, a recipient, a queue) carry a prefix with a colon, which no word of a text
can have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from helpdesk.search.tokens import tokens

#: PostgreSQL keeps places up to 16,383 and 255 of them for a word (source: manual, 12.1 limits of text search).
PLACE_AT_MOST = 16_383
_PLACES_OF_A_WORD = 255
#: Of a long text its beginning is indexed: about twelve pages.
TOKENS_AT_MOST = 6_000
#: Between two parts of a row, so that no phrase runs from one into the other.
_GAP = 8
FROM, TO, QUEUE = "from:", "to:", "queue:"


@dataclass(frozen=True)
class Said:
    """What is indexed of one message. `about` is given for the first message of a ticket only."""

    text: str
    subject: str = ""
    sender: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    queue: int | None = None
    about: About | None = None


@dataclass(frozen=True)
class About:
    """What a ticket is called: its subject and tags, and its customer's name, addresses and organisation."""

    subject: str = ""
    people: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass
class _Vector:
    """Words with their places; the weight letter ranks them (A most)."""

    places: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    next_place: int = 1
    count: int = 0

    def add(self, text: str, weight: str, prefix: str = "") -> None:
        """Appends a part."""
        last = 0
        for word, offset in tokens(text):
            place = self.next_place + offset
            if self.count >= TOKENS_AT_MOST or place > PLACE_AT_MOST - 1_000:
                break
            self.count += 1
            last = place
            kept = self.places[prefix + word]
            if len(kept) < _PLACES_OF_A_WORD:
                kept.append(f"{place}{weight}")
        if last:
            self.next_place = last + _GAP


def vector_of(said: Said) -> str:
    """The tsvector literal of a message: names and subject first, then its text as far as it is indexed."""
    vector = _Vector()
    about = said.about
    if about is not None:
        vector.add(about.subject, "A")
        for tag in about.tags:
            vector.add(tag, "C")
        for name in about.people:
            vector.add(name, "B")
    if said.subject and (about is None or about.subject != said.subject):
        vector.add(said.subject, "C")
    for name in said.sender:
        vector.add(name, "D", FROM)
    for name in said.recipients:
        vector.add(name, "D", TO)
    vector.add(said.text, "D")
    parts = [f"{quoted(word)}:{','.join(places)}" for word, places in vector.places.items()]
    if said.queue is not None:
        parts.append(quoted(queue_word(said.queue)))
    return " ".join(parts)


def queue_word(queue: int) -> str:
    """The word that says in which queue a message stands."""
    return f"{QUEUE}{queue}"


def quoted(word: str) -> str:
    """A word inside a literal. Words hold no quotes; should one ever, it stays a word."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def any_of(queries: Iterable[str]) -> str:
    """A tsquery that wants one of several."""
    return "(" + " | ".join(queries) + ")"


def all_of(queries: Iterable[str]) -> str:
    """A tsquery that wants all of several."""
    return " & ".join(queries)
