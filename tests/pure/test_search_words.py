"""The pure core of search: folding, words, vectors, marks. Properties over arbitrary text, and tables of real words."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.search.marks import marked, snippet
from helpdesk.search.normalise import fold
from helpdesk.search.query import Question, found_words, parse
from helpdesk.search.tokens import sought, tokens
from helpdesk.search.vectors import PLACE_AT_MOST, About, Said, vector_of

TODAY = date(2026, 11, 22)
_LEXEME = re.compile(r"'((?:[^'\\]|''|\\\\)+)'(?::((?:\d+[A-D]?,?)+))?(?: |$)")
_SCRIPTS = st.sampled_from(
    [
        "straße",
        "Ünïcode",
        "به‌روزرسانی",
        "می‌شود",
        "الشّاحن",
        "扩展坞",
        "ไทย",
        "हिन्दी",
        "한국어",
        "ｆｕｌｌ",
        "٢٠٢٦",
        "O'Brien",
        "x_y",
        "ﷺ",
    ]
)
_TEXTS = st.lists(st.one_of(st.text(max_size=40), _SCRIPTS), max_size=12).map(" ".join)


def lexemes(vector: str) -> dict[str, list[int]]:
    """The words of a tsvector literal with their places; AssertionError where the literal is not one."""
    found: dict[str, list[int]] = {}
    at = 0
    while at < len(vector):
        match = _LEXEME.match(vector, at)
        assert match, vector[at : at + 80]
        found[match[1].replace("''", "'").replace("\\\\", "\\")] = [
            int(place.rstrip("ABCD")) for place in (match[2] or "").split(",") if place
        ]
        at = match.end()
    return found


def answers(vector: str, question: Question) -> bool:
    """Whether PostgreSQL would say that the vector has the words of the question: what its manual, 12.1, says of `@@`."""
    found = lexemes(vector)

    def has(words: tuple[tuple[str, int], ...], is_open: bool, prefix: str) -> bool:
        starts: set[int] | None = None
        for number, (word, place) in enumerate(words):
            word = prefix + word
            ends_open = is_open and number == len(words) - 1
            places = {p for key, ps in found.items() if key == word or (ends_open and key.startswith(word)) for p in ps}
            starts = {p - place for p in places} if starts is None else starts & {p - place for p in places}
        return bool(starts)

    return all(has(term.words, term.is_open, term.prefix) != term.is_negated for term in question.terms)


@given(_TEXTS)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("کتاب", "كتاب"),
        ("یک", "يك"),
        ("أحمد إيمان آمن ٱلله", "احمد ايمان امن الله"),
        ("فاتورة", "فاتوره"),
        ("مصطفى", "مصطفي"),
        ("مُحَمَّدٌ", "محمد"),
        ("عـــربي", "عربي"),
        ("۱۲۳۴", "١٢٣٤"),
        ("۱۲۳۴", "1234"),
        ("Crème Brûlée", "creme brulee"),
        ("STRASSE", "straße"),
        ("İstanbul", "istanbul"),
        ("Łódź", "lodz"),
        ("Ёлка", "елка"),
        ("Άνοιξη", "ανοιξη"),
        ("ＡＢＣ１", "abc1"),
        ("ｶﾀｶﾅ", "カタカナ"),
        ("soft\u00adware", "software"),
    ],
)
def test_two_ways_of_writing_a_word_become_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("پدر", "بدر"), ("گل", "كل"), ("が", "か"), ("한", "하")])
def test_different_letters_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(_TEXTS)
def test_a_text_is_found_by_each_of_its_own_words(text: str) -> None:
    vector = vector_of(Said(text))
    for word in text.split():
        question = parse(f'"{word}"', today=TODAY)
        assert answers(vector, question), (word, question)


@given(_TEXTS.filter(lambda text: '"' not in text))
def test_a_text_is_found_by_itself_as_a_phrase(text: str) -> None:
    question = parse(f'"{text}"'[:200], today=TODAY)

    assert answers(vector_of(Said(text)), question)


@given(_TEXTS, _TEXTS, st.lists(_TEXTS, max_size=3))
def test_a_vector_is_a_literal_with_places_in_bounds(text: str, subject: str, names: list[str]) -> None:
    found = lexemes(vector_of(Said(text, subject, tuple(names), tuple(names), 7, About(subject, tuple(names)))))

    assert found.pop("queue:7") == []
    assert all(1 <= place <= PLACE_AT_MOST for places in found.values() for place in places)
    assert all(not unicodedata.category(char).startswith("C") for word in found for char in word if ord(char) < 32)


def test_a_very_long_text_is_cut_and_still_a_literal() -> None:
    found = lexemes(vector_of(Said("word " * 400 + " ".join(f"w{n}" for n in range(50_000)), "Subject")))

    assert len(found) < 7_000
    assert len(found["word"]) == 255
    assert max(place for places in found.values() for place in places) <= PLACE_AT_MOST


def test_no_phrase_runs_from_one_part_into_the_next() -> None:
    vector = vector_of(Said("begins here", "ends", about=About("ends")))

    assert not answers(vector, parse('"ends begins"', today=TODAY))
    assert answers(vector, parse('"begins here"', today=TODAY))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Wi-Fi drops", ["wi", "fi", "drops"]),
        ("扩展坞", ["扩展", "展坞", "坞"]),
        ("iPhone手机 15", ["iphone", "手机", "机", "15"]),
        ("هندی हिन्दी", ["هندي", "हिन्दी"]),
        ("C:\\temp & | ! :* '", ["c", "temp"]),
        ("🎉", []),
    ],
)
def test_words_of_a_text(text: str, words: list[str]) -> None:
    assert [word for word, _place in tokens(text)] == words


def test_a_word_with_a_non_joiner_is_found_joined_apart_and_as_written() -> None:
    vector = vector_of(Said("داک بعد از به‌روزرسانی نمی‌شود"))

    for text in ("به‌روزرسانی", "بهروزرسانی", "روزرسانی", "نمیشود", '"از به‌روزرسانی نمی‌شود"'):
        assert answers(vector, parse(text, today=TODAY)), text


def test_one_character_of_a_script_without_spaces_is_found_wherever_it_stands() -> None:
    vector = vector_of(Said("升级后扩展坞不充电。"))

    for text in ("升", "坞", "电", "扩展坞", "坞不充", "充电"):
        assert answers(vector, parse(text, today=TODAY)), text
    assert not answers(vector, parse("展扩", today=TODAY))


def test_the_single_character_after_a_pair_is_not_asked_for() -> None:
    assert sought("扩展坞") == [("扩展", 0), ("展坞", 1)]


@given(_TEXTS, _TEXTS)
def test_marks_change_no_character_of_the_text(text: str, question: str) -> None:
    wanted = found_words(parse(question, today=TODAY).terms)

    assert "".join(piece.text for piece in marked(text, wanted)) == text
    assert len("".join(piece.text for piece in snippet(text, wanted))) <= 210


@pytest.mark.parametrize(
    ("text", "question", "hits"),
    [
        ("The dock stopped charging", "dock charg", ["dock", "charging"]),
        ("Crème brûlée", "creme", ["Crème"]),
        ("升级后扩展坞不充电", "扩展坞", ["扩展坞"]),
        ("升级后扩展坞不充电", "坞", ["坞"]),
        ("لپ‌تاپ را شارژ نمی‌کند", "لپتاپ", ["لپ‌تاپ"]),
        ("Wi-Fi and wi and fi", '"wi fi"', ["Wi-Fi"]),
        ("<b>dock</b>", "dock", ["dock"]),
        ("nothing here", "dock", []),
        ("from Ann", "from:ann -nothing", []),
    ],
)
def test_hits_are_marked(text: str, question: str, hits: list[str]) -> None:
    pieces = marked(text, found_words(parse(question, today=TODAY).terms))

    assert [piece.text for piece in pieces if piece.is_hit] == hits


def test_a_snippet_shows_the_hit_and_not_the_beginning() -> None:
    text = "word " * 200 + "the needle lies here " + "word " * 200

    pieces = snippet(text, found_words(parse("needle", today=TODAY).terms))

    assert [piece.text for piece in pieces if piece.is_hit] == ["needle"]
    assert pieces[0].text == "… "
    assert pieces[-1].text == " …"
