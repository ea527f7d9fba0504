"""The desk's dialogs for joining and parting, over HTTP as the script asks: what they offer, do, ask and refuse."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from helpdesk.actions.conversation import note
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.linking import link_tickets
from helpdesk.actions.merging import merge_tickets
from helpdesk.models import Actor, Draft, LinkKind, Message, Status, Ticket, TicketLink
from tests.factories import World, make_customer, make_ticket

pytestmark = pytest.mark.django_db
_PARTIAL = {"HX-Request": "true"}


@pytest.fixture
def second(world: World) -> Ticket:
    """Another ticket of the same customer."""
    return make_ticket(world.queue_a, world.customer, subject="Dock again", text="It still does not charge.")


def _get(client: Client, path: str) -> Any:
    return client.get(path, headers=_PARTIAL)


def _post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, headers=_PARTIAL)


def _offered(response: Any) -> list[int]:
    return [int(n) for n in re.findall(r'name="(?:other|target)" value="(\d+)"', response.content.decode())]


def _undo_of(response: Any) -> str:
    found = re.search(r'action="(/undo/[^"]*)"', response.content.decode())
    assert found, response.content.decode()
    return found[1].replace("&amp;", "&")


def test_the_dialog_offers_the_customers_other_tickets_open_ones_first(
    world: World, agent: Actor, agent_client: Client, second: Ticket
) -> None:
    third = make_ticket(world.queue_a, world.customer, subject="Done long ago")
    set_status(ticket=third, actor=agent, status=Status.CLOSED)
    spam = make_ticket(world.queue_a, world.customer)
    set_status(ticket=spam, actor=agent, status=Status.SPAM)
    make_ticket(world.queue_b, world.customer)
    page = _get(agent_client, f"/tickets/{world.ticket.number}/merge/")
    assert _offered(page) == [second.number, third.number]


@pytest.mark.parametrize(
    ("typed", "finds"),
    [("again", ["second"]), ("#{second}", ["second"]), ("{other}", ["other"]), ("{foreign}", []), ("nothing", [])],
)
def test_suggestions_come_by_words_of_the_customers_tickets_and_by_any_number_one_may_see(
    world: World, agent_client: Client, second: Ticket, typed: str, finds: list[str]
) -> None:
    tickets = {"second": second, "other": make_ticket(world.queue_a), "foreign": world.foreign}
    text = typed.format(**{name: ticket.number for name, ticket in tickets.items()})
    page = agent_client.get(f"/tickets/{world.ticket.number}/merge/found/", {"q": text}, headers=_PARTIAL)
    assert _offered(page) == [tickets[name].number for name in finds]
    assert "Charged twice" not in page.content.decode()


def test_what_was_chosen_stays_offered_while_one_types_on(world: World, agent_client: Client, second: Ticket) -> None:
    other = make_ticket(world.queue_a)
    page = _get(agent_client, f"/tickets/{world.ticket.number}/merge/found/?q={other.number}&other={second.number}")
    assert _offered(page) == [second.number, other.number]
    assert f'value="{second.number}" checked' in page.content.decode()


def test_merging_answers_with_the_messages_and_an_address_to_take_it_back(
    world: World, agent_client: Client, second: Ticket
) -> None:
    path = f"/tickets/{world.ticket.number}/"
    response = _post(agent_client, f"{path}merge/", other=second.number, survivor="here", seq=world.ticket.seq)
    text = response.content.decode()
    assert response.status_code == 200
    assert "It still does not charge." in text
    assert 'id="timeline"' in text
    assert f"#{second.number}" in text
    undone = agent_client.post(_undo_of(response), headers=_PARTIAL)
    assert (undone.status_code, undone["HX-Trigger"]) == (200, "inbox-changed, ticket-changed")
    second.refresh_from_db()
    assert second.merged_into is None


def test_swapped_the_other_survives_and_takes_the_place_of_the_page(
    world: World, agent_client: Client, second: Ticket
) -> None:
    response = _post(agent_client, f"/tickets/{world.ticket.number}/merge/", other=second.number, survivor="there")
    world.ticket.refresh_from_db()
    assert world.ticket.merged_into == second
    assert f'data-number="{second.number}"' in response.content.decode()


def test_a_typed_number_is_enough(world: World, agent_client: Client, second: Ticket) -> None:
    _post(agent_client, f"/tickets/{world.ticket.number}/merge/", q=f"#{second.number}")
    second.refresh_from_db()
    assert second.merged_into == world.ticket


def test_different_customers_are_asked_about_and_confirmed(world: World, agent_client: Client) -> None:
    other = make_ticket(world.queue_a, make_customer(name="Cara Else"))
    path = f"/tickets/{world.ticket.number}/merge/"
    asked = _post(agent_client, path, other=other.number)
    assert asked.status_code == 409
    assert "Cara Else" in asked.content.decode()
    assert 'name="confirmed"' in asked.content.decode()
    assert _post(agent_client, path, other=other.number, confirmed="1").status_code == 200


@pytest.mark.parametrize("which", ["foreign", "missing"])
def test_a_ticket_one_may_not_see_is_refused_like_one_that_is_not_there(
    world: World, agent_client: Client, which: str
) -> None:
    number = world.foreign.number if which == "foreign" else 999_999
    for path, body in (("merge", {"other": number}), ("links", {"other": number, "kind": "related"})):
        response = _post(agent_client, f"/tickets/{world.ticket.number}/{path}/", **body)
        assert response.status_code == 404
        assert f"There is no ticket #{number} that you may see." in response.content.decode()
    assert not TicketLink.objects.exists()


def test_the_address_of_a_merged_ticket_leads_to_the_survivor_and_says_so(
    world: World, agent: Actor, agent_client: Client, second: Ticket
) -> None:
    third = make_ticket(world.queue_a, world.customer)
    merge_tickets(survivor=second, sources=[third], actor=agent)
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    response = agent_client.get(f"/tickets/{third.number}/?in=team", follow=True)
    assert response.redirect_chain == [(f"/tickets/{world.ticket.number}/?in=team&from={third.number}", 302)]
    assert f"#{third.number} was merged into this ticket" in response.content.decode()
    itself = agent_client.get(f"/tickets/{third.number}/?itself=1")
    assert itself.status_code == 200
    assert f"This ticket was merged into #{world.ticket.number}" in itself.content.decode()


def test_of_a_survivor_one_may_not_see_nothing_is_shown(world: World, agent_client: Client, second: Ticket) -> None:
    merge_tickets(survivor=world.foreign, sources=[second], actor=Actor.of(world.admin), confirmed=True)
    response = agent_client.get(f"/tickets/{second.number}/")
    text = response.content.decode()
    assert response.status_code == 200
    assert "merged into one you may not see" in text
    assert "Charged twice" not in text


def test_a_page_that_looks_on_hears_of_the_merge_with_the_whole_timeline(
    world: World, agent: Actor, agent_client: Client, second: Ticket
) -> None:
    seen = {t.number: Ticket.objects.get(pk=t.pk).seq for t in (world.ticket, second)}
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    here = _get(agent_client, f"/tickets/{world.ticket.number}/changes/?after={seen[world.ticket.number]}")
    assert "It still does not charge." in here.content.decode()
    away = _get(agent_client, f"/tickets/{second.number}/changes/?after={seen[second.number]}")
    assert 'id="merged-away"' in away.content.decode()
    assert "It still does not charge." not in re.sub(r"<aside.*?</aside>", "", away.content.decode(), flags=re.S)


def test_who_went_on_writing_in_the_merged_ticket_is_told_and_finds_his_words_in_the_survivor(
    world: World, agent: Actor, agent_client: Client, second: Ticket
) -> None:
    merge_tickets(survivor=world.ticket, sources=[second], actor=agent)
    words = {"mode": "reply", "text": "Half a sentence", "to": "ann@shop.example"}
    _post(agent_client, f"/tickets/{second.number}/draft/", **words)
    refused = _post(agent_client, f"/tickets/{second.number}/send/", **words)
    assert refused.status_code == 422
    assert f"#{second.number} was merged into #{world.ticket.number}" in refused.content.decode()
    page = agent_client.get(f"/tickets/{second.number}/", follow=True)
    assert "Half a sentence" in page.content.decode()
    assert Draft.objects.get().ticket == world.ticket


def test_parting_is_offered_on_both_pages_and_done(
    world: World, agent: Actor, agent_client: Client, second: Ticket
) -> None:
    for page in (second, world.ticket):
        merge_tickets(survivor=world.ticket, sources=[Ticket.objects.get(pk=second.pk)], actor=agent)
        shown = agent_client.get(f"/tickets/{page.number}/?itself=1").content.decode()
        assert f'action="/tickets/{second.number}/unmerge/"' in shown
        response = _post(agent_client, f"/tickets/{second.number}/unmerge/", page=page.number)
        assert response.status_code == 200
        assert f"#{second.number} is a ticket of its own again." in response.content.decode()
        second.refresh_from_db()
        assert second.merged_into is None
    again = _post(agent_client, f"/tickets/{second.number}/unmerge/")
    assert (again.status_code, "not merged" in again.content.decode()) == (422, True)


def test_selected_tickets_are_merged_from_the_list_and_the_merge_is_taken_back(
    world: World, agent_client: Client, second: Ticket
) -> None:
    third = make_ticket(world.queue_a, world.customer)
    numbers = [world.ticket.number, second.number, third.number]
    dialog = agent_client.get("/bulk/merge/", {"number": [*numbers, world.foreign.number]}, headers=_PARTIAL)
    text = dialog.content.decode()
    assert f'name="survivor" value="{world.ticket.number}" checked' in text
    assert str(world.foreign.number) not in text
    response = _post(agent_client, "/bulk/merge/", number=numbers, survivor=second.number)
    assert "2 tickets are merged" in response.content.decode()
    assert set(Ticket.objects.filter(merged_into=second)) == {world.ticket, third}
    agent_client.post(_undo_of(response), headers=_PARTIAL)
    assert not Ticket.objects.filter(merged_into__isnull=False).exists()
    assert _get(agent_client, f"/bulk/merge/?number={second.number}").status_code == 422


def test_messages_are_split_off_and_moved_from_the_dialog(
    world: World, agent: Actor, agent_client: Client, second: Ticket
) -> None:
    chosen = note(ticket=world.ticket, actor=agent, text="Belongs elsewhere")
    path = f"/tickets/{world.ticket.number}/part/"
    dialog = _get(agent_client, f"{path}?message={chosen.public_id}").content.decode()
    assert f'value="{chosen.public_id}" checked' in dialog
    response = _post(agent_client, path, message=str(chosen.public_id), to="new", subject="Its own")
    chosen.refresh_from_db()
    assert chosen.ticket.subject == "Its own"
    agent_client.post(_undo_of(response), headers=_PARTIAL)
    chosen.refresh_from_db()
    assert chosen.ticket == world.ticket
    response = _post(agent_client, path, message=str(chosen.public_id), to="ticket", target=second.number)
    assert "1 message moved" in response.content.decode()
    chosen.refresh_from_db()
    assert chosen.ticket == second
    refused = _post(agent_client, f"/tickets/{world.ticket.number}/part/", to="new")
    assert (refused.status_code, "Choose at least one" in refused.content.decode()) == (422, True)


def test_messages_of_another_ticket_cannot_be_named(world: World, agent_client: Client) -> None:
    foreign = Message.objects.filter(ticket=world.foreign)[0]
    response = _post(agent_client, f"/tickets/{world.ticket.number}/part/", message=str(foreign.public_id), to="new")
    assert response.status_code == 422
    foreign.refresh_from_db()
    assert foreign.ticket == world.foreign


def test_links_are_made_shown_both_ways_with_the_share_done_and_removed(
    world: World, agent: Actor, agent_client: Client, second: Ticket
) -> None:
    third = make_ticket(world.queue_a, world.customer, subject="Third part")
    path = f"/tickets/{world.ticket.number}/"
    for other in (second, third):
        assert _post(agent_client, f"{path}links/", other=other.number, kind="parent").status_code == 200
    set_status(ticket=second, actor=agent, status=Status.RESOLVED)
    link_tickets(ticket=world.ticket, other=world.foreign, kind=LinkKind.RELATED, actor=Actor.of(world.admin))
    page = agent_client.get(path).content.decode()
    assert "Its parts: 1 of 2 done" in page
    assert "Charged twice" not in page
    assert "This ticket is part of" in agent_client.get(f"/tickets/{third.number}/").content.decode()
    response = _post(agent_client, f"{path}unlink/", other=second.number, kind="child", is_here="1")
    assert "Its parts: 0 of 1 done" in response.content.decode()
    agent_client.post(_undo_of(response), headers=_PARTIAL)
    assert "Its parts: 1 of 2 done" in agent_client.get(path).content.decode()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("status", {"status": "on_hold"}),
        ("owner", {"owner": "me"}),
        ("priority", {"priority": "4"}),
        ("tags", {"add": "dock"}),
    ],
)
def test_each_small_change_carries_its_undo(
    world: World, agent_client: Client, path: str, body: dict[str, str]
) -> None:
    response = _post(agent_client, f"/tickets/{world.ticket.number}/{path}/", **body)
    undone = agent_client.post(_undo_of(response), headers=_PARTIAL)
    assert (undone.status_code, "Taken back." in undone.content.decode()) == (200, True)
    ticket = Ticket.objects.get(pk=world.ticket.pk)
    assert (ticket.owner, ticket.priority, ticket.tags.count(), ticket.status) in [
        (None, 2, 0, "new"),
        (None, 2, 0, "open"),
    ]


def test_nobody_takes_back_what_another_did(world: World, agent_client: Client, manager_client: Client) -> None:
    response = _post(agent_client, f"/tickets/{world.ticket.number}/status/", status="on_hold")
    assert manager_client.post(_undo_of(response), headers=_PARTIAL).status_code == 422
    assert manager_client.post("/undo/?c=1.x.2&c=9.9.9", headers=_PARTIAL).status_code == 422
    assert Ticket.objects.get(pk=world.ticket.pk).status == Status.ON_HOLD
