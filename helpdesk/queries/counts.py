"""The numbers beside the views: sums of kept counts (models.TicketCount) and, for other filters, counts that stop at a cap.

All numbers of a person come in one statement. Kept counts are exact and cost the same at any size; the capped ones are made
only where the database need not look far. Called by queries/shelves.py; the sweep by flow.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from helpdesk.models import UNFINISHED, Actor, Queue, Status, Ticket
from helpdesk.now import now
from helpdesk.queries.filters import TicketFilter
from helpdesk.queries.inbox import narrowed

#: Capped counts stop here; every count is shown as "99+" from here on.
COUNT_CAP = 100
#: So many filters of a page may be counted by looking; further ones go without a number.
_LOOKED_AT_MOST = 6
_PATIENCE_MILLISECONDS = 500
_UNFINISHED = frozenset(str(status) for status in UNFINISHED)
_ALL = tuple(str(status) for status in Status.values)

# One row of the answer: the queue, the status, whose (0 nobody, a wanted key, -1 anybody else), how many.
_KEPT = """
    SELECT coalesce(json_agg(json_build_array(queue_id, status, whose, n)), '[]') FROM (
        SELECT queue_id, status,
               CASE WHEN owner_id IS NULL THEN 0 WHEN owner_id = ANY(%(owners)s) THEN owner_id ELSE -1 END AS whose,
               sum(n) AS n
        FROM helpdesk_ticketcount WHERE status = ANY(%(statuses)s) AND (%(all)s OR queue_id = ANY(%(queues)s))
        GROUP BY 1, 2, 3
    ) AS kept
"""
# The lists of one person and of the clock, all over one reading of tickets: planned one by one they took longer than running.
_OWN = """
    SELECT coalesce(json_object_agg(list, n), '{}') FROM (
        SELECT list, count(*) AS n FROM (
            (SELECT 'mentions' AS list, m.ticket_id FROM helpdesk_mention AS m
             LEFT JOIN helpdesk_ticketread AS r ON r.ticket_id = m.ticket_id AND r.user_id = m.user_id
             WHERE m.user_id = %(me)s GROUP BY m.ticket_id, r.at HAVING r.at IS NULL OR r.at < max(m.at) LIMIT %(most)s)
            UNION ALL (SELECT 'following', ticket_id FROM helpdesk_participant WHERE user_id = %(me)s LIMIT %(most)s)
            UNION ALL (SELECT 'drafts', ticket_id FROM helpdesk_draft WHERE user_id = %(me)s AND text <> ''
                       GROUP BY ticket_id LIMIT %(most)s)
            UNION ALL (SELECT 'scheduled', o.ticket_id FROM helpdesk_outgoingmail AS o
                       JOIN helpdesk_message AS m ON m.id = o.message_id
                       WHERE o.state = 'scheduled' AND m.author_user_id = %(me)s GROUP BY o.ticket_id LIMIT %(most)s)
        ) AS mine JOIN helpdesk_ticket AS t ON t.id = mine.ticket_id
        WHERE %(all)s OR t.queue_id = ANY(%(queues)s) GROUP BY list
        UNION ALL SELECT unnest(ARRAY['deadline', 'breached']), unnest(ARRAY[count(*), count(*) FILTER (WHERE due_at < %(now)s)])
        FROM (SELECT due_at FROM helpdesk_ticket WHERE status IN ('new', 'open') AND due_at IS NOT NULL
              AND (%(all)s OR queue_id = ANY(%(queues)s)) ORDER BY due_at LIMIT %(most)s) AS due
    ) AS lists
"""
#: More than the cap, so that a few tickets of other teams among them do not matter.
_OWN_MOST = 4 * COUNT_CAP
_FOLD = """
    WITH many AS (
        SELECT queue_id, owner_id, status FROM helpdesk_ticketcount GROUP BY 1, 2, 3 HAVING count(*) > 1
    ), gone AS (
        DELETE FROM helpdesk_ticketcount AS t USING many
        WHERE t.queue_id = many.queue_id AND t.owner_id IS NOT DISTINCT FROM many.owner_id AND t.status = many.status
        RETURNING t.queue_id, t.owner_id, t.status, t.n
    ), kept AS (
        INSERT INTO helpdesk_ticketcount (queue_id, owner_id, status, n)
        SELECT queue_id, owner_id, status, sum(n) FROM gone GROUP BY 1, 2, 3 HAVING sum(n) <> 0
    )
    SELECT count(*) FROM gone
"""


@dataclass(frozen=True)
class _Kept:
    """What of the kept counts a filter adds up. `owner` is a key, 0 for nobody, None for everybody."""

    statuses: tuple[str, ...]
    queues: frozenset[int] | None
    owner: int | None


def counts_of(
    actor: Actor,
    filters: Sequence[TicketFilter],
    *,
    door: QuerySet[Ticket] | None = None,
    queues: Iterable[Queue] | None = None,
) -> list[int | None]:
    """How many tickets each filter has, in one statement: exact, or up to COUNT_CAP; None where counting would cost.

    `queues` are all queues the actor sees, inactive ones too, where the caller has read them already (else one query more).
    """
    seen = list(Queue.objects.visible_to(actor).only("team_id") if queues is None else queues)
    kept = {place: part for place, wanted in enumerate(filters) if (part := _kept_part(wanted, actor, seen))}
    own = {
        place: wanted.only
        for place, wanted in enumerate(filters)
        if wanted.only and wanted == TicketFilter(only=wanted.only)
    }
    base = Ticket.objects.visible_to(actor) if door is None else door
    looked = _looked(base, filters, {*kept, *own}, actor)
    parts: list[str] = []
    values: dict[str, Any] = {
        "owners": sorted({part.owner for part in kept.values() if part.owner}),
        "statuses": sorted({status for part in kept.values() for status in part.statuses}),
        "all": actor.sees_everything,
        "queues": [queue.pk for queue in seen],
        "me": actor.id if actor.user is not None else None,
        "now": now(),
        "most": _OWN_MOST,
    }
    for place, (statement, params) in looked.items():
        names = [f"v{place}_{n}" for n in range(len(params))]
        values.update(zip(names, params, strict=True))
        # the ORM wrote the statement; its values go as parameters
        parts.append(f"(SELECT count(*) FROM ({statement % tuple(f'%({name})s' for name in names)}) AS c{place})")  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join([*parts, f'({_KEPT})', f'({_OWN})' if own else 'NULL'])}", values)
        *capped, rows, lists = cursor.fetchone()
    counts: list[int | None] = [None] * len(filters)
    for place, count in zip(looked, capped, strict=True):
        counts[place] = count
    for place, name in own.items():
        counts[place] = int(lists.get(name, 0))
    for place, part in kept.items():
        counts[place] = sum(
            n
            for queue, status, whose, n in rows
            if status in part.statuses
            and (part.queues is None or queue in part.queues)
            and (part.owner is None or whose == part.owner)
        )
    return counts


def count_of(actor: Actor, wanted: TicketFilter, *, door: QuerySet[Ticket]) -> int | None:
    """The number of one filter while it is being built: as `counts_of`, else looked for during half a second, else None."""
    if wanted.text:
        return None
    known = counts_of(actor, [wanted], door=door)[0]
    if known is not None:
        return known
    statement = _counting(door, _door_words(door), wanted, actor)
    if statement is None:
        return 0
    sql, values = statement
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(_PATIENCE_MILLISECONDS)])
            cursor.execute(f"SELECT count(*) FROM ({sql}) AS c", values)  # noqa: S608
            return int(cursor.fetchone()[0])
    except OperationalError:
        return None


def _kept_part(wanted: TicketFilter, actor: Actor, seen: Sequence[Queue]) -> _Kept | None:
    """How the kept counts answer the filter; None when they cannot."""
    if not wanted.is_kept:
        return None
    queues: frozenset[int] | None = None
    if wanted.team is not None:
        queues = frozenset(queue.pk for queue in seen if queue.team_id == wanted.team)
    if wanted.queue is not None:
        queues = frozenset({wanted.queue}) if queues is None else queues & {wanted.queue}
    owner = 0 if wanted.owner == "none" else actor.id if wanted.owner == "me" else int(wanted.owner or 0) or None
    return _Kept(wanted.statuses or _ALL, queues, owner)


def _is_near(wanted: TicketFilter) -> bool:
    """Whether counting to the cap ends soon: among unfinished tickets, or among what belongs to one person."""
    if wanted.text or wanted.fields or wanted.organisation:
        return False
    return bool(wanted.only) or (bool(wanted.statuses) and set(wanted.statuses) <= _UNFINISHED)


def _looked(
    base: QuerySet[Ticket], filters: Sequence[TicketFilter], kept: Iterable[int], actor: Actor
) -> dict[int, tuple[str, tuple[Any, ...]]]:
    """The statements of the filters that have to be looked at."""
    door = _door_words(base)
    places = [place for place, wanted in enumerate(filters) if place not in set(kept) and _is_near(wanted)]
    found = {place: _counting(base, door, filters[place], actor) for place in places[:_LOOKED_AT_MOST]}
    return {place: statement for place, statement in found.items() if statement is not None}


#: Statements of counts, by what they are made from: making those of one page anew takes longer than running them.
_statements: dict[tuple[object, ...], tuple[str, tuple[Any, ...]] | None] = {}
_STATEMENTS_KEPT = 5_000


def _door_words(base: QuerySet[Ticket]) -> tuple[object, ...] | None:
    """What tells one door from another; None for one through which nothing can be seen."""
    try:
        sql, values = base.query.sql_with_params()
    except EmptyResultSet:
        return None
    return (sql, *values)


def _counting(
    base: QuerySet[Ticket], door: tuple[object, ...] | None, wanted: TicketFilter, actor: Actor
) -> tuple[str, tuple[Any, ...]] | None:
    """SQL and values that list up to COUNT_CAP keys of a filter; None where nothing can be in it."""
    if door is None:
        return None
    key = (door, wanted, actor.id, COUNT_CAP)
    if wanted.is_timed or key not in _statements:
        if len(_statements) >= _STATEMENTS_KEPT:
            _statements.clear()
        try:
            found = narrowed(base, wanted, actor, counting=True).order_by().values_list("pk")
            sql, values = found[:COUNT_CAP].query.sql_with_params()
            _statements[key] = (sql, tuple(values))
        except EmptyResultSet:
            _statements[key] = None
    return _statements[key]


def fold_counts() -> int:
    """Adds up the rows of kept counts that belong together, so that sums stay short. Returns how many rows were folded.

    Safe beside writers and beside itself: one statement takes away exactly the rows it adds up, those another one has
    taken are passed over, and rows added meanwhile stay for the next time.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FOLD)
        return int(cursor.fetchone()[0])
