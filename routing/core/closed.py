"""What happens to a contact whose queue is closed, has nobody at work, or is full; and when a queue overflows.

Every state has a behaviour per channel. What a channel cannot do (a voicemail to somebody who wrote a mail) gives way to
what it can, and where nothing was set there is a default with an alert: a contact is never left hanging. Called when a
contact enters a queue, at each step, and at closing time; by the simulation, the dry run and `plan_check`. Pure: no Django,
instants are aware datetimes and arguments.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from helpdesk.hours import Calendar, is_open, next_opening
from helpdesk.phrases import Phrase, Refused, gettext_noop
from routing.core import reading

#: keep: it waits here. ticket: a message is taken and becomes a ticket. callback_next_open: its place is kept, and we
#: call when we open. play_message: it hears or reads why, and ends. The other two say what they do.
BEHAVIOURS = ("keep", "ticket", "callback_next_open", "voicemail", "play_message", "other_queue")
#: Why a queue takes nobody. `emergency` is closed by hand until an instant, whatever the calendar says.
STATES = ("emergency", "closed", "unstaffed", "full")
#: What a live channel can do, and its default; any other channel is a message already, which keeps or goes elsewhere.
_LIVE: dict[str, tuple[tuple[str, ...], str]] = {
    "chat": (("keep", "ticket", "callback_next_open", "play_message", "other_queue"), "ticket"),
    "phone": (BEHAVIOURS, "callback_next_open"),
    "callback": (("keep", "callback_next_open", "other_queue"), "callback_next_open"),
}
_MESSAGE = (("keep", "other_queue"), "keep")
OVERFLOW_WHEN = ("ewt", "wait", "length", "service_level", "unstaffed", "closed")
_MEASURED = ("ewt", "wait", "length")


@dataclass(frozen=True, slots=True)
class OverflowRule:
    """When `when` is more than `over` (seconds of estimated wait or of wait; contacts), agents of `to` may take it too.

    The contact keeps its home queue and its place there. Of "service_level" `over` is the percentage below which the level
    of late has fallen, written as `under`. "unstaffed" and "closed" have no measure.
    """

    when: str
    over: float
    to: tuple[int, ...]

    @classmethod
    def from_dict(cls, data: object) -> OverflowRule:
        """`{"when": "ewt", "over": 120, "to": [4]}`; ValueError with a sentence for what cannot be used."""
        row = reading.mapping(data, "An overflow rule", ("when", "over", "under", "to"))
        when = reading.one_of(row.get("when"), "when of an overflow rule", OVERFLOW_WHEN)
        if when == "service_level":
            if row.get("over") is not None:
                raise Refused(
                    gettext_noop("An overflow rule for service_level has no over: write under, a percentage.")
                )
            over = float(
                reading.whole(row.get("under"), "under of the overflow rule for service_level", least=1, most=100)
            )
        elif row.get("under") is not None:
            raise Refused(
                gettext_noop("An overflow rule for %(when)s has no under: only service_level has."), when=when
            )
        elif when in _MEASURED:
            over = reading.seconds(
                row.get("over"), Phrase(gettext_noop("over of the overflow rule for %(when)s"), when=when)
            )
        elif row.get("over") is not None:
            raise Refused(gettext_noop("An overflow rule for %(when)s has no measure: leave over out."), when=when)
        else:
            over = 0.0
        to = reading.keys(row.get("to"), "to of an overflow rule")
        if not to:
            raise Refused(gettext_noop("The overflow rule for %(when)s leads nowhere: name a queue in to."), when=when)
        return cls(when, over, to)

    def to_dict(self) -> dict[str, Any]:
        """The plain form, ready for JSON."""
        plain: dict[str, Any] = {"when": self.when}
        if self.when in _MEASURED:
            plain["over"] = self.over
        elif self.when == "service_level":
            plain["under"] = int(self.over)
        return {**plain, "to": list(self.to)}

    def holds(self, queue: QueueNow, state: str, waited: float) -> bool:
        """Whether it holds for a contact that has waited so many seconds, in a queue of this `state_of`; unknown: no."""
        match self.when:
            case "ewt":
                return queue.ewt is not None and queue.ewt > self.over
            case "wait":
                return waited > self.over
            case "length":
                return queue.waiting > self.over
            case "service_level":
                return queue.service_level is not None and queue.service_level * 100 < self.over
            case "closed":
                return state in {"closed", "emergency"}
        return state == self.when


@dataclass(frozen=True, slots=True)
class ClosedRules:
    """What one queue does when it cannot take a contact. `behaviours`: state -> channel ("*": any other) -> behaviour.

    `other_queues` are tried for "other_queue". `at_closing`: contacts that wait are drained, for `drain_seconds` at most
    (None: to the last), or converted at once. `emergency_until`: closed by hand up to this instant.
    """

    behaviours: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    other_queues: tuple[int, ...] = ()
    message: str = ""
    max_length: int | None = None
    at_closing: str = "drain"
    drain_seconds: float | None = None
    emergency_until: datetime | None = None
    overflow: tuple[OverflowRule, ...] = ()

    @classmethod
    def from_dict(cls, data: object) -> ClosedRules:
        """The rules of their plain form; ValueError with a sentence for what cannot be used.

        `{"behaviours": {"closed": {"chat": "ticket", "*": "keep"}, "unstaffed": "ticket"}, "other_queues": [4],
        "message": "…", "max_length": 50, "at_closing": "drain", "drain_seconds": 1800,
        "emergency_until": "2026-12-01T12:00:00+00:00", "overflow": [rule, …]}`. One word for a state holds for every channel.
        """
        row = reading.mapping(data, "The closed behaviour", _KEYS)
        behaviours: dict[str, dict[str, str]] = {}
        for state, by_channel in reading.mapping(row.get("behaviours") or {}, "behaviours", STATES).items():
            several = {"*": by_channel} if isinstance(by_channel, str) else reading.mapping(by_channel, state)
            behaviours[state] = {
                channel: reading.one_of(
                    word,
                    Phrase(
                        gettext_noop("The behaviour when %(state)s, for %(channel)s,"), state=state, channel=channel
                    ),
                    BEHAVIOURS,
                )
                for channel, word in several.items()
            }
        others = reading.keys(row.get("other_queues"), "other_queues")
        if not others and any("other_queue" in by_channel.values() for by_channel in behaviours.values()):
            raise Refused(gettext_noop("Contacts are to go to another queue, and none is named: set other_queues."))
        length, drain, message = row.get("max_length"), row.get("drain_seconds"), row.get("message") or ""
        return cls(
            behaviours=behaviours,
            other_queues=others,
            message=reading.text(message, "message") if message else "",
            max_length=None if length is None else reading.whole(length, "max_length", least=1),
            at_closing=reading.one_of(row.get("at_closing", "drain"), "at_closing", ("drain", "convert")),
            drain_seconds=None if drain is None else reading.seconds(drain, "drain_seconds"),
            emergency_until=_instant(row.get("emergency_until")),
            overflow=tuple(OverflowRule.from_dict(rule) for rule in reading.rows(row.get("overflow"), "overflow")),
        )

    def to_dict(self) -> dict[str, Any]:
        """The plain form, ready for JSON; `from_dict` reads it back to equal rules."""
        plain: dict[str, Any] = {
            "behaviours": {state: dict(by_channel) for state, by_channel in self.behaviours.items()},
            "other_queues": list(self.other_queues),
            "message": self.message,
            "max_length": self.max_length,
            "at_closing": self.at_closing,
            "drain_seconds": self.drain_seconds,
            "emergency_until": None if self.emergency_until is None else self.emergency_until.isoformat(),
            "overflow": [rule.to_dict() for rule in self.overflow],
        }
        return {key: value for key, value in plain.items() if value not in (None, "", [], {})}


_KEYS = (
    "behaviours", "other_queues", "message", "max_length", "at_closing", "drain_seconds", "emergency_until", "overflow",
)  # fmt: skip
NO_RULES = ClosedRules()


@dataclass(frozen=True, slots=True)
class QueueNow:
    """A queue at this moment. `staffed` counts agents of the queue at work, on contacts or breaks included; `ewt` is the
    estimated wait in seconds, `service_level` the share answered in time of late; None: not known."""

    is_open: bool
    opens_at: datetime | None = None
    staffed: int = 1
    waiting: int = 0
    ewt: float | None = None
    service_level: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to the contact. `behaviour` is "enter" for a queue that takes it, else one of BEHAVIOURS; `queue` is
    where it ends up, `state` why its own queue does not take it, `path` the queues that were asked.

    `alert` is for the people of the house: "no_behaviour" (nothing was set), "never_opens", "nobody_anywhere" (no other
    queue takes it either), "unstaffed" (open, and nobody at work); "" for none.
    """

    behaviour: str
    queue: int
    state: str = ""
    opens_at: datetime | None = None
    message: str = ""
    path: tuple[int, ...] = ()
    alert: str = ""


def queue_now(calendar: Calendar, now: datetime, *, staffed: int = 1, waiting: int = 0) -> QueueNow:
    """The queue with the hours of its calendar; estimate and service level are added by who knows them."""
    opened = is_open(now, calendar)
    return QueueNow(opened, now if opened else next_opening(now, calendar), staffed, waiting)


def state_of(rules: ClosedRules, queue: QueueNow, now: datetime) -> str:
    """Why the queue takes no contact now, one of STATES, or ""; the first that holds in their order."""
    if rules.emergency_until is not None and now < rules.emergency_until:
        return "emergency"
    if not queue.is_open:
        return "closed"
    if queue.staffed < 1:
        return "unstaffed"
    return "full" if rules.max_length is not None and queue.waiting >= rules.max_length else ""


def behaviour_of(rules: ClosedRules, state: str, channel: str) -> tuple[str, bool]:
    """The behaviour for a channel, and whether it was set. An emergency without words of its own is a closed queue."""
    able, usual = _LIVE.get(channel, _MESSAGE)
    by_channel = rules.behaviours.get(state) or (rules.behaviours.get("closed") if state == "emergency" else None) or {}
    word = by_channel.get(channel, by_channel.get("*"))
    return (word if word in able else usual, True) if word is not None else (usual, False)


def on_arrival(
    queue: int, channel: str, rules: Mapping[int, ClosedRules], queues: Mapping[int, QueueNow], now: datetime
) -> Outcome:
    """What happens to a contact that asks for a queue. A queue without rules or facts counts as open to nobody."""
    own, here = rules.get(queue, NO_RULES), queues.get(queue, _UNKNOWN)
    state = state_of(own, here, now)
    if not state:
        return Outcome("enter", queue, opens_at=here.opens_at, path=(queue,))
    behaviour, was_set = behaviour_of(own, state, channel)
    alert = "unstaffed" if state == "unstaffed" else "" if was_set else "no_behaviour"
    path: tuple[int, ...] = (queue,)
    if behaviour == "other_queue":
        found, path = _elsewhere(queue, channel, rules, queues, now)
        if found is not None:
            return Outcome("other_queue", found, state, queues[found].opens_at, own.message, path, alert)
        behaviour, alert = _LIVE.get(channel, _MESSAGE)[1], "nobody_anywhere"
    opens = own.emergency_until if state == "emergency" else here.opens_at
    if behaviour in ("callback_next_open", "keep") and state != "full" and opens is None:
        alert = alert or "never_opens"
        behaviour = "ticket" if behaviour == "callback_next_open" and channel != "callback" else "keep"
    return Outcome(behaviour, queue, state, opens, own.message, path, alert)


def at_closing(rules: ClosedRules, channel: str, closed_for: float) -> str:
    """What happens to a contact that waits when its queue has been closed for so many seconds: "drain" or a behaviour.

    Nobody who has waited is sent off with a message: he gets what his channel does by default.
    """
    if rules.at_closing == "drain" and (rules.drain_seconds is None or closed_for < rules.drain_seconds):
        return "drain"
    behaviour, _ = behaviour_of(rules, "closed", channel)
    return _LIVE.get(channel, _MESSAGE)[1] if behaviour == "play_message" else behaviour


def overflow_to(rules: ClosedRules, queue: QueueNow, waited: float, now: datetime) -> tuple[tuple[int, str], ...]:
    """The queues whose agents may take a contact that has waited so many seconds, each with the reason (`when`)."""
    state = state_of(rules, queue, now)
    found: dict[int, str] = {}
    for rule in rules.overflow:
        if rule.holds(queue, state, waited):
            for key in rule.to:
                found.setdefault(key, rule.when)
    return tuple(found.items())


def best_open(
    keys: Iterable[int], rules: Mapping[int, ClosedRules], queues: Mapping[int, QueueNow], now: datetime
) -> int | None:
    """Of several queues (sites) the one that takes contacts now and has the best service level; None where none does.

    Equal levels: the shorter estimated wait, then the smaller key. What is not known comes last.
    """
    able = [key for key in keys if key in queues and not state_of(rules.get(key, NO_RULES), queues[key], now)]
    return min(able, key=lambda key: _merit(key, queues[key]), default=None)


def _merit(key: int, queue: QueueNow) -> tuple[float, float, int]:
    level = -1.0 if queue.service_level is None else queue.service_level
    return (-level, math.inf if queue.ewt is None else queue.ewt, key)


def _elsewhere(
    queue: int, channel: str, rules: Mapping[int, ClosedRules], queues: Mapping[int, QueueNow], now: datetime
) -> tuple[int | None, tuple[int, ...]]:
    """The best of the queues named; where none takes it, those that they name in turn. Each is asked once: no loops."""
    asked: dict[int, None] = {queue: None}
    rings: deque[Collection[int]] = deque([rules.get(queue, NO_RULES).other_queues])
    while rings:
        fresh = [key for key in rings.popleft() if key not in asked]
        asked |= dict.fromkeys(fresh)
        found = best_open(fresh, rules, queues, now)
        if found is not None:
            return found, (*(key for key in asked if key != found), found)
        for key in fresh:
            theirs = rules.get(key, NO_RULES)
            state = state_of(theirs, queues.get(key, _UNKNOWN), now)
            if behaviour_of(theirs, state, channel)[0] == "other_queue":
                rings.append(theirs.other_queues)
    return None, tuple(asked)


_UNKNOWN = QueueNow(is_open=False, staffed=0)


def _instant(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Refused(
            gettext_noop("emergency_until cannot be %(value)s: write an instant such as 2026-12-01T12:00:00+00:00."),
            value=f"{value!r}",
        )
    return found
