"""The customers' page of the demo in a real browser: writing, the mail that arrives while one looks, replying."""

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page

from tests.demo.conftest import RunningServer, end, start_on

pytestmark = pytest.mark.needs("chromium")

FATEMEH = "fatemeh.karimi@alborz-mail.example"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    running = start_on(tmp_path)
    yield running
    end(running)


@pytest.fixture
def complaints(browser_page: Page) -> list[str]:
    """What the browser complained about: script errors, and violations of the page's policy."""
    heard: list[str] = []
    browser_page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    browser_page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def test_customer_writes_sees_the_answer_arrive_and_replies(
    browser_page: Page, server: RunningServer, complaints: list[str]
) -> None:
    page = browser_page
    page.goto(f"{server.origin}/")
    page.get_by_role("link", name="فاطمه کریمی").click()
    page.get_by_role("link", name="Write", exact=True).click()
    page.get_by_label("Subject").fill("جعبه باز شده به دستم رسید")
    page.get_by_label("Text").fill("سلام، پلمب پاره بود.")
    attached: FilePayload = {"name": "عکس.jpg", "mimeType": "image/jpeg", "buffer": bytes(range(256))}
    page.get_by_label("Attachment").set_input_files([attached])
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Sent. The answer will show here by itself").wait_for()

    question = message_from_bytes(server.inbox()[1], policy=default)
    assert isinstance(question, EmailMessage)
    (photo,) = question.iter_attachments()
    assert (photo.get_filename(), photo.get_content()) == ("عکس.jpg", bytes(range(256)))

    answer = EmailMessage()
    answer["From"], answer["To"] = "Shirin Azadi <support@halden.example>", FATEMEH
    answer["Subject"] = f"Re: {question['Subject']}"
    answer["Message-ID"], answer["In-Reply-To"] = "<answer@halden.example>", question["Message-ID"]
    answer.set_content("متأسفیم، همین امروز یک دستگاه نو می‌فرستیم.")
    server.smtp(answer, sender="support@halden.example", recipients=[FATEMEH])

    page.get_by_role("link", name="Show it").click()
    page.get_by_text("همین امروز یک دستگاه نو می‌فرستیم").first.wait_for()
    page.get_by_role("link", name="Reply").click()
    page.get_by_label("Your answer").fill("سپاس!")
    page.get_by_role("button", name="Send the reply").click()
    page.get_by_text("The reply is on its way").wait_for()

    reply = message_from_bytes(server.inbox()[2], policy=default)
    assert reply["In-Reply-To"] == "<answer@halden.example>"
    assert complaints == []


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_no_page_scrolls_sideways(browser_page: Page, server: RunningServer, width: int) -> None:
    server.write(FATEMEH, subject="Aerobook" * 30, text="x" * 400)
    browser_page.set_viewport_size({"width": width, "height": 740})
    for path in ("/", f"/?as={FATEMEH}", f"/write?as={FATEMEH}", f"/thread?as={FATEMEH}&id=1&reply=1"):
        browser_page.goto(server.origin + path)
        assert browser_page.evaluate("document.documentElement.scrollWidth") == width
