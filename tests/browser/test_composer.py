"""Writing in a real browser: lists at the cursor, macros, drafts over crashes and devices, the questions before sending."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from helpdesk import blobs
from helpdesk.actions.drafts import save_draft
from helpdesk.models import Actor, CannedFile, CannedResponse, Draft, Macro, Mention, Message, OutgoingMail, Ticket
from tests.browser.desk import Desk, another_person, complaints_of

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sara(desk: Desk, browser_context: BrowserContext) -> Page:
    """The browser of the agent of team A."""
    return desk.signed_in(browser_context, desk.world.agent)


def test_a_slash_inserts_a_canned_response_and_warns_of_what_is_missing(
    desk: Desk, sara: Page, blob_dir: object
) -> None:
    heard = complaints_of(sara)
    response = CannedResponse.objects.create(
        name="Cable",
        shortcut="cable",
        folder="Docks",
        text="Dear {{customer.first_name}} of {{customer.organisation}}!",
    )
    CannedFile.objects.create(
        response=response, name="guide.txt", content_type="text/plain", size=5, sha256=blobs.put(b"guide")
    )
    CannedResponse.objects.create(name="Thanks", shortcut="thanks", text="Thank you.")
    desk.open_ticket(sara, desk.world.ticket.number)
    text = sara.locator("#text-reply")
    text.press_sequentially("Hello. /")
    expect(sara.locator("#complete [role=option]")).to_have_count(2)
    expect(text).to_have_attribute("aria-activedescendant", "complete-0")
    text.press_sequentially("cab")
    expect(sara.locator("#complete [role=option]")).to_have_count(1)
    text.press("Enter")
    expect(text).to_have_value("Hello. Dear Ann of {{customer.organisation}}!")
    expect(sara.locator("#complete")).to_be_hidden()
    expect(sara.locator("#uploads")).to_contain_text("guide.txt")
    expect(sara.locator("#composer-alert")).to_contain_text("There is no value for {{customer.organisation}}")
    text.press("Control+Enter")
    expect(sara.locator("#composer-alert")).to_contain_text("Not filled in: {{customer.organisation}}")
    assert not OutgoingMail.objects.exists()
    sara.get_by_role("button", name="Go on writing").click()
    text.press("Control+a")
    text.press_sequentially("Ready /thank")
    expect(sara.locator("#complete [role=option]")).to_contain_text("Thanks")
    text.press("Tab")
    expect(text).to_have_value("Ready Thank you.")
    text.press("Control+Enter")
    expect(sara.locator("#timeline .msg--agent")).to_contain_text("Ready Thank you.")
    assert Message.objects.get(author_user=desk.world.agent).attachments.get().name == "guide.txt"
    response.refresh_from_db()
    assert response.use_count == 1
    assert [line for line in heard if "409" not in line] == []


def test_escape_closes_the_list_and_the_mark_stays_a_mark(desk: Desk, sara: Page) -> None:
    CannedResponse.objects.create(name="Thanks", shortcut="thanks", text="Thank you.")
    desk.open_ticket(sara, desk.world.ticket.number)
    text = sara.locator("#text-reply")
    text.press_sequentially("either /")
    expect(sara.locator("#complete")).to_be_visible()
    text.press("Escape")
    expect(sara.locator("#complete")).to_be_hidden()
    text.press_sequentially("th")
    sara.wait_for_timeout(300)
    expect(sara.locator("#complete")).to_be_hidden()
    expect(text).to_be_focused()
    expect(text).to_have_value("either /th")
    text.press_sequentially(" {{")
    expect(sara.locator("#complete [role=option]").first).to_contain_text("customer.name")
    text.press("Enter")
    expect(text).to_have_value("either /th Ann Example")


def test_a_macro_shows_what_it_will_do_and_does_not_send_the_draft(desk: Desk, sara: Page) -> None:
    Macro.objects.create(
        name="Cable trouble",
        steps=[
            {"do": "add_tags", "tags": ["cable"]},
            {"do": "insert_text", "text": "Dear {{customer.first_name}}, try another cable."},
            {"do": "set_status", "status": "pending"},
        ],
    )
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#text-reply").fill("Good morning.")
    sara.locator("#subject").click()
    sara.keyboard.press("1")
    plan = sara.locator("#macro-plan")
    expect(plan.locator("li")).to_have_text(
        [
            "Add the tags cable.",
            "Put into the reply, unsent: “Dear Ann, try another cable.”",
            re.compile("Set the status to"),
        ]
    )
    assert not Ticket.objects.get(pk=desk.world.ticket.pk).tags.exists()
    expect(sara.get_by_role("button", name="Do it")).to_be_focused()
    sara.keyboard.press("Enter")
    expect(sara.locator("#pick-status-s")).to_contain_text("Waiting for the customer")
    expect(sara.locator("#text-reply")).to_have_value("Good morning.\n\nDear Ann, try another cable.")
    expect(plan.locator("li")).to_have_count(0)
    assert not OutgoingMail.objects.exists()
    assert [t.name for t in Ticket.objects.get(pk=desk.world.ticket.pk).tags.all()] == ["cable"]


def test_words_that_had_not_reached_the_server_are_offered_after_a_crash(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#text-reply").press_sequentially("Kept")
    expect(sara.locator("#draft-hint")).to_contain_text("Saved")
    context = sara.context
    context.set_offline(True)
    sara.locator("#text-reply").press_sequentially(" and lost")
    sara.close()
    context.set_offline(False)
    again = context.new_page()
    assert Draft.objects.get().text == "Kept"
    desk.open_ticket(again, desk.world.ticket.number)
    expect(again.locator("#composer-alert")).to_contain_text("Kept and lost")
    again.get_by_role("button", name="Put it back").click()
    expect(again.locator("#text-reply")).to_have_value("Kept and lost")
    expect(again.locator("#draft-hint")).to_contain_text("Saved")
    assert Draft.objects.get().text == "Kept and lost"
    again.reload()
    expect(again.locator("#text-reply")).to_have_value("Kept and lost")
    expect(again.locator("#composer-alert")).to_be_empty()


def test_a_draft_begun_on_the_telephone_is_found_and_its_newer_words_are_not_overwritten(
    desk: Desk, sara: Page, browser: Browser
) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    with another_person(browser) as context:
        phone = desk.signed_in(context, desk.world.agent)
        desk.open_ticket(phone, desk.world.ticket.number)
        phone.locator("#text-reply").press_sequentially("From the telephone")
        expect(phone.locator("#draft-hint")).to_contain_text("Saved")
        sara.locator("#text-reply").press_sequentially("From the desk")
        expect(sara.locator("#composer-alert")).to_contain_text("From the telephone")
        assert Draft.objects.get().text == "From the telephone"
        sara.get_by_role("button", name="Keep both").click()
        expect(sara.locator("#text-reply")).to_have_value("From the desk\n\nFrom the telephone")
        expect(sara.locator("#draft-hint")).to_contain_text("Saved")
        phone.reload()
        expect(phone.locator("#text-reply")).to_have_value("From the desk\n\nFrom the telephone")


def test_writing_goes_on_offline_and_is_kept_when_the_line_is_back(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.context.set_offline(True)
    sara.locator("#text-reply").press_sequentially("On the train")
    expect(sara.locator("#draft-hint")).to_contain_text("Not saved yet")
    expect(sara.locator("#connection")).to_be_visible()
    assert not Draft.objects.exists()
    sara.context.set_offline(False)
    expect(sara.locator("#draft-hint")).to_contain_text("Saved")
    expect(sara.locator("#connection")).to_be_hidden()
    assert Draft.objects.get().text == "On the train"


def test_a_missing_file_and_a_missing_customer_are_asked_about_once(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#to-new").fill("boss@shop.example")
    sara.locator("#to-new").press("Enter")
    sara.locator("#recipients .to").first.get_by_role("button").click()
    expect(sara.locator("#to-warn")).to_contain_text("Ann Example is not among the recipients")
    sara.locator("#to-kind").select_option("to")
    sara.locator("#to-new").fill("chief@shop.example")
    sara.locator("#to-new").press("Enter")
    sara.locator("#text-reply").fill("The form is attached.")
    sara.locator("#send").click()
    alert = sara.locator("#composer-alert")
    expect(alert).to_contain_text("no file is attached")
    expect(alert).to_contain_text("Ann Example is not among the recipients")
    assert not OutgoingMail.objects.exists()
    expect(sara.locator("#send-asked")).to_be_focused()
    sara.keyboard.press("Enter")
    expect(sara.locator("#timeline .msg--agent")).to_contain_text("The form is attached.")
    assert OutgoingMail.objects.count() == 1


def test_people_are_named_in_notes_and_a_reply_that_names_one_can_become_a_note(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#text-reply").press_sequentially("@lea")
    expect(sara.locator("#complete [role=option]")).to_have_text([re.compile("Lea Lead")])
    sara.keyboard.press("Enter")
    expect(sara.locator("#text-reply")).to_have_value("@Lea Lead ")
    sara.get_by_role("button", name="Make it a note").click()
    note = sara.locator("#text-note")
    expect(note).to_have_value("@Lea Lead ")
    note.press("End")
    note.press_sequentially("please look")
    note.press("Control+Enter")
    expect(sara.locator("#timeline .msg--note")).to_contain_text("please look")
    assert Mention.objects.get().user == desk.world.lead


def test_a_reply_for_later_is_listed_moved_and_taken_back(desk: Desk, sara: Page) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    sara.locator("#text-reply").fill("Tomorrow then.")
    sara.locator("#pick-later > summary").click()
    sara.get_by_role("button", name=re.compile("Tomorrow 9:00")).click()
    waiting = sara.locator("#scheduled .banner")
    expect(waiting).to_contain_text("Tomorrow then.")
    tomorrow = waiting.locator(".banner__text").inner_text()
    first = OutgoingMail.objects.get().due_at
    waiting.get_by_text("Another time").click()
    waiting.get_by_role("button", name=re.compile("In two hours")).click()
    expect(waiting.locator(".banner__text")).not_to_have_text(tomorrow)
    assert OutgoingMail.objects.get().due_at != first
    waiting.get_by_role("button", name="Take back to edit").click()
    expect(waiting).to_have_count(0)
    expect(sara.locator("#text-reply")).to_have_value("Tomorrow then.")
    expect(sara.locator("#text-reply")).to_be_focused()
    assert OutgoingMail.objects.get().state == OutgoingMail.State.CANCELLED


def test_selected_words_are_quoted_by_the_key_and_a_note_stays_inside_unless_it_is_said(desk: Desk, sara: Page) -> None:
    save_draft(ticket=desk.world.ticket, actor=Actor.of(desk.world.agent), mode="note", text="Inside words")
    desk.open_ticket(sara, desk.world.ticket.number)
    expect(sara.locator("#compose")).to_have_attribute("data-mode", "note")
    sara.locator("#tab-reply").click()
    expect(sara.locator("#composer-alert")).to_contain_text("Your note stays inside")
    sara.get_by_role("button", name="Leave it inside").click()
    expect(sara.locator("#text-reply")).to_have_value("")
    sara.locator("#timeline .msg__body").first.select_text()
    sara.locator("#talk").focus()
    sara.keyboard.press("r")
    expect(sara.locator("#text-reply")).to_have_value(re.compile(r"^> Text \d+\n\n$"))
    expect(sara.locator("#text-reply")).to_be_focused()
    assert Draft.objects.get(mode="note").text == "Inside words"


def test_a_pasted_picture_stands_in_the_reply_where_it_was_pasted(desk: Desk, sara: Page, blob_dir: object) -> None:
    desk.open_ticket(sara, desk.world.ticket.number)
    text = sara.locator("#text-reply")
    text.press_sequentially("Look: ")
    text.evaluate(
        """(field) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array([137, 80, 78, 71])], 'image.png', { type: 'image/png' }));
            field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: files, bubbles: true, cancelable: true }));
        }"""
    )
    expect(text).to_have_value("Look: [picture-1.png]")
    expect(sara.locator("#uploads")).to_contain_text("picture-1.png")
    sara.locator("#uploads .file").get_by_role("button").click()
    expect(text).to_have_value("Look: ")
    expect(sara.locator("#uploads .file")).to_have_count(0)
