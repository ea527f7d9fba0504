"""Empties the tables after a test that committed. Used by tests/conftest.py in the place of Django's flush.

Flush truncates every table, filled or not, and then makes all content types and permissions anew: near a second of work
where a test left a dozen rows. Here only what was filled is emptied, and what `migrate` itself writes stays as it was.
"""

from __future__ import annotations

from django.db import IntegrityError, OperationalError, connection, transaction

_WRITTEN_BY_MIGRATE = {"django_content_type", "auth_permission", "django_site", "django_migrations"}
_GUARDED = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 10 = 10"
"""Tables whose own triggers come before deletions (bits 2 and 8): the audit book forbids them."""
_COUNTS = "helpdesk_ticketcount"
"""Written by a trigger when tickets are deleted, therefore emptied last."""
_TRIES = 5


def empty_filled_tables() -> None:
    """Leaves no row in any table of the house. Sequences go on, so no key comes twice in a run.

    A browser's last words (a draft kept, a beat of a tab) may be written meanwhile by a web process: their row points at one
    that is being deleted, the whole is refused, and done again with that row in it.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            _empty()
        except (IntegrityError, OperationalError):
            if not tries_left:
                raise
        else:
            return


def _empty() -> None:
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name not in _WRITTEN_BY_MIGRATE]
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in tables))
        filled = [str(name) for (name,) in cursor.fetchall()]
        cursor.execute(_GUARDED)
        guarded = {str(name) for (name,) in cursor.fetchall()}
        for name in guarded & set(filled):
            cursor.execute(f'TRUNCATE "{name}"')
        with transaction.atomic():  # foreign keys are looked at when it commits, so the order is free
            for name in filled:
                if name not in guarded:
                    cursor.execute(f'DELETE FROM "{name}"')
            cursor.execute(f'DELETE FROM "{_COUNTS}"')
