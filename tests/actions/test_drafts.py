"""Drafts over several devices, replies that wait for their hour, and people named in notes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from helpdesk.access import NotAllowed
from helpdesk.actions import BadInput
from helpdesk.actions.conversation import reply
from helpdesk.actions.drafts import NewerDraft, discard_draft, revision_of, save_draft
from helpdesk.actions.mentions import mentioned_in
from helpdesk.actions.scheduled import reschedule_reply
from helpdesk.models import Actor, Draft, Mention, OutgoingMail
from helpdesk.now import now
from helpdesk.queries.drafts import drafts_of
from tests.factories import World, make_user, make_world
from tests.state import verify_action

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """Two teams and a ticket."""
    return make_world()


def _save(world: World, text: str, base: str | None = None) -> Draft:
    return save_draft(ticket=world.ticket, actor=Actor.of(world.agent), mode="reply", text=text, base=base)


def test_one_device_goes_on_from_its_own_revision(world: World) -> None:
    first = _save(world, "Good", base="")
    second = _save(world, "Good morning", base=revision_of(first))

    assert (second.pk, second.text) == (first.pk, "Good morning")


def test_words_kept_by_another_device_are_not_overwritten(world: World) -> None:
    old = revision_of(_save(world, "From the desk", base=""))
    _save(world, "From the telephone", base=old)

    for base in (old, "", "nonsense"):
        with pytest.raises(NewerDraft) as refusal:
            _save(world, "From the desk, longer", base=base)
        assert refusal.value.draft.text == "From the telephone"
    assert Draft.objects.get().text == "From the telephone"


def test_the_same_words_from_two_devices_are_no_quarrel(world: World) -> None:
    _save(world, "The same", base="")

    assert _save(world, "The same", base="").text == "The same"


def test_without_a_base_the_newest_wins_and_a_draft_gone_meanwhile_is_made_anew(world: World) -> None:
    known = revision_of(_save(world, "One", base=""))
    assert _save(world, "Two").text == "Two"
    discard_draft(ticket=world.ticket, actor=Actor.of(world.agent), mode="reply")

    assert _save(world, "Three", base=known).text == "Three"


def test_ones_drafts_are_those_of_tickets_one_still_sees(world: World) -> None:
    _save(world, "Here")
    save_draft(ticket=world.ticket, actor=Actor.of(world.lead), mode="note", text="Another's")
    Draft.objects.create(ticket=world.foreign, user=world.agent, mode="reply", text="Moved away", updated_at=now())

    assert [d.text for d in drafts_of(Actor.of(world.agent))] == ["Here"]


def test_a_scheduled_reply_gets_another_hour_or_leaves_now(world: World) -> None:
    actor = Actor.of(world.agent)
    message = reply(ticket=world.ticket, actor=actor, text="Later", send_at=now() + timedelta(hours=3))
    another = now() + timedelta(days=1)

    with verify_action(world.ticket):
        assert reschedule_reply(message=message, actor=actor, send_at=another).due_at == another
        outgoing = reschedule_reply(message=message, actor=actor, send_at=None)

    assert outgoing.due_at <= now()
    assert outgoing.state == OutgoingMail.State.SCHEDULED  # the dispatcher releases it within the second
    with pytest.raises(BadInput, match="ahead"):
        reschedule_reply(message=message, actor=actor, send_at=now() - timedelta(minutes=1))
    with pytest.raises(NotAllowed):
        reschedule_reply(message=message, actor=Actor.of(world.light), send_at=another)
    OutgoingMail.objects.update(state=OutgoingMail.State.SENT)
    with pytest.raises(BadInput, match="Too late"):
        reschedule_reply(message=message, actor=actor, send_at=another)


def test_people_are_named_by_their_whole_name_and_only_who_may_see_the_ticket(world: World) -> None:
    make_user(teams=(world.team_a,), name="Ann")
    longer = make_user(teams=(world.team_a,), name="Ann Lee")

    def names(text: str) -> list[str]:
        return [person.name for person in mentioned_in(text, world.ticket)]

    assert mentioned_in("Ask @ann lee, please", world.ticket) == [longer]
    assert names("@Ann, and @Lea Lead") == ["Lea Lead", "Ann"]
    assert names("@Otto Other is of another team, @Max Manager sees all") == ["Max Manager"]
    assert names("mail ann@ann.example, @Anna and @Ann_2") == []
    assert not Mention.objects.exists()
