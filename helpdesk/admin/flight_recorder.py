"""The flight recorder: every mail that came in, its fate and why; quarantined ones can be taken up again or set aside."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from helpdesk import access
from helpdesk.actions import mailboxes
from helpdesk.admin.base import ReadOnlyAdmin, link_to, mark, when
from helpdesk.admin.tickets import desk_link
from helpdesk.blobs import BlobMissing
from helpdesk.mail.reason_words import shown
from helpdesk.mail.store import content_of, split_head
from helpdesk.models import RawMail, Verdict

_SHOWN_CHARACTERS = 100_000
_TONES: dict[str, str] = {
    Verdict.TICKET: "ok",
    Verdict.REPLY: "ok",
    Verdict.AUTO_REPLY: "quiet",
    Verdict.BOUNCE: "act",
    Verdict.DUPLICATE: "quiet",
    Verdict.QUARANTINED: "bad",
    Verdict.IGNORED: "quiet",
}


@admin.register(RawMail)
class RawMailAdmin(ReadOnlyAdmin[RawMail]):
    """Inbound mail."""

    list_display = ("fetched", "shown_fate", "sender", "shown_subject", "shown_reason", "shown_ticket", "mailbox")
    list_display_links = ("fetched", "shown_subject")
    list_filter = ("verdict", "state", "mailbox", "is_import", "received_at")
    list_select_related = ("mailbox", "ticket")
    search_fields = ("sender", "subject", "=message_id")
    search_help_text = _("Words of the sender or subject, or a whole Message-ID.")
    ordering = ("-received_at", "-pk")
    actions = ("reprocess", "ignore")
    object_actions = ("reprocess", "ignore")
    fieldsets = (
        (None, {"fields": ("shown_fate", "shown_whole_reason", "shown_ticket", "shown_twin")}),
        (_("Mail"), {"fields": ("sender", "subject", "message_id", "shown_size", "server_at")}),
        (
            _("Way"),
            {"fields": ("mailbox", "received_at", "source", "is_import", "attempts", "uidvalidity", "uid", "sha256")},
        ),
        (_("As it came"), {"fields": ("shown_headers", "shown_source")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[RawMail]:
        """Without the bytes; the page of one mail reads them."""
        return super().get_queryset(request).defer("raw")

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Who may take quarantined mail up again."""
        return request.user.has_perm("helpdesk.change_rawmail")

    def may_act(self, request: HttpRequest, obj: RawMail, action: str) -> bool:
        """Only quarantined mail is handled; mail whose bytes are not here cannot be read again."""
        if obj.state != RawMail.State.QUARANTINED or not self.has_handle_permission(request):
            return False
        return action != "reprocess" or _is_whole(obj)

    @admin.display(description=_("fetched"), ordering="received_at")
    def fetched(self, obj: RawMail) -> SafeString | str:
        """Short."""
        return when(obj.received_at)

    @admin.display(description=_("fate"), ordering="verdict")
    def shown_fate(self, obj: RawMail) -> SafeString:
        """One word with a shape."""
        if obj.state == RawMail.State.PENDING:
            return mark("busy", obj.get_state_display())
        return mark(_TONES.get(obj.verdict, "quiet"), obj.get_verdict_display() or obj.get_state_display())

    @admin.display(description=_("subject"), ordering="subject")
    def shown_subject(self, obj: RawMail) -> SafeString:
        """Its beginning, in its own direction."""
        return format_html("<bdi>{}</bdi>", obj.subject[:80] or _("(no subject)"))

    @admin.display(description=_("why"))
    def shown_reason(self, obj: RawMail) -> SafeString:
        """Its beginning, in its own direction."""
        return format_html('<span dir="auto">{}</span>', shown(obj.reason, obj.why)[:140])

    @admin.display(description=_("why"))
    def shown_whole_reason(self, obj: RawMail) -> SafeString:
        """All of it."""
        return format_html('<span dir="auto">{}</span>', shown(obj.reason, obj.why) or "-")

    @admin.display(description=_("ticket"))
    def shown_ticket(self, obj: RawMail) -> SafeString | str:
        """Leading to the desk."""
        return desk_link(obj.ticket)

    @admin.display(description=_("delivered before as"))
    def shown_twin(self, obj: RawMail) -> SafeString | str:
        """The first of several deliveries."""
        return link_to(obj.duplicate_of)

    @admin.display(description=_("size"))
    def shown_size(self, obj: RawMail) -> str:
        """In words."""
        return filesizeformat(obj.size)

    @admin.display(description=_("headers"))
    def shown_headers(self, obj: RawMail) -> SafeString:
        """As they came, as text."""
        head, _body = split_head(_bytes_of(obj).replace(b"\r\n", b"\n"))
        return format_html('<pre class="source" dir="ltr">{}</pre>', _as_text(head))

    @admin.display(description=_("source"))
    def shown_source(self, obj: RawMail) -> SafeString:
        """What follows the headers, as text, up to a length."""
        _head, body = split_head(_bytes_of(obj).replace(b"\r\n", b"\n"))
        return format_html('<pre class="source" dir="ltr">{}</pre>', _as_text(body.lstrip(b"\n")))

    @admin.action(description=_("Read again"), permissions=["handle"])
    def reprocess(self, request: HttpRequest, rows: QuerySet[RawMail]) -> None:
        """Puts quarantined mail back on its way."""
        found = [row for row in rows if row.state == RawMail.State.QUARANTINED]
        whole = [row for row in found if _is_whole(row)]
        done = mailboxes.reprocess(whole)
        for row in whole:
            self.audit(request, row, "reprocessed")
        if done:
            words = ngettext("%(n)s mail is being read again.", "%(n)s mails are being read again.", done)
            self.message_user(request, words % {"n": done})
        if done < len(rows):
            self.message_user(
                request,
                _("The others were not in quarantine, or are too large and still on their server alone."),
                messages.WARNING,
            )

    @admin.action(description=_("Set aside"), permissions=["handle"])
    def ignore(self, request: HttpRequest, rows: QuerySet[RawMail]) -> None:
        """Quarantined mail that nobody has to look at again; its bytes stay."""
        done = mailboxes.set_aside(list(rows), actor=access.actor_of(request))
        words = ngettext("%(n)s mail was set aside.", "%(n)s mails were set aside.", done)
        self.message_user(request, words % {"n": done})


def _is_whole(row: RawMail) -> bool:
    """Whether the mail itself is here, and not its headers alone because it was too large."""
    stored = len(_bytes_of(row)) if row.size else 0
    return stored >= row.size > 0


def _bytes_of(row: RawMail) -> bytes:
    try:
        return content_of(row.duplicate_of or row)
    except BlobMissing:
        return str(_("The file of this mail is missing from the storage.")).encode()


def _as_text(content: bytes) -> str:
    """UTF-8 where it is, Latin-1 where not; control characters made visible."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    shown = "".join(c if c in "\n\t" or ord(c) >= 32 else "\N{SYMBOL FOR NULL}" for c in text[:_SHOWN_CHARACTERS])
    rest = len(text) - _SHOWN_CHARACTERS
    return f"{shown}\n\n[{_('%(n)s characters more') % {'n': rest}}]" if rest > 0 else shown
