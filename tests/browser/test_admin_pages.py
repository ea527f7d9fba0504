"""The managers' pages in a real browser: no complaint of the policy, no sideways scrolling, and the connection test in place."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpdesk.models import AgentSkill, BusinessCalendar, CalendarHoliday, Skill, SkillGroup, User
from routing.models import PlanVersion, RoutingPlan
from tests.browser.desk import Desk, complaints_of
from tests.factories import mail, receive

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]

PAGES = (
    "",
    "user/",
    "user/add/",
    "user/{agent}/change/",
    "team/{team}/change/",
    "queue/{queue}/change/",
    "businesscalendar/add/",
    "businesscalendar/{calendar}/change/",
    "businesscalendar/{calendar}/holidays/",
    "../routing/queuerouting/add/",
    "../routing/routingplan/",
    "../routing/routingplan/{plan}/change/",
    "../routing/demandrule/add/",
    "../routing/shift/",
    "../routing/shift/week/",
    "../routing/agentpresence/add/",
    "../routing/workitem/",
    "mailbox/",
    "mailbox/{mailbox}/change/",
    "rawmail/",
    "rawmail/{raw}/change/",
    "outgoingmail/",
    "ticket/",
    "auditentry/",
    "apitoken/add/",
    "tag/add/",
)


@pytest.fixture
def ada(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of an administrator."""
    return desk.signed_in(browser_context, desk.world.admin)


def make_calendar() -> BusinessCalendar:
    """Open on Mondays in two windows, with a special day and a day off."""
    calendar = BusinessCalendar.objects.create(
        name="Office",
        time_zone="Europe/Berlin",
        weekly={"mon": [["09:00", "12:00"], ["13:00", "17:00"]]},
        overrides={"2026-12-24": [["08:00", "12:00"]], "2026-12-31": []},
    )
    CalendarHoliday.objects.create(calendar=calendar, date=date(2026, 12, 25), name="Christmas Day", source="DE")
    return calendar


def make_plan() -> RoutingPlan:
    """Two steps, the first with a group of needs in its group of needs."""
    group = SkillGroup.objects.create(name="Products")
    for name in ("Docks", "Printers"):
        Skill.objects.create(group=group, name=name)
    needs = {"all": [{"skill": "products/docks", "level": 2}, {"any": [{"skill": "products/printers"}]}]}
    rules = {"steps": [{"needs": needs, "expiry": 20}, {"preferred": ["owner"], "expiry": None}]}
    return RoutingPlan.objects.create(name="Docks first", rules=rules)


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (360, "en"), (1280, "fa"), (360, "ar")])
def test_no_managers_page_scrolls_sideways_or_breaks_its_policy(
    desk: Desk, ada: Page, width: int, language: str
) -> None:
    User.objects.filter(pk=desk.world.admin.pk).update(language=language)
    (raw,) = receive(mail("A long line " + "x" * 300, "y" * 500), mailbox=desk.world.mailbox)
    keys = {
        "agent": desk.world.agent.pk,
        "team": desk.world.team_a.pk,
        "mailbox": desk.world.mailbox.pk,
        "raw": raw.pk,
        "queue": desk.world.queue_a.pk,
        "calendar": make_calendar().pk,
        "plan": make_plan().pk,
    }
    heard = complaints_of(ada)
    ada.set_viewport_size({"width": width, "height": 740})
    for page in PAGES:
        path = page.format(**keys)
        answer = ada.goto(f"{desk.origin}/admin/{'helpdesk/' if path else ''}{path}")
        assert answer is not None
        assert answer.status == 200, page
        sideways = ada.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert sideways <= 1, f"/admin/{page} is {sideways} px too wide"
    ada.wait_for_load_state("networkidle")
    assert heard == []


def test_a_plan_is_written_step_by_step_checked_and_kept(desk: Desk, ada: Page) -> None:
    plan = make_plan()
    dock, printer = Skill.objects.order_by("name")
    for skill in (dock, printer):
        AgentSkill.objects.create(user=desk.world.agent, skill=skill, level=5)
    heard = complaints_of(ada)
    ada.goto(f"{desk.origin}/admin/routing/routingplan/add/")
    ada.fill("#id_name", "Printers")

    ada.click(".plan__add-step")
    first = ada.locator(".plan__step").first
    first.locator(".plan__add-skill").click()
    first.get_by_label("skill", exact=True).select_option("products/docks")
    first.get_by_label("at level, or better").select_option("3")
    first.locator(".plan__add-group").last.click()
    inner = first.locator(".plan__group .plan__group")
    inner.get_by_label("skill", exact=True).select_option("products/printers")
    inner.locator(".plan__add-skill").click()
    inner.get_by_label("skill", exact=True).nth(1).select_option("products/docks")
    first.get_by_label("ends after so many seconds more").fill("30")
    expect(first.locator(".plan__age")).to_have_text("age in the queue 0 to 30 s")
    ada.click("input[name=_save]")

    expect(ada.locator(".field-rules .errorlist")).to_have_count(0)
    expect(ada.locator(".messagelist")).to_contain_text("Printers")
    saved = RoutingPlan.objects.get(name="Printers")
    inside = {"any": [{"skill": "products/printers", "level": 1}, {"skill": "products/docks", "level": 1}]}
    assert saved.rules["steps"] == [
        {"expiry": 30.0, "needs": {"all": [{"skill": "products/docks", "level": 3}, inside]}}
    ]
    assert PlanVersion.objects.filter(plan=saved).count() == 1

    ada.goto(f"{desk.origin}/admin/routing/routingplan/{plan.pk}/change/")
    expect(ada.locator(".plan__step")).to_have_count(2)
    ada.locator(".plan__step").last.locator(".plan__up").click()
    expect(ada.locator(".plan__step").last.locator(".plan__age")).to_have_text("never reached")
    ada.click("input[name=_save]")
    expect(ada.locator(".field-rules .errorlist")).to_contain_text("Step 2 is never reached")
    expect(ada.locator(".plan__step")).to_have_count(2)  # what was written is still there
    assert [words for words in heard if "favicon" not in words] == []


def test_hours_are_written_as_rows_of_windows(desk: Desk, ada: Page) -> None:
    calendar = make_calendar()
    heard = complaints_of(ada)
    ada.goto(f"{desk.origin}/admin/helpdesk/businesscalendar/{calendar.pk}/change/")

    ada.locator(".field-fri .lines > button").click()
    ada.locator(".field-fri").get_by_label("Friday: from").fill("22:00")
    ada.locator(".field-fri").get_by_label("Friday: to").fill("06:00")
    ada.locator(".field-mon .lines__off").first.click()
    ada.click("input[name=_save]")

    expect(ada.locator(".messagelist")).to_contain_text("Office")
    calendar.refresh_from_db()
    assert calendar.weekly == {"mon": [["13:00", "17:00"]], "fri": [["22:00", "06:00"]]}
    assert calendar.overrides == {"2026-12-24": [["08:00", "12:00"]], "2026-12-31": []}
    assert heard == []


def test_the_connection_test_answers_in_place_and_keeps_what_was_typed(desk: Desk, ada: Page) -> None:
    heard = complaints_of(ada)
    ada.goto(f"{desk.origin}/admin/helpdesk/mailbox/{desk.world.mailbox.pk}/change/")
    ada.fill("#id_imap_host", "127.0.0.1")
    ada.fill("#id_imap_port", "1")
    ada.fill("#id_username", "support")
    ada.fill("#id_password", "typed-just-now")

    ada.get_by_role("button", name="Test connection").click()

    expect(ada.locator(".test-step[data-outcome=failed]")).to_have_count(2)
    expect(ada.locator(".test-steps")).to_contain_text("refuses connections on port 1")
    expect(ada.locator("#id_password")).to_have_value("typed-just-now")
    assert heard == []


def test_the_managers_pages_follow_the_theme_of_the_desk(desk: Desk, ada: Page) -> None:
    ada.context.add_cookies([{"name": "theme", "value": "dark", "url": desk.origin}])
    ada.goto(f"{desk.origin}/admin/")

    scheme = ada.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert scheme == "dark"
