"""How queues route: a page of its own, and rows on the page of the queue."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from helpdesk.admin.base import HouseAdmin, mark
from helpdesk.admin.organisation import QueueAdmin
from helpdesk.models import Queue
from routing.admin.queue_form import BEHAVIOUR_FIELDS, QueueRoutingForm
from routing.models import QueueRouting

_STATES = dict.fromkeys(state for _name, state, _channel in BEHAVIOUR_FIELDS)
_BEHAVIOURS = tuple(tuple(name for name, one, _channel in BEHAVIOUR_FIELDS if one == state) for state in _STATES)
_FIELDSETS: Any = (
    (
        _("Who gets a contact"),
        {
            "fields": ("plan", "strategy", "bands", "weight", "language_level", "max_wait_seconds"),
            "description": _(
                "The plan says what an agent must be able to do; among those who are, the strategy chooses."
            ),
        },
    ),
    (_("How contacts are handed out"), {"fields": ("mail_handing", "chat_handing", "callback_handing")}),
    (_("Targets"), {"fields": (("target_share", "target_seconds"), "short_abandon_seconds")}),
    (
        _("Offers"),
        {"fields": ("offer_seconds", ("misses_allowed", "missed_return_seconds"), ("may_decline", "decline_seconds"))},
    ),
    (_("Wrap-up"), {"fields": (("wrapup_seconds", "wrapup_more_seconds"),)}),
    (_("Known agent"), {"fields": (("sticky_days", "sticky_seconds"),)}),
    (_("Callback"), {"fields": ("callback_from_seconds", ("callback_tries", "callback_retry_seconds"))}),
    (
        _("When the queue is closed, nobody is at work, or it is full"),
        {
            "fields": (
                *_BEHAVIOURS,
                "other_queues",
                "closed_message",
                "max_length",
                ("at_closing", "drain_seconds"),
                "emergency_until",
            ),
            "description": _(
                "As usual: mail waits, chats become tickets, callbacks are called when the queue opens, and somebody is alerted."
            ),
        },
    ),
    (_("Overflow"), {"fields": ("overflow",)}),
)


class QueueRoutingInline(admin.StackedInline[QueueRouting, Queue]):
    """The routing of a queue on its page."""

    model = QueueRouting
    form = QueueRoutingForm
    fieldsets = _FIELDSETS
    can_delete = False
    autocomplete_fields = ("plan",)
    verbose_name_plural = _("routing")


QueueAdmin.hang(QueueRoutingInline)


@admin.register(QueueRouting)
class QueueRoutingAdmin(HouseAdmin[QueueRouting]):
    """Strategy, targets, offers, wrap-up, known agent, callback, closed hours of each queue that has any of its own."""

    form = QueueRoutingForm
    fieldsets = ((None, {"fields": ("queue",)}), *_FIELDSETS)
    list_display = ("queue", "strategy", "plan", "shown_handing", "shown_target", "weight", "shown_closed")
    list_filter = ("strategy", "queue__team")
    list_select_related = ("queue", "plan")
    search_fields = ("queue__name", "plan__name")
    autocomplete_fields = ("queue", "plan")

    def get_readonly_fields(self, request: HttpRequest, obj: QueueRouting | None = None) -> Any:
        """Settings do not wander from queue to queue."""
        return ("queue",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: QueueRouting, form: Any, change: bool) -> None:
        """Saved with what the plan's check warns of."""
        super().save_model(request, obj, form, change)
        for words in form.warnings:
            self.message_user(request, words, messages.WARNING)

    @admin.display(description=_("mail, chat, callback"))
    def shown_handing(self, obj: QueueRouting) -> str:
        """How each is handed out, in short."""
        short = {"offer": _("offered"), "pull": _("taken"), "assign": _("assigned")}
        handed = (obj.mail_handing, obj.chat_handing, obj.callback_handing)
        return ", ".join(str(short.get(one, one)) for one in handed)

    @admin.display(description=_("service level"), ordering="target_share")
    def shown_target(self, obj: QueueRouting) -> str:
        """80 % in 20 s."""
        return str(_("%(share)s %% in %(seconds)s s") % {"share": obj.target_share, "seconds": obj.target_seconds})

    @admin.display(description=_("when closed"))
    def shown_closed(self, obj: QueueRouting) -> SafeString:
        """Whether anything is said."""
        said = bool((obj.closed or {}).get("behaviours"))
        return mark("ok", _("says what happens")) if said else mark("quiet", _("as usual"))
