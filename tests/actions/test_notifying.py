"""Who is told of what, what is read, and who follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.assignment import assign_ticket, move_ticket
from helpdesk.actions.conversation import UnseenMessages, note, reply
from helpdesk.actions.desk_settings import keep_desk_settings
from helpdesk.actions.intake import receive_contact
from helpdesk.actions.lifecycle import set_status, wake_snoozed
from helpdesk.actions.notifying import answer_notification, read_notifications
from helpdesk.actions.reading import follow_ticket, mark_unread, read_ticket, unfollow_ticket
from helpdesk.models import SYSTEM, Actor, Mention, Notification, Participant, Ticket, TicketRead, User
from helpdesk.now import frozen, now
from helpdesk.queries.notifications import told_to, unread_count
from helpdesk.queries.reading import read_seq, unread_among
from tests.factories import World, make_ticket, make_user
from tests.state import verify_action

pytestmark = pytest.mark.django_db


def told(user: User) -> list[str]:
    """The reasons of what waits for this person, newest first."""
    return [str(t.notification.reason) for t in told_to(Actor.of(user), only_unread=True)]


def fresh(ticket: Ticket) -> Ticket:
    """The ticket as it stands."""
    return Ticket.objects.select_related("queue").get(pk=ticket.pk)


def _customer_writes(world: World) -> None:
    receive_contact(
        actor=SYSTEM,
        queue=world.queue_a,
        customer=world.customer,
        ticket=fresh(world.ticket),
        text="It still does not charge.",
    )


def test_a_mentioned_colleague_is_told_at_once_and_can_answer_from_there(world: World) -> None:
    with verify_action(world.ticket):
        note(ticket=world.ticket, actor=Actor.of(world.agent), text="What do you say, @Lea Lead?")

    (notice,) = told_to(Actor.of(world.lead))
    assert (notice.notification.reason, notice.notification.by, notice.words) == (
        "mentioned",
        world.agent,
        "What do you say, @Lea Lead?",
    )
    assert notice.may_be_answered
    assert Mention.objects.get().user == world.lead

    answer = answer_notification(notification=notice.notification, actor=Actor.of(world.lead), text="Send a new one.")

    assert answer.text == "@Sara Agent Send a new one."
    assert told(world.agent) == ["mentioned"]
    assert told(world.lead) == []


def test_an_empty_answer_is_none(world: World) -> None:
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="@Lea Lead ?")

    with pytest.raises(BadInput):
        answer_notification(notification=Notification.objects.get(), actor=Actor.of(world.lead), text="  ")


def test_a_manager_reads_his_mention_but_may_not_answer_by_a_note(world: World) -> None:
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="@Max Manager look")

    assert told(world.manager) == ["mentioned"]
    with pytest.raises(NotAllowed):
        answer_notification(notification=Notification.objects.get(), actor=Actor.of(world.manager), text="No.")


def test_nobody_is_told_of_a_ticket_of_another_team_nor_of_what_he_did_himself(world: World) -> None:
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="@Otto Other and @Sara Agent")

    assert not Notification.objects.exists()


def test_a_new_owner_is_told_unless_he_took_it_himself(world: World) -> None:
    assign_ticket(ticket=world.ticket, actor=Actor.of(world.lead), owner=world.agent)
    assert told(world.agent) == ["assigned"]

    assign_ticket(ticket=world.ticket, actor=Actor.of(world.lead), owner=world.lead)
    assert told(world.lead) == []


def test_the_owner_and_followers_hear_of_the_customer_and_of_colleagues(world: World) -> None:
    assign_ticket(ticket=world.ticket, actor=Actor.of(world.agent), owner=world.agent)
    with verify_action(world.ticket):
        assert follow_ticket(ticket=world.ticket, actor=Actor.of(world.light))
    assert not follow_ticket(ticket=world.ticket, actor=Actor.of(world.light))
    _customer_writes(world)
    note(ticket=world.ticket, actor=Actor.of(world.lead), text="I know her.")

    assert told(world.agent) == ["colleague_wrote", "customer_wrote"]
    assert told(world.light) == ["colleague_wrote", "customer_wrote"]
    assert told(world.lead) == []

    with verify_action(world.ticket):
        assert unfollow_ticket(ticket=world.ticket, actor=Actor.of(world.light))
    assert not unfollow_ticket(ticket=world.ticket, actor=Actor.of(world.light))
    _customer_writes(world)
    assert len(told(world.light)) == 2
    assert not Participant.objects.filter(user=world.light).exists()


def test_who_is_mentioned_and_follows_is_told_once(world: World) -> None:
    follow_ticket(ticket=world.ticket, actor=Actor.of(world.lead))
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="@Lea Lead see here")

    assert told(world.lead) == ["mentioned"]


def test_a_snooze_that_is_over_is_told_and_a_reopening_by_hand_is_not(world: World) -> None:
    assign_ticket(ticket=world.ticket, actor=Actor.of(world.agent), owner=world.agent)
    set_status(
        ticket=world.ticket,
        actor=Actor.of(world.agent),
        status="snoozed",
        snoozed_until=now() + timedelta(minutes=5),
    )
    with frozen(now() + timedelta(minutes=6)):
        wake_snoozed()
    assert told(world.agent) == ["woke_up"]

    set_status(ticket=fresh(world.ticket), actor=Actor.of(world.lead), status="resolved")
    set_status(ticket=fresh(world.ticket), actor=Actor.of(world.lead), status="open")
    assert told(world.agent) == ["woke_up"]


def test_a_reason_switched_off_is_not_told(world: World) -> None:
    keep_desk_settings(user=world.lead, changes={"not_told": ["mentioned"]})
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="@Lea Lead ?")

    assert told(world.lead) == []


def test_whoever_lost_the_ticket_no_longer_sees_what_he_was_told_of_it(world: World) -> None:
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="@Lea Lead ?")
    move_ticket(ticket=fresh(world.ticket), actor=Actor.of(world.admin), queue=world.queue_b)

    assert told(world.lead) == []
    assert unread_count(Actor.of(world.lead)) == 0


def test_reading_one_leaves_the_others_and_reading_all_leaves_none(world: World) -> None:
    for text in ("@Lea Lead one", "@Lea Lead two", "@Lea Lead three"):
        note(ticket=world.ticket, actor=Actor.of(world.agent), text=text)
    lea = Actor.of(world.lead)
    assert read_notifications(actor=lea, notification=Notification.objects.order_by("pk")[0]) == 1
    assert unread_count(lea) == 2
    assert read_notifications(actor=Actor.of(world.agent)) == 0
    assert read_notifications(actor=lea) == 2
    assert unread_count(lea) == 0


def test_reading_the_ticket_reads_what_one_was_told_of_it_so_far(world: World) -> None:
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="@Lea Lead one")
    seq = fresh(world.ticket).seq
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="@Lea Lead two")

    assert read_ticket(ticket=fresh(world.ticket), actor=Actor.of(world.lead), seq=seq)

    assert unread_count(Actor.of(world.lead)) == 1


def test_a_ticket_is_unread_until_it_is_read_and_again_when_somebody_else_writes(world: World) -> None:
    sara, key = Actor.of(world.agent), world.ticket.pk
    assert unread_among(sara, [key]) == {key}
    read_ticket(ticket=fresh(world.ticket), actor=sara, seq=fresh(world.ticket).seq)
    assert unread_among(sara, [key]) == set()
    note(ticket=world.ticket, actor=sara, text="My own words.")
    assert unread_among(sara, [key]) == set()
    set_status(ticket=fresh(world.ticket), actor=Actor.of(world.lead), status="pending")
    assert unread_among(sara, [key]) == set()
    note(ticket=fresh(world.ticket), actor=Actor.of(world.lead), text="Hers.")
    assert unread_among(sara, [key]) == {key}


def test_a_mark_never_goes_back_by_itself_nor_beyond_the_ticket(world: World) -> None:
    sara = Actor.of(world.agent)
    head = fresh(world.ticket).seq
    assert read_ticket(ticket=fresh(world.ticket), actor=sara, seq=head + 50)
    assert not read_ticket(ticket=fresh(world.ticket), actor=sara, seq=0)
    assert read_seq(sara, world.ticket.pk) == head


def test_marking_unread_brings_the_newest_words_of_others_back(world: World) -> None:
    sara, key = Actor.of(world.agent), world.ticket.pk
    _customer_writes(world)
    note(ticket=fresh(world.ticket), actor=sara, text="Mine after hers.")
    read_ticket(ticket=fresh(world.ticket), actor=sara, seq=99)
    before = fresh(world.ticket).seq

    seq = mark_unread(ticket=fresh(world.ticket), actor=sara)

    assert seq == before - 2
    assert unread_among(sara, [key]) == {key}
    assert fresh(world.ticket).seq == before


def test_finished_tickets_nobody_opened_are_no_news(world: World) -> None:
    set_status(ticket=world.ticket, actor=Actor.of(world.lead), status="resolved")

    assert unread_among(Actor.of(world.agent), [world.ticket.pk]) == set()


def test_reading_is_ones_own(world: World) -> None:
    read_ticket(ticket=fresh(world.ticket), actor=Actor.of(world.agent), seq=99)

    assert TicketRead.objects.get().user == world.agent
    assert unread_among(Actor.of(world.lead), [world.ticket.pk]) == {world.ticket.pk}


def test_unread_and_told_cost_the_same_for_one_and_for_three(world: World, django_assert_num_queries: Any) -> None:
    sara = Actor.of(world.agent)
    keys = [world.ticket.pk, *(make_ticket(world.queue_a).pk for _more in range(2))]
    for wanted in (keys[:1], keys):
        with django_assert_num_queries(1):
            unread_among(sara, wanted)
    lea = Actor.of(world.lead)
    lea.team_ids()
    note(ticket=fresh(world.ticket), actor=sara, text="@Lea Lead 1")
    with django_assert_num_queries(3):
        assert len(told_to(lea)) == 1
    note(ticket=fresh(world.ticket), actor=sara, text="@Lea Lead 2")
    note(ticket=fresh(world.ticket), actor=sara, text="@Lea Lead 3")
    with django_assert_num_queries(3):
        assert len(told_to(lea)) == 3


def test_a_reply_over_a_colleagues_note_is_stopped_and_shows_what_was_written(world: World) -> None:
    seen = fresh(world.ticket).seq
    note(ticket=fresh(world.ticket), actor=Actor.of(world.lead), text="Do not promise a date!")

    with pytest.raises(UnseenMessages) as stopped:
        reply(ticket=fresh(world.ticket), actor=Actor.of(world.agent), text="On Monday.", seen_seq=seen)

    assert [m.text for m in stopped.value.messages] == ["Do not promise a date!"]


def test_a_note_over_what_a_colleague_wrote_is_stopped_too(world: World) -> None:
    seen = fresh(world.ticket).seq
    note(ticket=fresh(world.ticket), actor=Actor.of(world.lead), text="I have called her.")

    with pytest.raises(UnseenMessages):
        note(ticket=fresh(world.ticket), actor=Actor.of(world.agent), text="Who calls her?", seen_seq=seen)
    note(ticket=fresh(world.ticket), actor=Actor.of(world.agent), text="Who calls her?", seen_seq=seen + 1)


def test_somebody_outside_all_teams_is_told_nothing(world: World) -> None:
    stranger = make_user("agent", name="Nora Nobody")
    note(ticket=world.ticket, actor=Actor.of(world.agent), text="@Nora Nobody")

    assert told(stranger) == []
