"""Variables in canned responses and macros: which there are, and how their values are put in. Pure, no template engine.

A place is written {{customer.name}}. Filling is one pass over the text of the response: what was put in is not read again, so
a customer who calls himself {{agent.name}} stays called so. Called by actions/canned.py, actions/macros.py and the admin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: What every ticket offers, in the order of the list that `{{` opens. Own fields follow, by their keys.
VARIABLES: tuple[str, ...] = (
    "customer.name",
    "customer.first_name",
    "customer.email",
    "customer.organisation",
    "ticket.number",
    "ticket.subject",
    "agent.name",
    "agent.first_name",
    "queue.name",
    "mailbox.address",
)
#: What the preview puts into the places.
EXAMPLE = {
    "customer.name": "Ann Example",
    "customer.first_name": "Ann",
    "customer.email": "ann@shop.example",
    "customer.organisation": "Shop Ltd",
    "ticket.number": "1042",
    "ticket.subject": "The dock does not charge",
    "agent.name": "Sara Agent",
    "agent.first_name": "Sara",
    "queue.name": "Hardware",
    "mailbox.address": "support@halden.example",
}
CUSTOMER_FIELDS, TICKET_FIELDS = "customer.fields.", "ticket.fields."
_PLACE = re.compile(r"\{\{[ \t]*([A-Za-z][\w.-]{0,80})[ \t]*\}\}")
_VALUE_AT_MOST = 500
_TITLES = frozenset(
    [
        *("mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "m", "mme", "sr", "sra"),
        *("آقای", "خانم", "دکتر", "د", "السيد", "السيدة"),
    ]
)
#: Scripts that write the family's name first and leave no gap: a name of one word is addressed whole.
_HAN_OR_HANGUL = re.compile(r"[\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(frozen=True)
class Filled:
    """A text with its values in. What has no value stands there as its place still, and by name in `missing`."""

    text: str
    missing: tuple[str, ...] = ()


def places(text: str) -> tuple[str, ...]:
    """The names of all places of a text, each once, in order."""
    return tuple(dict.fromkeys(match[1] for match in _PLACE.finditer(text)))


def unknown(text: str, *, fields: Iterable[str] = ()) -> tuple[str, ...]:
    """The places that no ticket can fill. `fields` are the names of own fields with their prefix."""
    known = {*VARIABLES, *fields}
    return tuple(name for name in places(text) if name not in known)


def fill(text: str, values: Mapping[str, str]) -> Filled:
    """Puts the values into their places. A place without a value, known or not, is left in sight and named as missing."""
    missing: dict[str, None] = {}

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1], "").strip()
        if not found:
            missing[match[1]] = None
            return place(match[1])
        return found[:_VALUE_AT_MOST]

    filled = _PLACE.sub(value, text)
    return Filled(filled, tuple(missing))


def place(name: str) -> str:
    """The place of a variable as it is written in a text."""
    return "{{" + name + "}}"


def first_name(name: str) -> str:
    """How a person is addressed: the first word behind titles, what follows the comma in “Doe, Jane”, a Han name whole.

    Empty for what is no name, such as a mail address.
    """
    if "@" in name:
        return ""
    family, comma, given = name.partition(",")
    words = (given if comma and given.strip() else family).split()
    while len(words) > 1 and words[0].rstrip(".").lower() in _TITLES:
        words = words[1:]
    if not words:
        return ""
    if _HAN_OR_HANGUL.search(words[0]):
        return "".join(words) if all(_HAN_OR_HANGUL.search(word) for word in words) else " ".join(words)
    return words[0]
