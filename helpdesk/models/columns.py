"""Writes changed columns of many rows in one statement: what `bulk_update` does, at a tenth of its cost for a batch of mail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models


def write_columns(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Writes these fields of rows of one model, by primary key. The values travel as one JSON text.

    Django's `bulk_update` builds a CASE with a WHEN for each row and field: 4 s of the 17 s that 500 mails took.
    """
    if not rows:
        return
    meta = rows[0]._meta
    assert meta.pk is not None
    fields: list[Any] = [meta.pk, *(meta.get_field(name) for name in names)]
    records = json.dumps([{f.column: _plain(f, getattr(row, f.attname)) for f in fields} for row in rows])
    quote = connection.ops.quote_name
    typed = ", ".join(
        f"{quote(f.column)} {f.rel_db_type(connection) if f is meta.pk else f.db_type(connection)}" for f in fields
    )
    changes = ", ".join(f"{quote(f.column)} = v.{quote(f.column)}" for f in fields[1:])
    key = quote(fields[0].column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(meta.db_table)} AS t SET {changes} "  # noqa: S608 - names of our own columns
            f"FROM jsonb_to_recordset(%s::jsonb) AS v({typed}) WHERE t.{key} = v.{key}",
            [records],
        )


def _plain(field: Any, value: Any) -> Any:
    value = value if isinstance(field, models.JSONField) else field.get_prep_value(value)
    return value.isoformat() if isinstance(value, datetime) else value
