"""One page of what the search box finds, as a list of tickets with the hits marked. Called by helpdesk.views.inbox."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime

from django.db.models import QuerySet
from django.db.models.functions import Left

from helpdesk.models import Actor, Message, Ticket
from helpdesk.now import now
from helpdesk.queries.inbox import PAGE_SIZE, ListRow, Page, TicketFilter, list_rows, listed, narrowed
from helpdesk.queries.operators import narrowed_by, start_of, with_me
from helpdesk.queries.search import Hit, Reach, Spans, find
from helpdesk.search.marks import Piece, marked, snippet
from helpdesk.search.normalise import fold
from helpdesk.search.query import Question, found_words, parse

_TEXT_AT_MOST = 20_000


@dataclass(frozen=True)
class Marks:
    """The subject and some words of a ticket, hits apart."""

    subject: list[Piece]
    snippet: list[Piece]


@dataclass(frozen=True)
class FoundPage(Page):
    """A page of hits.

    `problems` are sentences about operators that mean nothing; `is_cut` says that only the newest hits were ranked, and
    `reached_at` that messages from before this time have not been read: the next page goes on with them.
    """

    marks: dict[int, Marks] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    is_cut: bool = False
    reached_at: datetime | None = None


@dataclass(frozen=True)
class _Cursor:
    """Where a page begins: after `offset` tickets of the hits before `until`, in the messages beyond `reach`."""

    offset: int
    until: datetime
    reach: Reach | None = None

    def __str__(self) -> str:
        reach = f"~{self.reach.at.isoformat()}~{self.reach.message_id}" if self.reach else ""
        return f"{self.offset}~{self.until.isoformat()}{reach}"


def found_page(
    actor: Actor,
    wanted: TicketFilter,
    cursor: str = "",
    size: int = PAGE_SIZE,
    *,
    door: QuerySet[Ticket],
    today: date,
) -> FoundPage:
    """The tickets of `door` (those the actor may see) that fit the filter and its text, best first.

    Text of operators only is a plain list, newest first. Never raises for anything typed, and begins at the top for a
    cursor that is not ours.
    """
    question = with_me(parse(wanted.text, today=today), actor)
    filters = replace(wanted, text="")
    fitting = narrowed_by(question, narrowed(door, filters, actor), actor)
    if not (question.terms or question.after or question.before):
        if question.is_empty:
            return FoundPage([], "", problems=fitting.problems)
        page = listed(fitting.tickets, filters, cursor, size)
        return FoundPage(page.tickets, page.next_cursor, problems=fitting.problems)
    at = _decoded(cursor) or _Cursor(0, now())
    before = start_of(question.before)
    spans = Spans(start_of(question.after), min(before, at.until) if before else at.until, at.reach)
    is_narrow = bool(filters.is_narrow or question.named or question.number)
    found = find(actor, question, fitting.tickets, spans=spans, is_narrow=is_narrow)
    hits = list(found.hits)
    if at.reach is None and (numbered := _numbered(wanted.text, fitting.tickets)) is not None:
        hits = [numbered, *(hit for hit in hits if hit.ticket_id != numbered.ticket_id)]
    here = hits[at.offset : at.offset + size]
    following = ""
    if len(hits) > at.offset + size:
        following = str(replace(at, offset=at.offset + size))
    elif found.reach is not None:
        following = str(_Cursor(0, at.until, found.reach))
    rows = {row.pk: row for row in list_rows(fitting.tickets.filter(pk__in=[hit.ticket_id for hit in here]))}
    tickets = [rows[hit.ticket_id] for hit in here if hit.ticket_id in rows]
    return FoundPage(
        tickets,
        following,
        marks=_marks(tickets, here, question),
        problems=fitting.problems,
        is_cut=found.is_cut,
        reached_at=found.reach.at if found.reach else None,
    )


def _numbered(text: str, tickets: QuerySet[Ticket]) -> Hit | None:
    """The ticket of a number typed without its sign: it stands before the hits of the word."""
    digits = fold(text.strip())
    if not digits.isdecimal() or len(digits) > 18:
        return None
    row = tickets.filter(number=int(digits)).values_list("pk", "opened_at").first()
    return Hit(row[0], 0, row[1], 1.0) if row else None


def _marks(tickets: list[ListRow], hits: list[Hit], question: Question) -> dict[int, Marks]:
    words = found_words(question.terms)
    messages = Message.objects.filter(pk__in=[hit.message_id for hit in hits])
    texts = dict(messages.values_list("pk", Left("reply_text", _TEXT_AT_MOST)))
    said = {hit.ticket_id: texts.get(hit.message_id, "") for hit in hits}
    return {row.pk: Marks(marked(row.subject, words), snippet(said[row.pk] or row.snippet, words)) for row in tickets}


def _decoded(cursor: str) -> _Cursor | None:
    parts = cursor.split("~")
    try:
        offset, until = int(parts[0]), datetime.fromisoformat(parts[1])
        reach = Reach(datetime.fromisoformat(parts[2]), int(parts[3])) if len(parts) == 4 else None
    except (ValueError, IndexError):
        return None
    if until.tzinfo is None or offset < 0 or (reach and reach.at.tzinfo is None):
        return None
    return _Cursor(min(offset, 10_000), until, reach)
