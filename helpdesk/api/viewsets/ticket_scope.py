"""How tickets and what hangs on them are found: through `visible_to`, children only through their own ticket."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from rest_framework.response import Response

from helpdesk import access
from helpdesk.api.base import ApiViewSet
from helpdesk.api.preconditions import etag_of
from helpdesk.models import Actor, Audience, Message, Ticket


def shown_messages(actor: Actor, ticket: Ticket) -> QuerySet[Message]:
    """The messages of a ticket the actor may read: notes need their own right, whispers are for the desk alone."""
    audiences = [Audience.PUBLIC]
    if access.may(actor, "ticket.read_notes", ticket):
        audiences.append(Audience.INTERNAL)
    return (
        Message.objects.visible_to(actor)
        .filter(ticket=ticket, audience__in=audiences)
        .select_related("ticket", "author_user", "author_customer", "outgoing", "side_thread")
        .prefetch_related("attachments")
        .defer("outgoing__mime")
    )


class TicketScopedViewSet(ApiViewSet):
    """A viewset whose address names a ticket."""

    def tickets(self) -> QuerySet[Ticket]:
        """The tickets the caller sees, with what the actions ask of them."""
        return Ticket.objects.visible_to(self.actor).select_related("queue", "owner", "customer", "mailbox")

    def ticket(self) -> Ticket:
        """The ticket of the address. Raises Http404, or NotAllowed when the row of this action is not for the caller."""
        found = self.tickets().filter(public_id=self._ticket_id()).first()
        if found is None:
            raise Http404
        access.ensure(self.actor, self.matrix[self.action or ""], found)
        return found

    def _ticket_id(self) -> uuid.UUID:
        key: uuid.UUID = self.kwargs["id"]
        return key

    def look_again(self) -> None:
        """Before an answer is repeated: the ticket is still in sight."""
        if "id" in self.kwargs:
            self.ticket()


def with_etag(response: Response, ticket: Ticket) -> Response:
    """The answer with the state of the ticket it shows."""
    response["ETag"] = etag_of(ticket)
    return response


def answer(viewset: ApiViewSet, serializer: Any, value: Any, ticket: Ticket, status: int = 200) -> Response:
    """One value with the ETag of its ticket."""
    return with_etag(Response(viewset.show(serializer, value), status=status), ticket)
