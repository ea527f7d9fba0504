"""The keys of the desk: every action with its words and its key, and what a person has made of them.

Read by templates/desk/_help.html (which js/keys-table.js reads in turn: there is no second list), the page "My desk" and
its action. A key is written as it is pressed: `e`, `E` (with Shift), `g i` (one after the other), `Mod+Enter` (Ctrl, or ⌘).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MACROS = 9
#: Kept free for what is still to come: reports, deleting.
RESERVED = ("g r", "#")

#: One key: a character with or without Mod, or Enter with Mod. Up to three characters may follow each other.
_CHORD = re.compile(r"Mod\+(Shift\+)?([A-Z0-9]|Enter)")
_SINGLE = re.compile(r"[!-~](?: [!-~]){0,2}")


@dataclass(frozen=True)
class KeyAction:
    """Something a key does. `name` is what the page's `data-key` says; `key` is ours, a person may choose another."""

    name: str
    key: str
    words: str | Promise


@dataclass(frozen=True)
class KeyGroup:
    """Actions that stand together in the help."""

    title: str | Promise
    actions: tuple[KeyAction, ...]


GROUPS: tuple[KeyGroup, ...] = (
    KeyGroup(
        _("Moving"),
        (
            KeyAction("next", "j", _("next ticket")),
            KeyAction("previous", "k", _("previous ticket")),
            KeyAction("open", "o", _("open it")),
            KeyAction("back", "u", _("back to the list")),
            KeyAction("search", "/", _("find")),
            KeyAction("command", "Mod+K", _("find or do anything")),
            KeyAction("help", "?", _("these keys")),
            KeyAction("go-inbox", "g i", _("go to the inbox")),
            KeyAction("go-mine", "g m", _("go to mine")),
            KeyAction("go-unassigned", "g u", _("go to unassigned")),
            KeyAction("go-customers", "g k", _("go to the customers")),
        ),
    ),
    KeyGroup(
        _("Writing"),
        (
            KeyAction("new-ticket", "c", _("write a new ticket down")),
            KeyAction("reply", "r", _("reply")),
            KeyAction("reply-all", "a", _("reply to all")),
            KeyAction("forward", "f", _("forward")),
            KeyAction("note", "n", _("write a note")),
            KeyAction("attach", "Mod+Shift+F", _("attach a file")),
            KeyAction("send", "Mod+Enter", _("send")),
            KeyAction("send-resolve", "Mod+Shift+Enter", _("send and resolve")),
        ),
    ),
    KeyGroup(
        _("The ticket, or those selected"),
        (
            KeyAction("resolve", "e", _("resolve")),
            KeyAction("resolve-next", "E", _("resolve and open the next")),
            KeyAction("snooze", "b", _("snooze")),
            KeyAction("take", "i", _("take it")),
            KeyAction("assign", "A", _("choose its owner")),
            KeyAction("tag", "l", _("tag")),
            KeyAction("priority", "p", _("priority")),
            KeyAction("select", "x", _("select it")),
            KeyAction("star", "s", _("follow it, or no more")),
            KeyAction("unread", "U", _("mark it unread")),
            KeyAction("undo", "z", _("take the last change back")),
            KeyAction("spam", "!", _("spam")),
            KeyAction("copy-number", ".", _("copy its number")),
            KeyAction("copy-title", ". .", _("copy its number and subject")),
            KeyAction("copy-link", ". . .", _("copy its link")),
        ),
    ),
    KeyGroup(
        _("Offers"),
        (
            KeyAction("accept-offer", "Mod+Shift+A", _("accept the offer")),
            KeyAction("decline-offer", "Mod+Shift+D", _("decline the offer")),
        ),
    ),
    KeyGroup(
        _("Macros"), tuple(KeyAction(f"macro-{n}", str(n), _("macro %(n)s") % {"n": n}) for n in range(1, MACROS + 1))
    ),
)

ACTIONS: tuple[KeyAction, ...] = tuple(action for group in GROUPS for action in group.actions)
DEFAULTS: dict[str, str] = {action.name: action.key for action in ACTIONS}


def is_key(key: str) -> bool:
    """Whether this is written as a key is; "" means that the action has none."""
    return not key or bool(_CHORD.fullmatch(key) or _SINGLE.fullmatch(key))


def changed_keys(chosen: Mapping[str, str]) -> dict[str, str]:
    """What differs from our table: the only thing kept of a person's keys. What is no action or no key is left out."""
    return {name: key for name, key in chosen.items() if name in DEFAULTS and key != DEFAULTS[name] and is_key(key)}


def clashes(chosen: Mapping[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """Keys that stand for more than one action, with the actions' names."""
    by_key: dict[str, list[str]] = {}
    for name, key in {**DEFAULTS, **chosen}.items():
        if key and name in DEFAULTS:
            by_key.setdefault(key, []).append(name)
    return [(key, tuple(names)) for key, names in by_key.items() if len(names) > 1]


def words_of(names: Iterable[str]) -> list[str]:
    """The actions' words in the reader's language."""
    words = {action.name: action.words for action in ACTIONS}
    return [str(words[name]) for name in names]
