"""The small things a ticket's menus and panel show, read together in one statement.

Queues, colleagues, tags, issue types, own fields and status labels are a dozen rows each. Asked for one by one, making each
statement took longer than PostgreSQL needs for all of them; kept in memory, they would be stale in another process. What most
tickets have none of (drafts, links, files not sent) is only said to be there or not, and asked for where it is. Called by
helpdesk.views.ticket for a ticket that came through `visible_to`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from helpdesk.hours import Calendar
from helpdesk.models import Actor, Role, Ticket
from helpdesk.now import now
from helpdesk.queries.presence import GONE_AFTER, IDLE_AFTER, Viewer, viewers_from

#: So many tags are offered while one is typed.
_TAGS_OFFERED = 300

#: Name of the part -> its rows. Queues and other tickets are those of the actor's teams, as `visible_to` says it for the
#: staff; of the rest nobody is kept from any row.
_PARTS = {
    "labels": "SELECT category, label_agent FROM helpdesk_statuslabel WHERE is_default ORDER BY position, id",
    "known_tags": "SELECT name FROM helpdesk_tag ORDER BY name LIMIT %(tags_offered)s",
    "tags": (
        "SELECT t.name FROM helpdesk_tag t JOIN helpdesk_tickettag tt ON tt.tag_id = t.id"
        " WHERE tt.ticket_id = %(ticket)s ORDER BY t.name"
    ),
    "queues": (
        "SELECT id, name, icon FROM helpdesk_queue WHERE is_active AND (%(sees_all)s OR id = ANY(%(queues_seen)s))"
        " ORDER BY position, name"
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
    "hours": (
        "SELECT time_zone, weekly, holidays, overrides, ARRAY(SELECT date FROM helpdesk_calendarholiday AS d"
        " WHERE d.calendar_id = c.id ORDER BY date) AS days_off"
        " FROM helpdesk_businesscalendar AS c WHERE c.id = %(calendar)s"
    ),
    "viewers": (
        "SELECT u.id, u.name, u.email, t.typing_at IS NOT NULL AS is_typing, t.active_at <= %(idle)s AS is_idle"
        " FROM helpdesk_desktab AS t JOIN helpdesk_user AS u ON u.id = t.user_id WHERE t.ticket_id = %(ticket)s"
        " AND t.seen_at >= %(gone)s AND u.is_active AND u.id IS DISTINCT FROM %(me)s ORDER BY u.name, u.id"
    ),
    "earlier": (
        "SELECT number, subject, status, opened_at FROM helpdesk_ticket WHERE customer_id = %(customer)s"
        " AND id <> %(ticket)s AND (%(sees_all)s OR queue_id = ANY(%(queues_seen)s))"
        " ORDER BY opened_at DESC, id DESC LIMIT %(earlier_shown)s"
    ),
    "about": (
        "SELECT (SELECT seq FROM helpdesk_ticketread WHERE ticket_id = %(ticket)s AND user_id = %(me)s) AS read_seq,"
        " EXISTS(SELECT 1 FROM helpdesk_draft WHERE ticket_id = %(ticket)s AND user_id = %(me)s) AS has_drafts,"
        " EXISTS(SELECT 1 FROM helpdesk_attachment WHERE ticket_id = %(ticket)s AND message_id IS NULL"
        " AND uploaded_by_id = %(me)s) AS has_uploads,"
        " EXISTS(SELECT 1 FROM helpdesk_outgoingmail WHERE ticket_id = %(ticket)s AND state = 'scheduled') AS has_scheduled,"
        " EXISTS(SELECT 1 FROM helpdesk_ticketlink WHERE ticket_id = %(ticket)s OR other_id = %(ticket)s) AS has_links,"
        " EXISTS(SELECT 1 FROM helpdesk_ticketmerge WHERE target_id = %(ticket)s AND undone_at IS NULL) AS has_joined"
    ),
}
_COLUMNS = [f"(SELECT coalesce(json_agg(to_json(p)), '[]') FROM ({rows}) AS p)" for rows in _PARTS.values()]  # noqa: S608
_STATEMENT = f"SELECT {', '.join(_COLUMNS)}"  # all of it is above
#: So many other tickets of the customer stand in the panel.
_EARLIER_SHOWN = 8
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Line:
    """What one line about another ticket shows."""

    number: int
    subject: str
    status: str
    opened_at: datetime


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
    hours: Calendar | None
    viewers: list[Viewer]
    earlier: list[Line]
    read_seq: int | None
    has_drafts: bool
    has_uploads: bool
    has_scheduled: bool
    has_links: bool
    has_joined: bool


def furniture_of(ticket: Ticket, actor: Actor) -> Furniture:
    """Everything around `ticket` that `actor`, one of the staff, is offered, in one statement. `ticket.queue` has to be loaded.

    `viewers` are for those who may see presence: the caller asks (`presence.view`).
    """
    at = now()
    with connection.cursor() as cursor:
        cursor.execute(
            _STATEMENT,
            {
                "tags_offered": _TAGS_OFFERED,
                "ticket": ticket.pk,
                "team": ticket.queue.team_id,
                "customer": ticket.customer_id,
                "light": Role.LIGHT.value,
                "calendar": ticket.queue.calendar_id,
                "me": actor.user.pk if actor.user is not None else None,
                "idle": at - IDLE_AFTER,
                "gone": at - GONE_AFTER,
                "sees_all": actor.sees_everything,
                "queues_seen": [] if actor.sees_everything else sorted(actor.queue_ids()),
                "earlier_shown": _EARLIER_SHOWN,
            },
        )
        found = dict(zip(_PARTS, cursor.fetchone(), strict=True))
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
        hours=_hours(read["hours"][0]) if read["hours"] else None,
        viewers=viewers_from(read["viewers"]),
        earlier=[Line(**{**row, "opened_at": datetime.fromisoformat(row["opened_at"])}) for row in read["earlier"]],
        **read["about"][0],
    )


def _hours(row: dict[str, Any]) -> Calendar:
    """As BusinessCalendar.as_calendar, from the row's columns."""
    free = [*row["holidays"], *row["days_off"]]
    return Calendar.from_dict(
        {"tz": row["time_zone"], "weekly": row["weekly"], "holidays": free, "overrides": row["overrides"]}
    )
