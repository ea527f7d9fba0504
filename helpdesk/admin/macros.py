"""Macros: an editor of rows, one a step, instead of JSON. What may stand in a step is said by actions/macros.py."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.datastructures import MultiValueDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk.actions import BadInput
from helpdesk.actions.macros import STEPS, checked_steps
from helpdesk.admin.base import HouseAdmin, mark, when
from helpdesk.macro_editor import editor_context, sent_steps
from helpdesk.models import SYSTEM, Macro


class StepsWidget(forms.Widget):
    """Rows of a step each: what it does, and the one value that needs. Empty rows are left out."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """The rows, with spare ones below."""
        return render_to_string("admin/helpdesk/macro/_steps.html", editor_context(name, value, SYSTEM))

    def value_from_datadict(self, data: Any, files: MultiValueDict[str, Any], name: str) -> list[dict[str, str]]:
        """The rows in their order on the page."""
        return sent_steps(data, name)

    def value_omitted_from_data(self, data: Any, files: MultiValueDict[str, Any], name: str) -> bool:
        """Whether the rows were on the page at all."""
        return f"{name}-do" not in data


class StepsField(forms.Field):
    """The steps, checked; a refusal names the step."""

    widget = StepsWidget

    def clean(self, value: Any) -> list[dict[str, Any]]:
        """Raises ValidationError with the sentence of the first step that will not do."""
        try:
            return checked_steps(value)
        except BadInput as problem:
            raise ValidationError(str(problem)) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compares what the steps do, not how they are written."""
        try:
            return bool(initial != checked_steps(data))
        except BadInput:
            return True


class MacroForm(forms.ModelForm[Macro]):
    """A macro with its rows."""

    steps = StepsField(
        label=gettext_lazy("steps"),
        help_text=gettext_lazy(
            "Done from top to bottom, all or none. The agent sees first what will be done; a text is put into his reply, unsent."
        ),
    )

    class Meta:
        model = Macro
        fields = ("name", "folder", "team", "is_active", "steps")


@admin.register(Macro)
class MacroAdmin(HouseAdmin[Macro]):
    """Macros of a team or of everybody."""

    form = MacroForm
    change_form_template = "admin/helpdesk/macro/change_form.html"
    list_display = ("name", "folder", "shown_scope", "shown_steps", "use_count", "shown_used", "shown_state")
    list_filter = ("is_active", "team", "folder")
    list_select_related = ("team", "owner")
    search_fields = ("name", "folder")
    autocomplete_fields = ("team",)
    readonly_fields = ("use_count", "last_used_at")
    fieldsets = (
        (None, {"fields": ("name", "folder", "team", "is_active")}),
        (gettext_lazy("Steps"), {"fields": ("steps",)}),
        (gettext_lazy("Use"), {"fields": ("use_count", "last_used_at")}),
    )

    @admin.display(description=gettext_lazy("who has it"))
    def shown_scope(self, obj: Macro) -> str:
        """A person, a team or everybody."""
        return str(obj.owner or obj.team or _("everybody"))

    @admin.display(description=gettext_lazy("steps"))
    def shown_steps(self, obj: Macro) -> str:
        """What it does, in a row."""
        steps = obj.steps if isinstance(obj.steps, list) else []
        return ", ".join(str(STEPS.get(step.get("do", ""), "?")) for step in steps) or "-"

    @admin.display(description=gettext_lazy("last used"), ordering="last_used_at")
    def shown_used(self, obj: Macro) -> SafeString | str:
        """When somebody last ran it."""
        return when(obj.last_used_at)

    @admin.display(description=gettext_lazy("state"), ordering="is_active")
    def shown_state(self, obj: Macro) -> SafeString:
        """Offered or not."""
        return mark("ok", _("offered")) if obj.is_active else mark("quiet", _("switched off"))
