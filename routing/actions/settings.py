"""Settings that the dispatcher holds in memory: what changes them makes it read them anew."""

from __future__ import annotations

from helpdesk.models import AuditEntry
from routing.actions import mark_dirty
from routing.models import Dirty


def reread(entry: AuditEntry) -> None:
    """Reaction to lines of the audit book about settings (flow.AUDITED), in the transaction of the change."""
    mark_dirty(Dirty.Kind.QUEUE, [int(entry.object_id) if entry.object_id.isdecimal() else 0])
