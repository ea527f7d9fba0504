"""What we write to a customer about his callback: fixed words, the number he gave, and the link that changes it.

Called by dotted paths (flow.PORTAL_LETTERS) when the mail leaves, in the customer's language. None drops the mail.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from helpdesk.models import PortalMail
from helpdesk.templatetags.moments import moment
from routing.callback_keys import link_of
from routing.models import Callback

States = Callback.State
Letter = tuple[str, str]


def callback(mail: PortalMail) -> Letter | None:
    """After asking: to be confirmed, or kept already."""
    row = _row(mail)
    if row is None or row.tries or row.state not in {States.ASKED, States.RESERVED}:
        return None
    return _to_confirm(row) if row.state == States.ASKED else _kept(row)


def callback_reminder(mail: PortalMail) -> Letter | None:
    """Half an hour is soon over: only while he has not confirmed."""
    row = _row(mail)
    return _to_confirm(row) if row is not None and row.state == States.ASKED else None


def callback_soon(mail: PortalMail) -> Letter | None:
    """We open in a while: only while it is held until then."""
    row = _row(mail)
    is_held = row is not None and row.state in {States.RESERVED, States.RETRY} and row.not_before_at is not None
    return _kept(row) if row is not None and is_held else None


def callback_tried(mail: PortalMail) -> Letter | None:
    """We called and nobody answered; it is tried again."""
    row = _row(mail)
    if row is None or row.state != States.RETRY:
        return None
    words = _("We called you at %(phone)s about ticket #%(number)s and did not reach you. We will try again.")
    return _subject(row), _with_link(row, words % _facts(row) + _not_before(row))


def callback_over(mail: PortalMail) -> Letter | None:
    """It ended without a call, not by the customer's own hand."""
    row = _row(mail)
    if row is None or row.state not in {States.FAILED, States.CANCELLED}:
        return None
    if row.state == States.FAILED:
        words = _("We did not reach you at %(phone)s about ticket #%(number)s. We will write to you.")
    else:
        words = _(
            "We will not call you at %(phone)s any more. Your message, ticket #%(number)s, waits on at its place."
        )
    return _subject(row), words % _facts(row)


def _to_confirm(row: Callback) -> Letter:
    words = _(
        "You asked us to call you back at %(phone)s about ticket #%(number)s. Please confirm it: without your"
        " confirmation we do not call, and your message waits on as it is."
    )
    return _subject(row), _with_link(row, words % _facts(row), is_asked=True)


def _kept(row: Callback) -> Letter:
    words = _("We will call you at %(phone)s about ticket #%(number)s when it is your turn. You keep your place.")
    return _subject(row), _with_link(row, words % _facts(row) + _not_before(row))


def _with_link(row: Callback, words: str, *, is_asked: bool = False) -> str:
    do = _("Confirm, change the number or cancel here:") if is_asked else _("Change the number or cancel here:")
    return f"{words}\n\n{do}\n\n{link_of(row)}"


def _subject(row: Callback) -> str:
    return _("Our call to you: ticket #%(number)s") % _facts(row)


def _not_before(row: Callback) -> str:
    """In the customer's own time zone where it is known, else in that of the queue's hours."""
    if row.not_before_at is None:
        return ""
    zone = row.customer.time_zone or (row.queue.calendar.time_zone if row.queue.calendar is not None else "UTC")
    with timezone.override(ZoneInfo(zone)):
        time = f"{moment(row.not_before_at)} ({zone})"
    return " " + _("Not before %(time)s.") % {"time": time}


def _facts(row: Callback) -> dict[str, object]:
    return {"phone": row.phone, "number": row.item.ticket.number}


def _row(mail: PortalMail) -> Callback | None:
    rows = Callback.objects.select_related("customer", "queue__calendar", "item__ticket")
    return rows.filter(pk=mail.about or 0, item__ticket=mail.ticket_id).first()
