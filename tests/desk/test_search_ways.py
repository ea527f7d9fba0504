"""Whatever way a search takes, it finds what reading every message would find: an oracle in Python against each way."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date

import pytest

from helpdesk.actions.conversation import note
from helpdesk.actions.lifecycle import set_status
from helpdesk.models import Actor, Status, Ticket
from helpdesk.queries import search
from helpdesk.queries.found import found_page
from helpdesk.queries.inbox import TicketFilter
from tests.factories import World, make_ticket

TODAY = date(2026, 11, 22)
#: Each word stands in every so many of the texts: from common to rare, and one that never stands with another.
EVERY = {"gasket": 1, "gaskets": 4, "piston": 2, "pistonring": 6, "camshaft": 3, "flywheel": 11, "sprocket": 17}
QUESTIONS = (
    "gasket",
    "piston",
    "sprocket",
    "gasket piston",
    "piston camshaft",
    "sprocket gasket",
    "sprocket piston camshaft",
    "flywheel sprocket",
    "gaskets -piston",
    "-gasket",
    "flywheel -camshaft -pistonring",
    '"gasket piston"',
    '"camshaft flywheel" gask',
    "nothing gasket",
)


def text_of(number: int) -> str:
    """The text of the message of this number."""
    return " ".join(word for word, every in EVERY.items() if number % every == 0) or "empty"


def has(text: str, question: str) -> bool:
    """What a question asks of a text, said the slow way."""
    words = text.split()
    if question.startswith('"'):
        phrase, _quote, rest = question[1:].partition('"')
        first, second = phrase.split()
        together = any(pair == (first, second) for pair in itertools.pairwise(words))
        return together and all(has(text, part) for part in rest.split())
    for part in question.split():
        begun = any(word.startswith(part.removeprefix("-")) for word in words)
        if begun == part.startswith("-"):
            return False
    return True


@pytest.fixture
def engines(world: World, agent: Actor) -> dict[str, tuple[str, ...]]:
    """Tickets by their subject, each with the texts of its messages; every third is resolved, every fourth another team's."""
    texts: dict[str, tuple[str, ...]] = {}
    for number in range(1, 37):
        subject = f"Engine {number}"
        queue = world.queue_b if number % 4 == 0 else world.queue_a
        ticket = make_ticket(queue, subject=subject, text=text_of(number))
        if queue is world.queue_a:
            note(ticket=ticket, actor=agent, text=text_of(number + 100))
            texts[subject] = (text_of(number), text_of(number + 100))
            if number % 3 == 0:
                set_status(ticket=ticket, actor=agent, status=Status.RESOLVED)
    return texts


WAYS = {
    "message by message": search.Limits(scattered=-1),
    "the index alone": search.Limits(scattered=10_000, phrases=10_000, collected=10_000_000),
    "the rarest word in the index, the others in its rows": search.Limits(collected=0),
    "the index gives more than was expected": search.Limits(scattered=3, phrases=3),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("counts", ["as they are", "too low", "too high"])
def test_every_way_of_looking_finds_what_reading_everything_finds(
    engines: dict[str, tuple[str, ...]], agent: Actor, monkeypatch: pytest.MonkeyPatch, way: str, counts: str
) -> None:
    expected = search._Search.expected
    guesses = {"as they are": expected, "too low": _always(1), "too high": _always(5_000_000)}
    monkeypatch.setattr(search, "LIMITS", WAYS[way])
    monkeypatch.setattr(search, "_FEW_ROWS", 0)
    monkeypatch.setattr(search._Search, "expected", guesses[counts])

    for question in QUESTIONS:
        for narrow in ("", " -status:resolved"):
            found = {row.subject for row in _page(agent, question + narrow) if row.subject.startswith("Engine")}
            wanted = {subject for subject, texts in engines.items() if any(has(text, question) for text in texts)}
            if narrow:
                resolved = set(Ticket.objects.filter(status=Status.RESOLVED).values_list("subject", flat=True))
                wanted -= resolved
            assert found == wanted, question + narrow


def _always(count: int) -> object:
    def expected(_search: search._Search, queries: Sequence[str]) -> list[int]:
        return [count] * len(queries)

    return expected


def _page(actor: Actor, text: str) -> Sequence[Ticket]:
    door = Ticket.objects.visible_to(actor)
    return found_page(actor, TicketFilter(text=text), "", 100, door=door, today=TODAY).tickets  # type: ignore[return-value]  # its rows are annotated tickets


def test_hits_of_a_status_are_found_though_the_index_gives_more_rows_than_it_may(
    world: World, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the index gives first may all be shut behind the door: the search then goes message by message."""
    for number in range(12):
        make_ticket(world.queue_a, subject=f"Crankcase {number}")
    wanted = make_ticket(world.queue_a, subject="Crankcase, the one")
    set_status(ticket=wanted, actor=agent, status=Status.RESOLVED)
    monkeypatch.setattr(search, "LIMITS", search.Limits(scattered=6))
    monkeypatch.setattr(search, "_FEW_TICKETS", 0)

    assert [row.subject for row in _page(agent, "crankcase status:resolved")] == ["Crankcase, the one"]
