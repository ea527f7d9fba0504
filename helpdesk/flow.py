"""The page that explains the product: which event wakes what, and all periodic work.

*with* reactions run in the transaction of the event, over the rows only, and take the whole batch of events of their kind.
*after* reactions are jobs whose rows are enqueued in that transaction; they carry ids, re-read state and may run twice. Each
after has a sweep in PERIODIC that finds what was missed. Every path is imported by a system check at start-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise

from helpdesk.models import Kind

Audience = Literal["public", "internal"]


@dataclass(frozen=True)
class Entry:
    """One kind of event: who may hear of it, what its data holds, and what it wakes."""

    audience: Audience
    payload: dict[str, type | tuple[type, ...]]
    with_: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @staticmethod
    def label(kind: Kind) -> str | Promise:
        """The kind in words."""
        return kind.label


@dataclass(frozen=True)
class Periodic:
    """Work done every so often. `where` is a role of the dispatcher or the worker (a q2 schedule, never under 60 s)."""

    path: str
    every_seconds: int
    where: Literal["clocks", "feed", "outbox", "mailboxes", "worker"]


_ID = (int, type(None))
_MESSAGE: dict[str, type | tuple[type, ...]] = {"message": int}

FLOW: dict[Kind, Entry] = {
    Kind.OPENED: Entry(
        "public",
        {"channel": str, "message": _ID, "rule": str, "queue": int},
        with_=("helpdesk.actions.acknowledge.acknowledge_new_tickets",),
    ),
    Kind.CONTACT_RECEIVED: Entry(
        "public",
        {"channel": str, "message": int, "rule": str},
        with_=("helpdesk.actions.sending.cancel_overtaken",),
    ),
    Kind.MACHINE_MAIL: Entry("internal", {"message": int, "machine": str, "rule": str}),
    Kind.BOUNCED: Entry(
        "internal",
        {"message": int, "bounced_message": _ID, "status": str, "permanent": bool, "recipients": int},
        after=("helpdesk.tasks.tell_owner",),
    ),
    Kind.REPLIED: Entry("public", {"message": int, "outgoing": _ID, "sends_at": (str, type(None))}),
    Kind.REPLY_SCHEDULED: Entry("internal", {"message": int, "outgoing": int, "sends_at": str}),
    Kind.REPLY_WITHDRAWN: Entry("internal", {"message": int, "overtaken": bool}),
    Kind.DELIVERED: Entry("internal", {"message": int, "outgoing": int, "recipients": int, "may_be_doubled": bool}),
    Kind.DELIVERY_FAILED: Entry(
        "internal", {"message": int, "outgoing": int, "held": bool}, after=("helpdesk.tasks.tell_owner",)
    ),
    Kind.NOTED: Entry("internal", {**_MESSAGE, "mentions": list}),
    Kind.ASSIGNED: Entry("public", {"owner": int, "previous": _ID}),
    Kind.UNASSIGNED: Entry("internal", {"previous": _ID}),
    Kind.MOVED: Entry("internal", {"queue": int, "previous": int}),
    Kind.CLASSIFIED: Entry("internal", {"changes": dict}),
    Kind.PARTICIPANT_ADDED: Entry("internal", {"customer": _ID, "user": _ID}),
    Kind.PARTICIPANT_REMOVED: Entry("internal", {"customer": _ID, "user": _ID}),
    Kind.LINKED: Entry("internal", {"other": int, "kind": str}),
    Kind.PENDING: Entry("internal", {"previous": str}),
    Kind.ON_HOLD: Entry("internal", {"previous": str}),
    Kind.SNOOZED: Entry("internal", {"previous": str, "until": (str, type(None))}),
    Kind.REOPENED: Entry("public", {"previous": str, "why": str}),
    Kind.RESOLVED: Entry("public", {"previous": str}),
    Kind.CLOSED: Entry("public", {"previous": str, "why": str}),
    Kind.SPAM_MARKED: Entry("internal", {"previous": str}),
    Kind.MERGED: Entry("internal", {"source": int, "number": int, "messages": int}),
    Kind.MERGED_AWAY: Entry("internal", {"target": int, "number": int, "previous": str}),
    Kind.UNMERGED: Entry("internal", {"source": int, "number": int, "messages": int}),
    Kind.PARTED: Entry("internal", {"target": int, "number": int, "status": str}),
    Kind.SPLIT: Entry("internal", {"other": int, "number": int, "messages": int}),
    Kind.MESSAGES_MOVED: Entry("internal", {"other": int, "number": int, "messages": int}),
    Kind.MESSAGES_ARRIVED: Entry("internal", {"other": int, "number": int, "messages": int}),
    Kind.UNLINKED: Entry("internal", {"other": int, "kind": str}),
    Kind.CHECKLIST_CHANGED: Entry("internal", {"item": int, "change": str}),
    Kind.SIDE_SENT: Entry("internal", {"message": int, "outgoing": int, "thread": int}),
    Kind.SIDE_RECEIVED: Entry("internal", {"message": int, "thread": int}),
    Kind.CUSTOMER_CHANGED: Entry("internal", {"customer": int, "previous": int}),
}

PERIODIC: tuple[Periodic, ...] = (
    Periodic("helpdesk.actions.lifecycle.wake_snoozed", 1, "clocks"),
    Periodic("helpdesk.actions.lifecycle.close_long_resolved", 60, "clocks"),
    Periodic("helpdesk.actions.sending.release_scheduled", 1, "clocks"),
    Periodic("helpdesk.actions.feed.number_events", 1, "feed"),
    Periodic("helpdesk.actions.feed.chain_audit", 5, "feed"),
    Periodic("helpdesk.tasks.sweep_untold_failures", 300, "worker"),
    Periodic("helpdesk.tasks.sweep_forgotten_uploads", 3600, "worker"),
    Periodic("helpdesk.tasks.sweep_old_frames", 300, "worker"),
    Periodic("helpdesk.tasks.sweep_expired_keys", 3600, "worker"),
)
