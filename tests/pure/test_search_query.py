"""The language of the search box: words, phrases, operators, dates; and that nothing typed breaks it."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdesk.search.query import OPERATORS, Named, Problem, parse, span_of

TODAY = date(2026, 11, 22)
#: What a tsquery of ours looks like: quoted words, `:*` or a weight, and the four operators.
_TSQUERY = re.compile(r"(?:'(?:[^'\\]|''|\\\\)+'(?::\*?[A-D]?)?|[()!&|]|<\d+>| )*")
_TYPED = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.one_of(
            st.sampled_from(
                [f"{name}:" for name in OPERATORS]
                + ['"', "-", "#", "#12", "':*", "!('", "\\", "|", "&", "<->", "扩展坞", "\x00"]
            ),
            st.text(max_size=12),
        ),
        max_size=12,
    ).map("".join),
)


def asked(text: str) -> str:
    """The tsquery of what was typed."""
    return parse(text, today=TODAY).tsquery()


@given(_TYPED)
def test_whatever_is_typed_gives_a_question_and_words_in_quotes(text: str) -> None:
    question = parse(text, today=TODAY)

    for query in (question.tsquery(), question.tsquery("A"), question.for_rank()):
        assert _TSQUERY.fullmatch(query), query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("dock charg", "'dock':* & 'charg':*"),
        ("a do it", "'a' & 'do' & 'it':*"),
        ("it ", "'it'"),
        ('"dock stopped"', "('dock' <1> 'stopped')"),
        ("“dock stopped”", "('dock' <1> 'stopped')"),
        ("dock -refund", "'dock':* & !'refund':*"),
        ('dock -"full refund"', "'dock':* & !('full' <1> 'refund')"),
        ("wi-fi", "('wi' <1> 'fi':*)"),
        ("ann@shop.example", "('ann' <1> 'shop' <1> 'example')"),
        ("ann@sho", "('ann' <1> 'sho':*)"),
        ("扩展坞", "('扩展' <1> '展坞')"),
        ("坞", "'坞':*"),
        ("from:ann", "'from:ann':*"),
        ("to:support@halden.example dock", "('to:support' <1> 'to:halden' <1> 'to:example') & 'dock':*"),
        ('from:"Ann Example"', "('from:ann' <1> 'from:example')"),
        ("-from:ann dock", "!'from:ann':* & 'dock':*"),
        ("error:404", "('error' <1> '404':*)"),
        ("& | ! ' \\ :*", ""),
    ],
)
def test_words_become_a_query(text: str, query: str) -> None:
    assert asked(text) == query


def test_named_things_are_taken_apart() -> None:
    question = parse('status:open,pending TAG:"late payment" -queue:billing owner:me', today=TODAY)

    assert question.terms == ()
    assert question.named == (
        Named("status", ("open", "pending")),
        Named("tag", ("late payment",)),
        Named("queue", ("billing",), is_negated=True),
        Named("owner", ("me",)),
    )
    assert question.problems == ()


@pytest.mark.parametrize(("text", "number"), [("#1042", 1042), ("＃۱۰۴۲", 1042), ("#", None), ("1042", None)])
def test_a_number_with_its_sign_is_a_ticket(text: str, number: int | None) -> None:
    assert parse(text, today=TODAY).number == number


@pytest.mark.parametrize(
    ("text", "after", "before"),
    [
        ("after:2026-11-01", date(2026, 11, 1), None),
        ("before:2026-11", None, date(2026, 11, 1)),
        ("on:2026-10", date(2026, 10, 1), date(2026, 11, 1)),
        ("on:2026", date(2026, 1, 1), date(2027, 1, 1)),
        ("on:2026-12-31", date(2026, 12, 31), date(2027, 1, 1)),
        ("on:today", TODAY, date(2026, 11, 23)),
        ("after:yesterday", date(2026, 11, 21), None),
        ("after:7d", date(2026, 11, 15), None),
        ("after:۲۰۲۶-۱۱-۰۱", date(2026, 11, 1), None),
        ("after:2026-01-01 after:2026-05-01 before:2026-09-01", date(2026, 5, 1), date(2026, 9, 1)),
    ],
)
def test_dates_narrow(text: str, after: date | None, before: date | None) -> None:
    question = parse(text, today=TODAY)

    assert (question.after, question.before) == (after, before)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("after:soon", Problem("date", "after", "soon")),
        ("on:2026-02-30", Problem("date", "on", "2026-02-30")),
        ("before:0000", Problem("date", "before", "0000")),
        ("from:", Problem("empty", "from", "")),
        ('tag:""', Problem("empty", "tag", "")),
    ],
)
def test_what_says_nothing_is_a_problem(text: str, problem: Problem) -> None:
    assert parse(f"dock {text}", today=TODAY).problems == (problem,)
    assert asked(f"dock {text}").startswith("'dock'")


@given(st.text(max_size=20), st.dates())
def test_a_span_of_days_is_none_or_not_empty(text: str, today: date) -> None:
    span = span_of(text, today)

    assert span is None or span[0] < span[1]
