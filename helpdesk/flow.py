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
#: The search rows: of what was said, of what a ticket is called, of all messages of tickets that gave or took some.
_INDEXED = "helpdesk.actions.search_index.index_said"
_NAMED = "helpdesk.actions.search_index.index_names"
_GATHERED = "helpdesk.actions.search_index.index_tickets"
#: Work items: a ticket begins to wait for an agent, and waits no more.
_ENTERS = "routing.actions.entering.enter"
_LEAVES = "routing.actions.entering.leave"
_FOLLOWS = "routing.actions.entering.follow"

FLOW: dict[Kind, Entry] = {
    Kind.OPENED: Entry(
        "public",
        {"channel": str, "message": _ID, "rule": str, "queue": int},
        with_=(_INDEXED, "helpdesk.actions.acknowledge.acknowledge_new_tickets", _ENTERS),
    ),
    Kind.CONTACT_RECEIVED: Entry(
        "public",
        {"channel": str, "message": int, "rule": str},
        with_=(_INDEXED, "helpdesk.actions.sending.cancel_overtaken", "helpdesk.actions.notifying.tell_of_contacts"),
    ),
    Kind.MACHINE_MAIL: Entry("internal", {"message": int, "machine": str, "rule": str}, with_=(_INDEXED,)),
    Kind.BOUNCED: Entry(
        "internal",
        {"message": int, "bounced_message": _ID, "status": str, "permanent": bool, "recipients": int},
        with_=(_INDEXED, "helpdesk.actions.notifying.tell_of_failures"),
        after=("helpdesk.tasks.tell_owner",),
    ),
    Kind.REPLIED: Entry(
        "public",
        {"message": int, "outgoing": _ID, "sends_at": (str, type(None))},
        with_=(_INDEXED, "helpdesk.actions.notifying.tell_of_replies"),
    ),
    Kind.REPLY_SCHEDULED: Entry(
        "internal", {"message": int, "outgoing": int, "sends_at": str, "again": bool}, with_=(_INDEXED,)
    ),
    Kind.REPLY_WITHDRAWN: Entry(
        "internal",
        {"message": int, "overtaken": bool},
        with_=("helpdesk.actions.search_index.forget_withdrawn",),
    ),
    Kind.DELIVERED: Entry("internal", {"message": int, "outgoing": int, "recipients": int, "may_be_doubled": bool}),
    Kind.DELIVERY_FAILED: Entry(
        "internal",
        {"message": int, "outgoing": int, "held": bool},
        with_=("helpdesk.actions.notifying.tell_of_failures",),
        after=("helpdesk.tasks.tell_owner",),
    ),
    Kind.NOTED: Entry(
        "internal", {**_MESSAGE, "mentions": list}, with_=(_INDEXED, "helpdesk.actions.notifying.tell_of_notes")
    ),
    Kind.ASSIGNED: Entry(
        "public",
        {"owner": int, "previous": _ID},
        with_=("helpdesk.actions.notifying.tell_new_owners", "routing.actions.entering.hand_over"),
    ),
    Kind.UNASSIGNED: Entry("internal", {"previous": _ID}, with_=("routing.actions.entering.come_back",)),
    Kind.MOVED: Entry(
        "internal",
        {"queue": int, "previous": int},
        with_=("helpdesk.actions.search_index.move_rows", "routing.actions.entering.change_queue"),
    ),
    Kind.CLASSIFIED: Entry("internal", {"changes": dict}, with_=(_NAMED, "routing.actions.entering.reorder")),
    Kind.PARTICIPANT_ADDED: Entry("internal", {"customer": _ID, "user": _ID}),
    Kind.PARTICIPANT_REMOVED: Entry("internal", {"customer": _ID, "user": _ID, "since": str}),
    Kind.LINKED: Entry("internal", {"other": int, "kind": str, "number": int, "is_here": bool}),
    Kind.PENDING: Entry("internal", {"previous": str, "kept": dict}, with_=(_LEAVES,)),
    Kind.ON_HOLD: Entry("internal", {"previous": str, "kept": dict}, with_=(_LEAVES,)),
    Kind.SNOOZED: Entry("internal", {"previous": str, "until": (str, type(None)), "kept": dict}, with_=(_LEAVES,)),
    Kind.REOPENED: Entry(
        "public",
        {"previous": str, "why": str, "kept": dict},
        with_=("helpdesk.actions.notifying.tell_of_wakings", _ENTERS),
    ),
    Kind.RESOLVED: Entry("public", {"previous": str, "kept": dict}, with_=(_LEAVES,)),
    Kind.CLOSED: Entry("public", {"previous": str, "why": str, "kept": dict}, with_=(_LEAVES,)),
    Kind.SPAM_MARKED: Entry("internal", {"previous": str, "kept": dict}, with_=(_LEAVES,)),
    Kind.MERGED: Entry(
        "internal", {"source": int, "number": int, "messages": int, "added_tags": list}, with_=(_GATHERED, _FOLLOWS)
    ),
    Kind.MERGED_AWAY: Entry(
        "internal", {"target": int, "number": int, "messages": int, "previous": str}, with_=(_LEAVES,)
    ),
    Kind.UNMERGED: Entry(  # `status`: what the survivor is again, "" when it stays as it is
        "internal",
        {"source": int, "number": int, "messages": int, "removed_tags": list, "status": str},
        with_=(_GATHERED, _FOLLOWS),
    ),
    Kind.PARTED: Entry(
        "internal", {"target": int, "number": int, "messages": int, "status": str}, with_=(_GATHERED, _ENTERS)
    ),
    Kind.SPLIT: Entry(
        "internal", {"other": int, "number": int, "messages": int, "moved": list}, with_=(_GATHERED, _FOLLOWS)
    ),
    Kind.MESSAGES_MOVED: Entry(
        "internal",
        {"other": int, "number": int, "messages": int, "moved": list, "kept": dict},
        with_=(_GATHERED, _FOLLOWS),
    ),
    Kind.MESSAGES_ARRIVED: Entry(
        "internal", {"other": int, "number": int, "messages": int}, with_=(_GATHERED, _FOLLOWS)
    ),
    Kind.UNLINKED: Entry("internal", {"other": int, "kind": str, "number": int, "is_here": bool}),
    Kind.CHECKLIST_CHANGED: Entry("internal", {"item": int, "change": str}),
    Kind.SIDE_SENT: Entry("internal", {"message": int, "outgoing": int, "thread": int}, with_=(_INDEXED,)),
    Kind.SIDE_RECEIVED: Entry(
        "internal",
        {"message": int, "thread": int},
        with_=(_INDEXED, "helpdesk.actions.notifying.tell_of_third_parties"),
    ),
    Kind.CUSTOMER_CHANGED: Entry("internal", {"customer": int, "previous": int}, with_=(_NAMED,)),
    Kind.QUEUED: Entry("internal", {"queue": int, "why": str}),
    Kind.OFFERED: Entry("internal", {"offer": int, "user": int}),
    Kind.OFFER_ACCEPTED: Entry("internal", {"offer": int, "user": int}),
    Kind.OFFER_DECLINED: Entry("internal", {"offer": int, "user": int}),
    Kind.OFFER_MISSED: Entry("internal", {"offer": int, "user": int}),
    Kind.OFFER_RESCINDED: Entry("internal", {"offer": int, "user": int, "why": str}),
    Kind.TRANSFERRED: Entry(
        "public", {"queue": int, "previous": _ID, "user": _ID, "why": str, "message": _ID, "priority": _ID}
    ),
    Kind.WRAPPED_UP: Entry("internal", {"assignment": int, "user": int, "disposition": _ID}),
    Kind.CALLBACK_ASKED: Entry("public", {"callback": int, "queue": int}),
    Kind.CALLBACK_CHANGED: Entry("internal", {"callback": int}),
    Kind.CALLBACK_TRIED: Entry("internal", {"callback": int, "user": int, "outcome": str}),
    Kind.CALLBACK_ENDED: Entry("public", {"callback": int, "outcome": str}),
}

_REREAD = "routing.actions.settings.reread"
_READ_BY_ROUTING = (
    "queue team site businesscalendar skill skillgroup queuerouting routingplan demandrule notreadyreason teamrouting"
    " disposition shift"
)
_PEOPLE = ("added", "changed", "role_changed", "team_changed", "activated", "deactivated")
#: Lines of the audit book that wake something in their transaction: settings that upper floors hold in memory.
AUDITED: dict[str, tuple[str, ...]] = {
    **{f"{one}.{verb}": (_REREAD,) for one in _READ_BY_ROUTING.split() for verb in ("added", "changed", "deleted")},
    **{f"user.{verb}": (_REREAD,) for verb in _PEOPLE},
}

#: What the dispatcher's role `route` makes anew for each term; its `turn` offers contacts to agents.
ROUTER = "routing.router.Router"

#: What upper floors add to the customer's page of a ticket: each is called with request, visitor and ticket, and makes HTML.
PORTAL_PIECES: tuple[str, ...] = ("routing.views.portal_wait.piece",)

#: Words of mails to customers that belong to no message (PortalMail.letter): each is called with the row in the customer's
#: language and gives subject and text, or None when the mail is no longer due.
PORTAL_LETTERS: dict[str, str] = {
    "callback": "routing.letters.callback",
    "callback_reminder": "routing.letters.callback_reminder",
    "callback_soon": "routing.letters.callback_soon",
    "callback_tried": "routing.letters.callback_tried",
    "callback_over": "routing.letters.callback_over",
}

PERIODIC: tuple[Periodic, ...] = (
    Periodic("routing.actions.entering.sweep_missing", 60, "clocks"),
    Periodic("routing.actions.callbacks.sweep_callbacks", 5, "clocks"),
    Periodic("routing.actions.forecasting.keep_log", 10, "clocks"),
    Periodic("helpdesk.actions.lifecycle.wake_snoozed", 1, "clocks"),
    Periodic("helpdesk.actions.lifecycle.close_long_resolved", 60, "clocks"),
    Periodic("helpdesk.actions.sending.release_scheduled", 1, "clocks"),
    Periodic("helpdesk.actions.presence.sweep_lost_tabs", 10, "clocks"),
    Periodic("helpdesk.queries.counts.fold_counts", 10, "clocks"),
    Periodic("helpdesk.actions.feed.number_events", 1, "feed"),
    Periodic("helpdesk.actions.feed.chain_audit", 5, "feed"),
    Periodic("helpdesk.tasks.sweep_untold_failures", 300, "worker"),
    Periodic("helpdesk.tasks.sweep_forgotten_uploads", 3600, "worker"),
    Periodic("helpdesk.actions.search_index.sweep_recent", 60, "worker"),
    Periodic("helpdesk.actions.search_index.sweep_all", 3600, "worker"),
    Periodic("helpdesk.tasks.sweep_old_frames", 300, "worker"),
    Periodic("helpdesk.tasks.sweep_expired_keys", 3600, "worker"),
    Periodic("helpdesk.actions.portal_entry.sweep_portal_rows", 3600, "worker"),
)
