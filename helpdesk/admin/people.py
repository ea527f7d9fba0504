"""The staff: entered, given roles and teams, switched off, helped when a password or telephone is lost.

Everything that touches rights goes through helpdesk.actions.people, which keeps the ceiling and the audit book.
"""

from __future__ import annotations

import zoneinfo
from functools import lru_cache
from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from helpdesk import access
from helpdesk.actions import people
from helpdesk.admin.base import HouseAdmin, mark, when
from helpdesk.models import Actor, AgentSkill, Role, TeamMembership, User


@lru_cache(maxsize=1)
def zones() -> list[tuple[str, str]]:
    """The time zones people live in, as choices."""
    names = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


class PersonForm(forms.ModelForm[User]):
    """One of the staff. On the page that enters somebody a link to set the password can be mailed at once."""

    language = forms.ChoiceField(label=_("language of the pages"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("time zone"), choices=zones, initial=settings.TIME_ZONE)
    mail_link = forms.BooleanField(
        label=_("mail a link to set the password"),
        required=False,
        initial=True,
        help_text=_("Leave it out when the person signs in with the company account only."),
    )

    class Meta:
        model = User
        fields = ("name", "email", "role", "language", "time_zone")

    def clean_email(self) -> str:
        """Lower case, as sign-in compares."""
        return User.objects.normalize_email(self.cleaned_data["email"]).lower()


class MembershipFormSet(BaseInlineFormSet[TeamMembership, User, Any]):
    """The teams of a person or the people of a team; `actor` is set by the page."""

    actor: Actor

    def clean(self) -> None:
        """Refuses to move people the actor may not change."""
        super().clean()
        for form in self.forms:
            user = form.cleaned_data.get("user") if hasattr(form, "cleaned_data") and form.has_changed() else None
            if isinstance(user, User) and user.pk and not people.may_change(self.actor, user):
                raise ValidationError(_("Only an administrator may change the teams of %(name)s.") % {"name": user})


class MembershipInline(admin.TabularInline[TeamMembership, Any]):
    """Teams on the page of a person, people on the page of a team."""

    model = TeamMembership
    formset = MembershipFormSet
    extra = 0
    verbose_name = _("membership")
    verbose_name_plural = _("teams")

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        """Tells the formset who acts."""
        made: Any = super().get_formset(request, obj, **options)
        made.actor = access.actor_of(request)
        return made

    def get_queryset(self, request: HttpRequest) -> QuerySet[TeamMembership]:
        """With both names, in one query."""
        return super().get_queryset(request).select_related("team", "user")


class PersonTeams(MembershipInline):
    """Teams on the page of a person."""

    fk_name = "user"
    autocomplete_fields = ("team",)


class PersonSkills(admin.TabularInline[AgentSkill, User]):
    """What the person is able to do."""

    model = AgentSkill
    fk_name = "user"
    extra = 0
    autocomplete_fields = ("skill",)
    verbose_name_plural = _("skills")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentSkill]:
        """With the names."""
        return super().get_queryset(request).select_related("skill", "user")


def save_memberships(formset: Any, actor: Actor) -> None:
    """Saves inline memberships through the actions, so that each change is audited and heard at once."""
    formset.save(commit=False)
    for row in formset.deleted_objects:
        people.leave_team(user=row.user, team=row.team, actor=actor)
    for form in formset.initial_forms:
        if form.has_changed() and form not in formset.deleted_forms and form.instance.pk:
            before = TeamMembership.objects.select_related("user", "team").get(pk=form.instance.pk)
            row = form.instance
            if (before.user_id, before.team_id) != (row.user_id, row.team_id):
                people.leave_team(user=before.user, team=before.team, actor=actor)
            people.join_team(user=row.user, team=row.team, role=row.role, actor=actor)
    for row in formset.new_objects:
        people.join_team(user=row.user, team=row.team, role=row.role, actor=actor)


@admin.register(User)
class UserAdmin(HouseAdmin[User]):
    """The staff."""

    kept = True
    guarded = True
    form = PersonForm
    list_display = ("name", "email", "shown_role", "shown_teams", "shown_state", "second_factor", "seen")
    list_display_links = ("name", "email")
    list_filter = ("role", "is_active", "teams", "language")
    search_fields = ("name", "email")
    ordering = ("name", "pk")
    inlines = (PersonTeams, PersonSkills)
    readonly_fields = ("shown_state", "second_factor", "last_login", "created_at")
    actions = ("activate", "deactivate", "mail_password_link", "reset_second_factor")
    object_actions = ("activate", "deactivate", "mail_password_link", "reset_second_factor")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With teams and second factor, in two queries however many rows."""
        factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
        memberships = TeamMembership.objects.select_related("team").order_by("team__name")
        return (
            super()
            .get_queryset(request)
            .annotate(has_factor=Exists(factors))
            .prefetch_related(Prefetch("memberships", memberships))
        )

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """The mailed link belongs to the entering of somebody new, the state to those who are here."""
        about: tuple[str | None, dict[str, Any]] = (None, {"fields": ("name", "email", "role")})
        pages: tuple[Any, dict[str, Any]] = (_("Pages"), {"fields": ("language", "time_zone")})
        if obj is None:
            return (about, pages, (_("First sign-in"), {"fields": ("mail_link",)}))
        state = ("shown_state", "second_factor", "last_login", "created_at")
        return (about, pages, (_("Sign-in"), {"fields": state}))

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """No role above one's own is offered, and none is taken."""
        if db_field.name == "role":
            given = people.roles_to_give(access.actor_of(request))
            options["choices"] = [(role, Role(role).label) for role in given]
        return super().formfield_for_choice_field(db_field, request, **options)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """One's own role is changed by somebody else."""
        own = ("role",) if obj is not None and obj.pk == request.user.pk else ()
        return (*self.readonly_fields, *own)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A manager looks at administrators and changes nothing about them."""
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or people.may_change(access.actor_of(request), obj)

    def has_reset_permission(self, request: HttpRequest) -> bool:
        """Who may reset a second factor."""
        return isinstance(request.user, User) and request.user.role == Role.ADMIN

    def may_act(self, request: HttpRequest, obj: User, action: str) -> bool:
        """Each button where it makes sense."""
        if not self.has_change_permission(request, obj):
            return False
        fitting = {
            "activate": not obj.is_active,
            "deactivate": obj.is_active and obj.pk != request.user.pk,
            "mail_password_link": obj.is_active,
            "reset_second_factor": obj.pk != request.user.pk and bool(getattr(obj, "has_factor", True)),
        }
        return fitting.get(action, False)

    # --- saving through the actions -----------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Calls the actions; the page's own object takes over what they wrote."""
        actor, values = access.actor_of(request), form.cleaned_data
        profile = {key: values[key] for key in ("email", "name", "language", "time_zone") if key in values}
        if change:
            people.change_profile(user=obj, actor=actor, **profile)
            if "role" in form.changed_data:
                people.change_role(user=obj, role=values["role"], actor=actor)
        else:
            made = people.create_user(role=values["role"], actor=actor, **profile)
            obj.pk, obj._state.adding = made.pk, False
        obj.refresh_from_db()
        if not change and values.get("mail_link"):
            people.mail_password_link(user=obj, actor=actor)
            self.message_user(
                request, _("A link to set the password is on its way to %(email)s.") % {"email": obj.email}
            )

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Memberships through the actions, skills as they are."""
        if formset.model is TeamMembership:
            save_memberships(formset, access.actor_of(request))
        else:
            super().save_formset(request, form, formset, change)

    def audit_form(self, request: HttpRequest, form: Any, formsets: Any, *, change: bool) -> None:
        """The actions have written their own lines; skills remain."""
        skills = [f for f in formsets if f.model is AgentSkill and f.has_changed()]
        if skills:
            form.changed_data = []
            super().audit_form(request, form, skills, change=True)

    # --- columns ------------------------------------------------------------------------------------------------

    @admin.display(description=_("last sign-in"), ordering="last_login")
    def seen(self, obj: User) -> SafeString | str:
        """Short."""
        return when(obj.last_login)

    @admin.display(description=_("role"), ordering="role")
    def shown_role(self, obj: User) -> str:
        """In words."""
        return str(Role(obj.role).label)

    @admin.display(description=_("teams"))
    def shown_teams(self, obj: User) -> str:
        """Names, the lead marked."""
        names = [
            f"{m.team.name} ({m.get_role_display()})" if m.role == "lead" else m.team.name
            for m in obj.memberships.all()
        ]
        return ", ".join(names) or "-"

    @admin.display(description=_("state"), ordering="is_active")
    def shown_state(self, obj: User) -> SafeString:
        """Active or switched off."""
        return mark("ok", _("active")) if obj.is_active else mark("quiet", _("switched off"))

    @admin.display(description=_("second factor"))
    def second_factor(self, obj: User) -> SafeString:
        """Set up or missing."""
        if getattr(obj, "has_factor", False):
            return mark("ok", _("set up"))
        return mark("act" if settings.REQUIRE_MFA else "quiet", _("missing"))

    # --- actions ------------------------------------------------------------------------------------------------

    @admin.action(description=_("Switch on"), permissions=["change"])
    def activate(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        """Lets people in again."""
        done = self.each(request, rows, lambda user, actor: people.activate_user(user=user, actor=actor))
        if done:
            self.message_user(
                request,
                ngettext("%(n)s person may sign in again.", "%(n)s people may sign in again.", done) % {"n": done},
            )

    @admin.action(description=_("Switch off"), permissions=["change"])
    def deactivate(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        """Shuts every door of people who left, and says what they leave behind."""

        def leave(user: User, actor: Actor) -> None:
            owned = people.deactivate_user(user=user, actor=actor)
            self.message_user(
                request, _("%(name)s is switched off: signed out everywhere, API tokens revoked.") % {"name": user}
            )
            if owned:
                address = f"{reverse('admin:helpdesk_ticket_changelist')}?owner__id__exact={user.pk}"
                words = ngettext("%(n)s unfinished ticket", "%(n)s unfinished tickets", owned) % {"n": owned}
                left = format_html('{}: <a href="{}">{}</a>', user, address, words)
                self.message_user(request, left, messages.WARNING)

        self.each(request, rows, leave)

    @admin.action(description=_("Mail a link to set the password"), permissions=["change"])
    def mail_password_link(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        """For new people and forgotten passwords."""
        done = self.each(request, rows, lambda user, actor: people.mail_password_link(user=user, actor=actor))
        if done:
            self.message_user(
                request, ngettext("%(n)s link is on its way.", "%(n)s links are on their way.", done) % {"n": done}
            )

    @admin.action(description=_("Reset the second factor"), permissions=["reset"])
    def reset_second_factor(self, request: HttpRequest, rows: QuerySet[User]) -> None:
        """For somebody who lost the telephone."""
        done = self.each(request, rows, lambda user, actor: people.reset_second_factor(user=user, actor=actor))
        if done:
            words = ngettext(
                "%(n)s person sets up a new second factor at the next sign-in.",
                "%(n)s people set up a new second factor at the next sign-in.",
                done,
            )
            self.message_user(request, words % {"n": done})
