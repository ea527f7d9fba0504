"""The ticket page: its timeline, what changed since a `seq`, what each role may do on it, writing and taking back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from helpdesk import events
from helpdesk.actions.conversation import note, reply
from helpdesk.actions.intake import receive_contact
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import (
    SYSTEM,
    Actor,
    AuditEntry,
    CustomField,
    Draft,
    Kind,
    Message,
    OutgoingMail,
    Status,
    TeamMembership,
    Ticket,
    User,
)
from helpdesk.now import frozen, now
from helpdesk.queries import ticket as reads
from tests.factories import World, make_ticket, make_user

PARTIAL = {"HX-Request": "true"}


def _url(world: World, rest: str = "") -> str:
    return f"/tickets/{world.ticket.number}/{rest}"


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _seq(world: World) -> int:
    return Ticket.objects.get(pk=world.ticket.pk).seq


@pytest.mark.parametrize("messages", [1, 3])
def test_a_ticket_takes_the_same_queries_with_one_message_and_with_three(
    world: World, agent_client: Client, agent: Actor, django_assert_num_queries: DjangoAssertNumQueries, messages: int
) -> None:
    classify_ticket(ticket=world.ticket, actor=agent, priority=3)
    for n in range(messages - 1):
        note(ticket=world.ticket, actor=SYSTEM if n % 2 else agent, text=f"Note {n}")
    agent_client.get(_url(world))
    with django_assert_num_queries(10):
        page = agent_client.get(_url(world), headers=PARTIAL).content.decode()
    assert page.count('<article class="msg') == messages


def test_a_statement_written_for_one_door_never_answers_behind_another(world: World) -> None:
    number, foreign = world.ticket.number, world.foreign.number
    people = [world.agent, world.other_agent, world.manager, world.light]
    for _round in range(2):  # first written, then kept, in either order
        for person in (people := people[::-1]):
            for wanted in (number, foreign):
                actor = Actor.of(User.objects.get(pk=person.pk))
                seen = Ticket.objects.visible_to(actor).filter(number=wanted).first()
                assert reads.ticket_by_number(actor, wanted) == seen
    assert reads.ticket_by_number(Actor.of(world.agent), number) is not None
    TeamMembership.objects.filter(user=world.agent).delete()
    assert reads.ticket_by_number(Actor.of(User.objects.get(pk=world.agent.pk)), number) is None
    assert reads.ticket_by_number(Actor.of_customer(world.customer), number) is None


def test_a_statement_kept_without_notes_shows_none_to_whom_they_are_hidden(world: World, agent: Actor) -> None:
    note(ticket=world.ticket, actor=agent, text="Between us.")
    for _round in range(2):
        for may_read_notes in (True, False):
            shown = reads.timeline(world.ticket, language="en", may_read_notes=may_read_notes)
            inside = [e for e in shown.entries if e.message is not None and e.message.audience == "internal"]
            assert bool(inside) is may_read_notes


def test_other_tickets_of_a_customer_are_told_only_where_they_may_be_seen(world: World) -> None:
    hidden = make_ticket(world.queue_b, world.customer, subject="Behind the wall")
    for person, is_told in ((world.agent, False), (world.manager, True), (world.agent, False)):
        page = _client(person).get(_url(world), headers=PARTIAL).content.decode()
        assert (f"#{hidden.number}" in page) is is_told


def test_a_note_alone_leaves_the_panel_as_it_is_and_anything_more_brings_it(
    world: World, agent_client: Client, agent: Actor
) -> None:
    before = _seq(world)
    note(ticket=world.ticket, actor=agent, text="Only words.")
    said = agent_client.get(_url(world, f"changes/?after={before}"), headers=PARTIAL).content.decode()
    assert "Only words." in said
    assert 'id="context"' not in said
    assert 'id="talk-head"' in said
    classify_ticket(ticket=world.ticket, actor=agent, priority=3)
    more = agent_client.get(_url(world, f"changes/?after={before}"), headers=PARTIAL).content.decode()
    assert 'id="context"' in more
    assert (
        'id="context"'
        in agent_client.get(_url(world, f"changes/?after={_seq(world)}"), headers=PARTIAL).content.decode()
    )


def test_the_first_reply_brings_the_panel_that_names_its_hour(world: World, agent_client: Client, agent: Actor) -> None:
    before = _seq(world)
    reply(ticket=world.ticket, actor=agent, text="The first answer.")
    assert Ticket.objects.get(pk=world.ticket.pk).first_replied_at is not None
    first = agent_client.get(_url(world, f"changes/?after={before}"), headers=PARTIAL).content.decode()
    assert 'id="context"' in first


def test_a_ticket_by_its_address_comes_before_its_list_and_says_where_the_list_is(
    world: World, agent_client: Client
) -> None:
    page = agent_client.get(_url(world, "?in=team")).content.decode()
    assert 'id="rows"' in page
    assert 'aria-busy="true"' in page
    assert f'id="row-{world.ticket.number}"' not in page
    assert '<noscript><p class="empty"><a class="btn btn--sm" href="/inbox/team/?in=team">' in page
    found = re.search(r'data-rows="([^"]+)"', page)
    assert found
    rows = agent_client.get(found[1], headers={"HX-Request": "true"}).content.decode()
    assert f'id="row-{world.ticket.number}"' in rows
    assert "aria-busy" not in rows


def test_what_one_may_not_see_does_not_exist(world: World, agent_client: Client) -> None:
    for rest in ("", "changes/", "earlier/", "recipients/"):
        assert agent_client.get(f"/tickets/{world.foreign.number}/{rest}").status_code == 404
    for rest in ("status/", "owner/", "send/", "draft/", "tags/", "files/"):
        assert agent_client.post(f"/tickets/{world.foreign.number}/{rest}").status_code == 404


def test_the_words_of_customers_are_text_and_never_markup(world: World, agent_client: Client) -> None:
    receive_contact(
        actor=SYSTEM,
        queue=world.queue_a,
        customer=world.customer,
        subject="<b>x</b>",
        text="<img src=x onerror=alert(1)>",
        ticket=world.ticket,
    )
    Ticket.objects.filter(pk=world.ticket.pk).update(subject="<script>alert(1)</script>")
    page = agent_client.get(_url(world)).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_the_status_menu_offers_what_the_table_of_transitions_allows(world: World, agent_client: Client) -> None:
    def offered() -> list[str]:
        page = agent_client.get(_url(world), headers=PARTIAL).content.decode()
        return re.findall(
            r'name="status" value="(\w+)"', page[page.index('id="pick-status"') : page.index('id="pick-priority"')]
        )

    assert offered() == ["open", "pending", "on_hold", "resolved", "closed", "spam", "snoozed", "snoozed"]
    set_status(ticket=world.ticket, actor=SYSTEM, status=Status.CLOSED)
    assert offered() == ["spam"]


@pytest.mark.parametrize(
    ("role", "reply_tab", "note_tab"),
    [
        ("agent", True, True),
        ("lead", True, True),
        ("admin", True, True),
        ("light", False, True),
        ("manager", True, False),
    ],
)
def test_each_role_gets_the_tabs_its_rights_allow(world: World, role: str, reply_tab: bool, note_tab: bool) -> None:
    page = _client(getattr(world, role)).get(_url(world)).content.decode()
    assert ('id="tab-reply"' in page, 'id="tab-note"' in page) == (reply_tab, note_tab)


def test_a_closed_ticket_takes_notes_but_no_reply_and_says_why(world: World, agent_client: Client) -> None:
    set_status(ticket=world.ticket, actor=SYSTEM, status=Status.CLOSED)
    page = agent_client.get(_url(world)).content.decode()
    assert 'id="tab-reply"' not in page
    assert 'id="tab-note"' in page
    assert "opens a linked follow-up" in page


def test_changes_bring_what_is_new_after_the_seq_and_nothing_older(
    world: World, agent_client: Client, agent: Actor
) -> None:
    before = _seq(world)
    message = note(ticket=world.ticket, actor=agent, text="Something new")
    fresh = agent_client.get(_url(world, f"changes/?after={before}"), headers=PARTIAL)
    assert fresh.headers["HX-Merge"] == "1"
    assert fresh.content.decode().count("<article") == 1
    assert f'id="m-{message.public_id}"' in fresh.content.decode()
    assert (
        agent_client.get(_url(world, f"changes/?after={_seq(world)}"), headers=PARTIAL)
        .content.decode()
        .count("<article")
        == 0
    )


def test_a_reply_that_failed_is_drawn_again_with_a_way_to_send_it(
    world: World, agent_client: Client, agent: Actor
) -> None:
    message = reply(ticket=world.ticket, actor=agent, text="Hello")
    before = _seq(world)
    mail = OutgoingMail.objects.get(message=message)
    OutgoingMail.objects.filter(pk=mail.pk).update(state="dead", attempts=3, last_error="550 no such user")
    with transaction.atomic():
        locked = Ticket.objects.select_for_update().get(pk=world.ticket.pk)
        events.record(
            locked, Kind.DELIVERY_FAILED, actor=SYSTEM, data={"message": message.pk, "outgoing": mail.pk, "held": False}
        )
    fresh = agent_client.get(_url(world, f"changes/?after={before}"), headers=PARTIAL).content.decode()
    assert "550 no such user" in fresh
    assert f"/messages/{message.public_id}/resend/" in fresh
    again = agent_client.post(f"/messages/{message.public_id}/resend/", headers=PARTIAL)
    assert again.status_code == 200
    assert OutgoingMail.objects.get(pk=mail.pk).state == OutgoingMail.State.QUEUED


def test_a_reply_leaves_from_the_composer_and_comes_back_by_undo(world: World, agent_client: Client) -> None:
    seen = _seq(world)
    sent = agent_client.post(
        _url(world, "send/"),
        {
            "mode": "reply",
            "text": "It is repaired.",
            "to": '"Ann Example" <ann@shop.example>',
            "seen_seq": seen,
            "seq": seen,
        },
        headers=PARTIAL,
    )
    message = Message.objects.get(text="It is repaired.")
    assert message.recipients == [{"kind": "to", "email": "ann@shop.example", "name": "Ann Example"}]
    assert f"/messages/{message.public_id}/undo/" in sent.content.decode()
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.PENDING
    back = agent_client.post(f"/messages/{message.public_id}/undo/", {"seq": seen}, headers=PARTIAL).content.decode()
    assert "It is repaired.</textarea>" in back
    assert OutgoingMail.objects.get(message=message).state == OutgoingMail.State.CANCELLED
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.OPEN


def test_send_and_resolve_resolves(world: World, agent_client: Client) -> None:
    data = {"mode": "reply", "text": "Done.", "to": "ann@shop.example", "then_status": "resolved"}
    agent_client.post(_url(world, "send/"), data, headers=PARTIAL)
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.RESOLVED


def test_a_bad_address_is_a_sentence_above_the_composer_and_nothing_is_sent(world: World, agent_client: Client) -> None:
    answer = agent_client.post(
        _url(world, "send/"), {"mode": "reply", "text": "Hello", "to": "nobody"}, headers=PARTIAL
    )
    assert answer.status_code == 422
    assert "is not a mail address" in answer.content.decode()
    assert 'id="composer-alert"' in answer.content.decode()
    assert not OutgoingMail.objects.exists()


def test_sending_over_something_unseen_stops_until_it_is_said_twice(world: World, agent_client: Client) -> None:
    seen = _seq(world)
    note(ticket=world.ticket, actor=Actor.of(world.lead), text="Wait, I called her.")
    data = {"mode": "reply", "text": "Hello", "to": "ann@shop.example", "seen_seq": seen, "seq": seen}
    stopped = agent_client.post(_url(world, "send/"), data, headers=PARTIAL)
    assert stopped.status_code == 409
    assert stopped.content.decode().count("Wait, I called her.") >= 2
    assert not OutgoingMail.objects.exists()
    assert agent_client.post(_url(world, "send/"), {**data, "anyway": "1"}, headers=PARTIAL).status_code == 200
    assert OutgoingMail.objects.count() == 1


def test_a_reply_for_later_waits_and_can_be_stopped(world: World, agent_client: Client) -> None:
    later = (now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    data = {
        "mode": "reply",
        "text": "Later",
        "to": "ann@shop.example",
        "send_at": later,
        "cancel_if_customer_writes": "on",
    }
    answer = agent_client.post(_url(world, "send/"), data, headers=PARTIAL)
    mail = OutgoingMail.objects.get()
    assert (answer.status_code, mail.state, mail.cancel_if_customer_writes) == (200, OutgoingMail.State.SCHEDULED, True)
    assert "unless the customer writes first" in agent_client.get(_url(world)).content.decode()


def test_the_draft_is_there_again_on_the_next_visit_and_gone_when_emptied(world: World, agent_client: Client) -> None:
    agent_client.post(_url(world, "draft/"), {"mode": "note", "text": "Half a thou", "to": "x@y.example"})
    assert "Half a thou</textarea>" in agent_client.get(_url(world)).content.decode()
    agent_client.post(_url(world, "draft/"), {"mode": "note", "text": "  "})
    assert not Draft.objects.exists()


def test_a_draft_belongs_to_its_writer(world: World, agent_client: Client) -> None:
    agent_client.post(_url(world, "draft/"), {"mode": "reply", "text": "My secret words"})
    assert "My secret words" not in _client(world.lead).get(_url(world)).content.decode()


@pytest.mark.parametrize(
    ("rest", "data", "field", "value"),
    [
        ("status/", {"status": "on_hold"}, "status", "on_hold"),
        ("priority/", {"priority": "4"}, "priority", 4),
        ("subject/", {"subject": "Better words"}, "subject", "Better words"),
    ],
)
def test_the_header_changes_the_ticket_with_and_without_script(
    world: World, agent_client: Client, rest: str, data: dict[str, str], field: str, value: object
) -> None:
    plain = agent_client.post(_url(world, rest), data)
    assert (plain.status_code, plain.headers["Location"]) == (302, _url(world))
    assert getattr(Ticket.objects.get(pk=world.ticket.pk), field) == value
    assert agent_client.post(_url(world, rest), data, headers=PARTIAL).headers["HX-Merge"] == "1"


def test_a_light_agent_is_told_in_a_sentence_that_he_may_not_change_it(world: World) -> None:
    client = _client(world.light)
    for rest, data in (("status/", {"status": "open"}), ("owner/", {"owner": "me"}), ("priority/", {"priority": "4"})):
        answer = client.post(_url(world, rest), data, headers=PARTIAL)
        assert answer.status_code == 403
        assert 'class="toast"' in answer.content.decode()
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.NEW


def test_tags_are_added_by_name_and_removed(world: World, agent_client: Client) -> None:
    agent_client.post(_url(world, "tags/"), {"add": "charging, dock"})
    agent_client.post(_url(world, "tags/"), {"remove": "dock"})
    assert [t.name for t in world.ticket.tags.all()] == ["charging"]


def test_owner_is_taken_given_and_removed(world: World, agent_client: Client) -> None:
    outsider = make_user(teams=(world.team_b,))
    agent_client.post(_url(world, "owner/"), {"owner": "me"})
    assert Ticket.objects.get(pk=world.ticket.pk).owner == world.agent
    refused = agent_client.post(_url(world, "owner/"), {"owner": str(outsider.pk)}, headers=PARTIAL)
    assert refused.status_code in {404, 422}
    agent_client.post(_url(world, "owner/"), {"owner": "none"})
    assert Ticket.objects.get(pk=world.ticket.pk).owner is None


@pytest.mark.parametrize("preset", ["later", "tomorrow", "monday", "week"])
def test_every_snooze_preset_lies_ahead(world: World, agent_client: Client, preset: str) -> None:
    agent_client.post(_url(world, "status/"), {"status": "snoozed", "until": preset})
    ticket = Ticket.objects.get(pk=world.ticket.pk)
    assert ticket.status == Status.SNOOZED
    assert ticket.snoozed_until_at is not None
    assert ticket.snoozed_until_at > now()


def test_a_long_ticket_shows_its_newest_messages_and_leads_back_to_the_first(
    world: World, agent_client: Client, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "MESSAGES_SHOWN", 2)
    at = now()
    for n in range(4):
        with frozen(at + timedelta(minutes=n)):
            note(ticket=world.ticket, actor=agent, text=f"Line {n}")
    with frozen(at + timedelta(minutes=9)):
        page = agent_client.get(_url(world)).content.decode()
        assert [n for n in range(4) if f"Line {n}" in page] == [2, 3]
        seen = page
        for _ in range(3):
            link = re.search(r"earlier/\?before=([^\"]+)", seen)
            if link is None:
                break
            seen = agent_client.get(_url(world, f"earlier/?before={link[1]}")).content.decode()
            page += seen
    assert [n for n in range(4) if f"Line {n}" in page] == [0, 1, 2, 3]
    assert world.ticket.snippet in page


def test_notes_stay_out_of_the_recipients_and_the_mail(world: World, agent_client: Client) -> None:
    agent_client.post(
        _url(world, "send/"), {"mode": "note", "text": "Only us", "to": "ann@shop.example"}, headers=PARTIAL
    )
    message = Message.objects.get(text="Only us")
    assert (message.audience, message.recipients) == ("internal", [])
    assert not OutgoingMail.objects.exists()


def test_the_same_click_twice_writes_one_reply(world: World, agent_client: Client) -> None:
    data = {
        "mode": "reply",
        "text": "Once",
        "to": "ann@shop.example",
        "client_id": "6b1f6b0e-4a52-4f0c-8a4a-0d9a6e0f7c11",
    }
    for _ in range(2):
        assert agent_client.post(_url(world, "send/"), data, headers=PARTIAL).status_code == 200
    assert Message.objects.filter(text="Once").count() == 1


def test_own_fields_are_kept_by_their_kind_and_what_does_not_fit_is_named(world: World, agent_client: Client) -> None:
    for key, kind, choices in (
        ("size", "number", []),
        ("day", "date", []),
        ("plan", "choice", ["a", "b"]),
        ("ok", "yes_no", []),
    ):
        CustomField.objects.create(on="ticket", key=key, label=key.title(), kind=kind, choices=choices)
    good = {"own-size": "3,5", "own-day": "2026-12-24", "own-plan": "b", "own-ok": "on"}
    agent_client.post(_url(world, "fields/"), good)
    assert Ticket.objects.get(pk=world.ticket.pk).fields == {"size": 3.5, "day": "2026-12-24", "plan": "b", "ok": True}
    for key, bad in (("own-size", "many"), ("own-day", "soon"), ("own-plan", "z")):
        refused = agent_client.post(_url(world, "fields/"), {**good, key: bad}, headers=PARTIAL)
        assert refused.status_code == 422
        assert "takes" in refused.content.decode()


def test_a_customer_is_corrected_from_the_ticket_and_the_audit_book_names_the_fields(
    world: World, agent_client: Client
) -> None:
    address = f"/tickets/{world.ticket.number}/customer/{world.customer.public_id}/"
    assert 'name="tier"' in agent_client.get(address, headers=PARTIAL).content.decode()
    agent_client.post(address, {"name": "Ann Better", "tier": "gold", "language": "fa", "time_zone": "Asia/Tehran"})
    world.customer.refresh_from_db()
    assert (world.customer.name, world.customer.tier, world.customer.language) == ("Ann Better", "gold", "fa")
    assert AuditEntry.objects.get(action="customer.edited").data == {
        "fields": ["language", "name", "tier", "time_zone"]
    }


def test_words_begun_after_sending_stay_when_the_reply_is_taken_back(
    world: World, agent_client: Client, agent: Actor
) -> None:
    message = reply(ticket=world.ticket, actor=agent, text="The first reply.")
    agent_client.post(_url(world, "draft/"), {"mode": "reply", "text": "And another thing"})
    agent_client.post(f"/messages/{message.public_id}/undo/", headers=PARTIAL)
    assert Draft.objects.get().text == "The first reply.\n\nAnd another thing"
