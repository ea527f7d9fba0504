"""The small, nearly unchanging things a ticket's menus and panel show, read together in one statement.

Queues, colleagues, tags, issue types, own fields and status labels are a dozen rows each. Asked for one by one, making each
statement took longer than PostgreSQL needs for all of them; kept in memory, they would be stale in another process. Called by
helpdesk.views.ticket for a ticket that came through `visible_to`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from helpdesk.models import Actor, Queue, Role, Ticket

#: So many tags are offered while one is typed.
_TAGS_OFFERED = 300

#: Name of the part -> its rows. Of these nobody is kept from any row; queues are narrowed by `visible_to` below.
_PARTS = {
    "labels": "SELECT category, label_agent FROM helpdesk_statuslabel WHERE is_default ORDER BY position, id",
    "known_tags": "SELECT name FROM helpdesk_tag ORDER BY name LIMIT %(tags_offered)s",
    "tags": (
        "SELECT t.name FROM helpdesk_tag t JOIN helpdesk_tickettag tt ON tt.tag_id = t.id"
        " WHERE tt.ticket_id = %(ticket)s ORDER BY t.name"
    ),
    "owners": (
        "SELECT u.id, coalesce(nullif(u.name, ''), u.email) AS name FROM helpdesk_user u"
        " WHERE u.is_active AND u.role <> %(light)s AND EXISTS (SELECT 1 FROM helpdesk_teammembership m"
        " WHERE m.user_id = u.id AND m.team_id = %(team)s) ORDER BY u.name, u.id"
    ),
    "fields": 'SELECT "on", key, label, kind, choices FROM helpdesk_customfield ORDER BY position, label',
    "issue_types": (
        "SELECT i.id, i.name, p.name AS parent FROM helpdesk_issuetype i"
        " LEFT JOIN helpdesk_issuetype p ON p.id = i.parent_id"
        " ORDER BY coalesce(p.name, i.name), p.id IS NOT NULL, i.name"  # each kind, then what is below it
    ),
    "addresses": (
        "SELECT id, kind, value, is_primary, bounced_at FROM helpdesk_customeraddress WHERE customer_id = %(customer)s"
        " ORDER BY is_primary DESC, id"
    ),
    "people": (
        "SELECT p.id AS key, p.user_id IS NOT NULL AS is_colleague, coalesce(p.user_id, p.customer_id) AS id,"
        " coalesce(nullif(u.name, ''), u.email, nullif(c.name, ''), c.public_id::text) AS name"
        " FROM helpdesk_participant p LEFT JOIN helpdesk_user u ON u.id = p.user_id"
        " LEFT JOIN helpdesk_customer c ON c.id = p.customer_id WHERE p.ticket_id = %(ticket)s ORDER BY p.id"
    ),
    "checklist": (
        "SELECT id, text, done_at IS NOT NULL AS done FROM helpdesk_checklistitem"
        " WHERE ticket_id = %(ticket)s AND removed_at IS NULL ORDER BY position, id"
    ),
}
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Furniture:
    """Rows by part, as dictionaries named by their columns; `labels` is status -> a manager's word for it."""

    labels: dict[str, str]
    tags: list[str]
    known_tags: list[str]
    queues: Rows
    owners: Rows
    fields: Rows
    issue_types: Rows
    addresses: Rows
    people: Rows
    checklist: Rows


def furniture_of(ticket: Ticket, actor: Actor) -> Furniture:
    """Everything around `ticket` that `actor` is offered, in one statement. `ticket.queue` has to be loaded."""
    queues, named = _queues_of(actor)
    parts = {**_PARTS, "queues": queues}
    columns = ", ".join(
        f"(SELECT coalesce(json_agg(to_json(part)), '[]') FROM ({rows}) AS part) AS {name}"  # noqa: S608
        for name, rows in parts.items()
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns}",
            {
                "tags_offered": _TAGS_OFFERED,
                "ticket": ticket.pk,
                "team": ticket.queue.team_id,
                "customer": ticket.customer_id,
                "light": Role.LIGHT.value,
                **named,
            },
        )
        found = dict(zip(parts, cursor.fetchone(), strict=True))
    read: dict[str, Rows] = {
        name: json.loads(value) if isinstance(value, str) else value for name, value in found.items()
    }
    return Furniture(
        labels={row["category"]: row["label_agent"] for row in read["labels"]},
        tags=[row["name"] for row in read["tags"]],
        known_tags=[row["name"] for row in read["known_tags"]],
        queues=read["queues"],
        owners=read["owners"],
        fields=read["fields"],
        issue_types=read["issue_types"],
        addresses=read["addresses"],
        people=read["people"],
        checklist=read["checklist"],
    )


def _queues_of(actor: Actor) -> tuple[str, dict[str, Any]]:
    """The statement that lists the actor's queues, with named values."""
    wanted = Queue.objects.visible_to(actor).filter(is_active=True).values("id", "name", "icon")
    try:
        statement, values = wanted.query.sql_with_params()
    except EmptyResultSet:
        return "SELECT 1 WHERE false", {}
    named = {f"queue_{place}": value for place, value in enumerate(values)}
    return statement % tuple(f"%({name})s" for name in named), named
