"""The shelves of the inbox: the views everybody has, one for each queue, and the saved ones, with their counts."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from helpdesk.models import ACTIVE, Actor, Queue, SavedView, Status, Ticket
from helpdesk.queries.counts import COUNT_CAP, counts_of
from helpdesk.queries.filters import TicketFilter

_ACTIVE = tuple(str(s) for s in ACTIVE)


@dataclass
class Shelf:
    """One entry of the list of views. `empty` says what would be here and what to do next; `next_slug` where to."""

    slug: str
    title: str | Promise
    icon: str
    filter: TicketFilter
    empty: str | Promise
    next_slug: str = ""
    count: int | None = None
    saved: SavedView | None = None
    is_quiet: bool = False

    @property
    def address(self) -> str:
        """The path of its list."""
        return _address(self.slug)

    @property
    def count_words(self) -> str:
        """The count as it is shown; empty for none."""
        return count_words(self.count)


def count_words(count: int | None) -> str:
    """A count in at most three signs; empty for none."""
    if not count:
        return ""
    return f"{COUNT_CAP - 1}+" if count >= COUNT_CAP else str(count)


@functools.lru_cache(maxsize=1024)
def _address(slug: str) -> str:
    return reverse("inbox", args=[slug])


_OPEN_ENDS = (Status.PENDING.value, Status.ON_HOLD.value, Status.SNOOZED.value)


def _holding(*statuses: str, owner: str = "") -> TicketFilter:
    return TicketFilter(statuses=statuses, owner=owner)


def _only(name: str) -> TicketFilter:
    return TicketFilter(only=name)


#: The views everybody has: slug, title, icon, what they hold, what is said when that is nothing, where to go then, whether
#: the count is quiet.
_STANDING: tuple[tuple[str, Promise, str, TicketFilter, Promise, str, bool], ...] = (
    ("needs-me", _("Needs me"), "inbox", _holding(*_ACTIVE, owner="me"),
     _("Nothing of yours waits. Take the next one from Unassigned."), "unassigned", False),
    ("unassigned", _("Unassigned"), "person-none", _holding(*_ACTIVE, owner="none"),
     _("Every open ticket has an owner. New mail appears here by itself."), "team", False),
    ("team", _("All to do"), "people", _holding(*_ACTIVE),
     _("Your teams have nothing to do. New mail appears here by itself."), "pending", False),
    ("mine", _("Mine"), "person", _holding(*_ACTIVE, *_OPEN_ENDS, owner="me"),
     _("You own no open ticket. Press i on a ticket to take it."), "unassigned", False),
    ("mentions", _("Mentions"), "at", _only("mentions"),
     _("Nobody has mentioned you. A colleague does it by @ and your name in a note."), "needs-me", False),
    ("following", _("Following"), "star", _only("following"),
     _("You follow no ticket. Press s on a ticket to hear of what happens there."), "team", True),
    ("deadline", _("Nearest deadline"), "clock", _only("deadline"),
     _("No open ticket has a deadline. Deadlines come with the clocks of a queue."), "team", True),
    ("breached", _("Breached"), "s-breach", _only("breached"),
     _("No deadline is broken. The nearest ones stand under Nearest deadline."), "deadline", False),
    ("drafts", _("Drafts"), "edit", _only("drafts"),
     _("No unfinished words of yours. What you write is kept here until you send it."), "needs-me", True),
    ("scheduled", _("Scheduled"), "calendar", _only("scheduled"),
     _("No reply of yours waits for its hour. Send later from the arrow beside Send."), "needs-me", True),
    ("pending", _("With customer"), "hourglass", _holding(Status.PENDING.value),
     _("No ticket waits for its customer."), "team", True),
    ("snoozed", _("Snoozed"), "moon", _holding(Status.SNOOZED.value),
     _("No ticket sleeps. Press b on a ticket to snooze it."), "team", True),
    ("on-hold", _("On hold"), "pause", _holding(Status.ON_HOLD.value),
     _("No ticket waits for somebody else."), "team", True),
    ("resolved", _("Resolved"), "check", _holding(Status.RESOLVED.value),
     _("Resolved tickets rest here for some days, then they are closed."), "team", True),
    ("closed", _("Closed"), "s-closed", _holding(Status.CLOSED.value),
     _("Nothing has been closed yet."), "resolved", True),
    ("spam", _("Spam"), "s-spam", _holding(Status.SPAM.value),
     _("No spam. Mark a ticket as spam from its status menu, or by !"), "team", True),
)  # fmt: skip
#: Closed work grows for ever and its number moves nobody.
_UNCOUNTED = {"closed"}


def _standing() -> list[Shelf]:
    return [
        Shelf(slug, title, icon, wanted, empty, next_slug, is_quiet=is_quiet)
        for slug, title, icon, wanted, empty, next_slug, is_quiet in _STANDING
    ]


@dataclass
class Shelves:
    """All views of one person."""

    standing: list[Shelf]
    queues: list[Shelf]
    saved: list[Shelf]

    @property
    def own(self) -> list[Shelf]:
        """The saved views nobody else has."""
        return [shelf for shelf in self.saved if shelf.saved and shelf.saved.owner_id]

    @property
    def shared(self) -> list[Shelf]:
        """The saved views of one's teams and of everybody."""
        return [shelf for shelf in self.saved if shelf.saved and not shelf.saved.owner_id]

    def find(self, slug: str) -> Shelf | None:
        """The view with this slug, if the person has it."""
        return next((s for s in [*self.standing, *self.queues, *self.saved] if s.slug == slug), None)


def shelves_of(actor: Actor, *, door: QuerySet[Ticket] | None = None, counted: bool = True) -> Shelves:
    """The views of the actor, three queries however many; `counted` with their numbers, by one of them."""
    standing = _standing()
    seen = list(Queue.objects.visible_to(actor).only("name", "icon", "team_id", "is_active"))
    queues = [
        Shelf(
            f"queue-{queue.pk}",
            queue.name,
            queue.icon or "ticket",
            TicketFilter(statuses=_ACTIVE, queue=queue.pk),
            _("This queue is empty. New mail for it appears here by itself."),
            "team",
        )
        for queue in seen
        if queue.is_active
    ]
    saved = [
        Shelf(
            f"saved-{view.pk}",
            view.name,
            "filter" if view.owner_id else "people",
            TicketFilter.from_dict(view.filters),
            _("No ticket fits this view just now. Change its conditions by the filter above."),
            "team",
            saved=view,
            is_quiet=True,
        )
        for view in SavedView.objects.visible_to(actor).select_related("team")
    ]
    if not counted:
        return Shelves(standing, queues, saved)
    counting = [s for s in [*standing, *queues, *saved] if s.slug not in _UNCOUNTED]
    counts = counts_of(actor, [s.filter for s in counting], door=door, queues=seen)
    for shelf, count in zip(counting, counts, strict=True):
        shelf.count = count
    return Shelves(standing, queues, saved)
