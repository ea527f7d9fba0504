"""Words of the search box against real tickets: beginnings, scripts without spaces, signs that mean something to SQL."""

from __future__ import annotations

from datetime import date

import pytest

from helpdesk.models import Actor, Ticket
from helpdesk.queries.found import found_page
from helpdesk.queries.inbox import TicketFilter
from tests.factories import World, make_customer, make_ticket

TODAY = date(2026, 11, 22)


def found(actor: Actor, text: str) -> list[str]:
    """The subjects of the tickets found."""
    page = found_page(actor, TicketFilter(text=text), door=Ticket.objects.visible_to(actor), today=TODAY)
    return sorted(ticket.subject for ticket in page.tickets)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Dock stopped charging", "stopp dock"),
        ("Dock stopped charging", "CHARGING"),
        ("Dock stopped charging", '"dock stopped"'),
        ("Wi-Fi drops O'Brien's laptop", "o'brien wi-fi"),
        (r"Path C:\temp is full", r"C:\temp"),
        ("升级固件后扩展坞不充电", "扩展坞"),
        ("升级固件后扩展坞不充电", "坞"),
        ("داک بعد از به‌روزرسانی لپ‌تاپ را شارژ نمی‌کند", "لپ‌تاپ شارژ"),
        ("داک بعد از به‌روزرسانی لپ‌تاپ را شارژ نمی‌کند", "لپتاپ"),
        ("کیبورد فارسی", "كيبورد"),
        ("الشاحن البديل لم يصل", "البديل"),
        ("تأخّرت الفاتورة رقم ٤٢", "تاخرت الفاتوره 42"),
        ("Zweiter Monitor bleibt schwarz", "MONITOR"),
        ("Crème brûlée", "creme"),
        ("สินค้ามาถึงช้า", "ถึงช้า"),
        ("Paket & Rechnung | (beides)!", "rechnung & (beides)!"),
    ],
)
def test_every_word_of_the_search_begins_a_word_of_the_subject(
    world: World, agent: Actor, subject: str, text: str
) -> None:
    make_ticket(world.queue_a, subject=subject)

    assert found(agent, text) == [subject]


@pytest.mark.parametrize(
    "text",
    ["ock", "dock printer", "& | !", "'", "\\", "':*", "dock:*x", "🎉", '"stopped dock"', "dock -charging", "\x00"],
)
def test_what_is_not_there_is_not_found_and_breaks_nothing(world: World, agent: Actor, text: str) -> None:
    make_ticket(world.queue_a, subject="Dock stopped charging")

    assert "Dock stopped charging" not in found(agent, text)


def test_a_ticket_is_found_by_its_text_its_customer_his_addresses_and_its_tag(world: World, agent: Actor) -> None:
    from helpdesk.actions.triage import classify_ticket

    customer = make_customer("nora@quarry.example", "Nora Quist")
    ticket = make_ticket(world.queue_a, customer, subject="Plain", text="The gearbox hums.")
    classify_ticket(ticket=ticket, actor=agent, add_tags=["warranty"])

    for text in (
        "gearbox",
        "nora",
        "Quist",
        "nora@quarry.example",
        "quarry",
        "warranty",
        "tag:warranty",
        "from:nora hums",
    ):
        assert found(agent, text) == ["Plain"], text


def test_a_number_finds_its_ticket_with_and_without_its_sign(world: World, agent: Actor) -> None:
    assert found(agent, f"#{world.ticket.number}") == [world.ticket.subject]
    assert found(agent, str(world.ticket.number)) == [world.ticket.subject]
    assert found(agent, f"#{world.foreign.number}") == []
    assert found(agent, str(world.foreign.number)) == []
