"""`make screenshots`: the pictures of the README and docs, taken in Chromium from a seeded demo over a database of its own.

Run by the launcher with DATABASE_URL of a cluster it may make databases in: `python -m demo.screenshots [NAME…]`. Every
picture is a line of SHOTS. Those the docs show go to docs/screenshots/, every page wide and narrow, light, dark and in Persian
to var/screenshots/. Look at them before committing: a page that became ugly is a bug like any other.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from playwright.sync_api import Browser, BrowserContext, Error, Page
from psycopg import sql

from demo.accounts import account_named
from demo.browsing import CHECKOUT, CHROMIUM, WebProcess, chromium, sign_in

FOLDER = CHECKOUT / "docs" / "screenshots"
TO_LOOK_AT = CHECKOUT / "var" / "screenshots"
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
    kept: bool = False


_OPEN: Step = ("open", "#rows .row__link")
#: name -> path, person ("" for nobody), steps. Each is taken to look at: wide and narrow, light, dark and in Persian.
PAGES: dict[str, tuple[str, str, tuple[Step, ...]]] = {
    "login": ("/accounts/login/", "", ()),
    "list": ("/inbox/team/", "Sara", ()),
    "ticket": ("/inbox/team/", "Sara", (_OPEN,)),
    "more-menu": ("/inbox/team/", "Sara", (_OPEN, ("click", "#pick-more-s"))),
    "merge": ("/inbox/team/", "Sara", (_OPEN, ("click", "#pick-more-s"), ("click", "#do-merge"))),
    "split": ("/inbox/team/", "Sara", (_OPEN, ("click", "#pick-more-s"), ("click", "#do-part"))),
    "status-menu": ("/inbox/team/", "Sara", (_OPEN, ("click", "#pick-status-s"))),
    "filter": ("/inbox/team/", "Sara", (("click", "#pick-filter-s"),)),
    "search": ("/inbox/search/?q=dock", "Sara", ()),
    "keys": ("/inbox/team/", "Sara", (("press", "?"),)),
    "command": ("/inbox/team/", "Sara", (("press", "Control+k"),)),
    "customers": ("/customers/", "Sara", ()),
    "my-desk": ("/me/desk/", "Sara", ()),
    "settings": ("/profile/", "Sara", ()),
    "styleguide": ("/styleguide/", "Sara", ()),
    "portal": ("/portal/", "", ()),
}
LOOKS = (("light", "en"), ("dark", "en"), ("light", "fa"))
SHOTS: tuple[Shot, ...] = (
    *(
        Shot(f"{name}-{language if language != 'en' else theme}-{size[0]}", path, size, theme, language, person, steps)
        for theme, language in LOOKS
        for name, (path, person, steps) in PAGES.items()
        for size in (WIDE, NARROW)
    ),
    # those the README and docs show
    Shot("login", "/accounts/login/", person="", kept=True),
    Shot("desk-light-1280", "/inbox/team/", steps=(_OPEN,), kept=True),
    Shot("desk-dark-1280", "/inbox/team/", theme="dark", steps=(_OPEN,), kept=True),
    Shot("desk-rtl-1280", "/inbox/team/", language="fa", person="Shirin", steps=(_OPEN,), kept=True),
    Shot("desk-light-1440", "/inbox/team/", (1440, 900), steps=(_OPEN,), kept=True),
    Shot("desk-status-menu", "/inbox/team/", steps=(_OPEN, ("click", "#pick-status-s")), kept=True),
    Shot("desk-filter", "/inbox/team/", steps=(("click", "#pick-filter-s"),), kept=True),
    Shot("desk-keys", "/inbox/team/", steps=(("press", "?"),), kept=True),
    Shot("list-light-360", "/inbox/team/", NARROW, kept=True),
    Shot("desk-light-360", "/inbox/team/", NARROW, steps=(_OPEN,), kept=True),
    Shot("desk-dark-360", "/inbox/team/", NARROW, theme="dark", steps=(_OPEN,), kept=True),
    Shot("desk-rtl-360", "/inbox/team/", NARROW, language="fa", person="Shirin", steps=(_OPEN,), kept=True),
    Shot("views-light-360", "/inbox/team/", NARROW, steps=(("click", "[data-do='zone:nav']"),), kept=True),
    Shot("customer-light-360", "/inbox/team/", NARROW, steps=(_OPEN, ("click", "[data-do='zone:context']")), kept=True),
    Shot("settings", "/profile/", kept=True),
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


def _context(browser: Browser, origin: str, shot: Shot) -> BrowserContext:
    """Somebody with his theme and language, signed in where the page wants it."""
    context = browser.new_context(color_scheme="dark" if shot.theme == "dark" else "light", reduced_motion="reduce")
    context.set_default_timeout(20_000)
    if shot.person:
        account = account_named(shot.person)
        page = context.new_page()
        sign_in(page, origin, account.email, account.password)
        _speak(page, origin, shot.language)
        page.close()
    else:
        context.add_cookies([{"name": "django_language", "value": shot.language, "url": origin}])
    return context


def _file(shot: Shot) -> Path:
    """The docs keep a few; all others are there to be looked at."""
    return (FOLDER if shot.kept else TO_LOOK_AT) / f"{shot.name}.png"


def _take(context: BrowserContext, origin: str, shot: Shot) -> None:
    width, height = shot.size
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.goto(origin + shot.path)
    page.wait_for_load_state()
    for verb, target in shot.steps:
        page.wait_for_timeout(250)
        if verb in {"click", "open"}:
            page.click(target)
        if verb == "open":
            page.wait_for_selector("#talk[data-number]")
        elif verb == "press":
            page.keyboard.press(target)
    page.wait_for_timeout(400)
    page.screenshot(path=_file(shot))
    page.close()


def _speak(page: Page, origin: str, language: str) -> None:
    page.goto(f"{origin}/profile/")
    page.select_option("#id_language", language)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_load_state()


@contextmanager
def seeded(folder: Path) -> Iterator[WebProcess]:
    """A running web process over a seeded demo in a database of its own, which is gone afterwards."""
    name = f"screenshots_{secrets.token_hex(4)}"
    with psycopg.connect(_address_of("postgres"), autocommit=True) as line:
        line.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        desk = WebProcess(folder, {"DATABASE_URL": _address_of(name), "HELPDESK_ENV": "demo", **_secret()})
        for command in (("migrate", "--verbosity", "0"), ("createcachetable",), ("seed_demo",)):
            _manage(desk, *command)
        desk.start()
        try:
            yield desk
        finally:
            desk.stop()
    finally:
        with psycopg.connect(_address_of("postgres"), autocommit=True) as line:
            line.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def main(names: list[str]) -> int:
    """Takes the named pictures, or all; a name may be that of a page for all its pictures. The exit code."""
    wanted = [shot for shot in SHOTS if not names or shot.name in names or shot.name.rsplit("-", 2)[0] in names]
    if CHROMIUM is None or not wanted:
        sys.stderr.write("Chromium is not installed.\n" if CHROMIUM is None else f"There is no picture {names[0]!r}.\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    TO_LOOK_AT.mkdir(parents=True, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory() as folder, seeded(Path(folder)) as desk, chromium() as browser:
        contexts: dict[tuple[str, str, str], BrowserContext] = {}
        for shot in sorted(wanted, key=lambda one: (one.language, one.theme)):
            key = (shot.person, shot.theme, shot.language)
            if key not in contexts:
                contexts[key] = _context(browser, desk.origin, shot)
            try:
                _take(contexts[key], desk.origin, shot)
                sys.stdout.write(f"{_file(shot).relative_to(CHECKOUT)}\n")
            except Error as error:
                failed += 1
                sys.stderr.write(f"{shot.name}: {error.message.splitlines()[0]}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
