"""Coming in and going out: codes, signed links, sessions; and what the answers do not tell."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from helpdesk.actions import portal_mail
from helpdesk.actions.portal_entry import code_of, end_sessions, plain_digits, sweep_portal_rows
from helpdesk.mail.portal_links import link_address, new_token, read_token
from helpdesk.models import (
    Actor,
    AuditEntry,
    Customer,
    CustomerAddress,
    Participant,
    PortalCode,
    PortalMail,
    PortalSession,
    Ticket,
)
from helpdesk.now import now
from tests.factories import World, make_customer, make_ticket
from tests.portal.conftest import address_of, by_code, by_link, code_for, page_of, path_of

pytestmark = pytest.mark.django_db


def _bare(answer: Any) -> str:
    """The page without what differs each time, and without the address that was typed."""
    body: str = re.sub(r'value="[A-Za-z0-9]{32,}"', "", answer.content.decode())
    return body.replace("ann@shop.example", "X").replace("zoe@shop.example", "X")


def _link_at(ticket: Ticket, customer: Customer, days_ago: float = 0) -> str:
    return path_of(link_address(new_token(ticket, address_of(customer), now() - timedelta(days=days_ago))))


# --- codes ----------------------------------------------------------------------------------------------------------


def test_a_code_opens_all_tickets_of_its_address_and_works_once(world: World) -> None:
    other = make_ticket(world.queue_b, world.customer, subject="Another matter")
    browser, second = Client(), Client()
    for client in (browser, second):
        client.post("/portal/sign-in/", {"email": " Ann@Shop.example "})
    code = code_of(PortalCode.objects.latest("pk"))

    answer = browser.post("/portal/code/", {"code": code})

    assert answer.status_code == 302
    assert answer["Location"] == "/portal/"
    page = browser.get("/portal/").content.decode()
    assert world.ticket.subject in page
    assert other.subject in page
    assert second.post("/portal/code/", {"code": code}).status_code == 422


def test_a_code_may_be_typed_with_blanks_and_in_the_digits_of_any_script() -> None:
    assert plain_digits("1234 5678") == plain_digits("۱۲۳۴-۵۶۷۸") == plain_digits("١٢٣٤ ٥٦٧٨") == "12345678"


def test_five_wrong_tries_end_a_code_and_the_right_one_comes_too_late(world: World) -> None:
    browser = Client()
    browser.post("/portal/sign-in/", {"email": "ann@shop.example"})
    code = code_of(PortalCode.objects.get())
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    lefts = []
    for _try in range(5):
        answer = browser.post("/portal/code/", {"code": wrong})
        assert answer.status_code == 422
        lefts.append(re.search(r"(\d) tr(?:y|ies) left", answer.content.decode()))

    assert [found[1] if found else None for found in lefts] == ["4", "3", "2", "1", None]
    assert browser.post("/portal/code/", {"code": code}).status_code == 422
    assert not PortalSession.objects.exists()


def test_a_code_runs_out_after_ten_minutes(world: World) -> None:
    code = code_for("ann@shop.example")
    PortalCode.objects.update(expires_at=now() - timedelta(seconds=1))
    browser = Client()
    browser.post("/portal/sign-in/", {"email": "zoe@shop.example"})
    browser.cookies.clear()
    browser.post("/portal/sign-in/", {"email": "ann@shop.example"})

    assert browser.post("/portal/code/", {"code": code}).status_code == 422


def test_no_row_holds_the_digits_of_a_code(world: World) -> None:
    code = code_for("ann@shop.example")

    row = PortalCode.objects.values().get()
    assert code not in str(row)
    assert row["expires_at"] - row["made_at"] == timedelta(minutes=10)


def test_a_code_of_one_address_does_not_open_another(world: World) -> None:
    code = code_for("bob@shop.example")
    browser = Client()
    browser.post("/portal/sign-in/", {"email": "ann@shop.example"})

    assert browser.post("/portal/code/", {"code": code}).status_code == 422


def test_known_and_unknown_addresses_get_the_same_answers_and_the_same_work(world: World) -> None:
    pages: list[list[tuple[int, str]]] = []
    counts: list[list[int]] = []
    for email in ("ann@shop.example", "zoe@shop.example"):
        browser = Client()
        answers: list[Any] = []
        queries: list[int] = []
        for path, body in (
            ("/portal/sign-in/", {"email": email}),
            ("/portal/code/", None),
            ("/portal/code/", {"code": "00000000"}),
        ):
            with CaptureQueriesContext(connection) as asked:
                answers.append(browser.get(path) if body is None else browser.post(path, body))
            queries.append(len(asked))
        pages.append([(a.status_code, a.get("Location", "") or _bare(a)) for a in answers])
        counts.append(queries)

    assert pages[0] == pages[1]
    assert counts[0] == counts[1]
    assert PortalCode.objects.filter(customer=None).count() == 1


def test_nobody_is_mailed_for_an_unknown_address_or_a_blocked_customer(world: World, sent: Any) -> None:
    Customer.objects.filter(pk=world.foreign.customer_id).update(is_blocked=True)
    for email in ("zoe@shop.example", "bob@shop.example"):
        Client().post("/portal/sign-in/", {"email": email})

    portal_mail.deliver_due()

    assert sent.mails == []
    assert set(PortalMail.objects.values_list("state", flat=True)) == {"dropped"}


def test_asking_too_often_for_one_address_is_refused_whether_it_is_known_or_not(world: World) -> None:
    for email in ("ann@shop.example", "zoe@shop.example"):
        answers = [Client().post("/portal/sign-in/", {"email": email}) for _n in range(6)]

        assert [a.status_code for a in answers] == [302] * 5 + [429]
        assert answers[-1]["Retry-After"]


def test_trying_codes_too_often_is_refused_across_many_codes(world: World) -> None:
    statuses = []
    for _code in range(4):
        browser = Client()
        browser.post("/portal/sign-in/", {"email": "ann@shop.example"})
        statuses += [browser.post("/portal/code/", {"code": "00000000"}).status_code for _n in range(4)]

    assert statuses[:15] == [422] * 15
    assert statuses[15] == 429


def test_the_way_back_after_signing_in_never_leaves_the_portal(world: World) -> None:
    for address in ("//evil.example/", "https://evil.example/portal/", "/tickets/1/", "/portal/\\\\evil.example"):
        browser = Client()
        browser.post("/portal/sign-in/", {"email": "bob@shop.example", "next": address})
        answer = browser.post("/portal/code/", {"code": code_of(PortalCode.objects.latest("pk"))})
        assert answer["Location"].startswith("/portal/"), address
        assert "evil" not in answer["Location"] or address.startswith("/portal/")


# --- links ----------------------------------------------------------------------------------------------------------


def test_a_link_becomes_a_cookie_at_once_and_its_address_is_gone(world: World) -> None:
    browser = Client()

    answer = browser.get(_link_at(world.ticket, world.customer))

    assert answer.status_code == 302
    assert answer["Location"] == page_of(world.ticket)
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    cookie = answer.cookies[settings.PORTAL_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert browser.get(answer["Location"]).status_code == 200


def test_a_link_opens_its_one_ticket_and_no_other_of_the_same_customer(world: World) -> None:
    other = make_ticket(world.queue_b, world.customer, subject="Another matter")
    browser = by_link(world.ticket)

    assert browser.get(page_of(world.ticket)).status_code == 200
    assert browser.get(page_of(other)).status_code == 404
    assert other.subject not in browser.get("/portal/").content.decode()
    assert browser.get("/portal/new/")["Location"].startswith("/portal/sign-in/")

    by_link(other, client=browser)
    assert browser.get(page_of(world.ticket)).status_code == 200
    assert browser.get(page_of(other)).status_code == 200


def test_any_one_character_changed_makes_a_link_worthless(world: World) -> None:
    token = new_token(world.ticket, address_of(world.customer), now())
    assert read_token(token) is not None
    for at, sign in enumerate(token):
        changed = token[:at] + ("b" if sign != "b" else "c") + token[at + 1 :]
        assert read_token(changed) is None, at
    answer = Client().get(f"/portal/open/?k={token[:-1]}")
    assert answer["Location"] == "/portal/sign-in/?why=link"


def test_a_link_ends_with_its_address_s_part_in_the_ticket(world: World) -> None:
    friend = make_customer("friend@shop.example")
    joined = Participant.objects.create(ticket=world.ticket, customer=friend, added_at=now())
    link = _link_at(world.ticket, friend)
    browser = Client()
    assert browser.get(link)["Location"] == page_of(world.ticket)

    joined.delete()

    assert Client().get(link)["Location"] == "/portal/sign-in/?why=link"
    assert browser.get(page_of(world.ticket)).status_code == 404


def test_a_link_of_a_stranger_s_address_opens_nothing(world: World) -> None:
    assert Client().get(_link_at(world.ticket, world.foreign.customer))["Location"] == "/portal/sign-in/?why=link"


def test_an_ended_link_opens_nothing_and_offers_a_fresh_one_to_the_same_address(world: World, sent: Any) -> None:
    browser = Client()
    answer = browser.get(_link_at(world.ticket, world.customer, days_ago=31))
    assert answer["Location"] == "/portal/ended/"
    assert not PortalSession.objects.exists()
    page = browser.get("/portal/ended/").content.decode()
    assert "Mail me a fresh link" in page
    assert "ann@shop.example" not in page
    assert world.ticket.subject not in page

    told = browser.post("/portal/ended/")

    assert told.status_code == 200
    portal_mail.deliver_due()
    ((sender, to, text),) = sent.mails
    assert (sender, to) == ("", ["ann@shop.example"])
    fresh = re.search(r"\S+/portal/open/\?k=\S+", text)
    assert fresh is not None
    assert Client().get(path_of(fresh[0]))["Location"] == page_of(world.ticket)


def test_asking_for_a_fresh_link_is_answered_alike_when_there_is_nobody_to_send_it_to(world: World, sent: Any) -> None:
    friend = make_customer("friend@shop.example")
    Participant.objects.create(ticket=world.ticket, customer=friend, added_at=now())
    pages = []
    for customer in (world.customer, friend):
        browser = Client()
        browser.get(_link_at(world.ticket, customer, days_ago=40))
        if customer is friend:
            Participant.objects.all().delete()
        pages.append(_bare(browser.post("/portal/ended/")))
    portal_mail.deliver_due()

    assert pages[0] == pages[1]
    assert [to for _sender, to, _text in sent.mails] == [["ann@shop.example"]]


def test_a_link_leaves_a_session_for_everything_as_it_is(world: World) -> None:
    other = make_ticket(world.queue_b, world.customer, subject="Another matter")
    browser = by_link(world.ticket, client=by_code(world.customer))

    assert browser.get(page_of(other)).status_code == 200


# --- sessions -------------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_on_the_server_too(world: World, ann: Client) -> None:
    stolen = Client()
    stolen.cookies[settings.PORTAL_COOKIE_NAME] = ann.cookies[settings.PORTAL_COOKIE_NAME].value

    answer = ann.post("/portal/sign-out/")

    assert answer["Location"] == "/portal/sign-in/?why=out"
    assert stolen.get(page_of(world.ticket))["Location"].startswith("/portal/sign-in/")


@pytest.mark.parametrize(
    "change",
    [
        {"ended_at": "now"},
        {"expires_at": "past"},
        {"seen_at": "long ago"},
    ],
)
def test_a_session_that_ended_ran_out_or_lay_idle_opens_nothing(
    world: World, ann: Client, change: dict[str, str]
) -> None:
    times = {"now": now(), "past": now() - timedelta(seconds=1), "long ago": now() - timedelta(days=2)}
    PortalSession.objects.update(**{key: times[word] for key, word in change.items()})

    assert ann.get("/portal/").status_code == 302


def test_a_blocked_customer_is_out_with_the_next_click(world: World, ann: Client) -> None:
    Customer.objects.filter(pk=world.customer.pk).update(is_blocked=True)

    assert ann.get(page_of(world.ticket)).status_code == 302


def test_an_address_that_was_given_to_another_customer_takes_its_session_along(world: World, ann: Client) -> None:
    CustomerAddress.objects.filter(customer=world.customer).update(customer=world.foreign.customer)

    assert ann.get(page_of(world.ticket)).status_code == 404
    assert ann.get(page_of(world.foreign)).status_code == 200


def test_a_manager_ends_every_session_of_a_customer_and_the_audit_book_knows(
    world: World, ann: Client, manager_client: Client
) -> None:
    body = {"action": "sign_out", "_selected_action": [world.customer.pk]}
    assert manager_client.post("/admin/helpdesk/customer/", body).status_code == 302

    assert ann.get("/portal/").status_code == 302
    assert AuditEntry.objects.get(action="customer.signed_out").data == {"sessions": 1}
    assert end_sessions(customer=world.customer, actor=Actor.of(world.manager)) == 0


def test_a_changed_cookie_is_nobody_s(world: World, ann: Client) -> None:
    value = ann.cookies[settings.PORTAL_COOKIE_NAME].value
    thief = Client()
    thief.cookies[settings.PORTAL_COOKIE_NAME] = ("A" if value[0] != "A" else "B") + value[1:]

    assert thief.get("/portal/").status_code == 302


def test_rows_nobody_can_use_any_more_are_forgotten_after_a_week(world: World, ann: Client) -> None:
    old = now() - timedelta(days=8)
    PortalCode.objects.update(expires_at=old)
    PortalMail.objects.update(queued_at=old)
    code_for("ann@shop.example")

    sweep_portal_rows()

    assert PortalCode.objects.count() == PortalMail.objects.count() == PortalSession.objects.count() == 1
