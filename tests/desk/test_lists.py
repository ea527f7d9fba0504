"""What each view and condition holds, in which order, and what a list costs however deep it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from helpdesk.actions.assignment import assign_ticket, move_ticket
from helpdesk.actions.conversation import reply
from helpdesk.actions.drafts import save_draft
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import (
    SYSTEM,
    Actor,
    Customer,
    CustomField,
    IssueType,
    Mention,
    Organisation,
    Participant,
    SavedView,
    Ticket,
    TicketRead,
)
from helpdesk.now import now
from helpdesk.queries.filters import TicketFilter
from helpdesk.queries.inbox import inbox_page
from tests.factories import World, make_customer, make_ticket

PARTIAL = {"HX-Request": "true"}


def _shown(actor: Actor, wanted: TicketFilter, size: int = 50) -> list[int]:
    """All numbers of a list, read page by page."""
    found: list[int] = []
    cursor = ""
    while True:
        page = inbox_page(actor, wanted, cursor, size)
        found += [row.number for row in page.tickets]
        if not (cursor := page.next_cursor):
            return found


def _mention(world: World, ticket: Ticket, minutes: int) -> None:
    message = ticket.messages.get()
    Mention.objects.create(user=world.agent, ticket=ticket, message=message, at=now() + timedelta(minutes=minutes))


def test_mentions_show_the_unseen_first_and_count_only_those(world: World, agent: Actor, agent_client: Client) -> None:
    tickets = [make_ticket(world.queue_a) for _ in range(4)]
    for minutes, ticket in enumerate(tickets):
        _mention(world, ticket, minutes - 60)
    for ticket in tickets[2:]:
        TicketRead.objects.create(user=world.agent, ticket=ticket, seq=1, at=now())
    _mention(world, world.foreign, 0)
    newest_first = [tickets[n].number for n in (1, 0, 3, 2)]
    assert _shown(agent, TicketFilter(only="mentions")) == newest_first
    assert _shown(agent, TicketFilter(only="mentions"), size=1) == newest_first
    page = agent_client.get("/inbox/mentions/").content.decode()
    assert page.index("Not seen yet") < page.index("<h3>Seen</h3>")
    assert '<span class="zone-head__sub">2</span>' in page
    assert _shown(Actor.of(world.lead), TicketFilter(only="mentions")) == []


def test_ones_own_lists_hold_what_is_ones_own_and_still_to_be_seen(world: World, agent: Actor) -> None:
    lead = Actor.of(world.lead)
    second = make_ticket(world.queue_a)
    Participant.objects.create(ticket=second, user=world.agent, added_at=now())
    Participant.objects.create(ticket=world.foreign, user=world.agent, added_at=now())
    save_draft(ticket=world.ticket, actor=agent, mode="note", text="Half a senten")
    Ticket.objects.filter(pk=second.pk).update(mailbox=world.mailbox)
    reply(
        ticket=Ticket.objects.select_related("queue").get(pk=world.ticket.pk),
        actor=agent,
        text="Tomorrow.",
        send_at=now() + timedelta(days=1),
    )
    expected = {"following": [second.number], "drafts": [world.ticket.number], "scheduled": [world.ticket.number]}
    assert {only: _shown(agent, TicketFilter(only=only)) for only in expected} == expected
    assert {only: _shown(lead, TicketFilter(only=only)) for only in expected} == {only: [] for only in expected}


def test_deadlines_stand_in_their_order_and_breached_are_those_gone_by(world: World, agent: Actor) -> None:
    tickets = [make_ticket(world.queue_a) for _ in range(3)]
    for ticket, hours in zip(tickets, (5, -2, -1), strict=True):
        due = now() + timedelta(hours=hours)
        Ticket.objects.filter(pk=ticket.pk).update(due_at=due, rank_at=due)
    order = [tickets[n].number for n in (1, 2, 0)]
    assert _shown(agent, TicketFilter(only="deadline"), size=1) == order
    assert _shown(agent, TicketFilter(only="breached")) == order[:2]


def test_unread_is_what_others_wrote_since_one_looked(world: World, agent: Actor) -> None:
    read, own = make_ticket(world.queue_a), make_ticket(world.queue_a)
    for ticket in (read, own):
        TicketRead.objects.create(user=world.agent, ticket=ticket, seq=Ticket.objects.get(pk=ticket.pk).seq, at=now())
    assign_ticket(ticket=own, actor=agent, owner=world.agent)
    assert _shown(agent, TicketFilter(unread=True)) == [world.ticket.number]


@pytest.mark.parametrize("order", ["deadline", "wait", "change", "new"])
def test_every_order_pages_without_gap_or_repeat(world: World, agent: Actor, order: str) -> None:
    tickets = [world.ticket, *(make_ticket(world.queue_a) for _ in range(7))]
    at = now()
    for n, ticket in enumerate(tickets):
        moment = at - timedelta(hours=n // 2)
        Ticket.objects.filter(pk=ticket.pk).update(
            rank_at=moment, changed_at=moment, opened_at=moment, waiting_since_at=moment if n % 3 else None
        )
    wanted = TicketFilter(statuses=("new", "open"), sort=order)
    whole = _shown(agent, wanted)
    assert sorted(whole) == sorted(t.number for t in tickets)
    for size in (1, 2, 3):
        assert _shown(agent, wanted, size) == whole
    rows = {row.number: row for row in inbox_page(agent, wanted).tickets}
    if order == "wait":
        waits = [rows[n].waiting_since_at for n in whole]
        ended = waits.index(None)
        assert waits[:ended] == sorted(w for w in waits if w)
        assert set(waits[ended:]) == {None}
    else:
        column, falls = {"deadline": ("rank_at", False), "change": ("changed_at", True), "new": ("opened_at", True)}[
            order
        ]
        times = [getattr(rows[n], column) for n in whole]
        assert times == sorted(times, reverse=falls)


def _conditions(world: World) -> dict[str, tuple[TicketFilter, TicketFilter]]:
    """Condition -> a filter that holds for the ticket of the test below, and one that does not."""
    kind, other = IssueType.objects.get(name="Charging"), IssueType.objects.get(name="Other")
    return {
        "team": (TicketFilter(team=world.team_a.pk), TicketFilter(team=world.team_b.pk)),
        "owner": (TicketFilter(owner=str(world.agent.pk)), TicketFilter(owner="none")),
        "tags": (TicketFilter(tags=("x", "BROKEN")), TicketFilter(tags=("x",))),
        "untagged": (TicketFilter(), TicketFilter(untagged=True)),
        "priority": (TicketFilter(priority=3), TicketFilter(priority=4)),
        "tier": (TicketFilter(tier="gold"), TicketFilter(tier="vip")),
        "organisation": (TicketFilter(organisation="hald"), TicketFilter(organisation="alden")),
        "language": (TicketFilter(language="de"), TicketFilter(language="fr")),
        "issue_type": (TicketFilter(issue_type=kind.parent_id), TicketFilter(issue_type=other.pk)),
        "older": (TicketFilter(older=24), TicketFilter(older=72)),
        "newer": (TicketFilter(newer=72), TicketFilter(newer=24)),
        "waiting": (TicketFilter(waiting=4), TicketFilter(waiting=8)),
        "fields": (TicketFilter(fields=(("colour", "RED"),)), TicketFilter(fields=(("colour", "blue"),))),
    }


def test_each_condition_keeps_what_it_says_and_nothing_else(world: World, agent: Actor) -> None:
    parent = IssueType.objects.create(name="Power")
    kind = IssueType.objects.create(name="Charging", parent=parent)
    IssueType.objects.create(name="Other")
    CustomField.objects.create(on="ticket", key="colour", label="Colour")
    firm = Organisation.objects.create(name="Halden Labs")
    Customer.objects.filter(pk=world.customer.pk).update(organisation=firm, tier="gold")
    assign_ticket(ticket=world.ticket, actor=SYSTEM, owner=world.agent)
    classify_ticket(ticket=world.ticket, actor=SYSTEM, priority=3, add_tags=["broken"], issue_type=kind)
    Ticket.objects.filter(pk=world.ticket.pk).update(
        language="de",
        fields={"colour": "red"},
        opened_at=now() - timedelta(hours=48),
        waiting_since_at=now() - timedelta(hours=6),
    )
    for name, (holds, fails) in _conditions(world).items():
        assert _shown(agent, holds) == [world.ticket.number], name
        assert _shown(agent, fails) == [], name


def test_no_condition_reaches_through_the_wall(world: World, agent: Actor) -> None:
    for wanted in (
        TicketFilter(queue=world.queue_b.pk),
        TicketFilter(team=world.team_b.pk),
        TicketFilter(owner=str(world.other_agent.pk)),
        TicketFilter(sort="new"),
    ):
        assert world.foreign.number not in _shown(agent, wanted)


def test_an_order_can_be_chosen_for_a_view_and_leads_back_to_it(world: World, agent_client: Client) -> None:
    page = agent_client.get("/inbox/team/?sort=new").content.decode()
    assert f"/tickets/{world.ticket.number}/?in=team&amp;sort=new" in page
    assert "<h3>Today</h3>" in page
    assert "<h3>Waiting since today</h3>" in agent_client.get("/inbox/team/").content.decode()


def test_headings_do_not_repeat_from_page_to_page(world: World, agent: Actor, agent_client: Client) -> None:
    make_ticket(world.queue_a)
    first = inbox_page(agent, TicketFilter(statuses=("new", "open")), size=1)
    address = {"in": "team", "after": first.next_cursor}
    anew = agent_client.get("/inbox/team/rows/", address).content.decode()
    onward = agent_client.get("/inbox/team/rows/", {**address, "group": "wait-today"}).content.decode()
    assert [page.count('<li class="row"') for page in (anew, onward)] == [1, 1]
    assert [page.count("rows__head") for page in (anew, onward)] == [1, 0]


@pytest.mark.parametrize(
    "slug", ["needs-me", "mine", "mentions", "following", "deadline", "breached", "drafts", "scheduled"]
)
def test_an_empty_view_says_what_to_do_and_where_to_go(world: World, agent_client: Client, slug: str) -> None:
    page = agent_client.get(f"/inbox/{slug}/").content.decode()
    box = page.partition('id="rows"')[2].partition("</section>")[0]
    assert 'class="empty"' in box
    assert 'class="btn btn--sm"' in box


@pytest.mark.parametrize("rows", [1, 3])
def test_saved_views_and_conditions_cost_no_query_each(
    world: World, agent_client: Client, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    for n in range(rows):
        SavedView.objects.create(owner=world.agent, name=f"View {n}", filters={"statuses": ["new"], "tags": [f"t{n}"]})
        make_ticket(world.queue_a, make_customer())
        _mention(world, Ticket.objects.latest("pk"), -n)
    view = SavedView.objects.earliest("pk")
    agent_client.get(f"/inbox/saved-{view.pk}/", headers=PARTIAL)
    with django_assert_num_queries(7):
        agent_client.get(f"/inbox/saved-{view.pk}/", headers=PARTIAL)
    with django_assert_num_queries(10):  # an order of two parts reads the second one too
        page = agent_client.get("/inbox/mentions/", headers=PARTIAL).content.decode()
    assert page.count('<li class="row"') == rows


def test_a_ticket_that_moved_away_is_in_no_view_of_ones_own(world: World, agent: Actor) -> None:
    Participant.objects.create(ticket=world.ticket, user=world.agent, added_at=now())
    move_ticket(ticket=world.ticket, actor=SYSTEM, queue=world.queue_b)
    assert _shown(agent, TicketFilter(only="following")) == []
