"""What somebody is to be told: his notifications of tickets he still sees, how many are unread, which reasons he wants.

Called by the desk's pages and by helpdesk.actions.notifying.
"""

from __future__ import annotations

from dataclasses import dataclass

from helpdesk.models import Actor, Message, Notification, TicketEvent, User

#: The list shows so many; older ones have had their time.
SHOWN = 30
#: The count stops here and is shown as "99+".
_COUNT_CAP = 100


@dataclass(frozen=True, slots=True)
class Told:
    """A notification with the first words of the message that caused it; "" for none."""

    notification: Notification
    words: str

    @property
    def may_be_answered(self) -> bool:
        """Whether a colleague asks or tells something that a note can answer."""
        reasons = Notification.Reason
        return self.notification.reason in {reasons.MENTIONED, reasons.COLLEAGUE_WROTE}


def unread_count(actor: Actor) -> int:
    """How many wait, capped. One query."""
    return Notification.objects.visible_to(actor).filter(read_at__isnull=True)[:_COUNT_CAP].count()


def count_words(count: int) -> str:
    """The count as it is shown; empty for none."""
    return "" if not count else str(count) if count < _COUNT_CAP else f"{_COUNT_CAP - 1}+"


def told_to(actor: Actor, *, only_unread: bool = False, at_most: int = SHOWN) -> list[Told]:
    """The newest notifications, unread or not, with what was written. As many queries for one as for thirty."""
    found = Notification.objects.visible_to(actor).select_related("ticket", "ticket__customer", "by")
    if only_unread:
        found = found.filter(read_at__isnull=True)
    rows = list(found[:at_most])
    if not rows:
        return []
    causes = {
        (event.ticket_id, event.seq): event.data.get("message")
        for event in TicketEvent.objects.filter(
            ticket__in={row.ticket_id for row in rows}, seq__in={row.seq for row in rows}
        ).only("ticket_id", "seq", "data")
    }
    keys = {key for row in rows if isinstance(key := causes.get((row.ticket_id, row.seq)), int)}
    texts = dict(
        Message.objects.visible_to(actor).filter(pk__in=keys, withdrawn_at__isnull=True).values_list("pk", "reply_text")
    )
    return [Told(row, _first_words(texts.get(causes.get((row.ticket_id, row.seq)) or 0, ""))) for row in rows]


def _first_words(text: str) -> str:
    return " ".join(text[:600].split())[:160]


def wanted_reasons(user: User) -> frozenset[str]:
    """The reasons this person wants to hear of; all, unless he switched some off."""
    chosen = user.desk_settings.get("not_told")
    off = {str(reason) for reason in chosen} if isinstance(chosen, list) else set()
    return frozenset(Notification.Reason.values) - off


def is_told_on_desktop(user: User) -> bool:
    """Whether he asked that his system shows them too while the page is out of sight; the browser must agree."""
    return user.desk_settings.get("desktop_notices") is True
