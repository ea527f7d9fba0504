"""Every page of the desk in a real browser: no complaint of the policy, no sideways scrolling, security keys."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpdesk.models import Message, User
from tests.browser.desk import Desk, complaints_of
from tests.factories import receive

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]

PAGES = ("/inbox/team/", "/inbox/search/?q=dock", "/tickets/{number}/?in=team", "/profile/", "/accounts/2fa/")


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of the agent of team A."""
    return desk.signed_in(browser_context, desk.world.agent)


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (360, "en"), (360, "fa"), (1000, "ar")])
def test_no_page_scrolls_sideways_or_breaks_its_policy(desk: Desk, sara: Page, width: int, language: str) -> None:
    User.objects.filter(pk=desk.world.agent.pk).update(language=language)
    heard = complaints_of(sara)
    sara.set_viewport_size({"width": width, "height": 740})
    for page in PAGES:
        sara.goto(desk.origin + page.format(number=desk.world.ticket.number))
        sara.wait_for_load_state()
        assert sara.evaluate("document.documentElement.scrollWidth <= innerWidth"), page
        assert sara.evaluate("document.documentElement.dir") == ("ltr" if language == "en" else "rtl")
    assert heard == []


def test_a_phone_shows_one_zone_at_a_time(desk: Desk, sara: Page) -> None:
    sara.set_viewport_size({"width": 360, "height": 740})
    sara.goto(f"{desk.origin}/inbox/team/")
    expect(sara.locator("#list")).to_be_visible()
    expect(sara.locator("#talk")).to_be_hidden()
    sara.get_by_role("link", name="The dock does not charge").click()
    expect(sara.locator("#talk")).to_be_visible()
    expect(sara.locator("#list")).to_be_hidden()
    sara.get_by_role("button", name="Customer").last.click()
    expect(sara.locator("#context")).to_contain_text("Ann Example")
    sara.get_by_role("button", name="List").last.click()
    expect(sara.locator("#list")).to_be_visible()


def test_a_hostile_mail_is_shown_and_runs_nothing(desk: Desk, sara: Page) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "Eve <eve@evil.example>",
        "support@halden.example",
        "<img src=x onerror=a()>",
    )
    mail["Message-ID"] = "<evil@evil.example>"
    mail.set_content("Plain words")
    mail.add_alternative(
        '<h1 id="shown">Formatted words</h1><img src="http://127.0.0.1:9/track"><script>top.document.title="owned"</script>'
        '<a href="javascript:alert(1)">x</a><svg onload="top.document.title=1"></svg>',
        subtype="html",
    )
    receive(mail.as_bytes(), mailbox=desk.world.mailbox)
    message = Message.objects.latest("pk")
    asked: list[str] = []
    sara.on("request", lambda request: asked.append(request.url))
    heard = complaints_of(sara)
    desk.open_ticket(sara, message.ticket.number)
    expect(sara.frame_locator("iframe").locator("#shown, h1").first).to_have_text("Formatted words")
    assert "owned" not in sara.title()
    assert not [url for url in asked if "127.0.0.1:9" in url]
    assert heard == []


def test_a_security_key_is_added_and_asked_for_at_the_next_login(desk: Desk, sara: Page) -> None:
    line = sara.context.new_cdp_session(sara)
    line.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    line.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    heard = complaints_of(sara)
    sara.goto(f"{desk.origin}/accounts/2fa/webauthn/add/")
    if "reauthenticate" in sara.url:
        sara.fill("[name=password]", "a-long-password-for-tests")
        sara.locator("main form button[type=submit]").first.click()
        sara.goto(f"{desk.origin}/accounts/2fa/webauthn/add/")
    sara.fill("#id_name", "The blue key")
    sara.locator("#mfa_webauthn_add").click()
    sara.wait_for_url("**/accounts/2fa/**/")
    sara.goto(f"{desk.origin}/accounts/2fa/webauthn/")
    expect(sara.locator("main")).to_contain_text("The blue key")
    sara.context.clear_cookies()
    sara.goto(f"{desk.origin}/accounts/login/")
    sara.fill("#id_login", desk.world.agent.email)
    sara.fill("#id_password", "a-long-password-for-tests")
    sara.get_by_role("button", name="Log in").click()
    expect(sara.get_by_role("heading", name="Second step")).to_be_visible()
    sara.get_by_role("button", name="Use a security key").click()
    sara.wait_for_selector("#nav-body")
    assert heard == []


def test_a_session_that_ended_leads_to_the_sign_in_page_and_back(desk: Desk, sara: Page) -> None:
    sara.goto(f"{desk.origin}/inbox/team/")
    sara.context.clear_cookies()
    sara.get_by_role("link", name="The dock does not charge").click()
    sara.wait_for_url("**/accounts/login/**")
    sara.fill("#id_login", desk.world.agent.email)
    sara.fill("#id_password", "a-long-password-for-tests")
    sara.get_by_role("button", name="Log in").click()
    sara.wait_for_url("**/inbox/team/**")


def test_going_back_shows_the_list_again(desk: Desk, sara: Page) -> None:
    sara.goto(f"{desk.origin}/inbox/team/")
    sara.get_by_role("link", name="The dock does not charge").click()
    expect(sara.locator("#subject")).to_have_text("The dock does not charge")
    sara.go_back()
    expect(sara.get_by_role("heading", name="No ticket is open")).to_be_visible()
    expect(sara).to_have_url(f"{desk.origin}/inbox/team/")
