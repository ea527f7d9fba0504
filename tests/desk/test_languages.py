"""The pages in the reader's language: direction, words, and labels that managers wrote."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from helpdesk.actions.triage import classify_ticket
from helpdesk.models import Actor, Kind, Status, StatusLabel, TicketEvent, User
from helpdesk.sentences import sentence
from helpdesk.templatetags.timeline import customer_locale
from helpdesk.views.inbox import status_words
from tests.catalogues import compile_catalogues
from tests.factories import World, make_customer

pytestmark = pytest.mark.needs("gettext")


@pytest.fixture(autouse=True)
def _compiled() -> None:
    compile_catalogues()


def read_in(language: str, world: World) -> None:
    """The agent of team A chooses a language for his pages."""
    User.objects.filter(pk=world.agent.pk).update(language=language)


@pytest.mark.parametrize(
    ("language", "direction", "words"),
    [
        ("en", "ltr", "Needs me"),
        ("ar", "rtl", "تحتاج إليّ"),
        ("fa", "rtl", "نیازمند من"),
        ("zh-hans", "ltr", "待我处理"),
    ],
)
def test_pages_are_in_the_language_and_direction_of_who_reads_them(
    world: World, agent_client: Client, language: str, direction: str, words: str
) -> None:
    read_in(language, world)

    page = agent_client.get("/inbox/needs-me/").content.decode()

    (root,) = re.findall(r"<html[^>]*>", page)
    assert root.startswith(f'<html lang="{language}" dir="{direction}"')
    assert words in page


def test_a_label_the_catalogue_knows_is_translated_and_a_managers_own_stays(world: World, agent_client: Client) -> None:
    StatusLabel.objects.create(category=Status.ON_HOLD, label_agent="On hold", label_customer="-", is_default=True)
    StatusLabel.objects.create(category=Status.PENDING, label_agent="Bei Ann", label_customer="-", is_default=True)
    read_in("fa", world)

    page = agent_client.get(f"/tickets/{world.ticket.number}/").content.decode()

    assert "معلق" in page
    assert "On hold" not in page
    assert "Bei Ann" in page
    assert status_words()[Status.ON_HOLD] == "On hold"


def test_an_enumeration_has_the_comma_of_the_language(world: World, agent: Actor) -> None:
    classify_ticket(ticket=world.ticket, actor=agent, add_tags=["dock", "power"])
    event = TicketEvent.objects.get(ticket=world.ticket, kind=Kind.CLASSIFIED)

    assert sentence(event, "en").endswith("added the tag dock, power.")
    assert sentence(event, "fa").endswith("افزودن برچسب dock، power.")
    assert sentence(event, "zh-hans").endswith("添加标签 dock、power。")


@pytest.mark.parametrize(
    ("code", "name"), [("zh", "Chinese"), ("zh-hant", "Traditional Chinese"), ("fa", "Persian"), ("tlh", "tlh")]
)
def test_the_language_of_a_customer_has_a_name_where_there_is_one(world: World, code: str, name: str) -> None:
    customer = make_customer()
    customer.language = code

    assert customer_locale(customer) == name
