"""The managers' site: Django's own admin behind our sign-in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

#: The front page of the admin: section, its name, its models in order. What stands nowhere here follows at the end.
SECTIONS: tuple[tuple[str, Promise, tuple[str, ...]], ...] = (
    ("people", _("People"), ("User", "Team", "SkillGroup", "Skill")),
    ("organisation", _("Organisation"), ("Queue", "BusinessCalendar", "Site")),
    (
        "routing",
        _("Routing"),
        (
            "QueueRouting",
            "RoutingPlan",
            "DemandRule",
            "TeamRouting",
            "Shift",
            "AgentPresence",
            "NotReadyReason",
            "Disposition",
        ),
    ),
    (
        "routing-history",
        _("Routing: what happened"),
        (
            "WorkItem",
            "Offer",
            "Assignment",
            "Decision",
            "AgentStateInterval",
            "BreakRequest",
            "Callback",
            "WaitForecast",
            "PlanVersion",
        ),
    ),
    ("mail", _("Mail"), ("Mailbox", "RawMail", "OutgoingMail", "PortalMail")),
    (
        "tickets",
        _("Tickets"),
        ("Ticket", "Message", "TicketEvent", "StatusLabel", "IssueType", "Tag", "CannedResponse", "Macro", "SavedView"),
    ),
    ("customers", _("Customers"), ("Customer", "Organisation", "CustomField")),
    ("security", _("Security"), ("AuditEntry", "ApiToken")),
    ("jobs", _("Jobs"), ("OrmQ", "Failure")),
)
_SORTED = frozenset({"helpdesk", "routing", "django_q"})


class HelpdeskAdminSite(AdminSite):
    """Signs in through the house's own page, so that the second factor and the limits hold there too."""

    site_header = _("Helpdesk administration")
    site_title = _("Helpdesk")
    index_title = _("Manage")
    site_url = "/"
    enable_nav_sidebar = True

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Nobody signs in here: on to the one door, and back. Who is in but may not manage hears so (403)."""
        wanted = request.GET.get("next", "")
        own = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
        target = wanted if own else reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect(f"{reverse('account_login')}?{urlencode({'next': target})}")
        if not self.has_permission(request):
            raise PermissionDenied
        return redirect(target)

    def logout(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:  # type: ignore[override]
        """The same way out as everywhere, so that it is written down."""
        if request.method != "POST":
            return redirect("account_logout")
        from allauth.account.internal.flows.logout import logout  # this module is loaded before models are

        logout(request)
        return redirect("account_login")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The house's models by what they are about, instead of one long alphabet."""
        apps: list[Any] = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        known = {model["object_name"]: model for app in apps if app["app_label"] in _SORTED for model in app["models"]}
        sections = [
            {
                "name": name,
                "app_label": slug,
                "app_url": f"{reverse('admin:index')}#{slug}-{models[0].lower()}",
                "has_module_perms": True,
                "models": [known.pop(model) for model in models if model in known],
            }
            for slug, name, models in SECTIONS
        ]
        rest = [
            {**app, "models": left}
            for app in apps
            if (left := [m for m in app["models"] if app["app_label"] not in _SORTED or m["object_name"] in known])
        ]
        return [section for section in sections if section["models"]] + rest

    def password_change(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:  # type: ignore[override]
        """The one page for it, which writes it down and tells the person."""
        return redirect("account_change_password")


class HelpdeskAdminConfig(AdminConfig):
    """Puts our site in the place of the default one."""

    default_site = "helpdesk.admin_site.HelpdeskAdminSite"
