"""Mails about a callback go into the customer's outbox. Called by routing.actions.callbacks; the words are routing.letters.

What a mail says is decided when it leaves, from the reservation as it is then; a mail about what is no longer so is dropped.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from helpdesk import jobs
from helpdesk.mail.customer_language import customer_language
from helpdesk.models import AddressKind, PortalMail, Ticket
from helpdesk.now import now
from routing.models import Callback

#: A wish is reminded of when half of its time is over.
REMIND_AFTER = timedelta(minutes=15)
#: Whoever waits for an opening further off than this is told once more, so long before it.
SOON = timedelta(minutes=30)
_GOOD_FOR = timedelta(days=1)


def tell_customer(
    callback: Callback, ticket: Ticket, letter: str, *, due_at: datetime | None = None, until: datetime | None = None
) -> None:
    """Puts a mail of the kind `letter` into the outbox, from `due_at` on and not after `until`. Without an address: nothing."""
    at = now()
    address = callback.customer.addresses.filter(kind=AddressKind.EMAIL).order_by("-is_primary", "pk").first()
    if address is None or callback.customer.is_blocked:
        return
    due = due_at or at
    PortalMail.objects.create(
        address=address,
        ticket=ticket,
        letter=letter,
        about=callback.pk,
        language=customer_language(ticket),
        due_at=due,
        gone_at=until or due + _GOOD_FOR,
        queued_at=at,
    )
    if due <= at:
        jobs.wake_dispatcher("outbox")


def tell_of_opening(callback: Callback, ticket: Ticket) -> None:
    """Reminds him shortly before the queue opens, where that is not soon anyhow."""
    opens = callback.not_before_at
    if opens is not None and opens - now() > 2 * SOON:
        tell_customer(callback, ticket, "callback_soon", due_at=opens - SOON, until=opens)
