"""The table of keys: written as it is pressed, nothing twice."""

from __future__ import annotations

import pytest

from helpdesk.desk_keys import ACTIONS, DEFAULTS, RESERVED, changed_keys, clashes, is_key


def test_our_own_table_has_no_key_twice_and_every_action_once() -> None:
    assert clashes({}) == []
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
    assert all(is_key(key) for key in DEFAULTS.values())
    assert not set(RESERVED) & set(DEFAULTS.values())


@pytest.mark.parametrize("key", ["e", "E", "#", "g i", ". . .", "Mod+K", "Mod+Shift+F", "Mod+Enter", ""])
def test_a_key_is_a_sign_some_signs_or_a_chord(key: str) -> None:
    assert is_key(key)


@pytest.mark.parametrize("key", ["ee", "g  i", "a b c d", "Alt+E", "Mod+", "Mod+k", " ", "é", "Enter"])
def test_what_is_no_key_is_refused(key: str) -> None:
    assert not is_key(key)


def test_only_what_differs_from_our_table_is_kept() -> None:
    chosen = {"resolve": "y", "note": "n", "spam": "", "nonsense": "q", "snooze": "too long"}
    assert changed_keys(chosen) == {"resolve": "y", "spam": ""}


def test_a_key_taken_by_another_action_clashes_until_that_one_gives_it_up() -> None:
    assert clashes({"resolve": "n"}) == [("n", ("note", "resolve"))]
    assert clashes({"resolve": "n", "note": "e"}) == []
    assert clashes({"resolve": "", "note": ""}) == []
