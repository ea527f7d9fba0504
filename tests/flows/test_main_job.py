"""The main job as a newcomer meets it: `make run`, a customer's mail, an agent's answer, the answer in the customer's hands.

Nothing is faked: the launcher with its own PostgreSQL, the dispatcher over IMAP and SMTP, the web process, a browser.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from demo.accounts import ACCOUNTS
from launch.postgres import EmbeddedPostgres
from tests.browser.conftest import browser  # noqa: F401  # the one browser, for this package too

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("product")]


@dataclass
class Product:
    """What the launcher printed."""

    desk: str
    shop: str


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """`make run` in a folder of the test, on ports of its own; stopped by Ctrl-C."""
    with (Path(tempfile.gettempdir()) / "helpdesk-tests-product.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two at once would look for free ports at the same moment
        yield from _running_product(tmp_path_factory.mktemp("a new comer"))  # with a space, as people have


def _running_product(folder: Path) -> Iterator[Product]:
    log = folder / "run.log"
    own = {
        k: v for k, v in os.environ.items() if not k.startswith("HELPDESK_") and k not in {"DATABASE_URL", "REDIS_URL"}
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "launch", "run"],
            cwd=CHECKOUT,
            env={**own, "HELPDESK_DATA_DIR": str(folder / "var"), "DJANGO_SETTINGS_MODULE": "helpdesk.settings"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        said = _wait_until_ready(process, log)
        yield Product(_address(said, "The desk"), _address(said, "Be a customer"))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) in {0, 130}
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        EmbeddedPostgres(folder / "var" / "postgres").destroy()  # as root its data is not below the test's folder


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    for _second in range(START_SECONDS):
        said = log.read_text()
        if "Ctrl-C stops everything" in said:
            return said
        assert process.poll() is None, said
        time.sleep(1)
    raise AssertionError(f"not ready after {START_SECONDS} s:\n{log.read_text()}")


def _address(said: str, label: str) -> str:
    found = re.search(rf"{label}\s+(http://\S+)", said)
    assert found is not None, said
    return found[1].rstrip("/")


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:  # noqa: F811
    """Fresh cookies for each journey."""
    made = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    made.set_default_timeout(20_000)
    yield made
    made.close()


def _sign_in(page: Page, product: Product) -> None:
    agent = next(a for a in ACCOUNTS if a.role == "agent")
    page.goto(f"{product.desk}/")
    page.locator("input[name=login]").fill(agent.email)
    page.locator("input[name=password]").fill(agent.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox/**")


def _write_as_customer(page: Page, product: Product, subject: str, text: str) -> None:
    page.goto(f"{product.shop}/")
    page.get_by_role("link", name="Katarzyna Nowak").first.click()
    page.get_by_role("link", name="Write", exact=True).click()
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Text").fill(text)
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Sent. The answer will show here by itself").wait_for()


def test_a_mail_becomes_a_ticket_is_answered_and_the_answer_is_read(product: Product, context: BrowserContext) -> None:
    agent, customer = context.new_page(), context.new_page()
    _sign_in(agent, product)
    agent.goto(f"{product.desk}/inbox/unassigned/")

    _write_as_customer(customer, product, "The hinge squeaks", "Good morning, the hinge of my Aerobook squeaks.")
    # the list brings the new ticket by itself: no reload
    agent.get_by_text("The hinge squeaks").first.click()
    agent.get_by_text("the hinge of my Aerobook squeaks").first.wait_for()

    agent.locator("#text-reply").fill("Hello, a drop of oil will not help; we send you a new hinge.")
    agent.keyboard.press("Control+Enter")
    agent.get_by_text("a drop of oil will not help").first.wait_for()

    customer.get_by_role("link", name="Show it").click(timeout=45_000)
    customer.get_by_text("a drop of oil will not help").first.wait_for(timeout=45_000)
    thread = customer.locator("body").inner_text()
    assert "Re: The hinge squeaks" in thread
    assert re.search(r"In-Reply-To", thread)

    customer.get_by_role("link", name="Reply").click()
    customer.get_by_label("Your answer").fill("Thank you, that is kind.")
    customer.get_by_role("button", name="Send the reply").click()
    # the answer joins the same ticket and shows on the open page by itself
    expect(agent.get_by_text("Thank you, that is kind.").first).to_be_visible(timeout=30_000)


def test_an_undone_reply_never_leaves(product: Product, context: BrowserContext) -> None:
    agent, customer = context.new_page(), context.new_page()
    _sign_in(agent, product)
    _write_as_customer(customer, product, "Which cable fits", "Which cable fits the dock?")
    agent.goto(f"{product.desk}/inbox/unassigned/")
    agent.get_by_text("Which cable fits").first.click()
    agent.locator("#text-reply").fill("The wrong answer.")
    agent.keyboard.press("Control+Enter")

    agent.get_by_role("button", name="Undo").first.click()

    expect(agent.locator("#text-reply")).to_have_value("The wrong answer.")
    time.sleep(16)  # past the moment at which it would have left
    customer.goto(f"{product.shop}/")
    customer.get_by_role("link", name="Katarzyna Nowak").first.click()
    assert "The wrong answer." not in customer.locator("body").inner_text()
