"""Words of the search box against subjects and names: beginnings, scripts without spaces, signs that mean something to SQL."""

from __future__ import annotations

import pytest

from helpdesk.models import Actor, Customer, Ticket
from helpdesk.queries import inbox
from helpdesk.queries.inbox import TicketFilter, inbox_page
from tests.factories import World, make_customer, make_ticket


def found(actor: Actor, text: str) -> list[str]:
    """The subjects of the tickets found."""
    return sorted(ticket.subject for ticket in inbox_page(actor, TicketFilter(text=text)).tickets)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Dock stopped charging", "stopp dock"),
        ("Dock stopped charging", "CHARGING"),
        ("Wi-Fi drops O'Brien's laptop", "o'brien wi-fi"),
        (r"Path C:\temp is full", r"C:\temp"),
        ("升级固件后扩展坞不充电", "扩展坞"),
        ("داک بعد از به‌روزرسانی لپ‌تاپ را شارژ نمی‌کند", "لپ‌تاپ شارژ"),
        ("الشاحن البديل لم يصل", "البديل"),
        ("Zweiter Monitor bleibt schwarz", "MONITOR"),
        ("Paket & Rechnung | (beides)!", "rechnung & (beides)!"),
    ],
)
def test_every_word_of_the_search_begins_a_word_of_the_subject(
    world: World, agent: Actor, subject: str, text: str
) -> None:
    make_ticket(world.queue_a, subject=subject)

    assert found(agent, text) == [subject]


@pytest.mark.parametrize("text", ["ock", "dock printer", "& | !", "'", "\\", "':*", "dock:*x", "🎉"])
def test_what_no_subject_has_finds_nothing_and_breaks_nothing(world: World, agent: Actor, text: str) -> None:
    make_ticket(world.queue_b, subject="dock printer of another team")

    assert found(agent, text) == []


def test_a_customer_is_found_by_the_beginnings_of_his_names(world: World, agent: Actor) -> None:
    make_ticket(world.queue_a, make_customer("k.nowak@studio.example", "Katarzyna Nowak-Lis"), subject="Hers")
    make_ticket(world.queue_a, make_customer("li@hua.example", "李华"), subject="His")

    assert found(agent, "nowak katar") == ["Hers"]
    assert found(agent, "华") == ["His"]
    assert found(agent, "arzyna") == []


def test_only_the_newest_tickets_are_looked_through(
    world: World, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "SUBJECT_SEARCH_DEPTH", 2)
    for subject in ("printer one", "printer two", "printer three", "printer four"):
        make_ticket(world.queue_a, Customer.objects.earliest("pk"), subject=subject)

    assert Ticket.objects.count() > 4
    assert set(found(agent, "printer")) == {"printer four", "printer three", "printer two"}
