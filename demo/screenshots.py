"""`make screenshots`: the pictures of the README and docs, taken in Chromium from a seeded demo over a database of its own.

Run by the launcher with DATABASE_URL of a cluster it may make databases in: `python -m demo.screenshots [NAME…]`. Every
picture is a line of SHOTS; the files go to docs/screenshots/. Look at them before committing: a page that became ugly is
a bug like any other.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from playwright.sync_api import Browser, Page, sync_playwright
from psycopg import sql

from demo.accounts import account_named

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / "docs" / "screenshots"
WIDE, NARROW = (1280, 800), (360, 740)
_START_SECONDS = 60.0

Step = tuple[str, str]


@dataclass(frozen=True)
class Shot:
    """One picture: where, how large, in which theme and language, after which steps (a verb and a selector or text)."""

    name: str
    path: str
    size: tuple[int, int] = WIDE
    theme: str = "light"
    language: str = "en"
    person: str = "Sara"
    steps: tuple[Step, ...] = ()


_OPEN: Step = ("click", "#rows .row__link")
SHOTS: tuple[Shot, ...] = (
    Shot("login", "/accounts/login/", person=""),
    Shot("desk-light-1280", "/inbox/team/", steps=(_OPEN,)),
    Shot("desk-dark-1280", "/inbox/team/", theme="dark", steps=(_OPEN,)),
    Shot("desk-rtl-1280", "/inbox/team/", language="fa", person="Shirin", steps=(_OPEN,)),
    Shot("desk-light-1440", "/inbox/team/", (1440, 900), steps=(_OPEN,)),
    Shot("desk-status-menu", "/inbox/team/", steps=(_OPEN, ("click", "#pick-status-s"))),
    Shot("desk-filter", "/inbox/team/", steps=(("click", "#pick-filter-s"),)),
    Shot("desk-keys", "/inbox/team/", steps=(("press", "?"),)),
    Shot("list-light-360", "/inbox/team/", NARROW),
    Shot("desk-light-360", "/inbox/team/", NARROW, steps=(_OPEN,)),
    Shot("desk-dark-360", "/inbox/team/", NARROW, theme="dark", steps=(_OPEN,)),
    Shot("desk-rtl-360", "/inbox/team/", NARROW, language="fa", person="Shirin", steps=(_OPEN,)),
    Shot("views-light-360", "/inbox/team/", NARROW, steps=(("click", "[data-do='zone:nav']"),)),
    Shot("customer-light-360", "/inbox/team/", NARROW, steps=(_OPEN, ("click", "[data-do='zone:context']"))),
    Shot("settings", "/profile/"),
)


@dataclass
class DemoDesk:
    """A seeded demo with its web process, gone when the pictures are taken."""

    database: str
    folder: Path
    port: int
    env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> None:
        """One management command."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=CHECKOUT, env=self.env, check=True, stdout=sys.stderr)  # noqa: S603

    def start(self) -> None:
        """Starts the web process and waits until it answers."""
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), "helpdesk.asgi:application"]
        with (self.folder / "web.log").open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603
                command, cwd=CHECKOUT, env=self.env, stdout=log, stderr=log
            )
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise SystemExit((self.folder / "web.log").read_text()[-3000:])

    def stop(self) -> None:
        """Ends the web process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def _address_of(name: str) -> str:
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{name}"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _take(browser: Browser, origin: str, shot: Shot) -> None:
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if shot.theme == "dark" else "light"
    )
    page = context.new_page()
    if shot.person:
        account = account_named(shot.person)
        page.goto(f"{origin}/accounts/login/")
        page.fill("#id_login", account.email)
        page.fill("#id_password", account.password)
        page.locator("main button[type=submit]").first.click()
        page.wait_for_selector("#nav-body", state="attached")
        _speak(page, origin, shot.language)
    page.goto(origin + shot.path)
    page.wait_for_load_state()
    for verb, target in shot.steps:
        page.wait_for_timeout(600)
        if verb == "click":
            page.click(target)
        elif verb == "press":
            page.keyboard.press(target)
    page.wait_for_timeout(900)
    page.screenshot(path=FOLDER / f"{shot.name}.png")
    context.close()


def _speak(page: Page, origin: str, language: str) -> None:
    page.goto(f"{origin}/profile/")
    page.select_option("#id_language", language)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_load_state()


def main(names: list[str]) -> int:
    """Takes the named pictures, or all; the exit code."""
    wanted = [shot for shot in SHOTS if not names or shot.name in names]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or not wanted:
        sys.stderr.write("Chromium is not installed.\n" if chromium is None else f"There is no picture {names[0]!r}.\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"screenshots_{secrets.token_hex(4)}"
    with psycopg.connect(_address_of("postgres"), autocommit=True) as line:
        line.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        with tempfile.TemporaryDirectory() as folder:
            port = _free_port()
            env = {
                **os.environ,
                "DATABASE_URL": _address_of(name),
                "HELPDESK_ENV": "demo",
                "HELPDESK_DATA_DIR": folder,
                "HELPDESK_BASE_URL": f"http://localhost:{port}",
                "HELPDESK_LOG_LEVEL": "WARNING",
            }
            env.setdefault("HELPDESK_SECRET_KEY", secrets.token_urlsafe(50))
            desk = DemoDesk(name, Path(folder), port, env)
            desk.run("migrate", "--verbosity", "0")
            desk.run("createcachetable")
            desk.run("seed_demo")
            desk.start()
            try:
                with sync_playwright() as playwright:
                    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
                    browser = playwright.chromium.launch(executable_path=chromium, args=flags)
                    for shot in wanted:
                        _take(browser, f"http://localhost:{port}", shot)
                        sys.stdout.write(f"docs/screenshots/{shot.name}.png\n")
                    browser.close()
            finally:
                desk.stop()
    finally:
        with psycopg.connect(_address_of("postgres"), autocommit=True) as line:
            line.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
