"""Requirements on skills: what meets them, what is wanting, and that equal needs are seen to be equal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.core.needs import ALWAYS, MAX_DEPTH, expand, parse

FRENCH = {"skill": "lang/fr"}
NETWORK = {"skill": "tech/network", "level": 3}


def test_no_requirement_is_met_by_everybody() -> None:
    nothings: list[Any] = [None, {}, [], {"all": []}]
    for nothing in nothings:
        assert parse(nothing) == ALWAYS
    assert ALWAYS.met_by({})
    assert ALWAYS.missing({}) == ()
    assert ALWAYS.words() == ((),)


def test_a_need_for_a_parent_is_met_by_any_descendant() -> None:
    needs = parse({"skill": "tech"})
    assert needs.met_by({"tech": 1})
    assert needs.met_by({"tech/network/wifi": 2})
    assert not needs.met_by({"technology": 5})


def test_a_need_for_a_child_is_not_met_by_the_parent() -> None:
    assert not parse({"skill": "tech/network"}).met_by({"tech": 5})


def test_a_level_is_met_by_that_level_and_above() -> None:
    needs = parse(NETWORK)
    assert [needs.met_by({"tech/network": level}) for level in range(1, 6)] == [False, False, True, True, True]


def test_a_parent_has_the_best_level_of_all_below_it() -> None:
    assert expand({"tech/network": 2, "tech/printer": 4, "tech": 1, "lang/fr": 3}) == {
        "tech/network": 2,
        "tech/printer": 4,
        "tech": 4,
        "lang/fr": 3,
        "lang": 3,
    }


def test_all_any_and_not_mean_what_they_say() -> None:
    needs = parse({"all": [{"any": [FRENCH, {"skill": "lang/en", "level": 4}]}, {"not": {"skill": "trainee"}}]})
    assert needs.met_by({"lang/fr": 1})
    assert needs.met_by({"lang/en": 4})
    assert not needs.met_by({"lang/en": 3})
    assert not needs.met_by({"lang/fr": 1, "trainee": 1})


def test_somebody_below_a_level_may_be_asked_for() -> None:
    needs = parse({"not": {"skill": "tier/vip", "level": 3}})
    assert needs.met_by({})
    assert needs.met_by({"tier/vip": 2})
    assert not needs.met_by({"tier/vip": 3})


def test_a_list_stands_for_all_of_it() -> None:
    assert parse([FRENCH, NETWORK]) == parse({"all": [FRENCH, NETWORK]})


def test_what_is_missing_is_named_for_the_nearest_alternative() -> None:
    needs = parse({"any": [{"all": [FRENCH, NETWORK]}, {"all": [{"skill": "a"}, {"skill": "b"}, {"skill": "c"}]}]})
    assert needs.missing({"lang/fr": 2}) == ("tech/network>=3",)
    assert needs.missing({"a": 1, "b": 1}) == ("c",)
    assert needs.missing({"lang/fr": 1, "tech/network": 3}) == ()
    assert parse({"not": {"skill": "trainee"}}).missing({"trainee": 1}) == ("not trainee",)


def test_order_nesting_and_repetition_do_not_change_the_signature() -> None:
    one = parse({"all": [FRENCH, {"any": [NETWORK, {"skill": "tier/vip"}]}]})
    other = parse({"any": [{"all": [{"skill": "tier/vip"}, FRENCH, FRENCH]}, [{"all": [NETWORK]}, FRENCH]]})
    assert one.signature == other.signature
    assert hash(one) == hash(other)
    assert one == other


def test_what_another_demand_implies_is_left_out() -> None:
    assert parse([{"skill": "lang"}, {"skill": "lang/fr", "level": 2}, FRENCH]) == parse(
        {"skill": "lang/fr", "level": 2}
    )
    assert parse({"any": [{"skill": "lang"}, FRENCH]}) == parse({"skill": "lang"})
    assert parse([{"not": {"skill": "a"}}, {"not": {"skill": "a/b"}}]) == parse({"not": {"skill": "a"}})


def test_not_is_carried_down_to_the_skills() -> None:
    assert parse({"not": {"any": [FRENCH, NETWORK]}}) == parse([{"not": FRENCH}, {"not": NETWORK}])
    assert parse({"not": {"not": FRENCH}}) == parse(FRENCH)


def test_words_are_parts_of_a_sentence_without_a_language() -> None:
    assert parse([FRENCH, NETWORK, {"not": {"skill": "a"}}, {"not": {"skill": "b", "level": 2}}]).words() == (
        (("lacks", "a", 1), ("below", "b", 2), ("has", "lang/fr", 1), ("at_least", "tech/network", 3)),
    )


def test_proficiency_is_the_mean_level_of_the_best_alternative_met() -> None:
    needs = parse({"any": [[FRENCH, NETWORK], {"skill": "print"}]})
    assert needs.proficiency(expand({"lang/fr": 5, "tech/network": 3, "print": 3})) == 4.0
    assert needs.proficiency(expand({"print/laser": 2})) == 2.0
    assert needs.proficiency(expand({"lang/fr": 5})) == 0.0


@pytest.mark.parametrize(
    ("tree", "word"),
    [
        ("lang/fr", "object"),
        ({"any": []}, "nothing"),
        ({"skill": "lang/fr", "min": 2}, "min"),
        ({"skill": "lang//fr"}, "path"),
        ({"skill": "/lang"}, "path"),
        ({"skill": " lang"}, "path"),
        ({"skill": ""}, "path"),
        ({"skill": 7}, "path"),
        ({"skill": "x" * 201}, "path"),
        ({"skill": "lang/fr", "level": 0}, "1 to 5"),
        ({"skill": "lang/fr", "level": 6}, "1 to 5"),
        ({"skill": "lang/fr", "level": True}, "1 to 5"),
        ({"skill": "lang/fr", "level": 2.0}, "1 to 5"),
        ({"some": []}, "some"),
        ({"all": FRENCH}, "list"),
        ({"all": [], "any": []}, "exactly one"),
        ({"all": [{}]}, "exactly one"),
        ([FRENCH, {"not": FRENCH}], "contradict"),
        ([{"skill": "a/b", "level": 3}, {"not": {"skill": "a", "level": 2}}], "contradict"),
        ({"not": {"all": []}}, "contradict"),
    ],
)
def test_a_tree_of_another_shape_is_refused_with_a_sentence(tree: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        parse(tree)


def test_contradictions_are_seen_only_where_they_are_some() -> None:
    assert parse([{"skill": "a/b", "level": 2}, {"not": {"skill": "a", "level": 3}}]).met_by({"a/b": 2})
    assert parse([{"skill": "a", "level": 3}, {"not": {"skill": "a/b"}}]).met_by({"a/c": 3})


def test_trees_too_deep_or_with_too_many_alternatives_are_refused() -> None:
    deep: dict[str, Any] = FRENCH
    for _ in range(MAX_DEPTH + 1):
        deep = {"not": deep}
    with pytest.raises(ValueError, match="nested"):
        parse(deep)
    pairs = [{"any": [{"skill": f"a{n}"}, {"skill": f"b{n}"}]} for n in range(40)]
    assert len(parse({"all": pairs[:6]}).signature) == 64
    for tree in ({"all": pairs[:7]}, {"all": pairs}):
        with pytest.raises(ValueError, match="alternatives"):
            parse(tree)


paths = st.sampled_from(["a", "a/x", "a/x/y", "a/z", "b", "b/x"])
leaves = st.builds(lambda skill, level: {"skill": skill, "level": level}, paths, st.integers(1, 4))
trees = st.recursive(
    leaves,
    lambda below: st.one_of(
        st.lists(below, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(below, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        below.map(lambda part: {"not": part}),
    ),
    max_leaves=7,
)
held = st.dictionaries(paths, st.integers(1, 4))


def walk(tree: dict[str, Any], skills: dict[str, int]) -> bool:
    """The tree asked as it stands, by a walk over everything held."""
    if "skill" in tree:
        best = max((level for path, level in skills.items() if f"{path}/".startswith(f"{tree['skill']}/")), default=0)
        return best >= int(tree["level"])
    if "not" in tree:
        return not walk(tree["not"], skills)
    kind = all if "all" in tree else any
    return kind(walk(part, skills) for (parts,) in [tree.values()] for part in parts)


@settings(max_examples=120, deadline=None)
@given(trees, st.lists(held, min_size=1, max_size=8))
def test_needs_are_met_as_a_walk_over_the_tree_says(tree: dict[str, Any], people: list[dict[str, int]]) -> None:
    try:
        needs = parse(tree)
    except ValueError:
        assert not any(walk(tree, skills) for skills in people)
        return
    for skills in people:
        assert needs.met_by(skills) is walk(tree, skills)
        assert (needs.missing(skills) == ()) is needs.met_by(skills)
    assert parse(needs.tree()).signature == needs.signature
    assert {part for one in needs.words() for _, part, _ in one} == needs.skills
