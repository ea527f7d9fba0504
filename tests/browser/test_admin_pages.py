"""The managers' pages in a real browser: no complaint of the policy, no sideways scrolling, and the connection test in place."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpdesk.models import User
from tests.browser.desk import Desk, complaints_of
from tests.factories import mail, receive

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]

PAGES = (
    "",
    "user/",
    "user/add/",
    "user/{agent}/change/",
    "team/{team}/change/",
    "businesscalendar/add/",
    "mailbox/",
    "mailbox/{mailbox}/change/",
    "rawmail/",
    "rawmail/{raw}/change/",
    "outgoingmail/",
    "ticket/",
    "auditentry/",
    "apitoken/add/",
    "tag/add/",
)


@pytest.fixture
def ada(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of an administrator."""
    return desk.log_in(browser_context, desk.world.admin)


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (360, "en"), (1280, "fa"), (360, "ar")])
def test_no_managers_page_scrolls_sideways_or_breaks_its_policy(
    desk: Desk, ada: Page, width: int, language: str
) -> None:
    User.objects.filter(pk=desk.world.admin.pk).update(language=language)
    (raw,) = receive(mail("A long line " + "x" * 300, "y" * 500), mailbox=desk.world.mailbox)
    keys = {
        "agent": desk.world.agent.pk,
        "team": desk.world.team_a.pk,
        "mailbox": desk.world.mailbox.pk,
        "raw": raw.pk,
    }
    heard = complaints_of(ada)
    ada.set_viewport_size({"width": width, "height": 740})
    for page in PAGES:
        path = page.format(**keys)
        answer = ada.goto(f"{desk.origin}/admin/{'helpdesk/' if path else ''}{path}")
        assert answer is not None
        assert answer.status == 200, page
        ada.wait_for_load_state("networkidle")
        sideways = ada.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert sideways <= 1, f"/admin/{page} is {sideways} px too wide"
    assert heard == []


def test_the_connection_test_answers_in_place_and_keeps_what_was_typed(desk: Desk, ada: Page) -> None:
    heard = complaints_of(ada)
    ada.goto(f"{desk.origin}/admin/helpdesk/mailbox/{desk.world.mailbox.pk}/change/")
    ada.fill("#id_imap_host", "127.0.0.1")
    ada.fill("#id_imap_port", "1")
    ada.fill("#id_username", "support")
    ada.fill("#id_password", "typed-just-now")

    ada.get_by_role("button", name="Test connection").click()

    expect(ada.locator(".test-step[data-outcome=failed]")).to_have_count(2)
    expect(ada.locator(".test-steps")).to_contain_text("refuses connections on port 1")
    expect(ada.locator("#id_password")).to_have_value("typed-just-now")
    assert heard == []


def test_the_managers_pages_follow_the_theme_of_the_desk(desk: Desk, ada: Page) -> None:
    ada.context.add_cookies([{"name": "theme", "value": "dark", "url": desk.origin}])
    ada.goto(f"{desk.origin}/admin/")

    scheme = ada.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert scheme == "dark"
