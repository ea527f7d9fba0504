"""What stands below a mail to a third party: the message that was forwarded, or the answer that is answered.

Read again when the mail is put together, so that nothing internal can be in it: a message that is no longer public, was taken
back or stands in another exchange is not quoted. Called by compose.py.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from helpdesk.models import Audience, Message

_QUOTE_AT_MOST = 20_000


def quoted_for_third_party(message: Message) -> str:
    """The text below the writer's own words, in the writer's language and time; empty where nothing may be quoted."""
    key = message.origin.get("quotes")
    quoted = Message.objects.filter(pk=key, ticket=message.ticket_id, withdrawn_at__isnull=True).first()
    if quoted is None:
        return ""
    in_thread = quoted.side_thread_id is not None and quoted.side_thread_id == message.side_thread_id
    if not in_thread and (quoted.audience != Audience.PUBLIC or quoted.side_thread_id is not None):
        return ""
    writer = message.author_user
    with override(writer.language if writer is not None and writer.language else settings.LANGUAGE_CODE):
        when = date_format(
            quoted.created_at.astimezone(_zone(writer.time_zone if writer is not None else "")),
            # Translators: date and time in a mail's attribution line, in Django's letters
            pgettext("date format", "j F Y, H:i"),
        )
        name = quoted.sender_name or quoted.sender_email
        if in_thread:
            line = _("On %(date)s, %(name)s wrote:") % {"date": when, "name": name}
            lines = "\n".join(f"> {part}" for part in quoted.reply_text[:_QUOTE_AT_MOST].splitlines())
            return f"\n{line}\n{lines}\n"
        head = [
            _("---------- Forwarded message ----------"),
            _("From: %(who)s")
            % {"who": f"{quoted.sender_name} <{quoted.sender_email}>" if quoted.sender_name else name},
            _("Date: %(date)s") % {"date": when},
            _("Subject: %(subject)s") % {"subject": quoted.subject or message.ticket.subject},
        ]
    return "\n" + "\n".join(head) + f"\n\n{quoted.reply_text[:_QUOTE_AT_MOST]}\n"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")
