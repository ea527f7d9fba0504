"""Joining and parting tickets in real browsers: two people look on while one merges, parts, splits and takes back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from helpdesk.models import Message, Ticket
from tests.browser.desk import Desk, another_person, complaints_of
from tests.factories import make_customer, make_ticket

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of the agent of team A."""
    return desk.signed_in(browser_context, desk.world.agent)


def _open_more(page: Page, what: str) -> None:
    page.locator("#pick-more-s").click()
    page.locator(what).click()
    expect(page.locator("#joining")).to_be_visible()


def test_two_people_see_a_merge_and_its_parting_by_themselves(desk: Desk, sara: Page, browser: Browser) -> None:
    heard = complaints_of(sara)
    world = desk.world
    second = make_ticket(world.queue_a, world.customer, subject="Dock again", text="It still does not charge.")
    with another_person(browser) as context:
        lea = desk.signed_in(context, world.lead)
        desk.open_ticket(lea, second.number)
        looker = context.new_page()
        desk.open_ticket(looker, world.ticket.number)
        desk.open_ticket(sara, world.ticket.number)
        _open_more(sara, "#do-merge")
        sara.get_by_role("checkbox", name="Dock again").check()
        sara.locator("#joining-do").click()
        expect(sara.locator("#joining")).to_be_hidden()
        expect(sara.locator("#timeline")).to_contain_text("It still does not charge.")
        expect(looker.locator("#timeline")).to_contain_text("It still does not charge.")
        expect(lea.locator("#merged-away")).to_contain_text(f"merged into #{world.ticket.number}")
        lea.goto(f"{desk.origin}/tickets/{second.number}/")
        expect(lea.locator("#came-from")).to_contain_text(f"#{second.number} was merged into this ticket")
        lea.locator("#came-from").get_by_role("button", name="Part them again").click()
        expect(lea.locator("#timeline")).not_to_contain_text("It still does not charge.")
        expect(sara.locator("#timeline")).not_to_contain_text("It still does not charge.")
    second.refresh_from_db()
    assert second.merged_into is None
    assert heard == []


def test_a_merge_from_the_list_is_taken_back_by_key(desk: Desk, sara: Page) -> None:
    world = desk.world
    second = make_ticket(world.queue_a, world.customer, subject="Dock again")
    sara.goto(f"{desk.origin}/inbox/team/")
    for number in (world.ticket.number, second.number):
        sara.locator(f"#row-{number} .row__check input").check(force=True)
    sara.locator("#bulk-merge").click()
    expect(sara.locator("#joining")).to_be_visible()
    sara.locator("#joining-do").click()
    expect(sara.locator(".toast")).to_contain_text("is merged into")
    assert Ticket.objects.filter(merged_into__isnull=False).count() == 1
    sara.keyboard.press("z")
    expect(sara.locator(".toast")).to_contain_text("Taken back")
    assert not Ticket.objects.filter(merged_into__isnull=False).exists()


def test_different_customers_are_confirmed_within_the_dialog_and_keys_reach_it(desk: Desk, sara: Page) -> None:
    other = make_ticket(desk.world.queue_a, make_customer(name="Cara Else"), subject="Quite another")
    desk.open_ticket(sara, desk.world.ticket.number)
    _open_more(sara, "#do-merge")
    expect(sara.locator("#joining-q")).to_be_focused()
    sara.keyboard.type(str(other.number))
    expect(sara.locator("#joining-found")).to_contain_text("Quite another")
    sara.get_by_role("radio", name="The one chosen above").check()
    sara.locator("#joining-q").press("Enter")
    expect(sara.locator("#joining-alert")).to_contain_text("Ann Example")
    expect(sara.get_by_role("checkbox", name="Yes, do it all the same")).to_be_in_viewport()
    sara.get_by_role("checkbox", name="Yes, do it all the same").check()
    sara.locator("#joining-do").click()
    expect(sara.locator("#subject")).to_have_text("Quite another")
    expect(sara).to_have_url(f"{desk.origin}/tickets/{other.number}/?in=team")
    assert Ticket.objects.get(merged_into__isnull=False).pk == desk.world.ticket.pk


def test_a_message_is_split_off_from_its_own_menu_and_moved_back_by_undo(desk: Desk, sara: Page) -> None:
    world = desk.world
    desk.open_ticket(sara, world.ticket.number)
    sara.locator("#tab-note").click()
    sara.locator("#text-note").fill("Belongs elsewhere")
    sara.get_by_role("button", name="Add note").click()
    mine = sara.locator("#timeline .msg--note")
    expect(mine).to_contain_text("Belongs elsewhere")
    mine.hover()
    mine.get_by_role("button", name="Split off or move").click()
    expect(sara.get_by_role("checkbox", name="Belongs elsewhere")).to_be_checked()
    sara.locator("#part-subject").fill("A ticket of its own")
    sara.locator("#joining-do").click()
    expect(sara.locator("#timeline .msg--note")).to_have_count(0)
    expect(sara.locator("#sect-links")).to_contain_text("A ticket of its own")
    assert Message.objects.get(text="Belongs elsewhere").ticket.subject == "A ticket of its own"
    sara.locator(".toast").get_by_role("button", name="Undo").click()
    expect(sara.locator("#timeline .msg--note")).to_contain_text("Belongs elsewhere")


def test_parts_are_linked_and_show_their_share_done(desk: Desk, sara: Page) -> None:
    second = make_ticket(desk.world.queue_a, desk.world.customer, subject="One part of it")
    desk.open_ticket(sara, desk.world.ticket.number)
    _open_more(sara, "#do-link")
    sara.get_by_role("radio", name="One part of it").check()
    sara.get_by_role("radio", name="It has it as a part").check()
    sara.locator("#joining-do").click()
    expect(sara.locator("#sect-links")).to_contain_text("Its parts: 0 of 1 done")
    sara.get_by_role("button", name=f"Remove the link to #{second.number}").click()
    expect(sara.locator("#sect-links")).to_have_count(0)
