"""What routing did: looked at, searched, never written here."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from helpdesk.admin.base import ReadOnlyAdmin, link_to, mark, when
from helpdesk.admin.tickets import desk_link
from routing.models import (
    AgentStateInterval,
    Assignment,
    BreakRequest,
    Callback,
    Decision,
    Offer,
    PlanVersion,
    WaitForecast,
    WorkItem,
)

_WORK_TONES = {"waiting": "act", "offered": "busy", "assigned": "busy", "wrapup": "busy", "reserved": "act"}
_OFFER_TONES = {"pending": "busy", "accepted": "ok", "declined": "act", "timeout": "bad"}


def _source(value: Any) -> SafeString:
    return format_html('<pre class="source">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False, default=str))


class _OfTicket(ReadOnlyAdmin[Any]):
    """Pages whose rows lead to a ticket by `ticket_path`, and are found by its number."""

    ticket_path = "item"
    search_help_text = _("A ticket's number.")
    search_fields = ("item__ticket__number",)

    def get_search_results(self, request: HttpRequest, rows: Any, term: str) -> tuple[Any, bool]:
        """Nothing else is asked of a large table."""
        digits = term.strip().removeprefix("#")
        path = "ticket__number" if self.ticket_path == "" else f"{self.ticket_path}__ticket__number"
        if not digits:
            return rows, False
        if digits.isascii() and digits.isdigit() and len(digits) < 16:
            return rows.filter(**{path: int(digits)}), False
        return rows.none(), False

    @admin.display(description=_("ticket"))
    def at_desk(self, obj: Any) -> SafeString | str:
        """Leading to the desk."""
        return desk_link(obj.ticket if self.ticket_path == "" else obj.item.ticket)


@admin.register(WorkItem)
class WorkItemAdmin(_OfTicket):
    """Contacts on their way to an agent."""

    ticket_path = ""
    search_fields = ("ticket__number",)
    list_display = ("entered", "at_desk", "queue", "channel", "handing", "shown_state", "outcome", "answered")
    list_filter = ("state", "channel", "handing", "queue", "entered_at")
    list_select_related = ("ticket", "queue")
    ordering = ("-pk",)
    fields = (
        "at_desk",
        "queue",
        "channel",
        "handing",
        "shown_state",
        "entered_at",
        "vtime",
        "plan",
        "shown_demand",
        "shown_excluded",
        "outcome",
        "answered_at",
        "done_at",
    )

    @admin.display(description=_("waiting since"), ordering="entered_at")
    def entered(self, obj: WorkItem) -> SafeString | str:
        """Short."""
        return when(obj.entered_at)

    @admin.display(description=_("answered"), ordering="answered_at")
    def answered(self, obj: WorkItem) -> SafeString | str:
        """Short."""
        return when(obj.answered_at)

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, obj: WorkItem) -> SafeString:
        """As a mark."""
        return mark(_WORK_TONES.get(obj.state, "quiet"), obj.get_state_display())

    @admin.display(description=_("demand"))
    def shown_demand(self, obj: WorkItem) -> SafeString:
        """What it asks for and why."""
        return _source(obj.demand)

    @admin.display(description=_("not to be offered to"))
    def shown_excluded(self, obj: WorkItem) -> SafeString:
        """Agents by key."""
        return _source(obj.excluded)


@admin.register(Offer)
class OfferAdmin(_OfTicket):
    """Offers."""

    list_display = ("made", "at_desk", "agent", "shown_state", "units", "ended", "reason")
    list_filter = ("state", "item__queue", "made_at")
    list_select_related = ("item__ticket", "agent")
    ordering = ("-pk",)
    fields = (
        "at_desk",
        "agent",
        "shown_state",
        "units",
        "made_at",
        "expires_at",
        "ended_at",
        "reason",
        "shown_decision",
    )

    @admin.display(description=_("made"), ordering="made_at")
    def made(self, obj: Offer) -> SafeString | str:
        """Short."""
        return when(obj.made_at)

    @admin.display(description=_("ended"), ordering="ended_at")
    def ended(self, obj: Offer) -> SafeString | str:
        """Short."""
        return when(obj.ended_at)

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, obj: Offer) -> SafeString:
        """As a mark."""
        return mark(_OFFER_TONES.get(obj.state, "quiet"), obj.get_state_display())

    @admin.display(description=_("decision"))
    def shown_decision(self, obj: Offer) -> SafeString | str:
        """Why this agent."""
        return link_to(obj.decision)


@admin.register(Assignment)
class AssignmentAdmin(_OfTicket):
    """Contacts in agents' hands."""

    list_display = ("begun", "at_desk", "agent", "channel", "ended", "wrapped_up", "disposition", "note")
    list_filter = ("channel", "disposition", "item__queue", "begun_at")
    list_select_related = ("item__ticket", "agent", "disposition")
    ordering = ("-pk",)
    fields = (
        "at_desk",
        "agent",
        "channel",
        "units",
        "begun_at",
        "ended_at",
        "wrapup_until_at",
        "is_extended",
        "done_at",
        "disposition",
        "note",
    )

    @admin.display(description=_("begun"), ordering="begun_at")
    def begun(self, obj: Assignment) -> SafeString | str:
        """Short."""
        return when(obj.begun_at)

    @admin.display(description=_("handling ended"), ordering="ended_at")
    def ended(self, obj: Assignment) -> SafeString | str:
        """Short."""
        return when(obj.ended_at)

    @admin.display(description=_("done"), ordering="done_at")
    def wrapped_up(self, obj: Assignment) -> SafeString | str:
        """Short."""
        return when(obj.done_at)


@admin.register(Decision)
class DecisionAdmin(_OfTicket):
    """Why each offer was made, and why contacts waited."""

    list_display = ("decided", "at_desk", "kind", "agent")
    list_filter = ("kind", "item__queue", "at")
    list_select_related = ("item__ticket", "agent")
    ordering = ("-pk",)
    fields = ("at_desk", "at", "kind", "agent", "shown_record")

    @admin.display(description=_("at"), ordering="at")
    def decided(self, obj: Decision) -> SafeString | str:
        """Short."""
        return when(obj.at)

    @admin.display(description=_("record"))
    def shown_record(self, obj: Decision) -> SafeString:
        """As it is stored; the ticket's page says it in words."""
        return _source(obj.record)


@admin.register(WaitForecast)
class WaitForecastAdmin(_OfTicket):
    """Waits as they were forecast, and how they turned out."""

    list_display = (
        "forecast_at",
        "at_desk",
        "queue",
        "ahead",
        "shown_range",
        "is_shown",
        "waited_seconds",
        "was_answered",
    )
    list_filter = ("queue", "is_shown", "was_answered", "at")
    list_select_related = ("item__ticket", "queue")
    ordering = ("-pk",)
    fields = (
        "at_desk",
        "queue",
        "at",
        "ahead",
        "low_seconds",
        "high_seconds",
        "is_shown",
        "waited_seconds",
        "was_answered",
    )

    @admin.display(description=_("at"), ordering="at")
    def forecast_at(self, obj: WaitForecast) -> SafeString | str:
        """Short."""
        return when(obj.at)

    @admin.display(description=_("forecast, seconds"), ordering="high_seconds")
    def shown_range(self, obj: WaitForecast) -> str:
        """From and to."""
        return f"{obj.low_seconds}-{obj.high_seconds}"


@admin.register(Callback)
class CallbackAdmin(_OfTicket):
    """Callbacks."""

    open_values = False
    list_display = ("asked", "at_desk", "customer", "queue", "state", "tries", "outcome")
    list_filter = ("state", "queue", "asked_at")
    list_select_related = ("item__ticket", "customer", "queue")
    ordering = ("-pk",)
    fields = (
        "at_desk",
        "customer",
        "queue",
        "phone",
        "state",
        "asked_at",
        "not_before_at",
        "tries",
        "outcome",
        "ended_at",
    )

    @admin.display(description=_("asked"), ordering="asked_at")
    def asked(self, obj: Callback) -> SafeString | str:
        """Short."""
        return when(obj.asked_at)


@admin.register(AgentStateInterval)
class AgentStateIntervalAdmin(ReadOnlyAdmin[AgentStateInterval]):
    """Who was what, and for how long."""

    list_display = ("user", "state", "reason", "begun", "ended", "actor_kind")
    list_filter = ("state", "reason", "begun_at", "user__teams")
    list_select_related = ("user", "reason")
    search_fields = ("user__name", "user__email")
    ordering = ("-pk",)
    fields = ("user", "state", "reason", "begun_at", "ended_at", "actor_kind", "actor_id")

    @admin.display(description=_("from"), ordering="begun_at")
    def begun(self, obj: AgentStateInterval) -> SafeString | str:
        """Short."""
        return when(obj.begun_at)

    @admin.display(description=_("to"), ordering="ended_at")
    def ended(self, obj: AgentStateInterval) -> SafeString | str:
        """Short."""
        return when(obj.ended_at)


@admin.register(BreakRequest)
class BreakRequestAdmin(ReadOnlyAdmin[BreakRequest]):
    """Breaks asked for."""

    list_display = ("user", "reason", "minutes", "state", "asked", "decided_by", "note")
    list_filter = ("state", "reason", "asked_at", "user__teams")
    list_select_related = ("user", "reason", "decided_by")
    search_fields = ("user__name", "user__email")
    ordering = ("-pk",)

    @admin.display(description=_("asked"), ordering="asked_at")
    def asked(self, obj: BreakRequest) -> SafeString | str:
        """Short."""
        return when(obj.asked_at)


@admin.register(PlanVersion)
class PlanVersionAdmin(ReadOnlyAdmin[PlanVersion]):
    """Plans as they stood."""

    list_display = ("plan", "version", "saved")
    list_filter = ("plan",)
    list_select_related = ("plan",)
    search_fields = ("plan__name",)
    ordering = ("-pk",)
    fields = ("plan", "version", "saved_at", "shown_rules")

    @admin.display(description=_("saved"), ordering="saved_at")
    def saved(self, obj: PlanVersion) -> SafeString | str:
        """Short."""
        return when(obj.saved_at)

    @admin.display(description=_("steps"))
    def shown_rules(self, obj: PlanVersion) -> SafeString:
        """As they are stored."""
        return _source(obj.rules)
