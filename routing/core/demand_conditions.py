"""The `when` of a demand rule: which facts of a contact it asks about, and how each is compared.

Called by `routing.core.demand` only, which holds the order of the sources. Pure: no Django.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from helpdesk.phrases import Phrase, Refused, gettext_noop
from routing.core import reading
from routing.core.geography import REGIONS, language_code, lies_in, page_language, place_of

Source = Literal["prechat", "record", "conversation", "page", "geo"]
#: Strongest first.
SOURCES: tuple[Source, ...] = ("prechat", "record", "conversation", "page", "geo")

_NAMED = ("answer", "field")
_LISTED = ("tag", "page", "language", "country", "channel", "tier")
_KEYS = (*_NAMED, *_LISTED, "history")
#: What history can be asked about: counts of the customer's past, made by the caller for a window it states.
HISTORY = ("contacts", "reopened", "transfers", "unhappy", "escalated", "callbacks_missed")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a contact when it asks for service; everything may be missing.

    `answers` are the pre-chat form's and the menu's, `fields` the customer's, organisation's and ticket's own fields by
    key, `page` a path or address and `page_lang` its lang attribute, `country` and `subdivision` the record's, `history`
    counts by the names in HISTORY.
    """

    channel: str = ""
    answers: Mapping[str, object] = field(default_factory=dict)
    fields: Mapping[str, object] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    tier: str = ""
    page: str = ""
    page_lang: str = ""
    language_chosen: str = ""
    language_record: str = ""
    language_detected: str = ""
    country: str = ""
    subdivision: str = ""
    phone: str = ""
    mail: str = ""
    history: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition that holds: the source of its evidence (None: certain, as the channel is) and the evidence itself."""

    source: Source | None
    evidence: str


@dataclass(frozen=True, slots=True)
class When:
    """Conditions that must all hold. Of the values of one, one is enough. None at all: the rule holds for every contact."""

    named: tuple[tuple[str, str, frozenset[str]], ...] = ()
    listed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    history: tuple[tuple[str, float], ...] = ()

    @classmethod
    def from_dict(cls, data: object, where: str) -> When:
        """The conditions of their plain form; ValueError with a sentence for what cannot be used.

        `{"answer": {"topic": ["bill"]}, "field": {"contract": ["gold"]}, "tag": ["refund"], "page": ["/fr/", "*/help"],
        "language": ["fr"], "country": ["FR", "EU", "DE-BY"], "history": {"reopened": 2}, "channel": ["chat"],
        "tier": ["vip"]}`. An empty list of values for an answer or a field means: given at all. Numbers of `history`
        are "at least".
        """
        row = reading.mapping(
            {} if data is None else data, Phrase(gettext_noop("The conditions of %(where)s"), where=where), _KEYS
        )
        named: list[tuple[str, str, frozenset[str]]] = []
        for kind in _NAMED:
            for key, values in reading.mapping(
                row.get(kind, {}), Phrase(gettext_noop("The condition %(kind)s of %(where)s"), kind=kind, where=where)
            ).items():
                wanted = [values] if isinstance(values, str | int | float | bool) else reading.rows(values, where)
                named.append((kind, key, frozenset(_plain(value) for value in wanted)))
        listed = [(kind, _values(kind, row[kind], where)) for kind in _LISTED if kind in row]
        counts: list[tuple[str, float]] = []
        for what, least in reading.mapping(
            row.get("history", {}), Phrase(gettext_noop("The history of %(where)s"), where=where), HISTORY
        ).items():
            counts.append(
                (
                    what,
                    reading.whole(
                        least,
                        Phrase(gettext_noop("The count of %(what)s in %(where)s"), what=what, where=where),
                        least=1,
                    ),
                )
            )
        return cls(tuple(named), tuple(listed), tuple(counts))

    def to_dict(self) -> dict[str, Any]:
        """The plain form, ready for JSON."""
        plain: dict[str, Any] = {}
        for kind, key, values in self.named:
            plain.setdefault(kind, {})[key] = sorted(values)
        plain |= {kind: list(values) for kind, values in self.listed}
        return plain | ({"history": dict(self.history)} if self.history else {})

    def holds(self, facts: Facts) -> tuple[Finding, ...] | None:
        """What was found for each condition, or None where one does not hold."""
        found = [_named(facts, *condition) for condition in self.named]
        found += [_CHECKS[kind](facts, values) for kind, values in self.listed]
        found += [_history(facts, what, least) for what, least in self.history]
        sure = tuple(finding for finding in found if finding is not None)
        return sure if len(sure) == len(found) else None


def _values(kind: str, value: object, where: str) -> tuple[str, ...]:
    values = reading.words(value, Phrase(gettext_noop("The condition %(kind)s of %(where)s"), kind=kind, where=where))
    if not values:
        raise Refused(
            gettext_noop("The condition %(kind)s of %(where)s has no values: name one, or take the condition out."),
            kind=kind,
            where=where,
        )
    if kind == "country":
        values = tuple(word.upper() for word in values)
        for word in values:
            if word not in REGIONS and not (len(word.split("-")[0]) == 2 and word.replace("-", "").isalnum()):
                raise Refused(
                    gettext_noop(
                        "%(word)s in %(where)s is no country: use a code such as FR, a part such as DE-BY, or one of %(known)s."
                    ),
                    word=f"{word!r}",
                    where=where,
                    known=", ".join(REGIONS),
                )
    if kind == "language":
        for word in values:
            if not language_code(word):
                raise Refused(
                    gettext_noop("%(word)s in %(where)s is no language: use a code such as fr."),
                    word=f"{word!r}",
                    where=where,
                )
        values = tuple(dict.fromkeys(language_code(word) for word in values))
    return values


def _plain(value: object) -> str:
    """Answers and fields are compared as text, without case or spaces around: yes and true of a tick box are one."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip().casefold()
    return {"true": "yes", "false": "no"}.get(text, text)


def _named(facts: Facts, kind: str, key: str, wanted: frozenset[str]) -> Finding | None:
    value = (facts.answers if kind == "answer" else facts.fields).get(key)
    given = value if isinstance(value, list | tuple | set | frozenset) else [value]
    plain = [text for text in (_plain(part) for part in given if part is not None) if text]
    hit = next((text for text in plain if not wanted or text in wanted), None)
    if hit is None:
        return None
    return Finding("prechat" if kind == "answer" else "record", f"{key} = {hit}")


def _tag(facts: Facts, wanted: tuple[str, ...]) -> Finding | None:
    names = {name.casefold() for name in wanted}
    hit = next((tag for tag in sorted(facts.tags) if tag.casefold() in names), None)
    return None if hit is None else Finding("conversation", f"#{hit}")


def _page(facts: Facts, wanted: tuple[str, ...]) -> Finding | None:
    """A pattern is the beginning of the path, by whole folders; with a leading * it may stand anywhere in it."""
    path = facts.page.split("?")[0].split("#")[0]
    if "://" in path:
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    closed = path.rstrip("/") + "/"
    for pattern in wanted:
        folder = pattern.lstrip("*").rstrip("/") + "/"
        if path and (folder in closed if pattern.startswith("*") else closed.startswith(folder)):
            return Finding("page", path)
    return None


def _language(facts: Facts, wanted: tuple[str, ...]) -> Finding | None:
    """By the strongest evidence there is: a customer who chose French is not German for the page he wrote from."""
    evidence: tuple[tuple[Source, str], ...] = (
        ("prechat", language_code(facts.language_chosen)),
        ("record", language_code(facts.language_record)),
        ("conversation", language_code(facts.language_detected)),
        ("page", page_language(facts.page, facts.page_lang)),
    )
    source, code = next(((source, code) for source, code in evidence if code), ("page", ""))
    return Finding(source, code) if code in wanted else None


def _country(facts: Facts, wanted: tuple[str, ...]) -> Finding | None:
    place = place_of(country=facts.country, subdivision=facts.subdivision, phone=facts.phone, mail=facts.mail)
    if place is None or not lies_in(place, frozenset(wanted)):
        return None
    return Finding("record" if place.source == "record" else "geo", place.evidence)


def _channel(facts: Facts, wanted: tuple[str, ...]) -> Finding | None:
    return Finding(None, facts.channel) if facts.channel in wanted else None


def _tier(facts: Facts, wanted: tuple[str, ...]) -> Finding | None:
    return Finding("record", facts.tier) if facts.tier in wanted else None


def _history(facts: Facts, what: str, least: float) -> Finding | None:
    count = facts.history.get(what, 0)
    return Finding("record", f"{what} = {count:g}") if count >= least else None


_CHECKS = {
    "tag": _tag,
    "page": _page,
    "language": _language,
    "country": _country,
    "channel": _channel,
    "tier": _tier,
}
