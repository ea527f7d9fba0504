"""The demo company in the database: everybody can sign in, the week is told in order, and nothing of it leaves the house."""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from demo.accounts import ACCOUNTS, MAILBOXES
from demo.cast import CAST, member
from demo.seed_tools import MACROS
from demo.week import CUSTOMER, WEEK
from helpdesk.actions.delivery import lease_due
from helpdesk.models import (
    BusinessCalendar,
    CannedResponse,
    ChecklistItem,
    CustomerAddress,
    Kind,
    Macro,
    Mailbox,
    Mention,
    Message,
    Notification,
    OutgoingMail,
    Queue,
    RawMail,
    Role,
    SideThread,
    Status,
    StatusLabel,
    Ticket,
    TicketEvent,
    User,
    Verdict,
)
from helpdesk.now import now
from routing.models import AgentPresence, AgentState, Offer, QueueRouting, Shift, WorkItem

pytestmark = pytest.mark.django_db


def seed(*options: str) -> dict[str, int]:
    """Runs the command and returns its one line."""
    out = StringIO()
    call_command("seed_demo", "--json", *options, stdout=out)
    line: dict[str, int] = json.loads(out.getvalue())
    return line


def contents() -> dict[str, tuple[int, str]]:
    """Rows of every table of the house and a digest of them."""
    found: dict[str, tuple[int, str]] = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith(("helpdesk_", "account_", "django_q_")):
                cursor.execute(
                    f"SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} t"
                )
                found[table] = cursor.fetchone()
    return found


def test_the_whole_demo_is_seeded_once_and_holds_together(settings: Settings) -> None:
    """One seeding for all that is read from it: it takes seconds."""
    settings.DEMO_IMAP_PORT, settings.DEMO_SMTP_PORT = 18143, 18025

    first = seed()
    before = contents()
    second = seed()

    assert (first["tickets"], second) == (
        len(WEEK),
        {"made": 0, "tickets": 0, "mailboxes_moved": 0, "tickets_in_all": len(WEEK)},
    )
    assert contents() == before, "a second run changes nothing"
    everybody_signs_in()
    tickets_are_as_told()
    lines_of_time_are_in_order()
    nothing_waits_to_be_sent()
    every_fate_is_there()
    words_and_hours_are_there()
    colleagues_work_together()
    mailboxes_follow_the_ports(settings)


def everybody_signs_in() -> None:
    for account in ACCOUNTS:
        client = Client()
        assert not client.login(username=account.email, email=account.email, password="another-password")
        assert client.login(username=account.email, email=account.email, password=account.password), account.email
        user = User.objects.get(email=account.email)
        assert set(user.memberships.values_list("team__name", flat=True)) == set(account.teams)
        assert set(user.memberships.filter(role="lead").values_list("team__name", flat=True)) == set(account.leads)


def tickets_are_as_told() -> None:
    seen = Counter(
        Ticket.objects.values_list("subject", "status", "queue__name", "language", "priority", "owner__name", "channel")
    )
    levels = {"low": 1, "normal": 2, "high": 3, "urgent": 4}
    names = {account.first_name: account.name for account in ACCOUNTS}
    assert seen == Counter(
        (c.subject, c.status, c.queue, c.language, levels[c.priority], names.get(c.owner), c.channel) for c in WEEK
    )
    for conversation in WEEK:
        customer = CustomerAddress.objects.get(value=member(conversation.customer).email).customer
        ticket = Ticket.objects.get(subject=conversation.subject, customer=customer)
        told = [
            m for m in ticket.messages.all() if m.machine not in {"auto_reply", "bounce"} and m.side_thread_id is None
        ]
        assert {t.name for t in ticket.tags.all()} == set(conversation.tags)
        assert ticket.message_count == ticket.messages.count()
        spoken = [(m.author_customer_id is not None, " ".join(m.reply_text.split())) for m in told]
        words = [(turn.author == CUSTOMER, " ".join(turn.text.split())) for turn in conversation.turns]
        assert [is_customer for is_customer, _text in spoken][: len(words)] == [
            is_customer for is_customer, _text in words
        ]
        for (_who, heard), (_author, text) in zip(spoken, words, strict=False):
            assert heard[:40] == text[:40]
        files = [name for turn in conversation.turns for name in turn.files]
        assert Counter(a.name for m in told for a in m.attachments.all()) == Counter(files)


def lines_of_time_are_in_order() -> None:
    assert not TicketEvent.objects.filter(at__gt=now()).exists()
    for ticket in Ticket.objects.all():
        events = list(ticket.events.order_by("seq"))
        assert [event.seq for event in events] == list(range(1, ticket.seq + 1))
        assert [event.pub_seq for event in events if event.pub_seq] == list(range(1, ticket.pub_seq + 1))
        assert [event.at for event in events] == sorted(event.at for event in events)
        assert events[0].kind == Kind.OPENED
        assert ticket.changed_at == events[-1].at or events[-1].kind in {
            Kind.DELIVERED,
            Kind.LINKED,
            Kind.CHECKLIST_CHANGED,
            Kind.BOUNCED,
            Kind.MACHINE_MAIL,
        }
        assert ticket.opened_at == events[0].at == ticket.messages.order_by("pk")[0].created_at


def nothing_waits_to_be_sent() -> None:
    replies = sum(turn.author != CUSTOMER and turn.kind == "public" for c in WEEK for turn in c.turns)
    assert set(OutgoingMail.objects.values_list("state", flat=True)) == {OutgoingMail.State.SENT}
    assert OutgoingMail.objects.filter(message__side_thread=None).count() == replies
    assert lease_due() == []
    assert not Message.objects.filter(machine="acknowledgement").exists()


def every_fate_is_there() -> None:
    assert set(RawMail.objects.values_list("verdict", flat=True)) == set(Verdict.values)
    assert RawMail.objects.get(verdict=Verdict.QUARANTINED).reason
    assert RawMail.objects.get(verdict=Verdict.IGNORED).ticket is None


def words_and_hours_are_there() -> None:
    assert set(StatusLabel.objects.filter(is_default=True).values_list("category", flat=True)) == set(Status.values)
    assert Queue.objects.filter(calendar__isnull=True).count() == 0
    for calendar in BusinessCalendar.objects.all():
        calendar.full_clean()
    for person in CAST:
        stored = CustomerAddress.objects.filter(value__in=[person.email, *person.other_emails])
        assert {a.customer.name for a in stored} == {person.name}
        assert len(stored) == 1 + len(person.other_emails)


def colleagues_work_together() -> None:
    assert set(Mention.objects.values_list("user__name", flat=True)) >= {"Sara Lindqvist", "Priya Nair"}
    for person in ("sara.lindqvist@halden.example", "priya.nair@halden.example"):
        assert Notification.objects.filter(user__email=person, read_at=None).exists()
    assert Notification.objects.exclude(read_at=None).exists(), "old news was read"
    assert ChecklistItem.objects.filter(done_at=None).exists()
    assert SideThread.objects.get().messages.get().attachments.exists()
    assert {"en", "de", "fa", "ar", "zh"} <= set(CannedResponse.objects.values_list("language", flat=True))
    assert Macro.objects.filter(owner=None).count() == len(MACROS)


def mailboxes_follow_the_ports(settings: Settings) -> None:
    boxes = Mailbox.objects.filter(address__in=[box.address for box in MAILBOXES])
    assert set(boxes.values_list("imap_port", "smtp_port")) == {(18143, 18025)}
    own = boxes[0]
    Mailbox.objects.filter(pk=own.pk).update(imap_host="imap.example.com", imap_port=993)
    settings.DEMO_IMAP_PORT, settings.DEMO_SMTP_PORT = 28143, 28025

    moved = seed()["mailboxes_moved"]

    assert moved == len(MAILBOXES) - 1, "a mailbox that somebody pointed elsewhere stays there"
    own.refresh_from_db()
    assert (own.imap_host, own.imap_port) == ("imap.example.com", 993)
    assert Mailbox.objects.filter(imap_port=28143, smtp_port=28025).count() == moved


def test_public_passwords_go_into_no_production_database(settings: Settings) -> None:
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="public"):
        seed()

    assert not User.objects.exists()


def test_everybody_begins_offline_and_one_queue_offers_its_mail() -> None:
    seed()
    workers = User.objects.exclude(role=Role.LIGHT)
    assert AgentPresence.objects.filter(state=AgentState.OFFLINE).count() == workers.count() > 3
    assert list(QueueRouting.objects.values_list("queue__name", "mail_handing")) == [("Orders and delivery", "offer")]
    handing = WorkItem.objects.filter(queue__name="Orders and delivery", state=WorkItem.State.WAITING).values_list(
        "handing", flat=True
    )
    assert set(handing) <= {"offer"}
    assert not Offer.objects.exists()
    assert Shift.objects.exists()
