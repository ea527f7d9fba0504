"""The search page: operators, hits marked and escaped, paging, how far it looks; and suggestions while somebody types."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client

from helpdesk.actions.assignment import assign_ticket
from helpdesk.actions.conversation import note
from helpdesk.actions.lifecycle import set_status
from helpdesk.actions.search_index import index_messages
from helpdesk.actions.triage import classify_ticket
from helpdesk.models import Actor, Message, Status, Ticket
from helpdesk.now import now
from helpdesk.queries import search
from helpdesk.queries.found import FoundPage, found_page
from helpdesk.queries.inbox import TicketFilter
from tests.factories import World, make_customer, make_ticket

TODAY = date(2026, 11, 22)


def page_of(actor: Actor, text: str, cursor: str = "", size: int = 30) -> FoundPage:
    """A page of hits."""
    door = Ticket.objects.visible_to(actor)
    return found_page(actor, TicketFilter(text=text), cursor, size, door=door, today=TODAY)


def subjects(actor: Actor, text: str) -> list[str]:
    """What is found, sorted."""
    return sorted(row.subject for row in page_of(actor, text).tickets)


@pytest.fixture
def dated(world: World, agent: Actor) -> None:
    """Three tickets about wheels: open and old, resolved and mine, tagged."""
    old = make_ticket(world.queue_a, subject="Wheel A", text="wheel")
    mine = make_ticket(world.queue_a, subject="Wheel B", text="wheel")
    tagged = make_ticket(world.queue_a, subject="Wheel C", text="wheel")
    assign_ticket(ticket=mine, actor=agent, owner=world.agent)
    set_status(ticket=mine, actor=agent, status=Status.RESOLVED)
    classify_ticket(ticket=tagged, actor=agent, add_tags=["Late payment"])
    past = now() - timedelta(days=400)
    Message.objects.filter(ticket=old).update(created_at=past)
    wheels = Message.objects.filter(ticket__in=[old, mine, tagged])
    people = {"sender_name": "Wheelwright", "sender_email": "wheelwright@axle.example"}
    wheels.update(**people, recipients=[{"name": "Workshop", "email": "workshop@halden.example"}])
    index_messages(list(wheels.values_list("pk", flat=True)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wheel", "ABC"),
        ("wheel status:resolved", "B"),
        ("wheel status:new,resolved", "ABC"),
        ("wheel -status:resolved", "AC"),
        ("wheel status:unfinished", "AC"),
        ("wheel owner:me", "B"),
        ("wheel owner:sara", "B"),
        ("wheel owner:nobody", "AC"),
        ('wheel tag:"late payment"', "C"),
        ("wheel -tag:'late'", "ABC"),
        ("wheel queue:hard", "ABC"),
        ("wheel after:30d", "BC"),
        ("wheel before:30d", "A"),
        ("status:resolved", "B"),
        ("owner:me tag:nothing", ""),
        # each operator alone
        ("from:wheelwright", "ABC"),
        ("from:wheelwright@axle.example", "ABC"),
        ("to:workshop", "ABC"),
        ("-from:wheelwright queue:hard after:400d", ""),
        ('tag:"late payment"', "C"),
        ("owner:me", "B"),
        ("queue:hard status:resolved,new", "ABC"),
        ("before:30d", "A"),
        ("after:30d", "BC"),
        ("on:2019-01-01", ""),
    ],
)
def test_operators_narrow_what_words_find(agent: Actor, dated: None, text: str, expected: str) -> None:
    wheels = [subject for subject in subjects(agent, text) if subject.startswith("Wheel")]

    assert wheels == [f"Wheel {letter}" for letter in expected]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("wheel after:soon", "“soon” is not a date"),
        ("wheel status:blue", "There is no status “blue”"),
        ("wheel queue:Billing", "None of your queues is called “Billing”"),
        ("wheel tag:nothing", "There is no tag “nothing”"),
        ("wheel owner:nemo", "Nobody here is called “nemo”"),
        ("wheel from:", "“from:” stands alone"),
        ("from:", "“from:” stands alone"),
        ("to:", "“to:” stands alone"),
        ("tag:", "“tag:” stands alone"),
        ("queue:", "“queue:” stands alone"),
        ("owner:", "“owner:” stands alone"),
        ("status:,", "“status:” stands alone"),
        ("before:", "“before:” stands alone"),
        ("from:!!", "“!!” is no name or address for “from:”"),
        ("before:31-31", "“31-31” is not a date for “before:”"),
        ("on:2026-02-30", "“2026-02-30” is not a date for “on:”"),
        ("status:blue", "There is no status “blue”"),
        ("tag:nothing", "There is no tag “nothing”"),
    ],
)
def test_an_operator_that_means_nothing_is_told_in_a_sentence(
    agent_client: Client, dated: None, text: str, sentence: str
) -> None:
    answer = agent_client.get("/inbox/search/", {"q": text})

    assert answer.status_code == 200
    assert sentence in answer.content.decode()


def test_hits_are_marked_and_everything_else_is_escaped(world: World, agent_client: Client) -> None:
    make_ticket(world.queue_a, subject="<b>Sprocket</b> & co", text="The <i>sprocket</i> <script>alert(1)</script>")

    page = agent_client.get("/inbox/search/", {"q": "sprock"}).content.decode()

    assert "&lt;b&gt;<mark>Sprocket</mark>&lt;/b&gt; &amp; co" in page
    assert "The &lt;i&gt;<mark>sprocket</mark>&lt;/i&gt;" in page
    assert "<script>alert" not in page


def test_the_best_hit_of_a_ticket_shows_its_words(world: World, agent: Actor) -> None:
    note(ticket=world.ticket, actor=agent, text="The camshaft is bent.")

    page = page_of(agent, "camshaft")

    assert "".join(p.text for p in page.marks[world.ticket.pk].snippet) == "The camshaft is bent."


def test_a_word_in_the_subject_ranks_above_one_in_the_text(world: World, agent: Actor) -> None:
    make_ticket(world.queue_a, subject="Flywheel worn", text="Look.")
    make_ticket(world.queue_a, subject="Other", text="It has a flywheel, I think.")

    assert [row.subject for row in page_of(agent, "flywheel").tickets] == ["Flywheel worn", "Other"]


def test_pages_follow_without_gap_or_repetition_while_new_mail_arrives(world: World, agent: Actor) -> None:
    for n in range(5):
        make_ticket(world.queue_a, subject=f"Piston {n}")

    seen, cursor = [], ""
    for _page in range(3):
        page = page_of(agent, "piston", cursor, size=2)
        seen += [row.subject for row in page.tickets]
        cursor = page.next_cursor
        make_ticket(world.queue_a, subject="Piston late")

    assert sorted(seen) == [f"Piston {n}" for n in range(5)]
    assert cursor == ""


def test_a_cursor_that_is_not_ours_begins_at_the_top(world: World, agent: Actor) -> None:
    for cursor in ("x", "1~2", "-1~2026-01-01T00:00:00+00:00", "0~2026-01-01T00:00:00", "~" * 9):
        assert [row.number for row in page_of(agent, "dock", cursor).tickets] == [world.ticket.number]


def test_a_search_that_ends_early_says_so_and_goes_on(
    world: World, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LIMITS", search.Limits(scattered=-1, walked=3))
    for n in range(7):
        ticket = make_ticket(world.queue_a, subject=f"Gasket {n}")
        note(ticket=ticket, actor=agent, text="a gasket again")

    seen: list[str] = []
    cursor, reached = "", []
    for _page in range(20):
        page = page_of(agent, "gasket", cursor)
        seen += [row.subject for row in page.tickets]
        reached.append(page.reached_at is not None)
        cursor = page.next_cursor
        if not cursor:
            break

    assert sorted(seen) == [f"Gasket {n}" for n in range(7)]
    assert reached[0]
    assert not reached[-1]


@pytest.mark.parametrize("scattered", [-1, 100_000])
def test_both_ways_of_looking_find_the_same(
    world: World, agent: Actor, dated: None, monkeypatch: pytest.MonkeyPatch, scattered: int
) -> None:
    monkeypatch.setattr(search, "LIMITS", search.Limits(scattered=scattered, phrases=scattered))

    assert subjects(agent, "wheel") == ["Wheel A", "Wheel B", "Wheel C"]
    assert subjects(agent, '"wheel c" status:new') == ["Wheel C"]
    assert subjects(agent, "wheel after:30d -status:resolved") == ["Wheel C"]
    assert subjects(agent, "charged") == []
    assert subjects(agent, "after:30d -wheel") == [world.ticket.subject]


def titles(client: Client, text: str) -> dict[str, list[str]]:
    """What is offered, by group."""
    groups = client.get("/inbox/find/", {"q": text}).json()["groups"]
    return {group["title"]: [item["title"] for item in group["items"]] for group in groups}


def test_suggestions_are_tickets_customers_and_views(world: World, agent_client: Client) -> None:
    make_ticket(world.queue_a, make_customer("hanna@wolff.example", "Hanna Wolff"), subject="Hardened steel")
    agent_client.post("/views/", {"name": "Hard cases", "status": "open"})

    offered = titles(agent_client, "har")

    assert [title.partition(" ")[2] for title in offered["Tickets"]] == ["Hardened steel"]
    assert offered["Views"] == ["Hard cases", "Hardware"]
    assert titles(agent_client, "wol")["Customers"] == ["Hanna Wolff"]
    assert titles(agent_client, "hanna@wo")["Customers"] == ["Hanna Wolff"]
    assert titles(agent_client, str(world.ticket.number))["Tickets"] == [
        f"#{world.ticket.number} {world.ticket.subject}"
    ]
    begun = titles(agent_client, str(world.ticket.number)[:-1])["Tickets"]
    assert f"#{world.ticket.number} {world.ticket.subject}" in begun


@pytest.mark.parametrize("text", ["bob", "bob@shop", "charged", "billing", "foreign"])
def test_suggestions_tell_nothing_of_other_teams(world: World, agent_client: Client, text: str) -> None:
    assert titles(agent_client, text) == {}


@pytest.mark.parametrize("text", ["", " ", "&|!", "from:", "status:open", "'", "\x00", "x" * 500])
def test_anything_typed_gets_an_answer(world: World, agent_client: Client, text: str) -> None:
    assert titles(agent_client, text) == {}


def test_suggestions_lead_to_what_they_name(world: World, agent_client: Client) -> None:
    groups = agent_client.get("/inbox/find/", {"q": "ann"}).json()["groups"]
    urls = [item["url"] for group in groups for item in group["items"]]

    assert urls == [f"/customers/{world.customer.public_id}/"]
    assert world.ticket.subject in agent_client.get(urls[0]).content.decode()
