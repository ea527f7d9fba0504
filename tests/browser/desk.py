"""The desk in a real web process over the test database, and the hands of somebody at it. Used by the test_desk_* files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page

from demo.browsing import WebProcess
from helpdesk.models import User
from tests.admin.conftest import sign_in
from tests.factories import World
from tests.processes import database_url

#: How long a page may take on a machine that does much besides: no test says how quick something is.
PATIENCE_MS = 60_000
_SETTLE_SECONDS = 60.0
_BUSY = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend' AND state <> 'idle'"
)


@dataclass
class Desk:
    """The running desk; `stop` and `start` are the restart of a server."""

    world: World
    web: WebProcess

    @property
    def origin(self) -> str:
        """Where browsers reach it."""
        return self.web.origin

    def start(self) -> None:
        """Starts the web process and waits until it answers."""
        self.web.start()

    def stop(self) -> None:
        """Ends the web process."""
        self.web.stop()

    def signed_in(self, context: BrowserContext, user: User) -> Page:
        """An empty tab of somebody who showed the password a moment ago. (The form has tests of its own.)"""
        session = sign_in(user).session.session_key
        assert session is not None
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": self.origin}])
        return context.new_page()

    def log_in(self, context: BrowserContext, user: User) -> Page:
        """As `signed_in`, and the desk is open: a page more than a test needs that goes elsewhere first."""
        page = self.signed_in(context, user)
        page.goto(f"{self.origin}/")
        page.wait_for_selector("#nav-body")
        return page

    def open_ticket(self, page: Page, number: int) -> None:
        """Opens a ticket by its address and waits until the tab hears of changes."""
        page.goto(f"{self.origin}/tickets/{number}/?in=team")
        page.wait_for_selector("html[data-line=open]")

    def settle(self) -> None:
        """Waits until no request is at work in the database any more. Raises TimeoutError."""
        until = time.monotonic() + _SETTLE_SECONDS
        with connection.cursor() as cursor:
            while time.monotonic() < until:
                cursor.execute(_BUSY)
                if cursor.fetchone() == (0,):
                    return
                time.sleep(0.02)
        raise TimeoutError(f"requests are still at work after {_SETTLE_SECONDS:g} s")


def web_process(folder: Path) -> WebProcess:
    """A web process over the test database, not started; further settings come from the environment."""
    return WebProcess(folder, {"HELPDESK_ENV": "test", "DATABASE_URL": database_url()})


@contextmanager
def running_desk(world: World, folder: Path) -> Iterator[Desk]:
    """A desk of its own for one test: for those that need other settings."""
    desk = Desk(world, web_process(folder))
    desk.start()
    try:
        yield desk
    finally:
        desk.stop()


@contextmanager
def another_person(browser: Browser) -> Iterator[BrowserContext]:
    """A second browser with cookies of its own."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context
    finally:
        context.close()


def complaints_of(page: Page) -> list[str]:
    """Fills with what the browser complains about on this page: script errors and violations of the policy."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard
