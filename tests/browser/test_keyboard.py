"""A day's work without a mouse: the whole way through a ticket, other keyboards, other keys, zones."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpdesk.actions.desk_settings import keep_desk_settings
from helpdesk.models import Status, Ticket, User
from helpdesk.queries.preferences import widths_of
from tests.browser.desk import Desk, complaints_of
from tests.factories import make_ticket

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of the agent of team A."""
    return desk.signed_in(browser_context, desk.world.agent)


def tab_to(page: Page, selector: str, *, at_most: int = 60) -> None:
    """Tabs until the focus is on `selector`."""
    for _step in range(at_most):
        if page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by Tab")


def press_on(page: Page, code: str, key: str, *, shift: bool = False) -> None:
    """A key of another layout: what it prints, and where it is."""
    page.evaluate(
        "([code, key, shiftKey]) => (document.activeElement ?? document.body).dispatchEvent("
        "new KeyboardEvent('keydown', {code, key, shiftKey, bubbles: true, cancelable: true}))",
        [code, key, shift],
    )


def test_a_ticket_from_signing_in_to_the_next_one_by_keys_alone(desk: Desk, browser_context: BrowserContext) -> None:
    second = make_ticket(desk.world.queue_a, subject="The next in line")
    make_ticket(desk.world.queue_a, subject="The one after it")
    page = browser_context.new_page()
    heard = complaints_of(page)
    page.goto(f"{desk.origin}/accounts/login/")
    page.keyboard.type(desk.world.agent.email)
    tab_to(page, "#id_password")
    page.keyboard.type("a-long-password-for-tests")
    page.keyboard.press("Enter")
    page.wait_for_selector("html[data-line=open]")

    page.keyboard.press("/")
    page.keyboard.type("dock")
    page.keyboard.press("Enter")
    expect(page.locator("#rows")).to_contain_text("The dock does not charge")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#subject")).to_have_text("The dock does not charge")

    page.keyboard.press("r")
    page.keyboard.type("Please try another cable.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#timeline .msg--agent")).to_contain_text("Please try another cable.")
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    expect(page.locator("#text-reply")).to_have_value("Please try another cable.")

    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("She has the old cable.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#timeline .msg--note")).to_contain_text("She has the old cable.")

    page.keyboard.press("Escape")
    page.keyboard.press("i")
    expect(page.locator("#pick-owner-s")).to_contain_text("You")
    page.keyboard.press("Shift+A")
    expect(page.locator("#pick-owner .menu__item").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#pick-owner-s")).to_be_focused()
    page.keyboard.press("l")
    page.keyboard.type("cable")
    page.keyboard.press("Enter")
    expect(page.locator(".talk__tags")).to_contain_text("cable")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(page.locator("#pick-status")).to_have_attribute("open", "")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#talk-head")).to_have_attribute("data-status", "snoozed")

    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("u")
    expect(page.locator("#rows")).to_contain_text("The next in line")
    page.goto(f"{desk.origin}/tickets/{second.number}/?in=team")
    page.wait_for_selector("html[data-line=open]")
    expect(page.locator("#rows")).to_contain_text("The one after it")
    page.keyboard.press("Shift+E")
    expect(page.locator("#subject")).to_have_text("The one after it")
    assert Ticket.objects.get(pk=second.pk).status == Status.RESOLVED
    assert heard == []


@pytest.mark.parametrize(
    ("code", "key"), [("KeyN", "т"), ("KeyN", "ى"), ("KeyN", "د"), ("KeyN", "מ"), ("KeyB", "n"), ("KeyN", "n")]
)
def test_the_key_for_a_note_works_on_other_keyboards(desk: Desk, sara: Page, code: str, key: str) -> None:
    """Russian, Arabic, Persian, Hebrew, Dvorak's own n and ours."""
    desk.open_ticket(sara, desk.world.ticket.number)
    press_on(sara, code, key)
    expect(sara.locator("#text-note")).to_be_focused()


def test_on_french_and_hebrew_keys_what_is_printed_goes_before_the_place(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    press_on(sara, "KeyA", "q")  # AZERTY prints q where others have a
    press_on(sara, "KeyM", ",")
    expect(sara.locator("#text-reply")).not_to_be_focused()
    press_on(sara, "KeyQ", "a")
    expect(sara.locator("#text-reply")).to_be_focused()
    sara.keyboard.press("Escape")
    press_on(sara, "KeyQ", "/")  # Hebrew prints / where others have q
    expect(sara.locator("#find")).to_be_focused()


def test_single_keys_switched_off_do_nothing_and_chords_still_do(desk: Desk, sara: Page) -> None:
    keep_desk_settings(user=desk.world.agent, changes={"single_keys": False})
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.keyboard.press("n")
    sara.keyboard.press("?")
    expect(sara.locator("#help")).to_be_hidden()
    expect(sara.locator("#text-note")).not_to_be_focused()
    sara.keyboard.press("Control+k")
    expect(sara.locator("#command")).to_be_visible()


def test_another_key_is_chosen_by_pressing_it_and_the_help_says_so(desk: Desk, sara: Page) -> None:
    sara.goto(f"{desk.origin}/me/desk/")
    sara.get_by_label("write a note").focus()
    sara.keyboard.press("y")
    sara.get_by_label("forward", exact=True).focus()
    sara.keyboard.press("Backspace")
    sara.get_by_label("go to the inbox").focus()
    sara.keyboard.press("g")
    sara.keyboard.press("h")
    expect(sara.get_by_label("go to the inbox")).to_have_value("g h")
    sara.get_by_role("button", name="Keep").click()
    expect(sara.locator(".toast")).to_contain_text("kept")
    assert User.objects.get(pk=desk.world.agent.pk).desk_settings["keys"] == {
        "note": "y",
        "forward": "",
        "go-inbox": "g h",
    }
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.keyboard.press("?")
    expect(sara.locator("#help dt", has=sara.locator("kbd", has_text="y"))).to_be_visible()
    sara.keyboard.press("n")
    sara.keyboard.press("Escape")
    sara.keyboard.press("n")
    expect(sara.locator("#text-note")).not_to_be_focused()
    sara.keyboard.press("y")
    expect(sara.locator("#text-note")).to_be_focused()


def test_one_two_and_three_points_copy_number_title_and_link(desk: Desk, sara: Page) -> None:
    sara.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=desk.origin)
    desk.open_ticket(sara, desk.world.ticket.number)
    number = desk.world.ticket.number
    for copied in (f"#{number}", f"#{number} The dock does not charge", f"{desk.origin}/tickets/{number}/"):
        sara.keyboard.press(".")
        sara.wait_for_function("async text => (await navigator.clipboard.readText()) === text", arg=copied)


def test_in_the_list_keys_change_the_row_and_all_selected_rows(desk: Desk, sara: Page) -> None:
    other = make_ticket(desk.world.queue_a, subject="Second in the list")
    sara.goto(f"{desk.origin}/inbox/team/")
    sara.keyboard.press("j")
    sara.keyboard.press("i")
    expect(sara.locator("#rows .row__meta", has_text="belongs to")).to_have_count(1)
    expect(sara.locator("#bulk")).to_be_hidden()
    for key in ("x", "j", "x"):
        sara.keyboard.press(key)
    expect(sara.locator("#bulk-count")).to_have_text("2 selected")
    sara.keyboard.press("e")
    expect(sara.locator("#bulk")).to_be_hidden()
    assert set(Ticket.objects.filter(pk__in=[desk.world.ticket.pk, other.pk]).values_list("status", flat=True)) == {
        Status.RESOLVED
    }


@pytest.mark.parametrize("language", ["en", "fa"])
def test_zones_are_made_wider_by_keys_and_by_dragging_and_stay_so(desk: Desk, sara: Page, language: str) -> None:
    User.objects.filter(pk=desk.world.agent.pk).update(language=language)
    sara.set_viewport_size({"width": 1440, "height": 800})
    desk.open_ticket(sara, desk.world.ticket.number)

    def width(zone: str) -> int:
        return int(sara.evaluate("s => Math.round(document.querySelector(s).getBoundingClientRect().width)", zone))

    listed = width("#list")
    sizer = sara.locator(".sizer--list")
    sizer.focus()
    with sara.expect_response("**/me/zones/"):
        for _step in range(3):
            sizer.press("ArrowRight" if language == "en" else "ArrowLeft")
    assert width("#list") == listed + 48
    assert sizer.get_attribute("aria-valuenow") == str(listed + 48)
    context = width("#context")
    edge = sara.locator(".sizer--context").bounding_box()
    assert edge is not None
    sara.mouse.move(edge["x"] + 5, 400)
    sara.mouse.down()
    sara.mouse.move(edge["x"] + (-35 if language == "en" else 45), 400, steps=3)
    with sara.expect_response("**/me/zones/"):
        sara.mouse.up()
    assert width("#context") == context + 40
    assert widths_of(User.objects.get(pk=desk.world.agent.pk)) == {"list": listed + 48, "context": context + 40}
    sara.reload()
    assert (width("#list"), width("#context")) == (listed + 48, context + 40)


def test_the_last_change_is_taken_back_by_key_after_its_toast_is_gone(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.keyboard.press("i")
    expect(sara.locator("#pick-owner-s")).to_contain_text("You")
    sara.locator("#toasts [data-do=toast-close]").click()
    expect(sara.locator("#toasts .toast")).to_have_count(0)

    sara.keyboard.press("z")

    expect(sara.locator("#pick-owner-s")).to_contain_text("Nobody")
    expect(sara.locator("#toasts")).to_contain_text("Taken back")
    sara.keyboard.press("z")  # there is nothing more to take back: nothing is asked of the server
    assert Ticket.objects.get(pk=desk.world.ticket.pk).owner is None
