"""The managers' site: Django's own admin behind our sign-in."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class HelpdeskAdminSite(AdminSite):
    """Signs in through the house's own page, so that the second factor and the limits hold there too."""

    site_header = _("Helpdesk administration")
    site_title = _("Helpdesk")
    index_title = _("Manage")
    site_url = "/"
    enable_nav_sidebar = True

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Nobody signs in here: on to the one door, and back."""
        return redirect(f"{reverse('account_login')}?next={request.get_full_path()}")


class HelpdeskAdminConfig(AdminConfig):
    """Puts our site in the place of the default one."""

    default_site = "helpdesk.admin_site.HelpdeskAdminSite"
