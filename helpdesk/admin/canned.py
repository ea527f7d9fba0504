"""Canned responses shared by a team or by everybody: texts, files, preview, and taking them over from a file."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from helpdesk import access, canned
from helpdesk.actions import BadInput
from helpdesk.actions.canned import Entry, checked, exported, keep_file, take_over
from helpdesk.admin.base import HouseAdmin, mark, when
from helpdesk.models import CannedFile, CannedResponse
from helpdesk.queries.canned import own_field_names

_FILE_AT_MOST = 5_000_000
_EXPORTED_AT_MOST = 10_000


class CannedResponseForm(forms.ModelForm[CannedResponse]):
    """A response, checked as those of agents are."""

    shortcut = forms.CharField(
        label=gettext_lazy("shortcut"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("Typed after “/”; made from the name when it is empty."),
    )

    class Meta:
        model = CannedResponse
        fields = ("name", "shortcut", "folder", "team", "language", "text", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "text" in self.fields:
            names = (*canned.VARIABLES, *own_field_names())
            self.fields["text"].help_text = format_html(
                '{} <bdi dir="ltr">{}</bdi>', _("Variables:"), " ".join(canned.place(name) for name in names)
            )
        if "team" in self.fields:
            self.fields["team"].help_text = _("Empty: everybody has it.")

    def clean(self) -> dict[str, Any]:
        """The columns tidied; a shortcut that is taken is named."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        entered = {key: str(values.get(key) or "") for key in ("name", "text", "shortcut", "folder", "language")}
        try:
            values.update(checked(Entry(**entered)))
        except BadInput as problem:
            raise ValidationError(str(problem)) from None
        twin = CannedResponse.objects.filter(
            shortcut=values["shortcut"], language=values["language"], team=values.get("team"), owner=self.instance.owner
        )
        if twin.exclude(pk=self.instance.pk or 0).exists():
            raise ValidationError({"shortcut": _("This shortcut is taken for the same team and language.")})
        return values


class CannedFileForm(forms.ModelForm[CannedFile]):
    """A file is uploaded; its name and size are its own."""

    upload = forms.FileField(label=gettext_lazy("file"), required=False)

    class Meta:
        model = CannedFile
        fields = ()

    def clean(self) -> dict[str, Any]:
        """A new row needs a file of bearable size."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        upload = values.get("upload")
        if self.instance._state.adding and not isinstance(upload, UploadedFile):
            raise ValidationError({"upload": _("Choose a file.")})
        if isinstance(upload, UploadedFile) and upload.size is not None and upload.size > _FILE_AT_MOST:
            raise ValidationError({"upload": _("A file of a response is at most 5 MB.")})
        return values

    def save(self, commit: bool = True) -> CannedFile:
        """Keeps the bytes before the row."""
        upload = self.cleaned_data.get("upload")
        if isinstance(upload, UploadedFile):
            keep_file(
                self.instance, name=upload.name or "", content_type=upload.content_type or "", data=upload.chunks()
            )
        return super().save(commit)


class Files(admin.TabularInline[CannedFile, CannedResponse]):
    """What travels with the response."""

    model = CannedFile
    form = CannedFileForm
    extra = 1
    fields = ("name", "size", "upload")
    readonly_fields = ("name", "size")


class ImportForm(forms.Form):
    """The file of responses."""

    file = forms.FileField(label=gettext_lazy("JSON file"), help_text=gettext_lazy("As “Export as JSON” writes it."))

    def rows(self) -> Any:
        """What the file holds. Raises BadInput when it is no JSON."""
        try:
            return json.loads(self.cleaned_data["file"].read(_FILE_AT_MOST).decode("utf-8-sig"))
        except ValueError:
            raise BadInput(_("The file is not JSON.")) from None


@admin.register(CannedResponse)
class CannedResponseAdmin(HouseAdmin[CannedResponse]):
    """Shared responses, and one's own. Those of other people stay theirs."""

    form = CannedResponseForm
    change_list_template = "admin/helpdesk/cannedresponse/change_list.html"
    list_display = (
        "name",
        "shown_shortcut",
        "folder",
        "shown_scope",
        "language",
        "use_count",
        "shown_used",
        "shown_state",
    )
    list_filter = ("is_active", "team", "language", "folder")
    list_select_related = ("team", "owner")
    search_fields = ("name", "shortcut", "folder", "text")
    autocomplete_fields = ("team",)
    inlines = (Files,)
    readonly_fields = ("preview", "use_count", "last_used_at")
    fieldsets = (
        (None, {"fields": ("name", "shortcut", "folder", "team", "language", "is_active")}),
        (gettext_lazy("Text"), {"fields": ("text", "preview")}),
        (gettext_lazy("Use"), {"fields": ("use_count", "last_used_at")}),
    )
    actions = ("export",)

    @admin.display(description=gettext_lazy("shortcut"), ordering="shortcut")
    def shown_shortcut(self, obj: CannedResponse) -> str:
        """As it is typed."""
        return f"/{obj.shortcut}"

    @admin.display(description=gettext_lazy("who has it"))
    def shown_scope(self, obj: CannedResponse) -> str:
        """A person, a team or everybody."""
        return str(obj.owner or obj.team or _("everybody"))

    @admin.display(description=gettext_lazy("last used"), ordering="last_used_at")
    def shown_used(self, obj: CannedResponse) -> SafeString | str:
        """When somebody last used it."""
        return when(obj.last_used_at)

    @admin.display(description=gettext_lazy("state"), ordering="is_active")
    def shown_state(self, obj: CannedResponse) -> SafeString:
        """Offered or not."""
        return mark("ok", _("offered")) if obj.is_active else mark("quiet", _("switched off"))

    @admin.display(description=gettext_lazy("preview"))
    def preview(self, obj: CannedResponse) -> SafeString | str:
        """The text with values of an example; what has none there is marked."""
        if not obj.pk:
            return _("Shown once it is saved.")
        return format_html('<div class="preview" dir="auto">{}</div>', canned.fill(obj.text, canned.EXAMPLE).text)

    @admin.action(description=gettext_lazy("Export as JSON"), permissions=["view"])
    def export(self, request: HttpRequest, rows: QuerySet[CannedResponse]) -> HttpResponse:
        """The chosen responses as a file, without their files."""
        chosen = rows.select_related("team")[:_EXPORTED_AT_MOST]
        content = json.dumps(exported(chosen), ensure_ascii=False, indent=1)
        response = HttpResponse(content, content_type="application/json; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="canned-responses.json"'
        return response

    def get_urls(self) -> list[URLPattern]:
        """Adds the page that takes responses over."""
        view = self.admin_site.admin_view(self.import_view)
        return [path("import/", view, name="helpdesk_cannedresponse_import"), *super().get_urls()]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Takes responses over from a file: all of them, or none and a sentence about the one that will not do."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                made, changed = take_over(actor=access.actor_of(request), rows=form.rows())
            except BadInput as problem:
                form.add_error("file", str(problem))
            else:
                words = _("%(made)s made, %(changed)s changed.") % {"made": made, "changed": changed}
                self.message_user(request, words, messages.SUCCESS)
                return redirect(reverse("admin:helpdesk_cannedresponse_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Take over canned responses"),
            "form": form,
        }
        return TemplateResponse(request, "admin/helpdesk/cannedresponse/import.html", context)
