"""The words of list rows, made ready before the template: thirty rows of template tags cost more than all else of a page."""

from __future__ import annotations

import functools
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TypedDict

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from helpdesk.models import Priority
from helpdesk.queries.inbox import ListRow
from helpdesk.queries.presence import Viewer
from helpdesk.templatetags.desk import avatar_of, channel_mark, priority_mark, status_mark
from helpdesk.templatetags.moments import ticket_clock
from helpdesk.templatetags.presence import row_viewers
from helpdesk.views.row_groups import groups


class RowWords(TypedDict):
    """A row as desk/_row.html shows it: text, and marks that are HTML already."""

    number: int
    address: str
    subject: str
    who: str
    snippet: str
    is_unread: bool
    dot: SafeString
    mark: SafeString
    viewers: SafeString
    clock: SafeString
    meta: SafeString
    select: str
    group: str
    heading: str


def row_words(
    rows: Iterable[ListRow],
    *,
    query: str,
    may_bulk: bool,
    unread: Container[int] = (),
    viewers: Mapping[int, Sequence[Viewer]] | None = None,
    order: str = "",
    group: str = "",
) -> list[RowWords]:
    """The rows in the reader's language; `query` leads back to the list, `select` is empty where he may not choose rows.

    `unread` holds keys, `viewers` who else is there by key. With an `order` the first row of each group has its heading;
    `group` stands above the page already.
    """
    select = _("Select #%(n)s") if may_bulk else ""
    before, after = _address_of_a_ticket()
    # In every row, shown by data-unread: it comes and goes while the page is open. With a direction of its own, or the word
    # would decide that of the subject behind it.
    dot = format_html(
        '<span class="row__unread"><span class="row__dot"></span><span class="visually-hidden" dir="auto">{} </span></span>',
        _("Unread:"),
    )
    grouped = groups(rows := list(rows), order, group)
    return [
        {
            "number": row.number,
            "address": f"{before}{row.number}{after}?{query}",
            "subject": row.subject or "—",
            "who": row.customer_name or str(row.customer_public_id),
            "snippet": row.snippet,
            "is_unread": row.pk in unread,
            "dot": dot,
            "viewers": row_viewers(row.number, (viewers or {}).get(row.pk, ())),
            "mark": status_mark(row.status, row.label or "", hide_word=True),
            "clock": ticket_clock(row),
            "meta": _meta(row),
            "select": select % {"n": row.number} if select else "",
            "group": name,
            "heading": heading,
        }
        for row, (name, heading) in zip(rows, grouped, strict=True)
    ]


def _meta(row: ListRow) -> SafeString:
    """Priority above normal, owner, channel."""
    priority = priority_mark(row.priority, hide_word=True) if row.priority > Priority.NORMAL else ""
    owner = ""
    if row.owner_id is not None:
        owner = format_html(
            '{}<span class="visually-hidden">{}</span>',
            avatar_of(row.owner_id, row.owner_name or row.owner_email or "", "sm", is_colleague=True),
            _("belongs to %(name)s") % {"name": row.owner_name},
        )
    return format_html("{}{}{}", priority, owner, channel_mark(row.channel))


@functools.cache
def _address_of_a_ticket() -> tuple[str, str]:
    before, _number, after = reverse("ticket", args=[0]).partition("0")
    return before, after
