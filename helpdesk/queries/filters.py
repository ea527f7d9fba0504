"""What a ticket list narrows to, as a value: read from an address, a form or a saved view, and written back. No database.

Called by queries/inbox.py, which gives it its meaning in SQL, and by the pages, which show and keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.models import ACTIVE, UNFINISHED, Channel, Priority, Status, Tier

#: Lists that belong to the reader or to the clock. Name -> words.
ONLY: dict[str, Promise] = {
    "mentions": gettext_lazy("I am mentioned"),
    "following": gettext_lazy("I follow"),
    "drafts": gettext_lazy("I have a draft"),
    "scheduled": gettext_lazy("my reply is scheduled"),
    "deadline": gettext_lazy("with a deadline"),
    "breached": gettext_lazy("past the deadline"),
}
#: Orders of a list. Name -> words.
SORTS: dict[str, Promise] = {
    "deadline": gettext_lazy("Nearest deadline"),
    "wait": gettext_lazy("Longest wait"),
    "change": gettext_lazy("Newest change"),
    "new": gettext_lazy("Newest ticket"),
}
_MOST_HOURS = 24 * 3650


@dataclass(frozen=True)
class TicketFilter:
    """What a list shows, and in which order. Empty fields do not narrow.

    `owner` is "", "me", "none" or the key of a user; `priority` is the least; `tags` are any of; `sort` "" is the natural order.
    Hours count back from now: `older`, `newer` since the ticket was opened, `waiting` since the customer waits.
    """

    statuses: tuple[str, ...] = ()
    queue: int | None = None
    team: int | None = None
    owner: str = ""
    tags: tuple[str, ...] = ()
    untagged: bool = False
    channel: str = ""
    priority: int | None = None
    tier: str = ""
    organisation: str = ""
    language: str = ""
    issue_type: int | None = None
    older: int | None = None
    newer: int | None = None
    waiting: int | None = None
    unread: bool = False
    fields: tuple[tuple[str, str], ...] = ()
    only: str = ""
    text: str = ""
    sort: str = ""

    @classmethod
    def parsed(cls, data: Mapping[str, Any]) -> tuple[Self, list[str]]:
        """The filter, and a sentence for each part that could not be read; such a part does not narrow."""
        problems: list[str] = []
        values: dict[str, Any] = {}
        for name, reader in _READERS.items():
            given = data.get(name)
            if given in (None, "", [], (), {}, False):
                continue
            try:
                values[name] = reader(given)
            except (ValueError, TypeError):
                problems.append(_("“%(value)s” is no %(part)s: this condition was left out.") % _named(name, given))
        return cls(**values), problems

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """From a saved view; what is unknown or malformed is left out, never an error."""
        old = {"tags": [data["tag"]]} if data.get("tag") else {}  # how tags were kept once
        return cls.parsed({**old, **data})[0]

    def to_dict(self) -> dict[str, Any]:
        """What a saved view keeps: the fields that narrow, and the order."""
        kept = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.fields:
            kept["fields"] = dict(self.fields)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in kept.items() if value}

    @property
    def is_narrow(self) -> bool:
        """Whether anything narrows it: an order alone does not."""
        return self != TicketFilter(sort=self.sort)

    @property
    def order(self) -> str:
        """The order that holds: the chosen one where it has a meaning, else the natural one of what is shown."""
        if self.sort in self.orders:
            return self.sort
        if self.only == "mentions":
            return "mention"
        if self.only in {"deadline", "breached"}:
            return "deadline"
        return "deadline" if self.by_rank else "change"

    @property
    def orders(self) -> tuple[str, ...]:
        """The orders offered: deadlines and waits end when the work does, and finished work grows for ever."""
        unfinished = bool(self.statuses) and set(self.statuses) <= set(UNFINISHED)
        return tuple(SORTS) if unfinished or self.only else ("change", "new")

    @property
    def by_rank(self) -> bool:
        """Whether the list is of what has to be done (nearest first) or of what was (newest first)."""
        return bool(self.statuses) and set(self.statuses) <= set(ACTIVE)

    @property
    def is_kept(self) -> bool:
        """Whether the kept counts know the number: they know queue, owner and status."""
        known = TicketFilter(statuses=self.statuses, queue=self.queue, team=self.team, owner=self.owner, sort=self.sort)
        return self == known

    @property
    def is_timed(self) -> bool:
        """Whether what it shows changes as time passes."""
        return self.only == "breached" or any((self.older, self.newer, self.waiting))

    def with_text(self, text: str) -> Self:
        """The same filter looking for `text`."""
        return replace(self, text=text.strip()[:200])


def _whole(most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        number = int(str(value)) if str(value).isdecimal() and len(str(value)) < 19 else 0
        if not 1 <= number <= most:
            raise ValueError(value)
        return number

    return read


def _one_of(known: Sequence[str]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if str(value) not in known:
            raise ValueError(value)
        return str(value)

    return read


def _words(most: int) -> Callable[[object], str]:
    return lambda value: " ".join(str(value).split())[:most]


def _statuses(value: object) -> tuple[str, ...]:
    given = [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)]
    if not set(given) <= set(Status.values):
        raise ValueError(value)
    return tuple(status for status in Status.values if status in given)


def _owner(value: object) -> str:
    text = str(value)
    return text if text in {"me", "none"} else str(_whole(10**18)(text))


def _tags(value: object) -> tuple[str, ...]:
    given = [str(v) for v in value] if isinstance(value, list | tuple) else str(value).split(",")
    names = dict.fromkeys(" ".join(name.split())[:60] for part in given for name in part.split(","))
    return tuple(name for name in names if name)[:20]


def _priority(value: object) -> int:
    level = _whole(9)(value)
    if level not in Priority.values:
        raise ValueError(value)
    return level


def _own_fields(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise TypeError(value)
    return tuple(
        sorted((str(key)[:40], str(words).strip()[:200]) for key, words in value.items() if str(words).strip())
    )


_KEY = _whole(10**18)
_HOURS = _whole(_MOST_HOURS)
_READERS: dict[str, Callable[[Any], Any]] = {
    "statuses": _statuses,
    "queue": _KEY,
    "team": _KEY,
    "owner": _owner,
    "tags": _tags,
    "untagged": bool,
    "channel": _one_of(Channel.values),
    "priority": _priority,
    "tier": _one_of(Tier.values),
    "organisation": _words(150),
    "language": _words(10),
    "issue_type": _KEY,
    "older": _HOURS,
    "newer": _HOURS,
    "waiting": _HOURS,
    "unread": bool,
    "fields": _own_fields,
    "only": _one_of(list(ONLY)),
    "text": _words(200),
    "sort": _one_of(list(SORTS)),
}
#: The parts in words, for sentences.
PARTS: dict[str, Promise] = {
    "statuses": gettext_lazy("status"),
    "queue": gettext_lazy("queue"),
    "team": gettext_lazy("team"),
    "owner": gettext_lazy("owner"),
    "tags": gettext_lazy("tag"),
    "channel": gettext_lazy("channel"),
    "priority": gettext_lazy("priority"),
    "tier": gettext_lazy("customer tier"),
    "language": gettext_lazy("language"),
    "issue_type": gettext_lazy("issue type"),
    "older": gettext_lazy("number of hours"),
    "newer": gettext_lazy("number of hours"),
    "waiting": gettext_lazy("number of hours"),
    "only": gettext_lazy("list"),
    "sort": gettext_lazy("order"),
}


def _named(name: str, given: object) -> dict[str, str]:
    shown = ", ".join(map(str, given)) if isinstance(given, list | tuple) else str(given)
    return {"value": shown[:60], "part": str(PARTS.get(name, name))}


#: Parameters of an address -> fields, where they differ. Own fields are `own-<key>`.
_ADDRESS = {"status": "statuses", "tag": "tags", "type": "issue_type", "q": "text"}
_FROM_FIELD = {field: parameter for parameter, field in _ADDRESS.items()}
_OWN = "own-"


def from_address(params: Mapping[str, Sequence[str]]) -> tuple[TicketFilter, list[str]]:
    """The filter an address or form describes, with sentences for what could not be read. `params`: name -> values."""
    data: dict[str, Any] = {}
    own: dict[str, str] = {}
    for name, values in params.items():
        given = [value for value in values if value]
        field = _ADDRESS.get(name, name)
        if name.startswith(_OWN) and given:
            own[name.removeprefix(_OWN)] = given[-1]
        elif field in _READERS and field != "fields" and given:
            data[field] = given if field in {"statuses", "tags"} else given[-1]
    return TicketFilter.parsed({**data, "fields": own})


def to_address(wanted: TicketFilter) -> dict[str, Any]:
    """The filter as address parameters."""
    kept = wanted.to_dict()
    own = kept.pop("fields", {})
    named = {_FROM_FIELD.get(field, field): 1 if value is True else value for field, value in kept.items()}
    return {**named, **{f"{_OWN}{key}": value for key, value in own.items()}}
