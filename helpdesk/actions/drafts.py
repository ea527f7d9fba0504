"""Drafts: kept on the server while somebody types, so that no crash, reload or other device loses a word."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from helpdesk import access
from helpdesk.actions import BadInput
from helpdesk.models import Actor, Draft, Ticket, User
from helpdesk.now import now

_TEXT_AT_MOST = 200_000


class NewerDraft(BadInput):
    """Another device has kept something else since; `draft` is what stands there. Nothing was overwritten."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(_("You wrote something else here, on another device or in another tab."))
        self.draft = draft


def revision_of(draft: Draft | None) -> str:
    """Which state of the draft this is; "" when there is none. A page sends it back as `base`."""
    return draft.updated_at.isoformat() if draft is not None else ""


@transaction.atomic
def save_draft(
    *,
    ticket: Ticket,
    actor: Actor,
    mode: str,
    text: str,
    recipients: Iterable[dict[str, Any]] = (),
    base: str | None = None,
) -> Draft:
    """Keeps what is written so far. Raises NewerDraft when other words were kept since revision `base`.

    Without `base` (None) the newest wins. A draft that is gone meanwhile (sent or discarded elsewhere) is made anew.
    """
    if mode not in Draft.Mode.values or actor.user is None:
        raise BadInput("A draft is a reply or a note of somebody signed in.")
    access.ensure(actor, "ticket.note" if mode == Draft.Mode.NOTE else "ticket.reply", ticket)
    text = text.replace("\x00", "").replace("\r\n", "\n")[:_TEXT_AT_MOST]
    if base is not None:
        _ensure_not_newer(ticket, actor.user, mode, text, base)
    draft, _made = Draft.objects.update_or_create(
        user=actor.user,
        ticket=ticket,
        mode=mode,
        defaults={"text": text, "recipients": list(recipients), "updated_at": now()},
    )
    return draft


def _ensure_not_newer(ticket: Ticket, user: User, mode: str, text: str, base: str) -> None:
    kept = Draft.objects.select_for_update().filter(user=user, ticket=ticket, mode=mode).first()
    if kept is None or kept.text.strip() in {"", text.strip()}:
        return
    try:
        known = datetime.fromisoformat(base) if base else None
    except ValueError:
        known = None
    if known != kept.updated_at:
        raise NewerDraft(kept)


def discard_draft(*, ticket: Ticket, actor: Actor, mode: str) -> None:
    """Forgets one's own draft."""
    Draft.objects.filter(ticket=ticket, user=actor.user, mode=mode).delete()
