"""The shelves of the inbox: the views everybody has, one for each queue, and the saved ones, with their counts."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from helpdesk.models import ACTIVE, Actor, Queue, SavedView, Status, Ticket
from helpdesk.queries.inbox import COUNT_CAP, TicketFilter, capped_counts

_ACTIVE = tuple(str(s) for s in ACTIVE)


@dataclass
class Shelf:
    """One entry of the list of views. `empty` says what would be here and what to do next."""

    slug: str
    title: str | Promise
    icon: str
    filter: TicketFilter
    empty: str | Promise
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
        if not self.count:
            return ""
        return f"{COUNT_CAP - 1}+" if self.count >= COUNT_CAP else str(self.count)


@functools.lru_cache(maxsize=1024)
def _address(slug: str) -> str:
    return reverse("inbox", args=[slug])


_OPEN_ENDS = (Status.PENDING.value, Status.ON_HOLD.value, Status.SNOOZED.value)


def _holding(*statuses: str, owner: str = "") -> TicketFilter:
    return TicketFilter(statuses=statuses, owner=owner)


#: The views everybody has: slug, title, icon, what they hold, what is said when that is nothing, whether the count is quiet.
_STANDING: tuple[tuple[str, Promise, str, TicketFilter, Promise, bool], ...] = (
    ("needs-me", _("Needs me"), "inbox", _holding(*_ACTIVE, owner="me"),
     _("Nothing of yours waits. Take the next one from Unassigned."), False),
    ("unassigned", _("Unassigned"), "person-none", _holding(*_ACTIVE, owner="none"),
     _("Every open ticket has an owner. New mail appears here by itself."), False),
    ("team", _("All to do"), "people", _holding(*_ACTIVE),
     _("Your teams have nothing to do. New mail appears here by itself."), False),
    ("mine", _("Mine"), "person", _holding(*_ACTIVE, *_OPEN_ENDS, owner="me"),
     _("You own no open ticket. Press i on a ticket to take it."), False),
    ("pending", _("With customer"), "hourglass", _holding(Status.PENDING.value),
     _("No ticket waits for its customer."), True),
    ("snoozed", _("Snoozed"), "moon", _holding(Status.SNOOZED.value),
     _("No ticket sleeps. Snooze one from its status menu."), True),
    ("on-hold", _("On hold"), "pause", _holding(Status.ON_HOLD.value),
     _("No ticket waits for somebody else."), True),
    ("resolved", _("Resolved"), "check", _holding(Status.RESOLVED.value),
     _("Resolved tickets rest here for some days, then they are closed."), True),
    ("closed", _("Closed"), "s-closed", _holding(Status.CLOSED.value),
     _("Nothing has been closed yet."), True),
    ("spam", _("Spam"), "s-spam", _holding(Status.SPAM.value),
     _("No spam. Mark a ticket as spam from its status menu."), True),
)  # fmt: skip
#: Finished work grows for ever and its count moves nobody: it is not counted.
_UNCOUNTED = {"resolved", "closed", "spam"}


def _standing() -> list[Shelf]:
    return [
        Shelf(slug, title, icon, wanted, empty, is_quiet=is_quiet)
        for slug, title, icon, wanted, empty, is_quiet in _STANDING
    ]


@dataclass
class Shelves:
    """All views of one person."""

    standing: list[Shelf]
    queues: list[Shelf]
    saved: list[Shelf]

    def find(self, slug: str) -> Shelf | None:
        """The view with this slug, if the person has it."""
        return next((s for s in [*self.standing, *self.queues, *self.saved] if s.slug == slug), None)


def shelves_of(actor: Actor, *, door: QuerySet[Ticket] | None = None, counted: bool = True) -> Shelves:
    """The views of the actor, three queries however many; `counted` with their capped counts, by one of them."""
    standing = _standing()
    queues = [
        Shelf(
            f"queue-{queue.pk}",
            queue.name,
            queue.icon or "ticket",
            TicketFilter(statuses=_ACTIVE, queue=queue.pk),
            _("This queue is empty. New mail for it appears here by itself."),
        )
        for queue in Queue.objects.visible_to(actor).filter(is_active=True).only("name", "icon")
    ]
    saved = [
        Shelf(
            f"saved-{view.pk}",
            view.name,
            "filter" if view.owner_id else "people",
            TicketFilter.from_dict(view.filters),
            _("No ticket fits this view just now."),
            saved=view,
        )
        for view in SavedView.objects.visible_to(actor)
    ]
    if not counted:
        return Shelves(standing, queues, saved)
    counting = [s for s in [*standing, *queues, *saved] if s.slug not in _UNCOUNTED]
    for shelf, count in zip(counting, capped_counts(actor, [s.filter for s in counting], door=door), strict=True):
        shelf.count = count
    return Shelves(standing, queues, saved)
