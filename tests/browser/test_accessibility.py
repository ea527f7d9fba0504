"""Every page through axe, WCAG 2.2 AA: menus and dialogs open, light, dark and high contrast, both directions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from helpdesk.actions.desk_settings import keep_desk_settings
from helpdesk.models import Role, User
from tests.browser.desk import Desk

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: Mails are shown in a frame without scripts; what strangers wrote is not ours to mend.
_OUT = ["iframe"]
#: A phone shows one zone at a time, so that the main one with its heading may be out of sight: best practice, not WCAG.
_ON_WHOLE_PAGES = ["landmark-one-main", "page-has-heading-one"]


@cache
def axe() -> str:
    """The script of axe-core, which the package brings."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, within: str = "") -> list[str]:
    """What axe finds on the page as it stands now, or within one element of it, a line for each element."""
    if page.evaluate("!window.axe"):
        page.evaluate(axe())
    one_zone = page.evaluate("matchMedia('(max-width: 48rem)').matches && !!document.querySelector('.desk')")
    options = {
        "runOnly": {"type": "tag", "values": _TAGS},
        "resultTypes": ["violations"],
        "rules": {rule: {"enabled": not one_zone} for rule in _ON_WHOLE_PAGES},
    }
    found: dict[str, Any] = page.evaluate(
        "([context, options]) => axe.run(context, options)",
        [{"exclude": [[one] for one in _OUT], **({"include": [[within]]} if within else {})}, options],
    )
    return [
        f"{violation['id']}: {' '.join(map(str, node['target']))} | {' '.join(node['html'].split())[:160]} | "
        f"{(node['any'] + node['all'] + node['none'] + [{'message': ''}])[0]['message']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


@dataclass(frozen=True)
class Look:
    """How a page is shown."""

    theme: str
    contrast: bool
    language: str
    width: int


LOOKS = {
    "light": Look("light", contrast=False, language="en", width=1440),
    "dark-rtl": Look("dark", contrast=False, language="fa", width=1440),
    "contrast": Look("light", contrast=True, language="en", width=1280),
    "phone-dark-contrast-rtl": Look("dark", contrast=True, language="ar", width=360),
}


@pytest.fixture(params=list(LOOKS))
def look(request: pytest.FixtureRequest) -> Look:
    """One way to see the pages."""
    return LOOKS[request.param]


Walk = Callable[..., None]


def walk(page: Page) -> tuple[Walk, dict[str, list[str]]]:
    """A function that looks at the page now under a name, and what it found by name.

    Under an open menu or dialog the page is as it was: only what opened is looked at, which is quick, and what it covers is
    covered on purpose.
    """
    found: dict[str, list[str]] = {}

    def looked(name: str, within: str = "") -> None:
        if wrong := violations(page, within):
            found[name] = wrong

    return looked, found


def set_up(desk: Desk, user: User, look: Look, context: BrowserContext) -> Page:
    """The person with his look, signed in; animations rest, so that colours are those they end with."""
    User.objects.filter(pk=user.pk).update(language=look.language)
    keep_desk_settings(user=user, changes={"theme": look.theme, "contrast": look.contrast or None})
    page = desk.signed_in(context, user)
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": look.width, "height": 800})
    return page


def test_the_desk_with_its_menus_and_dialogs(desk: Desk, browser_context: BrowserContext, look: Look) -> None:
    page = set_up(desk, desk.world.agent, look, browser_context)
    looked, found = walk(page)
    page.goto(f"{desk.origin}/inbox/team/")
    page.wait_for_selector("html[data-line=open]")
    looked("list")
    page.keyboard.press("j")
    page.keyboard.press("x")
    looked("selection", "#list")
    page.locator("#rows .row__check input").first.uncheck()
    page.evaluate("document.getElementById('pick-filter').open = true")
    looked("filter", "#pick-filter")
    page.keyboard.press("Escape")
    page.goto(f"{desk.origin}/inbox/search/?q=nothing-of-the-kind")
    looked("nothing found")
    desk.open_ticket(page, desk.world.ticket.number)
    looked("ticket")
    for menu in page.evaluate("[...document.querySelectorAll('#talk details.pick[id], #me')].map(d => d.id)"):
        page.evaluate("id => { document.getElementById(id).open = true }", menu)
        looked(menu, f"#{menu}")
        page.keyboard.press("Escape")
        page.evaluate("id => { document.getElementById(id).open = false }", menu)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("n")
    page.keyboard.type("A thought")
    looked("note", "#composer")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    looked("help", "#help")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("a")
    page.wait_for_timeout(400)
    looked("command bar", "#command")
    page.keyboard.press("Escape")
    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)


def test_ones_own_pages_and_the_style_guide(desk: Desk, browser_context: BrowserContext, look: Look) -> None:
    page = set_up(desk, desk.world.agent, look, browser_context)
    looked, found = walk(page)
    shown = (
        f"?theme={look.theme}{'&contrast=more' if look.contrast else ''}{'&dir=rtl' if look.language != 'en' else ''}"
    )
    for path in (
        "/profile/",
        "/me/desk/",
        "/accounts/2fa/",
        f"/styleguide/{shown}",
        "/canned/",
        "/macros/",
        "/tickets/new/",
        "/nowhere/",
    ):
        page.goto(desk.origin + path)
        page.wait_for_load_state()
        looked(path)
    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)


def test_the_pages_before_signing_in(desk: Desk, browser_context: BrowserContext, look: Look) -> None:
    browser_context.add_cookies(
        [
            {"name": "django_language", "value": look.language, "url": desk.origin},
            {"name": "theme", "value": look.theme, "url": desk.origin},
        ]
    )
    page = browser_context.new_page()
    page.set_viewport_size({"width": look.width, "height": 800})
    looked, found = walk(page)
    for path in ("/accounts/login/", "/accounts/password/reset/", "/accounts/logout/", "/portal/"):
        page.goto(desk.origin + path)
        page.wait_for_load_state()
        looked(path)
    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)


def test_the_managers_pages_that_are_ours(desk: Desk, browser_context: BrowserContext, look: Look) -> None:
    ada = User.objects.create_user("ada@halden.example", "a-long-password-for-tests", name="Ada", role=Role.ADMIN)
    page = set_up(desk, ada, look, browser_context)
    looked, found = walk(page)
    for path in ("/admin/", "/admin/helpdesk/mailbox/add/", "/admin/helpdesk/team/"):
        page.goto(desk.origin + path)
        page.wait_for_load_state()
        looked(path)
    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)
