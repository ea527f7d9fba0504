"""Makes a sentence out of an event, in the reader's language. Events store data; words are made here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from helpdesk.models import ActorKind, Kind, Priority, Status, TicketEvent

Words = Callable[[str, dict[str, Any]], str]


def sentence(event: TicketEvent, viewer_language: str | None = None, names: Names | None = None) -> str:
    """The event in one sentence. `names` shares lookups between the events of one page."""
    names = names or Names([event])
    with override(viewer_language):
        who = names.actor(event)
        return _SENTENCES[Kind(event.kind)](who, {**event.data, "names": names})


_NAMES = """
    SELECT 'u', id, name FROM helpdesk_user WHERE id = ANY(%s::bigint[])
    UNION ALL SELECT 'c', id, name FROM helpdesk_customer WHERE id = ANY(%s::bigint[])
    UNION ALL SELECT 'q', id, name FROM helpdesk_queue WHERE id = ANY(%s::bigint[])
    UNION ALL SELECT 'i', id, text FROM helpdesk_checklistitem WHERE id = ANY(%s::bigint[])
"""


class Names:
    """The names a page of events speaks of, read in one query at most, however many events."""

    def __init__(self, events: list[TicketEvent]) -> None:
        users: set[int] = set()
        customers: set[int] = set()
        queues: set[int] = set()
        for event in events:
            if event.actor_id and event.actor_kind == ActorKind.AGENT:
                users.add(event.actor_id)
            if event.actor_id and event.actor_kind == ActorKind.CUSTOMER:
                customers.add(event.actor_id)
            users.update(
                event.data[key] for key in ("owner", "previous", "user") if isinstance(event.data.get(key), int)
            )
            queues.update(event.data[key] for key in ("queue", "previous") if isinstance(event.data.get(key), int))
            if isinstance(event.data.get("customer"), int):
                customers.add(event.data["customer"])
        items = {
            event.data["item"] for event in events if event.kind == Kind.CHECKLIST_CHANGED and event.data.get("item")
        }
        self.users: dict[int, str] = {}
        self.customers: dict[int, str] = {}
        self.queues: dict[int, str] = {}
        self.items: dict[int, str] = {}
        if users or customers or queues or items:
            kinds = {"u": self.users, "c": self.customers, "q": self.queues, "i": self.items}
            with connection.cursor() as cursor:
                cursor.execute(_NAMES, [sorted(users), sorted(customers), sorted(queues), sorted(items)])
                for kind, key, name in cursor.fetchall():
                    kinds[kind][key] = name

    def actor(self, event: TicketEvent) -> str:
        """Who did it."""
        if event.actor_kind == ActorKind.AGENT:
            return self.user(event.actor_id)
        if event.actor_kind == ActorKind.CUSTOMER:
            return self.customer(event.actor_id)
        return _("The system") if event.actor_kind != ActorKind.RULE else _("A rule")

    def user(self, key: int | None) -> str:
        """A colleague's name."""
        return self.users.get(key or 0) or _("somebody")

    def customer(self, key: int | None) -> str:
        """A customer's name."""
        return self.customers.get(key or 0) or _("the customer")

    def queue(self, key: int | None) -> str:
        """A queue's name."""
        return self.queues.get(key or 0) or _("another queue")

    def item(self, key: int | None) -> str:
        """The words of a line of the checklist, as they stand now: the events keep its key alone."""
        return self.items.get(key or 0) or "…"


def _assigned(who: str, data: dict[str, Any]) -> str:
    owner = data["names"].user(data.get("owner"))
    if owner == who:
        return _("%(who)s took the ticket.") % {"who": who}
    return _("%(who)s assigned the ticket to %(owner)s.") % {"who": who, "owner": owner}


def _moved(who: str, data: dict[str, Any]) -> str:
    names: Names = data["names"]
    return _("%(who)s moved the ticket from %(old)s to %(new)s.") % {
        "who": who,
        "old": names.queue(data.get("previous")),
        "new": names.queue(data.get("queue")),
    }


def _row(things: Iterable[str]) -> str:
    """Things one after the other, with the comma of the language."""
    first, *rest = [*things] or [""]
    for thing in rest:
        first = _("%(first)s, %(next)s") % {"first": first, "next": thing}
    return first


def _classified(who: str, data: dict[str, Any]) -> str:
    changes: dict[str, Any] = data.get("changes", {})
    parts: list[str] = []
    if "priority" in changes:
        parts.append(_("priority %(value)s") % {"value": Priority(changes["priority"][1]).label})
    if changes.get("added_tags"):
        parts.append(_("added the tag %(tags)s") % {"tags": _row(changes["added_tags"])})
    if changes.get("removed_tags"):
        parts.append(_("removed the tag %(tags)s") % {"tags": _row(changes["removed_tags"])})
    if "subject" in changes:
        parts.append(_("a new subject"))
    if "issue_type" in changes:
        parts.append(_("another issue type"))
    if changes.get("fields"):
        parts.append(_("fields: %(fields)s") % {"fields": _row(changes["fields"])})
    return _("%(who)s classified the ticket: %(what)s.") % {"who": who, "what": _row(parts) or _("no change")}


def _bounced(who: str, data: dict[str, Any]) -> str:
    if data.get("permanent"):
        return _("A reply came back and will not arrive (%(status)s).") % {"status": data.get("status") or _("no code")}
    return _("A reply is delayed or came back for now (%(status)s).") % {"status": data.get("status") or _("no code")}


def _delivered(who: str, data: dict[str, Any]) -> str:
    count = int(data.get("recipients", 1))
    words = ngettext("The reply was sent to %(n)s address.", "The reply was sent to %(n)s addresses.", count) % {
        "n": count
    }
    return f"{words} {_('It may have arrived twice.')}" if data.get("may_be_doubled") else words


def _became(words: Callable[[], str]) -> Words:
    def tell(who: str, data: dict[str, Any]) -> str:
        return words() % {"who": who, "previous": Status(data["previous"]).label if data.get("previous") else ""}

    return tell


def _simple(words: Callable[[], str]) -> Words:
    return lambda who, data: words() % {"who": who}


def _numbered(words: Callable[[], str]) -> Words:
    return lambda who, data: words() % {"who": who, "number": data.get("number", "?")}


def _messages_and_ticket(words: Callable[[int], str]) -> Words:
    def tell(who: str, data: dict[str, Any]) -> str:
        count = int(data.get("messages", 1))
        return words(count) % {"who": who, "messages": count, "number": data.get("number", "?")}

    return tell


def _joined(by_himself: Callable[[], str], by_another: Callable[[], str]) -> Words:
    def tell(who: str, data: dict[str, Any]) -> str:
        names: Names = data["names"]
        name = names.customer(data["customer"]) if data.get("customer") else names.user(data.get("user"))
        return (by_himself() if name == who else by_another()) % {"who": who, "name": name}

    return tell


def _with_agent(words: Callable[[], str]) -> Words:
    return lambda who, data: words() % {"who": who, "agent": data["names"].user(data.get("user"))}


def _transferred(who: str, data: dict[str, Any]) -> str:
    names: Names = data["names"]
    target = names.user(data["user"]) if data.get("user") else names.queue(data.get("queue"))
    if data.get("why"):
        return _("“%(why)s”: %(who)s passed the ticket on to %(target)s.") % {
            "why": data["why"],
            "who": who,
            "target": target,
        }
    return _("%(who)s passed the ticket on to %(target)s.") % {"who": who, "target": target}


_QUEUED: dict[str, Callable[[], str]] = {
    "": lambda: _("The ticket waits in %(queue)s again, at its old place."),
    "closed": lambda: _("The queue was closed: the ticket waits in %(queue)s, at its place."),
    "emergency": lambda: _("The queue was closed: the ticket waits in %(queue)s, at its place."),
    "full": lambda: _("The queue was full: the ticket waits in %(queue)s, at its place."),
    "unstaffed": lambda: _("Nobody is at work who could take it: the ticket waits in %(queue)s."),
    "never_opens": lambda: _("The ticket waits in %(queue)s, which has no hours in which it opens."),
    "nobody_anywhere": lambda: _("No queue can take the ticket now: it waits in %(queue)s."),
    "too_many_needs": lambda: _(
        "Contacts of %(queue)s ask for too many different things: those behind are offered later. Look at the demand rules."
    ),
    "unknown_skill": lambda: _(
        "A demand rule asks for a skill or a queue that does not exist: the ticket waits in %(queue)s without it. "
        "Look at the rules."
    ),
    "demand": lambda: _("What the customer asks for is the matter of %(queue)s: the ticket waits there."),
}


_CHECKLIST: dict[str, Callable[[], str]] = {
    "added": lambda: _("%(who)s added to the checklist: “%(item)s”."),
    "done": lambda: _("%(who)s ticked off: “%(item)s”."),
    "undone": lambda: _("%(who)s took the tick off: “%(item)s”."),
    "removed": lambda: _("%(who)s removed from the checklist: “%(item)s”."),
    "restored": lambda: _("%(who)s put back on the checklist: “%(item)s”."),
    "renamed": lambda: _("%(who)s reworded a line of the checklist: “%(item)s”."),
    "moved": lambda: _("%(who)s moved on the checklist: “%(item)s”."),
}


def _checklist(who: str, data: dict[str, Any]) -> str:
    words = _CHECKLIST[data.get("change", "added")]()
    return words % {"who": who, "item": data["names"].item(data.get("item"))}


_SENTENCES: dict[Kind, Words] = {
    Kind.OPENED: _simple(lambda: _("%(who)s opened the ticket.")),
    Kind.CONTACT_RECEIVED: _simple(lambda: _("%(who)s wrote.")),
    Kind.MACHINE_MAIL: _simple(lambda: _("An automatic mail arrived; it changes nothing.")),
    Kind.BOUNCED: _bounced,
    Kind.REPLIED: _simple(lambda: _("%(who)s replied.")),
    Kind.REPLY_SCHEDULED: _simple(lambda: _("%(who)s scheduled a reply.")),
    Kind.REPLY_WITHDRAWN: lambda who, data: (
        _("A scheduled reply was cancelled because the customer wrote first.")
        if data.get("overtaken")
        else _("%(who)s took a reply back before it left.") % {"who": who}
    ),
    Kind.DELIVERED: _delivered,
    Kind.DELIVERY_FAILED: lambda who, data: (
        _("The reply is held: too much mail left from this ticket within an hour.")
        if data.get("held")
        else _("The reply could not be sent.")
    ),
    Kind.NOTED: _simple(lambda: _("%(who)s wrote a note.")),
    Kind.ASSIGNED: _assigned,
    Kind.UNASSIGNED: _simple(lambda: _("%(who)s removed the owner.")),
    Kind.MOVED: _moved,
    Kind.CLASSIFIED: _classified,
    Kind.PARTICIPANT_ADDED: _joined(lambda: _("%(who)s follows the ticket."), lambda: _("%(who)s added %(name)s.")),
    Kind.PARTICIPANT_REMOVED: _joined(
        lambda: _("%(who)s follows the ticket no more."), lambda: _("%(who)s removed %(name)s.")
    ),
    Kind.LINKED: _numbered(lambda: _("%(who)s linked this ticket with #%(number)s.")),
    Kind.PENDING: _became(lambda: _("%(who)s: waiting for the customer.")),
    Kind.ON_HOLD: _became(lambda: _("%(who)s put the ticket on hold.")),
    Kind.SNOOZED: _became(lambda: _("%(who)s snoozed the ticket.")),
    Kind.REOPENED: lambda who, data: (
        _("%(who)s began to work on the ticket.") % {"who": who}
        if data.get("previous") == Status.NEW
        else _("%(who)s reopened the ticket (it was %(previous)s).")
        % {"who": who, "previous": Status(data["previous"]).label if data.get("previous") else ""}
    ),
    Kind.RESOLVED: _became(lambda: _("%(who)s resolved the ticket.")),
    Kind.CLOSED: _became(lambda: _("%(who)s closed the ticket.")),
    Kind.SPAM_MARKED: _became(lambda: _("%(who)s marked the ticket as spam.")),
    Kind.MERGED: _numbered(lambda: _("%(who)s merged ticket #%(number)s into this one.")),
    Kind.MERGED_AWAY: _numbered(lambda: _("%(who)s merged this ticket into #%(number)s.")),
    Kind.UNMERGED: _numbered(lambda: _("%(who)s parted ticket #%(number)s from this one again.")),
    Kind.PARTED: _numbered(lambda: _("%(who)s parted this ticket from #%(number)s again.")),
    Kind.SPLIT: _messages_and_ticket(
        lambda n: ngettext(
            "%(who)s split %(messages)s message off as ticket #%(number)s.",
            "%(who)s split %(messages)s messages off as ticket #%(number)s.",
            n,
        )
    ),
    Kind.MESSAGES_MOVED: _messages_and_ticket(
        lambda n: ngettext(
            "%(who)s moved %(messages)s message to ticket #%(number)s.",
            "%(who)s moved %(messages)s messages to ticket #%(number)s.",
            n,
        )
    ),
    Kind.MESSAGES_ARRIVED: _messages_and_ticket(
        lambda n: ngettext(
            "%(who)s moved %(messages)s message here from ticket #%(number)s.",
            "%(who)s moved %(messages)s messages here from ticket #%(number)s.",
            n,
        )
    ),
    Kind.UNLINKED: _numbered(lambda: _("%(who)s removed the link with #%(number)s.")),
    Kind.CHECKLIST_CHANGED: _checklist,
    Kind.SIDE_SENT: _simple(lambda: _("%(who)s wrote to a third party.")),
    Kind.SIDE_RECEIVED: _simple(lambda: _("A third party answered.")),
    Kind.CUSTOMER_CHANGED: lambda who, data: (
        _("%(who)s gave the ticket to %(customer)s.")
        % {"who": who, "customer": data["names"].customer(data.get("customer"))}
    ),
    Kind.QUEUED: lambda who, data: (
        _QUEUED.get(data.get("why", ""), _QUEUED[""])() % {"queue": data["names"].queue(data.get("queue"))}
    ),
    Kind.OFFERED: _with_agent(lambda: _("The ticket was offered to %(agent)s.")),
    Kind.OFFER_ACCEPTED: _simple(lambda: _("%(who)s accepted the offer.")),
    Kind.OFFER_DECLINED: _simple(lambda: _("%(who)s declined the offer.")),
    Kind.OFFER_MISSED: _with_agent(lambda: _("%(agent)s did not answer the offer in time.")),
    Kind.OFFER_RESCINDED: _with_agent(lambda: _("The offer to %(agent)s was taken back.")),
    Kind.TRANSFERRED: _transferred,
    Kind.WRAPPED_UP: _with_agent(lambda: _("The wrap-up of %(agent)s is over.")),
    Kind.CALLBACK_ASKED: _simple(lambda: _("%(who)s asked for a callback; the place in the queue is kept.")),
    Kind.CALLBACK_CHANGED: _simple(lambda: _("%(who)s changed the number to be called.")),
    Kind.CALLBACK_TRIED: _with_agent(lambda: _("%(agent)s called the customer back.")),
    Kind.CALLBACK_ENDED: lambda who, data: (
        _("%(who)s cancelled the callback.") % {"who": who}
        if data.get("outcome") == "cancelled"
        else _("The callback reached the customer.")
        if data.get("outcome") == "done"
        else _("The callback was given up: nobody answered.")
    ),
}
