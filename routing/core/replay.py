"""The log of everything a pool was told, and the same told to a fresh one: equal decisions, or the first that differs.

Lines are plain values, ready for JSON. A log answers "would it be decided the same again?" after a change of the engine, and
proves that nothing but what stands in it decides. Used by the tests; `Recorder` may stand wherever a Pool does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from routing.core import needs
from routing.core.engine import Agent, Choice, Item, QueueRules, QueueStats
from routing.core.pool import Pool

Line = dict[str, Any]
_CALLS = ("add_queue", "put_agent", "drop_agent", "set_ready", "set_accepts", "occupy", "release", "count", "put_item",
          "drop_item", "match")  # fmt: skip


class Recorder(Pool):
    """A pool that keeps a line for each call which changes it, with the decisions of each match."""

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.log: list[Line] = [{"call": "seed", "seed": seed}]
        self._depth = 0  # calls of its own are not told: they follow from those that are

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in _CALLS or self._depth:
            return found

        def told(*values: Any, **named: Any) -> Any:
            line: Line = {"call": name, "values": [_plain(one) for one in values], **_named(named)}
            self.log.append(line)
            self._depth += 1
            try:
                result = found(*values, **named)
            finally:
                self._depth -= 1
            if name == "match":
                line["decided"] = [_decision(one) for one in result]
            return result

        return told


def replay(log: Iterable[Line]) -> tuple[int, list[list[int]], list[list[int]]] | None:
    """Tells a fresh pool the same. None for equal decisions; else the first that differ, as (line, recorded, now), each
    decision as [item, agent, queue]. What follows a difference would not fit any more."""
    pool = Pool()
    for number, line in enumerate(log):
        if line["call"] == "seed":
            pool = Pool(seed=line["seed"])
            continue
        values = [_value(one) for one in line["values"]]
        result = getattr(pool, line["call"])(*values, **_read_named(line.get("named", {})))
        if line["call"] == "match":
            decided = [_decision(one) for one in result]
            if decided != line["decided"]:
                return number, line["decided"], decided
    return None


def _decision(choice: Choice) -> list[int]:
    return [choice.item, choice.agent, choice.queue]


def _named(named: dict[str, Any]) -> Line:
    return {"named": {key: _plain(value) for key, value in named.items()}} if named else {}


def _read_named(named: Line) -> Line:
    return {key: _value(value) for key, value in named.items()}


def _plain(value: Any) -> Any:
    """A value as JSON keeps it, as it is at this moment; the pool changes agents afterwards."""
    match value:
        case QueueRules():
            return {"is": "rules", **asdict(value)}
        case Agent():
            return {"is": "agent", **asdict(value), "accepts": None if value.accepts is None else sorted(value.accepts)}
        case Item():
            plain = {name: getattr(value, name) for name in Item.__slots__}
            return {"is": "item", **plain, "needs": value.needs.tree(), "excluded": sorted(value.excluded)}
        case frozenset():
            return {"is": "set", "of": sorted(value)}
    return value


def _value(plain: Any) -> Any:
    if not isinstance(plain, dict):
        return plain
    row = {key: value for key, value in plain.items() if key != "is"}
    match plain["is"]:
        case "rules":
            return QueueRules(**row)
        case "agent":
            row["queues"] = {int(key): value for key, value in row["queues"].items()}
            row["stats"] = {int(key): QueueStats(**stats) for key, stats in row["stats"].items()}
            row["accepts"] = None if row["accepts"] is None else frozenset(row["accepts"])
            return Agent(**row)
        case "item":
            row["needs"] = needs.parse(row["needs"])
            for name, kind in (("excluded", frozenset), ("preferred", tuple), ("extra_queues", tuple)):
                row[name] = kind(row[name])
            return Item(**row)
    return frozenset(row["of"])
