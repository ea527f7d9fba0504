"""Browsers of customers: by code, by link, and the mails that bring both."""

from __future__ import annotations

import re
from collections.abc import Callable
from email import message_from_bytes, policy

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from helpdesk.actions import delivery, portal_mail
from helpdesk.actions.portal_entry import ask_code, code_of
from helpdesk.mail.portal_links import link_address, new_token
from helpdesk.mail.smtp import Outcome
from helpdesk.models import Customer, CustomerAddress, Mailbox, OutgoingMail, PortalCode, Ticket
from helpdesk.now import now
from tests.factories import World


class Sent:
    """What a mail server was handed: (sender, recipients, text)."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], str]] = []

    def texts(self) -> list[str]:
        """The plain texts, in order."""
        return [text for _sender, _to, text in self.mails]


@pytest.fixture(autouse=True)
def _limits_begin_anew() -> None:
    cache.clear()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Stands in for the mail server: takes everything."""
    book = Sent()

    class Taken:
        def __init__(self, mailbox: Mailbox) -> None:
            self.mailbox = mailbox

        def __enter__(self) -> Taken:
            return self

        def __exit__(self, *exc: object) -> None:
            """Nothing to end."""

        def send(self, sender: str, recipients: list[str], mime: bytes, before_dot: Callable[[], None]) -> Outcome:
            before_dot()
            body = message_from_bytes(mime, policy=policy.default).get_body(("plain",))
            assert body is not None
            book.mails.append((sender, list(recipients), str(body.get_content())))
            return Outcome(accepted=True, code=250, recipients=dict.fromkeys(recipients, (250, "ok")))

    monkeypatch.setattr(delivery, "Session", Taken)
    monkeypatch.setattr(portal_mail, "Session", Taken)
    return book


def leave_now(ticket: Ticket) -> None:
    """The undo time of every waiting reply is over and the outbox delivers it."""
    OutgoingMail.objects.filter(ticket=ticket, state="queued").update(due_at=now())
    delivery.deliver_due()


def address_of(customer: Customer) -> CustomerAddress:
    """The customer's mail address."""
    address = customer.addresses.first()
    assert address is not None
    return address


def by_code(customer: Customer, client: Client | None = None) -> Client:
    """A browser in which the customer signed in with a code, through the pages."""
    client = client or Client()
    email = address_of(customer).value
    client.post("/portal/sign-in/", {"email": email})
    row = PortalCode.objects.filter(email=email).latest("pk")
    answer = client.post("/portal/code/", {"code": code_of(row)})
    assert answer.status_code == 302, answer.content
    return client


def by_link(ticket: Ticket, customer: Customer | None = None, client: Client | None = None) -> Client:
    """A browser in which a customer of the ticket opened the signed link."""
    client = client or Client()
    answer = client.get(path_of(link_address(new_token(ticket, address_of(customer or ticket.customer), now()))))
    assert answer.status_code == 302, answer.content
    return client


def path_of(link: str) -> str:
    """A link of a mail as the test client takes it."""
    return link.removeprefix(settings.BASE_URL)


def link_in(text: str) -> str:
    """The portal's link in a mail."""
    found = re.search(r"https?://\S+/portal/\S+", text)
    assert found is not None, text
    return found[0]


def page_of(ticket: Ticket) -> str:
    """The path of a ticket's page."""
    return f"/portal/tickets/{ticket.public_id}/"


@pytest.fixture
def ann(world: World) -> Client:
    """Ann, the customer of the ticket, signed in by code."""
    return by_code(world.customer)


@pytest.fixture
def bob(world: World) -> Client:
    """Bob, whose ticket is another one."""
    return by_code(world.foreign.customer)


def code_for(email: str) -> str:
    """A fresh code for an address, without the pages."""
    return code_of(ask_code(email=email, language="en"))
