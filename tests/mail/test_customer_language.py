"""What we write to a customer by ourselves is in his language: acknowledgements, attributions, stand-in subjects."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils.translation import override

from helpdesk.actions.acknowledge import standard_text
from helpdesk.mail.compose import quoted_history, thread_headers
from helpdesk.mail.customer_language import customer_language
from helpdesk.mail.quotes import split_text
from helpdesk.models import Audience, Channel, Mailbox, Message, Ticket
from tests.catalogues import compile_catalogues
from tests.factories import make_customer, make_mailbox, make_ticket

pytestmark = [pytest.mark.django_db, pytest.mark.needs("gettext")]


@pytest.fixture(autouse=True)
def _compiled() -> None:
    compile_catalogues()


def ticket_in(language: str, mailbox: Mailbox) -> Ticket:
    """A ticket of Ann's in a language, with words to quote."""
    customer = make_customer(f"ann{language}@shop.example", "Ann Example")
    ticket = make_ticket(mailbox.queue, customer, text="The dock does not charge.")
    Ticket.objects.filter(pk=ticket.pk).update(language=language, mailbox=mailbox)
    ticket.refresh_from_db()
    ticket.messages.update(created_at=datetime(2026, 3, 5, 10, 15, tzinfo=UTC))
    return ticket


def answer_to(ticket: Ticket, subject: str = "Re: dock") -> Message:
    """An answer that is about to leave."""
    return Message.objects.create(
        ticket=ticket,
        audience=Audience.PUBLIC,
        channel=Channel.MAIL,
        sender_email="support@halden.example",
        subject=subject,
        text="It does now.",
        created_at=datetime(2026, 3, 6, 9, 0, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "On 5 March 2026, 10:15, Ann Example wrote:"),
        ("ar", "في 5 مارس 2026، 10:15، كتب Ann Example:"),
        ("fa", "در 5 مارس 2026، ساعت 10:15، Ann Example نوشت:"),
        ("zh-hans", "2026年3月5日 10:15，Ann Example 写道："),
    ],
)
def test_history_is_announced_in_the_customers_language_and_folded_when_it_comes_back(language: str, line: str) -> None:
    ticket = ticket_in(language, make_mailbox())
    ticket.messages.update(sender_name="Ann Example")

    with override("fa"):  # the agent's own pages are in another language
        quoted = quoted_history(answer_to(ticket))

    assert quoted == f"\n{line}\n> The dock does not charge.\n"
    assert split_text(f"Thank you!\n{quoted}").reply.strip() == "Thank you!"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "We have your message."),
        ("ar", "وصلتنا رسالتك."),
        ("fa", "پیام شما به دست ما رسید."),
        ("zh-CN", "我们已收到您的来信。"),
    ],
)
def test_acknowledgement_without_a_text_of_the_mailbox_is_in_the_customers_language(language: str, words: str) -> None:
    ticket = ticket_in(language, make_mailbox())

    assert standard_text(ticket).startswith(words)
    assert "{ticket_number}" in standard_text(ticket)


def test_answer_without_any_subject_gets_one_in_the_customers_language() -> None:
    mailbox = make_mailbox()
    ticket = ticket_in("fa", mailbox)
    Ticket.objects.filter(pk=ticket.pk).update(subject="")
    ticket.refresh_from_db()

    with override("zh-hans"):
        headers = thread_headers(answer_to(ticket, subject=""), mailbox)

    assert headers["Thread-Topic"] == "پیام شما"


@pytest.mark.parametrize(
    ("of_ticket", "of_mailbox", "expected"),
    [
        ("ar-EG", "fa", "ar"),
        ("zh", "", "zh-hans"),
        ("zh_TW", "", "zh-hans"),
        ("de", "fa", "fa"),
        ("", "fa", "fa"),
        ("de", "", "en"),
        ("", "", "en"),
    ],
)
def test_language_is_the_tickets_then_the_mailboxs_then_english(of_ticket: str, of_mailbox: str, expected: str) -> None:
    ticket = ticket_in(of_ticket, make_mailbox(language=of_mailbox))

    assert customer_language(ticket) == expected
