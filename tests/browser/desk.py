"""A real web process over the test database, and the hands of somebody at the desk. Used by the test_desk_* files."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page

from helpdesk.models import User
from tests.factories import PASSWORD, World

_START_SECONDS = 40.0
_CHECKOUT = Path(__file__).resolve().parents[2]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _database_url() -> str:
    row = connection.settings_dict
    people = quote(str(row["USER"])) + (f":{quote(str(row['PASSWORD']))}" if row["PASSWORD"] else "")
    port = f"&port={row['PORT']}" if row["PORT"] else ""
    return f"postgresql://{people}@/{quote(str(row['NAME']))}?host={quote(str(row['HOST']))}{port}"


@dataclass
class Desk:
    """The running desk; `stop` and `start` are the restart of a server."""

    world: World
    folder: Path
    port: int = field(default_factory=_free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        """Where browsers reach it."""
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Starts the web process and waits until it answers."""
        env = {
            **os.environ,
            "HELPDESK_ENV": "test",
            "HELPDESK_BASE_URL": self.origin,
            "HELPDESK_DATA_DIR": str(self.folder),
            "HELPDESK_LOG_LEVEL": "WARNING",
            "DATABASE_URL": _database_url(),
        }
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), "helpdesk.asgi:application"]
        with (self.folder / "web.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=_CHECKOUT, env=env, stdout=log, stderr=log)
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise AssertionError((self.folder / "web.log").read_text()[-3000:])

    def stop(self) -> None:
        """Ends the web process."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:  # it lets open sockets finish; a test does not wait for that
                self.process.kill()
                self.process.wait(5)
            self.process = None

    def log_in(self, context: BrowserContext, user: User) -> Page:
        """Somebody signs in by the form, as a person does."""
        page = context.new_page()
        page.goto(f"{self.origin}/accounts/login/")
        page.fill("#id_login", user.email)
        page.fill("#id_password", PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_selector("#nav-body")
        return page

    def open_ticket(self, page: Page, number: int) -> None:
        """Opens a ticket by its address and waits until the tab hears of changes."""
        page.goto(f"{self.origin}/tickets/{number}/?in=team")
        page.wait_for_selector("html[data-line=open]")


@contextmanager
def running_desk(world: World, folder: Path) -> Iterator[Desk]:
    """The desk over the test database for the length of a test."""
    desk = Desk(world, folder)
    desk.start()
    try:
        yield desk
    finally:
        desk.stop()


@contextmanager
def another_person(browser: Browser) -> Iterator[BrowserContext]:
    """A second browser with cookies of its own."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(10_000)
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
