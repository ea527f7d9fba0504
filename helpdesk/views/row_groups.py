"""The headings between list rows: by deadline, by wait, by day, as the order of the list is. Called by views/rows.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from helpdesk.dates import date_in_words, month_key
from helpdesk.now import now
from helpdesk.queries.inbox import ListRow


def groups(rows: Sequence[ListRow], order: str, above: str = "") -> list[tuple[str, str]]:
    """For each row its group and, where the group begins, the heading; `above` is the group of the row before the first."""
    at = timezone.localtime(now())
    found: list[tuple[str, str]] = []
    for row in rows:
        name, words = _group(row, order, at)
        found.append((name, "" if name == above else words))
        above = name
    return found


def _group(row: ListRow, order: str, at: datetime) -> tuple[str, str]:
    if order == "deadline":
        return _by_deadline(row.due_at, at) if row.due_at else _by_wait(row.waiting_since_at, at)
    if order == "wait":
        return _by_wait(row.waiting_since_at, at)
    if order == "mention":
        return ("seen", _("Seen")) if row.is_seen else ("unseen", _("Not seen yet"))
    if order in {"change", "new"}:
        return _by_day(row.opened_at if order == "new" else row.changed_at, at)
    return "", ""


def _by_deadline(due: datetime, at: datetime) -> tuple[str, str]:
    if due < at:
        return "over", _("Overdue")
    if due < at + timedelta(hours=1):
        return "hour", _("Within the hour")
    days = (timezone.localtime(due).date() - at.date()).days
    if days == 0:
        return "today", _("Later today")
    if days == 1:
        return "tomorrow", _("Tomorrow")
    return ("week", _("Within a week")) if days < 7 else ("later", _("Later than a week"))


def _by_wait(since: datetime | None, at: datetime) -> tuple[str, str]:
    if since is None:
        return "no-wait", _("Nobody waits")
    days = (at.date() - timezone.localtime(since).date()).days
    if days >= 7:
        return "wait-week", _("Waiting for a week and longer")
    if days >= 2:
        return "wait-days", _("Waiting for days")
    return ("wait-yesterday", _("Waiting since yesterday")) if days == 1 else ("wait-today", _("Waiting since today"))


def _by_day(moment: datetime, at: datetime) -> tuple[str, str]:
    local = timezone.localtime(moment)
    days = (at.date() - local.date()).days
    if days <= 0:
        return "day-0", _("Today")
    if days == 1:
        return "day-1", _("Yesterday")
    if days < 7:
        return "day-week", _("The last seven days")
    return month_key(local), date_in_words(local, pgettext("date format", "F Y"))
