"""The outbox: every mail that leaves, where it stands for each recipient, and what the server said."""

from __future__ import annotations

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from helpdesk.actions import outbox, sending
from helpdesk.admin.base import ReadOnlyAdmin, link_to, mark, when
from helpdesk.admin.tickets import desk_link
from helpdesk.models import Actor, OutgoingMail

_S = OutgoingMail.State
_TONES: dict[str, str] = {
    _S.SENT: "ok",
    _S.SCHEDULED: "busy",
    _S.QUEUED: "busy",
    _S.LEASED: "busy",
    _S.DEFERRED: "act",
    _S.UNCERTAIN: "act",
    _S.HELD: "act",
    _S.DEAD: "bad",
    _S.CANCELLED: "quiet",
}
_RESENDABLE = {_S.DEAD, _S.HELD, _S.DEFERRED}


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin[OutgoingMail]):
    """Outgoing mail."""

    list_display = ("written", "at_desk", "shown_state", "shown_recipients", "attempts", "shown_due", "shown_answer")
    list_filter = ("state", "mailbox", "is_automatic", "may_be_doubled", "queued_at")
    list_select_related = ("ticket", "mailbox")
    search_fields = ("=identifier", "recipients")
    search_help_text = _("A recipient's address, or a whole Message-ID.")
    ordering = ("-pk",)
    actions = ("resend", "stop")
    object_actions = ("resend", "stop")
    fieldsets = (
        (None, {"fields": ("shown_state", "at_desk", "shown_recipients", "last_error")}),
        (
            _("Way"),
            {"fields": ("mailbox", "queued_at", "due_at", "attempts", "sent_at", "may_be_doubled", "is_automatic")},
        ),
        (_("Mail"), {"fields": ("identifier", "shown_headers", "shown_message", "mime_sha256")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingMail]:
        """Without the frozen text."""
        return super().get_queryset(request).defer("mime")

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Who may send again and stop."""
        return request.user.has_perm("helpdesk.change_outgoingmail")

    def may_act(self, request: HttpRequest, obj: OutgoingMail, action: str) -> bool:
        """Each button where it makes sense."""
        fitting = obj.state in _RESENDABLE if action == "resend" else outbox.can_stop(obj)
        return fitting and self.has_handle_permission(request)

    @admin.display(description=_("written"), ordering="queued_at")
    def written(self, obj: OutgoingMail) -> SafeString | str:
        """Short."""
        return when(obj.queued_at)

    @admin.display(description=_("ticket"))
    def at_desk(self, obj: OutgoingMail) -> SafeString | str:
        """Leading to the desk."""
        return desk_link(obj.ticket)

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, obj: OutgoingMail) -> SafeString:
        """One word with a shape."""
        return mark(_TONES.get(obj.state, "quiet"), obj.get_state_display())

    @admin.display(description=_("recipients"))
    def shown_recipients(self, obj: OutgoingMail) -> SafeString | str:
        """Address and state, each by itself."""
        rows = [(r.get("email", ""), r.get("state", ""), r.get("answer", "")) for r in obj.recipients]
        return format_html_join("", '<div class="recipient"><bdi>{}</bdi> {} {}</div>', rows) or "-"

    @admin.display(description=_("due"), ordering="due_at")
    def shown_due(self, obj: OutgoingMail) -> SafeString | str:
        """Only while it still waits."""
        return when(obj.due_at) if outbox.can_stop(obj) and obj.state != _S.DEAD else "-"

    @admin.display(description=_("last answer"))
    def shown_answer(self, obj: OutgoingMail) -> str:
        """Its beginning."""
        return obj.last_error[:120] or "-"

    @admin.display(description=_("headers"))
    def shown_headers(self, obj: OutgoingMail) -> SafeString:
        """As they will stand in the mail."""
        return format_html(
            '<pre class="source" dir="ltr">{}</pre>', json.dumps(obj.headers, indent=2, ensure_ascii=False)
        )

    @admin.display(description=_("message"))
    def shown_message(self, obj: OutgoingMail) -> SafeString | str:
        """What is said."""
        return link_to(obj.message)

    @admin.action(description=_("Send again"), permissions=["handle"])
    def resend(self, request: HttpRequest, rows: QuerySet[OutgoingMail]) -> None:
        """To the recipients who have not got it, with the same Message-ID."""

        def again(outgoing: OutgoingMail, actor: Actor) -> None:
            sending.resend(message=outgoing.message, actor=actor)
            self.audit(request, outgoing, "resent")

        done = self.each(request, rows.select_related("message__ticket"), again)
        if done:
            self.message_user(request, ngettext("%(n)s mail goes again.", "%(n)s mails go again.", done) % {"n": done})

    @admin.action(description=_("Stop"), permissions=["handle"])
    def stop(self, request: HttpRequest, rows: QuerySet[OutgoingMail]) -> None:
        """Mail that has not left does not leave."""
        done = self.each(request, rows, lambda outgoing, actor: outbox.stop_mail(outgoing=outgoing, actor=actor))
        if done:
            self.message_user(
                request, ngettext("%(n)s mail was stopped.", "%(n)s mails were stopped.", done) % {"n": done}
            )
