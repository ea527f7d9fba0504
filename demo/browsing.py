"""A web process on a port of its own, and Chromium to look at it: for the pictures of the docs and the browser tests.

Used by demo.screenshots, tests/browser and tests/flows. Whoever starts a WebProcess chooses its environment and ends it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from launch.ports import any_free

CHECKOUT = Path(__file__).resolve().parents[1]
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = os.environ.get("HELPDESK_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
"""The browser to drive, None where there is none. The one without a window's parts first: a page costs it half the time."""
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_START_SECONDS = 180.0


@dataclass
class WebProcess:
    """One `daphne` over the house; its files and its log lie in `folder`."""

    folder: Path
    env: Mapping[str, str]
    port: int = field(default_factory=any_free)
    process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        """Where browsers reach it."""
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Starts the process and waits until it answers; does nothing while it runs.

        Raises AssertionError with the end of its log when it does not answer within three minutes.
        """
        if self.process is not None and self.process.poll() is None:
            return
        env = {
            **os.environ,
            "HELPDESK_LOG_LEVEL": "WARNING",
            **self.env,
            "HELPDESK_BASE_URL": self.origin,
            "HELPDESK_DATA_DIR": str(self.folder),
        }
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), "helpdesk.asgi:application"]
        log_file = self.folder / "web.log"
        with log_file.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                command, cwd=CHECKOUT, env=env, stdout=log, stderr=log
            )
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise AssertionError(f"the web process does not answer:\n{log_file.read_text()[-3000:]}")

    def stop(self) -> None:
        """Ends the process."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:  # it lets open sockets finish; nobody waits for that
                self.process.kill()
                self.process.wait(5)
            self.process = None


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a window, for the length of the block. Raises LookupError where it is not installed."""
    if CHROMIUM is None:
        raise LookupError("Chromium is not installed.")
    with sync_playwright() as playwright:
        # Chromium refuses to run its sandbox as root, as containers are
        flags = [*_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(_FLAGS)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            yield browser
        finally:
            browser.close()


def sign_in(page: Page, origin: str, email: str, password: str) -> None:
    """Somebody signs in by the form, as a person does, and sees the desk."""
    page.goto(f"{origin}/accounts/login/")
    page.fill("#id_login", email)
    page.fill("#id_password", password)
    page.locator("main button[type=submit]").first.click()
    page.wait_for_selector("#nav-body", state="attached")
