"""What all pages of the admin share: scope, the audit book, buttons on one object, and lists that count no large table.

Every read goes through `visible_to` where the model has it; every change of a setting writes one line of the audit book, in
the transaction of the change, with old and new values but for secrets and what describes a customer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from helpdesk import access, events
from helpdesk.actions import BadInput
from helpdesk.models import Actor, IllegalTransition, Role, User
from helpdesk.models.fields import SealedTextField
from helpdesk.sign_in import signed_in_within
from helpdesk.templatetags.desk import icon
from helpdesk.templatetags.moments import moment

M = TypeVar("M", bound=models.Model)

_TEXT_AT_MOST = 300
_COUNT_AT_MOST = 10_000
#: A form that was opened after a fresh sign-in may be sent for so long.
_FORM_SECONDS = 3600
_MARKS = {"ok": "s-resolved", "busy": "clock", "act": "warn", "bad": "s-breach", "quiet": "minus"}


class BoundedPaginator(Paginator[Any]):
    """Counts no further than 10,000 rows: the page behind that is found by a filter, not by turning leaves."""

    @cached_property
    def count(self) -> int:
        """At most _COUNT_AT_MOST."""
        rows: Any = self.object_list
        return int(rows.order_by()[:_COUNT_AT_MOST].count()) if isinstance(rows, QuerySet) else len(rows)


def mark(tone: str, words: str | Promise) -> SafeString:
    """A state as a coloured word with a shape: tone is ok, busy, act, bad or quiet. Without colour nothing is lost."""
    return format_html('<span class="mark mark--{}">{}{}</span>', tone, icon(_MARKS[tone], "sm"), words)


def when(at: datetime | None) -> SafeString | str:
    """A time as short as it is clear, with the whole of it as a hint; a dash for None."""
    if at is None:
        return "-"
    whole = date_format(localtime(at), "DATETIME_FORMAT")
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), whole, moment(at))


def link_to(row: models.Model | None, words: str = "") -> SafeString | str:
    """A link to the row's page in the admin; a dash for None."""
    if row is None:
        return "-"
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, words or str(row))


class HouseAdmin(admin.ModelAdmin[M]):
    """The base of every page. `large` lists are not counted, `kept` rows never deleted, `open_values` False keeps values
    out of the audit book, `guarded` pages ask administrators for a fresh sign-in."""

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count each choice of each filter
    paginator = BoundedPaginator
    kept: ClassVar[bool] = False
    open_values: ClassVar[bool] = True
    guarded: ClassVar[bool] = False
    #: Actions that also stand as buttons on the page of one object.
    object_actions: ClassVar[Sequence[str]] = ()

    def __init__(self, model: type[M], admin_site: admin.AdminSite) -> None:
        """Labels of a form's own fields begin with a capital, as those of the columns do. Once: these fields outlive requests."""
        super().__init__(model, admin_site)
        fields: dict[str, Any] = getattr(self.form, "declared_fields", {})
        for field in fields.values():
            field.label = capfirst(field.label) if field.label else field.label

    @classmethod
    def hang(cls, inline: type[admin.options.InlineModelAdmin[Any, Any]]) -> None:
        """Adds rows of an upper floor to this page: routing's part of a queue stands on the page of the queue."""
        cls.inlines = (*cls.inlines, inline)

    # --- who sees and may do what -------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """Only what the person may see."""
        rows = super().get_queryset(request)
        scoped = getattr(rows, "visible_to", None)
        return rows if scoped is None else scoped(access.actor_of(request))

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Never for what the history needs."""
        return not self.kept and super().has_delete_permission(request, obj)

    def may_act(self, request: HttpRequest, obj: M, action: str) -> bool:
        """Whether the button of this action stands on this object's page."""
        return self.has_change_permission(request, obj)

    # --- buttons on one object ----------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        """Adds the address the buttons post to."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        view = self.admin_site.admin_view(require_POST(self.do_view))
        return [path("<path:object_id>/do/<slug:action>/", view, name=name), *super().get_urls()]

    def do_view(self, request: HttpRequest, object_id: str, action: str) -> HttpResponseBase:
        """Runs one of `object_actions` on one row, with the permissions the list's action asks for."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None or action not in self.object_actions:
            raise Http404
        found = self.get_actions(request).get(action)
        if found is None or not self.may_act(request, obj, action):
            raise PermissionDenied
        if (away := self._ask_to_sign_in(request)) is not None:
            return away
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[object_id])
        answer: Any = found[0](self, request, self.get_queryset(request).filter(pk=obj.pk))
        return answer if isinstance(answer, HttpResponse) else redirect(back)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Puts the buttons on the page, and asks for a fresh sign-in where that is due."""
        if (away := self._ask_to_sign_in(request)) is not None:
            return away
        context = {**(extra_context or {}), "object_buttons": self._buttons(request, object_id)}
        return super().changeform_view(request, object_id, form_url, context)

    def _buttons(self, request: HttpRequest, object_id: str | None) -> list[dict[str, Any]]:
        obj = self.get_object(request, unquote(object_id)) if object_id and self.object_actions else None
        if obj is None:
            return []
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_do"
        known = self.get_actions(request)
        return [
            {"address": reverse(name, args=[object_id, action]), "words": entry[2], "name": action}
            for action in self.object_actions
            if (entry := known.get(action)) is not None and self.may_act(request, obj, action)
        ]

    def _ask_to_sign_in(self, request: HttpRequest) -> HttpResponseRedirect | None:
        """Guarded pages: an administrator shows his password or factor again before the form opens."""
        user = request.user
        if not self.guarded or not isinstance(user, User) or user.role != Role.ADMIN:
            return None
        seconds = settings.ACCOUNT_REAUTHENTICATION_TIMEOUT if request.method == "GET" else _FORM_SECONDS
        if signed_in_within(request, seconds):
            return None
        back = request.get_full_path() if request.method == "GET" else urlsplit(request.headers.get("Referer", "")).path
        if request.method != "GET":
            messages.warning(request, _("Nothing was saved: it is long since you signed in. Please try again."))
        return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': back or '/admin/'})}")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """The history of an object is what the audit book says of it; Django's own log is only the list of recent actions."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        about = urlencode({"object_type": self.opts.model_name, "object_id": obj.pk})
        return redirect(f"{reverse('admin:helpdesk_auditentry_changelist')}?{about}")

    def log_addition(self, request: HttpRequest, obj: M, message: Any) -> Any:
        """Django's log keeps the object's name: not where that is a person's."""
        return super().log_addition(request, obj, message) if self.open_values else None

    def log_change(self, request: HttpRequest, obj: M, message: Any) -> Any:
        """See log_addition."""
        return super().log_change(request, obj, message) if self.open_values else None

    # --- the audit book -----------------------------------------------------------------------------------------

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """After the rows of the page are saved: one line in the audit book."""
        super().save_related(request, form, formsets, change)
        for row in (one for formset in formsets for one in formset.forms):
            for words in getattr(row, "warnings", ()):  # what a row's form lets pass, and has something to say about
                self.message_user(request, words, messages.WARNING)
        self.audit_form(request, form, formsets, change=change)

    def audit_form(self, request: HttpRequest, form: Any, formsets: Iterable[Any], *, change: bool) -> None:
        """Writes what the form and its inline rows changed."""
        data = changes_of(form, values=self.open_values)
        for formset in formsets:
            name = formset.model._meta.model_name
            rows = {
                "added": [_plain(row) for row in getattr(formset, "new_objects", [])],
                "changed": [_plain(row) for row, _fields in getattr(formset, "changed_objects", [])],
                "removed": [_plain(row) for row in getattr(formset, "deleted_objects", [])],
            }
            if any(rows.values()):
                data[name] = {word: found if self.open_values else len(found) for word, found in rows.items() if found}
        if data or not change:
            self.audit(request, form.instance, "changed" if change else "added", data)

    def audit(self, request: HttpRequest, row: models.Model, verb: str, data: dict[str, Any] | None = None) -> None:
        """One line about this row."""
        events.audit(access.actor_of(request), f"{row._meta.model_name}.{verb}", row, data)

    def delete_model(self, request: HttpRequest, obj: M) -> None:
        """Deletes with a line in the audit book."""
        self.audit(request, obj, "deleted", {"name": _plain(obj)} if self.open_values else {})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[M]) -> None:
        """Deletes several, a line each."""
        with transaction.atomic():
            for obj in queryset:
                self.audit(request, obj, "deleted", {"name": _plain(obj)} if self.open_values else {})
            super().delete_queryset(request, queryset)

    # --- calling actions of the house ---------------------------------------------------------------------------

    def each(self, request: HttpRequest, rows: Iterable[M], do: Callable[[M, Actor], object]) -> int:
        """Calls an action of the house for each row and shows its refusals as sentences; returns how many went well."""
        actor, done = access.actor_of(request), 0
        for row in rows:
            try:
                do(row, actor)
                done += 1
            except (BadInput, IllegalTransition, access.NotAllowed) as problem:
                self.message_user(request, f"{row}: {problem}", messages.ERROR)
        return done


class ReadOnlyAdmin(HouseAdmin[M]):
    """History: looked at, searched, never written here."""

    kept = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is entered by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nothing is changed by hand."""
        return False

    def may_act(self, request: HttpRequest, obj: M, action: str) -> bool:
        """What the list offers, the page offers: permissions are asked per action."""
        return True


def changes_of(form: Any, *, values: bool) -> dict[str, Any]:
    """{"field": [old, new]} for what a form changed; secrets as the word "set", and field names alone unless `values`."""
    changed = [name for name in form.changed_data if name in form.cleaned_data]
    if not values:
        return {"fields": sorted(changed)} if changed else {}
    data: dict[str, Any] = {}
    for name in changed:
        if _is_secret(form, name):
            data[name] = "set"
        else:
            data[name] = [_plain(form.initial.get(name)), _plain(form.cleaned_data[name])]
    return data


def _is_secret(form: Any, name: str) -> bool:
    fields = {field.name: field for field in form._meta.model._meta.get_fields()} if hasattr(form, "_meta") else {}
    return isinstance(fields.get(name), SealedTextField) or "password" in name or "secret" in name


def _plain(value: Any) -> Any:
    """A value as JSON holds it; rows by their key and name, long text shortened."""
    if isinstance(value, models.Model):
        return f"{value.pk} {value}"[:_TEXT_AT_MOST]
    if isinstance(value, QuerySet | list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if value is None or isinstance(value, bool | int | float):
        return value
    return Truncator(str(value)).chars(_TEXT_AT_MOST)
