"""A statement that the ORM writes once: the next time only its values are put in.

Writing the SQL of a page's few large reads took longer than PostgreSQL needs to answer them. What a statement is made from
beside its values (whose door, which columns) is its key; the values are whole numbers. Called by the queries of the desk.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)
#: Stands for a value while the statement is written; within four bytes, and nobody's key in a test.
_FIRST_MARK = 2_000_000_000
_KEPT_AT_MOST = 512


@dataclass(frozen=True)
class _Written(Generic[M]):
    """A queryset with its SQL; `params` are (name, value): the value stands where there is no name."""

    found: QuerySet[M]
    compiler: Any
    sql: str
    params: tuple[tuple[str, Any], ...]


class Statement(Generic[M]):
    """`write(key, **values)` makes the queryset; it must use each value as it is given and read nothing that changes."""

    def __init__(self, write: Callable[..., QuerySet[M]]) -> None:
        self._write = write
        self._written: dict[Hashable, _Written[M] | None] = {}

    def rows(self, key: Hashable = (), **values: int) -> list[M]:
        """The rows for these values, read now."""
        if key not in self._written:
            if len(self._written) >= _KEPT_AT_MOST:
                self._written.clear()
            self._written[key] = self._writing(key, list(values))
        written = self._written.get(key)
        if written is None:
            return []
        compiler = copy.copy(written.compiler)
        compiler.connection = connection  # each thread has its own
        params = tuple(type(value)(values[name]) if name else value for name, value in written.params)
        compiler.as_sql = lambda *_args, **_named: (written.sql, params)
        found = written.found._chain()  # type: ignore[attr-defined]
        found.query.get_compiler = lambda *_args, **_named: compiler
        return list(found)

    def _writing(self, key: Hashable, names: list[str]) -> _Written[M] | None:
        marks = {_FIRST_MARK + place: name for place, name in enumerate(names)}
        found = self._write(key, **{name: mark for mark, name in marks.items()})
        compiler = found.query.get_compiler(using=found.db)
        try:
            sql, params = compiler.as_sql()
        except EmptyResultSet:
            return None
        # a psycopg number says how wide it is by its type, which is kept
        named = tuple((marks.get(value, "") if isinstance(value, int) else "", value) for value in params)
        if missing := set(names) - {name for name, _value in named}:
            raise ValueError(f"The statement does not use {', '.join(sorted(missing))} as given")
        return _Written(found, compiler, sql, named)
