"""API tokens: issued with an end, shown once, revoked. Nothing of a token can be changed or read afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from helpdesk import access
from helpdesk.actions import BadInput, people
from helpdesk.actions.tokens import issue_token, revoke_token
from helpdesk.admin.base import HouseAdmin, mark
from helpdesk.models import Actor, ApiToken, Scope, User
from helpdesk.now import now

_LIFE_DAYS = ((30, _("30 days")), (90, _("90 days")), (365, _("a year")))


class TokenForm(forms.ModelForm[ApiToken]):
    """What a token may do, for whom and how long."""

    actor: Actor
    owner = forms.ModelChoiceField(
        label=_("owner"),
        queryset=User.objects.none(),
        help_text=_("The token may do what its owner may, narrowed by the scope, for as long as the owner is active."),
    )
    scope = forms.ChoiceField(label=_("may"), choices=Scope, widget=forms.RadioSelect, initial=Scope.READ)
    days = forms.TypedChoiceField(label=_("ends after"), choices=_LIFE_DAYS, coerce=int, initial=90)

    class Meta:
        model = ApiToken
        fields = ("owner", "name")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if "owner" in self.fields:
            field: Any = self.fields["owner"]
            field.queryset = User.objects.filter(is_active=True, role__in=people.roles_to_give(self.actor))
        if "name" in self.fields:
            self.fields["name"].help_text = _("Say what uses it, such as “web shop”.")

    def clean(self) -> dict[str, Any]:
        """Issues on save; refusals of the action come as errors of the form."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not str(values.get("name", "")).strip():
            self.add_error("name", _("Give the token a name that says what uses it."))
        return values


@admin.register(ApiToken)
class ApiTokenAdmin(HouseAdmin[ApiToken]):
    """API tokens."""

    kept = True
    guarded = True
    form = TokenForm
    list_display = ("name", "shown_hint", "owner", "shown_scopes", "shown_state", "expires_at", "last_used_at")
    list_filter = ("expires_at", "revoked_at", ("owner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("name", "=hint", "owner__name", "owner__email")
    ordering = ("-created_at",)
    actions = ("revoke",)
    object_actions = ("revoke",)
    readonly_fields = (
        "shown_hint",
        "shown_scopes",
        "shown_state",
        "expires_at",
        "last_used_at",
        "created_at",
        "revoked_at",
    )

    def get_form(self, request: HttpRequest, obj: ApiToken | None = None, change: bool = False, **options: Any) -> Any:
        """Tells the form who issues."""
        made: Any = super().get_form(request, obj, change=change, **options)
        made.actor = access.actor_of(request)
        return made

    def get_fieldsets(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        """Few fields to issue one, all that is known of one that was."""
        if obj is None:
            return ((None, {"fields": ("name", "owner", "scope", "days")}),)
        return ((None, {"fields": ("name", "owner", *self.readonly_fields)}),)

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """One token is looked at and revoked; nothing about it is edited."""
        return obj is None and super().has_change_permission(request, obj)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may revoke."""
        return request.user.has_perm("helpdesk.change_apitoken")

    def may_act(self, request: HttpRequest, obj: ApiToken, action: str) -> bool:
        """A token is revoked once."""
        return obj.revoked_at is None and self.has_revoke_permission(request)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """Issues the token through the action and shows its secret, this once."""
        values = form.cleaned_data
        try:
            token, secret = issue_token(
                owner=values["owner"],
                name=values["name"],
                scopes=[values["scope"]],
                expires_at=now() + timedelta(days=values["days"]),
                actor=access.actor_of(request),
            )
        except BadInput as problem:
            raise access.NotAllowed(str(problem)) from problem
        obj.pk, obj._state.adding = token.pk, False
        obj.refresh_from_db()
        words = _("Copy the token now; nobody can read it again.")
        messages.warning(request, format_html('{} <code class="secret ltr">{}</code>', words, secret))

    def audit_form(self, request: HttpRequest, form: Any, formsets: Any, *, change: bool) -> None:
        """The action has written its line."""

    @admin.display(description=_("begins with"))
    def shown_hint(self, obj: ApiToken) -> str:
        """Enough to tell tokens apart."""
        return f"{obj.hint}…"

    @admin.display(description=_("may"))
    def shown_scopes(self, obj: ApiToken) -> str:
        """In words."""
        return ", ".join(str(Scope(scope).label) for scope in obj.scopes if scope in Scope.values)

    @admin.display(description=_("state"))
    def shown_state(self, obj: ApiToken) -> SafeString:
        """One word with a shape."""
        if obj.revoked_at is not None:
            return mark("quiet", _("revoked"))
        if obj.expires_at <= now():
            return mark("quiet", _("expired"))
        return mark("ok", _("live")) if obj.owner.is_active else mark("quiet", _("owner switched off"))

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiToken]) -> None:
        """Ends tokens at once."""
        live = rows.filter(revoked_at__isnull=True).select_related("owner")
        done = self.each(request, live, lambda token, actor: revoke_token(token=token, actor=actor))
        if done:
            self.message_user(
                request, ngettext("%(n)s token was revoked.", "%(n)s tokens were revoked.", done) % {"n": done}
            )
