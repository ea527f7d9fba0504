"""The shelves of the inbox: the views everybody has, one for each queue, and the saved ones, with their counts."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
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
    def count_words(self) -> str:
        """The count as it is shown; empty for none."""
        if not self.count:
            return ""
        return f"{COUNT_CAP - 1}+" if self.count >= COUNT_CAP else str(self.count)


def _standing() -> list[Shelf]:
    return [
        Shelf(
            "needs-me",
            _("Needs me"),
            "inbox",
            TicketFilter(statuses=_ACTIVE, owner="me"),
            _("Nothing of yours waits. Take the next one from Unassigned."),
        ),
        Shelf(
            "unassigned",
            _("Unassigned"),
            "person-none",
            TicketFilter(statuses=_ACTIVE, owner="none"),
            _("Every open ticket has an owner. New mail appears here by itself."),
        ),
        Shelf(
            "team",
            _("All to do"),
            "people",
            TicketFilter(statuses=_ACTIVE),
            _("Your teams have nothing to do. New mail appears here by itself."),
        ),
        Shelf(
            "mine",
            _("Mine"),
            "person",
            TicketFilter(
                statuses=(*_ACTIVE, Status.PENDING.value, Status.ON_HOLD.value, Status.SNOOZED.value), owner="me"
            ),
            _("You own no open ticket. Press i on a ticket to take it."),
        ),
        Shelf(
            "pending",
            _("With customer"),
            "hourglass",
            TicketFilter(statuses=(Status.PENDING.value,)),
            _("No ticket waits for its customer."),
            is_quiet=True,
        ),
        Shelf(
            "snoozed",
            _("Snoozed"),
            "moon",
            TicketFilter(statuses=(Status.SNOOZED.value,)),
            _("No ticket sleeps. Snooze one from its status menu."),
            is_quiet=True,
        ),
        Shelf(
            "on-hold",
            _("On hold"),
            "pause",
            TicketFilter(statuses=(Status.ON_HOLD.value,)),
            _("No ticket waits for somebody else."),
            is_quiet=True,
        ),
        Shelf(
            "resolved",
            _("Resolved"),
            "check",
            TicketFilter(statuses=(Status.RESOLVED.value,)),
            _("Resolved tickets rest here for some days, then they are closed."),
            is_quiet=True,
        ),
        Shelf(
            "closed",
            _("Closed"),
            "s-closed",
            TicketFilter(statuses=(Status.CLOSED.value,)),
            _("Nothing has been closed yet."),
            is_quiet=True,
        ),
        Shelf(
            "spam",
            _("Spam"),
            "s-spam",
            TicketFilter(statuses=(Status.SPAM.value,)),
            _("No spam. Mark a ticket as spam from its status menu."),
            is_quiet=True,
        ),
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


def shelves_of(actor: Actor, *, door: QuerySet[Ticket] | None = None) -> Shelves:
    """The views of the actor with their capped counts: four queries however many views."""
    standing = _standing()
    queues = [
        Shelf(
            f"queue-{queue.pk}",
            queue.name,
            queue.icon or "ticket",
            TicketFilter(statuses=_ACTIVE, queue=queue.pk),
            _("This queue is empty. New mail for it appears here by itself."),
        )
        for queue in Queue.objects.visible_to(actor).filter(is_active=True)
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
    # Finished work grows for ever and its count moves nobody: it is not counted.
    counting = [s for s in [*standing, *queues, *saved] if s.slug not in {"resolved", "closed", "spam"}]
    for shelf, count in zip(counting, capped_counts(actor, [s.filter for s in counting], door=door), strict=True):
        shelf.count = count
    return Shelves(standing, queues, saved)
