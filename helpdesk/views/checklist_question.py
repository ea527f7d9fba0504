"""The question before a ticket is resolved with lines of its checklist still open. Asked once, never in the way."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import ngettext

from helpdesk.actions.checklist import open_count, standing_items
from helpdesk.models import Status, Ticket
from helpdesk.views.answers import bundle, is_partial


def question_before(request: HttpRequest, ticket: Ticket, status: str) -> HttpResponse | None:
    """A dialog that asks, once, whether to resolve with lines still open; None when there is nothing to ask."""
    if status not in {Status.RESOLVED, Status.CLOSED} or not is_partial(request) or request.POST.get("confirmed"):
        return None
    words = open_lines(ticket)
    if not words:
        return None
    context = {"ticket": ticket, "status": status, "words": words, "still": standing_items(ticket)}
    return bundle(request, ["desk/_checklist_ask.html"], context)


def open_lines(ticket: Ticket) -> str:
    """How many lines of the checklist are still to do, as a sentence; "" for none."""
    count = open_count(ticket)
    if not count:
        return ""
    return ngettext(
        "%(n)s line of the checklist is still to do.", "%(n)s lines of the checklist are still to do.", count
    ) % {"n": count}
