"""The ticket lists: who sees what, paging by keyset, counts, search, saved views, selected tickets."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from helpdesk.actions.assignment import assign_ticket
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import SYSTEM, Actor, SavedView, Ticket
from helpdesk.queries import counts
from helpdesk.queries.counts import counts_of
from helpdesk.queries.filters import TicketFilter
from helpdesk.queries.inbox import ListRow, inbox_page
from tests.factories import World, make_ticket, make_user

PARTIAL = {"HX-Request": "true"}
ACTIVE = TicketFilter(statuses=("new", "open"))


def _numbers(tickets: list[ListRow]) -> list[int]:
    return [t.number for t in tickets]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_view_takes_the_same_queries_with_one_row_and_with_three(
    world: World, agent_client: Client, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    for _ in range(rows - 1):
        assign_ticket(ticket=make_ticket(world.queue_a), actor=SYSTEM, owner=world.agent)
    agent_client.get("/inbox/team/", headers=PARTIAL)  # the first page after signing in also dates the session
    with django_assert_num_queries(9):
        page = agent_client.get("/inbox/team/", headers=PARTIAL).content.decode()
    assert page.count('<li class="row"') == rows


def test_an_agent_sees_the_tickets_of_his_teams_and_no_others(world: World, agent_client: Client) -> None:
    page = agent_client.get("/inbox/team/").content.decode()
    assert "The dock does not charge" in page
    assert "Charged twice" not in page


def test_a_manager_sees_all_queues(world: World, manager_client: Client) -> None:
    page = manager_client.get("/inbox/team/").content.decode()
    assert "The dock does not charge" in page
    assert "Charged twice" in page


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("{number}", True),
        ("#{number}", True),
        ("{foreign}", False),
        ("ann@shop.example", True),
        ("ANN@shop.example", True),
        ("bob@shop.example", False),
        ("example ann", True),
        ("Bob Foreign", False),
        ("dock CHARGE", True),
        ("twice", False),
        ("no such words", False),
    ],
)
def test_search_finds_numbers_addresses_names_and_subjects_within_what_one_may_see(
    world: World, agent_client: Client, words: str, found: bool
) -> None:
    words = words.format(number=world.ticket.number, foreign=world.foreign.number)
    page = agent_client.get("/inbox/search/", {"q": words}).content.decode()
    assert ('<li class="row"' in page) is found
    assert "Charged twice" not in page


def test_pages_follow_each_other_without_gap_or_repeat_even_when_times_are_equal(world: World, agent: Actor) -> None:
    for _ in range(6):
        make_ticket(world.queue_a)
    Ticket.objects.update(rank_at=world.ticket.opened_at, changed_at=world.ticket.opened_at)
    for wanted in (ACTIVE, TicketFilter(queue=world.queue_a.pk)):
        seen: list[int] = []
        cursor = ""
        for _ in range(10):
            page = inbox_page(agent, wanted, cursor, size=2)
            seen += _numbers(page.tickets)
            cursor = page.next_cursor
            if not cursor:
                break
        assert sorted(seen) == sorted(Ticket.objects.filter(queue=world.queue_a).values_list("number", flat=True))
        assert len(seen) == len(set(seen))


def test_a_cursor_nobody_gave_begins_at_the_top(world: World, agent: Actor) -> None:
    assert _numbers(inbox_page(agent, ACTIVE, "nonsense~x").tickets) == [world.ticket.number]


def test_the_longest_waiting_customer_stands_first(world: World, agent: Actor) -> None:
    later = make_ticket(world.queue_a)
    assert _numbers(inbox_page(agent, ACTIVE).tickets) == [world.ticket.number, later.number]


def test_counts_stop_at_the_cap_and_know_the_walls(
    world: World, agent: Actor, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(counts, "COUNT_CAP", 3)
    for _ in range(5):
        make_ticket(world.queue_a)
    mine = TicketFilter(statuses=("new", "open"), owner="me")
    foreign = TicketFilter(queue=world.queue_b.pk)
    by_mail = TicketFilter(statuses=("new", "open"), channel="api")
    agent.team_ids()
    with django_assert_num_queries(2):
        found = counts_of(agent, [ACTIVE, mine, foreign, by_mail, TicketFilter(text="dock")])
    assert found == [6, 0, 0, 3, None]


def test_somebody_without_a_team_counts_nothing(world: World) -> None:
    assert counts_of(Actor.of(make_user()), [ACTIVE]) == [0]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=new", True),
        ("status=resolved", False),
        ("owner=none", True),
        ("owner=me", False),
        ("priority=3", True),
        ("priority=1", True),
        ("priority=4", False),
        ("tag=BROKEN", True),
        ("tag=other", False),
        ("channel=api", True),
        ("channel=chat", False),
        ("status=nonsense&priority=x&queue=-1&owner=you&channel=smoke", True),
    ],
)
def test_filters_narrow_and_nonsense_does_not(world: World, agent_client: Client, query: str, found: bool) -> None:
    classify_ticket(ticket=world.ticket, actor=SYSTEM, priority=3, add_tags=["broken"])
    page = agent_client.get(f"/inbox/search/?{query}").content.decode()
    assert ('<li class="row"' in page) is found


def test_somebody_elses_view_does_not_exist(world: World, agent_client: Client) -> None:
    theirs = SavedView.objects.create(owner=world.other_agent, name="Secret", filters={"priority": 3})
    assert agent_client.get(f"/inbox/saved-{theirs.pk}/").status_code == 404
    assert agent_client.post(f"/views/{theirs.pk}/", {"delete": "1"}).status_code == 404
    assert "Secret" not in agent_client.get("/inbox/team/").content.decode()


def test_rows_alone_come_with_fresh_counts(world: World, agent_client: Client) -> None:
    answer = agent_client.get("/inbox/team/rows/", headers=PARTIAL)
    assert answer.headers["HX-Merge"] == "1"
    assert 'id="nav-body"' in answer.content.decode()
    assert f'id="row-{world.ticket.number}"' in answer.content.decode()


def test_people_start_where_their_work_is(world: World, agent_client: Client, manager_client: Client) -> None:
    assert agent_client.get("/").headers["Location"] == "/inbox/needs-me/"
    assert manager_client.get("/").headers["Location"] == "/inbox/team/"
