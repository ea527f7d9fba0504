"""The verbs of a ticket, run for real: what they change, what they refuse, and that the stream tells the same."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from helpdesk import events
from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.assignment import assign_ticket, move_ticket, unassign_ticket
from helpdesk.actions.conversation import UnseenMessages, note, reply
from helpdesk.actions.intake import receive_contact
from helpdesk.actions.lifecycle import close_long_resolved, set_status, wake_snoozed
from helpdesk.actions.sending import resend, withdraw_reply
from helpdesk.actions.triage import classify_ticket
from helpdesk.events import UnknownPayload, record
from helpdesk.logs import correlated
from helpdesk.models import (
    SYSTEM,
    TRANSITIONS,
    Actor,
    Draft,
    IllegalTransition,
    Kind,
    Message,
    OutgoingMail,
    Queue,
    Status,
    Ticket,
    TicketEvent,
)
from helpdesk.now import frozen, now
from tests.factories import World, make_user
from tests.state import verify_action

pytestmark = pytest.mark.django_db


def _fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


@pytest.mark.parametrize("old", list(Status))
@pytest.mark.parametrize("new", [s for s in Status if s != Status.NEW])
def test_only_the_transition_table_changes_a_status(world: World, old: Status, new: Status) -> None:
    Ticket.objects.filter(pk=world.ticket.pk).update(status=old)
    ticket, actor = _fresh(world.ticket), Actor.of(world.admin)

    if new == old or new in TRANSITIONS[old]:
        assert set_status(ticket=ticket, actor=actor, status=new).status == new
    else:
        with pytest.raises(IllegalTransition, match=str(ticket.number)):
            set_status(ticket=ticket, actor=actor, status=new)
        assert _fresh(ticket).status == old


def test_every_verb_leaves_rows_that_its_events_tell(world: World, agent: Actor) -> None:
    ticket = world.ticket
    with verify_action(ticket):
        assign_ticket(ticket=ticket, actor=agent, owner=world.agent)
        classify_ticket(ticket=ticket, actor=agent, priority=4, add_tags=["urgent", "dock"])
        classify_ticket(ticket=ticket, actor=agent, remove_tags=["dock"])
        note(ticket=ticket, actor=agent, text="Look at line 212.")
        message = reply(ticket=ticket, actor=agent, text="On its way.")
        withdraw_reply(message=message, actor=agent)
        set_status(ticket=ticket, actor=agent, status=Status.ON_HOLD)
        unassign_ticket(ticket=ticket, actor=agent)
        set_status(ticket=ticket, actor=agent, status=Status.RESOLVED)


def test_a_reply_waits_for_the_customer_and_its_writer_owns_the_ticket(world: World, agent: Actor) -> None:
    message = reply(ticket=world.ticket, actor=agent, text="Try this.", then_status="")

    ticket = _fresh(world.ticket)
    outgoing = OutgoingMail.objects.get(message=message)
    assert (ticket.status, ticket.owner, ticket.waiting_since_at) == (Status.PENDING, world.agent, None)
    assert ticket.first_replied_at is not None
    assert [r["email"] for r in outgoing.recipients] == ["ann@shop.example"]
    assert outgoing.due_at > now() + timedelta(seconds=9)


def test_undo_brings_text_status_and_owner_back(world: World, agent: Actor) -> None:
    before = _fresh(world.ticket)
    message = reply(ticket=world.ticket, actor=agent, text="Too early.")

    draft = withdraw_reply(message=message, actor=agent)

    after = _fresh(world.ticket)
    assert draft.text == "Too early."
    assert (after.owner, after.waiting_since_at, after.message_count) == (None, before.waiting_since_at, 1)
    assert after.status == Status.OPEN  # new never comes back
    assert OutgoingMail.objects.get(message=message).state == OutgoingMail.State.CANCELLED


def test_undo_after_the_outbox_has_begun_is_too_late(world: World, agent: Actor) -> None:
    message = reply(ticket=world.ticket, actor=agent, text="Gone.")
    OutgoingMail.objects.update(attempts=1, state=OutgoingMail.State.LEASED)

    with pytest.raises(BadInput, match="Too late"):
        withdraw_reply(message=message, actor=agent)


def test_the_same_client_id_again_sends_nothing_twice(world: World, agent: Actor) -> None:
    client_id = uuid.uuid4()

    first = reply(ticket=world.ticket, actor=agent, text="Once.", client_id=client_id)
    second = reply(ticket=world.ticket, actor=agent, text="Once.", client_id=client_id)

    assert first == second
    assert OutgoingMail.objects.count() == 1


def test_sending_over_something_unseen_stops_and_shows_it(world: World, agent: Actor) -> None:
    seen = _fresh(world.ticket).seq
    receive_contact(
        actor=SYSTEM, queue=world.queue_a, ticket=world.ticket, customer=world.customer, text="One more thing"
    )

    with pytest.raises(UnseenMessages) as stopped:
        reply(ticket=world.ticket, actor=agent, text="Here you are.", seen_seq=seen)

    assert [m.text for m in stopped.value.messages] == ["One more thing"]
    assert not OutgoingMail.objects.exists()


def test_one_s_own_note_is_never_unseen(world: World, agent: Actor) -> None:
    seen = _fresh(world.ticket).seq
    note(ticket=world.ticket, actor=agent, text="Mine")

    assert reply(ticket=world.ticket, actor=agent, text="Sent", seen_seq=seen)


def test_a_light_agent_notes_but_does_not_reply(world: World) -> None:
    light = Actor.of(world.light)

    with pytest.raises(NotAllowed):
        reply(ticket=world.ticket, actor=light, text="Hello")
    assert note(ticket=world.ticket, actor=light, text="I saw this before.")


def test_only_people_of_the_team_can_own(world: World, agent: Actor) -> None:
    for person in (world.other_agent, world.light, make_user(is_active=False, teams=(world.team_a,))):
        with pytest.raises(BadInput):
            assign_ticket(ticket=world.ticket, actor=agent, owner=person)
    assert _fresh(world.ticket).owner is None


def test_moving_to_a_foreign_team_is_for_leads_of_both_and_managers(world: World, agent: Actor) -> None:
    with pytest.raises(BadInput):
        move_ticket(ticket=world.ticket, actor=agent, queue=world.queue_b)

    assign_ticket(ticket=world.ticket, actor=agent, owner=world.agent)
    moved = move_ticket(ticket=world.ticket, actor=Actor.of(world.manager), queue=world.queue_b)

    assert (moved.queue, moved.owner) == (world.queue_b, None)
    assert not Ticket.objects.visible_to(Actor.of(world.agent)).filter(pk=moved.pk).exists()


def test_snoozed_wakes_at_its_time_and_not_before(world: World, agent: Actor) -> None:
    until = now() + timedelta(hours=2)
    set_status(ticket=world.ticket, actor=agent, status=Status.SNOOZED, snoozed_until=until)

    assert wake_snoozed() == 0
    with frozen(until + timedelta(seconds=1)):
        assert wake_snoozed() == 1
        assert wake_snoozed() == 0
    assert _fresh(world.ticket).status == Status.OPEN


def test_resolved_closes_by_itself_after_the_days_of_the_setting(world: World, agent: Actor) -> None:
    set_status(ticket=world.ticket, actor=agent, status=Status.RESOLVED)

    with frozen(now() + timedelta(days=3)):
        assert close_long_resolved() == 0
    with frozen(now() + timedelta(days=5)):
        assert close_long_resolved() == 1
    assert _fresh(world.ticket).status == Status.CLOSED


def test_a_failed_mail_is_sent_again_only_to_those_who_lack_it(world: World, agent: Actor) -> None:
    message = reply(
        ticket=world.ticket,
        actor=agent,
        text="To both",
        recipients=[{"kind": "to", "email": "ann@shop.example"}, {"kind": "cc", "email": "cc@shop.example"}],
    )
    outgoing = OutgoingMail.objects.get(message=message)
    outgoing.state = OutgoingMail.State.DEAD
    outgoing.recipients[0]["state"] = "sent"
    outgoing.recipients[1]["state"] = "failed"
    outgoing.save()

    again = resend(message=message, actor=agent)

    assert (again.state, [r["state"] for r in again.recipients]) == (OutgoingMail.State.QUEUED, ["sent", "waiting"])
    assert again.identifier == outgoing.identifier


@pytest.mark.parametrize(
    "recipients",
    [
        [{"kind": "to", "email": "no address"}],
        [{"kind": "to", "email": "support@halden.example"}],
        [{"kind": "cc", "email": "cc@shop.example"}],
        [{"kind": "to", "email": "a@b.example\r\nBcc: evil@evil.example"}],
        [],
    ],
)
def test_recipients_that_cannot_be_are_refused_with_a_sentence(
    world: World, agent: Actor, recipients: list[dict[str, str]]
) -> None:
    Ticket.objects.filter(pk=world.ticket.pk).update(channel="mail")
    with pytest.raises(BadInput):
        reply(ticket=_fresh(world.ticket), actor=agent, text="Hello", recipients=recipients)
    assert not Message.objects.filter(author_user=world.agent).exists()


def test_a_scheduled_reply_leaves_at_its_time(world: World, agent: Actor) -> None:
    from helpdesk.actions.sending import release_scheduled

    at = now() + timedelta(hours=3)
    message = reply(ticket=world.ticket, actor=agent, text="Later", send_at=at)

    assert (release_scheduled(), _fresh(world.ticket).status) == (0, Status.NEW)
    with frozen(at + timedelta(seconds=1)):
        assert release_scheduled() == 1
    assert OutgoingMail.objects.get(message=message).state == OutgoingMail.State.QUEUED
    assert _fresh(world.ticket).status == Status.PENDING


def test_a_scheduled_reply_is_cancelled_when_the_customer_writes_first(world: World, agent: Actor) -> None:
    at = now() + timedelta(hours=3)
    kept = reply(ticket=world.ticket, actor=agent, text="Stays", send_at=at)
    gone = reply(ticket=world.ticket, actor=agent, text="Goes", send_at=at, cancel_if_customer_writes=True)

    receive_contact(
        actor=SYSTEM, queue=world.queue_a, ticket=world.ticket, customer=world.customer, text="Solved it myself"
    )

    states = [OutgoingMail.objects.get(message=message).state for message in (kept, gone)]
    assert states == ["scheduled", "cancelled"]


def test_the_draft_goes_with_the_reply_and_stays_without_it(world: World, agent: Actor) -> None:
    from helpdesk.actions.drafts import save_draft

    save_draft(ticket=world.ticket, actor=agent, mode="reply", text="Half a wo")
    assert Draft.objects.get().text == "Half a wo"

    reply(ticket=world.ticket, actor=agent, text="Half a word")

    assert not Draft.objects.exists()


def test_events_count_without_gaps_and_the_customer_s_own_count_too(world: World, agent: Actor) -> None:
    note(ticket=world.ticket, actor=agent, text="inside")
    reply(ticket=world.ticket, actor=agent, text="outside")

    rows = list(TicketEvent.objects.filter(ticket=world.ticket).order_by("seq"))
    ticket = _fresh(world.ticket)
    assert [r.seq for r in rows] == list(range(1, len(rows) + 1)) and ticket.seq == len(rows)
    public = [r.pub_seq for r in rows if r.pub_seq is not None]
    assert public == list(range(1, len(public) + 1)) and ticket.pub_seq == len(public)


def test_an_event_with_data_that_flow_does_not_name_is_a_mistake_of_the_house(world: World) -> None:
    with pytest.raises(UnknownPayload):
        record(world.ticket, Kind.NOTED, actor=SYSTEM, data={"text": "a secret"})


@pytest.mark.parametrize("count", [1, 20])
def test_recording_many_events_costs_the_same_statements(world: World, count: int) -> None:
    with CaptureQueriesContext(connection) as queries:
        events.record_many(
            [events.NewEvent(world.ticket, Kind.RESOLVED, SYSTEM, {"previous": "open"}) for _ in range(count)]
        )

    assert len(queries) == 4  # heads, rows; the work item found and ended


def test_an_agent_without_a_team_sees_nothing(world: World) -> None:
    nobody = Actor.of(make_user())

    assert not Ticket.objects.visible_to(nobody).exists()
    assert not Queue.objects.visible_to(nobody).exists()


def test_a_reply_carries_the_id_of_its_request_to_the_outbox(world: World, agent: Actor) -> None:
    with correlated("a-request-0001"):
        message = reply(ticket=world.ticket, actor=agent, text="Hello")

    assert OutgoingMail.objects.get(message=message).correlation_id == "a-request-0001"
