"""A customer at his own pages in a real browser, from the mail to the agent who reads the answer; and the sign-in by code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from helpdesk.actions.conversation import reply
from helpdesk.actions.portal_entry import code_of
from helpdesk.mail import compose
from helpdesk.mail.portal_links import invitation, link_address, new_token
from helpdesk.models import Actor, Attachment, Customer, Message, OutgoingMail, PortalCode, PortalMail, Ticket
from helpdesk.now import now
from tests.browser.desk import Desk, another_person, complaints_of
from tests.browser.test_accessibility import violations
from tests.portal.conftest import address_of, link_in

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def customer(browser: Browser) -> Iterator[BrowserContext]:
    """The customer's own browser, as narrow as a telephone."""
    with another_person(browser) as context:
        yield context


def _link(desk: Desk, text: str) -> str:
    """The link of a mail, at the address where the desk of this test runs."""
    path = link_in(text).partition("/portal/")[2]
    return f"{desk.origin}/portal/{path}"


def _mailed(desk: Desk) -> str:
    """The newest reply as the customer reads it in his mail; from here on it has left."""
    outgoing = OutgoingMail.objects.select_related("message__author_user", "mailbox", "ticket").latest("pk")
    mime = compose.build(outgoing, now())
    OutgoingMail.objects.filter(pk=outgoing.pk).update(state=OutgoingMail.State.SENT, attempts=1, mime=mime)
    return compose.body_text(outgoing.message, outgoing.mailbox, invitation(outgoing.message, outgoing.mailbox, now()))


def test_from_the_mail_s_link_to_the_answer_on_the_agent_s_page(
    desk: Desk, browser_context: BrowserContext, customer: BrowserContext, tmp_path: Path
) -> None:
    sara = desk.signed_in(browser_context, desk.world.agent)
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#text-reply").fill("Please send us the log.")
    sara.locator("#text-reply").press("Control+Enter")
    expect(sara.locator("#timeline .msg--agent")).to_contain_text("Please send us the log.")
    page = customer.new_page()
    heard = complaints_of(page)

    page.goto(_link(desk, _mailed(desk)))

    assert page.url == f"{desk.origin}/portal/tickets/{desk.world.ticket.public_id}/"
    expect(page.locator("#messages")).to_contain_text("Please send us the log.")
    expect(page.locator("#messages")).to_contain_text("Sara Agent (Halden)")
    file = tmp_path / "dock log.txt"
    file.write_text("line 1")
    page.locator("#files").set_input_files(file)
    expect(page.locator("#files-list")).to_contain_text("dock log.txt")
    page.get_by_role("textbox", name="Your answer").fill("Here it is.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#done")).to_contain_text("Your answer has reached us.")
    expect(page.locator("#messages li").last).to_contain_text("dock log.txt")
    expect(sara.locator("#timeline")).to_contain_text("Here it is.")
    expect(sara.locator("#timeline")).to_contain_text("dock log.txt")
    assert Attachment.objects.get().message == Message.objects.get(reply_text="Here it is.")
    assert heard == []


def test_a_code_by_mail_opens_everything_after_a_wrong_one_did_not(desk: Desk, browser_page: Page) -> None:
    page = browser_page
    heard = complaints_of(page)
    page.goto(f"{desk.origin}/portal/tickets/{desk.world.ticket.public_id}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("See your tickets")
    page.get_by_label("Mail address").fill("ann@shop.example")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code, eight digits")).to_be_focused()
    code = code_of(PortalCode.objects.get())
    page.keyboard.type(f"{(int(code) + 1) % 10**8:08d}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("4 tries left")
    heard.clear()  # the browser notes the 422 itself
    page.get_by_label("Code, eight digits").fill(f"{code[:4]} {code[4:]}")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("The dock does not charge")
    page.get_by_role("button", name="It is done, close it").click()
    expect(page.locator("#portal-status")).to_contain_text("Done")
    page.get_by_role("button", name="It is not done, open it again").click()
    expect(page.locator("#portal-status")).to_contain_text("We are on it")
    page.get_by_role("link", name="My tickets", exact=True).click()
    expect(page.locator(".own")).to_contain_text("The dock does not charge")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("See your tickets")
    assert heard == []


def test_an_ended_link_offers_a_fresh_one_and_shows_nothing(desk: Desk, browser_page: Page) -> None:
    ticket = desk.world.ticket
    token = new_token(ticket, address_of(ticket.customer), now() - timedelta(days=31))
    browser_page.goto(_link(desk, link_address(token)))
    expect(browser_page.locator("h1")).to_have_text("This link has run out")
    assert token not in browser_page.url
    expect(browser_page.locator("body")).not_to_contain_text("ann@shop.example")
    browser_page.get_by_role("button", name="Mail me a fresh link").click()
    expect(browser_page.get_by_role("status")).to_contain_text("If the link was yours")
    assert PortalMail.objects.get().ticket == ticket


def test_news_appear_when_the_page_is_looked_at_again_and_words_begun_stay(desk: Desk, browser_page: Page) -> None:
    ticket, page = desk.world.ticket, browser_page
    page.goto(_link(desk, link_address(new_token(ticket, address_of(ticket.customer), now()))))
    page.get_by_role("textbox", name="Your answer").fill("Half a senten")
    reply(ticket=ticket, actor=Actor.of(desk.world.agent), text="It came by itself.")
    page.wait_for_timeout(1100)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.wait_for_timeout(300)
    expect(page.locator("#messages")).not_to_contain_text("It came by itself.")
    OutgoingMail.objects.update(state=OutgoingMail.State.SENT, attempts=1)
    page.wait_for_timeout(1100)

    page.evaluate("window.dispatchEvent(new Event('focus'))")

    expect(page.locator("#messages")).to_contain_text("It came by itself.")
    expect(page.locator("#news")).to_have_text("There is something new in this ticket.")
    expect(page.get_by_role("textbox", name="Your answer")).to_have_value("Half a senten")


def test_without_scripts_a_customer_writes_something_new_from_right_to_left(desk: Desk, browser: Browser) -> None:
    Customer.objects.filter(pk=desk.world.customer.pk).update(language="fa", time_zone="Asia/Tehran")
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    try:
        page = context.new_page()
        page.goto(f"{desk.origin}/portal/sign-in/")
        page.locator("#email").fill("ann@shop.example")
        page.locator("main button[type=submit]").click()
        page.locator("#code").fill(code_of(PortalCode.objects.get()))
        page.locator("main button[type=submit]").first.click()
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page.locator("html")).to_have_attribute("lang", "fa")
        page.goto(f"{desk.origin}/portal/new/")
        page.locator("#subject").fill("داک شارژ نمی‌کند")
        page.locator("#text").fill("از دیروز.")
        page.locator("#files").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"})
        page.locator("#write button[type=submit]").click()
        expect(page.locator("h1")).to_have_text("داک شارژ نمی‌کند")
        expect(page.locator("#messages")).to_contain_text("از دیروز.")
        wide = page.locator("html").bounding_box()
        assert wide is not None
        assert wide["width"] <= 360
    finally:
        context.close()


@pytest.mark.parametrize(
    ("language", "scheme", "contrast", "width"),
    [("en", "light", "no-preference", 360), ("fa", "dark", "more", 1280)],
)
def test_axe_finds_nothing_on_any_page_of_the_portal(
    desk: Desk, browser: Browser, language: str, scheme: Any, contrast: Any, width: int
) -> None:
    ticket = desk.world.ticket
    Customer.objects.filter(pk=desk.world.customer.pk).update(language=language)
    reply(ticket=ticket, actor=Actor.of(desk.world.agent), text="Words")
    OutgoingMail.objects.update(state=OutgoingMail.State.SENT, attempts=1)
    context = browser.new_context(
        bypass_csp=True,  # axe is put into the page
        locale=language,
        color_scheme=scheme,
        contrast=contrast,
        reduced_motion="reduce",
        viewport={"width": width, "height": 800},
    )
    try:
        page = context.new_page()
        found: dict[str, list[str]] = {}
        paths = ["sign-in/", "ended/", f"tickets/{ticket.public_id}/?done=sent", "", "new/", "tickets/none/"]
        for path in [*paths[:2], _entrance(ticket), *paths[2:]]:
            page.goto(f"{desk.origin}/portal/{path}")
            if wrong := violations(page):
                found[path] = wrong
        page.goto(f"{desk.origin}/portal/sign-in/")
        page.locator("#email").fill("ann@shop.example")
        page.keyboard.press("Enter")
        page.locator("#code").fill("1")
        page.keyboard.press("Enter")
        page.wait_for_selector("#code-error")
        if wrong := violations(page):
            found["code"] = wrong
        assert found == {}
    finally:
        context.close()


def _entrance(ticket: Ticket) -> str:
    return link_address(new_token(ticket, address_of(ticket.customer), now())).partition("/portal/")[2]


def test_a_ticket_is_read_and_answered_with_the_keyboard_alone(desk: Desk, browser_page: Page) -> None:
    page = browser_page
    page.goto(f"{desk.origin}/portal/{_entrance(desk.world.ticket)}")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="All my tickets")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("By keys alone.")
    page.keyboard.press("Tab")
    expect(page.locator("#files")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#messages")).to_contain_text("By keys alone.")
