"""Reads what somebody typed into the search box: words, "phrases", -not, #number and operators. Pure; never raises.

What cannot be understood becomes a Problem, which helpdesk.queries.search says in a sentence. Names (of a status, queue, tag,
owner) are only taken apart here: whether they exist is for the database to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from helpdesk.search.normalise import fold
from helpdesk.search.tokens import is_unspaced, sought
from helpdesk.search.vectors import FROM, TO, all_of, any_of, quoted

#: More than anybody types; a pasted mail is cut here.
TEXT_AT_MOST = 400
_TERMS_AT_MOST = 24
_WORDS_OF_A_TERM = 24
#: Shorter beginnings would match half of all words; the word being typed may be one letter shorter.
_PREFIX_FROM, _LAST_PREFIX_FROM = 3, 2

NAMED = ("status", "queue", "tag", "owner")
_PEOPLE = {"from": FROM, "to": TO}
_DATES = ("before", "after", "on")
OPERATORS = (*_PEOPLE, *NAMED, *_DATES)

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂〝〞", '"') | {"：": ":", "＃": "#", "－": "-", "−": "-", "\u3000": " "})
_TERM = re.compile(r'(?P<sign>-?)(?:(?P<name>[A-Za-z]+):)?(?P<value>"[^"]*"?|[^\s"]+|$)')
#: A whole address is not the beginning of another one.
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]{2,}")
_NUMBER = re.compile(r"#(\d{1,18})")
_DAYS_AGO = re.compile(r"(\d{1,4})d")
_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2}))?(?:[-/.](\d{1,2}))?")

ProblemKind = Literal["empty", "person", "date", "status", "queue", "owner", "tag"]


@dataclass(frozen=True)
class Problem:
    """An operator that says nothing: which one, and what stood after it."""

    kind: ProblemKind
    name: str
    value: str


@dataclass(frozen=True)
class Term:
    """Words that follow one another. `prefix` is put before each (a sender's); `is_open` finds longer last words too."""

    words: tuple[tuple[str, int], ...]
    is_open: bool
    is_negated: bool = False
    prefix: str = ""

    def tsquery(self, weight: str = "") -> str:
        """The term as PostgreSQL reads it. `weight` narrows it to parts of a row, such as "A" for subjects."""
        parts: list[str] = []
        previous = 0
        for number, (word, place) in enumerate(self.words):
            ending = ("*" if self.is_open and number == len(self.words) - 1 else "") + weight
            parts.append(
                (f" <{place - previous}> " if number else "")
                + quoted(self.prefix + word)
                + (f":{ending}" if ending else "")
            )
            previous = place
        joined = "".join(parts)
        joined = f"({joined})" if len(parts) > 1 else joined
        return f"!{joined}" if self.is_negated else joined


@dataclass(frozen=True)
class Named:
    """`status:`, `queue:`, `tag:` or `owner:` with names as they were typed; one of them is enough."""

    name: str
    values: tuple[str, ...]
    is_negated: bool = False


@dataclass(frozen=True)
class Question:
    """What is looked for. All of it must hold, in one message; `after` is counted in, `before` is not."""

    terms: tuple[Term, ...] = ()
    named: tuple[Named, ...] = ()
    number: int | None = None
    after: date | None = None
    before: date | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked."""
        return not (self.terms or self.named or self.number or self.after or self.before)

    @property
    def has_words(self) -> bool:
        """Whether an index of words can answer it: there is a word that must be there."""
        return any(not term.is_negated for term in self.terms)

    @property
    def has_phrases(self) -> bool:
        """Whether the order of words matters."""
        return any(len(term.words) > 1 for term in self.terms)

    def tsquery(self, weight: str = "") -> str:
        """The words as PostgreSQL reads them; empty for none."""
        return all_of(term.tsquery(weight) for term in self.terms)

    def for_rank(self) -> str:
        """What a hit is ranked by: each word itself counts, and as the beginning of another."""
        wanted = [term for term in self.terms if not term.is_negated]
        exact = [Term(term.words, False, prefix=term.prefix) for term in wanted if term.is_open]
        return any_of(dict.fromkeys(term.tsquery() for term in (*wanted, *exact))) if wanted else ""


@dataclass
class _Reading:
    """What has been read so far."""

    today: date
    terms: list[Term] = field(default_factory=list)
    named: list[Named] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    number: int | None = None
    after: date | None = None
    before: date | None = None
    last_prefix_from: int = _LAST_PREFIX_FROM

    def operator(self, name: str, value: str, is_negated: bool) -> None:
        """One `name:value`."""
        words = " ".join(value.replace('"', " ").replace("\x00", "").split())
        if not words:
            self.problems.append(Problem("empty", name, ""))
        elif name in _PEOPLE:
            if not self.words(words, is_open=not value.startswith('"'), is_negated=is_negated, prefix=_PEOPLE[name]):
                self.problems.append(Problem("person", name, words))
        elif name in NAMED:
            values = [part.strip() for part in words.replace("،", ",").split(",")]
            values = [value for value in values if value][:10]
            if values:
                self.named.append(Named(name, tuple(values), is_negated))
            else:
                self.problems.append(Problem("empty", name, ""))
        else:
            self.date(name, words)

    def date(self, name: str, value: str) -> None:
        """One `before:`, `after:` or `on:`; several narrow each other."""
        span = span_of(value, self.today)
        if span is None:
            self.problems.append(Problem("date", name, value))
            return
        first, end = span
        if name in {"after", "on"}:
            self.after = max(self.after or first, first)
        if name in {"before", "on"}:
            limit = end if name == "on" else first
            self.before = min(self.before or limit, limit)

    def words(
        self, text: str, *, is_open: bool, is_negated: bool = False, prefix: str = "", is_last: bool = False
    ) -> bool:
        """Words, a phrase or an address. Returns whether there was a word in it."""
        found = sought(text)[:_WORDS_OF_A_TERM]
        if not found:
            return False
        last = found[-1][0]
        if is_unspaced(last):
            longer = len(last) == 1
        else:
            longer = (
                is_open
                and not _ADDRESS.fullmatch(text)
                and len(last) >= (self.last_prefix_from if is_last else _PREFIX_FROM)
            )
        self.terms.append(Term(tuple(found), longer, is_negated, prefix))
        return True


def parse(text: str, *, today: date, last_prefix_from: int = _LAST_PREFIX_FROM) -> Question:
    """What the text asks. `today` is the reader's date, which `after:yesterday` and `after:7d` count from.

    From `last_prefix_from` letters on, the word at the end is taken for the beginning of one.
    """
    text = text[:TEXT_AT_MOST].translate(_QUOTES)
    reading = _Reading(today, last_prefix_from=last_prefix_from)
    matches = [match for match in _TERM.finditer(text) if match[0]][:_TERMS_AT_MOST]
    for match in matches:
        name, value, is_negated = (match["name"] or "").lower(), match["value"], bool(match["sign"])
        if name in OPERATORS:
            reading.operator(name, value, is_negated)
            continue
        number = _NUMBER.fullmatch(fold(match[0]))
        if number:
            reading.number = int(number[1])
            continue
        said = f"{match['name']}:{value}" if match["name"] else value
        is_phrase = said.startswith('"')
        is_last = match.end() == len(text)
        reading.words(said, is_open=not is_phrase, is_negated=is_negated, is_last=is_last)
    return Question(
        tuple(reading.terms),
        tuple(reading.named),
        reading.number,
        reading.after,
        reading.before,
        tuple(reading.problems),
    )


def span_of(value: str, today: date) -> tuple[date, date] | None:
    """The first day and the day after the last of a year, month, day, "today", "yesterday" or "7d"; None for no date."""
    value = fold(value).strip()
    if value in {"today", "yesterday"}:
        first = today - timedelta(days=value == "yesterday")
        return first, first + timedelta(days=1)
    ago = _DAYS_AGO.fullmatch(value)
    if ago:
        first = today - timedelta(days=int(ago[1]))
        return first, first + timedelta(days=1)
    parts = _DATE.fullmatch(value)
    if parts is None:
        return None
    year, month, day = (int(part) if part else None for part in parts.groups())
    try:
        first = date(year or 0, month or 1, day or 1)
        if day:
            return first, first + timedelta(days=1)
        return first, date(first.year + (month in {None, 12}), 1 if month in {None, 12} else first.month + 1, 1)
    except (ValueError, OverflowError):
        return None


def found_words(terms: Iterable[Term]) -> tuple[tuple[tuple[str, ...], bool], ...]:
    """The words that a hit has somewhere in its text, for helpdesk.search.marks: each term's words, and whether it is open."""
    return tuple(
        (tuple(word for word, _place in term.words), term.is_open)
        for term in terms
        if not term.is_negated and not term.prefix
    )
