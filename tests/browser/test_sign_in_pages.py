"""The front door in a real browser: password, reset by mail, second factor, company account; every page within its policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django_q.models import OrmQ
from playwright.sync_api import BrowserContext, Page, expect

from helpdesk import jobs
from helpdesk.models import AuditEntry, User
from tests.accounts.company import CLIENT, SECRET, Company
from tests.browser.desk import Desk, complaints_of, running_desk
from tests.factories import PASSWORD, make_world

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def strict_desk(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk that demands a second factor."""
    world = make_world()
    monkeypatch.setenv("HELPDESK_REQUIRE_MFA", "1")
    with running_desk(world, tmp_path) as desk:
        yield desk


@pytest.fixture
def company_desk(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Desk, Company]]:
    """A desk whose people may come in by the company's sign-in."""
    with Company() as company:
        monkeypatch.setenv("HELPDESK_OIDC_URL", company.address)
        monkeypatch.setenv("HELPDESK_OIDC_NAME", "Halden account")
        monkeypatch.setenv("HELPDESK_OIDC_CLIENT_ID", CLIENT)
        monkeypatch.setenv("HELPDESK_OIDC_SECRET", SECRET)
        with running_desk(make_world(), tmp_path) as desk:
            yield desk, company


def type_in(page: Page, desk: Desk, password: str = PASSWORD) -> None:
    """Fills the form of the sign-in page and sends it."""
    page.goto(f"{desk.origin}/accounts/login/")
    page.fill("#id_login", desk.world.agent.email)
    page.fill("#id_password", password)
    page.get_by_role("button", name="Log in", exact=True).click()


def code_of(secret: str) -> str:
    """What an authenticator app shows at this moment."""
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())))))


def send_code(page: Page, secret: str) -> None:
    """Types the code; when it went stale on the way, the next one."""
    before = page.url
    for _attempt in range(2):
        page.fill("#id_code", code_of(secret))
        page.locator("form:has(#id_code) button[type=submit]").first.click()
        page.wait_for_load_state()
        if page.url != before:
            return


def test_a_wrong_password_is_told_and_the_right_one_opens_the_desk(desk: Desk, browser_page: Page) -> None:
    heard = complaints_of(browser_page)

    type_in(browser_page, desk, "wrong-password-wrong")
    expect(browser_page.get_by_role("alert")).to_contain_text("password you specified are not correct")
    type_in(browser_page, desk)

    browser_page.wait_for_selector("#nav-body")
    assert heard == []


def test_who_logs_out_is_out_and_the_way_back_shows_nothing(desk: Desk, browser_page: Page) -> None:
    type_in(browser_page, desk)
    browser_page.wait_for_selector("#nav-body")
    browser_page.goto(f"{desk.origin}/accounts/logout/")
    browser_page.locator("main form button[type=submit]").first.click()
    browser_page.wait_for_url("**/accounts/login/**")

    browser_page.go_back()
    browser_page.goto(f"{desk.origin}/inbox/team/")

    browser_page.wait_for_url("**/accounts/login/**")


def test_a_forgotten_password_is_set_anew_by_a_mailed_link(desk: Desk, browser_page: Page, settings: Any) -> None:
    settings.BASE_URL = desk.origin
    heard = complaints_of(browser_page)
    browser_page.goto(f"{desk.origin}/accounts/login/")
    browser_page.get_by_role("link", name="Forgotten").click()
    browser_page.fill("[name=email]", desk.world.agent.email)
    browser_page.locator("main form button[type=submit]").first.click()
    browser_page.wait_for_url("**/password/reset/done/")
    for row in OrmQ.objects.all():
        jobs.run(*row.task["args"])
    link = re.search(r"http://\S+/password/reset/key/\S+", str(mail.outbox[-1].body))
    assert link is not None

    browser_page.goto(link.group())
    browser_page.fill("[name=password1]", "an-entirely-new-one")
    browser_page.fill("[name=password2]", "an-entirely-new-one")
    browser_page.locator("main form button[type=submit]").first.click()
    browser_page.wait_for_url("**/password/reset/key/done/")
    type_in(browser_page, desk, "an-entirely-new-one")

    browser_page.wait_for_selector("#nav-body")
    assert heard == []


def test_who_has_no_second_factor_sets_it_up_first_and_then_works(strict_desk: Desk, browser_page: Page) -> None:
    page, heard = browser_page, complaints_of(browser_page)
    type_in(page, strict_desk)
    page.wait_for_url("**/accounts/2fa/")
    page.goto(f"{strict_desk.origin}/accounts/2fa/totp/activate/")
    secret = page.locator("input[readonly], input[disabled]").first.input_value()
    send_code(page, secret)
    page.wait_for_url("**/recovery-codes/")
    codes = re.findall(r"\b[0-9a-z]{8,12}\b", page.locator("textarea").first.input_value())
    page.goto(strict_desk.origin)
    page.wait_for_selector("#nav-body")

    page.context.clear_cookies()
    type_in(page, strict_desk)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    page.fill("#id_code", "000000" if code_of(secret) != "000000" else "111111")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("main")).to_contain_text("Incorrect code")
    page.fill("#id_code", codes[0])
    page.get_by_role("button", name="Continue").click()
    page.wait_for_selector("#nav-body")

    page.context.clear_cookies()
    type_in(page, strict_desk)
    send_code(page, secret)
    page.wait_for_selector("#nav-body")
    assert heard == []
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions.count("user.signed_in") == 3
    assert {"user.authenticator_app_added", "user.second_factor_failed"} <= set(actions)


def test_the_company_account_opens_the_desk_of_whom_a_manager_entered(
    company_desk: tuple[Desk, Company], browser_context: BrowserContext
) -> None:
    desk, company = company_desk
    page = browser_context.new_page()
    heard = complaints_of(page)
    company.person["email"] = "stranger@halden.example"
    page.goto(f"{desk.origin}/accounts/login/")
    page.get_by_role("button", name="Log in with Halden account").click()
    page.wait_for_url("**/accounts/login/")
    expect(page.locator("body")).to_contain_text("Ask a manager to add your address")

    company.person["email"] = desk.world.agent.email
    page.get_by_role("button", name="Log in with Halden account").click()

    page.wait_for_selector("#nav-body")
    assert heard == []


def test_there_is_no_company_button_where_there_is_no_company(desk: Desk, browser_page: Page) -> None:
    browser_page.goto(f"{desk.origin}/accounts/login/")

    expect(browser_page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
    assert browser_page.get_by_role("button").count() == 1


def test_somebody_switched_off_while_he_works_is_led_to_the_door(desk: Desk, browser_page: Page) -> None:
    from helpdesk.actions.people import deactivate_user
    from helpdesk.models import Actor

    type_in(browser_page, desk)
    browser_page.wait_for_selector("html[data-line=open]")
    deactivate_user(user=User.objects.get(pk=desk.world.agent.pk), actor=Actor.of(desk.world.admin))
    browser_page.goto(f"{desk.origin}/inbox/team/")

    browser_page.wait_for_url("**/accounts/login/**")
