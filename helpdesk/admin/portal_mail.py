"""Mails outside of tickets: codes, links to customers' own pages, word of callbacks. The code itself is not kept."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from helpdesk.admin.base import ReadOnlyAdmin, link_to, mark, when
from helpdesk.admin.tickets import desk_link
from helpdesk.models import PortalMail

_TONES: dict[str, str] = {
    PortalMail.State.QUEUED: "busy",
    PortalMail.State.SENT: "ok",
    PortalMail.State.DROPPED: "quiet",
    PortalMail.State.DEAD: "bad",
}


@admin.register(PortalMail)
class PortalMailAdmin(ReadOnlyAdmin[PortalMail]):
    """Mails with codes and links."""

    list_display = ("asked", "what", "customer", "at_desk", "shown_state", "tries", "answer")
    list_filter = ("state", "queued_at")
    list_select_related = ("address__customer", "ticket", "code__customer")
    search_fields = ("address__value", "code__email")
    search_help_text = _("The customer's address.")
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("shown_state", "customer", "at_desk", "answer")}),
        (_("Way"), {"fields": ("asked", "left", "tries")}),
    )

    @admin.display(description=_("written"), ordering="queued_at")
    def asked(self, obj: PortalMail) -> SafeString | str:
        """Short."""
        return when(obj.queued_at)

    @admin.display(description=_("mail"))
    def what(self, obj: PortalMail) -> str:
        """A code, a link, or word of a callback."""
        return str(_("callback") if obj.letter.startswith("callback") else _("link") if obj.ticket_id else _("code"))

    @admin.display(description=_("customer"))
    def customer(self, obj: PortalMail) -> SafeString | str:
        """Nobody for a code asked for with an address that is no customer's."""
        if obj.address is not None:
            return link_to(obj.address.customer)
        return link_to(obj.code.customer if obj.code is not None else None)

    @admin.display(description=_("ticket"))
    def at_desk(self, obj: PortalMail) -> SafeString | str:
        """For a link; a code is for all tickets."""
        return desk_link(obj.ticket) if obj.ticket is not None else "-"

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, obj: PortalMail) -> SafeString:
        """In colour and word."""
        return mark(_TONES[obj.state], obj.get_state_display())

    @admin.display(description=_("sent"), ordering="sent_at")
    def left(self, obj: PortalMail) -> SafeString | str:
        """When the server took it."""
        return when(obj.sent_at)

    @admin.display(description=_("attempts"), ordering="attempts")
    def tries(self, obj: PortalMail) -> int:
        """How often it was tried."""
        return obj.attempts

    @admin.display(description=_("last answer"))
    def answer(self, obj: PortalMail) -> str:
        """What the server said, when it did not take it."""
        return obj.last_error or "-"
