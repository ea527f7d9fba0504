"""The audit book: read by managers and administrators, altered by nobody."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from helpdesk.admin.base import ReadOnlyAdmin, mark, when
from helpdesk.models import AuditEntry


class AboutFilter(admin.SimpleListFilter):
    """What kind of object a line is about: the kinds the admin knows, not a search of the whole book for those in it."""

    title = _("object")
    parameter_name = "object_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Model name and its words."""
        models = [model for model in admin.site._registry if model._meta.app_label == "helpdesk"]
        return sorted((str(m._meta.model_name), str(m._meta.verbose_name)) for m in models)

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Lines about this kind."""
        return queryset.filter(object_type=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """Who changed what, when."""

    list_display = ("happened", "actor_name", "action", "about", "shown_data", "shown_seal")
    list_filter = ("actor_kind", AboutFilter, "at")
    search_fields = ("actor_name", "action", "=object_id")
    search_help_text = _("A name, an action such as mailbox.changed, or the key of an object.")
    ordering = ("-pk",)
    fields = ("at", "actor_kind", "actor_name", "action", "about", "whole_data", "position", "digest")

    @admin.display(description=_("at"), ordering="at")
    def happened(self, obj: AuditEntry) -> SafeString | str:
        """Short."""
        return when(obj.at)

    @admin.display(description=_("object"))
    def about(self, obj: AuditEntry) -> SafeString | str:
        """A link where the admin knows the object."""
        if not obj.object_type:
            return "-"
        words = f"{obj.object_type} {obj.object_id}"
        try:
            address = reverse(f"admin:helpdesk_{obj.object_type}_change", args=[obj.object_id])
        except NoReverseMatch:
            return words
        return format_html('<a href="{}">{}</a>', address, words)

    @admin.display(description=_("data"))
    def shown_data(self, obj: AuditEntry) -> str:
        """Its beginning."""
        return json.dumps(obj.data, ensure_ascii=False)[:160] if obj.data else "-"

    @admin.display(description=_("data"))
    def whole_data(self, obj: AuditEntry) -> SafeString:
        """All of it."""
        return format_html('<pre class="source">{}</pre>', json.dumps(obj.data, indent=2, ensure_ascii=False))

    @admin.display(description=_("chain"))
    def shown_seal(self, obj: AuditEntry) -> SafeString:
        """Whether the hash chain has closed over it."""
        return mark("ok", _("closed")) if obj.digest else mark("busy", _("in a moment"))
