"""Demand: what a contact asks for and by which evidence; conflicts; geography and languages of pages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.core.demand import DemandRules, Rule, demand_of
from routing.core.demand_conditions import SOURCES, Facts
from routing.core.geography import lies_in, page_language, place_of
from routing.core.needs import parse
from routing.core.reading import listed


def rules(*several: dict[str, Any], **more: Any) -> DemandRules:
    """Rules of their plain forms; a missing name is given."""
    return DemandRules.from_dict({"rules": [{"name": f"rule {n}"} | row for n, row in enumerate(several)], **more})


def rule(when: dict[str, Any], **asks: Any) -> dict[str, Any]:
    return {"when": when} | (asks or {"skills": ["x"]})


def holds(when: dict[str, Any], facts: Facts) -> bool:
    """Whether a rule with these conditions asks for anything."""
    return bool(demand_of(facts, rules(rule(when))).skills)


def test_a_contact_of_which_nothing_is_known_asks_for_nothing() -> None:
    demand = demand_of(Facts(), rules(rule({"answer": {"topic": "bill"}}), language_level=2))
    assert (demand.skills, demand.queue, demand.priority, demand.boost, demand.because) == ({}, None, None, 0.0, ())
    assert parse(demand.tree()).met_by({})


def test_a_rule_without_conditions_holds_for_every_contact() -> None:
    assert demand_of(Facts(), rules(rule({}, queue=3))).queue == 3


@pytest.mark.parametrize(
    ("when", "hit", "miss"),
    [
        (
            {"answer": {"topic": ["bill", "refund"]}},
            Facts(answers={"topic": " Refund "}),
            Facts(answers={"topic": "x"}),
        ),
        ({"answer": {"order": []}}, Facts(answers={"order": "17"}), Facts(answers={"order": " "})),
        ({"field": {"contract": "gold"}}, Facts(fields={"contract": "Gold"}), Facts(answers={"contract": "gold"})),
        ({"field": {"insured": True}}, Facts(fields={"insured": True}), Facts(fields={"insured": False})),
        ({"field": {"insured": True}}, Facts(fields={"insured": "Yes"}), Facts(fields={"insured": "no"})),
        ({"field": {"seats": 5}}, Facts(fields={"seats": 5.0}), Facts(fields={"seats": 50})),
        (
            {"field": {"product": ["vpn"]}},
            Facts(fields={"product": ["nas", "vpn"]}),
            Facts(fields={"product": ["nas"]}),
        ),
        ({"tag": ["refund"]}, Facts(tags=frozenset({"Refund"})), Facts(tags=frozenset({"refunds"}))),
        ({"page": ["/fr/"]}, Facts(page="/fr/aide?x=1"), Facts(page="/french/")),
        ({"page": ["/fr/"]}, Facts(page="https://shop.example/fr"), Facts(page="https://fr.example/de/fr/")),
        ({"page": ["*/returns"]}, Facts(page="/de/returns/form"), Facts(page="/de/returning")),
        ({"language": ["fr"]}, Facts(language_detected="fr-CA"), Facts(language_detected="de")),
        ({"country": ["FR", "CH"]}, Facts(country="fr"), Facts(country="DE")),
        ({"country": ["EU"]}, Facts(country="IE"), Facts(country="GB")),
        ({"country": ["DE-BY"]}, Facts(subdivision="DE-BY"), Facts(country="DE")),
        ({"history": {"reopened": 2}}, Facts(history={"reopened": 2}), Facts(history={"reopened": 1})),
        ({"history": {"unhappy": 1}}, Facts(history={"unhappy": 1}), Facts()),
        ({"channel": ["chat", "phone"]}, Facts(channel="chat"), Facts(channel="mail")),
        ({"tier": "vip"}, Facts(tier="vip"), Facts(tier="gold")),
    ],
)
def test_a_condition_holds_for_what_it_names_and_for_nothing_else(
    when: dict[str, Any], hit: Facts, miss: Facts
) -> None:
    assert holds(when, hit)
    assert not holds(when, miss)


def test_all_conditions_of_a_rule_must_hold() -> None:
    both = {"tier": "vip", "channel": "chat"}
    assert holds(both, Facts(tier="vip", channel="chat"))
    assert not holds(both, Facts(tier="vip", channel="mail"))


def test_skills_of_several_rules_add_up_and_each_says_why() -> None:
    made = rules(
        rule({"answer": {"topic": "bill"}}, skills={"billing": 2}),
        rule({"tier": "vip"}, skills={"customers/vip": 1}, boost=120, priority=3),
    )
    demand = demand_of(Facts(answers={"topic": "bill"}, tier="vip"), made)
    assert demand.skills == {"billing": 2, "customers/vip": 1}
    assert (demand.boost, demand.priority, demand.conflicts) == (120, 3, ())
    assert [(b.kind, b.name, b.value, b.source, b.rule, b.evidence) for b in demand.because] == [
        ("skill", "billing", 2, "prechat", "rule 0", "topic = bill"),
        ("skill", "customers/vip", 1, "record", "rule 1", "vip"),
        ("priority", "", 3, "record", "rule 1", "vip"),
        ("boost", "", 120, "record", "rule 1", "vip"),
    ]


def test_what_the_customer_chose_beats_his_record_his_words_his_page_and_his_country_in_that_order() -> None:
    facts = {"language_chosen": "fr", "language_record": "de", "language_detected": "it", "page_lang": "es"}
    found: list[str] = []
    while facts:
        demand = demand_of(Facts(**facts), rules(language_level=2))  # type: ignore[arg-type]  # the facts come as a table of keywords
        found += demand.skills
        assert len(demand.conflicts) == len(facts) - 1
        facts.pop(next(iter(facts)))
    assert found == ["lang/fr", "lang/de", "lang/it", "lang/es"]


def test_a_conflict_is_kept_with_both_sides_and_their_reasons() -> None:
    demand = demand_of(Facts(language_chosen="fr", page="/de/hilfe"), rules(language_level=1))
    (conflict,) = demand.conflicts
    assert (conflict.winner.name, conflict.winner.source) == ("lang/fr", "prechat")
    assert (conflict.loser.name, conflict.loser.source, conflict.loser.evidence) == ("lang/de", "page", "/de/hilfe")


def test_sources_that_agree_are_no_conflict() -> None:
    demand = demand_of(Facts(language_chosen="fr", page="/fr/"), rules(language_level=1))
    assert (demand.skills, demand.conflicts, len(demand.because)) == ({"lang/fr": 1}, (), 2)


def test_of_two_levels_of_a_skill_the_stronger_source_wins_and_among_equals_the_higher_level() -> None:
    made = rules(
        rule({"page": "/pro/"}, skills={"tech": 5}),
        rule({"answer": {"level": "basic"}}, skills={"tech": 1}),
        rule({"answer": {"topic": "vpn"}}, skills={"tech": 3}),
    )
    assert demand_of(Facts(page="/pro/", answers={"level": "basic"}), made).skills == {"tech": 1}
    assert demand_of(Facts(answers={"level": "basic", "topic": "vpn"}), made).skills == {"tech": 3}


def test_of_two_queues_the_stronger_source_wins_and_among_equals_the_rule_written_first() -> None:
    made = rules(rule({"page": "/shop/"}, queue=1), rule({"tag": "refund"}, queue=2), rule({"tag": "order"}, queue=3))
    demand = demand_of(Facts(page="/shop/", tags=frozenset({"refund", "order"})), made)
    assert (demand.queue, [conflict.loser.value for conflict in demand.conflicts]) == (2, [1, 3])


def test_of_boosts_and_priorities_the_largest_wins_whatever_its_source() -> None:
    made = rules(rule({"tier": "vip"}, boost=60, priority=2), rule({"page": "/urgent/"}, boost=300, priority=4))
    demand = demand_of(Facts(tier="vip", page="/urgent/"), made)
    assert (demand.boost, demand.priority, len(demand.conflicts)) == (300, 4, 2)


def test_a_rule_is_as_trustworthy_as_the_weakest_of_its_conditions_and_a_channel_weakens_nothing() -> None:
    def source(when: dict[str, Any]) -> str:
        facts = Facts(answers={"a": "1"}, page="/fr/", phone="+33 1 23 45 67 89", channel="chat")
        return demand_of(facts, rules(rule(when))).because[0].source

    assert source({"answer": {"a": "1"}, "page": "/fr/"}) == "page"
    assert source({"answer": {"a": "1"}, "channel": "chat"}) == "prechat"
    assert source({"channel": "chat"}) == "conversation"
    assert source({"country": "FR", "page": "/fr/"}) == "geo"


def test_a_skill_the_house_does_not_have_is_left_out_and_reported() -> None:
    made = rules(rule({"tag": "x"}, skills=["billing", "alchemy"], queue=9))
    demand = demand_of(Facts(tags=frozenset({"x"})), made, known_skills={"billing/refunds"}, known_queues={1})
    assert (demand.skills, demand.queue) == ({"billing": 1}, None)
    assert [(b.kind, b.name, b.value) for b in demand.unknown] == [("skill", "alchemy", 1), ("queue", "", 9)]


def test_a_folder_that_looks_like_a_language_nobody_speaks_here_is_passed_over_in_silence() -> None:
    made, known = rules(language_level=1), {"lang/fr", "lang/it"}
    assert demand_of(Facts(page="/my/account"), made, known_skills=known).unknown == ()
    assert demand_of(Facts(page="/it/aiuto"), made, known_skills=known).skills == {"lang/it": 1}
    wished = demand_of(Facts(language_chosen="my"), made, known_skills=known)
    assert [because.name for because in wished.unknown] == ["lang/my"]


def test_a_chosen_language_that_nobody_speaks_gives_way_to_the_next_best_evidence() -> None:
    demand = demand_of(
        Facts(language_chosen="my", language_record="fr"), rules(language_level=1), known_skills={"lang/fr"}
    )
    assert demand.skills == {"lang/fr": 1}


@pytest.mark.parametrize(
    ("facts", "countries", "source"),
    [
        ({"country": "fr", "phone": "+49 30 1234567"}, {"FR"}, "record"),
        ({"subdivision": "US-CA"}, {"US"}, "record"),
        ({"phone": "+49 (0)30 1234567", "mail": "a@b.fr"}, {"DE"}, "phone"),
        ({"phone": "0044 20 7946 0000"}, {"GB"}, "phone"),
        ({"phone": "+1 212 555 0100"}, {"US", "CA"}, "phone"),
        ({"phone": "+7 701 555 0100"}, {"KZ"}, "phone"),
        ({"phone": "+7 495 555 0100"}, {"RU"}, "phone"),
        ({"phone": "030 1234567", "mail": "anna@firma.de"}, {"DE"}, "mail"),
        ({"mail": "x@shop.co.uk"}, {"GB"}, "mail"),
    ],
)
def test_where_somebody_is_by_record_then_number_then_mail(
    facts: dict[str, str], countries: set[str], source: str
) -> None:
    place = place_of(**facts)
    assert place is not None
    assert set(place.countries) == countries
    assert str(place.source) == source


@pytest.mark.parametrize(
    "facts", [{}, {"mail": "a@b.com"}, {"mail": "a@b.io"}, {"mail": "de"}, {"phone": "030 1234567"}, {"country": "?"}]
)
def test_what_says_nothing_about_a_country_is_no_evidence(facts: dict[str, str]) -> None:
    assert place_of(**facts) is None


def test_a_number_of_two_countries_is_surely_in_neither_but_in_the_region_of_both() -> None:
    place = place_of(phone="+1 416 555 0100")
    assert place is not None
    assert not lies_in(place, frozenset({"CA"}))
    assert lies_in(place, frozenset({"CA", "US"}))
    assert lies_in(place, frozenset({"NORTH_AMERICA"}))


@pytest.mark.parametrize(
    ("path", "lang", "language"),
    [
        ("/fr/aide", "", "fr"),
        ("/fr-CA/aide", "", "fr"),
        ("/pt_BR/", "", "pt"),
        ("https://example.org/fa/help?x=/de/", "", "fa"),
        ("/en/", "fr-FR", "fr"),
        ("/help", "zh-Hans-CN", "zh"),
        ("/help/fr/", "", ""),
        ("/us/store", "", ""),
        ("/french/", "", ""),
        ("", "", ""),
        ("/fr/", "x-pirate", "fr"),
    ],
)
def test_the_language_of_a_page_is_its_attribute_else_the_first_folder(path: str, lang: str, language: str) -> None:
    assert page_language(path, lang) == language


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"when": {}}, "The name of a demand rule must be a text"),
        ({"name": "a", "when": {"tag": "x"}}, "asks for nothing"),
        ({"name": "a", "when": {"moon": "full"}, "queue": 1}, "has no key 'moon': use answer, field"),
        ({"name": "a", "when": {"tag": []}, "queue": 1}, "has no values"),
        ({"name": "a", "when": {"country": ["Atlantis"]}, "queue": 1}, "no country"),
        ({"name": "a", "when": {"language": ["???"]}, "queue": 1}, "no language"),
        ({"name": "a", "when": {"history": {"reopened": 0}}, "queue": 1}, "at least 1"),
        ({"name": "a", "skills": {"x": 6}}, "from 1 to 5"),
        ({"name": "a", "skills": ["x//y"]}, "no skill: write group/skill"),
        ({"name": "a", "priority": 5}, "from 1 to 4"),
        ({"name": "a", "boost": -1}, "at least 0"),
        (7, "must be a mapping"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_in_a_sentence(row: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Rule.from_dict(row)


def test_languages_may_stand_in_a_group_of_another_name() -> None:
    made = rules(language_level=2, language_group="speaks")
    assert DemandRules.from_dict(made.to_dict()) == made
    demand = demand_of(Facts(language_chosen="fr", page="/de/"), made)
    assert (demand.skills, len(demand.conflicts)) == ({"speaks/fr": 2}, 1)


def test_two_rules_of_one_name_are_refused() -> None:
    same = {"name": "a", "queue": 1}
    with pytest.raises(ValueError, match="Two demand rules are called 'a'"):
        DemandRules.from_dict({"rules": [same, same]})


_RULES = st.builds(
    lambda when, asks: rule(when, **asks),
    st.fixed_dictionaries(
        {},
        optional={
            "answer": st.sampled_from([{"a": ["1", "2"]}, {"b": []}]),
            "tag": st.sampled_from([["x"], ["x", "y"]]),
            "page": st.just(["/fr/"]),
            "country": st.sampled_from([["EU"], ["DE-BY", "FR"]]),
            "history": st.just({"contacts": 3}),
            "tier": st.just(["vip"]),
        },
    ),
    st.fixed_dictionaries(
        {"skills": st.dictionaries(st.sampled_from(["lang/fr", "lang/de", "tech"]), st.integers(1, 5), min_size=1)},
        optional={"queue": st.integers(1, 3), "priority": st.integers(1, 4), "boost": st.sampled_from([30.0, 60.0])},
    ),
)
_FACTS = st.builds(
    Facts,
    answers=st.sampled_from([{}, {"a": "1"}, {"b": "yes"}]),
    tags=st.sampled_from([frozenset[str](), frozenset({"x"})]),
    page=st.sampled_from(["", "/fr/", "/de/"]),
    country=st.sampled_from(["", "FR"]),
    tier=st.sampled_from(["", "vip"]),
    history=st.sampled_from([{}, {"contacts": 4}]),
    language_detected=st.sampled_from(["", "de"]),
)


@given(st.lists(_RULES, max_size=5), _FACTS)
@settings(max_examples=80)
def test_the_winner_is_never_weaker_than_the_loser_and_nothing_gets_lost(
    several: list[dict[str, Any]], facts: Facts
) -> None:
    made = rules(*several, language_level=1)
    assert DemandRules.from_dict(made.to_dict()) == made
    demand = demand_of(facts, made)
    assert sum(path.startswith("lang/") for path in demand.skills) <= 1
    for conflict in demand.conflicts:
        assert conflict.winner in demand.because and conflict.loser not in demand.because
        if conflict.winner.kind in ("skill", "queue"):
            assert SOURCES.index(conflict.winner.source) <= SOURCES.index(conflict.loser.source)
        else:
            assert conflict.winner.value > conflict.loser.value
    assert set(demand.skills) == {because.name for because in demand.because if because.kind == "skill"}


def test_words_may_be_listed_with_the_comma_of_any_script() -> None:
    assert listed("bill, refund،  فاتورة，退款、 ,") == ["bill", "refund", "فاتورة", "退款"]
