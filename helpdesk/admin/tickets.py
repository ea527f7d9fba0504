"""Tickets, messages, files and events as history: looked up here, worked on at the desk. Labels and shared views are settings."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from helpdesk.admin.base import HouseAdmin, ReadOnlyAdmin, link_to, mark, when
from helpdesk.models import Attachment, Message, SavedView, StatusLabel, Ticket, TicketEvent
from helpdesk.sentences import Names, sentence
from helpdesk.templatetags.desk import priority_mark, status_mark


def desk_link(ticket: Ticket | None) -> SafeString | str:
    """A link to the ticket at the desk."""
    if ticket is None:
        return "-"
    address = reverse("ticket", args=[ticket.number])
    return format_html(
        '<a href="{}"><span class="num">#{}</span></a> <bdi>{}</bdi>', address, ticket.number, ticket.subject[:60]
    )


class _BySearchedNumber:
    """Searching for #1234 or 1234 finds the ticket of that number, and nothing else is asked of a large table."""

    number_field = "number"

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], term: str) -> tuple[QuerySet[Any], bool]:
        """A number is a number; words are looked for in the search fields."""
        digits = term.strip().removeprefix("#")
        if digits.isascii() and digits.isdigit() and len(digits) < 16:
            return rows.filter(**{self.number_field: int(digits)}), False
        found: tuple[QuerySet[Any], bool] = super().get_search_results(request, rows, term)  # type: ignore[misc]
        return found


@admin.register(Ticket)
class TicketAdmin(_BySearchedNumber, ReadOnlyAdmin[Ticket]):
    """Tickets."""

    list_display = ("at_desk", "shown_status", "shown_priority", "queue", "owner", "customer", "changed")
    list_display_links = None
    list_filter = ("status", "priority", "channel", "queue", "changed_at", "owner")
    list_select_related = ("queue", "owner", "customer")
    search_fields = ("subject", "customer__name")
    search_help_text = _("A number, or words of the subject or the customer's name.")
    ordering = ("-changed_at", "-pk")
    fields = (
        "at_desk",
        "shown_status",
        "shown_priority",
        "queue",
        "owner",
        "customer",
        "issue_type",
        "channel",
        "language",
        "mailbox",
        "message_count",
        "opened_at",
        "changed_at",
        "first_replied_at",
        "due_at",
        "resolved_at",
        "closed_at",
        "merged_into",
        "public_id",
    )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Other pages link here by customer and owner."""
        return lookup in {"customer__id__exact", "owner__id__exact"} or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    @admin.display(description=_("last changed"), ordering="changed_at")
    def changed(self, obj: Ticket) -> SafeString | str:
        """Short."""
        return when(obj.changed_at)

    @admin.display(description=_("ticket"), ordering="number")
    def at_desk(self, obj: Ticket) -> SafeString | str:
        """Number and subject, leading to the desk."""
        return desk_link(obj)

    @admin.display(description=_("status"), ordering="status")
    def shown_status(self, obj: Ticket) -> SafeString:
        """With its shape."""
        return status_mark(obj.status)

    @admin.display(description=_("priority"), ordering="priority")
    def shown_priority(self, obj: Ticket) -> SafeString:
        """With its shape."""
        return priority_mark(obj.priority)


class MessageFiles(admin.TabularInline[Attachment, Message]):
    """The files of a message."""

    model = Attachment
    fields = ("name", "content_type", "size", "is_inline")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Files come with messages."""
        return False


@admin.register(Message)
class MessageAdmin(_BySearchedNumber, ReadOnlyAdmin[Message]):
    """Messages."""

    number_field = "ticket__number"
    list_display = (
        "created",
        "at_desk",
        "audience",
        "channel",
        "sender_name",
        "sender_email",
        "machine",
        "verification",
    )
    list_filter = ("audience", "channel", "verification", "created_at")
    list_select_related = ("ticket",)
    search_fields = ("=sender_email", "=message_id")
    search_help_text = _("A ticket's number, a whole mail address, or a whole Message-ID.")
    ordering = ("-pk",)
    inlines = (MessageFiles,)
    fields = (
        "at_desk",
        "created_at",
        "sent_at",
        "audience",
        "channel",
        "sender_name",
        "sender_email",
        "shown_recipients",
        "subject",
        "shown_text",
        "message_id",
        "machine",
        "verification",
        "why_here",
        "mail",
        "withdrawn_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Lists leave the long texts in the database."""
        return super().get_queryset(request).defer("html", "reply_html", "signature", "text")

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, obj: Message) -> SafeString | str:
        """Short."""
        return when(obj.created_at)

    @admin.display(description=_("ticket"))
    def at_desk(self, obj: Message) -> SafeString | str:
        """Leading to the desk."""
        return desk_link(obj.ticket)

    @admin.display(description=_("recipients"))
    def shown_recipients(self, obj: Message) -> str:
        """Kind and address."""
        return ", ".join(f"{r.get('kind')}: {r.get('email')}" for r in obj.recipients) or "-"

    @admin.display(description=_("text"))
    def shown_text(self, obj: Message) -> SafeString:
        """As it was written, as text."""
        return format_html('<pre class="source" dir="auto">{}</pre>', obj.text)

    @admin.display(description=_("why it is here"))
    def why_here(self, obj: Message) -> str:
        """The rule that put it into this ticket."""
        return ", ".join(f"{key}: {value}" for key, value in obj.origin.items() if key != "before") or "-"

    @admin.display(description=_("raw mail"))
    def mail(self, obj: Message) -> SafeString | str:
        """Where it came from."""
        return link_to(obj.raw_mail)


class _EventPage(ChangeList):
    """A page of events that shares the names its sentences speak of."""

    def get_results(self, request: HttpRequest) -> None:
        """Three queries for the names of the whole page."""
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        names = Names(rows)
        for row in rows:
            row.names = names
        self.result_list = rows


@admin.register(TicketEvent)
class TicketEventAdmin(_BySearchedNumber, ReadOnlyAdmin[TicketEvent]):
    """What happened, ticket by ticket."""

    number_field = "ticket__number"
    list_display = ("happened", "at_desk", "seq", "kind", "actor_kind", "said")
    list_filter = ("kind", "actor_kind", "at")
    list_select_related = ("ticket",)
    search_fields = ("ticket__subject",)
    search_help_text = _("A ticket's number.")
    ordering = ("-pk",)
    fields = ("at_desk", "at", "seq", "pub_seq", "position", "kind", "actor_kind", "actor_id", "said", "shown_data")

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        """See _EventPage."""
        return _EventPage

    @admin.display(description=_("at"), ordering="at")
    def happened(self, obj: TicketEvent) -> SafeString | str:
        """Short."""
        return when(obj.at)

    @admin.display(description=_("ticket"))
    def at_desk(self, obj: TicketEvent) -> SafeString | str:
        """Leading to the desk."""
        return desk_link(obj.ticket)

    @admin.display(description=_("in words"))
    def said(self, obj: TicketEvent) -> str:
        """The sentence of the timeline, in the reader's language."""
        return sentence(obj, get_language(), getattr(obj, "names", None))

    @admin.display(description=_("data"))
    def shown_data(self, obj: TicketEvent) -> SafeString:
        """As it is stored."""
        return format_html('<pre class="source">{}</pre>', json.dumps(obj.data, indent=2, ensure_ascii=False))


@admin.register(StatusLabel)
class StatusLabelAdmin(HouseAdmin[StatusLabel]):
    """Words for the status categories."""

    list_display = ("label_agent", "label_customer", "category", "shown_default", "position")
    list_filter = ("category",)
    search_fields = ("label_agent", "label_customer")

    def has_delete_permission(self, request: HttpRequest, obj: StatusLabel | None = None) -> bool:
        """The category's own label stays."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.is_default)

    @admin.display(description=_("the category's own"), ordering="is_default")
    def shown_default(self, obj: StatusLabel) -> SafeString | str:
        """Which one counts when none is chosen."""
        return mark("ok", _("yes")) if obj.is_default else "-"


@admin.register(SavedView)
class SavedViewAdmin(HouseAdmin[SavedView]):
    """One's own and the shared views. They are made at the desk; here they are named, put in order, shared and deleted."""

    list_display = ("name", "owner_words", "position", "filter_words")
    search_fields = ("name",)
    list_select_related = ("owner",)
    fields = ("name", "owner_words", "position", "filter_words")
    readonly_fields = ("owner_words", "filter_words")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A view is saved from the list it shows."""
        return False

    @admin.display(description=_("whose"), ordering="owner")
    def owner_words(self, obj: SavedView) -> str:
        """Whose it is."""
        return str(obj.owner) if obj.owner else str(_("shared with all"))

    @admin.display(description=_("filter"))
    def filter_words(self, obj: SavedView) -> str:
        """What it shows."""
        words = [f"{key}: {', '.join(map(str, v)) if isinstance(v, list) else v}" for key, v in obj.filters.items()]
        return "; ".join(words) or "-"
