"""Mailboxes: settings, health in words, "poll now" and "Test connection"."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from helpdesk import jobs
from helpdesk.admin.base import HouseAdmin, mark, when
from helpdesk.admin.mailbox_form import OAUTH_FIELDS, MailboxForm
from helpdesk.mail.check import test_connection
from helpdesk.models import Mailbox

_PRESETS = _(
    "Gmail and Google Workspace: imap.gmail.com 993 and smtp.gmail.com 587, token address https://oauth2.googleapis.com/token. "
    "Microsoft 365: outlook.office365.com 993 and smtp.office365.com 587, token address "
    "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token. Both want OAuth2 or an app password."
)


@admin.register(Mailbox)
class MailboxAdmin(HouseAdmin[Mailbox]):
    """Mailboxes. Switched off instead of deleted: the mail that came through them stays theirs."""

    kept = True
    guarded = True
    form = MailboxForm
    list_display = ("name", "address", "queue", "shown_health", "shown_success", "failure_count", "shown_error")
    list_filter = ("is_active", "queue", "auth", "watch")
    list_select_related = ("queue",)
    search_fields = ("name", "address", "aliases", "imap_host")
    autocomplete_fields = ("queue", "calendar")
    readonly_fields = ("shown_health", "last_success_at", "failure_count", "last_error")
    actions = ("poll_now", "switch_off")
    object_actions = ("poll_now",)
    change_form_template = "admin/helpdesk/mailbox/change_form.html"
    fieldsets = (
        (
            None,
            {"fields": ("name", "address", "from_name", "aliases", "queue", "language", "calendar", "is_active")},
        ),
        (_("Health"), {"fields": ("shown_health", "last_success_at", "failure_count", "last_error")}),
        (
            _("Mail in (IMAP)"),
            {
                "fields": (
                    ("imap_host", "imap_port", "imap_security"),
                    "auth",
                    "username",
                    "password",
                    "folder",
                    ("watch", "poll_seconds"),
                    ("after_fetch", "move_to"),
                    ("import_existing", "import_days"),
                    "new_tickets_require_verified_sender",
                ),
                "description": _PRESETS,
            },
        ),
        (
            _("OAuth2"),
            {
                "fields": ("oauth_token_url", "oauth_client_id", "oauth_client_secret", "oauth_refresh_token"),
                "description": _("Only for the sign-in “OAuth2”. It serves IMAP and SMTP alike."),
            },
        ),
        (
            _("Mail out (SMTP)"),
            {
                "fields": (
                    ("smtp_host", "smtp_port", "smtp_security"),
                    "smtp_username",
                    "smtp_password",
                    "plus_addressing",
                )
            },
        ),
        (_("Words"), {"fields": ("signature", "auto_acknowledge", "acknowledgement", "portal_link")}),
    )

    # --- saving -------------------------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Mailbox, form: Any, change: bool) -> None:
        """Writes the changed columns alone, and has the mailbox looked at at once."""
        if change:
            columns = form.columns()
            if columns:
                obj.save(update_fields=columns)
        else:
            obj.save()
        jobs.wake_dispatcher("mailboxes")

    def get_fieldsets(self, request: HttpRequest, obj: Mailbox | None = None) -> Any:
        """A mailbox that does not exist yet has no health."""
        shown = super().get_fieldsets(request, obj)
        return (
            shown
            if obj is not None
            else [part for part in shown if part[1]["fields"] != self.fieldsets[1][1]["fields"]]
        )

    # --- trying it ----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        """Adds the addresses of "Test connection": for a new mailbox and for one that is there."""
        view = self.admin_site.admin_view(require_POST(self.test_view))
        return [
            path("test/", view, name="helpdesk_mailbox_test_new"),
            path("<int:object_id>/test/", view, name="helpdesk_mailbox_test"),
            *super().get_urls(),
        ]

    def test_view(self, request: HttpRequest, object_id: int | None = None) -> HttpResponse:
        """Tries the values as they stand in the form, saved or not, and shows each step. Saves nothing."""
        obj = self.get_object(request, str(object_id)) if object_id is not None else None
        if object_id is not None and obj is None:
            raise Http404
        if not (self.has_change_permission(request, obj) if obj is not None else self.has_add_permission(request)):
            raise PermissionDenied
        if (away := self._ask_to_sign_in(request)) is not None:
            return away
        form: Any = self.get_form(request, obj, change=obj is not None)(request.POST, instance=obj)
        steps = []
        if form.is_valid():
            tried = form.save(commit=False)
            if obj is None or OAUTH_FIELDS & set(form.changed_data):
                tried.pk = None  # a token won by unsaved settings is not kept
            steps = test_connection(tried)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Test connection"),
            "opts": self.opts,
            "mailbox": obj,
            "steps": steps,
            "problems": [
                (form.fields[name].label if name in form.fields else "", errors) for name, errors in form.errors.items()
            ],
            "all_ok": bool(steps) and all(step.outcome != "failed" for step in steps),
            "back": reverse("admin:helpdesk_mailbox_change", args=[object_id])
            if obj
            else reverse("admin:helpdesk_mailbox_add"),
        }
        part = "_test_steps" if request.headers.get("X-Requested-With") == "fetch" else "test_connection"
        return TemplateResponse(request, f"admin/helpdesk/mailbox/{part}.html", context)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        """Tells the page where its test button posts to."""
        obj = context.get("original")
        context["test_address"] = (
            reverse("admin:helpdesk_mailbox_test", args=[obj.pk]) if obj else reverse("admin:helpdesk_mailbox_test_new")
        )
        return super().render_change_form(request, context, *arguments, **options)

    # --- columns ------------------------------------------------------------------------------------------------

    @admin.display(description=_("health"), ordering="failure_count")
    def shown_health(self, obj: Mailbox) -> SafeString:
        """One word."""
        if not obj.is_active:
            return mark("quiet", _("switched off"))
        if obj.failure_count >= 3:
            return mark("bad", _("failing"))
        if obj.failure_count:
            return mark("act", _("trying again"))
        return mark("ok", _("well")) if obj.last_success_at else mark("busy", _("not polled yet"))

    @admin.display(description=_("last success"), ordering="last_success_at")
    def shown_success(self, obj: Mailbox) -> SafeString | str:
        """When."""
        return when(obj.last_success_at)

    @admin.display(description=_("last error"))
    def shown_error(self, obj: Mailbox) -> str:
        """Its beginning."""
        return obj.last_error[:120] or "-"

    # --- actions ------------------------------------------------------------------------------------------------

    def may_act(self, request: HttpRequest, obj: Mailbox, action: str) -> bool:
        """A mailbox that is switched off is not polled."""
        return obj.is_active and super().may_act(request, obj, action)

    @admin.action(description=_("Poll now"), permissions=["change"])
    def poll_now(self, request: HttpRequest, rows: QuerySet[Mailbox]) -> None:
        """Ends the pauses of the pollers."""
        jobs.wake_dispatcher("mailboxes")
        count = rows.filter(is_active=True).count()
        words = ngettext("%(n)s mailbox is being asked for mail.", "%(n)s mailboxes are being asked for mail.", count)
        self.message_user(request, words % {"n": count})

    @admin.action(description=_("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, rows: QuerySet[Mailbox]) -> None:
        """No mail is fetched any more; what came stays."""
        for box in rows.filter(is_active=True):
            Mailbox.objects.filter(pk=box.pk).update(is_active=False)
            self.audit(request, box, "changed", {"is_active": [True, False]})
            self.message_user(request, _("%(name)s is switched off.") % {"name": box}, messages.WARNING)
        jobs.wake_dispatcher("mailboxes")
