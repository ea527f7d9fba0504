"""Template words of the timeline: the text of a message, its recipients, why it landed here, how tall its frame is."""

from __future__ import annotations

import re
import zoneinfo
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from helpdesk.mail.plaintext import html_from_text
from helpdesk.models import Attachment, Audience, Customer, Kind, Message, OutgoingMail, TicketEvent
from helpdesk.now import now
from helpdesk.templatetags.desk import icon
from helpdesk.templatetags.moments import moment

register = template.Library()

_LINE_PIXELS, _LINE_LETTERS = 22, 78
_PICTURE_PIXELS = 120
_FRAME_LEAST, _FRAME_MOST = 90, 620
#: The same grace as in helpdesk.actions.conversation.
_UNDO_GRACE_SECONDS = 3
_PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_EVENT_ICONS: dict[str, str] = {
    Kind.OPENED: "inbox",
    Kind.BOUNCED: "warn",
    Kind.REPLY_WITHDRAWN: "undo",
    Kind.ASSIGNED: "person",
    Kind.UNASSIGNED: "person-none",
    Kind.MOVED: "arrow-end",
    Kind.CLASSIFIED: "tag",
    Kind.LINKED: "link",
    Kind.UNLINKED: "link",
    Kind.MERGED: "merge",
    Kind.MERGED_AWAY: "merge",
    Kind.UNMERGED: "undo",
    Kind.PARTED: "undo",
    Kind.SPLIT: "columns",
    Kind.MESSAGES_MOVED: "arrow-end",
    Kind.MESSAGES_ARRIVED: "arrow-end",
    Kind.PENDING: "s-pending",
    Kind.ON_HOLD: "s-on_hold",
    Kind.SNOOZED: "moon",
    Kind.REOPENED: "s-open",
    Kind.RESOLVED: "check",
    Kind.CLOSED: "s-closed",
    Kind.SPAM_MARKED: "s-spam",
    Kind.PARTICIPANT_ADDED: "people",
    Kind.PARTICIPANT_REMOVED: "people",
    Kind.CHECKLIST_CHANGED: "check",
    Kind.CUSTOMER_CHANGED: "person",
}


@register.simple_tag
def message_text(message: Message) -> SafeString:
    """What the writer added, as paragraphs; html_from_text escapes all of it. In notes #numbers lead to their tickets."""
    html = html_from_text(message.reply_text)
    if message.audience != Audience.PUBLIC and "#" in html:
        html = _REFERENCE.sub(_reference, html)
    return mark_safe(html)  # noqa: S308


#: A link or tag, which is left alone, or a ticket's number in the text between them.
_REFERENCE = re.compile(r"(<a\b.*?</a>|<[^>]*>)|(?<![\w&/#])#(\d{1,12})(?!\w)", re.DOTALL)


def _reference(found: re.Match[str]) -> str:
    if found[1]:
        return found[1]
    return f'<a href="{reverse("ticket", args=[int(found[2])])}">#{found[2]}</a>'


@register.filter
def has_more(message: Any) -> bool:
    """Whether the whole text holds more than what is shown: quoted history or a signature."""
    return bool(message.text_length > len(message.reply_text) + 2) and message.author_user_id is None


@register.simple_tag
def message_label(message: Message) -> str:
    """The message for screen readers, before its words."""
    who = message.sender_name or message.sender_email
    return f"{_kind_of(message)}: {who}, {moment(message.created_at)}"


def _kind_of(message: Message) -> str:
    if message.side_thread_id is not None:
        return _("Private mail")
    if message.audience == Audience.INTERNAL:
        return _("Note")
    return _("Reply") if message.author_user_id else _("Message")


@register.simple_tag
def recipients_words(message: Message) -> str:
    """To whom a reply went, in a few words."""
    to = [r.get("name") or r["email"] for r in message.recipients if r.get("kind") == "to"]
    rest = sum(1 for r in message.recipients if r.get("kind") in {"cc", "bcc"}) + max(0, len(to) - 1)
    if not to:
        return ""
    words = _("to %(name)s") % {"name": to[0]}
    return f"{words} +{rest}" if rest else words


@register.filter
def recipient_kind(kind: str) -> str:
    """The word for a kind of recipient."""
    return {"to": _("To"), "cc": _("Cc"), "bcc": _("Bcc"), "reply_to": _("Answers to")}.get(kind, kind)


@register.simple_tag
def origin_words(origin: dict[str, Any]) -> str:
    """Why a mail landed in this ticket, in a sentence."""
    words = {
        "plus_address": _("It was sent to the address of this ticket."),
        "signed_id": _("It answers a mail we sent from this ticket."),
        "known_id": _("It refers to a mail of this ticket."),
        "subject_tag": _("Its subject names this ticket, and the sender takes part in it."),
        "new": _("It belongs to no ticket we know, so it opened this one."),
        "forwarded": _("A colleague forwarded it; the ticket is the first writer's."),
        "stranger": _("It points at another ticket its sender takes no part in, so it opened its own."),
        "failed_sender": _("It points at another ticket, but its sender is not proven, so it opened its own."),
        "ticket_closed": _("It answers a closed ticket, so it opened this follow-up."),
        "bounce": _("It reports that a mail of this ticket did not arrive."),
    }
    rule = str(origin.get("rule", ""))
    if rule == "written_down":
        return _("%(name)s wrote down what was said.") % {"name": origin.get("by", "")}
    return words.get(rule) or rule.replace("_", " ")


@register.simple_tag
def frame_height(message: Any) -> int:
    """The height a mail's frame starts with, in pixels: a frame that may run no script cannot tell its own.

    Counted from the lines its text needs and its pictures, within bounds; a button shows it whole, a corner resizes it.
    """
    lines = sum(1 + len(line) // _LINE_LETTERS for line in message.reply_text.split("\n"))
    pixels = 48 + lines * _LINE_PIXELS + int(message.image_count or 0) * _PICTURE_PIXELS
    return max(_FRAME_LEAST, min(_FRAME_MOST, pixels))


@register.filter
def shows_picture(attachment: Attachment) -> bool:
    """Whether a preview of the file is worth asking for."""
    return attachment.content_type.lower() in _PICTURES


@register.simple_tag
def leaves_in(mail: OutgoingMail) -> int:
    """Whole seconds in which a waiting reply can surely be taken back; the server waits a little longer than that."""
    return max(0, round((mail.due_at - now()).total_seconds()) - _UNDO_GRACE_SECONDS)


@register.simple_tag
def event_icon(event: TicketEvent) -> SafeString:
    """The mark of an event in the gutter."""
    return icon(_EVENT_ICONS.get(event.kind, "info"))


@register.simple_tag
def customer_locale(customer: Customer) -> str:
    """The customer's language and what time it is there."""
    parts: list[str] = []
    if customer.language:
        try:
            parts.append(str(get_language_info(customer.language)["name_translated"]))
        except KeyError:  # Django knows Chinese by its script alone, and a mail need not tell it
            parts.append(_("Chinese") if customer.language.lower() == "zh" else customer.language)
    if customer.time_zone:
        try:
            local = timezone.localtime(now(), zoneinfo.ZoneInfo(customer.time_zone))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            return " · ".join(parts)
        city = customer.time_zone.rpartition("/")[2].replace("_", " ")
        parts.append(_("%(time)s in %(city)s") % {"time": time_format(local, "H:i"), "city": city})
    return " · ".join(parts)
