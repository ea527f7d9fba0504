"""The objects behind the doors, on both sides of the wall between two teams."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from django.test import Client

from helpdesk import blobs
from helpdesk.actions.conversation import note, reply
from helpdesk.models import (
    SYSTEM,
    Actor,
    Attachment,
    CannedResponse,
    IssueType,
    Macro,
    Mailbox,
    Message,
    SavedView,
    Ticket,
    User,
)
from helpdesk.now import now
from tests.factories import World, mail, make_mailbox, make_ticket, make_user, make_world, receive

NEEDLE = "needle-nobody-outside-may-find"


@dataclass
class Rooms:
    """Public ids (or keys) of what the doors lead to."""

    world: World
    message: uuid.UUID
    foreign_message: uuid.UUID
    reply: uuid.UUID
    foreign_reply: uuid.UUID
    file: uuid.UUID
    foreign_file: uuid.UUID
    customer: uuid.UUID
    foreign_customer: uuid.UUID
    person: uuid.UUID  # a customer of the own team alone
    issue_type: int
    shared_view: int
    private_view: int
    shared_response: int
    private_response: int
    shared_macro: int
    private_macro: int
    nobody: uuid.UUID
    clients: dict[str, Client] = field(default_factory=dict)

    def client(self, role: str) -> Client:
        """A browser signed in as that role; `dead` was deactivated after signing in, `nobody` never signed in."""
        if role not in self.clients:
            client = self.clients[role] = Client()
            if role == "dead":
                user = make_user(teams=(self.world.team_a,))
                client.force_login(user)
                User.objects.filter(pk=user.pk).update(is_active=False)
            elif role != "nobody":
                client.force_login(getattr(self.world, role))
        return self.clients[role]


ROLES = ("nobody", "light", "agent", "other_agent", "lead", "manager", "admin", "dead")


def furnish() -> Rooms:
    """Builds the world and furnishes it through the real actions."""
    world = make_world()
    billing = make_mailbox(world.queue_b, name="Billing", address="billing@halden.example")
    raw, foreign_raw = _html_mail(world.mailbox), _html_mail(billing)
    own_reply = reply(ticket=world.ticket, actor=SYSTEM, text="Ours")
    foreign_reply = reply(ticket=world.foreign, actor=SYSTEM, text="Theirs")
    note(ticket=world.foreign, actor=Actor.of(world.admin), text=NEEDLE)
    issue_type = IssueType.objects.create(name="Fault")
    rooms = Rooms(
        world=world,
        message=raw,
        foreign_message=foreign_raw,
        reply=own_reply.public_id,
        foreign_reply=foreign_reply.public_id,
        file=_file(world.ticket).public_id,
        foreign_file=_file(world.foreign).public_id,
        customer=world.ticket.customer.public_id,
        foreign_customer=world.foreign.customer.public_id,
        person=make_ticket(world.queue_a).customer.public_id,
        issue_type=issue_type.pk,
        shared_view=SavedView.objects.create(name="Shared", filters={"priority": [3]}).pk,
        private_view=SavedView.objects.create(name="Private", owner=world.other_agent, filters={"priority": [3]}).pk,
        shared_response=CannedResponse.objects.create(name="Thanks", shortcut="thanks", text="Thank you.").pk,
        private_response=CannedResponse.objects.create(
            name="Mine", shortcut="mine", text="Mine.", owner=world.other_agent
        ).pk,
        shared_macro=Macro.objects.create(name="Look", steps=[{"do": "note", "text": "Looked at."}]).pk,
        private_macro=Macro.objects.create(
            name="Mine", steps=[{"do": "note", "text": "Mine."}], owner=world.other_agent
        ).pk,
        nobody=uuid.uuid4(),
    )
    for role in ROLES:
        rooms.client(role)
    return rooms


def _html_mail(mailbox: Mailbox) -> uuid.UUID:
    """A mail with HTML, so that its frame and its source can be asked for."""
    (row,) = receive(mail("Raw", "<p>Raw words</p>", Content_Type="text/html"), mailbox=mailbox)
    return Message.objects.get(raw_mail=row).public_id


def picture() -> str:
    """Keeps the bytes of the pictures; returns their digest."""
    return blobs.put(_PICTURE)


_PICTURE = b"\x89PNG\r\n\x1a\n" + b"0" * 32


def _file(ticket: Ticket) -> Attachment:
    """A picture on the ticket's first message."""
    return Attachment.objects.create(
        message=ticket.messages.order_by("pk")[0],
        ticket=ticket,
        name="picture.png",
        content_type="image/png",
        size=len(_PICTURE),
        sha256=picture(),
        created_at=now(),
    )
