"""Fills the search rows of a whole installation by COPY. Called by `manage.py reindex_search` and by seed_volume."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db import connection, transaction

from helpdesk.actions.search_index import missing_below, rows_of

_BATCH = 2_000
#: The index takes words in heaps of this size; its usual 4 MB would merge twenty times as often.
_HEAP = "256MB"


def copy_rows(keys: Collection[int]) -> int:
    """Writes the rows of messages that have none yet. In the caller's transaction; returns how many."""
    rows = rows_of(keys)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL gin_pending_list_limit = %s", [_HEAP])
        with cursor.copy("COPY helpdesk_searchrow (message_id, ticket_id, at, words) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    return len(rows)


def fill_missing() -> Iterator[int]:
    """Writes every row that is missing, newest first, a transaction a batch; yields how many rows each wrote."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM helpdesk_message")
        below = cursor.fetchone()[0]
    while keys := missing_below(below, _BATCH):
        below = keys[-1]
        with transaction.atomic():
            yield copy_rows(keys)
    merge_words()


def merge_words() -> None:
    """Merges what COPY heaped up into the index, as autovacuum would in time; until then every search reads the heap."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('search_by_word'::regclass)")
        cursor.execute("ANALYZE helpdesk_searchrow")
