"""People in a real browser: a third party asked in private, a checklist, two customers who are one."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpdesk.actions.checklist import standing_items
from helpdesk.models import Customer, Message, OutgoingMail, Ticket
from tests.browser.desk import Desk, complaints_of
from tests.browser.test_accessibility import violations
from tests.factories import mail, make_customer, make_ticket, receive

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of the agent of team A."""
    return desk.signed_in(browser_context, desk.world.agent)


def test_a_message_is_forwarded_by_key_and_the_answer_appears_by_itself(desk: Desk, sara: Page) -> None:
    heard = complaints_of(sara)
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.keyboard.press("f")
    expect(sara.locator("#side-subject")).to_have_value("Fwd: The dock does not charge")
    expect(sara.locator("#side-to")).to_be_focused()
    sara.locator("#side-to").fill("sven@supplier.example")
    sara.locator("#side-text").fill("Is this a known fault?")
    sara.locator("#side-text").press("Control+Enter")
    expect(sara.locator("#timeline .msg--side")).to_contain_text("Is this a known fault?")
    expect(sara.locator("#side-form")).to_have_count(0)
    sent = Message.objects.get(side_thread__isnull=False)
    receive(
        mail("Re", "Yes, it is.", "Sven <sven@supplier.example>", In_Reply_To=f"<{sent.message_id}>"),
        mailbox=desk.world.mailbox,
    )
    answered = sara.locator("#timeline .msg--side").nth(1)
    expect(answered).to_contain_text("Yes, it is.")
    answered.get_by_role("button", name="Answer the third party").click()
    expect(sara.locator("#side-to")).to_have_value("Sven <sven@supplier.example>")
    sara.locator("#side-text").fill("Thank you.")
    sara.locator("#side-send").click()
    expect(sara.locator("#timeline .msg--side")).to_have_count(3)
    sara.locator(".toast").get_by_role("button", name="Undo").click()
    expect(sara.locator("#side-text")).to_have_value("Thank you.")
    assert OutgoingMail.objects.latest("pk").state == OutgoingMail.State.CANCELLED
    assert heard == []


def test_a_checklist_is_written_ticked_ordered_and_asked_about(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.keyboard.press("f")
    expect(sara.locator("#side-to")).to_be_focused()
    assert violations(sara) == []
    sara.keyboard.press("Escape")
    expect(sara.locator("#side-form")).to_have_count(0)
    sara.locator("#sect-checklist summary").click()
    for words in ("Ask for a photo", "Order a dock"):
        sara.locator("#todo-new").fill(words)
        sara.locator("#todo-new").press("Enter")
        expect(sara.locator(f"#todo input[value='{words}']")).to_have_count(1)
    sara.get_by_role("checkbox", name="Ask for a photo").click()
    expect(sara.locator("#checklist-share")).to_contain_text("1/2")
    lines = sara.locator(".todo__line")
    lines.nth(1).drag_to(lines.nth(0), target_position={"x": 10, "y": 2})
    expect(sara.locator(".todo__text").nth(0)).to_have_value("Order a dock")
    assert violations(sara) == []
    sara.locator("#talk-scroll").focus()
    sara.keyboard.press("e")
    expect(sara.locator("#joining")).to_contain_text("1 line of the checklist is still to do.")
    sara.get_by_role("button", name="Resolve all the same").click()
    expect(sara.locator("#talk-head")).to_have_attribute("data-status", "resolved")
    assert [item.text for item in standing_items(desk.world.ticket)] == ["Order a dock", "Ask for a photo"]


def test_two_customers_become_one_and_are_parted_again(desk: Desk, sara: Page) -> None:
    twin = make_customer("ann@home.example", "Ann at home")
    theirs = make_ticket(desk.world.queue_a, twin, subject="From home")
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.keyboard.press("g")
    sara.keyboard.press("k")
    expect(sara).to_have_url(f"{desk.origin}/customers/")
    assert violations(sara) == []
    sara.get_by_role("link", name="Ann Example").click()
    expect(sara.locator(".trail")).to_be_visible()
    assert violations(sara) == []
    sara.get_by_role("button", name="Merge another customer").click()
    sara.locator("#customer-q").fill("home")
    sara.get_by_role("radio", name="Ann at home").check()
    assert violations(sara) == []
    sara.get_by_role("button", name="Go on").click()
    sara.get_by_role("button", name="Merge", exact=True).click()
    expect(sara.locator("main")).to_contain_text("Ann at home was merged into this customer")
    expect(sara.locator("main")).to_contain_text("From home")
    assert Ticket.objects.get(pk=theirs.pk).customer == desk.world.customer
    sara.get_by_role("button", name="Part again").click()
    expect(sara.locator("main")).to_contain_text("is a customer of his own again")
    assert Customer.objects.get(pk=twin.pk).merged_into is None
