"""Finds messages by their words, and with them tickets. Called by helpdesk.queries.inbox and helpdesk.queries.suggestions.

The newest HITS_AT_MOST hits are ranked. A rare word is looked up in the index of words; a common one, of which the index would
give half of all messages, is looked for message by message, newest first, which ends soon because it is common. Of a rare
word and a common one only the rare one is looked up. Neither way reads more than some tens of thousands of rows: where that
was not enough, the answer says how far back it went and can be asked to go on. The door is shut three times: customers find
nothing, the index itself knows the queue of a message, and each hit's ticket must be in the caller's `tickets`, made by
`visible_to(actor)`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from helpdesk.models import Actor, ActorKind, Queue, Ticket
from helpdesk.now import now
from helpdesk.search.query import Question
from helpdesk.search.vectors import all_of, any_of, queue_word, quoted

HITS_AT_MOST = 1_000
#: Words with more hits than this are looked for message by message: reading 15,000 scattered rows takes half as long as
#: reading the newest 40,000 in their order, more where they lie on a disk.
_SCATTERED_AT_MOST = 15_000
#: The index knows the words of a phrase but not their order, so that more rows are read than have it.
_SCATTERED_FOR_PHRASES = 5_000
#: For the beginning of a word the index collects the places of all longer words first, about seven a microsecond. Beyond this
#: many, words are not looked up, but looked for in the rows that the others found.
_COLLECTED_AT_MOST = 250_000
#: Rows so few that no further word needs to narrow them.
_FEW_ROWS = 1_000
#: Newest messages read one by one for one answer.
_WALKED_AT_MOST = 40_000
#: Newest messages in which the words are counted where the statistics cannot be trusted.
_SAMPLED = 4_000
#: What the statistics say of a word they do not know, with some room (DEFAULT_TS_MATCH_SEL of PostgreSQL is 0.005).
_UNKNOWN_SHARE = 0.006
#: Tickets few enough to read all their messages instead.
_FEW_TICKETS = 2_500
#: After this many days a hit counts half.
_HALF_AFTER_DAYS = 180


@dataclass(frozen=True)
class Hit:
    """The best message of a ticket, and how well it fits."""

    ticket_id: int
    message_id: int
    at: datetime
    score: float


@dataclass(frozen=True)
class Reach:
    """Where a search ended that did not read everything: it goes on with what is older."""

    at: datetime
    message_id: int


@dataclass(frozen=True)
class Found:
    """Hits, best first, one a ticket. `is_cut`: only the newest HITS_AT_MOST were ranked. `reach`: older rows are unread."""

    hits: tuple[Hit, ...] = ()
    is_cut: bool = False
    reach: Reach | None = None


@dataclass(frozen=True)
class Limits:
    """How much one search may read."""

    hits: int = HITS_AT_MOST
    scattered: int = _SCATTERED_AT_MOST
    phrases: int = _SCATTERED_FOR_PHRASES
    walked: int = _WALKED_AT_MOST
    collected: int = _COLLECTED_AT_MOST


LIMITS = Limits()


@dataclass(frozen=True)
class _Raw:
    message_id: int
    ticket_id: int
    at: datetime


@dataclass(frozen=True)
class Spans:
    """The times between which a message was written: `after` is counted in, `before` is not."""

    after: datetime | None = None
    before: datetime | None = None
    beyond: Reach | None = None

    def sql(self) -> tuple[str, list[Any]]:
        """As conditions on the rows."""
        parts: list[str] = ["true"]
        values: list[Any] = []
        if self.after:
            parts.append("at >= %s")
            values.append(self.after)
        if self.before:
            parts.append("at < %s")
            values.append(self.before)
        if self.beyond:
            parts.append("(at, message_id) < (%s, %s)")
            values.extend((self.beyond.at, self.beyond.message_id))
        return " AND ".join(parts), values


def find(
    actor: Actor,
    question: Question,
    tickets: QuerySet[Ticket],
    *,
    spans: Spans | None = None,
    is_narrow: bool = False,
    weight: str = "",
    limits: Limits | None = None,
    is_ranked: bool = True,
) -> Found:
    """The messages that answer `question` in `tickets` (visible ones only), best first.

    `is_narrow` says that `tickets` are fewer than the actor may see; `weight` narrows to parts of rows, as
    helpdesk.search.vectors gives them. Without `is_ranked` the newest is first.
    """
    spans, limits = spans or Spans(), limits or LIMITS
    if actor.kind == ActorKind.CUSTOMER or not (question.terms or spans.after or spans.before or spans.beyond):
        return Found()
    words = question.tsquery(weight)
    stand = ""
    if not actor.sees_everything:
        queues = Queue.objects.visible_to(actor).values_list("pk", flat=True)
        stands = [quoted(queue_word(queue)) for queue in queues]
        if not stands:
            return Found()
        stand = any_of(stands)
        words = all_of([stand, *([words] if words else [])])
    try:
        door = None if actor.sees_everything and not is_narrow else _door(tickets)
    except EmptyResultSet:
        return Found()
    if question.has_phrases:
        limits = replace(limits, scattered=min(limits.phrases, limits.scattered))
    wanted = tuple(
        _Wanted(term.tsquery(), term.is_open, len(term.words) > 1)  # the index knows nothing of weights
        for term in question.terms
        if not term.is_negated
    )
    search = _Search(words, wanted, stand, spans, door, limits)
    raw, reach = search.run(tickets if is_narrow else None)
    if spans.beyond is not None:
        raw = search.unseen(raw)
    return Found(_ranked(raw, question.for_rank() if is_ranked else ""), len(raw) >= limits.hits, reach)


def _door(tickets: QuerySet[Ticket]) -> tuple[str, tuple[Any, ...]]:
    """The condition that the ticket of the row `h` is one of `tickets`, asked row by row, so that few rows ask seldom."""
    one = tickets.order_by().filter(pk=RawSQL("h.ticket_id", [])).values_list("pk")
    sql, values = one.query.sql_with_params()
    return f"({sql}) IS NOT NULL", values


@dataclass(frozen=True)
class _Wanted:
    """A term that must be there, as PostgreSQL reads it."""

    words: str
    is_open: bool
    is_phrase: bool


@dataclass
class _Search:
    """One search: chooses its way, and stays within its limits.

    `wanted` are the terms that must be there, `stand` the queues in one of which the message must be.
    """

    words: str
    wanted: tuple[_Wanted, ...]
    stand: str
    spans: Spans
    door: tuple[str, tuple[Any, ...]] | None
    limits: Limits

    def run(self, few: QuerySet[Ticket] | None) -> tuple[list[_Raw], Reach | None]:
        """The newest hits; and where it ended, if not at the end."""
        lookup = self.lookup()
        if lookup and (scattered := self.scattered(lookup)) is not None:
            return scattered, None
        if few is not None:
            keys = list(few.order_by().values_list("pk", flat=True)[: _FEW_TICKETS + 1])
            if len(keys) <= _FEW_TICKETS:
                return self.of_tickets(keys), None
        return self.walked()

    def lookup(self) -> str:
        """What to ask the index of words for: the rarest words; nothing where that would give too much."""
        enough = self.limits.scattered
        if not self.wanted or enough < 0:
            return ""
        rows = max(_rows.count(), 1)
        stand = [self.stand] if self.stand else []
        counts = self.expected([*(term.words for term in self.wanted), *stand])
        known = sorted(zip(counts, self.wanted, strict=False), key=lambda row: row[0])
        chosen: list[_Wanted] = []
        collected, expected = 0, float(min(counts[-1], rows) if stand else rows)
        for count, term in known:
            collected += count if term.is_open else 0
            if chosen and (expected <= _FEW_ROWS or collected > self.limits.collected):
                break
            chosen.append(term)
            expected *= min(count / rows, 1.0)
        if expected > max(enough * 4, rows * _UNKNOWN_SHARE):
            return ""
        lookup = all_of([*stand, *(term.words for term in chosen)])
        # of several words it is known how common each is, but not whether they go together
        is_guess = bool(len(chosen) > 1 or stand or chosen[0].is_phrase)
        if expected > (enough / 4 if is_guess else enough) and self.sampled(lookup) * rows > enough:
            return ""
        return lookup

    def expected(self, queries: Sequence[str]) -> list[int]:
        """How many rows PostgreSQL's statistics expect for each of the queries."""
        one = "SELECT 1 FROM helpdesk_searchrow WHERE words @@ %s::tsquery"
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {' UNION ALL '.join([one] * len(queries))}", list(queries))
            plan = cursor.fetchone()[0]
        top = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
        plans = top["Plans"] if len(queries) > 1 else [top]
        return [int(plan["Plan Rows"]) for plan in plans]

    def sampled(self, words: str) -> float:
        """The share of the newest rows that have the words."""
        size = min(_SAMPLED, self.limits.walked)
        if size <= 0:
            return 1.0
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT count(*) FROM (
                    SELECT words FROM helpdesk_searchrow ORDER BY at DESC, message_id DESC LIMIT %s
                ) newest WHERE words @@ %s::tsquery
                """,
                [size, words],
            )
            return float(cursor.fetchone()[0] / size)

    def unseen(self, raw: Sequence[_Raw]) -> list[_Raw]:
        """Without the tickets that had a hit before the search went on beyond its reach: they were shown there."""
        if not raw or self.spans.beyond is None:
            return list(raw)
        span, times = replace(self.spans, beyond=None).sql()
        matching, values = self._matching()
        beyond = self.spans.beyond
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                SELECT DISTINCT ticket_id FROM helpdesk_searchrow
                WHERE ticket_id = ANY(%s) AND (at, message_id) >= (%s, %s) AND {matching} AND {span}
                """,  # noqa: S608
                [list({row.ticket_id for row in raw}), beyond.at, beyond.message_id, *values, *times],
            )
            seen = {key for (key,) in cursor.fetchall()}
        return [row for row in raw if row.ticket_id not in seen]

    def _matching(self) -> tuple[str, list[Any]]:
        return ("words @@ %s::tsquery", [self.words]) if self.words else ("true", [])

    def _passing(self) -> tuple[str, tuple[Any, ...]]:
        return self.door or ("true", ())

    def scattered(self, lookup: str) -> list[_Raw] | None:
        """By the index of words. None when there are more hits than expected."""
        (door, values), (span, times) = self._passing(), self.spans.sql()
        matching, words = self._matching() if lookup != self.words else ("true", [])
        cap = self.limits.scattered * 4 // 3
        with connection.cursor() as cursor:
            # the parts are ours and the ORM's; all values go as parameters
            cursor.execute(
                f"""
                WITH found AS MATERIALIZED (
                    SELECT message_id, ticket_id, at, {matching} AS has FROM helpdesk_searchrow
                    WHERE words @@ %s::tsquery LIMIT %s
                ), read AS MATERIALIZED (SELECT count(*) AS count FROM found), sorted AS MATERIALIZED (
                    SELECT message_id, ticket_id, at FROM found WHERE has AND {span} AND (SELECT count FROM read) < %s
                    ORDER BY at DESC, message_id DESC
                )
                SELECT NULL::bigint, NULL::bigint, NULL::timestamptz, count FROM read
                UNION ALL
                (SELECT message_id, ticket_id, at, 0 FROM sorted h WHERE {door} LIMIT %s)
                """,  # noqa: S608
                [*words, lookup, cap, *times, cap, *values, self.limits.hits],
            )
            (*_none, read), *rows = cursor.fetchall()
        return [_Raw(*row[:3]) for row in rows] if read < cap else None

    def of_tickets(self, keys: Sequence[int]) -> list[_Raw]:
        """All messages of a few tickets."""
        span, times = self.spans.sql()
        matching, values = self._matching()
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                SELECT message_id, ticket_id, at FROM helpdesk_searchrow
                WHERE ticket_id = ANY(%s) AND {matching} AND {span} ORDER BY at DESC, message_id DESC LIMIT %s
                """,  # noqa: S608
                [list(keys), *values, *times, self.limits.hits],
            )
            return [_Raw(*row) for row in cursor.fetchall()]

    def walked(self) -> tuple[list[_Raw], Reach | None]:
        """Message by message, newest first, until there are enough hits."""
        (door, values), (span, times) = self._passing(), self.spans.sql()
        matching, words = self._matching()
        newest = f"FROM helpdesk_searchrow WHERE {span} ORDER BY at DESC, message_id DESC"
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                SELECT message_id, ticket_id, at FROM (SELECT message_id, ticket_id, at, words {newest} LIMIT %s) h
                WHERE {matching} AND {door} ORDER BY at DESC, message_id DESC LIMIT %s
                """,  # noqa: S608
                [*times, self.limits.walked, *words, *values, self.limits.hits],
            )
            found = [_Raw(*row) for row in cursor.fetchall()]
            if len(found) >= self.limits.hits:
                return found, None
            cursor.execute(
                f"SELECT at, message_id {newest} LIMIT 1 OFFSET %s",
                [*times, max(self.limits.walked - 1, 0)],
            )
            last = cursor.fetchone()
        return found, Reach(*last) if last else None


class _Rows:
    """How many rows there are, as PostgreSQL last counted them; asked each minute."""

    def __init__(self) -> None:
        self.known, self.until = 0, 0.0

    def count(self) -> int:
        """About how many."""
        if monotonic() >= self.until:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'helpdesk_searchrow'::regclass"
                )
                self.known, self.until = cursor.fetchone()[0], monotonic() + 60
        return self.known


_rows = _Rows()


def _ranked(raw: Sequence[_Raw], query: str) -> tuple[Hit, ...]:
    """The best hit of each ticket, best first: by how well it fits, and the newer the better."""
    scores: dict[int, float] = {}
    if query and raw:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT message_id, ts_rank(words, %s::tsquery) FROM helpdesk_searchrow WHERE message_id = ANY(%s)",
                [query, [row.message_id for row in raw]],
            )
            scores = dict(cursor.fetchall())
    today = now()
    best: dict[int, Hit] = {}
    for row in raw:
        age = max(0.0, (today - row.at).total_seconds() / 86_400)
        score = scores.get(row.message_id, 1.0) / (1 + age / _HALF_AFTER_DAYS)
        known = best.get(row.ticket_id)
        if known is None or score > known.score:
            best[row.ticket_id] = Hit(row.ticket_id, row.message_id, row.at, score)
    return tuple(sorted(best.values(), key=lambda hit: (-hit.score, -hit.message_id)))
