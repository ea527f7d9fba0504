"""The inbox in real browsers: a filter built, kept and shared; many tickets changed and taken back; numbers that stay true."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from helpdesk.models import SavedView, Ticket, User
from tests.browser.desk import Desk, another_person, complaints_of
from tests.factories import make_ticket

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lea(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of the lead of team A."""
    return desk.signed_in(browser_context, desk.world.lead)


def _statuses() -> list[str]:
    return list(Ticket.objects.order_by("pk").values_list("status", flat=True))


def test_a_filter_is_built_kept_shared_and_seen_by_a_colleague(desk: Desk, lea: Page, browser: Browser) -> None:
    urgent = make_ticket(desk.world.queue_a, subject="The roof is on fire")
    Ticket.objects.filter(pk=urgent.pk).update(priority=4)
    heard = complaints_of(lea)
    lea.goto(f"{desk.origin}/inbox/team/")
    lea.locator("#pick-filter-s").click()
    expect(lea.locator("#filter-go")).to_have_text("Show 2 tickets")
    lea.get_by_label("Priority at least").select_option("4")
    expect(lea.locator("#filter-go")).to_have_text("Show 1 ticket")
    lea.locator("#filter-go").click()
    expect(lea.locator("#rows .row")).to_have_count(1)
    expect(lea).to_have_url(f"{desk.origin}/inbox/search/?status=new&status=open&priority=4")
    lea.locator("#pick-filter-s").click()
    lea.get_by_label("Keep as a view called").fill("Urgent ones")
    lea.get_by_role("button", name="Keep the view").click()
    expect(lea.locator("#list-title")).to_have_text("Urgent ones")
    view = SavedView.objects.get()
    with another_person(browser) as context:
        sara = desk.log_in(context, desk.world.agent)
        expect(sara.locator(f"#view-saved-{view.pk}")).to_have_count(0)
        lea.locator("#pick-view-s").click()
        lea.get_by_label("Who sees it").select_option("all")
        lea.get_by_role("button", name="Share", exact=True).click()
        expect(lea.locator(".toast")).to_contain_text("Everybody sees")
        sara.reload()
        sara.locator(f"#view-saved-{view.pk}").click()
        expect(sara.locator("#rows .row")).to_contain_text("The roof is on fire")
    lea.locator("#pick-view-s").click()
    lea.get_by_role("button", name="Delete the view").click()
    expect(lea.locator("#list-title")).to_have_text("All to do")
    lea.locator(".toast").get_by_role("button", name="Undo").click()
    expect(lea.locator("#list-title")).to_have_text("Urgent ones")
    assert heard == []


def test_a_range_of_rows_is_resolved_by_keys_and_all_of_it_taken_back(desk: Desk, lea: Page) -> None:
    for _ in range(3):
        make_ticket(desk.world.queue_a)
    before = _statuses()
    heard = complaints_of(lea)
    lea.goto(f"{desk.origin}/inbox/team/")
    ticks = lea.locator("#rows .row__check input")
    expect(ticks).to_have_count(4)
    lea.keyboard.press("j")
    lea.keyboard.press("x")
    expect(lea.locator("#bulk-count")).to_have_text("1 selected")
    ticks.nth(2).click(modifiers=["Shift"], force=True)
    expect(lea.locator("#bulk-count")).to_have_text("3 selected")
    lea.keyboard.press("e")
    expect(lea.locator(".toast")).to_contain_text("3 changed")
    expect(lea.locator("#rows .row")).to_have_count(1)
    assert _statuses().count("resolved") == 3
    lea.keyboard.press("z")
    expect(lea.locator(".toast")).to_contain_text("3 taken back")
    expect(lea.locator("#rows .row")).to_have_count(4)
    assert [status == "resolved" for status in _statuses()] == [status == "resolved" for status in before]
    assert heard == []


def test_all_of_a_view_are_changed_in_parts_and_refusals_are_listed(desk: Desk, lea: Page) -> None:
    for _ in range(33):
        make_ticket(desk.world.queue_a)
    lea.goto(f"{desk.origin}/inbox/unassigned/")
    lea.locator("#rows .row__check input").first.click(force=True)
    lea.get_by_role("button", name="All in this view").click()
    expect(lea.locator("#bulk-count")).to_have_text("34 selected")
    Ticket.objects.filter(pk=desk.world.ticket.pk).update(status="closed")
    lea.locator("#bulk-status summary").click()
    lea.locator("#bulk-status").get_by_role("button", name="Waiting for the customer").click()
    expect(lea.locator(".toast")).to_contain_text("33 changed · 1 were not changed", timeout=20_000)
    lea.locator(".toast").get_by_role("button", name="Why").click()
    expect(lea.locator("#bulk-told-list li")).to_contain_text(f"#{desk.world.ticket.number}")
    assert _statuses().count("pending") == 33


def test_numbers_beside_the_views_follow_what_a_colleague_does(desk: Desk, lea: Page, browser: Browser) -> None:
    make_ticket(desk.world.queue_a)
    lea.goto(f"{desk.origin}/inbox/mine/")
    lea.wait_for_selector("html[data-line=open]")
    expect(lea.locator("#view-unassigned .nav__num")).to_have_text("2")
    with another_person(browser) as context:
        sara = desk.signed_in(context, desk.world.agent)
        desk.open_ticket(sara, desk.world.ticket.number)
        sara.keyboard.press("i")
        expect(sara.locator("#view-needs-me .nav__num")).to_have_text("1")
        expect(lea.locator("#view-unassigned .nav__num")).to_have_text("1")


def test_the_list_over_the_full_width_is_remembered_and_gives_way_to_a_ticket(desk: Desk, lea: Page) -> None:
    lea.goto(f"{desk.origin}/inbox/team/")
    lea.get_by_role("button", name="Full width").click()
    lea.reload()
    expect(lea.locator(".desk__main")).to_be_hidden()
    lea.get_by_role("link", name="The dock does not charge").click()
    expect(lea.locator("#subject")).to_be_visible()
    lea.keyboard.press("u")
    expect(lea.locator(".desk__main")).to_be_hidden()
    expect(lea).to_have_url(f"{desk.origin}/inbox/team/?in=team")


def test_a_subject_keeps_its_own_direction_whatever_the_page_s_is(desk: Desk, lea: Page) -> None:
    User.objects.filter(pk=desk.world.lead.pk).update(language="fa")

    lea.goto(f"{desk.origin}/inbox/team/")

    subject = lea.locator(".row__link", has_text="The dock does not charge")
    assert lea.evaluate("document.documentElement.dir") == "rtl"
    assert subject.evaluate("link => getComputedStyle(link).direction") == "ltr"
