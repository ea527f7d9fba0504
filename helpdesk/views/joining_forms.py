"""What the dialogs for joining and parting tickets send, read out of the request; and how they answer a refusal."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from helpdesk.actions import BadInput
from helpdesk.actions.merging import CustomersDiffer
from helpdesk.models import IllegalTransition, Ticket
from helpdesk.queries.joining import by_numbers
from helpdesk.views.answers import bundle, is_partial
from helpdesk.views.inbox import door_of

_AT_MOST = 100


class NotThere(BadInput):
    """There is no such ticket, or none one may see: the two look alike."""


def numbers_of(request: HttpRequest, name: str) -> list[int]:
    """The ticket numbers in the fields called `name`, with or without a #."""
    sent = [*request.GET.getlist(name), *request.POST.getlist(name)]
    digits = [value.strip().lstrip("#") for value in sent]
    return [int(value) for value in dict.fromkeys(digits) if value.isdecimal() and len(value) < 19][:_AT_MOST]


def tickets_of(request: HttpRequest, name: str) -> list[Ticket]:
    """The tickets named in the fields called `name`, or by a number typed into the search field. Raises NotThere."""
    wanted = numbers_of(request, name) or numbers_of(request, "q")
    if not wanted:
        raise BadInput(_("Choose a ticket, or type its number."))
    found = by_numbers(door_of(request), wanted)
    if len(found) != len(wanted):
        missing = sorted(set(wanted) - {ticket.number for ticket in found})[0]
        raise NotThere(_("There is no ticket #%(number)s that you may see.") % {"number": missing})
    return found


def keys_of(request: HttpRequest, name: str = "message") -> list[uuid.UUID]:
    """The public ids in the fields called `name`."""
    found: list[uuid.UUID] = []
    for value in [*request.GET.getlist(name), *request.POST.getlist(name)]:
        try:
            found.append(uuid.UUID(value))
        except ValueError:
            continue
    return found


def refused(request: HttpRequest, refusal: BadInput | IllegalTransition) -> HttpResponse:
    """The refusal as a sentence within the dialog; a question when it only has to be confirmed. Raises it without script."""
    if not is_partial(request):
        raise refusal
    asks = isinstance(refusal, CustomersDiffer)
    status = 404 if isinstance(refusal, NotThere) else 409 if asks else 422
    context: dict[str, Any] = {"words": str(refusal), "asks": asks}
    return bundle(request, ["desk/_joining_alert.html"], context, status=status)


def came_from(request: HttpRequest) -> Ticket | None:
    """The merged ticket whose address led here (`from`), for the banner that says so."""
    numbers = numbers_of(request, "from") if request.method == "GET" else []
    sources = by_numbers(door_of(request), numbers[:1])
    return sources[0] if sources and sources[0].merged_into_id is not None else None
