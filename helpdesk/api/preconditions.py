"""ETag and If-Match on tickets: two hands on one ticket notice each other. The tag is the head of the event stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.request import Request

from helpdesk.actions import lock
from helpdesk.api.problems import Changed
from helpdesk.models import Ticket


def etag_of(ticket: Ticket) -> str:
    """The entity tag of a ticket: every recorded change raises `seq`."""
    return f'"{ticket.seq}"'


def _tags(header: str) -> set[str]:
    # a proxy that compresses marks the tag weak; the number within still names one state of one ticket
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}


@contextmanager
def unchanged(request: Request, ticket: Ticket) -> Iterator[Ticket]:
    """Runs the body on the ticket as If-Match says it is: the row stays locked until the change is written.

    Without If-Match nothing is held. Raises Changed when somebody was faster.
    """
    header = request.headers.get("If-Match")
    if header is None:
        yield ticket
        return
    with transaction.atomic():
        fresh = lock(ticket)
        if header.strip() != "*" and etag_of(fresh) not in _tags(header):
            raise Changed(_("Somebody changed this ticket since you read it. Read it again, then decide."))
        yield fresh


def not_modified(request: Request, ticket: Ticket) -> bool:
    """Whether If-None-Match names the state the ticket is in."""
    header = request.headers.get("If-None-Match")
    return header is not None and (header.strip() == "*" or etag_of(ticket) in _tags(header))
