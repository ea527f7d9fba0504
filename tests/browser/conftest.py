"""The one browser of the browser tests, the one web process they look at, and a fresh context for each test.

Mark a test `@pytest.mark.needs("chromium")` and ask for `desk`, `browser_page` or `browser_context`. Tests here are plain
functions, not coroutines.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from demo.browsing import CHROMIUM, WebProcess, chromium
from tests.browser.desk import PATIENCE_MS, Desk, web_process
from tests.factories import make_world

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, started once. It ends with this package: its event loop would stand in the way of async tests."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    # The synchronous Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with chromium() as started:
            yield started


@pytest.fixture
def browser_context(browser: Browser) -> Iterator[BrowserContext]:
    """A context of its own: no cookies, no cache, English, a desktop window."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def browser_page(browser_context: BrowserContext) -> Page:
    """An empty page in a fresh context."""
    return browser_context.new_page()


@pytest.fixture(scope="package")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """The web process of this package: starting one costs more than most tests."""
    process = web_process(tmp_path_factory.mktemp("web"))
    yield process
    process.stop()


@pytest.fixture
def blob_dir(web: WebProcess) -> Path:
    """Test and web process keep their files in one place."""
    return web.folder / "blobs"


@pytest.fixture
def desk(transactional_db: None, web: WebProcess) -> Iterator[Desk]:
    """The desk with two teams, and nobody signed in."""
    web.start()
    desk = Desk(make_world(), web)
    yield desk
    desk.settle()
