"""The agent's part of routing on the desk's pages: state bar, offers, next, passing on, colleagues; walls from both sides."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from helpdesk.actions.assignment import assign_ticket
from helpdesk.actions.conversation import reply
from helpdesk.models import Actor, Kind, Message, Queue, Role, Skill, SkillGroup, TicketEvent, User
from helpdesk.now import now
from helpdesk.sentences import sentence
from routing.actions.agents import beat, set_agent_state, sweep_lost_agents
from routing.actions.offers import accept_offer
from routing.models import (
    AgentPresence,
    AgentState,
    Assignment,
    BreakRequest,
    Disposition,
    NotReadyReason,
    Offer,
    Shift,
    WorkItem,
)
from routing.router import Router
from tests.factories import make_queue, make_team, make_user
from tests.routing.people import make_offering, make_ready, make_waiting

pytestmark = pytest.mark.django_db
HTMX: dict[str, Any] = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://testserver/inbox/team/"}
BAR = "/routing/bar/"


def client_of(user: User) -> Client:
    """A browser in which somebody is signed in."""
    client = Client()
    client.force_login(user)
    return client


def bar(user: User) -> str:
    """What the state bar and the offers of somebody say."""
    answer = client_of(user).get(BAR, **HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def reason(code: str, *, is_break: bool = False) -> NotReadyReason:
    """A reason of this name, there already or made."""
    return NotReadyReason.objects.get_or_create(code=code, defaults={"name": code.title(), "is_break": is_break})[0]


@pytest.fixture
def queue() -> Queue:
    """A queue that offers its mail."""
    queue = make_queue(name="Hardware")
    make_offering(queue)
    return queue


@pytest.fixture
def sara(queue: Queue) -> User:
    """An agent of its team, ready."""
    return make_ready(queue.team, name="Sara Agent")


@pytest.fixture
def offer(queue: Queue, sara: User) -> Offer:
    """A contact offered to her."""
    make_waiting(queue, subject="Dock does not charge")
    Router().turn()
    return Offer.objects.select_related("item__ticket").get(agent=sara)


# --- the bar -------------------------------------------------------------------------------------------------------------
def test_somebody_without_a_state_is_offline_and_becomes_ready_by_the_bar() -> None:
    user = make_user(teams=(make_team(),))
    assert "Offline" in bar(user)

    answer = client_of(user).post("/routing/state/", {"state": "ready"}, **HTMX)

    assert answer.status_code == 200
    assert AgentPresence.objects.get(user=user).state == AgentState.READY
    assert 'data-state="ready"' in answer.content.decode()


def test_not_ready_wants_a_reason_and_says_it(sara: User) -> None:
    client = client_of(sara)

    refused = client.post("/routing/state/", {"state": "not_ready"}, **HTMX)
    chosen = client.post("/routing/state/", {"state": "not_ready", "reason": reason("coaching").pk}, **HTMX)

    assert refused.status_code == 422
    assert "Choose a reason" in refused.content.decode()
    assert "Not ready: Coaching" in chosen.content.decode()


@pytest.mark.parametrize("state", ["break", "rona", "disconnected", "nonsense", ""])
def test_states_that_nobody_chooses_are_refused(sara: User, state: str) -> None:
    assert client_of(sara).post("/routing/state/", {"state": state}, **HTMX).status_code == 422
    assert AgentPresence.objects.get(user=sara).state == AgentState.READY


def test_a_light_agent_has_no_state() -> None:
    light = make_user(Role.LIGHT, teams=(make_team(),))
    client = client_of(light)
    assert client.get(BAR).status_code == 403
    assert client.post("/routing/state/", {"state": "ready"}).status_code == 403
    assert client.post("/routing/next/").status_code == 403
    assert not AgentPresence.objects.exists()


def test_channels_are_switched_one_by_one(sara: User) -> None:
    answer = client_of(sara).post("/routing/channels/", {"channel": ["mail"]}, **HTMX)
    assert answer.status_code == 200
    assert AgentPresence.objects.get(user=sara).accepts == ["mail"]
    assert client_of(sara).post("/routing/channels/", {"channel": ["smoke"]}, **HTMX).status_code == 422


def test_a_break_is_asked_for_withdrawn_and_asked_for_again(sara: User) -> None:
    client, lunch = client_of(sara), reason("long-lunch", is_break=True)

    asked = client.post("/routing/break/", {"reason": lunch.pk, "minutes": "25"}, **HTMX).content.decode()
    assert "A lead decides" in asked
    assert "Break of 25 min" in asked
    assert client.post("/routing/break/", {"reason": lunch.pk}, **HTMX).status_code == 422
    client.post("/routing/break/end/", **HTMX)
    client.post("/routing/break/", {"reason": lunch.pk}, **HTMX)

    assert list(BreakRequest.objects.values_list("state", flat=True)) == ["withdrawn", "asked"]


def test_who_goes_home_wants_no_break_any_more(sara: User) -> None:
    client = client_of(sara)
    client.post("/routing/break/", {"reason": reason("long-lunch", is_break=True).pk}, **HTMX)

    client.post("/routing/state/", {"state": "offline"}, **HTMX)

    assert BreakRequest.objects.get().state == BreakRequest.State.WITHDRAWN


def test_a_reason_that_is_no_break_gives_none(sara: User) -> None:
    answer = client_of(sara).post("/routing/break/", {"reason": reason("coaching").pk}, **HTMX)
    assert answer.status_code == 422
    assert not BreakRequest.objects.exists()


def test_the_bar_says_when_the_shift_ends(sara: User) -> None:
    Shift.objects.create(user=sara, starts_at=now() - timedelta(hours=1), ends_at=now() + timedelta(minutes=5))
    assert "your shift ends" in bar(sara)


def test_the_bar_costs_the_same_few_queries_however_much_somebody_does(
    queue: Queue, sara: User, django_assert_max_num_queries: Any
) -> None:
    for n in range(3):
        make_waiting(queue, subject=f"Subject {n}")
        Router().turn()
        if n < 2:
            accept_offer(offer=Offer.objects.get(state=Offer.State.PENDING), actor=Actor.of(sara))
    client = client_of(sara)
    client.get(BAR, **HTMX)
    with django_assert_max_num_queries(14):
        assert client.get(BAR, **HTMX).content.decode().count('class="offer"') == 1


# --- offers --------------------------------------------------------------------------------------------------------------
def test_an_offer_comes_up_with_who_what_where_and_why(sara: User, offer: Offer) -> None:
    said = bar(sara)
    assert f'id="offer-{offer.pk}"' in said
    for words in (
        "Mail from",
        "Dock does not charge",
        "Hardware",
        "You are the only one free who may take it.",
        "Ctrl ⇧ A",
    ):
        assert words in said


@pytest.mark.parametrize("language", ["ar", "fa", "zh-hans"])
def test_the_countdown_is_a_number_for_scripts_in_every_language(sara: User, offer: Offer, language: str) -> None:
    User.objects.filter(pk=sara.pk).update(language=language)
    sara.refresh_from_db()
    said = bar(sara)
    for left in (re.search(rf'data-{name}="([^"]*)"', said) for name in ("left", "whole")):
        assert left is not None
        assert float(left[1]) > 0  # a comma, as in Arabic, would count as NaN


def test_a_card_names_the_skills_that_are_needed_as_the_house_does(sara: User, offer: Offer) -> None:
    group = SkillGroup.objects.create(name="Products")
    Skill.objects.create(group=group, name="Docking stations")
    because = {"name": "products/docking-stations", "source": "record", "evidence": "", "rule": ""}
    offer.item.demand = {
        "because": [
            {**because, "kind": "skill", "value": 3},
            {**because, "kind": "skill", "name": "lang/fr", "value": 1},
            {**because, "kind": "boost", "value": 60},
        ]
    }
    offer.item.save()

    assert "It needs: Docking stations at level 3 or better · lang/fr." in bar(sara)


def test_the_ring_is_a_setting_of_ones_own(sara: User) -> None:
    assert "data-quiet" not in bar(sara)
    client = client_of(sara)
    assert "data-quiet" in client.post("/routing/sound/", {}, **HTMX).content.decode()
    assert "data-quiet" in bar(sara)
    assert "data-quiet" not in client.post("/routing/sound/", {"ring": "1"}, **HTMX).content.decode()
    assert client_of(make_user(Role.LIGHT)).post("/routing/sound/", **HTMX).status_code == 403


def test_an_offer_is_nobody_elses(queue: Queue, sara: User, offer: Offer) -> None:
    otto = make_user(teams=(queue.team,))
    assert "Dock does not charge" not in bar(otto)
    for verb in ("accept", "decline"):
        assert client_of(otto).post(f"/routing/offers/{offer.pk}/{verb}/", **HTMX).status_code == 404
    offer.refresh_from_db()
    assert offer.state == Offer.State.PENDING


def test_accepting_opens_the_ticket(sara: User, offer: Offer) -> None:
    answer = client_of(sara).post(f"/routing/offers/{offer.pk}/accept/", **HTMX)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'data-number="{offer.item.ticket.number}"' in page
    assert f'id="offer-{offer.pk}"' not in page
    offer.item.ticket.refresh_from_db()
    assert offer.item.ticket.owner == sara


def test_accepting_on_a_page_without_tickets_leads_to_the_ticket(sara: User, offer: Offer) -> None:
    elsewhere = {**HTMX, "HTTP_HX_CURRENT_URL": "http://testserver/customers/"}
    answer = client_of(sara).post(f"/routing/offers/{offer.pk}/accept/", **elsewhere)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/tickets/{offer.item.ticket.number}/")


def test_without_script_accepting_leads_to_the_ticket_too(sara: User, offer: Offer) -> None:
    answer = client_of(sara).post(f"/routing/offers/{offer.pk}/accept/")
    assert (answer.status_code, answer["Location"]) == (302, f"/tickets/{offer.item.ticket.number}/")


def test_an_offer_that_is_gone_says_what_became_of_it(sara: User, offer: Offer) -> None:
    client = client_of(sara)
    client.post(f"/routing/offers/{offer.pk}/accept/", **HTMX)
    for verb in ("accept", "decline"):
        again = client.post(f"/routing/offers/{offer.pk}/{verb}/", **HTMX)
        assert again.status_code == 409
        assert "You have taken this contact already." in again.content.decode()


def test_a_missed_offer_says_that_it_counts_and_a_cancelled_one_that_it_does_not(
    queue: Queue, sara: User, offer: Offer
) -> None:
    Offer.objects.update(expires_at=now() - timedelta(seconds=1))
    assert "Missed: it goes to the next agent. 2 missed offers in a row make you not ready." in bar(sara)

    Offer.objects.update(expires_at=now() + timedelta(seconds=20))
    assign_ticket(ticket=offer.item.ticket, actor=Actor.of(sara), owner=make_user(teams=(queue.team,)))
    assert "It does not count against you." in bar(sara)


def test_a_declined_offer_is_gone_and_declining_is_a_rule_of_the_queue(queue: Queue, sara: User, offer: Offer) -> None:
    make_offering(queue, may_decline=False)
    client, address = client_of(sara), f"/routing/offers/{offer.pk}/decline/"
    assert address not in bar(sara)
    assert client.post(address, **HTMX).status_code == 422

    make_offering(queue, may_decline=True)
    answer = client.post(address, **HTMX)

    assert answer.status_code == 200
    assert 'class="offer"' not in answer.content.decode()
    offer.refresh_from_db()
    assert offer.state == Offer.State.DECLINED


# --- wrap-up -------------------------------------------------------------------------------------------------------------
def _wrapped_up(sara: User, offer: Offer) -> Assignment:
    client_of(sara).post(f"/routing/offers/{offer.pk}/accept/", **HTMX)
    reply(ticket=offer.item.ticket, actor=Actor.of(sara), text="Here it is.", recipients=[])
    return Assignment.objects.get()


def test_a_wrap_up_is_shown_extended_once_and_done_with_its_outcome(queue: Queue, sara: User, offer: Offer) -> None:
    row = _wrapped_up(sara, offer)
    outcome = Disposition.objects.create(name="Answered at once")
    Disposition.objects.create(name="Of another queue", queue=make_queue())
    said, client = bar(sara), client_of(sara)
    assert "Wrap-up" in said
    assert "Answered at once" in said
    assert "Of another queue" not in said

    first = client.post(f"/routing/wrapups/{row.pk}/extend/", **HTMX)
    second = client.post(f"/routing/wrapups/{row.pk}/extend/", **HTMX)
    done = client.post(f"/routing/wrapups/{row.pk}/done/", {"disposition": outcome.pk, "note": "Cable"}, **HTMX)

    assert [first.status_code, second.status_code, done.status_code] == [200, 422, 200]
    row.refresh_from_db()
    assert (row.done_at is not None, row.disposition, row.note) == (True, outcome, "Cable")
    assert WorkItem.objects.get().state == WorkItem.State.DONE


def test_a_wrap_up_is_nobody_elses_and_takes_no_outcome_of_another_queue(
    queue: Queue, sara: User, offer: Offer
) -> None:
    row = _wrapped_up(sara, offer)
    otto = make_user(teams=(queue.team,))
    foreign = Disposition.objects.create(name="Of another queue", queue=make_queue())
    for verb in ("done", "extend"):
        assert client_of(otto).post(f"/routing/wrapups/{row.pk}/{verb}/", **HTMX).status_code == 404
    refused = client_of(sara).post(f"/routing/wrapups/{row.pk}/done/", {"disposition": foreign.pk}, **HTMX)
    assert refused.status_code == 422
    row.refresh_from_db()
    assert row.done_at is None


# --- next, passing on, colleagues ----------------------------------------------------------------------------------------
def test_next_takes_what_waits_to_be_pulled_and_says_when_nothing_does() -> None:
    queue = make_queue()
    agent, item = make_ready(queue.team), make_waiting(queue)
    client = client_of(agent)

    taken = client.post("/routing/next/", **HTMX)
    nothing = client.post("/routing/next/", **HTMX)

    assert f'data-number="{item.ticket.number}"' in taken.content.decode()
    item.ticket.refresh_from_db()
    assert item.ticket.owner == agent
    assert nothing.status_code == 422
    assert "Nothing waits that you could take now." in nothing.content.decode()


def test_the_dialog_names_colleagues_with_state_and_load_and_ones_own_other_queues(queue: Queue, sara: User) -> None:
    make_ready(queue.team, name="Lea Ready")
    make_user(teams=(queue.team,), name="Olaf Offline")
    make_queue(queue.team, name="Billing")
    make_queue(name="Not ours")
    make_ready(make_team(), name="Otto Other")
    address = f"/routing/tickets/{make_waiting(queue).ticket.number}/transfer/"

    page = client_of(sara).get(address, **HTMX).content.decode()
    found = client_of(sara).get(address, {"q": "olaf"}, **HTMX, HTTP_HX_TRIGGER_NAME="q").content.decode()

    assert page.index("Lea Ready") < page.index("Olaf Offline")
    assert "Billing" in page
    assert "Not ours" not in page
    assert "Otto Other" not in page
    assert "Olaf Offline" in found
    assert "Lea Ready" not in found
    assert "<dialog" not in found


def test_passing_on_wants_a_reason_and_the_reason_comes_first(queue: Queue, sara: User, offer: Offer) -> None:
    lea = make_ready(queue.team, name="Lea Ready")
    client, ticket = client_of(sara), offer.item.ticket
    client.post(f"/routing/offers/{offer.pk}/accept/", **HTMX)
    address = f"/routing/tickets/{ticket.number}/transfer/"

    assert client.post(address, {"to": f"agent-{lea.pk}", "why": " "}, **HTMX).status_code == 422
    assert client.post(address, {"why": "Nobody named"}, **HTMX).status_code == 422
    passed = client.post(address, {"to": f"agent-{lea.pk}", "why": "Knows docks."}, **HTMX)

    assert passed.status_code == 200
    ticket.refresh_from_db()
    assert ticket.owner == lea
    event = TicketEvent.objects.get(ticket=ticket, kind=Kind.TRANSFERRED)
    assert sentence(event, "en") == "“Knows docks.”: Sara Agent passed the ticket on to Lea Ready."
    assert Message.objects.filter(ticket=ticket, audience="internal", text="Knows docks.").count() == 1


def test_passing_on_to_a_queue_keeps_the_place_and_a_stranger_finds_no_dialog(queue: Queue, sara: User) -> None:
    billing, item = make_queue(queue.team, name="Billing"), make_waiting(queue)
    address = f"/routing/tickets/{item.ticket.number}/transfer/"
    stranger = make_ready(make_team())
    assert client_of(stranger).get(address, **HTMX).status_code == 404
    foreign = make_queue()
    assert client_of(sara).post(address, {"to": f"queue-{foreign.pk}", "why": "x"}, **HTMX).status_code == 404

    passed = client_of(sara).post(address, {"to": f"queue-{billing.pk}", "why": "An invoice."}, **HTMX)

    assert passed.status_code == 200
    moved = WorkItem.objects.get()
    assert (moved.queue, moved.vtime, moved.state) == (billing, item.vtime, WorkItem.State.WAITING)


def test_colleagues_are_shown_with_the_state_routing_knows(queue: Queue, sara: User) -> None:
    lea = make_ready(queue.team, name="Lea Ready")
    set_agent_state(user=lea, actor=Actor.of(lea), state=AgentState.NOT_READY, reason=reason("coaching"))
    make_user(teams=(queue.team,), name="Olaf Offline")

    page = client_of(sara).get("/routing/colleagues/").content.decode()

    assert "Not ready: Coaching" in page
    assert page.count("<bdi>Offline</bdi>") == 0


# --- heartbeats ----------------------------------------------------------------------------------------------------------
def test_a_silent_agent_is_lost_and_the_first_beat_brings_back_what_he_was(sara: User) -> None:
    AgentPresence.objects.filter(user=sara).update(seen_at=now() - timedelta(seconds=26))
    assert sweep_lost_agents() == [sara.pk]
    assert "Connection lost" in bar(sara)

    beat(user=User(pk=sara.pk))

    assert AgentPresence.objects.get(user=sara).state == AgentState.READY
