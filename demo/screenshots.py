"""`make screenshots`: the pictures of the README and docs, taken in Chromium from a seeded demo over a database of its own.

Run by the launcher with DATABASE_URL of a cluster it may make databases in: `python -m demo.screenshots [NAME…]`. Every
picture is a line of SHOTS; the files go to docs/screenshots/. Look at them before committing: a page that became ugly is
a bug like any other.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from playwright.sync_api import Browser, Page
from psycopg import sql

from demo.accounts import account_named
from demo.browsing import CHECKOUT, CHROMIUM, WebProcess, chromium, sign_in

FOLDER = CHECKOUT / "docs" / "screenshots"
WIDE, NARROW = (1280, 800), (360, 740)

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


def _address_of(name: str) -> str:
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{name}"))


def _secret() -> dict[str, str]:
    """A key for this run, where none was given."""
    name = "HELPDESK_SECRET_KEY"
    return {name: os.environ.get(name) or secrets.token_urlsafe(50)}


def _manage(desk: WebProcess, *arguments: str) -> None:
    """One management command over the database of the pictures."""
    env = {**os.environ, **desk.env, "HELPDESK_DATA_DIR": str(desk.folder), "HELPDESK_LOG_LEVEL": "WARNING"}
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=CHECKOUT, env=env, check=True, stdout=sys.stderr)  # noqa: S603


def _take(browser: Browser, origin: str, shot: Shot) -> None:
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if shot.theme == "dark" else "light"
    )
    page = context.new_page()
    if shot.person:
        account = account_named(shot.person)
        sign_in(page, origin, account.email, account.password)
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
    if CHROMIUM is None or not wanted:
        sys.stderr.write("Chromium is not installed.\n" if CHROMIUM is None else f"There is no picture {names[0]!r}.\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"screenshots_{secrets.token_hex(4)}"
    with psycopg.connect(_address_of("postgres"), autocommit=True) as line:
        line.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        with tempfile.TemporaryDirectory() as folder:
            desk = WebProcess(Path(folder), {"DATABASE_URL": _address_of(name), "HELPDESK_ENV": "demo", **_secret()})
            for command in (("migrate", "--verbosity", "0"), ("createcachetable",), ("seed_demo",)):
                _manage(desk, *command)
            desk.start()
            try:
                with chromium() as browser:
                    for shot in wanted:
                        _take(browser, desk.origin, shot)
                        sys.stdout.write(f"docs/screenshots/{shot.name}.png\n")
            finally:
                desk.stop()
    finally:
        with psycopg.connect(_address_of("postgres"), autocommit=True) as line:
            line.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
