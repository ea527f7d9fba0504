"""Drafts: kept on the server while somebody types, so that no crash, reload or other device loses a word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from helpdesk import access
from helpdesk.actions import BadInput
from helpdesk.models import Actor, Draft, Ticket
from helpdesk.now import now


def save_draft(
    *, ticket: Ticket, actor: Actor, mode: str, text: str, recipients: Iterable[dict[str, Any]] = ()
) -> Draft:
    """Keeps what is written so far; the newest wins."""
    if mode not in Draft.Mode.values or actor.user is None:
        raise BadInput("A draft is a reply or a note of somebody signed in.")
    access.ensure(actor, "ticket.reply" if mode == Draft.Mode.REPLY else "ticket.note", ticket)
    draft, _made = Draft.objects.update_or_create(
        user=actor.user,
        ticket=ticket,
        mode=mode,
        defaults={"text": text.replace("\x00", "")[:200_000], "recipients": list(recipients), "updated_at": now()},
    )
    return draft


def discard_draft(*, ticket: Ticket, actor: Actor, mode: str) -> None:
    """Forgets one's own draft."""
    Draft.objects.filter(ticket=ticket, user=actor.user, mode=mode).delete()
