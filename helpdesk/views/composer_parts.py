"""What the composer shows: drafts, recipients, waiting replies, the questions before sending. For ticket.py and composer.py."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from helpdesk import before_sending, canned
from helpdesk.access import actor_of
from helpdesk.actions.drafts import revision_of
from helpdesk.actions.recipients import reply_recipients
from helpdesk.models import Attachment, CustomerAddress, Draft, Message, OutgoingMail, Status, Ticket
from helpdesk.now import now
from helpdesk.presets import moment_of
from helpdesk.queries.furniture import Furniture

#: The kind of message somebody wrote last on this device: what a fresh box opens with.
MODE_COOKIE = "composer"
MODES = ("reply", "note")


def composer_context(
    request: HttpRequest,
    ticket: Ticket,
    rights: dict[str, bool],
    mode: str = "",
    *,
    around: Furniture,
    answered: Message | None = None,
) -> dict[str, Any]:
    """The composer with the person's drafts; `mode` is the tab to open ("" for the newest draft's, else the last used).

    `answered` is the newest message a reply would answer, where the caller has it already.
    """
    actor = actor_of(request)
    drafts = {d.mode: d for d in Draft.objects.filter(ticket=ticket, user=actor.user)} if around.has_drafts else {}
    is_over = ticket.status in {Status.CLOSED, Status.SPAM}
    may_reply, may_note = rights["ticket_reply"] and not is_over, rights["ticket_note"]
    if not mode and drafts:
        mode = max(drafts.values(), key=lambda d: d.updated_at).mode
    mode = mode or request.COOKIES.get(MODE_COOKIE, "")
    if mode not in MODES or (mode == "reply" and not may_reply) or (mode == "note" and not may_note):
        mode = "reply" if may_reply else "note" if may_note else ""
    draft = drafts.get("reply")
    recipients = draft.recipients if draft and draft.recipients else []
    if may_reply and not recipients:
        recipients = list(reply_recipients(ticket=ticket, to_message=answered))
    return {
        "ticket": ticket,
        "rights": rights,
        "mode": mode,
        "is_over": is_over,
        "may_reply": may_reply,
        "may_note": may_note,
        "reply_draft": draft,
        "note_draft": drafts.get("note"),
        "reply_revision": revision_of(draft),
        "note_revision": revision_of(drafts.get("note")),
        "recipients": recipients,
        "uploads": list(
            Attachment.objects.visible_to(actor).filter(ticket=ticket, message__isnull=True, uploaded_by=actor.user)
        )
        if around.has_uploads
        else [],
        "scheduled": scheduled_replies(ticket) if may_reply and around.has_scheduled else [],
        "later": later_presets() if may_reply else [],
        "client_id": uuid.uuid4(),
        "max_bytes": settings.ATTACHMENT_MAX_BYTES,
    }


def scheduled_replies(ticket: Ticket) -> list[OutgoingMail]:
    """The replies of the ticket that wait for their hour, the next first."""
    return list(
        OutgoingMail.objects.filter(ticket=ticket, state=OutgoingMail.State.SCHEDULED)
        .select_related("message__author_user")
        .defer("mime", "message__html", "message__reply_html")
        .order_by("due_at", "pk")
    )


@dataclass(frozen=True)
class Later:
    """A preset of "send later" with the moment it means for this reader."""

    key: str
    words: str
    at: Any


def later_presets() -> list[Later]:
    """In two hours, tomorrow at nine, Monday at nine: by the reader's clock."""
    local = timezone.localtime(now())
    named = [("two_hours", _("In two hours")), ("tomorrow", _("Tomorrow 9:00")), ("monday", _("Monday 9:00"))]
    found = [Later(key, words, moment_of(key, local)) for key, words in named]
    return list({later.at: later for later in reversed(found)}.values())[::-1]  # on a Sunday, tomorrow is Monday


def _addresses(ticket: Ticket) -> list[str]:
    return [
        v.lower() for v in CustomerAddress.objects.filter(customer=ticket.customer_id).values_list("value", flat=True)
    ]


def doubts_about_reply(*, ticket: Ticket, text: str, recipients: list[dict[str, str]], file_count: int) -> list[str]:
    """What the writer of a reply is asked before it leaves, as sentences; empty when there is nothing to ask."""
    doubts = doubts_about_places(text)
    announced = before_sending.announces_a_file(text)
    if announced and not file_count:
        doubts.append(_("You write “%(words)s”, but no file is attached.") % {"words": announced[:120]})
    theirs = set(_addresses(ticket))
    chosen = {r["email"].lower() for r in recipients}
    if recipients and theirs and not (chosen & theirs):
        usual = {r["email"].lower() for r in reply_recipients(ticket=ticket)}
        if usual & theirs:
            doubts.append(_("%(name)s is not among the recipients and will not read this.") % {"name": ticket.customer})
    return doubts


def doubts_about_places(text: str) -> list[str]:
    """The question for places of variables that still stand in the text."""
    left = before_sending.unfilled(text)
    if not left:
        return []
    return [_("Not filled in: %(names)s") % {"names": ", ".join(canned.place(name) for name in left)}]
