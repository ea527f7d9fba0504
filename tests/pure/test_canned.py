"""Variables of canned responses: found, filled once, left in sight when there is no value."""

from __future__ import annotations

import pytest

from helpdesk import canned

VALUES = {"customer.name": "Ann Example", "agent.first_name": "Sara", "ticket.number": "1042", "queue.name": " "}


def test_values_are_put_into_their_places_however_they_are_spaced() -> None:
    filled = canned.fill("Dear {{customer.name}}, {{ agent.first_name }} here about #{{ticket.number }}.", VALUES)

    assert filled == canned.Filled("Dear Ann Example, Sara here about #1042.")


def test_a_place_without_a_value_stays_in_sight_and_is_named_once() -> None:
    filled = canned.fill("{{queue.name}}, {{ queue.name }} and {{customer.shoe_size}}", VALUES)

    assert filled.text == "{{queue.name}}, {{queue.name}} and {{customer.shoe_size}}"
    assert filled.missing == ("queue.name", "customer.shoe_size")


@pytest.mark.parametrize(
    "hostile",
    ["{{agent.first_name}}", "{{ticket.number}}{{ticket.number}}", "{% include 'x' %}", "${ticket}", r"\1\g<0>"],
)
def test_a_customers_name_is_never_read_as_a_place(hostile: str) -> None:
    filled = canned.fill("Dear {{customer.name}}!", {**VALUES, "customer.name": hostile})

    assert filled == canned.Filled(f"Dear {hostile}!")


def test_what_is_no_place_is_left_alone() -> None:
    text = "{{}} {{ }} { {customer.name} } {{1}} {{customer name}} {{a|upper}} {{customer.name"

    assert canned.fill(text, VALUES) == canned.Filled(text)
    assert canned.places(text) == ()


def test_only_variables_and_the_companys_own_fields_are_known() -> None:
    text = "{{customer.name}} {{ticket.fields.order}} {{ticket.fields.other}} {{customer.__class__}}"

    assert canned.unknown(text, fields=["ticket.fields.order"]) == ("ticket.fields.other", "customer.__class__")


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ann Example", "Ann"),
        ("Example, Ann", "Ann"),
        ("Dr. Ann Example", "Ann"),
        ("Ann", "Ann"),
        ("Dr", "Dr"),
        ("مریم رضایی", "مریم"),
        ("خانم مریم رضایی", "مریم"),
        ("张伟", "张伟"),
        ("张 伟", "张伟"),
        ("", ""),
        (",", ""),
        ("ann@shop.example", ""),
    ],
)
def test_people_are_addressed_by_the_first_name_their_script_has(name: str, first: str) -> None:
    assert canned.first_name(name) == first
