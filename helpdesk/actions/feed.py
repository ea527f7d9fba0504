"""The feed: gives events their position over all tickets and closes the audit book's chain. The dispatcher alone calls it."""

from __future__ import annotations

import hashlib
import json

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from helpdesk import faults
from helpdesk.models import AuditEntry

_BATCH = 2000


@transaction.atomic
def number_events() -> int:
    """Numbers committed events that have no position yet, oldest key first. Returns how many.

    The single writer (the dispatcher holds the feed's lock) makes positions grow in the order readers can see them: an
    event committed late gets a later position, so a cursor never passes anything by.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH due AS (
                SELECT id, row_number() OVER (ORDER BY id) AS n
                FROM (SELECT id FROM helpdesk_ticketevent WHERE position IS NULL ORDER BY id LIMIT %s) AS oldest
            ), head AS (SELECT coalesce(max(position), 0) AS top FROM helpdesk_ticketevent)
            UPDATE helpdesk_ticketevent AS e SET position = head.top + due.n FROM due, head WHERE e.id = due.id
            """,
            [_BATCH],
        )
        count: int = cursor.rowcount
    faults.point("feed.numbered")
    return count


@transaction.atomic
def chain_audit() -> int:
    """Gives audit entries their place and digest: sha256 of the digest before and the entry. Returns how many."""
    last = AuditEntry.objects.filter(position__isnull=False).order_by("-position").first()
    position, digest = (last.position or 0, last.digest) if last else (0, "")
    entries = list(AuditEntry.objects.filter(position__isnull=True).order_by("pk")[:_BATCH])
    for entry in entries:
        position += 1
        digest = entry_digest(digest, entry)
        AuditEntry.objects.filter(pk=entry.pk).update(position=position, digest=digest)
    return len(entries)


def entry_digest(before: str, entry: AuditEntry) -> str:
    """The digest of an entry in the chain, over its canonical JSON."""
    row = [
        entry.pk,
        entry.at.isoformat(),
        entry.actor_kind,
        entry.actor_id,
        entry.actor_name,
        entry.action,
        entry.object_type,
        entry.object_id,
        entry.data,
    ]
    text = json.dumps(row, cls=DjangoJSONEncoder, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def broken_link() -> AuditEntry | None:
    """The first entry whose digest does not follow from the one before; None when the chain holds (`audit_verify`)."""
    digest, expected = "", 1
    for entry in AuditEntry.objects.filter(position__isnull=False).order_by("position").iterator():
        digest = entry_digest(digest, entry)
        if entry.digest != digest or entry.position != expected:
            return entry
        expected += 1
    return None
