"""Rows for tests: each maker needs nothing and gives something whole. Contents come through the real actions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from django.conf import settings

from helpdesk.actions.intake import receive_contact
from helpdesk.mail.store import Fetched, store
from helpdesk.mail_pipeline import Pipeline
from helpdesk.models import (
    SYSTEM,
    Customer,
    CustomerAddress,
    Mailbox,
    Queue,
    RawMail,
    Role,
    Security,
    Team,
    TeamMembership,
    TeamRole,
    Ticket,
    User,
)
from helpdesk.now import now

_count = itertools.count(1)
PASSWORD = "a-long-password-for-tests"


def make_user(
    role: str = Role.AGENT, *, teams: tuple[Team, ...] = (), lead_of: tuple[Team, ...] = (), **fields: Any
) -> User:
    """Somebody of the staff."""
    n = next(_count)
    user = User.objects.create_user(
        fields.pop("email", f"{role}{n}@halden.example"),
        PASSWORD,
        name=fields.pop("name", f"{role.title()} {n}"),
        role=role,
        **fields,
    )
    for team in teams:
        TeamMembership.objects.create(team=team, user=user)
    for team in lead_of:
        TeamMembership.objects.create(team=team, user=user, role=TeamRole.LEAD)
    return user


def make_team(name: str = "") -> Team:
    """A team."""
    return Team.objects.create(name=name or f"Team {next(_count)}")


def make_queue(team: Team | None = None, name: str = "") -> Queue:
    """A queue of a team."""
    return Queue.objects.create(name=name or f"Queue {next(_count)}", team=team or make_team())


def make_mailbox(queue: Queue | None = None, **fields: Any) -> Mailbox:
    """A mailbox that can send to a server on loopback; `smtp_port` and `imap_port` point it somewhere real."""
    n = next(_count)
    values: dict[str, Any] = {
        "name": f"Mailbox {n}",
        "address": f"support{n}@halden.example",
        "from_name": "Halden",
        "queue": queue or make_queue(),
        "smtp_host": "127.0.0.1",
        "smtp_port": 1,
        "smtp_security": Security.PLAIN,
        "imap_security": Security.PLAIN,
        "import_existing": Mailbox.ImportExisting.EVERYTHING,  # tests deliver first and poll then
        **fields,
    }
    return Mailbox.objects.create(**values)


def make_customer(email: str = "", name: str = "") -> Customer:
    """A customer with one address."""
    n = next(_count)
    customer = Customer.objects.create(name=name or f"Customer {n}", created_at=now())
    CustomerAddress.objects.create(customer=customer, value=email or f"customer{n}@shop.example", is_primary=True)
    return customer


def make_ticket(queue: Queue | None = None, customer: Customer | None = None, **fields: Any) -> Ticket:
    """A ticket opened through the real intake."""
    n = next(_count)
    return receive_contact(
        actor=SYSTEM,
        queue=queue or make_queue(),
        customer=customer or make_customer(),
        subject=fields.pop("subject", f"Subject {n}"),
        text=fields.pop("text", f"Text {n}"),
        **fields,
    )


def mail(
    subject: str = "A question",
    text: str = "Good morning.",
    sender: str = "Ann Example <ann@shop.example>",
    to: str = "support@halden.example",
    **headers: str,
) -> bytes:
    """A plain mail; headers by their names with underscores: `In_Reply_To="<x@y>"`."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = headers.pop("Message_ID", f"<m{next(_count)}@shop.example>")
    kind = headers.pop("Content_Type", "text/plain")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text, subtype=kind.partition("/")[2])
    return message.as_bytes()


def receive(*contents: bytes, mailbox: Mailbox | None = None) -> list[RawMail]:
    """Takes mails through store and pipeline, as a fetched batch; returns their rows."""
    rows = store([Fetched(content) for content in contents], mailbox)
    pipeline = Pipeline()
    try:
        pipeline.run([row for row in rows if row.state == RawMail.State.PENDING])
    finally:
        pipeline.close()
    for row in rows:
        row.refresh_from_db()
    return rows


@dataclass
class World:
    """Two teams, everybody, and a ticket on either side of each wall."""

    team_a: Team
    team_b: Team
    queue_a: Queue
    queue_b: Queue
    light: User
    agent: User
    other_agent: User
    lead: User
    manager: User
    admin: User
    mailbox: Mailbox
    customer: Customer
    ticket: Ticket
    foreign: Ticket


def make_world() -> World:
    """The world the authorisation walk and most tests live in."""
    team_a, team_b = make_team("Hardware"), make_team("Billing")
    queue_a, queue_b = make_queue(team_a, "Hardware"), make_queue(team_b, "Billing")
    customer = make_customer("ann@shop.example", "Ann Example")
    mailbox = make_mailbox(queue_a, name="Support", address="support@halden.example")
    ticket = make_ticket(queue_a, customer, subject="The dock does not charge")
    foreign = make_ticket(queue_b, make_customer("bob@shop.example", "Bob Foreign"), subject="Charged twice")
    Ticket.objects.filter(pk=ticket.pk).update(mailbox=mailbox)
    ticket.refresh_from_db()
    assert not settings.REQUIRE_MFA
    return World(
        team_a=team_a,
        team_b=team_b,
        queue_a=queue_a,
        queue_b=queue_b,
        light=make_user(Role.LIGHT, teams=(team_a,)),
        agent=make_user(Role.AGENT, teams=(team_a,), name="Sara Agent"),
        other_agent=make_user(Role.AGENT, teams=(team_b,), name="Otto Other"),
        lead=make_user(Role.AGENT, lead_of=(team_a,), name="Lea Lead"),
        manager=make_user(Role.MANAGER, name="Max Manager"),
        admin=make_user(Role.ADMIN, name="Ada Admin"),
        mailbox=mailbox,
        customer=customer,
        ticket=ticket,
        foreign=foreign,
    )
